/* Streams of the JSON face: server-sent events of a subscription, as long as both are there. */
#include "asker.h"

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

static struct server *server;

static void test_stream(void)
{
	struct listener b;
	struct asker a;

	asker_init(&a, server, "A");
	listener_init(&b, server, "B", "v1/stream?start=device:w");
	listener_wait_event(&b, "search", 1);
	for (unsigned i = 1; i <= 3; i++) {
		g_assert_cmpint(asker_ask(&a, "v1/publish",
					UPDATE("\"identifier\":\"device:w\"", NOTE("n", ""))),
			==, 200);
		listener_wait_event(&b, "update", i);
	}
	g_assert_cmpint(
		asker_ask(&a, "v1/publish",
			"{\"operations\":[{\"operation\":\"notify\",\"identifier\":\"device:w\","
			"\"metadata\":[" NOTE("n",
				"") "]},"
				    "{\"operation\":\"delete\",\"identifier\":\"device:w\"}]}"),
		==, 200);
	listener_wait_event(&b, "notify", 1);
	listener_wait_event(&b, "delete", 1);
	g_assert_true(g_str_has_prefix(b.text->str, "retry: "));
	listener_clear(&b);
	asker_clear(&a);
}

/* Whether the first thing that came is an event, not a problem. */
static gboolean was_taken(struct listener *listener)
{
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;

	while (listener_count(listener, "event: ") == 0) {
		if (listener_count(listener, "\"title\"") > 0)
			return FALSE;
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
		g_usleep(5000);
	}
	return TRUE;
}

/* The place of a stream that hung up is free again, once the server has noticed; that of one that
 * stands is not. */
static void test_stream_ends(void)
{
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
	unsigned n_taken = 0;

	while (n_taken < 6) {
		struct listener b;
		struct asker again;

		listener_init(&b, server, "B", "v1/stream?start=device:w");
		if (was_taken(&b)) {
			n_taken++;
			asker_init(&again, server, "B");
			asker_expect_problem(
				&again, "v1/stream?start=device:w", NULL, 403, "AccessDenied");
			asker_clear(&again);
		}
		listener_clear(&b);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
}

/* Silence is broken by comments, and what comes after them is whole; a stream that has nothing to
 * say for longer than an answer may be left unread goes on all the same. */
static void test_signs_of_life(void)
{
	struct server *calm = server;
	struct listener b;
	struct asker a;

	server = server_new("[limits]\nkeep-alive=3\nhandshake-timeout=1\n");
	asker_init(&a, server, "A");
	listener_init(&b, server, "B", "v1/stream?start=device:w");
	listener_wait_event(&b, "search", 1);
	for (unsigned i = 1; i <= 2; i++) {
		listener_wait(&b, "\n\n:\n\n", i);
		g_assert_cmpint(asker_ask(&a, "v1/publish",
					UPDATE("\"identifier\":\"device:w\"", NOTE("n", ""))),
			==, 200);
		listener_wait_event(&b, "update", i);
	}
	listener_clear(&b);
	asker_clear(&a);
	server_free(server);
	server = calm;
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	server = server_new(NULL);
	g_test_add_func("/map/stream/events", test_stream);
	g_test_add_func("/map/stream/its end", test_stream_ends);
	g_test_add_func("/map/stream/signs of life", test_signs_of_life);
	status = g_test_run();
	server_free(server);
	return status;
}
