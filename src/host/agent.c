#include "host/agent.h"

#include "host/carry.h"
#include "host/guard.h"
#include "host/inventory.h"
#include "host/porter.h"
#include "host/report.h"
#include "host/rules_zone.h"
#include "host/vicinity.h"
#include "host/virt.h"
#include "host/windows.h"

#include <string.h>
#include <unistd.h>

struct agent {
	const struct agent_conf *conf;
	char *name;
	char *seal_key;
	guint64 started_ms;
	char *backend; /* of the enforcer; NULL while it is away */

	struct ifmap_client *client;
	struct windows *windows;
	struct virt *virt;
	struct vicinity *vicinity;
	struct porter *porter;
	struct guard *guard;
	gboolean virt_missing; /* libvirtd is away, and that has been said */
	guint look;            /* pending look at everything */

	/* NULL until libvirt was reached for the first time, see meet_host() */
	char *uuid;
	struct report *report;
	struct standard *standard;
	struct inventory *inventory;
	struct carry *carry;
};

static guint64 now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

/* ---- acting: one look at everything, after any number of changes ---- */

/* A paused arrival or a left-behind definition for which there is no reservation any more, with no
 * order under way, may never run here again (docs/moves.md, invariant 9). Only our own sealed
 * machines are touched, only on fresh knowledge. */
static void clear_leftovers(struct agent *agent)
{
	const struct book *book = windows_book(agent->windows);
	GHashTableIter iter;
	gpointer value;

	if (!inventory_settled(agent->inventory) || !windows_fresh(agent->windows))
		return;
	g_hash_table_iter_init(&iter, inventory_machines(agent->inventory));
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct inventory_machine *machine = value;
		const char *vapp = book_claim(book, machine->virt.uuid);

		if (!vapp || g_strcmp0(vapp, machine->vapp) != 0 ||
			book_reservation(book, machine->virt.uuid))
			continue;
		if (machine->virt.state == VIRT_PAUSED)
			virt_do(agent->virt, VIRT_DESTROY, machine->virt.uuid, NULL, NULL);
		else if (machine->virt.state == VIRT_SHUTOFF)
			virt_do(agent->virt, VIRT_UNDEFINE, machine->virt.uuid, NULL, NULL);
	}
}

static void report_self(struct agent *agent)
{
	struct facts_host host = {
		.name = agent->name,
		.site = agent->conf->site,
		.agent_version = (char *)DROVER_VERSION,
		.libvirt_uri = agent->conf->libvirt_peer,
		.backend = agent->backend,
		.enforcing = guard_conforming(agent->guard),
		.started_ms = agent->started_ms,
	};

	if (inventory_settled(agent->inventory))
		report_host(agent->report, &host);
}

static gboolean look(gpointer data)
{
	struct agent *agent = data;
	const struct book *book = windows_book(agent->windows);
	gboolean settled = inventory_settled(agent->inventory);
	g_autoptr(GHashTable) present = settled ? inventory_present(agent->inventory) : NULL;

	agent->look = 0;
	guard_sync(agent->guard, book, present);
	if (settled)
		vicinity_look(agent->vicinity, agent->inventory, book, agent->guard);
	/* An order on disk may be over: one that still says resume could run a machine twice. */
	if (settled && windows_heard(agent->windows))
		carry_look(agent->carry, book, inventory_machines(agent->inventory));
	clear_leftovers(agent);
	report_self(agent);
	return G_SOURCE_REMOVE;
}

static void look_soon(gpointer data)
{
	struct agent *agent = data;

	if (!agent->look && agent->guard)
		agent->look = g_idle_add_full(G_PRIORITY_DEFAULT, look, agent, NULL);
}

/* ---- the enforcer's side ---- */

static const char *bridge_of(const char *segment, guint16 *ret_zone, gpointer data)
{
	const struct agent *agent = data;
	const char *bridge = g_hash_table_lookup(agent->conf->segments, segment);
	g_autoptr(GPtrArray) bridges = g_ptr_array_new();
	g_auto(GStrv) routed = g_strsplit_set(agent->conf->routed, ", ", -1);
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, agent->conf->segments);
	while (g_hash_table_iter_next(&iter, NULL, &name))
		g_ptr_array_add(bridges, name);
	g_ptr_array_add(bridges, NULL);
	if (bridge)
		*ret_zone = rules_zone_of(
			bridge, (const char *const *)bridges->pdata, (const char *const *)routed);
	return bridge;
}

