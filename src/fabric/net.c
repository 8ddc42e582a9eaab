#include "fabric/net.h"

#include <string.h>

/* The numbers a net gives to what it takes over; NET_NONE: left out. */
struct numbering {
	guint32 *nodes;
	guint32 *edges;
	guint32 *risks;
};

static guint32 *new_zeros(size_t n)
{
	return g_new0(guint32, n + 1);
}

static guint32 *new_numbers(size_t n)
{
	guint32 *numbers = new_zeros(n);

	memset(numbers, 0xff, (n + 1) * sizeof *numbers);
	return numbers;
}

static void take_node(struct net *net, struct numbering *numbering, guint32 node)
{
	numbering->nodes[node] = net->n_nodes;
	net->node_of[net->n_nodes++] = node;
}

static gboolean can_take(const struct fabric *fabric, guint32 node, guint32 a)
{
	return node == a || fabric_node_forwards(fabric, node);
}

/* Takes over the nodes that reach the end, breadth first from there: node_of is in order of
 * distance to it but for the start, which stands first. FALSE: the start is not among them. */
static gboolean take_nodes(struct net *net, struct numbering *numbering, guint32 a, guint32 b)
{
	gboolean met = FALSE;

	take_node(net, numbering, a);
	take_node(net, numbering, b);
	for (guint32 at = NET_B; at < net->n_nodes; at++) {
		guint32 n;
		const struct fabric_arc *arcs = fabric_node_arcs(net->fabric, net->node_of[at], &n);

		for (guint32 i = 0; i < n; i++) {
			if (!fabric_edge_is_up(net->fabric, arcs[i].edge))
				continue;
			met = met || arcs[i].to == a;
			if (numbering->nodes[arcs[i].to] == NET_NONE &&
				can_take(net->fabric, arcs[i].to, a))
				take_node(net, numbering, arcs[i].to);
		}
	}
	return met;
}

/* Calls for each arc v -> u between nodes taken over, u by growing distance to the end (the start,
 * into which nothing leads, left out). */
static void each_arc(struct net *net, struct numbering *numbering,
	void (*call)(
		struct net *net, struct numbering *numbering, guint32 from, struct fabric_arc arc))
{
	for (guint32 u = NET_B; u < net->n_nodes; u++) {
		guint32 n;
		const struct fabric_arc *arcs = fabric_node_arcs(net->fabric, net->node_of[u], &n);

		for (guint32 i = 0; i < n; i++) {
			guint32 v = numbering->nodes[arcs[i].to];

			if (v != NET_NONE && v != NET_B &&
				fabric_edge_is_up(net->fabric, arcs[i].edge))
				call(net, numbering, v, (struct fabric_arc){ arcs[i].edge, u });
		}
	}
}

static void count_arc(
	struct net *net, struct numbering *numbering, guint32 from, struct fabric_arc arc)
{
	net->first_arc[from + 1]++;
	if (numbering->edges[arc.edge] == NET_NONE) {
		numbering->edges[arc.edge] = net->n_edges;
		net->edge_of[net->n_edges++] = arc.edge;
	}
}

/* first_arc[from] runs on to where the next arc goes; it ends where from + 1 began. */
static void put_arc(
	struct net *net, struct numbering *numbering, guint32 from, struct fabric_arc arc)
{
	net->arcs[net->first_arc[from]++] = (struct fabric_arc){ numbering->edges[arc.edge],
		arc.to };
}

/* Counts in firsts[i + 1] become places: firsts[i] is where i's things begin. */
static void sum_up(guint32 *firsts, guint32 n)
{
	for (guint32 i = 0; i < n; i++)
		firsts[i + 1] += firsts[i];
}

/* After the things are put, firsts[i] is where i's things end: move on by one. */
static void step_back(guint32 *firsts, guint32 n)
{
	memmove(firsts + 1, firsts, n * sizeof *firsts);
	firsts[0] = 0;
}

static void take_edges(struct net *net, struct numbering *numbering)
{
	net->first_arc = new_zeros(net->n_nodes + 1);
	each_arc(net, numbering, count_arc);
	sum_up(net->first_arc, net->n_nodes);
	net->arcs = g_new(struct fabric_arc, net->first_arc[net->n_nodes] + 1);
	each_arc(net, numbering, put_arc);
	step_back(net->first_arc, net->n_nodes);
}

/* Numbers the risks that two edges or more have. */
static void take_risks(struct net *net, struct numbering *numbering)
{
	guint32 n_all = net->fabric->risks->len;
	g_autofree guint32 *counts = new_zeros(n_all);

	for (guint32 edge = 0; edge < net->n_edges; edge++) {
		const struct fabric_link *link = fabric_edge_link(net->fabric, net->edge_of[edge]);

		for (guint32 i = 0; i < link->n_risks; i++)
			counts[link->risks[i]]++;
	}
	net->risk_of = new_zeros(n_all);
	for (guint32 risk = 0; risk < n_all; risk++) {
		if (counts[risk] < 2)
			continue;
		numbering->risks[risk] = net->n_risks;
		net->risk_of[net->n_risks++] = risk;
	}
}

