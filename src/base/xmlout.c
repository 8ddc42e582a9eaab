#include "base/xmlout.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* One row a character that cannot stand as it is; `in_text` NULL: it may stand in element content.
 */
static const struct {
	char c;
	const char *in_text;
	const char *in_attr;
} escapes[] = {
	{ '&', "&amp;", "&amp;" },
	{ '<', "&lt;", "&lt;" },
	{ '>', "&gt;", "&gt;" },
	{ '"', NULL, "&quot;" },
	{ '\t', NULL, "&#9;" },
	{ '\n', NULL, "&#10;" },
	{ '\r', "&#13;", "&#13;" },
};

static const char *escape_of(char c, gboolean attribute)
{
	for (size_t i = 0; i < G_N_ELEMENTS(escapes); i++)
		if (escapes[i].c == c)
			return attribute ? escapes[i].in_attr : escapes[i].in_text;
	return (unsigned char)c < 0x20 && c != '\t' && c != '\n' ? REPLACEMENT : NULL;
}

/* U+FFFE and U+FFFF are valid UTF-8 and yet no characters of XML 1.0 (2.2). */
static gboolean is_noncharacter(const char *p)
{
	return strncmp(p, "\xef\xbf\xbe", 3) == 0 || strncmp(p, "\xef\xbf\xbf", 3) == 0;
}

static void append_escaped(GString *out, const char *text, gboolean attribute)
{
	g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL
								 : g_utf8_make_valid(text, -1);

	for (const char *p = valid ? valid : text; *p; p++) {
		const char *escape = escape_of(*p, attribute);

		if (is_noncharacter(p)) {
			g_string_append(out, REPLACEMENT);
			p += 2;
		} else if (escape) {
			g_string_append(out, escape);
		} else {
			g_string_append_c(out, *p);
		}
	}
}

void base_xmlout_text(GString *out, const char *text)
{
	append_escaped(out, text, FALSE);
}

void base_xmlout_attr(GString *out, const char *name, const char *value)
{
	if (!value)
		return;
	g_string_append_printf(out, " %s=\"", name);
	append_escaped(out, value, TRUE);
	g_string_append_c(out, '"');
}

void base_xmlout_element(GString *out, const char *name, const char *text)
{
	if (!text)
		return;
	g_string_append_printf(out, "<%s>", name);
	append_escaped(out, text, FALSE);
	g_string_append_printf(out, "</%s>", name);
}
