#pragma once
/* Which metadata types the server knows, and the cardinality of each (ifmap.md 2.7, 12).
 *
 * A type is interned: one struct map_type per (namespace, local name) for the life of the registry,
 * so that types compare by pointer. Standard types are there from the start; a vendor type is
 * added, with the cardinality it shows, the first time it is published. Not thread-safe: the
 * engine's lock guards it.
 */
#include <drover/ifmap.h>

struct map_type {
	char *ns;
	char *name;
	enum ifmap_cardinality cardinality;
};

struct map_registry;

struct map_registry *map_registry_new(unsigned max_types);
void map_registry_free(struct map_registry *registry);
typedef struct map_registry map_registry;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_registry, map_registry_free)

/* The type of `meta`, added if it is new. Errors: INVALID_METADATA when its cardinality contradicts
 * the registered one, FAILURE when the registry is full. */
const struct map_type *map_registry_check(
	struct map_registry *registry, const struct ifmap_meta *meta, GError **error);
/* Registers a type read from the store; one that stands already is left as it is. */
void map_registry_restore(struct map_registry *registry, const char *ns, const char *name,
	enum ifmap_cardinality cardinality);

/* Types are numbered in the order they were added: a count taken before a request tells its new
 * types, and lets a request that failed take them back. */
unsigned map_registry_n_types(const struct map_registry *registry);
const struct map_type *map_registry_type(const struct map_registry *registry, unsigned index);
void map_registry_truncate(struct map_registry *registry, unsigned n_types);
