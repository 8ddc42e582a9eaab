#pragma once
/* The map: identifiers (nodes), links between two of them, and the metadata ("facts") that stand on
 * either.
 *
 * Nodes are interned by the identifier's canonical key, links by their two ends; both exist while
 * somebody holds a reference: a fact on them, a link, a subscription. A link is attached to its
 * ends exactly while it carries a fact. A fact is one metadata instance: immutable, numbered by a
 * serial that is never used twice.
 *
 * What a publisher has standing of one lifetime is a stock. A whole stock can be withdrawn at one
 * stroke, however large it is: from that moment none of its facts stands any more, nor does any
 * walk meet them; the memory is given back fact by fact, later (withdraw.h).
 *
 * Every other modification happens inside a change: begin, add and remove facts, then commit or
 * roll back. Until then the change tells, per touched element, what stood there before, which is
 * all that subscriptions need to report differences (subscription.h).
 *
 * Pure: no clock, no sockets, no locks. One thread at a time; the engine's lock sees to that.
 */
#include <drover/ifmap.h>

#include "map/registry.h"

struct map_graph;
struct map_change;
struct map_touch;

/* What facts stand on: the head of every node and every link. */
struct map_element {
	struct map_graph *graph;
	unsigned n_refs;
	gboolean is_link;
	GQueue facts; /* struct map_fact by in_element; singleValue ones first, each group oldest
			 first; also withdrawn ones: walk them with map_element_first() */
	struct map_touch *touch; /* what the open change did here, or NULL */
	guint64 epoch;           /* the last walk that met this element (search.h) */
};

struct map_node {
	struct map_element element;
	struct ifmap_id *id;
	guint hash;     /* keyed hash of the identifier's key */
	unsigned depth; /* distance from the start in the walk named by element.epoch */
	GList *watches; /* struct map_watch by in_node: the subscriptions that see this node */
	/* The attached links, in no particular order; most nodes have one. map_node_link(). */
	guint n_links;
	guint n_room; /* 0: the one stands here */
	union {
		struct map_link *one;
		struct map_link **many;
	} links;
};

struct map_link {
	struct map_element element;
	struct map_node *ends[2]; /* referenced; ordered by address */
	guint slot[2];            /* which link of ends[i] it is, while attached */
};

struct map_stock {
	struct map_publisher *publisher;
	enum ifmap_lifetime lifetime;
	guint64 withdrawn; /* the withdrawal's number; 0: its facts stand */
	GQueue facts;      /* struct map_fact by in_stock */
	size_t size;       /* bytes of their metadata */
};

struct map_publisher {
	char *id;
	struct map_stock *stocks[2]; /* that stand; by enum ifmap_lifetime; owned */
	gconstpointer owner; /* publishers of one owner are the same client; for the engine */
};

struct map_fact {
	unsigned n_refs;
	guint64 serial;
	struct ifmap_meta *meta;
	const struct map_type *type;
	struct map_stock *stock;     /* whose it is; while it is present */
	gboolean present;            /* is in the graph, be it withdrawn */
	struct map_element *element; /* referenced */
	GList in_element;
	GList in_stock;
};

/* What an open change did on one element. */
struct map_touch {
	struct map_element *element; /* referenced */
	GPtrArray *removed; /* struct map_fact * that stood before the change and do not now;
			       references */
};

/* ---- graph */

/* `seed`: 16 random bytes that key the node table, against chosen collisions. */
struct map_graph *map_graph_new(const guint64 seed[2]);
/* Every reference to nodes, links and facts must have been given back. */
void map_graph_free(struct map_graph *graph);
typedef struct map_graph map_graph;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_graph, map_graph_free)

/* The node, created if it is not there; a reference. */
struct map_node *map_graph_node(struct map_graph *graph, const struct ifmap_id *id);
/* The node or NULL; borrowed. */
struct map_node *map_graph_find_node(const struct map_graph *graph, const struct ifmap_id *id);
/* The link, created (detached) if it is not there; a reference. a and b differ. */
struct map_link *map_graph_link(struct map_graph *graph, struct map_node *a, struct map_node *b);
/* The link or NULL; borrowed. */
struct map_link *map_graph_find_link(
	const struct map_graph *graph, struct map_node *a, struct map_node *b);
/* The publisher, created if it is not there; lives as long as the graph. */
struct map_publisher *map_graph_publisher(struct map_graph *graph, const char *id);
struct map_publisher *map_graph_find_publisher(const struct map_graph *graph, const char *id);

/* Until what was withdrawn is cleared away it still counts as nodes and links, not as facts. */
size_t map_graph_n_nodes(const struct map_graph *graph);
size_t map_graph_n_links(const struct map_graph *graph);
size_t map_graph_n_facts(const struct map_graph *graph);
/* The serial the next fact gets; a restored graph continues where the store left off. */
guint64 map_graph_next_serial(const struct map_graph *graph);
void map_graph_set_next_serial(struct map_graph *graph, guint64 serial);
/* A number no walk has used yet (search.h). */
guint64 map_graph_next_epoch(struct map_graph *graph);

