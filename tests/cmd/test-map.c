/* `drover map` against a real drover-mapd: the program is run as a person would. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

#define NOTE                                                                                \
	"<x:note xmlns:x=\"urn:x\" ifmap-cardinality=\"singleValue\">a <b c=\"1\">\xc3\xa4" \
	"</b> &lt;</x:note>"
#define PATIENCE_US (20 * G_TIME_SPAN_SECOND)

static struct server *server;
static char *config_file;

/* One run of the program; the exit code, standard output and error. */
struct run {
	int code;
	char *out;
	char *err;
};

static void run_clear(struct run *run)
{
	g_free(run->out);
	g_free(run->err);
}

/* A shell line in which "drover" is the program under test. */
static struct run run_line(const char *line)
{
	g_autofree char *script = g_strdup_printf(
		"drover() { '%s' \"$@\"; }; %s", g_getenv("DROVER"), line);
	const char *argv[] = { "/bin/bash", "-c", script, NULL };
	struct run run = { -1, NULL, NULL };
	int status = 0;

	g_assert_true(g_spawn_sync(
		NULL, (char **)argv, NULL, 0, NULL, NULL, &run.out, &run.err, &status, NULL));
	if (WIFEXITED(status))
		run.code = WEXITSTATUS(status);
	g_test_message("%s: %d %s", line, run.code, run.err);
	return run;
}

static void expect(const char *line, int code)
{
	struct run run = run_line(line);

	g_assert_cmpint(run.code, ==, code);
	run_clear(&run);
}

/* Its standard output, when it ends well. */
static char *output_of(const char *line)
{
	struct run run = run_line(line);

	g_assert_cmpint(run.code, ==, 0);
	g_free(run.err);
	return run.out;
}

static json_t *json_of(const char *line)
{
	g_autofree char *text = output_of(line);
	json_t *json = json_loads(text, 0, NULL);

	g_assert_nonnull(json);
	return json;
}

/* The first link of a result, borrowed. */
static json_t *first_link(json_t *json)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(json, "items"), i, item)
	{
		if (json_object_get(item, "link"))
			return item;
	}
	return NULL;
}

/* A link has no direction: either end may come first. */
static void assert_link(const char *text, const char *a, const char *b)
{
	g_autofree char *forth = g_strdup_printf("%s -- %s", a, b);
	g_autofree char *back = g_strdup_printf("%s -- %s", b, a);

	g_assert_true(strstr(text, forth) || strstr(text, back));
}

static void test_publish_and_search(void)
{
	g_autofree char *text = NULL;
	g_autofree char *xml = NULL;
	g_autofree char *dot = NULL;
	json_t *json, *item, *meta;

	expect("echo '" NOTE "' | drover map publish ip:10.0.0.7 mac:52:54:00:00:00:01", 0);
	text = output_of("drover map search ip:10.0.0.7");
	assert_link(text, "ip 10.0.0.7", "mac 52:54:00:00:00:01");
	xml = output_of("drover map search ip:10.0.0.7 --xml");
	g_assert_true(g_str_has_prefix(xml, "<searchResult><resultItem>"));
	g_assert_nonnull(strstr(xml, "\">a <b c=\"1\">\xc3\xa4</b> &lt;</x:note>"));
	dot = output_of("drover map search ip:10.0.0.7 --dot");
	g_assert_true(g_str_has_prefix(dot, "graph map {\n"));
	assert_link(dot, "\"ip 10.0.0.7\"", "\"mac 52:54:00:00:00:01\"");
	json = json_of("drover map search ip:10.0.0.7 --json");
	g_assert_cmpstr(json_string_value(json_object_get(json, "result")), ==, "search");
	item = first_link(json);
	g_assert_cmpuint(json_array_size(json_object_get(item, "link")), ==, 2);
	meta = json_array_get(json_object_get(item, "metadata"), 0);
	g_assert_cmpstr(json_string_value(json_object_get(meta, "namespace")), ==, "urn:x");
	g_assert_true(
		g_str_has_prefix(json_string_value(json_object_get(meta, "publisher")), "C-"));
	g_assert_cmpuint(json_array_size(json_object_get(meta, "content")), ==, 3);
	json_decref(json);
}

