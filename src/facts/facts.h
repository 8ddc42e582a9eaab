#pragma once
/* The map's vocabulary: every fact, intent and verdict of Drover is one C struct here, and so is
 * what we say in IF-MAP's standard metadata (ifmap.md 12) for tools that know nothing of us.
 *
 * One table (facts_table.c and, for the standard's, facts_standard.c) says for each kind its
 * element name, cardinality, lifetime, where it hangs, who publishes, who reads, and its fields;
 * encoding, decoding, JSON and docs/map.md come from that table. Namespace FACTS_NS, prefix "d" in
 * filters; standard metadata: IFMAP_NS_META, "meta", its elements in the order that the standard
 * asks for.
 *
 * Ownership: a struct owns its strings and lists; fill it with g_strdup()ed values (or borrow and
 * never clear it), release it with facts_clear() or g_auto(facts_KIND). Lists are GPtrArray made by
 * facts_list_new() and filled by facts_list_add(). Missing strings are NULL, missing numbers 0,
 * missing lists NULL; decoding accepts missing fields and ignores unknown ones, so that old and new
 * versions understand each other. Times ending in _ms are wall-clock milliseconds since 1970 (UTC).
 */
#include <drover/ifmap.h>
#include <jansson.h>

#define FACTS_NS "urn:drover:map:1"
/* prefix, namespace, ..., NULL for struct ifmap_client_config */
extern const char *const FACTS_PREFIXES[];

enum facts_kind {
	/* facts: agents, lifetime session */
	FACTS_IN_FLEET,
	FACTS_HOST,
	FACTS_CAPACITY,
	FACTS_RUNS_ON,
	FACTS_CARD,
	FACTS_SEGMENT_PRESENT,
	FACTS_FABRIC_LINK,
	FACTS_ENFORCED,
	FACTS_REFUSED,
	FACTS_PROGRESS,
	FACTS_CONNTRACK,
	FACTS_SEEN,
	FACTS_ROUTES,
	FACTS_ALERT,
	/* what operators ask, lifetime forever */
	FACTS_PACKAGE,
	FACTS_LABEL_POLICY,
	FACTS_REQUEST,
	FACTS_FENCED,
	/* intents: control, forever */
	FACTS_MEMBER_OF,
	FACTS_LABEL,
	FACTS_PROTECTION,
	FACTS_DEFINITION,
	FACTS_RESERVATION,
	FACTS_ORDER,
	/* verdicts: control, forever */
	FACTS_CLEARANCE,
	FACTS_HISTORY,
	/* agents, forever */
	FACTS_ENROLLED,
	/* standard metadata: agents, session; event and unexpected-behavior also by control */
	FACTS_STD_ACCESS_REQUEST_DEVICE,
	FACTS_STD_ACCESS_REQUEST_IP,
	FACTS_STD_ACCESS_REQUEST_MAC,
	FACTS_STD_DEVICE_ATTRIBUTE,
	FACTS_STD_DEVICE_CHARACTERISTIC,
	FACTS_STD_DEVICE_IP,
	FACTS_STD_DISCOVERED_BY,
	FACTS_STD_ENFORCEMENT_REPORT,
	FACTS_STD_EVENT,
	FACTS_STD_IP_MAC,
	FACTS_STD_LAYER2_INFORMATION,
	FACTS_STD_UNEXPECTED_BEHAVIOR,
	FACTS_N_KINDS,
	FACTS_FIRST_STANDARD = FACTS_STD_ACCESS_REQUEST_DEVICE,
};

/* fleet-host, fleet-vApp, fleet-switch, fleet-segment: what belongs to this fleet; the anchor every
 * subscription starts from. */
struct facts_in_fleet {
	char *kind; /* host, vapp, switch, segment */
};

/* host: who it is and how it enforces. */
struct facts_host {
	char *name;
	char *site;
	char *agent_version;
	char *libvirt_uri;  /* how this host's libvirtd is reached by peers, qemu+tcp://... */
	char *backend;      /* bridge-ct or bridge-mark */
	gboolean enforcing; /* the enforcer answers and every rule set equals its intent */
	guint64 started_ms;
};

