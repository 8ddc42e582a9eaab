#pragma once
/* What all machines share: the two tables, their base chains, and the bridges with their conntrack
 * zones. Pure.
 *
 * The two back ends differ only in where connection tracking looks at bridged packets and leaves
 * its finding in the mark:
 *
 *   bridge-ct      the bridge family's own conntrack (stock Debian kernels)
 *   br-netfilter   the inet family's, to which br_netfilter shows bridged packets (kernels without
 * bridge conntrack)
 *
 * Both also look at what the host itself sends or routes into our bridges (inet output and
 * forward).
 */
#include "host/enforce_chains.h"

struct enforce_backend {
	const char *name;
	/* Appends what puts the back end's special needs into a scratch table, then deletes it. */
	void (*add_probe)(struct enforce_batch *batch);
	/* Sysctls under /proc/sys that must be 1, NULL-terminated. */
	const char *const *sysctls;
	/* Whether the bridge table too knows bridges and zones. */
	gboolean in_bridge;
	void (*add_state)(struct enforce_batch *batch);
};

/* In the order of preference, ended by an empty row. */
extern const struct enforce_backend enforce_backends[];

/* Appends both tables without machines: idempotent. */
void enforce_base_add(struct enforce_batch *batch, const struct enforce_backend *backend);

/* Appends what takes both tables (and the emergency one) away, whether they are there or not. */
void enforce_base_delete(struct enforce_batch *batch);

/* The emergency table: nothing to or from its taps, in a few rules that load at once however many
 * machines there are. It stands until the next enforce_base_delete(), beside or without the other
 * tables. */
void enforce_base_shut(struct enforce_batch *batch);
void enforce_base_shut_tap(struct enforce_batch *batch, const char *tap);

void enforce_base_add_bridge(struct enforce_batch *batch, const struct enforce_backend *backend,
	const char *bridge, guint16 zone);
void enforce_base_delete_bridge(
	struct enforce_batch *batch, const struct enforce_backend *backend, const char *bridge);
