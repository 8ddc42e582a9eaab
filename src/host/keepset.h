#pragma once
/* Facts kept standing in groups: a group is said whole, and what it held before and does not hold
 * now is dropped from the map. One thread.
 */
#include "facts/facts.h"

struct keepset;

/* `client` is borrowed and must outlive the set. Freeing drops nothing: the session does. */
struct keepset *keepset_new(struct ifmap_client *client);
void keepset_free(struct keepset *set);

/* begin, put each, end. Between them the group is `name`; names are the caller's. `b` NULL: on the
 * identifier. One fact a kind and place. */
void keepset_begin(struct keepset *set, const char *name);
void keepset_put(struct keepset *set, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const void *fact);
void keepset_end(struct keepset *set);
