#pragma once
/* What is asked of the JSON face, as the body that a SOAP client would have sent: the one place
 * where its input becomes XML. Pure; any thread.
 *
 * Whatever the input, a body is well-formed and holds just the one request that was asked for
 * (fuzz/fuzz-face.c). Errors: of the domain IFMAP_ERROR. Bodies are the caller's.
 */
#include <drover/ifmap.h>

/* In the place of a session's id, for a request that needs none. */
#define MAP_FACEQUERY_NO_SESSION "-"

/* Arguments of a URL that asks for a search, in any order. */
struct map_facequery {
	struct ifmap_search search; /* strings are the URL's */
	const char *start;
	GPtrArray *prefixes; /* prefix, namespace, ... */
	GError *error;       /* the first */
};

void map_facequery_init(struct map_facequery *query);
void map_facequery_clear(struct map_facequery *query);
/* Strings are borrowed until _clear; `value` may be NULL. FALSE: there is an error. */
gboolean map_facequery_set(struct map_facequery *query, const char *name, const char *value);
/* `session_id` NULL: a search without session; else a subscription "stream". Once. */
GString *map_facequery_body(struct map_facequery *query, const char *session_id, GError **error);

/* A publish request in JSON. */
GString *map_facequery_publish(const char *text, size_t size, GError **error);
