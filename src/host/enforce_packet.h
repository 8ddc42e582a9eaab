#pragma once
/* What a refused packet was, from its first bytes: pure, and the bytes are a hostile guest's.
 */
#include <glib.h>

#define ENFORCE_PACKET_ADDRESS  64
#define ENFORCE_PACKET_PROTOCOL 16

struct enforce_packet {
	char source[ENFORCE_PACKET_ADDRESS]; /* an IP address, or a MAC address when it is not IP */
	char destination[ENFORCE_PACKET_ADDRESS];
	char protocol[ENFORCE_PACKET_PROTOCOL]; /* as in struct enforce_refused */
	guint16 port; /* destination port, ICMP type or ARP operation; 0: none or cut off */
};

/* `ether_type` in host order; `header` is the Ethernet header (may be shorter or missing),
 * `payload` what follows it. */
void enforce_packet_read(guint16 ether_type, const guint8 *header, gsize header_size,
	const guint8 *payload, gsize payload_size, struct enforce_packet *ret_packet);
