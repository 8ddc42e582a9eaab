/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/tagscan.h"

#include <string.h>

/* Markup that is no tag, and what ends it. A DOCTYPE is refused before its content matters. */
static const struct {
	const char *begin;
	const char *end;
} skipped[] = {
	{ "<!--", "-->" },
	{ "<![CDATA[", "]]>" },
	{ "<?", "?>" },
};

/* Skips a comment, CDATA section or instruction at `p`; returns `p` itself when there is none, NULL
 * when it never ends. */
static const char *skip_other(const char *p, const char *end)
{
	if (end - p < 2 || (p[1] != '!' && p[1] != '?')) /* nearly always */
		return p;
	for (size_t i = 0; i < G_N_ELEMENTS(skipped); i++) {
		size_t begin_size = strlen(skipped[i].begin), end_size = strlen(skipped[i].end);
		const char *stop;

		if ((size_t)(end - p) < begin_size || memcmp(p, skipped[i].begin, begin_size) != 0)
			continue;
		p += begin_size;
		stop = memmem(p, (size_t)(end - p), skipped[i].end, end_size);
		return stop ? stop + end_size : NULL;
	}
	return p;
}

/* From behind the `<` of a tag to behind its `>`; NULL when it never ends or has too many values.
 */
static const char *skip_tag(const char *p, const char *end, unsigned max, gboolean *ret_too_many)
{
	for (unsigned n = 0; p < end && *p != '>'; p++) {
		if (*p != '"' && *p != '\'')
			continue;
		if (++n > max) {
			*ret_too_many = TRUE;
			return NULL;
		}
		p = memchr(p + 1, *p, (size_t)(end - p - 1));
		if (!p)
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

gboolean ifmap_tagscan(const char *data, size_t size, unsigned max)
{
	const char *end = data + size, *p = data;
	gboolean too_many = FALSE;

	while (p && (p = memchr(p, '<', (size_t)(end - p)))) {
		const char *behind = skip_other(p, end);

		p = behind == p ? skip_tag(p + 1, end, max, &too_many) : behind;
	}
	return !too_many;
}
