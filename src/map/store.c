#include "map/store.h"

#include <unistd.h>

#include "ifmap/reply.h"
#include "ifmap/request.h"
#include "map/storebatch.h"
#include "map/storefile.h"
#include "map/storeread.h"

/* How long a failed transaction rests before it is tried again. */
#define RETRY_US    ((gint64)G_USEC_PER_SEC)
/* How long history alone may wait. */
#define LAZY_MS     200
/* Rows that may be queued before beginnings are left out of the history. */
#define MAX_QUEUED  200000
/* Old history is dropped in pieces this large, so that nobody waits long for the writer. */
#define DROP_ROWS   2000
#define DROP_US     (5 * (gint64)G_USEC_PER_SEC)
/* So are rows of what was withdrawn, beside batches that somebody waits for. */
#define ERRAND_ROWS 200
#define DAY_US      (86400 * (gint64)G_USEC_PER_SEC)

/* The kinds of rows come first: each has a statement. */
enum statement {
	DROP_BEFORE = N_MAP_ROWS,
	DROP_OLDEST,
	END_WITHDRAWN,
	DROP_WITHDRAWAL,
	USED_PAGES,
	BEGIN,
	COMMIT,
	ROLLBACK,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[MAP_ROW_ADD_FACT] =
		"INSERT OR REPLACE INTO fact(serial,a,b,publisher,timestamp_us,meta) VALUES(?1,?2,?3,?4,?5,?6)",
	[MAP_ROW_REMOVE_FACT] = "DELETE FROM fact WHERE serial=?1",
	[MAP_ROW_ADD_PUBLISHER] = "INSERT OR REPLACE INTO publisher(client,id) VALUES(?2,?3)",
	[MAP_ROW_ADD_TYPE] = "INSERT OR REPLACE INTO type(ns,name,cardinality) VALUES(?2,?3,?1)",
	[MAP_ROW_ADD_WITHDRAWAL] =
		"INSERT INTO withdrawal(publisher,lifetime,below,at_us,ended_by,why)"
		" VALUES(?4,?9,?1,?5,?2,?7)",
	[MAP_ROW_BEGIN_HISTORY] =
		"INSERT OR REPLACE INTO history(serial,a,b,publisher,from_us,meta,a_key,b_key,lifetime)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)",
	[MAP_ROW_END_HISTORY] = "UPDATE history SET until_us=?5,ended_by=?2,why=?7 WHERE serial=?1",
	[DROP_BEFORE] =
		"DELETE FROM history WHERE serial IN (SELECT serial FROM history WHERE until_us<?1"
		" ORDER BY until_us LIMIT " G_STRINGIFY(DROP_ROWS) ")",
	[DROP_OLDEST] = "DELETE FROM history WHERE serial IN (SELECT serial FROM history"
			" WHERE until_us IS NOT NULL ORDER BY until_us LIMIT " G_STRINGIFY(
				DROP_ROWS) ")",
	[END_WITHDRAWN] =
		"UPDATE history SET (until_us,ended_by,why)=(SELECT at_us,ended_by,why FROM"
		" withdrawal WHERE rowid=" MAP_STOREFILE_WITHDRAWAL ")"
		" WHERE serial=?1 AND until_us IS NULL",
	[DROP_WITHDRAWAL] = "DELETE FROM withdrawal WHERE lifetime=?1 AND (at_us=?2 OR rowid<=?3)",
	[USED_PAGES] = "SELECT (SELECT page_count FROM pragma_page_count) -"
		       " (SELECT freelist_count FROM pragma_freelist_count)",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

/* Rows to end of what was withdrawn. */
struct errand {
	enum ifmap_lifetime lifetime;
	gint64 at_us;      /* which withdrawal is done with then */
	gint64 last_rowid; /* and all up to this one; of what an earlier process left */
	GArray *serials;   /* guint64 */
	guint n_done;
};

struct map_store {
	char *path;
	struct map_retention retention;
	int lock_fd;
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	GString *text[3]; /* identifiers and metadata being bound */
	map_store_done_fn done;
	gpointer done_data;
	GThread *writer;
	gint64 next_drop_us; /* when old history is looked at again */
	gint failing;        /* atomic */
	GMutex lock;         /* guards what follows */
	GCond wake;
	GCond written;
	GQueue queue;   /* struct map_batch * */
	GQueue errands; /* struct errand *; the writer alone takes them away */
	guint64 n_rows, n_durable, n_submitted, n_tried;
	guint64 n_left_out;
	gboolean flush;
	gboolean closing;
};

/* ---- writing */

static gboolean fail(struct map_store *store, const char *what, GError **error)
{
	return map_storefile_fail(store->db, what, error);
}

/* Failures to bind surface when stepping: an unbound parameter violates NOT NULL. */
static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	(void)sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static void bind_id(sqlite3_stmt *statement, int index, const struct ifmap_id *id, GString *text)
{
	if (!id)
		return;
	g_string_truncate(text, 0);
	ifmap_reply_id(text, id);
	bind_text(statement, index, text->str);
}

static void bind_meta(
	sqlite3_stmt *statement, int index, const struct ifmap_meta *meta, GString *text)
{
	g_string_truncate(text, 0);
	ifmap_meta_write(text, meta);
	bind_text(statement, index, text->str);
}

static void bind_entry(struct map_store *store, sqlite3_stmt *statement, const struct map_row *row)
{
	const struct map_entry *entry = &row->entry;

	(void)sqlite3_bind_int64(statement, 1, (gint64)entry->serial);
	bind_id(statement, 2, entry->a, store->text[0]);
	bind_id(statement, 3, entry->b, store->text[1]);
	bind_text(statement, 4, entry->publisher);
	(void)sqlite3_bind_int64(statement, 5, entry->timestamp_us);
	bind_meta(statement, 6, entry->meta, store->text[2]);
	if (row->kind != MAP_ROW_BEGIN_HISTORY)
		return;
	(void)sqlite3_bind_int64(statement, 7, map_entry_key(entry->a));
	if (entry->b)
		(void)sqlite3_bind_int64(statement, 8, map_entry_key(entry->b));
	(void)sqlite3_bind_int(statement, 9, entry->lifetime == IFMAP_LIFETIME_FOREVER);
}

static void bind_plain(sqlite3_stmt *statement, const struct map_row *row)
{
	(void)sqlite3_bind_int64(statement, 1, row->number);
	if (row->kind == MAP_ROW_END_HISTORY || row->kind == MAP_ROW_ADD_WITHDRAWAL) {
		bind_text(statement, 2, row->by);
		(void)sqlite3_bind_int64(statement, 5, row->timestamp_us);
		(void)sqlite3_bind_int(statement, 7, row->why);
	}
	if (row->kind == MAP_ROW_ADD_WITHDRAWAL) {
		bind_text(statement, 4, row->entry.publisher);
		(void)sqlite3_bind_int(statement, 9, row->entry.lifetime);
	}
	if (row->kind == MAP_ROW_END_HISTORY || row->kind == MAP_ROW_ADD_WITHDRAWAL)
		return;
	if (row->kind == MAP_ROW_REMOVE_FACT)
		return;
	bind_text(statement, 2, row->text[0]);
	bind_text(statement, 3, row->text[1]);
}

static gboolean finish(struct map_store *store, unsigned which, GError **error)
{
	sqlite3_stmt *statement = store->statements[which];
	gboolean good = sqlite3_step(statement) == SQLITE_DONE;
	if (!good)
		fail(store, sql[which], error);
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return good;
}

static gboolean run(
	struct map_store *store, unsigned which, const struct map_row *row, GError **error)
{
	gboolean history = which == MAP_ROW_BEGIN_HISTORY || which == MAP_ROW_END_HISTORY;

