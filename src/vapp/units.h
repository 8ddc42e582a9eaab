#pragma once
/* Amounts as OVF writes them: a quantity and a programmatic unit ("byte * 2^20", "MegaBytes"). */
#include <glib.h>

/* `quantity` in `units` as bytes. units NULL or "": `default_units`. FALSE: not a number, unknown
 * unit, or too much. */
gboolean ovf_units_to_size(
	const char *quantity, const char *units, const char *default_units, guint64 *ret_size);