/* host: what it offers to guests and what of it is taken. */
struct facts_capacity {
	guint64 cpus;
	guint64 cpus_used; /* virtual CPUs of running machines */
	guint64 memory_mib;
	guint64 memory_used_mib;
	char **cpu_models; /* usable models */
	char **machine_types;
};

/* VM-host: a domain this libvirtd knows. */
struct facts_runs_on {
	char *name;
	char *state; /* running, paused, moving, shutoff, crashed */
	guint64 vcpus;
	guint64 memory_mib;
	char *vapp; /* from the domain's own metadata; NULL when it claims none */
	char *seal; /* valid, invalid, none */
	guint64 since_ms;
};

/* VM-mac (multi, slot = host): one network interface; while a machine moves, of both hosts. */
struct facts_card {
	char *tap;
	char *segment;
	char *host; /* UUID of the host whose agent says so */
};

/* host-segment: guests on this host can attach to the segment. */
struct facts_segment_present {
	char *bridge;
	gboolean up;
	guint64 mtu;
};

/* host-switch, switch-switch: a cable. */
struct facts_fabric_link {
	char *port;
	gboolean up;
	guint64 speed_mbit;
	guint64 mtu;
	char **risks; /* shared-risk groups: what fails together with it */
};

/* VM-host: the rules of this machine as read back from the kernel. */
struct facts_enforced {
	char *intent;   /* digest of the protection this host was told */
	char *readback; /* digest of what the kernel holds */
	gboolean conforming;
	char *generation;
	char *difference; /* in words, when not conforming */
	guint64 at_ms;
};

/* VM-host (multi, slot = rule/direction/peer/protocol/port): refused packets. */
struct facts_refused {
	char *host;
	char *direction; /* in, out */
	char *peer;
	char *protocol;
	guint64 port;
	char *rule; /* what refused it: default-deny, spoof-mac, ... */
	guint64 count;
	guint64 first_ms;
	guint64 last_ms;
};

/* VM-host: how far this host is with its part of an order. */
struct facts_progress {
	char *order;
	char *phase; /* the order's phase this answers */
	char *state; /* running, done, failed */
	guint64 percent;
	char *text;
	guint64 at_ms;
	guint64 paused_ms;  /* wall clock when the machine stopped here, 0 if not */
	guint64 resumed_ms; /* wall clock when it went on here, 0 if not */
};

/* VM-host: connection tracking entries of a machine that is leaving this host. */
struct facts_conntrack {
	char *order;
	guint64 n_entries;
	char *entries; /* the enforcer's own text form */
};

/* An address that a machine uses, inside facts_seen. */
struct facts_sighting {
	char *address; /* IP address, or MAC address when no IP packet told one */
	char *mac;     /* that it came with */
	char *device;  /* bridge or tap it was seen on */
	char *by; /* neighbour: the host's ARP or ND table; bridge: a forwarding table; refused:
		     a packet that the rules stopped */
	gboolean declared; /* it is the machine's by its package or definition, or nobody declared
			      any */
	guint64 since_ms;
};

/* VM-host: the addresses with which the machine was really seen there. */
struct facts_seen {
	GPtrArray *sightings; /* struct facts_sighting, declared ones first */
	guint64 n_cut;        /* further undeclared ones that are not listed */
};

/* A route of a host, inside facts_routes. */
struct facts_route {
	char *prefix;  /* "10.71.0.0/24", "::/0" */
	char *gateway; /* NULL: on the link */
	char *device;
	char *segment; /* that the device carries, NULL: none */
	guint64 metric;
};

/* A gateway that a route goes through, inside facts_routes. */
struct facts_gateway {
	char *address;
	char *device;
	char *mac;   /* NULL: not known */
	char *state; /* answers, silent, unknown */
};

