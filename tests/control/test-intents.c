/* control/intents: what follows from the example shop. */
#include "control/intents.h"
#include "label/read.h"
#include "play.h"
#include "sealkey.h"
#include "vapp/domain.h"
#include "vapp/ovf.h"
#include "vapp/resolve.h"
#include "vapp/seal.h"

#include <string.h>

#define POLICY                                                                                       \
	"[policy]\nname=t\nversion=1.0\n[type blue]\n[type red]\n[conflict money]\ntypes=blue;red\n" \
	"[label blue]\nste=blue\nchw=blue\n"

static struct sealkey key;

static struct vapp *shop(void)
{
	g_autofree char *path = g_test_build_filename(
		G_TEST_DIST, "../../examples/shop/shop.ovf", NULL);
	g_autoptr(GError) error = NULL;
	struct vapp *vapp = ovf_read_file(path, NULL, &error);

	g_assert_no_error(error);
	return vapp;
}

static struct ifmap_publish *made(const struct vapp *vapp, const struct label_policy *policy)
{
	struct intents_options options = { .seal_key = key.private_pem,
		.seal_public = key.public_pem,
		.base = "/srv/images",
		.serial_path = "/var/log/%s.log",
		.devices = "<rng model='virtio'/>",
		.generation = "1.0@7",
		.policy = policy };
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(GError) error = NULL;

	intents_publish(publish, vapp, &options, &error);
	g_assert_no_error(error);
	return publish;
}

static char *place_of(const struct vapp *vapp, const struct vapp_machine *machine)
{
	g_autofree char *uuid = vapp_machine_uuid(vapp, machine);

	return g_strconcat("device:", uuid, NULL);
}

static char *prefixes(const GArray *array)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < array->len; i++) {
		g_autofree char *one = vapp_prefix_to_string(
			&g_array_index(array, struct vapp_prefix, i));

		g_string_append_printf(text, "%s ", one);
	}
	return g_string_free(text, FALSE);
}

/* "flow direction protocol first-last peers" a line, from either side. */
static char *rules_of_fact(const struct facts_protection *fact)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; fact->rules && i < fact->rules->len; i++) {
		const struct facts_protected_rule *rule = fact->rules->pdata[i];
		g_autofree char *peers = g_strjoinv(" ", rule->peers);

		g_string_append_printf(text, "%s %s %s %u-%u %s \n", rule->flow, rule->direction,
			rule->protocol, (unsigned)rule->port_first, (unsigned)rule->port_last,
			peers);
	}
	return g_string_free(text, FALSE);
}

static char *rules_of_ruleset(const struct vapp_ruleset *ruleset)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < ruleset->rules->len; i++) {
		const struct vapp_rule *rule = ruleset->rules->pdata[i];
		g_autofree char *peers = prefixes(rule->peers);

		g_assert_cmpint(rule->protocol, ==, VAPP_PROTOCOL_TCP);
		for (unsigned p = 0; p < rule->ports->len; p++) {
			const struct vapp_ports *ports = &g_array_index(
				rule->ports, struct vapp_ports, p);

			g_string_append_printf(text, "%s %s tcp %u-%u %s\n", rule->flow,
				vapp_direction_to_string(rule->direction), ports->first,
				ports->last, peers);
		}
	}
	return g_string_free(text, FALSE);
}

static void check_nics(const struct facts_protection *fact, const struct vapp_ruleset *ruleset)
{
	g_assert_cmpuint(fact->nics->len, ==, ruleset->cards->len);
	for (unsigned i = 0; i < ruleset->cards->len; i++) {
		const struct vapp_card *card = ruleset->cards->pdata[i];
		const struct facts_protected_nic *nic = fact->nics->pdata[i];
		g_autofree char *tap = vapp_tap_name(card->mac);
		g_autofree char *want = prefixes(card->ips);
		g_autofree char *have = g_strjoinv(" ", nic->addresses);

		g_assert_cmpstr(nic->mac, ==, card->mac);
		g_assert_cmpstr(nic->segment, ==, card->network);
		g_assert_cmpstr(nic->tap, ==, tap);
		g_assert_cmpstr(have, ==, g_strchomp(want));
	}
}

