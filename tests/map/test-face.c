/* The JSON face of a real server, over HTTPS: what it answers, and that it allows no more than
 * SOAP. */
#include <glib/gstdio.h>
#include <string.h>

#include "asker.h"
#include "contract.h"

static struct server *server;

/* ---- search, publish ---- */

static void test_publish_and_search(void)
{
	struct asker a, b;
	json_t *json, *item, *meta;

	asker_init(&a, server, "A");
	asker_init(&b, server, "B");
	g_assert_cmpint(asker_ask(&a, "v1/publish",
				UPDATE("\"link\":[\"ip:10.0.0.7\",\"mac:52:54:00:00:00:01\"]",
					NOTE("note", "1 < \xc3\xa4"))),
		==, 200);
	g_assert_cmpint(
		asker_ask(&b,
			"v1/search?start=ip:10.0.0.7&max-depth=1&result-filter=x:note&ns.x=urn:x",
			NULL),
		==, 200);
	g_assert_cmpstr(asker_type(&b), ==, "application/json");
	json = asker_json(&b);
	item = NULL;
	for (size_t i = 0; i < json_array_size(json_object_get(json, "items")); i++)
		if (json_object_get(json_array_get(json_object_get(json, "items"), i), "link"))
			item = json_array_get(json_object_get(json, "items"), i);
	meta = json_array_get(json_object_get(item, "metadata"), 0);
	g_assert_cmpstr(json_string_value(json_object_get(meta, "content")), ==, "1 < \xc3\xa4");
	g_assert_true(
		g_str_has_prefix(json_string_value(json_object_get(meta, "publisher")), "A-"));
	json_decref(json);
	asker_clear(&a);
	asker_clear(&b);
}

static size_t n_metas(struct asker *asker, const char *identifier)
{
	g_autofree char *path = g_strconcat("v1/search?start=", identifier, NULL);
	json_t *json;
	size_t n;

	g_assert_cmpint(asker_ask(asker, path, NULL), ==, 200);
	json = asker_json(asker);
	n = json_array_size(
		json_object_get(json_array_get(json_object_get(json, "items"), 0), "metadata"));
	json_decref(json);
	return n;
}

/* All or nothing, in order, filters with namespaces, and it outlives a crash. */
static void test_operations(void)
{
	struct asker a;

	asker_init(&a, server, "A");
	g_assert_cmpint(
		asker_ask(&a, "v1/publish",
			UPDATE("\"identifier\":\"device:o\"", NOTE("one", "") "," NOTE("two", ""))),
		==, 200);
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 2);
	g_assert_cmpint(
		asker_ask(&a, "v1/publish",
			"{\"operations\":[{\"operation\":\"delete\",\"identifier\":\"device:o\","
			"\"filter\":\"y:one\"}],\"namespaces\":{\"y\":\"urn:x\"}}"),
		==, 200);
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 1);
	g_assert_cmpint(
		asker_ask(&a, "v1/publish",
			"{\"operations\":[{\"operation\":\"delete\",\"identifier\":\"device:o\"},"
			"{\"operation\":\"delete\",\"identifier\":\"device:o\",\"filter\":\"[[\"}]}"),
		==, 400);
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 1);
	asker_clear(&a);
	server_kill(server);
	server_start(server);
	asker_init(&a, server, "A");
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 1);
	asker_clear(&a);
}

/* A session that stands is neither needed nor harmed, and what it published is not touched. */
static void test_beside_session(void)
{
	struct asker a, soap;
	g_autofree char *id = NULL;
	g_autofree char *operation = NULL;
	g_autofree char *body = NULL;

	asker_init(&a, server, "A");
	asker_init(&soap, server, "A");
	curl_easy_setopt(soap.curl, CURLOPT_URL, server->url);
	id = server_begin(soap.curl, soap.answer);
	g_assert_nonnull(id);
	g_assert_cmpint(
		asker_ask(&a, "v1/publish", UPDATE("\"identifier\":\"device:s\"", NOTE("n", ""))),
		==, 200);
	asker_expect_problem(&a, "v1/stream?start=device:s", NULL, 403, "AccessDenied");
	operation = g_strdup_printf("<ifmap:renewSession session-id=\"%s\"/>", id);
	body = server_envelope(operation);
	g_assert_cmpint(server_post(soap.curl, body, -1, soap.answer), ==, 200);
	g_assert_nonnull(strstr(soap.answer->str, "<renewSessionResult/>"));
	asker_clear(&a);
	asker_clear(&soap);
}

