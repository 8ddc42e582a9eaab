#include "plan/line.h"

#include <string.h>

/* What every assumption may do. */

char *line_fail(const struct line *line, const char *format, ...)
{
	g_autofree char *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(line->error, PLAN_ERROR, PLAN_ERROR_INPUT, "%s: %s", line->text, why);
	return NULL;
}

/* ---- single facts ---- */

gboolean line_change(const struct line *line, enum facts_kind kind, const char *a, const char *b,
	const char *field, const char *value)
{
	g_autoptr(GPtrArray) changes = plan_changes_new();
	g_autoptr(GError) why = NULL;

	plan_changes_add(changes, kind, a, b, field, value);
	if (plan_change_apply(line->world, changes, NULL, &why))
		return TRUE;
	line_fail(line, "%s", why->message);
	return FALSE;
}

gboolean line_change_number(const struct line *line, enum facts_kind kind, const char *a,
	const char *field, guint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	return line_change(line, kind, a, NULL, field, text);
}

gboolean line_choice(const struct line *line, const char *yes, const char *no, gboolean *ret_yes)
{
	*ret_yes = strcmp(line->value, yes) == 0;
	if (*ret_yes || strcmp(line->value, no) == 0)
		return TRUE;
	line_fail(line, "the value is %s or %s", yes, no);
	return FALSE;
}

/* ---- cables ---- */

static gboolean ends_at(const struct world_cable *cable, const char *place)
{
	return strcmp(cable->a, place) == 0 || strcmp(cable->b, place) == 0;
}

gboolean line_set_cables(const struct line *line, const char *place, gboolean up)
{
	g_autoptr(GArray) cables = world_cables(line->world);
	unsigned n = 0;

	for (unsigned i = 0; i < cables->len; i++) {
		const struct world_cable *cable = &g_array_index(cables, struct world_cable, i);
		g_autofree char *a = g_strdup(cable->a); /* they change under us */
		g_autofree char *b = g_strdup(cable->b);

		if (!ends_at(cable, place))
			continue;
		n++;
		if (!line_change(line, FACTS_FABRIC_LINK, a, b, "up", up ? "true" : "false"))
			return FALSE;
	}
	if (n > 0)
		return TRUE;
	line_fail(line, "no cable of it is known");
	return FALSE;
}
