#pragma once
/* What stands on the map of the bench: links from an IP to a MAC address with one ip-mac each, the
 * metadata empty but for its cardinality, as ifmapj writes it.
 *
 * A star is 20 links within two steps of one IP address: 4 MAC addresses there, 4 more IP addresses
 * at each of these. One thread.
 */
#include "actor.h"

#define LINKS_OF_STAR 20
#define IPS_OF_STAR   17
#define MACS_OF_STAR  4

/* A publish of `n` links, the i-th from the i-th IP to the i-th MAC address. */
struct form *links_write(const struct actor *actor, unsigned n, enum ifmap_lifetime lifetime);
/* A search two steps around the center of the first star. */
struct form *links_write_search(const struct actor *actor);
/* What a subscription looks at: the links of this IP address. `start` must outlive it. */
struct ifmap_search links_at(const struct ifmap_id *start);

/* Publishes for the session, and waits: links number `first` to `first` + `n` - 1 (at least). */
void links_lay(struct actor *actor, unsigned first, unsigned n);
/* Stars number `first` to `first` + `n` - 1 (at least). */
void links_lay_stars(struct actor *actor, unsigned first, unsigned n);
