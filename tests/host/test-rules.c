/* Values: one text for one meaning, strict JSON, limits, what is permitted. */
#include "host/rules.h"
#include "host/rules_json.h"
#include "host/rules_zone.h"

#include <string.h>

#define UUID "aaaaaaaa-0000-4000-8000-000000000001"

static struct rules_machine *example(void)
{
	struct rules_machine *machine = rules_machine_new(UUID, "web-1", "shop");
	struct rules_nic *nic = rules_machine_add_nic(machine, "tap1", "52:54:00:00:00:01", "br0");
	struct rules_rule *rule = rules_machine_add_rule(machine, "http", RULES_IN, RULES_TCP);

	nic->zone = 7;
	g_assert_true(rules_nic_add_address(nic, "10.0.0.1", NULL));
	g_assert_true(rules_nic_add_address(nic, "2001:db8::/64", NULL));
	rules_rule_add_ports(rule, 80, 80);
	rules_rule_add_ports(rule, 8000, 8100);
	g_assert_true(rules_rule_add_peer(rule, "10.1.0.0/16", NULL));
	g_assert_true(rules_rule_add_peer(rule, "2001:db8:1::5", NULL));
	rules_machine_add_rule(machine, "ping", RULES_OUT, RULES_ICMP);
	return machine;
}

static void test_canonical(void)
{
	g_autoptr(rules_machine) machine = example();
	g_autofree char *text = rules_machine_canonical(machine);

	g_assert_cmpstr(text, ==,
		"drover rules 1\nmachine " UUID "\n"
		"nic tap1 52:54:00:00:00:01 br0 zone 7 use 10.0.0.1,2001:db8::/64\n"
		"rule in tcp ports 80-80,8000-8100 peers 10.1.0.0/16,2001:db8:1::5 id http\n"
		"rule out icmp ports  peers  id ping\n");
}

static void shuffle_pointers(GPtrArray *array)
{
	for (guint i = array->len; i > 1; i--) {
		guint j = (guint)g_test_rand_int_range(0, (gint32)i);
		gpointer kept = array->pdata[i - 1];

		array->pdata[i - 1] = array->pdata[j];
		array->pdata[j] = kept;
	}
}

static char *random_address(void)
{
	return g_strdup_printf(
		"10.0.%d.%d", g_test_rand_int_range(0, 4), g_test_rand_int_range(0, 4));
}

/* The order in which things were added, doubles and names change nothing; anything else does. */
static void test_order(void)
{
	for (guint round = 0; round < 200; round++) {
		g_autoptr(rules_machine) a = example();
		g_autoptr(rules_machine) b = NULL;
		g_autofree char *digest_a = NULL;
		g_autofree char *digest_b = NULL;
		struct rules_rule *rule;

		for (guint i = 0; i < 6; i++) {
			g_autofree char *id = g_strdup_printf("flow%u", i);
			g_autofree char *address = random_address();

			rule = rules_machine_add_rule(a, id, RULES_OUT, RULES_UDP);
			g_assert_true(rules_rule_add_peer(rule, address, NULL));
		}
		b = rules_machine_copy(a);
		shuffle_pointers(b->rules);
		rule = b->rules->pdata[0];
		if (rule->peers->len) {
			struct rules_prefix twice = g_array_index(
				rule->peers, struct rules_prefix, 0);

			g_array_append_val(rule->peers, twice);
		}
		g_free(b->name);
		b->name = g_strdup("another");
		digest_a = rules_machine_digest(a);
		digest_b = rules_machine_digest(b);
		g_assert_cmpuint(strlen(digest_a), ==, 64);
		g_assert_cmpstr(digest_a, ==, digest_b);
		g_assert_true(rules_machine_equal(a, b));
		rules_rule_add_ports(rule, 1, 1);
		g_assert_false(rules_machine_equal(a, b));
	}
}

static void test_json(void)
{
	g_autoptr(rules_machine) machine = example();
	g_autoptr(rules_machine) again = NULL;
	g_autoptr(GError) error = NULL;
	json_t *json = rules_machine_to_json(machine);

	again = rules_machine_from_json(json, &error);
	g_assert_no_error(error);
	g_assert_true(rules_machine_equal(machine, again));
	g_assert_cmpstr(again->vapp, ==, "shop");
	/* What is not understood is not enforced. */
	json_object_set_new(json, "exempt", json_true());
	g_assert_null(rules_machine_from_json(json, &error));
	g_assert_error(error, RULES_ERROR, RULES_ERROR_INVALID);
	json_decref(json);
}

/* Every value of a sound machine's JSON replaced by something else must be refused or change the
 * meaning; none may crash. */
