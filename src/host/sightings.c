#include "host/sightings.h"

#include "host/rules.h"

#include <string.h>

struct card {
	char *mac;
	unsigned tap;
	char **addresses; /* NULL: nobody declared any */
	GArray *prefixes; /* struct rules_prefix: the same, and what goes without saying */
};

/* What one reading found. */
struct sight {
	char address[INET6_ADDRSTRLEN]; /* IP, or MAC */
	char mac[NETREAD_MAC_SIZE];
	unsigned index;
	gboolean on_bridge;
	gboolean declared;
	guint64 age_ms;
};

struct refusal {
	char *address;
	guint64 since_ms;
	guint64 last; /* in the order of `ticks` */
};

struct machine {
	char *uuid;
	GPtrArray *cards;   /* struct card */
	GArray *declared;   /* struct sight of the reading under way */
	GArray *strangers;  /* the same, at most SIGHTINGS_STRANGERS_MAX */
	GPtrArray *refused; /* struct refusal, at most SIGHTINGS_STRANGERS_MAX */
	unsigned n_macs;    /* of the reading */
	guint64 n_cut;      /* of the reading */
	guint64 n_refused_cut;
	struct facts_seen seen;
};

struct sightings {
	GHashTable *machines; /* uuid -> struct machine */
	guint64 ticks;
	/* of the reading under way */
	GHashTable *by_tap; /* index -> struct machine */
	GHashTable *by_mac; /* MAC -> struct machine */
};

static void card_free(gpointer data)
{
	struct card *card = data;

	g_free(card->mac);
	g_strfreev(card->addresses);
	g_array_unref(card->prefixes);
	g_free(card);
}

static void refusal_free(gpointer data)
{
	g_free(((struct refusal *)data)->address);
	g_free(data);
}

static void machine_free(gpointer data)
{
	struct machine *machine = data;

	g_ptr_array_unref(machine->cards);
	g_ptr_array_unref(machine->refused);
	g_array_unref(machine->declared);
	g_array_unref(machine->strangers);
	facts_clear(FACTS_SEEN, &machine->seen);
	g_free(machine->uuid);
	g_free(machine);
}

static struct machine *machine_new(const char *uuid)
{
	struct machine *machine = g_new0(struct machine, 1);

	machine->uuid = g_strdup(uuid);
	machine->cards = g_ptr_array_new_with_free_func(card_free);
	machine->refused = g_ptr_array_new_with_free_func(refusal_free);
	machine->declared = g_array_new(FALSE, FALSE, sizeof(struct sight));
	machine->strangers = g_array_new(FALSE, FALSE, sizeof(struct sight));
	return machine;
}

struct sightings *sightings_new(void)
{
	struct sightings *sightings = g_new0(struct sightings, 1);

	sightings->machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, machine_free);
	sightings->by_tap = g_hash_table_new(NULL, NULL);
	sightings->by_mac = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return sightings;
}

void sightings_free(struct sightings *sightings)
{
	if (!sightings)
		return;
	g_hash_table_unref(sightings->by_tap);
	g_hash_table_unref(sightings->by_mac);
	g_hash_table_unref(sightings->machines);
	g_free(sightings);
}

static void add_prefix(GArray *prefixes, const char *text)
{
	struct rules_prefix prefix;

	if (rules_prefix_parse(text, &prefix, NULL))
		g_array_append_val(prefixes, prefix);
}

/* The link-local address that a guest makes of its MAC (RFC 4291, appendix A) goes without saying.
 */
static void add_link_local(GArray *prefixes, const char *mac)
{
	g_auto(GStrv) b = g_strsplit(mac, ":", -1);
	g_autofree char *text = NULL;
	guint64 first;

	if (g_strv_length(b) != 6 || !g_ascii_string_to_unsigned(b[0], 16, 0, 255, &first, NULL))
		return;
	text = g_strdup_printf(
		"fe80::%02x%s:%sff:fe%s:%s%s", (unsigned)first ^ 2U, b[1], b[2], b[3], b[4], b[5]);
	add_prefix(prefixes, text);
}

static struct card *card_new(const struct sightings_card *from)
{
	struct card *card = g_new0(struct card, 1);

