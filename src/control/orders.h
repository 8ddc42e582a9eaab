#pragma once
/* Requests become orders, and orders go from phase to phase.
 *
 * What comes next is plan/order.h's business; this turns its answers into publish requests: the
 * order, and in the same request the reservations that its phase wants. Nothing is remembered but
 * what is on its way to the map, and since when hosts are silent (a control that begins anew gives
 * them the full time again), so control can be killed at any time.
 */
#include "control/judge.h"

struct orders;

struct orders *orders_new(struct judge *judge);
void orders_free(struct orders *orders);
/* The world was built anew: nothing is on its way any more. */
void orders_set_world(struct orders *orders, const struct world *world);

/* Looks at every vApp's request and order and appends what follows. `*ret_wait_ms`: look again
 * after this time even if no fact changes; 0: no need. */
void orders_run(
	struct orders *orders, guint64 now_ms, struct ifmap_publish *publish, guint64 *ret_wait_ms);
