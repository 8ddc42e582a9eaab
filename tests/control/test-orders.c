/* control/orders: requests become orders with their reservations, and orders are carried on from
 * the map alone. Hosts are played by obey(), which does what docs/moves.md asks of them. */
#include "control/orders.h"
#include "plan/order.h"
#include "play.h"
#include "story.h"
#include "vapp/ovf.h"

#include <string.h>

#define START_MS 1000000u

struct fleet {
	struct world *world;
	struct judge *judge;
	struct orders *orders;
	guint64 now_ms;
};

static void fleet_restart(struct fleet *fleet)
{
	orders_free(fleet->orders);
	judge_free(fleet->judge);
	fleet->judge = judge_new();
	fleet->orders = orders_new(fleet->judge);
	judge_set_world(fleet->judge, fleet->world);
	orders_set_world(fleet->orders, fleet->world);
}

static void fleet_init(struct fleet *fleet)
{
	*fleet = (struct fleet){ .world = story_world(), .now_ms = START_MS };
	fleet_restart(fleet);
}

static void fleet_clear(struct fleet *fleet)
{
	orders_free(fleet->orders);
	judge_free(fleet->judge);
	world_free(fleet->world);
}

/* One run whose result is still on its way to the map. */
static struct ifmap_publish *run(struct fleet *fleet)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	guint64 wait_ms;

	fleet->now_ms += 10;
	world_set_as_of(fleet->world, fleet->now_ms);
	orders_run(fleet->orders, fleet->now_ms, publish, &wait_ms);
	return publish;
}

/* One run, given back by the map at once; how many operations it took. */
static unsigned turn(struct fleet *fleet)
{
	g_autoptr(ifmap_publish) publish = run(fleet);

	play_apply(fleet->world, publish, NULL);
	return ifmap_publish_n_operations(publish);
}

/* Runs until nothing more is said. That this comes soon is the property under test. */
static void settle(struct fleet *fleet)
{
	unsigned n = 0;

	while (turn(fleet))
		g_assert_cmpuint(++n, <, 20);
}

static void ask_at(struct fleet *fleet, const char *vapp, const char *id, const char *verb,
	const char *to, guint64 at_ms)
{
	g_autofree char *place = g_strconcat("vapp:", vapp, NULL);
	g_auto(facts_request) request = { .id = g_strdup(id),
		.verb = g_strdup(verb),
		.to = to ? g_strsplit(to, ",", -1) : NULL,
		.at_ms = at_ms };

	g_assert_true(world_put(fleet->world, FACTS_REQUEST, place, NULL, &request, NULL));
}

static void ask(
	struct fleet *fleet, const char *vapp, const char *id, const char *verb, const char *to)
{
	ask_at(fleet, vapp, id, verb, to, fleet->now_ms);
}

static const struct facts_order *order_of(struct fleet *fleet, const char *vapp)
{
	return world_find_vapp(fleet->world, vapp)->order;
}

static const char *purpose(
	struct fleet *fleet, const char *vapp, const char *machine, const char *host)
{
	g_autofree char *a = story_machine(vapp, machine);
	g_autofree char *b = story_host(host);
	const struct facts_reservation *fact = world_get(fleet->world, FACTS_RESERVATION, a, b);

	return fact ? fact->purpose : NULL;
}

/* ---- hosts ---- */

static void put_state(struct fleet *fleet, const char *vm, const char *host, const char *state)
{
	g_autofree char *copy = g_strdup(state);
	struct facts_runs_on runs_on = { .state = copy, .memory_mib = 107, .vcpus = 1 };
	struct facts_enforced enforced = { .conforming = TRUE };

	world_put(fleet->world, FACTS_RUNS_ON, vm, host, state ? &runs_on : NULL, NULL);
	world_put(fleet->world, FACTS_ENFORCED, vm, host, state ? &enforced : NULL, NULL);
}

static void put_progress(struct fleet *fleet, const struct facts_order *order, const char *vm,
	const char *host, const char *state)
{
	g_auto(facts_progress) fact = { .order = g_strdup(order->id),
		.phase = g_strdup(order->phase),
		.state = g_strdup(state),
		.at_ms = fleet->now_ms };

	world_put(fleet->world, FACTS_PROGRESS, vm, host, &fact, NULL);
}

