/* label load|show|check|history, link: what operators tell the fleet. */
#include "cmd/command.h"
#include "cmd/names.h"
#include "cmd/out.h"
#include "label/decide.h"
#include "label/read.h"

#include <string.h>

static struct label_policy *read_policy(const char *path, char **ret_text, GError **error)
{
	gsize size;

	return g_file_get_contents(path, ret_text, &size, error)
		       ? label_policy_read(path, *ret_text, size, error)
		       : NULL;
}

int cmd_label_load(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autofree char *text = NULL;
	g_autoptr(label_policy) policy = read_policy(args[0], &text, &error);
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct facts_label_policy fact = { .text = text, .at_ms = context_now_ms() };

	if (!policy)
		return context_fail("label policy", error);
	fact.format = (char *)(text[strspn(text, " \t\r\n")] == '<' ? "acm" : "drover");
	facts_publish(publish, FACTS_LABEL_POLICY, fleet, NULL, &fact);
	if (!context_publish(context, g_steal_pointer(&publish), &code))
		return code;
	if (context->json)
		out_json(json_pack("{s:s, s:s}", "name", label_policy_header(policy)->name,
			"version", label_policy_header(policy)->version));
	else if (!context->quiet)
		printf("label policy %s version %s is in force\n",
			label_policy_header(policy)->name, label_policy_header(policy)->version);
	return code;
}

/* The policy in force, or NULL after having said why there is none. */
static const struct label_policy *policy_in_force(struct context *context, int *ret_exit)
{
	const struct world *world = context_world(context, ret_exit);
	const char *why = NULL;
	const struct label_policy *policy = world ? world_label_policy(world, &why) : NULL;

	if (world && !policy)
		*ret_exit = context_say(COMMAND_REFUSED, "%s",
			why ? why
			    : "no label policy is in force; load one with: drover label load FILE");
	return policy;
}

static int print_policy(struct context *context, const struct label_policy *policy)
{
	size_t n;
	const struct label *labels = label_policy_labels(policy, &n);
	struct out_table *table = out_table_new(
		(const char *[]){ "LABEL", "COLOUR", "STE TYPES", "CHW TYPES", NULL });
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		g_autofree char *ste = labels[i].ste ? g_strjoinv(",", labels[i].ste) : NULL;
		g_autofree char *chw = labels[i].chw ? g_strjoinv(",", labels[i].chw) : NULL;
		char colour[8];

		label_colour(policy, &labels[i], colour);
		out_table_add(table, (const char *[]){ labels[i].name, colour, ste, chw });
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s?, s:s?}", "label", labels[i].name, "colour",
				      colour, "ste", ste, "chw", chw));
	}
	out_either(context->json, table, list);
	return COMMAND_DONE;
}

int cmd_label_show(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autofree char *text = NULL;
	g_autoptr(label_policy) from_file = args && args[0] ? read_policy(args[0], &text, &error)
							    : NULL;
	const struct label_policy *policy = from_file;

	if (error)
		return context_fail("label policy", error);
	if (!policy)
		policy = policy_in_force(context, &code);
	return policy ? print_policy(context, policy) : code;
}

int cmd_label_check(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct label_policy *policy = policy_in_force(context, &code);
	const char *const running[] = { args[1], NULL };
	struct label_host host = { .running = running };
	g_autoptr(label_reason) talk_why = NULL;
	g_autoptr(GPtrArray) run_why = NULL;
	g_autofree char *sentence = NULL;
	gboolean talk;
	gboolean run;

	if (!policy)
		return code;
	talk = label_may_communicate(policy, args[0], args[1], &talk_why);
	run = label_may_run(policy, args[0], &host, &run_why);
	if (context->json) {
		out_json(json_pack("{s:b, s:b}", "communicate", talk, "share_host", run));
		return talk && run ? COMMAND_DONE : COMMAND_REFUSED;
	}
	sentence = talk ? g_strdup("they share a type") : label_reason_to_string(talk_why);
	printf("communicate: %s (%s)\n", talk ? "yes" : "no", sentence);
	printf("share a host: %s\n", run ? "yes" : "no");
	for (unsigned i = 0; run_why && i < run_why->len; i++) {
		g_autofree char *why = label_reason_to_string(run_why->pdata[i]);

		printf("  %s\n", why);
	}
	return talk && run ? COMMAND_DONE : COMMAND_REFUSED;
}

/* ---- history ---- */

static char *forgotten_of(const struct facts_history *history)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; history && history->forgotten && i < history->forgotten->len; i++) {
		const struct facts_forgotten *one = history->forgotten->pdata[i];
		g_autofree char *when = out_time(one->at_ms);

		g_string_append_printf(text, "%s%s by %s at %s: %s", text->len ? "; " : "",
			one->chw, one->by, when, one->reason);
	}
	return g_string_free(text, FALSE);
}

static void add_history(struct out_table *table, json_t *list, const struct world_host *host)
{
	const struct facts_history *history = host->history;
	g_autofree char *types = history && history->chw ? g_strjoinv(",", history->chw) : NULL;
	g_autofree char *forgotten = forgotten_of(history);
	json_t *json = history ? facts_to_json(FACTS_HISTORY, history) : json_object();

	json_object_set_new(json, "host", json_string(world_host_name(host)));
	json_array_append_new(list, json);
	out_table_add(table, (const char *[]){ world_host_name(host), types, forgotten });
}

