#pragma once
/* What may stand in a policy: names, texts, versions, colours. Each check returns FALSE with a
 * LABEL_ERROR that says why, and leaves the place to its caller. Pure; any thread.
 */
#include "label/policy.h"

/* Sets the error. Returns FALSE. */
gboolean label_refuse(GError **error, enum label_error code, const char *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Puts "NAME:LINE: ELEMENT: " in front of an error that was set. Returns FALSE. */
gboolean label_error_place(GError **error, const char *name, unsigned line, const char *element);

/* `what` is what the name names ("type"); NULL is no name. */
gboolean label_check_name(const char *what, const char *name, GError **error);

/* Text that is only carried along: one line of at most 1024 bytes; may be NULL. */
gboolean label_check_text(const char *what, const char *text, GError **error);

/* The VersionFormat of ACM's schema: digits, a dot, digits; at most 8 each. */
gboolean label_check_version(const char *version, GError **error);

/* "#rrggbb", or NULL. */
gboolean label_check_colour(const char *colour, GError **error);
