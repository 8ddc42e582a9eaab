#pragma once
/* Every number that bounds what a client can make the server hold or do, in one place.
 *
 * The defaults are those of ifmap.md 2.8 and 17. Each row is a member of struct map_limits, its
 * default in map_limits_default and a key of the configuration's group [limits]; after start they
 * are constant, so any thread may read them. Quotas are charged to one client, all its sessions
 * together (account.h); they too are keys of [limits], and a role may grant others (policy.h).
 */
#include <glib.h>

/* ROW(type, member, key, default, min, max, meaning) */
/* clang-format off */
#define MAP_LIMITS(ROW) \
	ROW(SIZE, max_body, body, 33554432, 1000, 1073741824, "bytes of one request, inflated") \
	ROW(SIZE, max_identifier, identifier, 16384, 1000, 1073741824, "bytes of one identifier's canonical form") \
	ROW(SIZE, max_metadata, metadata, 1048576, 1000, 1073741824, "bytes of one metadata element") \
	ROW(COUNT, max_operations, operations, 100000, 1, 10000000, "children of one publish or subscribe") \
	ROW(COUNT, max_search_depth, search-depth, 10000, 1, 1000000, "links; larger requests are clamped") \
	ROW(SIZE, default_search_size, search-size-default, 100000, 100000, 4294967296, "bytes, when a request names none") \
	ROW(SIZE, max_search_size, search-size, 67108864, 100000, 4294967296, "bytes; larger requests are clamped") \
	ROW(SIZE, default_poll_size, poll-size-default, 5000000, 5000000, 4294967296, "bytes of pending results, when newSession names none") \
	ROW(SIZE, max_poll_size, poll-size, 67108864, 5000000, 4294967296, "bytes of pending results; larger requests are clamped") \
	ROW(SIZE, max_name, subscription-name, 1024, 20, 1024, "bytes of a subscription's name") \
	ROW(COUNT, max_types, types, 10000, 22, 1000000, "metadata types whose cardinality is remembered") \
	ROW(COUNT, max_connections, connections, 8192, 2, 1000000, "TCP connections") \
	ROW(COUNT, max_client_connections, client-connections, 2048, 2, 1000000, "TCP connections of one client") \
	ROW(COUNT, session_timeout_s, session-timeout, 180, 1, 86400, "seconds a session lives without a connection") \
	ROW(COUNT, handshake_timeout_s, handshake-timeout, 30, 1, 3600, "seconds a peer may be silent before it has authenticated, or leave an answer unread") \
	ROW(COUNT, keep_alive_s, keep-alive, 15, 1, 3600, "seconds of silence after which a peer is asked whether it is there still, by TCP and by comments in streams")

/* ROW(member, key, default, min, max, meaning) */
#define MAP_QUOTAS(ROW) \
	ROW(sessions, sessions, 1, 1, 10000, "sessions of one client at a time") \
	ROW(subscriptions, subscriptions, 1000, 1, 1000000, "of one client, all its sessions together") \
	ROW(stored, stored, 1073741824, 1000, 1099511627776, "bytes of metadata standing per client") \
	ROW(forever, forever, 268435456, 1000, 1099511627776, "bytes of it with lifetime forever") \
	ROW(pending, pending, 134217728, 1000, 1099511627776, "bytes of results that a client has not fetched, all its sessions together") \
	ROW(requests, requests, 100000, 1, 10000000, "requests of one client a second, averaged over 5 s") \
	ROW(search_cost, search-cost, 10000000, 100, 1000000000000, "links and metadata that one search may look at")
/* clang-format on */

#define MAP_LIMIT_SIZE  size_t
#define MAP_LIMIT_COUNT unsigned

/* All of one type, so that a role's can be compared member by member. */
struct map_quota {
#define MAP_QUOTA_MEMBER(member, ...) guint64 member;
	MAP_QUOTAS(MAP_QUOTA_MEMBER)
#undef MAP_QUOTA_MEMBER
};

/* What a client may send at once, in seconds of its `requests`. */
#define MAP_BURST_S 5

struct map_limits {
#define MAP_LIMIT_MEMBER(type, member, ...) MAP_LIMIT_##type member;
	MAP_LIMITS(MAP_LIMIT_MEMBER)
#undef MAP_LIMIT_MEMBER
	struct map_quota quota; /* of a client whose roles say nothing else */
};

extern const struct map_limits map_limits_default;
