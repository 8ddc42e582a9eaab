/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A look over a document before the XML parser sees it: libxml2 compares each attribute of a tag
 * with all before it, so a tag with a hundred thousand attributes must not reach it.
 */
#include <glib.h>

/* Whether no start tag in the UTF-8 text has more than `max` attributes. Where markup is broken the
 * answer is TRUE: the parser will refuse it there and read no further. */
gboolean ifmap_tagscan(const char *data, size_t size, unsigned max);
