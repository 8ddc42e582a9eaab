#pragma once
/* A world of any size for the bench of control: hosts in racks, applications spread over them.
 *
 * 16 hosts make a rack with two leaf switches, to which each host is cabled; each leaf is cabled to
 * both spines, and the fleet is left at the spines. Applications are the story's shop
 * (tests/world/story.h): four machines, two segments, one flow that wants two disjoint paths. Each
 * runs on one host, in turn. All of it is well: every application is clear on every host that has
 * room. One thread.
 */
#include "world/world.h"

#define FLEET_PER_VAPP 4 /* machines */

/* `n_machines` is rounded up to whole applications. Owned by the caller. */
struct world *fleet_world(unsigned n_hosts, unsigned n_machines);
/* UUID of the i-th host; owned by the caller. */
char *fleet_host(unsigned i);
/* Name of the i-th host's first leaf switch; owned by the caller. */
char *fleet_leaf(unsigned i);
/* MiB that a host offers: enough for every machine, four times over. */
guint64 fleet_memory_mib(unsigned n_hosts, unsigned n_machines);