static void test_protection(void)
{
	/* outer white space does not survive XML, and PEM does not mind */
	g_autofree char *public_pem = g_strchomp(g_strdup(key.public_pem));
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) publish = made(vapp, NULL);

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];
		g_autoptr(vapp_ruleset) ruleset = vapp_resolve_machine(vapp, machine);
		g_autofree char *place = place_of(vapp, machine);
		g_auto(facts_protection) fact = { 0 };
		g_autofree char *want = rules_of_ruleset(ruleset);
		g_autofree char *have = NULL;

		g_assert_true(play_find(publish, FACTS_PROTECTION, place, NULL, &fact));
		have = rules_of_fact(&fact);
		g_assert_cmpstr(have, ==, want);
		g_assert_cmpuint(strlen(have), >, 0);
		check_nics(&fact, ruleset);
		g_assert_cmpstr(fact.vapp, ==, "shop");
		g_assert_cmpstr(fact.machine, ==, machine->name);
		g_assert_cmpstr(fact.generation, ==, "1.0@7");
		g_assert_cmpstr(fact.seal_key, ==, public_pem);
	}
}

static void test_member(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) publish = made(vapp, NULL);
	const struct vapp_machine *db = vapp_find_machine(vapp, "db1");
	g_autofree char *place = place_of(vapp, db);
	g_auto(facts_member_of) fact = { 0 };
	g_auto(facts_in_fleet) in_fleet = { 0 };

	g_assert_cmpuint(play_count(publish, FACTS_MEMBER_OF, IFMAP_OPERATION_UPDATE), ==, 4);
	g_assert_true(play_find(publish, FACTS_MEMBER_OF, place, "vapp:shop", &fact));
	g_assert_cmpstr(fact.machine, ==, "db1");
	g_assert_cmpstr(fact.domain, ==, "shop-db1");
	g_assert_cmpstr(fact.role, ==, "db");
	g_assert_cmpuint(fact.order, ==, 1);
	g_assert_cmpuint(g_strv_length(fact.macs), ==, db->nics->len);
	g_assert_true(play_find(publish, FACTS_IN_FLEET, "fleet:default", "vapp:shop", &in_fleet));
	g_assert_cmpstr(in_fleet.kind, ==, "vapp");
}

static void test_label(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(GError) error = NULL;
	g_autoptr(label_policy) policy = label_policy_read("t", POLICY, strlen(POLICY), &error);
	g_autoptr(ifmap_publish) with = NULL;
	g_autoptr(ifmap_publish) without = made(vapp, NULL);
	g_autofree char *place = place_of(vapp, vapp->machines->pdata[0]);
	g_auto(facts_label) resolved = { 0 };
	g_auto(facts_label) named = { 0 };

	g_assert_no_error(error);
	with = made(vapp, policy);
	g_assert_true(play_find(with, FACTS_LABEL, place, NULL, &resolved));
	g_assert_cmpstr(resolved.name, ==, "blue");
	g_assert_cmpstr(resolved.ste[0], ==, "blue");
	g_assert_cmpstr(resolved.chw[0], ==, "blue");
	g_assert_nonnull(resolved.colour);
	g_assert_true(play_find(without, FACTS_LABEL, place, NULL, &named));
	g_assert_cmpstr(named.name, ==, "blue");
	g_assert_null(named.ste);
}

/* A package that lost its label takes the old one back. */
static void test_no_label(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) publish = NULL;

	g_clear_pointer(&vapp->label, g_free);
	publish = made(vapp, NULL);
	g_assert_cmpuint(play_count(publish, FACTS_LABEL, IFMAP_OPERATION_UPDATE), ==, 0);
	g_assert_cmpuint(play_count(publish, FACTS_LABEL, IFMAP_OPERATION_DELETE), ==, 4);
}

static void test_definition(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) publish = made(vapp, NULL);

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		const struct vapp_machine *machine = vapp->machines->pdata[i];
		g_autofree char *place = place_of(vapp, machine);
		g_autofree char *log = g_strdup_printf("/var/log/shop-%s.log", machine->name);
		g_auto(facts_definition) fact = { 0 };
		g_auto(facts_protection) protection = { 0 };
		g_autoptr(vapp_member) member = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_true(play_find(publish, FACTS_DEFINITION, place, NULL, &fact));
		g_assert_true(play_find(publish, FACTS_PROTECTION, place, NULL, &protection));
		g_assert_cmpint(seal_check_domain(fact.xml, protection.seal_key, &member, &error),
			==, VAPP_SEAL_GOOD);
		g_assert_no_error(error);
		g_assert_cmpstr(member->machine, ==, machine->name);
		g_assert_nonnull(strstr(fact.xml, log));
		g_assert_nonnull(strstr(fact.xml, "<rng model='virtio'/>"));
	}
}

