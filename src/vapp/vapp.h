#pragma once
/* An application as plain values: its machines, networks, and the protection that is bound to it.
 *
 * A struct vapp owns everything below it; vapp_free() frees it all. Strings are UTF-8, owned by the
 * struct they stand in, NULL when absent unless the field says otherwise. Arrays are never NULL in
 * what a reader or vapp_new() returns. `line` says where in its file a thing stood, 0 when it came
 * from no file; it takes no part in equality. Nothing here does I/O or knows a clock; values may be
 * read by many threads while none writes.
 *
 * Names: machines and tiers share one name space, so that a flow's endpoint needs no more than a
 * name; "outside" is reserved. A name is 1 to 63 of [A-Za-z0-9._-] and starts with a letter or
 * digit.
 */
#include <glib.h>

#include "vapp/addr.h"

#define VAPP_ERROR (vapp_error_quark())
GQuark vapp_error_quark(void);

enum vapp_error {
	VAPP_ERROR_INVALID,     /* the package contradicts itself or a limit */
	VAPP_ERROR_UNSUPPORTED, /* it demands something that we do not do */
	VAPP_ERROR_DIGEST,      /* content differs from its manifest */
	VAPP_ERROR_SEAL,        /* no seal, or one that does not hold */
	VAPP_ERROR_IO,          /* a file could not be read or written */
};

#define VAPP_OUTSIDE "outside"

enum vapp_protocol {
	VAPP_PROTOCOL_TCP,
	VAPP_PROTOCOL_UDP,
	VAPP_PROTOCOL_ICMP, /* ICMP on IPv4, ICMPv6 on IPv6 */
	VAPP_PROTOCOL_ANY,  /* any protocol over IP */
};

/* Both ends count; 1 to 65535. */
struct vapp_ports {
	guint16 first;
	guint16 last;
};

struct vapp_property {
	char *key;
	char *value; /* never NULL */
	unsigned line;
};

struct vapp_network {
	char *name;
	char *description;
	unsigned line;
};

struct vapp_nic {
	char *network; /* name of a struct vapp_network */
	char *mac;     /* canonical (vapp_mac_canonical), or NULL: the host chooses, nothing can be
			  enforced on it */
	GArray *ips;   /* struct vapp_prefix: addresses with the length of their network */
	unsigned line;
};

enum vapp_disk_kind {
	VAPP_DISK_DISK,
	VAPP_DISK_CDROM,
};

struct vapp_disk {
	enum vapp_disk_kind kind;
	char *href;   /* file of the package, or NULL: an empty disk of `capacity` */
	char *format; /* "qcow2", "raw", "vmdk", else the URI of the package's disk format; NULL
			 unknown */
	guint64 capacity_size; /* bytes; 0: that of the file */
	unsigned line;
};

/* Direct kernel boot; kernel NULL: from the first disk. */
struct vapp_boot {
	char *kernel;  /* href */
	char *initrd;  /* href */
	char *cmdline; /* with ${property}; expand with vapp_machine_cmdline() */
	unsigned line;
};

struct vapp_machine {
	char *name;  /* OVF id of the virtual system */
	char *title; /* the package's human name */
	char *tier;
	char *uuid; /* lower case; NULL: vapp_machine_uuid() derives one */
	unsigned memory_mib;
	unsigned n_vcpus;
	char *cpu_model;    /* libvirt's name; NULL: default */
	char *machine_type; /* QEMU's versioned name; NULL: default */
	GPtrArray *disks;   /* struct vapp_disk */
	GPtrArray *nics;    /* struct vapp_nic */
	struct vapp_boot boot;
	char *label;            /* overrides the vApp's */
	unsigned start_order;   /* 0: any time; else lower starts first */
	unsigned start_delay_s; /* wait after this machine before the next order starts */
	unsigned stop_delay_s;
	GPtrArray *properties; /* struct vapp_property, sorted by key */
	unsigned line;
};

