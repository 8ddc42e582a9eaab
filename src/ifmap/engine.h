/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a client's three threads share: the caller's (client.c), the one that asks (ssrc.c), the one
 * that polls (arc.c).
 *
 *   NONE --newSession--> UP --connection lost--> DOUBTFUL --renewSession--> UP
 *   UP, DOUBTFUL --InvalidSessionID, endSessionResult--> NONE
 *
 * Invariants, all under `lock`:
 *  1. Only the SSRC thread changes `session` and `session_id`; the ARC thread asks for it through
 * `is_over`.
 *  2. `generation` grows whenever a session begins or ends; what the ARC thread learned in an older
 * one is dropped.
 *  3. `may_poll` is TRUE only while a session is UP or DOUBTFUL and at least one subscription was
 * accepted in it. It turns FALSE when the server may have lost results, and TRUE again only after
 * everything has been subscribed anew.
 *  4. Every change that matters to a thread is followed by a broadcast of `changed`.
 */
#include "ifmap/answer.h"
#include "ifmap/inbox.h"
#include "ifmap/job.h"
#include "ifmap/transport.h"

enum ifmap_session_state {
	IFMAP_SESSION_NONE,
	IFMAP_SESSION_UP,
	IFMAP_SESSION_DOUBTFUL,
};

struct ifmap_engine {
	/* set before the threads start, constant then */
	char *url;
	char **prefixes;
	size_t max_poll_result_size;
	gint64 renew_us; /* a session of which nothing was asked for so long is renewed */
	struct ifmap_transport *ssrc; /* of the SSRC thread */
	struct ifmap_transport *arc;  /* of the ARC thread */
	struct ifmap_inbox *inbox;
	GThread *ssrc_thread;
	GThread *arc_thread;

	GMutex lock; /* guards everything below */
	GCond changed;
	gboolean stop;
	GQueue jobs;               /* struct ifmap_job * */
	struct ifmap_job *running; /* in `jobs`; the SSRC thread is at it */
	guint64 flushed; /* last change of the ledger that a queued or finished flush covers */
	struct ifmap_ledger *ledger;
	GHashTable *subs; /* name -> struct ifmap_sub * */
	GQueue dead_subs; /* wire names to delete, char * */
	unsigned last_wire_number;

	enum ifmap_session_state session;
	char *session_id;
	const char *publisher_id; /* interned */
	guint generation;
	guint n_attempts; /* to get a session */
	GError *why;      /* why the last attempt failed, or the session was lost; NULL while UP */
	gboolean is_over; /* the ARC thread was told so */
	gboolean may_poll;
	gboolean is_asking; /* the SSRC thread is in a post */
};

struct ifmap_engine *ifmap_engine_new(
	const struct ifmap_client_config *config, gpointer client, GError **error);
/* Ends the session, joins the threads; a second at most. NULL is accepted. */
void ifmap_engine_free(struct ifmap_engine *engine);
/* Starts the threads, once. */
void ifmap_engine_start(struct ifmap_engine *engine);

/* ---- the rest: callers hold `lock` ---- */

/* Queues a job; takes the reference. */
void ifmap_engine_push(struct ifmap_engine *engine, struct ifmap_job *job);
/* Sees to it that all changes of the ledger are on their way before any later job. */
void ifmap_engine_flush(struct ifmap_engine *engine);
/* Takes the job off the queue and tells whoever waits; takes `error` (NULL: done). */
void ifmap_engine_finish(struct ifmap_engine *engine, struct ifmap_job *job, GError *error);

/* Tells the caller's thread that the session came up or why there is none. */
void ifmap_engine_report_state(
	struct ifmap_engine *engine, enum ifmap_client_state state, const GError *why);
/* Hands a subscription's result (taken) or error (borrowed) to the caller's thread. */
void ifmap_engine_report_result(struct ifmap_engine *engine, struct ifmap_sub *sub,
	struct ifmap_result *result, const GError *error);
/* Tells the caller's thread that the server refuses what is kept. */
void ifmap_engine_report_refused(
	struct ifmap_engine *engine, struct ifmap_kept *kept, const GError *error);

/* Makes every subscription due at `due_us`: the server may have lost them, or results of them. */
void ifmap_engine_resubscribe(struct ifmap_engine *engine, gint64 due_us);
/* The subscription that is known to the server as `wire_name`, or NULL. */
struct ifmap_sub *ifmap_engine_find_sub(struct ifmap_engine *engine, const char *wire_name);

/* Thread bodies; `data` is the engine. */
gpointer ifmap_ssrc_run(gpointer data);
gpointer ifmap_arc_run(gpointer data);

/* A server ends a session after 180 s without a connection; a router in between forgets sooner. */
#define IFMAP_RENEW_US (60 * G_TIME_SPAN_SECOND)
/* For tests: another interval than IFMAP_RENEW_US; before _start. */
void ifmap_client_set_renewal(struct ifmap_client *client, gint64 renew_us);

/* What engine.c posts to the inbox; client.c makes the caller's callbacks of it. */
struct ifmap_event {
	enum ifmap_client_state state;
	struct ifmap_job *job;
	struct ifmap_sub *sub;
	struct ifmap_result *result;
	struct ifmap_kept *kept;
	GError *error;
};
void ifmap_client_on_state_event(gpointer client, gpointer event);
void ifmap_client_on_job_event(gpointer client, gpointer event);
void ifmap_client_on_result_event(gpointer client, gpointer event);
void ifmap_client_on_refused_event(gpointer client, gpointer event);
