#include "map/gzip.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW  (15 + 16) /* the largest window, and a gzip header */
#define MEMORY_LEVEL 8

gboolean map_gzip_is(const char *encoding)
{
	return g_ascii_strcasecmp(encoding, "gzip") == 0 ||
	       g_ascii_strcasecmp(encoding, "x-gzip") == 0;
}

/* "q=0" and "q=0.000" refuse, any other weight accepts (RFC 9110, 12.4.2). */
static gboolean refuses(const char *parameters)
{
	const char *weight = strstr(parameters, "q=");

	return weight && weight[2] && weight[2 + strspn(weight + 2, "0. \t")] == '\0';
}

gboolean map_gzip_is_accepted(const char *accepted)
{
	g_auto(GStrv) codings = g_strsplit(accepted ? accepted : "", ",", 32);

	for (char **coding = codings; *coding; coding++) {
		char *parameters = strchr(*coding, ';');

		if (parameters)
			*parameters++ = '\0';
		if (map_gzip_is(g_strstrip(*coding)))
			return !parameters || !refuses(parameters);
	}
	return FALSE;
}

enum map_gzip map_gzip_inflate(const char *data, size_t size, size_t max_size, GString *out)
{
	z_stream stream = { 0 };
	unsigned char chunk[8192];
	gboolean fits = TRUE;
	int status = Z_OK;

	if (size > G_MAXUINT || inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return MAP_GZIP_DAMAGED;
	stream.next_in = (unsigned char *)data;
	stream.avail_in = (unsigned)size;
	while (status == Z_OK && fits) {
		stream.next_out = chunk;
		stream.avail_out = sizeof(chunk);
		status = inflate(&stream, Z_NO_FLUSH);
		size_t n = sizeof(chunk) - stream.avail_out;
		fits = out->len + n <= max_size;
		if (fits)
			g_string_append_len(out, (const char *)chunk, (gssize)n);
	}
	(void)inflateEnd(&stream);
	if (!fits)
		return MAP_GZIP_TOO_LARGE;
	return status == Z_STREAM_END && stream.avail_in == 0 ? MAP_GZIP_GOOD : MAP_GZIP_DAMAGED;
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
