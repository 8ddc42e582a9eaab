#pragma once
/* The world as plain values: hosts, machines, vApps, switches, cables, the label policy and the
 * verdicts so far, kept up to date one fact at a time.
 *
 * A world stores the facts it was told (facts/facts.h) and, over them, objects that point at those
 * facts; a pointer that is NULL means that the fact does not stand. What was read from one fact
 * changes only when that fact changes, and every change says which hosts and vApps it touches, so
 * that only those need judging again. The same facts, in whatever order they came, give the same
 * world; its snapshot (world_to_json) is the list of its facts.
 *
 * Ownership: the world owns everything one can reach from it; objects live until the next change
 * of the world, no longer. One thread at a time, readers included (the fabric is made on demand).
 * Nothing here does I/O or knows a clock.
 *
 * A link of the map has no direction, and a machine and a host are both devices: a fact between
 * two devices counts from the moment that another fact tells which of them is the host.
 */
#include "fabric/fabric.h"
#include "facts/facts.h"
#include "label/policy.h"
#include "vapp/vapp.h"

#define WORLD_ERROR (world_error_quark())
GQuark world_error_quark(void);

enum world_error {
	WORLD_ERROR_FACT,     /* a fact that cannot be read, or that hangs in a place it cannot */
	WORLD_ERROR_SNAPSHOT, /* a snapshot that is none */
};

/* The switch of this name, if there is one, is the way out of the fleet. */
#define WORLD_OUTSIDE "outside"

struct world_host;
struct world_machine;

/* A machine and a host that have to do with each other. */
struct world_copy {
	struct world_host *host;
	struct world_machine *machine;
	const struct facts_runs_on *runs_on;
	const struct facts_enforced *enforced;
	const struct facts_reservation *reservation;
	const struct facts_progress *progress;
	const struct facts_seen *seen;
	unsigned n_facts;
};

struct world_host {
	char *uuid;
	unsigned n_facts; /* that it is made of */
	const struct facts_in_fleet *in_fleet;
	const struct facts_host *fact;
	const struct facts_capacity *capacity;
	const struct facts_history *history;
	const struct facts_fenced *fenced;
	const struct facts_enrolled *enrolled;
	const struct facts_routes *routes;
	GHashTable *segments; /* name → const struct facts_segment_present * */
	GPtrArray *copies;    /* struct world_copy *, in order of machine UUID */
};

struct world_machine {
	char *uuid;
	unsigned n_facts;
	char *vapp; /* that it is a member of, or NULL */
	const struct facts_member_of *member_of;
	const struct facts_label *label;
	const struct facts_protection *protection;
	const struct facts_definition *definition;
	GPtrArray *copies; /* struct world_copy *, in order of host UUID */
};

struct world_vapp {
	char *name;
	unsigned n_facts;
	const struct facts_in_fleet *in_fleet;
	const struct facts_package *package;
	struct vapp *vapp;    /* the package, read; NULL when there is none or it cannot be read */
	char *error;          /* why it cannot be read */
	GHashTable *machines; /* UUID → const struct vapp_machine * of `vapp` */
	const struct facts_request *request;
	const struct facts_order *order;
	GHashTable *clearances; /* host UUID → const struct facts_clearance * */
};

struct world;

struct world *world_new(void);
void world_free(struct world *world);
typedef struct world world_value; /* for g_auto */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(world_value, world_free)

/* What a change has touched: verdicts about these hosts (for every vApp) and about these vApps (on
 * every host) may differ now. Sets of strings, filled by several changes in a row. */
struct world_touched {
	GHashTable *hosts;   /* UUIDs */
	GHashTable *vapps;   /* names */
	GHashTable *orders;  /* names of vApps whose request, order or progress is news */
	gboolean everything; /* fabric between switches, label policy, ... */
};
void world_touched_init(struct world_touched *touched);
void world_touched_reset(struct world_touched *touched); /* empty again */
void world_touched_clear(struct world_touched *touched);
gboolean world_touched_is_empty(const struct world_touched *touched);
typedef struct world_touched world_touched; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(world_touched, world_touched_clear)

/* A metadata instance came to stand on `a` or on the link a-b, or replaced the one before. Kinds
 * that the world has no use for are passed over. `touched` may be NULL. FALSE with an error: it
 * cannot be read; the world is then as if nothing stood there. */
gboolean world_add(struct world *world, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, struct world_touched *touched, GError **error);
/* It ceased to stand. FALSE: nothing changed, because the world has no such fact or a newer one. */
gboolean world_remove(struct world *world, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, struct world_touched *touched);