static void on_rules(const char *uuid, gpointer data)
{
	struct agent *agent = data;
	const struct facts_protection *protection = book_protection(
		windows_book(agent->windows), uuid);
	struct facts_enforced fact = { 0 };
	struct guard_state state;

	if (!agent->report)
		return;
	if (guard_find(agent->guard, uuid, &state)) {
		fact.intent = (char *)state.intent;
		fact.readback = (char *)state.readback;
		fact.difference = (char *)state.difference;
		fact.conforming = state.conforming;
		fact.generation = protection ? protection->generation : NULL;
		fact.at_ms = (guint64)state.at_ms;
		report_enforced(agent->report, uuid, &fact);
	} else {
		report_enforced(agent->report, uuid, NULL);
		report_refused_forget(agent->report, uuid);
		standard_blocked_forget(agent->standard, uuid);
	}
	look_soon(agent);
}

/* In the standard's words: who sent it is blocked. What came with a false address is also a
 * sighting of it. */
static void report_blocked(struct agent *agent, const struct enforce_refused *refused)
{
	static const char *const liars[] = { "spoof-mac", "spoof-ip", "undeclared-ipv6", NULL };
	const char *mac = vicinity_mac(agent->vicinity, refused->uuid, refused->tap);
	const char *from = refused->direction == RULES_IN ? refused->peer : mac;

	if (from)
		standard_blocked(agent->standard, refused->uuid, from, refused->rule);
	if (refused->direction == RULES_OUT && g_strv_contains(liars, refused->rule))
		vicinity_refused(agent->vicinity, refused->uuid, refused->local);
}

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
	struct agent *agent = data;
	struct facts_refused fact = {
		.direction = (char *)rules_direction_to_string(refused->direction),
		.peer = (char *)refused->peer,
		.protocol = (char *)refused->protocol,
		.port = refused->port,
		.rule = (char *)refused->rule,
		.count = refused->count,
		.first_ms = now_ms(),
		.last_ms = now_ms(),
	};

	if (!agent->report)
		return;
	report_refused(agent->report, refused->uuid, &fact);
	report_blocked(agent, refused);
}

static void on_tampered(const struct enforce_tampered *tampered, gpointer data)
{
	struct agent *agent = data;
	g_autofree char *text = g_strdup_printf(
		"rules on %s were changed by %s and put back after %.1f ms: %s", agent->name,
		tampered->by, tampered->open_ms, tampered->difference);
	struct facts_alert alert = {
		.code = (char *)"RULES_TAMPERED",
		.text = text,
		.host = agent->uuid,
		.at_ms = now_ms(),
		.open_us = (guint64)(tampered->open_ms * 1000),
	};

	g_warning("%s", text);
	if (!agent->report)
		return;
	report_alert(agent->report, &alert);
	standard_event(agent->standard, tampered->machines, &alert, "critical");
}

static void on_enforcer(const char *backend, const char *why, gpointer data)
{
	struct agent *agent = data;

	g_free(agent->backend);
	agent->backend = g_strdup(backend);
	if (backend)
		g_message("enforcer: connected, back end %s", backend);
	else
		g_warning("enforcer: %s; the kernel keeps its rules, nothing new is cleared", why);
	look_soon(agent);
}

/* ---- libvirt's side ---- */

static void on_domain(const struct virt_domain *domain, gpointer data)
{
	struct agent *agent = data;

	inventory_update(agent->inventory, domain);
	look_soon(agent);
}

static void on_settled(gpointer data)
{
	struct agent *agent = data;

	inventory_settle(agent->inventory, TRUE);
	look_soon(agent);
}

static void on_stopped(const char *uuid, gpointer data)
{
	struct agent *agent = data;

	if (agent->carry) /* not before libvirt has said which host this is: nothing is carried yet
			   */
		carry_stopped(agent->carry, uuid);
}

static void on_virt_down(const char *why, gpointer data)
{
	struct agent *agent = data;

	if (inventory_settled(agent->inventory) || !agent->virt_missing)
		g_warning("libvirt: %s; trying again", why);
	if (agent->inventory)
		inventory_settle(agent->inventory, FALSE);
	agent->virt_missing = TRUE;
}

/* The host's UUID names it everywhere, so everything that needs it begins when libvirt has told it
 * for the first time. */
