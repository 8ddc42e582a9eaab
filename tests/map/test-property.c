/* C164: for random requests, what every subscription is told after every commit is exactly what
 * comparing two complete answers of a naive model says, and every search answers what the model
 * answers. MAP_SEQUENCES sets how many sequences are tried, MAP_SEED the first seed; the seed of a
 * failing sequence is printed. */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "model.h"

#define SEQUENCES     1000
#define STEPS         25
#define SUBSCRIPTIONS 3
#define CLIENTS       3

struct subscription {
	gboolean stands;
	unsigned order;
	struct model_query query;
	struct model_answer seen; /* as of the last commit */
};

struct run {
	struct script_carrier carrier;
	GRand *rand;
	guint32 seed;
	unsigned step;
	struct model model;
	struct subscription subscriptions[SUBSCRIPTIONS];
	unsigned n_ordered;
	gpointer sync[CLIENTS]; /* client 0 subscribes and publishes, the others publish */
	gpointer arc;
	char *session_ids[CLIENTS];
	char *publisher_ids[CLIENTS];
	gboolean polling;
	GString *history; /* what was sent, for the report of a failure */
};

static int pick(struct run *run, int n)
{
	return g_rand_int_range(run->rand, 0, n);
}

/* ---- talking to the engine */

static char *ask(
	struct run *run, gpointer channel, int client, const char *operation, const char *rest)
{
	g_autofree char *body = g_strdup_printf(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:x=\"urn:example:x\"><e:Body>"
		"<i:%s xmlns:i=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\""
		" session-id=\"%s\"%s</i:%s></e:Body></e:Envelope>",
		operation, run->session_ids[client] ? run->session_ids[client] : "", rest,
		operation);
	g_string_append_printf(run->history, "  %c: %s%s\n", 'A' + client, operation, rest);
	run->carrier.post(channel, body);
	return run->carrier.wait(channel, 0);
}

static void fail(struct run *run, const char *what, const char *expected, const char *got)
{
	g_test_message("seed %u step %u, %s\n expected: %s\n got:      %s\n%s", run->seed,
		run->step, what, expected ? expected : "(nothing)", got ? got : "(nothing)",
		run->history->str);
	g_test_fail();
}

static void expect(struct run *run, const char *what, const char *expected, const char *body)
{
	g_autofree char *got = body ? script_summary(body) : NULL;
	if (g_strcmp0(expected, got) != 0)
		fail(run, what, expected, got);
}

static char *between(const char *body, const char *start)
{
	const char *at = strstr(body, start);
	g_assert_nonnull(at);
	at += strlen(start);
	return g_strndup(at, strcspn(at, "\""));
}

/* ---- texts of requests */

static void append_id(GString *text, int id)
{
	if (id < 5)
		g_string_append_printf(text, "<access-request name=\"%s\"/>", model_id_name(id));
	else
		g_string_append_printf(text, "<device><name>%s</name></device>", model_id_name(id));
}

static void append_place(struct run *run, GString *text, int a, int b)
{
	gboolean swap = b >= 0 && pick(run, 2);
	append_id(text, swap ? b : a);
	if (b >= 0)
		append_id(text, swap ? a : b);
}

static void append_filter(GString *text, const char *name, enum model_filter filter)
{
	if (model_filter_text(filter))
		g_string_append_printf(text, " %s=\"%s\"", name, model_filter_text(filter));
}

static void append_meta(GString *text, enum model_type type, unsigned number, unsigned kind)
{
	static const char *const NAMES[] = { "s", "t", "m" };
	g_string_append_printf(text, "<x:%s ifmap-cardinality=\"%s\" k=\"%u\"><v>%u</v></x:%s>",
		NAMES[type], type == MODEL_M ? "multiValue" : "singleValue", kind, number,
		NAMES[type]);
}

