#pragma once
/* What one machine may send and receive: plain values, no kernel, no clock.
 *
 * A machine is protected as soon as it has a struct rules_machine: everything that no rule names is
 * refused, in both directions, on every tap. Rules speak of the first packet of a flow; its answers
 * and the ICMP errors about it pass by connection tracking. ARP and IPv6 neighbour discovery for
 * the machine's own addresses need no rule; DHCP and router advertisements do (see
 * rules_machine_add_rule).
 *
 * A struct rules_machine owns everything in it; the add functions copy their arguments and return a
 * borrowed pointer that lives as long as the machine. Values may be read by any thread, changed by
 * one.
 */
#include <glib.h>

#define RULES_ERROR         rules_error_quark()
#define RULES_TAP_MAX       15   /* characters: IFNAMSIZ - 1 */
#define RULES_NAME_MAX      255  /* characters of a name, vApp or rule id */
#define RULES_NICS_MAX      16   /* a machine */
#define RULES_RULES_MAX     2048 /* a machine */
#define RULES_PORTS_MAX     64   /* ranges a rule */
#define RULES_PEERS_MAX     512  /* prefixes a rule */
#define RULES_ADDRESSES_MAX 64   /* a nic */

enum rules_error { RULES_ERROR_INVALID };

/* Seen from the machine: OUT are flows it opens, IN are flows opened towards it. */
enum rules_direction { RULES_OUT, RULES_IN };

enum rules_protocol { RULES_TCP, RULES_UDP, RULES_ICMP, RULES_ICMPV6, RULES_ANY };

/* An address or a prefix: `family` 4 or 6, `bits` 0..32 or 0..128, host bits zero, network byte
 * order. */
struct rules_prefix {
	guint8 family;
	guint8 bits;
	guint8 address[16];
};

/* Ports `low`..`high`, both included; of ICMP and ICMPv6 rules: message types. */
struct rules_ports {
	guint16 low;
	guint16 high;
};

struct rules_nic {
	char *tap;    /* [A-Za-z0-9_.-], 1..RULES_TAP_MAX; need not exist yet */
	char *mac;    /* aa:bb:cc:dd:ee:ff, lower case */
	char *bridge; /* the bridge the tap is (or will be) a port of: an interface name */
	/* Conntrack zone of that bridge. 0: the host's own. Two bridges on which the same addresses
	 * may mean different machines must have different zones; a bridge through which the host
	 * itself routes or NATs must have 0. */
	guint16 zone;
	GArray *addresses; /* struct rules_prefix the machine may use as source; full length or
			      prefix */
};

struct rules_rule {
	char *id; /* the declared flow; printable, unique in the machine only by convention */
	enum rules_direction direction;
	enum rules_protocol protocol;
	GArray *ports; /* struct rules_ports: destination ports; empty: all (ICMP: echo request) */
	GArray *peers; /* struct rules_prefix at the far end; empty: anyone, both families */
};

struct rules_machine {
	char *uuid;       /* 8-4-4-4-12, lower case */
	char *name;       /* for people */
	char *vapp;       /* for people; may be "" */
	GPtrArray *nics;  /* struct rules_nic */
	GPtrArray *rules; /* struct rules_rule */
};

GQuark rules_error_quark(void);

/* A machine without nics and rules. `vapp` may be NULL. */
struct rules_machine *rules_machine_new(const char *uuid, const char *name, const char *vapp);
void rules_machine_free(struct rules_machine *machine);
struct rules_machine *rules_machine_copy(const struct rules_machine *machine);

/* Adds a nic in zone 0 without addresses. */
struct rules_nic *rules_machine_add_nic(
	struct rules_machine *machine, const char *tap, const char *mac, const char *bridge);

/* Lets the nic use `text`, "10.0.0.5", "10.0.0.0/24", "2001:db8::5". FALSE with RULES_ERROR_INVALID
 * when it is none. */
gboolean rules_nic_add_address(struct rules_nic *nic, const char *text, GError **error);

/* Adds a rule for all ports and all peers.
 *
 * ICMP and ICMPv6 without ports mean echo requests. RULES_ANY means every protocol over IP and
 * takes no ports. DHCP: OUT udp 67 to peer 255.255.255.255 (the nic may then ask from 0.0.0.0) and
 * IN udp 68 from the server's address. Router advertisements: IN icmpv6 type 134 from fe80::/10. */
struct rules_rule *rules_machine_add_rule(struct rules_machine *machine, const char *id,
	enum rules_direction direction, enum rules_protocol protocol);
void rules_rule_add_ports(struct rules_rule *rule, guint16 low, guint16 high);
gboolean rules_rule_add_peer(struct rules_rule *rule, const char *text, GError **error);

/* Whether the whole machine is well formed and within the limits above; FALSE with
 * RULES_ERROR_INVALID and a sentence. */
gboolean rules_machine_check(const struct rules_machine *machine, GError **error);

/* One text for one meaning: nics by tap, rules, ranges and prefixes sorted, duplicates dropped;
 * name and vApp are not in it (they change nothing that is enforced). Free with g_free(). */
char *rules_machine_canonical(const struct rules_machine *machine);

/* The intent digest: SHA-256 of the canonical text, 64 lower case hexadecimal digits. Free with
 * g_free(). */
char *rules_machine_digest(const struct rules_machine *machine);

/* Whether both mean the same to the kernel. */
gboolean rules_machine_equal(const struct rules_machine *a, const struct rules_machine *b);

/* Whether a flow whose first packet goes in `direction` between the machine and `peer` is declared.
 * `protocol` is the IP protocol number, `port` the destination port or the ICMP type (0 for
 * others). Returns the rule (borrowed) or NULL. */
const struct rules_rule *rules_machine_permits(const struct rules_machine *machine,
	enum rules_direction direction, guint8 protocol, const struct rules_prefix *peer,
	guint16 port);

/* An address or prefix from and to text; parsing clears host bits. The text is at least
 * RULES_PREFIX_TEXT bytes; full length prefixes are written as bare addresses. */
#define RULES_PREFIX_TEXT 64
gboolean rules_prefix_parse(const char *text, struct rules_prefix *ret_prefix, GError **error);
const char *rules_prefix_to_string(const struct rules_prefix *prefix, char text[RULES_PREFIX_TEXT]);
gboolean rules_prefix_contains(const struct rules_prefix *outer, const struct rules_prefix *inner);

/* "out", "in"; "tcp", "udp", "icmp", "icmpv6", "any". FALSE for anything else. */
const char *rules_direction_to_string(enum rules_direction direction);
gboolean rules_direction_from_string(const char *text, enum rules_direction *ret_direction);
const char *rules_protocol_to_string(enum rules_protocol protocol);
gboolean rules_protocol_from_string(const char *text, enum rules_protocol *ret_protocol);

typedef struct rules_machine rules_machine;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rules_machine, rules_machine_free)
