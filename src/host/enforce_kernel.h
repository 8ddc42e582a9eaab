#pragma once
/* nftables as the enforcer needs it: apply a transaction, read tables back. A struct of functions,
 * so that tests can record instead. The real one (enforce_nft.c) is the only file that includes
 * libnftables.
 */
#include <glib.h>
#include <jansson.h>

#define ENFORCE_KERNEL_ERROR enforce_kernel_error_quark()

enum enforce_kernel_error {
	ENFORCE_KERNEL_ERROR_REFUSED, /* the kernel or libnftables said no */
	ENFORCE_KERNEL_ERROR_ABSENT,  /* what was to be listed is not there */
};

struct enforce_kernel {
	/* Applies all of `commands` (array of nftables JSON commands) or nothing. */
	gboolean (*apply)(struct enforce_kernel *kernel, const json_t *commands, GError **error);
	/* What `list WHAT` prints for the object, as an array; new reference. A missing object is
	 * ERROR_ABSENT. */
	json_t *(*list)(struct enforce_kernel *kernel, const char *what, const json_t *object,
		GError **error);
	void (*free)(struct enforce_kernel *kernel);
};

GQuark enforce_kernel_error_quark(void);

/* The kernel of this network namespace. */
struct enforce_kernel *enforce_nft_new(void);
