/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client as its caller sees it: what the caller wants becomes jobs, what the threads report
 * becomes callbacks. The work is done in ssrc.c and arc.c. */
#include "ifmap/engine.h"

#include <string.h>

struct ifmap_client {
	struct ifmap_engine *engine;
	ifmap_client_state_fn on_state;
	gpointer state_data;
	ifmap_client_refused_fn on_refused;
	gpointer refused_data;
	GMainContext *context;
	GSource *flush; /* attached while changes of this turn of the main loop wait, else NULL */
};

struct ifmap_client *ifmap_client_new(const struct ifmap_client_config *config, GError **error)
{
	struct ifmap_client *client = g_new0(struct ifmap_client, 1);

	client->context = g_main_context_ref_thread_default();
	client->engine = ifmap_engine_new(config, client, error);
	if (!client->engine)
		g_clear_pointer(&client, ifmap_client_free);
	return client;
}

void ifmap_client_set_renewal(struct ifmap_client *client, gint64 renew_us)
{
	client->engine->renew_us = renew_us;
}

static void clear_flush(struct ifmap_client *client)
{
	if (!client->flush)
		return;
	g_source_destroy(client->flush);
	g_clear_pointer(&client->flush, g_source_unref);
}

void ifmap_client_free(struct ifmap_client *client)
{
	if (!client)
		return;
	clear_flush(client);
	ifmap_engine_free(client->engine);
	g_main_context_unref(client->context);
	g_free(client);
}

void ifmap_client_start(struct ifmap_client *client, ifmap_client_state_fn on_state, gpointer data)
{
	client->on_state = on_state;
	client->state_data = data;
	ifmap_engine_start(client->engine);
}

void ifmap_client_on_refused(
	struct ifmap_client *client, ifmap_client_refused_fn on_refused, gpointer data)
{
	client->on_refused = on_refused;
	client->refused_data = data;
}

enum ifmap_client_state ifmap_client_state(const struct ifmap_client *client)
{
	struct ifmap_engine *engine = client->engine;
	enum ifmap_session_state session;

	if (!engine->ssrc_thread)
		return IFMAP_CLIENT_STOPPED;
	g_mutex_lock(&engine->lock);
	session = engine->session;
	g_mutex_unlock(&engine->lock);
	return session == IFMAP_SESSION_UP ? IFMAP_CLIENT_UP : IFMAP_CLIENT_CONNECTING;
}

const char *ifmap_client_publisher_id(const struct ifmap_client *client)
{
	const char *publisher_id;

	g_mutex_lock(&client->engine->lock);
	publisher_id = client->engine->publisher_id;
	g_mutex_unlock(&client->engine->lock);
	return publisher_id;
}

/* ---- callbacks */

void ifmap_client_on_state_event(gpointer client_data, gpointer event_data)
{
	struct ifmap_client *client = client_data;
	const struct ifmap_event *event = event_data;

	if (client->on_state)
		client->on_state(client, event->state, event->error, client->state_data);
}

void ifmap_client_on_job_event(gpointer client, gpointer event_data)
{
	const struct ifmap_event *event = event_data;

	event->job->done(client, event->job->error, event->job->data);
}

void ifmap_client_on_result_event(gpointer client, gpointer event_data)
{
	const struct ifmap_event *event = event_data;

	if (event->sub->wanted_by_caller)
		event->sub->on_result(client, event->result, event->error, event->sub->data);
}

void ifmap_client_on_refused_event(gpointer client_data, gpointer event_data)
{
	struct ifmap_client *client = client_data;
	const struct ifmap_event *event = event_data;

	if (client->on_refused)
		client->on_refused(client, event->kept->a, event->kept->b, event->kept->meta,
			event->error, client->refused_data);
}

/* ---- requests */

/* Takes the job; everything kept so far goes first. */
static void push(struct ifmap_client *client, struct ifmap_job *job)
{
	clear_flush(client);
	g_mutex_lock(&client->engine->lock);
	ifmap_engine_flush(client->engine);
	ifmap_engine_push(client->engine, job);
	g_mutex_unlock(&client->engine->lock);
}

