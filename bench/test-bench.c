/* That the benches run, and measure what they say; figures are nobody's business here. */
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
	char *out;
	char *err;
	int exit_code; /* -1: did not exit */
};

static void run_clear(struct run *run)
{
	g_free(run->out);
	g_free(run->err);
}
typedef struct run run_value; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(run_value, run_clear)

/* `variable` names the environment variable that names the program; `args` are words. */
static void run_bench(const char *variable, const char *args, struct run *ret_run)
{
	g_autofree char *line = g_strconcat(g_getenv(variable), " ", args, NULL);
	g_autoptr(GError) error = NULL;
	int status = -1;

	g_assert_nonnull(g_getenv(variable));
	g_spawn_command_line_sync(line, &ret_run->out, &ret_run->err, &status, &error);
	g_assert_no_error(error);
	ret_run->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (*ret_run->err)
		g_test_message("%s", ret_run->err);
}

static json_t *rows_of(const char *variable, const char *args)
{
	g_auto(run_value) run = { NULL };
	json_t *rows;

	run_bench(variable, args, &run);
	g_assert_cmpint(run.exit_code, ==, 0);
	rows = json_loads(run.out, 0, NULL);
	g_assert_true(json_is_array(rows));
	return rows;
}

static double number(const json_t *row, const char *name)
{
	g_assert_true(json_is_number(json_object_get(row, name)));
	return json_number_value(json_object_get(row, name));
}

static void assert_text(const json_t *row, const char *name, const char *want)
{
	g_assert_cmpstr(json_string_value(json_object_get(row, name)), ==, want);
}

/* ---- bench-map */

/* Every figure was measured; those with a goal say whether they meet it. */
static void check_map_row(const json_t *rows, size_t i, const char *work, gboolean goal)
{
	const json_t *row = json_array_get(rows, i);

	assert_text(row, "work", work);
	g_assert_cmpfloat(number(row, "value"), >, 0);
	g_assert_cmpint(json_is_number(json_object_get(row, "goal_value")), ==, goal);
	g_assert_cmpint(json_is_string(json_object_get(row, "met")), ==, goal);
}

static void test_map(void)
{
	/* a row for each size of graph, of which the last has the goal; with and without
	 * history; four about sessions */
	static const struct {
		const char *work;
		gboolean goal;
	} want[] = {
		{ "publish", TRUE },
		{ "publish", TRUE },
		{ "durable", TRUE },
		{ "batch", TRUE },
		{ "batch", TRUE },
		{ "search", FALSE },
		{ "search", TRUE },
		{ "untouched", TRUE },
		{ "tell", TRUE },
		{ "sessions", TRUE },
		{ "sessions", TRUE },
		{ "sessions", TRUE },
		{ "sessions", TRUE },
		{ "memory", TRUE },
	};
	g_autofree char *file = g_strdup_printf(
		"%s/drover-bench-%d.json", g_get_tmp_dir(), (int)getpid());
	g_autofree char *args = g_strdup_printf("--quick --json %s", file);
	g_auto(run_value) run = { NULL };

	run_bench("BENCH_MAP", args, &run);
	g_assert_cmpint(run.exit_code, ==, 0);
	g_assert_nonnull(strstr(run.out, "updates a second and core"));
	json_t *document = json_load_file(file, 0, NULL);
	const json_t *rows = json_object_get(document, "rows");
	g_assert_cmpuint(json_array_size(rows), ==, G_N_ELEMENTS(want));
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++)
		check_map_row(rows, i, want[i].work, want[i].goal);
	/* the searches found their twenty links: an answer is long */
	g_assert_nonnull(strstr(json_string_value(json_object_get(json_array_get(rows, 5), "note")),
		"answers of 9"));
	json_decref(document);
	g_assert_cmpint(g_unlink(file), ==, 0);
}

/* One work alone reports nothing of the others. */
static void test_map_only(void)
{
	g_auto(run_value) run = { NULL };

	run_bench("BENCH_MAP", "--quick --only memory", &run);
	g_assert_cmpint(run.exit_code, ==, 0);
	g_assert_nonnull(strstr(run.out, "memory of an object"));
	g_assert_null(strstr(run.out, "publish"));
}

/* ---- bench-control */

static void test_control(void)
{
	/* 3 hosts, 2 applications: one host's fact is about 2 pairs, everything about 6 */
	static const struct {
		const char *change;
		unsigned n_judged;
		unsigned n_published;
	} want[] = {
		{ "capacity", 2, 2 },
		{ "segment", 2, 2 },
		{ "cable", 2, 2 },
		{ "everything", 6, 0 },
	};
	json_t *rows = rows_of("BENCH_CONTROL", "--hosts 3 --machines 8 --seconds 0.02 --json");

	g_assert_cmpuint(json_array_size(rows), ==, G_N_ELEMENTS(want));
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
		const json_t *row = json_array_get(rows, i);

		assert_text(row, "change", want[i].change);
		g_assert_cmpfloat(number(row, "judged"), ==, want[i].n_judged);
		g_assert_cmpfloat(number(row, "published"), ==, want[i].n_published);
		g_assert_cmpfloat(number(row, "runs"), >=, 2);
		g_assert_cmpfloat(number(row, "add_us"), >, 0);
		g_assert_cmpfloat(number(row, "ratio"), >, 1);
	}
	json_decref(rows);
}

static void test_text(void)
{
	g_auto(run_value) run = { NULL };
	g_auto(GStrv) lines = NULL;

	run_bench("BENCH_CONTROL", "--hosts 3 --machines 8 --seconds 0.01", &run);
	lines = g_strsplit(run.out, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 6); /* headings, four rows, nothing */
	g_assert_nonnull(strstr(lines[0], "CPU/add"));
	for (unsigned i = 1; i < 5; i++)
		g_assert_cmpint(g_utf8_strlen(lines[i], -1), ==, g_utf8_strlen(lines[0], -1));
}

/* ---- both */

static void test_usage(void)
{
	static const struct {
		const char *variable;
		const char *args;
		const char *said;
	} rows[] = {
		{ "BENCH_MAP", "--seconds -1", "positive" },
		{ "BENCH_MAP", "--only nothing", "no such work" },
		{ "BENCH_MAP", "--what", "--what" },
		{ "BENCH_CONTROL", "--hosts 3", "together" },
		{ "BENCH_CONTROL", "--seconds 0", "positive" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(run_value) run = { NULL };

		run_bench(rows[i].variable, rows[i].args, &run);
		g_assert_cmpint(run.exit_code, ==, 2);
		g_assert_nonnull(strstr(run.err, rows[i].said));
	}
}

/* ---- bench-store */

static void test_store(void)
{
	static const char *const want[] = { "memory", "session", "session, history", "forever",
		"forever, history", "purge", "session's end", "fill", "start" };
	json_t *rows = rows_of("BENCH_STORE", "--json 4000");

	g_assert_cmpuint(json_array_size(rows), ==, G_N_ELEMENTS(want));
	for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
		const json_t *row = json_array_get(rows, i);
		assert_text(row, "scenario", want[i]);
		g_assert_cmpfloat(number(row, "cpu_us_per_object"), >, 0);
	}
	json_decref(rows);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bench/map", test_map);
	g_test_add_func("/bench/map-only", test_map_only);
	g_test_add_func("/bench/control", test_control);
	g_test_add_func("/bench/store", test_store);
	g_test_add_func("/bench/text", test_text);
	g_test_add_func("/bench/usage", test_usage);
	return g_test_run();
}
