#include "control/orders.h"

#include "control/intents.h"
#include "label/decide.h"
#include "plan/order.h"
#include "plan/place.h"

#include <string.h>

#define ON_ITS_WAY_MS 10000 /* what the map has not given back by then was lost */

/* An order as last published: newer than the map's until it comes back. */
struct said {
	struct facts_order *order;
	guint64 at_ms;
};

struct orders {
	struct judge *judge;
	const struct world *world;
	GHashTable *said;         /* vApp -> struct said */
	GHashTable *silent_since; /* host UUID -> guint64 *: when it was first missed, wall clock */
};

/* One vApp being looked at. */
struct looking {
	struct orders *orders;
	const struct world_vapp *vapp;
	guint64 now_ms;
	struct ifmap_publish *publish;
};

static void order_free(struct facts_order *order)
{
	facts_clear(FACTS_ORDER, order);
	g_free(order);
}

static void said_free(gpointer data)
{
	struct said *said = data;

	order_free(said->order);
	g_free(said);
}

struct orders *orders_new(struct judge *judge)
{
	struct orders *orders = g_new0(struct orders, 1);

	orders->judge = judge;
	orders->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, said_free);
	orders->silent_since = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return orders;
}

void orders_free(struct orders *orders)
{
	if (!orders)
		return;
	g_hash_table_unref(orders->said);
	g_hash_table_unref(orders->silent_since);
	g_free(orders);
}

void orders_set_world(struct orders *orders, const struct world *world)
{
	orders->world = world;
	g_hash_table_remove_all(orders->said);
}

/* ---- publishing ---- */

static void publish_hold(const struct looking *looking, const char *vm, const char *host,
	const char *purpose, const char *order)
{
	const struct vapp_machine *machine = looking->vapp->machines
						     ? g_hash_table_lookup(
							       looking->vapp->machines, vm)
						     : NULL;
	g_autoptr(ifmap_id) a = facts_id_device(vm, NULL);
	g_autoptr(ifmap_id) b = facts_id_device(host, NULL);
	struct facts_reservation fact = {
		.purpose = (char *)purpose,
		.order = (char *)order,
		.memory_mib = machine ? machine->memory_mib : 0,
		.vcpus = machine ? machine->n_vcpus : 0,
	};

	if (purpose)
		facts_publish(looking->publish, FACTS_RESERVATION, a, b, &fact);
	else
		facts_unpublish(looking->publish, FACTS_RESERVATION, a, b);
}

/* Where it was at home before its host went down: it has a new home now. */
static void drop_old_homes(struct looking *looking, const struct facts_order *order)
{
	for (unsigned i = 0; order->members && i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];
		const struct world_machine *machine = world_find_machine(
			looking->orders->world, member->vm);

		for (unsigned k = 0; machine && k < machine->copies->len; k++) {
			const struct world_copy *copy = machine->copies->pdata[k];

			if (copy->reservation && g_strcmp0(copy->host->uuid, member->to) != 0)
				publish_hold(
					looking, member->vm, copy->host->uuid, NULL, order->id);
		}
	}
}

/* The order and the reservations of its phase travel together (docs/moves.md, Reservations). Takes
 * the order. */
static void publish_order(struct looking *looking, struct facts_order *order)
{
	g_autoptr(ifmap_id) id = facts_id_vapp(looking->vapp->name, NULL);
	struct said *said = g_new0(struct said, 1);

	for (unsigned i = 0; order->members && i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];
		struct plan_holds holds = plan_order_holds(order, member);

		if (member->from)
			publish_hold(looking, member->vm, member->from, holds.from, order->id);
		if (member->to)
			publish_hold(looking, member->vm, member->to, holds.to, order->id);
	}
	facts_publish(looking->publish, FACTS_ORDER, id, NULL, order);
	said->order = order;
	said->at_ms = looking->now_ms;
	g_hash_table_replace(looking->orders->said, g_strdup(looking->vapp->name), said);
}

/* Chinese Walls that remember: a host has run these types from the moment that a machine may start
 * there. What operators took out stays on record. */
static void publish_history(const struct looking *looking, const char *host_uuid)
{
	const struct world_host *host = world_find_host(looking->orders->world, host_uuid);
	const struct label_policy *policy = world_label_policy(looking->orders->world, NULL);
	const struct vapp *vapp = looking->vapp->vapp;
	g_autoptr(ifmap_id) id = facts_id_device(host_uuid, NULL);
	g_auto(facts_history) fact = { 0 };

	if (host && host->history)
		facts_copy(FACTS_HISTORY, host->history, &fact);
	for (unsigned i = 0; policy && i < vapp->machines->len; i++) {
		const char *label = vapp_machine_label(vapp, vapp->machines->pdata[i]);
		char **before = fact.chw;

		if (!label)
			continue;
		fact.chw = label_history_add(policy, (const char *const *)before, label);
		g_strfreev(before);
	}
	if (fact.chw && *fact.chw &&
		!(host && host->history && facts_equal(FACTS_HISTORY, host->history, &fact)))
		facts_publish(looking->publish, FACTS_HISTORY, id, NULL, &fact);
}

