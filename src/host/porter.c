#include "host/porter.h"

#include "host/domxml.h"
#include "host/gate.h"
#include "host/gate_server.h"

#include <string.h>

#define ENFORCE_WAIT_MS 3000

struct porter {
	struct porter_parts parts;
	struct gate_server *gate;
	GHashTable
		*arrivals; /* uuid -> name of the arrival that was let in last, until it starts */
};

/* One question that was cleared and waits for its rules. */
struct knock {
	struct porter *porter;
	struct gate_ticket *ticket;
	struct gate_verdict verdict;
	char *marked; /* the domain XML with the arrival's name, when it is one; NULL otherwise */
};

static void knock_free(struct knock *knock)
{
	gate_verdict_clear(&knock->verdict);
	g_free(knock->marked);
	g_free(knock);
}

static void on_ready(gboolean stands, const char *why, gpointer data)
{
	struct knock *knock = data;
	g_autofree char *text = stands ? g_steal_pointer(&knock->marked)
				       : g_strdup_printf(
						 "the rules of this machine do not stand on %s: %s",
						 knock->porter->parts.host_name, why);

	gate_ticket_answer(knock->ticket, stands ? NULL : "AGENT_NOT_CONFORMING", text);
	knock_free(knock);
}

static gboolean is_arrival(struct porter *porter, const char *operation, const char *xml)
{
	g_autoptr(domxml) domain = domxml_read(xml, NULL);
	const char *name = domain && domain->uuid
				   ? g_hash_table_lookup(porter->arrivals, domain->uuid)
				   : NULL;
	gboolean named = name && g_strcmp0(name, domain->arrival) == 0;

	if (named && strcmp(operation, "start") == 0)
		g_hash_table_remove(porter->arrivals, domain->uuid);
	return named || strcmp(operation, "migrate") == 0;
}

/* Gives the arrival its name. What libvirt gave us it also reads, so marking it cannot fail. */
static void name_arrival(struct knock *knock, const char *operation, const char *xml)
{
	g_autofree char *name = NULL;

	if (strcmp(operation, "migrate") != 0)
		return;
	name = g_uuid_string_random();
	knock->marked = domxml_mark(xml, name, NULL);
	g_hash_table_replace(
		knock->porter->arrivals, g_strdup(knock->verdict.uuid), g_steal_pointer(&name));
}

static void on_knock(
	const char *operation, const char *xml, struct gate_ticket *ticket, gpointer data)
{
	struct porter *porter = data;
	struct gate_request request = { .operation = operation,
		.arrival = is_arrival(porter, operation, xml),
		.xml = xml,
		.seal_key = porter->parts.seal_key,
		.host_name = porter->parts.host_name,
		.admit_unclaimed = porter->parts.admit_unclaimed };
	struct knock *knock = g_new0(struct knock, 1);

	knock->porter = porter;
	knock->ticket = ticket;
	gate_judge(windows_book(porter->parts.windows), &request, &knock->verdict);
	if (knock->verdict.answer == GATE_ENFORCE) {
		name_arrival(knock, operation, xml);
		guard_wait(
			porter->parts.guard, knock->verdict.uuid, ENFORCE_WAIT_MS, on_ready, knock);
		return;
	}
	if (knock->verdict.answer == GATE_REFUSE)
		g_message("gate: refused %s of %s: %s: %s", operation,
			knock->verdict.uuid ? knock->verdict.uuid : "?", knock->verdict.code,
			knock->verdict.text);
	gate_ticket_answer(ticket, knock->verdict.code, knock->verdict.text);
	knock_free(knock);
}

struct porter *porter_new(const char *socket_path, const struct porter_parts *parts, GError **error)
{
	struct porter *porter = g_new0(struct porter, 1);

	porter->parts = *parts;
	porter->arrivals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	porter->gate = gate_server_new(socket_path, on_knock, porter, error);
	if (!porter->gate)
		g_clear_pointer(&porter, porter_free);
	return porter;
}

void porter_free(struct porter *porter)
{
	if (!porter)
		return;
	gate_server_free(porter->gate);
	g_hash_table_unref(porter->arrivals);
	g_free(porter);
}
