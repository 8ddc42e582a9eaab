/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that asks: owns the session, carries out the jobs in their order, re-establishes
 * everything after a loss (ifmap.md 4.4; states: engine.h). */
#include "ifmap/ssrc.h"
#include "ifmap/ask.h"

#define REQUEST_TIMEOUT_MS 30000U
#define END_TIMEOUT_MS     400U
/* A session that stood so long was a good one: the next attempts start quickly again. */
#define GOOD_SESSION_US    (2 * G_TIME_SPAN_SECOND)

/* ---- one request */

static const char *post(struct ifmap_ssrc *ssrc, size_t *ret_size, GError **error)
{
	struct ifmap_engine *engine = ssrc->engine;
	const char *data = NULL;
	gboolean stop;

	g_mutex_lock(&engine->lock);
	stop = engine->stop;
	engine->is_asking = !stop;
	g_mutex_unlock(&engine->lock);
	if (stop) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE,
			"%s: the client is being closed", engine->url);
		return NULL;
	}
	data = ifmap_transport_post(engine->ssrc, ssrc->body, REQUEST_TIMEOUT_MS, ret_size, error);
	ssrc->last_ask_us = g_get_monotonic_time();
	g_mutex_lock(&engine->lock);
	engine->is_asking = FALSE;
	g_cond_broadcast(&engine->changed);
	g_mutex_unlock(&engine->lock);
	return data;
}

static enum ifmap_ssrc_outcome read_answer(struct ifmap_ssrc *ssrc, enum ifmap_answer_type expected,
	const char *data, size_t size, struct ifmap_answer **ret_answer, GError **error)
{
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(data, size, error);
	enum ifmap_ssrc_outcome outcome;

	if (!answer) {
		ifmap_transport_disconnect(ssrc->engine->ssrc);
		return IFMAP_SSRC_REFUSED;
	}
	if (answer->type == IFMAP_ANSWER_ERROR) {
		outcome = g_error_matches(
				  answer->refused, IFMAP_ERROR, IFMAP_ERROR_INVALID_SESSION_ID)
				  ? IFMAP_SSRC_GONE
				  : IFMAP_SSRC_REFUSED;
		g_propagate_error(error, g_steal_pointer(&answer->refused));
		return outcome;
	}
	if (answer->type != expected) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL,
			"%s: the answer belongs to another request", ssrc->engine->url);
		ifmap_transport_disconnect(ssrc->engine->ssrc);
		return IFMAP_SSRC_REFUSED;
	}
	if (ret_answer)
		*ret_answer = g_steal_pointer(&answer);
	return IFMAP_SSRC_DONE;
}

/* Sends ssrc->body; a broken connection is tried once more on a fresh one where that does no harm.
 * `error` is set unless IFMAP_SSRC_DONE. */
