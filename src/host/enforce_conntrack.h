#pragma once
/* The kernel's connection tracking table, through libnetfilter_conntrack. Blocking, and short: a
 * dump of 65536 entries takes tens of milliseconds.
 */
#include "host/enforce_flow.h"

/* A connection of one of the machines. */
typedef void (*enforce_conntrack_func)(
	const struct enforce_flow *flow, const struct rules_machine *machine, gpointer data);

/* Calls `seen` for each connection of each of the machines (struct rules_machine), in their zones.
 * One pass over the kernel's table, which costs milliseconds however few are asked for. */
gboolean enforce_conntrack_dump(
	GPtrArray *machines, enforce_conntrack_func seen, gpointer data, GError **error);

/* Enters the flows (struct enforce_flow), or brings them up to date. Later packets are taken
 * whatever their TCP window: the window that the connection had is not known here. How many were
 * entered; when that is not all of them, *error is set to why the last one was not. */
guint enforce_conntrack_load(const GArray *flows, GError **error);

/* Forgets the connections of the machines for which `forget` says so; tells how many. */
typedef gboolean (*enforce_conntrack_choice)(
	const struct enforce_flow *flow, const struct rules_machine *machine, gpointer data);
gboolean enforce_conntrack_forget(GPtrArray *machines, enforce_conntrack_choice forget,
	gpointer data, guint *ret_n, GError **error);
