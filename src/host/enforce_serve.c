#include "host/enforce_serve.h"

#include "host/enforce_conntrack.h"
#include "host/enforce_log.h"
#include "host/enforce_report.h"
#include "host/enforce_watch.h"
#include "host/enforce_wire.h"
#include "host/rules_json.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX  8
#define MACHINES_MAX 4096 /* in one request */
#define EVENT_QUEUE_MAX \
	(4u << 20) /* bytes waiting for a client, above which it gets no more events */
#define TICK_MS  250
#define RETRY_MS 200 /* between attempts to repair */

struct client {
	struct enforce_server *server;
	struct enforce_wire *wire;
};

struct enforce_server {
	struct enforce_kernel *kernel;
	const struct enforce_backend *backend;
	struct enforce_engine *engine;
	struct enforce_log *log;
	struct enforce_watch *watch;
	struct enforce_report *report;
	GPtrArray *clients; /* struct client */
	guint log_source;
	guint watch_source;
	guint tick;
	guint retry;
	void (*idle)(gpointer data);
	gpointer idle_data;
};

/* Events */

static void broadcast(struct enforce_server *server, json_t *event)
{
	for (guint i = 0; i < server->clients->len; i++) {
		struct client *client = server->clients->pdata[i];

		if (enforce_wire_waiting(client->wire) < EVENT_QUEUE_MAX)
			enforce_wire_send(client->wire, json_incref(event));
	}
	json_decref(event);
}

static void on_refused(const char *tap, const char *direction, const char *rule,
	const struct enforce_packet *packet, guint count, gpointer data)
{
	struct enforce_server *server = data;
	const struct rules_machine *machine = enforce_engine_find_tap(server->engine, tap);
	gboolean out = !strcmp(direction, "out");

	if (!machine)
		return;
	broadcast(server,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "event", "refused",
			"uuid", machine->uuid, "tap", tap, "direction", direction, "rule", rule,
			"peer", out ? packet->destination : packet->source, "local",
			out ? packet->source : packet->destination, "protocol", packet->protocol,
			"port", (int)packet->port, "count", (int)count));
}

static gboolean on_tick(gpointer data)
{
	struct enforce_server *server = data;

	if (enforce_report_tick(server->report, g_get_monotonic_time()))
		return G_SOURCE_CONTINUE;
	server->tick = 0;
	return G_SOURCE_REMOVE;
}

static void on_logged(const char *prefix, const struct enforce_packet *packet, gpointer data)
{
	struct enforce_server *server = data;

	if (enforce_report_add(server->report, prefix, packet, g_get_monotonic_time()) &&
		!server->tick)
		server->tick = g_timeout_add(TICK_MS, on_tick, server);
}

static gboolean on_log_readable(
	int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
	enforce_log_read(((struct enforce_server *)data)->log);
	return G_SOURCE_CONTINUE;
}

/* Repairing */

static double ms_since(gint64 since_us)
{
	return (double)(g_get_monotonic_time() - since_us) / 1000.0;
}

/* The machines whose chains are among the objects; empty when it may be all. */
static json_t *machines_of(struct enforce_server *server, const char *const *objects)
{
	json_t *uuids = json_array();

	for (; objects && *objects; objects++) {
		const char *dash = strchr(*objects, '-');
		const struct rules_machine *machine = dash ? enforce_engine_find_tap(
								     server->engine, dash + 1)
							   : NULL;

		if (!machine) {
			json_array_clear(uuids);
			return uuids;
		}
		json_array_append_new(uuids, json_string(machine->uuid));
	}
	return uuids;
}

static gboolean is_unpermitted(
	const struct enforce_flow *flow, const struct rules_machine *machine, gpointer data)
{
	struct enforce_server *server = data;

	return enforce_engine_is_cut(server->engine, machine->uuid) ||
	       !enforce_flow_is_permitted(flow, machine);
}

/* Ends what the machines' new rules do not permit. A cut machine keeps no connection. */
static gboolean prune(struct enforce_server *server, GPtrArray *machines, GError **error)
{
	guint n;

	return enforce_conntrack_forget(machines, is_unpermitted, server, &n, error);
}

