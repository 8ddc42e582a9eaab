#pragma once
/* The kernel's connection tracking table, through libnetfilter_conntrack. Blocking, and short: a
 * dump of 65536 entries takes tens of milliseconds.
 */
#include "host/enforce_flow.h"

/* Appends the machine's connections (struct enforce_flow), in its zones, at most ENFORCE_FLOWS_MAX.
 */
gboolean enforce_conntrack_dump(const struct rules_machine *machine, GArray *flows, GError **error);

/* Enters the flow, or brings it up to date. Later packets are taken whatever their TCP window: the
 * window that the connection had is not known here. */
gboolean enforce_conntrack_load(const struct enforce_flow *flow, GError **error);

/* Forgets the flow; one that is gone already is fine. */
gboolean enforce_conntrack_delete(const struct enforce_flow *flow, GError **error);

/* Forgets those of the machine's connections that its rules do not permit, or (NULL rules) all;
 * tells how many. */
enum enforce_conntrack_which { ENFORCE_CONNTRACK_ALL, ENFORCE_CONNTRACK_UNPERMITTED };
gboolean enforce_conntrack_flush(const struct rules_machine *machine,
	enum enforce_conntrack_which which, guint *ret_n, GError **error);
