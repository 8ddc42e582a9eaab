/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a client keeps standing on the map, and which of it the server does not know yet.
 *
 * A slot is (element, type, slot name); it holds the metadata kept there, or nothing once dropped.
 * Every change has a number, in order; _take hands out the changes up to a number, _take_all
 * everything that stands (for a new session, which starts empty). A change that was superseded
 * before it was taken is never handed out. Plain value, one owner; the caller locks. A `struct
 * ifmap_kept` is immutable and shared (atomic references).
 */
#include "ifmap/publish.h"

struct ifmap_ledger;

/* One slot at one moment. */
struct ifmap_kept {
	gint refs;
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: on the identifier */
	char *ns;
	char *name;
	char *slot;              /* NULL: all of our metadata of the type */
	struct ifmap_meta *meta; /* NULL: dropped */
};

struct ifmap_kept *ifmap_kept_new(
	const struct ifmap_id *a, const struct ifmap_id *b, const struct ifmap_meta *meta);
/* The same for a slot that is dropped. */
struct ifmap_kept *ifmap_kept_new_dropped(
	const struct ifmap_id *a, const struct ifmap_id *b, const char *ns, const char *name);
/* Names the slot; only before the value is shared. */
void ifmap_kept_set_slot(struct ifmap_kept *kept, const char *slot);
struct ifmap_kept *ifmap_kept_ref(struct ifmap_kept *kept);
void ifmap_kept_unref(struct ifmap_kept *kept);

struct ifmap_ledger *ifmap_ledger_new(void);
void ifmap_ledger_free(struct ifmap_ledger *ledger);

/* Takes `kept` over as the slot's content. Returns the number of this change; what the slot holds
 * already is no change, and the number is that of the change that put it there. */
guint64 ifmap_ledger_put(struct ifmap_ledger *ledger, struct ifmap_kept *kept);
/* Number of the last change, 0 if none. */
guint64 ifmap_ledger_last(const struct ifmap_ledger *ledger);
size_t ifmap_ledger_n_slots(const struct ifmap_ledger *ledger);

/* struct ifmap_kept *, in the order of their changes; the array owns its references. */
GPtrArray *ifmap_ledger_take(struct ifmap_ledger *ledger, guint64 up_to);
GPtrArray *ifmap_ledger_take_all(struct ifmap_ledger *ledger);