	if (history && store->retention.days == 0)
		return TRUE;
	if (row && row->entry.meta)
		bind_entry(store, store->statements[which], row);
	else if (row)
		bind_plain(store->statements[which], row);
	return finish(store, which, error);
}

static gboolean write_batches(struct map_store *store, const GQueue *batches, GError **error)
{
	for (GList *at = batches->head; at; at = at->next) {
		const struct map_batch *batch = at->data;
		for (guint i = 0; i < batch->rows->len; i++) {
			const struct map_row *row = &g_array_index(batch->rows, struct map_row, i);
			if (!run(store, row->kind, row, error))
				return FALSE;
		}
	}
	return TRUE;
}

static void errand_free(gpointer data)
{
	struct errand *errand = data;
	g_array_unref(errand->serials);
	g_free(errand);
}

static struct errand *first_errand(struct map_store *store)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	return g_queue_peek_head(&store->errands);
}

static gboolean forget_row(
	struct map_store *store, const struct errand *errand, guint64 serial, GError **error)
{
	gboolean stored = errand->lifetime == IFMAP_LIFETIME_FOREVER;

	(void)sqlite3_bind_int64(store->statements[MAP_ROW_REMOVE_FACT], 1, (gint64)serial);
	(void)sqlite3_bind_int64(store->statements[END_WITHDRAWN], 1, (gint64)serial);
	return (!stored || finish(store, MAP_ROW_REMOVE_FACT, error)) &&
	       (store->retention.days == 0 || finish(store, END_WITHDRAWN, error));
}

