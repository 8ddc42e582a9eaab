#pragma once
/* What the map server can still reach once it serves: its data folder to write, the folders of its
 * rules and passwords to read (they are read anew on SIGHUP), and what every program needs.
 *
 * Called while the process has one thread, by base/daemon.h before the system call filter. */
#include "map/config.h"

/* FALSE with an error when the kernel has Landlock and refuses. Without Landlock it is TRUE, and
 * said in the log. */
gboolean map_confine(const struct map_config *config, GError **error);
