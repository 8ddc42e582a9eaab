/* status, hosts, verify, why, alerts, explain, snapshot: what stands. */
#include "cmd/command.h"
#include "cmd/names.h"
#include "cmd/out.h"

#include <string.h>

/* ---- hosts ---- */

/* Names of the host's segments in order; free the list, the names are borrowed. */
static GList *segment_names(const struct world_host *host)
{
	return g_list_sort(g_hash_table_get_keys(host->segments), (GCompareFunc)strcmp);
}

static json_t *host_json(const struct world_host *host)
{
	json_t *segments = json_array();
	json_t *machines = json_array();
	g_autoptr(GList) names = segment_names(host);

	for (const GList *name = names; name; name = name->next)
		json_array_append_new(segments, json_string(name->data));
	for (unsigned i = 0; i < host->copies->len; i++) {
		const struct world_copy *copy = host->copies->pdata[i];

		if (copy->runs_on)
			json_array_append_new(
				machines, json_pack("{s:s, s:s, s:s?}", "uuid", copy->machine->uuid,
						  "name", world_machine_name(copy->machine),
						  "state", copy->runs_on->state));
	}
	return json_pack("{s:s, s:s, s:b, s:o?, s:o?, s:o?, s:o?, s:o, s:o}", "uuid", host->uuid,
		"name", world_host_name(host), "alive", world_host_alive(host), "fenced",
		host->fenced ? facts_to_json(FACTS_FENCED, host->fenced) : NULL, "host",
		host->fact ? facts_to_json(FACTS_HOST, host->fact) : NULL, "capacity",
		host->capacity ? facts_to_json(FACTS_CAPACITY, host->capacity) : NULL, "routes",
		host->routes ? facts_to_json(FACTS_ROUTES, host->routes) : NULL, "segments",
		segments, "machines", machines);
}

static unsigned count_active(const struct world_host *host)
{
	unsigned n = 0;

	for (unsigned i = 0; i < host->copies->len; i++)
		n += world_copy_active(host->copies->pdata[i]) ? 1 : 0;
	return n;
}

static char *segments_of(const struct world_host *host)
{
	g_autoptr(GList) names = segment_names(host);
	g_autoptr(GString) text = g_string_new(NULL);

	for (GList *name = names; name; name = name->next)
		g_string_append_printf(text, "%s%s", text->len ? "," : "", (char *)name->data);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static const char *agent_of(const struct world_host *host)
{
	if (host->fenced)
		return world_host_alive(host) ? "up, fenced" : "fenced";
	return world_host_alive(host) ? "up" : "absent";
}

static void add_host_row(struct out_table *table, const struct world_host *host)
{
	const struct facts_capacity *capacity = host->capacity;
	g_autofree char *machines = g_strdup_printf("%u", count_active(host));
	g_autofree char *memory = capacity
					  ? g_strdup_printf("%" G_GUINT64_FORMAT
							    "/%" G_GUINT64_FORMAT,
						    capacity->memory_used_mib, capacity->memory_mib)
					  : NULL;
	g_autofree char *cpus = capacity ? g_strdup_printf("%" G_GUINT64_FORMAT
							   "/%" G_GUINT64_FORMAT,
						   capacity->cpus_used, capacity->cpus)
					 : NULL;
	g_autofree char *segments = segments_of(host);
	gboolean alive = world_host_alive(host);

	out_table_add(table, (const char *[]){ world_host_name(host), agent_of(host),
				     alive && host->fact->enforcing ? "yes" : "no", machines,
				     memory, cpus, segments, alive ? host->fact->backend : NULL });
}

static void print_hosts(const struct world *world)
{
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	struct out_table *table = out_table_new((const char *[]){ "HOST", "AGENT", "ENFORCES",
		"MACHINES", "MEMORY/MiB", "CPUS", "SEGMENTS", "BACKEND", NULL });

	for (unsigned i = 0; i < hosts->len; i++)
		add_host_row(table, hosts->pdata[i]);
	out_table_print(table, stdout);
}

int cmd_hosts(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);

	if (world && context->json) {
		g_autoptr(GPtrArray) hosts = world_hosts(world);
		json_t *list = json_array();

		for (unsigned i = 0; i < hosts->len; i++)
			json_array_append_new(list, host_json(hosts->pdata[i]));
		out_json(list);
	} else if (world) {
		print_hosts(world);
	}
	return code;
}

/* ---- addresses that nobody declared ---- */

