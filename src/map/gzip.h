#pragma once
/* gzip bodies, both ways, with a bound on what comes out. Pure; any thread. */
#include <glib.h>

enum map_gzip {
	MAP_GZIP_GOOD,
	MAP_GZIP_DAMAGED,
	MAP_GZIP_TOO_LARGE, /* inflated, it grows over max_size */
};
/* Inflates a whole gzip stream into `out`. */
enum map_gzip map_gzip_inflate(const char *data, size_t size, size_t max_size, GString *out);
/* Whether a Content-Encoding names it. */
gboolean map_gzip_is(const char *encoding);
/* Whether an Accept-Encoding (NULL: none) asks for it. */
gboolean map_gzip_is_accepted(const char *accepted);
/* Deflates `text` in place of itself; FALSE, and `text` as it was, when memory is short. */
gboolean map_gzip_deflate(GString *text);
