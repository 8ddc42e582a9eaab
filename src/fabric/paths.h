#pragma once
/* Ways between two nodes of a fabric: is there one, how many that share nothing, and what all of
 * them hang on.
 *
 * Two paths are disjoint when they have no node between the ends, no edge and no shared-risk group
 * in common. (One path may meet the same risk twice.) The ends themselves are free: losing them is
 * not the path's fault.
 *
 * Where the paths found by max-flow on split nodes (Menger) share no risk, the number is exact for
 * any fabric. Otherwise the question is NP-hard; it is answered exactly by search as long as the
 * search stays within FABRIC_SEARCH_STEPS, and `exact` tells. Beyond that the answer is
 * conservative: the paths returned are disjoint, there may be more. A caller who needs n and gets
 * fewer refuses, so the rule errs on the safe side.
 */
#include "fabric/fabric.h"

#define FABRIC_SEARCH_STEPS 2000000 /* edges looked at in one query's search: some 10 ms */
#define FABRIC_MAX_PATHS    64      /* the most paths one may ask for */
#define FABRIC_MAX_CUT      4       /* the largest cut with risks in it that is looked for */

struct fabric_path {
	char **nodes; /* from a to b, both included: n + 1 names */
	char **edges; /* n ids */
};

struct fabric_paths {
	struct fabric_path *paths; /* shorter ones first */
	size_t n_paths;
	gboolean exact; /* no more than n_paths disjoint paths exist, or as many as were asked for
			   were found */

	/* With fewer paths than asked for: things whose loss separates the ends; named as nodes
	 * where a node will do, then as risks, then as edges. Empty when there is no path. A
	 * smallest such set if it has FABRIC_MAX_CUT things or fewer and `exact` holds. As many
	 * things as there are paths; more where risks make paths exclude each other that no so few
	 * losses would cut. */
	struct fabric_loss *cut;
	size_t n_cut;
};

void fabric_paths_clear(struct fabric_paths *paths);
typedef struct fabric_paths fabric_paths; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fabric_paths, fabric_paths_clear)

/* Up to `wanted` (1 to FABRIC_MAX_PATHS) disjoint paths from `a` to `b`, as many as there are.
 * FALSE with an error, and
 * `*ret` not written, when `a` or `b` is not in the fabric, a is b (FABRIC_ERROR_LOOP) or `wanted`
 * is out of range. No path is not an error: ret->n_paths is 0. */
gboolean fabric_disjoint_paths(const struct fabric *fabric, const char *a, const char *b,
	unsigned wanted, struct fabric_paths *ret, GError **error);

/* Whether there is a way from `a` to `b`; FALSE for names the fabric does not know. A node reaches
 * itself. */
gboolean fabric_reachable(const struct fabric *fabric, const char *a, const char *b);

/* Names of all nodes that `from` reaches, itself included, sorted; NULL-terminated, newly
 * allocated. Empty for an unknown name. */
char **fabric_reach(const struct fabric *fabric, const char *from);

/* Single points of failure of the whole fabric. */
struct fabric_cuts {
	char **nodes; /* whose loss separates two others that reach each other; sorted */
	char **edges; /* ids; whose loss separates two nodes that reach each other; sorted */
};

void fabric_cuts_clear(struct fabric_cuts *cuts);
typedef struct fabric_cuts fabric_cuts; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(fabric_cuts, fabric_cuts_clear)

/* Tarjan's low-link without recursion, linear in nodes and edges, plus, for a switch that is joined
 * to no other forwarding node, a comparison of the pairs of hosts on it. */
void fabric_cut_points(const struct fabric *fabric, struct fabric_cuts *ret);
