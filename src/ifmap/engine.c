/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/engine.h"

#include <signal.h>

/* What _free grants a request that is under way; endSession has as much again. */
#define GRACE_US (400 * G_TIME_SPAN_MILLISECOND)

static void event_free(gpointer data)
{
	struct ifmap_event *event = data;

	ifmap_job_unref(event->job);
	ifmap_sub_unref(event->sub);
	ifmap_result_free(event->result);
	ifmap_kept_unref(event->kept);
	g_clear_error(&event->error);
	g_free(event);
}

static void post(struct ifmap_engine *engine, ifmap_inbox_fn fn, const struct ifmap_event *event)
{
	ifmap_inbox_post(engine->inbox, fn, g_memdup2(event, sizeof *event), event_free);
}

struct ifmap_engine *ifmap_engine_new(
	const struct ifmap_client_config *config, gpointer client, GError **error)
{
	struct ifmap_engine *engine = g_new0(struct ifmap_engine, 1);

	g_mutex_init(&engine->lock);
	g_cond_init(&engine->changed);
	g_queue_init(&engine->jobs);
	g_queue_init(&engine->dead_subs);
	engine->ledger = ifmap_ledger_new();
	engine->subs = g_hash_table_new_full(
		g_str_hash, g_str_equal, NULL, (GDestroyNotify)ifmap_sub_unref);
	engine->url = g_strdup(config->url);
	engine->prefixes = g_strdupv((char **)config->prefixes);
	engine->max_poll_result_size = config->max_poll_result_size;
	engine->renew_us = IFMAP_RENEW_US;
	engine->inbox = ifmap_inbox_new(client);
	engine->ssrc = ifmap_transport_new(config, error);
	engine->arc = engine->ssrc ? ifmap_transport_new(config, error) : NULL;
	if (!engine->arc)
		g_clear_pointer(&engine, ifmap_engine_free);
	return engine;
}

static void stop(struct ifmap_engine *engine)
{
	gint64 end_us = g_get_monotonic_time() + GRACE_US;

	g_mutex_lock(&engine->lock);
	engine->stop = TRUE;
	g_cond_broadcast(&engine->changed);
	while (engine->is_asking && engine->session == IFMAP_SESSION_UP)
		if (!g_cond_wait_until(&engine->changed, &engine->lock, end_us))
			break;
	if (engine->is_asking)
		ifmap_transport_abort(engine->ssrc);
	g_mutex_unlock(&engine->lock);
	g_thread_join(engine->ssrc_thread);
	ifmap_transport_abort(engine->arc);
	g_thread_join(engine->arc_thread);
}

void ifmap_engine_free(struct ifmap_engine *engine)
{
	if (!engine)
		return;
	if (engine->ssrc_thread)
		stop(engine);
	ifmap_inbox_close(engine->inbox);
	ifmap_transport_free(engine->ssrc);
	ifmap_transport_free(engine->arc);
	g_queue_clear_full(&engine->jobs, (GDestroyNotify)ifmap_job_unref);
	g_queue_clear_full(&engine->dead_subs, g_free);
	ifmap_ledger_free(engine->ledger);
	g_hash_table_unref(engine->subs);
	g_strfreev(engine->prefixes);
	g_free(engine->url);
	g_free(engine->session_id);
	g_clear_error(&engine->why);
	g_cond_clear(&engine->changed);
	g_mutex_clear(&engine->lock);
	g_free(engine);
}

/* All signals but those that a thread brings upon itself by an error. */
static void fill_signals(sigset_t *signals)
{
	static const int errors[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP };

	sigfillset(signals);
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
		sigdelset(signals, errors[i]);
}

/* Our threads begin with signals blocked: those of the program are for its own threads, and SIGPIPE
 * must not kill it because a server went away. libcurl prevents that where its TLS library does. */
