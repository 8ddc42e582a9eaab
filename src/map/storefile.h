#pragma once
/* The store as a file: its tables and their versions, copies of it, who may use it.
 *
 *   PATH        the database (PATH-wal and PATH-shm belong to it while it is in use)
 *   PATH.lock   held by the one process that may write to it
 *
 * Version 1 had `fact`, `publisher` and `type`; version 2 adds `history` (history.h) and `state`,
 * version 3 `withdrawal` (store.h).
 * A file of an older version is brought up to date when it is opened, in one transaction; one of a
 * newer version is refused. Nothing here ever repairs or overwrites a file that cannot be read.
 *
 * Threads: one per database handle.
 */
#include <sqlite3.h>

#include "map/store.h"

/* In SQL: the withdrawal that ended a row of `history`, whose own end is not written yet; a rowid
 * of `withdrawal` or NULL. */
#define MAP_STOREFILE_WITHDRAWAL                                                       \
	"(SELECT min(w.rowid) FROM withdrawal w WHERE w.lifetime=history.lifetime AND" \
	" history.serial<w.below AND (w.publisher IS NULL OR w.publisher=history.publisher))"

/* Bytes of a page of the database. */
#define MAP_STOREFILE_PAGE 4096

/* Takes the lock of PATH; a descriptor to keep open, or -1 and an error that tells whether another
 * process has it or the place cannot be written to. */
int map_storefile_lock(const char *path, GError **error);

/* Opens (creating when missing) and brings it up to date; NULL and an error. The caller has the
 * lock. */
sqlite3 *map_storefile_open(const char *path, GError **error);
/* Opens for reading alone, beside a server that may be writing. */
sqlite3 *map_storefile_open_to_read(const char *path, GError **error);

/* Fills *error from the handle's last failure: what was tried, what SQLite says, what helps. FALSE.
 */
gboolean map_storefile_fail(sqlite3 *db, const char *what, GError **error);

/* Copies PATH to TO as it stands at one moment, while a server may be writing; TO appears whole or
 * not at all and must not exist. */
gboolean map_storefile_backup(const char *path, const char *to, GError **error);
/* Puts a copy made by backup in PATH's place, once every page of it was checked. What was there is
 * kept as PATH.before-restore. Refused while a server runs on PATH. */
gboolean map_storefile_restore(const char *from, const char *path, GError **error);
