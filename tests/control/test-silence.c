/* control/orders: hosts that fall silent, and hosts that are off by an operator's word. */
#include "fleet.h"
#include "plan/order.h"
#include "story.h"

#include <string.h>

/* Everything that ends with the session of the host's agent. */
static void silence(struct fleet *fleet, const char *name)
{
	static const enum facts_kind kinds[] = { FACTS_RUNS_ON, FACTS_ENFORCED, FACTS_PROGRESS };
	static const char *const machines[] = { "web1", "web2", "app1", "db1" };
	g_autofree char *host = story_host(name);

	world_put(fleet->world, FACTS_IN_FLEET, "fleet:default", host, NULL, NULL);
	for (size_t m = 0; m < G_N_ELEMENTS(machines); m++) {
		g_autofree char *vm = story_machine("shop", machines[m]);

		for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
			world_put(fleet->world, kinds[k], vm, host, NULL, NULL);
	}
}

static void fence(struct fleet *fleet, const char *name)
{
	g_autofree char *host = story_host(name);
	struct facts_fenced fact = { .by = (char[]){ "somebody" } };

	world_put(fleet->world, FACTS_FENCED, host, NULL, &fact, NULL);
}

/* Past `resume` the destination's word is needed, or an operator's that it is off; then the
 * machines come back to where they were. */
static void test_fence(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_move_until(&fleet, "resume");
	silence(&fleet, "B");
	fleet_settle(&fleet);
	fleet_wait(&fleet, 8100);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "stuck");
	g_test_message("%s", fleet_order(&fleet, "shop")->reason);
	g_assert_nonnull(
		strstr(fleet_order(&fleet, "shop")->reason, "host B of web1, web2, app1, db1"));
	g_assert_nonnull(strstr(fleet_order(&fleet, "shop")->reason, "silent since"));
	g_assert_nonnull(strstr(
		fleet_order(&fleet, "shop")->reason, "drover fence B --confirm-powered-off"));
	fleet_wait(&fleet, 3600000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "stuck");
	fence(&fleet, "B");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "return");
	/* A's copy went to B: it is off here, and is started afresh */
	for (unsigned i = 0; i < 4; i++) {
		const struct facts_order_member *member =
			fleet_order(&fleet, "shop")->members->pdata[i];
		g_autofree char *vm = g_strconcat("device:", member->vm, NULL);
		g_autofree char *a = story_host("A");

		fleet_put_state(&fleet, vm, a, "shutoff");
		fleet_put_progress(&fleet, fleet_order(&fleet, "shop"), vm, a, "done");
	}
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "restart");
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "A"), ==, "home");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* A's machines are to stay at B since A is off; but A comes back and takes them before B has heard.
 * They are at home where they run. */
static void test_went_before_it_heard(void)
{
	struct fleet fleet;
	g_autofree char *a = story_host("A");
	struct facts_in_fleet back = { .kind = (char[]){ "host" } };
	const struct facts_order_member *web1;

	fleet_init(&fleet);
	fleet_move_until(&fleet, "resume");
	fleet_obey(&fleet, "shop");
	fleet_ask(&fleet, "shop", "r2", "abort", NULL);
	silence(&fleet, "A");
	fence(&fleet, "A");
	fleet_settle(&fleet);
	web1 = fleet_order(&fleet, "shop")->members->pdata[0];
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "return");
	g_assert_true(web1->stays);
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "B"), ==, "home");
	world_put(fleet.world, FACTS_IN_FLEET, "fleet:default", a, &back, NULL);
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_cmpstr(
		fleet_order(&fleet, "shop")->reason, ==, "ABORTED: somebody asked to abort");
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "A"), ==, "home");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* The fence is about one life of the agent: it does not count for the next. */
static void test_fence_of_last_life(void)
{
	struct fleet fleet;
	g_autofree char *b = story_host("B");
	struct facts_enrolled next = { .name = (char[]){ "B" }, .started_ms = 7 };

	fleet_init(&fleet);
	fleet_move_until(&fleet, "resume");
	silence(&fleet, "B");
	fence(&fleet, "B");
	world_put(fleet.world, FACTS_ENROLLED, "fleet:default", b, &next, NULL);
	fleet_settle(&fleet);
	fleet_wait(&fleet, 8100);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "stuck");
	fleet_clear(&fleet);
}

/* Silence counts from when it began, not from when the phase did; and a control that begins anew,
 * or has a new world from a map that did, begins to count then. */
static void test_silence(gconstpointer data)
{
	struct fleet fleet;
	g_autofree char *b = story_host("B");
	struct facts_in_fleet back = { .kind = (char[]){ "host" } };

	fleet_init(&fleet);
	fleet_move_until(&fleet, "precopy");
	fleet_wait(&fleet, 300000);
	silence(&fleet, "B");
	if (data)
		fleet_restart(&fleet);
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "precopy");
	fleet_wait(&fleet, 7000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "precopy");
	world_put(fleet.world, FACTS_IN_FLEET, "fleet:default", b, &back, NULL);
	fleet_settle(&fleet);
	fleet_wait(&fleet, 7000);
	silence(&fleet, "B");
	fleet_settle(&fleet);
	fleet_wait(&fleet, 7000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "precopy");
	fleet_wait(&fleet, 1000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "return");
	fleet_clear(&fleet);
}

/* A machine whose home is silent may still run there: it is not started elsewhere before somebody
 * says that the host is off. Then its old home is given up. */
static void test_start_elsewhere(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_move_until(&fleet, "done");
	silence(&fleet, "B");
	fleet_ask(&fleet, "shop", "r2", "start", "A");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "refused");
	g_assert_nonnull(strstr(fleet_order(&fleet, "shop")->reason, "HOME_SILENT"));
	fence(&fleet, "B");
	fleet_ask(&fleet, "shop", "r3", "start", "A");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "running");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "A"), ==, "arrival");
	fleet_clear(&fleet);
}

/* What is to be stopped on a silent host is not stopped until its agent says so, or an operator. */
static void test_stop_of_silent(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_move_until(&fleet, "done");
	silence(&fleet, "B");
	fleet_ask(&fleet, "shop", "r2", "stop", NULL);
	fleet_settle(&fleet);
	fleet_wait(&fleet, 8100);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "stuck");
	fence(&fleet, "B");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "done");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/orders/fence", test_fence);
	g_test_add_func("/orders/went-before-it-heard", test_went_before_it_heard);
	g_test_add_func("/orders/fence-of-last-life", test_fence_of_last_life);
	g_test_add_data_func("/orders/silence", NULL, test_silence);
	g_test_add_data_func("/orders/silence-restarted", "", test_silence);
	g_test_add_func("/orders/start-elsewhere", test_start_elsewhere);
	g_test_add_func("/orders/stop-of-silent", test_stop_of_silent);
	return g_test_run();
}
