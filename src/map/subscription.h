#pragma once
/* A subscription: a view that is kept, and what a commit changes in it (ifmap.md 8.3, 8.4).
 *
 * It remembers which nodes (with depth) and links its search last met, and stands in the `watches`
 * of each of those nodes: a commit looks only at the subscriptions of the nodes it touched. Which
 * facts were visible before a change needs no memory: visibility is constant per fact, and the open
 * change tells what stood where.
 *
 * After the facts are applied and before the change is committed:
 *   map_change_watchers()       who may be concerned
 *   map_subscription_delta()    brings one up to date and tells the difference
 * A withdrawal (graph.h) is not a change: a subscription is behind until it catches up with it,
 * which it must have done before a change is applied that concerns it, and before what was
 * withdrawn is cleared away.
 * Pure; under the engine's lock.
 */
#include "map/search.h"

struct map_subscription {
	char *name;
	gpointer owner;            /* the session, for the engine */
	struct ifmap_query *query; /* owned */
	struct map_view view;      /* borrows query; reader is borrowed from the client */
	struct map_node *start;    /* referenced */
	GHashTable *watches;       /* struct map_node * -> struct map_watch *; owns */
	GHashTable *links;         /* set of struct map_link *, referenced */
	guint64 order;             /* of creation, server-wide */
	guint64 mark;              /* the last collection that met it */
	size_t pending;            /* bytes of unsent results (pollbuf.h) */
	guint64 withdrawal;        /* the last one it knows of */
};

struct map_watch {
	GList in_node;
	struct map_subscription *subscription;
	struct map_node *node; /* referenced */
	unsigned depth;
};

/* Difference made by one commit: facts (referenced), those of one element side by side. */
struct map_delta {
	GPtrArray *deleted; /* struct map_fact * */
	GPtrArray *updated; /* struct map_fact * */
};
void map_delta_init(struct map_delta *delta);
void map_delta_clear(struct map_delta *delta);
void map_delta_reset(struct map_delta *delta);

/* Takes `query`. Sees nothing until map_subscription_settle(). */
struct map_subscription *map_subscription_new(struct map_graph *graph, const char *name,
	struct ifmap_query *query, const struct map_subject *reader,
	const struct map_limits *limits);
void map_subscription_free(struct map_subscription *subscription);
/* Takes the question out of a subscription that is about to be replaced; owned by the caller. */
struct ifmap_query *map_subscription_steal_query(struct map_subscription *subscription);
typedef struct map_subscription map_subscription;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_subscription, map_subscription_free)

/* Takes over what a completed walk from its start met. */
void map_subscription_settle(struct map_subscription *subscription, const struct map_walk *walk);

/* Brings the subscription up to date with the open change and appends the difference to `delta`. */
void map_subscription_delta(struct map_subscription *subscription, const struct map_change *change,
	struct map_walk *walk, struct map_delta *delta);

/* Whether something was withdrawn since it was brought up to date. */
gboolean map_subscription_is_behind(const struct map_subscription *subscription);
/* Brings it up to date with a withdrawal that it does not know of, likewise; with one after the
 * other, oldest first. No change is open. */
void map_subscription_catch_up(struct map_subscription *subscription, guint64 withdrawal,
	struct map_walk *walk, struct map_delta *delta);
/* Adds to `subscriptions` those that watch the element, but for those that have this mark. */
void map_element_watchers(
	const struct map_element *element, guint64 mark, GPtrArray *subscriptions);
void map_subscriptions_sort(GPtrArray *subscriptions);

/* Adds to `subscriptions` (struct map_subscription *, no duplicates, in order of creation) all that
 * watch a node or an end of a link which the change touched, and those that watch one of `extra`
 * (struct map_node *, may be NULL). */
void map_change_watchers(
	const struct map_change *change, const GPtrArray *extra, GPtrArray *subscriptions);

/* Whether a notify on `a` (and `b` for a link) is heard (8.4); call after map_subscription_delta().
 * Nodes that are not in the graph are NULL; `is_link` tells a link whose end is unknown from an
 * identifier. */
gboolean map_subscription_hears(const struct map_subscription *subscription,
	const struct map_node *a, const struct map_node *b, gboolean is_link);
