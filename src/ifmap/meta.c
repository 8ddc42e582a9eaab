/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "base/xmlout.h"
#include "ifmap/metatree.h"
#include "ifmap/reader.h"
#include "ifmap/request.h"

guint32 ifmap_meta_name_hash(const char *ns, const char *local)
{
	return g_str_hash(local) * 31 + g_str_hash(ns);
}

static struct ifmap_meta_tree *tree_ref(struct ifmap_meta_tree *tree)
{
	g_atomic_int_inc(&tree->refs);
	return tree;
}

void ifmap_meta_tree_unref(struct ifmap_meta_tree *tree)
{
	if (tree && g_atomic_int_dec_and_test(&tree->refs))
		g_free(tree);
}

/* Copies `text` with its NUL behind *at and moves *at; NULL stays NULL. */
static const char *put(char **at, const char *text)
{
	const char *copy = *at;
	size_t size;

	if (!text)
		return NULL;
	size = strlen(text) + 1;
	memcpy(*at, text, size);
	*at += size;
	return copy;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static void append_stamps(GString *out, const struct ifmap_meta_stamps *stamps)
{
	base_xmlout_attr(out, "ifmap-publisher-id", stamps->publisher);
	base_xmlout_attr(out, "ifmap-timestamp", stamps->timestamp);
	base_xmlout_attr(out, "ifmap-timestamp-fraction", stamps->fraction);
}

struct ifmap_meta *ifmap_meta_assemble(struct ifmap_meta_tree *tree,
	const struct ifmap_meta_bytes *bytes, const struct ifmap_meta_stamps *stamps)
{
	g_autoptr(GString) text = g_string_sized_new(192);
	size_t strings_size = size_of(stamps->publisher) + size_of(stamps->timestamp) +
			      size_of(stamps->fraction);
	struct ifmap_meta *meta;
	char *at;

	append_stamps(text, stamps);
	meta = g_malloc(sizeof(*meta) + strings_size + bytes->before_size + text->len +
			bytes->after_size + 1);
	at = (char *)(meta + 1);
	*meta = (struct ifmap_meta){
		.refs = 1,
		.tree = tree_ref(tree),
		.timestamp_us = stamps->timestamp_us,
		.xml_size = bytes->before_size + text->len + bytes->after_size,
		.splice = bytes->before_size,
		.stamps_size = text->len,
	};
	meta->publisher = put(&at, stamps->publisher);
	meta->timestamp = put(&at, stamps->timestamp);
	meta->fraction = put(&at, stamps->fraction);
	meta->xml = at;
	memcpy(at, bytes->before, bytes->before_size);
	at += bytes->before_size;
	memcpy(at, text->str, text->len);
	at += text->len;
	memcpy(at, bytes->after, bytes->after_size);
	at[bytes->after_size] = '\0';
	return meta;
}

/* `fraction` NULL: none. */
static struct ifmap_meta *stamp(const struct ifmap_meta *meta, const char *publisher_id,
	gint64 timestamp_us, const char *fraction)
{
	time_t seconds = (time_t)(timestamp_us / G_USEC_PER_SEC);
	size_t after = meta->splice + meta->stamps_size;
	char timestamp[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	if (strftime(timestamp, sizeof(timestamp), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		timestamp[0] = '\0';
	return ifmap_meta_assemble(meta->tree,
		&(struct ifmap_meta_bytes){
			meta->xml, meta->splice, meta->xml + after, meta->xml_size - after },
		&(struct ifmap_meta_stamps){ publisher_id, timestamp, fraction, timestamp_us });
}

struct ifmap_meta *ifmap_meta_stamp(
	const struct ifmap_meta *meta, const char *publisher_id, gint64 timestamp_us)
{
	char fraction[16];

	g_snprintf(fraction, sizeof(fraction), "0.%06d", (int)(timestamp_us % G_USEC_PER_SEC));
	return stamp(meta, publisher_id, timestamp_us, fraction);
}

struct ifmap_meta *ifmap_meta_stamp_whole(
	const struct ifmap_meta *meta, const char *publisher_id, gint64 timestamp_us)
{
	return stamp(meta, publisher_id, timestamp_us, NULL);
}

const char *ifmap_meta_stamp_value(const struct ifmap_meta *meta, const char *local)
{
	if (strcmp(local, "ifmap-publisher-id") == 0)
		return meta->publisher;
	if (strcmp(local, "ifmap-timestamp") == 0)
		return meta->timestamp;
	return strcmp(local, "ifmap-timestamp-fraction") == 0 ? meta->fraction : NULL;
}

/* ---- one element alone -- */

/* What a document that is one metadata element gives. */
struct single {
	struct ifmap_meta *meta;
	GError *error;
};

static void single_start(gpointer self G_GNUC_UNUSED, struct ifmap_reader *reader,
	unsigned depth G_GNUC_UNUSED, const struct ifmap_tag *tag)
{
	ifmap_reader_take_meta(reader, tag, IFMAP_META_FROM_SERVER);
}

static void single_meta(gpointer self, struct ifmap_meta *meta, GError *error)
{
	struct single *single = self;

	single->meta = meta;
	single->error = error;
}

static const struct ifmap_reader_ops single_ops = { .start = single_start, .meta = single_meta };

struct ifmap_meta *ifmap_meta_new(const char *xml, gssize size, GError **error)
{
	struct single single = { NULL, NULL };
	const struct ifmap_reader_setup setup = {
		.frame = IFMAP_READER_BARE,
		.limits = { .max_metadata = IFMAP_REQUEST_LIMITS_DEFAULT.max_metadata,
			.max_depth = IFMAP_REQUEST_LIMITS_DEFAULT.max_depth },
		.ops = &single_ops,
		.self = &single,
	};
	g_autoptr(GError) bad = NULL;

	if (ifmap_reader_run(xml, size < 0 ? strlen(xml) : (size_t)size, &setup, &bad) !=
		IFMAP_READER_OK) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA, "metadata: %s",
			bad->message);
		g_clear_error(&single.error);
		g_clear_pointer(&single.meta, ifmap_meta_unref);
		return NULL;
	}
	if (single.error)
		g_propagate_error(error, single.error);
	return single.meta;
}

/* ---- reading it -- */

struct ifmap_meta *ifmap_meta_ref(const struct ifmap_meta *meta)
{
	struct ifmap_meta *counted = (struct ifmap_meta *)
		meta; /* only the count of a metadata ever changes */

	g_atomic_int_inc(&counted->refs);
	return counted;
}

void ifmap_meta_unref(struct ifmap_meta *meta)
{
	if (!meta || !g_atomic_int_dec_and_test(&meta->refs))
		return;
	ifmap_meta_tree_unref(meta->tree);
	g_free(meta);
}

const char *ifmap_meta_ns(const struct ifmap_meta *meta)
{
	return meta->tree->strings + meta->tree->nodes[0].ns;
}

const char *ifmap_meta_name(const struct ifmap_meta *meta)
{
	return meta->tree->strings + meta->tree->nodes[0].local;
}

enum ifmap_cardinality ifmap_meta_cardinality(const struct ifmap_meta *meta)
{
	return meta->tree->cardinality;
}

const char *ifmap_meta_publisher(const struct ifmap_meta *meta)
{
	return meta->publisher;
}

gint64 ifmap_meta_timestamp_us(const struct ifmap_meta *meta)
{
	return meta->timestamp_us;
}

const char *ifmap_meta_xml(const struct ifmap_meta *meta, size_t *ret_size)
{
	if (ret_size)
		*ret_size = meta->xml_size;
	return meta->xml;
}

gboolean ifmap_meta_is(const struct ifmap_meta *meta, const char *ns, const char *name)
{
	return strcmp(ifmap_meta_name(meta), name) == 0 && strcmp(ifmap_meta_ns(meta), ns) == 0;
}

static gboolean is_named(const char *text, const char *name, size_t size)
{
	return strncmp(text, name, size) == 0 && text[size] == '\0';
}

/* First child of node `parent` with that local name; 0 when there is none. */
static guint32 find_child(
	const struct ifmap_meta_tree *tree, guint32 parent, const char *name, size_t size)
{
	for (guint32 i = parent + 1; i < tree->nodes[parent].end; i = tree->nodes[i].end)
		if (is_named(tree->strings + tree->nodes[i].local, name, size))
			return i;
	return 0;
}

static const char *find_attribute(const struct ifmap_meta *meta, guint32 node, const char *name)
{
	const struct ifmap_meta_tree *tree = meta->tree;
	const struct ifmap_meta_node *of = &tree->nodes[node];

	for (guint32 i = of->attribute; i < of->attribute + of->n_attributes; i++)
		if (strcmp(tree->strings + tree->attributes[i].local, name) == 0)
			return tree->strings + tree->attributes[i].value;
	return node == 0 ? ifmap_meta_stamp_value(meta, name) : NULL;
}

const char *ifmap_meta_text(const struct ifmap_meta *meta, const char *path)
{
	guint32 node = 0;

	for (const char *p = path; *p != '@'; p++) {
		size_t size = strcspn(p, "/");

		node = find_child(meta->tree, node, p, size);
		if (node == 0)
			return NULL;
		p += size;
		if (!*p)
			return meta->tree->texts + meta->tree->nodes[node].text;
	}
	return find_attribute(meta, node, strchr(path, '@') + 1);
}
