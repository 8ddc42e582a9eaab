#pragma once
/* Names of enum constants. A table indexed by the constant gives both directions: table[constant]
 * is the name, BASE_NAMES_FIND() the way back. Each row is a `const char *` or a struct that begins
 * with one. Any thread.
 */
#include <glib.h>

/* Index of the row that bears exactly this name. FALSE, and *ret_index as it was, when none does;
 * so for name NULL. Rows without a name are passed over. */
gboolean base_names_find(
	const void *table, size_t n_rows, size_t row_size, const char *name, unsigned *ret_index);

#define BASE_NAMES_FIND(table, name, ret_index) \
	base_names_find(table, G_N_ELEMENTS(table), sizeof((table)[0]), name, ret_index)
