#include "oracle.h"

#include <string.h>

#include "ifmap/answer.h"
#include "inside.h"
#include "script.h"
#include "server-model.h"

static const char *const CLIENTS[SEQUENCE_CLIENTS] = { "A", "B", "P", "R" };

struct channel_end {
	char *former_id;
	char *session_id;
	char *publisher_id;
	guint64 connections[SEQUENCE_CHANNELS];
	GString *woken;    /* what the poll that hung was answered */
	GString *answered; /* what had to be durable first */
};

/* What a request is given to know its answer by. */
struct ticket {
	struct channel_end *end;
	gboolean poll;
};

/* The map after one step. */
struct snapshot {
	gint64 at_us;
	struct model map;
};

struct run {
	struct map_limits limits;
	struct map_engine *engine;
	struct model_server *model;
	struct channel_end ends[SEQUENCE_CLIENTS];
	struct ticket tickets[SEQUENCE_CLIENTS][2];
	GMutex lock; /* guards woken and answered */
	GCond came;
	guint64 last_connection;
	const char *store;      /* path, or NULL */
	GPtrArray *snapshots;   /* struct snapshot *; NULL without a store */
	gint64 at_us, since_us; /* of searches, 0: the present */
	unsigned step;
	GString *history; /* what was sent */
	char *report;     /* NULL as long as they agree */
};

/* ---- short forms of what the engine says */

static void add_meta(GPtrArray *texts, const struct ifmap_meta *meta)
{
	g_ptr_array_add(texts, g_strdup_printf("%s=%s@%c", ifmap_meta_name(meta),
				       ifmap_meta_text(meta, "v"), *ifmap_meta_publisher(meta)));
}

static char *item_text(const struct ifmap_item *item)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	g_autoptr(GPtrArray) metas = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(ids, (gpointer)ifmap_id_value(item->a));
	if (item->b)
		g_ptr_array_add(ids, (gpointer)ifmap_id_value(item->b));
	for (guint i = 0; i < item->metas->len; i++)
		add_meta(metas, g_ptr_array_index(item->metas, i));
	gboolean bare = metas->len == 0;
	g_autofree char *who = script_join_sorted(ids, "-");
	g_autofree char *what = script_join_sorted(metas, ",");
	return bare ? g_strdup(who) : g_strdup_printf("%s{%s}", who, what);
}

static char *items_text(const struct ifmap_result *result)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < result->items->len; i++)
		g_ptr_array_add(items, item_text(g_ptr_array_index(result->items, i)));
	return script_join_sorted(items, " ");
}

static void append_member(GString *out, const struct ifmap_member *member)
{
	static const char *const KINDS[] = {
		[IFMAP_RESULT_SEARCH] = "search",
		[IFMAP_RESULT_UPDATE] = "update",
		[IFMAP_RESULT_DELETE] = "delete",
		[IFMAP_RESULT_NOTIFY] = "notify",
	};
	g_autofree char *items = member->result ? items_text(member->result)
						: g_strdup(ifmap_error_code_to_string(
							  (enum ifmap_error)member->refused->code));
	g_string_append_printf(out, "%s%s(%s): %s", out->len ? " | " : "",
		member->result ? KINDS[member->result->kind] : "error", member->name, items);
}

static char *poll_text(const struct ifmap_answer *answer)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < answer->members->len; i++)
		append_member(out, g_ptr_array_index(answer->members, i));
	return g_string_free(out, FALSE);
}

static char *short_form(const struct ifmap_answer *answer)
{
	const struct ifmap_member *first = answer->members->len ? answer->members->pdata[0] : NULL;
	switch (answer->type) {
	case IFMAP_ANSWER_NEW_SESSION:
		return answer->max_poll_result_size
			       ? g_strdup_printf("new %zu", answer->max_poll_result_size)
			       : g_strdup("new");
	case IFMAP_ANSWER_END_SESSION:
		return g_strdup("end");
	case IFMAP_ANSWER_SEARCH:
		return items_text(first->result);
	case IFMAP_ANSWER_POLL:
		return poll_text(answer);
	case IFMAP_ANSWER_ERROR:
		return g_strconcat("error ",
			ifmap_error_code_to_string((enum ifmap_error)answer->refused->code), NULL);
	case IFMAP_ANSWER_RENEW_SESSION:
	case IFMAP_ANSWER_PUBLISH:
	case IFMAP_ANSWER_SUBSCRIBE:
	case IFMAP_ANSWER_PURGE:
		break;
	}
	return g_strdup("ok");
}

