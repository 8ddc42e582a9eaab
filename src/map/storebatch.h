#pragma once
/* What a batch (store.h) holds: the rows to write, for the store's writer to look at.
 *
 * Threads: a batch belongs to one at a time.
 */
#include "map/store.h"

/* What is done with a row; those before MAP_ROW_BEGIN_HISTORY must be on disk before the client
 * hears of it. */
enum map_row_kind {
	MAP_ROW_ADD_FACT,
	MAP_ROW_REMOVE_FACT,
	MAP_ROW_ADD_PUBLISHER,
	MAP_ROW_ADD_TYPE,
	MAP_ROW_ADD_WITHDRAWAL,
	MAP_ROW_BEGIN_HISTORY,
	MAP_ROW_END_HISTORY,
	N_MAP_ROWS,
};

/* One row to write: what is done and the parameters of its statement. */
struct map_row {
	enum map_row_kind kind;
	struct map_entry entry; /* of MAP_ROW_ADD_FACT and MAP_ROW_BEGIN_HISTORY */
	gint64 number;          /* ?1, else */
	char *text[2];          /* ?2 ?3, else; owned */
	const char *by;         /* ?2 of MAP_ROW_END_HISTORY; borrowed */
	gint64 timestamp_us;    /* ?5 */
	enum map_why why;
};

struct map_batch {
	GArray *rows; /* struct map_row */
	guint n_durable;
	gpointer token;
	gboolean told; /* done was called for a failure */
};
