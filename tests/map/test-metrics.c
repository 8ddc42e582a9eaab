/* The figures of the server: counted as it is asked, told in OpenMetrics, to scrapers alone. */
#include <string.h>

#include "map/metrics.h"
#include "server.h"

#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

static struct server *server;

/* ---- text ---- */

/* The value of a sample by its whole name with labels, or -1. */
static double sample(const char *text, const char *name)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *start = g_strconcat(name, " ", NULL);

	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, start))
			return g_ascii_strtod(*line + strlen(start), NULL);
	return -1;
}

/* Every sample belongs to the TYPE before it, names are of OpenMetrics, the end is marked. */
static void check_form(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *family = NULL;
	g_autoptr(GHashTable)
		families = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint n = g_strv_length(lines);

	g_assert_cmpuint(n, >, 20);
	g_assert_cmpstr(lines[n - 1], ==, "");
	g_assert_cmpstr(lines[n - 2], ==, "# EOF");
	for (guint i = 0; i < n - 2; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);

		g_test_message("%s", lines[i]);
		if (strcmp(words[0], "#") == 0 && strcmp(words[1], "TYPE") == 0) {
			g_free(family);
			family = g_strdup(words[2]);
			g_assert_true(g_hash_table_add(families, g_strdup(family)));
		} else if (strcmp(words[0], "#") == 0) {
			g_assert_cmpstr(words[2], ==, family);
		} else {
			char *end = NULL;

			g_assert_true(g_str_has_prefix(words[0], family));
			g_ascii_strtod(words[1], &end);
			g_assert_true(end > words[1] && *end == '\0');
			g_assert_null(words[2]);
		}
	}
}

static struct map_engine *new_engine(void)
{
	static const struct ifmap_dialect dialect = { 0 };
	const struct map_engine_ops ops = { 0 };
	g_autoptr(GError) error = NULL;
	struct map_engine *engine = map_engine_new(
		&map_limits_default, &dialect, &ops, NULL, &error);

	g_assert_no_error(error);
	return engine;
}

static void observe(struct map_metrics *metrics, enum ifmap_request_type type, gint64 us)
{
	const struct map_observation seen = { type, "someone", us, 10, 20 };

	map_metrics_observe(metrics, &seen);
}

static void test_text(void)
{
	struct map_metrics *metrics = map_metrics_new();
	struct map_engine *engine = new_engine();
	g_autoptr(GString) text = g_string_new(NULL);

	observe(metrics, IFMAP_REQUEST_PUBLISH, 50);
	observe(metrics, IFMAP_REQUEST_PUBLISH, 100);
	observe(metrics, IFMAP_REQUEST_PUBLISH, 101);
	observe(metrics, IFMAP_REQUEST_PUBLISH, 7000000);
	observe(metrics, IFMAP_REQUEST_POLL, 7000000);
	map_metrics_note(metrics, MAP_NOTE_REFUSED);
	map_metrics_write(metrics, engine, text);
	check_form(text->str);
#define REQUESTS "drover_mapd_requests_total{operation="
#define SECONDS  "drover_mapd_request_seconds"
	g_assert_cmpfloat(sample(text->str, REQUESTS "\"publish\"}"), ==, 4);
	g_assert_cmpfloat(sample(text->str, REQUESTS "\"poll\"}"), ==, 1);
	g_assert_cmpfloat(sample(text->str, REQUESTS "\"search\"}"), ==, 0);
	g_assert_cmpfloat(
		sample(text->str, SECONDS "_bucket{operation=\"publish\",le=\"0.0001\"}"), ==, 2);
	g_assert_cmpfloat(
		sample(text->str, SECONDS "_bucket{operation=\"publish\",le=\"0.00025\"}"), ==, 3);
	g_assert_cmpfloat(
		sample(text->str, SECONDS "_bucket{operation=\"publish\",le=\"1.0\"}"), ==, 3);
	g_assert_cmpfloat(
		sample(text->str, SECONDS "_bucket{operation=\"publish\",le=\"+Inf\"}"), ==, 4);
	g_assert_cmpfloat(sample(text->str, SECONDS "_count{operation=\"publish\"}"), ==, 4);
	g_assert_cmpfloat_with_epsilon(
		sample(text->str, SECONDS "_sum{operation=\"publish\"}"), 7.000251, 1e-9);
	g_assert_cmpfloat(sample(text->str, SECONDS "_count{operation=\"poll\"}"), ==, -1);
	g_assert_cmpfloat(sample(text->str, "drover_mapd_received_bytes_total"), ==, 50);
	g_assert_cmpfloat(sample(text->str, "drover_mapd_sent_bytes_total"), ==, 100);
	g_assert_cmpfloat(sample(text->str, "drover_mapd_events_total{event=\"refused\"}"), ==, 1);
	g_assert_cmpfloat(sample(text->str, "drover_mapd_metadata"), ==, 1); /* its own */
	map_engine_free(engine);
	map_metrics_free(metrics);
}

