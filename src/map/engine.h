#pragma once
/* The server proper: clients, their sessions, the graph, who must be told (ifmap.md 4, 8, 9).
 *
 *   front, worker threads            engine (one lock)                 store's writer thread
 *   parse, TLS, gzip        --->  judge, apply, delta, buffer  --->  transaction, then answer
 *                           <---  answers for those who wait   <---
 *
 * A request is carried out by map_engine_handle() in one short critical section. It is answered
 * there, or later through ops.answer with the token of the call: polls when something happens,
 * anything that changed durable state when it is on disk. Every token for which handle returned
 * FALSE is answered exactly once, possibly before handle has returned.
 *
 * Threads: any, unless said otherwise. Callbacks are called without the lock, on whichever thread
 * caused them.
 */
#include "ifmap/request.h"
#include "map/limit.h"
#include "map/policy.h"
#include "map/store.h"

struct map_engine;

enum map_note {
	MAP_NOTE_SESSION_BEGUN,
	MAP_NOTE_SESSION_ENDED,
	MAP_NOTE_SESSION_REPLACED, /* by another newSession of the same client: perhaps a stolen
				      credential */
	MAP_NOTE_REFUSED,          /* AccessDenied or InvalidSessionID */
	MAP_NOTE_OVERFLOW,         /* subscriptions dropped, nobody fetched their results */
	MAP_NOTE_STORE_FAILED,
	MAP_NOTE_THROTTLED,    /* more requests a second than the client may send; once a minute */
	MAP_NOTE_WOULD_REFUSE, /* a policy on trial permitted what its rules refuse */
};

struct map_engine_ops {
	/* `reply`: a complete body; taken. */
	void (*answer)(gpointer token, GString *reply, gpointer data);
	/* For the log; strings are borrowed. May be NULL. */
	void (*note)(enum map_note note, const char *client, const char *detail, gpointer data);
	gpointer data;
};

/* How a request stands to sessions. */
enum map_call_manner {
	MAP_CALL_IN_SESSION, /* as IF-MAP has it */
	MAP_CALL_MODEST,     /* a newSession that is refused where it would end another session */
	MAP_CALL_MOMENTARY,  /* a search or publish that needs no session and changes none; what it
				publishes must be forever */
};

struct map_call {
	guint64 connection;            /* never reused; not 0 */
	struct map_identity *identity; /* who asks; borrowed */
	struct ifmap_request *request; /* borrowed; queries of a subscribe are taken out of it */
	gpointer token;
	enum map_call_manner manner;
	gboolean *ret_throttled; /* may be NULL; set when it is refused for being too many */
};

/* Loads what `store` holds (taken; NULL: nothing is durable). Not thread-safe; NULL and an error
 * when it cannot be read. `limits` and `dialect` are borrowed. */
struct map_engine *map_engine_new(const struct map_limits *limits,
	const struct ifmap_dialect *dialect, const struct map_engine_ops *ops,
	struct map_store *store, GError **error);
/* After map_engine_drain() and when no thread can call any more. */
void map_engine_free(struct map_engine *engine);
typedef struct map_engine map_engine;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_engine, map_engine_free)

/* Rules by which everything is judged from now on; takes a reference. Sessions stay: each
 * subscription begins anew with what its client may see now (a searchResult, as after subscribe).
 * Without it what is built in holds. */
void map_engine_set_policy(struct map_engine *engine, struct map_policy *policy);

/* Whether the client is let in at all: it shows what the policy pins for its name. */
gboolean map_engine_admits(struct map_engine *engine, const struct map_identity *identity);

/* Carries out a request. TRUE: the complete reply is in `out`; FALSE: it comes through ops.answer.
 */
gboolean map_engine_handle(struct map_engine *engine, const struct map_call *call, GString *out);
/* Answers a request whose content was refused with `why`: errors of the session come first
 * (ifmap.md 10). call->request is not looked at; `session_id` may be NULL. */
void map_engine_refuse(struct map_engine *engine, const struct map_call *call,
	const char *session_id, const GError *why, GString *out);

/* The connection was closed by either side, or its peer hung up. */
void map_engine_connection_closed(struct map_engine *engine, guint64 connection);
/* A request or response broke off in the middle. */
void map_engine_connection_broken(struct map_engine *engine, guint64 connection);
/* Ends sessions whose time is up; to be called about once a second. */
void map_engine_tick(struct map_engine *engine);
/* Ends all sessions, refuses whatever comes, and waits until what is accepted is durable and
 * answered. */
void map_engine_drain(struct map_engine *engine);

/* For tests of what lies between: more than `n` metadata that go at once are from now on cleared
 * away by map_engine_clear_away() alone, `n` at a time (withdraw.h). */
void map_engine_set_slice(struct map_engine *engine, unsigned n);
/* Clears some of what is gone away; FALSE when nothing is left. */
gboolean map_engine_clear_away(struct map_engine *engine);

struct map_engine_figures {
	size_t n_nodes, n_links, n_facts, n_sessions, n_subscriptions;
	gint64 timestamp_us; /* of the last change */
};
void map_engine_figures(struct map_engine *engine, struct map_engine_figures *ret_figures);
