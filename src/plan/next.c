#include "plan/look.h"

#include "plan/turns.h"

#include <string.h>

/* What comes next in an order, by the row of its phase (look.c), and in which words. */

/* ---- answers of this file ---- */

static void wait_until(const struct look *look, guint64 limit_ms, struct plan_next *ret)
{
	guint64 passed = look_elapsed(look->now_ms, look->turn_ms);
	guint64 turn_ms = turns_next_ms(look->order);

	ret->action = PLAN_WAIT;
	ret->phase = look->phase;
	ret->code = PLAN_N_CODES;
	ret->wait_ms = limit_ms > passed ? MIN(limit_ms - passed, LOOK_SILENT_MS) : 0;
	if (turn_ms)
		ret->wait_ms = MIN(ret->wait_ms, MAX(look_elapsed(turn_ms, look->now_ms), 1));
}

static void advance(enum plan_phase phase, struct plan_next *ret)
{
	ret->action = PLAN_ADVANCE;
	ret->phase = phase;
	ret->code = PLAN_N_CODES;
}

/* Takes the text. */
static void remedy(const struct look *look, enum remedy what, enum plan_code code, char *text,
	struct plan_next *ret)
{
	ret->action = what == REMEDY_BACK ? PLAN_ROLL_BACK : PLAN_STUCK;
	ret->phase = what == REMEDY_BACK ? PLAN_PHASE_RETURN : look->phase;
	ret->code = code;
	ret->text = text;
}

/* ---- what stands in the way ---- */

/* The first side among `sides` of a member for which `test` holds; FALSE: none. */
typedef gboolean (*side_test)(const struct look *look, const struct plan_side *side);

static gboolean find_side(const struct look *look, unsigned sides, side_test test, size_t *ret_i,
	const struct plan_side **ret_side)
{
	for (size_t i = 0; i < look->observed->n_members; i++) {
		const struct facts_order_member *member = look_member(look, i);
		const struct plan_side *from = &look->observed->from[i];
		const struct plan_side *to = &look->observed->to[i];
		gboolean at_from = sides & SIDE_FROM && member->from && test(look, from);
		gboolean at_to = sides & SIDE_TO && member->to && test(look, to);

		if (!at_from && !at_to)
			continue;
		*ret_i = i;
		*ret_side = at_from ? from : to;
		return TRUE;
	}
	return FALSE;
}

static gboolean has_failed(const struct look *look, const struct plan_side *side)
{
	return look_answered(look, side, "failed");
}

static gboolean is_silent(const struct look *look, const struct plan_side *side)
{
	return look_silence_ms(look, side) >= LOOK_SILENT_MS;
}

static gboolean is_fenced(const struct look *look, const struct plan_side *side)
{
	(void)look;
	return side->fenced;
}

static char *failure_text(const struct look *look, size_t i, const struct plan_side *side)
{
	return g_strdup_printf("%s on host %s in phase %s: %s", look_member(look, i)->machine,
		look_host_name(look, i, side), look->order->phase,
		side->progress->text ? side->progress->text : "failed");
}

/* "web1, web2": the members that have this host on that side. */
static char *members_at(const struct look *look, unsigned sides, const char *host)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < look->observed->n_members; i++) {
		const struct facts_order_member *member = look_member(look, i);
		const char *at = sides == SIDE_FROM ? member->from : member->to;

		if (g_strcmp0(at, host) == 0)
			g_string_append_printf(
				names, "%s%s", names->len ? ", " : "", member->machine);
	}
	return g_string_free(names, FALSE);
}

static char *lost_text(const struct look *look, size_t i, const struct plan_side *side)
{
	unsigned which = side == &look->observed->from[i] ? SIDE_FROM : SIDE_TO;
	const struct facts_order_member *member = look_member(look, i);
	g_autofree char *machines = members_at(
		look, which, which == SIDE_FROM ? member->from : member->to);
	g_autofree char *since = look_silent_since(look, side);

	if (side->fenced)
		return g_strdup_printf("host %s of %s is off in phase %s",
			look_host_name(look, i, side), machines, look->order->phase);
	return g_strdup_printf("host %s of %s is silent since %s in phase %s",
		look_host_name(look, i, side), machines, since, look->order->phase);
}

