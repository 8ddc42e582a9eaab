#pragma once
/* Exact search where shared risks make max-flow say too much: the most paths that share no risk,
 * and the fewest losses, risks among them, that separate the ends. Both are NP-hard; both stop when
 * the steps given to them are used up.
 *
 * Values of one query; they borrow its net. One `steps` counter serves all searches of a query.
 */
#include "fabric/net.h"

/* Paths as arrays of edges, as flow_paths() returns them. */

/* Whether two of the paths share a risk. */
gboolean search_paths_clash(const struct net *net, const GPtrArray *paths);

/* Those of `paths`, taken in turn, that share no risk with one taken before; a new array that holds
 * references. */
GPtrArray *search_keep_apart(const struct net *net, const GPtrArray *paths);

/* Looks for more disjoint paths than `known` has, up to `wanted`. Returns the best set found, a new
 * array (maybe as many as `known`); `*steps` goes down, and where it has reached 0 there may be
 * more. */
GPtrArray *search_paths(const struct net *net, GPtrArray *known, unsigned wanted, guint64 *steps);

struct search_loss {
	enum fabric_thing thing;
	guint32 number; /* in the net */
};

/* Looks for `n` losses (at most FABRIC_MAX_CUT) that separate the ends. TRUE: found, and written.
 */
gboolean search_cut(
	const struct net *net, unsigned n, struct search_loss *ret_losses, guint64 *steps);