/* host: where its own packets go. */
struct facts_routes {
	GPtrArray *routes;   /* struct facts_route, most general first */
	GPtrArray *gateways; /* struct facts_gateway */
	guint64 n_cut;       /* routes that are not listed */
};

/* host or vApp (multi, slot = code): something a person should see. Forever. */
struct facts_alert {
	char *code;
	char *text;
	char *host;
	guint64 at_ms;
	guint64 open_us; /* for rule tampering: how long the rules were not the intent's,
			    microseconds */
};

/* vApp: the package an operator imported, verbatim. */
struct facts_package {
	char *ovf;
	char *base; /* directory that relative file references start from, as hosts see it */
	char *by;
	guint64 at_ms;
};

/* fleet: the label policy in force. */
struct facts_label_policy {
	char *text;
	char *format; /* acm or drover */
	guint64 at_ms;
};

/* vApp: what an operator asks control to do; control answers with an order of the same id. */
struct facts_request {
	char *id;
	char *verb; /* start, stop, move, abort, remove */
	char **to;  /* host names; empty: as the plan says */
	char *by;
	guint64 at_ms;
};

/* host: an operator's word that it is switched off. It is about one life of the host's agent and
 * counts until the next begins; it keeps new work away until the operator takes it back. */
struct facts_fenced {
	char *by;
	char *reason;
	guint64 at_ms;
	guint64 started_ms; /* that of the host's `enrolled` */
};

/* VM-vApp */
struct facts_member_of {
	char *machine; /* name inside the package */
	char *domain;  /* libvirt domain name */
	char *role;    /* tier */
	guint64 order; /* startup order */
	char **macs;
};

/* VM: its label, resolved. */
struct facts_label {
	char *name;
	char **ste;
	char **chw;
	char *colour;
};

/* One interface of a protected machine, inside facts_protection. */
struct facts_protected_nic {
	char *tap;
	char *mac;
	char *segment;
	char **addresses; /* that it may use */
};

/* One allowed flow of a machine, resolved to addresses, inside facts_protection. */
struct facts_protected_rule {
	char *flow; /* id in the package */
	char *direction;
	char *protocol;
	guint64 port_first;
	guint64 port_last;
	char **peers; /* prefixes */
	char *peer_name;
};

/* VM: what every host that runs it must enforce. */
struct facts_protection {
	char *vapp;
	char *machine;
	char *generation; /* version of the package it was resolved from */
	GPtrArray *nics;  /* struct facts_protected_nic */
	GPtrArray *rules; /* struct facts_protected_rule */
	char *seal_key;   /* PEM of the public key that seals verify against */
};

/* VM: how to define it, seal included. */
struct facts_definition {
	char *xml;
};

/* VM-host: this host shall hold room and protection for the machine. */
struct facts_reservation {
	char *purpose; /* home: it runs here; arrival: it is on its way */
	char *order;
	guint64 memory_mib;
	guint64 vcpus;
};

/* One machine's part of an order. */
struct facts_order_member {
	char *vm;
	char *machine;
	char *from;           /* host UUID; NULL when it runs nowhere */
	char *to;             /* host UUID; NULL when it shall run nowhere */
	char *from_uri;       /* libvirt URI of the source, as peers reach it */
	char *to_uri;         /* and of the destination */
	guint64 gap_ms;       /* paused at the source to resumed at the destination, once known */
	gboolean stays;       /* its source was declared off on the way back: it stays at `to` */
	guint64 turn;         /* of a start or stop: those with a lower one go first; 0: any time */
	guint64 turn_delay_s; /* how long it must be over before the next turn comes */
	guint64 go_ms;        /* since when it is this machine's turn; 0: not yet */
	guint64 over_ms;      /* since when it was seen running (stop: off); 0: not yet */
};

/* One step of an order, as carried out. */
struct facts_order_step {
	char *name;
	char *state; /* waiting, running, done, failed, skipped */
	guint64 started_ms;
	guint64 ended_ms;
	char *text;
};

