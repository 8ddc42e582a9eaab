#include "fabric/graph.h"
#include "fabric/paths.h"

#include <stdlib.h>
#include <string.h>

/* Marks all that `from` reaches in `reached` (a byte a node): breadth first; what does not forward
 * is entered but not left, unless it is where we begin. */
static void mark_reached(const struct fabric *fabric, guint32 from, guint8 *reached)
{
	g_autofree guint32 *queue = g_new(guint32, fabric_n_nodes(fabric));
	guint32 n_queued = 0;

	reached[from] = 1;
	queue[n_queued++] = from;
	for (guint32 at = 0; at < n_queued; at++) {
		guint32 n;
		const struct fabric_arc *arcs = fabric_node_arcs(fabric, queue[at], &n);

		if (queue[at] != from && !fabric_node_forwards(fabric, queue[at]))
			continue;
		for (guint32 i = 0; i < n; i++) {
			if (reached[arcs[i].to] || !fabric_edge_is_up(fabric, arcs[i].edge))
				continue;
			reached[arcs[i].to] = 1;
			queue[n_queued++] = arcs[i].to;
		}
	}
}

gboolean fabric_reachable(const struct fabric *fabric, const char *a, const char *b)
{
	g_autofree guint8 *reached = NULL;
	guint32 from, to;

	if (!fabric_node_number(fabric, a, &from) || !fabric_node_number(fabric, b, &to))
		return FALSE;
	reached = g_new0(guint8, fabric_n_nodes(fabric));
	mark_reached(fabric, from, reached);
	return reached[to] != 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **fabric_reach(const struct fabric *fabric, const char *from)
{
	g_autofree guint8 *reached = g_new0(guint8, fabric_n_nodes(fabric) + 1);
	char **names = g_new0(char *, fabric_n_nodes(fabric) + 1);
	size_t n_names = 0;
	guint32 start;

	if (!fabric_node_number(fabric, from, &start))
		return names;
	mark_reached(fabric, start, reached);
	for (guint32 i = 0; i < fabric_n_nodes(fabric); i++)
		if (reached[i])
			names[n_names++] = g_strdup(fabric_node_name(fabric, i));
	qsort((void *)names, n_names, sizeof *names, compare_names);
	return names;
}
