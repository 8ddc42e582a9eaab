#include "plan/order.h"

#include "plan/turns.h"

#include <string.h>

/* What comes next in an order: one row a phase, docs/moves.md in code. */

#define SILENT_MS 8000

enum {
	SIDE_FROM = 1 << 0,
	SIDE_TO = 1 << 1,
};

/* What becomes of an order that cannot go on. */
enum remedy {
	REMEDY_BACK,
	REMEDY_STUCK,
	REMEDY_FORWARD, /* on to the next phase all the same */
	REMEDY_WAIT,
};

/* One order being looked at. */
struct look {
	const struct facts_order *order;
	const struct plan_observed *observed;
	enum plan_verb verb;
	enum plan_phase phase;
	guint64 now_ms;
	guint64 since_ms; /* begin of the phase */
	guint64 turn_ms;  /* begin of its last turn: what is to be done in time begins here */
};

typedef gboolean (*over_fn)(const struct look *look, size_t i);

struct row {
	unsigned verbs; /* 1 << enum plan_verb */
	enum plan_phase phase;
	enum plan_phase next;
	over_fn over;     /* for member i */
	unsigned awaited; /* who must answer */
	unsigned acting;  /* whose failure counts */
	unsigned watched; /* whose silence counts */
	unsigned needed;  /* without whom it cannot go on: a host that is known to be off */
	guint64 limit_ms;
	enum remedy failed, late, silent;
	gboolean abortable;
};

static const struct facts_order_member *member_of(const struct look *look, size_t i)
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

static gboolean answered(const struct look *look, const struct plan_side *side, const char *state)
{
	return strcmp(answer_of(look, side), state) == 0;
}

/* ---- when a phase is over for a member ---- */

static gboolean over_at_to(const struct look *look, size_t i)
{
	return answered(look, &look->observed->to[i], "done");
}

static gboolean over_at_from(const struct look *look, size_t i)
{
	return answered(look, &look->observed->from[i], "done");
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
	gboolean off = from->fenced || (answered(look, from, "done") && !from->active);

	return off && answered(look, to, "done") && to->active;
}

/* invariant 6 */
static gboolean over_running(const struct look *look, size_t i)
{
	const struct plan_side *to = &look->observed->to[i];

	return answered(look, to, "done") && to->running && to->conforming;
}

static gboolean over_stop(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	return from->fenced || (answered(look, from, "done") && !from->active);
}

static gboolean over_restart(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	return member_of(look, i)->stays || from->fenced ||
	       (answered(look, from, "done") && from->running);
}

#define MOVE  (1U << PLAN_VERB_MOVE)
#define START (1U << PLAN_VERB_START)
#define STOP  (1U << PLAN_VERB_STOP | 1U << PLAN_VERB_REMOVE)
#define BOTH  (SIDE_FROM | SIDE_TO)

static const struct row rows[] = {
	{ MOVE, PLAN_PHASE_PROTECT, PLAN_PHASE_PRECOPY, over_at_to, SIDE_TO, SIDE_TO, BOTH, BOTH,
		30000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ START, PLAN_PHASE_PROTECT, PLAN_PHASE_START, over_at_to, SIDE_TO, SIDE_TO, SIDE_TO,
		SIDE_TO, 30000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ MOVE, PLAN_PHASE_PRECOPY, PLAN_PHASE_SWITCH, over_at_from, SIDE_FROM, BOTH, BOTH, BOTH,
		600000, REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
	{ MOVE, PLAN_PHASE_SWITCH, PLAN_PHASE_RESUME, over_switch, BOTH, BOTH, BOTH, SIDE_TO, 30000,
		REMEDY_BACK, REMEDY_BACK, REMEDY_BACK, TRUE },
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

#define RETURN_LIMIT_MS 30000

static const struct row *find_row(enum plan_verb verb, enum plan_phase phase)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].phase == phase && rows[i].verbs & (1U << verb))
			return &rows[i];
	return NULL;
}

/* ---- time ---- */

static guint64 elapsed(guint64 now_ms, guint64 since_ms)
{
	return now_ms > since_ms ? now_ms - since_ms : 0;
}

static const struct facts_order_step *find_step(const struct facts_order *order, const char *name)
{
	for (unsigned i = 0; order->steps && i < order->steps->len; i++) {
		const struct facts_order_step *step = order->steps->pdata[i];

		if (g_strcmp0(step->name, name) == 0)
			return step;
	}
	return NULL;
}