static void join_risk(struct net *net, guint32 edge, guint32 risk)
{
	net->edge_risks[net->first_risk[edge]++] = risk;
	net->risk_edges[net->first_member[risk]++] = edge;
}

static void count_risk(struct net *net, guint32 edge, guint32 risk)
{
	net->first_risk[edge + 1]++;
	net->first_member[risk + 1]++;
}

static void each_risk(struct net *net, const struct numbering *numbering,
	void (*call)(struct net *net, guint32 edge, guint32 risk))
{
	for (guint32 edge = 0; edge < net->n_edges; edge++) {
		const struct fabric_link *link = fabric_edge_link(net->fabric, net->edge_of[edge]);

		for (guint32 i = 0; i < link->n_risks; i++)
			if (numbering->risks[link->risks[i]] != NET_NONE)
				call(net, edge, numbering->risks[link->risks[i]]);
	}
}

static void join_risks(struct net *net, const struct numbering *numbering)
{
	net->first_risk = new_zeros(net->n_edges + 1);
	net->first_member = new_zeros(net->n_risks + 1);
	each_risk(net, numbering, count_risk);
	sum_up(net->first_risk, net->n_edges);
	sum_up(net->first_member, net->n_risks);
	net->edge_risks = new_zeros(net->first_risk[net->n_edges]);
	net->risk_edges = new_zeros(net->first_member[net->n_risks]);
	each_risk(net, numbering, join_risk);
	step_back(net->first_risk, net->n_edges);
	step_back(net->first_member, net->n_risks);
}

struct net *net_new(const struct fabric *fabric, guint32 a, guint32 b)
{
	struct net *net = g_new0(struct net, 1);
	struct numbering numbering = { new_numbers(fabric_n_nodes(fabric)),
		new_numbers(fabric_n_edges(fabric)), new_numbers(fabric->risks->len) };
	gboolean met = FALSE;

	net->fabric = fabric;
	net->node_of = new_zeros(fabric_n_nodes(fabric));
	net->edge_of = new_zeros(fabric_n_edges(fabric));
	met = take_nodes(net, &numbering, a, b);
	if (met) {
		take_edges(net, &numbering);
		take_risks(net, &numbering);
		join_risks(net, &numbering);
	}
	g_free(numbering.nodes);
	g_free(numbering.edges);
	g_free(numbering.risks);
	if (met)
		return net;
	net_free(net);
	return NULL;
}

void net_free(struct net *net)
{
	if (!net)
		return;
	g_free(net->node_of);
	g_free(net->edge_of);
	g_free(net->risk_of);
	g_free(net->first_arc);
	g_free(net->arcs);
	g_free(net->first_risk);
	g_free(net->edge_risks);
	g_free(net->first_member);
	g_free(net->risk_edges);
	g_free(net);
}

void net_mask_init(struct net_mask *mask, const struct net *net)
{
	mask->nodes = g_new0(guint8, net->n_nodes);
	mask->edges = g_new0(guint8, net->n_edges);
}

void net_mask_clear(struct net_mask *mask)
{
	g_free(mask->nodes);
	g_free(mask->edges);
}

void net_walk_init(struct net_walk *walk, const struct net *net)
{
	walk->into = g_new(guint32, net->n_nodes);
	walk->tail = g_new(guint32, net->n_nodes);
	walk->queue = g_new(guint32, net->n_nodes);
}

void net_walk_clear(struct net_walk *walk)
{
	g_free(walk->into);
	g_free(walk->tail);
	g_free(walk->queue);
}

/* Enters the open neighbours of `node`. */
static guint32 walk_on(struct net_walk *walk, const struct net *net, const struct net_mask *mask,
	guint32 node, guint32 n_queued)
{
	for (guint32 i = net->first_arc[node]; i < net->first_arc[node + 1]; i++) {
		guint32 to = net->arcs[i].to;

		if (walk->into[to] != NET_NONE || mask->nodes[to] || mask->edges[net->arcs[i].edge])
			continue;
		walk->into[to] = i;
		walk->tail[to] = node;
		walk->queue[n_queued++] = to;
	}
	return n_queued;
}

gboolean net_walk_run(
	struct net_walk *walk, const struct net *net, const struct net_mask *mask, guint32 from)
{
	guint32 n_queued = 0;

	memset(walk->into, 0xff, net->n_nodes * sizeof *walk->into);
	walk->into[from] = 0; /* visited; no arc is asked for */
	walk->queue[n_queued++] = from;
	for (guint32 at = 0; at < n_queued && walk->into[NET_B] == NET_NONE; at++)
		n_queued = walk_on(walk, net, mask, walk->queue[at], n_queued);
	return walk->into[NET_B] != NET_NONE;
}
