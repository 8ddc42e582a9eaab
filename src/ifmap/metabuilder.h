/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Builds metadata from parser events, one element after another with the same buffers.
 *
 * The bytes it writes are self-contained: every prefix that is used is declared in them; default
 * namespaces become generated prefixes; comments are gone (ifmap.md 13, 18, 19). The builder
 * belongs to its reader.
 */
#include "ifmap/reader.h"

struct ifmap_metabuilder;

struct ifmap_metabuilder *ifmap_metabuilder_new(void);
void ifmap_metabuilder_free(struct ifmap_metabuilder *builder);

/* Starts a new element; `scope` (which must live until the end) is how it stands before the
 * element's own start tag. */
void ifmap_metabuilder_begin(struct ifmap_metabuilder *builder, const struct ifmap_scope *scope,
	unsigned n_outside, enum ifmap_meta_origin origin, size_t max_size);
void ifmap_metabuilder_start(struct ifmap_metabuilder *builder, const struct ifmap_tag *tag);
void ifmap_metabuilder_text(struct ifmap_metabuilder *builder, const char *text, size_t size);
/* `tag` holds the name only. */
void ifmap_metabuilder_end(struct ifmap_metabuilder *builder, const struct ifmap_tag *tag);
/* After the last end: the metadata, or INVALID_METADATA, METADATA_TOO_LONG. */
struct ifmap_meta *ifmap_metabuilder_finish(struct ifmap_metabuilder *builder, GError **error);
