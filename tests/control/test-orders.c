/* control/orders: requests become orders with their reservations, and orders are carried on from
 * the map alone. */
#include "fleet.h"
#include "plan/order.h"
#include "play.h"
#include "story.h"
#include "vapp/ovf.h"

#include <string.h>

/* ---- a request becomes an order ---- */

static void test_take(void)
{
	struct fleet fleet;
	g_autoptr(ifmap_publish) publish = NULL;
	g_auto(facts_order) order = { 0 };
	g_auto(facts_history) history = { 0 };
	g_autofree char *host_b = story_host("B");

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	publish = fleet_run(&fleet);
	g_assert_true(play_find(publish, FACTS_ORDER, "vapp:shop", NULL, &order));
	g_assert_cmpstr(order.id, ==, "r1");
	g_assert_cmpstr(order.verb, ==, "move");
	g_assert_cmpstr(order.state, ==, "running");
	g_assert_cmpstr(order.phase, ==, "protect");
	g_assert_cmpuint(order.members->len, ==, 4);
	g_assert_cmpuint(play_count(publish, FACTS_ORDER, IFMAP_OPERATION_UPDATE), ==, 1);
	g_assert_cmpuint(play_count(publish, FACTS_RESERVATION, IFMAP_OPERATION_UPDATE), ==, 8);
	g_assert_true(play_find(publish, FACTS_HISTORY, host_b, NULL, &history));
	g_assert_cmpstr(history.chw[0], ==, "blue");
	play_apply(fleet.world, publish, NULL);
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "db1", "A"), ==, "home");
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "db1", "B"), ==, "arrival");
	g_assert_cmpuint(fleet_turn(&fleet), ==, 0);
	fleet_clear(&fleet);
}

/* Before its own answer has come back from the map, the same request is not taken twice. */
static void test_take_once(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	ifmap_publish_free(fleet_run(&fleet));
	for (unsigned i = 0; i < 3; i++) {
		g_autoptr(ifmap_publish) again = fleet_run(&fleet);

		g_assert_cmpuint(ifmap_publish_n_operations(again), ==, 0);
	}
	fleet_clear(&fleet);
}

static const struct refusal {
	const char *name;
	const char *verb;
	const char *to;
	const char *says; /* in the order's reason */
} refusals[] = {
	{ "not-clear", "move", "C", "LABEL_CONFLICT" },
	{ "unknown-host", "move", "D", "HOST_UNKNOWN" },
	{ "one-unknown-host", "move", "B,D", "HOST_UNKNOWN" },
	{ "unknown-verb", "explode", "B", "explode" },
	{ "runs-already", "start", "B", "RUNS_ELSEWHERE" },
};

static void test_refuse(gconstpointer data)
{
	const struct refusal *refusal = data;
	struct fleet fleet;
	g_autoptr(ifmap_publish) publish = NULL;
	g_auto(facts_order) order = { 0 };

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", refusal->verb, refusal->to);
	publish = fleet_run(&fleet);
	g_assert_cmpuint(ifmap_publish_n_operations(publish), ==, 1);
	g_assert_true(play_find(publish, FACTS_ORDER, "vapp:shop", NULL, &order));
	g_assert_cmpstr(order.id, ==, "r1");
	g_assert_cmpstr(order.state, ==, "refused");
	g_test_message("%s", order.reason);
	g_assert_nonnull(strstr(order.reason, refusal->says));
	play_apply(fleet.world, publish, NULL);
	g_assert_cmpuint(fleet_turn(&fleet), ==, 0);
	fleet_clear(&fleet);
}

/* Nobody named a host: the only other one that is clear. */
static void test_any_host(void)
{
	struct fleet fleet;
	g_autofree char *b = story_host("B");

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", NULL);
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "running");
	for (unsigned i = 0; i < 4; i++) {
		const struct facts_order_member *member =
			fleet_order(&fleet, "shop")->members->pdata[i];

		g_assert_cmpstr(member->to, ==, b + strlen("device:"));
	}
	fleet_clear(&fleet);
}

/* Two vApps that a Chinese Wall keeps apart ask for the same host in the same moment. */
static void test_race(void)
{
	struct fleet fleet;
	unsigned refused = 0;
	static const char *const vapps[] = { "shop", "bank" };

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	fleet_ask(&fleet, "bank", "r2", "move", "B");
	{
		g_autoptr(ifmap_publish) first = fleet_run(&fleet);
		g_autoptr(ifmap_publish)
			second = fleet_run(&fleet); /* the first is still on its way */

		g_assert_cmpuint(play_count(first, FACTS_ORDER, IFMAP_OPERATION_UPDATE), ==, 1);
		g_assert_cmpuint(ifmap_publish_n_operations(second), ==, 0);
		play_apply(fleet.world, first, NULL);
	}
	fleet_settle(&fleet);
	for (size_t i = 0; i < G_N_ELEMENTS(vapps); i++)
		if (strcmp(fleet_order(&fleet, vapps[i])->state, "refused") == 0)
			refused++;
	g_assert_cmpuint(refused, ==, 1);
	fleet_clear(&fleet);
}

