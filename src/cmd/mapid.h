#pragma once
/* Identifiers as people type them: the short forms of IF-MAP and those of Drover.
 *
 *   ip:10.0.0.7 mac:52:54:00:00:00:01 device:NAME identity:TYPE:NAME ar:NAME ext:NS#LOCAL,a=v
 *   vm:shop/web1 (or its name or UUID), host:NAME, vapp:NAME, segment:NAME, switch:NAME, fleet
 */
#include "cmd/context.h"

/* The identifier; NULL after having said why not (*ret_exit is the exit code). Only vm: and host:
 * ask the map. */
struct ifmap_id *mapid_read(struct context *context, const char *text, int *ret_exit);
/* A machine by its UUID, domain name, name inside a package, or VAPP/NAME; NULL: there is none. */
const struct world_machine *mapid_find_machine(const struct world *world, const char *name);