/* Packets that came through while the rules were away may have begun connections, which the rules
 * that are back would let go on. */
static void prune_all(struct enforce_server *server)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) machines = enforce_engine_machines(server->engine);

	if (!prune(server, machines, &error))
		g_warning("connections begun while the rules were away may go on: %s",
			error->message);
}

static gboolean on_retry(gpointer data);

static void repair_later(struct enforce_server *server)
{
	if (!server->retry)
		server->retry = g_timeout_add(RETRY_MS, on_retry, server);
}

/* Reads back after a repair and tells. */
static void tell_repaired(struct enforce_server *server, double open_ms, gint64 since_us)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *difference = NULL;

	prune_all(server);
	difference = enforce_engine_difference(server->engine, &error);
	if (difference && *difference)
		repair_later(server);
	broadcast(server, json_pack("{s:s, s:b, s:s, s:f, s:f}", "event", "repaired", "conforms",
				  difference && !*difference, "difference",
				  difference ? difference : error->message, "open-ms", open_ms,
				  "verified-ms", ms_since(since_us)));
}

/* Whether the tables are what they shall be, for all that can be read. */
static gboolean nothing_differs(struct enforce_server *server)
{
	g_autofree char *difference = enforce_engine_difference(server->engine, NULL);

	return difference && !*difference;
}

static void on_changed(const char *by, const char *what, const char *const *objects,
	gint64 since_us, gpointer data)
{
	struct enforce_server *server = data;
	g_autoptr(GError) error = NULL;
	g_autofree char *words = NULL;
	double open_ms;
	gint64 open_us = 0;
	gboolean repaired;

	/* A repair is a large transaction itself: repairing whenever messages are lost would never
	 * end. */
	if (!by && nothing_differs(server))
		return;
	open_ms = ms_since(since_us);
	repaired = enforce_engine_repair(server->engine, &open_us, &error);
	open_ms += (double)open_us / 1000.0;
	words = g_strconcat(what,
		repaired ? NULL : "; not repaired yet: ", repaired ? NULL : error->message, NULL);

	broadcast(server, json_pack("{s:s, s:s, s:s, s:o, s:f}", "event", "tampered", "by",
				  by ? by : "unknown", "difference", words, "machines",
				  machines_of(server, objects), "open-ms", open_ms));
	if (repaired)
		tell_repaired(server, open_ms, since_us);
	else
		repair_later(server);
}

static gboolean on_retry(gpointer data)
{
	struct enforce_server *server = data;
	gint64 since_us = g_get_monotonic_time();

	server->retry = 0;
	if (enforce_engine_rebuild(server->engine, NULL))
		tell_repaired(server, ms_since(since_us), since_us);
	else
		repair_later(server);
	return G_SOURCE_REMOVE;
}

static gboolean on_watch_readable(
	int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
	enforce_watch_read(((struct enforce_server *)data)->watch);
	return G_SOURCE_CONTINUE;
}

/* Requests. Each fills `reply`; FALSE with an error refuses. */

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

/* One reading back serves all verdicts of a request: those of other machines are left out. */
static gboolean verify_some(
	struct enforce_server *server, GPtrArray *machines, json_t *reply, GError **error)
{
	json_t *verdicts = json_array();
	g_autoptr(GHashTable) uuids = g_hash_table_new(g_str_hash, g_str_equal);
	gsize index = 0;
	gboolean ok;

	json_object_set_new(reply, "verdicts", verdicts);
	if (machines->len == 1)
		return enforce_engine_verify(server->engine,
			((struct rules_machine *)machines->pdata[0])->uuid, verdicts, error);
	ok = enforce_engine_verify(server->engine, NULL, verdicts, error);
	for (guint i = 0; i < machines->len; i++)
		g_hash_table_add(uuids, ((struct rules_machine *)machines->pdata[i])->uuid);
	while (index < json_array_size(verdicts)) {
		const char *uuid = uuid_of(json_array_get(verdicts, index));

		if (uuid && g_hash_table_contains(uuids, uuid))
			index++;
		else
			json_array_remove(verdicts, index);
	}
	return ok;
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
	return prune(server, machines, error) && verify_some(server, machines, reply, error);
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
	json_t *verdicts = json_array();

