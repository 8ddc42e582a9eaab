#pragma once
/* One fact on its way to the store, and the number that history finds its identifiers by.
 *
 * An entry keeps references, not text: it is made under the engine's lock and written by the
 * store's thread. The key of an identifier is a hash of ifmap_id_key() that never changes within a
 * version of the database (storefile.h); equal keys are compared by the identifiers themselves.
 */
#include <drover/ifmap.h>

/* How a fact came to go. The numbers stand in databases. */
enum map_why {
	MAP_WHY_DELETED = 1,
	MAP_WHY_REPLACED = 2,
	MAP_WHY_SESSION_ENDED = 3,
	MAP_WHY_PURGED = 4,
	MAP_WHY_RESTART = 5, /* of the server, which takes session metadata with it */
	MAP_N_WHYS,
};
/* "deleted" and so on; NULL for a number that is none. */
const char *map_why_to_string(int why);

struct map_entry {
	guint64 serial;
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: on the identifier */
	struct ifmap_meta *meta;
	const char *publisher; /* borrowed: publishers outlive the store */
	enum ifmap_lifetime lifetime;
	gint64 timestamp_us;
};

void map_entry_clear(struct map_entry *entry);

gint64 map_entry_key(const struct ifmap_id *id);
/* The identifier as it stands in the database, and its key. */
struct ifmap_id *map_entry_id_of_xml(const char *xml, GError **error);
gboolean map_entry_key_of_xml(const char *xml, gint64 *ret_key, GError **error);
