/* The enforcer on the real kernel: guests on bridges, packets really sent. Needs root. */
#include "cases.h"
#include "enforceworld.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 9 /* of a measurement, of which the median counts */

/* What is declared passes, and nothing of it is reported. */
static void test_allowed(void)
{
	struct world world;

	world_up(&world);
	g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 80));
	g_assert_true(world_tcp(world.a, world.b, "fd00:9::2", 80));
	g_assert_true(netlab_udp(world.a, world.b, "10.9.0.2", 53));
	g_assert_true(netlab_ping(world.a, "10.9.0.2"));
	g_assert_true(netlab_ping(world.a, "fd00:9::2"));
	g_assert_true(world_tcp(world.c, world.a, "10.9.0.1", 22));
	/* Foreign machines do what they like among themselves. */
	g_assert_true(world_tcp(world.c, world.f, "10.9.0.6", 4444));
	g_assert_true(world_tcp(world.d, world.e, "10.9.0.2", 4444));
	g_assert_true(netlab_ping(world.f, "fd00:9::3"));
	world_down(&world);
}

static void test_denied(void)
{
	struct world world;
	const struct enforcer_event *event;

	world_up(&world);
	g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 8080));
	event = enforcer_run_wait(world.run, "refused", "tapA", "out", "default-deny");
	g_assert_nonnull(event);
	g_assert_cmpstr(event->peer, ==, "10.9.0.2");
	g_assert_cmpstr(event->protocol, ==, "tcp");
	g_assert_cmpuint(event->port, ==, 8080);
	g_assert_cmpuint(event->count, >=, 1);
	world_expect_refused(&world, "tapA", "out", "default-deny");
	/* One end's word is not enough. */
	g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 81));
	world_expect_refused(&world, "tapB", "in", "default-deny");
	g_assert_false(world_tcp(world.b, world.a, "10.9.0.1", 80));
	world_expect_refused(&world, "tapB", "out", "default-deny");
	g_assert_false(world_tcp(world.c, world.b, "10.9.0.2", 80));
	world_expect_refused(&world, "tapB", "in", "default-deny");
	g_assert_false(netlab_udp(world.a, world.b, "10.9.0.2", 54));
	world_expect_refused(&world, "tapA", "out", "default-deny");
	g_assert_false(netlab_ping(world.b, "10.9.0.1"));
	world_expect_refused(&world, "tapB", "out", "default-deny");
	g_assert_false(netlab_ping(world.c, "fd00:9::1"));
	world_expect_refused(&world, "tapA", "in", "default-deny");
	g_assert_false(world_tcp(world.a, world.b, "fd00:9::2", 81));
	world_expect_refused(&world, "tapA", "out", "default-deny");
	world_down(&world);
}

/* The host itself is no better than another machine. */
static void test_host(void)
{
	struct world world;
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);

	world_up(&world);
	netlab_run(world.host, "ip address add 10.9.0.254/24 dev br0");
	g_assert_false(world_tcp(world.a, world.host, "10.9.0.254", 53));
	world_expect_refused(&world, "tapA", "out", "default-deny");
	g_assert_false(world_tcp(world.host, world.a, "10.9.0.1", 22));
	world_expect_refused(&world, "tapA", "in", "default-deny");
	for (guint i = 0; i < 2; i++) {
		struct rules_machine *machine = i ? world_machine_b() : world_machine_a();

		world_allow(
			machine, "gateway", i ? RULES_IN : RULES_OUT, RULES_TCP, 53, "10.9.0.254");
		((struct rules_nic *)machine->nics->pdata[0])->zone = 0;
		g_ptr_array_add(machines, machine);
	}
	enforcer_answer_free(enforcer_run_set(world.run, machines));
	g_assert_true(world_tcp(world.a, world.host, "10.9.0.254", 53));
	g_assert_true(world_tcp(world.host, world.b, "10.9.0.2", 53));
	g_assert_false(world_tcp(world.a, world.host, "10.9.0.254", 54));
	world_down(&world);
}

