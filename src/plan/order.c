#include "plan/order.h"

#include "plan/turns.h"

#include "base/names.h"

#include <string.h>

/* Orders as values: named, made, refused; which reservations they want. What comes next: next.c. */

static const char *const phase_names[PLAN_N_PHASES] = {
#define PLAN_PHASE_NAME(phase, name) name,
	PLAN_PHASES(PLAN_PHASE_NAME)
#undef PLAN_PHASE_NAME
};

static const char *const verb_names[PLAN_N_VERBS] = {
	[PLAN_VERB_START] = "start",
	[PLAN_VERB_STOP] = "stop",
	[PLAN_VERB_MOVE] = "move",
	[PLAN_VERB_REMOVE] = "remove",
};

/* The way of each verb when all goes well; ends with PLAN_PHASE_DONE. */
static const enum plan_phase ways[PLAN_N_VERBS][6] = {
	[PLAN_VERB_START] = { PLAN_PHASE_PROTECT, PLAN_PHASE_START, PLAN_PHASE_DONE },
	[PLAN_VERB_STOP] = { PLAN_PHASE_STOP, PLAN_PHASE_RELEASE, PLAN_PHASE_DONE },
	[PLAN_VERB_MOVE] = { PLAN_PHASE_PROTECT, PLAN_PHASE_PRECOPY, PLAN_PHASE_SWITCH,
		PLAN_PHASE_RESUME, PLAN_PHASE_RELEASE, PLAN_PHASE_DONE },
	[PLAN_VERB_REMOVE] = { PLAN_PHASE_STOP, PLAN_PHASE_RELEASE, PLAN_PHASE_DONE },
};

const char *plan_phase_to_string(enum plan_phase phase)
{
	return phase_names[phase];
}

gboolean plan_phase_from_string(const char *name, enum plan_phase *ret_phase)
{
	unsigned i;

	if (!BASE_NAMES_FIND(phase_names, name, &i))
		return FALSE;
	*ret_phase = i;
	return TRUE;
}

const char *plan_verb_to_string(enum plan_verb verb)
{
	return verb_names[verb];
}

gboolean plan_verb_from_string(const char *name, enum plan_verb *ret_verb)
{
	unsigned i;

	if (!BASE_NAMES_FIND(verb_names, name, &i))
		return FALSE;
	*ret_verb = i;
	return TRUE;
}

gboolean plan_order_ended(const struct facts_order *order)
{
	return g_strcmp0(order->state, "running") != 0 && g_strcmp0(order->state, "stuck") != 0;
}

/* ---- may it be ordered ---- */

static unsigned n_active(const struct world_machine *machine)
{
	unsigned n = 0;

	for (unsigned i = 0; machine && i < machine->copies->len; i++)
		n += world_copy_active(machine->copies->pdata[i]) ? 1 : 0;
	return n;
}

static void refuse_machine(GPtrArray *reasons, enum plan_code code, const char *name)
{
	struct plan_reason *reason = plan_reason_new(
		code, name, "%s: %s", name, plan_code_info(code)->what);

	plan_reason_set_fix(reason, "%s", plan_code_info(code)->fix);
	g_ptr_array_add(reasons, reason);
}

/* The host that shall run it by the map's own word; NULL: none. */
static const struct world_host *home_of(const struct world_machine *machine)
{
	for (unsigned i = 0; machine && i < machine->copies->len; i++) {
		const struct world_copy *copy = machine->copies->pdata[i];

		if (copy->reservation && g_strcmp0(copy->reservation->purpose, "home") == 0)
			return copy->host;
	}
	return NULL;
}

/* Its home cannot say whether it runs there, and nobody has said that it cannot. */
static gboolean may_run_unseen(const struct world_machine *machine)
{
	const struct world_host *home = home_of(machine);

	return home && !world_host_alive(home) && !world_host_off(home);
}

static void refuse_unseen(GPtrArray *reasons, const char *name, const struct world_host *home)
{
	const char *host = world_host_name(home);
	struct plan_reason *reason = plan_reason_new(PLAN_HOME_SILENT, name,
		"%s is at home on %s, whose agent is silent: it may still run there", name, host);

	plan_reason_add_fact(reason, "reservation of %s on %s: home", name, host);
	plan_reason_set_fix(reason,
		"bring the agent of %s back, or switch it off and say so: drover fence %s --confirm-powered-off",
		host, host);
	g_ptr_array_add(reasons, reason);
}

static void check_machine(const struct world_machine *machine, const char *name,
	enum plan_verb verb, GPtrArray *reasons)
{
	unsigned n = n_active(machine);

