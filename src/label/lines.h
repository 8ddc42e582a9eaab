#pragma once
/* Where the groups and keys of a key file stand: GKeyFile does not tell, and silently merges what
 * is given twice.
 *
 * Scanned once before GKeyFile reads the same text. Owned by the caller; pure; any thread.
 */
#include <glib.h>

/* A map from "GROUP" and "GROUP\nKEY" to line numbers (from 1). NULL, with a LABEL_ERROR that names
 * the line, when a group or a key stands there twice, a key stands before the first group, or a
 * line is neither group, key, comment nor blank. `text` is NUL-terminated. */
GHashTable *label_lines_scan(const char *name, const char *text, GError **error);

/* 0 when it is not there. `key` NULL: of the group. */
unsigned label_lines_find(GHashTable *lines, const char *group, const char *key);
