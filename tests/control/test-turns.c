/* control/orders: starts and stops go by turns (docs/moves.md, Turns). */
#include "fleet.h"
#include "plan/order.h"
#include "story.h"

#include <string.h>

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

			fleet_put_state(fleet, vm, host, NULL);
		}
	}
}

/* Whether the machine runs, anywhere. */
static gboolean runs(struct fleet *fleet, const char *name)
{
	const struct world_machine *machine = world_find_member(fleet->world, "shop", name);

	return machine && world_machine_active(machine);
}

/* Runs the order to its end; ret_ms[i]: when machine i was started or stopped. */
static void run_turns(struct fleet *fleet, guint64 *ret_ms)
{
	unsigned n = 0;

	while (!plan_order_ended(fleet_order(fleet, "shop"))) {
		for (unsigned i = 0; i < N_SHOP; i++) {
			gboolean before = runs(fleet, shop_names[i]);

			if (g_test_rand_bit())
				fleet_obey_for(fleet, "shop", shop_names[i]);
			if (runs(fleet, shop_names[i]) != before)
				ret_ms[i] = fleet->now_ms;
		}
		if (g_test_rand_int_range(0, 4) == 0)
			fleet_restart(fleet);
		fleet->now_ms += (guint64)g_test_rand_int_range(1, 900);
		fleet_settle(fleet);
		g_assert_cmpuint(++n, <, 600);
	}
	g_assert_cmpstr(fleet_order(fleet, "shop")->state, ==, "done");
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
		fleet_ask(&fleet, "shop", "r1", "start", "A,B");
		fleet_settle(&fleet);
		run_turns(&fleet, at_ms);
		check_turns(orders, delays, at_ms, FALSE);
		fleet_ask(&fleet, "shop", "r2", "stop", NULL);
		fleet_settle(&fleet);
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
	fleet_ask(&fleet, "shop", "r1", "start", "A,B");
	fleet_settle(&fleet);
	fleet_obey(&fleet, "shop");
	fleet_settle(&fleet);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "start");
	fleet_obey(&fleet, "shop");
	g_assert_true(runs(&fleet, "db1"));
	g_assert_false(runs(&fleet, "app1"));
	fleet_settle(&fleet);
	/* its delay is longer than a start may take, and that is nobody's fault */
	fleet_wait(&fleet, 199000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->state, ==, "running");
	fleet_obey(&fleet, "shop");
	g_assert_false(runs(&fleet, "app1"));
	publish = ifmap_publish_new();
	orders_run(fleet.orders, fleet.now_ms, publish, &wait);
	g_assert_cmpuint(wait, <=, 1000); /* control looks again when the delay is over */
	fleet_wait(&fleet, 1000);
	fleet_obey(&fleet, "shop");
	g_assert_true(runs(&fleet, "app1"));
	g_assert_false(runs(&fleet, "web1"));
	fleet_settle(&fleet);
	/* one that does not come up in its own time brings all back */
	fleet_wait(&fleet, 119000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "start");
	fleet_wait(&fleet, 1000);
	g_assert_cmpstr(fleet_order(&fleet, "shop")->phase, ==, "return");
	fleet_clear(&fleet);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/orders/turns", test_turns);
	g_test_add_func("/orders/turns-in-words", test_turns_in_words);
	return g_test_run();
}
