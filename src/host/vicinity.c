#include "host/vicinity.h"

#include "host/inventory.h"
#include "host/routes.h"
#include "host/rules.h"
#include "host/sightings.h"

#include <string.h>

#define STRANGERS_NAMED 4 /* in a sentence; the fact has more of them */

/* A machine that is here, as it was last told. */
struct present {
	char *uuid;
	GPtrArray *cards; /* struct card */
	guint64 since_ms; /* it is here, wall clock */
	char *told;       /* what its cards said, as text; NULL: nothing yet */
};

struct card {
	char *mac;
	char *tap;
	char *segment;
	char **addresses; /* declared; NULL: nobody declared any */
	char **pinned;    /* of these, what the rules leave to it alone */
	gboolean enforced;
	GArray *said; /* struct standard_address: pinned and seen, as last told */
};

struct vicinity {
	GHashTable *segments;
	GHashTable *uplinks;
	struct netwatch *netwatch;
	struct routes *routes;
	struct sightings *sightings;
	GHashTable *machines; /* uuid -> struct present */
	/* NULL before vicinity_open() */
	struct report *report;
	struct standard *standard;
};

static guint64 now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

const char *vicinity_segment(GHashTable *segments, const char *bridge)
{
	GHashTableIter iter;
	gpointer segment;
	gpointer name;

	g_hash_table_iter_init(&iter, segments);
	while (bridge && g_hash_table_iter_next(&iter, &segment, &name))
		if (strcmp(name, bridge) == 0)
			return segment;
	return NULL;
}

static const char *device_name(unsigned index, gpointer data)
{
	const struct vicinity *vicinity = data;
	const struct netread_link *link = netwatch_find_index(vicinity->netwatch, index);

	return link ? link->name : NULL;
}

/* ---- links ---- */

static void report_segments(struct vicinity *vicinity)
{
	GHashTableIter iter;
	gpointer segment;
	gpointer bridge;

	g_hash_table_iter_init(&iter, vicinity->segments);
	while (g_hash_table_iter_next(&iter, &segment, &bridge)) {
		const struct netread_link *link = netwatch_find(vicinity->netwatch, bridge);
		struct facts_segment_present fact = {
			.bridge = bridge, .up = link && link->up, .mtu = link ? link->mtu : 0
		};

		report_segment(vicinity->report, segment, link && link->up ? &fact : NULL);
	}
}

static void report_uplinks(struct vicinity *vicinity)
{
	GHashTableIter iter;
	gpointer device;
	gpointer plugged;

	g_hash_table_iter_init(&iter, vicinity->uplinks);
	while (g_hash_table_iter_next(&iter, &device, &plugged)) {
		const struct netread_link *link = netwatch_find(vicinity->netwatch, device);
		g_auto(GStrv) words = g_strsplit(plugged, ",", -1);
		struct facts_fabric_link fact = {
			.port = device,
			.up = link && link->up,
			.mtu = link ? link->mtu : 0,
			.risks = words[0] && words[1] ? words + 1 : NULL,
		};

		if (words[0])
			report_uplink(vicinity->report, g_strstrip(words[0]), link ? &fact : NULL);
	}
}

static void expect(struct vicinity *vicinity, const struct present *machine);

static void on_links(gpointer data)
{
	struct vicinity *vicinity = data;
	GHashTableIter iter;
	gpointer machine;

	if (!vicinity->report)
		return;
	report_segments(vicinity);
	report_uplinks(vicinity);
	g_hash_table_iter_init(&iter, vicinity->machines);
	while (g_hash_table_iter_next(&iter, NULL, &machine)) /* a tap may be another one now */
		expect(vicinity, machine);
	netwatch_ask(vicinity->netwatch, NETWATCH_NEIGHBOURS);
}

/* ---- a machine's cards, in the standard's words ---- */

static void card_free(gpointer data)
{
	struct card *card = data;

	g_free(card->mac);
	g_free(card->tap);
	g_free(card->segment);
	g_strfreev(card->addresses);
	g_strfreev(card->pinned);
	g_array_unref(card->said);
	g_free(card);
}

static void present_free(gpointer data)
{
	struct present *machine = data;

	g_ptr_array_unref(machine->cards);
	g_free(machine->told);
	g_free(machine->uuid);
	g_free(machine);
}

static unsigned tap_index(const struct vicinity *vicinity, const struct card *card)
{
	const struct netread_link *link = card->tap ? netwatch_find(vicinity->netwatch, card->tap)
						    : NULL;

	return link ? link->index : 0;
}

