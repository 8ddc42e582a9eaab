#include "plan/look.h"

#include "plan/turns.h"

#include <string.h>

const struct facts_order_member *look_member(const struct look *look, size_t i)
{
	return look->order->members->pdata[i];
}

/* ---- answers ---- */

static const char *answer_of(const struct look *look, const struct plan_side *side)
{
	if (!side->progress ||
		g_strcmp0(side->progress->phase, plan_phase_to_string(look->phase)) != 0)
		return "";
	return side->progress->state ? side->progress->state : "";
}

gboolean look_answered(const struct look *look, const struct plan_side *side, const char *state)
{
	return strcmp(answer_of(look, side), state) == 0;
}

/* ---- when a phase is over for a member ---- */

static gboolean over_at_to(const struct look *look, size_t i)
{
	return look_answered(look, &look->observed->to[i], "done");
}

static gboolean over_at_from(const struct look *look, size_t i)
{
	return look_answered(look, &look->observed->from[i], "done");
}

/* A host that is off drops its copy when it comes back: nobody has reserved room there. */
static gboolean over_release(const struct look *look, size_t i)
{
	return look->observed->from[i].fenced || over_at_from(look, i);
}

/* invariant 4 */
static gboolean over_switch(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];
	const struct plan_side *to = &look->observed->to[i];
	gboolean off = from->fenced || (look_answered(look, from, "done") && !from->active);

	return off && look_answered(look, to, "done") && to->active;
}

/* invariant 6 */
static gboolean over_running(const struct look *look, size_t i)
{
	const struct plan_side *to = &look->observed->to[i];

	return look_answered(look, to, "done") && to->running && to->conforming;
}

static gboolean over_stop(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	return from->fenced || (look_answered(look, from, "done") && !from->active);
}

static gboolean over_restart(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	return look_member(look, i)->stays || from->fenced ||
	       (look_answered(look, from, "done") && from->running);
}

gboolean look_all_over(const struct look *look, look_over over)
{
	for (size_t i = 0; i < look->observed->n_members; i++)
		if (!over(look, i))
			return FALSE;
	return TRUE;
}

/* ---- rows ---- */

#define MOVE  (1U << PLAN_VERB_MOVE)
#define START (1U << PLAN_VERB_START)
#define STOP  (1U << PLAN_VERB_STOP | 1U << PLAN_VERB_REMOVE)

static const struct look_row rows[] = {
	{ MOVE, PLAN_PHASE_PROTECT, PLAN_PHASE_PRECOPY, over_at_to, SIDE_TO, SIDE_TO, SIDE_BOTH,
		SIDE_BOTH, 30000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ START, PLAN_PHASE_PROTECT, PLAN_PHASE_START, over_at_to, SIDE_TO, SIDE_TO, SIDE_TO,
		SIDE_TO, 30000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ MOVE, PLAN_PHASE_PRECOPY, PLAN_PHASE_SWITCH, over_at_from, SIDE_FROM, SIDE_BOTH,
		SIDE_BOTH, SIDE_BOTH, 600000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ MOVE, PLAN_PHASE_SWITCH, PLAN_PHASE_RESUME, over_switch, SIDE_BOTH, SIDE_BOTH, SIDE_BOTH,
		SIDE_TO, 30000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ MOVE, PLAN_PHASE_RESUME, PLAN_PHASE_RELEASE, over_running, SIDE_TO, SIDE_TO, SIDE_TO,
		SIDE_TO, 30000, REMEDY_BACK, REMEDY_BACK, REMEDY_STUCK, TRUE },
	{ START, PLAN_PHASE_START, PLAN_PHASE_DONE, over_running, SIDE_TO, SIDE_TO, SIDE_TO,
		SIDE_TO, 120000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ STOP, PLAN_PHASE_STOP, PLAN_PHASE_RELEASE, over_stop, SIDE_FROM, SIDE_FROM, SIDE_FROM, 0,
		120000, REMEDY_STUCK, REMEDY_STUCK, REMEDY_STUCK, FALSE },
	{ MOVE | STOP, PLAN_PHASE_RELEASE, PLAN_PHASE_DONE, over_release, SIDE_FROM, 0, 0, 0, 60000,
		REMEDY_WAIT, REMEDY_FORWARD, REMEDY_WAIT, FALSE },
	{ MOVE, PLAN_PHASE_RESTART, PLAN_PHASE_RETURNED, over_restart, SIDE_FROM, SIDE_FROM,
		SIDE_FROM, 0, 60000, REMEDY_STUCK, REMEDY_STUCK, REMEDY_STUCK, FALSE },
};

