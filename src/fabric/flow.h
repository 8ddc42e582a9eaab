#pragma once
/* Paths that share no node and no edge: a maximum flow in a net whose nodes are split in two, every
 * capacity one.
 *
 * Each node but the ends has a door in and a door out, with room for one path between them.
 * Augmenting paths are searched breadth first over doors; a search that fails leaves the doors it
 * reached, and these are a smallest cut (Menger). Made for one net, run as often as one likes;
 * borrows the net.
 */
#include "fabric/net.h"

struct flow {
	const struct net *net;
	guint32 *tail_of; /* of each edge: the node its path comes from, or NET_NONE: no path uses
			     it */
	guint32 *in_edge; /* of each inner node: the edge by which its path comes, or NET_NONE */
	guint32 *out_arc; /* the place of the arc by which it goes on, or NET_NONE */
	guint32 *from;    /* of each door: the door it was reached from, or NET_NONE */
	guint32 *by;      /* the arc of that step; NET_NONE where no new arc is taken */
	guint32 *queue;
};

void flow_init(struct flow *flow, const struct net *net);
void flow_clear(struct flow *flow);

/* Starts anew and finds up to `limit` paths that keep off what `mask` closes; returns how many. */
unsigned flow_run(struct flow *flow, const struct net_mask *mask, unsigned limit);

/* After flow_run: the edges of each path, in order; an array of GArray of guint32. */
GPtrArray *flow_paths(const struct flow *flow);

/* After a flow_run that found fewer than its limit: that many things whose loss cuts what is left,
 * nodes (`*ret_is_node`) or else edges between the ends. `ret_numbers` and `ret_is_node` have room
 * for as many as there are paths. Returns how many. */
unsigned flow_cut(const struct flow *flow, guint32 *ret_numbers, gboolean *ret_is_node);