/* Frames */

/* UDP from 10.9.0.LAST to 10.9.0.2 port 53. */
static gsize put_udp(guint8 *frame, guint8 last)
{
	static const guint8 packet[] = { 0x45, 0, 0, 29, 0, 1, 0, 0, 64, 17, 0, 0, 10, 9, 0, 0, 10,
		9, 0, 2, 0x30, 0x39, 0, 53, 0, 9, 0, 0, 'x' };
	guint32 sum = 0;

	memcpy(frame, packet, sizeof packet);
	frame[15] = last;
	for (guint i = 0; i < 20; i += 2)
		sum += (guint32)(frame[i] << 8 | frame[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[10] = (guint8)(sum >> 8);
	frame[11] = (guint8)sum;
	return sizeof packet;
}

static gsize put_arp(guint8 *frame, const char *mac, guint8 last)
{
	static const guint8 packet[] = { 0, 1, 8, 0, 6, 4, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 0, 0,
		0, 0, 0, 0, 0, 10, 9, 0, 2 };

	memcpy(frame, packet, sizeof packet);
	world_put_mac(frame + 8, mac);
	frame[17] = last;
	return sizeof packet;
}

static void test_spoofing(void)
{
	struct world world;
	guint8 frame[128] = { 0 };
	gsize size;

	world_up(&world);
	/* The frame itself is sound: as A it passes. */
	size = world_put_ethernet(frame, MAC_B, MAC_A, 0x0800);
	size += put_udp(frame + size, 1);
	g_assert_true(netlab_frame(world.a, world.b, frame, size));
	world_put_mac(frame + 6, MAC_F);
	g_assert_false(netlab_frame(world.a, world.b, frame, size));
	world_expect_refused(&world, "tapA", "out", "spoof-mac");
	size = world_put_ethernet(frame, MAC_B, MAC_A, 0x0800);
	size += put_udp(frame + size, 3);
	g_assert_false(netlab_frame(world.a, world.b, frame, size));
	world_expect_refused(&world, "tapA", "out", "spoof-ip");
	/* ARP: sound, another's address, another's MAC inside. */
	size = world_put_ethernet(frame, MAC_B, MAC_A, 0x0806);
	size += put_arp(frame + size, MAC_A, 1);
	g_assert_true(netlab_frame(world.a, world.b, frame, size));
	put_arp(frame + 14, MAC_A, 3);
	g_assert_false(netlab_frame(world.a, world.b, frame, size));
	world_expect_refused(&world, "tapA", "out", "spoof-ip");
	put_arp(frame + 14, MAC_C, 1);
	g_assert_false(netlab_frame(world.a, world.b, frame, size));
	world_expect_refused(&world, "tapA", "out", "spoof-mac");
	world_down(&world);
}

static void test_foreign_kinds(void)
{
	struct world world;
	guint8 frame[128] = { 0 };
	gsize size;

	world_up(&world);
	size = world_put_ethernet(frame, MAC_B, MAC_A, 0x86dd);
	size += world_put_advert(frame + size, 1);
	g_assert_true(netlab_frame(world.a, world.b, frame, size));
	world_put_advert(frame + 14, 3);
	g_assert_false(netlab_frame(world.a, world.b, frame, size));
	world_expect_refused(&world, "tapA", "out", "spoof-ip");
	/* LLDP, and IPv4 inside a VLAN tag. */
	world_put_ethernet(frame, MAC_B, MAC_A, 0x88cc);
	g_assert_false(netlab_frame(world.a, world.b, frame, 60));
	world_expect_refused(&world, "tapA", "out", "foreign-ethertype");
	world_put_ethernet(frame, MAC_B, MAC_A, 0x8100);
	memcpy(frame + 14, "\x00\x05\x08\x00", 4);
	put_udp(frame + 18, 1);
	g_assert_false(netlab_frame(world.a, world.b, frame, 60));
	world_expect_refused(&world, "tapA", "out", "foreign-ethertype");
	world_put_ethernet(frame, MAC_B, MAC_C, 0x88cc);
	memset(frame + 14, 7, 46);
	g_assert_false(netlab_frame(world.c, world.b, frame, 60));
	world_expect_refused(&world, "tapB", "in", "foreign-ethertype");
	/* Between foreign machines it passes. */
	world_put_ethernet(frame, MAC_F, MAC_C, 0x88cc);
	g_assert_true(netlab_frame(world.c, world.f, frame, 60));
	world_down(&world);
}

static void test_undeclared_ipv6(void)
{
	static const char *const only_four[] = { "10.9.0.1", NULL };
	struct world world;

	world_up(&world);
	world_set(&world, world_machine(UUID_A, "tapA", MAC_A, "br0", only_four), NULL);
	g_assert_false(netlab_ping(world.a, "fd00:9::2"));
	world_expect_refused(&world, "tapA", "out", "undeclared-ipv6");
	g_assert_false(netlab_ping(world.c, "fd00:9::1"));
	world_expect_refused(&world, "tapA", "in", "undeclared-ipv6");
	world_down(&world);
}

/* The same addresses on two bridges: what is established on one is nothing on the other. */
static void test_overlapping(void)
{
	static const char *const four_a[] = { "10.9.0.1", NULL };
	static const char *const four_b[] = { "10.9.0.2", NULL };
	struct world world;
	struct netlab_tcp connection;
	struct rules_machine *wrong = world_machine(UUID_E, "tapE", MAC_E, "br1", four_b);
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);
	g_autoptr(enforcer_answer) answer = NULL;

	world_up(&world);
	((struct rules_nic *)wrong->nics->pdata[0])->zone = 1;
	g_ptr_array_add(machines, wrong);
	answer = enforcer_run_set(world.run, machines);
	g_assert_nonnull(answer->error);
	g_assert_nonnull(strstr(answer->error, "zone"));
	world_set(&world, world_machine(UUID_D, "tapD", MAC_D, "br1", four_a),
		world_machine(UUID_E, "tapE", MAC_E, "br1", four_b), NULL);
	g_assert_true(netlab_tcp_open(world.a, world.b, "10.9.0.2", 80, &connection));
	g_assert_false(world_tcp(world.d, world.e, "10.9.0.2", 80));
	world_expect_refused(&world, "tapD", "out", "default-deny");
	g_assert_true(netlab_tcp_passes(&connection));
	netlab_tcp_close(&connection);
	world_down(&world);
}

/* Sessions */

/* Rules that no longer permit a flow end it; a cut ends everything at once; setting again lifts it.
 */
static void test_revoke_and_cut(void)
{
	struct world world;
	struct netlab_tcp connection, other;
	g_autoptr(enforcer_answer) answer = NULL;

	world_up(&world);
	g_assert_true(netlab_tcp_open(world.a, world.b, "10.9.0.2", 80, &connection));
	g_assert_true(netlab_tcp_passes(&connection));
	world_set(&world, world_machine_a(), NULL);
	g_assert_true(netlab_tcp_passes(&connection));
	world_set(&world, world_machine(UUID_A, "tapA", MAC_A, "br0", world_addresses_a), NULL);
	g_assert_false(netlab_tcp_passes(&connection));
	netlab_tcp_close(&connection);
	world_set(&world, world_machine_a(), NULL);
	g_assert_true(netlab_tcp_open(world.a, world.b, "10.9.0.2", 80, &other));
	answer = enforcer_run_ask(world.run, enforce_client_cut, UUID_B);
	g_assert_cmpstr(answer->error, ==, NULL);
	g_assert_cmpint(answer->state, ==, ENFORCE_CUT);
	g_assert_false(netlab_tcp_passes(&other));
	netlab_tcp_close(&other);
	world_expect_refused(&world, "tapB", "in", "cut");
	g_assert_false(netlab_ping(world.a, "10.9.0.2"));
	world_set(&world, world_machine_b(), NULL);
	g_assert_true(netlab_ping(world.a, "10.9.0.2"));
	world_down(&world);
}

/* A connection that the rules know nothing of is dead after its entry is gone, and lives when it is
 * loaded again: what a move does, on one host. */
static void test_carried_session(void)
{
	struct world world;
	struct netlab_tcp connection;
	g_autoptr(enforcer_answer) dumped = NULL;
	g_autoptr(enforcer_answer) flushed = NULL;
	g_autoptr(enforcer_answer) loaded = NULL;
	g_autoptr(enforcer_answer) foreign = NULL;
	const char *entries;

	world_up(&world);
	g_assert_true(netlab_tcp_open(world.a, world.b, "10.9.0.2", 80, &connection));
	g_assert_true(netlab_tcp_passes(&connection));
	dumped = enforcer_run_dump(world.run, (const char *const[]){ UUID_B, NULL });
	entries = g_hash_table_lookup(dumped->dumps, UUID_B);
	g_assert_cmpuint(dumped->n, >=, 1);
	g_test_message("dump in %.2f ms: %s", dumped->took_ms, entries);
	flushed = enforcer_run_ask(world.run, enforce_client_conntrack_flush, UUID_B);
	g_assert_cmpuint(flushed->n, ==, dumped->n);
	g_assert_false(netlab_tcp_passes(&connection));
	loaded = enforcer_run_load(world.run, UUID_B, entries);
	g_assert_cmpstr(loaded->error, ==, NULL);
	g_assert_cmpuint(loaded->n, ==, dumped->n);
	g_test_message("load in %.2f ms", loaded->took_ms);
	/* The lost byte comes again when TCP says so. */
	for (guint i = 0; i < 20 && !netlab_tcp_passes(&connection); i++)
		;
	g_assert_true(netlab_tcp_passes(&connection));
	netlab_tcp_close(&connection);
	foreign = enforcer_run_load(world.run, UUID_B,
		"[{\"source\":\"10.9.0.3\",\"destination\":\"10.9.0.2\",\"protocol\":6,\"tcp-state\":3,"
		"\"icmp-code\":0,\"source-port\":1,\"destination-port\":80,\"timeout\":60,\"mark\":0,"
		"\"status\":14}]");
	g_assert_cmpuint(foreign->n, ==, 0);
	g_assert_cmpuint(foreign->n_failed, ==, 1);
	g_assert_nonnull(foreign->note);
	world_down(&world);
}

/* One pass serves several machines: each gets its own connections, a common one twice. One that is
 * named twice has one row, one that is not set has none. */
static void test_dump_of_several(void)
{
	static const char *const uuids[] = { UUID_A, UUID_B, UUID_A, UUID_D, NULL };
	struct world world;
	struct netlab_tcp common, own;
	g_autoptr(enforcer_answer) dumped = NULL;
	const char *of_a, *of_b;

	world_up(&world);
	g_assert_true(netlab_tcp_open(world.a, world.b, "10.9.0.2", 80, &common));
	g_assert_true(netlab_tcp_open(world.c, world.a, "10.9.0.1", 22, &own));
	dumped = enforcer_run_dump(world.run, uuids);
	g_assert_cmpstr(dumped->error, ==, NULL);
	g_assert_cmpuint(g_hash_table_size(dumped->dumps), ==, 2);
	of_a = g_hash_table_lookup(dumped->dumps, UUID_A);
	of_b = g_hash_table_lookup(dumped->dumps, UUID_B);
	g_assert_nonnull(strstr(of_a, "\"destination-port\":80"));
	g_assert_nonnull(strstr(of_b, "\"destination-port\":80"));
	g_assert_nonnull(strstr(of_a, "\"destination-port\":22"));
	g_assert_null(strstr(of_b, "\"destination-port\":22"));
	netlab_tcp_close(&common);
	netlab_tcp_close(&own);
	world_down(&world);
}

/* Changing under our hands */

static void test_tampering(void)
{
	static const char *const deeds[] = { "nft flush ruleset", "nft delete table bridge drover",
		"nft flush chain bridge drover from-tapA",
		"nft add rule bridge drover to-tapB accept",
		"nft delete element bridge drover from { \"tapA\" }",
		"nft add element inet drover bridges { \"br7\" }",
		"nft flush chain bridge drover dispatch-to" };
	struct world world;

	world_up(&world);
	for (guint i = 0; i < G_N_ELEMENTS(deeds); i++) {
		const struct enforcer_event *event;

		netlab_run(world.host, "%s", deeds[i]);
		event = enforcer_run_wait(world.run, "tampered", NULL, NULL, NULL);
		g_assert_nonnull(event);
		g_assert_true(g_str_has_prefix(event->text, "nft (pid "));
		g_assert_nonnull(strchr(event->text, ':'));
		event = enforcer_run_wait(world.run, "repaired", NULL, NULL, NULL);
		g_assert_nonnull(event);
		g_assert_cmpstr(event->text, ==, "");
		g_assert_true(event->conforms);
		g_test_message("%s: open %.2f ms, verified after %.2f ms", deeds[i], event->open_ms,
			event->verified_ms);
		enforcer_run_forget_events(world.run);
		g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 8080));
		g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 80));
	}
	/* Other people's tables are theirs. */
	enforcer_run_forget_events(world.run);
	netlab_run(world.host, "nft add table inet other");
	g_usleep(300000);
	enforcer_answer_free(enforcer_run_ask(world.run, enforce_client_verify, UUID_A));
	g_assert_cmpuint(enforcer_run_count(world.run, "tampered"), ==, 0);
	world_down(&world);
}

