#pragma once
/* Writing XML into a GString: escaping, and nothing else clever.
 *
 * The caller keeps tags balanced; names and namespace prefixes are the caller's own constants,
 * values are anybody's. A byte that XML 1.0 cannot carry (a control character, broken UTF-8) is
 * written as U+FFFD.
 */
#include <glib.h>

/* Appends `text` escaped for element content: & < > and CR. */
void base_xmlout_text(GString *out, const char *text);

/* Appends ` name="value"`, escaped for an attribute: & < > " TAB LF CR. A NULL value appends
 * nothing. */
void base_xmlout_attr(GString *out, const char *name, const char *value);

/* Appends `<name>text</name>`. A NULL text appends nothing. */
void base_xmlout_element(GString *out, const char *name, const char *text);
