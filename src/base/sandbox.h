#pragma once
/* What an unprivileged daemon of ours never needs from the kernel, refused for good.
 *
 * One seccomp filter for all threads of the process, those to come included: running programs,
 * mounting, namespaces, looking into other processes, modules, BPF, keys, clocks and the like fail
 * with EPERM. It comes on top of running as an ordinary user with PR_SET_NO_NEW_PRIVS; it is a list
 * of what is refused, not of what is allowed, because libvirt's and GnuTLS's needs change with
 * their versions.
 */
#include <glib.h>

#define BASE_SANDBOX_ERROR (base_sandbox_error_quark())
GQuark base_sandbox_error_quark(void);

enum base_sandbox_error {
	BASE_SANDBOX_ERROR_FAILED,
};

/* FALSE with an error when the kernel will not have it: the caller must not go on. */
gboolean base_sandbox_enter(GError **error);