/* The same package and key: the same memberships, labels and protections (a signature is another
 * each time). */
static void test_same(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) a = made(vapp, NULL);
	g_autoptr(ifmap_publish) b = made(vapp, NULL);

	g_assert_cmpuint(a->changes->len, ==, b->changes->len);
	for (unsigned i = 0; i < a->changes->len; i++) {
		const struct ifmap_change *x = a->changes->pdata[i];
		const struct ifmap_change *y = b->changes->pdata[i];

		if (facts_kind_of(x->meta) != FACTS_DEFINITION)
			g_assert_cmpstr(
				ifmap_meta_xml(x->meta, NULL), ==, ifmap_meta_xml(y->meta, NULL));
		g_assert_cmpint(x->lifetime, ==, IFMAP_LIFETIME_FOREVER);
	}
}

/* One row of the protection a family of ICMP. */
static void test_icmp(void)
{
	g_autoptr(vapp_value) vapp = shop();
	struct vapp_flow *flow = vapp_flow_new("ping", "web", "app");
	g_autoptr(ifmap_publish) publish = NULL;
	g_autofree char *place = place_of(vapp, vapp_find_machine(vapp, "app1"));
	g_auto(facts_protection) fact = { 0 };
	g_autofree char *text = NULL;

	flow->protocol = VAPP_PROTOCOL_ICMP;
	flow->network = g_strdup("front");
	g_ptr_array_add(vapp->flows, flow);
	publish = made(vapp, NULL);
	g_assert_true(play_find(publish, FACTS_PROTECTION, place, NULL, &fact));
	text = rules_of_fact(&fact);
	g_assert_nonnull(strstr(text, "ping in icmp 0-0 "));
	g_assert_nonnull(strstr(text, "ping in icmpv6 0-0 "));
}

static void test_errors(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	struct intents_options options = { .seal_key = "no key", .generation = "1" };
	g_autoptr(GError) error = NULL;

	g_assert_false(intents_publish(publish, vapp, &options, &error));
	g_assert_true(g_str_has_prefix(error->message, "machine web1: "));
	g_clear_error(&error);
	options.seal_key = key.private_pem; /* relative hrefs, and no base for them */
	g_assert_false(intents_publish(publish, vapp, &options, &error));
	g_assert_true(g_str_has_prefix(error->message, "machine web1: "));
}

/* What was published is taken back to the last fact. */
static void test_retract(void)
{
	g_autoptr(vapp_value) vapp = shop();
	g_autoptr(ifmap_publish) publish = made(vapp, NULL);
	g_autoptr(ifmap_publish) back = ifmap_publish_new();
	g_autoptr(world_value) world = world_new();
	size_t before = world_n_facts(world);

	play_apply(world, publish, NULL);
	g_assert_cmpuint(world_n_facts(world), ==, before + 17);
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		g_autofree char *uuid = vapp_machine_uuid(vapp, vapp->machines->pdata[i]);

		intents_retract(back, "shop", uuid);
	}
	play_apply(world, back, NULL);
	g_assert_cmpuint(world_n_facts(world), ==, before + 1);
}

int main(int argc, char **argv)
{
	int code;

	g_test_init(&argc, &argv, NULL);
	sealkey_init(&key);
	g_test_add_func("/intents/protection", test_protection);
	g_test_add_func("/intents/member", test_member);
	g_test_add_func("/intents/label", test_label);
	g_test_add_func("/intents/no-label", test_no_label);
	g_test_add_func("/intents/definition", test_definition);
	g_test_add_func("/intents/same", test_same);
	g_test_add_func("/intents/icmp", test_icmp);
	g_test_add_func("/intents/errors", test_errors);
	g_test_add_func("/intents/retract", test_retract);
	code = g_test_run();
	sealkey_clear(&key);
	return code;
}