/* The rules let no other address out, so these are the card's; but for whole networks: nobody has
 * these. */
static char **pinned_of(const struct card *card)
{
	g_autoptr(GStrvBuilder) pinned = g_strv_builder_new();

	for (size_t i = 0; card->enforced && card->addresses && card->addresses[i]; i++) {
		struct rules_prefix prefix;
		char text[RULES_PREFIX_TEXT];

		if (rules_prefix_parse(card->addresses[i], &prefix, NULL) &&
			!strchr(rules_prefix_to_string(&prefix, text), '/'))
			g_strv_builder_add(pinned, text);
	}
	return g_strv_builder_end(pinned);
}

static void add_address(GArray *addresses, const char *text, guint64 since_ms)
{
	struct standard_address address = { text, since_ms };

	for (unsigned i = 0; i < addresses->len; i++)
		if (strcmp(g_array_index(addresses, struct standard_address, i).address, text) == 0)
			return;
	g_array_append_val(addresses, address);
}

static void say_addresses(struct card *card, guint64 since_ms, const struct facts_seen *seen)
{
	g_array_set_size(card->said, 0);
	for (size_t i = 0; card->pinned[i]; i++)
		add_address(card->said, card->pinned[i], since_ms);
	for (unsigned i = 0; seen && seen->sightings && i < seen->sightings->len; i++) {
		const struct facts_sighting *sighting = seen->sightings->pdata[i];

		if (strcmp(sighting->by, "neighbour") == 0 && strcmp(sighting->mac, card->mac) == 0)
			add_address(card->said, sighting->address, sighting->since_ms);
	}
}

/* A sentence about the addresses that are not the machine's; NULL: there are none. */
static char *strangers_of(const struct facts_seen *seen, guint64 *ret_since_ms)
{
	g_autoptr(GString) text = g_string_new(NULL);
	guint64 n = seen ? seen->n_cut : 0;
	unsigned named = 0;

	*ret_since_ms = G_MAXUINT64;
	for (unsigned i = 0; seen && seen->sightings && i < seen->sightings->len; i++) {
		const struct facts_sighting *sighting = seen->sightings->pdata[i];

		if (sighting->declared)
			continue;
		*ret_since_ms = MIN(*ret_since_ms, sighting->since_ms);
		if (named < STRANGERS_NAMED)
			g_string_append_printf(
				text, "%s%s", named++ ? ", " : "uses ", sighting->address);
		else
			n++;
	}
	if (named == 0)
		return NULL;
	if (n > 0)
		g_string_append_printf(text, " and %" G_GUINT64_FORMAT " more", n);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* All that the cards say, so that one sees whether it is news. */
static char *text_of(const struct standard_card *cards, unsigned n_cards)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < n_cards; i++) {
		const struct standard_card *card = &cards[i];

		g_string_append_printf(text, "%s %s %u %d %" G_GUINT64_FORMAT " %s", card->mac,
			card->segment ? card->segment : "", card->tap, card->enforced,
			card->since_ms, card->strangers ? card->strangers : "");
		for (size_t a = 0; a < card->n_addresses; a++)
			g_string_append_printf(text, " %s", card->addresses[a].address);
		g_string_append_c(text, '\n');
	}
	return g_string_free(text, FALSE);
}

/* Says what the machine's cards are, if that is news. */
static void tell(struct vicinity *vicinity, struct present *machine)
{
	const struct facts_seen *seen = sightings_find(vicinity->sightings, machine->uuid);
	unsigned n_cards = machine->cards->len;
	g_autofree struct standard_card *cards = g_new0(struct standard_card, MAX(n_cards, 1));
	guint64 strangers_ms;
	g_autofree char *strangers = strangers_of(seen, &strangers_ms);
	g_autofree char *text = NULL;

	for (unsigned i = 0; i < n_cards; i++) {
		struct card *card = machine->cards->pdata[i];

		say_addresses(card, machine->since_ms, seen);
		cards[i] = (struct standard_card){ card->mac, card->segment,
			tap_index(vicinity, card), machine->since_ms, card->enforced,
			(const void *)card->said->data, card->said->len, strangers, strangers_ms };
	}
	text = text_of(cards, n_cards);
	if (!vicinity->standard || g_strcmp0(text, machine->told) == 0)
		return;
	g_free(machine->told);
	machine->told = g_steal_pointer(&text);
	standard_machine(vicinity->standard, machine->uuid, cards, n_cards);
}

