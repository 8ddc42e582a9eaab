/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Extended identifiers (ifmap.md 2.6): small XML documents inside the name of an identity. Here
 * they are brought into their canonical text, the form in which they are compared. Pure functions,
 * any thread.
 */
#include <glib.h>

/* A canonical extended identifier, taken apart. Filled by the functions below, owned by the caller.
 */
struct ifmap_extended {
	char *text;  /* canonical XML */
	char *ns;    /* of the root element, never empty */
	char *local; /* its name */
	GString *
		attributes; /* its attributes: name NUL value NUL ... (and the GString's own NUL) */
};

enum ifmap_extended_status {
	IFMAP_EXTENDED_OK,
	IFMAP_EXTENDED_OPAQUE,  /* no XML at all, or none that parses: an ordinary name (lenient
				   mode, C69) */
	IFMAP_EXTENDED_REFUSED, /* XML, but no identifier; error is set */
};

/* Reads the name of an identity, in single or double escaping. *ret is written on IFMAP_EXTENDED_OK
 * only. */
enum ifmap_extended_status ifmap_extended_read(
	const char *name, struct ifmap_extended *ret, GError **error);

/* Composes one from its parts; `attributes` is name, value, ..., NULL and gets
 * administrative-domain="" if it has none. */
gboolean ifmap_extended_compose(const char *ns, const char *local, const char *const *attributes,
	struct ifmap_extended *ret, GError **error);

/* Puts one level of escaping on canonical text: the value of the name attribute (double form). */
char *ifmap_extended_escape(const char *text);

void ifmap_extended_clear(struct ifmap_extended *extended);
typedef struct ifmap_extended ifmap_extended;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ifmap_extended, ifmap_extended_clear)
