#include "map/storefile.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map/entry.h"

G_DEFINE_QUARK(map - store - error, map_store_error)

/* Each brings a file of the version that is its index to the next one. */
static const char *const migrations[] = {
	/* 0: a new file */
	"CREATE TABLE fact(serial INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT,"
	" publisher TEXT NOT NULL, timestamp_us INTEGER NOT NULL, meta TEXT NOT NULL);"
	"CREATE TABLE publisher(client TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE);"
	"CREATE TABLE type(ns TEXT NOT NULL, name TEXT NOT NULL,"
	" cardinality INTEGER NOT NULL, PRIMARY KEY(ns,name));",
	/* 1: there was no history; the store fills it with what stands */
	"CREATE TABLE history(serial INTEGER PRIMARY KEY, a_key INTEGER NOT NULL, b_key INTEGER,"
	" a TEXT NOT NULL, b TEXT, publisher TEXT NOT NULL, lifetime INTEGER NOT NULL,"
	" meta TEXT NOT NULL, from_us INTEGER NOT NULL, until_us INTEGER, ended_by TEXT,"
	" why INTEGER);"
	"CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
	"CREATE INDEX history_a ON history(a_key,from_us);"
	"CREATE INDEX history_b ON history(b_key,from_us) WHERE b_key IS NOT NULL;"
	"CREATE INDEX history_open ON history(serial) WHERE until_us IS NULL AND lifetime=0;"
	"CREATE INDEX history_until ON history(until_us) WHERE until_us IS NOT NULL;",
	/* 2: what goes at one stroke was ended row by row in one transaction */
	("CREATE TABLE withdrawal(publisher TEXT, lifetime INTEGER NOT NULL, below INTEGER NOT NULL,"
	 " at_us INTEGER NOT NULL, ended_by TEXT, why INTEGER NOT NULL);"),
};
#define VERSION ((int)G_N_ELEMENTS(migrations))

gboolean map_storefile_fail(sqlite3 *db, const char *what, GError **error)
{
	int code = sqlite3_extended_errcode(db);
	int kind = code & 0xff;
	const char *help = "";

	if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
		help = "; it was left as it is: restore a backup (drover map restore FILE)";
	else if (kind == SQLITE_FULL)
		help = "; make room on the disk";
	g_set_error(
		error, MAP_STORE_ERROR, code, "store: %s: %s%s", what, sqlite3_errmsg(db), help);
	return FALSE;
}

static gboolean execute(sqlite3 *db, const char *path, const char *sql, GError **error)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       map_storefile_fail(db, path, error);
}

/* ---- the lock */

static gboolean fail_os(const char *path, const char *what, GError **error)
{
	g_set_error(error, MAP_STORE_ERROR, 0, "store: %s: %s: %s", path, what, g_strerror(errno));
	return FALSE;
}

int map_storefile_lock(const char *path, GError **error)
{
	g_autofree char *name = g_strconcat(path, ".lock", NULL);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		fail_os(name, "cannot write there", error);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	fail_os(name, errno == EWOULDBLOCK ? "another process uses this store" : "cannot lock",
		error);
	(void)close(fd);
	return -1;
}

/* ---- versions */

/* map_key(XML): what history is looked up by. */
static void sql_map_key(sqlite3_context *context, int n, sqlite3_value **values)
{
	(void)n;
	const char *xml = (const char *)sqlite3_value_text(values[0]);
	gint64 key = 0;
	g_autoptr(GError) error = NULL;

	if (!xml)
		sqlite3_result_null(context);
	else if (map_entry_key_of_xml(xml, &key, &error))
		sqlite3_result_int64(context, key);
	else
		sqlite3_result_error(context, error->message, -1);
}

static gboolean read_version(sqlite3 *db, const char *path, int *ret_version, GError **error)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW) {
		map_storefile_fail(db, path, error);
		(void)sqlite3_finalize(statement);
		return FALSE;
	}
	*ret_version = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement);
	if (*ret_version <= VERSION)
		return TRUE;
	g_set_error(error, MAP_STORE_ERROR, 0,
		"store: %s has version %d, this drover-mapd knows up to %d: a newer one made it",
		path, *ret_version, VERSION);
	return FALSE;
}

static gboolean migrate(sqlite3 *db, const char *path, GError **error)
{
	int version = 0;

	if (!read_version(db, path, &version, error))
		return FALSE;
	if (version == VERSION)
		return TRUE;
	if (!execute(db, path, "BEGIN IMMEDIATE", error))
		return FALSE;
	for (; version < VERSION; version++) {
		g_autofree char *mark = g_strdup_printf("PRAGMA user_version=%d", version + 1);
		if (execute(db, path, migrations[version], error) && execute(db, path, mark, error))
			continue;
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		return FALSE;
	}
	return execute(db, path, "COMMIT", error);
}

/* ---- opening */

static sqlite3 *open_file(const char *path, int flags, GError **error)
{
	sqlite3 *db = NULL;
	if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
		sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
		sqlite3_create_function(db, "map_key", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
			sql_map_key, NULL, NULL) == SQLITE_OK)
		return db;
	map_storefile_fail(db, path, error);
	(void)sqlite3_close(db);
	return NULL;
}

