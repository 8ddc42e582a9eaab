/* host/sightings and host/routes: whose an address is, what is a stranger, what is kept of a flood;
 * against a naive model for random tables. */
#include "host/routes.h"
#include "host/sightings.h"

#include <string.h>

#define MAC_A  "52:54:00:00:00:0a"
#define MAC_B  "52:54:00:00:00:0b"
#define LIAR   "02:00:00:00:00:66"
#define TAP_A  7
#define TAP_B  8
#define BRIDGE 3
#define NOW_MS 1000

static const char *device(unsigned index, gpointer data)
{
	return index == BRIDGE ? "front" : index == TAP_A ? "tapa" : index == TAP_B ? "tapb" : NULL;
}

static void expect_machine(struct sightings *sightings, const char *uuid, const char *mac,
	unsigned tap, const char *const *addresses)
{
	const struct sightings_card card = { mac, tap, addresses };

	sightings_expect(sightings, uuid, &card, 1);
}

static void take(struct sightings *sightings, unsigned index, const char *address, const char *mac,
	guint64 age_ms)
{
	struct netread_neighbour neighbour = {
		.on_bridge = !address, .index = index, .state = NETREAD_KNOWN, .age_ms = age_ms
	};

	g_strlcpy(neighbour.address, address ? address : "", sizeof(neighbour.address));
	g_strlcpy(neighbour.mac, mac, sizeof(neighbour.mac));
	sightings_take(sightings, &neighbour);
}

static void on_changed(const char *uuid, const struct facts_seen *seen, gpointer data)
{
	g_assert_nonnull(seen);
	g_string_append_printf(data, "%s ", uuid);
}

/* UUIDs of the machines that changed, in no certain order; owned by the caller. */
static char *end(struct sightings *sightings, guint64 now_ms)
{
	GString *changed = g_string_new(NULL);

	sightings_end(sightings, now_ms, device, on_changed, changed);
	return g_string_free(changed, FALSE);
}

#define ASSERT_END(sightings, now_ms, expected)                    \
	do {                                                       \
		g_autofree char *changed = end(sightings, now_ms); \
		g_assert_cmpstr(changed, ==, expected);            \
	} while (0)

/* "address mac device by declared since" of each, then the cut ones. */
static char *text_of(const struct sightings *sightings, const char *uuid)
{
	const struct facts_seen *seen = sightings_find(sightings, uuid);
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; seen && seen->sightings && i < seen->sightings->len; i++) {
		const struct facts_sighting *s = seen->sightings->pdata[i];

		g_string_append_printf(text, "%s %s %s %s %s %" G_GUINT64_FORMAT "\n", s->address,
			s->mac ? s->mac : "-", s->device ? s->device : "-", s->by,
			s->declared ? "own" : "STRANGE", s->since_ms);
	}
	if (seen && seen->n_cut)
		g_string_append_printf(text, "cut %" G_GUINT64_FORMAT "\n", seen->n_cut);
	return g_string_free(text, FALSE);
}

#define ASSERT_SEEN(sightings, uuid, expected)                    \
	do {                                                      \
		g_autofree char *text = text_of(sightings, uuid); \
		g_assert_cmpstr(text, ==, expected);              \
	} while (0)

