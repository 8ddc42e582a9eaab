/* Single probes. Each runs in a child, so it may block until its deadline. Words: ID VERB, then as
 * each comment says. */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uint16_t port_of(const char *word)
{
	return (uint16_t)strtoul(word, NULL, 10);
}

static int ms_of(const char *word)
{
	return (int)strtol(word, NULL, 10);
}

static void finish(FILE *answer, bool ok, int64_t begin)
{
	int error = errno;
	json_result(answer, ok, error);
	fprintf(answer, ",\"ms\":%.1f", (double)(now_us() - begin) / 1000);
}

/* tcp IP PORT MS: can a connection be made? */
void probe_tcp(const struct request *request, FILE *answer)
{
	int64_t begin = now_us();
	int fd = net_connect(
		request->words[2], port_of(request->words[3]), ms_of(request->words[4]));
	finish(answer, fd >= 0, begin);
	if (fd >= 0)
		close(fd);
}

/* udp IP PORT MS: does a datagram come back? */
void probe_udp(const struct request *request, FILE *answer)
{
	int64_t begin = now_us();
	char data[64] = "drover";
	int fd = net_datagram(request->words[2], port_of(request->words[3]));
	bool ok = fd >= 0 && send(fd, data, 6, MSG_NOSIGNAL) == 6 &&
		  net_wait(fd, POLLIN, ms_of(request->words[4])) &&
		  recv(fd, data, sizeof data, 0) == 6;
	finish(answer, ok, begin);
}

static uint16_t checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* An echo request and the reply to it have the same layout in both families; type numbers differ.
 */
static bool await_reply(int fd, bool v6, uint16_t mark, int64_t deadline)
{
	uint8_t data[1500];
	for (;;) {
		int64_t left = (deadline - now_us()) / 1000;
		if (!net_wait(fd, POLLIN, left > 0 ? (int)left : 0))
			return false;
		ssize_t n = recv(fd, data, sizeof data, 0);
		size_t at = v6 || n < 1 ? 0
					: (size_t)(data[0] & 15) *
						  4; /* raw IPv4 sockets show the IP header */
		if (n < 0)
			return false;
		bool reply = (size_t)n >= at + 8 &&
			     data[at] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
		if (reply && (data[at + 4] << 8 | data[at + 5]) == mark)
			return true;
	}
}

/* ping IP MS */
void probe_ping(const struct request *request, FILE *answer)
{
	int64_t begin = now_us();
	bool v6 = strchr(request->words[2], ':') != NULL;
	uint16_t mark = (uint16_t)getpid();
	uint8_t echo[16] = { v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, (uint8_t)(mark >> 8),
		(uint8_t)mark, 0, 1 };
	uint16_t sum = checksum(echo, sizeof echo);
	if (!v6) { /* the kernel fills in ICMPv6's */
		echo[2] = (uint8_t)(sum >> 8);
		echo[3] = (uint8_t)sum;
	}
	int fd = net_datagram(request->words[2], 0);
	bool ok = fd >= 0 && send(fd, echo, sizeof echo, MSG_NOSIGNAL) == sizeof echo &&
		  await_reply(fd, v6, mark, begin + ms_of(request->words[3]) * 1000LL);
	finish(answer, ok, begin);
}

/* get IP PORT PATH MS */
void probe_get(const struct request *request, FILE *answer)
{
	int64_t begin = now_us();
	char body[512];
	long n = net_fetch(request->words[2], port_of(request->words[3]), request->words[4],
		ms_of(request->words[5]), body, sizeof body);
	finish(answer, n >= 0, begin);
	if (n >= 0) {
		fputs(",\"body\":", answer);
		json_string(answer, body, strlen(body));
	}
}

/* run WORD...: a shell command inside the guest; its output is cut to what an answer holds. */
void probe_run(const struct request *request, FILE *answer)
{
	char *command = NULL;
	size_t size = 0;
	FILE *words = open_memstream(&command, &size);
	for (unsigned i = 2; words && i < request->n_words; i++)
		fprintf(words, "%s ", request->words[i]);
	if (words == NULL || fclose(words) != 0)
		abort();
	FILE *pipe = popen(command, "r");
	free(command);
	char output[600];
	size_t n = pipe ? fread(output, 1, sizeof output, pipe) : 0;
	while (pipe && fgetc(pipe) != EOF)
		;
	int status = pipe ? pclose(pipe) : -1;
	fprintf(answer, ",\"ok\":%s,\"status\":%d,\"output\":", status == 0 ? "true" : "false",
		status);
	json_string(answer, output, n);
}