/* A piece of an errand, up to the row before `until`. */
static gboolean write_errand(
	struct map_store *store, const struct errand *errand, guint until, GError **error)
{
	sqlite3_stmt *done = store->statements[DROP_WITHDRAWAL];

	for (guint i = errand->n_done; i < until; i++)
		if (!forget_row(store, errand, g_array_index(errand->serials, guint64, i), error))
			return FALSE;
	if (until < errand->serials->len)
		return TRUE;
	(void)sqlite3_bind_int(done, 1, errand->lifetime);
	(void)sqlite3_bind_int64(done, 2, errand->at_us);
	(void)sqlite3_bind_int64(done, 3, errand->last_rowid);
	return finish(store, DROP_WITHDRAWAL, error);
}

/* What was written of it is on disk. */
static void note_errand(struct map_store *store, struct errand *errand, guint until)
{
	errand->n_done = until;
	if (until < errand->serials->len)
		return;
	g_mutex_lock(&store->lock);
	g_queue_pop_head(&store->errands);
	g_mutex_unlock(&store->lock);
	errand_free(errand);
}

/* All batches in one transaction, and a piece of the oldest errand; nothing of them stays behind on
 * failure. */
static gboolean write_all(struct map_store *store, const GQueue *batches, GError **error)
{
	struct errand *errand = first_errand(store);
	guint until = errand ? MIN(errand->n_done + ERRAND_ROWS, errand->serials->len) : 0;

	if (!run(store, BEGIN, NULL, error))
		return FALSE;
	if (!write_batches(store, batches, error) ||
		(errand && !write_errand(store, errand, until, error)) ||
		!run(store, COMMIT, NULL, error)) {
		run(store, ROLLBACK, NULL, NULL);
		return FALSE;
	}
	if (errand)
		note_errand(store, errand, until);
	return TRUE;
}

static void tell(struct map_store *store, struct map_batch *batch, const GError *error)
{
	if (!batch->told && store->done && (batch->token || error))
		store->done(batch->token, error, store->done_data);
	batch->told = TRUE;
}

/* Whether what is queued should be written now. Under the lock. */
static gboolean is_urgent(const struct map_store *store)
{
	return store->closing || store->flush || store->n_durable > 0;
}

static void wait_for_batches(struct map_store *store, gboolean retrying)
{
	gint64 until = g_get_monotonic_time() + RETRY_US;

	if (retrying) {
		while (!store->closing && g_cond_wait_until(&store->wake, &store->lock, until))
			;
		return;
	}
	while (g_queue_is_empty(&store->queue) && g_queue_is_empty(&store->errands) &&
		!store->closing)
		g_cond_wait(&store->wake, &store->lock);
	if (!g_queue_is_empty(&store->errands))
		return;
	until = g_get_monotonic_time() + LAZY_MS * (gint64)1000;
	while (!is_urgent(store) && g_cond_wait_until(&store->wake, &store->lock, until))
		;
}

/* Moves what is queued behind `batches`; waits while there is nothing. FALSE: closing, and nothing
 * is left. */
static gboolean next_batches(struct map_store *store, GQueue *batches, gboolean retrying)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);

	wait_for_batches(store, retrying);
	while (!g_queue_is_empty(&store->queue))
		g_queue_push_tail_link(batches, g_queue_pop_head_link(&store->queue));
	store->n_durable = 0;
	store->flush = FALSE;
	return !store->closing || !g_queue_is_empty(batches);
}

static gboolean is_closing(struct map_store *store)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	return store->closing;
}

/* Says once per pause that history was left out. */
static void tell_left_out(struct map_store *store, guint64 n)
{
	g_autoptr(GError) error = NULL;

	if (n == 0 || !store->done)
		return;
	g_set_error(&error, MAP_STORE_ERROR, 0,
		"store: the disk is too slow, history lacks %" G_GUINT64_FORMAT " changes", n);
	store->done(NULL, error, store->done_data);
}

/* The batches were tried; those that stay are not counted again. */
static void note_tried(struct map_store *store, const GQueue *batches, gboolean failed)
{
	g_mutex_lock(&store->lock);
	guint64 n = store->n_left_out;
	store->n_left_out = 0;
	store->n_tried = store->n_submitted - store->queue.length;
	if (!failed)
		store->n_rows = 0;
	for (GList *at = store->queue.head; at && !failed; at = at->next)
		store->n_rows += ((struct map_batch *)at->data)->rows->len;
	g_cond_broadcast(&store->written);
	g_mutex_unlock(&store->lock);
	(void)batches;
	tell_left_out(store, n);
}