/* An answer that never comes back holds nobody up for good. */
static void test_race_lost(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	fleet_ask(&fleet, "bank", "r2", "stop", NULL);
	ifmap_publish_free(fleet_run(&fleet));
	fleet.now_ms += 60000;
	{
		g_autoptr(ifmap_publish) later = fleet_run(&fleet);

		g_assert_cmpuint(play_count(later, FACTS_ORDER, IFMAP_OPERATION_UPDATE), >=, 1);
	}
	fleet_clear(&fleet);
}

/* Its order is aborted, and ends. */
static void move_back(struct fleet *fleet)
{
	fleet_ask(fleet, "shop", "abort", "abort", NULL);
	fleet_carry_out(fleet, "shop");
	g_assert_cmpstr(fleet_order(fleet, "shop")->state, ==, "rolled-back");
}

/* History holds the types of every machine, not only of the vApp. */
static void test_history_of_machines(void)
{
	struct fleet fleet;
	g_autoptr(vapp_value) shop = story_shop();
	g_autoptr(ifmap_publish) publish = NULL;
	g_auto(facts_history) history = { 0 };
	g_autofree char *b = story_host("B");
	struct vapp_machine *db = shop->machines->pdata[3];

	fleet_init(&fleet);
	story_policy(fleet.world,
		"[policy]\nname=t\nversion=1.0\n[type blue]\n[type green]\n[type red]\n"
		"[conflict money]\ntypes=red;green\n[label blue]\nste=blue\nchw=blue\n"
		"[label red]\nste=red\nchw=red\n[label green]\nste=blue;green\nchw=green\n");
	db->label = g_strdup("green");
	story_put_package(fleet.world, shop);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	publish = fleet_run(&fleet);
	g_assert_true(play_find(publish, FACTS_HISTORY, b, NULL, &history));
	g_assert_true(g_strv_contains((const char *const *)history.chw, "green"));
	g_assert_true(g_strv_contains((const char *const *)history.chw, "blue"));
	fleet_clear(&fleet);
}

/* What operators took out of a history stays on record, and a host that has run it all is not told
 * again. */
static void test_history_kept(void)
{
	struct fleet fleet;
	g_autoptr(ifmap_publish) publish = NULL;
	g_autoptr(ifmap_publish) again = NULL;
	g_autofree char *b = story_host("B");
	g_auto(facts_history)
		before = { .chw = g_strsplit("red", ",", -1), .forgotten = facts_list_new() };
	g_auto(facts_history) history = { 0 };

	((struct facts_forgotten *)facts_list_add(before.forgotten, FACTS_HISTORY, "forgotten"))
		->chw = g_strdup("green");
	fleet_init(&fleet);
	world_put(fleet.world, FACTS_HISTORY, b, NULL, &before, NULL);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	publish = fleet_run(&fleet);
	g_assert_true(play_find(publish, FACTS_HISTORY, b, NULL, &history));
	g_assert_cmpuint(history.forgotten->len, ==, 1);
	g_assert_cmpstr(history.chw[0], ==, "blue");
	g_assert_cmpstr(history.chw[1], ==, "red");
	play_apply(fleet.world, publish, NULL);
	move_back(&fleet);
	fleet_ask(&fleet, "shop", "r2", "move", "B");
	again = fleet_run(&fleet);
	g_assert_cmpuint(play_count(again, FACTS_ORDER, IFMAP_OPERATION_UPDATE), ==, 1);
	g_assert_cmpuint(play_count(again, FACTS_HISTORY, IFMAP_OPERATION_UPDATE), ==, 0);
	fleet_clear(&fleet);
}

/* ---- carried out ---- */

static void test_move(void)
{
	static const char *const phases[] = { "protect", "precopy", "switch", "resume", "release",
		"done" };
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	fleet_settle(&fleet);
	for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
		g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, phases[i]);
		fleet_obey(&fleet, "shop");
		fleet_settle(&fleet);
	}
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "done");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "A"));
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "B"), ==, "home");
	fleet_clear(&fleet);
}

