#pragma once
/* What the kernel sees around this host, told to the map: which segments are here, what the uplinks
 * are plugged into, where the host's own packets go, and with which addresses its machines are
 * really seen (facts, and the standard's own metadata).
 *
 * Watches by itself (netwatch.h); tells nothing before vicinity_open(). Compares nothing that is
 * cheap to say; saying the same twice costs nothing (report.h). Acts on nothing. One thread.
 */
#include "host/guard.h"
#include "host/netwatch.h"
#include "host/report.h"
#include "host/standard.h"

#define VICINITY_ROUTES_MAX    64 /* of the host that are told; the most general ones */
#define VICINITY_ADDRESSES_MAX 64 /* of the host's own */

struct inventory;
struct vicinity;

/* segments: segment -> bridge; a segment is here while its bridge carries. uplinks: device ->
 * "NEIGHBOUR[,RISK...]". Both as hostd.conf has them, and borrowed. */
struct vicinity *vicinity_new(GHashTable *segments, GHashTable *uplinks, GError **error);
void vicinity_free(struct vicinity *vicinity);
/* Begins to tell; both are borrowed and must outlive the vicinity. */
void vicinity_open(struct vicinity *vicinity, struct report *report, struct standard *standard);

/* Machines, what they declare, or what is enforced for them may have changed. */
void vicinity_look(struct vicinity *vicinity, const struct inventory *inventory,
	const struct book *book, const struct guard *guard);
/* The MAC of the machine's card at this tap; NULL: not known. Borrowed until the next look. */
const char *vicinity_mac(const struct vicinity *vicinity, const char *uuid, const char *tap);
/* A packet of the machine was refused because of the address it came with. */
void vicinity_refused(struct vicinity *vicinity, const char *uuid, const char *address);

/* The segment that the bridge carries; NULL: none. */
const char *vicinity_segment(GHashTable *segments, const char *bridge);