/* What a side does in a phase; state "-": nothing to change, NULL: the copy is gone. */
static const struct duty {
	const char *phase;
	gboolean source;
	const char *state;
} duties[] = {
	{ "protect", FALSE, "-" },
	{ "precopy", TRUE, "-" },
	{ "switch", TRUE, "shutoff" },
	{ "switch", FALSE, "paused" },
	{ "resume", FALSE, "running" },
	{ "release", TRUE, NULL },
	{ "return", FALSE, NULL },
	{ "return", TRUE, "running" },
	{ "restart", TRUE, "running" },
	{ "start", FALSE, "running" },
	{ "stop", TRUE, "shutoff" },
};

/* What a host goes by: the reservation it holds, and the order's word. */
static gboolean is_its_turn(struct fleet *fleet, const struct facts_order *order,
	const struct facts_order_member *member)
{
	g_autofree char *vm = g_strconcat("device:", member->vm, NULL);
	g_autofree char *to = member->to ? g_strconcat("device:", member->to, NULL) : NULL;
	const struct facts_reservation *held = to ? world_get(
							    fleet->world, FACTS_RESERVATION, vm, to)
						  : NULL;

	if (strcmp(order->phase, "start") == 0)
		return held && strcmp(held->purpose, "home") == 0;
	return strcmp(order->phase, "stop") != 0 || member->go_ms > 0;
}

static void obey_one(struct fleet *fleet, const struct facts_order *order,
	const struct facts_order_member *member, const struct duty *duty)
{
	const char *uuid = duty->source ? member->from : member->to;
	g_autofree char *vm = g_strconcat("device:", member->vm, NULL);
	g_autofree char *host = uuid ? g_strconcat("device:", uuid, NULL) : NULL;

	if (!host || strcmp(duty->phase, order->phase) != 0 || !is_its_turn(fleet, order, member))
		return;
	if (g_strcmp0(duty->state, "-") != 0)
		put_state(fleet, vm, host, duty->state);
	put_progress(fleet, order, vm, host, "done");
}

/* Every host answers the phase; with `lazy` each machine with even odds only. */
static void obey(struct fleet *fleet, const char *vapp, gboolean lazy)
{
	g_auto(facts_order) order = { 0 };

	facts_copy(FACTS_ORDER, order_of(fleet, vapp), &order);
	for (unsigned i = 0; order.members && i < order.members->len; i++)
		for (size_t d = 0; d < G_N_ELEMENTS(duties); d++)
			if (!lazy || g_test_rand_bit())
				obey_one(fleet, &order, order.members->pdata[i], &duties[d]);
}

/* ---- a request becomes an order ---- */

static void test_take(void)
{
	struct fleet fleet;
	g_autoptr(ifmap_publish) publish = NULL;
	g_auto(facts_order) order = { 0 };
	g_auto(facts_history) history = { 0 };
	g_autofree char *host_b = story_host("B");

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", "B");
	publish = run(&fleet);
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
	g_assert_cmpstr(purpose(&fleet, "shop", "db1", "A"), ==, "home");
	g_assert_cmpstr(purpose(&fleet, "shop", "db1", "B"), ==, "arrival");
	g_assert_cmpuint(turn(&fleet), ==, 0);
	fleet_clear(&fleet);
}