/* The reservations of a phase travel in the same request as the phase. */
static void test_swap_of_home(void)
{
	struct fleet fleet;
	g_autoptr(ifmap_publish) publish = NULL;
	g_auto(facts_reservation) at_a = { 0 };
	g_auto(facts_reservation) at_b = { 0 };
	g_autofree char *vm = story_machine("shop", "web1");
	g_autofree char *a = story_host("A");
	g_autofree char *b = story_host("B");

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	fleet_settle(&fleet);
	while (strcmp(fleet_order(&fleet, "shop")->phase, "switch") != 0) {
		fleet_obey(&fleet, "shop");
		fleet_settle(&fleet);
	}
	fleet_obey(&fleet, "shop");
	publish = fleet_run(&fleet);
	g_assert_true(play_find(publish, FACTS_RESERVATION, vm, a, &at_a));
	g_assert_true(play_find(publish, FACTS_RESERVATION, vm, b, &at_b));
	g_assert_cmpstr(at_a.purpose, ==, "arrival");
	g_assert_cmpstr(at_b.purpose, ==, "home");
	fleet_clear(&fleet);
}

/* Control is killed before every step. */
static void test_resume_from_map(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	for (unsigned i = 0; i < 12; i++) {
		fleet_restart(&fleet);
		fleet_turn(&fleet);
		fleet_obey(&fleet, "shop");
	}
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "done");
	fleet_clear(&fleet);
}

/* The operator's clock may go wrong by minutes; what counts is that the request stands. */
static void test_abort(gconstpointer data)
{
	gint64 skew_ms = GPOINTER_TO_INT(data);
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "move", "B");
	fleet_settle(&fleet);
	fleet_obey(&fleet, "shop");
	fleet_settle(&fleet);
	fleet_ask_at(
		&fleet, "shop", "r2", "abort", NULL, (guint64)((gint64)fleet.now_ms + skew_ms));
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "return");
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->id, ==, "r1");
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", "A"), ==, "home");
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* Nothing runs: there is nothing to abort, and no order comes of it. */
static void test_abort_nothing(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	fleet_ask(&fleet, "shop", "r1", "abort", NULL);
	g_assert_cmpuint(fleet_turn(&fleet), ==, 0);
	fleet_clear(&fleet);
}

/* ---- a start of what does not run ---- */

static void stop_machine(struct fleet *fleet, const char *machine)
{
	g_autofree char *vm = story_machine("shop", machine);
	g_autofree char *a = story_host("A");

	fleet_put_state(fleet, vm, a, NULL);
}

/* web1 went down: it alone is started, beside the others if no host is named, whose reservations
 * nobody touches. */
static void test_start_the_rest(gconstpointer to)
{
	struct fleet fleet;
	const struct facts_order_member *member;

	fleet_init(&fleet);
	stop_machine(&fleet, "web1");
	fleet_ask(&fleet, "shop", "r1", "start", to);
	fleet_settle(&fleet);
	g_test_message("%s", fleet_order(&fleet, "shop")->reason);
	g_assert_cmpuint(fleet_order(&fleet, "shop")->members->len, ==, 1);
	member = fleet_order(&fleet, "shop")->members->pdata[0];
	g_assert_cmpstr(member->machine, ==, "web1");
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "done");
	g_assert_null(fleet_order(&fleet, "shop")->reason);
	g_assert_cmpstr(fleet_purpose(&fleet, "shop", "web1", to ? to : "A"), ==, "home");
	g_assert_null(fleet_purpose(&fleet, "shop", "db1", to ? to : "A"));
	fleet_clear(&fleet);
}

/* The start of the rest fails: what ran goes on running, what was started goes. */
static void test_start_the_rest_fails(void)
{
	struct fleet fleet;
	g_autofree char *web1 = story_machine("shop", "web1");
	g_autofree char *b = story_host("B");

	fleet_init(&fleet);
	stop_machine(&fleet, "web1");
	fleet_ask(&fleet, "shop", "r1", "start", "B");
	fleet_settle(&fleet);
	fleet_put_progress(&fleet, fleet_order(&fleet, "shop"), web1, b, "failed");
	fleet_carry_out(&fleet, "shop");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_nonnull(world_machine_active(world_find_member(fleet.world, "shop", "db1")));
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* Beside what runs there is no room where it was asked for: it is refused, and says so. */
static void test_start_the_rest_refused(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	stop_machine(&fleet, "web1");
	fleet_ask(&fleet, "shop", "r1", "start", "C");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "refused");
	g_assert_nonnull(strstr(fleet_order(&fleet, "shop")->reason, "LABEL_CONFLICT"));
	g_assert_null(strstr(fleet_order(&fleet, "shop")->reason, "db1"));
	fleet_clear(&fleet);
}

/* ---- removal ---- */

static void remove_shop(struct fleet *fleet)
{
	fleet_ask(fleet, "shop", "r1", "remove", NULL);
	for (unsigned i = 0; i < 5; i++) {
		fleet_settle(fleet);
		if (world_find_vapp(fleet->world, "shop"))
			fleet_obey(fleet, "shop");
	}
}