/* Rules outlive the enforcer; a new one takes up what the old one was asked for, even when the
 * kernel forgot. */
static void test_killed(void)
{
	struct world world;
	g_autoptr(enforcer_answer) answer = NULL;

	world_up(&world);
	enforcer_run_stop(world.run, SIGKILL);
	g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 80));
	g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 8080));
	netlab_run(world.host, "nft flush ruleset");
	g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 8080));
	world.run = enforcer_run_start(g_getenv("DROVER_ENFORCER"), world.host, world.state);
	answer = enforcer_run_ask(world.run, enforce_client_verify, NULL);
	g_assert_cmpuint(answer->n_verdicts, ==, 2);
	g_assert_cmpuint(answer->n_conforming, ==, 2);
	g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 80));
	g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 8080));
	world_down(&world);
}

static void test_remove_and_count(void)
{
	struct world world;
	g_autoptr(enforcer_answer) counted = NULL;
	g_autoptr(enforcer_answer) removed = NULL;
	g_autoptr(enforcer_answer) absent = NULL;
	g_autoptr(enforcer_answer) again = NULL;
	g_autofree char *ruleset = NULL;

	world_up(&world);
	g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 80));
	g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 8080));
	counted = enforcer_run_ask(world.run, enforce_client_counters, UUID_A);
	g_assert_cmpuint(
		GPOINTER_TO_SIZE(g_hash_table_lookup(counted->counters, "tapA out web")), ==, 1);
	g_assert_cmpuint(
		GPOINTER_TO_SIZE(g_hash_table_lookup(counted->counters, "tapA out default-deny")),
		>=, 1);
	g_assert_cmpuint(
		GPOINTER_TO_SIZE(g_hash_table_lookup(counted->counters, "tapA out established")),
		>=, 2);
	g_assert_false(g_hash_table_contains(counted->counters, "tapB in web"));
	removed = enforcer_run_ask(world.run, enforce_client_remove, UUID_A);
	g_assert_cmpstr(removed->error, ==, NULL);
	absent = enforcer_run_ask(world.run, enforce_client_verify, UUID_A);
	g_assert_cmpint(absent->state, ==, ENFORCE_ABSENT);
	again = enforcer_run_ask(world.run, enforce_client_remove, UUID_A);
	g_assert_nonnull(again->error);
	g_assert_true(netlab_try(world.host, &ruleset, "nft list ruleset"));
	g_assert_null(strstr(ruleset, "tapA"));
	g_assert_nonnull(strstr(ruleset, "tapB"));
	g_assert_true(world_tcp(world.a, world.c, "10.9.0.3", 4444));
	world_down(&world);
}