static size_t n_metas(const char *identifier)
{
	g_autofree char *line = g_strdup_printf(
		"drover map search %s --depth=0 --json", identifier);
	json_t *json = json_of(line);
	size_t n = json_array_size(
		json_object_get(json_array_get(json_object_get(json, "items"), 0), "metadata"));

	json_decref(json);
	return n;
}

/* What a search prints as JSON can be published elsewhere. */
static void test_json_publish(void)
{
	expect("echo '" NOTE "' | drover map publish device:a", 0);
	expect("drover map search device:a --depth=0 --json | "
	       "python3 -c 'import json,sys; print(json.dumps(json.load(sys.stdin)"
	       "[\"items\"][0][\"metadata\"][0]))' | drover map publish device:b",
		0);
	g_assert_cmpuint(n_metas("device:b"), ==, 1);
	expect("echo '{\"operations\":[{\"operation\":\"update\",\"identifier\":\"device:c\","
	       "\"metadata\":[{\"namespace\":\"urn:x\",\"name\":\"n\",\"cardinality\":\"multiValue\"},"
	       "{\"namespace\":\"urn:x\",\"name\":\"n\",\"cardinality\":\"multiValue\"}]}]}' | "
	       "drover map publish",
		0);
	g_assert_cmpuint(n_metas("device:c"), ==, 2);
}

static void test_delete(void)
{
	expect("echo '" NOTE "' | drover map publish device:d", 0);
	expect("drover map delete device:d", 2);
	expect("drover map delete device:d --filter \"d:alert\"", 0);
	g_assert_cmpuint(n_metas("device:d"), ==, 1);
	expect("drover map delete device:d --filter \"[@ifmap-cardinality='singleValue']\"", 0);
	g_assert_cmpuint(n_metas("device:d"), ==, 0);
	expect("echo '" NOTE "' | drover map publish device:d", 0);
	expect("drover map delete device:d --all", 0);
	g_assert_cmpuint(n_metas("device:d"), ==, 0);
}

static void test_usage(void)
{
	expect("drover map search ip:10.0.0.7 --json --xml", 2);
	expect("drover map search toaster:1", 2);
	expect("drover map search ip:10.0.0.300", 2);
	expect("drover map search vm:nosuch", 1);
	expect("drover map search host:nosuch", 1);
	expect("echo '<a' | drover map publish device:x", 2);
	expect("echo '{}' | drover map publish device:x", 2);
	expect("echo '{' | drover map publish", 2);
	expect("drover map search device:x --filter '[['", 1);
}

/* The shorthands name what agents and control name. */
static void test_shorthands(void)
{
	g_autofree char *fleet = output_of("drover map search fleet --depth=0 --json");
	g_autofree char *vapp = output_of("drover map search vapp:shop --depth=0");
	g_autofree char *segment = output_of("drover map search segment:lan --depth=0");

	g_assert_nonnull(strstr(fleet, "\"fleet\""));
	g_assert_cmpstr(vapp, ==, "vapp name=shop\n");
	g_assert_cmpstr(segment, ==, "segment name=lan\n");
}

static void test_dump_and_stats(void)
{
	json_t *json, *type;
	g_autofree char *text = NULL;

	expect("for i in 1 2 3; do echo '" NOTE "' | drover map publish fleet device:s$i; done", 0);
	expect("echo '" NOTE "' | drover map publish device:s3 device:s4", 0);
	text = output_of("drover map dump");
	assert_link(text, "device s3", "device s4");
	json = json_of("drover map stats --json");
	g_assert_cmpint(json_integer_value(json_object_get(json, "links")), ==, 4);
	g_assert_cmpint(json_integer_value(json_object_get(json, "identifiers")), ==, 5);
	type = json_array_get(json_object_get(json, "types"), 0);
	g_assert_cmpstr(json_string_value(json_object_get(type, "name")), ==, "note");
	g_assert_cmpint(json_integer_value(json_object_get(type, "count")), ==, 4);
	g_assert_cmpint(json_integer_value(json_object_get(type, "publishers")), ==, 1);
	json_decref(json);
}

