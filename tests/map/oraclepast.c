/* A run with a store: the past, and a second server on the same file. */
#include "oracle.h"
#include "oraclerun.h"

#define LOOKS 6

static void compare_search(struct oracle_run *run, const char *what,
	const struct sequence_op *query, const struct model *map)
{
	const struct sequence_step step = {
		.verb = SEQUENCE_SEARCH, .client = 1, .n_ops = 1, .ops = { *query }
	};
	g_autofree char *got = oracle_ask(run, &step);
	g_autofree char *expected = model_server_search(map, query);
	oracle_compare(run, what, expected, got);
}

static void look_back(struct oracle_run *run, struct sequence_source *source)
{
	for (int i = 0; i < LOOKS; i++) {
		guint which = (guint)g_rand_int_range(source->rand, 0, (gint32)run->snapshots->len);
		const struct oracle_snapshot *then = g_ptr_array_index(run->snapshots, which);
		const struct sequence_op query = sequence_draw_query(source);
		g_autofree char *what = g_strdup_printf("the past after step %u", which);
		run->at_us = then->at_us;
		compare_search(run, what, &query, &then->map);
	}
	run->at_us = 0;
}

/* All that ever stood on an identifier itself, in one item. */
static void compare_log(struct oracle_run *run, int id)
{
	const struct sequence_op query = { .kind = SEQUENCE_WATCH, .a = id, .b = -1 };
	const struct oracle_snapshot *last = g_ptr_array_index(
		run->snapshots, run->snapshots->len - 1);
	struct model_answer ever = { 0 };
	g_autoptr(model_items) items = model_items_new();

	for (int i = 0; i < SEQUENCE_IDS; i++)
		ever.depth[i] = i == id ? 0 : -1;
	for (guint i = 0; i < run->snapshots->len; i++) {
		const struct oracle_snapshot *then = g_ptr_array_index(run->snapshots, i);
		for (unsigned k = 0; k < then->map.n_facts; k++) {
			const struct model_fact *fact = &then->map.facts[k];
			if (fact->present && fact->a == id && fact->b < 0)
				ever.fact[k] = TRUE;
		}
	}
	model_add_answer(&last->map, &ever, items);
	const struct sequence_step step = {
		.verb = SEQUENCE_SEARCH, .client = 1, .n_ops = 1, .ops = { query }
	};
	run->since_us = 1;
	g_autofree char *got = oracle_ask(run, &step);
	run->since_us = 0;
	g_autofree char *expected = model_items_text(items);
	oracle_compare(run, "log", expected, got);
}

/* The server ends and another begins on the same store. */
static void restart(struct oracle_run *run)
{
	static const struct sequence_step NEW = { .verb = SEQUENCE_NEW, .client = 1 };
	struct model_server *fresh = model_server_new();

	map_engine_drain(run->engine);
	map_engine_free(run->engine);
	fresh->map = run->model->map;
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		model_remove_all(&fresh->map, i, MODEL_SESSION_ONLY);
		g_autoptr(GString) late = g_steal_pointer(&run->ends[i].woken);
		g_clear_pointer(&run->model->clients[i].woken, g_free);
	}
	model_server_free(run->model);
	run->model = fresh;
	oracle_start_engine(run);
	oracle_run_step(run, &NEW);
}

static void examine(struct oracle_run *run, guint32 seed)
{
	struct sequence_source source = { .rand = g_rand_new_with_seed(seed) };
	static const struct sequence_step BREAK = { .verb = SEQUENCE_BREAK, .client = 1 };
	static const struct sequence_step BEGIN = { .verb = SEQUENCE_NEW, .client = 1 };

	oracle_run_step(run, &BREAK);
	oracle_run_step(run, &BEGIN);
	look_back(run, &source);
	restart(run);
	look_back(run, &source);
	for (int id = 0; id < SEQUENCE_IDS; id++) {
		const struct sequence_op now = {
			.kind = SEQUENCE_WATCH, .a = id, .b = -1, .depth = 1
		};
		compare_search(run, "after the restart", &now, &run->model->map);
		compare_log(run, id);
	}
	g_rand_free(source.rand);
}

char *oracle_run_durably(const GArray *steps, const char *path, guint32 seed)
{
	struct oracle_run run = { .store = path, .slice = seed % 3 };

	run.snapshots = g_ptr_array_new_with_free_func(g_free);
	oracle_run_init(&run);
	for (run.step = 0; run.step < steps->len && !run.report; run.step++)
		oracle_run_step(&run, &g_array_index(steps, struct sequence_step, run.step));
	if (!run.report)
		examine(&run, seed);
	oracle_run_clear(&run);
	return run.report;
}
