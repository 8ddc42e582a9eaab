#pragma once
/* A listening TCP socket on a numeric address. */
#include <glib.h>

/* The descriptor, which is the caller's, and the port bound (`port` "0": any free one); -1 and an
 * error. "::" takes IPv4 too. */
int map_listener_open(const char *address, const char *port, unsigned *ret_port, GError **error);
