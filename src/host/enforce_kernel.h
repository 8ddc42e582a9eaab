#pragma once
/* nftables as the enforcer needs it: apply a transaction, ask a question. A struct of functions, so
 * that tests can record instead. The real one is enforce_netlink.c.
 */
#include "host/enforce_batch.h"

#define ENFORCE_KERNEL_ERROR enforce_kernel_error_quark()

enum enforce_kernel_error {
	ENFORCE_KERNEL_ERROR_REFUSED, /* the kernel said no */
	ENFORCE_KERNEL_ERROR_ABSENT,  /* what was asked for is not there */
};

typedef void (*enforce_answer_func)(const struct nlmsghdr *answer, gpointer data);

struct enforce_kernel {
	/* Applies all of the batch or nothing. */
	gboolean (*apply)(
		struct enforce_kernel *kernel, const struct enforce_batch *batch, GError **error);
	/* Sends one message (its sequence number is written) and hands over each answer, which
	 * lives only so long. What is missing is ERROR_ABSENT. */
	gboolean (*ask)(struct enforce_kernel *kernel, struct nlmsghdr *question,
		enforce_answer_func answered, gpointer data, GError **error);
	void (*free)(struct enforce_kernel *kernel);
};

GQuark enforce_kernel_error_quark(void);

/* The kernel of this network namespace; NULL with an error when it has no nftables. `ret_port` is
 * what the kernel's notifications of our own changes bear. */
struct enforce_kernel *enforce_netlink_new(guint32 *ret_port, GError **error);
