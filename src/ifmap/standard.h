/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What standard metadata must hold: Metadata for Network Security, ifmap.md 12. Pure; any thread.
 */
#include <drover/ifmap.h>

/* Whether the element has the children its schema asks for, in their order, with values of their
 * types. TRUE for metadata of other namespaces and for names the standard does not know. Else FALSE
 * with IFMAP_ERROR_INVALID_METADATA and a sentence that names element and child. Attributes are not
 * looked at, but for those of location-information. */
gboolean ifmap_standard_check(const struct ifmap_meta *meta, GError **error);
