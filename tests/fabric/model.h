#pragma once
/* A naive fabric for tests: small, everything a bit mask, every answer by enumeration. Node i is
 * "n<i>", edge i "e<i>", risk i "r<i>". Values; the fabric made of one belongs to the caller.
 */
#include "fabric/fabric.h"

#define MODEL_NODES 8
#define MODEL_EDGES 12
#define MODEL_RISKS 4

struct model {
	unsigned n_nodes, n_edges, n_risks;
	enum fabric_kind kinds[MODEL_NODES];
	unsigned a[MODEL_EDGES], b[MODEL_EDGES];
	gboolean up[MODEL_EDGES];
	unsigned risks[MODEL_EDGES]; /* masks */
};

/* Things lost, as masks. */
struct model_loss {
	unsigned nodes, edges, risks;
};

struct model model_random(GRand *rand);
struct fabric *model_build(const struct model *model);

gboolean model_reaches(
	const struct model *model, struct model_loss lost, unsigned from, unsigned to);

/* The most paths that share no inner node, edge or risk. */
unsigned model_disjoint(const struct model *model, unsigned from, unsigned to);

/* Whether some `n` (at most 3) losses other than the ends separate them. */
gboolean model_has_cut(const struct model *model, unsigned from, unsigned to, unsigned n);

/* Whether losing the thing separates two nodes that reached each other (and are not themselves
 * lost). */
gboolean model_is_cut(const struct model *model, struct model_loss lost);

/* For people, when a test fails. */
char *model_to_string(const struct model *model);
