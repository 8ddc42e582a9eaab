#include "fabric/graph.h"
#include "fabric/paths.h"

#include <stdlib.h>
#include <string.h>

/* In two parts, because hosts and segments do not forward. The nodes that do form parts ("islands")
 * among themselves; within them Tarjan's low-link finds what cuts. What does not forward hangs on
 * one or more islands, and its own edges and the only switch of an island are looked at by
 * themselves.
 */
#define NONE G_MAXUINT32

struct cutter {
	const struct fabric *fabric;
	guint32 n_nodes;
	guint32 clock;
	guint32 *order;  /* of forwarding nodes: when first met, from 1; 0: not yet */
	guint32 *low;    /* the earliest node met from below */
	guint32 *island; /* of forwarding nodes: a number */
	guint32 *mark;   /* of all nodes: the last question that touched it */
	guint32 question;
	guint32 n_islands;
	guint32 *sizes;     /* of islands: how many forwarding nodes */
	guint32 *only_node; /* of islands: one of their nodes */
	guint8 *node_cuts;
	guint8 *edge_cuts;
};

/* Where the depth-first walk stands. */
struct step {
	guint32 node;
	guint32 next; /* arc to look at */
	guint32 edge; /* by which we came; NONE at the root */
	guint32 n_children;
};

void fabric_cuts_clear(struct fabric_cuts *cuts)
{
	g_strfreev(cuts->nodes);
	g_strfreev(cuts->edges);
	memset(cuts, 0, sizeof *cuts);
}

static gboolean is_inner(const struct cutter *cutter, const struct fabric_arc *arc)
{
	return fabric_edge_is_up(cutter->fabric, arc->edge) &&
	       fabric_node_forwards(cutter->fabric, arc->to);
}

static void meet(struct cutter *cutter, GArray *walk, guint32 node, guint32 edge)
{
	struct step step = { node, 0, edge, 0 };

	cutter->order[node] = cutter->low[node] = ++cutter->clock;
	cutter->island[node] = cutter->n_islands;
	cutter->sizes[cutter->n_islands]++;
	g_array_append_val(walk, step);
}

/* Back from `child` to the node above it. */
static void leave(struct cutter *cutter, struct step *above, const struct step *child)
{
	guint32 low = cutter->low[child->node];

	cutter->low[above->node] = MIN(cutter->low[above->node], low);
	above->n_children++;
	if (low > cutter->order[above->node])
		cutter->edge_cuts[child->edge] = 1;
	if (above->edge != NONE && low >= cutter->order[above->node])
		cutter->node_cuts[above->node] = 1;
	if (above->edge == NONE && above->n_children > 1)
		cutter->node_cuts[above->node] = 1;
}

static struct step *top(GArray *walk)
{
	return &g_array_index(walk, struct step, walk->len - 1);
}

static void look(struct cutter *cutter, GArray *walk, struct step *at, const struct fabric_arc *arc)
{
	if (!is_inner(cutter, arc) || arc->edge == at->edge)
		return;
	if (cutter->order[arc->to])
		cutter->low[at->node] = MIN(cutter->low[at->node], cutter->order[arc->to]);
	else
		meet(cutter, walk, arc->to, arc->edge);
}

/* Tarjan's walk of one island, on a stack of our own. */
static void walk_island(struct cutter *cutter, GArray *walk, guint32 root)
{
	cutter->only_node[cutter->n_islands] = root;
	meet(cutter, walk, root, NONE);
	while (walk->len) {
		struct step *at = top(walk);
		guint32 n;
		const struct fabric_arc *arcs = fabric_node_arcs(cutter->fabric, at->node, &n);

		if (at->next < n) {
			at->next++;
			look(cutter, walk, at, &arcs[at->next - 1]);
			continue;
		}
		struct step child = *at;

		g_array_set_size(walk, walk->len - 1);
		if (walk->len)
			leave(cutter, top(walk), &child);
	}
	cutter->n_islands++;
}

static void walk_all(struct cutter *cutter)
{
	g_autoptr(GArray) walk = g_array_new(FALSE, FALSE, sizeof(struct step));

	for (guint32 node = 0; node < cutter->n_nodes; node++)
		if (fabric_node_forwards(cutter->fabric, node) && !cutter->order[node])
			walk_island(cutter, walk, node);
}

/* Whether `leaf` is joined to `island`, edge `but` left out. */
static gboolean hangs_on(const struct cutter *cutter, guint32 leaf, guint32 island, guint32 but)
{
	guint32 n;
	const struct fabric_arc *arcs = fabric_node_arcs(cutter->fabric, leaf, &n);

	for (guint32 i = 0; i < n; i++)
		if (arcs[i].edge != but && is_inner(cutter, &arcs[i]) &&
			cutter->island[arcs[i].to] == island)
			return TRUE;
	return FALSE;
}

/* Whether two leaves reach each other when edge `edge` and island `island` (or NONE) are gone. */
static gboolean leaves_meet(
	const struct cutter *cutter, guint32 a, guint32 b, guint32 edge, guint32 island)
{
	guint32 n;
	const struct fabric_arc *arcs = fabric_node_arcs(cutter->fabric, a, &n);

	for (guint32 i = 0; i < n; i++) {
		if (arcs[i].edge == edge || !fabric_edge_is_up(cutter->fabric, arcs[i].edge))
			continue;
		if (arcs[i].to == b)
			return TRUE;
		if (is_inner(cutter, &arcs[i]) && cutter->island[arcs[i].to] != island &&
			hangs_on(cutter, b, cutter->island[arcs[i].to], edge))
			return TRUE;
	}
	return FALSE;
}