/* Before its own answer has come back from the map, the same request is not taken twice. */
static void test_take_once(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", "B");
	ifmap_publish_free(run(&fleet));
	for (unsigned i = 0; i < 3; i++) {
		g_autoptr(ifmap_publish) again = run(&fleet);

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
	ask(&fleet, "shop", "r1", refusal->verb, refusal->to);
	publish = run(&fleet);
	g_assert_cmpuint(ifmap_publish_n_operations(publish), ==, 1);
	g_assert_true(play_find(publish, FACTS_ORDER, "vapp:shop", NULL, &order));
	g_assert_cmpstr(order.id, ==, "r1");
	g_assert_cmpstr(order.state, ==, "refused");
	g_test_message("%s", order.reason);
	g_assert_nonnull(strstr(order.reason, refusal->says));
	play_apply(fleet.world, publish, NULL);
	g_assert_cmpuint(turn(&fleet), ==, 0);
	fleet_clear(&fleet);
}

/* Nobody named a host: the only other one that is clear. */
static void test_any_host(void)
{
	struct fleet fleet;
	g_autofree char *b = story_host("B");

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", NULL);
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "running");
	for (unsigned i = 0; i < 4; i++) {
		const struct facts_order_member *member =
			order_of(&fleet, "shop")->members->pdata[i];

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
	ask(&fleet, "shop", "r1", "move", "B");
	ask(&fleet, "bank", "r2", "move", "B");
	{
		g_autoptr(ifmap_publish) first = run(&fleet);
		g_autoptr(ifmap_publish) second = run(&fleet); /* the first is still on its way */

		g_assert_cmpuint(play_count(first, FACTS_ORDER, IFMAP_OPERATION_UPDATE), ==, 1);
		g_assert_cmpuint(ifmap_publish_n_operations(second), ==, 0);
		play_apply(fleet.world, first, NULL);
	}
	settle(&fleet);
	for (size_t i = 0; i < G_N_ELEMENTS(vapps); i++)
		if (strcmp(order_of(&fleet, vapps[i])->state, "refused") == 0)
			refused++;
	g_assert_cmpuint(refused, ==, 1);
	fleet_clear(&fleet);
}

/* An answer that never comes back holds nobody up for good. */
static void test_race_lost(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", "B");
	ask(&fleet, "bank", "r2", "stop", NULL);
	ifmap_publish_free(run(&fleet));
	fleet.now_ms += 60000;
	{
		g_autoptr(ifmap_publish) later = run(&fleet);

		g_assert_cmpuint(play_count(later, FACTS_ORDER, IFMAP_OPERATION_UPDATE), >=, 1);
	}
	fleet_clear(&fleet);
}

/* Its order is aborted, and ends. */
static void move_back(struct fleet *fleet)
{
	ask(fleet, "shop", "abort", "abort", NULL);
	for (unsigned i = 0; i < 6; i++) {
		settle(fleet);
		obey(fleet, "shop", FALSE);
	}
	g_assert_cmpstr(order_of(fleet, "shop")->state, ==, "rolled-back");
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
	ask(&fleet, "shop", "r1", "move", "B");
	publish = run(&fleet);
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
	ask(&fleet, "shop", "r1", "move", "B");
	publish = run(&fleet);
	g_assert_true(play_find(publish, FACTS_HISTORY, b, NULL, &history));
	g_assert_cmpuint(history.forgotten->len, ==, 1);
	g_assert_cmpstr(history.chw[0], ==, "blue");
	g_assert_cmpstr(history.chw[1], ==, "red");
	play_apply(fleet.world, publish, NULL);
	move_back(&fleet);
	ask(&fleet, "shop", "r2", "move", "B");
	again = run(&fleet);
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
	ask(&fleet, "shop", "r1", "move", "B");
	settle(&fleet);
	for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
		g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, phases[i]);
		obey(&fleet, "shop", FALSE);
		settle(&fleet);
	}
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "done");
	g_assert_null(purpose(&fleet, "shop", "web1", "A"));
	g_assert_cmpstr(purpose(&fleet, "shop", "web1", "B"), ==, "home");
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
	ask(&fleet, "shop", "r1", "move", "B");
	settle(&fleet);
	while (strcmp(order_of(&fleet, "shop")->phase, "switch") != 0) {
		obey(&fleet, "shop", FALSE);
		settle(&fleet);
	}
	obey(&fleet, "shop", FALSE);
	publish = run(&fleet);
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
	ask(&fleet, "shop", "r1", "move", "B");
	for (unsigned i = 0; i < 12; i++) {
		fleet_restart(&fleet);
		turn(&fleet);
		obey(&fleet, "shop", FALSE);
	}
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "done");
	fleet_clear(&fleet);
}

/* The operator's clock may go wrong by minutes; what counts is that the request stands. */
static void test_abort(gconstpointer data)
{
	gint64 skew_ms = GPOINTER_TO_INT(data);
	struct fleet fleet;

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", "B");
	settle(&fleet);
	obey(&fleet, "shop", FALSE);
	settle(&fleet);
	ask_at(&fleet, "shop", "r2", "abort", NULL, (guint64)((gint64)fleet.now_ms + skew_ms));
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "return");
	for (unsigned i = 0; i < 5; i++) {
		obey(&fleet, "shop", FALSE);
		settle(&fleet);
	}
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_cmpstr(order_of(&fleet, "shop")->id, ==, "r1");
	g_assert_cmpstr(purpose(&fleet, "shop", "web1", "A"), ==, "home");
	g_assert_null(purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* Nothing runs: there is nothing to abort, and no order comes of it. */
static void test_abort_nothing(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "abort", NULL);
	g_assert_cmpuint(turn(&fleet), ==, 0);
	fleet_clear(&fleet);
}

/* ---- turns ---- */

static void wait_ms(struct fleet *fleet, guint64 ms)
{
	fleet->now_ms += ms;
	settle(fleet);
}

#define N_SHOP 4

