/* Where bridged packets are not what they seem: fragments, errors about flows, VLAN tags. The two
 * back ends see them in different forms. Needs root. */
#include "cases.h"
#include "enforceworld.h"

#include <string.h>

#define LARGE 4000 /* bytes: three fragments */

/* A may also ask B by UDP over IPv6, and both may have anything answered. */
static void set_dns6(struct world *world)
{
	struct rules_machine *a = world_machine_a();
	struct rules_machine *b = world_machine_b();

	world_allow(a, "dns6", RULES_OUT, RULES_UDP, 53, "fd00:9::2");
	world_allow(b, "dns6", RULES_IN, RULES_UDP, 53, "fd00:9::1");
	world_set(world, a, b, NULL);
}

/* Only the first fragment has ports: it is the whole datagram that is judged, and it arrives. */
static void test_fragments(void)
{
	struct world world;

	world_up(&world);
	set_dns6(&world);
	enforcer_run_forget_events(world.run);
	g_assert_true(netlab_datagram(world.a, world.b, "10.9.0.2", 53, LARGE));
	g_assert_true(netlab_datagram(world.a, world.b, "fd00:9::2", 53, LARGE));
	g_assert_cmpuint(enforcer_run_count(world.run, "refused"), ==, 0);
	g_assert_false(netlab_datagram(world.a, world.b, "10.9.0.2", 54, LARGE));
	world_expect_refused(&world, "tapA", "out", "default-deny");
	g_assert_false(netlab_datagram(world.a, world.b, "fd00:9::2", 54, LARGE));
	world_expect_refused(&world, "tapA", "out", "default-deny");
	/* Foreign machines' fragments are put together on their way, but they arrive. */
	g_assert_true(netlab_datagram(world.c, world.f, "10.9.0.6", 4444, LARGE));
	g_assert_true(netlab_datagram(world.c, world.f, "fd00:9::6", 4444, LARGE));
	world_down(&world);
}

/* A later fragment without its first is no packet of anybody's: IPv4 from A to B, offset 1480. */
static void test_lone_fragment(void)
{
	static const guint8 packet[] = { 0x45, 0, 0, 29, 0, 7, 0, 185, 64, 17, 0x65, 0xfc, 10, 9, 0,
		1, 10, 9, 0, 2, 0x30, 0x39, 0, 53, 0, 9, 0, 0, 'x' };
	struct world world;
	guint8 frame[128] = { 0 };
	gsize size;

	world_up(&world);
	size = world_put_ethernet(frame, MAC_B, MAC_A, 0x0800);
	memcpy(frame + size, packet, sizeof packet);
	g_assert_false(netlab_frame(world.a, world.b, frame, size + sizeof packet));
	world_down(&world);
}

/* One half of the advertisement that A has an address: 8 bytes of ICMPv6, or the rest. */
static gsize put_half(guint8 *frame, guint8 target, gboolean second)
{
	guint8 whole[64];
	guint8 half[24] = { 58, 0, 0, (guint8)(second ? 8 : 1), 0, 0, 0, target };
	gsize n = second ? 16 : 8;
	gsize size = world_put_ethernet(frame, MAC_B, MAC_A, 0x86dd);

	world_put_advert(whole, target);
	memcpy(half + 8, whole + 40 + (second ? 8 : 0), n);
	memcpy(frame + size, whole, 40);
	frame[size + 4] = 0;
	frame[size + 5] = (guint8)(8 + n);
	frame[size + 6] = 44; /* a fragment header follows */
	memcpy(frame + size + 40, half, 8 + n);
	return size + 40 + 8 + n;
}

/* An advertisement cut so that its target is not where a filter looks. */
static void test_neighbour_fragments(void)
{
	struct world world;
	guint8 frame[128] = { 0 };

	world_up(&world);
	netlab_frame(world.a, world.b, frame, put_half(frame, 3, FALSE));
	g_assert_false(netlab_frame(world.a, world.b, frame, put_half(frame, 3, TRUE)));
	world_expect_refused(&world, "tapA", "out", "spoof-ip");
	world_down(&world);
}

/* That nobody listens is said by ICMP: it belongs to the flow. */
static void test_errors(void)
{
	struct world world;

	world_up(&world);
	set_dns6(&world);
	g_assert_true(netlab_udp_unreachable(world.a, "10.9.0.2", 53));
	g_assert_true(netlab_udp_unreachable(world.a, "fd00:9::2", 53));
	g_assert_false(netlab_udp_unreachable(world.a, "10.9.0.2", 54));
	world_down(&world);
}