void ifmap_engine_start(struct ifmap_engine *engine)
{
	sigset_t all;
	sigset_t before;

	if (engine->ssrc_thread)
		return;
	fill_signals(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	engine->ssrc_thread = g_thread_new("ifmap-ssrc", ifmap_ssrc_run, engine);
	engine->arc_thread = g_thread_new("ifmap-arc", ifmap_arc_run, engine);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ifmap_engine_push(struct ifmap_engine *engine, struct ifmap_job *job)
{
	g_queue_push_tail(&engine->jobs, job);
	g_cond_broadcast(&engine->changed);
}

/* A flush at the end of the queue that has not begun carries these changes too. */
void ifmap_engine_flush(struct ifmap_engine *engine)
{
	struct ifmap_job *job = g_queue_peek_tail(&engine->jobs);

	if (engine->flushed == ifmap_ledger_last(engine->ledger))
		return;
	engine->flushed = ifmap_ledger_last(engine->ledger);
	if (job && job->type == IFMAP_JOB_FLUSH && !job->kept) {
		job->limit = engine->flushed;
		return;
	}
	job = ifmap_job_new(IFMAP_JOB_FLUSH);
	job->limit = engine->flushed;
	ifmap_engine_push(engine, job);
}

void ifmap_engine_finish(struct ifmap_engine *engine, struct ifmap_job *job, GError *error)
{
	job->finished = TRUE;
	job->error = error;
	g_queue_remove(&engine->jobs, job);
	if (job->done)
		post(engine, ifmap_client_on_job_event,
			&(struct ifmap_event){ .job = ifmap_job_ref(job) });
	ifmap_job_unref(job);
	g_cond_broadcast(&engine->changed);
}

void ifmap_engine_report_state(
	struct ifmap_engine *engine, enum ifmap_client_state state, const GError *why)
{
	struct ifmap_event event = { .state = state, .error = why ? g_error_copy(why) : NULL };

	post(engine, ifmap_client_on_state_event, &event);
}

void ifmap_engine_report_result(struct ifmap_engine *engine, struct ifmap_sub *sub,
	struct ifmap_result *result, const GError *error)
{
	struct ifmap_event event = {
		.sub = ifmap_sub_ref(sub),
		.result = result,
		.error = error ? g_error_copy(error) : NULL,
	};

	post(engine, ifmap_client_on_result_event, &event);
}

void ifmap_engine_report_refused(
	struct ifmap_engine *engine, struct ifmap_kept *kept, const GError *error)
{
	struct ifmap_event event = { .kept = ifmap_kept_ref(kept), .error = g_error_copy(error) };

	post(engine, ifmap_client_on_refused_event, &event);
}

void ifmap_engine_resubscribe(struct ifmap_engine *engine, gint64 due_us)
{
	GHashTableIter iter;
	gpointer data;

	g_hash_table_iter_init(&iter, engine->subs);
	while (g_hash_table_iter_next(&iter, NULL, &data)) {
		struct ifmap_sub *sub = data;

		if (sub->state == IFMAP_SUB_WAITING)
			continue;
		if (sub->state == IFMAP_SUB_STANDING ||
			sub->state ==
				IFMAP_SUB_ASKED) /* the new incarnation has another wire name */
			g_queue_push_tail(&engine->dead_subs, g_strdup(sub->wire_name));
		sub->state = IFMAP_SUB_DUE;
		sub->due_us = due_us;
	}
	engine->may_poll = FALSE;
	g_cond_broadcast(&engine->changed);
}

struct ifmap_sub *ifmap_engine_find_sub(struct ifmap_engine *engine, const char *wire_name)
{
	GHashTableIter iter;
	gpointer data;

	g_hash_table_iter_init(&iter, engine->subs);
	while (wire_name && g_hash_table_iter_next(&iter, NULL, &data)) {
		struct ifmap_sub *sub = data;

		if ((sub->state == IFMAP_SUB_ASKED || sub->state == IFMAP_SUB_STANDING) &&
			g_str_equal(sub->wire_name, wire_name))
			return sub;
	}
	return NULL;
}