static const struct {
	const char *client;
	const char *path;
	const char *body;
	long status;
	const char *title;
} refused[] = {
	{ NULL, "v1/search?start=ip:10.0.0.7", NULL, 401, "Unauthorized" },
	{ NULL, "v1/publish", "{}", 401, "Unauthorized" },
	{ "A", "v1/nonsense", NULL, 404, "Not Found" },
	{ "A", "v1/publish", NULL, 405, "Method Not Allowed" },
	{ "A", "v1/search?start=ip:10.0.0.7", "{}", 405, "Method Not Allowed" },
	{ "A", "v1/search", NULL, 400, "Failure" },
	{ "A", "v1/search?start=10.0.0.7", NULL, 400, "InvalidIdentifier" },
	{ "A", "v1/search?start=ip:10.0.0.7&depth=1", NULL, 400, "Failure" },
	{ "A", "v1/search?start=ip:10.0.0.7&max-depth=-1", NULL, 400, "Failure" },
	{ "A", "v1/search?start=ip:10.0.0.7&ns.a%20b=u", NULL, 400, "Failure" },
	{ "A", "v1/search?start=ip:10.0.0.7&ns.xml=u", NULL, 400, "Failure" },
	{ "A", "v1/search?start=ip:10.0.0.7&result-filter=q:x", NULL, 400, "Failure" },
	{ "A", "v1/search?start=ip:10.0.0.7&ns.a=%7Durn", NULL, 400, "Failure" },
	{ "A", "v1/search?start=device:%ff", NULL, 400, "Failure" },
	{ "A", "v1/search?start=%7B", NULL, 400, "Failure" },
	{ "A", "v1/stream?start=toaster:1", NULL, 400, "InvalidIdentifier" },
	{ "A", "v1/stream?start=ip:10.0.0.7&result-filter=%5B%5B", NULL, 400, "Failure" },
	{ "A", "v1/publish", "", 400, "Failure" },
	{ "A", "v1/publish", "{", 400, "Failure" },
	{ "A", "v1/publish", "{\"operations\":[],\"operations\":[]}", 400, "Failure" },
	{ "A", "v1/publish", "{\"operations\":[],\"namespaces\":{\"a b\":\"u\"}}", 400, "Failure" },
	{ "A", "v1/publish",
		UPDATE("\"identifier\":\"device:x\",\"lifetime\":\"session\"", NOTE("n", "")), 400,
		"Failure" },
	{ "A", "v1/publish", UPDATE("\"identifier\":\"ip:300.0.0.1\"", NOTE("n", "")), 400,
		"InvalidIdentifier" },
	{ "A", "v1/publish",
		UPDATE("\"identifier\":\"device:x\"",
			"{\"namespace\":\"urn:x\",\"name\":\"a b\",\"cardinality\":\"singleValue\"}"),
		400, "InvalidMetadata" },
	{ "R", "v1/publish", UPDATE("\"identifier\":\"device:x\"", NOTE("n", "")), 403,
		"AccessDenied" },
	{ "A", "v1/top", NULL, 403, "Forbidden" },
	{ "A", "metrics", NULL, 403, "Forbidden" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		struct asker asker;

		asker_init(&asker, server, refused[i].client);
		asker_expect_problem(&asker, refused[i].path, refused[i].body, refused[i].status,
			refused[i].title);
		asker_clear(&asker);
	}
}

/* What can be asked; the first N_CHARGED are counted against the requests a second. */
#define N_CHARGED 3
static const struct {
	const char *path;
	const char *body;
} everywhere[] = {
	{ "v1/search?start=device:x", NULL },
	{ "v1/publish", UPDATE("\"identifier\":\"device:x\"", NOTE("n", "")) },
	{ "v1/stream?start=device:x", NULL },
	{ "v1/top", NULL },
	{ "metrics", NULL },
	{ "v1/openapi.json", NULL },
};

static void expect_throttled(struct asker *asker)
{
	curl_off_t wait_s = 0;
	json_t *json = asker_json(asker);

	g_assert_cmpstr(asker_type(asker), ==, "application/problem+json");
	g_assert_cmpint(json_integer_value(json_object_get(json, "status")), ==, 429);
	json_decref(json);
	curl_easy_getinfo(asker->curl, CURLINFO_RETRY_AFTER, &wait_s);
	g_assert_cmpint(wait_s, >, 0);
}

