#pragma once
/* Inside of orders: one order being looked at, and the row of the phase that it is in. For the
 * files of this room only.
 *
 * The rows are docs/moves.md's tables in code. A look borrows the order and what was observed, and
 * says what has been answered, what is over, and since when; it decides nothing (next.c does).
 */
#include "plan/order.h"

#define LOOK_SILENT_MS       8000  /* an agent that is silent for so long is missed */
#define LOOK_RETURN_LIMIT_MS 30000 /* of the way back, which has no row */

enum {
	SIDE_FROM = 1 << 0,
	SIDE_TO = 1 << 1,
	SIDE_BOTH = SIDE_FROM | SIDE_TO,
};

/* What becomes of an order that cannot go on. */
enum remedy {
	REMEDY_BACK,
	REMEDY_STUCK,
	REMEDY_FORWARD, /* on to the next phase all the same */
	REMEDY_WAIT,
};

struct look {
	const struct facts_order *order;
	const struct plan_observed *observed;
	enum plan_verb verb;
	enum plan_phase phase;
	guint64 now_ms;
	guint64 since_ms; /* begin of the phase */
	guint64 turn_ms;  /* begin of its last turn: what is to be done in time begins here */
};

typedef gboolean (*look_over)(const struct look *look, size_t i);

struct look_row {
	unsigned verbs; /* 1 << enum plan_verb */
	enum plan_phase phase;
	enum plan_phase next;
	look_over over;   /* for member i */
	unsigned awaited; /* who must answer */
	unsigned acting;  /* whose failure counts */
	unsigned watched; /* whose silence counts */
	unsigned needed;  /* without whom it cannot go on: a host that is known to be off */
	guint64 limit_ms;
	enum remedy failed, late, silent;
	gboolean abortable;
};

/* FALSE: no order one could look at. */
gboolean look_init(struct look *ret, const struct facts_order *order,
	const struct plan_observed *observed, guint64 now_ms);
/* NULL: the phase is none of the verb's way forward. */
const struct look_row *look_row(const struct look *look);

const struct facts_order_member *look_member(const struct look *look, size_t i);
/* NULL: the order has no step of that name. */
struct facts_order_step *look_step(const struct facts_order *order, const char *name);
/* The side has answered the order's phase so. */
gboolean look_answered(const struct look *look, const struct plan_side *side, const char *state);
gboolean look_all_over(const struct look *look, look_over over);
/* Of the way back: nothing of member i can run at its destination, and its source is done. */
gboolean look_over_return(const struct look *look, size_t i);

/* From one to the other; 0 if they are the other way round. */
guint64 look_elapsed(guint64 now_ms, guint64 since_ms);
/* For how long it has been silent in this phase. */
guint64 look_silence_ms(const struct look *look, const struct plan_side *side);

/* ---- words ---- */

/* Its name, or its UUID. */
const char *look_host_name(const struct look *look, size_t i, const struct plan_side *side);
/* "21:03:11 UTC" of the time since when the side is silent, as far as is known: the same wherever
 * it is read, and no news as time goes by. Newly allocated. */
char *look_silent_since(const struct look *look, const struct plan_side *side);