/* Once as JSON, and live until it is interrupted; only for those who may. */
static void test_top(void)
{
	json_t *json = json_of("drover map top --json");
	g_autofree char *text = NULL;

	g_assert_true(json_is_object(json_object_get(json, "counters")));
	json_decref(json);
	expect("drover map search fleet >/dev/null", 0);
	text = output_of("timeout -s TERM 6 \"$DROVER\" map top || true");
	g_assert_nonnull(strstr(text, "slowest requests of the last minute\n"));
	g_assert_nonnull(strstr(text, "newSession"));
	expect("drover map top --json --config=\"$DROVER_CONFIG.other\"", 4);
}

static GPid start_watch(const char *log)
{
	g_autofree char *line = g_strdup_printf(
		"exec '%s' map watch device:w --json --config='%s.other' >'%s'", g_getenv("DROVER"),
		config_file, log);
	const char *argv[] = { "/bin/sh", "-c", line, NULL };
	GPid pid = 0;

	g_assert_true(g_spawn_async(
		NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL));
	return pid;
}

/* Waits for `n` lines; the last one, read. */
static json_t *wait_for_line(const char *log, unsigned n)
{
	gint64 end_us = g_get_monotonic_time() + PATIENCE_US;

	while (g_get_monotonic_time() < end_us) {
		g_autofree char *text = NULL;
		g_auto(GStrv) lines = NULL;

		if (g_file_get_contents(log, &text, NULL, NULL)) {
			lines = g_strsplit(text, "\n", -1);
			if (g_strv_length(lines) > n)
				return json_loads(lines[n - 1], 0, NULL);
		}
		g_usleep(10000);
	}
	g_error("%s: line %u never came", log, n);
}

static void check_line(const char *log, unsigned n, const char *result)
{
	json_t *json = wait_for_line(log, n);

	g_assert_cmpstr(json_string_value(json_object_get(json, "result")), ==, result);
	json_decref(json);
}