static guint64 phase_began(const struct facts_order *order)
{
	const struct facts_order_step *step = find_step(order, order->phase);

	return step && step->started_ms ? step->started_ms : order->at_ms;
}

/* For how long it has been silent in this phase. */
static guint64 silence(const struct look *look, const struct plan_side *side)
{
	if (side->alive || side->fenced)
		return 0;
	return elapsed(look->now_ms, MAX(side->silent_since_ms, look->since_ms));
}

gboolean plan_order_committed(const struct facts_order *order)
{
	static const enum plan_phase running[] = { PLAN_PHASE_RESUME, PLAN_PHASE_START };

	for (size_t i = 0; i < G_N_ELEMENTS(running); i++) {
		const struct facts_order_step *step = find_step(
			order, plan_phase_to_string(running[i]));

		if (step && step->started_ms)
			return TRUE;
	}
	return FALSE;
}

/* ---- answers of this file ---- */

static void wait_until(const struct look *look, guint64 limit_ms, struct plan_next *ret)
{
	guint64 passed = elapsed(look->now_ms, look->turn_ms);
	guint64 turn_ms = turns_next_ms(look->order);

	ret->action = PLAN_WAIT;
	ret->phase = look->phase;
	ret->code = PLAN_N_CODES;
	ret->wait_ms = limit_ms > passed ? MIN(limit_ms - passed, SILENT_MS) : 0;
	if (turn_ms)
		ret->wait_ms = MIN(ret->wait_ms, MAX(elapsed(turn_ms, look->now_ms), 1));
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
		const struct facts_order_member *member = member_of(look, i);
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
	return answered(look, side, "failed");
}

static gboolean is_silent(const struct look *look, const struct plan_side *side)
{
	return silence(look, side) >= SILENT_MS;
}

static gboolean is_fenced(const struct look *look, const struct plan_side *side)
{
	(void)look;
	return side->fenced;
}

static const char *host_of(const struct look *look, size_t i, const struct plan_side *side)
{
	if (side->host_name)
		return side->host_name;
	return side == &look->observed->from[i] ? member_of(look, i)->from : member_of(look, i)->to;
}

static char *failure_text(const struct look *look, size_t i, const struct plan_side *side)
{
	return g_strdup_printf("%s on host %s in phase %s: %s", member_of(look, i)->machine,
		host_of(look, i, side), look->order->phase,
		side->progress->text ? side->progress->text : "failed");
}

/* "web1, web2": the members that have this host on that side. */
static char *members_at(const struct look *look, unsigned sides, const char *host)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < look->observed->n_members; i++) {
		const struct facts_order_member *member = member_of(look, i);
		const char *at = sides == SIDE_FROM ? member->from : member->to;

		if (g_strcmp0(at, host) == 0)
			g_string_append_printf(
				names, "%s%s", names->len ? ", " : "", member->machine);
	}
	return g_string_free(names, FALSE);
}

/* "21:03:11 UTC": the same wherever it is read, and no news as time goes by. */
static char *clock_of(guint64 ms)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)(ms / 1000));

	return time ? g_date_time_format(time, "%H:%M:%S UTC") : g_strdup("long ago");
}

static char *lost_text(const struct look *look, size_t i, const struct plan_side *side)
{
	unsigned which = side == &look->observed->from[i] ? SIDE_FROM : SIDE_TO;
	const struct facts_order_member *member = member_of(look, i);
	g_autofree char *machines = members_at(
		look, which, which == SIDE_FROM ? member->from : member->to);
	g_autofree char *since = clock_of(MAX(side->silent_since_ms, look->since_ms));

	if (side->fenced)
		return g_strdup_printf("host %s of %s is off in phase %s", host_of(look, i, side),
			machines, look->order->phase);
	return g_strdup_printf("host %s of %s is silent since %s in phase %s",
		host_of(look, i, side), machines, since, look->order->phase);
}

/* What a person can do about a host whose word is missing; takes the text it is added to. */
static char *with_way_out(
	const struct look *look, size_t i, const struct plan_side *side, char *text)
{
	g_autofree char *before = text;

	return g_strdup_printf(
		"%s; bring its agent back, or switch it off and say so: drover fence %s --confirm-powered-off",
		before, host_of(look, i, side));
}

/* Who has not done its part, for people. */
static char *late_text(const struct look *look, over_fn over)
{
	g_autoptr(GString) who = g_string_new(NULL);

	for (size_t i = 0; i < look->observed->n_members; i++)
		if (!over(look, i))
			g_string_append_printf(
				who, "%s%s", who->len ? ", " : "", member_of(look, i)->machine);
	return g_strdup_printf(
		"phase %s has not ended in time for %s", look->order->phase, who->str);
}

