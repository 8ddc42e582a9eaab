#include "plan/look.h"

#include "plan/turns.h"

#include <string.h>

/* Writing down what comes next: phase, state, reason, steps, gaps. */

static void set(char **string, const char *value)
{
	char *copy = g_strdup(value); /* it may be part of the old one */

	g_free(*string);
	*string = copy;
}

static struct facts_order_step *need_step(struct facts_order *order, const char *name)
{
	struct facts_order_step *step = look_step(order, name);

	if (step)
		return step;
	if (!order->steps)
		order->steps = facts_list_new();
	step = facts_list_add(order->steps, FACTS_ORDER, "step");
	step->name = g_strdup(name);
	return step;
}

/* What the hosts said in this phase beyond "done", each text once, and what was verified. */
static char *remarks(const struct facts_order *order, const struct plan_observed *observed)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < 2 * observed->n_members; i++) {
		const struct plan_side *side = i % 2 ? &observed->to[i / 2]
						     : &observed->from[i / 2];

		if (!side->progress || !side->progress->text ||
			g_strcmp0(side->progress->phase, order->phase) != 0 ||
			strstr(text->str, side->progress->text))
			continue;
		g_string_append_printf(text, "%s%s", text->len ? "; " : "", side->progress->text);
	}
	if (observed->verified)
		g_string_append_printf(text, "%s%s", text->len ? "; " : "",
			observed->against ? observed->against
					  : "rules, paths and placement are as promised");
	return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static void end_step(struct facts_order *order, const char *state, const char *text, guint64 now_ms)
{
	struct facts_order_step *step = look_step(order, order->phase);

	if (!step)
		return;
	set(&step->state, state);
	set(&step->text, text);
	step->ended_ms = now_ms;
}

/* What its phase waits for; NULL: nothing but its hosts. */
static void note_wait(struct facts_order *order, const char *text)
{
	struct facts_order_step *step = look_step(order, order->phase);

	if (step)
		set(&step->text, text);
}

static void begin_phase(struct facts_order *order, enum plan_phase phase, guint64 now_ms)
{
	struct facts_order_step *step;

	set(&order->phase, plan_phase_to_string(phase));
	if (phase == PLAN_PHASE_DONE || phase == PLAN_PHASE_RETURNED) {
		set(&order->state, phase == PLAN_PHASE_DONE ? "done" : "rolled-back");
		order->ended_ms = now_ms;
		return;
	}
	set(&order->state, "running");
	step = need_step(order, order->phase);
	set(&step->state, "running");
	step->started_ms = now_ms;
}

static void skip_waiting(struct facts_order *order)
{
	for (unsigned i = 0; order->steps && i < order->steps->len; i++) {
		struct facts_order_step *step = order->steps->pdata[i];

		if (g_strcmp0(step->state, "waiting") == 0)
			set(&step->state, "skipped");
	}
}

static char *reason_text(const struct plan_next *next)
{
	return g_strdup_printf("%s: %s", plan_code_info(next->code)->name,
		next->text ? next->text : plan_code_info(next->code)->what);
}

#define STUCK_MARK "; stuck: "

/* Why it is stuck stands behind why it was rolled back, if it was, and goes when it goes on. */
static void forget_stuck(struct facts_order *order)
{
	char *mark = order->reason ? strstr(order->reason, STUCK_MARK) : NULL;

	if (mark)
		*mark = '\0';
	else if (g_strcmp0(order->state, "stuck") == 0)
		set(&order->reason, NULL);
}

static void remember_stuck(struct facts_order *order, const struct plan_next *next)
{
	g_autofree char *why = reason_text(next);
	g_autofree char *both = NULL;

	forget_stuck(order);
	if (order->reason)
		both = g_strconcat(order->reason, STUCK_MARK, why, NULL);
	set(&order->reason, both ? both : why);
	set(&order->state, "stuck");
}

/* From the pause at the source to the resumption at the destination, where both are told. */
static void note_gaps(struct facts_order *order, const struct plan_observed *observed)
{
	for (size_t i = 0; i < observed->n_members; i++) {
		struct facts_order_member *member = order->members->pdata[i];
		const struct facts_progress *from = observed->from[i].progress;
		const struct facts_progress *to = observed->to[i].progress;

		if (from && to && from->paused_ms && to->resumed_ms > from->paused_ms)
			member->gap_ms = to->resumed_ms - from->paused_ms;
	}
}

/* A note stands behind why it was rolled back, if it was. */
static void add_reason(struct facts_order *order, const char *why)
{
	g_autofree char *both = why && order->reason ? g_strconcat(order->reason, "; ", why, NULL)
						     : NULL;

	if (why)
		set(&order->reason, both ? both : why);
}

/* It has answered the way back, and holds nothing of the machine. */
static gboolean has_let_go(const struct plan_side *side)
{
	return side->alive && !side->active && side->progress &&
	       g_strcmp0(side->progress->phase, "return") == 0 &&
	       g_strcmp0(side->progress->state, "done") == 0;
}

/* On the way back a machine that is at its destination, may have run there, and whose source was
 * declared off, cannot go: it is told to stay, and to run. Taken back only when it is not there any
 * more: the source came back before the destination heard, and the machine went. */
static void mark_stays(struct facts_order *order, const struct plan_observed *observed)
{
	if (g_strcmp0(order->phase, "return") != 0 || !plan_order_committed(order))
		return;
	for (size_t i = 0; i < observed->n_members; i++) {
		struct facts_order_member *member = order->members->pdata[i];

		if (member->from && observed->from[i].fenced && observed->to[i].alive &&
			observed->to[i].active)
			member->stays = TRUE;
		else if (observed->from[i].alive && has_let_go(&observed->to[i]))
			member->stays = FALSE;
	}
}

static void go_on(struct facts_order *order, const struct plan_next *next,
	const struct plan_observed *observed, guint64 now_ms)
{
	g_autofree char *text = remarks(order, observed);

	g_autofree char *why = next->code < PLAN_N_CODES ? reason_text(next) : NULL;

	end_step(order, "done", text, now_ms);
	forget_stuck(order);
	add_reason(order, why);
	begin_phase(order, next->phase, now_ms);
}

static void go_back(struct facts_order *order, const struct plan_next *next, guint64 now_ms)
{
	g_autofree char *why = reason_text(next);

	end_step(order, "failed", next->text, now_ms);
	skip_waiting(order);
	set(&order->reason, why);
	begin_phase(order, next->phase, now_ms);
}

gboolean plan_order_apply(struct facts_order *order, const struct plan_next *next,
	const struct plan_observed *observed, guint64 now_ms)
{
	g_auto(facts_order) before = { 0 };

	facts_copy(FACTS_ORDER, order, &before);
	if (plan_order_ended(order))
		return FALSE;
	note_gaps(order, observed);
	mark_stays(order, observed);
	switch (next->action) {
	case PLAN_WAIT:
		forget_stuck(order);
		set(&order->state, "running");
		note_wait(order, next->text);
		break;
	case PLAN_STUCK:
		remember_stuck(order, next);
		break;
	case PLAN_ADVANCE:
		go_on(order, next, observed, now_ms);
		break;
	case PLAN_ROLL_BACK:
		go_back(order, next, now_ms);
		break;
	}
	turns_give(order, observed, now_ms);
	return !facts_equal(FACTS_ORDER, &before, order);
}
