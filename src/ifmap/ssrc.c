/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that asks: owns the session, carries out the jobs in their order, re-establishes
 * everything after a loss (ifmap.md 4.4; states: engine.h). */
#include "ifmap/ask.h"
#include "ifmap/engine.h"
#include "ifmap/keeppub.h"

#define REQUEST_TIMEOUT_MS 30000U
#define END_TIMEOUT_MS     400U
#define RENEW_US           (60 * G_TIME_SPAN_SECOND)
/* A session that stood so long was a good one: the next attempts start quickly again. */
#define GOOD_SESSION_US    (2 * G_TIME_SPAN_SECOND)

/* How one request ended. */
enum outcome {
	DONE,    /* with the answer that belongs to it */
	REFUSED, /* for good: an errorResult, or no IF-MAP at all */
	GONE,    /* the session is over; the request was not carried out */
	LOST,    /* no connection; repeating it is harmless */
	UNSURE,  /* no connection any more; the server may have carried it out */
};

/* Whether a request may be sent a second time after the connection broke. */
enum repeat {
	REPEATABLE,
	ONCE,
};

struct ssrc {
	struct ifmap_engine *engine;
	GString *body; /* of the request being made */
	struct ifmap_backoff backoff;
	gint64 next_try_us;
	gint64 last_ask_us;
	gint64 up_since_us;
};

/* ---- one request
 * --------------------------------------------------------------------------------------------- */

static const char *post(struct ssrc *ssrc, size_t *ret_size, GError **error)
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

static enum outcome read_answer(struct ssrc *ssrc, enum ifmap_answer_type expected,
	const char *data, size_t size, struct ifmap_answer **ret_answer, GError **error)
{
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(data, size, error);
	enum outcome outcome;

	if (!answer) {
		ifmap_transport_disconnect(ssrc->engine->ssrc);
		return REFUSED;
	}
	if (answer->type == IFMAP_ANSWER_ERROR) {
		outcome = g_error_matches(
				  answer->refused, IFMAP_ERROR, IFMAP_ERROR_INVALID_SESSION_ID)
				  ? GONE
				  : REFUSED;
		g_propagate_error(error, g_steal_pointer(&answer->refused));
		return outcome;
	}
	if (answer->type != expected) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL,
			"%s: the answer belongs to another request", ssrc->engine->url);
		ifmap_transport_disconnect(ssrc->engine->ssrc);
		return REFUSED;
	}
	if (ret_answer)
		*ret_answer = g_steal_pointer(&answer);
	return DONE;
}

/* Sends ssrc->body; a broken connection is tried once more on a fresh one where that does no harm.
 * `error` is set unless DONE. */
static enum outcome ask(struct ssrc *ssrc, enum ifmap_answer_type expected, enum repeat repeat,
	struct ifmap_answer **ret_answer, GError **error)
{
	for (unsigned attempt = 0;; attempt++) {
		g_autoptr(GError) why = NULL;
		size_t size = 0;
		const char *data = post(ssrc, &size, &why);
		gboolean unsure;

		if (data)
			return read_answer(ssrc, expected, data, size, ret_answer, error);
		unsure = repeat == ONCE && ifmap_transport_was_sent(ssrc->engine->ssrc);
		if (attempt == 0 && !unsure &&
			g_error_matches(why, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE))
			continue;
		if (g_error_matches(why, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL)) {
			g_propagate_error(error, g_steal_pointer(&why));
			return REFUSED;
		}
		g_propagate_error(error, g_steal_pointer(&why));
		return unsure ? UNSURE : LOST;
	}
}

/* ---- the session: callers hold the lock
 * ----------------------------------------------------------------------- */

static void plan_next_try(struct ssrc *ssrc)
{
	ssrc->next_try_us = g_get_monotonic_time() +
			    ifmap_backoff_next(&ssrc->backoff) * G_GINT64_CONSTANT(1000);
}

/* Takes `why`; tells the caller unless it knows already. */
static void set_why(struct ssrc *ssrc, GError *why)
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

