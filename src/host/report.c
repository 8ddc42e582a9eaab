#include "host/report.h"

#include <string.h>

struct report {
	struct ifmap_client *client;
	char *host_uuid;
	struct ifmap_id *host;
	struct ifmap_id *fleet;
	GHashTable *refused; /* machine UUID -> GHashTable of slot -> struct facts_refused */
	struct facts_enrolled enrolled; /* as last said */
};

static void refused_free(gpointer data)
{
	facts_clear(FACTS_REFUSED, data);
	g_free(data);
}

struct report *report_new(struct ifmap_client *client, const char *host_uuid)
{
	struct report *report = g_new0(struct report, 1);

	report->client = client;
	report->host_uuid = g_strdup(host_uuid);
	report->host = facts_id_device(host_uuid, NULL);
	report->fleet = facts_id_fleet();
	report->refused = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
	return report;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	g_hash_table_unref(report->refused);
	facts_clear(FACTS_ENROLLED, &report->enrolled);
	ifmap_id_unref(report->fleet);
	ifmap_id_unref(report->host);
	g_free(report->host_uuid);
	g_free(report);
}

/* On the link between `other` (NULL: the name was unusable, nothing is said) and this host. */
static void keep_link(
	struct report *report, enum facts_kind kind, struct ifmap_id *other, const void *fact)
{
	if (other)
		facts_keep(report->client, kind, other, report->host, NULL, fact);
	ifmap_id_unref(other);
}

/* For good: who the host is when its agent is silent, and which life of the agent was the last. */
static void enrol(struct report *report, const struct facts_host *host)
{
	const struct facts_enrolled fact = {
		.name = host->name, .site = host->site, .started_ms = host->started_ms
	};
	g_autoptr(ifmap_publish) publish = NULL;

	if (facts_equal(FACTS_ENROLLED, &fact, &report->enrolled))
		return;
	facts_clear(FACTS_ENROLLED, &report->enrolled);
	facts_copy(FACTS_ENROLLED, &fact, &report->enrolled);
	publish = ifmap_publish_new();
	facts_publish(publish, FACTS_ENROLLED, report->fleet, report->host, &fact);
	ifmap_client_publish(report->client, g_steal_pointer(&publish), NULL, NULL);
}

void report_host(struct report *report, const struct facts_host *fact)
{
	struct facts_in_fleet in_fleet = { .kind = (char *)"host" };

	enrol(report, fact);
	facts_keep(report->client, FACTS_HOST, report->host, NULL, NULL, fact);
	facts_keep(report->client, FACTS_IN_FLEET, report->fleet, report->host, NULL, &in_fleet);
}

void report_capacity(struct report *report, const struct facts_capacity *fact)
{
	facts_keep(report->client, FACTS_CAPACITY, report->host, NULL, NULL, fact);
}

void report_segment(
	struct report *report, const char *segment, const struct facts_segment_present *fact)
{
	keep_link(report, FACTS_SEGMENT_PRESENT, facts_id_segment(segment, NULL), fact);
}

void report_uplink(
	struct report *report, const char *neighbour, const struct facts_fabric_link *fact)
{
	keep_link(report, FACTS_FABRIC_LINK, facts_id_switch(neighbour, NULL), fact);
}

void report_machine(struct report *report, const char *uuid, const struct facts_runs_on *fact)
{
	keep_link(report, FACTS_RUNS_ON, facts_id_device(uuid, NULL), fact);
}

void report_card(
	struct report *report, const char *uuid, const char *mac, const struct facts_card *fact)
{
	g_autoptr(ifmap_id) vm = facts_id_device(uuid, NULL);
	g_autoptr(ifmap_id) nic = ifmap_id_new_mac(mac, NULL, NULL);

	if (vm && nic)
		facts_keep(report->client, FACTS_CARD, vm, nic, report->host_uuid, fact);
}

void report_enforced(struct report *report, const char *uuid, const struct facts_enforced *fact)
{
	keep_link(report, FACTS_ENFORCED, facts_id_device(uuid, NULL), fact);
}

void report_progress(struct report *report, const char *uuid, const struct facts_progress *fact)
{
	keep_link(report, FACTS_PROGRESS, facts_id_device(uuid, NULL), fact);
}

