#include "host/agent.h"

#include "host/book.h"
#include "host/carry.h"
#include "host/domxml.h"
#include "host/gate.h"
#include "host/gate_server.h"
#include "host/guard.h"
#include "host/netwatch.h"
#include "host/report.h"
#include "host/virt.h"
#include "vapp/seal.h"

#include <string.h>
#include <unistd.h>

#define ARRIVAL_S        10 /* libvirt asks its three questions back to back; later it is a start */
#define ENFORCE_WAIT_MS  3000
#define SUBSCRIPTION_MAX (64UL * 1024 * 1024)
#define OVERCOMMIT_CPUS  8

/* The three windows on the map that a host needs; each is one subscription and one mirror. */
static const struct window {
	const char *name;
	gboolean from_fleet; /* starts at the fleet, else at this host */
	unsigned depth;
	const char *match_links;
	const char *result_filter;
} windows[] = {
	/* which machines are claimed by a vApp, here or anywhere */
	{ "claims", TRUE, 2, "d:in-fleet or d:member-of", "d:member-of" },
	/* what concerns the machines reserved for this host */
	{ "mine", FALSE, 2, "d:reservation or d:conntrack or d:member-of",
		"d:reservation or d:conntrack or d:member-of or d:protection or d:definition or d:label or d:order" },
	/* what is thought of this host as a place to run */
	{ "verdicts", FALSE, 1, "d:clearance", "d:clearance" },
};
#define N_WINDOWS G_N_ELEMENTS(windows)

struct agent_domain {
	struct virt_domain virt;
	char *vapp;
	const char *seal;
	guint64 since_ms;
};

struct agent {
	const struct agent_conf *conf;
	char *name;
	char *uuid; /* NULL until libvirt was reached for the first time */
	char *book_path;
	char *seal_key;
	guint64 started_ms;
	struct facts_capacity capacity;
	char *backend;

	struct ifmap_client *client;
	struct ifmap_mirror *mirrors[N_WINDOWS];
	gboolean filled[N_WINDOWS]; /* the first result of this window has come */
	struct virt *virt;
	struct netwatch *netwatch;
	struct gate_server *gate;
	struct guard *guard;
	struct report *report;
	struct carry *carry;
	struct book *book;
	GHashTable *domains;   /* uuid -> struct agent_domain (starts with a virt_domain) */
	gboolean virt_missing; /* libvirtd is away, and that has been said */
	gboolean settled;      /* every domain of this libvirtd has been told */
	GHashTable *arrivals;  /* uuid -> when the gate let its migration in (monotonic, us) */
	guint look;            /* pending look at everything */
};

static guint64 now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

static void domain_free(gpointer data)
{
	struct agent_domain *domain = data;

	g_free(domain->virt.uuid);
	g_free(domain->virt.name);
	g_free(domain->virt.xml);
	g_free(domain->vapp);
	g_free(domain);
}

/* ---- acting: one look at everything, after any number of changes ---- */

static gboolean is_present(const struct agent_domain *domain)
{
	return domain->virt.state == VIRT_RUNNING || domain->virt.state == VIRT_PAUSED ||
	       domain->virt.state == VIRT_MOVING;
}

static GHashTable *present_set(struct agent *agent)
{
	GHashTable *present = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, agent->domains);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (is_present(value))
			g_hash_table_add(present, ((struct agent_domain *)value)->virt.uuid);
	return present;
}

static gboolean is_fresh(const struct agent *agent)
{
	for (size_t i = 0; i < N_WINDOWS; i++)
		if (!agent->filled[i])
			return FALSE;
	return TRUE;
}

/* A paused arrival or a left-behind definition for which there is no reservation any more, with no
 * order under way, may never run here again (docs/moves.md, invariant 9). Only our own sealed
 * machines are touched, only on fresh knowledge. */
