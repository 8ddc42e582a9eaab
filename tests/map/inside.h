#pragma once
/* The carrier of script.h that needs no socket: an engine in this process, without a store. Clients
 * R and P have the rights that server.h gives them. */
#include "map/engine.h"
#include "script.h"

struct map_engine *inside_engine_new(void);
/* The engine is looked up at each open. */
struct script_carrier inside_carrier(struct map_engine **engine);

/* Who a client of this name is; a reference. */
struct map_identity *inside_identity(const char *client);
