#include "host/enforce_serve_private.h"

#include "host/enforce_wire.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX 8
#define EVENT_QUEUE_MAX \
	(4u << 20) /* bytes waiting for a client, above which it gets no more events */
#define TICK_MS 250

struct client {
	struct enforce_server *server;
	struct enforce_wire *wire;
};

double enforce_server_ms_since(gint64 since_us)
{
	return (double)(g_get_monotonic_time() - since_us) / 1000.0;
}

/* Events */

void enforce_server_broadcast(struct enforce_server *server, json_t *event)
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
	enforce_server_broadcast(server,
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

/* Requests */

static gboolean on_watch_readable(
	int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
	enforce_watch_read(((struct enforce_server *)data)->watch);
	return G_SOURCE_CONTINUE;
}

static void on_message(const json_t *message, gpointer data)
{
	struct client *client = data;
	json_t *id = json_object_get(message, "id");
	json_t *reply = json_pack("{s:I}", "id", json_integer_value(id));
	gint64 since_us = g_get_monotonic_time();
	g_autoptr(GError) error = NULL;

	if (!enforce_requests_run(client->server, message, reply, &error)) {
		json_object_clear(reply);
		json_object_set_new(reply, "id", json_integer(json_integer_value(id)));
		json_object_set_new(reply, "error", json_string(error->message));
	}
	json_object_set_new(reply, "ok", json_boolean(!error));
	json_object_set_new(reply, "took-ms", json_real(enforce_server_ms_since(since_us)));
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
	g_autoptr(enforce_batch) batch = enforce_batch_new(0);
	gboolean ok;

	backend->add_probe(batch);
	ok = server->kernel->apply(server->kernel, batch, error);
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
	guint32 port;

	server->kernel = enforce_netlink_new(&port, error);
	if (!server->kernel)
		return FALSE;
	server->watch = enforce_watch_open(enforce_mend, enforce_mend_alarm, server, error);
	if (!server->watch || !choose_backend(server, error))
		return FALSE;
	enforce_watch_ignore(server->watch, port);
	server->log = enforce_log_open(on_logged, server, error);
	return server->log != NULL;
}

static gboolean start(struct enforce_server *server, const char *state_path, GError **error)
{
	if (!open_kernel(server, error))
		return FALSE;
	server->engine = enforce_engine_new(
		server->kernel, server->backend, enforce_log_group(server->log), state_path);
	if (!enforce_engine_load(server->engine, error) ||
		!enforce_engine_rebuild(server->engine, error))
		return FALSE;
	enforce_mend_connections(server, NULL);
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
