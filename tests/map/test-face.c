/* The JSON face of a real server, over HTTPS: what it answers, and that it allows no more than
 * SOAP. */
#include <jansson.h>
#include <string.h>

#include "server.h"

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)
#define NOTE(name, text)                                                                  \
	"{\"namespace\":\"urn:x\",\"name\":\"" name "\",\"cardinality\":\"singleValue\"," \
	"\"content\":\"" text "\"}"
#define UPDATE(place, metadata) \
	"{\"operations\":[{\"operation\":\"update\"," place ",\"metadata\":[" metadata "]}]}"

static struct server *server;

/* One client's way to the face. */
struct asker {
	CURL *curl;
	GString *answer;
	struct curl_slist *headers;
};

static void asker_init(struct asker *asker, const char *client)
{
	asker->answer = g_string_new(NULL);
	asker->curl = server_curl(server, client, asker->answer);
	asker->headers = curl_slist_append(NULL, "Content-Type: application/json");
	asker->headers = curl_slist_append(asker->headers, "Expect:");
	curl_easy_setopt(asker->curl, CURLOPT_HTTPHEADER, asker->headers);
}

static void asker_clear(struct asker *asker)
{
	curl_easy_cleanup(asker->curl);
	curl_slist_free_all(asker->headers);
	g_string_free(asker->answer, TRUE);
}

/* `body` NULL: GET. The status, 0 when nothing came back. */
static long ask(struct asker *asker, const char *path, const char *body)
{
	g_autofree char *url = g_strconcat(server->url, path, NULL);
	long status = 0;

	g_string_truncate(asker->answer, 0);
	curl_easy_setopt(asker->curl, CURLOPT_URL, url);
	if (body) {
		curl_easy_setopt(asker->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(asker->curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(asker->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	} else {
		curl_easy_setopt(asker->curl, CURLOPT_HTTPGET, 1L);
	}
	if (curl_easy_perform(asker->curl) == CURLE_OK)
		curl_easy_getinfo(asker->curl, CURLINFO_RESPONSE_CODE, &status);
	g_test_message("%s %s: %ld %.300s", path, body ? body : "", status, asker->answer->str);
	return status;
}

static json_t *answer_json(const struct asker *asker)
{
	json_t *json = json_loadb(asker->answer->str, asker->answer->len, 0, NULL);

	g_assert_nonnull(json);
	return json;
}

static const char *content_type(const struct asker *asker)
{
	char *type = NULL;

	curl_easy_getinfo(asker->curl, CURLINFO_CONTENT_TYPE, &type);
	return type ? type : "";
}

/* What is refused says why, as a problem. */
static void expect_problem(
	struct asker *asker, const char *path, const char *body, long status, const char *title)
{
	json_t *json;

	g_assert_cmpint(ask(asker, path, body), ==, status);
	g_assert_cmpstr(content_type(asker), ==, "application/problem+json");
	json = answer_json(asker);
	g_assert_cmpstr(json_string_value(json_object_get(json, "title")), ==, title);
	g_assert_cmpint(json_integer_value(json_object_get(json, "status")), ==, status);
	g_assert_cmpuint(json_string_length(json_object_get(json, "detail")), >, 0);
	json_decref(json);
}

/* ---- search, publish ---- */

static void test_publish_and_search(void)
{
	struct asker a, b;
	json_t *json, *item, *meta;

	asker_init(&a, "A");
	asker_init(&b, "B");
	g_assert_cmpint(ask(&a, "v1/publish",
				UPDATE("\"link\":[\"ip:10.0.0.7\",\"mac:52:54:00:00:00:01\"]",
					NOTE("note", "1 < \xc3\xa4"))),
		==, 200);
	g_assert_cmpint(
		ask(&b, "v1/search?start=ip:10.0.0.7&max-depth=1&result-filter=x:note&ns.x=urn:x",
			NULL),
		==, 200);
	g_assert_cmpstr(content_type(&b), ==, "application/json");
	json = answer_json(&b);
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

	g_assert_cmpint(ask(asker, path, NULL), ==, 200);
	json = answer_json(asker);
	n = json_array_size(
		json_object_get(json_array_get(json_object_get(json, "items"), 0), "metadata"));
	json_decref(json);
	return n;
}

/* All or nothing, in order, filters with namespaces, and it outlives a crash. */
static void test_operations(void)
{
	struct asker a;

	asker_init(&a, "A");
	g_assert_cmpint(
		ask(&a, "v1/publish",
			UPDATE("\"identifier\":\"device:o\"", NOTE("one", "") "," NOTE("two", ""))),
		==, 200);
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 2);
	g_assert_cmpint(
		ask(&a, "v1/publish",
			"{\"operations\":[{\"operation\":\"delete\",\"identifier\":\"device:o\","
			"\"filter\":\"y:one\"}],\"namespaces\":{\"y\":\"urn:x\"}}"),
		==, 200);
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 1);
	g_assert_cmpint(
		ask(&a, "v1/publish",
			"{\"operations\":[{\"operation\":\"delete\",\"identifier\":\"device:o\"},"
			"{\"operation\":\"delete\",\"identifier\":\"device:o\",\"filter\":\"[[\"}]}"),
		==, 400);
	g_assert_cmpuint(n_metas(&a, "device:o"), ==, 1);
	asker_clear(&a);
	server_kill(server);
	server_start(server);
	asker_init(&a, "A");
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

	asker_init(&a, "A");
	asker_init(&soap, "A");
	curl_easy_setopt(soap.curl, CURLOPT_URL, server->url);
	id = server_begin(soap.curl, soap.answer);
	g_assert_nonnull(id);
	g_assert_cmpint(ask(&a, "v1/publish", UPDATE("\"identifier\":\"device:s\"", NOTE("n", ""))),
		==, 200);
	expect_problem(&a, "v1/stream?start=device:s", NULL, 403, "AccessDenied");
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

		asker_init(&asker, refused[i].client);
		expect_problem(&asker, refused[i].path, refused[i].body, refused[i].status,
			refused[i].title);
		asker_clear(&asker);
	}
}

