/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The inside of a metadata element: a flat tree, made for filters, and the bytes that results
 * carry.
 *
 * The tree is one allocation: elements in document order (a subtree is a range), their attributes,
 * and two blobs of text. It is immutable and shared by all stamped copies of one element. The
 * server's stamps are not in the tree; they stand in the metadata itself, so that stamping copies
 * bytes and nothing else.
 */
#include <drover/ifmap.h>

/* Offsets are into ifmap_meta_tree.strings unless they say otherwise. */
struct ifmap_meta_node {
	guint32 hash; /* ifmap_meta_name_hash() of (ns, local) */
	guint32 ns;   /* "" for none */
	guint32 local;
	guint32 end;       /* index of the first node behind this subtree */
	guint32 attribute; /* index of the first attribute */
	guint32 n_attributes;
	guint32 text;     /* offset into texts: everything inside, children's text included, a NUL
			     behind each end tag */
	guint32 text_end; /* the NUL of this element itself is at text_end - 1 */
};

struct ifmap_meta_attribute {
	guint32 hash;
	guint32 ns;
	guint32 local;
	guint32 value;
};

struct ifmap_meta_tree {
	gint refs;
	guint32 n_nodes; /* never 0 */
	enum ifmap_cardinality cardinality;
	const struct ifmap_meta_node *nodes;
	const struct ifmap_meta_attribute *attributes;
	const char *strings;
	const char *texts;
};

struct ifmap_meta {
	gint refs;
	struct ifmap_meta_tree *tree;
	const char *publisher; /* the stamps as text; NULL for none */
	const char *timestamp;
	const char *fraction;
	gint64 timestamp_us;
	const char *xml;
	size_t xml_size;
	size_t splice;      /* where in xml the stamps stand or would stand */
	size_t stamps_size; /* their bytes; 0: none */
};

/* What stamps a new metadata value carries; members may be NULL. */
struct ifmap_meta_stamps {
	const char *publisher;
	const char *timestamp;
	const char *fraction;
	gint64 timestamp_us;
};

/* Bytes of an element without stamps, in two pieces, and the tree it means. */
struct ifmap_meta_bytes {
	const char *before; /* up to where stamps stand */
	size_t before_size;
	const char *after;
	size_t after_size;
};

/* A metadata value over `tree` (a reference is taken) with bytes before + stamps + after, copied.
 */
struct ifmap_meta *ifmap_meta_assemble(struct ifmap_meta_tree *tree,
	const struct ifmap_meta_bytes *bytes, const struct ifmap_meta_stamps *stamps);
void ifmap_meta_tree_unref(struct ifmap_meta_tree *tree);

guint32 ifmap_meta_name_hash(const char *ns, const char *local);
/* Value of one of the server's stamps by attribute name, or NULL when it is none or absent. */
const char *ifmap_meta_stamp_value(const struct ifmap_meta *meta, const char *local);
