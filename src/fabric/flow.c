#include "fabric/flow.h"

#include <string.h>

#define DOOR_IN(node)  (2 * (node))
#define DOOR_OUT(node) (2 * (node) + 1)
#define NODE_OF(door)  ((door) / 2)
#define IS_OUT(door)   ((door) % 2)

static guint32 *new_table(guint32 n)
{
	return g_new(guint32, n + 1);
}

static void reset(guint32 *table, guint32 n)
{
	memset(table, 0xff, n * sizeof *table);
}

void flow_init(struct flow *flow, const struct net *net)
{
	flow->net = net;
	flow->tail_of = new_table(net->n_edges);
	flow->in_edge = new_table(net->n_nodes);
	flow->out_arc = new_table(net->n_nodes);
	flow->from = new_table(2 * net->n_nodes);
	flow->by = new_table(2 * net->n_nodes);
	flow->queue = new_table(2 * net->n_nodes);
}

void flow_clear(struct flow *flow)
{
	g_free(flow->tail_of);
	g_free(flow->in_edge);
	g_free(flow->out_arc);
	g_free(flow->from);
	g_free(flow->by);
	g_free(flow->queue);
}

static guint32 enter(struct flow *flow, guint32 door, guint32 from, guint32 by, guint32 n_queued)
{
	if (flow->from[door] != NET_NONE)
		return n_queued;
	flow->from[door] = from;
	flow->by[door] = by;
	flow->queue[n_queued] = door;
	return n_queued + 1;
}

/* From a door out: along every open edge that no path uses (one that comes the other way is undone
 * at the door in), and back through the node if a path goes through. */
static guint32 leave_out(
	struct flow *flow, const struct net_mask *mask, guint32 node, guint32 n_queued)
{
	const struct net *net = flow->net;

	for (guint32 i = net->first_arc[node]; i < net->first_arc[node + 1]; i++) {
		struct fabric_arc arc = net->arcs[i];

		if (!mask->nodes[arc.to] && !mask->edges[arc.edge] &&
			flow->tail_of[arc.edge] == NET_NONE)
			n_queued = enter(flow, DOOR_IN(arc.to), DOOR_OUT(node), i, n_queued);
	}
	if (node != NET_A && flow->in_edge[node] != NET_NONE)
		n_queued = enter(flow, DOOR_IN(node), DOOR_OUT(node), NET_NONE, n_queued);
	return n_queued;
}

/* From a door in: through the node if it is free; if not, back along the path that goes through. */
static guint32 leave_in(struct flow *flow, guint32 node, guint32 n_queued)
{
	guint32 edge = flow->in_edge[node];

	if (edge == NET_NONE)
		return enter(flow, DOOR_OUT(node), DOOR_IN(node), NET_NONE, n_queued);
	return enter(flow, DOOR_OUT(flow->tail_of[edge]), DOOR_IN(node), NET_NONE, n_queued);
}

static gboolean search(struct flow *flow, const struct net_mask *mask)
{
	guint32 n_queued = 0;

	reset(flow->from, 2 * flow->net->n_nodes);
	n_queued = enter(flow, DOOR_OUT(NET_A), DOOR_OUT(NET_A), NET_NONE, n_queued);
	for (guint32 at = 0; at < n_queued; at++) {
		guint32 door = flow->queue[at];

		if (door == DOOR_IN(NET_B))
			return TRUE;
		n_queued = IS_OUT(door) ? leave_out(flow, mask, NODE_OF(door), n_queued)
					: leave_in(flow, NODE_OF(door), n_queued);
	}
	return FALSE;
}

/* A step from one node's door in to another's door out undoes the path between them. */
static void undo_step(struct flow *flow, guint32 tail, guint32 head)
{
	guint32 edge = flow->in_edge[head];

	flow->tail_of[edge] = NET_NONE;
	flow->in_edge[head] = NET_NONE;
	if (tail != NET_A && flow->out_arc[tail] != NET_NONE &&
		flow->net->arcs[flow->out_arc[tail]].edge == edge)
		flow->out_arc[tail] = NET_NONE;
}