static const char *const shop_names[N_SHOP] = { "web1", "web2", "app1", "db1" };

/* `shop`, off, with these orders and delays (also of stops, in seconds); two machines a host. */
static void give_orders(struct fleet *fleet, const unsigned *orders, const unsigned *delays)
{
	g_autoptr(vapp_value) shop = story_shop();

	for (unsigned i = 0; i < N_SHOP; i++) {
		struct vapp_machine *machine = shop->machines->pdata[i];

		machine->start_order = orders[i];
		machine->start_delay_s = machine->stop_delay_s = delays[i];
	}
	story_put_package(fleet->world, shop);
	for (unsigned h = 0; h < 2; h++) {
		g_autofree char *host = story_host(h ? "B" : "A");
		struct facts_capacity few = { 0 };

		facts_copy(
			FACTS_CAPACITY, world_get(fleet->world, FACTS_CAPACITY, host, NULL), &few);
		few.memory_mib = 214;
		world_put(fleet->world, FACTS_CAPACITY, host, NULL, &few, NULL);
		facts_clear(FACTS_CAPACITY, &few);
		for (unsigned i = 0; i < N_SHOP; i++) {
			g_autofree char *vm = story_machine("shop", shop_names[i]);

			put_state(fleet, vm, host, NULL);
		}
	}
}

/* Whether the machine runs, anywhere. */
static gboolean runs(struct fleet *fleet, const char *name)
{
	const struct world_machine *machine = world_find_member(fleet->world, "shop", name);

	return machine && world_machine_active(machine);
}

/* One machine's host does what it is told, now. */
static void obey_for(struct fleet *fleet, const char *name)
{
	g_auto(facts_order) order = { 0 };

	facts_copy(FACTS_ORDER, order_of(fleet, "shop"), &order);
	for (unsigned i = 0; order.members && i < order.members->len; i++)
		for (size_t d = 0; d < G_N_ELEMENTS(duties); d++)
			if (strcmp(((struct facts_order_member *)order.members->pdata[i])->machine,
				    name) == 0)
				obey_one(fleet, &order, order.members->pdata[i], &duties[d]);
}

/* Runs the order to its end; ret_ms[i]: when machine i was started or stopped. */
static void run_turns(struct fleet *fleet, guint64 *ret_ms)
{
	unsigned n = 0;

	while (!plan_order_ended(order_of(fleet, "shop"))) {
		for (unsigned i = 0; i < N_SHOP; i++) {
			gboolean before = runs(fleet, shop_names[i]);

			if (g_test_rand_bit())
				obey_for(fleet, shop_names[i]);
			if (runs(fleet, shop_names[i]) != before)
				ret_ms[i] = fleet->now_ms;
		}
		if (g_test_rand_int_range(0, 4) == 0)
			fleet_restart(fleet);
		fleet->now_ms += (guint64)g_test_rand_int_range(1, 900);
		settle(fleet);
		g_assert_cmpuint(++n, <, 600);
	}
	g_assert_cmpstr(order_of(fleet, "shop")->state, ==, "done");
}

static void check_turns(
	const unsigned *orders, const unsigned *delays, const guint64 *at_ms, gboolean reverse)
{
	for (unsigned i = 0; i < N_SHOP; i++)
		for (unsigned k = 0; k < N_SHOP; k++)
			if (orders[i] && orders[k] &&
				(reverse ? orders[i] > orders[k] : orders[i] < orders[k]))
				g_assert_cmpuint(at_ms[k], >=, at_ms[i] + delays[i] * 1000);
}

/* Over several hosts, in random orders with random delays, control killed now and then: nobody
 * starts before those of a lower order run for as long as their delay, and stops are the reverse.
 */
static void test_turns(void)
{
	for (unsigned round = 0; round < 30; round++) {
		unsigned orders[N_SHOP];
		unsigned delays[N_SHOP];
		guint64 at_ms[N_SHOP] = { 0 };
		struct fleet fleet;

		for (unsigned i = 0; i < N_SHOP; i++) {
			orders[i] = (unsigned)g_test_rand_int_range(0, 4);
			delays[i] = (unsigned)g_test_rand_int_range(0, 3) * 10;
		}
		fleet_init(&fleet);
		give_orders(&fleet, orders, delays);
		ask(&fleet, "shop", "r1", "start", "A,B");
		settle(&fleet);
		run_turns(&fleet, at_ms);
		check_turns(orders, delays, at_ms, FALSE);
		ask(&fleet, "shop", "r2", "stop", NULL);
		settle(&fleet);
		run_turns(&fleet, at_ms);
		check_turns(orders, delays, at_ms, TRUE);
		fleet_clear(&fleet);
	}
}

