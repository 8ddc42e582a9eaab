#include "host/enforce_client.h"

#include "host/enforce_wire.h"
#include "host/rules_json.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <unistd.h>

struct request {
	guint id;
	enforce_reply_func done;
	gpointer data;
};

struct enforce_client {
	struct enforce_wire *wire;
	GMainContext *context;
	struct enforce_events events;
	gpointer data;
	GQueue pending; /* struct request, in the order sent */
	guint last_id;
	GSource *failing; /* set while requests wait to be told that the channel is closed */
	gboolean closed;
};

G_DEFINE_QUARK(drover - enforce - error, enforce_error)

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static guint64 number_of(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 ? (guint64)number : 0;
}

static enum rules_direction direction_of(const json_t *object)
{
	return strcmp(text_of(object, "direction"), "in") ? RULES_OUT : RULES_IN;
}

/* Replies */

static enum enforce_state state_of(const json_t *verdict)
{
	static const char *const names[] = { "conforms", "differs", "cut", "absent" };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (!strcmp(text_of(verdict, "state"), names[i]))
			return (enum enforce_state)i;
	return ENFORCE_DIFFERS;
}

static GArray *read_verdicts(const json_t *array)
{
	GArray *verdicts = g_array_new(FALSE, TRUE, sizeof(struct enforce_verdict));
	gsize index;
	json_t *item;

	json_array_foreach(array, index, item)
	{
		struct enforce_verdict verdict = { .uuid = text_of(item, "uuid"),
			.state = state_of(item),
			.intent_digest = text_of(item, "intent"),
			.kernel_digest = text_of(item, "kernel"),
			.difference = text_of(item, "difference") };

		g_array_append_val(verdicts, verdict);
	}
	return verdicts;
}

static GArray *read_counters(const json_t *array)
{
	GArray *counters = g_array_new(FALSE, TRUE, sizeof(struct enforce_counter));
	gsize index;
	json_t *item;

	json_array_foreach(array, index, item)
	{
		struct enforce_counter counter = { .uuid = text_of(item, "uuid"),
			.tap = text_of(item, "tap"),
			.direction = direction_of(item),
			.rule = text_of(item, "rule"),
			.packets = number_of(item, "packets"),
			.bytes = number_of(item, "bytes") };

		g_array_append_val(counters, counter);
	}
	return counters;
}

static void clear_dump(gpointer data)
{
	free(((struct enforce_dump *)data)->entries); /* jansson's */
}

static GArray *read_dumps(const json_t *array)
{
	GArray *dumps = g_array_new(FALSE, TRUE, sizeof(struct enforce_dump));
	gsize index;
	json_t *item;

	g_array_set_clear_func(dumps, clear_dump);
	json_array_foreach(array, index, item)
	{
		const json_t *entries = json_object_get(item, "entries");
		struct enforce_dump dump = { .uuid = text_of(item, "uuid"),
			.entries = json_dumps(entries, JSON_COMPACT),
			.n = (guint)json_array_size(entries) };

		if (dump.entries)
			g_array_append_val(dumps, dump);
	}
	return dumps;
}

static void give_reply(struct request *request, const json_t *message)
{
	const json_t *verdicts = json_object_get(message, "verdicts");
	const json_t *counters = json_object_get(message, "counters");
	const json_t *dumps = json_object_get(message, "dumps");
	struct enforce_reply reply = {
		.verdicts = verdicts ? read_verdicts(verdicts) : NULL,
		.counters = counters ? read_counters(counters) : NULL,
		.dumps = dumps ? read_dumps(dumps) : NULL,
		.n = (guint)number_of(message, "n"),
		.n_failed = (guint)number_of(message, "n-failed"),
		.note = json_string_value(json_object_get(message, "note")),
		.backend = json_string_value(json_object_get(message, "backend")),
		.took_ms = json_number_value(json_object_get(message, "took-ms")),
	};

	request->done(&reply, NULL, request->data);
	if (reply.verdicts)
		g_array_unref(reply.verdicts);
	if (reply.counters)
		g_array_unref(reply.counters);
	if (reply.dumps)
		g_array_unref(reply.dumps);
}

