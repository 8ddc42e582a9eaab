#include "table.h"

#include <stdio.h>

struct table {
	const struct table_column *columns;
	json_t *rows;
};

struct table *table_new(const struct table_column *columns)
{
	struct table *table = g_new0(struct table, 1);

	table->columns = columns;
	table->rows = json_array();
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	json_decref(table->rows);
	g_free(table);
}

void table_take(struct table *table, json_t *row)
{
	json_array_append_new(table->rows, row);
}

static char *cell(const struct table_column *column, const json_t *row)
{
	const json_t *value = json_object_get(row, column->name);

	if (json_is_string(value))
		return g_strdup(json_string_value(value));
	if (json_is_number(value))
		return g_strdup_printf("%.*f", column->decimals, json_number_value(value));
	return g_strdup("-");
}

static int width_of(const struct table *table, const struct table_column *column)
{
	glong width = g_utf8_strlen(column->heading, -1);
	size_t i;
	json_t *row;

	json_array_foreach(table->rows, i, row)
	{
		g_autofree char *text = cell(column, row);

		width = MAX(width, g_utf8_strlen(text, -1));
	}
	return (int)width;
}

/* Text to the left, numbers to the right, as the first row has them; `row` NULL: the headings. */
static void print_row(const struct table *table, const json_t *row)
{
	const json_t *first = json_array_get(table->rows, 0);

	for (const struct table_column *c = table->columns; c->name; c++) {
		g_autofree char *text = row ? cell(c, row) : g_strdup(c->heading);
		int blanks = width_of(table, c) - (int)g_utf8_strlen(text, -1);
		gboolean left = json_is_string(json_object_get(first, c->name));

		printf("%*s%s%*s%s", left ? 0 : blanks, "", text, left ? blanks : 0, "",
			c[1].name ? "  " : "\n");
	}
}

void table_print_text(const struct table *table)
{
	size_t i;
	json_t *row;

	print_row(table, NULL);
	json_array_foreach(table->rows, i, row) print_row(table, row);
}

void table_print_json(const struct table *table)
{
	json_dumpf(table->rows, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
}
