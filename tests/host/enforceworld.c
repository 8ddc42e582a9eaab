#include "enforceworld.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct rules_machine *world_machine(const char *uuid, const char *tap, const char *mac,
	const char *bridge, const char *const *addresses)
{
	struct rules_machine *machine = rules_machine_new(uuid, tap, "shop");
	struct rules_nic *nic = rules_machine_add_nic(machine, tap, mac, bridge);

	nic->zone = strcmp(bridge, "br1") ? 1 : 2;
	for (; *addresses; addresses++)
		g_assert_true(rules_nic_add_address(nic, *addresses, NULL));
	return machine;
}

const char *const world_addresses_a[] = { "10.9.0.1", "fd00:9::1", NULL };
const char *const world_addresses_b[] = { "10.9.0.2", "fd00:9::2", NULL };

void world_allow(struct rules_machine *machine, const char *id, enum rules_direction direction,
	enum rules_protocol protocol, guint16 port, const char *peer)
{
	struct rules_rule *rule = rules_machine_add_rule(machine, id, direction, protocol);

	if (port)
		rules_rule_add_ports(rule, port, port);
	if (peer)
		g_assert_true(rules_rule_add_peer(rule, peer, NULL));
}

/* A calls B on TCP 80 and UDP 53 and pings it, in both families. */
struct rules_machine *world_machine_a(void)
{
	struct rules_machine *a = world_machine(UUID_A, "tapA", MAC_A, "br0", world_addresses_a);

	world_allow(a, "web", RULES_OUT, RULES_TCP, 80, "10.9.0.2");
	world_allow(a, "web6", RULES_OUT, RULES_TCP, 80, "fd00:9::2");
	world_allow(a, "dns", RULES_OUT, RULES_UDP, 53, "10.9.0.0/24");
	world_allow(a, "ping", RULES_OUT, RULES_ICMP, 0, "10.9.0.2");
	world_allow(a, "ping6", RULES_OUT, RULES_ICMPV6, 0, "fd00:9::2");
	world_allow(a, "one-sided", RULES_OUT, RULES_TCP, 81, "10.9.0.2");
	world_allow(a, "from-c", RULES_IN, RULES_TCP, 22, "10.9.0.3");
	return a;
}

struct rules_machine *world_machine_b(void)
{
	struct rules_machine *b = world_machine(UUID_B, "tapB", MAC_B, "br0", world_addresses_b);
	struct rules_rule *rule = rules_machine_add_rule(b, "web", RULES_IN, RULES_TCP);

	rules_rule_add_ports(rule, 80, 80);
	rules_rule_add_ports(rule, 8000, 8100);
	g_assert_true(rules_rule_add_peer(rule, "10.9.0.1", NULL));
	g_assert_true(rules_rule_add_peer(rule, "fd00:9::/64", NULL));
	world_allow(b, "dns", RULES_IN, RULES_UDP, 53, "10.9.0.1");
	world_allow(b, "ping", RULES_IN, RULES_ICMP, 0, NULL);
	world_allow(b, "ping6", RULES_IN, RULES_ICMPV6, 0, NULL);
	return b;
}

/* Sets the machines, which it takes (NULL-terminated), and expects them to conform. */
double world_set(struct world *world, struct rules_machine *first, ...)
{
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);
	g_autoptr(enforcer_answer) answer = NULL;
	va_list arguments;

	va_start(arguments, first);
	for (struct rules_machine *m = first; m; m = va_arg(arguments, struct rules_machine *))
		g_ptr_array_add(machines, m);
	va_end(arguments);
	answer = enforcer_run_set(world->run, machines);
	g_assert_cmpstr(answer->error, ==, NULL);
	g_assert_cmpstr(answer->note, ==, NULL);
	g_assert_cmpstr(answer->difference, ==, "");
	g_assert_cmpuint(answer->n_verdicts, ==, machines->len);
	g_assert_cmpuint(answer->n_conforming, ==, machines->len);
	g_assert_cmpstr(answer->kernel_digest, ==, answer->intent_digest);
	return answer->took_ms;
}

/* Where the kernel is known, so is the back end that must be chosen. */
static void expect_backend(struct world *world)
{
	g_autoptr(enforcer_answer) answer = enforcer_run_hello(world->run);
	const char *backend = g_getenv("DROVER_BACKEND");

	if (backend)
		g_assert_cmpstr(answer->backend, ==, backend);
}

