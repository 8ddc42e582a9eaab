/* plan and move. */
#include "cmd/command.h"
#include "cmd/order.h"
#include "cmd/out.h"
#include "plan/order.h"
#include "plan/place.h"
#include "plan/steps.h"

#include <string.h>

/* ---- verdicts ---- */

static void print_reason(const struct facts_reason *reason)
{
	printf("  %s (%s): %s\n", reason->code, reason->subject ? reason->subject : "-",
		reason->text);
	for (size_t i = 0; reason->facts && reason->facts[i]; i++)
		printf("      fact: %s\n", reason->facts[i]);
	if (reason->fix && *reason->fix)
		printf("      mend: %s\n", reason->fix);
}

static void print_verdict(const struct context *context, const char *vapp, const char *host,
	const struct facts_clearance *verdict)
{
	g_autofree char *age = out_age(verdict->since_ms, context_world_ms(context));

	printf("%s on %s: %s (for %s)%s%s\n", vapp, host, verdict->clear ? "clear" : "NOT CLEAR",
		age, verdict->changed && *verdict->changed ? "; last change: " : "",
		verdict->changed && *verdict->changed ? verdict->changed : "");
	for (unsigned i = 0; verdict->reasons && i < verdict->reasons->len; i++)
		print_reason(verdict->reasons->pdata[i]);
}

/* The standing verdict when the map has one, else one reached here and now by the same judge. */
static void verdict_for(const struct world *world, const struct world_vapp *vapp,
	const struct world_host *host, guint64 now_ms, struct facts_clearance *ret)
{
	const struct facts_clearance *standing = g_hash_table_lookup(vapp->clearances, host->uuid);
	g_autoptr(plan_judge) judge = NULL;
	g_autoptr(GPtrArray) reasons = NULL;

	if (standing) {
		facts_copy(FACTS_CLEARANCE, standing, ret);
		return;
	}
	judge = plan_judge_new(world);
	plan_clear_on(judge, vapp->name, host->uuid, now_ms, &reasons);
	plan_clearance_to_fact(reasons, NULL, now_ms, ret);
}

static int show_one(struct context *context, const struct world *world,
	const struct world_vapp *vapp, const struct world_host *host, json_t *list)
{
	g_auto(facts_clearance) verdict = { 0 };
	json_t *json;

	verdict_for(world, vapp, host, context_world_ms(context), &verdict);
	json = facts_to_json(FACTS_CLEARANCE, &verdict);
	json_object_set_new(json, "vapp", json_string(vapp->name));
	json_object_set_new(json, "host", json_string(world_host_name(host)));
	json_array_append_new(list, json);
	if (!context->json)
		print_verdict(context, vapp->name, world_host_name(host), &verdict);
	return verdict.clear ? COMMAND_DONE : COMMAND_REFUSED;
}

/* One host per verdict; one host alone decides the exit code, of several any clear one does. */
static int show_hosts(struct context *context, const struct world *world,
	const struct world_vapp *vapp, GPtrArray *hosts)
{
	int code = COMMAND_REFUSED;
	json_t *list = json_array();

	for (unsigned i = 0; i < hosts->len; i++)
		if (show_one(context, world, vapp, hosts->pdata[i], list) == COMMAND_DONE)
			code = COMMAND_DONE;
	if (context->json)
		out_json(list);
	else
		json_decref(list);
	return code;
}

static GPtrArray *hosts_named(const struct world *world, const char *to)
{
	g_auto(GStrv) names = g_strsplit(to, ",", -1);
	g_autoptr(GPtrArray) hosts = g_ptr_array_new();

	for (size_t i = 0; names[i]; i++) {
		const struct world_host *host = world_find_host(world, names[i]);

		if (!host) {
			context_say(0, "%s: no such host; `drover hosts` shows them", names[i]);
			return NULL;
		}
		g_ptr_array_add(hosts, (gpointer)host);
	}
	return g_steal_pointer(&hosts);
}

int cmd_plan(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *vapp = world ? world_find_vapp(world, args[0]) : NULL;
	g_autoptr(GPtrArray) hosts = NULL;

	if (!world)
		return code;
	if (!vapp)
		return context_say(COMMAND_REFUSED,
			"%s: no such application; `drover vapp list` shows them", args[0]);
	hosts = context->to ? hosts_named(world, context->to) : world_hosts(world);
	return hosts ? show_hosts(context, world, vapp, hosts) : COMMAND_REFUSED;
}

/* ---- move ---- */

static void print_plan_steps(struct context *context, GPtrArray *steps)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < steps->len; i++) {
		const struct plan_step *step = steps->pdata[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:b, s:s}", "name", step->name, "phase",
				      plan_phase_to_string(step->phase), "no_return",
				      step->no_return, "text", step->text));
		if (!context->json)
			printf("%2u. %-10s %s%s\n", i + 1, step->name, step->text,
				step->no_return ? " (no return from here)" : "");
	}
	if (context->json)
		out_json(list);
	else
		json_decref(list);
}

/* Where the whole vApp would go: one host named, or the best spread over several. FALSE after the
 * reasons were printed. */
static gboolean place(struct context *context, const struct world *world,
	const struct world_vapp *vapp, struct plan_placement *placement)
{
	g_autoptr(GPtrArray) hosts = context->to ? hosts_named(world, context->to)
						 : world_hosts(world);
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();
	struct plan_question question = { .vapp = vapp->vapp,
		.now_ms = context_world_ms(context),
		.max_age_ms = PLAN_MAX_AGE_MS };
	g_auto(plan_place) found = { 0 };

	for (unsigned i = 0; hosts && i < hosts->len; i++)
		g_ptr_array_add(uuids, ((struct world_host *)hosts->pdata[i])->uuid);
	g_ptr_array_add(uuids, NULL);
	if (!hosts)
		return FALSE;
	plan_find_place(judge, &question, (const char *const *)uuids->pdata, &found);
	for (size_t i = 0; found.found && i < placement->n_hosts; i++)
		plan_placement_set(placement, i, found.placement.hosts[i]);
	if (!found.found)
		show_hosts(context, world, vapp, hosts);
	return found.found;
}

static int dry_run(struct context *context, const char *name)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *vapp = world ? world_find_vapp(world, name) : NULL;
	g_auto(plan_placement) placement = { 0 };
	struct plan_request request = { .id = "dry-run",
		.verb = PLAN_VERB_MOVE,
		.placement = &placement,
		.now_ms = context_now_ms() };
	g_auto(facts_order) order = { 0 };
	g_autoptr(GPtrArray) steps = NULL;

	if (!world)
		return code;
	if (!vapp || !vapp->vapp)
		return context_say(COMMAND_REFUSED,
			"%s: no such application; `drover vapp list` shows them", name);
	plan_placement_init(&placement, vapp->vapp);
	if (!place(context, world, vapp, &placement))
		return COMMAND_REFUSED;
	plan_order_init(&order, world, vapp->vapp, &request);
	steps = plan_steps(world, &order);
	print_plan_steps(context, steps);
	return COMMAND_DONE;
}

int cmd_move(struct context *context, char **args)
{
	if (context->status)
		return order_print(context, args[0]);
	if (context->abort)
		return order_request(context, args[0], "abort", NULL);
	if (context->dry_run)
		return dry_run(context, args[0]);
	return order_request(context, args[0], "move", context->to);
}
