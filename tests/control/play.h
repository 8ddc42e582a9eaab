#pragma once
/* A map without a server: what control publishes is applied to a world, as the server would. */
#include "ifmap/publish.h"
#include "world/world.h"

/* Applies every operation in order; aborts on one that the world cannot take. */
void play_apply(
	struct world *world, const struct ifmap_publish *publish, struct world_touched *touched);

/* The fact that the request publishes on a place ("device:...", "vapp:..."), decoded into `ret`
 * (clear it), or FALSE. */
gboolean play_find(const struct ifmap_publish *publish, enum facts_kind kind, const char *a,
	const char *b, void *ret);
/* How many operations concern this kind: updates, or deletes. */
unsigned play_count(
	const struct ifmap_publish *publish, enum facts_kind kind, enum ifmap_operation_type type);
/* One line an operation, for messages; newly allocated. */
char *play_to_string(const struct ifmap_publish *publish);
