#pragma once
/* Carrying out the operations of one publish request inside an open change (ifmap.md 9).
 *
 * In document order; the first operation that is refused ends it with an error and the caller rolls
 * the change back (and the registry, to the count it had). Notifies leave the graph alone and are
 * handed out as notices. Pure; under the engine's lock.
 */
#include "ifmap/forms.h"
#include "map/graph.h"
#include "map/policy.h"

/* Who publishes, when, into what. All borrowed. */
struct map_publish {
	struct map_graph *graph;
	struct map_registry *registry;
	const struct map_subject *subject;
	struct map_publisher *publisher;
	gint64 timestamp_us; /* of the whole request */
	const struct ifmap_dialect *dialect;
	struct ifmap_forms *forms; /* what stamped metadata share */
};

/* One notify: stamped metadata and where it happened. */
struct map_notice {
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: on the identifier */
	GPtrArray *metas;   /* struct ifmap_meta * */
};

GPtrArray *map_notices_new(void);

/* `operations`: struct ifmap_operation *. Notices are appended to `notices` (struct map_notice *).
 */
gboolean map_publish_apply(const struct map_publish *publish, struct map_change *change,
	const GPtrArray *operations, GPtrArray *notices, GError **error);
