#pragma once
/* The form of a rule file: sections in brackets, keys below them, '#' comments; like every key file
 * of ours, but each thing knows its line, since rules are written by hand and must be mended by
 * hand.
 *
 * A section is "[KIND NAME]" or "[KIND]". Lists are separated by ';', and a key may be given again,
 * which adds to its list. What the kinds and keys mean is policyread.c's business. Pure.
 */
#include <glib.h>

struct map_rule_entry {
	char *key;
	char *value;
	unsigned line;
};

struct map_rule_section {
	char *kind;
	char *name; /* "" when it has none */
	unsigned line;
	GPtrArray *entries; /* struct map_rule_entry *, in order */
};

/* Sections in order (struct map_rule_section *), owned by the array. Errors name file and line. */
GPtrArray *map_rule_file_parse(const char *text, const char *file, GError **error);
/* The members of a list, without blanks around them and without empty ones. */
char **map_rule_list_split(const char *value);

#define MAP_RULE_ERROR (map_rule_error_quark())
GQuark map_rule_error_quark(void);
/* Sets an error "FILE:LINE: ..."; returns FALSE. */
gboolean map_rule_fail(GError **error, const char *file, unsigned line, const char *format, ...)
	G_GNUC_PRINTF(4, 5);