static void test_remove(void)
{
	struct fleet fleet;
	const struct world_vapp *shop;

	fleet_init(&fleet);
	remove_shop(&fleet);
	shop = world_find_vapp(fleet.world, "shop");
	g_assert_null(shop->package);
	g_assert_cmpstr(shop->order->state, ==, "done");
	g_assert_null(world_find_member(fleet.world, "shop", "web1"));
	g_assert_null(fleet_purpose(&fleet, "shop", "web1", "A"));
	g_assert_nonnull(world_find_vapp(fleet.world, "bank")->package);
	fleet_clear(&fleet);
}

/* The same package comes back later: the old order is history. */
static void test_import_after_remove(gconstpointer data)
{
	struct fleet fleet;
	g_autoptr(vapp_value) shop = story_shop();
	g_autofree char *ovf = ovf_write(shop);
	struct facts_package package = { .ovf = ovf };

	fleet_init(&fleet);
	remove_shop(&fleet);
	if (data)
		fleet_restart(&fleet);
	package.at_ms = fleet.now_ms + 5;
	world_put(fleet.world, FACTS_PACKAGE, "vapp:shop", NULL, &package, NULL);
	fleet_settle(&fleet);
	g_assert_nonnull(world_find_vapp(fleet.world, "shop")->package);
	fleet_ask(&fleet, "shop", "r9", "start", "B");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->id, ==, "r9");
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "running");
	g_assert_nonnull(world_find_vapp(fleet.world, "shop")->package);
	fleet_clear(&fleet);
}

/* ---- property ---- */

static const char *const homes[] = { "A", "B" };

/* At most one home a machine, and exactly one while a move runs (docs/moves.md, invariant 2). */
static void check_homes(struct fleet *fleet)
{
	static const char *const machines[] = { "web1", "web2", "app1", "db1" };

	for (size_t m = 0; m < G_N_ELEMENTS(machines); m++) {
		unsigned n = 0;

		for (size_t h = 0; h < G_N_ELEMENTS(homes); h++)
			if (g_strcmp0(fleet_purpose(fleet, "shop", machines[m], homes[h]),
				    "home") == 0)
				n++;
		g_assert_cmpuint(n, ==, 1);
	}
}

/* Hosts answer when they like, control is killed when chance wills it, operators abort: whatever
 * happens, every run settles, and the order ends. GLib prints the seed. */
static void test_property(void)
{
	for (unsigned round = 0; round < 40; round++) {
		struct fleet fleet;
		unsigned n = 0;

		fleet_init(&fleet);
		fleet_ask(&fleet, "shop", "r1", "move", "B");
		fleet_settle(&fleet);
		while (!plan_order_ended(fleet_order(&fleet, "shop"))) {
			if (g_test_rand_int_range(0, 4) == 0)
				fleet_restart(&fleet);
			if (g_test_rand_int_range(0, 12) == 0)
				fleet_ask(&fleet, "shop", "r2", "abort", NULL);
			fleet_obey_lazily(&fleet, "shop");
			fleet_settle(&fleet);
			check_homes(&fleet);
			g_assert_cmpuint(++n, <, 200);
		}
		g_assert_cmpuint(fleet_turn(&fleet), ==, 0);
		fleet_clear(&fleet);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/orders/take", test_take);
	g_test_add_func("/orders/take-once", test_take_once);
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_autofree char *path = g_strconcat("/orders/refuse/", refusals[i].name, NULL);

		g_test_add_data_func(path, &refusals[i], test_refuse);
	}
	g_test_add_func("/orders/any-host", test_any_host);
	g_test_add_func("/orders/race", test_race);
	g_test_add_func("/orders/race-lost", test_race_lost);
	g_test_add_func("/orders/history-of-machines", test_history_of_machines);
	g_test_add_func("/orders/history-kept", test_history_kept);
	g_test_add_func("/orders/move", test_move);
	g_test_add_func("/orders/swap-of-home", test_swap_of_home);
	g_test_add_func("/orders/resume-from-map", test_resume_from_map);
	g_test_add_data_func("/orders/abort", GINT_TO_POINTER(0), test_abort);
	g_test_add_data_func("/orders/abort-clock-behind", GINT_TO_POINTER(-60000), test_abort);
	g_test_add_func("/orders/abort-nothing", test_abort_nothing);
	g_test_add_data_func("/orders/start-the-rest", NULL, test_start_the_rest);
	g_test_add_data_func("/orders/start-the-rest-there", "B", test_start_the_rest);
	g_test_add_func("/orders/start-the-rest-fails", test_start_the_rest_fails);
	g_test_add_func("/orders/start-the-rest-refused", test_start_the_rest_refused);
	g_test_add_func("/orders/remove", test_remove);
	g_test_add_data_func("/orders/import-after-remove", NULL, test_import_after_remove);
	g_test_add_data_func("/orders/import-after-remove-restarted", "", test_import_after_remove);
	g_test_add_func("/orders/property", test_property);
	return g_test_run();
}
