/* plan and move. */
#include "cmd/assume.h"
#include "cmd/command.h"
#include "cmd/follow.h"
#include "cmd/names.h"
#include "cmd/order.h"
#include "cmd/out.h"
#include "plan/order.h"
#include "plan/place.h"
#include "plan/steps.h"

#include <string.h>

/* ---- verdicts ---- */

static void print_reason(const struct context *context, const struct facts_reason *reason)
{
	enum plan_code code;

	printf("  %s (%s): %s\n", reason->code, reason->subject ? reason->subject : "-",
		reason->text);
	for (size_t i = 0; reason->facts && reason->facts[i]; i++)
		printf("      fact: %s\n", reason->facts[i]);
	if (reason->fix && *reason->fix)
		printf("      mend: %s\n", reason->fix);
	if (context->explain && plan_code_from_string(reason->code, &code))
		printf("      code: %s %s\n", plan_code_info(code)->what,
			plan_code_info(code)->fix);
}

static void print_reasons(const struct context *context, const struct facts_clearance *verdict)
{
	for (unsigned i = 0; verdict->reasons && i < verdict->reasons->len; i++)
		print_reason(context, verdict->reasons->pdata[i]);
}

static void print_verdict(const struct context *context, const char *vapp, const char *host,
	const struct facts_clearance *verdict)
{
	g_autofree char *age = out_age(verdict->since_ms, context_world_ms(context));

	printf("%s on %s: %s (for %s)%s%s\n", vapp, host, verdict->clear ? "clear" : "NOT CLEAR",
		age, verdict->changed && *verdict->changed ? "; last change: " : "",
		verdict->changed && *verdict->changed ? verdict->changed : "");
	print_reasons(context, verdict);
}

static void print_supposed(const struct context *context, const char *vapp, const char *host,
	const struct facts_clearance *verdict, const struct facts_clearance *now)
{
	printf("%s on %s: %s; now it is %s%s%s\n", vapp, host,
		verdict->clear ? "would be clear" : "would NOT BE CLEAR",
		now->clear ? "clear" : "not clear",
		verdict->changed && *verdict->changed ? "; what changes: " : "",
		verdict->changed && *verdict->changed ? verdict->changed : "");
	print_reasons(context, verdict);
}

static void judge_here(const struct world *world, const struct world_vapp *vapp,
	const struct world_host *host, const struct facts_clearance *before, guint64 now_ms,
	struct facts_clearance *ret)
{
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_autoptr(GPtrArray) reasons = NULL;

	plan_clear_on(judge, vapp->name, host->uuid, now_ms, &reasons);
	plan_clearance_to_fact(reasons, before, now_ms, ret);
}

/* The standing verdict when the map has one, else one reached here and now by the same judge. */
static void verdict_for(const struct world *world, const struct world_vapp *vapp,
	const struct world_host *host, guint64 now_ms, struct facts_clearance *ret)
{
	const struct facts_clearance *standing = g_hash_table_lookup(vapp->clearances, host->uuid);

	if (standing)
		facts_copy(FACTS_CLEARANCE, standing, ret);
	else
		judge_here(world, vapp, host, NULL, now_ms, ret);
}

static gboolean wants_text(const struct context *context)
{
	return !context->json && !context->quiet;
}

/* What `drover plan` shows. */
struct showing {
	struct context *context;
	const struct world *world;
	const struct supposed *supposed; /* NULL: only what is */
	json_t *list;
};

static json_t *verdict_json(
	const char *vapp, const char *host, const struct facts_clearance *verdict)
{
	json_t *json = facts_to_json(FACTS_CLEARANCE, verdict);

	json_object_set_new(json, "vapp", json_string(vapp));
	json_object_set_new(json, "host", json_string(host));
	return json;
}

