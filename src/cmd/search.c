/* map search|watch|publish, why, alerts: straight from the map. */
#include "cmd/command.h"
#include "cmd/out.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define RESULT_MAX (64UL * 1024 * 1024)

static json_t *meta_json(const struct ifmap_meta *meta)
{
	enum facts_kind kind = facts_kind_of(meta);
	json_t *json = json_pack("{s:s?, s:s, s:s?, s:I, s:s}", "namespace", ifmap_meta_ns(meta),
		"name", ifmap_meta_name(meta), "publisher", ifmap_meta_publisher(meta),
		"timestamp_us", (json_int_t)ifmap_meta_timestamp_us(meta), "xml",
		ifmap_meta_xml(meta, NULL));
	g_autofree void *fact = kind < FACTS_N_KINDS ? g_malloc0(facts_type(kind)->record.size)
						     : NULL;

	if (fact && facts_decode(kind, meta, fact, NULL)) {
		json_object_set_new(json, "fact", facts_to_json(kind, fact));
		facts_clear(kind, fact);
	}
	return json;
}

static json_t *item_json(const struct ifmap_item *item)
{
	g_autofree char *a = ifmap_id_to_string(item->a);
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : NULL;
	json_t *metas = json_array();

	for (unsigned i = 0; i < item->metas->len; i++)
		json_array_append_new(metas, meta_json(item->metas->pdata[i]));
	return json_pack("{s:s, s:s?, s:o}", "a", a, "b", b, "metadata", metas);
}

static const char *const kind_names[] = { [IFMAP_RESULT_SEARCH] = "search",
	[IFMAP_RESULT_UPDATE] = "update",
	[IFMAP_RESULT_DELETE] = "delete",
	[IFMAP_RESULT_NOTIFY] = "notify" };

static void print_item(const struct ifmap_item *item, const char *mark)
{
	g_autofree char *a = ifmap_id_to_string(item->a);
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : NULL;

	printf("%s%s%s%s\n", mark, a, b ? " -- " : "", b ? b : "");
	for (unsigned i = 0; i < item->metas->len; i++)
		printf("%s    %s\n", mark, ifmap_meta_xml(item->metas->pdata[i], NULL));
}

static void print_result(
	const struct context *context, const struct ifmap_result *result, const char *mark)
{
	json_t *items = json_array();

	for (unsigned i = 0; i < result->items->len; i++) {
		json_array_append_new(items, item_json(result->items->pdata[i]));
		if (!context->json)
			print_item(result->items->pdata[i], mark);
	}
	if (context->json)
		out_json(json_pack("{s:s, s:o}", "kind", kind_names[result->kind], "items",
			json_incref(items)));
	json_decref(items);
	fflush(stdout);
}

static gboolean fill_search(
	const struct context *context, const struct ifmap_id *start, struct ifmap_search *ret)
{
	*ret = (struct ifmap_search){ .start = start,
		.max_depth = (unsigned)MAX(context->depth, 0),
		.max_size = RESULT_MAX,
		.match_links = context->links,
		.result_filter = context->filter };
	return start != NULL;
}

int cmd_map_search(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autoptr(ifmap_id) start = ifmap_id_from_string(args[0], &error);
	struct ifmap_client *client;
	g_autoptr(ifmap_result) result = NULL;
	struct ifmap_search search;

	if (!fill_search(context, start, &search)) {
		context_fail(args[0], error);
		return COMMAND_USAGE;
	}
	client = context_client(context, &code);
	if (!client)
		return code;
	result = ifmap_client_search_sync(
		client, &search, (unsigned)context->timeout_s * 1000, &error);
	if (!result)
		return context_fail("map", error);
	print_result(context, result, "");
	return COMMAND_DONE;
}

/* ---- watch ---- */

struct watching {
	const struct context *context;
	GMainLoop *loop;
	int code;
};

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	static const char *const marks[] = { [IFMAP_RESULT_SEARCH] = "  ",
		[IFMAP_RESULT_UPDATE] = "+ ",
		[IFMAP_RESULT_DELETE] = "- ",
		[IFMAP_RESULT_NOTIFY] = "! " };
	struct watching *watching = data;

	if (result)
		print_result(watching->context, result, marks[result->kind]);
	else
		context_say(0, "the map gave the subscription up and it was renewed: %s",
			error->message);
}

static void on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data)
{
	struct watching *watching = data;

	if (state == IFMAP_CLIENT_UP || !why)
		return;
	watching->code = context_fail("map", g_error_copy(why));
	if (watching->code == COMMAND_DENIED)
		g_main_loop_quit(watching->loop);
}

static gboolean on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

