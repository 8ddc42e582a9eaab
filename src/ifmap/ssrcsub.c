/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/ask.h"
#include "ifmap/ssrc.h"

static GPtrArray *sub_array(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_sub_unref);
}

/* What is due now. */
static GPtrArray *due_subs(struct ifmap_engine *engine)
{
	GPtrArray *due = sub_array();
	gint64 now_us = g_get_monotonic_time();
	GHashTableIter iter;
	gpointer data;

	g_hash_table_iter_init(&iter, engine->subs);
	while (g_hash_table_iter_next(&iter, NULL, &data)) {
		struct ifmap_sub *sub = data;

		if (sub->state == IFMAP_SUB_DUE && sub->due_us <= now_us)
			g_ptr_array_add(due, ifmap_sub_ref(sub));
	}
	return due;
}

/* Writes the request: n of `subs` and the first n_dead of the dead. */
static void write_subscribe(
	struct ifmap_ssrc *ssrc, GPtrArray *subs, guint from, guint n, guint n_dead)
{
	struct ifmap_engine *engine = ssrc->engine;

	g_string_truncate(ssrc->body, 0);
	ifmap_ask_subscribe_begin(
		ssrc->body, engine->session_id, (const char *const *)engine->prefixes);
	for (guint i = 0; i < n_dead; i++)
		ifmap_ask_subscribe_delete(ssrc->body, g_queue_peek_nth(&engine->dead_subs, i));
	for (guint i = from; i < from + n; i++) {
		struct ifmap_sub *sub = g_ptr_array_index(subs, i);

		ifmap_sub_set_wire_name(sub, ++engine->last_wire_number);
		sub->state = IFMAP_SUB_ASKED;
		ifmap_ask_subscribe_update(ssrc->body, sub->wire_name, &sub->search);
	}
	ifmap_ask_subscribe_end(ssrc->body);
}

static void on_subscribed(struct ifmap_engine *engine, GPtrArray *subs, guint from, guint n)
{
	for (guint i = from; i < from + n; i++) {
		struct ifmap_sub *sub = g_ptr_array_index(subs, i);

		if (sub->state != IFMAP_SUB_ASKED)
			continue;
		sub->state = IFMAP_SUB_STANDING;
		sub->standing_us = g_get_monotonic_time();
		engine->may_poll = TRUE;
	}
	g_cond_broadcast(&engine->changed);
}

static void on_not_subscribed(
	struct ifmap_ssrc *ssrc, GPtrArray *subs, guint from, guint n, const GError *refused)
{
	for (guint i = from; i < from + n; i++) {
		struct ifmap_sub *sub = g_ptr_array_index(subs, i);

		if (sub->state != IFMAP_SUB_ASKED)
			continue;
		sub->state = refused ? IFMAP_SUB_REFUSED : IFMAP_SUB_DUE;
		sub->due_us = 0;
		if (refused)
			ifmap_engine_report_result(ssrc->engine, sub, NULL, refused);
	}
}

/* One subscribe request; the lock is held before and after, not meanwhile. A refusal is final only
 * for one alone. */
static enum ifmap_ssrc_outcome subscribe(
	struct ifmap_ssrc *ssrc, GPtrArray *subs, guint from, guint n, GError **error)
{
	struct ifmap_engine *engine = ssrc->engine;
	guint n_dead = engine->dead_subs.length;
	g_autoptr(GError) why = NULL;
	enum ifmap_ssrc_outcome outcome;

	write_subscribe(ssrc, subs, from, n, n_dead);
	g_mutex_unlock(&engine->lock);
	outcome = ifmap_ssrc_ask(ssrc, IFMAP_ANSWER_SUBSCRIBE, IFMAP_SSRC_REPEATABLE, NULL, &why);
	g_mutex_lock(&engine->lock);
	for (guint i = 0; i < n_dead &&
			  (outcome == IFMAP_SSRC_DONE || (outcome == IFMAP_SSRC_REFUSED && n < 2));
		i++)
		g_free(g_queue_pop_head(&engine->dead_subs));
	if (outcome == IFMAP_SSRC_DONE) {
		on_subscribed(engine, subs, from, n);
		return IFMAP_SSRC_DONE;
	}
	on_not_subscribed(
		ssrc, subs, from, n, outcome == IFMAP_SSRC_REFUSED && n == 1 ? why : NULL);
	*error = g_steal_pointer(&why);
	return outcome;
}

/* One bad subscription shall not stop the others. IFMAP_SSRC_DONE, or the trouble that stopped it;
 * lock as above. */
static enum ifmap_ssrc_outcome subscribe_each(
	struct ifmap_ssrc *ssrc, GPtrArray *subs, GError **error)
{
	for (guint i = 0; i < subs->len; i++) {
		g_autoptr(GError) why = NULL;
		enum ifmap_ssrc_outcome outcome = subscribe(ssrc, subs, i, 1, &why);

		if (outcome > IFMAP_SSRC_REFUSED) {
			g_propagate_error(error, g_steal_pointer(&why));
			return outcome;
		}
	}
	return IFMAP_SSRC_DONE;
}

void ifmap_ssrc_subscribe_due(struct ifmap_ssrc *ssrc)
{
	g_autoptr(GPtrArray) subs = NULL;
	GError *error = NULL;
	enum ifmap_ssrc_outcome outcome;

	g_mutex_lock(&ssrc->engine->lock);
	subs = due_subs(ssrc->engine);
	outcome = subscribe(ssrc, subs, 0, subs->len, &error);
	if (outcome == IFMAP_SSRC_REFUSED && subs->len > 1) {
		g_clear_error(&error);
		outcome = subscribe_each(ssrc, subs, &error);
	}
	g_mutex_unlock(&ssrc->engine->lock);
	if (outcome > IFMAP_SSRC_REFUSED)
		ifmap_ssrc_on_trouble(ssrc, outcome, error);
	else
		g_clear_error(&error);
}

/* When the next subscription is due; now if one was given up. Lock held. */
gint64 ifmap_ssrc_next_due_us(struct ifmap_engine *engine)
{
	gint64 next_us = engine->dead_subs.length ? 0 : G_MAXINT64;
	GHashTableIter iter;
	gpointer data;

	g_hash_table_iter_init(&iter, engine->subs);
	while (g_hash_table_iter_next(&iter, NULL, &data)) {
		struct ifmap_sub *sub = data;

		if (sub->state == IFMAP_SUB_DUE)
			next_us = MIN(next_us, sub->due_us);
	}
	return next_us;
}

/* Subscribing and unsubscribing only change what is due; several in a row become one request. Lock
 * held. */
void ifmap_ssrc_take_sub_jobs(struct ifmap_engine *engine)
{
	for (struct ifmap_job *job = g_queue_peek_head(&engine->jobs); job;
		job = g_queue_peek_head(&engine->jobs)) {
		struct ifmap_sub *sub = job->sub;

		if (!sub)
			return;
		if (job->type == IFMAP_JOB_SUBSCRIBE && sub->state == IFMAP_SUB_WAITING) {
			sub->state = IFMAP_SUB_DUE;
			sub->due_us = 0;
		}
		if (job->type == IFMAP_JOB_UNSUBSCRIBE &&
			(sub->state == IFMAP_SUB_ASKED || sub->state == IFMAP_SUB_STANDING))
			g_queue_push_tail(&engine->dead_subs, g_strdup(sub->wire_name));
		ifmap_engine_finish(engine, job, NULL);
	}
}
