/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How long to wait before trying again: 50 ms, doubling to 2 s, with jitter so that the clients of
 * a server that came back do not all knock at once. Embedded, plain value, one thread.
 */
#include <glib.h>

#define IFMAP_BACKOFF_FIRST_MS 50U
#define IFMAP_BACKOFF_LAST_MS  2000U

struct ifmap_backoff {
	unsigned n_failed; /* attempts since the last reset */
	guint32 random;    /* state of the jitter */
};

/* `seed` chooses the jitter; any value will do. */
void ifmap_backoff_init(struct ifmap_backoff *backoff, guint32 seed);
void ifmap_backoff_reset(struct ifmap_backoff *backoff);

/* Counts one more failure and returns the wait in milliseconds: between half and all of the nominal
 * step. */
unsigned ifmap_backoff_next(struct ifmap_backoff *backoff);
