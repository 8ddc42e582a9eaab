#pragma once
/* The engine's inside: its state, and the way from an applied change to everybody who must be told.
 *
 * Shared by engine.c (who may ask), seats.c (sessions), operate.c (requests), withdraw.c (whole
 * stocks that go), boot.c (loading) and metricsbig.c (a look at subscriptions); nobody else
 * includes it. All under engine->lock. Answers are not given at once but collected in `wakes` and
 * delivered by map_engine_leave() after the lock is released.
 */
#include "map/account.h"
#include "map/engine.h"
#include "map/publish.h"

struct map_engine {
	GMutex lock;
	const struct map_limits *limits;
	const struct ifmap_dialect *dialect;
	struct map_engine_ops ops;
	struct map_store *store;
	struct map_graph *graph;
	struct map_registry *registry;
	struct ifmap_forms *forms;
	struct map_publisher *self;
	struct map_policy *policy;
	GHashTable *audited;     /* set of what a policy on trial has told; owns */
	GHashTable *accounts;    /* name -> struct map_account *; owns */
	GHashTable *connections; /* guint64 * -> GSList of struct map_client *; owns both */
	gint64 next_due_us;      /* no session's deadline comes before; 0: none has one */
	gint64 timestamp_us;     /* the last one issued */
	guint64 n_subscribed;
	guint64 n_requests;
	gboolean draining;
	/* withdraw.c */
	GQueue departures;    /* struct departure * */
	GThread *clearer;     /* NULL: not needed so far */
	GCond departing;      /* something was put into `departures`, or the server goes down */
	guint slice;          /* 0: as long as time allows; else what tests ask for */
	guint n_looking_back; /* requests that use the store without the lock */
	GCond looked_back;
	/* What map_engine_leave() delivers. */
	GPtrArray *wakes; /* struct wake * */
	GPtrArray *notes; /* struct remark * */
	/* Scratch, kept to save allocations. */
	struct map_walk walk;
	struct map_delta delta;
	GPtrArray *watchers;
	GPtrArray *dropped; /* subscriptions given up while a list may still name them */
	GString *text[4];   /* by enum ifmap_result_kind */
};

void map_engine_enter(struct map_engine *engine);
void map_engine_leave(struct map_engine *engine);

/* Has `reply` (taken) delivered to the token. */
void map_engine_wake(struct map_engine *engine, gpointer token, GString *reply);
void map_engine_remark(struct map_engine *engine, enum map_note note,
	const struct map_client *client, const char *detail);

/* From the operating system. At most 256. */
void map_random_bytes(void *bytes, size_t size);

/* A complete reply that holds one errorResult, or one empty element. */
void map_reply_error(GString *out, enum ifmap_error code, const char *text);
void map_reply_empty(GString *out, const char *name);

/* Whose doing a change is, for history. */
struct map_cause {
	gint64 at_us;
	const struct map_publisher *by;
	enum map_why why; /* of what goes without a successor */
};
/* Strictly later than the last one, so that no two changes are of one time; never runs backwards
 * (ifmap.md 11.2). */
gint64 map_engine_next_timestamp(struct map_engine *engine);

/* Finishes the change: tells every subscription, fills poll buffers, wakes hanging polls, adds to
 * `batch` what the store must know. `notices` may be NULL; so may `cause` and `batch`: what the
 * server says of itself is not stored. */
void map_engine_commit(struct map_engine *engine, struct map_change *change,
	const GPtrArray *notices, const struct map_cause *cause, struct map_batch *batch);
/* Whether the change would have to be made durable. */
gboolean map_change_is_durable(const struct map_change *change);

/* Tells a subscription what this withdrawal took; the caller frees engine->dropped. */
void map_engine_tell_withdrawn(
	struct map_engine *engine, struct map_subscription *subscription, guint64 withdrawal);

/* Creates (replacing) a subscription and buffers its initial result. Takes `query`. */
void map_engine_subscribe(struct map_engine *engine, struct map_client *client, const char *name,
	struct ifmap_query *query);
void map_engine_unsubscribe(struct map_engine *engine, struct map_client *client, const char *name);

/* Answers the hanging poll if there is something to tell. */
void map_engine_settle_poll(struct map_engine *engine, struct map_client *client);
/* Writes the reply to a poll and empties the buffer; FALSE when there is nothing to tell. */
gboolean map_engine_write_poll(struct map_client *client, GString *out);

/* All seats of all accounts (struct map_client *), newly allocated. */
GPtrArray *map_engine_clients(const struct map_engine *engine);
/* The account of this name, made if it is not there. */
struct map_account *map_engine_account(struct map_engine *engine, const char *name);

/* Loads the store and publishes the server's own description (ifmap.md 11.3). */
gboolean map_engine_boot(struct map_engine *engine, GError **error);
/* Publishes the server's own description in the open change (ifmap.md 11.3). */
gboolean map_engine_describe(struct map_engine *engine, struct map_change *change, GError **error);
