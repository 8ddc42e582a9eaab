#include "fakeenforcer.h"

#include "host/enforce_wire.h"
#include "host/rules_json.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct fakeenforcer_state {
	GSocketService *service;
	struct enforce_wire *wire; /* one client at a time */
	GHashTable *machines;      /* uuid -> json_t */
};

static json_t *verdict_of(struct fakeenforcer *fake, const char *uuid)
{
	json_t *machine = g_hash_table_lookup(fake->state->machines, uuid);
	struct rules_machine *rules = machine ? rules_machine_from_json(machine, NULL) : NULL;
	g_autofree char *digest = rules ? rules_machine_digest(rules) : g_strdup("");

	rules_machine_free(rules);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "uuid", uuid, "state",
		!machine           ? "absent"
		: fake->difference ? "differs"
				   : "conforms",
		"intent", digest, "kernel", fake->difference ? "0000" : digest, "difference",
		fake->difference ? fake->difference : "");
}

static void note(struct fakeenforcer *fake, const char *op, const char *uuid)
{
	g_ptr_array_add(fake->log, uuid ? g_strconcat(op, " ", uuid, NULL) : g_strdup(op));
}

static json_t *do_hello(struct fakeenforcer *fake, const json_t *message)
{
	note(fake, "hello", NULL);
	return json_pack("{s:s}", "backend", "bridge-ct");
}

static json_t *do_set(struct fakeenforcer *fake, const json_t *message)
{
	json_t *verdicts = json_array();
	json_t *machine;
	size_t i;

	json_array_foreach(json_object_get(message, "machines"), i, machine)
	{
		const char *uuid = json_string_value(json_object_get(machine, "uuid"));

		note(fake, "set", uuid);
		if (!fake->refusal)
			g_hash_table_replace(
				fake->state->machines, g_strdup(uuid), json_incref(machine));
		json_array_append_new(verdicts, verdict_of(fake, uuid));
	}
	return json_pack("{s:o}", "verdicts", verdicts);
}

static json_t *do_remove(struct fakeenforcer *fake, const json_t *message)
{
	const char *uuid = json_string_value(json_object_get(message, "uuid"));

	note(fake, "remove", uuid);
	return json_pack("{s:i}", "n", g_hash_table_remove(fake->state->machines, uuid) ? 1 : 0);
}

static json_t *do_verify(struct fakeenforcer *fake, const json_t *message)
{
	json_t *verdicts = json_array();
	GHashTableIter iter;
	gpointer uuid;

	note(fake, "verify", NULL);
	g_hash_table_iter_init(&iter, fake->state->machines);
	while (g_hash_table_iter_next(&iter, &uuid, NULL))
		json_array_append_new(verdicts, verdict_of(fake, uuid));
	return json_pack("{s:o}", "verdicts", verdicts);
}

static const struct {
	const char *op;
	json_t *(*answer)(struct fakeenforcer *fake, const json_t *message);
} ops[] = { { "hello", do_hello }, { "set", do_set }, { "remove", do_remove },
	{ "verify", do_verify } };

static void on_message(const json_t *message, gpointer data)
{
	struct fakeenforcer *fake = data;
	const char *op = json_string_value(json_object_get(message, "op"));
	json_t *answer = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
		if (strcmp(ops[i].op, op) == 0)
			answer = ops[i].answer(fake, message);
	g_assert_nonnull(answer);
	json_object_set(answer, "id", json_object_get(message, "id"));
	json_object_set_new(answer, "ok", json_boolean(!fake->refusal || strcmp(op, "set") != 0));
	if (fake->refusal)
		json_object_set_new(answer, "error", json_string(fake->refusal));
	if (fake->mute)
		json_decref(answer);
	else
		enforce_wire_send(fake->state->wire, answer);
}

static void on_closed(const GError *error, gpointer data)
{
	struct fakeenforcer *fake = data;

	g_clear_pointer(&fake->state->wire, enforce_wire_free);
}

static gboolean on_incoming(
	GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
	static const struct enforce_wire_events events = { on_message, on_closed };
	struct fakeenforcer *fake = data;

	g_clear_pointer(&fake->state->wire, enforce_wire_free);
	fake->state->wire = enforce_wire_new(
		dup(g_socket_get_fd(g_socket_connection_get_socket(connection))), NULL, &events,
		fake);
	return TRUE;
}

void fakeenforcer_init(struct fakeenforcer *fake, const char *path)
{
	*fake = (struct fakeenforcer){ .path = g_strdup(path),
		.log = g_ptr_array_new_with_free_func(g_free),
		.state = g_new0(struct fakeenforcer_state, 1) };
	fake->state->machines = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)json_decref);
}

void fakeenforcer_start(struct fakeenforcer *fake)
{
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(fake->path);
	g_autoptr(GError) error = NULL;

	fake->state->service = g_socket_service_new();
	g_unlink(fake->path);
	g_socket_listener_add_address(G_SOCKET_LISTENER(fake->state->service), address,
		G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &error);
	g_assert_no_error(error);
	g_signal_connect(fake->state->service, "incoming", G_CALLBACK(on_incoming), fake);
}

void fakeenforcer_stop(struct fakeenforcer *fake)
{
	if (!fake->state->service)
		return;
	g_socket_service_stop(fake->state->service);
	g_socket_listener_close(G_SOCKET_LISTENER(fake->state->service));
	g_clear_object(&fake->state->service);
	g_unlink(fake->path);
	g_clear_pointer(&fake->state->wire, enforce_wire_free);
}

void fakeenforcer_clear(struct fakeenforcer *fake)
{
	fakeenforcer_stop(fake);
	g_hash_table_unref(fake->state->machines);
	g_free(fake->state);
	g_ptr_array_unref(fake->log);
	g_free(fake->path);
}

void fakeenforcer_tamper(struct fakeenforcer *fake)
{
	enforce_wire_send(fake->state->wire,
		json_pack("{s:s, s:s, s:s, s:[], s:f}", "event", "tampered", "by", "nft (pid 1)",
			"difference", "a rule is gone", "machines", "open-ms", 1.5));
}

unsigned fakeenforcer_count(const struct fakeenforcer *fake, const char *entry)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fake->log->len; i++)
		n += strcmp(fake->log->pdata[i], entry) == 0 ? 1 : 0;
	return n;
}

char *fakeenforcer_machine(const struct fakeenforcer *fake, const char *uuid)
{
	json_t *machine = g_hash_table_lookup(fake->state->machines, uuid);
	char *text = machine ? json_dumps(machine, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	char *copy = g_strdup(text);

	free(text);
	return copy;
}
