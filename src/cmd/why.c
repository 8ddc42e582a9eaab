/* why, alerts: what the hosts report of machines, straight from the map. */
#include "cmd/command.h"
#include "cmd/mapid.h"
#include "cmd/out.h"

#define RESULT_MAX (64UL * 1024 * 1024)

/* ---- why ---- */

static int compare_last(gconstpointer a, gconstpointer b)
{
	const struct facts_refused *x = *(const struct facts_refused *const *)a;
	const struct facts_refused *y = *(const struct facts_refused *const *)b;

	return x->last_ms < y->last_ms ? 1 : x->last_ms > y->last_ms ? -1 : 0;
}

static void free_refused(gpointer fact)
{
	facts_clear(FACTS_REFUSED, fact);
	g_free(fact);
}

/* The facts of one kind that the search finds, decoded; struct facts_refused * or facts_alert *.
 * NULL after having said why not (*ret_exit is the exit code). */
static GPtrArray *find_facts(struct context *context, const struct ifmap_search *search,
	enum facts_kind kind, GDestroyNotify destroy, int *ret_exit)
{
	GError *error = NULL;
	g_autoptr(ifmap_result) result = ifmap_client_search_sync(
		context->client, search, context_answer_ms(context), &error);
	GPtrArray *list;

	if (!result) {
		*ret_exit = context_fail("map", error);
		return NULL;
	}
	list = g_ptr_array_new_with_free_func(destroy);
	for (unsigned i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = result->items->pdata[i];

		for (unsigned m = 0; m < item->metas->len; m++) {
			g_autofree void *fact = g_malloc0(facts_type(kind)->record.size);

			if (facts_kind_of(item->metas->pdata[m]) == kind &&
				facts_decode(kind, item->metas->pdata[m], fact, NULL))
				g_ptr_array_add(list, g_steal_pointer(&fact));
		}
	}
	return list;
}

static void add_refused_row(
	struct out_table *table, const struct world *world, const struct facts_refused *fact)
{
	const struct world_host *host = fact->host ? world_find_host(world, fact->host) : NULL;
	g_autofree char *port = fact->port ? g_strdup_printf("%" G_GUINT64_FORMAT, fact->port)
					   : NULL;
	g_autofree char *packets = g_strdup_printf("%" G_GUINT64_FORMAT, fact->count);
	g_autofree char *age = out_age(fact->last_ms, context_now_ms());

	out_table_add(
		table, (const char *[]){ fact->rule, fact->direction, fact->peer, fact->protocol,
			       port, packets, age, host ? world_host_name(host) : NULL });
}

int cmd_why(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	struct world *world = context_world(context, &code);
	const struct world_machine *machine = world ? mapid_find_machine(world, args[0]) : NULL;
	g_autoptr(ifmap_id) id = machine ? facts_id_device(machine->uuid, NULL) : NULL;
	struct ifmap_search search = { .start = id,
		.max_depth = 1,
		.max_size = RESULT_MAX,
		.match_links = "d:refused",
		.result_filter = "d:refused" };
	g_autoptr(GPtrArray) facts = NULL;
	struct out_table *table;
	json_t *list;

	if (!world)
		return code;
	if (!machine)
		return context_say(COMMAND_REFUSED,
			"%s: no machine of that name is in the fleet; `drover vapp list` shows them",
			args[0]);
	facts = find_facts(context, &search, FACTS_REFUSED, free_refused, &code);
	if (!facts)
		return code;
	g_ptr_array_sort(facts, compare_last);
	table = out_table_new((const char *[]){
		"RULE", "DIRECTION", "PEER", "PROTOCOL", "PORT", "PACKETS", "LAST", "HOST", NULL });
	list = json_array();
	for (unsigned i = 0; i < facts->len; i++) {
		add_refused_row(table, world, facts->pdata[i]);
		json_array_append_new(list, facts_to_json(FACTS_REFUSED, facts->pdata[i]));
	}
	if (facts->len == 0 && !context->json && !context->quiet)
		printf("nothing was refused to %s since it came to its host\n",
			world_machine_name(machine));
	out_either(context->json, table, list);
	return COMMAND_DONE;
}

/* ---- alerts ---- */

static void free_alert(gpointer fact)
{
	facts_clear(FACTS_ALERT, fact);
	g_free(fact);
}

static void add_alert_row(struct out_table *table, const struct facts_alert *fact)
{
	g_autofree char *when = out_time(fact->at_ms);

	out_table_add(table, (const char *[]){ when, fact->code, fact->text });
}

int cmd_alerts(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_search search = { .start = fleet,
		.max_depth = 2,
		.max_size = RESULT_MAX,
		.match_links = "d:in-fleet or d:runs-on or d:member-of",
		.result_filter = "d:alert" };
	g_autoptr(GPtrArray) facts = NULL;
	struct out_table *table;
	json_t *list;

	if (!context_client(context, &code))
		return code;
	facts = find_facts(context, &search, FACTS_ALERT, free_alert, &code);
	if (!facts)
		return code;
	table = out_table_new((const char *[]){ "WHEN", "CODE", "WHAT", NULL });
	list = json_array();
	for (unsigned i = 0; i < facts->len; i++) {
		add_alert_row(table, facts->pdata[i]);
		json_array_append_new(list, facts_to_json(FACTS_ALERT, facts->pdata[i]));
	}
	out_either(context->json, table, list);
	return COMMAND_DONE;
}