/* ---- requests as text */

static void append_id(GString *text, int id)
{
	if (id < 5)
		g_string_append_printf(text, "<access-request name=\"%s\"/>", model_id_name(id));
	else
		g_string_append_printf(text, "<device><name>%s</name></device>", model_id_name(id));
}

static void append_filter(GString *text, const char *name, int filter)
{
	if (model_filter_text(filter))
		g_string_append_printf(text, " %s=\"%s\"", name, model_filter_text(filter));
}

static void append_meta(GString *text, const struct sequence_op *op, unsigned number)
{
	g_string_append_printf(text,
		"<metadata><x:%s ifmap-cardinality=\"%s\" k=\"%d\"><v>%u</v></x:%s></metadata>",
		MODEL_TYPE_NAMES[op->type],
		model_claim(op) == MODEL_SINGLE ? "singleValue" : "multiValue", op->attribute,
		number, MODEL_TYPE_NAMES[op->type]);
}

static void append_operation(GString *text, const struct sequence_op *op, unsigned number)
{
	static const char *const TAGS[] = { "update", "delete", "notify" };
	g_string_append_printf(text, "<%s", TAGS[op->kind]);
	if (op->kind == SEQUENCE_UPDATE && op->forever)
		g_string_append(text, " lifetime=\"forever\"");
	if (op->kind == SEQUENCE_DELETE)
		append_filter(text, "filter", op->filter);
	g_string_append_c(text, '>');
	append_id(text, op->swap && op->b >= 0 ? op->b : op->a);
	if (op->b >= 0)
		append_id(text, op->swap ? op->a : op->b);
	if (op->kind != SEQUENCE_DELETE)
		append_meta(text, op, number);
	g_string_append_printf(text, "</%s>", TAGS[op->kind]);
}

static void append_query(GString *text, const struct sequence_op *op)
{
	g_string_append_printf(text, " max-depth=\"%d\" max-size=\"%d\"", op->depth,
		op->size ? op->size : MODEL_LARGE);
	append_filter(text, "match-links", op->links);
	append_filter(text, "result-filter", op->result);
	if (op->stop)
		g_string_append(text, " terminal-identifier-type=\"device\"");
	g_string_append_c(text, '>');
	append_id(text, op->a);
}

static void write_publish(struct run *run, const struct sequence_step *step, GString *text)
{
	unsigned n_updates = run->model->map.n_facts;
	unsigned n_notices = 0;

	g_string_append_c(text, '>');
	for (int i = 0; i < step->n_ops; i++) {
		const struct sequence_op *op = &step->ops[i];
		unsigned number = 0;
		if (op->kind == SEQUENCE_UPDATE)
			number = n_updates++;
		else if (op->kind == SEQUENCE_NOTIFY)
			number = 5000 + n_notices++;
		append_operation(text, op, number);
	}
}

static void write_subscribe(struct run *run, const struct sequence_step *step, GString *text)
{
	(void)run;
	g_string_append_c(text, '>');
	for (int i = 0; i < step->n_ops; i++) {
		const struct sequence_op *op = &step->ops[i];
		gboolean watch = op->kind == SEQUENCE_WATCH;
		g_string_append_printf(
			text, "<%s name=\"w%d\"", watch ? "update" : "delete", op->name);
		if (watch)
			append_query(text, op);
		g_string_append(text, watch ? "</update>" : "/>");
	}
}

static void write_search(struct run *run, const struct sequence_step *step, GString *text)
{
	if (run->at_us)
		g_string_append_printf(text, " drover-at=\"%" G_GINT64_FORMAT "\"", run->at_us);
	if (run->since_us)
		g_string_append_printf(
			text, " drover-since=\"%" G_GINT64_FORMAT "\"", run->since_us);
	append_query(text, &step->ops[0]);
}

static void write_garbled(struct run *run, const struct sequence_step *step, GString *text)
{
	(void)run, (void)step;
	g_string_append(text, " match-links=\"x:s[\">");
	append_id(text, 0);
}

static void write_new(struct run *run, const struct sequence_step *step, GString *text)
{
	(void)run;
	if (step->size)
		g_string_append_printf(text, " max-poll-result-size=\"%d\"", step->size);
	g_string_append_c(text, '>');
}

