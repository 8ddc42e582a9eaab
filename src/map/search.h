#pragma once
/* Searching the graph: breadth first from one identifier (ifmap.md 7.1).
 *
 * A view is the question: a request's query with the server's limits applied, and who asks. A walk
 * visits every node and link of the answer; visibility of single facts is a function of view,
 * element and fact alone, never of time. The walk leaves its epoch in the elements it met (and the
 * depth in nodes), so that the next step can ask "was it met?" without a table. Pure; under the
 * engine's lock.
 */
#include "ifmap/request.h"
#include "map/graph.h"
#include "map/limit.h"
#include "map/policy.h"

struct map_view {
	const struct ifmap_query *query;  /* borrowed */
	const struct map_subject *reader; /* borrowed */
	unsigned max_depth;               /* links */
	size_t max_size;                  /* bytes */
};

/* Applies the server's limits and defaults to a query. */
struct map_view map_view_make(const struct ifmap_query *query, const struct map_subject *reader,
	const struct map_limits *limits);

/* Whether the view shows this fact, given that it shows the element. */
gboolean map_view_shows(const struct map_view *view, const struct map_fact *fact);
/* Whether this fact lets the walk follow the link it stands on. */
gboolean map_view_follows_fact(const struct map_view *view, const struct map_fact *fact);
/* Whether any fact of the link does. */
gboolean map_view_follows(const struct map_view *view, const struct map_link *link);
/* Whether links are followed from a node at this depth. */
gboolean map_view_expands(const struct map_view *view, const struct map_node *node, unsigned depth);

/* What a walk met; reused from walk to walk to save allocations. */
struct map_walk {
	guint64 epoch;
	GPtrArray *nodes; /* struct map_node *, nearest first; their depth is in node->depth */
	GPtrArray *links; /* struct map_link * */
	guint64 left;     /* links and metadata it may still look at */
};
void map_walk_init(struct map_walk *walk);
void map_walk_clear(struct map_walk *walk);

/* Called for each element when it enters the answer; FALSE ends the walk. */
typedef gboolean (*map_walk_fn)(struct map_element *element, gpointer data);
/* FALSE when `fn` (may be NULL) ended it. */
gboolean map_walk_run(struct map_walk *walk, const struct map_view *view, struct map_node *start,
	map_walk_fn fn, gpointer data);

/* Writes resultItem of an element with the facts the view shows. */
void map_search_write_item(
	const struct map_view *view, const struct map_element *element, GString *out);

/* Writes a whole searchResult (`name` NULL: no name). Stops as soon as the result exceeds the
 * view's max_size, or the reader's search_cost is spent: FALSE, error SEARCH_RESULTS_TOO_BIG, and
 * `out` is as it was. The start identifier need not be in the graph. The walk, when it completes,
 * holds what was met (empty when the start is unknown). */
gboolean map_search_write(struct map_graph *graph, struct map_walk *walk,
	const struct map_view *view, const char *name, GString *out, GError **error);
