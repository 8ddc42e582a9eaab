#pragma once
/* Answers at the gate: takes the hook's questions, judges them by the book, and lets in what is
 * cleared once its rules stand.
 *
 * libvirt asks about an incoming machine three times: migrate, prepare, start; only the first time
 * does it say that it is a migration, and a migration that ends in between is not told of. So each
 * arrival is given a name of its own, which the answer to "migrate" puts into the domain's
 * metadata: the questions that follow bear it, a start of the same machine at the same time does
 * not. A name is good for one start.
 *
 *   hook ─> gate_server ─> porter ─> gate_judge() ─> refused: answered at once
 *                                        └─> cleared: guard_wait() ─> answered when rules stand
 *
 * The gate is open from the first moment, on the book as it was kept on disk. One thread.
 */
#include "host/guard.h"
#include "host/windows.h"

struct porter;

/* All borrowed; they must outlive the porter. */
struct porter_parts {
	const struct windows *windows;
	struct guard *guard;
	const char *host_name;    /* for sentences */
	const char *seal_key;     /* PEM of the public key */
	gboolean admit_unclaimed; /* whether machines that no vApp claims may run here */
};

struct porter *porter_new(
	const char *socket_path, const struct porter_parts *parts, GError **error);
void porter_free(struct porter *porter);