enum ifmap_ssrc_outcome ifmap_ssrc_ask(struct ifmap_ssrc *ssrc, enum ifmap_answer_type expected,
	enum ifmap_ssrc_repeat repeat, struct ifmap_answer **ret_answer, GError **error)
{
	for (unsigned attempt = 0;; attempt++) {
		g_autoptr(GError) why = NULL;
		size_t size = 0;
		const char *data = post(ssrc, &size, &why);
		gboolean unsure;

		if (data)
			return read_answer(ssrc, expected, data, size, ret_answer, error);
		unsure = repeat == IFMAP_SSRC_ONCE && ifmap_transport_was_sent(ssrc->engine->ssrc);
		if (attempt == 0 && !unsure &&
			g_error_matches(why, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE))
			continue;
		if (g_error_matches(why, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return IFMAP_SSRC_REFUSED;
		}
		g_propagate_error(error, g_steal_pointer(&why));
		return unsure ? IFMAP_SSRC_UNSURE : IFMAP_SSRC_LOST;
	}
}

/* ---- the session: callers hold the lock */

static void plan_next_try(struct ifmap_ssrc *ssrc)
{
	ssrc->next_try_us = g_get_monotonic_time() +
			    ifmap_backoff_next(&ssrc->backoff) * G_GINT64_CONSTANT(1000);
}

/* Takes `why`; tells the caller unless it knows already. */
static void set_why(struct ifmap_ssrc *ssrc, GError *why)
{
	struct ifmap_engine *engine = ssrc->engine;
	gboolean is_news = !engine->why || engine->why->code != why->code ||
			   !g_str_equal(engine->why->message, why->message);

	g_clear_error(&engine->why);
	engine->why = why;
	engine->n_attempts++;
	if (is_news)
		ifmap_engine_report_state(engine, IFMAP_CLIENT_CONNECTING, why);
	g_cond_broadcast(&engine->changed);
}

static void set_up(struct ifmap_ssrc *ssrc)
{
	struct ifmap_engine *engine = ssrc->engine;

	engine->session = IFMAP_SESSION_UP;
	g_clear_error(&engine->why);
	ssrc->up_since_us = g_get_monotonic_time();
	ifmap_engine_report_state(engine, IFMAP_CLIENT_UP, NULL);
	g_cond_broadcast(&engine->changed);
}

/* The connection broke, the session may still stand. */
static void doubt(struct ifmap_ssrc *ssrc, GError *why)
{
	if (ssrc->engine->session == IFMAP_SESSION_UP) {
		ssrc->engine->session = IFMAP_SESSION_DOUBTFUL;
		if (g_get_monotonic_time() - ssrc->up_since_us > GOOD_SESSION_US)
			ifmap_backoff_reset(&ssrc->backoff);
	}
	plan_next_try(ssrc);
	set_why(ssrc, why);
}

/* The session is over, or not worth keeping. One that was good is replaced at once. */
static void forget(struct ifmap_ssrc *ssrc, GError *why)
{
	struct ifmap_engine *engine = ssrc->engine;
	gboolean was_good = g_get_monotonic_time() - ssrc->up_since_us > GOOD_SESSION_US;

	if (was_good)
		ifmap_backoff_reset(&ssrc->backoff);
	if (was_good || engine->session == IFMAP_SESSION_DOUBTFUL)
		ssrc->next_try_us = 0;
	else
		plan_next_try(ssrc);
	engine->session = IFMAP_SESSION_NONE;
	engine->generation++;
	engine->is_over = FALSE;
	engine->may_poll = FALSE;
	g_clear_pointer(&engine->session_id, g_free);
	ifmap_transport_abort(engine->arc);
	set_why(ssrc, why);
}

static void drop_flushes(struct ifmap_engine *engine)
{
	GList *next;

	for (GList *link = engine->jobs.head; link; link = next) {
		struct ifmap_job *job = link->data;

		next = link->next;
		if (job->type == IFMAP_JOB_FLUSH) {
			g_queue_delete_link(&engine->jobs, link);
			ifmap_job_unref(job);
		}
	}
	engine->flushed = ifmap_ledger_last(engine->ledger);
}

/* Returns all that is to be published anew. */
static GPtrArray *begin_session(struct ifmap_ssrc *ssrc, struct ifmap_answer *answer)
{
	struct ifmap_engine *engine = ssrc->engine;

	g_free(engine->session_id);
	engine->session_id = g_steal_pointer(&answer->session_id);
	engine->publisher_id = g_intern_string(answer->publisher_id);
	engine->generation++;
	engine->is_over = FALSE;
	drop_flushes(engine);
	ifmap_engine_resubscribe(engine, 0);
	g_queue_clear_full(&engine->dead_subs, g_free);
	set_up(ssrc);
	return ifmap_ledger_take_all(engine->ledger);
}

/* Acts on an outcome that says that the session is in danger; takes `error`. Lock not held. */
void ifmap_ssrc_on_trouble(struct ifmap_ssrc *ssrc, enum ifmap_ssrc_outcome outcome, GError *error)
{
	g_mutex_lock(&ssrc->engine->lock);
	if (outcome == IFMAP_SSRC_GONE)
		forget(ssrc, error);
	else
		doubt(ssrc, error);
	g_mutex_unlock(&ssrc->engine->lock);
}

/* ---- getting a session */

static void on_no_session(struct ifmap_ssrc *ssrc, GError *error)
{
	g_mutex_lock(&ssrc->engine->lock);
	plan_next_try(ssrc);
	set_why(ssrc, error);
	g_mutex_unlock(&ssrc->engine->lock);
}

static void connect_session(struct ifmap_ssrc *ssrc)
{
	g_autoptr(ifmap_answer) answer = NULL;
	g_autoptr(GPtrArray) kept = NULL;
	GError *error = NULL;

	ifmap_transport_disconnect(ssrc->engine->ssrc);
	g_string_truncate(ssrc->body, 0);
	ifmap_ask_new_session(ssrc->body, ssrc->engine->max_poll_result_size);
	if (ifmap_ssrc_ask(ssrc, IFMAP_ANSWER_NEW_SESSION, IFMAP_SSRC_REPEATABLE, &answer,
		    &error) != IFMAP_SSRC_DONE) {
		on_no_session(ssrc, error);
		return;
	}
	g_mutex_lock(&ssrc->engine->lock);
	kept = begin_session(ssrc, answer);
	g_mutex_unlock(&ssrc->engine->lock);
	/* not sure what arrived: only a session that starts empty is worth going on with */
	if (ifmap_ssrc_publish_fresh(ssrc, kept, &error) != IFMAP_SSRC_DONE)
		ifmap_ssrc_on_trouble(ssrc, IFMAP_SSRC_GONE, error);
}

static void renew_session(struct ifmap_ssrc *ssrc)
{
	GError *error = NULL;
	enum ifmap_ssrc_outcome outcome;

	g_string_truncate(ssrc->body, 0);
	ifmap_ask_renew_session(ssrc->body, ssrc->engine->session_id);
	outcome = ifmap_ssrc_ask(
		ssrc, IFMAP_ANSWER_RENEW_SESSION, IFMAP_SSRC_REPEATABLE, NULL, &error);
	if (outcome != IFMAP_SSRC_DONE) {
		ifmap_ssrc_on_trouble(ssrc,
			outcome == IFMAP_SSRC_LOST ? IFMAP_SSRC_LOST : IFMAP_SSRC_GONE, error);
		return;
	}
	g_mutex_lock(&ssrc->engine->lock);
	if (ssrc->engine->session == IFMAP_SESSION_DOUBTFUL)
		set_up(ssrc);
	g_mutex_unlock(&ssrc->engine->lock);
}

/* ---- jobs */

static void write_publish(struct ifmap_ssrc *ssrc, const struct ifmap_job *job)
{
	ifmap_ask_publish(ssrc->body, ssrc->engine->session_id,
		(const char *const *)ssrc->engine->prefixes, job->publish);
}

static void write_search(struct ifmap_ssrc *ssrc, const struct ifmap_job *job)
{
	ifmap_ask_search(ssrc->body, ssrc->engine->session_id,
		(const char *const *)ssrc->engine->prefixes, &job->search);
}

static void write_purge(struct ifmap_ssrc *ssrc, const struct ifmap_job *job)
{
	ifmap_ask_purge(ssrc->body, ssrc->engine->session_id,
		job->publisher_id ? job->publisher_id : ssrc->engine->publisher_id);
}

/* The jobs that are one request; the others have no row. */
static const struct {
	enum ifmap_answer_type expected;
	void (*write)(struct ifmap_ssrc *ssrc, const struct ifmap_job *job);
} plain_jobs[] = {
	[IFMAP_JOB_PUBLISH] = { IFMAP_ANSWER_PUBLISH, write_publish },
	[IFMAP_JOB_SEARCH] = { IFMAP_ANSWER_SEARCH, write_search },
	[IFMAP_JOB_PURGE] = { IFMAP_ANSWER_PURGE, write_purge },
};

static struct ifmap_result *steal_search_result(struct ifmap_answer *answer)
{
	struct ifmap_member *member = answer->members->len ? g_ptr_array_index(answer->members, 0)
							   : NULL;

