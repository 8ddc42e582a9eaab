#pragma once
/* Reading a store back: what a server that starts is told (struct map_store_reader, store.h).
 *
 * Threads: one per database handle.
 */
#include <sqlite3.h>

#include "map/store.h"

/* Every row in the reader's order. Serials (guint64) of rows that were withdrawn but not cleared
 * away are not told; they are added to `withdrawn`, by enum ifmap_lifetime. FALSE: the reader's
 * error or the database's. */
gboolean map_storeread_all(sqlite3 *db, const struct map_store_reader *reader, gpointer data,
	GArray *const withdrawn[2], GError **error);

/* The one number that a query answers; NULL counts as 0. FALSE and an error when it cannot be
 * asked. */
gboolean map_storeread_number(sqlite3 *db, const char *sql, gint64 *ret_number, GError **error);