/* What a person can do about a host whose word is missing; takes the text it is added to. */
static char *with_way_out(
	const struct look *look, size_t i, const struct plan_side *side, char *text)
{
	g_autofree char *before = text;

	return g_strdup_printf(
		"%s; bring its agent back, or switch it off and say so: drover fence %s --confirm-powered-off",
		before, look_host_name(look, i, side));
}

/* Who has not done its part, for people. */
static char *late_text(const struct look *look, look_over over)
{
	g_autoptr(GString) who = g_string_new(NULL);

	for (size_t i = 0; i < look->observed->n_members; i++)
		if (!over(look, i))
			g_string_append_printf(
				who, "%s%s", who->len ? ", " : "", look_member(look, i)->machine);
	return g_strdup_printf(
		"phase %s has not ended in time for %s", look->order->phase, who->str);
}

/* ---- the way back ---- */

/* ... or cannot be brought to run here. */
static gboolean runs_here(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	return !look_member(look, i)->from || look_member(look, i)->stays || from->fenced ||
	       from->running;
}

/* Members that neither run at their source nor can be brought to: the operator has to know. */
static void note_exceptions(const struct look *look, struct plan_next *ret)
{
	g_autoptr(GString) off = g_string_new(NULL);
	g_autoptr(GString) stay = g_string_new(NULL);

	for (size_t i = 0; i < look->observed->n_members; i++) {
		const struct facts_order_member *member = look_member(look, i);
		gboolean stays = member->stays && look->observed->to[i].running;
		GString *list = stays ? stay : off;

		if (stays || member->stays || (member->from && look->observed->from[i].fenced))
			g_string_append_printf(
				list, "%s%s", list->len ? ", " : "", member->machine);
	}
	if (!off->len && !stay->len)
		return;
	ret->code = off->len ? PLAN_OFF_WITH_HOST : PLAN_STAYED;
	ret->text = g_strdup_printf("%s%s%s%s%s", off->str,
		off->len ? " went down with the host" : "", off->len && stay->len ? "; " : "",
		stay->str, stay->len ? " stays where it is, its source is off" : "");
}

static void next_on_the_way_back(const struct look *look, struct plan_next *ret)
{
	/* before anything ran there, nobody waits for a silent destination */
	unsigned missed = plan_order_committed(look->order) ? SIDE_BOTH : SIDE_FROM;
	const struct plan_side *side;
	size_t i;

	if (look_all_over(look, look_over_return)) {
		advance(look_all_over(look, runs_here) ? PLAN_PHASE_RETURNED : PLAN_PHASE_RESTART,
			ret);
		if (ret->phase == PLAN_PHASE_RETURNED)
			note_exceptions(look, ret);
		return;
	}
	if (find_side(look, SIDE_BOTH, has_failed, &i, &side))
		remedy(look, REMEDY_STUCK, PLAN_PHASE_FAILED, failure_text(look, i, side), ret);
	else if (look_elapsed(look->now_ms, look->since_ms) < LOOK_RETURN_LIMIT_MS)
		wait_until(look, LOOK_RETURN_LIMIT_MS, ret);
	else if (find_side(look, missed, is_silent, &i, &side))
		remedy(look, REMEDY_STUCK, PLAN_HOST_LOST,
			with_way_out(look, i, side, lost_text(look, i, side)), ret);
	else
		remedy(look, REMEDY_STUCK, PLAN_PHASE_TIMEOUT, late_text(look, look_over_return),
			ret);
}

/* ---- the way forward ---- */

