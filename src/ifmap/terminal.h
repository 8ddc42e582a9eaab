/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* terminal-identifier-type, compiled (ifmap.md 7.2). Immutable once built; one owner. */
#include <drover/ifmap.h>

#include "ifmap/dialect.h"

struct ifmap_terminal;

/* Compiles the comma list; NULL or "" gives NULL without error: nothing is terminal. Errors:
 * INVALID_IDENTIFIER. */
struct ifmap_terminal *ifmap_terminal_new(
	const char *text, const struct ifmap_dialect *dialect, GError **error);
void ifmap_terminal_free(struct ifmap_terminal *terminal);
/* Whether a search stops at `id`; a NULL terminal stops nowhere. */
gboolean ifmap_terminal_stops(const struct ifmap_terminal *terminal, const struct ifmap_id *id);