static void on_reply(struct enforce_client *client, const json_t *message)
{
	struct request *request = g_queue_peek_head(&client->pending);
	g_autoptr(GError) error = NULL;

	if (!request || request->id != number_of(message, "id"))
		return;
	g_queue_pop_head(&client->pending);
	if (!request->done) {
		g_free(request);
		return;
	}
	if (json_is_true(json_object_get(message, "ok"))) {
		give_reply(request, message);
	} else {
		error = g_error_new_literal(
			ENFORCE_ERROR, ENFORCE_ERROR_REFUSED, text_of(message, "error"));
		request->done(NULL, error, request->data);
	}
	g_free(request);
}

/* Events */

static void on_refused(struct enforce_client *client, const json_t *message)
{
	struct enforce_refused refused = { .uuid = text_of(message, "uuid"),
		.tap = text_of(message, "tap"),
		.direction = direction_of(message),
		.rule = text_of(message, "rule"),
		.peer = text_of(message, "peer"),
		.local = text_of(message, "local"),
		.protocol = text_of(message, "protocol"),
		.port = (guint16)number_of(message, "port"),
		.count = (guint)number_of(message, "count") };

	if (client->events.refused)
		client->events.refused(&refused, client->data);
}

static void on_tampered(struct enforce_client *client, const json_t *message)
{
	const json_t *machines = json_object_get(message, "machines");
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();
	struct enforce_tampered tampered = { .by = text_of(message, "by"),
		.difference = text_of(message, "difference"),
		.open_ms = json_number_value(json_object_get(message, "open-ms")) };
	gsize index;
	json_t *item;

	json_array_foreach(machines, index, item) if (json_is_string(item))
		g_ptr_array_add(uuids, (gpointer)json_string_value(item));
	g_ptr_array_add(uuids, NULL);
	tampered.machines = (const char *const *)uuids->pdata;
	if (client->events.tampered)
		client->events.tampered(&tampered, client->data);
}

static void on_repaired(struct enforce_client *client, const json_t *message)
{
	struct enforce_repaired repaired = { .conforms = json_is_true(
						     json_object_get(message, "conforms")),
		.difference = text_of(message, "difference"),
		.open_ms = json_number_value(json_object_get(message, "open-ms")),
		.verified_ms = json_number_value(json_object_get(message, "verified-ms")) };

	if (client->events.repaired)
		client->events.repaired(&repaired, client->data);
}

static void on_message(const json_t *message, gpointer data)
{
	static const struct {
		const char *name;
		void (*read)(struct enforce_client *, const json_t *);
	} events[] = {
		{ "refused", on_refused },
		{ "tampered", on_tampered },
		{ "repaired", on_repaired },
	};
	struct enforce_client *client = data;
	const char *event = json_string_value(json_object_get(message, "event"));

	if (!event) {
		on_reply(client, message);
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(events); i++)
		if (!strcmp(event, events[i].name))
			events[i].read(client, message);
}

/* The end */

static void fail_pending(struct enforce_client *client, const char *why)
{
	g_autoptr(GError) error = g_error_new_literal(ENFORCE_ERROR, ENFORCE_ERROR_CLOSED, why);
	struct request *request;

	while ((request = g_queue_pop_head(&client->pending))) {
		if (request->done)
			request->done(NULL, error, request->data);
		g_free(request);
	}
}

static void on_closed(const GError *error, gpointer data)
{
	struct enforce_client *client = data;
	g_autoptr(GError) gone = g_error_new_literal(ENFORCE_ERROR, ENFORCE_ERROR_CLOSED,
		error ? error->message : "the enforcer has closed the connection");

	client->closed = TRUE;
	fail_pending(client, gone->message);
	if (client->events.closed)
		client->events.closed(gone, client->data);
}

static gboolean on_failing(gpointer data)
{
	struct enforce_client *client = data;

	g_source_unref(client->failing);
	client->failing = NULL;
	fail_pending(client, "the enforcer is not connected");
	return G_SOURCE_REMOVE;
}

