#pragma once
/* drover-mapd put together: configuration in, a running server out. One per process, on the main
 * thread, whose main loop ends sessions that time out.
 */
#include "map/config.h"

struct map_daemon;

/* Reads passwords and keys, opens the port; needs whatever rights that takes. `config` is borrowed
 * and outlives it. */
struct map_daemon *map_daemon_open(const struct map_config *config, GError **error);
/* Loads the map and serves. */
gboolean map_daemon_serve(struct map_daemon *daemon, GError **error);
/* Reads rules and passwords anew; sessions stay. FALSE and an error when they are not good: then
 * those before hold. */
gboolean map_daemon_reload(struct map_daemon *daemon, GError **error);
/* Drains when it serves; accepts NULL and what open or serve left half built. */
void map_daemon_free(struct map_daemon *daemon);
