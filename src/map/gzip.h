#pragma once
/* gzip bodies, both ways, with a bound on what comes out. Pure; any thread. */
#include <glib.h>

/* Inflates a whole gzip stream into `out`; FALSE when it is damaged or grows over max_size. */
gboolean map_gzip_inflate(const char *data, size_t size, size_t max_size, GString *out);
/* Deflates `text` in place of itself; FALSE, and `text` as it was, when memory is short. */
gboolean map_gzip_deflate(GString *text);