void report_conntrack(struct report *report, const char *uuid, const struct facts_conntrack *fact)
{
	keep_link(report, FACTS_CONNTRACK, facts_id_device(uuid, NULL), fact);
}

void report_seen(struct report *report, const char *uuid, const struct facts_seen *fact)
{
	keep_link(report, FACTS_SEEN, facts_id_device(uuid, NULL), fact);
}

void report_routes(struct report *report, const struct facts_routes *fact)
{
	facts_keep(report->client, FACTS_ROUTES, report->host, NULL, NULL, fact);
}

/* ---- refused packets ---- */

static GHashTable *rows_of(struct report *report, const char *uuid)
{
	GHashTable *rows = g_hash_table_lookup(report->refused, uuid);

	if (!rows) {
		rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, refused_free);
		g_hash_table_insert(report->refused, g_strdup(uuid), rows);
	}
	return rows;
}

static void drop_row(struct report *report, const char *uuid, GHashTable *rows, const char *slot)
{
	g_autoptr(ifmap_id) vm = facts_id_device(uuid, NULL);

	facts_keep(report->client, FACTS_REFUSED, vm, report->host, slot, NULL);
	g_hash_table_remove(rows, slot);
}

static void make_room(struct report *report, const char *uuid, GHashTable *rows)
{
	GHashTableIter iter;
	gpointer slot;
	gpointer row;
	const char *oldest = NULL;
	guint64 oldest_ms = G_MAXUINT64;

	if (g_hash_table_size(rows) < REPORT_REFUSED_MAX)
		return;
	g_hash_table_iter_init(&iter, rows);
	while (g_hash_table_iter_next(&iter, &slot, &row)) {
		if (((struct facts_refused *)row)->last_ms >= oldest_ms)
			continue;
		oldest_ms = ((struct facts_refused *)row)->last_ms;
		oldest = slot;
	}
	if (oldest) {
		g_autofree char *copy = g_strdup(oldest);

		drop_row(report, uuid, rows, copy);
	}
}

void report_refused(struct report *report, const char *uuid, const struct facts_refused *refused)
{
	g_autofree char *slot = g_strdup_printf("%s/%s/%s/%s/%" G_GUINT64_FORMAT, refused->rule,
		refused->direction, refused->peer, refused->protocol, refused->port);
	g_autoptr(ifmap_id) vm = facts_id_device(uuid, NULL);
	GHashTable *rows = rows_of(report, uuid);
	struct facts_refused *row = g_hash_table_lookup(rows, slot);

	if (!vm)
		return;
	if (row) {
		row->count += refused->count;
		row->last_ms = refused->last_ms;
	} else {
		make_room(report, uuid, rows);
		row = g_new0(struct facts_refused, 1);
		facts_copy(FACTS_REFUSED, refused, row);
		g_free(row->host);
		row->host = g_strdup(report->host_uuid);
		g_hash_table_insert(rows, g_strdup(slot), row);
	}
	facts_keep(report->client, FACTS_REFUSED, vm, report->host, slot, row);
}

void report_refused_forget(struct report *report, const char *uuid)
{
	GHashTable *rows = g_hash_table_lookup(report->refused, uuid);
	g_autofree gpointer *slots = rows ? g_hash_table_get_keys_as_array(rows, NULL) : NULL;

	for (size_t i = 0; slots && slots[i]; i++) {
		g_autofree char *slot = g_strdup(slots[i]);

		drop_row(report, uuid, rows, slot);
	}
	g_hash_table_remove(report->refused, uuid);
}

void report_alert(struct report *report, const struct facts_alert *alert)
{
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	g_autofree char *slot = g_strdup_printf("%s/%" G_GUINT64_FORMAT, alert->code, alert->at_ms);
	g_autoptr(ifmap_meta) meta = facts_encode(FACTS_ALERT, alert, slot);

	ifmap_publish_update(publish, report->host, NULL, IFMAP_LIFETIME_FOREVER, meta);
	ifmap_client_publish(report->client, g_steal_pointer(&publish), NULL, NULL);
}