void ifmap_client_publish(struct ifmap_client *client, struct ifmap_publish *publish,
	ifmap_client_done_fn done, gpointer data)
{
	struct ifmap_job *job = ifmap_job_new(IFMAP_JOB_PUBLISH);

	job->publish = publish;
	job->done = done;
	job->data = data;
	push(client, job);
}

static gboolean on_flush(gpointer data)
{
	struct ifmap_client *client = data;

	clear_flush(client);
	g_mutex_lock(&client->engine->lock);
	ifmap_engine_flush(client->engine);
	g_mutex_unlock(&client->engine->lock);
	return G_SOURCE_REMOVE;
}

static void keep(struct ifmap_client *client, struct ifmap_kept *kept)
{
	g_mutex_lock(&client->engine->lock);
	ifmap_ledger_put(client->engine->ledger, kept);
	g_mutex_unlock(&client->engine->lock);
	if (client->flush)
		return;
	client->flush = g_idle_source_new();
	g_source_set_priority(client->flush, G_PRIORITY_DEFAULT);
	g_source_set_callback(client->flush, on_flush, client, NULL);
	g_source_attach(client->flush, client->context);
}

/* What is wrong with keeping `meta` there, or NULL. These are the caller's bugs. */
static const char *wrong_keep(
	const char *ns, const char *name, const char *slot, const struct ifmap_meta *meta)
{
	if (slot && strchr(slot, '\'') && strchr(slot, '"'))
		return "the slot holds both kinds of quote";
	if (meta && !ifmap_meta_is(meta, ns, name))
		return "the metadata is of another type";
	if (meta && slot && g_strcmp0(ifmap_meta_text(meta, "@slot"), slot) != 0)
		return "the metadata does not carry its slot";
	return NULL;
}

/* NOLINTNEXTLINE(readability-function-size): a slot has five coordinates */
void ifmap_client_keep(struct ifmap_client *client, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *ns, const char *name, const char *slot,
	const struct ifmap_meta *meta)
{
	const char *wrong = wrong_keep(ns, name, slot, meta);
	struct ifmap_kept *kept;

	if (wrong) {
		g_critical("ifmap_client_keep: %s/%s: %s", name, slot ? slot : "", wrong);
		return;
	}
	kept = meta ? ifmap_kept_new(a, b, meta) : ifmap_kept_new_dropped(a, b, ns, name);
	ifmap_kept_set_slot(kept, slot);
	keep(client, kept);
}

/* Queues a job for `sub`, whose reference it takes. Lock held. */
static void push_sub(struct ifmap_engine *engine, enum ifmap_job_type type, struct ifmap_sub *sub)
{
	struct ifmap_job *job = ifmap_job_new(type);

	job->sub = sub;
	ifmap_engine_push(engine, job);
}

/* Lock held. */
static void drop_sub(struct ifmap_engine *engine, const char *name)
{
	struct ifmap_sub *sub = g_hash_table_lookup(engine->subs, name);

	if (!sub)
		return;
	g_hash_table_steal(engine->subs, name);
	sub->wanted_by_caller = FALSE;
	push_sub(engine, IFMAP_JOB_UNSUBSCRIBE, sub);
}

void ifmap_client_unsubscribe(struct ifmap_client *client, const char *name)
{
	clear_flush(client);
	g_mutex_lock(&client->engine->lock);
	ifmap_engine_flush(client->engine);
	drop_sub(client->engine, name);
	g_mutex_unlock(&client->engine->lock);
}

void ifmap_client_subscribe(struct ifmap_client *client, const char *name,
	const struct ifmap_search *search, ifmap_client_result_fn on_result, gpointer data)
{
	struct ifmap_engine *engine = client->engine;
	struct ifmap_sub *sub;

	g_return_if_fail(name[0] && g_utf8_strlen(name, -1) <= IFMAP_SUB_NAME_MAX);
	sub = ifmap_sub_new(name, search, on_result, data);
	clear_flush(client);
	g_mutex_lock(&engine->lock);
	ifmap_engine_flush(engine);
	drop_sub(engine, name); /* of that name before; both changes travel together */
	g_hash_table_insert(engine->subs, sub->name, sub);
	push_sub(engine, IFMAP_JOB_SUBSCRIBE, ifmap_sub_ref(sub));
	g_mutex_unlock(&engine->lock);
}