static gboolean has_strangers(const struct world_copy *copy)
{
	const GPtrArray *sightings = copy->seen ? copy->seen->sightings : NULL;

	for (unsigned i = 0; sightings && i < sightings->len; i++)
		if (!((const struct facts_sighting *)sightings->pdata[i])->declared)
			return TRUE;
	return FALSE;
}

/* Machines that were seen with such; free the array. */
static GPtrArray *strange_copies(const struct world *world)
{
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	GPtrArray *copies = g_ptr_array_new();

	for (unsigned h = 0; h < hosts->len; h++) {
		const struct world_host *host = hosts->pdata[h];

		for (unsigned i = 0; i < host->copies->len; i++)
			if (has_strangers(host->copies->pdata[i]))
				g_ptr_array_add(copies, host->copies->pdata[i]);
	}
	return copies;
}

static json_t *strangers_json(const GPtrArray *copies)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < copies->len; i++) {
		const struct world_copy *copy = copies->pdata[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:o}", "machine", world_machine_name(copy->machine),
				"host", world_host_name(copy->host), "seen",
				facts_to_json(FACTS_SEEN, copy->seen)));
	}
	return list;
}

static void print_strangers(const struct world_copy *copy)
{
	const GPtrArray *sightings = copy->seen->sightings;
	const char *comma = "";

	printf("%s on %s uses what nobody declared:", world_machine_name(copy->machine),
		world_host_name(copy->host));
	for (unsigned i = 0; i < sightings->len; i++) {
		const struct facts_sighting *sighting = sightings->pdata[i];

		if (sighting->declared)
			continue;
		printf("%s %s (%s)", comma, sighting->address ? sighting->address : "-",
			g_strcmp0(sighting->by, "refused") == 0 ? "refused" : "seen");
		comma = ",";
	}
	if (copy->seen->n_cut)
		printf(" and %" G_GUINT64_FORMAT " more", copy->seen->n_cut);
	putchar('\n');
}

/* ---- status ---- */

/* Whether a machine of the vApp is active on the host; counts them. */
static gboolean runs_there(
	const struct world_host *host, const struct world_vapp *vapp, unsigned *n_running)
{
	unsigned before = *n_running;

	for (unsigned i = 0; i < host->copies->len; i++) {
		const struct world_copy *copy = host->copies->pdata[i];

		if (world_copy_active(copy) &&
			g_hash_table_contains(vapp->machines, copy->machine->uuid))
			(*n_running)++;
	}
	return *n_running > before;
}

static void print_vapp_line(const struct world *world, const struct world_vapp *vapp)
{
	g_autoptr(GString) places = g_string_new(NULL);
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	const struct facts_order *order = vapp->order;
	unsigned running = 0;

	for (unsigned i = 0; i < hosts->len; i++)
		if (runs_there(hosts->pdata[i], vapp, &running))
			g_string_append_printf(places, "%s%s", places->len ? "," : "",
				world_host_name(hosts->pdata[i]));
	printf("%s: %u of %u machines run%s%s", vapp->name, running,
		g_hash_table_size(vapp->machines), places->len ? " on " : "", places->str);
	if (order && order->id)
		printf("; last order: %s %s%s%s", order->verb ? order->verb : "-",
			order->state ? order->state : "-", order->reason ? ": " : "",
			order->reason ? order->reason : "");
	putchar('\n');
}

static json_t *status_json(const struct world *world)
{
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	g_autoptr(GPtrArray) vapps = world_vapps(world);
	json_t *host_list = json_array();
	json_t *vapp_list = json_array();
	g_autoptr(GPtrArray) strange = strange_copies(world);

	for (unsigned i = 0; i < hosts->len; i++)
		json_array_append_new(host_list, host_json(hosts->pdata[i]));
	for (unsigned i = 0; i < vapps->len; i++) {
		const struct world_vapp *vapp = vapps->pdata[i];

		json_array_append_new(vapp_list,
			json_pack("{s:s, s:s?, s:o?}", "name", vapp->name, "error", vapp->error,
				"order",
				vapp->order ? facts_to_json(FACTS_ORDER, vapp->order) : NULL));
	}
	return json_pack("{s:o, s:o, s:o}", "hosts", host_list, "vapps", vapp_list, "strangers",
		strangers_json(strange));
}

int cmd_status(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	g_autoptr(GPtrArray) vapps = world ? world_vapps(world) : NULL;
	g_autoptr(GPtrArray) strange = world ? strange_copies(world) : NULL;

	if (!world)
		return code;
	if (context->json) {
		out_json(status_json(world));
		return code;
	}
	print_hosts(world);
	putchar('\n');
	for (unsigned i = 0; i < vapps->len; i++)
		print_vapp_line(world, vapps->pdata[i]);
	for (unsigned i = 0; i < strange->len; i++)
		print_strangers(strange->pdata[i]);
	return code;
}