static void publish_histories(const struct looking *looking, const struct facts_order *order)
{
	g_autoptr(GHashTable) hosts = g_hash_table_new(g_str_hash, g_str_equal);

	for (unsigned i = 0; order->members && i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];

		if (member->to && g_hash_table_add(hosts, member->to))
			publish_history(looking, member->to);
	}
}

/* ---- a new request ---- */

static void refuse(struct looking *looking, const struct plan_request *request, GPtrArray *reasons)
{
	struct facts_order *order = g_new0(struct facts_order, 1);

	plan_order_refuse(order, request, reasons);
	publish_order(looking, order);
}

static void move_reasons(GPtrArray *to, GPtrArray *from)
{
	while (from && from->len > 0)
		g_ptr_array_add(to, g_ptr_array_steal_index(from, 0));
}

/* UUIDs of the hosts asked for, NULL-terminated; an unknown name becomes a reason. */
static char **hosts_asked(const struct looking *looking, char **names, GPtrArray *reasons)
{
	g_autoptr(GStrvBuilder) uuids = g_strv_builder_new();

	for (size_t i = 0; names && names[i]; i++) {
		const struct world_host *host = world_find_host(looking->orders->world, names[i]);

		if (host)
			g_strv_builder_add(uuids, host->uuid);
		else
			g_ptr_array_add(
				reasons, plan_reason_new(PLAN_HOST_UNKNOWN, names[i],
						 "no host of the fleet is called %s", names[i]));
	}
	return g_strv_builder_end(uuids);
}

/* Fills the placement, or the reasons why there is none. What runs is not started: it stays. */
static void find_place(struct looking *looking, const struct facts_request *asked,
	struct plan_placement *placement, GPtrArray *reasons)
{
	g_auto(GStrv) uuids = hosts_asked(looking, asked->to, reasons);
	g_auto(plan_placement) running = { 0 };
	struct plan_question question = { .vapp = looking->vapp->vapp,
		.now_ms = looking->now_ms,
		.max_age_ms = PLAN_MAX_AGE_MS };
	g_autoptr(GPtrArray) against = NULL;

	if (g_strcmp0(asked->verb, "start") == 0) {
		plan_placement_init(&running, question.vapp);
		plan_placement_set_current(&running, looking->orders->world, question.vapp);
		question.pinned = &running;
	}
	if (reasons->len == 0 && !plan_choose_place(judge_plan(looking->orders->judge), &question,
					 (const char *const *)uuids, placement, &against))
		move_reasons(reasons, against);
}

static void take_request(struct looking *looking, const struct facts_request *asked)
{
	g_autoptr(GPtrArray)
		reasons = g_ptr_array_new_with_free_func((GDestroyNotify)plan_reason_free);
	g_autoptr(GPtrArray) against = NULL;
	g_auto(plan_placement) placement = { 0 };
	struct plan_request request = {
		.id = asked->id, .placement = &placement, .now_ms = looking->now_ms
	};
	struct facts_order *order;

	if (!plan_verb_from_string(asked->verb, &request.verb)) {
		request.verb = PLAN_VERB_STOP;
		g_ptr_array_add(
			reasons, plan_reason_new(PLAN_NOT_CLEARED, looking->vapp->name,
					 "'%s' is nothing that can be ordered", asked->verb));
	} else if (!plan_may_order(
			   looking->orders->world, looking->vapp->name, request.verb, &against)) {
		move_reasons(reasons, against);
	} else if (request.verb == PLAN_VERB_START || request.verb == PLAN_VERB_MOVE) {
		find_place(looking, asked, &placement, reasons);
	}
	if (reasons->len > 0) {
		refuse(looking, &request, reasons);
		return;
	}
	order = g_new0(struct facts_order, 1);
	plan_order_init(order, looking->orders->world, looking->vapp->vapp, &request);
	publish_histories(looking, order);
	if (request.verb == PLAN_VERB_START)
		drop_old_homes(looking, order);
	publish_order(looking, order);
}

/* ---- a running order ---- */

static guint64 advance(struct looking *looking, const struct facts_order *order)
{
	const struct facts_request *asked = looking->vapp->request;
	/* A vApp has one request: this one came after the one that the order came from, whatever
	 * the clocks of those who asked say. */
	const struct plan_watch watch = { .silent_since = looking->orders->silent_since,
		.abort = asked && g_strcmp0(asked->verb, "abort") == 0 };
	g_auto(plan_observed) observed = { 0 };
	g_auto(plan_next) next = { 0 };
	struct facts_order *after = g_new0(struct facts_order, 1);

	plan_observe(&observed, looking->orders->world, order, &watch);
	if (looking->vapp->vapp)
		plan_verify(&observed, judge_plan(looking->orders->judge), looking->vapp->vapp,
			order, looking->now_ms);
	plan_order_next(order, &observed, looking->now_ms, &next);
	facts_copy(FACTS_ORDER, order, after);
	if (plan_order_apply(after, &next, &observed, looking->now_ms))
		publish_order(looking, after);
	else
		order_free(after);
	return next.action == PLAN_WAIT ? next.wait_ms : 0;
}