	json_object_set_new(reply, "verdicts", verdicts);
	return enforce_engine_verify(server->engine, uuid_of(message), verdicts, error);
}

static gboolean do_cut(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);
	g_autoptr(GPtrArray) machines = NULL;

	if (!machine || !enforce_engine_cut(server->engine, uuid_of(message), error))
		return FALSE;
	machines = list_of(require(server, message, error));
	return prune(server, machines, error) && do_verify(server, message, reply, error);
}

static void append_flow(const struct enforce_flow *flow,
	const struct rules_machine *machine G_GNUC_UNUSED, gpointer entries)
{
	if (json_array_size(entries) < ENFORCE_FLOWS_MAX)
		json_array_append_new(entries, enforce_flow_to_json(flow));
}

static gboolean do_dump(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);
	g_autoptr(GPtrArray) machines = list_of(machine);
	json_t *entries = json_array();

	json_object_set_new(reply, "entries", entries);
	if (!machine || !enforce_conntrack_dump(machines, append_flow, entries, error))
		return FALSE;
	json_object_set_new(reply, "n", json_integer((json_int_t)json_array_size(entries)));
	return TRUE;
}

static gboolean load_one(const struct rules_machine *machine, const json_t *json, GError **error)
{
	struct enforce_flow flow;

	if (!enforce_flow_from_json(json, &flow, error))
		return FALSE;
	if (!enforce_flow_adopt(&flow, machine) || !enforce_flow_is_permitted(&flow, machine)) {
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"a connection is not the machine's, or its rules do not permit it");
		return FALSE;
	}
	return enforce_conntrack_load(&flow, error);
}

static gboolean do_load(
	struct enforce_server *server, const json_t *message, json_t *reply, GError **error)
{
	const struct rules_machine *machine = require(server, message, error);
	const json_t *entries = json_object_get(message, "entries");
	gint64 n = 0;
	gsize index;
	json_t *entry;

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

		if (load_one(machine, entry, &why))
			n++;
		else
			json_object_set_new(reply, "note", json_string(why->message));
	}
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

