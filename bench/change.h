#pragma once
/* One fact of the bench's fleet that comes and goes, as metadata ready for world_add().
 *
 * A change has two phases, even and odd, that say different things, so that playing them in turn
 * changes the world each time. Owns its identifiers and metadata. One thread.
 */
#include "world/world.h"

struct change {
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: on `a` */
	struct ifmap_meta *phases[2];
};

struct change_kind {
	const char *name;
	const char *what;
	/* NULL: no fact changes; everything is judged all the same */
	void (*make)(struct change *change, guint64 memory_mib);
};

/* Ends with a NULL name. */
extern const struct change_kind change_kinds[];

/* On the first host of a fleet whose hosts offer `memory_mib`. */
void change_init(struct change *change, const struct change_kind *kind, guint64 memory_mib);
void change_clear(struct change *change);
typedef struct change change_value; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(change_value, change_clear)

/* Tells the world phase `n` (modulo 2); no-op for a kind without a fact. */
void change_play(const struct change *change, unsigned n, struct world *world,
	struct world_touched *touched);
