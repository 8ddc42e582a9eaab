#pragma once
/* Following the world as the map changes it, until somebody has seen enough. Runs the default main
 * loop; interrupts (SIGINT, SIGTERM) and --timeout end it.
 */
#include "cmd/context.h"

/* What a look at the world has shown. */
enum follow_sight {
	FOLLOW_NOTHING,   /* not what is waited for, nor a sign of it */
	FOLLOW_SOMETHING, /* it is on its way */
	FOLLOW_ENOUGH,
};
typedef enum follow_sight (*follow_look)(const struct world *world, gpointer data);

enum follow_end {
	FOLLOW_SEEN,       /* the look said FOLLOW_ENOUGH */
	FOLLOW_UNANSWERED, /* nothing but FOLLOW_NOTHING within answer_ms */
	FOLLOW_LATE,       /* --timeout has passed */
	FOLLOW_LEFT,       /* interrupted */
	FOLLOW_FAILED,     /* no client; it has been said why, *ret_exit is the exit code */
};

/* Looks at the world now and after every change. `answer_ms` 0: there is no limit to nothing. The
 * context's world is the followed one, during it and after; its client is gone afterwards. */
enum follow_end follow(struct context *context, unsigned answer_ms, follow_look look, gpointer data,
	int *ret_exit);