static gboolean run_operation(
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

static void on_message(const json_t *message, gpointer data)
{
	struct client *client = data;
	json_t *id = json_object_get(message, "id");
	json_t *reply = json_pack("{s:I}", "id", json_integer_value(id));
	gint64 since_us = g_get_monotonic_time();
	g_autoptr(GError) error = NULL;

	if (!run_operation(client->server, message, reply, &error)) {
		json_object_clear(reply);
		json_object_set_new(reply, "id", json_integer(json_integer_value(id)));
		json_object_set_new(reply, "error", json_string(error->message));
	}
	json_object_set_new(reply, "ok", json_boolean(!error));
	json_object_set_new(reply, "took-ms", json_real(ms_since(since_us)));
	enforce_wire_send(client->wire, reply);
}

/* Clients */

static void client_free(gpointer data)
{
	struct client *client = data;

	enforce_wire_free(client->wire);
	g_free(client);
}

static void on_closed(const GError *error, gpointer data)
{
	struct client *client = data;
	struct enforce_server *server = client->server;

	if (error)
		g_info("a client: %s", error->message);
	g_ptr_array_remove(server->clients, client);
	if (!server->clients->len && server->idle)
		server->idle(server->idle_data);
}

gboolean enforce_server_add_client(struct enforce_server *server, int fd)
{
	static const struct enforce_wire_events events = { .message = on_message,
		.closed = on_closed };
	struct client *client;

	if (server->clients->len >= CLIENTS_MAX) {
		close(fd);
		return FALSE;
	}
	client = g_new0(struct client, 1);
	client->server = server;
	client->wire = enforce_wire_new(fd, NULL, &events, client);
	g_ptr_array_add(server->clients, client);
	return TRUE;
}

void enforce_server_on_idle(struct enforce_server *server, void (*idle)(gpointer), gpointer data)
{
	server->idle = idle;
	server->idle_data = data;
}

const char *enforce_server_backend(const struct enforce_server *server)
{
	return server->backend->name;
}

guint enforce_server_n_machines(const struct enforce_server *server)
{
	json_t *verdicts = json_array();
	guint n;

	enforce_engine_list(server->engine, verdicts);
	n = (guint)json_array_size(verdicts);
	json_decref(verdicts);
	return n;
}

/* Starting */

static gboolean set_sysctl(const char *name, GError **error)
{
	g_autofree char *path = g_strdup_printf("/proc/sys/%s", name);
	g_autofree char *value = NULL;
	int fd;
	gboolean ok;

	if (g_file_get_contents(path, &value, NULL, NULL) && g_str_has_prefix(value, "1"))
		return TRUE;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, "1\n", 2) == 2;
	if (!ok)
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"%s cannot be set to 1: bridged packets would not be seen", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

static gboolean backend_works(
	struct enforce_server *server, const struct enforce_backend *backend, GError **error)
{
	json_t *commands = json_array();
	gboolean ok;

	backend->add_probe(commands);
	ok = server->kernel->apply(server->kernel, commands, error);
	json_decref(commands);
	for (const char *const *name = backend->sysctls; ok && *name; name++)
		ok = set_sysctl(*name, error);
	return ok;
}

static gboolean choose_backend(struct enforce_server *server, GError **error)
{
	for (const struct enforce_backend *backend = enforce_backends; backend->name; backend++) {
		g_autoptr(GError) why = NULL;

		if (backend_works(server, backend, &why)) {
			server->backend = backend;
			return TRUE;
		}
		if (!backend[1].name)
			g_propagate_prefixed_error(error, g_steal_pointer(&why),
				"this kernel cannot enforce per tap: ");
	}
	return FALSE;
}

static gboolean open_kernel(struct enforce_server *server, GError **error)
{
	server->watch = enforce_watch_open(on_changed, server, error);
	if (!server->watch || !choose_backend(server, error))
		return FALSE;
	if (!enforce_watch_learn(server->watch)) {
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED,
			"the kernel does not tell who changes nftables");
		return FALSE;
	}
	server->log = enforce_log_open(on_logged, server, error);
	return server->log != NULL;
}

static gboolean start(struct enforce_server *server, const char *state_path, GError **error)
{
	server->kernel = enforce_nft_new();
	if (!open_kernel(server, error))
		return FALSE;
	server->engine = enforce_engine_new(
		server->kernel, server->backend, enforce_log_group(server->log), state_path);
	if (!enforce_engine_load(server->engine, error) ||
		!enforce_engine_rebuild(server->engine, error))
		return FALSE;
	prune_all(server);
	server->watch_source = g_unix_fd_add(
		enforce_watch_fd(server->watch), G_IO_IN, on_watch_readable, server);
	server->log_source = g_unix_fd_add(
		enforce_log_fd(server->log), G_IO_IN, on_log_readable, server);
	return TRUE;
}

struct enforce_server *enforce_server_new(const char *state_path, GError **error)
{
	struct enforce_server *server = g_new0(struct enforce_server, 1);

	server->clients = g_ptr_array_new_with_free_func(client_free);
	server->report = enforce_report_new(on_refused, server);
	if (start(server, state_path, error))
		return server;
	enforce_server_free(server);
	return NULL;
}

void enforce_server_free(struct enforce_server *server)
{
	const guint sources[] = { server->log_source, server->watch_source, server->tick,
		server->retry };

	for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
		if (sources[i])
			g_source_remove(sources[i]);
	g_ptr_array_unref(server->clients);
	enforce_report_free(server->report);
	enforce_engine_free(server->engine);
	enforce_watch_close(server->watch);
	enforce_log_close(server->log);
	if (server->kernel)
		server->kernel->free(server->kernel);
	g_free(server);
}