/* ---- machines come, change and go ---- */

/* What the sightings are to look for. */
static void expect(struct vicinity *vicinity, const struct present *machine)
{
	g_autofree struct sightings_card *cards = g_new0(
		struct sightings_card, MAX(machine->cards->len, 1));

	for (unsigned i = 0; i < machine->cards->len; i++) {
		const struct card *card = machine->cards->pdata[i];

		cards[i] = (struct sightings_card){ card->mac, tap_index(vicinity, card),
			(const char *const *)card->addresses };
	}
	if (sightings_expect(vicinity->sightings, machine->uuid, cards, machine->cards->len))
		netwatch_ask(vicinity->netwatch, NETWATCH_NEIGHBOURS);
}

static const struct facts_protected_nic *find_nic(
	const struct facts_protection *protection, const char *mac)
{
	for (unsigned i = 0; protection && protection->nics && i < protection->nics->len; i++) {
		const struct facts_protected_nic *nic = protection->nics->pdata[i];

		if (g_strcmp0(nic->mac, mac) == 0)
			return nic;
	}
	return NULL;
}

/* A protected machine has declared all its addresses, also where that is none. */
static char **addresses_declared(const struct facts_protection *protection, const char *mac)
{
	const struct facts_protected_nic *nic = find_nic(protection, mac);

	if (!protection)
		return NULL;
	return nic && nic->addresses ? g_strdupv(nic->addresses) : g_new0(char *, 1);
}

static void read_cards(const struct vicinity *vicinity, const struct inventory_machine *from,
	const struct facts_protection *protection, gboolean enforced, GPtrArray *cards)
{
	for (unsigned i = 0; from->domain && i < from->domain->nics->len; i++) {
		const struct domxml_nic *nic = from->domain->nics->pdata[i];
		struct card *card;

		if (!nic->mac)
			continue;
		card = g_new0(struct card, 1);
		card->mac = g_strdup(nic->mac);
		card->tap = g_strdup(nic->tap);
		card->segment = g_strdup(vicinity_segment(vicinity->segments, nic->bridge));
		card->addresses = addresses_declared(protection, nic->mac);
		card->enforced = enforced;
		card->pinned = pinned_of(card);
		card->said = g_array_new(FALSE, FALSE, sizeof(struct standard_address));
		g_ptr_array_add(cards, card);
	}
}

static void look_at(struct vicinity *vicinity, const struct inventory_machine *from,
	const struct book *book, const struct guard *guard)
{
	struct present *machine = g_hash_table_lookup(vicinity->machines, from->virt.uuid);
	struct guard_state state = { 0 };
	gboolean enforced = guard_find(guard, from->virt.uuid, &state) && state.conforming;

	if (!machine) {
		machine = g_new0(struct present, 1);
		machine->uuid = g_strdup(from->virt.uuid);
		machine->since_ms = from->since_ms;
		machine->cards = g_ptr_array_new_with_free_func(card_free);
		g_hash_table_insert(vicinity->machines, machine->uuid, machine);
	}
	g_ptr_array_set_size(machine->cards, 0);
	read_cards(vicinity, from, book_protection(book, machine->uuid), enforced, machine->cards);
	expect(vicinity, machine);
	tell(vicinity, machine);
}

static void gone(struct vicinity *vicinity, const struct present *machine)
{
	sightings_expect(vicinity->sightings, machine->uuid, NULL, 0);
	if (!vicinity->report)
		return;
	report_seen(vicinity->report, machine->uuid, NULL);
	standard_machine(vicinity->standard, machine->uuid, NULL, 0);
	standard_blocked_forget(vicinity->standard, machine->uuid);
}

void vicinity_look(struct vicinity *vicinity, const struct inventory *inventory,
	const struct book *book, const struct guard *guard)
{
	GHashTable *all = inventory_machines(inventory);
	GHashTableIter iter;
	gpointer uuid;
	gpointer value;

	g_hash_table_iter_init(&iter, vicinity->machines);
	while (g_hash_table_iter_next(&iter, &uuid, &value)) {
		const struct inventory_machine *still = g_hash_table_lookup(all, uuid);

		if (still && inventory_is_present(still))
			continue;
		gone(vicinity, value);
		g_hash_table_iter_remove(&iter);
	}
	g_hash_table_iter_init(&iter, all);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (inventory_is_present(value))
			look_at(vicinity, value, book, guard);
}

