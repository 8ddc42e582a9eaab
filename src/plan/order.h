#pragma once
/* Orders: which phases start, stop, move and remove go through, and what comes next.
 *
 * docs/moves.md has the state diagram, the invariants by number and what agents do in each phase.
 * Everything here is a function of its arguments: an order (facts_order, in the map), what the
 * hosts report (facts in the map) and the time. Whoever carries out orders keeps nothing else, so
 * it may die at any point and go on from the map.
 */
#include "plan/clearance.h"

#define PLAN_PHASES(X)        \
	X(PROTECT, "protect") \
	X(PRECOPY, "precopy") \
	X(SWITCH, "switch")   \
	X(RESUME, "resume")   \
	X(RELEASE, "release") \
	X(START, "start")     \
	X(STOP, "stop")       \
	X(DONE, "done")       \
	X(RETURN, "return")   \
	X(RESTART, "restart") \
	X(RETURNED, "returned")

enum plan_phase {
#define PLAN_PHASE_ENUM(phase, name) PLAN_PHASE_##phase,
	PLAN_PHASES(PLAN_PHASE_ENUM)
#undef PLAN_PHASE_ENUM
		PLAN_N_PHASES,
};
const char *plan_phase_to_string(enum plan_phase phase);
gboolean plan_phase_from_string(const char *name, enum plan_phase *ret_phase);

enum plan_verb {
	PLAN_VERB_START,
	PLAN_VERB_STOP,
	PLAN_VERB_MOVE,
	PLAN_VERB_REMOVE,
	PLAN_N_VERBS,
};
const char *plan_verb_to_string(enum plan_verb verb);
gboolean plan_verb_from_string(const char *name, enum plan_verb *ret_verb);

/* ---- making an order ---- */

struct plan_request {
	const char *id;
	enum plan_verb verb;
	const struct plan_placement *placement; /* start and move: where to */
	guint64 now_ms;
};

/* Whether the vApp may be ordered about so now, whatever the hosts say: its package is there, no
 * order of it is running, all of it runs (move) or not all (start), nothing twice. FALSE:
 * *ret_reasons, as plan_clear(). */
gboolean plan_may_order(
	const struct world *world, const char *vapp, enum plan_verb verb, GPtrArray **ret_reasons);
/* Fills a zeroed order in its first phase, state running, with its members and steps. Members that
 * are where they shall be take no part. */
void plan_order_init(struct facts_order *order, const struct world *world, const struct vapp *vapp,
	const struct plan_request *request);
/* A request that was not taken up: state refused, phase done, with the reasons. */
void plan_order_refuse(
	struct facts_order *order, const struct plan_request *request, const GPtrArray *reasons);

/* ---- carrying it out ---- */

/* What is known of one side of a member. */
struct plan_side {
	const char *host_name; /* for sentences; NULL: its UUID serves */
	gboolean alive;        /* its agent stands */
	gboolean fenced; /* switched off by an operator's word, and silent: nothing runs there */
	guint64 silent_since_ms; /* since when it is not alive; 0: not known, the phase's begin
				  * counts
				  */
	gboolean active;         /* runs-on says running, paused or moving */
	gboolean running;        /* runs-on says running */
	gboolean conforming;     /* its rules, read back, equal the intent */
	const struct facts_progress *progress; /* of this order, or NULL */
};

struct plan_observed {
	size_t n_members; /* in the order's own order */
	struct plan_side *from;
	struct plan_side *to; /* a side that a member does not have is all zero */
	gboolean abort;       /* somebody asks to abort */
	gboolean verified;    /* plan_verify() has looked; the two below are its sentences */
	char *cut; /* no way for a declared connection that had one at the sources; NULL: none */
	char *against; /* everything that stands against where the machines are; NULL: nothing */
};

/* What whoever carries out orders knows beside the world. */
struct plan_watch {
	GHashTable *silent_since; /* host UUID → guint64 *: wall clock, ms, when its agent went;
				     NULL: not kept */
	gboolean abort;
};
/* `watch` may be NULL. Pointers into the world: it must not change while `observed` is used. */
void plan_observe(struct plan_observed *observed, const struct world *world,
	const struct facts_order *order, const struct plan_watch *watch);
/* Judges where the machines have arrived, if the order is in a phase whose end that decides
 * (docs/moves.md, Verifying); else does nothing. */
void plan_verify(struct plan_observed *observed, struct plan_judge *judge, const struct vapp *vapp,
	const struct facts_order *order, guint64 now_ms);
void plan_observed_clear(struct plan_observed *observed);
typedef struct plan_observed plan_observed; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(plan_observed, plan_observed_clear)

enum plan_action {
	PLAN_WAIT,      /* nothing to do until a fact changes or time passes */
	PLAN_ADVANCE,   /* go on to `phase` */
	PLAN_ROLL_BACK, /* bring everything back: `phase`, because of `code` */
	PLAN_STUCK, /* as PLAN_WAIT, but a person should look: `code`; goes on by itself when facts
		       allow */
};

struct plan_next {
	enum plan_action action;
	enum plan_phase phase; /* to go to; the current one for PLAN_WAIT and PLAN_STUCK */
	enum plan_code code;   /* why, PLAN_N_CODES: no reason needed */
	char *text;      /* one sentence with host and machine, or NULL; of PLAN_WAIT: what for */
	guint64 wait_ms; /* PLAN_WAIT: look again after this time at the latest; 0: never */
};
void plan_next_clear(struct plan_next *next);
typedef struct plan_next plan_next; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(plan_next, plan_next_clear)

/* What comes next. Total: any order, even one with a phase nobody knows, gets an answer. */
void plan_order_next(const struct facts_order *order, const struct plan_observed *observed,
	guint64 now_ms, struct plan_next *ret);
/* The order after that: phase, state, reason, steps, gaps. TRUE: it differs and is to be
 * published. */
gboolean plan_order_apply(struct facts_order *order, const struct plan_next *next,
	const struct plan_observed *observed, guint64 now_ms);
gboolean plan_order_ended(const struct facts_order *order);
/* Whether a destination may have run a machine: then its own word is needed to go back. */
gboolean plan_order_committed(const struct facts_order *order);
/* Whom the order waits for in its phase, for people: one "B: web1, web2" each host, with what is
 * known of its silence. Empty when it waits for nobody. Free with g_strfreev(). */
char **plan_order_waits_for(
	const struct facts_order *order, const struct plan_observed *observed, guint64 now_ms);

/* Which reservation the order wants a member to have at its two sides, in this phase: "home",
 * "arrival" or NULL for none. Publish (or delete) before or together with the order's phase. */
struct plan_holds {
	const char *from;
	const char *to;
};
struct plan_holds plan_order_holds(
	const struct facts_order *order, const struct facts_order_member *member);
