/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Looking a prefix up. The type itself is public to the room's users: filter.h. */
#include "ifmap/filter.h"

#define IFMAP_NS_OP_META "http://www.trustedcomputinggroup.org/2012/IFMAP-OPERATIONAL-METADATA/1"

/* Namespace of `prefix`: the last pair that has it, else a built-in one, else NULL. `prefixes` may
 * be NULL. */
const char *ifmap_prefixes_find(const struct ifmap_prefixes *prefixes, const char *prefix);