sqlite3 *map_storefile_open(const char *path, GError **error)
{
	int version = 0;
	sqlite3 *db = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
	if (!db)
		return NULL;
	/* Looked at before anything is written. */
	if (read_version(db, path, &version, error) &&
		execute(db, path,
			"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4000;",
			error) &&
		migrate(db, path, error))
		return db;
	(void)sqlite3_close(db);
	return NULL;
}

sqlite3 *map_storefile_open_to_read(const char *path, GError **error)
{
	int version = 0;
	sqlite3 *db = open_file(path, SQLITE_OPEN_READONLY, error);
	if (db && read_version(db, path, &version, error))
		return db;
	(void)sqlite3_close(db);
	return NULL;
}

/* ---- copies */

static gboolean sync_file(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	gboolean good = fd >= 0 && fsync(fd) == 0;
	if (!good)
		fail_os(path, "cannot write", error);
	if (fd >= 0)
		(void)close(fd);
	return good;
}

/* The whole of `from` into the new file `to`, on disk when it returns. */
static gboolean copy_database(sqlite3 *from, const char *to, GError **error)
{
	sqlite3 *copy = open_file(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
	if (!copy)
		return FALSE;
	sqlite3_backup *backup = sqlite3_backup_init(copy, "main", from, "main");
	/* In one go: readers do not hold up the writer in WAL mode. */
	gboolean good = backup && sqlite3_backup_step(backup, -1) == SQLITE_DONE;
	good = sqlite3_backup_finish(backup) == SQLITE_OK && good;
	if (!good)
		map_storefile_fail(copy, to, error);
	good = good && execute(copy, to, "PRAGMA journal_mode=DELETE", error);
	(void)sqlite3_close(copy);
	return good && sync_file(to, error);
}

static gboolean check_database(sqlite3 *db, const char *path, GError **error)
{
	sqlite3_stmt *statement = NULL;
	gboolean good = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL) ==
				SQLITE_OK &&
			sqlite3_step(statement) == SQLITE_ROW;
	const char *words = good ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (!good)
		map_storefile_fail(db, path, error);
	else if (g_strcmp0(words, "ok") != 0) {
		g_set_error(error, MAP_STORE_ERROR, SQLITE_CORRUPT, "store: %s is damaged: %s",
			path, words);
		good = FALSE;
	}
	(void)sqlite3_finalize(statement);
	return good;
}

/* Reads `from`, checks it, and leaves a copy as `to`, which appears by a rename. */
static gboolean copy_file(const char *from, const char *to, GError **error)
{
	g_autofree char *part = g_strconcat(to, ".part", NULL);
	sqlite3 *db = map_storefile_open_to_read(from, error);
	if (!db)
		return FALSE;
	(void)g_unlink(part);
	gboolean good = check_database(db, from, error) && copy_database(db, part, error);
	(void)sqlite3_close(db);
	if (good && rename(part, to) != 0)
		good = fail_os(to, "cannot write", error);
	if (!good)
		(void)g_unlink(part);
	return good;
}

gboolean map_storefile_backup(const char *path, const char *to, GError **error)
{
	if (g_file_test(to, G_FILE_TEST_EXISTS)) {
		errno = EEXIST;
		return fail_os(to, "will not overwrite", error);
	}
	return copy_file(path, to, error);
}

/* Moves PATH out of the way; what belongs to it goes into it first. */
static gboolean set_aside(const char *path, GError **error)
{
	g_autofree char *old = g_strconcat(path, ".before-restore", NULL);
	static const char *const tails[] = { "-wal", "-shm" };

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
		g_autofree char *from = g_strconcat(path, tails[i], NULL);
		g_autofree char *to = g_strconcat(old, tails[i], NULL);
		(void)g_unlink(to);
		if (rename(from, to) != 0 && errno != ENOENT)
			return fail_os(to, "cannot set aside", error);
	}
	return rename(path, old) == 0 || fail_os(old, "cannot set aside", error);
}

/* Root puts a store where another account must write it: that of the folder. */
static gboolean give_to_owner(const char *path, GError **error)
{
	g_autofree char *folder = g_path_get_dirname(path);
	struct stat owner;

	if (geteuid() != 0)
		return TRUE;
	return (stat(folder, &owner) == 0 && chown(path, owner.st_uid, owner.st_gid) == 0) ||
	       fail_os(path, "cannot give it to the folder's owner", error);
}

gboolean map_storefile_restore(const char *from, const char *path, GError **error)
{
	g_autofree char *fresh = g_strconcat(path, ".restored", NULL);
	int lock = map_storefile_lock(path, error);

	if (lock < 0)
		return FALSE;
	gboolean good = copy_file(from, fresh, error) && give_to_owner(fresh, error) &&
			set_aside(path, error);
	if (good && rename(fresh, path) != 0)
		good = fail_os(path, "cannot write", error);
	(void)close(lock);
	return good;
}