/* The story in words: the database on its host, then the application on the other, then the web. */
static void test_turns_in_words(void)
{
	static const unsigned orders[N_SHOP] = { 3, 3, 2, 1 };
	static const unsigned delays[N_SHOP] = { 0, 0, 0, 200 };
	struct fleet fleet;
	g_autoptr(ifmap_publish) publish = NULL;
	guint64 wait;

	fleet_init(&fleet);
	give_orders(&fleet, orders, delays);
	ask(&fleet, "shop", "r1", "start", "A,B");
	settle(&fleet);
	obey(&fleet, "shop", FALSE);
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "start");
	obey(&fleet, "shop", FALSE);
	g_assert_true(runs(&fleet, "db1"));
	g_assert_false(runs(&fleet, "app1"));
	settle(&fleet);
	/* its delay is longer than a start may take, and that is nobody's fault */
	wait_ms(&fleet, 199000);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "running");
	obey(&fleet, "shop", FALSE);
	g_assert_false(runs(&fleet, "app1"));
	publish = ifmap_publish_new();
	orders_run(fleet.orders, fleet.now_ms, publish, &wait);
	g_assert_cmpuint(wait, <=, 1000); /* control looks again when the delay is over */
	wait_ms(&fleet, 1000);
	obey(&fleet, "shop", FALSE);
	g_assert_true(runs(&fleet, "app1"));
	g_assert_false(runs(&fleet, "web1"));
	settle(&fleet);
	/* one that does not come up in its own time brings all back */
	wait_ms(&fleet, 119000);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "start");
	wait_ms(&fleet, 1000);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "return");
	fleet_clear(&fleet);
}

/* ---- hosts that fall silent ---- */

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

/* `shop` on its way to B, B in this phase. */
static void move_until(struct fleet *fleet, const char *phase)
{
	ask(fleet, "shop", "r1", "move", "B");
	settle(fleet);
	while (strcmp(order_of(fleet, "shop")->phase, phase) != 0) {
		obey(fleet, "shop", FALSE);
		settle(fleet);
	}
}

/* Past `resume` the destination's word is needed, or an operator's that it is off; then the
 * machines come back to where they were. */
static void test_fence(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	move_until(&fleet, "resume");
	silence(&fleet, "B");
	settle(&fleet);
	wait_ms(&fleet, 8100);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "stuck");
	g_test_message("%s", order_of(&fleet, "shop")->reason);
	g_assert_nonnull(
		strstr(order_of(&fleet, "shop")->reason, "host B of web1, web2, app1, db1"));
	g_assert_nonnull(strstr(order_of(&fleet, "shop")->reason, "silent since"));
	g_assert_nonnull(
		strstr(order_of(&fleet, "shop")->reason, "drover fence B --confirm-powered-off"));
	wait_ms(&fleet, 3600000);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "stuck");
	fence(&fleet, "B");
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "return");
	/* A's copy went to B: it is off here, and is started afresh */
	for (unsigned i = 0; i < 4; i++) {
		const struct facts_order_member *member =
			order_of(&fleet, "shop")->members->pdata[i];
		g_autofree char *vm = g_strconcat("device:", member->vm, NULL);
		g_autofree char *a = story_host("A");

		put_state(&fleet, vm, a, "shutoff");
		put_progress(&fleet, order_of(&fleet, "shop"), vm, a, "done");
	}
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "restart");
	obey(&fleet, "shop", FALSE);
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "rolled-back");
	g_assert_cmpstr(purpose(&fleet, "shop", "web1", "A"), ==, "home");
	g_assert_null(purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* The fence is about one life of the agent: it does not count for the next. */
static void test_fence_of_last_life(void)
{
	struct fleet fleet;
	g_autofree char *b = story_host("B");
	struct facts_enrolled next = { .name = (char[]){ "B" }, .started_ms = 7 };

	fleet_init(&fleet);
	move_until(&fleet, "resume");
	silence(&fleet, "B");
	fence(&fleet, "B");
	world_put(fleet.world, FACTS_ENROLLED, "fleet:default", b, &next, NULL);
	settle(&fleet);
	wait_ms(&fleet, 8100);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "stuck");
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
	move_until(&fleet, "precopy");
	wait_ms(&fleet, 300000);
	silence(&fleet, "B");
	if (data)
		fleet_restart(&fleet);
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "precopy");
	wait_ms(&fleet, 7000);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "precopy");
	world_put(fleet.world, FACTS_IN_FLEET, "fleet:default", b, &back, NULL);
	settle(&fleet);
	wait_ms(&fleet, 7000);
	silence(&fleet, "B");
	settle(&fleet);
	wait_ms(&fleet, 7000);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "precopy");
	wait_ms(&fleet, 1000);
	g_assert_cmpstr(order_of(&fleet, "shop")->phase, ==, "return");
	fleet_clear(&fleet);
}

