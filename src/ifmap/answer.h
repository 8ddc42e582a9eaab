/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A response as the client sees it: bytes -> struct ifmap_answer (ifmap.md 5 and 10).
 *
 * Reading is tolerant where servers differ (C157-C159): any prefix, unknown attributes and foreign
 * children, empty <metadata/>, missing errorString, several items for one element, extended
 * identifiers in either escaping. It is bounded (depth, attributes; the caller bounds the size). An
 * answer owns what it points to; steal a result with g_steal_pointer.
 */
#include <drover/ifmap.h>

enum ifmap_answer_type {
	IFMAP_ANSWER_NEW_SESSION, /* session_id, publisher_id, max_poll_result_size */
	IFMAP_ANSWER_RENEW_SESSION,
	IFMAP_ANSWER_END_SESSION, /* to endSession, or to a poll: the session is over */
	IFMAP_ANSWER_PUBLISH,
	IFMAP_ANSWER_SUBSCRIBE,
	IFMAP_ANSWER_PURGE,
	IFMAP_ANSWER_SEARCH, /* exactly one member, with a result */
	IFMAP_ANSWER_POLL,   /* members in the order of the server */
	IFMAP_ANSWER_ERROR,  /* refused holds code (IFMAP_ERROR) and text */
};

/* One child of a pollResult: either a result or the error that ended a subscription. */
struct ifmap_member {
	char *name;                  /* subscription; NULL when the server left it out */
	struct ifmap_result *result; /* NULL when it is an error */
	GError *refused;             /* NULL when it is a result */
};

struct ifmap_answer {
	enum ifmap_answer_type type;
	char *session_id;
	char *publisher_id;
	size_t max_poll_result_size; /* 0: not in the answer */
	GPtrArray *members;          /* struct ifmap_member *; never NULL */
	GError *refused;
};

/* Reads one complete body. NULL with IFMAP_ERROR_PROTOCOL when it is no IF-MAP response (not
 * well-formed, a SOAP fault, an unknown child); an errorResult is an answer, not an error. Any
 * thread. */
struct ifmap_answer *ifmap_answer_parse(const char *data, size_t size, GError **error);
void ifmap_answer_free(struct ifmap_answer *answer);
typedef struct ifmap_answer ifmap_answer;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ifmap_answer, ifmap_answer_free)
