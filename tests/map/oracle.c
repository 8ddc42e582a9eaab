#include "oracle.h"

#include <string.h>

#include "inside.h"
#include "oraclerun.h"
#include "summary.h"

const char *const ORACLE_CLIENTS[SEQUENCE_CLIENTS] = { "A", "B", "P", "R" };

/* ---- short forms of what the engine says */

/* With whose it is. */
static char *meta_text(const struct ifmap_meta *meta)
{
	return g_strdup_printf("%s=%s@%c", ifmap_meta_name(meta), ifmap_meta_text(meta, "v"),
		*ifmap_meta_publisher(meta));
}

static char *short_form(const struct ifmap_answer *answer)
{
	return answer->type == IFMAP_ANSWER_NEW_SESSION && answer->max_poll_result_size
		       ? g_strdup_printf("new %zu", answer->max_poll_result_size)
		       : summary_of_answer(answer, meta_text);
}

/* ---- the engine's side */

static void on_answer(gpointer token, GString *reply, gpointer data)
{
	const struct oracle_ticket *ticket = token;
	struct oracle_run *run = data;
	GString **place = ticket->poll ? &ticket->end->woken : &ticket->end->answered;
	g_mutex_lock(&run->lock);
	g_assert_null(*place);
	*place = reply;
	g_cond_signal(&run->came);
	g_mutex_unlock(&run->lock);
}

/* Longer than any disk takes. */
#define PATIENCE_US (20 * (gint64)G_USEC_PER_SEC)

/* The answer to a request that had to be made durable. */
static GString *wait_answer(struct oracle_run *run, struct oracle_end *end)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;
	g_mutex_lock(&run->lock);
	while (!end->answered && g_cond_wait_until(&run->came, &run->lock, until))
		;
	GString *reply = g_steal_pointer(&end->answered);
	g_mutex_unlock(&run->lock);
	return reply;
}

static void remember_session(struct oracle_end *end, struct ifmap_answer *answer)
{
	g_free(end->former_id);
	end->former_id = end->session_id;
	end->session_id = g_steal_pointer(&answer->session_id);
	g_free(end->publisher_id);
	end->publisher_id = g_steal_pointer(&answer->publisher_id);
}

static char *read_reply(struct oracle_end *end, const GString *reply)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(reply->str, reply->len, &error);
	if (!answer)
		return g_strdup_printf("%s: %s", error->message, reply->str);
	char *text = short_form(answer);
	if (answer->type == IFMAP_ANSWER_NEW_SESSION)
		remember_session(end, answer);
	return text;
}

/* The answer in short form, or NULL when none came at once. */
char *oracle_ask(struct oracle_run *run, const struct sequence_step *step)
{
	struct oracle_end *end = &run->ends[step->client];
	g_autoptr(GString) text = oracle_request_text(run, step);
	g_autoptr(GString) reply = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = NULL;
	g_autoptr(map_identity) identity = inside_identity(ORACLE_CLIENTS[step->client]);
	struct map_call call = {
		.connection = end->connections[step->channel],
		.identity = identity,
		.token = &run->tickets[step->client][step->verb == SEQUENCE_POLL],
	};
	gboolean answered = TRUE;

	switch (ifmap_request_parse(
		text->str, text->len, &IFMAP_REQUEST_LIMITS_DEFAULT, &call.request, &id, &error)) {
	case IFMAP_PARSE_OK:
		answered = map_engine_handle(run->engine, &call, reply);
		break;
	case IFMAP_PARSE_REFUSED:
		map_engine_refuse(run->engine, &call, id, error, reply);
		break;
	case IFMAP_PARSE_BAD_XML:
	case IFMAP_PARSE_NOT_UNDERSTOOD:
	case IFMAP_PARSE_OLD_SOAP:
		return g_strdup(error->message);
	}
	ifmap_request_free(call.request);
	if (answered)
		return read_reply(end, reply);
	if (step->verb == SEQUENCE_POLL || !run->store)
		return NULL;
	g_autoptr(GString) late = wait_answer(run, end);
	return late ? read_reply(end, late) : NULL;
}

