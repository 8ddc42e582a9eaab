/* What the clients may ask for: one row, one function. */
#include "host/enforce_conntrack.h"
#include "host/enforce_serve_private.h"
#include "host/rules_json.h"

#include <string.h>

#define MACHINES_MAX 4096 /* in one request */

static const char *uuid_of(const json_t *message)
{
	return json_string_value(json_object_get(message, "uuid"));
}

static const struct rules_machine *require(
	struct enforce_server *server, const json_t *message, GError **error)
{
	const char *uuid = uuid_of(message);
	const struct rules_machine *machine = uuid ? enforce_engine_find(server->engine, uuid)
						   : NULL;

	if (!machine)
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"no machine %.64s is set here", uuid ? uuid : "(without uuid)");
	return machine;
}

static gboolean do_hello(struct enforce_server *server, const json_t *message G_GNUC_UNUSED,
	json_t *reply, GError **error G_GNUC_UNUSED)
{
	json_object_set_new(reply, "backend", json_string(server->backend->name));
	return TRUE;
}

static gboolean read_machines(const json_t *message, GPtrArray *machines, GError **error)
{
	const json_t *array = json_object_get(message, "machines");
	gsize index;
	json_t *item;

	if (!json_is_array(array) || json_array_size(array) > MACHINES_MAX) {
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"machines is not a list of at most %d", MACHINES_MAX);
		return FALSE;
	}
	json_array_foreach(array, index, item)
	{
		struct rules_machine *machine = rules_machine_from_json(item, error);

		if (!machine)
			return FALSE;
		g_ptr_array_add(machines, machine);
	}
	return TRUE;
}

static gboolean is_any(const struct enforce_flow *flow G_GNUC_UNUSED,
	const struct rules_machine *machine G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
	return TRUE;
}

/* A borrowed machine as a list of one. */
static GPtrArray *list_of(const struct rules_machine *machine)
{
	GPtrArray *machines = g_ptr_array_new();

	g_ptr_array_add(machines, (gpointer)machine);
	return machines;
}

static gboolean verify_some(
	struct enforce_server *server, GPtrArray *machines, json_t *reply, GError **error)
{
	g_autofree const char **uuids = g_new0(const char *, machines->len + 1);
	json_t *verdicts = json_array();

	json_object_set_new(reply, "verdicts", verdicts);
	for (guint i = 0; i < machines->len; i++)
		uuids[i] = ((struct rules_machine *)machines->pdata[i])->uuid;
	return enforce_engine_verify(server->engine, uuids, verdicts, error);
}

static gboolean do_set(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);
	g_autofree char *note = NULL;

	if (!read_machines(message, machines, error) ||
		!enforce_engine_set(server->engine, machines, &note, error))
		return FALSE;
	if (note)
		json_object_set_new(reply, "note", json_string(note));
	return enforce_server_prune(server, machines, error) &&
	       verify_some(server, machines, reply, error);
}

static gboolean do_remove(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);

	json_object_set_new(reply, "n", json_integer(1));
	return machine && enforce_engine_remove(server->engine, uuid_of(message), error);
}

static gboolean do_list(struct enforce_server *server, const json_t *message G_GNUC_UNUSED,
	json_t *reply, GError **error G_GNUC_UNUSED)
{
	json_t *verdicts = json_array();

	json_object_set_new(reply, "verdicts", verdicts);
	enforce_engine_list(server->engine, verdicts);
	return TRUE;
}

static gboolean do_verify(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const char *const uuids[] = { uuid_of(message), NULL };
	json_t *verdicts = json_array();

	json_object_set_new(reply, "verdicts", verdicts);
	return enforce_engine_verify(server->engine, uuids[0] ? uuids : NULL, verdicts, error);
}

static gboolean do_cut(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);
	g_autoptr(GPtrArray) machines = NULL;

	if (!machine || !enforce_engine_cut(server->engine, uuid_of(message), error))
		return FALSE;
	machines = list_of(require(server, message, error));
	return enforce_server_prune(server, machines, error) &&
	       do_verify(server, message, reply, error);
}

/* What a pass over the kernel's table finds. */
struct dump {
	GPtrArray *machines;
	GHashTable *entries; /* machine -> its list in the reply */
	guint n;
};

/* A machine that is named twice is dumped once. */
static void add_machine(struct dump *dump, const struct rules_machine *machine, json_t *rows)
{
	json_t *entries;

	if (g_hash_table_contains(dump->entries, machine))
		return;
	entries = json_array();
	g_hash_table_insert(dump->entries, (gpointer)machine, entries);
	g_ptr_array_add(dump->machines, (gpointer)machine);
	json_array_append_new(
		rows, json_pack("{s:s, s:o}", "uuid", machine->uuid, "entries", entries));
}

