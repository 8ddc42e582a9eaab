/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A request as the server sees it: bytes -> struct ifmap_request (ifmap.md sections 3.3, 5 and 10).
 *
 * Parsing checks form only: envelope, operation, structure, identifiers, metadata, filters; in that
 * order of errors. What a session may do is the server's business. A request owns everything it
 * points to; after parsing it is immutable and may be handed to another thread.
 */
#include "ifmap/dialect.h"
#include "ifmap/filter.h"
#include "ifmap/publish.h"
#include "ifmap/terminal.h"

enum ifmap_request_type {
	IFMAP_REQUEST_NEW_SESSION,
	IFMAP_REQUEST_RENEW_SESSION,
	IFMAP_REQUEST_END_SESSION,
	IFMAP_REQUEST_PUBLISH,
	IFMAP_REQUEST_SEARCH,
	IFMAP_REQUEST_SUBSCRIBE,
	IFMAP_REQUEST_POLL,
	IFMAP_REQUEST_PURGE,
};

/* The name of its element, or NULL when there is no such type. */
const char *ifmap_request_type_to_string(unsigned type);

/* One child of a publish. */
struct ifmap_operation {
	enum ifmap_operation_type type;
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: on the identifier */
	enum ifmap_lifetime lifetime;
	GPtrArray *metas; /* struct ifmap_meta *, as the client sent them, protocol attributes
			     stripped; NULL for delete */
	struct ifmap_filter *filter; /* delete only; NULL: everything */
};

/* A search, or the body of a subscription. */
struct ifmap_query {
	struct ifmap_id *start;
	unsigned max_depth; /* UINT_MAX: as deep as the server goes */
	size_t max_size;    /* bytes; 0: the default, SIZE_MAX: as large as the server goes */
	struct ifmap_filter *match_links;
	struct ifmap_filter *result_filter;
	struct ifmap_terminal *terminal;
	/* Drover's extension: looking back. Microseconds since 1970; 0: the present. */
	gint64 at_us;    /* the map as it was then */
	gint64 since_us; /* what became of all that stood on `start` and its links since then */
};

/* One child of a subscribe; query NULL: delete the subscription of that name. */
struct ifmap_subscribe {
	char *name;
	struct ifmap_query *query;
};

struct ifmap_request {
	enum ifmap_request_type type;
	char *session_id;            /* NULL when absent */
	char *publisher_id;          /* purge; NULL when absent */
	size_t max_poll_result_size; /* newSession; 0 when absent */
	GPtrArray *operations;       /* publish: struct ifmap_operation * */
	GPtrArray *subscribes;       /* subscribe: struct ifmap_subscribe * */
	struct ifmap_query *query;   /* search */
};

/* Bounds of one request; the defaults are those of ifmap.md 2.8. */
struct ifmap_request_limits {
	size_t max_identifier; /* bytes of an identifier's canonical form */
	size_t max_metadata;   /* bytes of one metadata element */
	unsigned max_depth;    /* XML nesting */
	unsigned max_operations;
	const struct ifmap_dialect *dialect; /* borrowed; NULL: defaults */
};
extern const struct ifmap_request_limits IFMAP_REQUEST_LIMITS_DEFAULT;

enum ifmap_parse_status {
	IFMAP_PARSE_OK,
	IFMAP_PARSE_BAD_XML, /* not well-formed, no SOAP 1.2 envelope: HTTP 400, fault Sender */
	IFMAP_PARSE_NOT_UNDERSTOOD, /* a header block must be understood: HTTP 500, fault
				       MustUnderstand (SOAP 1.2 part 2, 7.5.2.2) */
	IFMAP_PARSE_OLD_SOAP,       /* SOAP 1.1, so IF-MAP 1.x: HTTP 400, fault of SOAP 1.1 */
	IFMAP_PARSE_REFUSED,        /* an errorResult: `error` holds its code and text */
};

/* Reads one complete body. *ret_request is written on IFMAP_PARSE_OK only; `error` is set
 * otherwise. When the envelope could be read but its content is refused, *ret_session_id holds the
 * session id that stood in it, if any (owned by the caller), so that the caller can answer
 * InvalidSessionID first (order of checks: section 10). Any thread. */
enum ifmap_parse_status ifmap_request_parse(const char *data, size_t size,
	const struct ifmap_request_limits *limits, struct ifmap_request **ret_request,
	char **ret_session_id, GError **error);
void ifmap_request_free(struct ifmap_request *request);
void ifmap_query_free(struct ifmap_query *query);
/* Lets the caller keep one subscribe's query (a subscription outlives its request). */
struct ifmap_query *ifmap_subscribe_steal_query(struct ifmap_subscribe *subscribe);

/* A new metadata value equal to `meta` but carrying the server's stamps (ifmap.md 2.7, 11.2). */
struct ifmap_meta *ifmap_meta_stamp(
	const struct ifmap_meta *meta, const char *publisher_id, gint64 timestamp_us);
/* The same without ifmap-timestamp-fraction. */
struct ifmap_meta *ifmap_meta_stamp_whole(
	const struct ifmap_meta *meta, const char *publisher_id, gint64 timestamp_us);
/* The element's XML, as ifmap_meta_xml() says it, without keeping it; and its bytes. */
void ifmap_meta_write(GString *out, const struct ifmap_meta *meta);
size_t ifmap_meta_size(const struct ifmap_meta *meta);
