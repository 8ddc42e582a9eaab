/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The inside of the SSRC thread, in three files: ssrc.c has the thread, the session and single
 * requests, ssrckeep.c what is kept, ssrcsub.c the subscriptions. Everything here runs in that
 * thread; the engine's lock is not held unless said.
 */
#include "ifmap/engine.h"

/* How one request ended. */
enum ifmap_ssrc_outcome {
	IFMAP_SSRC_DONE,    /* with the answer that belongs to it */
	IFMAP_SSRC_REFUSED, /* for good: an errorResult, or no IF-MAP at all */
	IFMAP_SSRC_GONE,    /* the session is over; the request was not carried out */
	IFMAP_SSRC_LOST,    /* no connection; repeating it is harmless */
	IFMAP_SSRC_UNSURE,  /* no connection any more; the server may have carried it out */
};

/* Whether a request may be sent a second time after the connection broke. */
enum ifmap_ssrc_repeat {
	IFMAP_SSRC_REPEATABLE,
	IFMAP_SSRC_ONCE,
};

struct ifmap_ssrc {
	struct ifmap_engine *engine;
	GString *body; /* of the request being made */
	struct ifmap_backoff backoff;
	gint64 next_try_us; /* monotonic, as all of these */
	gint64 last_ask_us;
	gint64 up_since_us;
};

/* Sends ssrc->body; a broken connection is tried once more on a fresh one where that does no harm.
 * `error` is set unless DONE; ret_answer may be NULL. */
enum ifmap_ssrc_outcome ifmap_ssrc_ask(struct ifmap_ssrc *ssrc, enum ifmap_answer_type expected,
	enum ifmap_ssrc_repeat repeat, struct ifmap_answer **ret_answer, GError **error);
/* Acts on an outcome that says that the session is in danger (GONE and after); takes `error`. */
void ifmap_ssrc_on_trouble(struct ifmap_ssrc *ssrc, enum ifmap_ssrc_outcome outcome, GError *error);

/* Publish struct ifmap_kept *: into a session that is just born, or whatever is there. All travel
 * in one request; when the server refuses that, each alone, so that one bad apple is all that is
 * missing. DONE, or the trouble that stopped it. */
enum ifmap_ssrc_outcome ifmap_ssrc_publish_fresh(
	struct ifmap_ssrc *ssrc, GPtrArray *kept, GError **error);
enum ifmap_ssrc_outcome ifmap_ssrc_publish_kept(
	struct ifmap_ssrc *ssrc, GPtrArray *kept, GError **error);

/* Carries out the SUBSCRIBE and UNSUBSCRIBE jobs at the head of the queue, which only change what
 * is due; so several in a row become one request. Lock held. */
void ifmap_ssrc_take_sub_jobs(struct ifmap_engine *engine);
/* When the next subscription is due; 0 when one is to be given up. Lock held. */
gint64 ifmap_ssrc_next_due_us(struct ifmap_engine *engine);
/* Asks for what is due. */
void ifmap_ssrc_subscribe_due(struct ifmap_ssrc *ssrc);
