#pragma once
/* May the machines of a vApp run where the question puts them, now? With every reason why not.
 *
 * A verdict is a function of the world, the package, the placement and the two times in the
 * question, nothing else: the same inputs give the same reasons in the same order. Machines of the
 * vApp that are active on the host already are not counted twice. What rests on facts of a host
 * whose agent is absent is not judged (that absence is the one reason), and what rests on a fact
 * that does not stand is FACTS_STALE.
 *
 * Paths: a flow between machines on one host has no cable to lose and needs none. A flow between
 * two hosts needs its n disjoint paths from host to host, one with the outside from the host to
 * WORLD_OUTSIDE (world/world.h says what that is).
 */
#include "plan/reason.h"
#include "world/world.h"

/* Where each machine of a vApp is, or would be: hosts[i] is the UUID of the host of the i-th
 * machine of the package, NULL for one that is nowhere (and then not judged). */
struct plan_placement {
	size_t n_hosts;
	char **hosts;
};

void plan_placement_init(struct plan_placement *placement, const struct vapp *vapp);
void plan_placement_clear(struct plan_placement *placement);
void plan_placement_set(struct plan_placement *placement, size_t i, const char *host);
void plan_placement_set_all(struct plan_placement *placement, const char *host);
/* Where they are active now. */
void plan_placement_set_current(
	struct plan_placement *placement, const struct world *world, const struct vapp *vapp);
typedef struct plan_placement plan_placement; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(plan_placement, plan_placement_clear)

#define PLAN_MAX_AGE_MS 10000

struct plan_question {
	const struct vapp *vapp;
	const struct plan_placement *placement;
	guint64 now_ms;     /* wall clock */
	guint64 max_age_ms; /* the world may be no older (world_as_of); 0: do not ask */
	/* What stays where it is when a place is looked for (plan/place.h); NULL: nothing. */
	const struct plan_placement *pinned;
	unsigned n_enough; /* disjoint paths that every flow is content with; 0: what it
			    * declares */
};

/* Judges questions about one world; remembers the disjoint paths it has computed until the fabric
 * changes, so keep it as long as the world. The world is borrowed. */
struct plan_judge;

struct plan_judge *plan_judge_new(const struct world *world);
void plan_judge_free(struct plan_judge *judge);
typedef struct plan_judge plan_judge; /* for g_auto */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(plan_judge, plan_judge_free)

/* TRUE: nothing stands against it. FALSE: *ret_reasons (may be NULL) is every reason, struct
 * plan_reason, owned by the caller. */
gboolean plan_clear(
	struct plan_judge *judge, const struct plan_question *question, GPtrArray **ret_reasons);
/* Only whether every declared connection has a way at all: a path, and the segments that the
 * machines attach to. What is not known counts as a way. */
gboolean plan_reachable(
	struct plan_judge *judge, const struct plan_question *question, GPtrArray **ret_reasons);
/* All machines of the vApp on one host; host by UUID or name. An unknown vApp or host is a reason
 * too. */
gboolean plan_clear_on(struct plan_judge *judge, const char *vapp, const char *host, guint64 now_ms,
	GPtrArray **ret_reasons);

/* The verdict as a fact. `before` is the verdict that stands (NULL: none): since_ms is kept while
 * the verdict stays, and `changed` says which reasons came and went. Reasons NULL: clear. */
void plan_clearance_to_fact(const GPtrArray *reasons, const struct facts_clearance *before,
	guint64 now_ms, struct facts_clearance *ret_fact);
/* Whether publishing `after` would tell more than `before` does (times aside). */
gboolean plan_clearance_differs(
	const struct facts_clearance *before, const struct facts_clearance *after);

/* What if: carries out the changes in the world. FALSE with an error: one of them makes no sense;
 * those before it are made. */
gboolean plan_change_apply(struct world *world, const GPtrArray *changes,
	struct world_touched *touched, GError **error);
