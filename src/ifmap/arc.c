/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that polls: one poll outstanding while there is a subscription (ifmap.md 4.4, 8.5). It
 * never changes the session itself; what it learns it leaves for the SSRC thread (engine.h,
 * invariants). */
#include "ifmap/ask.h"
#include "ifmap/engine.h"

struct arc {
	struct ifmap_engine *engine;
	struct ifmap_backoff backoff;
	guint generation;
	GString *body;
};

/* Waits until there is something to poll for; FALSE to stop. */
static gboolean wait_for_turn(struct arc *arc)
{
	struct ifmap_engine *engine = arc->engine;

	while (!engine->stop && (!engine->may_poll || engine->is_over))
		g_cond_wait(&engine->changed, &engine->lock);
	if (engine->stop)
		return FALSE;
	if (arc->generation != engine->generation)
		ifmap_transport_disconnect(engine->arc);
	arc->generation = engine->generation;
	ifmap_transport_rearm(engine->arc);
	g_string_truncate(arc->body, 0);
	ifmap_ask_poll(arc->body, engine->session_id);
	return TRUE;
}

/* Results may be lost: ask for all of them anew, at once the first time. */
static void start_over(struct arc *arc)
{
	gint64 wait_ms = arc->backoff.n_failed ? ifmap_backoff_next(&arc->backoff) : 0;

	arc->backoff.n_failed = MAX(arc->backoff.n_failed, 1);
	ifmap_transport_disconnect(arc->engine->arc);
	ifmap_engine_resubscribe(arc->engine, g_get_monotonic_time() + wait_ms * 1000);
}

static void on_member(struct ifmap_engine *engine, struct ifmap_member *member)
{
	struct ifmap_sub *sub = ifmap_engine_find_sub(engine, member->name);

	if (!sub)
		return;
	if (member->refused) {
		ifmap_engine_report_result(engine, sub, NULL, member->refused);
		ifmap_sub_fail(sub, g_get_monotonic_time());
		g_cond_broadcast(&engine->changed);
		return;
	}
	g_free(member->result->name);
	member->result->name = g_strdup(sub->name);
	ifmap_engine_report_result(engine, sub, g_steal_pointer(&member->result), NULL);
}

static void on_poll(struct arc *arc, struct ifmap_answer *answer)
{
	ifmap_backoff_reset(&arc->backoff);
	for (guint i = 0; i < answer->members->len; i++)
		on_member(arc->engine, g_ptr_array_index(answer->members, i));
}

static void on_session_over(struct arc *arc)
{
	arc->engine->is_over = TRUE;
	g_cond_broadcast(&arc->engine->changed);
}

/* An errorResult instead of a pollResult means that all subscriptions are gone (ifmap.md 8.6). */
static void on_refused(struct arc *arc, const GError *refused)
{
	GHashTableIter iter;
	gpointer sub;

	if (g_error_matches(refused, IFMAP_ERROR, IFMAP_ERROR_INVALID_SESSION_ID)) {
		on_session_over(arc);
		return;
	}
	g_hash_table_iter_init(&iter, arc->engine->subs);
	while (g_hash_table_iter_next(&iter, NULL, &sub))
		if (((struct ifmap_sub *)sub)->state == IFMAP_SUB_STANDING)
			ifmap_engine_report_result(arc->engine, sub, NULL, refused);
	start_over(arc);
}

/* An empty pollResult is against the rules (ifmap.md 5.6); polling on at once would be a busy loop.
 */
static void on_answer(struct arc *arc, struct ifmap_answer *answer)
{
	if (answer && answer->type == IFMAP_ANSWER_POLL && answer->members->len > 0)
		on_poll(arc, answer);
	else if (answer && answer->type == IFMAP_ANSWER_END_SESSION)
		on_session_over(arc);
	else if (answer && answer->type == IFMAP_ANSWER_ERROR)
		on_refused(arc, answer->refused);
	else
		start_over(arc);
}

static struct ifmap_answer *poll_once(struct arc *arc)
{
	size_t size = 0;
	const char *data = ifmap_transport_post(arc->engine->arc, arc->body, 0, &size, NULL);

	return data ? ifmap_answer_parse(data, size, NULL) : NULL;
}

gpointer ifmap_arc_run(gpointer data)
{
	struct arc arc = { .engine = data, .body = g_string_new(NULL) };
	struct ifmap_engine *engine = data;

	ifmap_backoff_init(&arc.backoff, g_random_int());
	g_mutex_lock(&engine->lock);
	while (wait_for_turn(&arc)) {
		g_autoptr(ifmap_answer) answer = NULL;

		g_mutex_unlock(&engine->lock);
		answer = poll_once(&arc);
		g_mutex_lock(&engine->lock);
		if (arc.generation == engine->generation && !engine->stop)
			on_answer(&arc, answer);
	}
	g_mutex_unlock(&engine->lock);
	g_string_free(arc.body, TRUE);
	return NULL;
}
