#pragma once
/* What the kernel sees around this host, told to the map: which segments are here, what the uplinks
 * are plugged into. Compares nothing; saying the same twice costs nothing (report.h). One thread.
 */
#include "host/netwatch.h"
#include "host/report.h"

/* segments: segment -> bridge; a segment is here while its bridge carries. uplinks: device ->
 * "NEIGHBOUR[,RISK...]". Both as hostd.conf has them. */
void vicinity_report(struct report *report, const struct netwatch *netwatch, GHashTable *segments,
	GHashTable *uplinks);
