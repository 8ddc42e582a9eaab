#include "map/history.h"

#include <string.h>

#include "map/storefile.h"

/* How long the writer may take to write down the present. */
#define FLUSH_MS 2000

/* The row itself may not know yet that it was withdrawn (store.h). */
#define ROWS                                                                                       \
	"SELECT serial,a,b,history.publisher,history.lifetime,meta,coalesce(until_us,gone.at_us)," \
	"coalesce(history.ended_by,gone.ended_by),coalesce(history.why,gone.why)"                  \
	" FROM history LEFT JOIN withdrawal AS gone ON until_us IS NULL AND"                       \
	" gone.rowid=" MAP_STOREFILE_WITHDRAWAL
#define STANDS " AND from_us<=?2 AND coalesce(until_us,gone.at_us,?2+1)>?2"
#define SINCE  " AND coalesce(until_us,gone.at_us,?2)>=?2"

enum statement {
	HERE_AT,    /* metadata of the identifier at a moment */
	LINKS_A_AT, /* of its links, whichever end it is */
	LINKS_B_AT,
	HERE_SINCE,
	LINKS_A_SINCE,
	LINKS_B_SINCE,
	N_STATEMENTS,
};

static const char *const sql[N_STATEMENTS] = {
	[HERE_AT] = ROWS " WHERE a_key=?1 AND b_key IS NULL" STANDS " ORDER BY serial",
	[LINKS_A_AT] = ROWS " WHERE a_key=?1 AND b_key IS NOT NULL" STANDS " ORDER BY serial",
	[LINKS_B_AT] = ROWS " WHERE b_key=?1" STANDS " ORDER BY serial",
	[HERE_SINCE] = ROWS " WHERE a_key=?1 AND b_key IS NULL" SINCE " ORDER BY serial",
	[LINKS_A_SINCE] = ROWS " WHERE a_key=?1 AND b_key IS NOT NULL" SINCE " ORDER BY serial",
	[LINKS_B_SINCE] = ROWS " WHERE b_key=?1" SINCE " ORDER BY serial",
};

/* Of a log every row is shown, also of singleValue types. */
static const struct map_type any_type = {
	.ns = (char *)"", .name = (char *)"", .cardinality = IFMAP_MULTI_VALUE
};

struct gathering {
	struct map_past *past;
	const struct ifmap_query *query;
	unsigned max_depth;
	gint64 moment_us;
	gboolean log;
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	GHashTable *serials; /* gint64 *; rows there already */
	GHashTable *met;     /* struct map_node *, kept alive by `nodes` */
	GPtrArray *nodes;    /* nearest first; also the queue of those to look at; referenced */
	GArray *depths;      /* unsigned, of each */
};

/* ---- life */

static struct map_past *past_new(const struct map_limits *limits)
{
	static const guint64 seed[2] = { 0x68697374, 0x6f727900 }; /* what is hashed was accepted */
	struct map_past *past = g_new0(struct map_past, 1);

	past->graph = map_graph_new(seed);
	past->registry = map_registry_new(limits->max_types);
	past->change = map_change_begin(past->graph);
	past->max_size = limits->max_search_size;
	return past;
}

void map_past_free(struct map_past *past)
{
	if (!past)
		return;
	map_change_commit(past->change);
	map_element_unref(&past->start->element);
	map_graph_free(past->graph);
	map_registry_free(past->registry);
	g_free(past);
}

static void element_unref(gpointer node)
{
	map_element_unref(&((struct map_node *)node)->element);
}

static void gathering_clear(struct gathering *gathering)
{
	for (int i = 0; i < N_STATEMENTS; i++)
		(void)sqlite3_finalize(gathering->statements[i]);
	(void)sqlite3_close(gathering->db);
	g_hash_table_unref(gathering->serials);
	g_hash_table_unref(gathering->met);
	g_ptr_array_unref(gathering->nodes);
	g_array_unref(gathering->depths);
}