/* Whatever may be declared is read back as what was asked for. */

static void random_prefixes(struct rules_nic *nic, struct rules_rule *rule, guint8 family)
{
	guint n = (guint)g_test_rand_int_range(0, 8);

	for (guint i = 0; i < n; i++) {
		gboolean six = family == 6 || (!family && g_test_rand_bit());
		g_autofree char *text =
			six ? g_strdup_printf("2001:db8:%x::%x/%d",
				      (guint)g_test_rand_int_range(0, 4),
				      (guint)g_test_rand_int_range(0, 4),
				      g_test_rand_bit() ? 128 : g_test_rand_int_range(1, 129))
			    : g_strdup_printf("10.%d.0.%d/%d", g_test_rand_int_range(0, 4),
				      g_test_rand_int_range(0, 4),
				      g_test_rand_bit() ? 32 : g_test_rand_int_range(1, 33));

		g_assert_true(nic ? rules_nic_add_address(nic, text, NULL)
				  : rules_rule_add_peer(rule, text, NULL));
	}
}

static void random_rule(struct rules_machine *machine)
{
	static const guint8 families[] = { [RULES_ICMP] = 4, [RULES_ICMPV6] = 6, [RULES_ANY] = 0 };
	enum rules_protocol protocol = (enum rules_protocol)g_test_rand_int_range(0, RULES_ANY + 1);
	struct rules_rule *rule = rules_machine_add_rule(
		machine, "flow", g_test_rand_bit() ? RULES_IN : RULES_OUT, protocol);
	gint32 end = protocol == RULES_ICMP || protocol == RULES_ICMPV6 ? 256 : 65536;
	guint n = protocol == RULES_ANY ? 0 : (guint)g_test_rand_int_range(0, 5);

	for (guint i = 0; i < n; i++) {
		gint32 low = g_test_rand_int_range(0, end);
		gint32 high = g_test_rand_bit() ? low : g_test_rand_int_range(low, end);

		rules_rule_add_ports(rule, (guint16)low, (guint16)high);
	}
	random_prefixes(NULL, rule, families[protocol]);
}