static void clear_leftovers(struct agent *agent)
{
	GHashTableIter iter;
	gpointer value;

	if (!is_fresh(agent) || !agent->settled ||
		ifmap_client_state(agent->client) != IFMAP_CLIENT_UP)
		return;
	g_hash_table_iter_init(&iter, agent->domains);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct agent_domain *domain = value;
		const char *vapp = book_claim(agent->book, domain->virt.uuid);

		if (!vapp || !domain->vapp || strcmp(vapp, domain->vapp) != 0 ||
			book_reservation(agent->book, domain->virt.uuid))
			continue;
		if (domain->virt.state == VIRT_PAUSED)
			virt_do(agent->virt, VIRT_DESTROY, domain->virt.uuid, NULL, NULL);
		else if (domain->virt.state == VIRT_SHUTOFF)
			virt_do(agent->virt, VIRT_UNDEFINE, domain->virt.uuid, NULL, NULL);
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

	if (agent->settled)
		report_host(agent->report, &host);
}

static gboolean look(gpointer data)
{
	struct agent *agent = data;
	g_autoptr(GHashTable) present = present_set(agent);

	agent->look = 0;
	guard_sync(agent->guard, agent->book, agent->settled ? present : NULL);
	if (agent->settled)
		carry_look(agent->carry, agent->book, agent->domains);
	clear_leftovers(agent);
	report_self(agent);
	return G_SOURCE_REMOVE;
}

static void look_soon(struct agent *agent)
{
	if (!agent->look && agent->guard)
		agent->look = g_idle_add_full(G_PRIORITY_DEFAULT, look, agent, NULL);
}

/* ---- the map's side ---- */

struct filling {
	struct agent *agent;
	struct book *book;
};

static void on_mirrored(const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, gpointer data)
{
	struct filling *filling = data;

	book_add(filling->book, filling->agent->uuid, a, b, meta);
}

static void turn_page(struct agent *agent)
{
	struct filling filling = { agent, book_new() };
	g_autoptr(GError) error = NULL;

	for (size_t i = 0; i < N_WINDOWS; i++)
		ifmap_mirror_foreach(agent->mirrors[i], on_mirrored, &filling);
	if (book_equal(agent->book, filling.book)) {
		book_free(filling.book);
		return;
	}
	if (!book_save(filling.book, agent->book_path, &error))
		g_warning(
			"the last known intents could not be kept: %s; they hold until the next restart",
			error->message);
	book_free(agent->book);
	agent->book = filling.book;
	look_soon(agent);
}

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct agent *agent = data;

	if (!result) {
		g_warning("the map gave a subscription up and it was renewed: %s", error->message);
		return;
	}
	for (size_t i = 0; i < N_WINDOWS; i++) {
		if (strcmp(windows[i].name, result->name) != 0)
			continue;
		ifmap_mirror_apply(agent->mirrors[i], result);
		agent->filled[i] = TRUE;
	}
	/* Half a picture is worse than yesterday's: the book turns its page only when every window
	 * has been filled. */
	if (is_fresh(agent))
		turn_page(agent);
}

static void on_map_state(struct ifmap_client *client, enum ifmap_client_state state,
	const GError *why, gpointer data)
{
	struct agent *agent = data;

	if (state == IFMAP_CLIENT_UP)
		g_message("map: session stands");
	else
		g_warning("map: %s; going on with the last known intents",
			why ? why->message : "not connected");
	if (state != IFMAP_CLIENT_UP)
		memset(agent->filled, 0, sizeof(agent->filled));
}

static void subscribe_window(struct agent *agent, const struct window *window)
{
	g_autoptr(ifmap_id) start = window->from_fleet ? facts_id_fleet()
						       : facts_id_device(agent->uuid, NULL);
	struct ifmap_search search = {
		.start = start,
		.max_depth = window->depth,
		.max_size = SUBSCRIPTION_MAX,
		.match_links = window->match_links,
		.result_filter = window->result_filter,
	};

	ifmap_client_subscribe(agent->client, window->name, &search, on_result, agent);
}

/* ---- the enforcer's side ---- */

static const char *bridge_of(const char *segment, gpointer data)
{
	const struct agent *agent = data;

	return g_hash_table_lookup(agent->conf->segments, segment);
}

static void on_rules(const char *uuid, gpointer data)
{
	struct agent *agent = data;
	const struct facts_protection *protection = book_protection(agent->book, uuid);
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
	}
	look_soon(agent);
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

	if (agent->report)
		report_refused(agent->report, refused->uuid, &fact);
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
	if (agent->report)
		report_alert(agent->report, NULL, &alert);
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

/* ---- the kernel's side ---- */