void map_element_ref(struct map_element *element);
void map_element_unref(struct map_element *element);
void map_fact_ref(struct map_fact *fact);
void map_fact_unref(struct map_fact *fact);

static inline struct map_node *map_element_node(struct map_element *element)
{
	return element->is_link ? NULL : (struct map_node *)element;
}

static inline struct map_link *map_element_link(struct map_element *element)
{
	return element->is_link ? (struct map_link *)element : NULL;
}

static inline struct map_link *map_node_link(const struct map_node *node, guint index)
{
	return node->n_room ? node->links.many[index] : node->links.one;
}

static inline struct map_node *map_link_other(
	const struct map_link *link, const struct map_node *end)
{
	return link->ends[0] == end ? link->ends[1] : link->ends[0];
}

/* Withdrawals after this one are not looked at (map_graph_look_as_of()). */
guint64 map_graph_as_of(const struct map_graph *graph);

static inline gboolean map_fact_is_withdrawn(const struct map_fact *fact)
{
	guint64 withdrawn = fact->stock->withdrawn;
	return withdrawn && withdrawn <= map_graph_as_of(fact->element->graph);
}

/* The first fact that stands on the element, and the next one after a fact; or NULL. */
static inline struct map_fact *map_fact_at_or_after(GList *at)
{
	while (at && map_fact_is_withdrawn(at->data))
		at = at->next;
	return at ? at->data : NULL;
}

static inline struct map_fact *map_element_first(const struct map_element *element)
{
	return map_fact_at_or_after(element->facts.head);
}

static inline struct map_fact *map_fact_next(const struct map_fact *fact)
{
	return map_fact_at_or_after(fact->in_element.next);
}

/* ---- withdrawal */

/* Begins a withdrawal: the number of those that follow. They count from 1. */
guint64 map_graph_begin_withdrawal(struct map_graph *graph);
guint64 map_graph_last_withdrawal(const struct map_graph *graph);
/* Lets all facts of the publisher's stock vanish; no change is open. Returns the stock, which is
 * the caller's now, or NULL when it was empty. */
struct map_stock *map_graph_withdraw(
	struct map_graph *graph, struct map_publisher *publisher, enum ifmap_lifetime lifetime);
/* Shows the map as it was after that withdrawal, until 0 is set. */
void map_graph_look_as_of(struct map_graph *graph, guint64 withdrawal);
/* Takes the first fact of a withdrawn stock out of the graph. */
void map_stock_clear_first(struct map_stock *stock);
/* Clears away what is left, too. */
void map_stock_free(struct map_stock *stock);
typedef struct map_stock map_stock;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_stock, map_stock_free)

/* ---- change */

/* At most one is open per graph. */
struct map_change *map_change_begin(struct map_graph *graph);
/* Takes everything back, in reverse order, and frees the change. */
void map_change_rollback(struct map_change *change);
/* Makes everything final and frees the change. */
void map_change_commit(struct map_change *change);

/* What a fact is made of; pointers are borrowed and referenced as needed. */
struct map_fact_spec {
	struct ifmap_meta *meta; /* stamped */
	const struct map_type *type;
	struct map_publisher *publisher;
	enum ifmap_lifetime lifetime;
};
/* Adds a fact; a singleValue one of the same type is removed first (ifmap.md 2.7). Returns it,
 * borrowed. */
struct map_fact *map_change_add(
	struct map_change *change, struct map_element *element, const struct map_fact_spec *spec);
void map_change_remove(struct map_change *change, struct map_fact *fact);
/* Removes the publisher's facts of one lifetime. */
void map_change_remove_all(
	struct map_change *change, struct map_publisher *publisher, enum ifmap_lifetime lifetime);

/* The singleValue fact of `type` that stands on the element, or NULL. */
struct map_fact *map_element_find_single(
	const struct map_element *element, const struct map_type *type);

/* Touched elements: struct map_touch *, in the order they were first touched. Borrowed. */
const GPtrArray *map_change_touched(const struct map_change *change);
/* Whether the fact came with this change (else it stood before). */
gboolean map_change_is_new(const struct map_change *change, const struct map_fact *fact);

/* A number no other walk or collection has used, fixed for this change. */
guint64 map_change_mark(const struct map_change *change);

/* Visits the net effect: facts that stand now and did not (`added` TRUE), facts that stood and do
 * not. */
typedef void (*map_change_fn)(struct map_fact *fact, gboolean added, gpointer data);
void map_change_foreach(const struct map_change *change, map_change_fn fn, gpointer data);
