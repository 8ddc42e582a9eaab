#include "host/standard.h"

#include "host/keepset.h"

#include <string.h>

#define HOST_GROUP "host" /* no machine has this for its UUID */

/* How loud an alert is, on the standard's scale. */
#define EVENT_MAGNITUDE     80
#define STRANGER_MAGNITUDE  50
#define STRANGER_CONFIDENCE 100

struct blocked {
	char *uuid;       /* whose rules */
	GPtrArray *rules; /* names, sorted */
	guint64 last;     /* in the order of `ticks` */
};

struct standard {
	struct ifmap_client *client;
	char *host_uuid;
	struct ifmap_id *host;
	struct ifmap_id *address; /* the host's first one, NULL: none */
	struct keepset *kept;
	GHashTable *macs;    /* machine UUID -> GPtrArray of struct ifmap_id: its cards */
	GHashTable *blocked; /* endpoint -> struct blocked */
	guint64 ticks;
};

static void blocked_free(gpointer data)
{
	struct blocked *blocked = data;

	g_free(blocked->uuid);
	g_ptr_array_unref(blocked->rules);
	g_free(blocked);
}

struct standard *standard_new(struct ifmap_client *client, const char *host_uuid)
{
	struct standard *standard = g_new0(struct standard, 1);

	standard->client = client;
	standard->host_uuid = g_strdup(host_uuid);
	standard->host = facts_id_device(host_uuid, NULL);
	standard->kept = keepset_new(client);
	standard->macs = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	standard->blocked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, blocked_free);
	return standard;
}

void standard_free(struct standard *standard)
{
	if (!standard)
		return;
	g_hash_table_unref(standard->blocked);
	g_hash_table_unref(standard->macs);
	keepset_free(standard->kept);
	ifmap_id_unref(standard->address);
	ifmap_id_unref(standard->host);
	g_free(standard->host_uuid);
	g_free(standard);
}

/* For elements that say all by standing there. */
static const struct facts_std_discovered_by nothing = { NULL };

/* ---- machines ---- */

static void put_address(struct standard *standard, const struct ifmap_id *access,
	const struct ifmap_id *mac, const struct standard_address *address)
{
	g_autoptr(ifmap_id) ip = ifmap_id_new_ip(address->address, NULL, NULL);
	const struct facts_std_ip_mac lease = { .start_ms = address->since_ms };

	if (!ip)
		return;
	keepset_put(standard->kept, FACTS_STD_IP_MAC, ip, mac, &lease);
	keepset_put(standard->kept, FACTS_STD_DISCOVERED_BY, ip, standard->host, &nothing);
	keepset_put(standard->kept, FACTS_STD_ACCESS_REQUEST_IP, access, ip, &nothing);
}

static void put_plug(
	struct standard *standard, const struct ifmap_id *access, const struct standard_card *card)
{
	g_autofree char *port = card->tap ? g_strdup_printf("%u", card->tap) : NULL;
	const struct facts_std_layer2_information plug = { .vlan_name = (char *)card->segment,
		.port = port };

	keepset_put(standard->kept, FACTS_STD_LAYER2_INFORMATION, access, standard->host, &plug);
}

static void put_character(
	struct standard *standard, const struct ifmap_id *mac, const struct standard_card *card)
{
	const struct facts_std_device_characteristic character = {
		.manufacturer = (char *)"QEMU",
		.device_type = (char *)"virtual machine",
		.discovered_ms = card->since_ms,
		.discoverer_id = standard->host_uuid,
		.discovery_method = (char *)"libvirt",
	};
	const struct facts_std_unexpected_behavior behavior = {
		.discovered_ms = card->strangers_ms,
		.discoverer_id = standard->host_uuid,
		.information = (char *)card->strangers,
		.magnitude = STRANGER_MAGNITUDE,
		.confidence = STRANGER_CONFIDENCE,
		.significance = (char *)"important",
		.type = (char *)"undeclared address",
	};

	keepset_put(standard->kept, FACTS_STD_DISCOVERED_BY, mac, standard->host, &nothing);
	keepset_put(
		standard->kept, FACTS_STD_DEVICE_CHARACTERISTIC, mac, standard->host, &character);
	if (card->strangers)
		keepset_put(standard->kept, FACTS_STD_UNEXPECTED_BEHAVIOR, mac, NULL, &behavior);
}

static void put_card(struct standard *standard, const struct ifmap_id *vm,
	const struct standard_card *card, GPtrArray *macs)
{
	g_autoptr(ifmap_id) mac = ifmap_id_new_mac(card->mac, NULL, NULL);
	g_autoptr(ifmap_id) access = facts_id_access(standard->host_uuid, card->mac, NULL);
	const struct facts_std_device_attribute enforced = { .name = (char *)"enforced" };

	if (!mac || !access)
		return;
	keepset_put(standard->kept, FACTS_STD_ACCESS_REQUEST_MAC, access, mac, &nothing);
	keepset_put(standard->kept, FACTS_STD_ACCESS_REQUEST_DEVICE, access, vm, &nothing);
	if (card->enforced)
		keepset_put(standard->kept, FACTS_STD_DEVICE_ATTRIBUTE, access, vm, &enforced);
	put_plug(standard, access, card);
	put_character(standard, mac, card);
	for (size_t i = 0; i < card->n_addresses; i++)
		put_address(standard, access, mac, &card->addresses[i]);
	g_ptr_array_add(macs, g_steal_pointer(&mac));
}