static void append_query(GString *text, const struct model_query *query)
{
	g_string_append_printf(text, " max-depth=\"%u\" max-size=\"1000000\"", query->depth);
	append_filter(text, "match-links", query->links);
	append_filter(text, "result-filter", query->result);
	if (query->stop_at_devices)
		g_string_append(text, " terminal-identifier-type=\"device\"");
	g_string_append_c(text, '>');
	append_id(text, query->start);
}

static void random_place(struct run *run, int *ret_a, int *ret_b)
{
	int a = pick(run, MODEL_IDS);
	int b = pick(run, MODEL_IDS);
	*ret_a = MIN(a, b);
	*ret_b = a == b || pick(run, 4) == 0 ? -1 : MAX(a, b);
}

static struct model_query random_query(struct run *run)
{
	/* Nothing that matches nothing too often. */
	static const enum model_filter FILTERS[] = { MODEL_ALL, MODEL_ALL, MODEL_ALL, MODEL_NONE,
		MODEL_ONLY_S, MODEL_T_OR_M, MODEL_KIND_1 };
	return (struct model_query){
		.start = pick(run, MODEL_IDS),
		.depth = (unsigned)pick(run, 5),
		.links = FILTERS[pick(run, G_N_ELEMENTS(FILTERS))],
		.result = FILTERS[pick(run, G_N_ELEMENTS(FILTERS))],
		.stop_at_devices = pick(run, 3) == 0,
	};
}

/* ---- what subscribers must be told */

/* One notify of the publish under way. */
struct notice {
	int a, b;
	enum model_type type;
	unsigned number, kind;
};

static gboolean hears(const struct subscription *subscription, const struct model_answer *answer,
	const struct notice *notice)
{
	const struct model_query *query = &subscription->query;
	const struct model_fact fact = { .type = notice->type, .kind = notice->kind };
	int ends[2] = { notice->a, notice->b };

	if (!model_filter_matches(query->result, &fact))
		return FALSE;
	if (notice->b < 0)
		return answer->depth[notice->a] >= 0;
	if (!model_filter_matches(query->links, &fact))
		return FALSE;
	for (int i = 0; i < 2; i++) {
		int depth = answer->depth[ends[i]];
		if (depth >= 0 && (unsigned)depth < query->depth &&
			!(query->stop_at_devices && ends[i] >= 5))
			return TRUE;
	}
	return FALSE;
}

static char *notify_text(const struct subscription *subscription, const struct model_answer *answer,
	const GArray *notices)
{
	static const char *const NAMES[] = { "s", "t", "m" };
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; notices && i < notices->len; i++) {
		const struct notice *notice = &g_array_index(notices, struct notice, i);
		if (!hears(subscription, answer, notice))
			continue;
		const char *b = notice->b < 0 ? "" : model_id_name(notice->b);
		g_ptr_array_add(items,
			g_strdup_printf("%s%s%s{%s=%u}", model_id_name(notice->a),
				notice->b < 0 ? "" : "-", b, NAMES[notice->type], notice->number));
	}
	return items->len ? script_join_sorted(items, " ") : NULL;
}

static void append_member(GString *out, const char *kind, unsigned name, const char *items)
{
	if (items)
		g_string_append_printf(
			out, "%s%s(w%u): %s", out->len ? " | " : "", kind, name, items);
}

/* Brings one subscription's memory up to date and appends what it must be told. */
static void tell(struct run *run, unsigned which, const GArray *notices, GString *out)
{
	struct subscription *subscription = &run->subscriptions[which];
	struct model_answer now;
	struct model_delta delta;

	model_search(&run->model, &subscription->query, &now);
	model_compare(&run->model, &subscription->seen, &now, &delta);
	g_autofree char *notify = notify_text(subscription, &now, notices);
	append_member(out, "notify", which, notify);
	append_member(out, "delete", which, delta.deleted);
	append_member(out, "update", which, delta.updated);
	g_free(delta.deleted);
	g_free(delta.updated);
	subscription->seen = now;
}

