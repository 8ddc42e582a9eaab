#pragma once
/* The enforcer's memory: machines and whether each is cut, in one file.
 *
 * The first line is everything, as one JSON object; each further line is one change, an array of
 * machines and of UUIDs that are gone. A change is there when its line is whole, and costs the same
 * however many machines there are; when the changes are longer than what they began with, the file
 * is written anew beside itself and renamed. A last line without its end is a change that nobody
 * was told of: it is left out. Anything else that is broken is an error.
 *
 * One owner, one thread.
 */
#include "host/enforce_entry.h"

struct enforce_store;

struct enforce_store *enforce_store_new(const char *path);
void enforce_store_free(struct enforce_store *store);

/* Reads into `table`. A missing file is an empty one; a broken one leaves `table` as it was. */
gboolean enforce_store_read(struct enforce_store *store, GHashTable *table, GError **error);

/* Writes the changes (struct enforce_change) down, durably; `table` is what follows from them. On
 * failure the file says what it said before. */
gboolean enforce_store_write(
	struct enforce_store *store, GPtrArray *changes, GHashTable *table, GError **error);
