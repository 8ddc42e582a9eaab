/* drover-hook: libvirt's qemu hook (/etc/libvirt/hooks/qemu). Asks the host agent whether a domain
 * may start or arrive here, and lets libvirt refuse with the agent's own words. It never calls
 * libvirt, which would hang.
 *
 * When the agent does not answer, the last known claims on disk decide: a machine that a vApp
 * claims is refused (fail closed), any other is let through unless hostd.conf says `admit_when_down
 * = none`.
 */
#include "host/book.h"
#include "host/domxml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/run/drover/gate.sock"
#define BOOK_PATH   "/var/lib/drover/book.json"
#define CONF_PATH   "/etc/drover/hostd.conf"
#define XML_MAX     (4u * 1024 * 1024)
#define ANSWER_MAX  65536
#define TIMEOUT_S   10

static const char *const guarded[] = { "prepare", "start", "migrate", "restore", NULL };

static char *read_all(int fd, size_t max)
{
	g_autoptr(GString) text = g_string_new(NULL);
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || text->len + (size_t)n > max)
			return NULL;
		g_string_append_len(text, chunk, n);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = send(fd, text, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return FALSE;
		text += n;
		left -= (size_t)n;
	}
	return TRUE;
}

static int connect_gate(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET_PATH };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The agent's answer, or NULL when there is none. */
static char *ask_agent(const char *operation, const char *name, const char *xml)
{
	g_autofree char *question = g_strdup_printf("GATE/1 %s %s\n%s", operation, name, xml);
	char *answer = NULL;
	int fd = connect_gate();

	if (fd < 0)
		return NULL;
	if (write_all(fd, question) && shutdown(fd, SHUT_WR) == 0)
		answer = read_all(fd, ANSWER_MAX);
	close(fd);
	if (answer && !g_str_has_prefix(answer, "allow\n") && !g_str_has_prefix(answer, "refuse "))
		g_clear_pointer(&answer, g_free);
	return answer;
}

static gboolean admits_unclaimed(void)
{
	g_autoptr(GKeyFile) conf = g_key_file_new();
	g_autofree char *value = NULL;

	if (!g_key_file_load_from_file(conf, CONF_PATH, G_KEY_FILE_NONE, NULL))
		return TRUE;
	value = g_key_file_get_string(conf, "gate", "admit_when_down", NULL);
	return !value || strcmp(value, "none") != 0;
}

/* 0 to let it through, 1 after having said why not. */
static int judge_alone(const char *name, const char *xml)
{
	g_autoptr(domxml) domain = domxml_read(xml, NULL);
	g_autofree const char **macs = domain ? domxml_macs(domain) : NULL;

	if (domain && domain->uuid && !domain->claims &&
		!book_file_claims(BOOK_PATH, domain->uuid, macs) && admits_unclaimed())
		return 0;
	fprintf(stderr,
		"drover: AGENT_ABSENT: the host agent does not answer, so %s cannot be protected here; start drover-hostd\n",
		name);
	return 1;
}

int main(int argc, char **argv)
{
	g_autofree char *xml = NULL;
	g_autofree char *answer = NULL;
	const char *code;
	const char *text;

	if (argc < 3) {
		fprintf(stderr,
			"usage: %s DOMAIN OPERATION [SUB-OPERATION [EXTRA]]  (called by libvirt, domain XML on standard input)\n",
			argv[0]);
		return 2;
	}
	if (!g_strv_contains(guarded, argv[2]))
		return 0;
	xml = read_all(STDIN_FILENO, XML_MAX);
	if (!xml) {
		fprintf(stderr,
			"drover: BAD_DOMAIN: the XML of %s cannot be read or is larger than 4 MiB\n",
			argv[1]);
		return 1;
	}
	answer = ask_agent(argv[2], argv[1], xml);
	if (!answer)
		return judge_alone(argv[1], xml);
	if (g_str_has_prefix(answer, "allow\n"))
		return 0;
	code = answer + strlen("refuse ");
	text = strchr(code, '\n');
	fprintf(stderr, "drover: %.*s: %s\n", (int)(text ? text - code : (ptrdiff_t)strlen(code)),
		code, text ? text + 1 : "");
	return 1;
}