static void append_flow(
	const struct enforce_flow *flow, const struct rules_machine *machine, gpointer data)
{
	struct dump *dump = data;

	if (dump->n >= ENFORCE_FLOWS_MAX || enforce_flow_is_over(flow))
		return;
	dump->n++;
	json_array_append_new(
		g_hash_table_lookup(dump->entries, machine), enforce_flow_to_json(flow));
}

static gboolean do_dump(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	g_autoptr(GPtrArray) machines = g_ptr_array_new();
	g_autoptr(GHashTable) entries = g_hash_table_new(NULL, NULL);
	struct dump dump = { machines, entries, 0 };
	const json_t *uuids = json_object_get(message, "uuids");
	json_t *rows = json_array();
	gsize index;
	json_t *uuid;

	json_object_set_new(reply, "dumps", rows);
	if (!json_is_array(uuids) || json_array_size(uuids) > MACHINES_MAX) {
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"uuids is not a list of at most %d", MACHINES_MAX);
		return FALSE;
	}
	json_array_foreach(uuids, index, uuid)
	{
		const char *text = json_string_value(uuid);
		const struct rules_machine *machine = text ? enforce_engine_find(
								     server->engine, text)
							   : NULL;

		if (machine)
			add_machine(&dump, machine, rows);
	}
	return enforce_conntrack_dump(machines, append_flow, &dump, error);
}

static gboolean read_flow(const struct rules_machine *machine, const json_t *json,
	struct enforce_flow *ret_flow, GError **error)
{
	if (!enforce_flow_from_json(json, ret_flow, error))
		return FALSE;
	if (enforce_flow_adopt(ret_flow, machine) && enforce_flow_is_permitted(ret_flow, machine))
		return TRUE;
	g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
		"a connection is not the machine's, or its rules do not permit it");
	return FALSE;
}

static void put_note(json_t *reply, const GError *why)
{
	if (why)
		json_object_set_new(reply, "note", json_string(why->message));
}

static gboolean do_load(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);
	const json_t *entries = json_object_get(message, "entries");
	g_autoptr(GArray) flows = g_array_new(FALSE, FALSE, sizeof(struct enforce_flow));
	g_autoptr(GError) why_not = NULL;
	gsize index;
	json_t *entry;
	guint n;

	if (!machine)
		return FALSE;
	if (!json_is_array(entries) || json_array_size(entries) > ENFORCE_FLOWS_MAX) {
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"entries is not a list of at most %d", ENFORCE_FLOWS_MAX);
		return FALSE;
	}
	json_array_foreach(entries, index, entry)
	{
		g_autoptr(GError) why = NULL;
		struct enforce_flow flow;

		if (read_flow(machine, entry, &flow, &why))
			g_array_append_val(flows, flow);
		put_note(reply, why);
	}
	n = enforce_conntrack_load(flows, &why_not);
	put_note(reply, why_not);
	json_object_set_new(reply, "n", json_integer(n));
	json_object_set_new(
		reply, "n-failed", json_integer((json_int_t)json_array_size(entries) - n));
	return TRUE;
}

static gboolean do_flush(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);
	g_autoptr(GPtrArray) machines = list_of(machine);
	guint n = 0;

	if (!machine || !enforce_conntrack_forget(machines, is_any, NULL, &n, error))
		return FALSE;
	json_object_set_new(reply, "n", json_integer(n));
	return TRUE;
}

static gboolean do_counters(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	json_t *counters = json_array();

	json_object_set_new(reply, "counters", counters);
	return enforce_engine_counters(server->engine, uuid_of(message), counters, error);
}

static const struct {
	const char *name;
	gboolean (*run)(struct enforce_server *, const json_t *, json_t *, GError **);
} operations[] = {
	{ "hello", do_hello },
	{ "set", do_set },
	{ "remove", do_remove },
	{ "list", do_list },
	{ "verify", do_verify },
	{ "cut", do_cut },
	{ "conntrack-dump", do_dump },
	{ "conntrack-load", do_load },
	{ "conntrack-flush", do_flush },
	{ "counters", do_counters },
};

gboolean enforce_requests_run(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const char *op = json_string_value(json_object_get(message, "op"));

	for (guint i = 0; op && i < G_N_ELEMENTS(operations); i++)
		if (!strcmp(op, operations[i].name))
			return operations[i].run(server, message, reply, error);
	g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED, "no such operation: %.32s",
		op ? op : "(none)");
	return FALSE;
}
