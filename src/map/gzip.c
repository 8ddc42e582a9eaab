#include "map/gzip.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW  (15 + 16) /* the largest window, and a gzip header */
#define MEMORY_LEVEL 8

gboolean map_gzip_inflate(const char *data, size_t size, size_t max_size, GString *out)
{
	z_stream stream = { 0 };
	unsigned char chunk[8192];
	int status = Z_OK;

	if (size > G_MAXUINT || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return FALSE;
	stream.next_in = (unsigned char *)data;
	stream.avail_in = (unsigned)size;
	while (status == Z_OK) {
		stream.next_out = chunk;
		stream.avail_out = sizeof(chunk);
		status = inflate(&stream, Z_NO_FLUSH);
		size_t n = sizeof(chunk) - stream.avail_out;
		if (out->len + n > max_size)
			break;
		g_string_append_len(out, (const char *)chunk, (gssize)n);
	}
	(void)inflateEnd(&stream);
	return status == Z_STREAM_END && stream.avail_in == 0;
}

gboolean map_gzip_deflate(GString *text)
{
	z_stream stream = { 0 };
	g_autoptr(GString) out = g_string_new(NULL);

	if (text->len > G_MAXUINT / 2 ||
		deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
			Z_DEFAULT_STRATEGY) != Z_OK)
		return FALSE;
	g_string_set_size(out, deflateBound(&stream, text->len));
	stream.next_in = (unsigned char *)text->str;
	stream.avail_in = (unsigned)text->len;
	stream.next_out = (unsigned char *)out->str;
	stream.avail_out = (unsigned)out->len;
	int status = deflate(&stream, Z_FINISH);
	size_t size = out->len - stream.avail_out;
	(void)deflateEnd(&stream);
	if (status != Z_STREAM_END)
		return FALSE;
	g_string_truncate(text, 0);
	g_string_append_len(text, out->str, (gssize)size);
	return TRUE;
}