/* One end of a flow: a tier, a machine, or the outside. */
struct vapp_endpoint {
	char *name;      /* tier or machine or VAPP_OUTSIDE */
	GArray *outside; /* struct vapp_prefix, only for the outside; empty means everybody:
			    0.0.0.0/0 and ::/0 */
};

/* An allowed connection: `from` opens it, answers flow back. */
struct vapp_flow {
	char *id;
	struct vapp_endpoint from, to;
	char *network; /* only on this network; NULL: on every network both ends have */
	enum vapp_protocol protocol;
	GArray *ports; /* struct vapp_ports of `to`, sorted, disjoint; empty: all, and always so for
			  icmp and any */
	unsigned n_paths; /* how many disjoint paths the fabric must offer; at least 1 */
	unsigned line;
};

enum vapp_placement_kind {
	VAPP_PLACEMENT_APART,      /* subjects' machines on pairwise different hosts; no values */
	VAPP_PLACEMENT_TOGETHER,   /* subjects' machines on one host; no values */
	VAPP_PLACEMENT_SITES,      /* subjects' machines only at one of the sites in values */
	VAPP_PLACEMENT_NEVER_WITH, /* subjects' machines on no host that runs a vApp or label in
				      values */
};

struct vapp_placement {
	enum vapp_placement_kind kind;
	GPtrArray *subjects; /* char *: tiers and machines; empty: all machines */
	GPtrArray *values;   /* char * */
	unsigned line;
};

enum vapp_duty_kind {
	VAPP_DUTY_BOOT,    /* measured boot */
	VAPP_DUTY_MEMORY,  /* kernel in guest memory */
	VAPP_DUTY_DISK,    /* disk content */
	VAPP_DUTY_CONTENT, /* appliance content, such as its rule sets */
};

struct vapp_duty {
	enum vapp_duty_kind kind;
	GPtrArray *subjects; /* char *: tiers and machines; empty: all machines */
	unsigned interval_s; /* at least 1 */
	unsigned line;
};

/* Which protections come from a profile; resolved elsewhere. id NULL: none. */
struct vapp_profile_ref {
	char *id;
	char *version;
	char *href;
	unsigned line;
};

struct vapp {
	char *name;
	char *version; /* never NULL; "0" when the package gives none */
	char *product;
	GPtrArray *machines;   /* struct vapp_machine */
	GPtrArray *networks;   /* struct vapp_network */
	GPtrArray *flows;      /* struct vapp_flow */
	GPtrArray *placements; /* struct vapp_placement */
	GPtrArray *duties;     /* struct vapp_duty */
	GPtrArray *properties; /* struct vapp_property, sorted by key */
	char *label;
	struct vapp_profile_ref profile;
	unsigned line;
};

/* Empty values to fill; `name` and friends are copied. */
struct vapp *vapp_new(const char *name, const char *version);
struct vapp_machine *vapp_machine_new(const char *name);
struct vapp_nic *vapp_nic_new(const char *network, const char *mac);
struct vapp_disk *vapp_disk_new(enum vapp_disk_kind kind, const char *href);
struct vapp_network *vapp_network_new(const char *name);
struct vapp_flow *vapp_flow_new(const char *id, const char *from, const char *to);
struct vapp_placement *vapp_placement_new(enum vapp_placement_kind kind);
struct vapp_duty *vapp_duty_new(enum vapp_duty_kind kind, unsigned interval_s);
struct vapp_property *vapp_property_new(const char *key, const char *value);

void vapp_free(struct vapp *vapp);
void vapp_machine_free(struct vapp_machine *machine);
void vapp_nic_free(struct vapp_nic *nic);
void vapp_disk_free(struct vapp_disk *disk);
void vapp_network_free(struct vapp_network *network);
void vapp_flow_free(struct vapp_flow *flow);
void vapp_placement_free(struct vapp_placement *placement);
void vapp_duty_free(struct vapp_duty *duty);
void vapp_property_free(struct vapp_property *property);