int cmd_map_watch(struct context *context, char **args)
{
	struct watching watching = { context, NULL, COMMAND_DONE };
	GError *error = NULL;
	g_autoptr(ifmap_id) start = ifmap_id_from_string(args[0], &error);
	struct ifmap_client *client;
	struct ifmap_search search;

	if (!fill_search(context, start, &search)) {
		context_fail(args[0], error);
		return COMMAND_USAGE;
	}
	client = context_client(context, &watching.code);
	if (!client)
		return watching.code;
	watching.loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGINT, on_signal, watching.loop);
	g_unix_signal_add(SIGTERM, on_signal, watching.loop);
	ifmap_client_subscribe(client, "watch", &search, on_result, &watching);
	ifmap_client_start(client, on_state, &watching);
	g_main_loop_run(watching.loop);
	g_clear_pointer(&context->client, ifmap_client_free);
	g_main_loop_unref(watching.loop);
	return watching.code == COMMAND_DENIED ? COMMAND_DENIED : COMMAND_DONE;
}

/* ---- publish ---- */

static char *read_stdin(GError **error)
{
	g_autoptr(GIOChannel) in = g_io_channel_unix_new(STDIN_FILENO);
	char *text = NULL;

	return g_io_channel_read_to_end(in, &text, NULL, error) == G_IO_STATUS_NORMAL ? text : NULL;
}

int cmd_map_publish(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autoptr(ifmap_id) a = ifmap_id_from_string(args[0], &error);
	g_autoptr(ifmap_id) b = a && args[1] ? ifmap_id_from_string(args[1], &error) : NULL;
	g_autofree char *xml = error ? NULL : read_stdin(&error);
	g_autoptr(ifmap_meta) meta = xml ? ifmap_meta_new(xml, -1, &error) : NULL;
	g_autoptr(ifmap_publish) publish = NULL;

	if (!meta) {
		context_fail("map publish", error);
		return COMMAND_USAGE;
	}
	publish = ifmap_publish_new();
	ifmap_publish_update(publish, a, b, IFMAP_LIFETIME_FOREVER, meta);
	context_publish(context, g_steal_pointer(&publish), &code);
	return code;
}

/* ---- why ---- */

/* A machine as people name it: UUID, domain name, name inside a package, or VAPP/NAME. */
static const struct world_machine *find_machine(const struct world *world, const char *name)
{
	g_autoptr(GPtrArray) machines = world_machines(world);
	g_auto(GStrv) parts = g_strsplit(name, "/", 2);

	if (parts[0] && parts[1])
		return world_find_member(world, parts[0], parts[1]);
	for (unsigned i = 0; i < machines->len; i++) {
		const struct world_machine *machine = machines->pdata[i];
		const struct facts_member_of *member = machine->member_of;

		if (strcmp(machine->uuid, name) == 0 ||
			strcmp(world_machine_name(machine), name) == 0)
			return machine;
		if (member && (g_strcmp0(member->machine, name) == 0 ||
				      g_strcmp0(member->domain, name) == 0))
			return machine;
	}
	return NULL;
}

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

/* The facts of one kind on the search's start, decoded; struct facts_refused * or facts_alert *. */
static GPtrArray *facts_on(
	const struct ifmap_result *result, enum facts_kind kind, GDestroyNotify destroy)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(destroy);

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
	const struct world_machine *machine = world ? find_machine(world, args[0]) : NULL;
	g_autoptr(ifmap_id) id = machine ? facts_id_device(machine->uuid, NULL) : NULL;
	struct ifmap_search search = {
		.start = id, .max_size = RESULT_MAX, .result_filter = "d:refused"
	};
	g_autoptr(ifmap_result) result = NULL;
	g_autoptr(GPtrArray) facts = NULL;
	struct out_table *table;
	GError *error = NULL;
	json_t *list;

	if (!world)
		return code;
	if (!machine)
		return context_say(COMMAND_REFUSED,
			"%s: no machine of that name is in the fleet; `drover vapp list` shows them",
			args[0]);
	result = ifmap_client_search_sync(
		context->client, &search, (unsigned)context->timeout_s * 1000, &error);
	if (!result)
		return context_fail("map", error);
	facts = facts_on(result, FACTS_REFUSED, free_refused);
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
	struct ifmap_client *client = context_client(context, &code);
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_search search = { .start = fleet,
		.max_depth = 2,
		.max_size = RESULT_MAX,
		.match_links = "d:in-fleet or d:runs-on or d:member-of",
		.result_filter = "d:alert" };
	g_autoptr(ifmap_result) result = NULL;
	g_autoptr(GPtrArray) facts = NULL;
	struct out_table *table;
	GError *error = NULL;
	json_t *list;

	if (!client)
		return code;
	result = ifmap_client_search_sync(
		client, &search, (unsigned)context->timeout_s * 1000, &error);
	if (!result)
		return context_fail("map", error);
	facts = facts_on(result, FACTS_ALERT, free_alert);
	table = out_table_new((const char *[]){ "WHEN", "CODE", "WHAT", NULL });
	list = json_array();
	for (unsigned i = 0; i < facts->len; i++) {
		add_alert_row(table, facts->pdata[i]);
		json_array_append_new(list, facts_to_json(FACTS_ALERT, facts->pdata[i]));
	}
	out_either(context->json, table, list);
	return COMMAND_DONE;
}