static void test_json_mangled(void)
{
	static const char *const rubbish[] = { "null", "-1", "\"\"", "[]", "{}", "70000", "[[1]]",
		"\"10.0.0.0/33\"", "\"a b\"", "1.5", "[\"x\"]" };
	static const char *const keys[] = { "uuid", "nics", "rules" };
	static const char *const nic_keys[] = { "tap", "mac", "bridge", "zone", "addresses" };
	static const char *const rule_keys[] = { "id", "direction", "protocol", "ports", "peers" };
	static const struct {
		const char *list;
		const char *const *keys;
		guint n;
	} places[] = { { NULL, keys, G_N_ELEMENTS(keys) },
		{ "nics", nic_keys, G_N_ELEMENTS(nic_keys) },
		{ "rules", rule_keys, G_N_ELEMENTS(rule_keys) } };
	g_autoptr(rules_machine) machine = example();

	for (guint p = 0; p < G_N_ELEMENTS(places); p++)
		for (guint i = 0; i < places[p].n * G_N_ELEMENTS(rubbish); i++) {
			const char *key = places[p].keys[i / G_N_ELEMENTS(rubbish)];
			g_autoptr(rules_machine) read = NULL;
			json_t *json = rules_machine_to_json(machine);
			json_t *object = places[p].list
						 ? json_array_get(
							   json_object_get(json, places[p].list), 0)
						 : json;

			json_object_set_new(object, key,
				json_loads(
					rubbish[i % G_N_ELEMENTS(rubbish)], JSON_DECODE_ANY, NULL));
			read = rules_machine_from_json(json, NULL);
			if (read)
				g_assert_false(rules_machine_equal(read, machine));
			json_decref(json);
		}
}

static void test_check(void)
{
	static const struct {
		const char *tap;
		const char *mac;
		const char *bridge;
	} bad[] = {
		{ "", "52:54:00:00:00:01", "br0" },
		{ "0123456789abcdef", "52:54:00:00:00:01", "br0" },
		{ "tap 1", "52:54:00:00:00:01", "br0" },
		{ "tap/1", "52:54:00:00:00:01", "br0" },
		{ "..", "52:54:00:00:00:01", "br0" },
		{ "tap\"1", "52:54:00:00:00:01", "br0" },
		{ "tap1", "53:54:00:00:00:01", "br0" },
		{ "tap1", "52:54:00:00:00", "br0" },
		{ "tap1", "52-54-00-00-00-01", "br0" },
		{ "tap1", "52:54:00:00:00:01", "" },
		{ "tap1", "52:54:00:00:00:01", "{ br0 }" },
	};
	g_autoptr(rules_machine) good = example();

	g_assert_true(rules_machine_check(good, NULL));
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(rules_machine) machine = rules_machine_new(UUID, "m", NULL);
		g_autoptr(GError) error = NULL;

		rules_machine_add_nic(machine, bad[i].tap, bad[i].mac, bad[i].bridge);
		g_assert_false(rules_machine_check(machine, &error));
		g_assert_error(error, RULES_ERROR, RULES_ERROR_INVALID);
	}
}

static void test_check_rules(void)
{
	g_autoptr(rules_machine) twice = example();
	g_autoptr(rules_machine) quoted = example();
	g_autoptr(rules_machine) mixed = example();
	g_autoptr(rules_machine) typed = example();

	rules_machine_add_nic(twice, "tap1", "52:54:00:00:00:02", "br0");
	g_assert_false(rules_machine_check(twice, NULL));
	rules_machine_add_rule(quoted, "a\" accept", RULES_OUT, RULES_ANY);
	g_assert_false(rules_machine_check(quoted, NULL));
	g_assert_true(rules_rule_add_peer(
		rules_machine_add_rule(mixed, "x", RULES_OUT, RULES_ICMPV6), "10.0.0.1", NULL));
	g_assert_false(rules_machine_check(mixed, NULL));
	rules_rule_add_ports(rules_machine_add_rule(typed, "x", RULES_OUT, RULES_ICMP), 0, 256);
	g_assert_false(rules_machine_check(typed, NULL));
}

static const char *permits(const struct rules_machine *machine, enum rules_direction direction,
	guint8 protocol, const char *peer, guint16 port)
{
	struct rules_prefix prefix;
	const struct rules_rule *rule;

	g_assert_true(rules_prefix_parse(peer, &prefix, NULL));
	rule = rules_machine_permits(machine, direction, protocol, &prefix, port);
	return rule ? rule->id : NULL;
}