static void write_purge(struct run *run, const struct sequence_step *step, GString *text)
{
	const char *id = step->target < SEQUENCE_CLIENTS ? run->ends[step->target].publisher_id
							 : NULL;
	g_string_append_printf(text, " ifmap-publisher-id=\"%s\">", id ? id : "nobody");
}

static void write_plain(struct run *run, const struct sequence_step *step, GString *text)
{
	(void)run, (void)step;
	g_string_append_c(text, '>');
}

static const struct {
	const char *tag; /* NULL: no request */
	void (*write)(struct run *run, const struct sequence_step *step, GString *text);
} VERBS[SEQUENCE_VERBS] = {
	[SEQUENCE_PUBLISH] = { "publish", write_publish },
	[SEQUENCE_SUBSCRIBE] = { "subscribe", write_subscribe },
	[SEQUENCE_SEARCH] = { "search", write_search },
	[SEQUENCE_POLL] = { "poll", write_plain },
	[SEQUENCE_NEW] = { "newSession", write_new },
	[SEQUENCE_END] = { "endSession", write_plain },
	[SEQUENCE_RENEW] = { "renewSession", write_plain },
	[SEQUENCE_PURGE] = { "purgePublisher", write_purge },
	[SEQUENCE_GARBLED] = { "search", write_garbled },
	[SEQUENCE_TICK] = { NULL, NULL },
};

static const char *session_id(struct run *run, const struct sequence_step *step)
{
	const struct channel_end *end = &run->ends[step->client];
	switch ((enum sequence_session_id)step->id) {
	case SEQUENCE_OWN:
		return end->session_id ? end->session_id : "none";
	case SEQUENCE_FORMER:
		return end->former_id ? end->former_id : "none";
	case SEQUENCE_FOREIGN:
		end = &run->ends[(step->client + 1) % SEQUENCE_CLIENTS];
		return end->session_id ? end->session_id : "none";
	case SEQUENCE_ABSENT:
	case SEQUENCE_SESSION_IDS:
		break;
	}
	return NULL;
}

static GString *request_text(struct run *run, const struct sequence_step *step)
{
	GString *text = g_string_new(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:x=\"urn:example:x\"><e:Body>");
	gsize begin = text->len;
	const char *id = step->verb == SEQUENCE_NEW ? NULL : session_id(run, step);

	g_string_append_printf(text,
		"<i:%s xmlns:i=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\"",
		VERBS[step->verb].tag);
	if (id)
		g_string_append_printf(text, " session-id=\"%s\"", id);
	VERBS[step->verb].write(run, step, text);
	g_string_append_printf(text, "</i:%s>", VERBS[step->verb].tag);
	g_string_append_printf(run->history, "%3u %s%d: %s\n", run->step, CLIENTS[step->client],
		step->channel, text->str + begin);
	return g_string_append(text, "</e:Body></e:Envelope>");
}

/* ---- the engine's side */

static void on_answer(gpointer token, GString *reply, gpointer data)
{
	const struct ticket *ticket = token;
	struct run *run = data;
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
static GString *wait_answer(struct run *run, struct channel_end *end)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;
	g_mutex_lock(&run->lock);
	while (!end->answered && g_cond_wait_until(&run->came, &run->lock, until))
		;
	GString *reply = g_steal_pointer(&end->answered);
	g_mutex_unlock(&run->lock);
	return reply;
}

static void remember_session(struct channel_end *end, struct ifmap_answer *answer)
{
	g_free(end->former_id);
	end->former_id = end->session_id;
	end->session_id = g_steal_pointer(&answer->session_id);
	g_free(end->publisher_id);
	end->publisher_id = g_steal_pointer(&answer->publisher_id);
}

