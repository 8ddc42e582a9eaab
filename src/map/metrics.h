#pragma once
/* What the server counts of itself: requests by operation, how long they took, bytes, events, and
 * which were the slowest lately.
 *
 * Counting is atomic additions, without a lock but for a request that is among the slowest. Any
 * thread. Figures only grow; whoever wants rates asks twice.
 */
#include <jansson.h>

#include "map/engine.h"

#define MAP_N_OPERATIONS (IFMAP_REQUEST_PURGE + 1)
#define MAP_N_SLOWEST    10
/* What is older is not among the slowest any more. */
#define MAP_SLOWEST_US   (60 * (gint64)G_USEC_PER_SEC)

/* One request that was answered. */
struct map_observation {
	enum ifmap_request_type type;
	const char *client; /* borrowed */
	gint64 duration_us; /* from the whole request to the whole answer; of a poll it means
			       nothing */
	size_t n_received;  /* bytes of the bodies */
	size_t n_sent;
};

struct map_metrics;

struct map_metrics *map_metrics_new(void);
void map_metrics_free(struct map_metrics *metrics);

void map_metrics_observe(struct map_metrics *metrics, const struct map_observation *seen);
void map_metrics_note(struct map_metrics *metrics, enum map_note note);

/* Everything as OpenMetrics text, with the engine's figures; "# EOF" included. */
void map_metrics_write(struct map_metrics *metrics, struct map_engine *engine, GString *out);
/* The same and more for `drover map top`: counters, the biggest subscriptions, the slowest requests
 * of the last minute. */
json_t *map_metrics_top(struct map_metrics *metrics, struct map_engine *engine);

/* For _top, in metricsbig.c: [{"client", "name", "start", "depth", "identifiers", "links",
 * "pending_bytes"}], biggest first. */
json_t *map_engine_biggest(struct map_engine *engine);

/* "newSession", "publish" and so on. */
const char *map_metrics_operation(enum ifmap_request_type type);

/* ---- the listener for scrapers: plain HTTP, nothing but GET /metrics, no log-in ---- */

struct map_scrape;

/* Binds "ADDRESS:PORT" ("127.0.0.1:9180", "[::1]:9180"; port 0: any). Serves after _start. */
struct map_scrape *map_scrape_open(const char *address, GError **error);
unsigned map_scrape_port(const struct map_scrape *scrape);
gboolean map_scrape_start(struct map_scrape *scrape, struct map_metrics *metrics,
	struct map_engine *engine, GError **error);
/* Accepts NULL. */
void map_scrape_close(struct map_scrape *scrape);
