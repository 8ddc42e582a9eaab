#include "plan/judge.h"
#include "plan/order.h"

#include <string.h>

/* What is known of an order's machines: what their hosts say, and what is judged of the place. */

/* ---- what the hosts say ---- */

static void observe_side(struct plan_side *side, const struct world *world,
	const struct facts_order *order, const char *vm, const char *host)
{
	const struct world_copy *copy = world_find_copy(world, vm, host);
	const struct world_host *known = world_find_host(world, host);

	side->host_name = known ? world_host_name(known) : NULL;
	side->alive = world_host_alive(known);
	side->fenced = world_host_off(known);
	if (!copy)
		return;
	side->active = world_copy_active(copy);
	side->running = side->active && strcmp(copy->runs_on->state, "running") == 0;
	side->conforming = copy->enforced && copy->enforced->conforming;
	if (copy->progress && g_strcmp0(copy->progress->order, order->id) == 0)
		side->progress = copy->progress;
}

static void watch_side(struct plan_side *side, const struct plan_watch *watch, const char *host)
{
	const guint64 *since = watch->silent_since ? g_hash_table_lookup(watch->silent_since, host)
						   : NULL;

	side->silent_since_ms = since ? *since : 0;
}

static void observe_member(struct plan_observed *observed, size_t i, const struct world *world,
	const struct facts_order *order, const struct plan_watch *watch)
{
	const struct facts_order_member *member = order->members->pdata[i];
	const char *const hosts[] = { member->from, member->to };
	struct plan_side *const sides[] = { &observed->from[i], &observed->to[i] };

	for (unsigned s = 0; s < G_N_ELEMENTS(sides); s++) {
		if (!hosts[s])
			continue;
		observe_side(sides[s], world, order, member->vm, hosts[s]);
		watch_side(sides[s], watch, hosts[s]);
	}
}

void plan_observe(struct plan_observed *observed, const struct world *world,
	const struct facts_order *order, const struct plan_watch *watch)
{
	static const struct plan_watch nothing = { 0 };
	size_t n = order->members ? order->members->len : 0;

	observed->n_members = n;
	observed->from = g_new0(struct plan_side, n + 1);
	observed->to = g_new0(struct plan_side, n + 1);
	observed->abort = watch && watch->abort;
	for (size_t i = 0; i < n; i++)
		observe_member(observed, i, world, order, watch ? watch : &nothing);
}

/* ---- what is judged ---- */

/* Phases that end well only if it is still as promised where the machines are. */
static const struct {
	enum plan_verb verb;
	enum plan_phase phase;
} verified[] = {
	{ PLAN_VERB_MOVE, PLAN_PHASE_RESUME },
	{ PLAN_VERB_START, PLAN_PHASE_START },
};

static gboolean is_verified(const struct facts_order *order)
{
	for (size_t i = 0; i < G_N_ELEMENTS(verified); i++)
		if (g_strcmp0(order->verb, plan_verb_to_string(verified[i].verb)) == 0 &&
			g_strcmp0(order->phase, plan_phase_to_string(verified[i].phase)) == 0)
			return TRUE;
	return FALSE;
}

static const struct facts_order_member *find_member(
	const struct facts_order *order, const char *uuid)
{
	for (unsigned i = 0; i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];

		if (g_strcmp0(member->vm, uuid) == 0)
			return member;
	}
	return NULL;
}

/* Where all machines are, those of the order at this end of it (offset of `from` or `to`). */
static void place_at(struct plan_placement *ret, const struct world *world, const struct vapp *vapp,
	const struct facts_order *order, size_t end)
{
	plan_placement_init(ret, vapp);
	plan_placement_set_current(ret, world, vapp);
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		g_autofree char *uuid = vapp_machine_uuid(vapp, vapp->machines->pdata[i]);
		const struct facts_order_member *member = find_member(order, uuid);

		if (member)
			plan_placement_set(ret, i, G_STRUCT_MEMBER(char *, member, end));
	}
}

/* "PATHS: flow customers needs ... (bring up the cable A–s1); ..." */
static char *sentence_of(const GPtrArray *reasons)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < reasons->len; i++) {
		const struct plan_reason *reason = reasons->pdata[i];
		g_autofree char *one = plan_reason_to_string(reason);

		g_string_append_printf(text, "%s%s", i ? "; " : "", one);
		if (reason->fix && *reason->fix)
			g_string_append_printf(text, " (%s)", reason->fix);
	}
	return g_string_free(text, FALSE);
}

/* All of them came from somewhere, and could go back there. */
static gboolean can_go_back(const struct plan_observed *observed)
{
	for (size_t i = 0; i < observed->n_members; i++)
		if (!observed->from[i].alive)
			return FALSE;
	return TRUE;
}

/* Whether the connections have a way where the machines came from. */
static gboolean had_a_way(struct plan_judge *judge, const struct plan_question *question,
	const struct facts_order *order)
{
	struct plan_question asked = *question;
	g_auto(plan_placement) before = { 0 };

	place_at(&before, judge_world(judge), question->vapp, order,
		offsetof(struct facts_order_member, from));
	asked.placement = &before;
	return plan_reachable(judge, &asked, NULL);
}

void plan_verify(struct plan_observed *observed, struct plan_judge *judge, const struct vapp *vapp,
	const struct facts_order *order, guint64 now_ms)
{
	g_auto(plan_placement) here = { 0 };
	g_autoptr(GPtrArray) against = NULL;
	g_autoptr(GPtrArray) cut = NULL;
	const struct plan_question question = {
		.vapp = vapp, .placement = &here, .now_ms = now_ms, .max_age_ms = PLAN_MAX_AGE_MS
	};

	if (!is_verified(order) || !order->members)
		return;
	observed->verified = TRUE;
	place_at(&here, judge_world(judge), vapp, order, offsetof(struct facts_order_member, to));
	if (!plan_clear(judge, &question, &against))
		observed->against = sentence_of(against);
	if (can_go_back(observed) && !plan_reachable(judge, &question, &cut) &&
		had_a_way(judge, &question, order))
		observed->cut = sentence_of(cut);
}

void plan_observed_clear(struct plan_observed *observed)
{
	g_free(observed->cut);
	g_free(observed->against);
	g_free(observed->from);
	g_free(observed->to);
	*observed = (struct plan_observed){ 0 };
}
