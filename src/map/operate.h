#pragma once
/* What each kind of request does once it is known whose it is: session, publish, purge, search,
 * subscribe, poll (ifmap.md 5 to 9).
 *
 *   engine: who asks, may they now --> operate: carry out, write the reply --> engine: send it,
 *   when it is durable
 *
 * A table row for each; all under the engine's lock. Shared with engine.c alone.
 */
#include "map/commit.h"
#include "map/history.h"
#include "map/session.h"

/* What an operation works on. */
struct map_work {
	struct map_engine *engine;
	struct map_client *client;
	const struct map_call *call;
	struct map_batch *batch; /* what must be durable before the answer goes out */
	GString *out;
	struct map_past *past;    /* of a search that looks back */
	const GError *past_error; /* why there is none */
};

enum map_outcome {
	MAP_ANSWERED, /* `out` holds the reply; it goes out when the batch is durable */
	MAP_PARKED,   /* the client's poll hangs */
};

/* What the request is to its session. */
enum map_session_event map_operate_event(enum ifmap_request_type type);
/* Carries it out for work->client, which has a session unless the request begins one or is one of
 * those that need none. */
enum map_outcome map_operate(const struct map_work *work);
/* Answers with an error; refusals for lack of a right or a session are also told to the log. */
enum map_outcome map_operate_refuse(
	const struct map_work *work, enum ifmap_error code, const char *text);
enum map_outcome map_operate_refuse_error(const struct map_work *work, const GError *error);
