#pragma once
/* What if: one line of what somebody supposes, carried out in a world.
 *
 *   B.memory=+8G   B=down   B--s1=down   bank=off   shop/web1=C   B.segment=+back
 *
 * PLAN_ASSUME_FORMS is the list of forms; help and man page print it. A line names things as people
 * do (hosts by name or UUID). Lines are carried out one after the other: later ones see what
 * earlier ones changed. The world is the caller's copy; nothing here knows the map.
 */
#include "plan/clearance.h"

struct plan_assume_form {
	const char *example;
	const char *what;
};
extern const struct plan_assume_form PLAN_ASSUME_FORMS[]; /* ends with a NULL example */

/* Returns what is supposed now, a sentence with what was before; newly allocated. NULL with an
 * error that names the text: the world then has some of its changes or none. */
char *plan_assume(struct world *world, const char *text, GError **error);
