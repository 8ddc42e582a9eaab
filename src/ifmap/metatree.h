/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The inside of a metadata element: a flat tree, made for filters, the bytes that results carry,
 * and the server's stamps between them.
 *
 * The tree is one allocation: elements in document order (a subtree is a range), their attributes,
 * two blobs of text, and the element's bytes without stamps. It is immutable and shared by all
 * stamped copies of one element, and by all that say the same (forms.h). The stamps stand in the
 * metadata itself, as numbers; text is made of them when results are written.
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
	guint32 before_size;
	guint32 after_size;
	const struct ifmap_meta_node *nodes;
	const struct ifmap_meta_attribute *attributes;
	const char *strings;
	const char *texts;
	const char *before; /* the element's bytes up to where stamps stand; no NUL */
	const char *after;  /* the rest */
};

enum ifmap_meta_stamping {
	IFMAP_META_UNSTAMPED,
	IFMAP_META_STAMPED,       /* as this implementation writes them */
	IFMAP_META_STAMPED_WHOLE, /* the same without fraction */
	IFMAP_META_STAMPED_OTHER, /* in another's words: `text` is there from birth */
};

/* What is only made for those who ask. */
struct ifmap_meta_text {
	const char *timestamp; /* the stamps as text; NULL for none */
	const char *fraction;
	size_t xml_size;
	const char *xml;
};

struct ifmap_meta {
	gint refs;
	enum ifmap_meta_stamping stamping;
	struct ifmap_meta_tree *tree;
	const char *publisher; /* behind the struct; NULL for none */
	gint64 timestamp_us;
	struct ifmap_meta_text *text; /* NULL as long as nobody asked; atomic */
};

/* What stamps a new metadata value carries; members may be NULL. */
struct ifmap_meta_stamps {
	const char *publisher;
	const char *timestamp;
	const char *fraction;
	gint64 timestamp_us;
};

/* A metadata value over `tree` (a reference is taken) with stamps in whatever words. */
struct ifmap_meta *ifmap_meta_assemble(
	struct ifmap_meta_tree *tree, const struct ifmap_meta_stamps *stamps);
/* The same with our own. */
struct ifmap_meta *ifmap_meta_assemble_stamped(struct ifmap_meta_tree *tree,
	enum ifmap_meta_stamping stamping, const char *publisher, gint64 timestamp_us);
struct ifmap_meta_tree *ifmap_meta_tree_ref(struct ifmap_meta_tree *tree);
void ifmap_meta_tree_unref(struct ifmap_meta_tree *tree);

guint32 ifmap_meta_name_hash(const char *ns, const char *local);
/* Value of one of the server's stamps by attribute name, or NULL when it is none or absent. */
const char *ifmap_meta_stamp_value(const struct ifmap_meta *meta, const char *local);

/* ---- the stamps' words (metastamp.c) */

/* Room for a timestamp, and for a fraction, with their NUL. */
#define IFMAP_META_TIME_SIZE 32
/* Of our own stamps: "2024-05-01T09:30:00Z" and "0.251000". */
void ifmap_meta_stamp_time(gint64 timestamp_us, char timestamp[static IFMAP_META_TIME_SIZE]);
void ifmap_meta_stamp_fraction(gint64 timestamp_us, char fraction[static IFMAP_META_TIME_SIZE]);
/* The attributes, each with a blank before it. */
void ifmap_meta_stamp_write(GString *out, const struct ifmap_meta *meta);
/* How many bytes that is. */
size_t ifmap_meta_stamp_size(const struct ifmap_meta *meta);
