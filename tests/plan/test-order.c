/* plan/order on single orders: any order gets an answer; how orders of the story are made, looked
 * at and written down. Orders at random: test-orders.c. */
#include "plan/order.h"
#include "plan/steps.h"
#include "story.h"

#include <string.h>

/* ---- total: any order gets an answer ---- */

static void try_words(const char *verb, const char *phase, const char *state)
{
	struct plan_side from = { .alive = TRUE };
	struct plan_side to = { .fenced = TRUE };
	struct plan_observed observed = { .n_members = 1, .from = &from, .to = &to };
	g_auto(facts_order) order = { .verb = g_strdup(verb),
		.phase = g_strdup(phase),
		.state = g_strdup(state),
		.members = facts_list_new() };
	g_auto(plan_next) next = { 0 };

	facts_list_add(order.members, FACTS_ORDER, "member");
	plan_order_next(&order, &observed, 1000, &next);
	g_assert_cmpuint(next.phase, <, PLAN_N_PHASES);
	g_assert_cmpuint(next.action, <=, PLAN_STUCK);
	if (g_strcmp0(state, "running") == 0 && g_strcmp0(phase, "nonsense") == 0)
		g_assert_cmpint(next.action, ==, PLAN_STUCK);
	plan_order_apply(&order, &next, &observed, 1000);
}

static void test_total(void)
{
	static const char *const verbs[] = { "start", "stop", "move", "remove", "nonsense", NULL };
	static const char *const states[] = { "running", "stuck", "done", NULL };

	for (size_t v = 0; v < G_N_ELEMENTS(verbs); v++)
		for (size_t s = 0; s < G_N_ELEMENTS(states); s++) {
			for (unsigned p = 0; p < PLAN_N_PHASES; p++)
				try_words(verbs[v], plan_phase_to_string(p), states[s]);
			try_words(verbs[v], "nonsense", states[s]);
			try_words(verbs[v], NULL, states[s]);
		}
}

/* ---- orders of the story ---- */

static void make_order(
	struct facts_order *order, const struct world *world, enum plan_verb verb, const char *host)
{
	const struct vapp *shop = world_find_vapp(world, "shop")->vapp;
	g_auto(plan_placement) placement = { 0 };

	plan_placement_init(&placement, shop);
	if (host)
		plan_placement_set_all(&placement, world_find_host(world, host)->uuid);
	plan_order_init(order, world, shop,
		&(struct plan_request){
			.id = "o1", .verb = verb, .placement = &placement, .now_ms = 5 });
}

static void test_make(void)
{
	g_autoptr(world_value) world = story_world();
	g_auto(facts_order) order = { 0 };
	g_auto(facts_order) nowhere = { 0 };
	g_autoptr(GPtrArray) steps = NULL;
	const struct facts_order_member *member;
	const struct plan_step *last;

	make_order(&order, world, PLAN_VERB_MOVE, "B");
	g_assert_cmpuint(order.members->len, ==, 4);
	member = order.members->pdata[0];
	g_assert_cmpstr(member->machine, ==, "web1");
	g_assert_cmpstr(member->from, ==, world_find_host(world, "A")->uuid);
	g_assert_cmpstr(member->to, ==, world_find_host(world, "B")->uuid);
	make_order(&nowhere, world, PLAN_VERB_MOVE, "A");
	g_assert_cmpuint(nowhere.members->len, ==, 0);
	steps = plan_steps(world, &order);
	g_assert_cmpuint(steps->len, ==, 10);
	last = steps->pdata[9];
	g_assert_cmpstr(last->name, ==, "release");
	g_assert_true(last->no_return);
	g_assert_cmpstr(last->text, ==,
		"A drops definitions, rules and reservations: web1, web2, app1, db1");
}

static enum plan_code first_code(const struct world *world, const char *vapp, enum plan_verb verb)
{
	g_autoptr(GPtrArray) reasons = NULL;

	if (plan_may_order(world, vapp, verb, &reasons))
		return PLAN_N_CODES;
	return ((const struct plan_reason *)reasons->pdata[0])->code;
}

static void test_may(void)
{
	g_autoptr(world_value) world = story_world();
	g_auto(facts_order) order = { 0 };
	g_autofree char *web1 = story_machine("shop", "web1");
	g_autofree char *a = story_host("A");
	g_autofree char *b = story_host("B");
	struct facts_runs_on twice = { .state = (char[]){ "running" } };

	g_assert_cmpint(first_code(world, "shop", PLAN_VERB_MOVE), ==, PLAN_N_CODES);
	g_assert_cmpint(first_code(world, "shop", PLAN_VERB_STOP), ==, PLAN_N_CODES);
	g_assert_cmpint(first_code(world, "shop", PLAN_VERB_START), ==, PLAN_RUNS_ELSEWHERE);
	g_assert_cmpint(first_code(world, "none", PLAN_VERB_START), ==, PLAN_VAPP_UNKNOWN);
	world_put(world, FACTS_RUNS_ON, web1, b, &twice, NULL);
	g_assert_cmpint(first_code(world, "shop", PLAN_VERB_MOVE), ==, PLAN_RUNS_TWICE);
	world_put(world, FACTS_RUNS_ON, web1, b, NULL, NULL);
	world_put(world, FACTS_RUNS_ON, web1, a, NULL, NULL);
	g_assert_cmpint(first_code(world, "shop", PLAN_VERB_MOVE), ==, PLAN_NOT_RUNNING);
	make_order(&order, world, PLAN_VERB_STOP, NULL);
	world_put(world, FACTS_ORDER, "vapp:shop", NULL, &order, NULL);
	g_assert_cmpint(first_code(world, "shop", PLAN_VERB_STOP), ==, PLAN_ORDER_RUNNING);
}

