#pragma once
/* Where to put a vApp: a placement over several candidate hosts that is clear.
 *
 * One host if one will do, else as few as possible; among equals the host that comes first among
 * the candidates. Up to PLAN_EXACT_MACHINES machines and PLAN_EXACT_HOSTS hosts the search is
 * exact (branch and bound; PLAN_SEARCH_STEPS bounds it), beyond that greedy: it may then miss a
 * placement, and never returns one that is not clear. Deterministic.
 */
#include "plan/clearance.h"

#define PLAN_EXACT_MACHINES 12
#define PLAN_EXACT_HOSTS    32
#define PLAN_SEARCH_STEPS   50000 /* partial placements tried */

/* What stands against the best candidates when there is no placement. */
struct plan_candidate {
	char *host;         /* UUID */
	GPtrArray *reasons; /* struct plan_reason: against the whole vApp there */
};
void plan_candidate_free(struct plan_candidate *candidate);

struct plan_place {
	gboolean found;
	gboolean exact; /* if not found: there is none; if found: none needs fewer hosts */
	struct plan_placement placement; /* when found */
	GPtrArray *candidates; /* struct plan_candidate, fewest reasons first; when not found */
};
void plan_place_clear(struct plan_place *place);
typedef struct plan_place plan_place; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(plan_place, plan_place_clear)

/* `hosts`: candidates by UUID in order of preference, NULL-terminated; NULL: every host of the
 * fleet. `question->placement` is not read; machines that `question->pinned` has a host for stay
 * there, and the whole is judged. */
void plan_find_place(struct plan_judge *judge, const struct plan_question *question,
	const char *const *hosts, struct plan_place *ret);

/* Live hosts on which no machine of the vApp is active: where a move goes if nobody says where.
 * UUIDs in order. */
char **plan_other_hosts(const struct world *world, const struct vapp *vapp);
/* The placement that an order with these destinations gets (UUIDs, NULL-terminated; none: the hosts
 * of what is pinned, then the other hosts). `question->placement` is not read; *ret is written on
 * success only, by plan_placement_init(). FALSE: *ret_reasons, never empty, is what stands against
 * the best. */
gboolean plan_choose_place(struct plan_judge *judge, const struct plan_question *question,
	const char *const *hosts, struct plan_placement *ret, GPtrArray **ret_reasons);