static void test_read_back(void)
{
	struct world world;
	double took_ms = 0;

	world_up(&world);
	for (guint round = 0; round < 40; round++) {
		static const char *const none[] = { NULL };
		struct rules_machine *machine = world_machine(UUID_D, "tapD", MAC_D, "br1", none);

		random_prefixes(machine->nics->pdata[0], NULL, 0);
		rules_rule_add_ports(
			rules_machine_add_rule(machine, "dhcp", RULES_OUT, RULES_UDP), 67, 67);
		for (guint i = 0; i < 6; i++)
			random_rule(machine);
		took_ms += world_set(&world, machine, NULL);
	}
	g_test_message("set of 1 beside 2, state file and reading back: %.1f ms", took_ms / 40);
	world_down(&world);
}

/* Machines `from` to `to`, each with ten flows. */
static void set_many(struct world *world, guint from, guint to)
{
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);
	g_autoptr(enforcer_answer) answer = NULL;

	for (guint i = from; i < to; i++) {
		g_autofree char *uuid = g_strdup_printf("00000000-0000-4000-8000-%012x", i);
		g_autofree char *tap = g_strdup_printf("many%u", i);
		g_autofree char *mac = g_strdup_printf("52:54:01:00:%02x:%02x", i / 256, i % 256);
		g_autofree char *address = g_strdup_printf("10.10.%u.%u", i / 250, i % 250 + 1);
		const char *const addresses[] = { address, NULL };
		struct rules_machine *machine = world_machine(uuid, tap, mac, "br0", addresses);

		for (guint16 j = 0; j < 10; j++)
			world_allow(machine, "flow", j % 2 ? RULES_IN : RULES_OUT, RULES_TCP,
				(guint16)(8000 + j), "10.10.0.0/16");
		g_ptr_array_add(machines, machine);
	}
	answer = enforcer_run_set(world->run, machines);
	g_assert_cmpstr(answer->error, ==, NULL);
	g_assert_cmpuint(answer->n_conforming, ==, to - from);
	g_test_message("set of %u beside %u, read back: %.1f ms", to - from, from, answer->took_ms);
}

