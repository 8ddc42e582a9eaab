/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/backoff.h"

void ifmap_backoff_init(struct ifmap_backoff *backoff, guint32 seed)
{
	backoff->n_failed = 0;
	backoff->random = seed ? seed : 1;
}

void ifmap_backoff_reset(struct ifmap_backoff *backoff)
{
	backoff->n_failed = 0;
}

/* xorshift32: a spread is all that is wanted. */
static guint32 next_random(guint32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

unsigned ifmap_backoff_next(struct ifmap_backoff *backoff)
{
	unsigned step = IFMAP_BACKOFF_FIRST_MS;

	for (unsigned i = 0; i < backoff->n_failed && step < IFMAP_BACKOFF_LAST_MS; i++)
		step *= 2;
	step = MIN(step, IFMAP_BACKOFF_LAST_MS);
	if (backoff->n_failed < G_MAXUINT)
		backoff->n_failed++;
	return step / 2 + next_random(&backoff->random) % (step / 2 + 1);
}