static char *read_reply(struct channel_end *end, const GString *reply)
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
static char *ask(struct run *run, const struct sequence_step *step)
{
	struct channel_end *end = &run->ends[step->client];
	g_autoptr(GString) text = request_text(run, step);
	g_autoptr(GString) reply = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *id = NULL;
	g_autoptr(map_identity) identity = inside_identity(CLIENTS[step->client]);
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

static void happen(struct run *run, const struct sequence_step *step)
{
	guint64 *connection = &run->ends[step->client].connections[step->channel];

	g_string_append_printf(run->history, "%3u %s%d: %s\n", run->step, CLIENTS[step->client],
		step->channel,
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

static void compare(struct run *run, const char *what, const char *expected, const char *got)
{
	if (run->report || g_strcmp0(expected, got) == 0)
		return;
	run->report = g_strdup_printf("step %u, %s\n expected: %s\n got:      %s\n%s", run->step,
		what, expected ? expected : "(nothing)", got ? got : "(nothing)",
		run->history->str);
}

static void compare_polls(struct run *run)
{
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		struct channel_end *end = &run->ends[i];
		g_autoptr(GString) woken = g_steal_pointer(&end->woken);
		g_autofree char *got = woken ? read_reply(end, woken) : NULL;
		g_autofree char *expected = g_steal_pointer(&run->model->clients[i].woken);
		g_autofree char *what = g_strdup_printf("hanging poll of %s", CLIENTS[i]);
		compare(run, what, expected, got);
	}
}

/* What the server itself has on the map. */
#define OWN_FACTS 1

static void compare_counts(struct run *run)
{
	struct map_engine_figures figures;
	map_engine_figures(run->engine, &figures);
	g_autofree char *got = g_strdup_printf(
		"%zu facts, %zu links, %zu sessions, %zu subscriptions", figures.n_facts,
		figures.n_links, figures.n_sessions, figures.n_subscriptions);
	g_autofree char *expected = g_strdup_printf(
		"%u facts, %u links, %u sessions, %u subscriptions",
		model_n_present(&run->model->map) + OWN_FACTS, model_n_links(&run->model->map),
		model_server_n_sessions(run->model), model_server_n_subscriptions(run->model));
	compare(run, "counts", expected, got);
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

static void take_snapshot(struct run *run)
{
	struct map_engine_figures figures;
	struct snapshot *snapshot = g_new0(struct snapshot, 1);

	map_engine_figures(run->engine, &figures);
	snapshot->at_us = figures.timestamp_us;
	snapshot->map = run->model->map;
	g_ptr_array_add(run->snapshots, snapshot);
}

static void run_step(struct run *run, const struct sequence_step *step)
{
	static const struct sequence_step TICK = { .verb = SEQUENCE_TICK };

	if (!makes_sense(step) || model_server_is_busy(run->model, step))
		return;
	/* Two sessions never time out together: their order is nobody's business. */
	if (step->verb == SEQUENCE_CLOSE || step->verb == SEQUENCE_BREAK)
		run_step(run, &TICK);
	g_autofree char *got = NULL;
	if (VERBS[step->verb].tag)
		got = ask(run, step);
	else
		happen(run, step);
	g_autofree char *expected = model_server_step(run->model, step);
	compare(run, "answer", expected, got);
	compare_polls(run);
	compare_counts(run);
	if (run->snapshots)
		take_snapshot(run);
}

/* ---- whole sequences */

static void search_all(struct run *run)
{
	for (int id = 0; id < SEQUENCE_IDS; id++) {
		const struct sequence_step step = {
			.verb = SEQUENCE_SEARCH,
			.client = 1,
			.n_ops = 1,
			.ops = { { .kind = SEQUENCE_WATCH, .a = id, .b = -1, .depth = id % 3 } },
		};
		run_step(run, &step);
	}
}

/* Everybody fetches what waits, looks at everything, takes it away and goes: then nothing may be
 * left. */
static void wind_up(struct run *run)
{
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		const struct sequence_step poll = {
			.verb = SEQUENCE_POLL, .client = i, .channel = 1
		};
		const struct sequence_step close = { .verb = SEQUENCE_BREAK, .client = i };
		const struct sequence_step new = { .verb = SEQUENCE_NEW, .client = i };
		run_step(run, &poll);
		run_step(run, &close);
		run_step(run, &new);
	}
	search_all(run);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		const struct sequence_step purge = {
			.verb = SEQUENCE_PURGE, .client = 2, .target = i
		};
		run_step(run, &purge);
	}
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		const struct sequence_step end = { .verb = SEQUENCE_END, .client = i };
		run_step(run, &end);
	}
	struct map_engine_figures figures;
	map_engine_figures(run->engine, &figures);
	g_autofree char *got = g_strdup_printf(
		"%zu nodes, %zu facts", figures.n_nodes, figures.n_facts);
	compare(run, "what is left", "1 nodes, 1 facts", got);
}

