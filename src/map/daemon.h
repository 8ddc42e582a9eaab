#pragma once
/* drover-mapd put together: configuration in, a running server out. One per process, on the main
 * thread. */
#include "map/config.h"

/* Serves until SIGTERM or SIGINT, then drains. FALSE and an error when it cannot start. */
gboolean map_daemon_run(const struct map_config *config, GError **error);