/* g_autoptr(vapp_value) vapp = ...: a typedef named vapp would shadow every variable of that name.
 */
typedef struct vapp vapp_value;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(vapp_value, vapp_free)

/* ---- names of the enums ("tcp", "never-with"); from_string returns FALSE for others ---- */

const char *vapp_protocol_to_string(enum vapp_protocol protocol);
gboolean vapp_protocol_from_string(const char *text, enum vapp_protocol *ret_protocol);
const char *vapp_placement_kind_to_string(enum vapp_placement_kind kind);
gboolean vapp_placement_kind_from_string(const char *text, enum vapp_placement_kind *ret_kind);
const char *vapp_duty_kind_to_string(enum vapp_duty_kind kind);
gboolean vapp_duty_kind_from_string(const char *text, enum vapp_duty_kind *ret_kind);

/* "80,8000-8010"; "" for an empty array. From text: sorted, overlaps joined, NULL if not ports;
 * owned by the caller. */
char *vapp_ports_to_string(const GArray *ports);
GArray *vapp_ports_from_string(const char *text);

/* ---- finding; borrowed, NULL when there is none ---- */

const struct vapp_machine *vapp_find_machine(const struct vapp *vapp, const char *name);
const struct vapp_machine *vapp_find_machine_by_mac(const struct vapp *vapp, const char *mac);
const struct vapp_network *vapp_find_network(const struct vapp *vapp, const char *name);
const struct vapp_flow *vapp_find_flow(const struct vapp *vapp, const char *id);
gboolean vapp_has_tier(const struct vapp *vapp, const char *name);

/* The machines that `name` (tier or machine) stands for, in the vApp's order. The array is the
 * caller's, the machines are borrowed; empty for unknown names and for the outside. name NULL: all
 * machines. */
GPtrArray *vapp_select(const struct vapp *vapp, const char *name);
/* The same for a list of subjects, without doubles; an empty list: all machines. */
GPtrArray *vapp_select_subjects(const struct vapp *vapp, const GPtrArray *subjects);

/* All machines in the order in which they start: by start_order, 0 last, then as they stand in the
 * package. */
GPtrArray *vapp_startup_order(const struct vapp *vapp);

/* ---- what follows for one machine ---- */

const char *vapp_machine_label(
	const struct vapp *vapp, const struct vapp_machine *machine); /* own, else the vApp's */

/* The machine's own UUID, or UUIDv5 in Drover's name space over "VAPP/MACHINE"; newly allocated,
 * lower case. */
char *vapp_machine_uuid(const struct vapp *vapp, const struct vapp_machine *machine);

/* Gives every card without a MAC one that follows from the names of vApp and machine and the card's
 * number. */
void vapp_assign_macs(struct vapp *vapp);

/* The command line with every ${key} replaced: machine's properties first, then the vApp's, then
 * the built-in
 * ${drover.name} (machine) and ${drover.net} (MAC,IP/LEN,IP/LEN;MAC,...). "$$" gives "$". NULL with
 * an error for an unknown key; "" when the machine has no command line. */
char *vapp_machine_cmdline(
	const struct vapp *vapp, const struct vapp_machine *machine, GError **error);

/* ---- the whole ---- */

/* Whether the values make sense together: names well-formed and unique, every reference resolved,
 * MACs and addresses unique, ports in range, no empty vApp, command lines expandable ... The first
 * thing wrong is the error: "SOURCE:LINE: <Element>: why" (the line only if known). */
gboolean vapp_validate(const struct vapp *vapp, const char *source, GError **error);

/* Every field but the lines as text, one per row, for people, golden files and equality; newly
 * allocated. */
char *vapp_to_text(const struct vapp *vapp);
gboolean vapp_equal(const struct vapp *a, const struct vapp *b);