	card->mac = g_strdup(from->mac);
	card->tap = from->tap;
	card->addresses = g_strdupv((char **)from->addresses);
	card->prefixes = g_array_new(FALSE, FALSE, sizeof(struct rules_prefix));
	for (size_t i = 0; card->addresses && card->addresses[i]; i++)
		add_prefix(card->prefixes, card->addresses[i]);
	add_link_local(card->prefixes, card->mac);
	return card;
}

static gboolean same_cards(
	const struct machine *machine, const struct sightings_card *cards, unsigned n_cards)
{
	if (machine->cards->len != n_cards)
		return FALSE;
	for (unsigned i = 0; i < n_cards; i++) {
		const struct card *card = machine->cards->pdata[i];

		if (strcmp(card->mac, cards[i].mac) != 0 || card->tap != cards[i].tap ||
			!card->addresses != !cards[i].addresses)
			return FALSE;
		if (card->addresses &&
			!g_strv_equal((const char *const *)card->addresses, cards[i].addresses))
			return FALSE;
	}
	return TRUE;
}

gboolean sightings_expect(struct sightings *sightings, const char *uuid,
	const struct sightings_card *cards, unsigned n_cards)
{
	struct machine *machine = g_hash_table_lookup(sightings->machines, uuid);

	if (machine && same_cards(machine, cards, n_cards))
		return FALSE;
	g_hash_table_remove_all(sightings->by_tap); /* they point at machines */
	g_hash_table_remove_all(sightings->by_mac);
	if (n_cards == 0)
		return g_hash_table_remove(sightings->machines, uuid);
	if (!machine) {
		machine = machine_new(uuid);
		g_hash_table_insert(sightings->machines, machine->uuid, machine);
	}
	g_ptr_array_set_size(machine->cards, 0);
	for (unsigned i = 0; i < n_cards; i++)
		g_ptr_array_add(machine->cards, card_new(&cards[i]));
	return TRUE;
}

/* ---- what is declared ---- */

static gboolean card_may(const struct card *card, const char *address)
{
	struct rules_prefix one;

	if (!card->addresses)
		return TRUE;
	if (!rules_prefix_parse(address, &one, NULL))
		return FALSE;
	for (unsigned i = 0; i < card->prefixes->len; i++)
		if (rules_prefix_contains(
			    &g_array_index(card->prefixes, struct rules_prefix, i), &one))
			return TRUE;
	return FALSE;
}

/* `address` NULL: the MAC alone. */
static gboolean is_declared(const struct machine *machine, const char *mac, const char *address)
{
	for (unsigned i = 0; i < machine->cards->len; i++) {
		const struct card *card = machine->cards->pdata[i];

		if (strcmp(card->mac, mac) == 0 && (!address || card_may(card, address)))
			return TRUE;
	}
	return FALSE;
}

/* Nobody said which addresses this machine has: then none is a stranger, but any number may come.
 */
static gboolean is_free(const struct machine *machine, const char *mac)
{
	for (unsigned i = 0; i < machine->cards->len; i++) {
		const struct card *card = machine->cards->pdata[i];

		if (strcmp(card->mac, mac) == 0 && !card->addresses)
			return TRUE;
	}
	return FALSE;
}

/* ---- one reading ---- */

static void empty_machine(struct machine *machine)
{
	g_array_set_size(machine->declared, 0);
	g_array_set_size(machine->strangers, 0);
	machine->n_macs = 0;
	machine->n_cut = 0;
}

void sightings_begin(struct sightings *sightings)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_remove_all(sightings->by_tap);
	g_hash_table_remove_all(sightings->by_mac);
	g_hash_table_iter_init(&iter, sightings->machines);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct machine *machine = value;

		empty_machine(machine);
		for (unsigned i = 0; i < machine->cards->len; i++) {
			const struct card *card = machine->cards->pdata[i];

			if (card->tap)
				g_hash_table_insert(
					sightings->by_tap, GUINT_TO_POINTER(card->tap), machine);
			g_hash_table_insert(sightings->by_mac, g_strdup(card->mac), machine);
		}
	}
}

/* Which of the strangers makes room: the one heard longest ago. */
static struct sight *oldest_of(GArray *strangers)
{
	struct sight *oldest = NULL;