/* Whether `leaf` is joined to the island of `node` by edges to `node` alone. */
static gboolean hangs_only_on(const struct cutter *cutter, guint32 leaf, guint32 node)
{
	guint32 n;
	const struct fabric_arc *arcs = fabric_node_arcs(cutter->fabric, leaf, &n);

	for (guint32 i = 0; i < n; i++)
		if (is_inner(cutter, &arcs[i]) && arcs[i].to != node &&
			cutter->island[arcs[i].to] == cutter->island[node])
			return FALSE;
	return TRUE;
}

/* An edge between a leaf and an island, or between two leaves. */
static void judge_leaf_arc(struct cutter *cutter, guint32 leaf, const struct fabric_arc *arc)
{
	if (!fabric_edge_is_up(cutter->fabric, arc->edge))
		return;
	if (!fabric_node_forwards(cutter->fabric, arc->to)) {
		cutter->edge_cuts[arc->edge] = !leaves_meet(cutter, leaf, arc->to, arc->edge, NONE);
		return;
	}
	cutter->edge_cuts[arc->edge] = !hangs_on(cutter, leaf, cutter->island[arc->to], arc->edge);
	if (cutter->sizes[cutter->island[arc->to]] > 1 && hangs_only_on(cutter, leaf, arc->to))
		cutter->node_cuts[arc->to] = 1;
}

/* The leaves of an island that is one node, each once. */
static GArray *list_leaves(struct cutter *cutter, guint32 node)
{
	GArray *leaves = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint32 n;
	const struct fabric_arc *arcs = fabric_node_arcs(cutter->fabric, node, &n);

	cutter->question++;
	for (guint32 i = 0; i < n; i++) {
		if (!fabric_edge_is_up(cutter->fabric, arcs[i].edge) ||
			cutter->mark[arcs[i].to] == cutter->question)
			continue;
		cutter->mark[arcs[i].to] = cutter->question;
		g_array_append_val(leaves, arcs[i].to);
	}
	return leaves;
}

/* A node that is alone on its island cuts if two of its leaves meet nowhere else. */
static gboolean lone_node_cuts(struct cutter *cutter, guint32 node)
{
	g_autoptr(GArray) leaves = list_leaves(cutter, node);

	for (guint i = 0; i < leaves->len; i++)
		for (guint k = i + 1; k < leaves->len; k++)
			if (!leaves_meet(cutter, g_array_index(leaves, guint32, i),
				    g_array_index(leaves, guint32, k), NONE, cutter->island[node]))
				return TRUE;
	return FALSE;
}

static void judge_leaves(struct cutter *cutter)
{
	for (guint32 node = 0; node < cutter->n_nodes; node++) {
		guint32 n;
		const struct fabric_arc *arcs = fabric_node_arcs(cutter->fabric, node, &n);

		for (guint32 i = 0; i < n && !fabric_node_forwards(cutter->fabric, node); i++)
			judge_leaf_arc(cutter, node, &arcs[i]);
	}
	for (guint32 island = 0; island < cutter->n_islands; island++) {
		guint32 node = cutter->only_node[island];

		if (cutter->sizes[island] == 1)
			cutter->node_cuts[node] = (guint8)lone_node_cuts(cutter, node);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **tell(const struct fabric *fabric, const guint8 *cuts, guint32 n,
	const char *(*name)(const struct fabric *fabric, guint32 number))
{
	char **names = g_new0(char *, n + 1);
	size_t n_names = 0;

	for (guint32 i = 0; i < n; i++)
		if (cuts[i])
			names[n_names++] = g_strdup(name(fabric, i));
	qsort((void *)names, n_names, sizeof *names, compare_names);
	return names;
}

void fabric_cut_points(const struct fabric *fabric, struct fabric_cuts *ret)
{
	guint32 n_nodes = (guint32)fabric_n_nodes(fabric);
	guint32 n_edges = (guint32)fabric_n_edges(fabric);
	g_autofree guint32 *tables = g_new0(guint32, (gsize)n_nodes * 6 + 1);
	g_autofree guint8 *cuts = g_new0(guint8, (gsize)n_nodes + n_edges + 1);
	struct cutter cutter = {
		.fabric = fabric,
		.n_nodes = n_nodes,
		.order = tables,
		.low = tables + n_nodes,
		.island = tables + (gsize)n_nodes * 2,
		.mark = tables + (gsize)n_nodes * 3,
		.sizes = tables + (gsize)n_nodes * 4,
		.only_node = tables + (gsize)n_nodes * 5,
		.node_cuts = cuts,
		.edge_cuts = cuts + n_nodes,
	};

	walk_all(&cutter);
	judge_leaves(&cutter);
	ret->nodes = tell(fabric, cutter.node_cuts, n_nodes, fabric_node_name);
	ret->edges = tell(fabric, cutter.edge_cuts, n_edges, fabric_edge_id);
}
