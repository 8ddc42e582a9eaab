#pragma once
/* IPv4 and IPv6 addresses with a prefix length, and Ethernet addresses, as values and as text.
 *
 * One struct serves for "this NIC's address in its network" (host bits kept: 10.80.0.11/24) and for
 * "these peers" (host bits zero: 10.80.0.0/24); vapp_prefix_mask() makes the second of the first.
 * Text is canonical both ways: what to_string writes, from_string reads back to the same value. No
 * ownership, no state, any thread.
 */
#include <glib.h>

enum vapp_family {
	VAPP_IPV4 = 4,
	VAPP_IPV6 = 6,
};

struct vapp_prefix {
	enum vapp_family family;
	unsigned length;  /* bits, 0 to 32 or 128 */
	guint8 bytes[16]; /* network order; IPv4 uses the first four, the rest are zero */
};

/* Reads "ADDRESS/LENGTH" or "ADDRESS" (a host: 32 or 128). FALSE: not an address; *ret_prefix is
 * not touched. */
gboolean vapp_prefix_from_string(const char *text, struct vapp_prefix *ret_prefix);

/* "ADDRESS/LENGTH", newly allocated; vapp_prefix_address() leaves the length out. */
char *vapp_prefix_to_string(const struct vapp_prefix *prefix);
char *vapp_prefix_address(const struct vapp_prefix *prefix);

/* The whole network (host bits zero), or the single host (length 32 or 128). */
struct vapp_prefix vapp_prefix_mask(const struct vapp_prefix *prefix);
struct vapp_prefix vapp_prefix_host(const struct vapp_prefix *prefix);

gboolean vapp_prefix_equal(const struct vapp_prefix *a, const struct vapp_prefix *b);
/* Order for sorting: IPv4 before IPv6, then address, then length. */
int vapp_prefix_compare(const struct vapp_prefix *a, const struct vapp_prefix *b);
/* Whether every address of `inner` lies in `outer`. */
gboolean vapp_prefix_contains(const struct vapp_prefix *outer, const struct vapp_prefix *inner);

/* Six hex octets with ':' or '-', any case, to lower case with ':'; newly allocated. NULL: not a
 * unicast address. */
char *vapp_mac_canonical(const char *text);
