#include "plan/steps.h"

#include <string.h>

/* Steps for people: one table, in which a step is a sentence about who does what to which machines.
 */

enum actor {
	ACTOR_CONTROL,
	ACTOR_FROM,
	ACTOR_TO,
};

struct row {
	const char *name;
	const char *what; /* follows the hosts */
	unsigned verbs;   /* 1 << enum plan_verb */
	enum plan_phase phase;
	enum actor actor;
	gboolean no_return;
};

#define START (1U << PLAN_VERB_START)
#define STOP  (1U << PLAN_VERB_STOP | 1U << PLAN_VERB_REMOVE)
#define MOVE  (1U << PLAN_VERB_MOVE)

static const struct row rows[] = {
	{ "reserve", "reserves memory and virtual CPUs", MOVE | START, PLAN_PHASE_PROTECT,
		ACTOR_CONTROL, FALSE },
	{ "protect", "puts the rules in place", MOVE | START, PLAN_PHASE_PROTECT, ACTOR_TO, FALSE },
	{ "verify", "reads the rules back from the kernel", MOVE | START, PLAN_PHASE_PROTECT,
		ACTOR_TO, FALSE },
	{ "precopy", "copies memory while the machines run, until all are close to done", MOVE,
		PLAN_PHASE_PRECOPY, ACTOR_FROM, FALSE },
	{ "arrive", "lets all copies finish; they arrive paused", MOVE, PLAN_PHASE_SWITCH,
		ACTOR_FROM, FALSE },
	{ "conntrack", "loads the connections that the machines have open", MOVE, PLAN_PHASE_SWITCH,
		ACTOR_TO, FALSE },
	{ "resume", "resumes all machines", MOVE, PLAN_PHASE_RESUME, ACTOR_TO, FALSE },
	{ "check", "shows all machines running with conforming rules", MOVE, PLAN_PHASE_RESUME,
		ACTOR_TO, FALSE },
	{ "judge", "judges once more all that was promised", MOVE, PLAN_PHASE_RESUME, ACTOR_CONTROL,
		FALSE },
	{ "release", "drops definitions, rules and reservations", MOVE, PLAN_PHASE_RELEASE,
		ACTOR_FROM, TRUE },
	{ "start", "defines and starts the machines in order", START, PLAN_PHASE_START, ACTOR_TO,
		FALSE },
	{ "check", "shows all machines running with conforming rules", START, PLAN_PHASE_START,
		ACTOR_TO, FALSE },
	{ "judge", "judges once more all that was promised", START, PLAN_PHASE_START, ACTOR_CONTROL,
		FALSE },
	{ "stop", "shuts the machines down in reverse order", STOP, PLAN_PHASE_STOP, ACTOR_FROM,
		TRUE },
	{ "release", "drops definitions, rules and reservations", STOP, PLAN_PHASE_RELEASE,
		ACTOR_FROM, TRUE },
};

void plan_step_free(struct plan_step *step)
{
	if (!step)
		return;
	g_free(step->text);
	g_ptr_array_unref(step->machines);
	g_ptr_array_unref(step->hosts);
	g_free(step);
}

static void step_free(gpointer data)
{
	plan_step_free(data);
}

static char *join(const GPtrArray *names)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < names->len; i++)
		g_string_append_printf(text, "%s%s", i ? ", " : "", (const char *)names->pdata[i]);
	return g_string_free(text, FALSE);
}

static void add_host(struct plan_step *step, const struct world *world, const char *uuid)
{
	const struct world_host *host = uuid ? world_find_host(world, uuid) : NULL;
	const char *name = host ? world_host_name(host) : uuid;

	if (name && !g_ptr_array_find_with_equal_func(step->hosts, name, g_str_equal, NULL))
		g_ptr_array_add(step->hosts, g_strdup(name));
}

static const char *acting_host(const struct row *row, const struct facts_order_member *member)
{
	return row->actor == ACTOR_FROM ? member->from : member->to;
}

static struct plan_step *make_step(
	const struct row *row, const struct world *world, const struct facts_order *order)
{
	struct plan_step *step = g_new0(struct plan_step, 1);
	g_autofree char *machines = NULL;
	g_autofree char *hosts = NULL;

	step->name = row->name;
	step->phase = row->phase;
	step->no_return = row->no_return;
	step->machines = g_ptr_array_new_with_free_func(g_free);
	step->hosts = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; order->members && i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];

		g_ptr_array_add(step->machines, g_strdup(member->machine));
		add_host(step, world, acting_host(row, member));
	}
	machines = join(step->machines);
	hosts = join(step->hosts);
	step->text = row->actor == ACTOR_CONTROL
			     ? g_strdup_printf("control %s on %s: %s", row->what, hosts, machines)
			     : g_strdup_printf("%s %s: %s", hosts, row->what, machines);
	return step;
}

GPtrArray *plan_steps(const struct world *world, const struct facts_order *order)
{
	GPtrArray *steps = g_ptr_array_new_with_free_func(step_free);
	enum plan_verb verb;

	if (!plan_verb_from_string(order->verb, &verb))
		return steps;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].verbs & (1U << verb))
			g_ptr_array_add(steps, make_step(&rows[i], world, order));
	return steps;
}