static gint64 used_bytes(struct map_store *store)
{
	sqlite3_stmt *statement = store->statements[USED_PAGES];
	gint64 pages = 0;
	if (sqlite3_step(statement) == SQLITE_ROW)
		pages = sqlite3_column_int64(statement, 0);
	(void)sqlite3_reset(statement);
	return pages * MAP_STOREFILE_PAGE;
}

/* A piece of what is older or more than is to be kept. */
static void drop_old(struct map_store *store)
{
	gint64 now_us = g_get_monotonic_time();
	gboolean good = TRUE;
	int dropped = 0;

	if (now_us < store->next_drop_us || store->retention.days == 0)
		return;
	(void)sqlite3_bind_int64(store->statements[DROP_BEFORE], 1,
		g_get_real_time() - store->retention.days * DAY_US);
	good = finish(store, DROP_BEFORE, NULL);
	dropped = good ? sqlite3_changes(store->db) : 0;
	if (good && used_bytes(store) > (gint64)store->retention.size) {
		good = finish(store, DROP_OLDEST, NULL);
		dropped += good ? sqlite3_changes(store->db) : 0;
	}
	store->next_drop_us = dropped >= DROP_ROWS ? now_us : now_us + DROP_US;
}

static gpointer writer_main(gpointer data)
{
	struct map_store *store = data;
	GQueue batches = G_QUEUE_INIT;
	gboolean failed = FALSE;

	while (next_batches(store, &batches, failed)) {
		g_autoptr(GError) error = NULL;
		failed = !write_all(store, &batches, &error);
		g_atomic_int_set(&store->failing, failed);
		for (GList *at = batches.head; at; at = at->next)
			tell(store, at->data, error);
		note_tried(store, &batches, failed);
		if (!failed)
			drop_old(store);
		if (!failed || is_closing(store))
			g_queue_clear_full(&batches, (GDestroyNotify)map_batch_free);
	}
	return NULL;
}

/* ---- opening and closing */

static gboolean prepare(struct map_store *store, GError **error)
{
	for (int i = 0; i < N_STATEMENTS; i++)
		if (sqlite3_prepare_v3(store->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->statements[i], NULL) != SQLITE_OK)
			return fail(store, sql[i], error);
	return TRUE;
}

/* What the process before this one left open, or did not keep. */
static gboolean settle_history(struct map_store *store, GError **error)
{
	gboolean keep = store->retention.days > 0;
	g_autofree char *text =
		keep ? g_strdup_printf(
			       "INSERT INTO withdrawal(lifetime,below,at_us,why) SELECT 0,"
			       "last+1,%" G_GINT64_FORMAT ",%d FROM (SELECT max(serial) AS last"
			       " FROM history WHERE until_us IS NULL AND lifetime=0)"
			       " WHERE last IS NOT NULL;"
			       "INSERT INTO history(serial,a_key,b_key,a,b,publisher,lifetime,"
			       "meta,from_us) SELECT serial,map_key(a),map_key(b),a,b,publisher,"
			       "1,meta,timestamp_us FROM fact WHERE NOT EXISTS"
			       " (SELECT 1 FROM state WHERE name='history');"
			       "INSERT OR IGNORE INTO state VALUES('history',1);",
			       g_get_real_time(), MAP_WHY_RESTART)
		     : g_strdup("DELETE FROM history; DELETE FROM state WHERE name='history';"
				"DELETE FROM withdrawal WHERE lifetime=0;");
	g_autofree char *whole = g_strconcat("BEGIN IMMEDIATE;", text, "COMMIT", NULL);
	return sqlite3_exec(store->db, whole, NULL, NULL, NULL) == SQLITE_OK ||
	       fail(store, store->path, error);
}

struct map_store *map_store_open(
	const char *path, const struct map_retention *retention, GError **error)
{
	g_autoptr(map_store) store = g_new0(struct map_store, 1);
	g_mutex_init(&store->lock);
	g_cond_init(&store->wake);
	g_cond_init(&store->written);
	g_queue_init(&store->queue);
	g_queue_init(&store->errands);
	store->path = g_strdup(path);
	store->retention = *retention;
	for (size_t i = 0; i < G_N_ELEMENTS(store->text); i++)
		store->text[i] = g_string_new(NULL);
	store->lock_fd = map_storefile_lock(path, error);
	if (store->lock_fd < 0)
		return NULL;
	store->db = map_storefile_open(path, error);
	if (!store->db || !settle_history(store, error) || !prepare(store, error))
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
	g_queue_clear_full(&store->errands, errand_free);
	for (int i = 0; i < N_STATEMENTS; i++)
		(void)sqlite3_finalize(store->statements[i]);
	(void)sqlite3_close(store->db);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	for (size_t i = 0; i < G_N_ELEMENTS(store->text); i++)
		g_string_free(store->text[i], TRUE);
	g_mutex_clear(&store->lock);
	g_cond_clear(&store->wake);
	g_cond_clear(&store->written);
	g_free(store->path);
	g_free(store);
}