static int show_supposed(const struct showing *showing, const struct world_vapp *vapp,
	const struct world_host *host, const struct facts_clearance *now)
{
	const struct world *world = showing->supposed->world;
	const char *name = world_host_name(host);
	g_auto(facts_clearance) verdict = { 0 };
	json_t *json;

	judge_here(world, world_find_vapp(world, vapp->name), host, now,
		context_world_ms(showing->context), &verdict);
	json = verdict_json(vapp->name, name, &verdict);
	json_object_set_new(json, "assumed", assume_json(showing->supposed));
	json_object_set_new(json, "now", facts_to_json(FACTS_CLEARANCE, now));
	json_array_append_new(showing->list, json);
	if (wants_text(showing->context))
		print_supposed(showing->context, vapp->name, name, &verdict, now);
	return verdict.clear ? COMMAND_DONE : COMMAND_REFUSED;
}

static int show_one(
	const struct showing *showing, const struct world_vapp *vapp, const struct world_host *host)
{
	const char *name = world_host_name(host);
	g_auto(facts_clearance) verdict = { 0 };

	verdict_for(showing->world, vapp, host, context_world_ms(showing->context), &verdict);
	if (showing->supposed)
		return show_supposed(showing, vapp, host, &verdict);
	json_array_append_new(showing->list, verdict_json(vapp->name, name, &verdict));
	if (wants_text(showing->context))
		print_verdict(showing->context, vapp->name, name, &verdict);
	return verdict.clear ? COMMAND_DONE : COMMAND_REFUSED;
}

/* One host per verdict; one host alone decides the exit code, of several any clear one does. */
static int show_hosts(struct showing *showing, const struct world_vapp *vapp, GPtrArray *hosts)
{
	int code = COMMAND_REFUSED;

	showing->list = json_array();
	if (showing->supposed && wants_text(showing->context))
		assume_print(showing->supposed);
	for (unsigned i = 0; i < hosts->len; i++)
		if (show_one(showing, vapp, hosts->pdata[i]) == COMMAND_DONE)
			code = COMMAND_DONE;
	if (showing->context->json)
		out_json(showing->list);
	else
		json_decref(showing->list);
	return code;
}

/* ---- waiting for a clear one ---- */

struct waiting {
	const struct context *context;
	const char *vapp;
	char **hosts;     /* UUIDs; NULL: whatever hosts there are */
	GHashTable *said; /* host's UUID -> its last line */
};

/* "not clear: MEMORY, PATHS"; each code once, newly allocated. */
static char *brief(const struct facts_clearance *verdict)
{
	g_autoptr(GPtrArray) codes = g_ptr_array_new();
	g_autofree char *list = NULL;

	for (unsigned i = 0; verdict->reasons && i < verdict->reasons->len; i++) {
		const struct facts_reason *reason = verdict->reasons->pdata[i];

		if (!g_ptr_array_find_with_equal_func(codes, reason->code, g_str_equal, NULL))
			g_ptr_array_add(codes, reason->code);
	}
	g_ptr_array_add(codes, NULL);
	list = g_strjoinv(", ", (char **)codes->pdata);
	return verdict->clear ? g_strdup("clear") : g_strconcat("not clear: ", list, NULL);
}

/* Each news once, as a line. */
static void print_news(struct waiting *waiting, const struct world_host *host,
	const struct facts_clearance *verdict)
{
	g_autofree char *line = brief(verdict);
	g_autofree char *when = out_time(context_now_ms());

	if (!wants_text(waiting->context) ||
		g_strcmp0(g_hash_table_lookup(waiting->said, host->uuid), line) == 0)
		return;
	printf("%s  %s on %s: %s\n", when, waiting->vapp, world_host_name(host), line);
	fflush(stdout);
	g_hash_table_replace(waiting->said, g_strdup(host->uuid), g_steal_pointer(&line));
}

static enum follow_sight look_for_clear(const struct world *world, gpointer data)
{
	struct waiting *waiting = data;
	const struct world_vapp *vapp = world_find_vapp(world, waiting->vapp);
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	enum follow_sight sight = FOLLOW_SOMETHING;

	for (unsigned i = 0; vapp && i < hosts->len; i++) {
		const struct world_host *host = hosts->pdata[i];
		g_auto(facts_clearance) verdict = { 0 };

		if (waiting->hosts &&
			!g_strv_contains((const char *const *)waiting->hosts, host->uuid))
			continue;
		verdict_for(world, vapp, host, context_now_ms(), &verdict);
		print_news(waiting, host, &verdict);
		if (verdict.clear)
			sight = FOLLOW_ENOUGH;
	}
	return sight;
}