static gboolean open_statements(
	struct gathering *gathering, const struct map_store *store, GError **error)
{
	gathering->db = map_storefile_open_to_read(map_store_path(store), error);
	for (int i = 0; i < N_STATEMENTS && gathering->db; i++)
		if (sqlite3_prepare_v2(gathering->db, sql[i], -1, &gathering->statements[i],
			    NULL) != SQLITE_OK)
			return map_storefile_fail(gathering->db, sql[i], error);
	return gathering->db != NULL;
}

/* ---- rows */

static const char *column(sqlite3_stmt *row, int index)
{
	return (const char *)sqlite3_column_text(row, index);
}

/* The metadata with what became of it. */
static char *tell_end(sqlite3_stmt *row)
{
	const char *xml = column(row, 5);
	size_t name_size = strcspn(xml, " \t\r\n/>");
	const char *by = column(row, 7);
	const char *why = map_why_to_string(sqlite3_column_int(row, 8));

	if (sqlite3_column_type(row, 6) == SQLITE_NULL)
		return g_strdup(xml);
	GString *out = g_string_new_len(xml, (gssize)name_size);
	g_string_append_printf(out, " drover-until=\"%" G_GINT64_FORMAT "\"",
		(gint64)sqlite3_column_int64(row, 6));
	if (by)
		g_string_append_printf(out, " drover-ended-by=\"%s\"", by);
	if (why)
		g_string_append_printf(out, " drover-why=\"%s\"", why);
	g_string_append(out, xml + name_size);
	return g_string_free(out, FALSE);
}

/* Puts the row's fact on its element; borrowed, or NULL and an error. */
static const struct map_fact *put_row(
	struct gathering *gathering, sqlite3_stmt *row, struct map_element *element, GError **error)
{
	struct map_past *past = gathering->past;
	g_autofree char *told = gathering->log ? tell_end(row) : NULL;
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(told ? told : column(row, 5), -1, error);
	const struct map_type *type = NULL;

	if (meta)
		type = gathering->log ? &any_type : map_registry_check(past->registry, meta, error);
	if (!type)
		return NULL;
	const struct map_fact_spec spec = {
		.meta = meta,
		.type = type,
		.publisher = map_graph_publisher(past->graph, column(row, 3)),
		.lifetime = sqlite3_column_int(row, 4) ? IFMAP_LIFETIME_FOREVER
						       : IFMAP_LIFETIME_SESSION,
	};
	const struct map_fact *fact = map_change_add(past->change, element, &spec);
	past->size += strlen(column(row, 5)) + strlen(column(row, 1));
	if (past->size <= past->max_size)
		return fact;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG,
		"looking back needs more than %zu bytes here", past->max_size);
	return NULL;
}

/* The node of an identifier of the row, a reference; NULL and an error. */
static struct map_node *row_node(
	struct gathering *gathering, sqlite3_stmt *row, int index, GError **error)
{
	g_autoptr(ifmap_id) id = map_entry_id_of_xml(column(row, index), error);
	return id ? map_graph_node(gathering->past->graph, id) : NULL;
}

/* Takes the reference. */
static void meet(struct gathering *gathering, struct map_node *node, unsigned depth)
{
	if (!g_hash_table_add(gathering->met, node)) {
		map_element_unref(&node->element);
		return;
	}
	g_ptr_array_add(gathering->nodes, node);
	g_array_append_val(gathering->depths, depth);
}

static gboolean add_link(struct gathering *gathering, sqlite3_stmt *row, struct map_node *from,
	unsigned depth, GError **error)
{
	struct map_node *a = row_node(gathering, row, 1, error);
	struct map_node *b = a ? row_node(gathering, row, 2, error) : NULL;
	gboolean good = b != NULL;

	if (good && (a == from || b == from) && a != b) {
		struct map_link *link = map_graph_link(gathering->past->graph, a, b);
		const struct map_fact *fact = put_row(gathering, row, &link->element, error);
		good = fact != NULL;
		if (good && ifmap_filter_matches(gathering->query->match_links, fact->meta)) {
			struct map_node *other = map_link_other(link, from);
			map_element_ref(&other->element);
			meet(gathering, other, depth + 1);
		}
		map_element_unref(&link->element);
	}
	if (a)
		map_element_unref(&a->element);
	if (b)
		map_element_unref(&b->element);
	return good;
}