static void test_permits(void)
{
	g_autoptr(rules_machine) machine = example();

	g_assert_cmpstr(permits(machine, RULES_IN, 6, "10.1.200.3", 80), ==, "http");
	g_assert_cmpstr(permits(machine, RULES_IN, 6, "10.1.0.0", 8100), ==, "http");
	g_assert_cmpstr(permits(machine, RULES_IN, 6, "2001:db8:1::5", 8000), ==, "http");
	g_assert_null(permits(machine, RULES_IN, 6, "10.1.0.0", 8101));
	g_assert_null(permits(machine, RULES_IN, 6, "10.2.0.0", 80));
	g_assert_null(permits(machine, RULES_IN, 17, "10.1.0.0", 80));
	g_assert_null(permits(machine, RULES_OUT, 6, "10.1.0.0", 80));
	g_assert_null(permits(machine, RULES_IN, 6, "2001:db8:1::6", 80));
	g_assert_cmpstr(permits(machine, RULES_OUT, 1, "192.0.2.1", 8), ==, "ping");
	g_assert_null(permits(machine, RULES_OUT, 1, "192.0.2.1", 5));
	g_assert_null(permits(machine, RULES_OUT, 58, "::1", 8));
}

static void test_prefix(void)
{
	static const struct {
		const char *text;
		const char *canonical;
	} cases[] = { { "10.1.2.3/8", "10.0.0.0/8" }, { "10.1.2.3/32", "10.1.2.3" },
		{ "0.0.0.0/0", "0.0.0.0/0" }, { "2001:DB8::1/33", "2001:db8::/33" },
		{ "::1/128", "::1" }, { "10.1.2.3/33", NULL }, { "10.1.2.3/", NULL },
		{ "10.1.2", NULL }, { "", NULL }, { "/8", NULL }, { "::1/129", NULL },
		{ "10.0.0.1/-1", NULL }, { "10.0.0.1/8x", NULL }, { "fe80::1%eth0", NULL } };
	char text[RULES_PREFIX_TEXT];

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct rules_prefix prefix;
		gboolean ok = rules_prefix_parse(cases[i].text, &prefix, NULL);

		g_assert_cmpint(ok, ==, cases[i].canonical != NULL);
		if (ok)
			g_assert_cmpstr(
				rules_prefix_to_string(&prefix, text), ==, cases[i].canonical);
	}
}

/* Zones depend on names alone, and no two bridges share one, except with the host. */
static void test_zones(void)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) backward = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	static const char *const none[] = { NULL };
	static const char *const routed[] = { "br7", "virbr0", NULL };

	for (guint i = 0; i < 2000; i++)
		g_ptr_array_add(names, g_strdup_printf("br%u", i));
	for (guint i = names->len; i > 0; i--)
		g_ptr_array_add(backward, names->pdata[i - 1]);
	g_ptr_array_add(names, NULL);
	g_ptr_array_add(backward, NULL);
	g_assert_cmpuint(rules_zone_of("br0", none, none), ==, 33862); /* computed elsewhere */
	for (guint i = 0; i < 2000; i += 37) {
		guint16 zone = rules_zone_of(
			names->pdata[i], (const char *const *)names->pdata, none);

		g_assert_cmpuint(zone, >, 0);
		g_assert_true(g_hash_table_add(seen, GUINT_TO_POINTER((guint)zone)));
		g_assert_cmpuint(
			rules_zone_of(names->pdata[i], (const char *const *)backward->pdata, none),
			==, zone);
	}
	g_assert_cmpuint(rules_zone_of("br7", (const char *const *)names->pdata, routed), ==, 0);
	g_assert_cmpuint(rules_zone_of("br8", (const char *const *)names->pdata, routed), >, 0);
}

/* The names that fall on one number: br0 and another, found by trying. */
static void test_zone_collision(void)
{
	static const char *const none[] = { NULL };
	guint16 zone = rules_zone_of("br0", none, none);
	g_autofree char *other = NULL;

	for (guint i = 1; !other || rules_zone_of(other, none, none) != zone; i++) {
		g_free(other);
		other = g_strdup_printf("br%u", i);
	}
	g_assert_cmpuint(
		rules_zone_of("br0", (const char *const[]){ other, NULL }, none), ==, zone);
	g_assert_cmpuint(rules_zone_of(other, (const char *const[]){ "br0", NULL }, none), ==,
		zone % 65535 + 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rules/canonical", test_canonical);
	g_test_add_func("/rules/order", test_order);
	g_test_add_func("/rules/json", test_json);
	g_test_add_func("/rules/json-mangled", test_json_mangled);
	g_test_add_func("/rules/check", test_check);
	g_test_add_func("/rules/check-rules", test_check_rules);
	g_test_add_func("/rules/permits", test_permits);
	g_test_add_func("/rules/prefix", test_prefix);
	g_test_add_func("/rules/zones", test_zones);
	g_test_add_func("/rules/zone-collision", test_zone_collision);
	return g_test_run();
}
