/* Every key of [limits]: what a client is told that goes beyond it. A key without a row here fails,
 * so that no limit goes untested. */
#include <string.h>

#include "map/limit.h"
#include "server.h"

#define DEVICE(name)     "<device><name>" name "</name></device>"
#define NOTE(name, text) "<x:" name " ifmap-cardinality=\"multiValue\">" text "</x:" name ">"
#define UPDATE(place, meta) \
	"<update lifetime=\"forever\">" place "<metadata>" meta "</metadata></update>"
#define PUBLISH(inside)  "<ifmap:publish session-id=\"{s}\">" inside "</ifmap:publish>"
#define SEARCH(with, id) "<ifmap:search session-id=\"{s}\" " with ">" id "</ifmap:search>"
/* A text that is longer than 1,000 bytes, and one that is longer than 100,000. */
#define LONG             "{1100}"
#define LARGE            "{60000}"

static const struct row {
	const char *key;
	const char *value; /* to configure; NULL: tested elsewhere, see `expect` */
	const char *first; /* operation that must be taken; NULL: none */
	const char *then;  /* and the one that goes beyond */
	long status;
	const char *expect;  /* in its answer */
	const char *without; /* not in it; NULL: nothing */
} rows[] = {
	{ "body", "1000", NULL, "<ifmap:newSession x=\"" LONG "\"/>", 413, "too large", NULL },
	{ "identifier", "1000", NULL, SEARCH("", DEVICE(LONG)), 200, "IdentifierTooLong", NULL },
	{ "metadata", "1000", NULL, PUBLISH(UPDATE(DEVICE("d"), NOTE("m", LONG))), 200,
		"MetadataTooLong", NULL },
	{ "operations", "1", PUBLISH(UPDATE(DEVICE("d"), NOTE("m", ""))),
		PUBLISH(UPDATE(DEVICE("d"), NOTE("m", "")) UPDATE(DEVICE("d"), NOTE("n", ""))), 200,
		"errorCode=\"Failure\"", NULL },
	{ "search-depth", "1",
		PUBLISH(UPDATE(DEVICE("a") DEVICE("b"), NOTE("m", ""))
				UPDATE(DEVICE("b") DEVICE("farther"), NOTE("m", ""))),
		SEARCH("max-depth=\"5\"", DEVICE("a")), 200, "<name>b</name>", "farther" },
	{ "search-size-default", "100000",
		PUBLISH(UPDATE(DEVICE("d"), NOTE("m", LARGE))
				UPDATE(DEVICE("d"), NOTE("n", LARGE))),
		SEARCH("", DEVICE("d")), 200, "SearchResultsTooBig", NULL },
	{ "search-size", "100000",
		PUBLISH(UPDATE(DEVICE("d"), NOTE("m", LARGE))
				UPDATE(DEVICE("d"), NOTE("n", LARGE))),
		SEARCH("max-size=\"1000000\"", DEVICE("d")), 200, "SearchResultsTooBig", NULL },
	{ "poll-size", "5000000", NULL, "<ifmap:newSession max-poll-result-size=\"6000000\"/>", 200,
		"max-poll-result-size=\"5000000\"", NULL },
	{ "subscription-name", "20", NULL,
		"<ifmap:subscribe session-id=\"{s}\"><update name=\"123456789012345678901\">" DEVICE(
			"d") "</update></ifmap:subscribe>",
		200, "errorCode=\"Failure\"", NULL },
	{ "types", "23", PUBLISH(UPDATE(DEVICE("t"), NOTE("a", ""))),
		PUBLISH(UPDATE(DEVICE("t"), NOTE("b", ""))), 200, "errorCode=\"", NULL },
	{ "poll-size-default", .expect = "conformance (subscribe/C121 ...), map/property" },
	{ "connections", .expect = "conformance deaths/500 of them, and not so many places" },
	{ "client-connections", .expect = "map/face (too many connections)" },
	{ "session-timeout", .expect = "conformance timers, map/vanished" },
	{ "handshake-timeout", .expect = "map/hostile (slow peers)" },
	{ "keep-alive", .expect = "map/stream (signs of life), map/vanished" },
	{ "sessions", .expect = "map/authorization (several sessions ...)" },
	{ "subscriptions", .expect = "map/authorization (quota of subscriptions)" },
	{ "stored", .expect = "map/authorization (quota of ...)" },
	{ "forever", .expect = "map/authorization (quota of ...)" },
	{ "pending", .expect = "map/authorization (quota of results that nobody fetches)" },
	{ "requests", .expect = "map/authorization (requests a second), map/face (throttled)" },
	{ "search-cost", .expect = "map/authorization (search cost)" },
};

/* With the session's id for {s}, and so many letters for {1100}. */
static char *fill(const char *operation, const char *session)
{
	static const unsigned sizes[] = { 1100, 60000 };
	g_autoptr(GString) text = g_string_new(operation);

	g_string_replace(text, "{s}", session, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *name = g_strdup_printf("{%u}", sizes[i]);
		g_autofree char *letters = g_strnfill(sizes[i], 'n');
		g_string_replace(text, name, letters, 0);
	}
	return server_envelope(text->str);
}

static void test_limit(gconstpointer data)
{
	const struct row *row = data;
	g_autofree char *conf = g_strdup_printf("[limits]\n%s=%s\n", row->key, row->value);
	struct server *server = server_new(conf);
	g_autoptr(GString) answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "A", answer);
	g_autofree char *session = server_begin(curl, answer);
	g_autofree char *first = row->first ? fill(row->first, session) : NULL;
	g_autofree char *then = fill(row->then, session);

	if (first) {
		g_assert_cmpint(server_post(curl, first, -1, answer), ==, 200);
		g_assert_nonnull(strstr(answer->str, "publishReceived"));
	}
	g_assert_cmpint(server_post(curl, then, -1, answer), ==, row->status);
	g_test_message("%.600s", answer->str);
	g_assert_nonnull(strstr(answer->str, row->expect));
	g_assert_true(!row->without || !strstr(answer->str, row->without));
	/* What is within it goes on. */
	g_autofree char *renewal = fill("<ifmap:newSession/>", "");
	g_assert_cmpint(server_post(curl, renewal, -1, answer), ==, 200);
	g_assert_nonnull(strstr(answer->str, "newSessionResult"));
	curl_easy_cleanup(curl);
	server_free(server);
}

/* As limit.h has them. */
#define KEY_OF_LIMIT(type, member, key, ...) #key,
#define KEY_OF_QUOTA(member, key, ...)       #key,
static const char *const keys[] = { MAP_LIMITS(KEY_OF_LIMIT) MAP_QUOTAS(KEY_OF_QUOTA) };

static void test_each_has_a_row(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
		size_t at = 0;
		while (at < G_N_ELEMENTS(rows) && !g_str_equal(rows[at].key, keys[i]))
			at++;
		if (at < G_N_ELEMENTS(rows))
			continue;
		g_test_message("[limits] %s has no row here", keys[i]);
		g_test_fail();
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	g_test_add_func("/map/limits/each has a row", test_each_has_a_row);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strconcat("/map/limits/", rows[i].key, NULL);
		if (rows[i].value)
			g_test_add_data_func(path, &rows[i], test_limit);
	}
	return g_test_run();
}
