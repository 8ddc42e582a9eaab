#pragma once
/* Turns: starts and stops go by the package's startup order, over all hosts. For the files of this
 * room only.
 *
 * A member's turn has come (go_ms) when every member of a lower one is over (running, or off) for
 * as long as its delay says. A host starts a machine once it is at home there, and stops one once
 * its turn has come; so nothing else must be said to hosts. Turns are written into the order, and
 * nothing is remembered elsewhere.
 */
#include "plan/order.h"

/* The order is in a phase that goes by turns. */
gboolean turns_matter(const struct facts_order *order);
/* Writes down who is over, and whose turn has come. `observed` NULL: nothing is known yet. */
void turns_give(struct facts_order *order, const struct plan_observed *observed, guint64 now_ms);
/* When the last turn came, or will once the delay before it is over; 0: none has. */
guint64 turns_began_ms(const struct facts_order *order);
/* When the next turn comes if nothing else happens, wall clock; 0: it waits for a machine. */
guint64 turns_next_ms(const struct facts_order *order);