static void test_whose(void)
{
	static const char *const own[] = { "10.0.0.10/32", "fd00:0:0::a", NULL };
	struct sightings *sightings = sightings_new();

	expect_machine(sightings, "A", MAC_A, TAP_A, own);
	expect_machine(sightings, "B", MAC_B, TAP_B, NULL);
	sightings_begin(sightings);
	take(sightings, TAP_A, NULL, MAC_A, 0);
	take(sightings, TAP_A, NULL, LIAR, 0);
	take(sightings, 99, NULL, "02:00:00:00:00:99", 0); /* an uplink: not ours */
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 0);
	take(sightings, BRIDGE, "10.0.0.99", MAC_A, 0);
	take(sightings, BRIDGE, "10.0.0.98", LIAR, 0); /* it came through A's tap */
	take(sightings, BRIDGE, "10.0.0.97", "02:00:00:00:00:99", 0);
	take(sightings, BRIDGE, "fd00::a", MAC_A, 0);
	take(sightings, BRIDGE, "fe80::5054:ff:fe00:a", MAC_A, 0); /* goes without saying */
	take(sightings, BRIDGE, "fe80::1", MAC_A, 0);
	take(sightings, BRIDGE, "10.0.0.11", MAC_B, 0); /* nobody declared any */
	{
		g_autofree char *changed = end(sightings, NOW_MS);

		g_assert_cmpuint(strlen(changed), ==, 4); /* both */
	}
	ASSERT_SEEN(sightings, "A",
		"10.0.0.10 " MAC_A " front neighbour own 1000\n" MAC_A " " MAC_A
		" tapa bridge own 1000\n"
		"fd00::a " MAC_A " front neighbour own 1000\n"
		"fe80::5054:ff:fe00:a " MAC_A " front neighbour own 1000\n" LIAR " " LIAR
		" tapa bridge STRANGE 1000\n"
		"10.0.0.98 " LIAR " front neighbour STRANGE 1000\n"
		"10.0.0.99 " MAC_A " front neighbour STRANGE 1000\n"
		"fe80::1 " MAC_A " front neighbour STRANGE 1000\n");
	ASSERT_SEEN(sightings, "B", "10.0.0.11 " MAC_B " front neighbour own 1000\n");
	sightings_free(sightings);
}

/* What did not change is no news; what stays keeps its time; what went is gone. */
static void test_changes(void)
{
	static const char *const own[] = { "10.0.0.10", NULL };
	static const char *const other[] = { "10.0.0.12", NULL };
	struct sightings *sightings = sightings_new();

	expect_machine(sightings, "A", MAC_A, TAP_A, own);
	sightings_begin(sightings);
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 0);
	ASSERT_END(sightings, 1000, "A ");
	sightings_begin(sightings);
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 5000);
	ASSERT_END(sightings, 2000, "");
	sightings_begin(sightings); /* was broken off: as if it had never been */
	sightings_begin(sightings);
	take(sightings, TAP_A, NULL, MAC_A, 0);
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 0);
	ASSERT_END(sightings, 3000, "A ");
	ASSERT_SEEN(sightings, "A",
		"10.0.0.10 " MAC_A " front neighbour own 1000\n" MAC_A " " MAC_A
		" tapa bridge own 3000\n");
	expect_machine(sightings, "A", MAC_A, TAP_A, other); /* it is declared no more */
	sightings_begin(sightings);
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 0);
	ASSERT_END(sightings, 4000, "A ");
	ASSERT_SEEN(sightings, "A", "10.0.0.10 " MAC_A " front neighbour STRANGE 1000\n");
	sightings_begin(sightings);
	ASSERT_END(sightings, 5000, "A ");
	ASSERT_SEEN(sightings, "A", "");
	sightings_expect(sightings, "A", NULL, 0);
	g_assert_null(sightings_find(sightings, "A"));
	sightings_begin(sightings);
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 0);
	ASSERT_END(sightings, 6000, "");
	sightings_free(sightings);
}

static void test_same_cards(void)
{
	static const char *const own[] = { "10.0.0.10", NULL };
	static const char *const none[] = { NULL };
	const struct sightings_card card = { MAC_A, TAP_A, own };
	const struct sightings_card bare = { MAC_A, TAP_A, none };
	const struct sightings_card moved = { MAC_A, TAP_B, own };
	struct sightings *sightings = sightings_new();

	g_assert_true(sightings_expect(sightings, "A", &card, 1));
	g_assert_false(sightings_expect(sightings, "A", &card, 1));
	g_assert_true(sightings_expect(sightings, "A", &bare, 1));
	g_assert_true(sightings_expect(sightings, "A", &moved, 1));
	g_assert_true(sightings_expect(sightings, "A", NULL, 0));
	g_assert_false(sightings_expect(sightings, "A", NULL, 0));
	sightings_free(sightings);
}

/* A guest that makes up addresses by the thousand: its own stay, the newest others stay, the rest
 * is a number; its neighbour is not touched. */
