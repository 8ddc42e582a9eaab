#pragma once
/* A MAP server as naively as it can be written: sessions and their connections (ifmap.md 4), who
 * may do what, subscriptions, what waits for a poll (8), limits. It says what every step of a
 * sequence must be answered, and what each hanging poll must bring. */
#include "model.h"

/* Limits the server under test must be given. */
#define MODEL_MAX_SUBSCRIPTIONS 4
#define MODEL_MAX_DEPTH         4
#define MODEL_MAX_STORED        4000
#define MODEL_LARGE             1000000

enum model_role {
	MODEL_FRESH,
	MODEL_SSRC,
	MODEL_ARC,
	MODEL_SUPERSEDED,
};

struct model_subscription {
	gboolean stands;
	unsigned order; /* of creation, over all clients */
	struct sequence_op query;
	struct model_answer seen; /* as of the last commit */
};

struct model_client {
	gboolean known; /* had a session once: has a publisher-id */
	gboolean session;
	enum model_role roles[SEQUENCE_CHANNELS];
	int polling;   /* the connection a poll hangs on, or -1 */
	gboolean lost; /* neither SSRC nor ARC is open */
	size_t max_poll;
	gboolean overflowed;
	GPtrArray *pending; /* struct member * */
	struct model_subscription subscriptions[SEQUENCE_NAMES];
	char *woken; /* what the poll that hung must be answered now, or NULL */
};

struct model_server {
	struct model map;
	struct model_client clients[SEQUENCE_CLIENTS];
	unsigned n_ordered;
};

struct model_server *model_server_new(void);
void model_server_free(struct model_server *server);

/* Whether a poll hangs on that connection: a client waits before it sends another request there. */
gboolean model_server_is_busy(const struct model_server *server, const struct sequence_step *step);
/* The answer in short form, NULL when none comes now (a poll hangs; no request was made). */
char *model_server_step(struct model_server *server, const struct sequence_step *step);

/* The answer to a search of this map. */
char *model_server_search(const struct model *map, const struct sequence_op *asked);

unsigned model_server_n_sessions(const struct model_server *server);
unsigned model_server_n_subscriptions(const struct model_server *server);