static void test_watch(void)
{
	g_autofree char *log = g_strconcat(config_file, ".log", NULL);
	GPid pid = start_watch(log);
	int status = 0;

	check_line(log, 1, "search");
	expect("echo '" NOTE "' | drover map publish device:w", 0);
	check_line(log, 2, "update");
	expect("echo '" NOTE "' | drover map publish device:w --notify", 0);
	check_line(log, 3, "notify");
	expect("drover map delete device:w --all", 0);
	check_line(log, 4, "delete");
	g_assert_cmpint(kill(pid, SIGINT), ==, 0);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

/* How many items `drover map at` finds on device:past at a moment. */
static size_t n_then(gint64 at_us)
{
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(at_us / G_USEC_PER_SEC);
	g_autofree char *second = g_date_time_format(date, "%Y-%m-%dT%H:%M:%S");
	g_autofree char *line = g_strdup_printf("drover map at %s.%06uZ search device:past --json",
		second, (unsigned)(at_us % G_USEC_PER_SEC));
	json_t *json = json_of(line);
	size_t n = json_array_size(
		json_object_get(json_array_get(json_object_get(json, "items"), 0), "metadata"));

	json_decref(json);
	return n;
}

static void test_past(void)
{
	gint64 before_us = g_get_real_time();
	gint64 between_us;
	json_t *json, *row;

	expect("echo '" NOTE "' | drover map publish device:past", 0);
	between_us = g_get_real_time();
	expect("drover map delete device:past --all", 0);
	g_assert_cmpuint(n_then(before_us), ==, 0);
	g_assert_cmpuint(n_then(between_us), ==, 1);
	g_assert_cmpuint(n_then(g_get_real_time()), ==, 0);
	json = json_of("drover map history device:past --json");
	g_assert_cmpuint(json_array_size(json_object_get(json, "history")), ==, 1);
	row = json_array_get(json_object_get(json, "history"), 0);
	g_assert_cmpstr(json_string_value(json_object_get(row, "metadata")), ==, "note");
	g_assert_cmpstr(json_string_value(json_object_get(row, "why")), ==, "deleted");
	g_assert_cmpint(json_integer_value(json_object_get(row, "until-us")), >=, between_us);
	json_decref(json);
	expect("drover map at 2h search device:past", 0);
	expect("drover map history device:past 2h", 0);
	expect("drover map at yesterday search device:past", 2);
}

/* `pair` names certificate and key. */
static void write_config(const char *path, const char *pair)
{
	g_autofree char *text = g_strdup_printf(
		"[map]\nurl=%s\nca=%s/ca.crt\ncert=%s/%s.crt\nkey=%s/%s.key\n", server->url,
		server->dir, server->dir, pair, server->dir, pair);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* ---- backup, restore ---- */

/* With {dir} for the server's folder; the exit code, and what must be said on standard error. */
static void expect_store(const char *line, int code, const char *said)
{
	g_autoptr(GString) filled = g_string_new(line);
	struct run run;

	g_string_replace(filled, "{dir}", server->dir, 0);
	run = run_line(filled->str);
	g_assert_cmpint(run.code, ==, code);
	g_assert_nonnull(strstr(run.err, said));
	run_clear(&run);
}

/* Online, as whoever administers the machine does it; what was published later goes with a
 * restore, and nothing is overwritten by mistake. */
static void test_backup(void)
{
	g_autofree char *copy = server_path(server, "copy.sqlite");
	struct run run;
	GStatBuf info;

	expect("echo '" NOTE "' | drover map publish device:backup", 0);
	expect_store("drover map backup --server-config {dir}/mapd.conf {dir}/copy.sqlite", 0, "");
	g_assert_cmpint(g_stat(copy, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 0777, ==, 0600);
	expect_store("drover map backup --server-config {dir}/mapd.conf {dir}/copy.sqlite", 1,
		"copy.sqlite: will not overwrite");
	expect_store("drover map backup --server-config {dir}/none.conf {dir}/x", 1, "none.conf");
	expect_store("printf '[server]\nstore=\n' > {dir}/empty.conf; "
		     "drover map backup --server-config {dir}/empty.conf {dir}/x",
		1, "store is empty");
	expect_store("printf '[server]\nstore={dir}/nowhere\n' > {dir}/empty.conf; "
		     "drover map backup --server-config {dir}/empty.conf {dir}/x",
		1, "nowhere: No such file");
	expect_store("drover map backup --server-config {dir}/mapd.conf {dir}/no/folder", 1,
		"no/folder");
	expect("drover map backup", 2);
	expect_store("drover map restore --server-config {dir}/mapd.conf {dir}/copy.sqlite", 1,
		"another process uses this store");
	expect("echo '" NOTE "' | drover map publish device:later", 0);
	server_kill(server);
	expect_store("echo rubbish > {dir}/bad; "
		     "drover map restore --server-config {dir}/mapd.conf {dir}/bad",
		1, "not a database");
	expect_store("drover map restore --server-config {dir}/mapd.conf {dir}/copy.sqlite", 0, "");
	server_start(server);
	write_config(config_file, "good");
	run = run_line("drover map search device:backup");
	g_assert_nonnull(strstr(run.out, "note"));
	run_clear(&run);
	run = run_line("drover map search device:later");
	g_assert_null(strstr(run.out, "note"));
	run_clear(&run);
}

int main(int argc, char **argv)
{
	g_autofree char *watcher = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	server = server_new("[client C]\nmay-read-metrics=true\n");
	config_file = server_path(server, "drover.conf");
	watcher = g_strconcat(config_file, ".other", NULL);
	write_config(config_file, "good");
	write_config(watcher, "other");
	g_setenv("DROVER_CONFIG", config_file, TRUE);
	g_test_add_func("/map/publish and search", test_publish_and_search);
	g_test_add_func("/map/publish JSON", test_json_publish);
	g_test_add_func("/map/delete", test_delete);
	g_test_add_func("/map/usage", test_usage);
	g_test_add_func("/map/shorthands", test_shorthands);
	g_test_add_func("/map/dump and stats", test_dump_and_stats);
	g_test_add_func("/map/top", test_top);
	g_test_add_func("/map/past", test_past);
	g_test_add_func("/map/watch", test_watch);
	g_test_add_func("/map/backup", test_backup);
	status = g_test_run();
	server_free(server);
	g_free(config_file);
	return status;
}