/* vApp: what is being carried out, or was last. */
struct facts_order {
	char *id;
	char *verb;
	char *phase;  /* what agents shall do now: one of the phases in docs/moves.md */
	char *state;  /* running, done, refused, rolled-back, stuck */
	char *reason; /* code and sentence when refused, rolled back or stuck, or done with a note
		       */
	guint64 at_ms;
	guint64 ended_ms;
	GPtrArray *members; /* struct facts_order_member */
	GPtrArray *steps;   /* struct facts_order_step */
};

/* One reason of a clearance. */
struct facts_reason {
	char *code;    /* stable: MEMORY, SEGMENT_MISSING, ... */
	char *subject; /* machine, flow or segment it is about */
	char *text;    /* one sentence */
	char *fix;     /* the least change that would mend it */
	char **facts;  /* facts it rests on: "capacity of C: 300 MiB free" */
};

/* vApp-host: may all of the vApp run there, now? */
struct facts_clearance {
	gboolean clear;
	GPtrArray *reasons; /* struct facts_reason */
	char *changed;      /* what changed since the verdict before */
	guint64 at_ms;      /* when this verdict was reached */
	guint64 since_ms;   /* since when `clear` has had this value */
};

/* One Chinese Wall type taken out of a host's history. */
struct facts_forgotten {
	char *chw;
	char *by;
	char *reason;
	guint64 at_ms;
};

/* host: what has ever been started there, for Chinese Walls that remember (label/decide.h). Control
 * adds to it before a machine starts; only an operator's act takes away, and that stays on record.
 */
struct facts_history {
	char **chw;           /* types, sorted */
	GPtrArray *forgotten; /* struct facts_forgotten, oldest first */
};

/* fleet-host: it belongs to the fleet, whether its agent is there or not. */
struct facts_enrolled {
	char *name;
	char *site;
	guint64 started_ms; /* begin of its agent's last life: tells one from the next */
};

/* ---- standard metadata (ifmap.md 12). AR: the access-request "HOST:MAC" of one card of a machine;
 * observer and enforcer: this host. ---- */

/* AR-VM, AR-ip, AR-mac, host-ip and ip|mac-host: elements that say all by standing there. */
struct facts_std_access_request_device {
	char *none; /* C has no empty structs; no field of the table */
};
struct facts_std_access_request_ip {
	char *none;
};
struct facts_std_access_request_mac {
	char *none;
};
struct facts_std_device_ip {
	char *none;
};
struct facts_std_discovered_by {
	char *none;
};

/* AR-VM: a finding about the machine. */
struct facts_std_device_attribute {
	char *name; /* enforced: its rules stand as told */
};

/* mac-host: what the card belongs to. */
struct facts_std_device_characteristic {
	char *manufacturer;
	char *model;
	char *os;
	char *os_version;
	char *device_type;
	guint64 discovered_ms;
	char *discoverer_id;
	char *discovery_method;
};

/* mac-host for what a machine sends, ip-host for who sends to one: refused packets. */
struct facts_std_enforcement_report {
	char *action; /* block */
	char *other_type;
	char *reason; /* rules that refused */
};

/* ip or mac, sent with notify: an alert as it comes up. */
struct facts_std_event {
	char *name; /* code of the alert */
	guint64 discovered_ms;
	char *discoverer_id;
	guint64 magnitude;  /* 0 to 100 */
	guint64 confidence; /* 0 to 100 */
	char *significance; /* critical, important, informational */
	char *type;         /* one of the standard's: policy violation */
	char *other_type;
	char *information;
	char *vulnerability_uri;
};

/* ip-mac: the address is bound to the card, as seen or as the rules pin it. */
struct facts_std_ip_mac {
	guint64 start_ms; /* 0: not known */
	guint64 end_ms;
	char *dhcp_server;
};

/* AR-host: where the card is plugged in. */
struct facts_std_layer2_information {
	char *vlan;
	char *vlan_name; /* segment */
	char *port;      /* index of the tap */
	char *domain;
};

