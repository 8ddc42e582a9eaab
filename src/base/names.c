#include "base/names.h"

#include <string.h>

gboolean base_names_find(
	const void *table, size_t n_rows, size_t row_size, const char *name, unsigned *ret_index)
{
	for (size_t i = 0; name && i < n_rows; i++) {
		const char *const *row = (const void *)((const char *)table + i * row_size);

		if (!*row || strcmp(*row, name) != 0)
			continue;
		*ret_index = (unsigned)i;
		return TRUE;
	}
	return FALSE;
}