	if (n > 1)
		refuse_machine(reasons, PLAN_RUNS_TWICE, name);
	else if (n == 0 && (verb == PLAN_VERB_START || verb == PLAN_VERB_MOVE) &&
		 may_run_unseen(machine))
		refuse_unseen(reasons, name, home_of(machine));
	else if (n == 0 && verb == PLAN_VERB_MOVE)
		refuse_machine(reasons, PLAN_NOT_RUNNING, name);
}

/* There is nothing to start. */
static void refuse_running(const struct vapp *vapp, GPtrArray *reasons)
{
	for (unsigned i = 0; i < vapp->machines->len; i++)
		refuse_machine(reasons, PLAN_RUNS_ELSEWHERE,
			((const struct vapp_machine *)vapp->machines->pdata[i])->name);
}

static void check_machines(
	const struct world *world, const struct vapp *vapp, enum plan_verb verb, GPtrArray *reasons)
{
	gboolean all_run = TRUE;

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *member = vapp->machines->pdata[i];
		g_autofree char *uuid = vapp_machine_uuid(vapp, member);

		check_machine(world_find_machine(world, uuid), member->name, verb, reasons);
		all_run = all_run && n_active(world_find_machine(world, uuid)) > 0;
	}
	if (all_run && verb == PLAN_VERB_START)
		refuse_running(vapp, reasons);
}

gboolean plan_may_order(
	const struct world *world, const char *vapp, enum plan_verb verb, GPtrArray **ret_reasons)
{
	const struct world_vapp *object = world_find_vapp(world, vapp);
	g_autoptr(GPtrArray) reasons = plan_reasons_new();

	if (!object || !object->vapp)
		g_ptr_array_add(reasons,
			plan_reason_new(PLAN_VAPP_UNKNOWN, vapp, "%s: %s", vapp,
				object && object->error ? object->error : "there is no such vApp"));
	else if (object->order && !plan_order_ended(object->order))
		g_ptr_array_add(
			reasons, plan_reason_new(PLAN_ORDER_RUNNING, vapp,
					 "order %s (%s) of %s is in phase %s", object->order->id,
					 object->order->verb, vapp, object->order->phase));
	else
		check_machines(world, object->vapp, verb, reasons);
	if (reasons->len == 0)
		return TRUE;
	if (ret_reasons)
		*ret_reasons = g_steal_pointer(&reasons);
	return FALSE;
}

/* ---- making one ---- */

/* Where it is, or shall be, or was last. */
static const char *whereabouts(const struct world_machine *machine)
{
	const struct world_copy *copy = machine ? world_machine_active(machine) : NULL;
	const struct world_host *home = copy ? NULL : home_of(machine);

	if (home)
		return home->uuid;
	if (!copy && machine && machine->copies->len > 0)
		copy = machine->copies->pdata[0];
	return copy && copy->host ? copy->host->uuid : NULL;
}

/* How peers reach the libvirtd of the host; NULL: not known. */
static char *uri_of(const struct world *world, const char *uuid)
{
	const struct world_host *host = uuid ? world_find_host(world, uuid) : NULL;

	return g_strdup(host && host->fact ? host->fact->libvirt_uri : NULL);
}

static unsigned highest_order(const struct vapp *vapp)
{
	unsigned highest = 0;

	for (unsigned i = 0; i < vapp->machines->len; i++)
		highest = MAX(highest,
			((const struct vapp_machine *)vapp->machines->pdata[i])->start_order);
	return highest;
}

/* OVF's StartupSection: starts in order, stops in reverse order. */
static void set_turn(struct facts_order_member *member, enum plan_verb verb,
	const struct vapp *vapp, const struct vapp_machine *machine)
{
	if (!machine->start_order)
		return;
	if (verb == PLAN_VERB_START) {
		member->turn = machine->start_order;
		member->turn_delay_s = machine->start_delay_s;
	} else if (verb == PLAN_VERB_STOP || verb == PLAN_VERB_REMOVE) {
		member->turn = highest_order(vapp) - machine->start_order + 1;
		member->turn_delay_s = machine->stop_delay_s;
	}
}

/* NULL: it is where it shall be and takes no part. */
static struct facts_order_member *add_member(struct facts_order *order, const struct world *world,
	const struct vapp_machine *machine, const char *uuid, const char *to)
{
	gboolean starts = g_strcmp0(order->verb, "start") == 0;
	const struct world_machine *known = world_find_machine(world, uuid);
	const char *from = starts ? NULL : whereabouts(known);
	struct facts_order_member *member;

	if (g_strcmp0(from, to) == 0 || (starts && n_active(known) > 0))
		return NULL;
	member = facts_list_add(order->members, FACTS_ORDER, "member");
	member->vm = g_strdup(uuid);
	member->machine = g_strdup(machine->name);
	member->from = g_strdup(from);
	member->to = g_strdup(to);
	member->from_uri = uri_of(world, from);
	member->to_uri = uri_of(world, to);
	return member;
}

