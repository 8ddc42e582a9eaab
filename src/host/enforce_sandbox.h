#pragma once
/* What the enforcer gives up after it has started: every capability but CAP_NET_ADMIN, gaining any,
 * and every system call that it does not need.
 */
#include <glib.h>

/* For this process and for good. FALSE with a GIO error. */
gboolean enforce_sandbox_enter(GError **error);
