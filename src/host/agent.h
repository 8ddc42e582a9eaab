#pragma once
/* The host agent: what drover-hostd does between its configuration and its end.
 *
 *   libvirt ─ virt ──> inventory ─┐                 ┌─> report ─> map
 *   kernel ─ netwatch ─> vicinity ┼─> agent (look) ─┼─> guard ──> enforcer
 *   map ─ windows ─> book ────────┘                 └─> carry ──> virt
 *   libvirt's hook ─> porter ─> gate, guard
 *
 * Each part holds its own state; the agent makes them known to each other, and after any number of
 * changes has one look at everything. It runs wholly on the default GMainContext.
 */
#include "base/conf.h"
#include "ifmap/conf.h"

struct agent_conf {
	char *name; /* empty: the host name */
	char *site;
	char *libvirt;      /* URI of the local libvirtd */
	char *libvirt_peer; /* URI under which other hosts reach it */
	struct ifmap_conf map;
	char *enforcer; /* socket of drover-enforcer */
	char *gate;     /* socket for the hook */
	char *state_dir;
	char *seal_key;     /* file: PEM public key */
	char *user;         /* to run as */
	guint64 memory_mib; /* offered to guests; 0: all but an eighth */
	guint64 cpus;       /* offered; 0: eight virtual ones a core */
	gboolean admit_unclaimed;
	char *admit_when_down; /* read by the hook */
	char *routed;          /* bridges that share the host's own conntrack zone */
	GHashTable *segments;  /* segment -> bridge */
	GHashTable *uplinks;   /* device -> neighbour[,risk...] */
};

extern const struct base_conf_option AGENT_OPTIONS[];

struct agent;

/* Connects to nothing yet but opens the gate and reads the book; `conf` is borrowed. NULL with an
 * error that says what to mend. */
struct agent *agent_new(const struct agent_conf *conf, GError **error);
void agent_free(struct agent *agent);