/* The poll must now bring exactly `expected`, or hang if that is empty. */
static void check_poll(struct run *run, const char *expected)
{
	g_autofree char *body = NULL;
	if (run->polling) {
		body = run->carrier.wait(run->arc, 0);
	} else {
		body = ask(run, run->arc, 0, "poll", ">");
		run->polling = TRUE;
	}
	if (body)
		run->polling = FALSE;
	expect(run, "poll", *expected ? expected : NULL, body);
}

static void after_commit(struct run *run, const GArray *notices)
{
	g_autoptr(GString) expected = g_string_new(NULL);
	for (unsigned order = 0; order < run->n_ordered; order++)
		for (unsigned i = 0; i < SUBSCRIPTIONS; i++)
			if (run->subscriptions[i].stands && run->subscriptions[i].order == order)
				tell(run, i, notices, expected);
	check_poll(run, expected->str);
}

/* ---- steps */

static void random_operation(struct run *run, int client, GString *text, GArray *notices)
{
	int a;
	int b;
	unsigned kind = (unsigned)pick(run, 2);
	enum model_type type = (enum model_type)pick(run, MODEL_TYPES);
	int what = pick(run, 10);

	random_place(run, &a, &b);
	if (what < 6) {
		gboolean forever = pick(run, 4) == 0;
		g_string_append(text, forever ? "<update lifetime=\"forever\">" : "<update>");
		append_place(run, text, a, b);
		struct model_fact *fact = model_add(&run->model, a, b, type, kind);
		fact->publisher = client;
		fact->forever = forever;
		g_string_append(text, "<metadata>");
		append_meta(text, type, fact->number, kind);
		g_string_append(text, "</metadata></update>");
	} else if (what < 9) {
		enum model_filter filter = (enum model_filter)pick(run, MODEL_FILTERS);
		g_string_append(text, "<delete");
		append_filter(text, "filter", filter);
		g_string_append_c(text, '>');
		append_place(run, text, a, b);
		g_string_append(text, "</delete>");
		model_delete(&run->model, a, b, filter);
	} else {
		const struct notice notice = { a, b, type, 5000 + notices->len, kind };
		g_array_append_val(notices, notice);
		g_string_append(text, "<notify>");
		append_place(run, text, a, b);
		g_string_append(text, "<metadata>");
		append_meta(text, type, notice.number, kind);
		g_string_append(text, "</metadata></notify>");
	}
}

static void step_publish(struct run *run)
{
	g_autoptr(GString) text = g_string_new(">");
	g_autoptr(GArray) notices = g_array_new(FALSE, FALSE, sizeof(struct notice));
	g_autofree struct model *before = g_memdup2(&run->model, sizeof(run->model));
	int client = pick(run, CLIENTS);
	gboolean spoil = pick(run, 8) == 0;

	for (int i = 1 + pick(run, 4); i > 0; i--)
		random_operation(run, client, text, notices);
	if (spoil)
		g_string_append(text, "<update><access-request name=\"a\"/><metadata>"
				      "<meta:role xmlns:meta=\"" IFMAP_NS_META "\""
				      " ifmap-cardinality=\"singleValue\"/></metadata></update>");
	g_autofree char *body = ask(run, run->sync[client], client, "publish", text->str);
	expect(run, "publish", spoil ? "error InvalidMetadata" : "ok", body);
	if (spoil)
		run->model = *before;
	after_commit(run, spoil ? NULL : notices);
}

static void step_search(struct run *run)
{
	struct model_query query = random_query(run);
	struct model_answer answer;
	g_autoptr(GString) text = g_string_new(NULL);

	append_query(text, &query);
	g_autofree char *body = ask(run, run->sync[1], 1, "search", text->str);
	model_search(&run->model, &query, &answer);
	g_autofree char *expected = model_answer_text(&run->model, &answer);
	expect(run, "search", expected, body);
}