static gboolean add_own(struct gathering *gathering, sqlite3_stmt *row, struct map_node *from,
	unsigned depth, GError **error)
{
	(void)depth;
	struct map_node *a = row_node(gathering, row, 1, error);
	gboolean good = a && (a != from || put_row(gathering, row, &a->element, error));
	if (a)
		map_element_unref(&a->element);
	return good;
}

typedef gboolean (*add_fn)(struct gathering *gathering, sqlite3_stmt *row, struct map_node *from,
	unsigned depth, GError **error);

static gboolean gather_rows(
	struct gathering *gathering, enum statement which, guint index, add_fn add, GError **error)
{
	struct map_node *from = g_ptr_array_index(gathering->nodes, index);
	unsigned depth = g_array_index(gathering->depths, unsigned, index);
	sqlite3_stmt *row = gathering->statements[which];
	gboolean good = TRUE;
	int step;

	(void)sqlite3_bind_int64(row, 1, map_entry_key(from->id));
	(void)sqlite3_bind_int64(row, 2, gathering->moment_us);
	while (good && (step = sqlite3_step(row)) != SQLITE_DONE) {
		gint64 serial = sqlite3_column_int64(row, 0);
		if (step != SQLITE_ROW)
			good = map_storefile_fail(gathering->db, sql[which], error);
		else if (g_hash_table_add(gathering->serials, g_memdup2(&serial, sizeof(serial))))
			good = add(gathering, row, from, depth, error);
	}
	(void)sqlite3_reset(row);
	return good;
}

/* ---- whole pasts */

static gboolean expands(const struct gathering *gathering, guint index)
{
	const struct map_node *node = g_ptr_array_index(gathering->nodes, index);
	return g_array_index(gathering->depths, unsigned, index) < gathering->max_depth &&
	       !ifmap_terminal_stops(gathering->query->terminal, node->id);
}

static gboolean gather(struct gathering *gathering, GError **error)
{
	enum statement first = gathering->log ? HERE_SINCE : HERE_AT;

	/* The list grows while it is walked. */
	for (guint i = 0; i < gathering->nodes->len; i++) {
		if (gathering->log && i > 0)
			break;
		if (!gather_rows(gathering, first, i, add_own, error))
			return FALSE;
		if (expands(gathering, i) &&
			(!gather_rows(gathering, first + 1, i, add_link, error) ||
				!gather_rows(gathering, first + 2, i, add_link, error)))
			return FALSE;
	}
	return TRUE;
}

static struct map_past *look_back(struct map_store *store, struct gathering *gathering,
	const struct map_limits *limits, GError **error)
{
	g_autoptr(map_past) past = past_new(limits);

	gathering->past = past;
	gathering->max_depth = MIN(gathering->query->max_depth, limits->max_search_depth);
	gathering->serials = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	gathering->met = g_hash_table_new(NULL, NULL);
	gathering->nodes = g_ptr_array_new_with_free_func(element_unref);
	gathering->depths = g_array_new(FALSE, FALSE, sizeof(unsigned));
	past->start = map_graph_node(past->graph, gathering->query->start);
	map_element_ref(&past->start->element);
	meet(gathering, past->start, 0);
	gboolean good = FALSE;
	if (!map_store_flush(store, FLUSH_MS))
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_SYSTEM_ERROR,
			"history is behind: the disk is slow or full");
	else
		good = open_statements(gathering, store, error) && gather(gathering, error);
	gathering_clear(gathering);
	return good ? g_steal_pointer(&past) : NULL;
}

struct map_past *map_past_at(struct map_store *store, const struct ifmap_query *query,
	const struct map_limits *limits, GError **error)
{
	struct gathering gathering = { .query = query, .moment_us = query->at_us };
	return look_back(store, &gathering, limits, error);
}

struct map_past *map_past_log(struct map_store *store, const struct ifmap_query *query,
	const struct map_limits *limits, GError **error)
{
	struct gathering gathering = { .query = query, .moment_us = query->since_us, .log = TRUE };
	return look_back(store, &gathering, limits, error);
}