static void add_steps(struct facts_order *order, enum plan_verb verb, guint64 now_ms)
{
	for (const enum plan_phase *phase = ways[verb]; *phase != PLAN_PHASE_DONE; phase++) {
		struct facts_order_step *step = facts_list_add(order->steps, FACTS_ORDER, "step");

		step->name = g_strdup(phase_names[*phase]);
		step->state = g_strdup(phase == ways[verb] ? "running" : "waiting");
		step->started_ms = phase == ways[verb] ? now_ms : 0;
	}
}

void plan_order_init(struct facts_order *order, const struct world *world, const struct vapp *vapp,
	const struct plan_request *request)
{
	const struct plan_placement *placement = request->placement;

	order->id = g_strdup(request->id);
	order->verb = g_strdup(verb_names[request->verb]);
	order->phase = g_strdup(phase_names[ways[request->verb][0]]);
	order->state = g_strdup("running");
	order->at_ms = request->now_ms;
	order->members = facts_list_new();
	order->steps = facts_list_new();
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];
		g_autofree char *uuid = vapp_machine_uuid(vapp, machine);
		struct facts_order_member *member = add_member(order, world, machine, uuid,
			placement && i < placement->n_hosts ? placement->hosts[i] : NULL);

		if (member)
			set_turn(member, request->verb, vapp, machine);
	}
	add_steps(order, request->verb, request->now_ms);
	turns_give(order, NULL, request->now_ms);
}

void plan_order_refuse(
	struct facts_order *order, const struct plan_request *request, const GPtrArray *reasons)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < reasons->len; i++) {
		g_autofree char *one = plan_reason_to_string(reasons->pdata[i]);

		g_string_append_printf(text, "%s%s", i ? "\n" : "", one);
	}
	order->id = g_strdup(request->id);
	order->verb = g_strdup(verb_names[request->verb]);
	order->phase = g_strdup(phase_names[PLAN_PHASE_DONE]);
	order->state = g_strdup("refused");
	order->reason = g_strdup(text->str);
	order->at_ms = order->ended_ms = request->now_ms;
}

/* ---- reservations (docs/moves.md) ---- */

static const struct {
	enum plan_verb verb;
	enum plan_phase phase;
	struct plan_holds holds;
} holds_table[] = {
	{ PLAN_VERB_MOVE, PLAN_PHASE_PROTECT, { "home", "arrival" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_PRECOPY, { "home", "arrival" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_SWITCH, { "home", "arrival" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_RESUME, { "arrival", "home" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_RELEASE, { NULL, "home" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_DONE, { NULL, "home" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_RETURN, { "home", "arrival" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_RESTART, { "home", "arrival" } },
	{ PLAN_VERB_MOVE, PLAN_PHASE_RETURNED, { "home", NULL } },
	{ PLAN_VERB_START, PLAN_PHASE_PROTECT, { NULL, "arrival" } },
	{ PLAN_VERB_START, PLAN_PHASE_RETURN, { NULL, "arrival" } },
	{ PLAN_VERB_START, PLAN_PHASE_START, { NULL, "home" } },
	{ PLAN_VERB_START, PLAN_PHASE_DONE, { NULL, "home" } },
	{ PLAN_VERB_START, PLAN_PHASE_RETURNED, { NULL, NULL } },
	{ PLAN_VERB_STOP, PLAN_PHASE_STOP, { "home", NULL } },
	{ PLAN_VERB_REMOVE, PLAN_PHASE_STOP, { "home", NULL } },
};

struct plan_holds plan_order_holds(
	const struct facts_order *order, const struct facts_order_member *member)
{
	struct plan_holds holds = { NULL, NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(holds_table); i++)
		if (g_strcmp0(order->verb, verb_names[holds_table[i].verb]) == 0 &&
			g_strcmp0(order->phase, phase_names[holds_table[i].phase]) == 0)
			holds = holds_table[i].holds;
	if (turns_matter(order) && !member->go_ms && holds.to)
		holds.to = "arrival"; /* a host starts only what is at home there */
	if (member->stays)
		holds = (struct plan_holds){ NULL, "home" };
	if (!member->from)
		holds.from = NULL;
	if (!member->to)
		holds.to = NULL;
	return holds;
}
