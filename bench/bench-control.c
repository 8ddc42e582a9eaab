/* bench-control: one fact changes in a fleet of N hosts and M machines; how long until the new
 * clearances stand in the publish request? (README.md) */
#include <stdio.h>

#include "change.h"
#include "control/judge.h"
#include "fleet.h"
#include "meter.h"
#include "table.h"

#define NOW_MS    1000000
#define MIN_PLAYS 2 /* there and back */

static const struct table_column columns[] = {
	{ "hosts", "hosts", 0 },
	{ "machines", "machines", 0 },
	{ "change", "change", 0 },
	{ "judged", "judged", 0 },
	{ "published", "published", 0 },
	{ "runs", "runs", 0 },
	{ "add_us", "add µs", 2 },
	{ "wall_us", "to publish µs", 1 },
	{ "cpu_us", "CPU µs", 1 },
	{ "cpu_us_per_verdict", "CPU µs/verdict", 2 },
	{ "ratio", "CPU/add", 1 },
	{ NULL, NULL, 0 },
};

static const struct size {
	unsigned n_hosts;
	unsigned n_machines;
} sizes[] = { { 3, 8 }, { 10, 40 }, { 20, 200 }, { 50, 400 }, { 100, 1000 } };

struct bench {
	struct world *world;
	struct judge *judge;
	struct size size;
	double seconds; /* for each change */
	/* of the latest run */
	unsigned n_judged;
	unsigned n_published;
};

static void bench_open(struct bench *bench, struct size size)
{
	g_auto(world_touched) touched = { NULL };
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();

	bench->size = size;
	bench->world = fleet_world(size.n_hosts, size.n_machines);
	world_set_as_of(bench->world, NOW_MS);
	bench->judge = judge_new();
	judge_set_world(bench->judge, bench->world);
	world_touched_init(&touched);
	touched.everything = TRUE;
	judge_run(bench->judge, &touched, NOW_MS, publish);
}

static void bench_close(struct bench *bench)
{
	judge_free(bench->judge);
	world_free(bench->world);
}

/* The floor: the world takes the fact and nobody judges. CPU seconds of one. */
static double time_add(struct bench *bench, const struct change *change)
{
	g_auto(world_touched) touched = { NULL };
	struct meter meter;
	unsigned n = 0;

	world_touched_init(&touched);
	meter_start(&meter, 0);
	do {
		change_play(change, n++, bench->world, &touched);
		world_touched_reset(&touched);
	} while (n % 64 || meter_now_s() - meter.wall_s < bench->seconds / 8);
	meter_stop(&meter);
	return meter.cpu_s / n;
}

static void play(struct bench *bench, const struct change *change, unsigned n)
{
	g_auto(world_touched) touched = { NULL };
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();

	world_touched_init(&touched);
	touched.everything = change->phases[0] == NULL;
	change_play(change, n, bench->world, &touched);
	bench->n_judged = judge_run(bench->judge, &touched, NOW_MS, publish);
	bench->n_published = ifmap_publish_n_operations(publish);
}

static int compare_doubles(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Plays the change there and back until the time is over; *ret_median_s is of wall time, *ret_cpu_s
 * the mean. Returns how often. */
static unsigned time_plays(
	struct bench *bench, const struct change *change, double *ret_median_s, double *ret_cpu_s)
{
	g_autoptr(GArray) walls = g_array_new(FALSE, FALSE, sizeof(double));
	double end_s = meter_now_s() + bench->seconds;
	double cpu_s = 0;

	while (walls->len % 2 || walls->len < MIN_PLAYS || meter_now_s() < end_s) {
		struct meter meter;

		meter_start(&meter, 0);
		play(bench, change, walls->len);
		meter_stop(&meter);
		g_array_append_val(walls, meter.wall_s);
		cpu_s += meter.cpu_s;
	}
	g_array_sort(walls, compare_doubles);
	*ret_median_s = g_array_index(walls, double, walls->len / 2);
	*ret_cpu_s = cpu_s / walls->len;
	return walls->len;
}

static json_t *measure(
	struct bench *bench, const struct change_kind *kind, const struct change *floor)
{
	g_auto(change_value) change = { NULL };
	double median_s = 0;
	double cpu_s = 0;

	change_init(&change, kind, fleet_memory_mib(bench->size.n_hosts, bench->size.n_machines));
	double add_s = time_add(bench, kind->make ? &change : floor);
	unsigned n = time_plays(bench, &change, &median_s, &cpu_s);

	return json_pack("{s:i, s:i, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f}", "hosts",
		bench->size.n_hosts, "machines", bench->size.n_machines, "change", kind->name,
		"judged", bench->n_judged, "published", bench->n_published, "runs", n, "add_us",
		add_s * 1e6, "wall_us", median_s * 1e6, "cpu_us", cpu_s * 1e6, "cpu_us_per_verdict",
		cpu_s * 1e6 / MAX(1, bench->n_judged), "ratio", cpu_s / add_s);
}

static void measure_size(struct table *table, struct size size, double seconds)
{
	struct bench bench = { .seconds = seconds };
	g_auto(change_value) floor = { NULL };

	bench_open(&bench, size);
	change_init(&floor, &change_kinds[0], fleet_memory_mib(size.n_hosts, size.n_machines));
	for (const struct change_kind *kind = change_kinds; kind->name; kind++)
		table_take(table, measure(&bench, kind, &floor));
	bench_close(&bench);
}

struct options {
	int n_hosts;
	int n_machines;
	double seconds;
	gboolean json;
};

static gboolean read_options(int *argc, char ***argv, struct options *options)
{
	const GOptionEntry entries[] = {
		{ "hosts", 0, 0, G_OPTION_ARG_INT, &options->n_hosts,
			"One size only: so many hosts (with --machines)", "N" },
		{ "machines", 0, 0, G_OPTION_ARG_INT, &options->n_machines,
			"One size only: so many machines, in applications of 4", "M" },
		{ "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds,
			"How long to repeat each change; at least there and back (0.5)", "S" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &options->json, "Print a JSON array", NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_summary(context, "Times control from a changed fact to the verdicts.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, &error)) {
		(void)fprintf(stderr, "bench-control: %s\n", error->message);
		return FALSE;
	}
	if ((options->n_hosts > 0) == (options->n_machines > 0) && options->seconds > 0)
		return TRUE;
	(void)fprintf(stderr,
		"bench-control: --hosts and --machines come together, and all numbers are positive\n");
	return FALSE;
}

int main(int argc, char **argv)
{
	struct options options = { .seconds = 0.5 };
	g_autoptr(table_value) table = table_new(columns);

	if (!read_options(&argc, &argv, &options))
		return 2;
	if (options.n_hosts > 0)
		measure_size(table,
			(struct size){ (unsigned)options.n_hosts, (unsigned)options.n_machines },
			options.seconds);
	else
		for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
			measure_size(table, sizes[i], options.seconds);
	if (options.json)
		table_print_json(table);
	else
		table_print_text(table);
	return 0;
}