const char *map_store_path(const struct map_store *store)
{
	return store->path;
}

static void start_writer(struct map_store *store)
{
	if (!store->writer)
		store->writer = g_thread_new("map-store", writer_main, store);
}

void map_store_set_done(struct map_store *store, map_store_done_fn done, gpointer data)
{
	store->done = done;
	store->done_data = data;
	if (!g_queue_is_empty(&store->errands))
		start_writer(store);
}

/* Beginnings that only history wants. */
static void leave_out_beginnings(struct map_store *store, struct map_batch *batch)
{
	for (guint i = batch->rows->len; i > 0; i--) {
		if (g_array_index(batch->rows, struct map_row, i - 1).kind != MAP_ROW_BEGIN_HISTORY)
			continue;
		g_array_remove_index(batch->rows, i - 1);
		store->n_left_out++;
	}
}

void map_store_submit(struct map_store *store, struct map_batch *batch, gpointer token)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	gboolean first = g_queue_is_empty(&store->queue);

	batch->token = token;
	if (store->n_rows > MAX_QUEUED && batch->n_durable == 0)
		leave_out_beginnings(store, batch);
	store->n_rows += batch->rows->len;
	store->n_durable += batch->n_durable;
	store->n_submitted++;
	g_queue_push_tail(&store->queue, batch);
	start_writer(store);
	if (first || batch->n_durable > 0)
		g_cond_signal(&store->wake);
}

/* Under the lock, or before the writer. Takes the serials. */
static void add_errand(struct map_store *store, const struct errand *made)
{
	g_queue_push_tail(&store->errands, g_memdup2(made, sizeof(*made)));
	g_cond_signal(&store->wake);
}

void map_store_forget(
	struct map_store *store, const struct map_withdrawal *withdrawal, GArray *serials)
{
	const struct errand errand = {
		.lifetime = withdrawal->lifetime,
		.at_us = withdrawal->at_us,
		.serials = serials,
	};
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	add_errand(store, &errand);
	start_writer(store);
}

gboolean map_store_keeps_history(const struct map_store *store)
{
	return store->retention.days > 0;
}

gboolean map_store_is_failing(const struct map_store *store)
{
	return g_atomic_int_get(&store->failing);
}

gboolean map_store_flush(struct map_store *store, unsigned timeout_ms)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->lock);
	gint64 until = g_get_monotonic_time() + timeout_ms * (gint64)1000;
	guint64 target = store->n_submitted;

	store->flush = TRUE;
	g_cond_signal(&store->wake);
	while (store->n_tried < target)
		if (!g_cond_wait_until(&store->written, &store->lock, until))
			return FALSE;
	return TRUE;
}

/* ---- loading */

gboolean map_store_load(struct map_store *store, const struct map_store_reader *reader,
	gpointer data, GError **error)
{
	GArray *withdrawn[2];
	gint64 last = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(withdrawn); i++)
		withdrawn[i] = g_array_new(FALSE, FALSE, sizeof(guint64));
	gboolean good = map_storeread_number(
				store->db, "SELECT max(rowid) FROM withdrawal", &last, error) &&
			map_storeread_all(store->db, reader, data, withdrawn, error);
	for (size_t i = 0; i < G_N_ELEMENTS(withdrawn); i++) {
		const struct errand errand = {
			.lifetime = (enum ifmap_lifetime)i,
			.last_rowid = last,
			.serials = withdrawn[i],
		};
		if (good && last > 0)
			add_errand(store, &errand);
		else
			g_array_unref(errand.serials);
	}
	return good;
}

gboolean map_store_last_serial(struct map_store *store, guint64 *ret_serial, GError **error)
{
	gint64 serial = 0;
	gboolean good = map_storeread_number(store->db,
		"SELECT max(coalesce((SELECT max(serial) FROM fact),0),"
		"coalesce((SELECT max(serial) FROM history),0),"
		"coalesce((SELECT max(below)-1 FROM withdrawal),0))",
		&serial, error);

	*ret_serial = (guint64)serial;
	return good;
}
