/* Somebody else changed our tables: put back, end what came through, read back, tell. */
#include "host/enforce_conntrack.h"
#include "host/enforce_serve_private.h"

#include <string.h>

#define RETRY_MS 200 /* between attempts to repair */

/* The tap whose chain ("from-tap1") or map element ("from tap1") the object is; NULL: of none. */
static const char *tap_of(const char *object)
{
	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++) {
		gsize n = strlen(enforce_chain_kinds[i]);

		if (!strncmp(object, enforce_chain_kinds[i], n) && strchr("- ", object[n]) &&
			object[n])
			return object + n + 1;
	}
	return NULL;
}

/* The machines whose parts the objects are; empty when it may be everything. */
static GPtrArray *machines_of(struct enforce_server *server, const char *const *objects)
{
	GPtrArray *machines = g_ptr_array_new();

	for (; objects && *objects; objects++) {
		const char *tap = tap_of(*objects);
		const struct rules_machine *machine = tap ? enforce_engine_find_tap(
								    server->engine, tap)
							  : NULL;

		if (!machine) {
			g_ptr_array_set_size(machines, 0);
			return machines;
		}
		if (!g_ptr_array_find(machines, machine, NULL))
			g_ptr_array_add(machines, (gpointer)machine);
	}
	return machines;
}

/* NULL-terminated, borrowed texts; NULL when there are none. */
static const char **uuids_of(GPtrArray *machines)
{
	const char **uuids = machines->len ? g_new0(const char *, machines->len + 1) : NULL;

	for (guint i = 0; i < machines->len; i++)
		uuids[i] = ((const struct rules_machine *)machines->pdata[i])->uuid;
	return uuids;
}

static gboolean is_unpermitted(
	const struct enforce_flow *flow, const struct rules_machine *machine, gpointer data)
{
	struct enforce_server *server = data;

	return enforce_engine_is_cut(server->engine, machine->uuid) ||
	       !enforce_flow_is_permitted(flow, machine);
}

gboolean enforce_server_prune(struct enforce_server *server, GPtrArray *machines, GError **error)
{
	guint n;

	return enforce_conntrack_forget(machines, is_unpermitted, server, &n, error);
}

void enforce_mend_connections(struct enforce_server *server, GPtrArray *machines)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) all = machines ? NULL : enforce_engine_machines(server->engine);

	if (!enforce_server_prune(server, machines ? machines : all, &error))
		g_warning("connections begun while the rules were away may go on: %s",
			error->message);
}

/* What differs in the machines' parts, in words; "" when nothing does. */
static char *difference_of(struct enforce_server *server, const char *const *uuids, GError **error)
{
	json_t *verdicts = json_array();
	GString *words = g_string_new(NULL);
	gboolean ok = enforce_engine_verify(server->engine, uuids, verdicts, error);
	gsize index;
	json_t *verdict;

	json_array_foreach(verdicts, index, verdict)
	{
		const char *difference = json_string_value(json_object_get(verdict, "difference"));

		if (difference && *difference)
			g_string_append_printf(words, "%s%s", words->len ? "; " : "", difference);
	}
	json_decref(verdicts);
	return g_string_free(words, !ok);
}

static gboolean on_retry(gpointer data);

static void mend_later(struct enforce_server *server)
{
	if (!server->retry)
		server->retry = g_timeout_add(RETRY_MS, on_retry, server);
}

/* Reads back after a repair of these machines' parts, or (none) of everything, and tells. */
static void tell_mended(
	struct enforce_server *server, GPtrArray *machines, double open_ms, gint64 since_us)
{
	g_autofree const char **uuids = uuids_of(machines);
	g_autoptr(GError) error = NULL;
	g_autofree char *difference = NULL;

	enforce_mend_connections(server, uuids ? machines : NULL);
	difference = uuids ? difference_of(server, uuids, &error)
			   : enforce_engine_difference(server->engine, &error);
	if (difference && *difference)
		mend_later(server);
	enforce_server_broadcast(
		server, json_pack("{s:s, s:b, s:s, s:f, s:f}", "event", "repaired", "conforms",
				difference && !*difference, "difference",
				difference ? difference : error->message, "open-ms", open_ms,
				"verified-ms", enforce_server_ms_since(since_us)));
}

/* Whether the tables are what they shall be, for all that can be read. */
static gboolean nothing_differs(struct enforce_server *server)
{
	g_autofree char *difference = enforce_engine_difference(server->engine, NULL);

	return difference && !*difference;
}

static void tell_tampered(struct enforce_server *server, const char *by, const char *words,
	GPtrArray *machines, double open_ms)
{
	json_t *uuids = json_array();

	for (guint i = 0; i < machines->len; i++)
		json_array_append_new(uuids,
			json_string(((const struct rules_machine *)machines->pdata[i])->uuid));
	enforce_server_broadcast(server, json_pack("{s:s, s:s, s:s, s:o, s:f}", "event", "tampered",
						 "by", by ? by : "unknown", "difference", words,
						 "machines", uuids, "open-ms", open_ms));
}

void enforce_mend_alarm(gint64 since_us, gpointer data)
{
	struct enforce_server *server = data;

	if (enforce_engine_shut(server->engine, NULL))
		server->shut_us = MAX(g_get_monotonic_time() - since_us, 1);
}

/* Brings back the machines' parts or everything; *ret_open_ms is how long it was open. */
static gboolean put_back(struct enforce_server *server, const char *const *uuids, gint64 since_us,
	double *ret_open_ms, GError **error)
{
	gint64 open_us = 0;
	gint64 read_us = g_get_monotonic_time() - since_us;
	gboolean ok;

	if (server->shut_us) {
		*ret_open_ms = (double)server->shut_us / 1000.0;
		ok = enforce_engine_rebuild(server->engine, error);
		server->shut_us = ok ? 0 : server->shut_us;
		return ok;
	}
	ok = enforce_engine_repair(server->engine, uuids, &open_us, error);
	*ret_open_ms = (double)(read_us + open_us) / 1000.0;
	return ok;
}

void enforce_mend(const char *by, const char *what, const char *const *objects, gint64 since_us,
	gpointer data)
{
	struct enforce_server *server = data;
	g_autoptr(GPtrArray) machines = machines_of(server, objects);
	g_autofree const char **uuids = uuids_of(machines);
	g_autoptr(GError) error = NULL;
	g_autofree char *words = NULL;
	double open_ms;
	gboolean mended;

	/* A repair is a large transaction itself: repairing whenever messages are lost would never
	 * end. */
	if (!by && !server->shut_us && nothing_differs(server))
		return;
	mended = put_back(server, uuids, since_us, &open_ms, &error);
	words = g_strconcat(
		what, mended ? NULL : "; not repaired yet: ", mended ? NULL : error->message, NULL);
	tell_tampered(server, by, words, machines, open_ms);
	if (mended)
		tell_mended(server, machines, open_ms, since_us);
	else
		mend_later(server);
}

static gboolean on_retry(gpointer data)
{
	struct enforce_server *server = data;
	gint64 since_us = g_get_monotonic_time();
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	server->retry = 0;
	if (enforce_engine_rebuild(server->engine, NULL)) {
		server->shut_us = 0;
		tell_mended(server, all, enforce_server_ms_since(since_us), since_us);
	} else {
		mend_later(server);
	}
	return G_SOURCE_REMOVE;
}
