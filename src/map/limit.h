#pragma once
/* Every number that bounds what a client can make the server hold or do, in one place.
 *
 * The defaults are those of ifmap.md 2.8 and 17. Configuration overrides them (config.h); after
 * start they are constant, so any thread may read them.
 */
#include <glib.h>

struct map_limits {
	size_t max_body;              /* bytes of a request, inflated */
	size_t max_identifier;        /* bytes of an identifier's canonical form */
	size_t max_metadata;          /* bytes of one metadata element */
	unsigned max_operations;      /* children of one publish or subscribe */
	unsigned max_search_depth;    /* links; larger requests are clamped */
	size_t default_search_size;   /* bytes, when the request names none */
	size_t max_search_size;       /* bytes; larger requests are clamped */
	size_t default_poll_size;     /* bytes of pending results, when newSession names none */
	size_t max_poll_size;         /* bytes; larger requests are clamped */
	unsigned max_subscriptions;   /* per session */
	size_t max_name;              /* bytes of a subscription's name */
	size_t max_stored;            /* bytes of metadata that one publisher may keep standing */
	unsigned max_types;           /* metadata types the cardinality registry remembers */
	unsigned max_connections;     /* TCP connections */
	unsigned session_timeout_s;   /* without SSRC and ARC (ifmap.md 4.2) */
	unsigned handshake_timeout_s; /* silence on a connection nobody has authenticated on */
};

extern const struct map_limits map_limits_default;
