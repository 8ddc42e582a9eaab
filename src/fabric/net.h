#pragma once
/* What of a fabric lies between two ends: the part that a path from one to the other can use,
 * numbered anew and compact.
 *
 * Node 0 is where paths start, node 1 where they end; the others forward. Edges that are down,
 * nodes that do not forward and nodes from which the end is out of reach are left out; so are risks
 * that only one edge has, for no two paths can share them. Arcs lead from a node towards its
 * neighbours, those nearer to the end first. Made for one query, freed after it; borrows the
 * fabric.
 */
#include "fabric/graph.h"

#define NET_A    0u
#define NET_B    1u
#define NET_NONE G_MAXUINT32

struct net {
	const struct fabric *fabric;
	guint32 n_nodes, n_edges, n_risks;
	guint32 *node_of, *edge_of, *risk_of; /* numbers in the fabric */
	guint32 *first_arc;                   /* n_nodes + 1 places in arcs */
	struct fabric_arc *arcs;              /* numbers of this net */
	guint32 *first_risk;                  /* n_edges + 1 places in edge_risks */
	guint32 *edge_risks;
	guint32 *first_member; /* n_risks + 1 places in risk_edges */
	guint32 *risk_edges;
};

/* What a walk may not use; n_nodes and n_edges bytes, not 0: closed. */
struct net_mask {
	guint8 *nodes;
	guint8 *edges;
};

/* Ends by their numbers in the fabric, not the same. NULL: there is no path. */
struct net *net_new(const struct fabric *fabric, guint32 a, guint32 b);
void net_free(struct net *net);

void net_mask_init(struct net_mask *mask, const struct net *net);
void net_mask_clear(struct net_mask *mask);

/* Breadth first from `from` to the end. TRUE: found; `into` (n_nodes) then holds, for the nodes on
 * the way, the place of the arc by which each was entered, and `tail` the node it came from.
 * `queue` is room for n_nodes numbers. */
struct net_walk {
	guint32 *into;
	guint32 *tail;
	guint32 *queue;
};

void net_walk_init(struct net_walk *walk, const struct net *net);
void net_walk_clear(struct net_walk *walk);
gboolean net_walk_run(
	struct net_walk *walk, const struct net *net, const struct net_mask *mask, guint32 from);