static void set_up(struct ssrc *ssrc)
{
	struct ifmap_engine *engine = ssrc->engine;

	engine->session = IFMAP_SESSION_UP;
	g_clear_error(&engine->why);
	ssrc->up_since_us = g_get_monotonic_time();
	ifmap_engine_report_state(engine, IFMAP_CLIENT_UP, NULL);
	g_cond_broadcast(&engine->changed);
}

/* The connection broke, the session may still stand. */
static void doubt(struct ssrc *ssrc, GError *why)
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
static void forget(struct ssrc *ssrc, GError *why)
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
static GPtrArray *begin_session(struct ssrc *ssrc, struct ifmap_answer *answer)
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
static void on_trouble(struct ssrc *ssrc, enum outcome outcome, GError *error)
{
	g_mutex_lock(&ssrc->engine->lock);
	if (outcome == GONE)
		forget(ssrc, error);
	else
		doubt(ssrc, error);
	g_mutex_unlock(&ssrc->engine->lock);
}

/* ---- kept metadata
 * -------------------------------------------------------------------------------------------- */

typedef void (*add_fn)(
	struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept, const char *publisher_id);

static void add_fresh(
	struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept, const char *publisher_id)
{
	ifmap_keeppub_add_fresh(keeppub, kept);
}

static enum outcome publish_kept(
	struct ssrc *ssrc, GPtrArray *kept, guint from, guint n, add_fn add, GError **error)
{
	struct ifmap_keeppub *keeppub = ifmap_keeppub_new(
		(const char *const *)ssrc->engine->prefixes);
	enum outcome outcome = DONE;

	for (guint i = from; i < from + n; i++)
		add(keeppub, g_ptr_array_index(kept, i), ssrc->engine->publisher_id);
	if (ifmap_publish_n_operations(keeppub->publish) > 0) {
		g_string_truncate(ssrc->body, 0);
		ifmap_ask_publish(ssrc->body, ssrc->engine->session_id,
			ifmap_keeppub_prefixes(keeppub), keeppub->publish);
		outcome = ask(ssrc, IFMAP_ANSWER_PUBLISH, add == add_fresh ? ONCE : REPEATABLE,
			NULL, error);
	}
	ifmap_keeppub_free(keeppub);
	return outcome;
}

/* Publishes all in one request; when the server refuses that, each alone, so that one bad apple is
 * all that is missing. DONE, or the trouble that stopped it. */
static enum outcome publish_all_kept(struct ssrc *ssrc, GPtrArray *kept, add_fn add, GError **error)
{
	g_autoptr(GError) why = NULL;
	enum outcome outcome = publish_kept(ssrc, kept, 0, kept->len, add, &why);

	for (guint i = 0; outcome == REFUSED && i < kept->len; i++) {
		if (kept->len > 1) {
			g_clear_error(&why);
			outcome = publish_kept(ssrc, kept, i, 1, add, &why);
		}
		if (outcome == REFUSED) {
			g_mutex_lock(&ssrc->engine->lock);
			ifmap_engine_report_refused(ssrc->engine, g_ptr_array_index(kept, i), why);
			g_mutex_unlock(&ssrc->engine->lock);
		}
		if (outcome == DONE)
			outcome = REFUSED; /* go on with the rest */
	}
	if (outcome == REFUSED)
		return DONE;
	if (why)
		g_propagate_error(error, g_steal_pointer(&why));
	return outcome;
}

/* ---- getting a session
 * ---------------------------------------------------------------------------------------- */

static void on_no_session(struct ssrc *ssrc, GError *error)
{
	g_mutex_lock(&ssrc->engine->lock);
	plan_next_try(ssrc);
	set_why(ssrc, error);
	g_mutex_unlock(&ssrc->engine->lock);
}