/* The order has removed the package that still stands: not one that was imported since. */
static gboolean is_removed(const struct looking *looking, const struct facts_order *order)
{
	const struct facts_request *asked = looking->vapp->request;
	const struct facts_package *package = looking->vapp->package;

	if (!order || !package || g_strcmp0(order->verb, "remove") != 0 ||
		g_strcmp0(order->state, "done") != 0)
		return FALSE;
	if (!asked)
		return package->at_ms <= order->at_ms;
	return g_strcmp0(asked->id, order->id) == 0 && package->at_ms <= asked->at_ms;
}

/* Everything the map holds about a vApp that was stopped to be removed. */
static void retract(struct looking *looking)
{
	g_autoptr(GPtrArray) hosts = world_hosts(looking->orders->world);
	g_autoptr(ifmap_id) id = facts_id_vapp(looking->vapp->name, NULL);
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	GHashTableIter iter;
	gpointer uuid;

	g_hash_table_iter_init(&iter, looking->vapp->machines);
	while (g_hash_table_iter_next(&iter, &uuid, NULL))
		intents_retract(looking->publish, looking->vapp->name, uuid);
	for (unsigned i = 0; i < hosts->len; i++) {
		g_autoptr(ifmap_id)
			host = facts_id_device(((struct world_host *)hosts->pdata[i])->uuid, NULL);

		facts_unpublish(looking->publish, FACTS_CLEARANCE, id, host);
	}
	judge_forget(looking->orders->judge, looking->vapp->name);
	facts_unpublish(looking->publish, FACTS_PACKAGE, id, NULL);
	facts_unpublish(looking->publish, FACTS_IN_FLEET, fleet, id);
}

/* What stands of the vApp: what was last said of it, as long as the map has not answered. */
static const struct facts_order *order_of(
	const struct orders *orders, const struct world_vapp *vapp)
{
	const struct said *said = g_hash_table_lookup(orders->said, vapp->name);

	return said ? said->order : vapp->order;
}

/* How long an order's reservations may still be on their way to the map; 0: all have come back.
 * What is judged meanwhile would not see the room and the walls that they take. */
static guint64 on_their_way_ms(const struct orders *orders, guint64 now_ms)
{
	GHashTableIter iter;
	gpointer name;
	gpointer value;
	guint64 longest = 0;

	g_hash_table_iter_init(&iter, orders->said);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const struct said *said = value;
		const struct world_vapp *vapp = world_find_vapp(orders->world, name);
		guint64 end_ms = said->at_ms + ON_ITS_WAY_MS;

		if (vapp && vapp->order && facts_equal(FACTS_ORDER, vapp->order, said->order))
			continue;
		if (end_ms > now_ms)
			longest = MAX(longest, end_ms - now_ms);
	}
	return longest;
}

static gboolean is_new(const struct looking *looking, const struct facts_order *order)
{
	const struct facts_request *asked = looking->vapp->request;

	return asked && asked->id && g_strcmp0(asked->verb, "abort") != 0 &&
	       (!order || g_strcmp0(order->id, asked->id) != 0) && looking->vapp->vapp;
}

/* Returns after what time to look again, 0: no need. */
static guint64 look_at(struct looking *looking)
{
	const struct facts_order *order = order_of(looking->orders, looking->vapp);
	guint64 busy_ms;

	if (order && order->id && !plan_order_ended(order))
		return advance(looking, order);
	if (is_removed(looking, order)) {
		retract(looking);
		return 0;
	}
	if (!is_new(looking, order))
		return 0;
	busy_ms = on_their_way_ms(looking->orders, looking->now_ms);
	if (!busy_ms)
		take_request(looking, looking->vapp->request);
	return busy_ms;
}

/* Since when each host's agent is missed. Kept over a new world: when the map or control came back,
 * agents are given the same time to be heard as at any other moment. */
static void watch_silence(struct orders *orders, guint64 now_ms)
{
	g_autoptr(GPtrArray) hosts = world_hosts(orders->world);

	for (unsigned i = 0; i < hosts->len; i++) {
		const struct world_host *host = hosts->pdata[i];

		if (world_host_alive(host))
			g_hash_table_remove(orders->silent_since, host->uuid);
		else if (!g_hash_table_contains(orders->silent_since, host->uuid))
			g_hash_table_insert(orders->silent_since, g_strdup(host->uuid),
				g_memdup2(&now_ms, sizeof(now_ms)));
	}
}

void orders_run(
	struct orders *orders, guint64 now_ms, struct ifmap_publish *publish, guint64 *ret_wait_ms)
{
	g_autoptr(GPtrArray) vapps = world_vapps(orders->world);

	*ret_wait_ms = 0;
	watch_silence(orders, now_ms);
	for (unsigned i = 0; i < vapps->len; i++) {
		struct looking looking = { orders, vapps->pdata[i], now_ms, publish };
		guint64 wait_ms = look_at(&looking);

		if (wait_ms && (!*ret_wait_ms || wait_ms < *ret_wait_ms))
			*ret_wait_ms = wait_ms;
	}
}
