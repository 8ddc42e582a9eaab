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
	/* Appends the commands that load the back end's special needs into a scratch table, then
	 * delete it. */
	void (*add_probe)(json_t *commands);
	/* Sysctls under /proc/sys that must be 1, NULL-terminated. */
	const char *const *sysctls;
	/* Families of the tables that hold the zones, NULL-terminated. */
	const char *const *zone_families;
	void (*add_state)(json_t *commands);
};

/* In the order of preference, ended by an empty row. */
extern const struct enforce_backend enforce_backends[];

/* Appends the commands for both tables without machines: idempotent. */
void enforce_base_add(json_t *commands, const struct enforce_backend *backend);

/* Appends what takes both tables (and the emergency one) away, whether they are there or not. */
void enforce_base_delete(json_t *commands);

/* The emergency table: nothing to or from the taps (array of text, which it takes), in a few rules
 * that load in milliseconds however many machines there are. It stands until the next
 * enforce_base_delete(), beside or without the other tables. */
void enforce_base_shut(json_t *commands, json_t *taps);

void enforce_base_add_bridge(
	json_t *commands, const struct enforce_backend *backend, const char *bridge, guint16 zone);
void enforce_base_delete_bridge(
	json_t *commands, const struct enforce_backend *backend, const char *bridge);
