/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Kept metadata as a publish request.
 *
 * How an old instance is addressed: by type, publisher and, where the slot has a name, by the
 * metadata's own attribute `slot`; so a client touches nobody's metadata but its own. A request
 * made here may be applied twice.
 */
#include "ifmap/ledger.h"

struct ifmap_keeppub {
	struct ifmap_publish *publish;
	GPtrArray *prefixes; /* prefix, namespace, ..., NULL: those given, and those the filters
				need (char *) */
};

/* `prefixes` as in struct ifmap_client_config. */
struct ifmap_keeppub *ifmap_keeppub_new(const char *const *prefixes);
void ifmap_keeppub_free(struct ifmap_keeppub *keeppub);

/* Adds what makes `kept` true in a session that is just born. */
void ifmap_keeppub_add_fresh(struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept);
/* Adds what makes `kept` true whatever the slot held before. */
void ifmap_keeppub_add(
	struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept, const char *publisher_id);

/* The prefix, namespace, ..., NULL list to declare with the request; borrowed. */
const char *const *ifmap_keeppub_prefixes(const struct ifmap_keeppub *keeppub);
/* The filter that selects a slot's instances, or NULL when `slot` holds both kinds of quote (a
 * filter has no escape). */
char *ifmap_keeppub_filter(
	const char *prefix, const struct ifmap_kept *kept, const char *publisher_id);
