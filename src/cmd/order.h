#pragma once
/* Asking control for something and following what becomes of it. */
#include "cmd/command.h"

/* Publishes a request (verb: start, stop, move, remove, abort) and, unless --no-wait, shows the
 * order until it ends. `to`: host names, comma separated, or NULL. Returns the exit code. */
int order_request(struct context *context, const char *vapp, const char *verb, const char *to);

/* Prints the vApp's last order: state, steps, machines with their gaps. */
int order_print(struct context *context, const char *vapp);
