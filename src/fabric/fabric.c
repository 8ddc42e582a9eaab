#include "fabric/fabric.h"

#include "base/names.h"
#include "fabric/graph.h"

#include <string.h>

G_DEFINE_QUARK(fabric - error - quark, fabric_error)

/* One row a kind, in the order of enum fabric_kind. */
static const struct {
	const char *name;
	gboolean forwards;
} kinds[] = {
	[FABRIC_HOST] = { "host", FALSE },
	[FABRIC_SWITCH] = { "switch", TRUE },
	[FABRIC_ROUTER] = { "router", TRUE },
	[FABRIC_SEGMENT] = { "segment", FALSE },
	[FABRIC_UPLINK] = { "uplink", FALSE },
};

static const char *const things[] = {
	[FABRIC_THING_NODE] = "node",
	[FABRIC_THING_EDGE] = "edge",
	[FABRIC_THING_RISK] = "risk",
};

const char *fabric_kind_to_string(enum fabric_kind kind)
{
	return kinds[kind].name;
}

gboolean fabric_kind_from_string(const char *string, enum fabric_kind *ret_kind)
{
	unsigned i;

	if (!BASE_NAMES_FIND(kinds, string, &i))
		return FALSE;
	*ret_kind = (enum fabric_kind)i;
	return TRUE;
}

gboolean fabric_kind_forwards(enum fabric_kind kind)
{
	return kinds[kind].forwards;
}

const char *fabric_thing_to_string(enum fabric_thing thing)
{
	return things[thing];
}

static void clear_node(gpointer data)
{
	struct fabric_node *node = data;

	g_free(node->name);
}

static void clear_edge(gpointer data)
{
	struct fabric_edge *edge = data;

	g_free((char *)edge->id);
	g_free((char *)edge->a);
	g_free((char *)edge->b);
	g_strfreev(edge->risks);
}

static void clear_link(gpointer data)
{
	struct fabric_link *link = data;

	g_free(link->risks);
}

static GArray *table_new(guint size, GDestroyNotify clear)
{
	GArray *table = g_array_new(FALSE, TRUE, size);

	g_array_set_clear_func(table, clear);
	return table;
}

struct fabric *fabric_new(void)
{
	struct fabric *fabric = g_new0(struct fabric, 1);

	fabric->nodes = table_new(sizeof(struct fabric_node), clear_node);
	fabric->edges = table_new(sizeof(struct fabric_edge), clear_edge);
	fabric->links = table_new(sizeof(struct fabric_link), clear_link);
	fabric->arcs = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	fabric->risks = g_ptr_array_new_with_free_func(g_free);
	fabric->node_places = g_hash_table_new(g_str_hash, g_str_equal);
	fabric->edge_places = g_hash_table_new(g_str_hash, g_str_equal);
	fabric->risk_places = g_hash_table_new(g_str_hash, g_str_equal);
	return fabric;
}

void fabric_free(struct fabric *fabric)
{
	if (!fabric)
		return;
	g_hash_table_unref(fabric->node_places);
	g_hash_table_unref(fabric->edge_places);
	g_hash_table_unref(fabric->risk_places);
	g_ptr_array_unref(fabric->risks);
	g_ptr_array_unref(fabric->arcs);
	g_array_unref(fabric->links);
	g_array_unref(fabric->edges);
	g_array_unref(fabric->nodes);
	g_free(fabric);
}

/* FALSE: not in there. */
static gboolean find_place(GHashTable *places, const char *name, guint32 *ret_place)
{
	guint place = name ? GPOINTER_TO_UINT(g_hash_table_lookup(places, name)) : 0;

	if (place)
		*ret_place = place - 1;
	return place != 0;
}

gboolean fabric_node_number(const struct fabric *fabric, const char *name, guint32 *ret_number)
{
	return find_place(fabric->node_places, name, ret_number);
}

const struct fabric_arc *fabric_node_arcs(const struct fabric *fabric, guint32 node, guint32 *ret_n)
{
	const GArray *arcs = g_ptr_array_index(fabric->arcs, node);

	*ret_n = arcs->len;
	return (const void *)arcs->data;
}

const struct fabric_link *fabric_edge_link(const struct fabric *fabric, guint32 edge)
{
	return &g_array_index(fabric->links, struct fabric_link, edge);
}

const char *fabric_node_name(const struct fabric *fabric, guint32 node)
{
	return g_array_index(fabric->nodes, struct fabric_node, node).name;
}

const char *fabric_edge_id(const struct fabric *fabric, guint32 edge)
{
	return g_array_index(fabric->edges, struct fabric_edge, edge).id;
}

const char *fabric_risk_name(const struct fabric *fabric, guint32 risk)
{
	return g_ptr_array_index(fabric->risks, risk);
}

gboolean fabric_edge_is_up(const struct fabric *fabric, guint32 edge)
{
	return g_array_index(fabric->edges, struct fabric_edge, edge).up;
}

gboolean fabric_node_forwards(const struct fabric *fabric, guint32 node)
{
	return kinds[g_array_index(fabric->nodes, struct fabric_node, node).kind].forwards;
}

size_t fabric_n_nodes(const struct fabric *fabric)
{
	return fabric->nodes->len;
}

size_t fabric_n_edges(const struct fabric *fabric)
{
	return fabric->edges->len;
}

const struct fabric_node *fabric_get_node(const struct fabric *fabric, size_t i)
{
	return &g_array_index(fabric->nodes, struct fabric_node, i);
}

const struct fabric_edge *fabric_get_edge(const struct fabric *fabric, size_t i)
{
	return &g_array_index(fabric->edges, struct fabric_edge, i);
}

