/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The inside of an identifier: one allocation that holds every string, immutable from birth.
 *
 * Two ways lead to one: what a peer sent (ifmap_identifier_read: refuses what is not canonical) and
 * what a caller of the public API names (ifmap_id_new_*: brought into canonical form first).
 */
#include <drover/ifmap.h>

#include "ifmap/dialect.h"

/* What most identifiers do not have: their wire form is their value in plain. */
struct ifmap_id_more {
	const char *domain;        /* "" for none */
	const char *wire;          /* XML, as results carry it; NULL: made of the value */
	const char *identity_type; /* NULL but for identities */
	const char *other_type;    /* NULL unless identity_type is "other" */
	const char *ns;            /* of an extended identifier's root, else NULL */
	const char *local;         /* likewise */
	const char *attributes; /* of that root: name NUL value NUL ... NUL; NULL if not extended */
};

/* Of most there are two for each metadata, so it is small. The key stands behind it, or behind what
 * more there is: ifmap_id_key(). */
struct ifmap_id {
	gint refs;
	guint8 type; /* enum ifmap_id_type */
	guint8 ip6;
	const char *value;
	const struct ifmap_id_more *more;
};

/* Appends the XML that results carry. */
void ifmap_identifier_write(GString *out, const struct ifmap_id *id);

/* What stands in an identifier element, unescaped; NULL when absent. */
struct ifmap_identifier_parts {
	enum ifmap_id_type type;
	const char *name;       /* name or value attribute; the text of <name> for a device */
	const char *domain;     /* administrative-domain */
	const char *subtype;    /* `type` of identity and ip-address */
	const char *other_type; /* other-type-definition */
};

/* Limits of the canonical key, bytes. */
#define IFMAP_IDENTIFIER_MAX_DEFAULT ((size_t)16384)

/* Builds an identifier from what a peer sent; `dialect` NULL: defaults. Errors: INVALID_IDENTIFIER,
 * INVALID_IDENTIFIER_TYPE, IDENTIFIER_TOO_LONG. */
struct ifmap_id *ifmap_identifier_read(const struct ifmap_identifier_parts *parts, size_t max_size,
	const struct ifmap_dialect *dialect, GError **error);

/* Type of an identifier element by its name; FALSE when `local` names none. */
gboolean ifmap_identifier_type_from_string(const char *local, enum ifmap_id_type *ret_type);
const char *ifmap_identifier_type_to_string(enum ifmap_id_type type);

/* Whether `type` is one of the identity types of ifmap.md 2.2. */
gboolean ifmap_identifier_is_identity_type(const char *type);
