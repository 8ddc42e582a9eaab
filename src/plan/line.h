#pragma once
/* Inside of assumptions: one line "NAME=VALUE" being carried out in a world. For the files of this
 * room only. What returns gboolean is FALSE, and what returns text NULL, with the line's error set,
 * which begins with the line.
 */
#include "plan/judge.h"

struct line {
	struct world *world;
	const char *text; /* the whole line */
	char *name;
	const char *value; /* the two sides of its '=' */
	GError **error;
};

/* Always NULL. */
char *line_fail(const struct line *line, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Field := value, as struct plan_change has it. */
gboolean line_change(const struct line *line, enum facts_kind kind, const char *a, const char *b,
	const char *field, const char *value);
gboolean line_change_number(const struct line *line, enum facts_kind kind, const char *a,
	const char *field, guint64 value);
/* The value is one of these two words. */
gboolean line_choice(const struct line *line, const char *yes, const char *no, gboolean *ret_yes);
/* All cables of a host or switch, and there is one. */
gboolean line_set_cables(const struct line *line, const char *place, gboolean up);

/* ---- hosts (line_host.c); what is supposed now, newly allocated ---- */

/* "HOST.PROPERTY=VALUE", where names of hosts may have dots themselves. */
char *line_property(const struct line *line);
/* "HOST=up" or "=down". */
char *line_host(const struct line *line, const struct world_host *host);