struct enforce_client *enforce_client_new(
	int fd, GMainContext *context, const struct enforce_events *events, gpointer data)
{
	static const struct enforce_wire_events wire_events = { .message = on_message,
		.closed = on_closed };
	struct enforce_client *client = g_new0(struct enforce_client, 1);

	client->context = context ? g_main_context_ref(context) : NULL;
	client->events = *events;
	client->data = data;
	g_queue_init(&client->pending);
	client->wire = enforce_wire_new(fd, context, &wire_events, client);
	return client;
}

struct enforce_client *enforce_client_open(const char *path, GMainContext *context,
	const struct enforce_events *events, gpointer data, GError **error)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
	g_autoptr(GSocket) socket = g_socket_new(
		G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
	int fd;

	if (!socket || !g_socket_connect(socket, address, NULL, error)) {
		g_prefix_error(error, "the enforcer at %s: ", path);
		return NULL;
	}
	fd = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 3);
	return enforce_client_new(fd, context, events, data);
}

void enforce_client_free(struct enforce_client *client)
{
	if (!client)
		return;
	enforce_wire_free(client->wire);
	if (client->failing) {
		g_source_destroy(client->failing);
		g_source_unref(client->failing);
	}
	g_queue_clear_full(&client->pending, g_free);
	if (client->context)
		g_main_context_unref(client->context);
	g_free(client);
}

/* Requests */

/* Takes `message`. */
static void request(struct enforce_client *client, const char *op, json_t *message,
	enforce_reply_func done, gpointer data)
{
	struct request *pending = g_new0(struct request, 1);

	pending->id = ++client->last_id;
	pending->done = done;
	pending->data = data;
	g_queue_push_tail(&client->pending, pending);
	json_object_set_new(message, "op", json_string(op));
	json_object_set_new(message, "id", json_integer(pending->id));
	if (enforce_wire_send(client->wire, message) || client->failing || !client->closed)
		return;
	client->failing = g_idle_source_new();
	g_source_set_callback(client->failing, on_failing, client, NULL);
	g_source_attach(client->failing, client->context);
}

static json_t *about(const char *uuid)
{
	return uuid ? json_pack("{s:s}", "uuid", uuid) : json_object();
}

void enforce_client_set(
	struct enforce_client *client, GPtrArray *machines, enforce_reply_func done, gpointer data)
{
	json_t *array = json_array();

	for (guint i = 0; i < machines->len; i++)
		json_array_append_new(array, rules_machine_to_json(machines->pdata[i]));
	request(client, "set", json_pack("{s:o}", "machines", array), done, data);
}

void enforce_client_remove(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data)
{
	request(client, "remove", about(uuid), done, data);
}

void enforce_client_list(struct enforce_client *client, enforce_reply_func done, gpointer data)
{
	request(client, "list", json_object(), done, data);
}

void enforce_client_verify(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data)
{
	request(client, "verify", about(uuid), done, data);
}

void enforce_client_cut(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data)
{
	request(client, "cut", about(uuid), done, data);
}

void enforce_client_conntrack_dump(struct enforce_client *client, const char *const *uuids,
	enforce_reply_func done, gpointer data)
{
	json_t *array = json_array();

	for (; *uuids; uuids++)
		json_array_append_new(array, json_string(*uuids));
	request(client, "conntrack-dump", json_pack("{s:o}", "uuids", array), done, data);
}

void enforce_client_conntrack_load(struct enforce_client *client, const char *uuid,
	const char *entries, enforce_reply_func done, gpointer data)
{
	json_t *message = about(uuid);
	json_t *array = json_loads(entries, 0, NULL);

	json_object_set_new(message, "entries", array ? array : json_null());
	request(client, "conntrack-load", message, done, data);
}

void enforce_client_conntrack_flush(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data)
{
	request(client, "conntrack-flush", about(uuid), done, data);
}

void enforce_client_counters(
	struct enforce_client *client, const char *uuid, enforce_reply_func done, gpointer data)
{
	request(client, "counters", about(uuid), done, data);
}

void enforce_client_hello(struct enforce_client *client, enforce_reply_func done, gpointer data)
{
	request(client, "hello", json_object(), done, data);
}
