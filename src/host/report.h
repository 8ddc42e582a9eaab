#pragma once
/* What this host tells the map. Each function says one fact; saying the same twice costs nothing on
 * the wire.
 *
 * Facts stand for as long as the session does and are said again in every new one
 * (ifmap_client_keep). Alerts are kept by the map for good. Structs are borrowed for the call. One
 * thread.
 */
#include "facts/facts.h"

struct report;

/* `client` is borrowed and must outlive the report. */
struct report *report_new(struct ifmap_client *client, const char *host_uuid);
void report_free(struct report *report);

void report_host(struct report *report, const struct facts_host *fact);
void report_capacity(struct report *report, const struct facts_capacity *fact);
/* fact NULL: no longer there. The same for all that follow. */
void report_segment(
	struct report *report, const char *segment, const struct facts_segment_present *fact);
void report_uplink(
	struct report *report, const char *neighbour, const struct facts_fabric_link *fact);
void report_machine(struct report *report, const char *uuid, const struct facts_runs_on *fact);
void report_card(
	struct report *report, const char *uuid, const char *mac, const struct facts_card *fact);
void report_enforced(struct report *report, const char *uuid, const struct facts_enforced *fact);
void report_progress(struct report *report, const char *uuid, const struct facts_progress *fact);
void report_conntrack(struct report *report, const char *uuid, const struct facts_conntrack *fact);
void report_seen(struct report *report, const char *uuid, const struct facts_seen *fact);
void report_routes(struct report *report, const struct facts_routes *fact);
/* Adds `count` packets to what was said of this machine, direction, peer, protocol, port and rule.
 * At most REPORT_REFUSED_MAX such rows a machine; the one longest silent makes room. */
#define REPORT_REFUSED_MAX 64
void report_refused(struct report *report, const char *uuid, const struct facts_refused *refused);
/* Forgets what was refused to a machine that has left. */
void report_refused_forget(struct report *report, const char *uuid);
/* About the host itself. */
void report_alert(struct report *report, const struct facts_alert *alert);