/* ---- the world as orders see it, and a phase taken through it ---- */

static void report(struct world *world, const struct facts_order *order, const char *host_name,
	const char *phase, const char *state)
{
	g_autofree char *host = story_host(host_name);

	for (unsigned i = 0; i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];
		g_autofree char *vm = g_strconcat("device:", member->vm, NULL);
		struct facts_progress progress = { .order = order->id,
			.phase = (char *)phase,
			.state = (char *)state,
			.text = (char[]){ "as told" } };

		world_put(world, FACTS_PROGRESS, vm, host, &progress, NULL);
	}
}

static enum plan_action look(
	const struct world *world, struct facts_order *order, guint64 now_ms, gboolean abort)
{
	g_auto(plan_observed) observed = { 0 };
	g_auto(plan_next) next = { 0 };
	struct plan_watch watch = { .abort = abort };

	plan_observe(&observed, world, order, &watch);
	plan_order_next(order, &observed, now_ms, &next);
	plan_order_apply(order, &next, &observed, now_ms);
	return next.action;
}

static void test_phases(void)
{
	g_autoptr(world_value) world = story_world();
	g_auto(facts_order) order = { 0 };
	const struct facts_order_step *step;

	make_order(&order, world, PLAN_VERB_MOVE, "B");
	g_assert_cmpint(look(world, &order, 10, FALSE), ==, PLAN_WAIT);
	report(world, &order, "B", "protect", "running");
	g_assert_cmpint(look(world, &order, 20, FALSE), ==, PLAN_WAIT);
	report(world, &order, "B", "protect", "done");
	g_assert_cmpint(look(world, &order, 30, FALSE), ==, PLAN_ADVANCE);
	g_assert_cmpstr(order.phase, ==, "precopy");
	step = order.steps->pdata[0];
	g_assert_cmpstr(step->state, ==, "done");
	g_assert_cmpstr(step->text, ==, "as told");
	g_assert_cmpuint(step->ended_ms, ==, 30);
	report(world, &order, "A", "precopy", "failed");
	g_assert_cmpint(look(world, &order, 40, FALSE), ==, PLAN_ROLL_BACK);
	g_assert_cmpstr(order.phase, ==, "return");
	g_assert_true(g_str_has_prefix(order.reason, "PHASE_FAILED: web1 on host "));
	report(world, &order, "B", "return", "done");
	report(world, &order, "A", "return", "done");
	g_assert_cmpint(look(world, &order, 50, FALSE), ==, PLAN_ADVANCE);
	g_assert_cmpstr(order.state, ==, "rolled-back");
	g_assert_cmpuint(order.ended_ms, ==, 50);
	g_assert_true(g_str_has_prefix(order.reason, "PHASE_FAILED"));
}

/* Late, silent, aborted; and why it was rolled back outlives why it was stuck. */
static void test_remedies(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *b = story_host("B");
	g_auto(facts_order) late = { 0 };
	g_auto(facts_order) silent = { 0 };
	g_auto(facts_order) aborted = { 0 };

	make_order(&late, world, PLAN_VERB_MOVE, "B");
	g_assert_cmpint(look(world, &late, 5 + 29999, FALSE), ==, PLAN_WAIT);
	g_assert_cmpint(look(world, &late, 5 + 30000, FALSE), ==, PLAN_ROLL_BACK);
	g_assert_true(g_str_has_prefix(late.reason, "PHASE_TIMEOUT"));
	make_order(&aborted, world, PLAN_VERB_MOVE, "B");
	g_assert_cmpint(look(world, &aborted, 6, TRUE), ==, PLAN_ROLL_BACK);
	g_assert_true(g_str_has_prefix(aborted.reason, "ABORTED"));
	make_order(&silent, world, PLAN_VERB_MOVE, "B");
	world_put(world, FACTS_HOST, b, NULL, NULL, NULL);
	g_assert_cmpint(look(world, &silent, 5 + 7999, FALSE), ==, PLAN_WAIT);
	g_assert_cmpint(look(world, &silent, 5 + 8000, FALSE), ==, PLAN_ROLL_BACK);
	g_assert_true(g_str_has_prefix(silent.reason, "HOST_LOST"));
	g_assert_cmpint(look(world, &silent, 50000, FALSE), ==, PLAN_STUCK); /* A says nothing */
	g_assert_nonnull(strstr(silent.reason, "; stuck: PHASE_TIMEOUT"));
	g_assert_cmpstr(silent.state, ==, "stuck");
	report(world, &silent, "A", "return", "done");
	g_assert_cmpint(look(world, &silent, 60000, FALSE), ==, PLAN_ADVANCE);
	g_assert_cmpstr(silent.state, ==, "rolled-back");
	g_assert_true(g_str_has_prefix(silent.reason, "HOST_LOST"));
	g_assert_null(strstr(silent.reason, "stuck"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/order/total", test_total);
	g_test_add_func("/plan/order/make", test_make);
	g_test_add_func("/plan/order/may", test_may);
	g_test_add_func("/plan/order/phases", test_phases);
	g_test_add_func("/plan/order/remedies", test_remedies);
	return g_test_run();
}