/* What a page of another site can make a browser send is not taken. */
static void test_media_type(void)
{
	struct asker a;

	asker_init(&a, "A");
	curl_slist_free_all(a.headers);
	a.headers = curl_slist_append(NULL, "Content-Type: text/plain");
	curl_easy_setopt(a.curl, CURLOPT_HTTPHEADER, a.headers);
	expect_problem(&a, "v1/publish", UPDATE("\"identifier\":\"device:x\"", NOTE("n", "")), 415,
		"Unsupported Media Type");
	asker_clear(&a);
}

/* ---- figures and the description ---- */

static void test_figures(void)
{
	struct asker m;
	json_t *json;

	asker_init(&m, "M");
	g_assert_cmpint(ask(&m, "metrics", NULL), ==, 200);
	g_assert_true(g_str_has_prefix(content_type(&m), "application/openmetrics-text"));
	g_assert_true(g_str_has_suffix(m.answer->str, "# EOF\n"));
	g_assert_cmpint(ask(&m, "v1/top", NULL), ==, 200);
	json = answer_json(&m);
	g_assert_true(json_is_object(json_object_get(json, "counters")));
	g_assert_true(json_is_array(json_object_get(json, "slowest_requests")));
	json_decref(json);
	asker_clear(&m);
}

/* It names exactly what there is. */
static void test_description(void)
{
	static const char *const paths[] = { "/v1/search", "/v1/publish", "/v1/stream", "/v1/top",
		"/v1/openapi.json", "/metrics" };
	struct asker a;
	json_t *json, *described;

	asker_init(&a, "A");
	g_assert_cmpint(ask(&a, "v1/openapi.json", NULL), ==, 200);
	json = answer_json(&a);
	g_assert_cmpstr(json_string_value(json_object_get(json, "openapi")), ==, "3.1.0");
	described = json_object_get(json, "paths");
	g_assert_cmpuint(json_object_size(described), ==, G_N_ELEMENTS(paths));
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		g_assert_nonnull(json_object_get(described, paths[i]));
	json_decref(json);
	asker_clear(&a);
}

/* ---- stream ---- */

/* A stream in a thread of its own; `text` is guarded. */
struct listener {
	struct asker asker;
	char *path;
	GThread *thread;
	GMutex lock;
	GString *text;
	gint stop;
};

static size_t on_data(char *data, size_t size, size_t n, void *into)
{
	struct listener *listener = into;

	g_mutex_lock(&listener->lock);
	g_string_append_len(listener->text, data, (gssize)(size * n));
	g_mutex_unlock(&listener->lock);
	return size * n;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct listener *listener = data;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return g_atomic_int_get(&listener->stop);
}