static void start_engine(struct run *run)
{
	static const struct map_retention KEEP = { .days = 1, .size = 1U << 30 };
	const struct map_engine_ops ops = { .answer = on_answer, .data = run };
	g_autoptr(GError) error = NULL;
	struct map_store *store = run->store ? map_store_open(run->store, &KEEP, &error) : NULL;

	g_assert_no_error(error);
	run->engine = map_engine_new(&run->limits, &IFMAP_DIALECT_DEFAULT, &ops, store, &error);
	g_assert_no_error(error);
}

static void run_init(struct run *run)
{
	run->limits = map_limits_default;
	run->limits.max_search_depth = MODEL_MAX_DEPTH;
	run->limits.quota.subscriptions = MODEL_MAX_SUBSCRIPTIONS;
	run->limits.quota.stored = MODEL_MAX_STORED;
	run->limits.session_timeout_s = 0;
	g_mutex_init(&run->lock);
	g_cond_init(&run->came);
	start_engine(run);
	run->model = model_server_new();
	run->history = g_string_new(NULL);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		for (int k = 0; k < SEQUENCE_CHANNELS; k++)
			run->ends[i].connections[k] = ++run->last_connection;
		for (int poll = 0; poll < 2; poll++)
			run->tickets[i][poll] = (struct ticket){ &run->ends[i], poll };
	}
}

static void run_clear(struct run *run)
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

char *oracle_run(const GArray *steps)
{
	struct run run = { 0 };

	run_init(&run);
	for (run.step = 0; run.step < steps->len && !run.report; run.step++)
		run_step(&run, &g_array_index(steps, struct sequence_step, run.step));
	if (!run.report)
		wind_up(&run);
	run_clear(&run);
	return run.report;
}

/* ---- with a store: the past */

#define LOOKS 6

static void compare_search(
	struct run *run, const char *what, const struct sequence_op *query, const struct model *map)
{
	const struct sequence_step step = {
		.verb = SEQUENCE_SEARCH, .client = 1, .n_ops = 1, .ops = { *query }
	};
	g_autofree char *got = ask(run, &step);
	g_autofree char *expected = model_server_search(map, query);
	compare(run, what, expected, got);
}

static void look_back(struct run *run, struct sequence_source *source)
{
	for (int i = 0; i < LOOKS; i++) {
		guint which = (guint)g_rand_int_range(source->rand, 0, (gint32)run->snapshots->len);
		const struct snapshot *then = g_ptr_array_index(run->snapshots, which);
		const struct sequence_op query = sequence_draw_query(source);
		g_autofree char *what = g_strdup_printf("the past after step %u", which);
		run->at_us = then->at_us;
		compare_search(run, what, &query, &then->map);
	}
	run->at_us = 0;
}

/* All that ever stood on an identifier itself, in one item. */
static void compare_log(struct run *run, int id)
{
	const struct sequence_op query = { .kind = SEQUENCE_WATCH, .a = id, .b = -1 };
	const struct snapshot *last = g_ptr_array_index(run->snapshots, run->snapshots->len - 1);
	struct model_answer ever = { 0 };
	g_autoptr(model_items) items = model_items_new();

	for (int i = 0; i < SEQUENCE_IDS; i++)
		ever.depth[i] = i == id ? 0 : -1;
	for (guint i = 0; i < run->snapshots->len; i++) {
		const struct snapshot *then = g_ptr_array_index(run->snapshots, i);
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
	g_autofree char *got = ask(run, &step);
	run->since_us = 0;
	g_autofree char *expected = model_items_text(items);
	compare(run, "log", expected, got);
}

/* The server ends and another begins on the same store. */
static void restart(struct run *run)
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
	start_engine(run);
	run_step(run, &NEW);
}

static void examine(struct run *run, guint32 seed)
{
	struct sequence_source source = { .rand = g_rand_new_with_seed(seed) };
	static const struct sequence_step BREAK = { .verb = SEQUENCE_BREAK, .client = 1 };
	static const struct sequence_step BEGIN = { .verb = SEQUENCE_NEW, .client = 1 };

	run_step(run, &BREAK);
	run_step(run, &BEGIN);
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
	struct run run = { .store = path };

	run.snapshots = g_ptr_array_new_with_free_func(g_free);
	run_init(&run);
	for (run.step = 0; run.step < steps->len && !run.report; run.step++)
		run_step(&run, &g_array_index(steps, struct sequence_step, run.step));
	if (!run.report)
		examine(&run, seed);
	run_clear(&run);
	return run.report;
}