	for (unsigned i = 0; i < strangers->len; i++) {
		struct sight *sight = &g_array_index(strangers, struct sight, i);

		if (!oldest || sight->age_ms > oldest->age_ms)
			oldest = sight;
	}
	return oldest;
}

static void add_sight(struct machine *machine, const struct sight *sight, gboolean bounded)
{
	struct sight *oldest;

	if (!bounded) {
		g_array_append_val(machine->declared, *sight);
		return;
	}
	if (machine->strangers->len < SIGHTINGS_STRANGERS_MAX) {
		g_array_append_val(machine->strangers, *sight);
		return;
	}
	machine->n_cut++;
	oldest = oldest_of(machine->strangers);
	if (oldest->age_ms > sight->age_ms)
		*oldest = *sight;
}

/* A bridge has heard this MAC at a port. */
static void take_mac(
	struct sightings *sightings, struct machine *machine, const struct sight *sight)
{
	gboolean own = is_declared(machine, sight->mac, NULL);

	if (!own && machine->n_macs < SIGHTINGS_MACS_MAX &&
		!g_hash_table_contains(sightings->by_mac, sight->mac)) {
		g_hash_table_insert(sightings->by_mac, g_strdup(sight->mac), machine);
		machine->n_macs++;
	}
	add_sight(machine, sight, !own);
}

void sightings_take(struct sightings *sightings, const struct netread_neighbour *neighbour)
{
	struct machine *machine = neighbour->on_bridge
					  ? g_hash_table_lookup(sightings->by_tap,
						    GUINT_TO_POINTER(neighbour->index))
					  : g_hash_table_lookup(sightings->by_mac, neighbour->mac);
	struct sight sight = { .index = neighbour->index,
		.on_bridge = neighbour->on_bridge,
		.age_ms = neighbour->age_ms };

	if (!machine || neighbour->state != NETREAD_KNOWN)
		return;
	g_strlcpy(sight.mac, neighbour->mac, sizeof(sight.mac));
	g_strlcpy(sight.address, neighbour->on_bridge ? neighbour->mac : neighbour->address,
		sizeof(sight.address));
	sight.declared = is_declared(machine, sight.mac, sight.on_bridge ? NULL : sight.address);
	if (sight.on_bridge)
		take_mac(sightings, machine, &sight);
	else
		add_sight(machine, &sight, !sight.declared || is_free(machine, sight.mac));
}

/* ---- what comes of it ---- */

static guint64 since(const struct facts_seen *before, const char *address, const char *mac,
	const char *by, guint64 now_ms)
{
	for (unsigned i = 0; before->sightings && i < before->sightings->len; i++) {
		const struct facts_sighting *old = before->sightings->pdata[i];

		if (strcmp(old->address, address) == 0 && g_strcmp0(old->mac, mac) == 0 &&
			strcmp(old->by, by) == 0)
			return old->since_ms;
	}
	return now_ms;
}

static void add_fact(struct facts_seen *seen, const struct sight *sight, const char *device,
	const struct facts_seen *before, guint64 now_ms)
{
	struct facts_sighting *fact = facts_list_add(seen->sightings, FACTS_SEEN, "sighting");

	fact->address = g_strdup(sight->address);
	fact->mac = g_strdup(sight->mac);
	fact->device = g_strdup(device);
	fact->by = g_strdup(sight->on_bridge ? "bridge" : "neighbour");
	fact->declared = sight->declared;
	fact->since_ms = since(before, fact->address, fact->mac, fact->by, now_ms);
}

static void add_refusal(struct facts_seen *seen, const struct refusal *refusal)
{
	struct facts_sighting *fact = facts_list_add(seen->sightings, FACTS_SEEN, "sighting");

	fact->address = g_strdup(refusal->address);
	fact->by = g_strdup("refused");
	fact->since_ms = refusal->since_ms;
}

/* The kernel's order means nothing and changes; ours does not. */
static int compare_sights(gconstpointer a, gconstpointer b)
{
	const struct sight *left = a;
	const struct sight *right = b;
	int order = strcmp(left->address, right->address);

	if (order == 0)
		order = strcmp(left->mac, right->mac);
	return order ? order : (int)left->index - (int)right->index;
}

