#pragma once
/* The fabric: hosts, switches, routers, segments, uplinks and what joins them, as a graph of plain
 * values.
 *
 * Built by its caller with fabric_new, fabric_add_node and fabric_add_edge, then only read: a
 * fabric that nobody adds to may be queried by any number of threads. Edges have no direction;
 * parallel edges are welcome, an edge from a node to itself is refused. Names of nodes and ids of
 * edges are strings, each unique among its kind. Whatever a query returns is owned by the caller
 * and does not point into the fabric.
 *
 * Who forwards: traffic passes *through* switches and routers. Hosts, segments and uplinks are
 * where it begins or ends; no query counts a way through them: a host with two cables does not join
 * its switches, "this segment is present here" (an edge host-segment) makes no way from host to
 * host, and no way leads out of the fabric by one uplink and back in by another. An edge that is
 * down exists, but carries nothing.
 */
#include <glib.h>

#define FABRIC_MAX_NAME       256   /* bytes of a name, an id or a risk */
#define FABRIC_MAX_NODES      65536 /* nodes in a fabric */
#define FABRIC_MAX_EDGES      262144
#define FABRIC_MAX_RISKS      4096 /* different shared-risk groups in a fabric; 64 on one edge */
#define FABRIC_MAX_EDGE_RISKS 64

#define FABRIC_ERROR (fabric_error_quark())
GQuark fabric_error_quark(void);

enum fabric_error {
	FABRIC_ERROR_NAME,    /* empty, too long or not UTF-8 */
	FABRIC_ERROR_EXISTS,  /* a second node or edge of that name */
	FABRIC_ERROR_UNKNOWN, /* no such node */
	FABRIC_ERROR_LIMIT,   /* one more than the bounds above */
	FABRIC_ERROR_LOOP,    /* an edge from a node to itself */
};

enum fabric_kind {
	FABRIC_HOST,
	FABRIC_SWITCH,
	FABRIC_ROUTER,
	FABRIC_SEGMENT,
	FABRIC_UPLINK,
};

/* "host", "switch", "router", "segment", "uplink". */
const char *fabric_kind_to_string(enum fabric_kind kind);
gboolean fabric_kind_from_string(const char *string, enum fabric_kind *ret_kind);
gboolean fabric_kind_forwards(enum fabric_kind kind);

struct fabric_node {
	char *name;
	enum fabric_kind kind;
};

struct fabric_edge {
	const char *id;
	const char *a, *b; /* names of the nodes it joins */
	gboolean up;
	guint64 speed_mbps; /* 0: not known */
	unsigned mtu;       /* bytes, 0: not known */
	char **risks; /* shared-risk groups: edges that have one in common fail together; NULL: none
		       */
};

struct fabric;

struct fabric *fabric_new(void);
void fabric_free(struct fabric *fabric);
typedef struct fabric fabric_graph; /* for g_auto: a word no variable has */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fabric_graph, fabric_free)

/* FALSE with an error, and the fabric is as it was. Everything is copied. */
gboolean fabric_add_node(
	struct fabric *fabric, const char *name, enum fabric_kind kind, GError **error);
gboolean fabric_add_edge(struct fabric *fabric, const struct fabric_edge *edge, GError **error);

/* In the order they were added, borrowed until the next addition; `i` below the count. */
size_t fabric_n_nodes(const struct fabric *fabric);
size_t fabric_n_edges(const struct fabric *fabric);
const struct fabric_node *fabric_get_node(const struct fabric *fabric, size_t i);
const struct fabric_edge *fabric_get_edge(const struct fabric *fabric, size_t i);

/* By name or id, or NULL. */
const struct fabric_node *fabric_find_node(const struct fabric *fabric, const char *name);
const struct fabric_edge *fabric_find_edge(const struct fabric *fabric, const char *id);

/* Something that can be lost: a node, an edge, or everything that shares a risk. */
enum fabric_thing {
	FABRIC_THING_NODE,
	FABRIC_THING_EDGE,
	FABRIC_THING_RISK,
};

struct fabric_loss {
	enum fabric_thing thing;
	char *name;
};

/* "node", "edge", "risk". */
const char *fabric_thing_to_string(enum fabric_thing thing);

/* What if: a copy without the things lost (a node goes with its edges, a risk with every edge that
 * has it). Names that the fabric does not know are passed over. */
struct fabric *fabric_without(
	const struct fabric *fabric, const struct fabric_loss *losses, size_t n_losses);

/* Graphviz: one undirected graph, shapes by kind, edges that are down dashed; newly allocated. */
char *fabric_to_dot(const struct fabric *fabric);
