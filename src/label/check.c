#include "label/check.h"

#include <string.h>

G_DEFINE_QUARK(label - error - quark, label_error)

gboolean label_refuse(GError **error, enum label_error code, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list args;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, LABEL_ERROR, (int)code, message);
	return FALSE;
}

gboolean label_error_place(GError **error, const char *name, unsigned line, const char *element)
{
	g_prefix_error(error, "%s:%u: %s: ", name, line, element);
	return FALSE;
}

static gboolean is_name_char(gunichar c)
{
	return g_unichar_isalnum(c) || (c < 0x80 && c && strchr("_-.:+/@()", (int)c));
}

static gboolean is_name(const char *name)
{
	size_t size = strlen(name);

	if (size == 0 || size > LABEL_MAX_NAME || !g_utf8_validate(name, (gssize)size, NULL))
		return FALSE;
	if (name[0] == ' ' || name[size - 1] == ' ' || strstr(name, "  "))
		return FALSE;
	for (const char *p = name; *p; p = g_utf8_next_char(p))
		if (*p != ' ' && !is_name_char(g_utf8_get_char(p)))
			return FALSE;
	return TRUE;
}

gboolean label_check_name(const char *what, const char *name, GError **error)
{
	g_autofree char *shown = NULL;

	if (name && is_name(name))
		return TRUE;
	shown = g_strescape(name ? name : "", NULL);
	return label_refuse(error, LABEL_ERROR_CONTENT,
		"\"%.80s\" cannot name a %s: 1 to %d bytes of letters, digits and "
		"_-.:+/@()",
		shown, what, LABEL_MAX_NAME);
}

/* U+FFFE and U+FFFF could not be written as XML. */
static gboolean is_text_char(gunichar c)
{
	return !g_unichar_iscntrl(c) && c != 0xfffe && c != 0xffff;
}

/* For what is only carried along: at most 1024 bytes of one line. */
gboolean label_check_text(const char *what, const char *text, GError **error)
{
	if (!text)
		return TRUE;
	if (strlen(text) > 1024 || !g_utf8_validate(text, -1, NULL))
		return label_refuse(
			error, LABEL_ERROR_LIMIT, "the %s is longer than 1024 bytes", what);
	for (const char *p = text; *p; p = g_utf8_next_char(p))
		if (!is_text_char(g_utf8_get_char(p)))
			return label_refuse(error, LABEL_ERROR_CONTENT,
				"the %s has a control character in it", what);
	return TRUE;
}

/* xsd VersionFormat: [0-9]{1,8}.[0-9]{1,8} */
gboolean label_check_version(const char *version, GError **error)
{
	size_t major = version ? strspn(version, "0123456789") : 0;
	size_t minor = major && version[major] == '.' ? strspn(version + major + 1, "0123456789")
						      : 0;

	if (major < 1 || major > 8 || minor < 1 || minor > 8 || version[major + 1 + minor])
		return label_refuse(error, LABEL_ERROR_CONTENT,
			"the version is not of the form 1.0 (digits, a dot, digits)");
	return TRUE;
}

gboolean label_check_colour(const char *colour, GError **error)
{
	if (!colour)
		return TRUE;
	if (colour[0] != '#' || strlen(colour) != 7 ||
		strspn(colour + 1, "0123456789abcdefABCDEF") != 6)
		return label_refuse(
			error, LABEL_ERROR_CONTENT, "the colour is not of the form #3366cc");
	return TRUE;
}