/* ---- blocking calls */

/* Why waiting longer would not help, or NULL: what an attempt made since `n_attempts` was told.
 * Lock held. */
static const GError *hopeless(const struct ifmap_engine *engine, guint n_attempts)
{
	if (!engine->why || engine->n_attempts == n_attempts)
		return NULL;
	if (g_error_matches(engine->why, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE) ||
		g_error_matches(engine->why, IFMAP_ERROR, IFMAP_ERROR_INVALID_SESSION_ID))
		return NULL;
	return engine->why;
}

static void set_timed_out(const struct ifmap_engine *engine, unsigned timeout_ms, GError **error)
{
	if (engine->why)
		g_set_error(error, IFMAP_ERROR, engine->why->code, "%s (tried for %u ms)",
			engine->why->message, timeout_ms);
	else
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE,
			"%s: no answer within %u ms", engine->url, timeout_ms);
}

/* Nobody waits for the job any more; one that is being asked right now runs to its end unheard.
 * Lock held. */
static void call_off(struct ifmap_engine *engine, struct ifmap_job *job)
{
	if (engine->running != job && g_queue_remove(&engine->jobs, job))
		ifmap_job_unref(job);
}

/* Takes `job`, waits for it. Returns it (a reference) when it is done, else NULL with an error. */
static struct ifmap_job *run_sync(
	struct ifmap_client *client, struct ifmap_job *job, unsigned timeout_ms, GError **error)
{
	struct ifmap_engine *engine = client->engine;
	gint64 end_us = g_get_monotonic_time() + timeout_ms * G_GINT64_CONSTANT(1000);
	const GError *why = NULL;
	guint n_attempts;

	ifmap_engine_start(engine);
	g_mutex_lock(&engine->lock);
	n_attempts = engine->n_attempts;
	g_mutex_unlock(&engine->lock);
	push(client, ifmap_job_ref(job));
	g_mutex_lock(&engine->lock);
	while (!job->finished && !(why = hopeless(engine, n_attempts)))
		if (!g_cond_wait_until(&engine->changed, &engine->lock, end_us))
			break;
	if (!job->finished) {
		call_off(engine, job);
		if (why)
			g_propagate_error(error, g_error_copy(why));
		else
			set_timed_out(engine, timeout_ms, error);
		g_clear_pointer(&job, ifmap_job_unref);
	} else if (job->error) {
		g_propagate_error(error, g_steal_pointer(&job->error));
		g_clear_pointer(&job, ifmap_job_unref);
	}
	g_mutex_unlock(&engine->lock);
	return job;
}

gboolean ifmap_client_publish_sync(struct ifmap_client *client, struct ifmap_publish *publish,
	unsigned timeout_ms, GError **error)
{
	struct ifmap_job *job = ifmap_job_new(IFMAP_JOB_PUBLISH);

	job->publish = publish;
	job = run_sync(client, job, timeout_ms, error);
	ifmap_job_unref(job);
	return job != NULL;
}

struct ifmap_result *ifmap_client_search_sync(struct ifmap_client *client,
	const struct ifmap_search *search, unsigned timeout_ms, GError **error)
{
	struct ifmap_job *job = ifmap_job_new(IFMAP_JOB_SEARCH);
	struct ifmap_result *result;

	ifmap_search_copy(&job->search, search);
	job = run_sync(client, job, timeout_ms, error);
	result = job ? g_steal_pointer(&job->result) : NULL;
	ifmap_job_unref(job);
	return result;
}

gboolean ifmap_client_purge_sync(
	struct ifmap_client *client, const char *publisher_id, unsigned timeout_ms, GError **error)
{
	struct ifmap_job *job = ifmap_job_new(IFMAP_JOB_PURGE);

	job->publisher_id = g_strdup(publisher_id);
	job = run_sync(client, job, timeout_ms, error);
	ifmap_job_unref(job);
	return job != NULL;
}