static void step_subscribe(struct run *run)
{
	unsigned which = (unsigned)pick(run, SUBSCRIPTIONS);
	struct subscription *subscription = &run->subscriptions[which];
	g_autoptr(GString) text = g_string_new(">");

	subscription->stands = pick(run, 4) != 0;
	if (subscription->stands) {
		subscription->query = random_query(run);
		subscription->order = run->n_ordered++;
		g_string_append_printf(text, "<update name=\"w%u\"", which);
		append_query(text, &subscription->query);
		g_string_append(text, "</update>");
	} else {
		g_string_append_printf(text, "<delete name=\"w%u\"/>", which);
	}
	g_autofree char *body = ask(run, run->sync[0], 0, "subscribe", text->str);
	expect(run, "subscribe", "ok", body);
	if (!subscription->stands) {
		check_poll(run, "");
		return;
	}
	model_search(&run->model, &subscription->query, &subscription->seen);
	g_autofree char *items = model_answer_text(&run->model, &subscription->seen);
	g_autofree char *expected = g_strdup_printf("search(w%u): %s", which, items);
	check_poll(run, expected);
}

static void start_session(struct run *run, int client)
{
	g_autofree char *body = ask(run, run->sync[client], client, "newSession", ">");
	g_free(run->session_ids[client]);
	g_free(run->publisher_ids[client]);
	run->session_ids[client] = between(body, "session-id=\"");
	run->publisher_ids[client] = between(body, "ifmap-publisher-id=\"");
}

/* Never client 0: its subscriptions would be gone. */
static void step_end(struct run *run)
{
	int client = 1 + pick(run, CLIENTS - 1);
	gboolean purge = pick(run, 2);

	if (purge) {
		g_autofree char *rest = g_strdup_printf(
			" ifmap-publisher-id=\"%s\">", run->publisher_ids[client]);
		g_autofree char *body = ask(run, run->sync[client], client, "purgePublisher", rest);
		expect(run, "purge", "ok", body);
	} else {
		start_session(run, client);
	}
	model_end_session(&run->model, client, purge);
	after_commit(run, NULL);
}

/* ---- sequences */

static void run_begin(struct run *run, struct map_engine **engine, guint32 seed)
{
	memset(run, 0, sizeof(*run));
	run->carrier = inside_carrier(engine);
	run->rand = g_rand_new_with_seed(seed);
	run->seed = seed;
	run->history = g_string_new(NULL);
	for (int i = 0; i < CLIENTS; i++) {
		run->sync[i] = run->carrier.open(run->carrier.self, (char)('A' + i));
		start_session(run, i);
	}
	run->arc = run->carrier.open(run->carrier.self, 'A');
}

static void run_end(struct run *run)
{
	run->carrier.close(run->arc);
	for (int i = 0; i < CLIENTS; i++) {
		run->carrier.close(run->sync[i]);
		g_free(run->session_ids[i]);
		g_free(run->publisher_ids[i]);
	}
	g_rand_free(run->rand);
	g_string_free(run->history, TRUE);
}

static void run_sequence(guint32 seed)
{
	static struct run run; /* large */
	struct map_engine *engine = inside_engine_new();

	run_begin(&run, &engine, seed);
	for (run.step = 0; run.step < STEPS && !g_test_failed(); run.step++) {
		int what = pick(&run, 20);
		if (what < 12)
			step_publish(&run);
		else if (what < 16)
			step_subscribe(&run);
		else if (what < 18)
			step_search(&run);
		else
			step_end(&run);
	}
	run_end(&run);
	map_engine_drain(engine);
	map_engine_free(engine);
}

static guint32 setting(const char *name, guint32 otherwise)
{
	const char *text = g_getenv(name);
	return text ? (guint32)g_ascii_strtoull(text, NULL, 10) : otherwise;
}

static void test_sequences(void)
{
	guint32 n = setting("MAP_SEQUENCES", SEQUENCES);
	guint32 first = setting("MAP_SEED", (guint32)g_test_rand_int());

	g_test_message("seeds %u to %u", first, first + n - 1);
	for (guint32 i = 0; i < n && !g_test_failed(); i++)
		run_sequence(first + i);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/map/property/C164 deltas and searches equal the model's", test_sequences);
	return g_test_run();
}
