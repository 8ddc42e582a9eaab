#include "map/store.h"

#include <sqlite3.h>

G_DEFINE_QUARK(map - store - error, map_store_error)

/* How long a failed transaction rests before it is tried again. */
#define RETRY_US ((gint64)G_USEC_PER_SEC)

enum statement {
	ADD_FACT,
	REMOVE_FACT,
	ADD_PUBLISHER,
	ADD_TYPE,
	BEGIN,
	COMMIT,
	ROLLBACK,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[ADD_FACT] =
		"INSERT OR REPLACE INTO fact(serial,a,b,publisher,timestamp_us,meta) VALUES(?1,?2,?3,?4,?5,?6)",
	[REMOVE_FACT] = "DELETE FROM fact WHERE serial=?1",
	[ADD_PUBLISHER] = "INSERT OR REPLACE INTO publisher(client,id) VALUES(?2,?3)",
	[ADD_TYPE] = "INSERT OR REPLACE INTO type(ns,name,cardinality) VALUES(?2,?3,?1)",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS fact(serial INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT,"
	" publisher TEXT NOT NULL, timestamp_us INTEGER NOT NULL, meta TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS publisher(client TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS type(ns TEXT NOT NULL, name TEXT NOT NULL,"
	" cardinality INTEGER NOT NULL, PRIMARY KEY(ns,name));"
	"PRAGMA user_version=1;";

/* One row to write: the statement and its parameters, by number. */
struct row {
	enum statement statement;
	gint64 number;       /* ?1 */
	char *text[4];       /* ?2 ?3 ?4 ?6; NULL is NULL */
	gint64 timestamp_us; /* ?5 */
};

struct map_batch {
	GArray *rows; /* struct row */
	gpointer token;
	gboolean told; /* done was called for a failure */
};

struct map_store {
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	map_store_done_fn done;
	gpointer done_data;
	GThread *writer;
	GMutex lock;
	GCond wake;
	GQueue queue; /* struct map_batch *, guarded by lock */
	gboolean closing;
};

/* ---- batches */

static void row_clear(gpointer data)
{
	struct row *row = data;
	for (size_t i = 0; i < G_N_ELEMENTS(row->text); i++)
		g_free(row->text[i]);
}

struct map_batch *map_batch_new(void)
{
	struct map_batch *batch = g_new0(struct map_batch, 1);
	batch->rows = g_array_new(FALSE, TRUE, sizeof(struct row));
	g_array_set_clear_func(batch->rows, row_clear);
	return batch;
}

void map_batch_free(struct map_batch *batch)
{
	if (!batch)
		return;
	g_array_unref(batch->rows);
	g_free(batch);
}

gboolean map_batch_is_empty(const struct map_batch *batch)
{
	return batch->rows->len == 0;
}

void map_batch_add_fact(struct map_batch *batch, const struct map_record *record)
{
	const struct row row = {
		.statement = ADD_FACT,
		.number = (gint64)record->serial,
		.text = { g_strdup(record->a), g_strdup(record->b), g_strdup(record->publisher),
			g_strdup(record->meta) },
		.timestamp_us = record->timestamp_us,
	};
	g_array_append_val(batch->rows, row);
}

void map_batch_remove_fact(struct map_batch *batch, guint64 serial)
{
	const struct row row = { .statement = REMOVE_FACT, .number = (gint64)serial };
	g_array_append_val(batch->rows, row);
}

void map_batch_add_publisher(struct map_batch *batch, const char *client, const char *publisher_id)
{
	const struct row row = {
		.statement = ADD_PUBLISHER,
		.text = { g_strdup(client), g_strdup(publisher_id) },
	};
	g_array_append_val(batch->rows, row);
}

void map_batch_add_type(struct map_batch *batch, const char *ns, const char *name,
	enum ifmap_cardinality cardinality)
{
	const struct row row = {
		.statement = ADD_TYPE,
		.number = cardinality,
		.text = { g_strdup(ns), g_strdup(name) },
	};
	g_array_append_val(batch->rows, row);
}

/* ---- writing */

static gboolean fail(struct map_store *store, const char *what, GError **error)
{
	g_set_error(error, MAP_STORE_ERROR, sqlite3_extended_errcode(store->db), "store: %s: %s",
		what, sqlite3_errmsg(store->db));
	return FALSE;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	if (index > sqlite3_bind_parameter_count(statement))
		return;
	/* Failures surface when stepping: an unbound parameter violates NOT NULL. */
	(void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static gboolean run(
	struct map_store *store, enum statement which, const struct row *row, GError **error)
{
	sqlite3_stmt *statement = store->statements[which];
	gboolean good;

	if (row) {
		(void)sqlite3_bind_int64(statement, 1, row->number);
		bind_text(statement, 2, row->text[0]);
		bind_text(statement, 3, row->text[1]);
		bind_text(statement, 4, row->text[2]);
		bind_text(statement, 6, row->text[3]);
		if (sqlite3_bind_parameter_count(statement) >= 5)
			(void)sqlite3_bind_int64(statement, 5, row->timestamp_us);
	}
	good = sqlite3_step(statement) == SQLITE_DONE;
	if (!good)
		fail(store, sql[which], error);
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return good;
}

/* All batches in one transaction; nothing of them stays behind on failure. */
static gboolean write_all(struct map_store *store, const GQueue *batches, GError **error)
{
	if (!run(store, BEGIN, NULL, error))
		return FALSE;
	for (GList *at = batches->head; at; at = at->next) {
		const struct map_batch *batch = at->data;
		for (guint i = 0; i < batch->rows->len; i++) {
			const struct row *row = &g_array_index(batch->rows, struct row, i);
			if (run(store, row->statement, row, error))
				continue;
			run(store, ROLLBACK, NULL, NULL);
			return FALSE;
		}
	}
	if (run(store, COMMIT, NULL, error))
		return TRUE;
	run(store, ROLLBACK, NULL, NULL);
	return FALSE;
}

static void tell(struct map_store *store, struct map_batch *batch, const GError *error)
{
	if (!batch->told && store->done)
		store->done(batch->token, error, store->done_data);
	batch->told = TRUE;
}

/* Moves what is queued behind `batches`; waits while there is nothing. FALSE: closing, and nothing
 * is left. */
static gboolean next_batches(struct map_store *store, GQueue *batches, gboolean retrying)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	gint64 until = g_get_monotonic_time() + RETRY_US;

	if (retrying) {
		while (!store->closing && g_cond_wait_until(&store->wake, &store->lock, until))
			;
	} else {
		while (!store->closing && g_queue_is_empty(&store->queue))
			g_cond_wait(&store->wake, &store->lock);
	}
	while (!g_queue_is_empty(&store->queue))
		g_queue_push_tail_link(batches, g_queue_pop_head_link(&store->queue));
	return !store->closing || !g_queue_is_empty(batches);
}

static gboolean is_closing(struct map_store *store)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	return store->closing;
}

static gpointer writer_main(gpointer data)
{
	struct map_store *store = data;
	GQueue batches = G_QUEUE_INIT;
	gboolean failed = FALSE;

	while (next_batches(store, &batches, failed)) {
		g_autoptr(GError) error = NULL;
		failed = !write_all(store, &batches, &error);
		for (GList *at = batches.head; at; at = at->next)
			tell(store, at->data, error);
		if (!failed || is_closing(store))
			g_queue_clear_full(&batches, (GDestroyNotify)map_batch_free);
	}
	return NULL;
}

/* ---- opening and closing */

static gboolean execute(struct map_store *store, const char *text, GError **error)
{
	if (sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK)
		return TRUE;
	return fail(store, "cannot set up the database", error);
}

static gboolean prepare(struct map_store *store, GError **error)
{
	for (int i = 0; i < N_STATEMENTS; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK)
			return fail(store, sql[i], error);
	return TRUE;
}

struct map_store *map_store_open(const char *path, GError **error)
{
	g_autoptr(map_store) store = g_new0(struct map_store, 1);
	g_mutex_init(&store->lock);
	g_cond_init(&store->wake);
	g_queue_init(&store->queue);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
		fail(store, path, error);
		return NULL;
	}
	(void)sqlite3_busy_timeout(store->db, 5000);
	if (!execute(store, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", error) ||
		!execute(store, schema, error) || !prepare(store, error))
		return NULL;
	return g_steal_pointer(&store);
}

void map_store_close(struct map_store *store)
{
	if (!store)
		return;
	if (store->writer) {
		g_mutex_lock(&store->lock);
		store->closing = TRUE;
		g_cond_signal(&store->wake);
		g_mutex_unlock(&store->lock);
		g_thread_join(store->writer);
	}
	g_queue_clear_full(&store->queue, (GDestroyNotify)map_batch_free);
	for (int i = 0; i < N_STATEMENTS; i++)
		(void)sqlite3_finalize(store->statements[i]);
	(void)sqlite3_close(store->db);
	g_mutex_clear(&store->lock);
	g_cond_clear(&store->wake);
	g_free(store);
}

void map_store_set_done(struct map_store *store, map_store_done_fn done, gpointer data)
{
	store->done = done;
	store->done_data = data;
}

void map_store_submit(struct map_store *store, struct map_batch *batch, gpointer token)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	batch->token = token;
	g_queue_push_tail(&store->queue, batch);
	if (!store->writer)
		store->writer = g_thread_new("map-store", writer_main, store);
	g_cond_signal(&store->wake);
}

/* ---- loading */

static const char *column(sqlite3_stmt *statement, int index)
{
	return (const char *)sqlite3_column_text(statement, index);
}

typedef gboolean (*row_fn)(sqlite3_stmt *statement, const struct map_store_reader *reader,
	gpointer data, GError **error);

static gboolean read_publisher(sqlite3_stmt *statement, const struct map_store_reader *reader,
	gpointer data, GError **error)
{
	return reader->publisher(column(statement, 0), column(statement, 1), data, error);
}

static gboolean read_type(sqlite3_stmt *statement, const struct map_store_reader *reader,
	gpointer data, GError **error)
{
	enum ifmap_cardinality cardinality = sqlite3_column_int(statement, 2) ? IFMAP_MULTI_VALUE
									      : IFMAP_SINGLE_VALUE;
	return reader->type(column(statement, 0), column(statement, 1), cardinality, data, error);
}

static gboolean read_fact(sqlite3_stmt *statement, const struct map_store_reader *reader,
	gpointer data, GError **error)
{
	const struct map_record record = {
		.serial = (guint64)sqlite3_column_int64(statement, 0),
		.a = column(statement, 1),
		.b = column(statement, 2),
		.publisher = column(statement, 3),
		.timestamp_us = sqlite3_column_int64(statement, 4),
		.meta = column(statement, 5),
	};
	return reader->fact(&record, data, error);
}

static const struct {
	const char *sql;
	row_fn read;
} tables[] = {
	{ "SELECT client,id FROM publisher", read_publisher },
	{ "SELECT ns,name,cardinality FROM type ORDER BY rowid", read_type },
	{ "SELECT serial,a,b,publisher,timestamp_us,meta FROM fact ORDER BY serial", read_fact },
};

gboolean map_store_load(struct map_store *store, const struct map_store_reader *reader,
	gpointer data, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		sqlite3_stmt *statement = NULL;
		int step;
		if (sqlite3_prepare_v2(store->db, tables[i].sql, -1, &statement, NULL) != SQLITE_OK)
			return fail(store, tables[i].sql, error);
		while ((step = sqlite3_step(statement)) == SQLITE_ROW)
			if (!tables[i].read(statement, reader, data, error))
				break;
		if (step != SQLITE_DONE && step != SQLITE_ROW)
			fail(store, tables[i].sql, error);
		(void)sqlite3_finalize(statement);
		if (step != SQLITE_DONE)
			return FALSE;
	}
	return TRUE;
}