static void meet_host(struct agent *agent, const struct virt_host *host)
{
	struct inventory_parts inventory_parts;
	struct carry_parts carry_parts;

	agent->uuid = g_strdup(host->uuid);
	agent->report = report_new(agent->client, agent->uuid);
	agent->standard = standard_new(agent->client, agent->uuid);
	inventory_parts = (struct inventory_parts){ agent->report, agent->uuid,
		agent->conf->segments, agent->seal_key, agent->conf->cpus,
		agent->conf->memory_mib };
	agent->inventory = inventory_new(&inventory_parts);
	carry_parts = (struct carry_parts){ agent->virt, agent->guard, agent->report, agent->uuid,
		look_soon, agent };
	agent->carry = carry_new(&carry_parts);
	windows_open(agent->windows, agent->client, agent->uuid);
	vicinity_open(agent->vicinity, agent->report, agent->standard);
	g_message("host %s (%s)", agent->name, agent->uuid);
}

static void on_virt_up(const struct virt_host *host, gpointer data)
{
	struct agent *agent = data;

	agent->virt_missing = FALSE;
	if (!host->uuid) {
		g_critical("libvirt does not say this host's UUID; it cannot take part");
		return;
	}
	if (!agent->uuid)
		meet_host(agent, host);
	else if (strcmp(agent->uuid, host->uuid) != 0)
		g_critical("libvirt now says that this host is %s, not %s; restart drover-hostd",
			host->uuid, agent->uuid);
	inventory_set_host(agent->inventory, host);
}

/* ---- life ---- */

static gboolean read_seal_key(struct agent *agent, GError **error)
{
	if (g_file_get_contents(agent->conf->seal_key, &agent->seal_key, NULL, error))
		return TRUE;
	g_prefix_error(error, "without the seal key no protected machine can run here: ");
	return FALSE;
}

static gboolean make_client(struct agent *agent, GError **error)
{
	agent->client = ifmap_conf_client(
		&agent->conf->map, FACTS_PREFIXES, WINDOWS_SIZE_MAX, error);
	return agent->client != NULL;
}

static gboolean open_windows(struct agent *agent, GError **error)
{
	g_autofree char *book_path = g_build_filename(agent->conf->state_dir, "book.json", NULL);

	agent->windows = windows_new(book_path, look_soon, agent, error);
	return agent->windows != NULL;
}

static gboolean open_gate(struct agent *agent, GError **error)
{
	struct porter_parts parts = { agent->windows, agent->guard, agent->name, agent->seal_key,
		agent->conf->admit_unclaimed };

	agent->porter = porter_new(agent->conf->gate, &parts, error);
	return agent->porter != NULL;
}

static gboolean open_parts(struct agent *agent, GError **error)
{
	static const struct guard_events guard_events = { on_rules, on_refused, on_tampered,
		on_enforcer };
	static const struct virt_events virt_events = { on_virt_up, on_virt_down, on_domain,
		on_stopped, on_settled };

	if (!open_windows(agent, error) || !read_seal_key(agent, error) ||
		!make_client(agent, error))
		return FALSE;
	agent->guard = guard_new(agent->conf->enforcer, bridge_of, &guard_events, agent);
	if (!open_gate(agent, error))
		return FALSE;
	agent->vicinity = vicinity_new(agent->conf->segments, agent->conf->uplinks, error);
	if (!agent->vicinity)
		return FALSE;
	agent->virt = virt_new(agent->conf->libvirt, &virt_events, agent);
	look_soon(agent); /* the last known intents are enforced before anybody is reached */
	return TRUE;
}

struct agent *agent_new(const struct agent_conf *conf, GError **error)
{
	struct agent *agent = g_new0(struct agent, 1);

	agent->conf = conf;
	agent->name = g_strdup(*conf->name ? conf->name : g_get_host_name());
	agent->started_ms = now_ms();
	if (!open_parts(agent, error))
		g_clear_pointer(&agent, agent_free);
	return agent;
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	if (agent->look)
		g_source_remove(agent->look);
	virt_free(agent->virt);
	carry_free(agent->carry);
	guard_free(agent->guard);
	porter_free(agent->porter);
	vicinity_free(agent->vicinity);
	inventory_free(agent->inventory);
	standard_free(agent->standard);
	report_free(agent->report);
	ifmap_client_free(agent->client);
	windows_free(agent->windows);
	g_free(agent->backend);
	g_free(agent->seal_key);
	g_free(agent->uuid);
	g_free(agent->name);
	g_free(agent);
}