static gpointer listen_on(gpointer data)
{
	struct listener *listener = data;

	curl_easy_perform(listener->asker.curl);
	return NULL;
}

static void listener_init(struct listener *listener, const char *client, const char *path)
{
	*listener = (struct listener){ .text = g_string_new(NULL) };
	g_mutex_init(&listener->lock);
	asker_init(&listener->asker, client);
	listener->path = g_strconcat(server->url, path, NULL);
	curl_easy_setopt(listener->asker.curl, CURLOPT_URL, listener->path);
	curl_easy_setopt(listener->asker.curl, CURLOPT_HTTPGET, 1L);
	curl_easy_setopt(listener->asker.curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(listener->asker.curl, CURLOPT_WRITEDATA, listener);
	curl_easy_setopt(listener->asker.curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(listener->asker.curl, CURLOPT_XFERINFODATA, listener);
	curl_easy_setopt(listener->asker.curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(listener->asker.curl, CURLOPT_TIMEOUT_MS, 60000L);
	listener->thread = g_thread_new("listener", listen_on, listener);
}

static void listener_clear(struct listener *listener)
{
	g_atomic_int_set(&listener->stop, 1);
	g_thread_join(listener->thread);
	asker_clear(&listener->asker);
	g_string_free(listener->text, TRUE);
	g_mutex_clear(&listener->lock);
	g_free(listener->path);
}

/* Waits until `n` events of that name have come. */
static void wait_for(struct listener *listener, const char *event, unsigned n)
{
	g_autofree char *line = g_strdup_printf("event: %s\ndata: {", event);
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;

	for (;;) {
		unsigned found = 0;

		g_mutex_lock(&listener->lock);
		for (const char *at = listener->text->str; (at = strstr(at, line)); at++)
			found++;
		g_mutex_unlock(&listener->lock);
		if (found >= n)
			return;
		if (g_get_monotonic_time() > end_us)
			g_error("%u of %u events %s came: %s", found, n, event,
				listener->text->str);
		g_usleep(5000);
	}
}

static void test_stream(void)
{
	struct listener b;
	struct asker a;

	asker_init(&a, "A");
	listener_init(&b, "B", "v1/stream?start=device:w");
	wait_for(&b, "search", 1);
	for (unsigned i = 1; i <= 3; i++) {
		g_assert_cmpint(
			ask(&a, "v1/publish", UPDATE("\"identifier\":\"device:w\"", NOTE("n", ""))),
			==, 200);
		wait_for(&b, "update", i);
	}
	g_assert_cmpint(
		ask(&a, "v1/publish",
			"{\"operations\":[{\"operation\":\"notify\",\"identifier\":\"device:w\","
			"\"metadata\":[" NOTE("n",
				"") "]},"
				    "{\"operation\":\"delete\",\"identifier\":\"device:w\"}]}"),
		==, 200);
	wait_for(&b, "notify", 1);
	wait_for(&b, "delete", 1);
	g_assert_true(g_str_has_prefix(b.text->str, "retry: "));
	listener_clear(&b);
	asker_clear(&a);
}

/* Whether the first thing that came is an event, not a problem. */
static gboolean was_taken(struct listener *listener)
{
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;

	for (;;) {
		g_mutex_lock(&listener->lock);
		gboolean event = strstr(listener->text->str, "event: ") != NULL;
		gboolean problem = *listener->text->str == '{';
		g_mutex_unlock(&listener->lock);
		if (event || problem)
			return event;
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
		g_usleep(5000);
	}
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

		listener_init(&b, "B", "v1/stream?start=device:w");
		if (was_taken(&b)) {
			n_taken++;
			asker_init(&again, "B");
			expect_problem(
				&again, "v1/stream?start=device:w", NULL, 403, "AccessDenied");
			asker_clear(&again);
		}
		listener_clear(&b);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
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
	g_test_add_func("/map/face/media type", test_media_type);
	g_test_add_func("/map/face/figures", test_figures);
	g_test_add_func("/map/face/description", test_description);
	g_test_add_func("/map/face/stream", test_stream);
	g_test_add_func("/map/face/stream ends", test_stream_ends);
	status = g_test_run();
	server_free(server);
	return status;
}
