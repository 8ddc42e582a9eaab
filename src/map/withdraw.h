#pragma once
/* What a publisher leaves when it is purged or its session ends (ifmap.md 4.3, 9.4), however much
 * it is, without anybody having to wait for it.
 *
 * A little goes as one change, like a publish. What is more is withdrawn (graph.h):
 *
 *   1 withdraw      one stroke under the lock: no search meets it any more, the store notes it in
 *                   one row, and the answer goes out when that row is on disk
 *   2 clear away    a thread, a few milliseconds of the lock at a time: subscriptions that saw it
 *                   are told, memory is given back, and the store gets the list of rows to end
 *
 * Nobody can tell the two apart from one stroke: before anything else is told to a client, or it
 * asks for what there is to tell, it is told all that was withdrawn (map_withdraw_settle_*()). Only
 * a poll that hangs is answered a little later.
 *
 * All under the engine's lock. Shared by engine.c, seats.c and operate.c.
 */
#include "map/commit.h"

/* Takes away all that the publisher has standing of the lifetimes up to `last`. */
void map_withdraw(struct map_engine *engine, struct map_publisher *publisher,
	enum ifmap_lifetime last, const struct map_cause *cause, struct map_batch *batch);

/* Tells the client all that was withdrawn, and answers its poll. */
void map_withdraw_settle_client(struct map_engine *engine, struct map_client *client);
/* The same for all clients that a publish of these operations (struct ifmap_operation *) may
 * concern; before it is applied. */
void map_withdraw_settle_publish(struct map_engine *engine, const GPtrArray *operations);

/* Ends the thread; to be called without the lock. */
void map_withdraw_stop(struct map_engine *engine);
/* Gives back what is left. */
void map_withdraw_clear(struct map_engine *engine);
