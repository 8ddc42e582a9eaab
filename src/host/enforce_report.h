#pragma once
/* Refusals, gathered: the first of a kind is told at once, the like of it once a second with their
 * number. Bounded in memory and in what it tells for each (tap, rule), so that a flooding guest
 * drowns nobody else. Pure: time comes from the caller.
 */
#include "host/enforce_packet.h"
#include "host/rules.h"

#define ENFORCE_REPORT_INTERVAL_US G_USEC_PER_SEC
#define ENFORCE_REPORT_KINDS_MAX   1024 /* remembered at once */
#define ENFORCE_REPORT_PER_RULE    16 /* kinds told for each (tap, direction, rule) in an interval */

struct enforce_report;

/* `tell` gets the tap, direction ("out", "in"), rule and packet, and how many there were. */
typedef void (*enforce_report_func)(const char *tap, const char *direction, const char *rule,
	const struct enforce_packet *packet, guint count, gpointer data);

struct enforce_report *enforce_report_new(enforce_report_func tell, gpointer data);
void enforce_report_free(struct enforce_report *report);

/* One refused packet; `prefix` is what our log rule wrote (enforce_chains.h). FALSE when it is none
 * of ours. */
gboolean enforce_report_add(struct enforce_report *report, const char *prefix,
	const struct enforce_packet *packet, gint64 now_us);

/* Tells what has been waiting for the interval. TRUE while something is still remembered: call
 * again. */
gboolean enforce_report_tick(struct enforce_report *report, gint64 now_us);
