#include "host/enforce_packet.h"

#include <arpa/inet.h>
#include <string.h>

#define EXTENSIONS_MAX 8 /* IPv6 extension headers that are walked over */

/* A view of bytes that shrinks from the front. */
struct bytes {
	const guint8 *data;
	gsize size;
};

static guint16 get16(const guint8 *data)
{
	return (guint16)(data[0] << 8 | data[1]);
}

static void skip(struct bytes *bytes, gsize n)
{
	n = MIN(n, bytes->size);
	bytes->data += n;
	bytes->size -= n;
}

static void write_mac(char text[ENFORCE_PACKET_ADDRESS], const guint8 *mac)
{
	g_snprintf(text, ENFORCE_PACKET_ADDRESS, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		mac[2], mac[3], mac[4], mac[5]);
}

static void read_transport(struct bytes bytes, guint8 protocol, struct enforce_packet *packet)
{
	static const struct {
		const char *name;
		guint8 number;
		guint8 offset; /* of the port or type */
		guint8 size;
	} known[] = {
		{ "tcp", 6, 2, 2 },
		{ "udp", 17, 2, 2 },
		{ "icmp", 1, 0, 1 },
		{ "icmpv6", 58, 0, 1 },
	};

	g_snprintf(packet->protocol, sizeof packet->protocol, "ip-%u", (guint)protocol);
	for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
		if (known[i].number != protocol)
			continue;
		g_strlcpy(packet->protocol, known[i].name, sizeof packet->protocol);
		if (bytes.size >= (gsize)known[i].offset + known[i].size)
			packet->port = known[i].size == 1 ? bytes.data[known[i].offset]
							  : get16(bytes.data + known[i].offset);
	}
}

static gboolean read_ip(struct bytes bytes, struct enforce_packet *packet)
{
	gsize header;
	guint8 protocol;
	gboolean first;

	if (bytes.size < 20 || bytes.data[0] >> 4 != 4)
		return FALSE;
	header = (gsize)(bytes.data[0] & 15) * 4;
	protocol = bytes.data[9];
	first = (get16(bytes.data + 6) & 0x1fff) == 0;
	inet_ntop(AF_INET, bytes.data + 12, packet->source, sizeof packet->source);
	inet_ntop(AF_INET, bytes.data + 16, packet->destination, sizeof packet->destination);
	skip(&bytes, MAX(header, 20));
	if (!first)
		bytes.size = 0;
	read_transport(bytes, protocol, packet);
	return TRUE;
}

static gboolean is_extension(guint8 protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60;
}

static gboolean read_ip6(struct bytes bytes, struct enforce_packet *packet)
{
	guint8 protocol;

	if (bytes.size < 40 || bytes.data[0] >> 4 != 6)
		return FALSE;
	protocol = bytes.data[6];
	inet_ntop(AF_INET6, bytes.data + 8, packet->source, sizeof packet->source);
	inet_ntop(AF_INET6, bytes.data + 24, packet->destination, sizeof packet->destination);
	skip(&bytes, 40);
	for (guint i = 0; i < EXTENSIONS_MAX && is_extension(protocol) && bytes.size >= 8; i++) {
		gsize size = protocol == 44 ? 8 : ((gsize)bytes.data[1] + 1) * 8;

		protocol = bytes.data[0];
		skip(&bytes, size);
	}
	read_transport(bytes, protocol, packet);
	return TRUE;
}

/* Its addresses are those that it speaks of. */
static gboolean read_arp(struct bytes bytes, struct enforce_packet *packet)
{
	if (bytes.size < 28)
		return FALSE;
	g_strlcpy(packet->protocol, "arp", sizeof packet->protocol);
	packet->port = get16(bytes.data + 6);
	inet_ntop(AF_INET, bytes.data + 14, packet->source, sizeof packet->source);
	inet_ntop(AF_INET, bytes.data + 24, packet->destination, sizeof packet->destination);
	return TRUE;
}

void enforce_packet_read(guint16 ether_type, const guint8 *header, gsize header_size,
	const guint8 *payload, gsize payload_size, struct enforce_packet *ret_packet)
{
	static const struct {
		guint16 type;
		gboolean (*read)(struct bytes, struct enforce_packet *);
	} readers[] = {
		{ 0x0800, read_ip },
		{ 0x86dd, read_ip6 },
		{ 0x0806, read_arp },
	};
	struct bytes bytes = { payload, payload_size };

	memset(ret_packet, 0, sizeof *ret_packet);
	for (guint i = 0; i < G_N_ELEMENTS(readers); i++)
		if (readers[i].type == ether_type && readers[i].read(bytes, ret_packet))
			return;
	g_snprintf(
		ret_packet->protocol, sizeof ret_packet->protocol, "ether-%04x", (guint)ether_type);
	if (header_size >= 14) {
		write_mac(ret_packet->destination, header);
		write_mac(ret_packet->source, header + 6);
	}
}
