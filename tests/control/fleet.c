#include "fleet.h"

#include "plan/order.h"
#include "play.h"
#include "story.h"

#include <string.h>

#define START_MS 1000000u

void fleet_restart(struct fleet *fleet)
{
	orders_free(fleet->orders);
	judge_free(fleet->judge);
	fleet->judge = judge_new();
	fleet->orders = orders_new(fleet->judge);
	judge_set_world(fleet->judge, fleet->world);
	orders_set_world(fleet->orders, fleet->world);
}

void fleet_init(struct fleet *fleet)
{
	*fleet = (struct fleet){ .world = story_world(), .now_ms = START_MS };
	fleet_restart(fleet);
}

void fleet_clear(struct fleet *fleet)
{
	orders_free(fleet->orders);
	judge_free(fleet->judge);
	world_free(fleet->world);
}

struct ifmap_publish *fleet_run(struct fleet *fleet)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	guint64 wait_ms;

	fleet->now_ms += 10;
	world_set_as_of(fleet->world, fleet->now_ms);
	orders_run(fleet->orders, fleet->now_ms, publish, &wait_ms);
	return publish;
}

unsigned fleet_turn(struct fleet *fleet)
{
	g_autoptr(ifmap_publish) publish = fleet_run(fleet);

	play_apply(fleet->world, publish, NULL);
	return ifmap_publish_n_operations(publish);
}

void fleet_settle(struct fleet *fleet)
{
	unsigned n = 0;

	while (fleet_turn(fleet))
		g_assert_cmpuint(++n, <, 20);
}

void fleet_ask_at(struct fleet *fleet, const char *vapp, const char *id, const char *verb,
	const char *to, guint64 at_ms)
{
	g_autofree char *place = g_strconcat("vapp:", vapp, NULL);
	g_auto(facts_request) request = { .id = g_strdup(id),
		.verb = g_strdup(verb),
		.to = to ? g_strsplit(to, ",", -1) : NULL,
		.at_ms = at_ms };

	g_assert_true(world_put(fleet->world, FACTS_REQUEST, place, NULL, &request, NULL));
}

void fleet_ask(
	struct fleet *fleet, const char *vapp, const char *id, const char *verb, const char *to)
{
	fleet_ask_at(fleet, vapp, id, verb, to, fleet->now_ms);
}

const struct facts_order *fleet_order(struct fleet *fleet, const char *vapp)
{
	return world_find_vapp(fleet->world, vapp)->order;
}

const char *fleet_purpose(
	struct fleet *fleet, const char *vapp, const char *machine, const char *host)
{
	g_autofree char *a = story_machine(vapp, machine);
	g_autofree char *b = story_host(host);
	const struct facts_reservation *fact = world_get(fleet->world, FACTS_RESERVATION, a, b);

	return fact ? fact->purpose : NULL;
}

/* ---- hosts ---- */

void fleet_put_state(struct fleet *fleet, const char *vm, const char *host, const char *state)
{
	g_autofree char *copy = g_strdup(state);
	struct facts_runs_on runs_on = { .state = copy, .memory_mib = 107, .vcpus = 1 };
	struct facts_enforced enforced = { .conforming = TRUE };

	world_put(fleet->world, FACTS_RUNS_ON, vm, host, state ? &runs_on : NULL, NULL);
	world_put(fleet->world, FACTS_ENFORCED, vm, host, state ? &enforced : NULL, NULL);
}

void fleet_put_progress(struct fleet *fleet, const struct facts_order *order, const char *vm,
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
		fleet_put_state(fleet, vm, host, duty->state);
	fleet_put_progress(fleet, order, vm, host, "done");
}

/* Their hosts do what the order asks; `name` NULL: every machine's. */
static void obey(struct fleet *fleet, const char *vapp, const char *name, unsigned percent)
{
	g_auto(facts_order) order = { 0 };

	facts_copy(FACTS_ORDER, fleet_order(fleet, vapp), &order);
	for (unsigned i = 0; order.members && i < order.members->len; i++) {
		const struct facts_order_member *member = order.members->pdata[i];

		for (size_t d = 0; d < G_N_ELEMENTS(duties); d++)
			if ((!name || strcmp(member->machine, name) == 0) &&
				(unsigned)g_test_rand_int_range(0, 100) < percent)
				obey_one(fleet, &order, member, &duties[d]);
	}
}

void fleet_obey(struct fleet *fleet, const char *vapp)
{
	obey(fleet, vapp, NULL, 100);
}

void fleet_obey_lazily(struct fleet *fleet, const char *vapp)
{
	obey(fleet, vapp, NULL, 50);
}

void fleet_obey_for(struct fleet *fleet, const char *vapp, const char *machine)
{
	obey(fleet, vapp, machine, 100);
}

void fleet_wait(struct fleet *fleet, guint64 ms)
{
	fleet->now_ms += ms;
	fleet_settle(fleet);
}

void fleet_move_until(struct fleet *fleet, const char *phase)
{
	unsigned n = 0;

	fleet_ask(fleet, "shop", "r1", "move", "B");
	fleet_settle(fleet);
	while (strcmp(fleet_order(fleet, "shop")->phase, phase) != 0) {
		fleet_obey(fleet, "shop");
		fleet_settle(fleet);
		g_assert_cmpuint(++n, <, 20);
	}
}

void fleet_carry_out(struct fleet *fleet, const char *vapp)
{
	unsigned n = 0;

	fleet_settle(fleet);
	while (!plan_order_ended(fleet_order(fleet, vapp))) {
		fleet_obey(fleet, vapp);
		fleet_settle(fleet);
		g_assert_cmpuint(++n, <, 20);
	}
}
