/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/dn.h"

#include <string.h>

static const char *skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* Letters, digits and '-' that begin with a letter, or digits and dots. */
static const char *read_type(const char *p, GString *out)
{
	const char *start = p = skip_blanks(p);

	if (g_ascii_strncasecmp(p, "OID.", 4) == 0)
		start = p += 4;
	while (g_ascii_isalnum(*p) || *p == '-' || (*p == '.' && g_ascii_isdigit(*start)))
		p++;
	for (const char *c = start; c < p; c++)
		g_string_append_c(out, g_ascii_toupper(*c));
	if (p == start)
		return NULL;
	p = skip_blanks(p);
	return *p == '=' ? skip_blanks(p + 1) : NULL;
}

/* What follows a backslash: two hex digits, or the character itself. */
static const char *read_escape(const char *p, GString *value)
{
	int high = g_ascii_xdigit_value(p[0]);
	int low = high < 0 ? -1 : g_ascii_xdigit_value(p[1]);

	if (!*p || (high == 0 && low == 0))
		return NULL;
	g_string_append_c(value, low < 0 ? *p : (char)(high * 16 + low));
	return p + (low < 0 ? 1 : 2);
}

static gboolean ends_value(char c)
{
	return c == '\0' || c == ',' || c == ';' || c == '+';
}

/* A value up to the separator behind it. `quoted`: what opened it must close it. */
static const char *read_text(const char *p, gboolean quoted, GString *value)
{
	while (p && (quoted ? *p != '\0' && *p != '"' : !ends_value(*p))) {
		if (*p == '\\')
			p = read_escape(p + 1, value);
		else if (*p == '"')
			return NULL;
		else
			g_string_append_c(value, *p++);
	}
	if (!p || !quoted)
		return p;
	p = *p == '"' ? skip_blanks(p + 1) : NULL;
	return p && ends_value(*p) ? p : NULL;
}

/* "#" and pairs of hex digits: an encoding nobody here decodes. */
static const char *read_hex(const char *p, GString *out)
{
	const char *start = p++;

	while (g_ascii_isxdigit(*p))
		p++;
	if ((p - start) % 2 == 0 || p == start + 1)
		return NULL;
	for (const char *c = start; c < p; c++)
		g_string_append_c(out, g_ascii_tolower(*c));
	p = skip_blanks(p);
	return ends_value(*p) ? p : NULL;
}

/* Appends a value so that nothing in it looks like a separator or like hex. */
static void append_value(GString *out, const char *folded)
{
	gboolean blank = FALSE;
	gsize start = out->len;

	for (const char *c = folded; *c; c++) {
		if (*c == ' ') {
			blank = TRUE;
			continue;
		}
		if (blank && out->len > start)
			g_string_append_c(out, ' ');
		blank = FALSE;
		if (strchr("\\,+", *c) || (*c == '#' && out->len == start))
			g_string_append_c(out, '\\');
		g_string_append_c(out, *c);
	}
}

static const char *read_value(const char *p, GString *out)
{
	g_autoptr(GString) value = g_string_new(NULL);
	gboolean quoted = *p == '"';

	if (*p == '#')
		return read_hex(p, out);
	p = read_text(quoted ? p + 1 : p, quoted, value);
	if (!p || !g_utf8_validate(value->str, (gssize)value->len, NULL))
		return NULL;
	g_autofree char *lower = g_utf8_casefold(value->str, (gssize)value->len);
	g_autofree char *folded = g_utf8_normalize(lower, -1, G_NORMALIZE_ALL_COMPOSE);
	append_value(out, folded);
	return p;
}

static int compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_sorted(GString *out, GPtrArray *attributes)
{
	g_ptr_array_sort(attributes, compare_texts);
	for (guint i = 0; i < attributes->len; i++) {
		if (i > 0)
			g_string_append_c(out, '+');
		g_string_append(out, g_ptr_array_index(attributes, i));
	}
	g_ptr_array_set_size(attributes, 0);
}

char *ifmap_dn_fold(const char *name)
{
	g_autoptr(GString) out = g_string_sized_new(strlen(name));
	g_autoptr(GPtrArray) attributes = g_ptr_array_new_with_free_func(g_free);

	for (const char *p = name;; p++) {
		g_autoptr(GString) attribute = g_string_new(NULL);

		p = read_type(p, attribute);
		g_string_append_c(attribute, '=');
		p = p ? read_value(p, attribute) : NULL;
		if (!p)
			return NULL;
		g_ptr_array_add(attributes, g_string_free(g_steal_pointer(&attribute), FALSE));
		if (*p == '+')
			continue;
		append_sorted(out, attributes);
		if (!*p)
			return g_string_free(g_steal_pointer(&out), FALSE);
		g_string_append_c(out, ',');
	}
}
