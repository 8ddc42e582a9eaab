#pragma once
/* Sets of addresses and numbers as intervals of bytes, most significant first: the one form in
 * which rules are written, so that what is read back can be compared. Pure.
 *
 * A list is a GArray of struct enforce_interval, all of one size.
 */
#include "host/rules.h"

#define ENFORCE_INTERVAL_SIZE 16

/* `low` to `high`, both included: the first `size` bytes count. */
struct enforce_interval {
	guint8 size;
	guint8 low[ENFORCE_INTERVAL_SIZE];
	guint8 high[ENFORCE_INTERVAL_SIZE];
};

/* An empty list; g_array_unref() frees it. */
GArray *enforce_interval_list(void);

void enforce_interval_add_bytes(GArray *list, const void *bytes, guint8 size);
/* Numbers of `size` bytes, 1 to 8. */
void enforce_interval_add_range(GArray *list, guint64 low, guint64 high, guint8 size);
void enforce_interval_add_prefix(GArray *list, const struct rules_prefix *prefix);
/* The prefixes of a family. */
void enforce_interval_add_prefixes(GArray *list, const GArray *prefixes, guint8 family);

/* Puts the list in order and joins what overlaps or touches: the kernel takes no overlapping
 * intervals. */
void enforce_interval_join(GArray *list);

/* The first value above the interval, in `after`; FALSE when there is none. */
gboolean enforce_interval_after(
	const struct enforce_interval *interval, guint8 after[ENFORCE_INTERVAL_SIZE]);
