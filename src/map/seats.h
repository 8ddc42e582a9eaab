#pragma once
/* Who has a session, and over which connections: sessions begin, end, run out, and lose their
 * connections (ifmap.md 4). The rules of one session are those of session.h; here they meet the
 * engine's accounts and graph. All under the engine's lock. Shared by engine.c and operate.c.
 */
#include "map/commit.h"

/* The connection is part of a session of the client's. */
void map_seats_connect(struct map_engine *engine, guint64 connection, struct map_client *client);
void map_seats_begin(struct map_engine *engine, struct map_client *client, guint64 connection);
/* Ends the client's session and with it what it published for as long (ifmap.md 4.3). `why`: for
 * the log. */
void map_seats_end(struct map_engine *engine, struct map_client *client, const char *why);
/* Ends the sessions whose time is up at `now_us`; G_MAXINT64: all. */
void map_seats_end_due(struct map_engine *engine, gint64 now_us, const char *why);

/* A seat more, with a publisher-id of its own, which is added to the batch. */
struct map_client *map_seats_add(
	struct map_engine *engine, struct map_account *account, struct map_batch *batch);
/* The seat that a request is about, NULL when it names no session of this account's. */
struct map_client *map_seats_find(struct map_engine *engine, struct map_account *account,
	const struct map_call *call, struct map_batch *batch);

/* Hands over what nobody waits for; takes the batch. */
void map_engine_submit_quietly(struct map_engine *engine, struct map_batch *batch);