/* Who asks too often is told when to come back, in JSON and for streams. */
static void test_throttled(void)
{
	struct server *patient = server;
	gint64 end_us = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
	struct asker a;
	long status;

	server = server_new("[limits]\nrequests=1\n");
	asker_init(&a, server, "A");
	curl_easy_setopt(a.curl, CURLOPT_TIMEOUT_MS, 500L); /* of a stream that is let in */
	for (size_t i = 0; i < N_CHARGED; i++) {
		do {
			status = asker_ask(&a, everywhere[i].path, everywhere[i].body);
			g_assert_cmpint(g_get_monotonic_time(), <, end_us);
		} while (status != 429);
		expect_throttled(&a);
	}
	/* It is charged to one client, and passes. */
	asker_clear(&a);
	asker_init(&a, server, "B");
	g_assert_cmpint(asker_ask(&a, "v1/search?start=device:x", NULL), ==, 200);
	asker_clear(&a);
	asker_init(&a, server, "A");
	do {
		status = asker_ask(&a, "v1/search?start=device:x", NULL);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	} while (status == 429);
	g_assert_cmpint(status, ==, 200);
	asker_clear(&a);
	server_free(server);
	server = patient;
}

/* What a page of another site can make a browser send is not taken. */
static void test_media_type(void)
{
	struct asker a;

	asker_init(&a, server, "A");
	curl_slist_free_all(a.headers);
	a.headers = curl_slist_append(NULL, "Content-Type: text/plain");
	curl_easy_setopt(a.curl, CURLOPT_HTTPHEADER, a.headers);
	asker_expect_problem(&a, "v1/publish", UPDATE("\"identifier\":\"device:x\"", NOTE("n", "")),
		415, "Unsupported Media Type");
	asker_clear(&a);
}

/* Identifiers beyond what one may have, answers beyond what was asked for. */
static void test_too_large(void)
{
	g_autofree char *name = g_strnfill(17000, 'n');
	g_autofree char *search = g_strconcat("v1/search?start=device:", name, NULL);
	g_autofree char *stream = g_strconcat("v1/stream?start=device:", name, NULL);
	g_autofree char *publish = g_strdup_printf(
		UPDATE("\"identifier\":\"device:%s\"", NOTE("n", "")), name);
	struct asker a;

	asker_init(&a, server, "A");
	asker_expect_problem(&a, search, NULL, 413, "IdentifierTooLong");
	asker_expect_problem(&a, stream, NULL, 413, "IdentifierTooLong");
	asker_expect_problem(&a, "v1/publish", publish, 413, "IdentifierTooLong");
	g_assert_cmpint(asker_ask(&a, "v1/publish",
				UPDATE("\"identifier\":\"device:l\"", NOTE("n", "text"))),
		==, 200);
	asker_expect_problem(
		&a, "v1/search?start=device:l&max-size=100", NULL, 422, "SearchResultsTooBig");
	asker_clear(&a);
}

/* Guessing is answered 401 for a while, then 429 with when to come back. */
static void test_strangers(void)
{
	struct asker a;
	unsigned n_guesses = 0;
	long status;

	asker_init(&a, server, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(everywhere); i++)
		asker_expect_problem(
			&a, everywhere[i].path, everywhere[i].body, 401, "Unauthorized");
	for (size_t i = 0; i < G_N_ELEMENTS(everywhere); i++) {
		do {
			g_autofree char *login = g_strdup_printf("G:guess%u", n_guesses++);
			curl_easy_setopt(a.curl, CURLOPT_USERPWD, login);
			status = asker_ask(&a, everywhere[i].path, everywhere[i].body);
			g_assert_cmpuint(n_guesses, <, 1000);
		} while (status == 401);
		g_assert_cmpint(status, ==, 429);
		expect_throttled(&a);
	}
	asker_clear(&a);
}

/* Who does not show the certificate that is pinned for its name gets nothing, figures neither. */
static void test_pinned(void)
{
	struct server *open = server;
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("drover-face-XXXXXX", &error);
	g_autofree char *rules = g_build_filename(dir, "rules", NULL);
	g_autofree char *conf = g_strdup_printf(
		"[server]\nrules=%s\n[client M]\nmay-read-metrics=true\n", rules);
	g_autofree char *digest = g_strnfill(64, '0');
	g_autofree char *text = g_strdup_printf(
		"[policy]\ndefault = permit\n[client M]\ncertificates = %s\n", digest);
	struct asker m;

	g_assert_true(g_file_set_contents(rules, text, -1, &error));
	server = server_new(conf);
	asker_init(&m, server, "M");
	for (size_t i = 0; i < G_N_ELEMENTS(everywhere) - 1; i++) {
		g_assert_cmpint(asker_ask(&m, everywhere[i].path, everywhere[i].body), ==, 403);
	}
	asker_clear(&m);
	server_free(server);
	g_unlink(rules);
	g_rmdir(dir);
	server = open;
}