static void do_step(struct flow *flow, guint32 tail, guint32 place)
{
	struct fabric_arc arc = flow->net->arcs[place];

	flow->tail_of[arc.edge] = tail;
	if (arc.to != NET_B)
		flow->in_edge[arc.to] = arc.edge;
	if (tail != NET_A)
		flow->out_arc[tail] = place;
}

/* Walks the way found from its end, so that where one step undoes what another does anew, the new
 * one comes last at a door in and first at a door out. */
static void augment(struct flow *flow)
{
	guint32 door = DOOR_IN(NET_B);

	while (door != DOOR_OUT(NET_A)) {
		guint32 before = flow->from[door];

		if (flow->by[door] != NET_NONE)
			do_step(flow, NODE_OF(before), flow->by[door]);
		else if (NODE_OF(before) != NODE_OF(door))
			undo_step(flow, NODE_OF(door), NODE_OF(before));
		door = before;
	}
}

unsigned flow_run(struct flow *flow, const struct net_mask *mask, unsigned limit)
{
	unsigned n = 0;

	reset(flow->tail_of, flow->net->n_edges);
	reset(flow->in_edge, flow->net->n_nodes);
	reset(flow->out_arc, flow->net->n_nodes);
	while (n < limit && search(flow, mask)) {
		augment(flow);
		n++;
	}
	return n;
}

static GArray *follow(const struct flow *flow, guint32 place)
{
	GArray *edges = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (;;) {
		struct fabric_arc arc = flow->net->arcs[place];

		g_array_append_val(edges, arc.edge);
		if (arc.to == NET_B)
			return edges;
		place = flow->out_arc[arc.to];
	}
}

GPtrArray *flow_paths(const struct flow *flow)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	const struct net *net = flow->net;

	for (guint32 i = net->first_arc[NET_A]; i < net->first_arc[NET_A + 1]; i++)
		if (flow->tail_of[net->arcs[i].edge] == NET_A)
			g_ptr_array_add(paths, follow(flow, i));
	return paths;
}

static gboolean is_reached(const struct flow *flow, guint32 door)
{
	return flow->from[door] != NET_NONE;
}

static guint32 head_of(const struct flow *flow, guint32 edge)
{
	const struct net *net = flow->net;
	guint32 tail = flow->tail_of[edge];

	for (guint32 i = net->first_arc[tail]; i < net->first_arc[tail + 1]; i++)
		if (net->arcs[i].edge == edge)
			return net->arcs[i].to;
	g_assert_not_reached();
}

/* An edge that the search could not pass is cut; losing an inner end of it loses it too. */
static unsigned cut_edges(const struct flow *flow, guint32 *ret_numbers, gboolean *ret_is_node)
{
	unsigned n = 0;

	for (guint32 edge = 0; edge < flow->net->n_edges; edge++) {
		guint32 tail = flow->tail_of[edge];
		guint32 head;

		if (tail == NET_NONE || !is_reached(flow, DOOR_OUT(tail)))
			continue;
		head = head_of(flow, edge);
		if (is_reached(flow, DOOR_IN(head)))
			continue;
		ret_is_node[n] = tail != NET_A || head != NET_B;
		ret_numbers[n++] = head != NET_B ? head : tail != NET_A ? tail : edge;
	}
	return n;
}

unsigned flow_cut(const struct flow *flow, guint32 *ret_numbers, gboolean *ret_is_node)
{
	unsigned n = cut_edges(flow, ret_numbers, ret_is_node);

	for (guint32 node = NET_B + 1; node < flow->net->n_nodes; node++) {
		if (!is_reached(flow, DOOR_IN(node)) || is_reached(flow, DOOR_OUT(node)))
			continue;
		ret_is_node[n] = TRUE;
		ret_numbers[n++] = node;
	}
	return n;
}