static void connect_session(struct ssrc *ssrc)
{
	g_autoptr(ifmap_answer) answer = NULL;
	g_autoptr(GPtrArray) kept = NULL;
	GError *error = NULL;

	ifmap_transport_disconnect(ssrc->engine->ssrc);
	g_string_truncate(ssrc->body, 0);
	ifmap_ask_new_session(ssrc->body, ssrc->engine->max_poll_result_size);
	if (ask(ssrc, IFMAP_ANSWER_NEW_SESSION, REPEATABLE, &answer, &error) != DONE) {
		on_no_session(ssrc, error);
		return;
	}
	g_mutex_lock(&ssrc->engine->lock);
	kept = begin_session(ssrc, answer);
	g_mutex_unlock(&ssrc->engine->lock);
	/* not sure what arrived: only a session that starts empty is worth going on with */
	if (publish_all_kept(ssrc, kept, add_fresh, &error) != DONE)
		on_trouble(ssrc, GONE, error);
}

static void renew_session(struct ssrc *ssrc)
{
	GError *error = NULL;
	enum outcome outcome;

	g_string_truncate(ssrc->body, 0);
	ifmap_ask_renew_session(ssrc->body, ssrc->engine->session_id);
	outcome = ask(ssrc, IFMAP_ANSWER_RENEW_SESSION, REPEATABLE, NULL, &error);
	if (outcome != DONE) {
		on_trouble(ssrc, outcome == LOST ? LOST : GONE, error);
		return;
	}
	g_mutex_lock(&ssrc->engine->lock);
	if (ssrc->engine->session == IFMAP_SESSION_DOUBTFUL)
		set_up(ssrc);
	g_mutex_unlock(&ssrc->engine->lock);
}

/* ---- subscriptions
 * -------------------------------------------------------------------------------------------- */

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
static void write_subscribe(struct ssrc *ssrc, GPtrArray *subs, guint from, guint n, guint n_dead)
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
	struct ssrc *ssrc, GPtrArray *subs, guint from, guint n, const GError *refused)
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
static enum outcome subscribe(
	struct ssrc *ssrc, GPtrArray *subs, guint from, guint n, GError **error)
{
	struct ifmap_engine *engine = ssrc->engine;
	guint n_dead = engine->dead_subs.length;
	g_autoptr(GError) why = NULL;
	enum outcome outcome;

	write_subscribe(ssrc, subs, from, n, n_dead);
	g_mutex_unlock(&engine->lock);
	outcome = ask(ssrc, IFMAP_ANSWER_SUBSCRIBE, REPEATABLE, NULL, &why);
	g_mutex_lock(&engine->lock);
	for (guint i = 0; i < n_dead && (outcome == DONE || (outcome == REFUSED && n < 2)); i++)
		g_free(g_queue_pop_head(&engine->dead_subs));
	if (outcome == DONE) {
		on_subscribed(engine, subs, from, n);
		return DONE;
	}
	on_not_subscribed(ssrc, subs, from, n, outcome == REFUSED && n == 1 ? why : NULL);
	*error = g_steal_pointer(&why);
	return outcome;
}

/* One bad subscription shall not stop the others. DONE, or the trouble that stopped it; lock as
 * above. */
static enum outcome subscribe_each(struct ssrc *ssrc, GPtrArray *subs, GError **error)
{
	for (guint i = 0; i < subs->len; i++) {
		g_autoptr(GError) why = NULL;
		enum outcome outcome = subscribe(ssrc, subs, i, 1, &why);

		if (outcome > REFUSED) {
			g_propagate_error(error, g_steal_pointer(&why));
			return outcome;
		}
	}
	return DONE;
}

static void subscribe_due(struct ssrc *ssrc)
{
	g_autoptr(GPtrArray) subs = NULL;
	GError *error = NULL;
	enum outcome outcome;

	g_mutex_lock(&ssrc->engine->lock);
	subs = due_subs(ssrc->engine);
	outcome = subscribe(ssrc, subs, 0, subs->len, &error);
	if (outcome == REFUSED && subs->len > 1) {
		g_clear_error(&error);
		outcome = subscribe_each(ssrc, subs, &error);
	}
	g_mutex_unlock(&ssrc->engine->lock);
	if (outcome > REFUSED)
		on_trouble(ssrc, outcome, error);
	else
		g_clear_error(&error);
}