void world_up(struct world *world)
{
	world->host = netlab_new();
	world->directory = g_dir_make_tmp("drover-enforce-XXXXXX", NULL);
	world->state = g_build_filename(world->directory, "state.json", NULL);
	for (guint i = 0; i < 2; i++) {
		netlab_run(world->host, "ip link add br%u type bridge", i);
		netlab_run(world->host, "ip link set br%u up", i);
	}
	world->run = enforcer_run_start(g_getenv("DROVER_ENFORCER"), world->host, world->state);
	expect_backend(world);
	/* Before the taps are there. */
	world_set(world, world_machine_a(), world_machine_b(), NULL);
	world->a = netlab_guest(world->host, "tapA", "br0", MAC_A, "10.9.0.1/24", "fd00:9::1/64");
	world->b = netlab_guest(world->host, "tapB", "br0", MAC_B, "10.9.0.2/24", "fd00:9::2/64");
	world->c = netlab_guest(world->host, "tapC", "br0", MAC_C, "10.9.0.3/24", "fd00:9::3/64");
	world->f = netlab_guest(world->host, "tapF", "br0", MAC_F, "10.9.0.6/24", "fd00:9::6/64");
	world->d = netlab_guest(world->host, "tapD", "br1", MAC_D, "10.9.0.1/24", NULL);
	world->e = netlab_guest(world->host, "tapE", "br1", MAC_E, "10.9.0.2/24", NULL);
	g_usleep(200000);
	enforcer_run_forget_events(world->run);
}

void world_down(struct world *world)
{
	const int namespaces[] = { world->a, world->b, world->c, world->d, world->e, world->f,
		world->host };

	enforcer_run_stop(world->run, SIGTERM);
	for (guint i = 0; i < G_N_ELEMENTS(namespaces); i++)
		close(namespaces[i]);
	g_unlink(world->state);
	g_rmdir(world->directory);
	g_free(world->state);
	g_free(world->directory);
}

gboolean world_tcp(int from, int to, const char *address, guint16 port)
{
	struct netlab_tcp connection;
	gboolean ok = netlab_tcp_open(from, to, address, port, &connection) &&
		      netlab_tcp_passes(&connection);

	if (ok)
		netlab_tcp_close(&connection);
	return ok;
}

void world_expect_refused(
	struct world *world, const char *tap, const char *direction, const char *rule)
{
	const struct enforcer_event *event = enforcer_run_wait(
		world->run, "refused", tap, direction, rule);

	if (!event)
		g_error("no refusal of %s %s by %s", tap, direction, rule);
	enforcer_run_forget_events(world->run);
}

/* Frames */

void world_put_mac(guint8 *at, const char *mac)
{
	for (guint i = 0; i < 6; i++)
		at[i] = (guint8)(g_ascii_xdigit_value(mac[3 * i]) << 4 |
				 g_ascii_xdigit_value(mac[3 * i + 1]));
}

gsize world_put_ethernet(guint8 *frame, const char *to, const char *from, guint16 type)
{
	world_put_mac(frame, to);
	world_put_mac(frame + 6, from);
	frame[12] = (guint8)(type >> 8);
	frame[13] = (guint8)(type & 0xff);
	return 14;
}

/* Neighbour advertisement from fd00:9::1 for fd00:9::TARGET, with its checksum. */
gsize world_put_advert(guint8 *frame, guint8 target)
{
	static const guint8 packet[64] = { 0x60, 0, 0, 0, 0, 24, 58, 255, 0xfd, 0, 0, 9, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 1, 0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 136, 0,
		0, 0, 0x20, 0, 0, 0, 0xfd, 0, 0, 9 };
	guint32 sum = 24 + 58;

	memcpy(frame, packet, sizeof packet);
	frame[63] = target;
	for (guint i = 8; i < 64; i += 2)
		sum += (guint32)(frame[i] << 8 | frame[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[42] = (guint8)(sum >> 8);
	frame[43] = (guint8)sum;
	return sizeof packet;
}

char *world_why_not(void)
{
	int ns = netlab_new();
	g_autofree char *words = NULL;
	char *why = NULL;

	if (ns < 0)
		return g_strdup_printf("no new network namespaces here: %s", g_strerror(errno));
	if (!netlab_try(ns, &words, "nft list ruleset"))
		why = g_strdup_printf("nftables cannot be used here: %s", words);
	close(ns);
	return why;
}
