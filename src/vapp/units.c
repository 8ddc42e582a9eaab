#include "vapp/units.h"

#include <string.h>

static const struct {
	const char *name; /* lower case */
	guint64 factor;
} units_table[] = {
	{ "byte", 1 },
	{ "bytes", 1 },
	{ "b", 1 },
	{ "kilobytes", 1ull << 10 },
	{ "kb", 1ull << 10 },
	{ "kib", 1ull << 10 },
	{ "megabytes", 1ull << 20 },
	{ "mb", 1ull << 20 },
	{ "mib", 1ull << 20 },
	{ "gigabytes", 1ull << 30 },
	{ "gb", 1ull << 30 },
	{ "gib", 1ull << 30 },
	{ "terabytes", 1ull << 40 },
	{ "tb", 1ull << 40 },
	{ "tib", 1ull << 40 },
};

static gboolean power(guint64 base, guint64 exponent, guint64 *ret_value)
{
	guint64 value = 1;

	for (guint64 i = 0; i < exponent; i++)
		if (__builtin_mul_overflow(value, base, &value))
			return FALSE;
	*ret_value = value;
	return TRUE;
}

/* "2^20", "10^6" or "1024". */
static gboolean factor_from_string(const char *text, guint64 *ret_factor)
{
	g_auto(GStrv) parts = g_strsplit(text, "^", 3);
	guint64 base, exponent = 1;
	guint n_parts = g_strv_length(parts);

	if (n_parts < 1 || n_parts > 2 ||
		!g_ascii_string_to_unsigned(parts[0], 10, 1, G_MAXUINT32, &base, NULL))
		return FALSE;
	if (n_parts == 2 && !g_ascii_string_to_unsigned(parts[1], 10, 0, 63, &exponent, NULL))
		return FALSE;
	return power(base, exponent, ret_factor);
}

/* "byte*2^20" with white space gone and in lower case. */
static gboolean unit_from_string(const char *text, guint64 *ret_unit)
{
	g_auto(GStrv) parts = g_strsplit(text, "*", 3);
	guint n_parts = g_strv_length(parts);
	guint64 factor = 1;

	if (n_parts < 1 || n_parts > 2 || (n_parts == 2 && !factor_from_string(parts[1], &factor)))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(units_table); i++)
		if (strcmp(units_table[i].name, parts[0]) == 0)
			return !__builtin_mul_overflow(units_table[i].factor, factor, ret_unit);
	return FALSE;
}

static char *squeeze(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *p = text; *p; p++)
		if (!g_ascii_isspace(*p))
			g_string_append_c(out, g_ascii_tolower(*p));
	return g_string_free(out, FALSE);
}

gboolean ovf_units_to_size(
	const char *quantity, const char *units, const char *default_units, guint64 *ret_size)
{
	g_autofree char *text = squeeze(units && *units ? units : default_units);
	guint64 unit, amount, size;

	if (!unit_from_string(text, &unit) ||
		!g_ascii_string_to_unsigned(quantity, 10, 0, G_MAXUINT64, &amount, NULL) ||
		__builtin_mul_overflow(amount, unit, &size))
		return FALSE;
	*ret_size = size;
	return TRUE;
}