/* "Port unreachable" from C to A about UDP from A to C port 53, which A never sent. */
static gsize put_error(guint8 *frame)
{
	static const guint8 packet[] = { 0x45, 0, 0, 56, 0, 9, 0, 0, 64, 1, 0, 0, 10, 9, 0, 3, 10,
		9, 0, 1, 3, 3, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 29, 0, 1, 0, 0, 64, 17, 0, 0, 10, 9, 0,
		1, 10, 9, 0, 3, 0x30, 0x39, 0, 53, 0, 9, 0, 0 };
	static const struct {
		gsize from, to, at;
	} sums[] = { { 28, 48, 38 }, { 20, 56, 22 }, { 0, 20, 10 } };
	gsize size = world_put_ethernet(frame, MAC_A, MAC_C, 0x0800);
	guint8 *bytes = frame + size;

	memcpy(bytes, packet, sizeof packet);
	for (gsize i = 0; i < G_N_ELEMENTS(sums); i++) {
		guint32 sum = 0;

		for (gsize j = sums[i].from; j < sums[i].to; j += 2)
			sum += (guint32)(bytes[j] << 8 | bytes[j + 1]);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~((sum & 0xffff) + (sum >> 16));
		bytes[sums[i].at] = (guint8)(sum >> 8);
		bytes[sums[i].at + 1] = (guint8)sum;
	}
	return size + sizeof packet;
}

static void test_forged_error(void)
{
	struct world world;
	guint8 frame[128] = { 0 };

	world_up(&world);
	g_assert_false(netlab_frame(world.c, world.a, frame, put_error(frame)));
	world_expect_refused(&world, "tapA", "in", "invalid");
	world_down(&world);
}

/* UDP from A to B port 53, which untagged would pass, in `n` tags. */
static gsize put_tagged(guint8 *frame, const char *from, const guint16 *tags, guint n)
{
	static const guint8 packet[] = { 0x45, 0, 0, 29, 0, 1, 0, 0, 64, 17, 0x66, 0xbb, 10, 9, 0,
		1, 10, 9, 0, 2, 0x30, 0x39, 0, 53, 0, 9, 0, 0, 'x' };
	gsize size = world_put_ethernet(frame, MAC_B, from, n ? tags[0] : 0x0800);

	for (guint i = 0; i < n; i++) {
		guint16 next = i + 1 < n ? tags[i + 1] : 0x0800;

		frame[size++] = 0;
		frame[size++] = (guint8)(i ? 5 : 0); /* a priority without a VLAN, then VLAN 5 */
		frame[size++] = (guint8)(next >> 8);
		frame[size++] = (guint8)next;
	}
	memcpy(frame + size, packet, sizeof packet);
	return size + sizeof packet;
}

/* What is inside a tag is not looked at: it does not pass, from A or towards B. */
static void test_tags(void)
{
	static const guint16 tags[][2] = { { 0x8100, 0 }, { 0x88a8, 0 }, { 0x8100, 0x8100 },
		{ 0x88a8, 0x8100 } };
	struct world world;
	guint8 frame[128] = { 0 };
	gsize size;

	world_up(&world);
	size = put_tagged(frame, MAC_A, NULL, 0);
	g_assert_true(netlab_frame(world.a, world.b, frame, size));
	for (gsize i = 0; i < G_N_ELEMENTS(tags); i++) {
		guint n = tags[i][1] ? 2 : 1;

		size = put_tagged(frame, MAC_A, tags[i], n);
		g_assert_false(netlab_frame(world.a, world.b, frame, size));
		world_expect_refused(&world, "tapA", "out", "foreign-ethertype");
		size = put_tagged(frame, MAC_C, tags[i], n);
		g_assert_false(netlab_frame(world.c, world.b, frame, size));
		world_expect_refused(&world, "tapB", "in", "foreign-ethertype");
	}
	world_down(&world);
}

/* A bridge that filters VLANs tags everything inside: rules must not mind. */
static void test_filtering_bridge(void)
{
	struct world world;
	g_autofree char *why = NULL;

	world_up(&world);
	if (!netlab_try(world.host, &why, "ip link set br0 type bridge vlan_filtering 1")) {
		g_test_skip("this kernel's bridges do not filter VLANs");
	} else {
		g_assert_true(world_tcp(world.a, world.b, "10.9.0.2", 80));
		g_assert_true(world_tcp(world.a, world.b, "fd00:9::2", 80));
		g_assert_true(netlab_datagram(world.a, world.b, "10.9.0.2", 53, LARGE));
		g_assert_false(world_tcp(world.a, world.b, "10.9.0.2", 8080));
		world_expect_refused(&world, "tapA", "out", "default-deny");
		g_assert_false(world_tcp(world.c, world.b, "10.9.0.2", 80));
		world_expect_refused(&world, "tapB", "in", "default-deny");
	}
	world_down(&world);
}

static const struct cases_case cases[] = {
	{ "/enforce/traps/fragments", test_fragments },
	{ "/enforce/traps/lone-fragment", test_lone_fragment },
	{ "/enforce/traps/neighbour-fragments", test_neighbour_fragments },
	{ "/enforce/traps/errors", test_errors },
	{ "/enforce/traps/forged-error", test_forged_error },
	{ "/enforce/traps/tags", test_tags },
	{ "/enforce/traps/filtering-bridge", test_filtering_bridge },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, world_why_not, cases);
}
