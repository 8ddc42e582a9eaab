/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ifmap/metatree.h"
#include "ifmap/reader.h"
#include "ifmap/request.h"

guint32 ifmap_meta_name_hash(const char *ns, const char *local)
{
	return g_str_hash(local) * 31 + g_str_hash(ns);
}

struct ifmap_meta_tree *ifmap_meta_tree_ref(struct ifmap_meta_tree *tree)
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

/* ---- text, for those who ask -- */

static void write_xml(GString *out, const struct ifmap_meta *meta)
{
	const struct ifmap_meta_tree *tree = meta->tree;

	g_string_append_len(out, tree->before, tree->before_size);
	ifmap_meta_stamp_write(out, meta);
	g_string_append_len(out, tree->after, tree->after_size);
}

/* One allocation: the struct and its strings; the XML comes last. */
static struct ifmap_meta_text *text_new(
	const char *timestamp, const char *fraction, const GString *xml)
{
	struct ifmap_meta_text *text = g_malloc(
		sizeof(*text) + size_of(timestamp) + size_of(fraction) + xml->len + 1);
	char *at = (char *)(text + 1);

	text->timestamp = put(&at, timestamp);
	text->fraction = put(&at, fraction);
	text->xml_size = xml->len;
	text->xml = memcpy(at, xml->str, xml->len + 1);
	return text;
}

static const struct ifmap_meta_text *text_of(const struct ifmap_meta *meta)
{
	/* What a metadata says never changes; this only keeps what was worked out. */
	struct ifmap_meta_text **place = &((struct ifmap_meta *)meta)->text;
	struct ifmap_meta_text *text = g_atomic_pointer_get(place);
	char timestamp[IFMAP_META_TIME_SIZE];
	char fraction[IFMAP_META_TIME_SIZE];

	if (text)
		return text;
	g_autoptr(GString) xml = g_string_sized_new(512);
	write_xml(xml, meta);
	ifmap_meta_stamp_time(meta->timestamp_us, timestamp);
	ifmap_meta_stamp_fraction(meta->timestamp_us, fraction);
	text = text_new(meta->stamping == IFMAP_META_UNSTAMPED ? NULL : timestamp,
		meta->stamping == IFMAP_META_STAMPED ? fraction : NULL, xml);
	if (g_atomic_pointer_compare_and_exchange(place, NULL, text))
		return text;
	g_free(text); /* another thread was first */
	return g_atomic_pointer_get(place);
}

/* ---- stamps -- */

struct ifmap_meta *ifmap_meta_assemble_stamped(struct ifmap_meta_tree *tree,
	enum ifmap_meta_stamping stamping, const char *publisher, gint64 timestamp_us)
{
	struct ifmap_meta *meta = g_malloc(sizeof(*meta) + size_of(publisher));
	char *at = (char *)(meta + 1);

	*meta = (struct ifmap_meta){
		.refs = 1,
		.stamping = stamping,
		.tree = ifmap_meta_tree_ref(tree),
		.timestamp_us = timestamp_us,
	};
	meta->publisher = put(&at, publisher);
	return meta;
}

/* Whether we would write the same. */
static enum ifmap_meta_stamping stamping_of(const struct ifmap_meta_stamps *stamps)
{
	char text[IFMAP_META_TIME_SIZE];

	if (!stamps->publisher && !stamps->timestamp && !stamps->fraction)
		return IFMAP_META_UNSTAMPED;
	ifmap_meta_stamp_time(stamps->timestamp_us, text);
	if (!stamps->publisher || g_strcmp0(text, stamps->timestamp) != 0)
		return IFMAP_META_STAMPED_OTHER;
	ifmap_meta_stamp_fraction(stamps->timestamp_us, text);
	if (!stamps->fraction)
		return IFMAP_META_STAMPED_WHOLE;
	return strcmp(text, stamps->fraction) == 0 ? IFMAP_META_STAMPED : IFMAP_META_STAMPED_OTHER;
}

struct ifmap_meta *ifmap_meta_assemble(
	struct ifmap_meta_tree *tree, const struct ifmap_meta_stamps *stamps)
{
	struct ifmap_meta *meta = ifmap_meta_assemble_stamped(
		tree, stamping_of(stamps), stamps->publisher, stamps->timestamp_us);

	if (meta->stamping != IFMAP_META_STAMPED_OTHER)
		return meta;
	struct ifmap_meta_text words = { .timestamp = stamps->timestamp,
		.fraction = stamps->fraction };
	g_autoptr(GString) xml = g_string_new(NULL);
	meta->text = &words;
	write_xml(xml, meta);
	meta->text = text_new(stamps->timestamp, stamps->fraction, xml);
	return meta;
}

struct ifmap_meta *ifmap_meta_stamp(
	const struct ifmap_meta *meta, const char *publisher_id, gint64 timestamp_us)
{
	return ifmap_meta_assemble_stamped(
		meta->tree, IFMAP_META_STAMPED, publisher_id, timestamp_us);
}

struct ifmap_meta *ifmap_meta_stamp_whole(
	const struct ifmap_meta *meta, const char *publisher_id, gint64 timestamp_us)
{
	return ifmap_meta_assemble_stamped(
		meta->tree, IFMAP_META_STAMPED_WHOLE, publisher_id, timestamp_us);
}

const char *ifmap_meta_stamp_value(const struct ifmap_meta *meta, const char *local)
{
	if (strcmp(local, "ifmap-publisher-id") == 0)
		return meta->publisher;
	if (strcmp(local, "ifmap-timestamp") == 0)
		return text_of(meta)->timestamp;
	return strcmp(local, "ifmap-timestamp-fraction") == 0 ? text_of(meta)->fraction : NULL;
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
	g_free(meta->text);
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
	const struct ifmap_meta_text *text = text_of(meta);

	if (ret_size)
		*ret_size = text->xml_size;
	return text->xml;
}

void ifmap_meta_write(GString *out, const struct ifmap_meta *meta)
{
	write_xml(out, meta);
}

size_t ifmap_meta_size(const struct ifmap_meta *meta)
{
	return (size_t)meta->tree->before_size + ifmap_meta_stamp_size(meta) +
	       meta->tree->after_size;
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
