/* bench-map: load for drover-mapd, each figure beside that of a bare libmicrohttpd which answers
 * the same bytes to the same client in the same run (README.md). */
#include <glib/gstdio.h>
#include <stdio.h>

#include "scenario.h"
#include "table.h"

static const struct table_column columns[] = {
	{ "scenario", "scenario", 0 },
	{ "connections", "conns", 0 },
	{ "readers", "parked", 0 },
	{ "answer_bytes", "answer B", 0 },
	{ "requests_per_s", "requests/s", 0 },
	{ "cpu_ms_per_1000", "CPU ms/1000", 1 },
	{ "floor_requests_per_s", "floor/s", 0 },
	{ "floor_cpu_ms_per_1000", "floor ms/1000", 1 },
	{ "cpu_ratio", "CPU ratio", 2 },
	{ "rate_ratio", "rate ratio", 2 },
	{ "parked_kib", "KiB/reader", 1 },
	{ NULL, NULL, 0 },
};

struct options {
	char *mapd;
	double seconds;
	int n_clients;
	int n_idle;
	int n_threads;
	gboolean json;
};

static gboolean read_options(int *argc, char ***argv, struct options *options)
{
	const GOptionEntry entries[] = {
		{ "mapd", 0, 0, G_OPTION_ARG_FILENAME, &options->mapd,
			"The drover-mapd to measure (else $DROVER_MAPD)", "PROGRAM" },
		{ "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds,
			"How long each scenario loads the map, and then the floor (1)", "S" },
		{ "clients", 0, 0, G_OPTION_ARG_INT, &options->n_clients,
			"Publishers and searchers, or subscribers to be told (8)", "N" },
		{ "idle", 0, 0, G_OPTION_ARG_INT, &options->n_idle,
			"Subscribers whose polls stay parked in idle-polls (50)", "N" },
		{ "threads", 0, 0, G_OPTION_ARG_INT, &options->n_threads,
			"Workers of the map server and of the floor (2)", "N" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &options->json, "Print a JSON array", NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(context, "Loads a drover-mapd of its own on loopback.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error)) {
		(void)fprintf(stderr, "bench-map: %s\n", error->message);
		return FALSE;
	}
	if (!options->mapd && !g_getenv("DROVER_MAPD"))
		(void)fprintf(stderr, "bench-map: --mapd says which drover-mapd to measure\n");
	else if (options->seconds <= 0 || options->n_clients <= 0 || options->n_idle < 0 ||
		 options->n_threads <= 0)
		(void)fprintf(stderr, "bench-map: numbers are positive; only --idle may be 0\n");
	else
		return TRUE;
	return FALSE;
}

static char *write_passwords(const struct scenario_setting *setting)
{
	g_autofree char *lines = actor_passwords(scenario_n_actors(setting));
	g_autoptr(GError) error = NULL;
	char *path = NULL;
	int fd = g_file_open_tmp("drover-bench-XXXXXX", &path, &error);

	if (fd < 0 || !g_close(fd, &error) || !g_file_set_contents(path, lines, -1, &error))
		g_error("%s", error->message);
	return path;
}

/* The server of the tests, with clients of our own: of a key that stands twice the last one counts.
 */
static struct server *start_server(const struct scenario_setting *setting, const char *passwords)
{
	g_autofree char *extra = g_strdup_printf(
		"[server]\npassword-file=%s\nthreads=%u\n", passwords, setting->n_threads);

	return server_new(extra);
}

static void set_figures(
	json_t *row, const char *rate, const char *cost, const struct scenario_figures *figures)
{
	json_object_set_new(row, rate, json_real(figures->n_requests / figures->wall_s));
	json_object_set_new(row, cost, json_real(figures->cpu_s * 1e6 / figures->n_requests));
}

static json_t *row_of(const struct scenario *scenario, const struct scenario_setting *setting,
	const struct scenario_result *result)
{
	const struct scenario_figures *mapd = &result->mapd;
	const struct scenario_figures *floor = &result->floor;
	json_t *row = json_pack("{s:s, s:s, s:i, s:i, s:i}", "scenario", scenario->name, "what",
		scenario->what, "connections", setting->n_clients, "readers", result->n_readers,
		"answer_bytes", (int)result->answer_size);

	set_figures(row, "requests_per_s", "cpu_ms_per_1000", mapd);
	set_figures(row, "floor_requests_per_s", "floor_cpu_ms_per_1000", floor);
	json_object_set_new(row, "cpu_ratio",
		json_real(mapd->cpu_s / mapd->n_requests / (floor->cpu_s / floor->n_requests)));
	json_object_set_new(row, "rate_ratio",
		json_real(mapd->n_requests / mapd->wall_s / (floor->n_requests / floor->wall_s)));
	if (result->parked_size)
		json_object_set_new(
			row, "parked_kib", json_real((double)result->parked_size / 1024));
	return row;
}

int main(int argc, char **argv)
{
	struct options options = { .seconds = 1, .n_clients = 8, .n_idle = 50, .n_threads = 2 };
	g_autoptr(table_value) table = table_new(columns);

	if (!read_options(&argc, &argv, &options))
		return 2;
	if (options.mapd)
		g_setenv("DROVER_MAPD", options.mapd, TRUE);
	struct scenario_setting setting = { .n_threads = (unsigned)options.n_threads,
		.n_clients = (unsigned)options.n_clients,
		.n_idle = (unsigned)options.n_idle,
		.seconds = options.seconds };
	g_autofree char *passwords = write_passwords(&setting);
	struct server *server = start_server(&setting, passwords);

	setting.server = server;
	for (const struct scenario *scenario = scenarios; scenario->name; scenario++) {
		struct scenario_result result;

		scenario_play(scenario, &setting, &result);
		table_take(table, row_of(scenario, &setting, &result));
	}
	server_free(server);
	g_unlink(passwords);
	g_free(options.mapd);
	if (options.json)
		table_print_json(table);
	else
		table_print_text(table);
	return 0;
}
