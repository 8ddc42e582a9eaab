#include "map/storeread.h"

#include "map/storefile.h"

static const char *column(sqlite3_stmt *statement, int index)
{
	return (const char *)sqlite3_column_text(statement, index);
}

/* What the rows of a table are for. */
struct loading {
	const struct map_store_reader *reader;
	gpointer data;
	GArray *withdrawn[2]; /* guint64 serials, by enum ifmap_lifetime */
};
typedef gboolean (*row_fn)(sqlite3_stmt *statement, const struct loading *loading, GError **error);

static gboolean read_publisher(
	sqlite3_stmt *statement, const struct loading *loading, GError **error)
{
	return loading->reader->publisher(
		column(statement, 0), column(statement, 1), loading->data, error);
}

static gboolean read_type(sqlite3_stmt *statement, const struct loading *loading, GError **error)
{
	enum ifmap_cardinality cardinality = sqlite3_column_int(statement, 2) ? IFMAP_MULTI_VALUE
									      : IFMAP_SINGLE_VALUE;
	return loading->reader->type(
		column(statement, 0), column(statement, 1), cardinality, loading->data, error);
}

static gboolean note_withdrawn(
	sqlite3_stmt *statement, const struct loading *loading, enum ifmap_lifetime lifetime)
{
	guint64 serial = (guint64)sqlite3_column_int64(statement, 0);
	g_array_append_val(loading->withdrawn[lifetime], serial);
	return TRUE;
}

static gboolean read_open(sqlite3_stmt *statement, const struct loading *loading, GError **error)
{
	(void)error;
	return note_withdrawn(statement, loading, IFMAP_LIFETIME_SESSION);
}

static gboolean read_fact(sqlite3_stmt *statement, const struct loading *loading, GError **error)
{
	if (sqlite3_column_int(statement, 6))
		return note_withdrawn(statement, loading, IFMAP_LIFETIME_FOREVER);
	const struct map_record record = {
		.serial = (guint64)sqlite3_column_int64(statement, 0),
		.a = column(statement, 1),
		.b = column(statement, 2),
		.publisher = column(statement, 3),
		.timestamp_us = sqlite3_column_int64(statement, 4),
		.meta = column(statement, 5),
	};
	return loading->reader->fact(&record, loading->data, error);
}

static const struct {
	const char *sql;
	row_fn read;
} tables[] = {
	{ "SELECT client,id FROM publisher", read_publisher },
	{ "SELECT ns,name,cardinality FROM type ORDER BY rowid", read_type },
	{ "SELECT serial FROM history WHERE until_us IS NULL AND lifetime=0", read_open },
	{ "SELECT serial,a,b,publisher,timestamp_us,meta,EXISTS(SELECT 1 FROM withdrawal w WHERE"
	  " w.lifetime=1 AND w.publisher=fact.publisher AND fact.serial<w.below)"
	  " FROM fact ORDER BY serial",
		read_fact },
};

static gboolean read_table(sqlite3 *db, size_t i, const struct loading *loading, GError **error)
{
	sqlite3_stmt *statement = NULL;
	int step;

	if (sqlite3_prepare_v2(db, tables[i].sql, -1, &statement, NULL) != SQLITE_OK)
		return map_storefile_fail(db, tables[i].sql, error);
	while ((step = sqlite3_step(statement)) == SQLITE_ROW)
		if (!tables[i].read(statement, loading, error))
			break;
	if (step != SQLITE_DONE && step != SQLITE_ROW)
		map_storefile_fail(db, tables[i].sql, error);
	(void)sqlite3_finalize(statement);
	return step == SQLITE_DONE;
}

gboolean map_storeread_all(sqlite3 *db, const struct map_store_reader *reader, gpointer data,
	GArray *const withdrawn[2], GError **error)
{
	const struct loading loading = { reader, data, { withdrawn[0], withdrawn[1] } };

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		if (!read_table(db, i, &loading, error))
			return FALSE;
	return TRUE;
}

gboolean map_storeread_number(sqlite3 *db, const char *sql, gint64 *ret_number, GError **error)
{
	sqlite3_stmt *statement = NULL;
	gboolean good = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
			sqlite3_step(statement) == SQLITE_ROW;

	if (good)
		*ret_number = sqlite3_column_int64(statement, 0);
	else
		map_storefile_fail(db, sql, error);
	(void)sqlite3_finalize(statement);
	return good;
}