const struct look_row *look_row(const struct look *look)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].phase == look->phase && rows[i].verbs & (1U << look->verb))
			return &rows[i];
	return NULL;
}

/* ---- time ---- */

guint64 look_elapsed(guint64 now_ms, guint64 since_ms)
{
	return now_ms > since_ms ? now_ms - since_ms : 0;
}

struct facts_order_step *look_step(const struct facts_order *order, const char *name)
{
	for (unsigned i = 0; order->steps && i < order->steps->len; i++) {
		struct facts_order_step *step = order->steps->pdata[i];

		if (g_strcmp0(step->name, name) == 0)
			return step;
	}
	return NULL;
}

static guint64 phase_began(const struct facts_order *order)
{
	const struct facts_order_step *step = look_step(order, order->phase);

	return step && step->started_ms ? step->started_ms : order->at_ms;
}

guint64 look_silence_ms(const struct look *look, const struct plan_side *side)
{
	if (side->alive || side->fenced)
		return 0;
	return look_elapsed(look->now_ms, MAX(side->silent_since_ms, look->since_ms));
}

gboolean plan_order_committed(const struct facts_order *order)
{
	static const enum plan_phase running[] = { PLAN_PHASE_RESUME, PLAN_PHASE_START };

	for (size_t i = 0; i < G_N_ELEMENTS(running); i++) {
		const struct facts_order_step *step = look_step(
			order, plan_phase_to_string(running[i]));

		if (step && step->started_ms)
			return TRUE;
	}
	return FALSE;
}

gboolean look_init(struct look *ret, const struct facts_order *order,
	const struct plan_observed *observed, guint64 now_ms)
{
	*ret = (struct look){ .order = order, .observed = observed, .now_ms = now_ms };
	ret->since_ms = phase_began(order);
	ret->turn_ms = MAX(ret->since_ms, turns_began_ms(order));
	return plan_verb_from_string(order->verb, &ret->verb) &&
	       plan_phase_from_string(order->phase, &ret->phase) &&
	       observed->n_members == (order->members ? order->members->len : 0);
}

/* ---- the way back ---- */

/* Nothing of member i can run, now or later, at its destination (invariant 5). */
static gboolean is_gone_there(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];
	const struct plan_side *to = &look->observed->to[i];

	if (!look_member(look, i)->to || to->fenced)
		return TRUE;
	if (to->alive && look_member(look, i)->stays && to->running)
		return look_answered(look, to, "done"); /* it has heard that it is to stay */
	if (to->alive && look_member(look, i)->stays && from->alive && !to->active)
		return FALSE; /* it went before it heard: no longer one that stays (apply.c) */
	if (to->alive)
		return look_answered(look, to, "done") && !to->active;
	if (plan_order_committed(look->order))
		return FALSE;
	return from->running || look_elapsed(look->now_ms, look->since_ms) >= LOOK_RETURN_LIMIT_MS;
}

static gboolean is_settled_here(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	if (!look_member(look, i)->from || look_member(look, i)->stays || from->fenced)
		return TRUE;
	return look_answered(look, from, "done") && (from->running || !from->active);
}

gboolean look_over_return(const struct look *look, size_t i)
{
	return is_gone_there(look, i) && is_settled_here(look, i);
}

/* ---- words ---- */

const char *look_host_name(const struct look *look, size_t i, const struct plan_side *side)
{
	if (side->host_name)
		return side->host_name;
	return side == &look->observed->from[i] ? look_member(look, i)->from
						: look_member(look, i)->to;
}

char *look_silent_since(const struct look *look, const struct plan_side *side)
{
	guint64 since_ms = MAX(side->silent_since_ms, look->since_ms);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)(since_ms / 1000));

	return time ? g_date_time_format(time, "%H:%M:%S UTC") : g_strdup("long ago");
}