static void test_flood(void)
{
	static const char *const own[] = { "10.0.0.10", NULL };
	struct sightings *sightings = sightings_new();
	const struct facts_seen *seen;

	expect_machine(sightings, "A", MAC_A, TAP_A, own);
	expect_machine(sightings, "B", MAC_B, TAP_B, own);
	sightings_begin(sightings);
	for (unsigned i = 0; i < 5000; i++) {
		g_autofree char *mac = g_strdup_printf("02:00:00:01:%02x:%02x", i >> 8, i & 0xff);

		take(sightings, TAP_A, NULL, mac, 10000 - i);
	}
	take(sightings, TAP_A, NULL, MAC_A, 90000);
	take(sightings, TAP_B, NULL, MAC_B, 90000);
	for (unsigned i = 0; i < 5000; i++) {
		g_autofree char *address = g_strdup_printf("10.7.%u.%u", i >> 8, i & 0xff);

		take(sightings, BRIDGE, address, MAC_A, 20000 - i);
	}
	take(sightings, BRIDGE, "10.0.0.10", MAC_A, 90000);
	g_free(end(sightings, NOW_MS));
	seen = sightings_find(sightings, "A");
	g_assert_cmpuint(seen->sightings->len, ==, 2 + SIGHTINGS_STRANGERS_MAX);
	g_assert_cmpuint(seen->n_cut, ==, 10000 - SIGHTINGS_STRANGERS_MAX);
	for (unsigned i = 0; i < seen->sightings->len; i++) {
		const struct facts_sighting *s = seen->sightings->pdata[i];

		g_assert_cmpint(s->declared, ==, i < 2);
		if (!s->declared) /* the last of the MACs are the newest */
			g_assert_cmpstr(s->address, >=, "02:00:00:01:13:78");
	}
	ASSERT_SEEN(sightings, "B", MAC_B " " MAC_B " tapb bridge own 1000\n");
	sightings_free(sightings);
}

static void test_refused(void)
{
	static const char *const own[] = { "10.0.0.10", NULL };
	struct sightings *sightings = sightings_new();
	const struct facts_seen *seen;

	g_assert_false(sightings_refused(sightings, "A", "10.0.0.99", 1));
	expect_machine(sightings, "A", MAC_A, TAP_A, own);
	g_assert_false(
		sightings_refused(sightings, "A", "10.0.0.10", 1)); /* its own, by another MAC */
	g_assert_false(sightings_refused(sightings, "A", MAC_A, 1));
	g_assert_true(sightings_refused(sightings, "A", "10.0.0.99", 500));
	g_assert_false(sightings_refused(sightings, "A", "10.0.0.99", 600));
	sightings_begin(sightings);
	ASSERT_END(sightings, NOW_MS, "A ");
	ASSERT_SEEN(sightings, "A", "10.0.0.99 - - refused STRANGE 500\n");
	for (unsigned i = 0; i < 1000; i++) {
		g_autofree char *address = g_strdup_printf("10.7.%u.%u", i >> 8, i & 0xff);

		sightings_refused(sightings, "A", address, 700 + i);
		sightings_refused(sightings, "A", "10.0.0.99", 700 + i); /* never the oldest */
	}
	sightings_begin(sightings);
	ASSERT_END(sightings, NOW_MS, "A ");
	seen = sightings_find(sightings, "A");
	g_assert_cmpuint(seen->sightings->len, ==, SIGHTINGS_STRANGERS_MAX);
	g_assert_cmpuint(seen->n_cut, ==, 1001 - SIGHTINGS_STRANGERS_MAX);
	g_assert_cmpstr(
		((struct facts_sighting *)seen->sightings->pdata[0])->address, ==, "10.0.0.99");
	sightings_free(sightings);
}

/* ---- against a model ---- */

#define N_MODEL 4

struct entry {
	gboolean on_bridge;
	unsigned index;
	char address[32];
	char mac[32];
	guint64 age_ms;
};

/* Whose an entry is: looked up the long way. -1: nobody's. */
static int model_owner(const struct entry *entries, unsigned n, const struct entry *entry)
{
	for (int m = 0; m < N_MODEL; m++) {
		g_autofree char *mac = g_strdup_printf("52:54:00:00:00:%02x", (unsigned)m);

		if (entry->on_bridge ? entry->index == 10U + (unsigned)m
				     : strcmp(entry->mac, mac) == 0)
			return m;
	}
	for (unsigned i = 0; !entry->on_bridge && i < n; i++)
		if (entries[i].on_bridge && strcmp(entries[i].mac, entry->mac) == 0 &&
			entries[i].index >= 10 && entries[i].index < 10 + N_MODEL)
			return (int)entries[i].index - 10;
	return -1;
}