/* A cause to leave the way; FALSE: none. */
static gboolean next_off_the_way(
	const struct look *look, const struct look_row *row, struct plan_next *ret)
{
	const struct plan_side *side;
	size_t i;

	if (row->acting && find_side(look, row->acting, has_failed, &i, &side))
		remedy(look, row->failed, PLAN_PHASE_FAILED, failure_text(look, i, side), ret);
	else if (row->abortable && look->observed->abort)
		remedy(look, REMEDY_BACK, PLAN_ABORTED, g_strdup("somebody asked to abort"), ret);
	else if (row->needed && find_side(look, row->needed, is_fenced, &i, &side))
		remedy(look, REMEDY_BACK, PLAN_HOST_LOST, lost_text(look, i, side), ret);
	else
		return FALSE;
	return TRUE;
}

static void next_in_time(const struct look *look, const struct look_row *row, struct plan_next *ret)
{
	const char *cut = look_all_over(look, row->over) ? look->observed->cut : NULL;
	const struct plan_side *side;
	size_t i;

	if (row->watched && find_side(look, row->watched, is_silent, &i, &side)) {
		char *text = lost_text(look, i, side);

		if (row->silent == REMEDY_STUCK)
			text = with_way_out(look, i, side, text);
		remedy(look, row->silent, PLAN_HOST_LOST, text, ret);
	} else if (look_elapsed(look->now_ms, look->turn_ms) < row->limit_ms) {
		wait_until(look, row->limit_ms, ret);
		ret->text = g_strdup(cut);
	} else if (row->late == REMEDY_FORWARD) {
		advance(row->next, ret);
		ret->code = PLAN_RELEASE_PENDING;
		ret->text = late_text(look, row->over);
	} else if (cut) {
		remedy(look, row->late, PLAN_NOT_REACHABLE, g_strdup(cut), ret);
	} else {
		remedy(look, row->late, PLAN_PHASE_TIMEOUT, late_text(look, row->over), ret);
	}
}

static void advance_along(
	const struct look *look, const struct look_row *row, struct plan_next *ret)
{
	advance(row->next, ret);
	if (row->next == PLAN_PHASE_RETURNED)
		note_exceptions(look, ret);
	if (look->observed->against) {
		ret->code = PLAN_DEGRADED;
		ret->text = g_strdup(look->observed->against);
	}
}

void plan_order_next(const struct facts_order *order, const struct plan_observed *observed,
	guint64 now_ms, struct plan_next *ret)
{
	const struct look_row *row;
	struct look look;

	*ret = (struct plan_next){
		.action = PLAN_WAIT, .phase = PLAN_PHASE_DONE, .code = PLAN_N_CODES
	};
	if (plan_order_ended(order))
		return;
	if (!look_init(&look, order, observed, now_ms)) {
		look.phase = PLAN_PHASE_DONE;
		remedy(&look, REMEDY_STUCK, PLAN_PHASE_FAILED,
			g_strdup_printf("order %s: no such verb or phase: %s %s", order->id,
				order->verb, order->phase),
			ret);
		return;
	}
	row = look_row(&look);
	if (look.phase == PLAN_PHASE_RETURN)
		next_on_the_way_back(&look, ret);
	else if (look.phase == PLAN_PHASE_DONE || look.phase == PLAN_PHASE_RETURNED)
		advance(look.phase, ret); /* only the end itself was not written down */
	else if (!row)
		remedy(&look, REMEDY_STUCK, PLAN_PHASE_FAILED,
			g_strdup_printf("order %s: %s has no phase %s", order->id, order->verb,
				order->phase),
			ret);
	else if (next_off_the_way(&look, row, ret))
		return;
	else if (look_all_over(&look, row->over) && !observed->cut) /* invariant 6 */
		advance_along(&look, row, ret);
	else
		next_in_time(&look, row, ret);
}

void plan_next_clear(struct plan_next *next)
{
	g_clear_pointer(&next->text, g_free);
}
