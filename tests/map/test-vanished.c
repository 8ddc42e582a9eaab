/* Peers that are gone without a word, as after a power cut: in a network of this test's own, whose
 * one interface is taken down, so that nothing arrives any more, not even an end. */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "asker.h"
#include "raw.h"

static gboolean run(const char *line)
{
	return g_spawn_command_line_sync(line, NULL, NULL, NULL, NULL);
}

/* A session whose poll hangs. */
static struct raw *poll_in_session(const struct server *server, const char *client)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	struct raw *raw = raw_open(server, NULL);
	CURL *curl = server_curl(server, client, answer);
	g_autofree char *id = server_begin(curl, answer);
	g_autofree char *operation = g_strdup_printf("<ifmap:poll session-id=\"%s\"/>", id);
	g_autofree char *body = server_envelope(operation);
	g_autofree char *request = raw_request(client, "", body);

	g_assert_nonnull(id);
	raw_send(raw, request, -1);
	server_settle(server);
	curl_easy_cleanup(curl);
	return raw;
}

/* Both are noticed: the poll, on which nothing travels, and the stream with its comments. */
static void test_vanished(void)
{
	struct server *server;
	struct listener stream;
	struct raw *poll;
	size_t seen = 0;

	if (unshare(CLONE_NEWNET) != 0) {
		g_test_skip_printf("no network of its own: %s", g_strerror(errno));
		return;
	}
	g_assert_true(run("ip link set lo up"));
	server = server_new("[limits]\nkeep-alive=1\nsession-timeout=1\n");
	poll = poll_in_session(server, "A");
	listener_init(&stream, server, "B", "v1/stream?start=device:w");
	listener_wait_event(&stream, "search", 1);
	g_assert_true(run("ip link set lo down"));
	server_wait_log(server, "session ended", &seen);
	server_wait_log(server, "session ended", &seen);
	listener_clear(&stream);
	raw_close(poll);
	server_free(server);
}

int main(int argc, char **argv)
{
	g_setenv("G_MESSAGES_DEBUG", "all",
		TRUE); /* the server's: ends of sessions are looked for */
	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	g_test_add_func("/map/vanished/poll and stream", test_vanished);
	return g_test_run();
}