static gboolean model_declared(int m, const struct entry *entry)
{
	g_autofree char *mac = g_strdup_printf("52:54:00:00:00:%02x", (unsigned)m);
	g_autofree char *address = g_strdup_printf("10.0.0.%d", m);

	return strcmp(entry->mac, mac) == 0 &&
	       (entry->on_bridge || strcmp(entry->address, address) == 0);
}

/* Every entry once: forwarding tables and neighbour tables have keys. */
static gboolean is_there(const struct entry *entries, unsigned n, const struct entry *entry)
{
	for (unsigned i = 0; i < n; i++)
		if (entries[i].on_bridge == entry->on_bridge &&
			(entry->on_bridge ? strcmp(entries[i].mac, entry->mac) == 0
					  : strcmp(entries[i].address, entry->address) == 0))
			return TRUE;
	return FALSE;
}

static void random_entry(struct entry *ret, gboolean on_bridge)
{
	unsigned who = (unsigned)g_test_rand_int_range(0, N_MODEL + 3);

	*ret = (struct entry){ .on_bridge = on_bridge,
		.index = on_bridge ? 10U + (unsigned)g_test_rand_int_range(0, N_MODEL + 1) : BRIDGE,
		.age_ms = (guint64)g_test_rand_int_range(0, 1000000) };
	g_snprintf(ret->mac, sizeof(ret->mac), "52:54:00:00:%02x:%02x", g_test_rand_bit() ? 0U : 1U,
		who);
	if (!on_bridge)
		g_snprintf(ret->address, sizeof(ret->address), "10.0.%d.%d",
			g_test_rand_bit() ? 0 : 1, g_test_rand_int_range(0, 12));
}

static void check_machine(
	const struct sightings *sightings, int m, const struct entry *entries, unsigned n)
{
	g_autofree char *uuid = g_strdup_printf("M%d", m);
	const struct facts_seen *seen = sightings_find(sightings, uuid);
	unsigned n_declared = 0;
	unsigned n_strange = 0;
	unsigned shown[2] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		if (model_owner(entries, n, &entries[i]) != m)
			continue;
		if (model_declared(m, &entries[i]))
			n_declared++;
		else
			n_strange++;
	}
	for (unsigned i = 0; seen->sightings && i < seen->sightings->len; i++)
		shown[((struct facts_sighting *)seen->sightings->pdata[i])->declared ? 1 : 0]++;
	g_assert_cmpuint(shown[1], ==, n_declared);
	g_assert_cmpuint(shown[0], ==, MIN(n_strange, SIGHTINGS_STRANGERS_MAX));
	g_assert_cmpuint(seen->n_cut, ==, n_strange - shown[0]);
}

static void run_model(struct sightings *sightings)
{
	struct entry entries[80];
	unsigned n = 0;

	sightings_begin(sightings);
	for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++) {
		struct entry entry;

		random_entry(&entry, i < 40); /* bridges first */
		if (is_there(entries, n, &entry))
			continue;
		entries[n++] = entry;
		take(sightings, entry.index, entry.on_bridge ? NULL : entry.address, entry.mac,
			entry.age_ms);
	}
	g_free(end(sightings, NOW_MS));
	for (int m = 0; m < N_MODEL; m++)
		check_machine(sightings, m, entries, n);
}

static void test_model(void)
{
	struct sightings *sightings = sightings_new();

	for (unsigned m = 0; m < N_MODEL; m++) {
		g_autofree char *uuid = g_strdup_printf("M%u", m);
		g_autofree char *mac = g_strdup_printf("52:54:00:00:00:%02x", m);
		g_autofree char *address = g_strdup_printf("10.0.0.%u", m);
		const char *const addresses[] = { address, NULL };

		expect_machine(sightings, uuid, mac, 10 + m, addresses);
	}
	for (unsigned round = 0; round < 2000; round++)
		run_model(sightings);
	sightings_free(sightings);
}

/* ---- routes ---- */

static void take_route(struct routes *routes, unsigned bits, const char *prefix,
	const char *gateway, unsigned metric)
{
	struct netread_route route = { .bits = bits, .index = BRIDGE, .metric = metric };

	g_strlcpy(route.prefix, prefix, sizeof(route.prefix));
	g_strlcpy(route.gateway, gateway, sizeof(route.gateway));
	routes_take(routes, &route);
}

