#pragma once
/* Conntrack zones: which bridge has which. Pure.
 *
 * The same address may mean different machines on two bridges, so each bridge has a zone of its
 * own, made from its name: it is the same after every restart, whatever other bridges come and go
 * (but for two whose names fall on one number, of which the later in the alphabet gives way). Zones
 * are this host's business: connections that are carried to another host are told without one.
 */
#include <glib.h>

/* The zone of `bridge` beside `bridges` (NULL-terminated, in any order), 1..65535; 0, the host's
 * own, when it is among `routed` (NULL-terminated): what the host itself routes or translates is
 * looked for there. */
guint16 rules_zone_of(const char *bridge, const char *const *bridges, const char *const *routed);