void standard_machine(struct standard *standard, const char *uuid,
	const struct standard_card *cards, size_t n_cards)
{
	g_autoptr(ifmap_id) vm = facts_id_device(uuid, NULL);
	GPtrArray *macs = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_id_unref);

	keepset_begin(standard->kept, uuid);
	for (size_t i = 0; vm && i < n_cards; i++)
		put_card(standard, vm, &cards[i], macs);
	keepset_end(standard->kept);
	if (macs->len > 0) {
		g_hash_table_replace(standard->macs, g_strdup(uuid), macs);
	} else {
		g_hash_table_remove(standard->macs, uuid);
		g_ptr_array_unref(macs);
	}
}

/* ---- the host ---- */

void standard_host(struct standard *standard, const char *const *addresses)
{
	g_clear_pointer(&standard->address, ifmap_id_unref);
	keepset_begin(standard->kept, HOST_GROUP);
	for (size_t i = 0; addresses[i]; i++) {
		g_autoptr(ifmap_id) ip = ifmap_id_new_ip(addresses[i], NULL, NULL);

		if (!ip)
			continue;
		keepset_put(standard->kept, FACTS_STD_DEVICE_IP, standard->host, ip, &nothing);
		if (!standard->address)
			standard->address = g_steal_pointer(&ip);
	}
	keepset_end(standard->kept);
}

/* ---- refusals ---- */

static struct ifmap_id *endpoint_id(const char *from)
{
	struct ifmap_id *id = ifmap_id_new_ip(from, NULL, NULL);

	return id ? id : ifmap_id_new_mac(from, NULL, NULL);
}

/* blocked NULL: nothing is refused to it any more. */
static void keep_blocked(struct standard *standard, const char *from, const struct blocked *blocked)
{
	g_autoptr(ifmap_id) id = endpoint_id(from);
	g_autoptr(GString) rules = g_string_new(NULL);
	struct facts_std_enforcement_report fact = { .action = (char *)"block" };

	for (unsigned i = 0; blocked && i < blocked->rules->len; i++)
		g_string_append_printf(
			rules, "%s%s", i ? ", " : "", (const char *)blocked->rules->pdata[i]);
	fact.reason = rules->str;
	if (id)
		facts_keep(standard->client, FACTS_STD_ENFORCEMENT_REPORT, id, standard->host, NULL,
			blocked ? &fact : NULL);
}

static void drop_oldest(struct standard *standard)
{
	GHashTableIter iter;
	gpointer key;
	gpointer value;
	const char *oldest = NULL;
	guint64 last = G_MAXUINT64;

	g_hash_table_iter_init(&iter, standard->blocked);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const struct blocked *blocked = value;

		if (blocked->last >= last)
			continue;
		last = blocked->last;
		oldest = key;
	}
	if (oldest) {
		keep_blocked(standard, oldest, NULL);
		g_hash_table_remove(standard->blocked, oldest);
	}
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void standard_blocked(
	struct standard *standard, const char *uuid, const char *from, const char *rule)
{
	struct blocked *blocked = g_hash_table_lookup(standard->blocked, from);

	if (!blocked) {
		if (g_hash_table_size(standard->blocked) >= STANDARD_BLOCKED_MAX)
			drop_oldest(standard);
		blocked = g_new0(struct blocked, 1);
		blocked->uuid = g_strdup(uuid);
		blocked->rules = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(standard->blocked, g_strdup(from), blocked);
	}
	blocked->last = ++standard->ticks;
	if (g_ptr_array_find_with_equal_func(blocked->rules, rule, g_str_equal, NULL))
		return;
	g_ptr_array_add(blocked->rules, g_strdup(rule));
	g_ptr_array_sort(blocked->rules, compare_names);
	keep_blocked(standard, from, blocked);
}

void standard_blocked_forget(struct standard *standard, const char *uuid)
{
	GHashTableIter iter;
	gpointer from;
	gpointer value;

	g_hash_table_iter_init(&iter, standard->blocked);
	while (g_hash_table_iter_next(&iter, &from, &value)) {
		if (strcmp(((const struct blocked *)value)->uuid, uuid) != 0)
			continue;
		keep_blocked(standard, from, NULL);
		g_hash_table_iter_remove(&iter);
	}
}

/* ---- events ---- */

void standard_event(struct standard *standard, const char *const *machines,
	const struct facts_alert *alert, const char *significance)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	const struct facts_std_event event = {
		.name = alert->code,
		.discovered_ms = alert->at_ms,
		.discoverer_id = standard->host_uuid,
		.magnitude = EVENT_MAGNITUDE,
		.confidence = 100,
		.significance = (char *)significance,
		.type = (char *)"policy violation",
		.information = alert->text,
	};

	if (standard->address)
		facts_notify(publish, FACTS_STD_EVENT, standard->address, NULL, &event);
	for (size_t i = 0; machines && machines[i]; i++) {
		const GPtrArray *macs = g_hash_table_lookup(standard->macs, machines[i]);

		for (unsigned m = 0; macs && m < macs->len; m++)
			facts_notify(publish, FACTS_STD_EVENT, macs->pdata[m], NULL, &event);
	}
	if (ifmap_publish_n_operations(publish) > 0)
		ifmap_client_publish(standard->client, publish, NULL, NULL);
	else
		ifmap_publish_free(publish);
}
