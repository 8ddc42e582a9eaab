#pragma once
/* Looking back: what was on the map at a moment, and what became of everything that stood on an
 * identifier. Reads the table `history` of the store, beside the writer.
 *
 * Each fact that ever stood is one row with the moment it came, the moment it went, who took it
 * away and why. Every change has a moment of its own (map_engine_next_timestamp()), so the rows
 * that stand at the moment of a change are what a search right after it would have seen.
 *
 * A past is gathered without the engine's lock, larger than any answer to its query; it is then
 * searched like the present, under the lock, because only the rules of today's policy decide what
 * the asker may see of it. Threads: one per past.
 */
#include "ifmap/request.h"
#include "map/graph.h"
#include "map/limit.h"
#include "map/store.h"

struct map_past {
	struct map_graph *graph;
	struct map_registry *registry;
	struct map_change *change; /* open: graph and facts live until map_past_free() */
	struct map_node *start;
	size_t size;     /* bytes gathered */
	size_t max_size; /* more is refused */
};

/* Gathers what `query` (at_us is set) could see. Errors: SEARCH_RESULTS_TOO_BIG, SYSTEM_ERROR. */
struct map_past *map_past_at(struct map_store *store, const struct ifmap_query *query,
	const struct map_limits *limits, GError **error);
/* Gathers what stood on the query's start and on its links since query->since_us, what stands
 * still included. Each metadata tells its end in the attributes drover-until (microseconds since
 * 1970), drover-ended-by and drover-why. */
struct map_past *map_past_log(struct map_store *store, const struct ifmap_query *query,
	const struct map_limits *limits, GError **error);
void map_past_free(struct map_past *past);
typedef struct map_past map_past;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_past, map_past_free)
