#pragma once
/* SipHash-1-3 of a string: a hash table keyed with it cannot be flooded by somebody who does not
 * know the key (ifmap.md 17, item 5). Pure. */
#include <glib.h>

guint64 map_siphash(const guint64 key[2], const char *text, size_t size);
