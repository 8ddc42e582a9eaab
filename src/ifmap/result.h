/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Making result values. Everything a result holds is freed with it (ifmap_result_free). */
#include <drover/ifmap.h>

/* An item without metadata; takes both references, `b` may be NULL. Add to item->metas; references
 * are taken over. */
struct ifmap_item *ifmap_item_new(struct ifmap_id *a, struct ifmap_id *b);
/* A result without items; add to result->items. `name` is copied and may be NULL. */
struct ifmap_result *ifmap_result_new(enum ifmap_result_kind kind, const char *name);