	return member ? g_steal_pointer(&member->result) : NULL;
}

static enum ifmap_ssrc_outcome run_plain(
	struct ifmap_ssrc *ssrc, struct ifmap_job *job, GError **error)
{
	gboolean once = job->publish && !ifmap_publish_is_repeatable(job->publish);
	g_autoptr(ifmap_answer) answer = NULL;
	enum ifmap_ssrc_outcome outcome;

	g_string_truncate(ssrc->body, 0);
	plain_jobs[job->type].write(ssrc, job);
	outcome = ifmap_ssrc_ask(ssrc, plain_jobs[job->type].expected,
		once ? IFMAP_SSRC_ONCE : IFMAP_SSRC_REPEATABLE, &answer, error);
	if (outcome == IFMAP_SSRC_DONE && job->type == IFMAP_JOB_SEARCH)
		job->result = steal_search_result(answer);
	return outcome;
}

static enum ifmap_ssrc_outcome run_flush(
	struct ifmap_ssrc *ssrc, struct ifmap_job *job, GError **error)
{
	return job->kept->len ? ifmap_ssrc_publish_kept(ssrc, job->kept, error) : IFMAP_SSRC_DONE;
}

/* Picks the next job; lock held. */
static struct ifmap_job *begin_job(struct ifmap_engine *engine)
{
	struct ifmap_job *job = g_queue_peek_head(&engine->jobs);