static gboolean all_over(const struct look *look, over_fn over)
{
	for (size_t i = 0; i < look->observed->n_members; i++)
		if (!over(look, i))
			return FALSE;
	return TRUE;
}

/* ---- the way back ---- */

/* Nothing of member i can run, now or later, at its destination (invariant 5). */
static gboolean is_gone_there(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];
	const struct plan_side *to = &look->observed->to[i];

	if (!member_of(look, i)->to || to->fenced)
		return TRUE;
	if (to->alive && member_of(look, i)->stays && to->running)
		return answered(look, to, "done"); /* it has heard that it is to stay */
	if (to->alive && member_of(look, i)->stays && from->alive && !to->active)
		return FALSE; /* it went before it heard: no longer one that stays (apply.c) */
	if (to->alive)
		return answered(look, to, "done") && !to->active;
	if (plan_order_committed(look->order))
		return FALSE;
	return from->running || elapsed(look->now_ms, look->since_ms) >= RETURN_LIMIT_MS;
}

static gboolean is_settled_here(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	if (!member_of(look, i)->from || member_of(look, i)->stays || from->fenced)
		return TRUE;
	return answered(look, from, "done") && (from->running || !from->active);
}

static gboolean over_return(const struct look *look, size_t i)
{
	return is_gone_there(look, i) && is_settled_here(look, i);
}

/* ... or cannot be brought to run here. */
static gboolean runs_here(const struct look *look, size_t i)
{
	const struct plan_side *from = &look->observed->from[i];

	return !member_of(look, i)->from || member_of(look, i)->stays || from->fenced ||
	       from->running;
}