static void report_segments(struct agent *agent)
{
	GHashTableIter iter;
	gpointer segment;
	gpointer bridge;

	g_hash_table_iter_init(&iter, agent->conf->segments);
	while (g_hash_table_iter_next(&iter, &segment, &bridge)) {
		const struct netwatch_link *link = netwatch_find(agent->netwatch, bridge);
		struct facts_segment_present fact = {
			.bridge = bridge, .up = link && link->up, .mtu = link ? link->mtu : 0
		};

		report_segment(agent->report, segment, link && link->up ? &fact : NULL);
	}
}

static void report_uplinks(struct agent *agent)
{
	GHashTableIter iter;
	gpointer device;
	gpointer plugged;

	g_hash_table_iter_init(&iter, agent->conf->uplinks);
	while (g_hash_table_iter_next(&iter, &device, &plugged)) {
		const struct netwatch_link *link = netwatch_find(agent->netwatch, device);
		g_auto(GStrv) words = g_strsplit(plugged, ",", -1);
		struct facts_fabric_link fact = {
			.port = device,
			.up = link && link->up,
			.mtu = link ? link->mtu : 0,
			.risks = words[0] && words[1] ? words + 1 : NULL,
		};

		if (words[0])
			report_uplink(agent->report, g_strstrip(words[0]), link ? &fact : NULL);
	}
}

static void on_links(gpointer data)
{
	struct agent *agent = data;

	if (!agent->report)
		return;
	report_segments(agent);
	report_uplinks(agent);
}

/* ---- libvirt's side ---- */

static void report_offer(struct agent *agent)
{
	GHashTableIter iter;
	gpointer value;

	agent->capacity.cpus_used = 0;
	agent->capacity.memory_used_mib = 0;
	g_hash_table_iter_init(&iter, agent->domains);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct agent_domain *domain = value;

		if (!is_present(domain))
			continue;
		agent->capacity.cpus_used += domain->virt.vcpus;
		agent->capacity.memory_used_mib += domain->virt.memory_mib;
	}
	if (agent->settled)
		report_capacity(agent->report, &agent->capacity);
}

static const char *segment_of(struct agent *agent, const char *bridge)
{
	GHashTableIter iter;
	gpointer segment;
	gpointer name;

	g_hash_table_iter_init(&iter, agent->conf->segments);
	while (bridge && g_hash_table_iter_next(&iter, &segment, &name))
		if (strcmp(name, bridge) == 0)
			return segment;
	return NULL;
}

static void report_nics(struct agent *agent, const struct agent_domain *domain)
{
	g_autoptr(domxml) xml = domain->virt.xml ? domxml_read(domain->virt.xml, NULL) : NULL;

	for (unsigned i = 0; xml && i < xml->nics->len; i++) {
		const struct domxml_nic *nic = xml->nics->pdata[i];
		struct facts_nic fact = { .tap = nic->tap,
			.segment = (char *)segment_of(agent, nic->bridge),
			.host = agent->uuid };

		if (nic->mac)
			report_nic(agent->report, domain->virt.uuid, nic->mac,
				is_present(domain) ? &fact : NULL);
	}
}

static void report_domain(struct agent *agent, const struct agent_domain *domain)
{
	struct facts_runs_on fact = {
		.name = domain->virt.name,
		.state = (char *)virt_state_to_string(domain->virt.state),
		.vcpus = domain->virt.vcpus,
		.memory_mib = domain->virt.memory_mib,
		.vapp = domain->vapp,
		.seal = (char *)domain->seal,
		.since_ms = domain->since_ms,
	};

	report_machine(agent->report, domain->virt.uuid, &fact);
	report_nics(agent, domain);
}

static void read_seal(struct agent *agent, struct agent_domain *domain)
{
	static const char *const names[] = { [VAPP_SEAL_NONE] = "none",
		[VAPP_SEAL_GOOD] = "valid",
		[VAPP_SEAL_BROKEN] = "invalid" };
	g_autoptr(vapp_member) member = NULL;
	g_autoptr(GError) error = NULL;
	enum vapp_seal_status status = seal_check_domain(
		domain->virt.xml, agent->seal_key ? agent->seal_key : "", &member, &error);

	domain->seal = names[status];
	domain->vapp = member ? g_strdup(member->vapp) : NULL;
}

