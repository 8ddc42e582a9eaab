#include "base/xmlout.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* What stands for a character that cannot stand as it is; one row for content, one for attributes.
 */
#define EVERYWHERE                                                                                \
	[0x01 ... 0x08] = REPLACEMENT, [0x0b ... 0x0c] = REPLACEMENT,                             \
		  [0x0e ... 0x1f] = REPLACEMENT, ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", \
		  ['\r'] = "&#13;"
static const char *const in_text[128] = { EVERYWHERE };
static const char *const in_attr[128] = {
	EVERYWHERE, ['"'] = "&quot;", ['\t'] = "&#9;", ['\n'] = "&#10;"
};

/* U+FFFE and U+FFFF are valid UTF-8 and yet no characters of XML 1.0 (2.2). */
static gboolean is_noncharacter(const char *p)
{
	return strncmp(p, "\xef\xbf\xbe", 3) == 0 || strncmp(p, "\xef\xbf\xbf", 3) == 0;
}

/* From `p` to the first byte that may have to be written otherwise, or to the end. */
static const char *skip_plain(const char *p, const char *const escapes[128])
{
	while (*p && (guchar)*p != 0xef && ((guchar)*p >= 0x80 || !escapes[(guchar)*p]))
		p++;
	return p;
}

static void append_valid(GString *out, const char *text, const char *const escapes[128])
{
	for (const char *p = text; *p; p++) {
		const char *plain = p;

		p = skip_plain(p, escapes);
		g_string_append_len(out, plain, p - plain);
		if (!*p)
			return;
		if ((guchar)*p < 0x80) {
			g_string_append(out, escapes[(guchar)*p]);
		} else if (is_noncharacter(p)) {
			g_string_append(out, REPLACEMENT);
			p += 2;
		} else {
			g_string_append_c(out, *p);
		}
	}
}

static void append_escaped(GString *out, const char *text, const char *const escapes[128])
{
	g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL
								 : g_utf8_make_valid(text, -1);

	append_valid(out, valid ? valid : text, escapes);
}

void base_xmlout_text(GString *out, const char *text)
{
	append_escaped(out, text, in_text);
}

void base_xmlout_attr(GString *out, const char *name, const char *value)
{
	if (!value)
		return;
	g_string_append_c(out, ' ');
	g_string_append(out, name);
	g_string_append(out, "=\"");
	append_escaped(out, value, in_attr);
	g_string_append_c(out, '"');
}

void base_xmlout_element(GString *out, const char *name, const char *text)
{
	if (!text)
		return;
	g_string_append_c(out, '<');
	g_string_append(out, name);
	g_string_append_c(out, '>');
	append_escaped(out, text, in_text);
	g_string_append(out, "</");
	g_string_append(out, name);
	g_string_append_c(out, '>');
}