static void happen(struct oracle_run *run, const struct sequence_step *step)
{
	guint64 *connection = &run->ends[step->client].connections[step->channel];

	g_string_append_printf(run->history, "%3u %s%d: %s\n", run->step,
		ORACLE_CLIENTS[step->client], step->channel,
		step->verb == SEQUENCE_TICK    ? "tick"
		: step->verb == SEQUENCE_CLOSE ? "close"
					       : "break");
	if (step->verb == SEQUENCE_TICK) {
		map_engine_tick(run->engine);
		return;
	}
	if (step->verb == SEQUENCE_BREAK)
		map_engine_connection_broken(run->engine, *connection);
	map_engine_connection_closed(run->engine, *connection);
	*connection = ++run->last_connection;
}

/* ---- comparing */

void oracle_compare(struct oracle_run *run, const char *what, const char *expected, const char *got)
{
	if (run->report || g_strcmp0(expected, got) == 0)
		return;
	run->report = g_strdup_printf("step %u, %s\n expected: %s\n got:      %s\n%s", run->step,
		what, expected ? expected : "(nothing)", got ? got : "(nothing)",
		run->history->str);
}

/* Only what hangs may come later than what went at one stroke. */
static void clear_before_polls(struct oracle_run *run)
{
	gboolean expected = run->step % 3 == 0;
	for (int i = 0; i < SEQUENCE_CLIENTS; i++)
		expected = expected || run->model->clients[i].woken;
	if (run->slice && expected)
		while (map_engine_clear_away(run->engine))
			;
	else if (run->slice)
		map_engine_clear_away(run->engine);
}

static void compare_polls(struct oracle_run *run)
{
	clear_before_polls(run);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		struct oracle_end *end = &run->ends[i];
		g_autoptr(GString) woken = g_steal_pointer(&end->woken);
		g_autofree char *got = woken ? read_reply(end, woken) : NULL;
		g_autofree char *expected = g_steal_pointer(&run->model->clients[i].woken);
		g_autofree char *what = g_strdup_printf("hanging poll of %s", ORACLE_CLIENTS[i]);
		oracle_compare(run, what, expected, got);
	}
}

/* What the server itself has on the map. */
#define OWN_FACTS 1

static void compare_counts(struct oracle_run *run)
{
	struct map_engine_figures figures;
	map_engine_figures(run->engine, &figures);
	if (run->slice) { /* links wait until they are cleared away, as do results too big */
		figures.n_links = model_n_links(&run->model->map);
		figures.n_subscriptions = model_server_n_subscriptions(run->model);
	}
	g_autofree char *got = g_strdup_printf(
		"%zu facts, %zu links, %zu sessions, %zu subscriptions", figures.n_facts,
		figures.n_links, figures.n_sessions, figures.n_subscriptions);
	g_autofree char *expected = g_strdup_printf(
		"%u facts, %u links, %u sessions, %u subscriptions",
		model_n_present(&run->model->map) + OWN_FACTS, model_n_links(&run->model->map),
		model_server_n_sessions(run->model), model_server_n_subscriptions(run->model));
	oracle_compare(run, "counts", expected, got);
}

/* Steps that shrinking or a hand has left without what they need. */
static gboolean makes_sense(const struct sequence_step *step)
{
	gboolean watches = step->verb == SEQUENCE_SUBSCRIBE || step->verb == SEQUENCE_SEARCH;
	for (int i = 0; i < step->n_ops; i++)
		if ((step->ops[i].kind >= SEQUENCE_WATCH) != watches ||
			(step->ops[i].b >= 0 && step->ops[i].b < step->ops[i].a))
			return FALSE;
	return !watches || step->n_ops > 0;
}

static void take_snapshot(struct oracle_run *run)
{
	struct map_engine_figures figures;
	struct oracle_snapshot *snapshot = g_new0(struct oracle_snapshot, 1);

	map_engine_figures(run->engine, &figures);
	snapshot->at_us = figures.timestamp_us;
	snapshot->map = run->model->map;
	g_ptr_array_add(run->snapshots, snapshot);
}

void oracle_run_step(struct oracle_run *run, const struct sequence_step *step)
{
	static const struct sequence_step TICK = { .verb = SEQUENCE_TICK };

	if (!makes_sense(step) || model_server_is_busy(run->model, step))
		return;
	/* Two sessions never time out together: their order is nobody's business. */
	if (step->verb == SEQUENCE_CLOSE || step->verb == SEQUENCE_BREAK)
		oracle_run_step(run, &TICK);
	g_autofree char *got = NULL;
	if (oracle_is_request(step))
		got = oracle_ask(run, step);
	else
		happen(run, step);
	g_autofree char *expected = model_server_step(run->model, step);
	oracle_compare(run, "answer", expected, got);
	compare_polls(run);
	compare_counts(run);
	if (run->snapshots)
		take_snapshot(run);
}