static void domain_gone(struct agent *agent, const char *uuid)
{
	struct agent_domain *domain = g_hash_table_lookup(agent->domains, uuid);

	if (!domain)
		return;
	domain->virt.state = VIRT_ABSENT;
	report_nics(agent, domain);
	report_machine(agent->report, uuid, NULL);
	g_hash_table_remove(agent->domains, uuid);
}

static void on_domain(const struct virt_domain *from, gpointer data)
{
	struct agent *agent = data;
	struct agent_domain *old = g_hash_table_lookup(agent->domains, from->uuid);
	struct agent_domain *domain;

	if (from->state == VIRT_ABSENT || !from->xml) {
		domain_gone(agent, from->uuid);
	} else {
		domain = g_new0(struct agent_domain, 1);
		domain->virt = *from;
		domain->virt.uuid = g_strdup(from->uuid);
		domain->virt.name = g_strdup(from->name);
		domain->virt.xml = g_strdup(from->xml);
		domain->since_ms = old && old->virt.state == from->state ? old->since_ms : now_ms();
		read_seal(agent, domain);
		g_hash_table_replace(agent->domains, domain->virt.uuid, domain);
		report_domain(agent, domain);
	}
	report_offer(agent);
	look_soon(agent);
}

static void on_settled(gpointer data)
{
	struct agent *agent = data;

	agent->settled = TRUE;
	report_offer(agent);
	look_soon(agent);
}

static void on_stopped(const char *uuid, gpointer data)
{
	struct agent *agent = data;

	carry_stopped(agent->carry, uuid);
}

static void on_virt_down(const char *why, gpointer data)
{
	struct agent *agent = data;

	if (agent->settled || !agent->virt_missing)
		g_warning("libvirt: %s; trying again", why);
	agent->settled = FALSE;
	agent->virt_missing = TRUE;
}

static void meet_host(struct agent *agent, const struct virt_host *host);

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
	agent->capacity.cpus = agent->conf->cpus ? agent->conf->cpus : host->cpus * OVERCOMMIT_CPUS;
	agent->capacity.memory_mib = agent->conf->memory_mib ? agent->conf->memory_mib
							     : host->memory_mib / 8 * 7;
	g_strfreev(agent->capacity.cpu_models);
	g_strfreev(agent->capacity.machine_types);
	agent->capacity.cpu_models = g_strdupv(host->cpu_models);
	agent->capacity.machine_types = g_strdupv(host->machine_types);
}

static void look_again(gpointer agent)
{
	look_soon(agent);
}

/* The host's UUID names it everywhere, so everything that needs it begins when libvirt has told it
 * for the first time. */
static void meet_host(struct agent *agent, const struct virt_host *host)
{
	struct carry_parts parts;

	agent->uuid = g_strdup(host->uuid);
	agent->report = report_new(agent->client, agent->uuid);
	parts = (struct carry_parts){ agent->virt, agent->guard, agent->report, agent->uuid,
		look_again, agent };
	agent->carry = carry_new(&parts);
	for (size_t i = 0; i < N_WINDOWS; i++)
		subscribe_window(agent, &windows[i]);
	ifmap_client_start(agent->client, on_map_state, agent);
	on_links(agent);
	g_message("host %s (%s)", agent->name, agent->uuid);
}

/* ---- the gate ---- */

struct knock {
	struct agent *agent;
	struct gate_ticket *ticket;
	struct gate_verdict verdict;
};

static void on_ready(gboolean stands, const char *why, gpointer data)
{
	struct knock *knock = data;
	g_autofree char *text = stands ? NULL
				       : g_strdup_printf(
						 "the rules of this machine do not stand on %s: %s",
						 knock->agent->name, why);

	gate_ticket_answer(knock->ticket, stands ? NULL : "AGENT_NOT_CONFORMING", text);
	gate_verdict_clear(&knock->verdict);
	g_free(knock);
}

/* libvirt asks about an incoming machine three times: migrate, prepare, start; only the first time
 * does it say that it is a migration. What was let in as an arrival stays one until it has started.
 */
