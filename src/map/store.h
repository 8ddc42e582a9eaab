#pragma once
/* What must survive the process: forever metadata, publisher-ids, cardinalities (ifmap.md 2.7, 3.1,
 * 19); and what was there once: history (history.h).
 *
 * SQLite in WAL mode with full synchronisation. Changes are handed over as batches; one writer
 * thread puts all batches that wait into one transaction (group commit) and then calls `done` for
 * each that must be durable, in order. A batch is whole or not there at all. Batches that hold
 * history alone wait for others, LAZY_MS at most, so that changes of session metadata cost the disk
 * little and their publishers nothing.
 *
 * When a transaction fails (disk full), the batches stay queued and are tried again every second,
 * so that disk and memory agree again as soon as it succeeds; `done` is told of the failure, and
 * map_store_is_failing() says so until then, so that nothing more that must be durable is taken on.
 * What a purge, the end of a session or of the server takes away at one stroke is one row, the
 * withdrawal: all of one lifetime with a serial below a number, of one publisher or of all. From
 * then on it is gone to whoever reads; the rows themselves are deleted and ended a piece with each
 * transaction, and by the next process if this one dies before.
 *
 * When the disk does not keep up, what is queued is bounded by leaving beginnings out of the
 * history; ends are kept, so what history says stays true.
 *
 * Threads: open, load and close from one thread; batches may be submitted by any thread, in the
 * order of commits.
 */
#include "map/entry.h"

#define MAP_STORE_ERROR (map_store_error_quark())
GQuark map_store_error_quark(void);

struct map_store;
struct map_batch;

/* How much of the past is kept. */
struct map_retention {
	unsigned days; /* 0: no history */
	guint64 size;  /* bytes of the whole file beyond which the oldest history goes */
};

/* `path`: the database, created when missing. Errors say what is wrong with the file; it is never
 * repaired or overwritten. */
struct map_store *map_store_open(
	const char *path, const struct map_retention *retention, GError **error);
/* Writes what is queued, stops the writer. */
void map_store_close(struct map_store *store);
typedef struct map_store map_store;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_store, map_store_close)
const char *map_store_path(const struct map_store *store);

/* One fact as it is stored. Strings are borrowed for the call. */
struct map_record {
	guint64 serial;
	const char *a; /* identifier as wire XML */
	const char *b; /* NULL: on the identifier */
	const char *publisher;
	gint64 timestamp_us;
	const char *meta; /* element as XML, stamped */
};

/* Called for everything stored, before the first batch; publishers first, then types, then facts by
 * serial. A FALSE return stops the load with *error set by the callee. */
struct map_store_reader {
	gboolean (*publisher)(
		const char *client, const char *publisher_id, gpointer data, GError **error);
	gboolean (*type)(const char *ns, const char *name, enum ifmap_cardinality cardinality,
		gpointer data, GError **error);
	gboolean (*fact)(const struct map_record *record, gpointer data, GError **error);
};
gboolean map_store_load(struct map_store *store, const struct map_store_reader *reader,
	gpointer data, GError **error);
/* The largest serial that was ever stored; 0 if none. Before the first batch. FALSE and an error
 * when it cannot be read: to go on would give a serial twice, and write over what stands under it.
 */
gboolean map_store_last_serial(struct map_store *store, guint64 *ret_serial, GError **error);

struct map_batch *map_batch_new(void);
void map_batch_free(struct map_batch *batch);
gboolean map_batch_is_empty(const struct map_batch *batch);
/* Whether somebody must wait until it is on disk: it holds more than history. */
gboolean map_batch_is_durable(const struct map_batch *batch);
/* A fact came; takes over what the entry references. Forever metadata is stored, all of it becomes
 * history. */
void map_batch_add_fact(struct map_batch *batch, struct map_entry *entry);

/* A fact went. `by`: publisher-id, borrowed for good, or NULL for the server. */
struct map_ending {
	guint64 serial;
	enum ifmap_lifetime lifetime;
	gint64 at_us;
	const char *by;
	enum map_why why;
};
void map_batch_remove_fact(struct map_batch *batch, const struct map_ending *ending);

/* All of it goes. Strings are borrowed for good. */
struct map_withdrawal {
	const char *publisher;
	enum ifmap_lifetime lifetime;
	guint64 below; /* the first serial that stays */
	gint64 at_us;
	const char *by;
	enum map_why why;
};
void map_batch_add_withdrawal(struct map_batch *batch, const struct map_withdrawal *withdrawal);
void map_batch_add_publisher(struct map_batch *batch, const char *client, const char *publisher_id);
void map_batch_add_type(struct map_batch *batch, const char *ns, const char *name,
	enum ifmap_cardinality cardinality);

/* On the writer's thread; `error` NULL when the batch is durable. Called exactly once for each
 * batch with a token, and with token NULL for what concerns nobody in particular. */
typedef void (*map_store_done_fn)(gpointer token, const GError *error, gpointer data);
/* After the load, before the first batch. */
void map_store_set_done(struct map_store *store, map_store_done_fn done, gpointer data);
/* Takes the batch. `token` may be NULL: nobody waits. */
void map_store_submit(struct map_store *store, struct map_batch *batch, gpointer token);
/* After the batch of the withdrawal: its facts, guint64 serials; takes them. In the order of
 * withdrawals. */
void map_store_forget(
	struct map_store *store, const struct map_withdrawal *withdrawal, GArray *serials);
gboolean map_store_keeps_history(const struct map_store *store);
/* The last transaction failed. Any thread. */
gboolean map_store_is_failing(const struct map_store *store);
/* Waits until what is queued now has been tried; FALSE after `timeout_ms`. Any thread. */
gboolean map_store_flush(struct map_store *store, unsigned timeout_ms);