int cmd_label_history_show(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	g_autoptr(GPtrArray) hosts = NULL;
	struct out_table *table;
	json_t *list;

	if (!world)
		return code;
	hosts = args && args[0] ? names_hosts(world, args[0]) : world_hosts(world);
	if (!hosts)
		return COMMAND_REFUSED;
	table = out_table_new((const char *[]){ "HOST", "HAS RUN", "FORGOTTEN", NULL });
	list = json_array();
	for (unsigned i = 0; i < hosts->len; i++)
		add_history(table, list, hosts->pdata[i]);
	out_either(context->json, table, list);
	return COMMAND_DONE;
}

static gboolean runs_type(
	const struct world *world, const struct world_copy *copy, const char *type)
{
	const struct label_policy *policy = world_label_policy(world, NULL);
	const char *name = world_machine_label(world, copy->machine);
	const struct label *label = policy && name ? label_policy_find(policy, LABEL_WORKLOAD, name)
						   : NULL;

	return label && g_strv_contains((const char *const *)label->chw, type);
}

/* A machine of this type that is on the host now, or may come to be; NULL: none. */
static const struct world_machine *machine_of_type(
	const struct world *world, const struct world_host *host, const char *type)
{
	for (unsigned i = 0; i < host->copies->len; i++) {
		const struct world_copy *copy = host->copies->pdata[i];

		if ((world_copy_active(copy) || copy->reservation) && runs_type(world, copy, type))
			return copy->machine;
	}
	return NULL;
}

/* FALSE after having said why this type cannot be forgotten there. */
static gboolean may_forget(
	const struct world *world, const struct world_host *host, const char *type)
{
	const struct world_machine *machine = machine_of_type(world, host, type);
	const char *name = world_host_name(host);

	if (!host->history || !host->history->chw ||
		!g_strv_contains((const char *const *)host->history->chw, type))
		context_say(0, "%s: no such type in the history of %s", type, name);
	else if (machine)
		context_say(0, "%s: %s is of this type and on %s now", type,
			world_machine_name(machine), name);
	else
		return TRUE;
	return FALSE;
}

static void forget(const struct context *context, struct facts_history *history, char **types)
{
	char **before = history->chw;

	history->chw = label_history_forget(
		(const char *const *)before, (const char *const *)types);
	g_strfreev(before);
	if (!history->forgotten)
		history->forgotten = facts_list_new();
	for (; *types; types++) {
		struct facts_forgotten *one = facts_list_add(
			history->forgotten, FACTS_HISTORY, "forgotten");

		one->chw = g_strdup(*types);
		one->by = g_strdup(context_who());
		one->reason = g_strdup(context->reason);
		one->at_ms = context_now_ms();
	}
}

int cmd_label_history_forget(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world;
	const struct world_host *host;
	g_auto(facts_history) history = { 0 };
	g_autoptr(ifmap_publish) publish = NULL;
	g_autoptr(ifmap_id) id = NULL;

	if (!context->reason || !*context->reason)
		return context_say(COMMAND_USAGE,
			"label history forget: --reason is missing; it stays on record with the host");
	world = context_world(context, &code);
	host = world ? names_host(world, args[0]) : NULL;
	if (!host)
		return world ? COMMAND_REFUSED : code;
	for (char **type = args + 1; *type; type++)
		if (!may_forget(world, host, *type))
			return COMMAND_REFUSED;
	facts_copy(FACTS_HISTORY, host->history, &history);
	forget(context, &history, args + 1);
	id = facts_id_device(host->uuid, NULL);
	publish = ifmap_publish_new();
	facts_publish(publish, FACTS_HISTORY, id, NULL, &history);
	if (!context_publish(context, g_steal_pointer(&publish), &code))
		return code;
	if (context->json)
		out_json(facts_to_json(FACTS_HISTORY, &history));
	else if (!context->quiet)
		printf("the history of %s no longer has what you named; who and why stays on record\n",
			world_host_name(host));
	return COMMAND_DONE;
}

/* ---- cables ---- */

int cmd_link(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	g_autoptr(ifmap_id) a = facts_id_switch(args[0], &error);
	g_autoptr(ifmap_id) b = a ? facts_id_switch(args[1], &error) : NULL;
	g_auto(GStrv) risks = context->risk ? g_strsplit(context->risk, ",", -1) : NULL;
	struct facts_fabric_link link = { .up = !context->down, .risks = risks };
	struct facts_in_fleet in_fleet = { .kind = (char *)"switch" };

	if (!b)
		return context_fail("link", error);
	facts_publish_forever(publish, FACTS_FABRIC_LINK, a, b, &link);
	facts_publish_forever(publish, FACTS_IN_FLEET, fleet, a, &in_fleet);
	facts_publish_forever(publish, FACTS_IN_FLEET, fleet, b, &in_fleet);
	if (context_publish(context, g_steal_pointer(&publish), &code) && context->json)
		out_json(json_pack("{s:[s, s], s:b}", "link", args[0], args[1], "up", link.up));
	return code;
}