	engine->running = job;
	if (job && job->type == IFMAP_JOB_FLUSH && !job->kept)
		job->kept = ifmap_ledger_take(engine->ledger, job->limit);
	return job;
}

static void run_job(struct ifmap_ssrc *ssrc)
{
	struct ifmap_engine *engine = ssrc->engine;
	g_autoptr(GError) error = NULL;
	enum ifmap_ssrc_outcome outcome;
	struct ifmap_job *job;

	g_mutex_lock(&engine->lock);
	job = begin_job(engine);
	g_mutex_unlock(&engine->lock);
	if (!job)
		return;
	outcome = job->type == IFMAP_JOB_FLUSH ? run_flush(ssrc, job, &error)
					       : run_plain(ssrc, job, &error);
	g_mutex_lock(&engine->lock);
	engine->running = NULL;
	if (outcome == IFMAP_SSRC_DONE || outcome == IFMAP_SSRC_REFUSED ||
		outcome == IFMAP_SSRC_UNSURE)
		ifmap_engine_finish(engine, job, error ? g_error_copy(error) : NULL);
	g_mutex_unlock(&engine->lock);
	if (outcome > IFMAP_SSRC_REFUSED)
		ifmap_ssrc_on_trouble(ssrc, outcome, g_steal_pointer(&error));
}

/* ---- the thread */

typedef void (*step_fn)(struct ifmap_ssrc *ssrc);

/* What to do at `now_us`; NULL: nothing until *ret_until_us. Lock held. */
static step_fn choose_step(struct ifmap_ssrc *ssrc, gint64 now_us, gint64 *ret_until_us)
{
	struct ifmap_engine *engine = ssrc->engine;
	gint64 due_us;

	if (engine->is_over)
		forget(ssrc, g_error_new(IFMAP_ERROR, IFMAP_ERROR_INVALID_SESSION_ID,
				     "%s: the server ended the session", engine->url));
	if (engine->session != IFMAP_SESSION_UP) {
		*ret_until_us = ssrc->next_try_us;
		if (ssrc->next_try_us > now_us)
			return NULL;
		return engine->session == IFMAP_SESSION_NONE ? connect_session : renew_session;
	}
	ifmap_ssrc_take_sub_jobs(engine);
	due_us = ifmap_ssrc_next_due_us(engine);
	if (due_us <= now_us)
		return ifmap_ssrc_subscribe_due;
	if (engine->jobs.head)
		return run_job;
	*ret_until_us = MIN(due_us, ssrc->last_ask_us + engine->renew_us);
	return *ret_until_us <= now_us ? renew_session : NULL;
}

/* NULL to stop. */
static step_fn wait_for_step(struct ifmap_ssrc *ssrc)
{
	struct ifmap_engine *engine = ssrc->engine;
	step_fn step = NULL;

	g_mutex_lock(&engine->lock);
	while (!engine->stop && !step) {
		gint64 until_us = G_MAXINT64;

		step = choose_step(ssrc, g_get_monotonic_time(), &until_us);
		if (!step)
			g_cond_wait_until(&engine->changed, &engine->lock, until_us);
	}
	if (engine->stop)
		step = NULL;
	g_mutex_unlock(&engine->lock);
	return step;
}

static void end_session(struct ifmap_ssrc *ssrc)
{
	size_t size;

	if (!ssrc->engine->session_id)
		return;
	g_string_truncate(ssrc->body, 0);
	ifmap_ask_end_session(ssrc->body, ssrc->engine->session_id);
	ifmap_transport_post(ssrc->engine->ssrc, ssrc->body, END_TIMEOUT_MS, &size, NULL);
}

gpointer ifmap_ssrc_run(gpointer data)
{
	struct ifmap_ssrc ssrc = { .engine = data, .body = g_string_new(NULL) };
	step_fn step;

	ifmap_backoff_init(&ssrc.backoff, g_random_int());
	while ((step = wait_for_step(&ssrc)))
		step(&ssrc);
	end_session(&ssrc);
	g_string_free(ssrc.body, TRUE);
	return NULL;
}