/* Members that neither run at their source nor can be brought to: the operator has to know. */
static void note_exceptions(const struct look *look, struct plan_next *ret)
{
	g_autoptr(GString) off = g_string_new(NULL);
	g_autoptr(GString) stay = g_string_new(NULL);

	for (size_t i = 0; i < look->observed->n_members; i++) {
		const struct facts_order_member *member = member_of(look, i);
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
	unsigned missed = plan_order_committed(look->order) ? BOTH : SIDE_FROM;
	const struct plan_side *side;
	size_t i;

	if (all_over(look, over_return)) {
		advance(all_over(look, runs_here) ? PLAN_PHASE_RETURNED : PLAN_PHASE_RESTART, ret);
		if (ret->phase == PLAN_PHASE_RETURNED)
			note_exceptions(look, ret);
		return;
	}
	if (find_side(look, BOTH, has_failed, &i, &side))
		remedy(look, REMEDY_STUCK, PLAN_PHASE_FAILED, failure_text(look, i, side), ret);
	else if (elapsed(look->now_ms, look->since_ms) < RETURN_LIMIT_MS)
		wait_until(look, RETURN_LIMIT_MS, ret);
	else if (find_side(look, missed, is_silent, &i, &side))
		remedy(look, REMEDY_STUCK, PLAN_HOST_LOST,
			with_way_out(look, i, side, lost_text(look, i, side)), ret);
	else
		remedy(look, REMEDY_STUCK, PLAN_PHASE_TIMEOUT, late_text(look, over_return), ret);
}

/* ---- the way forward ---- */

/* A cause to leave the way; FALSE: none. */
static gboolean next_off_the_way(
	const struct look *look, const struct row *row, struct plan_next *ret)
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

static void next_in_time(const struct look *look, const struct row *row, struct plan_next *ret)
{
	const char *cut = all_over(look, row->over) ? look->observed->cut : NULL;
	const struct plan_side *side;
	size_t i;

	if (row->watched && find_side(look, row->watched, is_silent, &i, &side)) {
		char *text = lost_text(look, i, side);

		if (row->silent == REMEDY_STUCK)
			text = with_way_out(look, i, side, text);
		remedy(look, row->silent, PLAN_HOST_LOST, text, ret);
	} else if (elapsed(look->now_ms, look->turn_ms) < row->limit_ms) {
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

static void advance_along(const struct look *look, const struct row *row, struct plan_next *ret)
{
	advance(row->next, ret);
	if (row->next == PLAN_PHASE_RETURNED)
		note_exceptions(look, ret);
	if (look->observed->against) {
		ret->code = PLAN_DEGRADED;
		ret->text = g_strdup(look->observed->against);
	}
}

/* FALSE: no order one could look at. */
static gboolean look_at(const struct facts_order *order, const struct plan_observed *observed,
	guint64 now_ms, struct look *ret)
{
	*ret = (struct look){ .order = order, .observed = observed, .now_ms = now_ms };
	ret->since_ms = phase_began(order);
	ret->turn_ms = MAX(ret->since_ms, turns_began_ms(order));
	return plan_verb_from_string(order->verb, &ret->verb) &&
	       plan_phase_from_string(order->phase, &ret->phase) &&
	       observed->n_members == (order->members ? order->members->len : 0);
}

void plan_order_next(const struct facts_order *order, const struct plan_observed *observed,
	guint64 now_ms, struct plan_next *ret)
{
	const struct row *row;
	struct look look;

	*ret = (struct plan_next){
		.action = PLAN_WAIT, .phase = PLAN_PHASE_DONE, .code = PLAN_N_CODES
	};
	if (plan_order_ended(order))
		return;
	if (!look_at(order, observed, now_ms, &look)) {
		look.phase = PLAN_PHASE_DONE;
		remedy(&look, REMEDY_STUCK, PLAN_PHASE_FAILED,
			g_strdup_printf("order %s: no such verb or phase: %s %s", order->id,
				order->verb, order->phase),
			ret);
		return;
	}
	row = find_row(look.verb, look.phase);
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
	else if (all_over(&look, row->over) && !observed->cut) /* invariant 6 */
		advance_along(&look, row, ret);
	else
		next_in_time(&look, row, ret);
}

void plan_next_clear(struct plan_next *next)
{
	g_clear_pointer(&next->text, g_free);
}

/* ---- whom it waits for ---- */

/* The host on that side of a member's way. */
static char *host_at(const struct look *look, size_t i, unsigned which)
{
	return which == SIDE_FROM ? member_of(look, i)->from : member_of(look, i)->to;
}

/* A member's side has not done its part: has not answered, or has and the facts say otherwise. */
static gboolean is_awaited(const struct look *look, const struct row *row, size_t i, unsigned which)
{
	const struct plan_side *side = which == SIDE_FROM ? &look->observed->from[i]
							  : &look->observed->to[i];
	const char *host = host_at(look, i, which);
	unsigned awaited = row ? row->awaited : BOTH;

	if (!host || !(awaited & which) || side->fenced ||
		(row ? row->over(look, i) : over_return(look, i)))
		return FALSE;
	return awaited == which || !answered(look, side, "done");
}

static char *describe(
	const struct look *look, size_t i, const struct plan_side *side, const char *machines)
{
	g_autofree char *since = clock_of(MAX(side->silent_since_ms, look->since_ms));

	if (side->alive)
		return g_strdup_printf("%s: %s", host_of(look, i, side), machines);
	return g_strdup_printf("%s: %s (its agent is silent since %s)", host_of(look, i, side),
		machines, side->silent_since_ms ? since : "this phase began or longer");
}

/* The machines, from the i-th on, whose part on this host is awaited. */
static char *awaited_at(const struct look *look, const struct row *row, size_t i, unsigned which)
{
	GString *machines = g_string_new(NULL);
	const char *host = host_at(look, i, which);

	for (; i < look->observed->n_members; i++)
		if (is_awaited(look, row, i, which) && strcmp(host_at(look, i, which), host) == 0)
			g_string_append_printf(machines, "%s%s", machines->len ? ", " : "",
				member_of(look, i)->machine);
	return g_string_free(machines, FALSE);
}

static void add_awaited(
	const struct look *look, const struct row *row, unsigned which, GStrvBuilder *lines)
{
	g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);

	for (size_t i = 0; i < look->observed->n_members; i++) {
		g_autofree char *machines = NULL;
		g_autofree char *line = NULL;

		if (!is_awaited(look, row, i, which) ||
			!g_hash_table_add(told, host_at(look, i, which)))
			continue;
		machines = awaited_at(look, row, i, which);
		line = describe(look, i,
			which == SIDE_FROM ? &look->observed->from[i] : &look->observed->to[i],
			machines);
		g_strv_builder_add(lines, line);
	}
}

char **plan_order_waits_for(
	const struct facts_order *order, const struct plan_observed *observed, guint64 now_ms)
{
	g_autoptr(GStrvBuilder) lines = g_strv_builder_new();
	const struct row *row;
	struct look look;

	if (!plan_order_ended(order) && look_at(order, observed, now_ms, &look)) {
		row = find_row(look.verb, look.phase);
		add_awaited(&look, row, SIDE_FROM, lines);
		add_awaited(&look, row, SIDE_TO, lines);
	}
	return g_strv_builder_end(lines);
}