static int compare_refusals(gconstpointer a, gconstpointer b)
{
	const struct refusal *left = *(const struct refusal *const *)a;
	const struct refusal *right = *(const struct refusal *const *)b;

	return strcmp(left->address, right->address);
}

struct ending {
	guint64 now_ms;
	sightings_device_fn device;
	gpointer data;
};

static void add_sights(const struct ending *ending, const struct machine *machine, GArray *sights,
	struct facts_seen *seen)
{
	g_array_sort(sights, compare_sights);
	for (unsigned i = 0; i < sights->len; i++) {
		const struct sight *sight = &g_array_index(sights, struct sight, i);

		add_fact(seen, sight, ending->device(sight->index, ending->data), &machine->seen,
			ending->now_ms);
	}
}

/* Whether it is another than before; the machine's fact is then this one. */
static gboolean settle(const struct ending *ending, struct machine *machine)
{
	struct facts_seen seen = { .n_cut = machine->n_cut + machine->n_refused_cut };

	seen.sightings = facts_list_new();
	add_sights(ending, machine, machine->declared, &seen);
	add_sights(ending, machine, machine->strangers, &seen);
	g_ptr_array_sort(machine->refused, compare_refusals);
	for (unsigned i = 0; i < machine->refused->len; i++)
		add_refusal(&seen, machine->refused->pdata[i]);
	empty_machine(machine);
	if (facts_equal(FACTS_SEEN, &seen, &machine->seen)) {
		facts_clear(FACTS_SEEN, &seen);
		return FALSE;
	}
	facts_clear(FACTS_SEEN, &machine->seen);
	machine->seen = seen;
	return TRUE;
}

void sightings_end(struct sightings *sightings, guint64 now_ms, sightings_device_fn device,
	sightings_fn changed, gpointer data)
{
	const struct ending ending = { now_ms, device, data };
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, sightings->machines);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct machine *machine = value;

		if (settle(&ending, machine))
			changed(machine->uuid, &machine->seen, data);
	}
}

const struct facts_seen *sightings_find(const struct sightings *sightings, const char *uuid)
{
	const struct machine *machine = g_hash_table_lookup(sightings->machines, uuid);

	return machine ? &machine->seen : NULL;
}

/* ---- refused packets ---- */

static struct refusal *find_refusal(const struct machine *machine, const char *address)
{
	for (unsigned i = 0; i < machine->refused->len; i++) {
		struct refusal *refusal = machine->refused->pdata[i];

		if (strcmp(refusal->address, address) == 0)
			return refusal;
	}
	return NULL;
}

static void drop_oldest(struct machine *machine)
{
	unsigned oldest = 0;

	for (unsigned i = 1; i < machine->refused->len; i++) {
		const struct refusal *refusal = machine->refused->pdata[i];

		if (refusal->last < ((struct refusal *)machine->refused->pdata[oldest])->last)
			oldest = i;
	}
	g_ptr_array_remove_index(machine->refused, oldest);
	machine->n_refused_cut++;
}

static gboolean is_own(const struct machine *machine, const char *address)
{
	for (unsigned i = 0; i < machine->cards->len; i++) {
		const struct card *card = machine->cards->pdata[i];

		if (strcmp(card->mac, address) == 0 || (card->addresses && card_may(card, address)))
			return TRUE;
	}
	return FALSE;
}

gboolean sightings_refused(
	struct sightings *sightings, const char *uuid, const char *address, guint64 now_ms)
{
	struct machine *machine = g_hash_table_lookup(sightings->machines, uuid);
	struct refusal *refusal = machine ? find_refusal(machine, address) : NULL;

	if (!machine || is_own(machine, address))
		return FALSE;
	if (refusal) {
		refusal->last = ++sightings->ticks;
		return FALSE;
	}
	if (machine->refused->len >= SIGHTINGS_STRANGERS_MAX)
		drop_oldest(machine);
	refusal = g_new0(struct refusal, 1);
	refusal->address = g_strdup(address);
	refusal->since_ms = now_ms;
	refusal->last = ++sightings->ticks;
	g_ptr_array_add(machine->refused, refusal);
	return TRUE;
}