static void take_gateway(struct routes *routes, const char *address, enum netread_state state)
{
	struct netread_neighbour neighbour = { .index = BRIDGE, .state = state };

	g_strlcpy(neighbour.address, address, sizeof(neighbour.address));
	g_strlcpy(neighbour.mac, LIAR, sizeof(neighbour.mac));
	routes_take_neighbour(routes, &neighbour);
}

/* The fact as text; NULL: no news. Owned by the caller. */
static char *route_news(struct routes *routes, GHashTable *segments)
{
	g_auto(facts_routes) fact = { 0 };
	GString *text;

	if (!routes_news(routes, device, NULL, segments, &fact))
		return NULL;
	text = g_string_new(NULL);
	for (unsigned i = 0; i < fact.routes->len; i++) {
		const struct facts_route *r = fact.routes->pdata[i];

		g_string_append_printf(text, "%s>%s %s %s; ", r->prefix,
			r->gateway ? r->gateway : "", r->device, r->segment ? r->segment : "-");
	}
	for (unsigned i = 0; i < fact.gateways->len; i++) {
		const struct facts_gateway *g = fact.gateways->pdata[i];

		g_string_append_printf(text, "%s %s; ", g->address, g->state);
	}
	if (fact.n_cut)
		g_string_append_printf(text, "cut %" G_GUINT64_FORMAT, fact.n_cut);
	return g_string_free(text, FALSE);
}

#define ASSERT_ROUTES(expected)                                       \
	do {                                                          \
		g_autofree char *news = route_news(routes, segments); \
		g_assert_cmpstr(news, ==, expected);                  \
	} while (0)

static void test_routes(void)
{
	g_autoptr(GHashTable) segments = g_hash_table_new(g_str_hash, g_str_equal);
	struct routes *routes = routes_new(3);

	ASSERT_ROUTES(""); /* that there are none is worth saying */
	ASSERT_ROUTES(NULL);
	g_hash_table_insert(segments, (char *)"frontend", (char *)"front");
	routes_begin(routes);
	take_route(routes, 24, "10.0.0.0/24", "", 0);
	take_route(routes, 0, "0.0.0.0/0", "10.0.0.1", 0);
	ASSERT_ROUTES(NULL); /* not before the end */
	routes_end(routes);
	ASSERT_ROUTES("0.0.0.0/0>10.0.0.1 front frontend; 10.0.0.0/24> front frontend; "
		      "10.0.0.1 unknown; ");
	take_gateway(routes, "10.0.0.1", NETREAD_KNOWN);
	take_gateway(routes, "10.0.0.2", NETREAD_KNOWN); /* no gateway */
	ASSERT_ROUTES("0.0.0.0/0>10.0.0.1 front frontend; 10.0.0.0/24> front frontend; "
		      "10.0.0.1 answers; ");
	routes_begin_neighbours(routes);
	take_gateway(routes, "10.0.0.1", NETREAD_SILENT);
	ASSERT_ROUTES("0.0.0.0/0>10.0.0.1 front frontend; 10.0.0.0/24> front frontend; "
		      "10.0.0.1 silent; ");
	routes_begin(routes);
	for (unsigned i = 0; i < 100; i++) {
		g_autofree char *prefix = g_strdup_printf("10.1.0.%u/32", i);

		take_route(routes, 32, prefix, "10.0.0.9", 0);
	}
	take_route(routes, 8, "10.0.0.0/8", "", 0);
	take_route(routes, 0, "0.0.0.0/0", "10.0.0.1", 5);
	routes_end(routes);
	ASSERT_ROUTES("0.0.0.0/0>10.0.0.1 front frontend; 10.0.0.0/8> front frontend; "
		      "10.1.0.0/32>10.0.0.9 front frontend; 10.0.0.1 unknown; 10.0.0.9 unknown; "
		      "cut 99");
	routes_free(routes);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sightings/whose", test_whose);
	g_test_add_func("/sightings/changes", test_changes);
	g_test_add_func("/sightings/same-cards", test_same_cards);
	g_test_add_func("/sightings/flood", test_flood);
	g_test_add_func("/sightings/refused", test_refused);
	g_test_add_func("/sightings/model", test_model);
	g_test_add_func("/routes/fact", test_routes);
	return g_test_run();
}