/* ---- figures and the description ---- */

static void test_figures(void)
{
	struct asker m;
	struct listener b;
	json_t *json;

	listener_init(&b, server, "B", "v1/stream?start=device:f");
	listener_wait_event(&b, "search", 1);
	asker_init(&m, server, "M");
	g_assert_cmpint(asker_ask(&m, "metrics", NULL), ==, 200);
	g_assert_true(g_str_has_prefix(asker_type(&m), "application/openmetrics-text"));
	g_assert_true(g_str_has_suffix(m.answer->str, "# EOF\n"));
	g_assert_cmpint(asker_ask(&m, "v1/top", NULL), ==, 200);
	json = asker_json(&m);
	g_assert_true(json_is_object(json_object_get(json, "counters")));
	g_assert_cmpuint(json_array_size(json_object_get(json, "slowest_requests")), >, 0);
	g_assert_cmpuint(json_array_size(json_object_get(json, "biggest_subscriptions")), ==, 1);
	json_decref(json);
	listener_clear(&b);
	asker_clear(&m);
}

/* It names exactly what there is. */
static void test_description(void)
{
	static const char *const paths[] = { "/v1/search", "/v1/publish", "/v1/stream", "/v1/top",
		"/v1/openapi.json", "/metrics" };
	struct asker a;
	json_t *json, *described;

	asker_init(&a, server, "A");
	g_assert_cmpint(asker_ask(&a, "v1/openapi.json", NULL), ==, 200);
	json = asker_json(&a);
	g_assert_cmpstr(json_string_value(json_object_get(json, "openapi")), ==, "3.1.0");
	described = json_object_get(json, "paths");
	g_assert_cmpuint(json_object_size(described), ==, G_N_ELEMENTS(paths));
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		g_assert_nonnull(json_object_get(described, paths[i]));
	json_decref(json);
	asker_clear(&a);
}

/* One connection more than the client may have: refused and closed, and its place is free again
 * when another ends. */
static void test_crowd(void)
{
	struct server *wide = server;
	struct asker standing[2], b;
	gint64 end_us = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
	long status;

	server = server_new("[limits]\nclient-connections=2\n");
	for (unsigned i = 0; i < 2; i++) {
		asker_init(&standing[i], server, "A");
		g_assert_cmpint(asker_ask(&standing[i], "v1/openapi.json", NULL), ==, 200);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(everywhere); i++) {
		asker_init(&b, server, "A");
		asker_expect_problem(
			&b, everywhere[i].path, everywhere[i].body, 503, "Service Unavailable");
		asker_clear(&b);
	}
	asker_init(&b, server, "B");
	g_assert_cmpint(asker_ask(&b, "v1/openapi.json", NULL), ==, 200);
	asker_clear(&b);
	g_assert_cmpint(asker_ask(&standing[0], "v1/openapi.json", NULL), ==, 200);
	asker_clear(&standing[1]);
	do {
		asker_init(&b, server, "A");
		status = asker_ask(&b, "v1/openapi.json", NULL);
		asker_clear(&b);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	} while (status == 503);
	g_assert_cmpint(status, ==, 200);
	asker_clear(&standing[0]);
	server_free(server);
	server = wide;
}

/* The first event of a stream, and every answer that is described. */
static void test_all_met(void)
{
	static const char *const excused[] = { NULL };
	struct listener b;

	listener_init(&b, server, "B", "v1/stream?start=device:w");
	listener_wait_event(&b, "search", 1);
	listener_clear(&b);
	contract_check_met(excused);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	server = server_new("[client M]\nmay-read-metrics=true\n");
	g_test_add_func("/map/face/publish and search", test_publish_and_search);
	g_test_add_func("/map/face/operations", test_operations);
	g_test_add_func("/map/face/beside a session", test_beside_session);
	g_test_add_func("/map/face/refused", test_refused);
	g_test_add_func("/map/face/throttled", test_throttled);
	g_test_add_func("/map/face/media type", test_media_type);
	g_test_add_func("/map/face/too large", test_too_large);
	g_test_add_func("/map/face/strangers", test_strangers);
	g_test_add_func("/map/face/pinned certificate", test_pinned);
	g_test_add_func("/map/face/too many connections", test_crowd);
	g_test_add_func("/map/face/figures", test_figures);
	g_test_add_func("/map/face/description", test_description);
	g_test_add_func("/map/face/every answer described was met", test_all_met);
	status = g_test_run();
	server_free(server);
	return status;
}