/* The ten slowest stay, slowest first, in whatever order they come. */
static void test_slowest(void)
{
	struct map_metrics *metrics = map_metrics_new();
	struct map_engine *engine = new_engine();
	json_t *top, *list;
	size_t i;
	json_t *one;

	for (gint64 us = 1; us <= 100; us++)
		observe(metrics, IFMAP_REQUEST_SEARCH, us * 37 % 101);
	top = map_metrics_top(metrics, engine);
	list = json_object_get(top, "slowest_requests");
	g_assert_cmpuint(json_array_size(list), ==, MAP_N_SLOWEST);
	json_array_foreach(list, i, one) g_assert_cmpint(
		json_integer_value(json_object_get(one, "duration_us")), ==, 100 - (json_int_t)i);
	g_assert_cmpint(
		json_integer_value(json_object_get(
			json_object_get(json_object_get(top, "counters"), "requests"), "search")),
		==, 100);
	json_decref(top);
	map_engine_free(engine);
	map_metrics_free(metrics);
}

/* ---- the listener ---- */

static unsigned scrape_port(void)
{
	g_autofree char *path = server_path(server, "log");
	g_autofree char *text = NULL;
	const char *found;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	found = strstr(text, "figures for scrapers on port ");
	g_assert_nonnull(found);
	return (unsigned)g_ascii_strtoull(
		found + strlen("figures for scrapers on port "), NULL, 10);
}

static size_t collect(char *data, size_t size, size_t n, void *into)
{
	g_string_append_len(into, data, (gssize)(size * n));
	return size * n;
}

static long get(const char *path, const char *method, GString *answer)
{
	g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u%s", scrape_port(), path);
	CURL *curl = curl_easy_init();
	long status = 0;

	g_string_truncate(answer, 0);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (curl_easy_perform(curl) == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	return status;
}

static void test_scrape(void)
{
	g_autoptr(GString) answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "A", answer);
	g_autofree char *id = server_begin(curl, answer);
	gint64 until_us = g_get_monotonic_time() + PATIENCE_US;

	g_assert_nonnull(id);
	curl_easy_cleanup(curl);
	/* an answer is counted when it has gone out, which its reader may see first */
	do
		g_assert_cmpint(get("/metrics", "GET", answer), ==, 200);
	while (sample(answer->str, "drover_mapd_requests_total{operation=\"newSession\"}") != 1 &&
		g_get_monotonic_time() < until_us);
	g_assert_cmpfloat(
		sample(answer->str, "drover_mapd_requests_total{operation=\"newSession\"}"), ==, 1);
	check_form(answer->str);
	g_assert_cmpfloat(
		sample(answer->str, "drover_mapd_events_total{event=\"session-begun\"}"), ==, 1);
	g_assert_cmpint(get("/metrics", "POST", answer), ==, 404);
	g_assert_cmpint(get("/", "GET", answer), ==, 404);
	g_assert_cmpint(get("/v1/search?start=ip:10.0.0.1", "GET", answer), ==, 404);
}

static void test_bad_addresses(void)
{
	static const char *const bad[] = { "x", "localhost:1", ":9180", "127.0.0.1", "127.0.0.1:x",
		"300.0.0.1:1", "[::1", "192.0.2.1:9180" };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(map_scrape_open(bad[i], &error));
		g_assert_nonnull(strstr(error->message, bad[i]));
	}
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	server = server_new("[server]\nmetrics-address=127.0.0.1:0\n");
	g_test_add_func("/map/metrics/text", test_text);
	g_test_add_func("/map/metrics/slowest", test_slowest);
	g_test_add_func("/map/metrics/scrape", test_scrape);
	g_test_add_func("/map/metrics/bad addresses", test_bad_addresses);
	status = g_test_run();
	server_free(server);
	return status;
}
