#pragma once
/* What must survive the process: forever metadata, publisher-ids, cardinalities (ifmap.md 2.7, 3.1,
 * 19).
 *
 * SQLite in WAL mode with full synchronisation. Changes are handed over as batches; one writer
 * thread puts all batches that wait into one transaction (group commit) and then calls each batch's
 * `done`, in order. A batch is whole or not there at all. When a transaction fails (disk full), the
 * batches stay queued and are tried again every second, so that disk and memory agree again as soon
 * as it succeeds; meanwhile `done` is told of the failure.
 *
 * Threads: open, load and close from one thread; batches may be submitted by any thread, in the
 * order of commits.
 */
#include <drover/ifmap.h>

#define MAP_STORE_ERROR (map_store_error_quark())
GQuark map_store_error_quark(void);

struct map_store;
struct map_batch;

/* `path`: the database, created when missing. */
struct map_store *map_store_open(const char *path, GError **error);
/* Writes what is queued, stops the writer. */
void map_store_close(struct map_store *store);
typedef struct map_store map_store;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_store, map_store_close)

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

struct map_batch *map_batch_new(void);
void map_batch_free(struct map_batch *batch);
gboolean map_batch_is_empty(const struct map_batch *batch);
void map_batch_add_fact(struct map_batch *batch, const struct map_record *record);
void map_batch_remove_fact(struct map_batch *batch, guint64 serial);
void map_batch_add_publisher(struct map_batch *batch, const char *client, const char *publisher_id);
void map_batch_add_type(struct map_batch *batch, const char *ns, const char *name,
	enum ifmap_cardinality cardinality);

/* On the writer's thread; `error` NULL when the batch is durable. Called exactly once. */
typedef void (*map_store_done_fn)(gpointer token, const GError *error, gpointer data);
/* Before the first batch. */
void map_store_set_done(struct map_store *store, map_store_done_fn done, gpointer data);
/* Takes the batch. `token` may be NULL: nobody waits. */
void map_store_submit(struct map_store *store, struct map_batch *batch, gpointer token);