static gboolean is_arrival(struct agent *agent, const char *operation, const char *xml)
{
	g_autoptr(domxml) domain = domxml_read(xml, NULL);
	const gint64 *since = domain && domain->uuid
				      ? g_hash_table_lookup(agent->arrivals, domain->uuid)
				      : NULL;
	gboolean arrival;

	if (strcmp(operation, "migrate") == 0)
		return TRUE;
	arrival = since && g_get_monotonic_time() - *since < ARRIVAL_S * (gint64)G_USEC_PER_SEC;
	if (since && (!arrival || strcmp(operation, "start") == 0))
		g_hash_table_remove(agent->arrivals, domain->uuid);
	return arrival;
}

static void note_arrival(struct agent *agent, const char *operation, const char *uuid)
{
	gint64 now = g_get_monotonic_time();

	if (uuid && strcmp(operation, "migrate") == 0)
		g_hash_table_replace(agent->arrivals, g_strdup(uuid), g_memdup2(&now, sizeof(now)));
}

static void on_knock(
	const char *operation, const char *xml, struct gate_ticket *ticket, gpointer data)
{
	struct agent *agent = data;
	struct gate_request request = { .operation = operation,
		.arrival = is_arrival(agent, operation, xml),
		.xml = xml,
		.seal_key = agent->seal_key,
		.host_name = agent->name,
		.admit_unclaimed = agent->conf->admit_unclaimed };
	struct knock *knock = g_new0(struct knock, 1);

	knock->agent = agent;
	knock->ticket = ticket;
	gate_judge(agent->book, &request, &knock->verdict);
	if (knock->verdict.answer == GATE_ENFORCE) {
		note_arrival(agent, operation, knock->verdict.uuid);
		guard_wait(agent->guard, knock->verdict.uuid, ENFORCE_WAIT_MS, on_ready, knock);
		return;
	}
	if (knock->verdict.answer == GATE_REFUSE)
		g_message("gate: refused %s of %s: %s: %s", operation,
			knock->verdict.uuid ? knock->verdict.uuid : "?", knock->verdict.code,
			knock->verdict.text);
	gate_ticket_answer(ticket, knock->verdict.code, knock->verdict.text);
	gate_verdict_clear(&knock->verdict);
	g_free(knock);
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
	struct ifmap_client_config config = {
		.url = agent->conf->map_url,
		.ca_file = agent->conf->map_ca,
		.cert_file = agent->conf->map_cert,
		.key_file = agent->conf->map_key,
		.prefixes = FACTS_PREFIXES,
		.max_poll_result_size = SUBSCRIPTION_MAX,
	};

	agent->client = ifmap_client_new(&config, error);
	return agent->client != NULL;
}

static gboolean open_parts(struct agent *agent, GError **error)
{
	static const struct guard_events guard_events = { on_rules, on_refused, on_tampered,
		on_enforcer };
	static const struct virt_events virt_events = { on_virt_up, on_virt_down, on_domain,
		on_stopped, on_settled };

	agent->book = book_load(agent->book_path, "", error);
	if (!agent->book || !read_seal_key(agent, error) || !make_client(agent, error))
		return FALSE;
	agent->gate = gate_server_new(agent->conf->gate, on_knock, agent, error);
	agent->netwatch = agent->gate ? netwatch_new(on_links, agent, error) : NULL;
	if (!agent->netwatch)
		return FALSE;
	agent->guard = guard_new(agent->conf->enforcer, bridge_of, &guard_events, agent);
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
	agent->book_path = g_build_filename(conf->state_dir, "book.json", NULL);
	agent->arrivals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	agent->domains = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, domain_free);
	for (size_t i = 0; i < N_WINDOWS; i++)
		agent->mirrors[i] = ifmap_mirror_new();
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
	gate_server_free(agent->gate);
	virt_free(agent->virt);
	carry_free(agent->carry);
	guard_free(agent->guard);
	netwatch_free(agent->netwatch);
	report_free(agent->report);
	ifmap_client_free(agent->client);
	for (size_t i = 0; i < N_WINDOWS; i++)
		ifmap_mirror_free(agent->mirrors[i]);
	book_free(agent->book);
	g_hash_table_unref(agent->domains);
	g_hash_table_unref(agent->arrivals);
	facts_clear(FACTS_CAPACITY, &agent->capacity);
	g_free(agent->backend);
	g_free(agent->seal_key);
	g_free(agent->book_path);
	g_free(agent->uuid);
	g_free(agent->name);
	g_free(agent);
}
