/* control/orders: what was promised is judged again where the machines arrived, before the sources
 * let go (docs/moves.md, Verifying). */
#include "fleet.h"
#include "plan/order.h"
#include "story.h"

#include <string.h>

/* Cables of the story's hosts that go down while the machines are resumed at B. */
struct loss {
	const char *name;
	const char *down[5]; /* "B-s1" */
	const char *says[4]; /* all in the order's reason; none: it has none */
};

static const struct loss losses[] = {
	{ "none", { NULL }, { NULL } },
	{ "other-host", { "C-s1", NULL }, { NULL } },
	{ "one-path", { "B-s2", NULL },
		{ "DEGRADED: PATHS: flow orders needs 2 disjoint paths between B and outside; there is 1",
			"hanging on switch s1", "(bring up the cable B–s2)", NULL } },
	/* there is nothing to go back for */
	{ "both-ends", { "A-s1", "A-s2", "B-s1", "B-s2", NULL },
		{ "DEGRADED: PATHS: flow orders", "there are 0", NULL } },
};

static void cables(struct fleet *fleet, const char *const *names, gboolean up)
{
	for (; *names; names++) {
		g_auto(GStrv) ends = g_strsplit(*names, "-", 2);

		story_cable(fleet->world, ends[0], ends[1], up);
	}
}

static const struct facts_order_step *resume_step(struct fleet *fleet)
{
	const struct facts_order *order = fleet_order(fleet, "shop");

	for (unsigned i = 0; i < order->steps->len; i++) {
		const struct facts_order_step *step = order->steps->pdata[i];

		if (strcmp(step->name, "resume") == 0)
			return step;
	}
	g_assert_not_reached();
}

/* The machines have landed whole: the order is done whatever is worse, and says what is. */
static void test_landed(gconstpointer data)
{
	const struct loss *loss = data;
	struct fleet fleet;
	const struct facts_order *order;

	fleet_init(&fleet);
	fleet_move_until(&fleet, "resume");
	cables(&fleet, loss->down, FALSE);
	fleet_carry_out(&fleet, "shop");
	order = fleet_order(&fleet, "shop");
	g_test_message("%s; %s", order->reason, resume_step(&fleet)->text);
	g_assert_cmpstr(order->state, ==, "done");
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "B"), ==, "home");
	if (!loss->says[0]) {
		g_assert_null(order->reason);
		g_assert_cmpstr(resume_step(&fleet)->text, ==,
			"rules, paths and placement are as promised");
	}
	for (const char *const *says = loss->says; *says; says++)
		g_assert_nonnull(strstr(order->reason, *says));
	if (order->reason)
		g_assert_true(g_str_has_suffix(order->reason, resume_step(&fleet)->text));
	fleet_clear(&fleet);
}

static const char *const uplinks[] = { "B-s1", "B-s2", NULL };

/* `shop` runs at B, where nothing from outside reaches it; at A it still would. */
static void cut_off(struct fleet *fleet)
{
	fleet_init(fleet);
	fleet_move_until(fleet, "resume");
	cables(fleet, uplinks, FALSE);
	fleet_obey(fleet, "shop");
	fleet_settle(fleet);
}

static void check_held(struct fleet *fleet)
{
	g_assert_cmpstr(fleet_order(fleet, "shop")->phase, ==, "resume");
	g_assert_cmpstr(fleet_order(fleet, "shop")->state, ==, "running");
	g_assert_null(fleet_order(fleet, "shop")->reason);
	g_assert_nonnull(strstr(resume_step(fleet)->text,
		"PATHS: flow orders needs 1 disjoint path between B and outside; there are 0"));
	g_assert_cmpstr(fleet_purpose(fleet, "shop", "web1", "A"), ==, "arrival");
}

/* A way comes in time: nothing is left to say. Control may be killed meanwhile. */
static void test_held(void)
{
	struct fleet fleet;

	cut_off(&fleet);
	check_held(&fleet);
	fleet_restart(&fleet);
	fleet_wait(&fleet, 20000);
	check_held(&fleet);
	cables(&fleet, uplinks, TRUE);
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "done");
	g_assert_null(fleet_order(&fleet, "shop")->reason);
	g_assert_null(strstr(resume_step(&fleet)->text, "PATHS"));
	fleet_clear(&fleet);
}

static void test_brought_back(void)
{
	struct fleet fleet;

	cut_off(&fleet);
	fleet_wait(&fleet, 30000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "return");
	g_assert_true(
		g_str_has_prefix(fleet_order(&fleet, "shop")->reason, "NOT_REACHABLE: PATHS"));
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "A"), ==, "home");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* A segment that went away is no way either. */
static void test_segment(void)
{
	struct fleet fleet;
	g_autofree char *b = story_host("B");

	fleet_init(&fleet);
	fleet_move_until(&fleet, "resume");
	world_put(fleet.world, FACTS_SEGMENT_PRESENT, b, "segment:back", NULL, NULL);
	fleet_obey(&fleet, "shop");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "resume");
	g_assert_nonnull(strstr(resume_step(&fleet)->text, "SEGMENT_MISSING"));
	fleet_clear(&fleet);
}

/* There is no way back once the source's agent is gone: they stay, and it is said. */
static void test_no_way_back(void)
{
	struct fleet fleet;
	g_autofree char *a = story_host("A");

	cut_off(&fleet);
	check_held(&fleet);
	world_put(fleet.world, FACTS_IN_FLEET, "fleet:default", a, NULL, NULL);
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "release");
	g_assert_true(g_str_has_prefix(fleet_order(&fleet, "shop")->reason, "DEGRADED: PATHS"));
	fleet_clear(&fleet);
}

/* A start has nowhere to go back to. */
static void test_start(void)
{
	static const char *const machines[] = { "web1", "web2", "app1", "db1" };
	struct fleet fleet;
	g_autofree char *a = story_host("A");

	fleet_init(&fleet);
	for (size_t i = 0; i < G_N_ELEMENTS(machines); i++) {
		g_autofree char *vm = story_machine("shop", machines[i]);

		fleet_put_state(&fleet, vm, a, NULL);
	}
	fleet_ask(&fleet, "shop", "r1", "start", "B");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "running");
	cables(&fleet, uplinks, FALSE);
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "done");
	g_assert_true(g_str_has_prefix(fleet_order(&fleet, "shop")->reason, "DEGRADED: PATHS"));
	fleet_clear(&fleet);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
		g_autofree char *path = g_strconcat("/verify/landed/", losses[i].name, NULL);

		g_test_add_data_func(path, &losses[i], test_landed);
	}
	g_test_add_func("/verify/held", test_held);
	g_test_add_func("/verify/brought-back", test_brought_back);
	g_test_add_func("/verify/segment", test_segment);
	g_test_add_func("/verify/no-way-back", test_no_way_back);
	g_test_add_func("/verify/start", test_start);
	return g_test_run();
}
