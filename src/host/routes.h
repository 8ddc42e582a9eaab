#pragma once
/* Where this host's own packets go, as one fact: its routes, the most general ones first, and
 * whether the gateways answer. Values in, values out; one thread.
 */
#include "facts/facts.h"
#include "host/netread.h"

struct routes;

/* At most `n_max` routes are kept; the most specific ones make room and are counted. */
struct routes *routes_new(unsigned n_max);
void routes_free(struct routes *routes);

/* One reading of the routes; what was not taken is gone with the end. */
void routes_begin(struct routes *routes);
void routes_take(struct routes *routes, const struct netread_route *route);
void routes_end(struct routes *routes);
/* One reading of the neighbours, of which only gateways matter. */
void routes_begin_neighbours(struct routes *routes);
void routes_take_neighbour(struct routes *routes, const struct netread_neighbour *neighbour);

/* TRUE: the fact is another than the last time; *ret_fact is then filled and the caller's to clear.
 * `device` names a link (NULL: gone), `segments`: segment -> bridge. */
gboolean routes_news(struct routes *routes, const char *(*device)(unsigned index, gpointer data),
	gpointer data, GHashTable *segments, struct facts_routes *ret_fact);
