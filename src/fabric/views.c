/* A fabric seen otherwise: with things lost, and as a picture. */
#include "fabric/fabric.h"

#include <string.h>

static gboolean is_lost(GHashTable *const *lost, enum fabric_thing thing, const char *name)
{
	return g_hash_table_contains(lost[thing], name);
}

static gboolean edge_is_lost(GHashTable *const *lost, const struct fabric_edge *edge)
{
	if (is_lost(lost, FABRIC_THING_EDGE, edge->id) ||
		is_lost(lost, FABRIC_THING_NODE, edge->a) ||
		is_lost(lost, FABRIC_THING_NODE, edge->b))
		return TRUE;
	for (char **risk = edge->risks; risk && *risk; risk++)
		if (is_lost(lost, FABRIC_THING_RISK, *risk))
			return TRUE;
	return FALSE;
}

/* What stood in a fabric may stand in another one, so the additions cannot fail. */
static struct fabric *copy_without(const struct fabric *fabric, GHashTable *const *lost)
{
	struct fabric *copy = fabric_new();
	gboolean good = TRUE;

	for (size_t i = 0; i < fabric_n_nodes(fabric); i++) {
		const struct fabric_node *node = fabric_get_node(fabric, i);

		good = good && (is_lost(lost, FABRIC_THING_NODE, node->name) ||
				       fabric_add_node(copy, node->name, node->kind, NULL));
	}
	for (size_t i = 0; i < fabric_n_edges(fabric); i++) {
		const struct fabric_edge *edge = fabric_get_edge(fabric, i);

		good = good && (edge_is_lost(lost, edge) || fabric_add_edge(copy, edge, NULL));
	}
	g_assert(good);
	return copy;
}

struct fabric *fabric_without(
	const struct fabric *fabric, const struct fabric_loss *losses, size_t n_losses)
{
	GHashTable *lost[FABRIC_THING_RISK + 1];
	struct fabric *copy = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(lost); i++)
		lost[i] = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; i < n_losses; i++)
		g_hash_table_add(lost[losses[i].thing], losses[i].name);
	copy = copy_without(fabric, lost);
	for (size_t i = 0; i < G_N_ELEMENTS(lost); i++)
		g_hash_table_unref(lost[i]);
	return copy;
}

/* One row a kind, in the order of enum fabric_kind. */
static const char *const shapes[] = {
	[FABRIC_HOST] = "box",
	[FABRIC_SWITCH] = "ellipse",
	[FABRIC_ROUTER] = "octagon",
	[FABRIC_SEGMENT] = "component",
	[FABRIC_UPLINK] = "house",
};

/* A double-quoted string of the DOT language: only the quote and the backslash mean something. */
static void append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

static void append_edge_label(GString *out, const struct fabric_edge *edge)
{
	g_autoptr(GString) label = g_string_new(edge->id);

	if (edge->speed_mbps)
		g_string_append_printf(label, " %" G_GUINT64_FORMAT " Mb/s", edge->speed_mbps);
	if (edge->mtu)
		g_string_append_printf(label, " mtu %u", edge->mtu);
	for (char **risk = edge->risks; risk && *risk; risk++)
		g_string_append_printf(label, " !%s", *risk);
	append_quoted(out, label->str);
}

static void append_edge(GString *out, const struct fabric_edge *edge)
{
	g_string_append_c(out, '\t');
	append_quoted(out, edge->a);
	g_string_append(out, " -- ");
	append_quoted(out, edge->b);
	g_string_append(out, " [label=");
	append_edge_label(out, edge);
	g_string_append(out, edge->up ? "];\n" : ", style=dashed];\n");
}

char *fabric_to_dot(const struct fabric *fabric)
{
	GString *out = g_string_new("graph fabric {\n");

	for (size_t i = 0; i < fabric_n_nodes(fabric); i++) {
		const struct fabric_node *node = fabric_get_node(fabric, i);

		g_string_append_c(out, '\t');
		append_quoted(out, node->name);
		g_string_append_printf(out, " [shape=%s];\n", shapes[node->kind]);
	}
	for (size_t i = 0; i < fabric_n_edges(fabric); i++)
		append_edge(out, fabric_get_edge(fabric, i));
	g_string_append(out, "}\n");
	return g_string_free(out, FALSE);
}
