#pragma once
/* The HTTPS side: libmicrohttpd with its own epoll and worker threads (ifmap.md 3).
 *
 * Workers do TLS, authentication, gzip and parsing, then call the engine. A request whose answer
 * comes later is suspended and costs no thread. Client certificates are asked for, not required.
 */
#include "map/auth.h"
#include "map/config.h"
#include "map/engine.h"
#include "map/metrics.h"

#define MAP_FRONT_ERROR (map_front_error_quark())
GQuark map_front_error_quark(void);

struct map_front;

/* Binds and listens; reads certificate, key and CA. Nothing is served yet, no thread runs, so that
 * privileges can be dropped in between. `config` is borrowed. */
struct map_front *map_front_open(const struct map_config *config, GError **error);
/* The port bound. */
unsigned map_front_port(const struct map_front *front);
/* What the front works with; all borrowed, and outlives the front's close. */
struct map_front_parts {
	struct map_engine *engine;
	struct map_auth *auth;
	struct map_metrics *metrics;
};
/* Starts the workers. */
gboolean map_front_start(
	struct map_front *front, const struct map_front_parts *parts, GError **error);
/* To be called about once a second, on any thread. */
void map_front_tick(struct map_front *front);
/* Takes no new connections. */
void map_front_quiesce(struct map_front *front);
/* After the engine was drained: lets answers under way go out (2 s at most), then closes all.
 * Accepts NULL. */
void map_front_close(struct map_front *front);
typedef struct map_front map_front;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_front, map_front_close)

/* The engine's ops.answer: the token is a struct map_exchange. */
void map_front_answer(gpointer token, GString *reply, gpointer data);
