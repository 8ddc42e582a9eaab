#include "cmd/out.h"

struct out_table {
	size_t n_columns;
	GPtrArray *rows; /* char ** */
};

struct out_table *out_table_new(const char *const *headings)
{
	struct out_table *table = g_new0(struct out_table, 1);

	table->n_columns = g_strv_length((char **)headings);
	table->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	out_table_add(table, headings);
	return table;
}

/* A cell on one line, without anything that steers a terminal: what is in the map was written by
 * others. Newly allocated. */
static char *cell_of(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p))
		g_string_append_unichar(
			out, g_unichar_iscntrl(g_utf8_get_char(p)) ? '?' : g_utf8_get_char(p));
	return g_string_free(out, FALSE);
}

void out_table_add(struct out_table *table, const char *const *cells)
{
	char **row = g_new0(char *, table->n_columns + 1);

	for (size_t i = 0; i < table->n_columns; i++)
		row[i] = cell_of(cells[i] && *cells[i] ? cells[i] : "-");
	g_ptr_array_add(table->rows, row);
}

static void table_free(struct out_table *table)
{
	g_ptr_array_unref(table->rows);
	g_free(table);
}

/* Columns of a terminal. */
static long width_of(const char *text)
{
	long width = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
	}
	return width;
}

static long column_width(const struct out_table *table, size_t column)
{
	long width = 0;

	for (unsigned i = 0; i < table->rows->len; i++)
		width = MAX(width, width_of(((char **)table->rows->pdata[i])[column]));
	return width;
}

void out_table_print(struct out_table *table, FILE *out)
{
	g_autofree long *widths = g_new(long, table->n_columns);

	for (size_t c = 0; c < table->n_columns; c++)
		widths[c] = column_width(table, c);
	for (unsigned i = 0; i < table->rows->len; i++) {
		char **row = table->rows->pdata[i];

		for (size_t c = 0; c < table->n_columns; c++)
			fprintf(out, "%s%*s", row[c],
				c + 1 < table->n_columns ? (int)(widths[c] - width_of(row[c]) + 2)
							 : 0,
				"");
		fputc('\n', out);
	}
	table_free(table);
}

void out_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}

void out_either(gboolean json_wanted, struct out_table *table, json_t *json)
{
	if (json_wanted) {
		out_json(json);
		table_free(table);
	} else {
		out_table_print(table, stdout);
		json_decref(json);
	}
}

char *out_age(guint64 then_ms, guint64 now_ms)
{
	guint64 s = now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;

	if (!then_ms)
		return g_strdup("-");
	if (s < 120)
		return g_strdup_printf("%" G_GUINT64_FORMAT " s", s);
	if (s < 7200)
		return g_strdup_printf("%" G_GUINT64_FORMAT " min", s / 60);
	if (s < 172800)
		return g_strdup_printf("%" G_GUINT64_FORMAT " h", s / 3600);
	return g_strdup_printf("%" G_GUINT64_FORMAT " d", s / 86400);
}

char *out_time(guint64 ms)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((gint64)(ms / 1000));

	return time ? g_date_time_format(time, "%F %T") : g_strdup("-");
}

char *out_colour(gboolean wanted, enum out_colour colour, const char *text)
{
	static const char *const codes[] = { [OUT_GOOD] = "32", [OUT_BAD] = "31", [OUT_DIM] = "2" };

	return wanted ? g_strdup_printf("\033[%sm%s\033[0m", codes[colour], text) : g_strdup(text);
}