/* Until one of the hosts is clear. FALSE: there is nothing to show (*ret_exit). */
static gboolean wait_for_clear(
	struct context *context, const char *vapp, const GPtrArray *hosts, int *ret_exit)
{
	g_autoptr(GStrvBuilder) uuids = g_strv_builder_new();
	g_auto(GStrv) some = NULL;
	struct waiting waiting = { .context = context, .vapp = vapp };
	enum follow_end end;

	for (unsigned i = 0; i < hosts->len; i++)
		g_strv_builder_add(uuids, ((const struct world_host *)hosts->pdata[i])->uuid);
	some = g_strv_builder_end(uuids);
	waiting.hosts = context->to ? some : NULL;
	waiting.said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	end = follow(context, 0, look_for_clear, &waiting, ret_exit);
	g_hash_table_unref(waiting.said);
	if (end == FOLLOW_LATE)
		context_say(0, "%s: not clear in time", vapp);
	else if (end == FOLLOW_LEFT)
		context_say(0, "%s: no longer waiting", vapp);
	return end != FOLLOW_FAILED;
}

/* ---- plan ---- */

struct asked {
	const struct world_vapp *vapp;
	GPtrArray *hosts; /* const struct world_host * */
};
typedef struct asked asked_value; /* for g_auto */

static void asked_clear(struct asked *asked)
{
	g_clear_pointer(&asked->hosts, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(asked_value, asked_clear)

/* Fills what is asked about: all of it belongs to the world but for the array. FALSE after having
 * said what there is not (*ret_exit). */
static gboolean ask(struct context *context, const char *name, struct asked *ret, int *ret_exit)
{
	const struct world *world = context_world(context, ret_exit);

	g_clear_pointer(&ret->hosts, g_ptr_array_unref);
	if (!world)
		return FALSE;
	*ret_exit = COMMAND_REFUSED;
	ret->vapp = names_vapp(world, name);
	if (ret->vapp)
		ret->hosts = context->to ? names_hosts(world, context->to) : world_hosts(world);
	return ret->hosts != NULL;
}

int cmd_plan(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	g_auto(asked_value) asked = { 0 };
	g_auto(supposed_value) supposed = { 0 };
	struct showing showing = { .context = context };

	if (context->wait && (context->snapshot || context->assume))
		return context_say(COMMAND_USAGE,
			"plan: --wait follows the map; it goes with neither --snapshot nor --assume");
	if (!ask(context, args[0], &asked, &code))
		return code;
	if (context->wait && (!wait_for_clear(context, args[0], asked.hosts, &code) ||
				     !ask(context, args[0], &asked, &code)))
		return code;
	showing.world = context->world;
	if (context->assume && !assume(context, showing.world, &supposed))
		return COMMAND_REFUSED;
	showing.supposed = context->assume ? &supposed : NULL;
	return show_hosts(&showing, asked.vapp, asked.hosts);
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
		print_reason(context, verdict.reasons->pdata[i]);
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
	g_auto(supposed_value) supposed = { 0 };

	if (!hosts)
		return world ? COMMAND_REFUSED : code;
	if (context->assume && !assume(context, world, &supposed))
		return COMMAND_REFUSED;
	if (context->assume && !context->json)
		assume_print(&supposed);
	if (context->assume)
		world = supposed.world;
	return dry_run_to(context, world, world_find_vapp(world, name), (const char *const *)hosts);
}

int cmd_move(struct context *context, char **args)
{
	if (context->snapshot && !context->dry_run && !context->status)
		return context_say(
			COMMAND_USAGE, "move: --snapshot goes with --dry-run or --status");
	if (context->assume && !context->dry_run)
		return context_say(COMMAND_USAGE, "move: --assume goes with --dry-run");
	if (context->status)
		return order_print(context, args[0]);
	if (context->abort)
		return order_request(context, args[0], "abort", NULL);
	if (context->dry_run)
		return dry_run(context, args[0]);
	return order_request(context, args[0], "move", context->to);
}
