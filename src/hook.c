/* drover-hook: libvirt's qemu hook (/etc/libvirt/hooks/qemu). Asks the host agent whether a domain
 * may start or arrive here, and lets libvirt refuse with the agent's own words. It never calls
 * libvirt, which would hang.
 *
 * libvirt runs it several times per start, stop and migration, and a migration stands still for it:
 * so nothing but libc is linked here, and what no check guards returns before anything is read.
 * When the agent does not answer, drover-gate beside this program judges from the last known
 * claims.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/run/drover/gate.sock"
#define XML_MAX     (4UL * 1024 * 1024)
#define ANSWER_MAX  (XML_MAX + 65536)
#define TIMEOUT_S   10
#define GATE        "drover-gate"

static const char *const guarded[] = { "prepare", "start", "migrate", "restore" };

/* Everything up to the end, NUL-terminated, or NULL when it is too long or cannot be read. */
static char *read_all(int fd, size_t max, size_t *ret_size)
{
	char *text = malloc(max + 1);
	size_t size = 0;
	ssize_t n = 1;

	while (text && n != 0 && size < max) {
		n = read(fd, text + size, max - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		size += (size_t)n;
	}
	if (!text || n != 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	*ret_size = size;
	return text;
}

static bool write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		size -= (size_t)n;
	}
	return true;
}

static int connect_gate(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool is_answer(const char *text)
{
	return strncmp(text, "allow\n", 6) == 0 || strncmp(text, "refuse ", 7) == 0;
}

/* The agent's answer, or NULL when there is none; owned by the caller. */
static char *ask_agent(const char *operation, const char *name, const char *xml, size_t xml_size)
{
	char head[512];
	int head_size = snprintf(head, sizeof(head), "GATE/1 %s %.255s\n", operation, name);
	char *answer = NULL;
	size_t size;
	int fd = connect_gate();

	if (fd < 0)
		return NULL;
	if (write_all(fd, head, (size_t)head_size) && write_all(fd, xml, xml_size) &&
		shutdown(fd, SHUT_WR) == 0)
		answer = read_all(fd, ANSWER_MAX, &size);
	close(fd);
	if (answer && is_answer(answer))
		return answer;
	free(answer);
	return NULL;
}

static int refuse(const char *name, const char *why)
{
	fprintf(stderr, "drover: AGENT_ABSENT: the host agent does not answer and %s: %s\n", why,
		name);
	return 1;
}

/* Puts the XML back onto standard input and lets drover-gate judge. Returns only when that cannot
 * be: then nobody can tell whether the machine needs protection, and it is refused. */
static int hand_over(char **argv, const char *xml, size_t xml_size)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(GATE));
	int fd = memfd_create("domain", 0);
	char *slash;

	if (n <= 0 || fd < 0 || write(fd, xml, xml_size) != (ssize_t)xml_size ||
		lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, STDIN_FILENO) < 0)
		return refuse(argv[1], "this machine cannot be judged without it");
	path[n] = '\0';
	slash = strrchr(path, '/');
	memcpy(slash ? slash + 1 : path, GATE, sizeof(GATE));
	argv[0] = path;
	execv(path, argv);
	return refuse(argv[1], "drover-gate, which would judge in its place, cannot run");
}

static bool is_guarded(const char *operation)
{
	for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
		if (strcmp(guarded[i], operation) == 0)
			return true;
	return false;
}

/* 0 for allowed, with what the agent wants libvirt to read; says the refusal as "drover: CODE:
 * sentence". */
static int tell(const char *answer)
{
	const char *code = answer + strlen("refuse ");
	const char *text = strchr(code, '\n');

	if (strncmp(answer, "allow\n", 6) == 0)
		return fputs(answer + 6, stdout) < 0 || fflush(stdout) != 0;
	fprintf(stderr, "drover: %.*s: %s\n", (int)(text ? (size_t)(text - code) : strlen(code)),
		code, text ? text + 1 : "");
	return 1;
}

int main(int argc, char **argv)
{
	char *xml;
	size_t xml_size;
	char *answer;
	int code;

	if (argc < 3) {
		fprintf(stderr,
			"usage: %s DOMAIN OPERATION [SUB-OPERATION [EXTRA]]  (called by libvirt, "
			"domain XML on standard input)\n",
			argv[0]);
		return 2;
	}
	if (!is_guarded(argv[2]))
		return 0;
	xml = read_all(STDIN_FILENO, XML_MAX, &xml_size);
	if (!xml) {
		fprintf(stderr,
			"drover: BAD_DOMAIN: the XML of %s cannot be read or is larger than 4 MiB\n",
			argv[1]);
		return 1;
	}
	answer = ask_agent(argv[2], argv[1], xml, xml_size);
	code = answer ? tell(answer) : hand_over(argv, xml, xml_size);
	free(answer);
	free(xml);
	return code;
}