/* mac: the machine uses addresses that are not its own. */
struct facts_std_unexpected_behavior {
	guint64 discovered_ms;
	char *discoverer_id;
	char *information;
	guint64 magnitude;
	guint64 confidence;
	char *significance;
	char *type;
};

/* Every kind once: ENUM suffix, struct suffix. */
#define FACTS_KINDS(X)                                          \
	X(IN_FLEET, in_fleet)                                   \
	X(HOST, host)                                           \
	X(CAPACITY, capacity)                                   \
	X(RUNS_ON, runs_on)                                     \
	X(CARD, card)                                           \
	X(SEGMENT_PRESENT, segment_present)                     \
	X(FABRIC_LINK, fabric_link)                             \
	X(ENFORCED, enforced)                                   \
	X(REFUSED, refused)                                     \
	X(PROGRESS, progress)                                   \
	X(CONNTRACK, conntrack)                                 \
	X(SEEN, seen)                                           \
	X(ROUTES, routes)                                       \
	X(ALERT, alert)                                         \
	X(PACKAGE, package)                                     \
	X(LABEL_POLICY, label_policy)                           \
	X(REQUEST, request)                                     \
	X(FENCED, fenced)                                       \
	X(MEMBER_OF, member_of)                                 \
	X(LABEL, label)                                         \
	X(PROTECTION, protection)                               \
	X(DEFINITION, definition)                               \
	X(RESERVATION, reservation)                             \
	X(ORDER, order)                                         \
	X(CLEARANCE, clearance)                                 \
	X(HISTORY, history)                                     \
	X(ENROLLED, enrolled)                                   \
	X(STD_ACCESS_REQUEST_DEVICE, std_access_request_device) \
	X(STD_ACCESS_REQUEST_IP, std_access_request_ip)         \
	X(STD_ACCESS_REQUEST_MAC, std_access_request_mac)       \
	X(STD_DEVICE_ATTRIBUTE, std_device_attribute)           \
	X(STD_DEVICE_CHARACTERISTIC, std_device_characteristic) \
	X(STD_DEVICE_IP, std_device_ip)                         \
	X(STD_DISCOVERED_BY, std_discovered_by)                 \
	X(STD_ENFORCEMENT_REPORT, std_enforcement_report)       \
	X(STD_EVENT, std_event)                                 \
	X(STD_IP_MAC, std_ip_mac)                               \
	X(STD_LAYER2_INFORMATION, std_layer2_information)       \
	X(STD_UNEXPECTED_BEHAVIOR, std_unexpected_behavior)

enum facts_field_type {
	FACTS_STRING,  /* char * */
	FACTS_NUMBER,  /* guint64 */
	FACTS_BOOLEAN, /* gboolean */
	FACTS_STRINGS, /* char ** */
	FACTS_LIST,    /* GPtrArray * of the structs of `record` */
	FACTS_TIME,    /* guint64, ms since 1970; xsd:dateTime in the map, absent when 0 */
};

struct facts_record;

struct facts_field {
	const char *name; /* element name */
	enum facts_field_type type;
	size_t offset;
	const struct facts_record *record; /* FACTS_LIST only */
	const char *what;                  /* unit, values; for docs/map.md */
};

/* The fields of a struct; `fields` ends with a NULL name. */
struct facts_record {
	size_t size;
	const struct facts_field *fields;
};

struct facts_type {
	const char *name; /* element in facts_ns() */
	enum ifmap_cardinality cardinality;
	enum ifmap_lifetime lifetime;
	const char *on;         /* identifier or link, for docs/map.md */
	const char *publishers; /* roles that may publish it, comma separated */
	const char *readers;
	const char *what;
	struct facts_record record;
};

