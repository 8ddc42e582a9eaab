#pragma once
/* The one place where it is decided whether a client may do something to, or see, one item of the
 * map.
 *
 * One decision per (client, action, element, metadata), as in content authorization
 * (ifmap.md 14.2); the built-in rules are those of 14.4 without roles: a table, first match wins.
 * Roles of Drover's own vocabulary will add rows, not callers. Pure; any thread.
 */
#include <drover/ifmap.h>

enum map_action {
	MAP_ACTION_READ,   /* search, subscription */
	MAP_ACTION_UPDATE, /* may replace somebody else's singleValue: `foreign` */
	MAP_ACTION_NOTIFY,
	MAP_ACTION_DELETE,
	MAP_ACTION_PURGE, /* no element, no metadata */
};

/* What the configuration says about a client. */
enum map_right {
	MAP_RIGHT_READ_ONLY = 1 << 0,
	MAP_RIGHT_PURGE_OTHERS = 1 << 1,
	MAP_RIGHT_ADMIN = 1 << 2,  /* may write identities of MAP clients and their tasks */
	MAP_RIGHT_SERVER = 1 << 3, /* the server itself */
};

struct map_subject {
	const char *name;
	unsigned rights; /* enum map_right */
};

struct map_item {
	const struct ifmap_id *a; /* NULL for a purge */
	const struct ifmap_id *b; /* NULL unless on a link */
	const struct ifmap_meta *meta;
	gboolean foreign; /* removes or replaces another publisher's metadata */
};

gboolean map_policy_allows(
	const struct map_subject *subject, enum map_action action, const struct map_item *item);