/* A machine whose home is silent may still run there: it is not started elsewhere before somebody
 * says that the host is off. Then its old home is given up. */
static void test_start_elsewhere(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", "B");
	for (unsigned i = 0; i < 8; i++) {
		settle(&fleet);
		obey(&fleet, "shop", FALSE);
	}
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "done");
	silence(&fleet, "B");
	ask(&fleet, "shop", "r2", "start", "A");
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "refused");
	g_assert_nonnull(strstr(order_of(&fleet, "shop")->reason, "HOME_SILENT"));
	fence(&fleet, "B");
	ask(&fleet, "shop", "r3", "start", "A");
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "running");
	g_assert_null(purpose(&fleet, "shop", "web1", "B"));
	g_assert_cmpstr(purpose(&fleet, "shop", "web1", "A"), ==, "arrival");
	fleet_clear(&fleet);
}

/* What is to be stopped on a silent host is not stopped until its agent says so, or an operator. */
static void test_stop_of_silent(void)
{
	struct fleet fleet;

	fleet_init(&fleet);
	ask(&fleet, "shop", "r1", "move", "B");
	for (unsigned i = 0; i < 8; i++) {
		settle(&fleet);
		obey(&fleet, "shop", FALSE);
	}
	silence(&fleet, "B");
	ask(&fleet, "shop", "r2", "stop", NULL);
	settle(&fleet);
	wait_ms(&fleet, 8100);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "stuck");
	fence(&fleet, "B");
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "done");
	g_assert_null(purpose(&fleet, "shop", "web1", "B"));
	fleet_clear(&fleet);
}

/* ---- removal ---- */

static void remove_shop(struct fleet *fleet)
{
	ask(fleet, "shop", "r1", "remove", NULL);
	for (unsigned i = 0; i < 5; i++) {
		settle(fleet);
		if (world_find_vapp(fleet->world, "shop"))
			obey(fleet, "shop", FALSE);
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
	g_assert_null(purpose(&fleet, "shop", "web1", "A"));
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
	settle(&fleet);
	g_assert_nonnull(world_find_vapp(fleet.world, "shop")->package);
	ask(&fleet, "shop", "r9", "start", "B");
	settle(&fleet);
	g_assert_cmpstr(order_of(&fleet, "shop")->id, ==, "r9");
	g_assert_cmpstr(order_of(&fleet, "shop")->state, ==, "running");
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
			if (g_strcmp0(purpose(fleet, "shop", machines[m], homes[h]), "home") == 0)
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
		ask(&fleet, "shop", "r1", "move", "B");
		settle(&fleet);
		while (!plan_order_ended(order_of(&fleet, "shop"))) {
			if (g_test_rand_int_range(0, 4) == 0)
				fleet_restart(&fleet);
			if (g_test_rand_int_range(0, 12) == 0)
				ask(&fleet, "shop", "r2", "abort", NULL);
			obey(&fleet, "shop", TRUE);
			settle(&fleet);
			check_homes(&fleet);
			g_assert_cmpuint(++n, <, 200);
		}
		g_assert_cmpuint(turn(&fleet), ==, 0);
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
	g_test_add_func("/orders/turns", test_turns);
	g_test_add_func("/orders/turns-in-words", test_turns_in_words);
	g_test_add_func("/orders/fence", test_fence);
	g_test_add_func("/orders/fence-of-last-life", test_fence_of_last_life);
	g_test_add_data_func("/orders/silence", NULL, test_silence);
	g_test_add_data_func("/orders/silence-restarted", "", test_silence);
	g_test_add_func("/orders/start-elsewhere", test_start_elsewhere);
	g_test_add_func("/orders/stop-of-silent", test_stop_of_silent);
	g_test_add_func("/orders/remove", test_remove);
	g_test_add_data_func("/orders/import-after-remove", NULL, test_import_after_remove);
	g_test_add_data_func("/orders/import-after-remove-restarted", "", test_import_after_remove);
	g_test_add_func("/orders/property", test_property);
	return g_test_run();
}