const struct facts_type *facts_type(enum facts_kind kind);
/* Namespace of its element, and the prefix that filters know it by. */
const char *facts_ns(enum facts_kind kind);
const char *facts_prefix(enum facts_kind kind);
/* By its element's name, FACTS_N_KINDS when it is none of ours or NULL. */
enum facts_kind facts_kind_from_name(const char *name);
/* Kind of a metadata element, FACTS_N_KINDS when it is none of ours. */
enum facts_kind facts_kind_of(const struct ifmap_meta *meta);

/* The struct as metadata. `slot` tells instances of a multiValue kind apart (attribute `slot`);
 * NULL for singleValue. */
struct ifmap_meta *facts_encode(enum facts_kind kind, const void *fact, const char *slot);
/* Fills *ret_fact (owned by the caller, see facts_clear). FALSE with an error that names element
 * and field when a number or boolean is not one; *ret_fact is then cleared. */
gboolean facts_decode(
	enum facts_kind kind, const struct ifmap_meta *meta, void *ret_fact, GError **error);
void facts_clear(enum facts_kind kind, void *fact);
/* An empty list that frees its structs. */
GPtrArray *facts_list_new(void);
/* Appends a zeroed struct for the list field whose element is `field`:
 * facts_list_add(order.members, FACTS_ORDER, "member"). */
void *facts_list_add(GPtrArray *list, enum facts_kind kind, const char *field);
/* A deep copy; *ret_copy is overwritten. */
void facts_copy(enum facts_kind kind, const void *fact, void *ret_copy);
gboolean facts_equal(enum facts_kind kind, const void *a, const void *b);
/* The struct as a JSON object; owned by the caller. */
json_t *facts_to_json(enum facts_kind kind, const void *fact);

/* Appends an update with the kind's own lifetime. `b` NULL: on the identifier. */
void facts_publish(struct ifmap_publish *publish, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const void *fact);
/* The same with lifetime forever, for a kind that agents publish for a session and control for good
 * (IN_FLEET, FABRIC_LINK). */
void facts_publish_forever(struct ifmap_publish *publish, enum facts_kind kind,
	const struct ifmap_id *a, const struct ifmap_id *b, const void *fact);
/* Appends a delete of every metadata of this kind on `a` or the link a-b. */
void facts_unpublish(struct ifmap_publish *publish, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b);
/* Appends a notify: nobody keeps it, those who watch see it. */
void facts_notify(struct ifmap_publish *publish, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const void *fact);
/* Keeps the fact standing (session); fact NULL drops it. See ifmap_client_keep(). */
void facts_keep(struct ifmap_client *client, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *slot, const void *fact);

/* Markdown table of the whole vocabulary (docs/map.md). */
void facts_write_doc(GString *out);

/* ---- identifiers of the model (docs/map.md). Names come from outside; an unusable one gives NULL
 * and an error. ---- */
struct ifmap_id *facts_id_fleet(void);
struct ifmap_id *facts_id_vapp(const char *name, GError **error);
struct ifmap_id *facts_id_segment(const char *name, GError **error);
struct ifmap_id *facts_id_switch(const char *name, GError **error);
/* VM or host: device with the UUID as name. */
struct ifmap_id *facts_id_device(const char *uuid, GError **error);
/* The access-request of a card on a host: "HOST:MAC" (standard metadata hangs on it). */
struct ifmap_id *facts_id_access(const char *host_uuid, const char *mac, GError **error);
/* Name of an extended identifier of ours ("shop" of a vApp), NULL for others. */
const char *facts_id_name(const struct ifmap_id *id);
gboolean facts_id_is(const struct ifmap_id *id, const char *extended_name);

#define FACTS_DECLARE_AUTO(KIND, kind)                                     \
	typedef struct facts_##kind facts_##kind;                          \
	static inline void facts_##kind##_clear(struct facts_##kind *fact) \
	{                                                                  \
		facts_clear(FACTS_##KIND, fact);                           \
	}                                                                  \
	G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(facts_##kind, facts_##kind##_clear)
FACTS_KINDS(FACTS_DECLARE_AUTO)
#undef FACTS_DECLARE_AUTO