/* A result of the search or subscription of world/window.h, item by item; notifications are passed
 * over. A subscription's first result (IFMAP_RESULT_SEARCH) belongs into a new world. FALSE with
 * an error: a fact of it cannot be read (the first is told); all the others are applied. */
gboolean world_apply_result(struct world *world, const struct ifmap_result *result,
	struct world_touched *touched, GError **error);

/* Single facts as plain values. A place is written "device:UUID", "vapp:NAME", "segment:NAME",
 * "switch:NAME", "mac:ADDRESS" or "fleet:default"; `b` is NULL for a fact on an identifier. The
 * fact is copied; fact NULL: it ceased to stand. FALSE: this kind does not hang there, or the world
 * has no use for it. */
gboolean world_put(struct world *world, enum facts_kind kind, const char *a, const char *b,
	const void *fact, struct world_touched *touched);
/* The fact that stands there, or NULL; a and b in either order. */
const void *world_get(
	const struct world *world, enum facts_kind kind, const char *a, const char *b);
size_t world_n_facts(const struct world *world);

/* When the world was last known to be what the map says, wall clock, ms; 0: never said. Facts stay
 * in the world while its keeper has lost the map: this is how one knows that they are old. */
void world_set_as_of(struct world *world, guint64 as_of_ms);
guint64 world_as_of(const struct world *world);

/* By UUID, or by name (the first by UUID, if several bear it); NULL: none. */
const struct world_host *world_find_host(const struct world *world, const char *uuid_or_name);
const struct world_machine *world_find_machine(const struct world *world, const char *uuid);
/* A machine of a vApp by its name in the package. */
const struct world_machine *world_find_member(
	const struct world *world, const char *vapp, const char *machine);
const struct world_vapp *world_find_vapp(const struct world *world, const char *name);
/* Machine on host, or NULL. */
const struct world_copy *world_find_copy(
	const struct world *world, const char *machine_uuid, const char *host_uuid);

/* All of them, by UUID or name; the array is the caller's, its entries are not. */
GPtrArray *world_hosts(const struct world *world);
GPtrArray *world_machines(const struct world *world);
GPtrArray *world_vapps(const struct world *world);

/* A cable: the facts' places, "device:UUID" or "switch:NAME". */
struct world_cable {
	const char *a;
	const char *b;
	const struct facts_fabric_link *link;
};
/* All of them, in order; struct world_cable. The array is the caller's, what it points at is not.
 */
GArray *world_cables(const struct world *world);
/* Whether facts know a switch of that name. */
gboolean world_has_switch(const struct world *world, const char *name);

/* Its agent stands: it is in the fleet and says who it is. Both vanish with the agent's session. */
gboolean world_host_alive(const struct world_host *host);
/* An operator says that it is switched off, and its agent has not been heard since. */
gboolean world_host_off(const struct world_host *host);
/* For people: the name its agent gives or last gave, else the UUID. Never NULL. */
const char *world_host_name(const struct world_host *host);
/* The vApp's name for it, else the domain's name, else the UUID. */
const char *world_machine_name(const struct world_machine *machine);
/* The label in force: the one control resolved, else the package's; NULL: none. */
const char *world_machine_label(const struct world *world, const struct world_machine *machine);
/* Memory is taken on that host: running, paused or moving. */
gboolean world_copy_active(const struct world_copy *copy);
/* The vApp it belongs to, or that its domain claims; NULL: none. */
const char *world_machine_vapp(const struct world_machine *machine);
/* Where it is active; NULL: nowhere, or in more than one place. */
const struct world_copy *world_machine_active(const struct world_machine *machine);

/* NULL: no policy, or (error not NULL) one that cannot be read. */
const struct label_policy *world_label_policy(const struct world *world, const char **ret_error);

/* Hosts (named by UUID), switches, segments ("segment:NAME") and what joins them. WORLD_OUTSIDE is
 * always a node of it: the switch of that name where the facts have one; where they have none,
 * leaving the fleet is possible at every switch, so it is joined to each. Cables are named "A–s1"
 * after what they join. Lives until the next change of a fact it is made of;
 * world_fabric_serial() changes when it does. */
const struct fabric *world_fabric(const struct world *world);
guint64 world_fabric_serial(const struct world *world);

/* Snapshot: {"format": "drover-world-1", "as-of-ms": n, "facts": [{"kind", "a", "b", "host",
 * "fact"}]}; "host" says which of two devices is the host, where that is known. Sorted, so that
 * equal worlds give equal text. Owned by the caller. */
json_t *world_to_json(const struct world *world);
/* NULL with an error that names the entry and the field. */
struct world *world_from_json(const json_t *json, GError **error);
