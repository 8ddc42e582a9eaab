#pragma once
/* The machines of this host as libvirt has them: the one copy of that state, told to the map as it
 * changes (runs-on, nic, capacity).
 *
 * Filled by inventory_update() from host/virt's events. It is settled once libvirtd has told every
 * domain; until then nobody may conclude that a machine is absent, and the capacity is not told.
 * One thread; pointers returned are borrowed until the next update.
 */
#include "host/domxml.h"
#include "host/report.h"
#include "host/virt.h"

struct inventory_machine {
	struct virt_domain virt; /* first: what carry_look() expects */
	struct domxml *domain;   /* what its XML says; NULL when it cannot be read */
	char *vapp;              /* by its own metadata; NULL when it names none */
	const char *seal;        /* none, valid, invalid */
	guint64 since_ms;        /* in this state, wall clock */
	gboolean told;           /* since libvirtd was last found */
};

struct inventory;

/* All borrowed; they must outlive the inventory. */
struct inventory_parts {
	struct report *report;
	const char *host_uuid;
	GHashTable *segments; /* segment -> bridge */
	const char *seal_key; /* PEM of the public key */
	guint64 cpus;         /* offered, virtual ones; 0: eight a core */
	guint64 memory_mib;   /* offered; 0: all but an eighth of the host's */
};

struct inventory *inventory_new(const struct inventory_parts *parts);
void inventory_free(struct inventory *inventory);

/* What the host has, from libvirt; told when the inventory is settled. */
void inventory_set_host(struct inventory *inventory, const struct virt_host *host);
void inventory_update(struct inventory *inventory, const struct virt_domain *domain);
/* TRUE: libvirtd has told all it has, so machines that it has not told are gone. FALSE: it went. */
void inventory_settle(struct inventory *inventory, gboolean settled);
gboolean inventory_settled(const struct inventory *inventory);

/* It runs, is paused or is being moved. */
gboolean inventory_is_present(const struct inventory_machine *machine);
/* uuid -> struct inventory_machine * (which begins with a struct virt_domain). */
GHashTable *inventory_machines(const struct inventory *inventory);
/* UUIDs of the machines that run, are paused or are being moved: a set; unref it, the keys are
 * borrowed. */
GHashTable *inventory_present(const struct inventory *inventory);
