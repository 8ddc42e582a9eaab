/* plan and move. */
#include "cmd/command.h"
#include "cmd/names.h"
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

int cmd_plan(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *vapp = world ? names_vapp(world, args[0]) : NULL;
	g_autoptr(GPtrArray) hosts = NULL;

	if (!vapp)
		return world ? COMMAND_REFUSED : code;
	hosts = context->to ? names_hosts(world, context->to) : world_hosts(world);
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

/* UUIDs of the hosts that --to names, none without it; NULL after having said which there is not.
 */
static char **destinations(const struct context *context, const struct world *world)
{
	g_autoptr(GPtrArray) hosts = context->to ? names_hosts(world, context->to)
						 : g_ptr_array_new();
	g_autoptr(GStrvBuilder) uuids = g_strv_builder_new();

	for (unsigned i = 0; hosts && i < hosts->len; i++)
		g_strv_builder_add(uuids, ((const struct world_host *)hosts->pdata[i])->uuid);
	return hosts ? g_strv_builder_end(uuids) : NULL;
}

static int print_refusal(struct context *context, const char *vapp, const GPtrArray *reasons)
{
	g_auto(facts_clearance) verdict = { 0 };

	plan_clearance_to_fact(reasons, NULL, context_world_ms(context), &verdict);
	if (context->json) {
		out_json(facts_to_json(FACTS_CLEARANCE, &verdict));
		return COMMAND_REFUSED;
	}
	printf("move of %s: refused\n", vapp);
	for (unsigned i = 0; i < verdict.reasons->len; i++)
		print_reason(verdict.reasons->pdata[i]);
	return COMMAND_REFUSED;
}

/* What control would answer to the request, by the same functions. */
static int dry_run_to(struct context *context, const struct world *world,
	const struct world_vapp *vapp, const char *const *hosts)
{
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_auto(plan_placement) placement = { 0 };
	struct plan_question question = { .vapp = vapp->vapp,
		.now_ms = context_world_ms(context),
		.max_age_ms = PLAN_MAX_AGE_MS };
	struct plan_request request = { .id = "dry-run",
		.verb = PLAN_VERB_MOVE,
		.placement = &placement,
		.now_ms = context_now_ms() };
	g_autoptr(GPtrArray) reasons = NULL;
	g_autoptr(GPtrArray) steps = NULL;
	g_auto(facts_order) order = { 0 };

	if (!plan_may_order(world, vapp->name, PLAN_VERB_MOVE, &reasons) ||
		!plan_choose_place(judge, &question, hosts, &placement, &reasons))
		return print_refusal(context, vapp->name, reasons);
	plan_order_init(&order, world, vapp->vapp, &request);
	steps = plan_steps(world, &order);
	print_plan_steps(context, steps);
	return COMMAND_DONE;
}

static int dry_run(struct context *context, const char *name)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	const struct world_vapp *vapp = world ? names_package(world, name) : NULL;
	g_auto(GStrv) hosts = vapp ? destinations(context, world) : NULL;

	if (!world)
		return code;
	return hosts ? dry_run_to(context, world, vapp, (const char *const *)hosts)
		     : COMMAND_REFUSED;
}

int cmd_move(struct context *context, char **args)
{
	if (context->snapshot && !context->dry_run && !context->status)
		return context_say(
			COMMAND_USAGE, "move: --snapshot goes with --dry-run or --status");
	if (context->status)
		return order_print(context, args[0]);
	if (context->abort)
		return order_request(context, args[0], "abort", NULL);
	if (context->dry_run)
		return dry_run(context, args[0]);
	return order_request(context, args[0], "move", context->to);
}