const char *vicinity_mac(const struct vicinity *vicinity, const char *uuid, const char *tap)
{
	const struct present *machine = g_hash_table_lookup(vicinity->machines, uuid);

	for (unsigned i = 0; machine && i < machine->cards->len; i++) {
		const struct card *card = machine->cards->pdata[i];

		if (g_strcmp0(card->tap, tap) == 0)
			return card->mac;
	}
	return NULL;
}

void vicinity_refused(struct vicinity *vicinity, const char *uuid, const char *address)
{
	if (sightings_refused(vicinity->sightings, uuid, address, now_ms()))
		netwatch_ask(vicinity->netwatch, NETWATCH_NEIGHBOURS);
}

/* ---- neighbours ---- */

static void on_neighbour(const struct netread_neighbour *neighbour, gpointer data)
{
	struct vicinity *vicinity = data;

	sightings_take(vicinity->sightings, neighbour);
	routes_take_neighbour(vicinity->routes, neighbour);
}

static void on_seen(const char *uuid, const struct facts_seen *seen, gpointer data)
{
	struct vicinity *vicinity = data;
	struct present *machine = g_hash_table_lookup(vicinity->machines, uuid);

	report_seen(vicinity->report, uuid, seen->sightings->len > 0 ? seen : NULL);
	if (machine)
		tell(vicinity, machine);
}

static void report_own(struct vicinity *vicinity)
{
	g_auto(facts_routes) fact = { 0 };

	if (routes_news(vicinity->routes, device_name, vicinity, vicinity->segments, &fact))
		report_routes(vicinity->report, &fact);
}

static gboolean on_neighbours(struct netwatch *watch, gpointer data)
{
	struct vicinity *vicinity = data;

	if (!vicinity->report)
		return TRUE;
	sightings_begin(vicinity->sightings);
	routes_begin_neighbours(vicinity->routes);
	if (!netwatch_read_neighbours(watch, on_neighbour, vicinity))
		return FALSE;
	sightings_end(vicinity->sightings, now_ms(), device_name, on_seen, vicinity);
	report_own(vicinity);
	return TRUE;
}

/* ---- the host's own addresses and routes ---- */

static void on_address(const struct netread_address *address, gpointer data)
{
	GPtrArray *addresses = data;

	if (address->global && addresses->len < VICINITY_ADDRESSES_MAX &&
		!g_ptr_array_find_with_equal_func(addresses, address->address, g_str_equal, NULL))
		g_ptr_array_add(addresses, g_strdup(address->address));
}

static void on_route(const struct netread_route *route, gpointer data)
{
	routes_take(data, route);
}

static gboolean on_routes(struct netwatch *watch, gpointer data)
{
	struct vicinity *vicinity = data;
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);

	if (!vicinity->report)
		return TRUE;
	routes_begin(vicinity->routes);
	if (!netwatch_read_addresses(watch, on_address, addresses) ||
		!netwatch_read_routes(watch, on_route, vicinity->routes))
		return FALSE;
	g_ptr_array_add(addresses, NULL);
	standard_host(vicinity->standard, (const char *const *)addresses->pdata);
	routes_end(vicinity->routes);
	netwatch_ask(watch, NETWATCH_NEIGHBOURS); /* of the gateways */
	return TRUE;
}

/* ---- life ---- */

struct vicinity *vicinity_new(GHashTable *segments, GHashTable *uplinks, GError **error)
{
	static const struct netwatch_events events = { on_links, on_neighbours, on_routes };
	struct vicinity *vicinity = g_new0(struct vicinity, 1);

	vicinity->segments = segments;
	vicinity->uplinks = uplinks;
	vicinity->routes = routes_new(VICINITY_ROUTES_MAX);
	vicinity->sightings = sightings_new();
	vicinity->machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, present_free);
	vicinity->netwatch = netwatch_new(&events, vicinity, error);
	if (!vicinity->netwatch)
		g_clear_pointer(&vicinity, vicinity_free);
	return vicinity;
}

void vicinity_free(struct vicinity *vicinity)
{
	if (!vicinity)
		return;
	netwatch_free(vicinity->netwatch);
	g_hash_table_unref(vicinity->machines);
	sightings_free(vicinity->sightings);
	routes_free(vicinity->routes);
	g_free(vicinity);
}

void vicinity_open(struct vicinity *vicinity, struct report *report, struct standard *standard)
{
	vicinity->report = report;
	vicinity->standard = standard;
	on_links(vicinity);
	netwatch_ask(vicinity->netwatch, NETWATCH_ROUTES);
}