const struct fabric_node *fabric_find_node(const struct fabric *fabric, const char *name)
{
	guint32 i;

	return find_place(fabric->node_places, name, &i) ? fabric_get_node(fabric, i) : NULL;
}

const struct fabric_edge *fabric_find_edge(const struct fabric *fabric, const char *id)
{
	guint32 i;

	return find_place(fabric->edge_places, id, &i) ? fabric_get_edge(fabric, i) : NULL;
}

static gboolean check_name(const char *what, const char *name, GError **error)
{
	g_autofree char *shown = NULL;

	if (name && *name && strlen(name) <= FABRIC_MAX_NAME && g_utf8_validate(name, -1, NULL))
		return TRUE;
	shown = g_strescape(name ? name : "", NULL);
	g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_NAME,
		"\"%.80s\" cannot name a fabric %s: 1 to %d bytes of UTF-8", shown, what,
		FABRIC_MAX_NAME);
	return FALSE;
}

static gboolean check_new(GHashTable *places, const char *what, const char *name, GError **error)
{
	if (!check_name(what, name, error))
		return FALSE;
	if (!g_hash_table_contains(places, name))
		return TRUE;
	g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_EXISTS, "the fabric has two %ss called %s",
		what, name);
	return FALSE;
}

static gboolean check_room(guint n, guint max, const char *what, GError **error)
{
	if (n <= max)
		return TRUE;
	g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_LIMIT, "the fabric has more than %u %s", max,
		what);
	return FALSE;
}

static void put_place(GHashTable *places, const char *name, guint n)
{
	g_hash_table_insert(places, (char *)name, GUINT_TO_POINTER(n));
}

gboolean fabric_add_node(
	struct fabric *fabric, const char *name, enum fabric_kind kind, GError **error)
{
	struct fabric_node node = { .kind = kind };

	if (!check_new(fabric->node_places, "node", name, error) ||
		!check_room(fabric->nodes->len + 1, FABRIC_MAX_NODES, "nodes", error))
		return FALSE;
	node.name = g_strdup(name);
	g_array_append_val(fabric->nodes, node);
	g_ptr_array_add(fabric->arcs, g_array_new(FALSE, FALSE, sizeof(struct fabric_arc)));
	put_place(fabric->node_places, node.name, fabric->nodes->len);
	return TRUE;
}

static gboolean find_end(const struct fabric *fabric, const struct fabric_edge *edge,
	const char *name, guint32 *ret_node, GError **error)
{
	if (find_place(fabric->node_places, name, ret_node))
		return TRUE;
	g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_UNKNOWN,
		"edge %s ends at node %.256s, which the fabric does not have", edge->id,
		name ? name : "(none)");
	return FALSE;
}

static gboolean check_risks(
	const struct fabric *fabric, const struct fabric_edge *edge, GError **error)
{
	guint n_new = 0;
	guint n = 0;

	for (char **risk = edge->risks; risk && *risk; risk++) {
		if (!check_name("risk", *risk, error))
			return FALSE;
		n++;
		n_new += !g_hash_table_contains(fabric->risk_places, *risk);
	}
	return check_room(n, FABRIC_MAX_EDGE_RISKS, "risks on one edge", error) &&
	       check_room(fabric->risks->len + n_new, FABRIC_MAX_RISKS, "risks", error);
}

static guint32 intern_risk(struct fabric *fabric, const char *name)
{
	guint32 risk;

	if (find_place(fabric->risk_places, name, &risk))
		return risk;
	g_ptr_array_add(fabric->risks, g_strdup(name));
	put_place(fabric->risk_places, g_ptr_array_index(fabric->risks, fabric->risks->len - 1),
		fabric->risks->len);
	return fabric->risks->len - 1;
}

static void link_add_risk(struct fabric_link *link, guint32 risk)
{
	for (guint32 i = 0; i < link->n_risks; i++)
		if (link->risks[i] == risk)
			return;
	link->risks[link->n_risks++] = risk;
}

static void add_arc(struct fabric *fabric, guint32 from, guint32 to)
{
	struct fabric_arc arc = { fabric->edges->len - 1, to };

	g_array_append_val((GArray *)g_ptr_array_index(fabric->arcs, from), arc);
}

static void append_edge(struct fabric *fabric, const struct fabric_edge *edge, guint32 a, guint32 b)
{
	guint n_risks = edge->risks ? g_strv_length(edge->risks) : 0;
	struct fabric_link link = { .a = a, .b = b, .risks = g_new0(guint32, n_risks + 1) };
	struct fabric_edge copy = *edge;

	for (guint i = 0; i < n_risks; i++)
		link_add_risk(&link, intern_risk(fabric, edge->risks[i]));
	copy.id = g_strdup(edge->id);
	copy.a = g_strdup(edge->a);
	copy.b = g_strdup(edge->b);
	copy.risks = g_strdupv(edge->risks);
	g_array_append_val(fabric->edges, copy);
	g_array_append_val(fabric->links, link);
	put_place(fabric->edge_places, copy.id, fabric->edges->len);
	add_arc(fabric, a, b);
	add_arc(fabric, b, a);
}

gboolean fabric_add_edge(struct fabric *fabric, const struct fabric_edge *edge, GError **error)
{
	guint32 a, b;

	if (!check_new(fabric->edge_places, "edge", edge->id, error) ||
		!check_room(fabric->edges->len + 1, FABRIC_MAX_EDGES, "edges", error) ||
		!find_end(fabric, edge, edge->a, &a, error) ||
		!find_end(fabric, edge, edge->b, &b, error) || !check_risks(fabric, edge, error))
		return FALSE;
	if (a == b) {
		g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_LOOP,
			"edge %s joins node %s to itself", edge->id, edge->a);
		return FALSE;
	}
	append_edge(fabric, edge, a, b);
	return TRUE;
}
