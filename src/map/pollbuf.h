#pragma once
/* What a session has to tell and nobody has fetched yet (ifmap.md 8.5, 8.6).
 *
 * Results are kept as the bytes that will be sent, in the order of commits; neighbours of one kind
 * and subscription are merged. Sizes are counted as results come in, so that memory stays bounded
 * without a poller. Pure; under the engine's lock.
 */
#include <drover/ifmap.h>

struct map_pollbuf {
	GQueue results; /* struct result * */
	size_t size;    /* bytes of all results */
};

void map_pollbuf_init(struct map_pollbuf *buf);
void map_pollbuf_clear(struct map_pollbuf *buf);
gboolean map_pollbuf_is_empty(const struct map_pollbuf *buf);

/* Appends resultItems (never none) of one kind for one subscription. Returns the bytes the buffer
 * grew by. */
size_t map_pollbuf_add(struct map_pollbuf *buf, enum ifmap_result_kind kind, const char *name,
	const char *items, size_t size);
/* Appends a whole element: a complete searchResult or errorResult of that subscription. Returns the
 * bytes it takes. */
size_t map_pollbuf_add_whole(
	struct map_pollbuf *buf, const char *name, const char *element, size_t size);
/* Drops everything of one subscription. */
void map_pollbuf_drop(struct map_pollbuf *buf, const char *name);
/* Writes all members of a pollResult and empties the buffer. */
void map_pollbuf_take(struct map_pollbuf *buf, GString *out);