/* ---- verify ---- */

static gboolean concerns(const struct world_copy *copy, const char *vapp)
{
	const char *mine = world_machine_vapp(copy->machine);

	return (copy->reservation || (mine && world_copy_active(copy))) &&
	       (!vapp || g_strcmp0(mine, vapp) == 0);
}

static json_t *verify_row(const struct world_copy *copy, gboolean good)
{
	return json_pack("{s:s, s:s, s:b, s:o?}", "machine", world_machine_name(copy->machine),
		"host", world_host_name(copy->host), "conforming", good, "enforced",
		copy->enforced ? facts_to_json(FACTS_ENFORCED, copy->enforced) : NULL);
}

/* What one row of `verify` says: a machine, the host that shall enforce for it, and whether it
 * does. */
static void add_verify_row(struct out_table *table, const struct world_copy *copy, gboolean good)
{
	const char *difference = copy->enforced ? copy->enforced->difference : "never read back";

	if (!world_host_alive(copy->host))
		difference = "agent absent";
	out_table_add(
		table, (const char *[]){ world_machine_name(copy->machine),
			       world_host_name(copy->host), good ? "as told" : "NOT AS TOLD",
			       copy->enforced ? copy->enforced->readback : NULL, difference });
}

/* Copies that run somewhere or that a host holds a reservation for, of one vApp or (NULL) of all;
 * free the array. */
static GPtrArray *copies_to_verify(const struct world *world, const char *vapp)
{
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	GPtrArray *copies = g_ptr_array_new();

	for (unsigned h = 0; h < hosts->len; h++) {
		const struct world_host *host = hosts->pdata[h];

		for (unsigned i = 0; i < host->copies->len; i++)
			if (concerns(host->copies->pdata[i], vapp))
				g_ptr_array_add(copies, host->copies->pdata[i]);
	}
	return copies;
}

static gboolean conforms(const struct world_copy *copy)
{
	return world_host_alive(copy->host) && copy->enforced && copy->enforced->conforming;
}

int cmd_verify(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	g_autoptr(GPtrArray) copies = world ? copies_to_verify(world, args ? args[0] : NULL) : NULL;
	struct out_table *table;
	json_t *list;

	if (!world)
		return code;
	if (args && args[0] && !names_vapp(world, args[0]))
		return COMMAND_REFUSED;
	table = out_table_new(
		(const char *[]){ "MACHINE", "HOST", "RULES", "READ BACK", "DIFFERENCE", NULL });
	list = json_array();
	for (unsigned i = 0; i < copies->len; i++) {
		gboolean good = conforms(copies->pdata[i]);

		if (!good)
			code = COMMAND_REFUSED;
		json_array_append_new(list, verify_row(copies->pdata[i], good));
		add_verify_row(table, copies->pdata[i], good);
	}
	out_either(context->json, table, list);
	return code;
}

/* ---- explain ---- */

static json_t *code_json(const struct plan_code_info *info)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "code", info->name, "severity",
		plan_severity_to_string(info->severity), "what", info->what, "fix", info->fix);
}

int cmd_explain(struct context *context, char **args)
{
	enum plan_code code;
	json_t *list = json_array();

	if (args && args[0] && !plan_code_from_string(args[0], &code)) {
		json_decref(list);
		return names_code(args[0]);
	}
	for (unsigned i = 0; i < PLAN_N_CODES; i++) {
		const struct plan_code_info *info = plan_code_info(i);

		if (args && args[0] && i != (unsigned)code)
			continue;
		json_array_append_new(list, code_json(info));
		if (!context->json)
			printf("%s (%s)\n  %s\n%s%s%s", info->name,
				plan_severity_to_string(info->severity), info->what,
				*info->fix ? "  " : "", info->fix, *info->fix ? "\n" : "");
	}
	if (context->json)
		out_json(list);
	else
		json_decref(list);
	return COMMAND_DONE;
}

/* ---- snapshot ---- */

int cmd_snapshot(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	const struct world *world = context_world(context, &code);
	g_autoptr(GError) error = NULL;
	json_t *json;
	char *text;

	if (!world)
		return code;
	json = world_to_json(world);
	text = json_dumps(json, JSON_INDENT(1));
	json_decref(json);
	if (!context->output)
		puts(text);
	else if (!g_file_set_contents(context->output, text, -1, &error))
		code = context_fail("snapshot", g_steal_pointer(&error));
	free(text);
	return code;
}
