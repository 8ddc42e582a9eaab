#pragma once
/* Rows of figures, printed as aligned columns for people or as a JSON array for programs.
 *
 * A row is a JSON object; a column shows the member of its name. What a row has not, or has as
 * null, is printed as "-". The table owns its rows. One thread.
 */
#include <glib.h>
#include <jansson.h>

struct table_column {
	const char *name; /* of the member; NULL ends the list */
	const char *heading;
	int decimals; /* of numbers; text ignores it */
};

struct table;

/* `columns` must outlive the table. */
struct table *table_new(const struct table_column *columns);
void table_free(struct table *table);
typedef struct table table_value; /* for g_auto */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_value, table_free)

/* Takes the row. */
void table_take(struct table *table, json_t *row);
/* To standard output. */
void table_print_text(const struct table *table);
void table_print_json(const struct table *table);
