/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The inside of a publish request as a client builds it (struct ifmap_publish of the public
 * header), for those in this room who write it out or must know what it holds. One owner; a change
 * owns what it points to.
 */
#include <drover/ifmap.h>

enum ifmap_operation_type {
	IFMAP_OPERATION_UPDATE,
	IFMAP_OPERATION_NOTIFY,
	IFMAP_OPERATION_DELETE,
};

/* One child of a publish, in the client's words. */
struct ifmap_change {
	enum ifmap_operation_type type;
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: on the identifier */
	enum ifmap_lifetime lifetime;
	struct ifmap_meta *meta; /* NULL for delete */
	char *filter;            /* delete only; NULL: everything */
};

struct ifmap_publish {
	GPtrArray *changes; /* struct ifmap_change *, in order */
};

/* Appends everything in `from` to `to`; `from` is left empty. */
void ifmap_publish_move(struct ifmap_publish *to, struct ifmap_publish *from);

/* Whether applying the request twice ends in the same graph as applying it once: no notify, no
 * multiValue update. */
gboolean ifmap_publish_is_repeatable(const struct ifmap_publish *publish);