/* ---- whole sequences */

static void search_all(struct oracle_run *run)
{
	for (int id = 0; id < SEQUENCE_IDS; id++) {
		const struct sequence_step step = {
			.verb = SEQUENCE_SEARCH,
			.client = 1,
			.n_ops = 1,
			.ops = { { .kind = SEQUENCE_WATCH, .a = id, .b = -1, .depth = id % 3 } },
		};
		oracle_run_step(run, &step);
	}
}

/* Everybody fetches what waits, looks at everything, takes it away and goes: then nothing may be
 * left. */
static void wind_up(struct oracle_run *run)
{
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		const struct sequence_step poll = {
			.verb = SEQUENCE_POLL, .client = i, .channel = 1
		};
		const struct sequence_step close = { .verb = SEQUENCE_BREAK, .client = i };
		const struct sequence_step new = { .verb = SEQUENCE_NEW, .client = i };
		oracle_run_step(run, &poll);
		oracle_run_step(run, &close);
		oracle_run_step(run, &new);
	}
	search_all(run);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		const struct sequence_step purge = {
			.verb = SEQUENCE_PURGE, .client = 2, .target = i
		};
		oracle_run_step(run, &purge);
	}
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		const struct sequence_step end = { .verb = SEQUENCE_END, .client = i };
		oracle_run_step(run, &end);
	}
	while (run->slice && map_engine_clear_away(run->engine))
		;
	struct map_engine_figures figures;
	map_engine_figures(run->engine, &figures);
	g_autofree char *got = g_strdup_printf(
		"%zu nodes, %zu facts", figures.n_nodes, figures.n_facts);
	oracle_compare(run, "what is left", "1 nodes, 1 facts", got);
}

void oracle_start_engine(struct oracle_run *run)
{
	static const struct map_retention KEEP = { .days = 1, .size = 1U << 30 };
	const struct map_engine_ops ops = { .answer = on_answer, .data = run };
	g_autoptr(GError) error = NULL;
	struct map_store *store = run->store ? map_store_open(run->store, &KEEP, &error) : NULL;

	g_assert_no_error(error);
	run->engine = map_engine_new(&run->limits, &IFMAP_DIALECT_DEFAULT, &ops, store, &error);
	g_assert_no_error(error);
	map_engine_set_slice(run->engine, run->slice);
}

void oracle_run_init(struct oracle_run *run)
{
	run->limits = map_limits_default;
	run->limits.max_search_depth = MODEL_MAX_DEPTH;
	run->limits.quota.subscriptions = MODEL_MAX_SUBSCRIPTIONS;
	run->limits.quota.stored = MODEL_MAX_STORED;
	run->limits.session_timeout_s = 0;
	g_mutex_init(&run->lock);
	g_cond_init(&run->came);
	oracle_start_engine(run);
	run->model = model_server_new();
	run->history = g_string_new(NULL);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		for (int k = 0; k < SEQUENCE_CHANNELS; k++)
			run->ends[i].connections[k] = ++run->last_connection;
		for (int poll = 0; poll < 2; poll++)
			run->tickets[i][poll] = (struct oracle_ticket){ &run->ends[i], poll };
	}
}

void oracle_run_clear(struct oracle_run *run)
{
	map_engine_drain(run->engine);
	map_engine_free(run->engine);
	model_server_free(run->model);
	g_string_free(run->history, TRUE);
	g_mutex_clear(&run->lock);
	g_cond_clear(&run->came);
	g_clear_pointer(&run->snapshots, g_ptr_array_unref);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		g_free(run->ends[i].former_id);
		g_free(run->ends[i].session_id);
		g_free(run->ends[i].publisher_id);
		if (run->ends[i].woken)
			g_string_free(run->ends[i].woken, TRUE);
	}
}

static char *run_in_slices(const GArray *steps, unsigned slice)
{
	struct oracle_run run = { .slice = slice };

	oracle_run_init(&run);
	for (run.step = 0; run.step < steps->len && !run.report; run.step++)
		oracle_run_step(&run, &g_array_index(steps, struct sequence_step, run.step));
	if (!run.report)
		wind_up(&run);
	oracle_run_clear(&run);
	return run.report;
}

char *oracle_run(const GArray *steps)
{
	char *difference = run_in_slices(steps, 0);
	return difference ? difference : run_in_slices(steps, 1);
}
