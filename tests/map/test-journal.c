/* What a server tells the journal: in a mount namespace of this test's own /run/systemd/journal is
 * two sockets, on which the real server, confined as ever, speaks the journal's native protocol. */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define FOLDER     "/run/systemd/journal"
#define PATIENCE_S 20

/* ---- the journal */

static int bind_to(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	g_assert_cmpint(
		bind(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), ==, 0);
	return fd;
}

/* As a service's standard error: connected to the journal's socket for lines. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	g_assert_cmpint(
		connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)), ==,
		0);
	return fd;
}

static gboolean make_run(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	       mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, NULL) == 0 &&
	       g_mkdir_with_parents(FOLDER, 0755) == 0;
}

/* The value of a field in an entry that begins with a line end; newly allocated. */
static char *field(const char *entry, const char *name)
{
	g_autofree char *key = g_strdup_printf("\n%s=", name);
	const char *found = strstr(entry, key);

	return found ? g_strndup(found + strlen(key), strcspn(found + strlen(key), "\n")) : NULL;
}

/* The next entry about a client; NULL when none is there (`flags` MSG_DONTWAIT), or came. */
static char *next_event(int journal, int flags)
{
	char buffer[8192] = "\n";
	ssize_t size;

	while ((size = recv(journal, buffer + 1, sizeof(buffer) - 2, flags)) > 0) {
		buffer[1 + size] = 0;
		g_test_message("%s", buffer);
		if (strstr(buffer, "\nDROVER_EVENT="))
			return g_strdup(buffer);
	}
	return NULL;
}

static void assert_field(const char *entry, const char *name, const char *value)
{
	g_autofree char *found = field(entry, name);

	g_assert_cmpstr(found, ==, value);
}

/* The next event is this one, with everything that the manual says it has. */
static void expect_event(int journal, const char *event, const char *client, const char *detail)
{
	g_autofree char *entry = next_event(journal, 0);

	g_assert_nonnull(entry);
	g_autofree char *id = field(entry, "MESSAGE_ID");
	g_autofree char *message = field(entry, "MESSAGE");
	g_autofree char *told = field(entry, "DROVER_DETAIL");
	assert_field(entry, "DROVER_EVENT", event);
	assert_field(entry, "DROVER_CLIENT", client);
	assert_field(entry, "GLIB_DOMAIN", "drover");
	assert_field(entry, "PRIORITY", "5");
	g_assert_nonnull(told);
	g_assert_true(!detail || strstr(told, detail));
	g_assert_true(id && strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32);
	g_assert_true(message && g_str_has_prefix(message, client));
}

/* ---- what happens */

static long post(const struct server *server, const char *client, const char *operation)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	CURL *curl = server_curl(server, client, answer);
	g_autofree char *body = server_envelope(operation);
	long status = server_post(curl, body, -1, answer);

	curl_easy_cleanup(curl);
	return status;
}

/* Of those that are there. */
static unsigned count_events(int journal, const char *event)
{
	unsigned n = 0;

	for (char *entry; (entry = next_event(journal, MSG_DONTWAIT)); g_free(entry)) {
		g_autofree char *found = field(entry, "DROVER_EVENT");
		n += g_str_equal(found, event);
	}
	return n;
}

static void test_events(int journal, const struct server *server)
{
	unsigned n = 0;

	g_assert_cmpint(post(server, "A", "<ifmap:newSession/>"), ==, 200);
	expect_event(journal, "session-begun", "A", "A-");
	g_assert_cmpint(post(server, "A", "<ifmap:newSession/>"), ==, 200);
	expect_event(journal, "session-replaced", "A", NULL);
	expect_event(journal, "session-ended", "A", "replaced by newSession");
	expect_event(journal, "session-begun", "A", "A-");
	g_assert_cmpint(post(server, "B", "<ifmap:renewSession session-id=\"x\"/>"), ==, 200);
	expect_event(journal, "refused", "B", "no such session");
	/* Who floods does not flood the journal with that. */
	for (int i = 0; i < 60; i++) {
		g_assert_cmpint(post(server, "F", "<ifmap:newSession/>"), ==, 200);
		server_settle(server);
		n += count_events(journal, "throttled");
	}
	g_assert_cmpuint(n, ==, 1);
}

static void test_journal(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	int journal, listener, log;
	struct server *server;

	if (!make_run()) {
		g_test_skip_printf("no mounts of its own: %s", g_strerror(errno));
		return;
	}
	journal = bind_to(FOLDER "/socket", SOCK_DGRAM);
	(void)setsockopt(journal, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	listener = bind_to(FOLDER "/stdout", SOCK_STREAM);
	g_assert_cmpint(listen(listener, 1), ==, 0);
	log = connect_to(FOLDER "/stdout");
	server = server_new_with_log("[limits]\nrequests=2\n", log);
	test_events(journal, server);
	server_free(server);
	close(log);
	close(listener);
	close(journal);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	g_test_add_func("/map/journal/fields", test_journal);
	return g_test_run();
}
