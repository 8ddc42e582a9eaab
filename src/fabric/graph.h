#pragma once
/* The inside of a fabric, for this room only: nodes, edges and risks by number.
 *
 * Numbers are places in the tables, in order of addition. Everything belongs to the fabric; nothing
 * here changes it.
 */
#include "fabric/fabric.h"

/* One end's view of an edge. */
struct fabric_arc {
	guint32 edge;
	guint32 to;
};

/* What an edge is, by number. */
struct fabric_link {
	guint32 a, b;
	guint32 n_risks;
	guint32 *risks; /* each once */
};

struct fabric {
	GArray *nodes;           /* struct fabric_node */
	GArray *edges;           /* struct fabric_edge */
	GArray *links;           /* struct fabric_link, beside edges */
	GPtrArray *arcs;         /* GArray of struct fabric_arc, beside nodes */
	GPtrArray *risks;        /* names, owned */
	GHashTable *node_places; /* name -> place + 1; keys borrowed from the tables */
	GHashTable *edge_places;
	GHashTable *risk_places;
};

/* FALSE: no such node. */
gboolean fabric_node_number(const struct fabric *fabric, const char *name, guint32 *ret_number);

/* A node's edges, down ones too. */
const struct fabric_arc *fabric_node_arcs(
	const struct fabric *fabric, guint32 node, guint32 *ret_n);

const struct fabric_link *fabric_edge_link(const struct fabric *fabric, guint32 edge);
const char *fabric_node_name(const struct fabric *fabric, guint32 node);
const char *fabric_edge_id(const struct fabric *fabric, guint32 edge);
const char *fabric_risk_name(const struct fabric *fabric, guint32 risk);
gboolean fabric_edge_is_up(const struct fabric *fabric, guint32 edge);
gboolean fabric_node_forwards(const struct fabric *fabric, guint32 node);