static int compare_doubles(gconstpointer a, gconstpointer b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

/* Median time of setting and verifying one machine beside `n`, which changes each time. */
static double median_of_one(struct world *world, guint n)
{
	double took_ms[ROUNDS];

	for (guint i = 0; i < ROUNDS; i++) {
		struct rules_machine *machine = world_machine_a();

		world_allow(machine, "changing", RULES_OUT, RULES_TCP, (guint16)(9000 + i), NULL);
		took_ms[i] = world_set(world, machine, NULL);
	}
	qsort(took_ms, ROUNDS, sizeof *took_ms, compare_doubles);
	g_test_message("set of 1 beside %u, read back: %.1f to %.1f ms, median %.1f", n, took_ms[0],
		took_ms[ROUNDS - 1], took_ms[ROUNDS / 2]);
	return took_ms[ROUNDS / 2];
}

static void flush_many(struct world *world, guint n)
{
	g_autoptr(enforcer_answer) all = enforcer_run_ask(world->run, enforce_client_verify, NULL);
	const struct enforcer_event *repaired;

	g_assert_cmpuint(all->n_conforming, ==, n + 2);
	g_test_message("verify of all %u: %.1f ms", n + 2, all->took_ms);
	enforcer_run_forget_events(world->run);
	netlab_run(world->host, "nft flush ruleset");
	repaired = enforcer_run_wait(world->run, "repaired", NULL, NULL, NULL);
	g_assert_nonnull(repaired);
	g_assert_cmpstr(repaired->text, ==, "");
	g_test_message("flush ruleset with %u machines: open %.2f ms, verified after %.1f ms", n,
		repaired->open_ms, repaired->verified_ms);
}

/* Prints what one machine's change costs beside few and beside many; asserts only that all
 * conform. */
static void test_many(void)
{
	const guint few = 50;
	const guint many = g_test_slow() ? 1000 : 200;
	struct world world;
	double beside_few, beside_many;

	world_up(&world);
	set_many(&world, 0, few);
	beside_few = median_of_one(&world, few);
	flush_many(&world, few);
	set_many(&world, few, many);
	beside_many = median_of_one(&world, many);
	flush_many(&world, many);
	g_test_message("ratio of set and verify of one beside %u to beside %u: %.2f", many, few,
		beside_many / beside_few);
	world_down(&world);
}

static const struct cases_case cases[] = {
	{ "/enforce/netns/allowed", test_allowed },
	{ "/enforce/netns/denied", test_denied },
	{ "/enforce/netns/host", test_host },
	{ "/enforce/netns/spoofing", test_spoofing },
	{ "/enforce/netns/foreign-kinds", test_foreign_kinds },
	{ "/enforce/netns/undeclared-ipv6", test_undeclared_ipv6 },
	{ "/enforce/netns/overlapping", test_overlapping },
	{ "/enforce/netns/revoke-and-cut", test_revoke_and_cut },
	{ "/enforce/netns/carried-session", test_carried_session },
	{ "/enforce/netns/dump-of-several", test_dump_of_several },
	{ "/enforce/netns/tampering", test_tampering },
	{ "/enforce/netns/killed", test_killed },
	{ "/enforce/netns/remove-and-count", test_remove_and_count },
	{ "/enforce/netns/read-back", test_read_back },
	{ "/enforce/netns/many", test_many },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, world_why_not, cases);
}