/* ---- jobs
 * -----------------------------------------------------------------------------------------------------
 */

static void write_publish(struct ssrc *ssrc, const struct ifmap_job *job)
{
	ifmap_ask_publish(ssrc->body, ssrc->engine->session_id,
		(const char *const *)ssrc->engine->prefixes, job->publish);
}

static void write_search(struct ssrc *ssrc, const struct ifmap_job *job)
{
	ifmap_ask_search(ssrc->body, ssrc->engine->session_id,
		(const char *const *)ssrc->engine->prefixes, &job->search);
}

static void write_purge(struct ssrc *ssrc, const struct ifmap_job *job)
{
	ifmap_ask_purge(ssrc->body, ssrc->engine->session_id,
		job->publisher_id ? job->publisher_id : ssrc->engine->publisher_id);
}

/* The jobs that are one request; the others have no row. */
static const struct {
	enum ifmap_answer_type expected;
	void (*write)(struct ssrc *ssrc, const struct ifmap_job *job);
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

static enum outcome run_plain(struct ssrc *ssrc, struct ifmap_job *job, GError **error)
{
	gboolean once = job->publish && !ifmap_publish_is_repeatable(job->publish);
	g_autoptr(ifmap_answer) answer = NULL;
	enum outcome outcome;

	g_string_truncate(ssrc->body, 0);
	plain_jobs[job->type].write(ssrc, job);
	outcome = ask(
		ssrc, plain_jobs[job->type].expected, once ? ONCE : REPEATABLE, &answer, error);
	if (outcome == DONE && job->type == IFMAP_JOB_SEARCH)
		job->result = steal_search_result(answer);
	return outcome;
}

static enum outcome run_flush(struct ssrc *ssrc, struct ifmap_job *job, GError **error)
{
	return job->kept->len ? publish_all_kept(ssrc, job->kept, ifmap_keeppub_add, error) : DONE;
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

static void run_job(struct ssrc *ssrc)
{
	struct ifmap_engine *engine = ssrc->engine;
	g_autoptr(GError) error = NULL;
	enum outcome outcome;
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
	if (outcome == DONE || outcome == REFUSED || outcome == UNSURE)
		ifmap_engine_finish(engine, job, error ? g_error_copy(error) : NULL);
	g_mutex_unlock(&engine->lock);
	if (outcome > REFUSED)
		on_trouble(ssrc, outcome, g_steal_pointer(&error));
}

/* Subscribing and unsubscribing only change what is due; several in a row become one request. Lock
 * held. */
static void take_sub_jobs(struct ifmap_engine *engine)
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

/* ---- the thread
 * -----------------------------------------------------------------------------------------------
 */

/* When the next subscription is due; now if one was given up. Lock held. */
static gint64 next_due_us(struct ifmap_engine *engine)
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

typedef void (*step_fn)(struct ssrc *ssrc);

/* What to do at `now_us`; NULL: nothing until *ret_until_us. Lock held. */
static step_fn choose_step(struct ssrc *ssrc, gint64 now_us, gint64 *ret_until_us)
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
	take_sub_jobs(engine);
	due_us = next_due_us(engine);
	if (due_us <= now_us)
		return subscribe_due;
	if (engine->jobs.head)
		return run_job;
	*ret_until_us = MIN(due_us, ssrc->last_ask_us + RENEW_US);
	return *ret_until_us <= now_us ? renew_session : NULL;
}

/* NULL to stop. */
static step_fn wait_for_step(struct ssrc *ssrc)
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

static void end_session(struct ssrc *ssrc)
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
	struct ssrc ssrc = { .engine = data, .body = g_string_new(NULL) };
	step_fn step;

	ifmap_backoff_init(&ssrc.backoff, g_random_int());
	while ((step = wait_for_step(&ssrc)))
		step(&ssrc);
	end_session(&ssrc);
	g_string_free(ssrc.body, TRUE);
	return NULL;
}
