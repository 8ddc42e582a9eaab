/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/metabuilder.h"

#include <string.h>

#include "base/xmlout.h"
#include "ifmap/metatree.h"

/* A metadata element is small; these bound what a hostile one costs beyond its bytes. */
#define MAX_PARTS    16384 /* elements and attributes */
#define MAX_PREFIXES 256
#define MAX_CACHED   8

/* A namespace already stored in `strings`; `uri` is the parser's pointer. */
struct stored_ns {
	const char *uri;
	guint32 at;
};

struct ifmap_metabuilder {
	const struct ifmap_scope *scope;
	guint n_outside; /* bindings [0..n_outside) stand outside the element */
	enum ifmap_meta_origin origin;
	size_t max_size;

	GArray *nodes;
	GArray *attributes;
	GArray *open; /* guint: indices of the nodes that are open */
	GString *strings;
	GString *texts;
	struct stored_ns cached[MAX_CACHED];
	unsigned n_cached;

	GString *head;     /* `<p:name` of the root */
	GString *declared; /* declarations that the root needs on top of its own */
	GString *rest;     /* all that follows; written while `started` keeps the last tag open */
	size_t splice;     /* in rest: behind the root's attributes */
	gboolean started;
	GArray *outer;     /* struct ifmap_binding: declared from outside */
	GArray *generated; /* struct ifmap_binding: prefix owned, ns the parser's pointer */

	char *publisher;
	char *timestamp;
	char *fraction;
	enum ifmap_cardinality cardinality;
	gboolean has_cardinality;

	enum ifmap_error bad_code;
	char *bad;
};

static void clear_generated(gpointer data)
{
	struct ifmap_binding *binding = data;

	g_free((char *)binding->prefix);
}

struct ifmap_metabuilder *ifmap_metabuilder_new(void)
{
	struct ifmap_metabuilder *builder = g_new0(struct ifmap_metabuilder, 1);

	builder->nodes = g_array_new(FALSE, FALSE, sizeof(struct ifmap_meta_node));
	builder->attributes = g_array_new(FALSE, FALSE, sizeof(struct ifmap_meta_attribute));
	builder->open = g_array_new(FALSE, FALSE, sizeof(guint));
	builder->outer = g_array_new(FALSE, FALSE, sizeof(struct ifmap_binding));
	builder->generated = g_array_new(FALSE, FALSE, sizeof(struct ifmap_binding));
	g_array_set_clear_func(builder->generated, clear_generated);
	builder->strings = g_string_sized_new(512);
	builder->texts = g_string_sized_new(512);
	builder->head = g_string_sized_new(64);
	builder->declared = g_string_sized_new(128);
	builder->rest = g_string_sized_new(1024);
	return builder;
}

void ifmap_metabuilder_free(struct ifmap_metabuilder *builder)
{
	if (!builder)
		return;
	g_array_unref(builder->nodes);
	g_array_unref(builder->attributes);
	g_array_unref(builder->open);
	g_array_unref(builder->outer);
	g_array_unref(builder->generated);
	g_string_free(builder->strings, TRUE);
	g_string_free(builder->texts, TRUE);
	g_string_free(builder->head, TRUE);
	g_string_free(builder->declared, TRUE);
	g_string_free(builder->rest, TRUE);
	g_free(builder->publisher);
	g_free(builder->timestamp);
	g_free(builder->fraction);
	g_free(builder->bad);
	g_free(builder);
}

void ifmap_metabuilder_begin(struct ifmap_metabuilder *builder, const struct ifmap_scope *scope,
	unsigned n_outside, enum ifmap_meta_origin origin, size_t max_size)
{
	builder->scope = scope;
	builder->n_outside = n_outside;
	builder->origin = origin;
	builder->max_size = max_size;
	g_array_set_size(builder->nodes, 0);
	g_array_set_size(builder->attributes, 0);
	g_array_set_size(builder->open, 0);
	g_array_set_size(builder->outer, 0);
	g_array_set_size(builder->generated, 0);
	g_string_truncate(builder->strings, 0);
	g_string_append_c(builder->strings, '\0'); /* offset 0 is "" */
	g_string_truncate(builder->texts, 0);
	g_string_truncate(builder->head, 0);
	g_string_truncate(builder->declared, 0);
	g_string_truncate(builder->rest, 0);
	builder->n_cached = 0;
	builder->started = FALSE;
	builder->has_cardinality = FALSE;
	builder->cardinality = IFMAP_MULTI_VALUE;
	g_clear_pointer(&builder->publisher, g_free);
	g_clear_pointer(&builder->timestamp, g_free);
	g_clear_pointer(&builder->fraction, g_free);
	g_clear_pointer(&builder->bad, g_free);
}

static void refuse(struct ifmap_metabuilder *builder, enum ifmap_error code, char *why)
{
	if (builder->bad) {
		g_free(why);
		return;
	}
	builder->bad = why;
	builder->bad_code = code;
}

static void check_size(struct ifmap_metabuilder *builder)
{
	if (builder->rest->len + builder->declared->len > builder->max_size)
		refuse(builder, IFMAP_ERROR_METADATA_TOO_LONG,
			g_strdup_printf("metadata <%s> is longer than %zu bytes",
				builder->head->str + 1, builder->max_size));
	if (builder->nodes->len + builder->attributes->len > MAX_PARTS)
		refuse(builder, IFMAP_ERROR_METADATA_TOO_LONG,
			g_strdup_printf("metadata <%s> has more than %d elements and attributes",
				builder->head->str + 1, MAX_PARTS));
}

/* ---- strings of the tree -- */

static guint32 store(struct ifmap_metabuilder *builder, const char *text, size_t size)
{
	guint32 at = (guint32)builder->strings->len;

	g_string_append_len(builder->strings, text, (gssize)size);
	g_string_append_c(builder->strings, '\0');
	return at;
}

static guint32 store_ns(struct ifmap_metabuilder *builder, const char *uri)
{
	struct stored_ns *slot;

	if (!*uri)
		return 0;
	for (unsigned i = 0; i < MIN(builder->n_cached, MAX_CACHED); i++)
		if (builder->cached[i].uri == uri)
			return builder->cached[i].at;
	slot = &builder->cached[builder->n_cached++ % MAX_CACHED];
	*slot = (struct stored_ns){ uri, store(builder, uri, strlen(uri)) };
	return slot->at;
}

/* ---- prefixes -- */

static void declare_at_root(struct ifmap_metabuilder *builder, const char *prefix, const char *ns)
{
	g_autofree char *name = g_strconcat("xmlns:", prefix, NULL);

	base_xmlout_attr(builder->declared, name, ns);
}

/* Whether a declaration inside the element binds `prefix` here. */
static gboolean is_bound_inside(const struct ifmap_metabuilder *builder, const char *prefix)
{
	const GArray *bindings = builder->scope->bindings;

	for (guint i = bindings->len; i > builder->n_outside; i--) {
		const char *bound = g_array_index(bindings, struct ifmap_binding, i - 1).prefix;

		if (bound && strcmp(bound, prefix) == 0)
			return TRUE;
	}
	return FALSE;
}

/* The namespace that a declaration outside the element binds `prefix` to, or NULL. */
static const char *find_outside(const struct ifmap_metabuilder *builder, const char *prefix)
{
	for (guint i = builder->n_outside; i > 0; i--) {
		const struct ifmap_binding *binding = &g_array_index(
			builder->scope->bindings, struct ifmap_binding, i - 1);

		if (binding->prefix && strcmp(binding->prefix, prefix) == 0)
			return binding->ns;
	}
	return NULL;
}

/* Sees to it that `prefix`, used here, is declared in the output. */
static void need_prefix(struct ifmap_metabuilder *builder, const char *prefix, const char *ns)
{
	struct ifmap_binding binding = { prefix, ns };

	if (strcmp(prefix, "xml") == 0 || is_bound_inside(builder, prefix))
		return;
	for (guint i = 0; i < builder->outer->len; i++)
		if (g_array_index(builder->outer, struct ifmap_binding, i).prefix == prefix)
			return;
	if (builder->outer->len >= MAX_PREFIXES) {
		refuse(builder, IFMAP_ERROR_INVALID_METADATA,
			g_strdup("metadata uses too many namespace prefixes"));
		return;
	}
	g_array_append_val(builder->outer, binding);
	declare_at_root(builder, prefix, ns);
}

static gboolean is_generated(const struct ifmap_metabuilder *builder, const char *prefix)
{
	for (guint i = 0; i < builder->generated->len; i++)
		if (strcmp(g_array_index(builder->generated, struct ifmap_binding, i).prefix,
			    prefix) == 0)
			return TRUE;
	return FALSE;
}

/* A prefix for a namespace that the sender made the default one. It must not be one that the sender
 * uses himself. */
static const char *generate_prefix(struct ifmap_metabuilder *builder, const char *ns)
{
	struct ifmap_binding made = { NULL, ns };

	for (guint i = 0; i < builder->generated->len; i++) {
		const struct ifmap_binding *binding = &g_array_index(
			builder->generated, struct ifmap_binding, i);

		if (binding->ns == ns && !is_bound_inside(builder, binding->prefix))
			return binding->prefix;
	}
	if (builder->generated->len >= MAX_PREFIXES) {
		refuse(builder, IFMAP_ERROR_INVALID_METADATA,
			g_strdup("metadata uses too many default namespaces"));
		return "ns1";
	}
	for (guint n = builder->generated->len + 1;; n++) {
		g_autofree char *prefix = g_strdup_printf("ns%u", n);

		if (is_bound_inside(builder, prefix) || find_outside(builder, prefix) ||
			is_generated(builder, prefix))
			continue;
		made.prefix = g_steal_pointer(&prefix);
		g_array_append_val(builder->generated, made);
		declare_at_root(builder, made.prefix, ns);
		return made.prefix;
	}
}

/* Content such as xsi:type="xs:int" uses a prefix that no name uses. */
static void note_qname(struct ifmap_metabuilder *builder, const char *text, size_t size)
{
	const char *colon = memchr(text, ':', MIN(size, 64));
	char prefix[64];

	if (!colon || colon == text)
		return;
	memcpy(prefix, text, (size_t)(colon - text));
	prefix[colon - text] = '\0';
	if (is_bound_inside(builder, prefix))
		return;
	for (guint i = builder->n_outside; i > 0; i--) {
		const struct ifmap_binding *binding = &g_array_index(
			builder->scope->bindings, struct ifmap_binding, i - 1);

		if (binding->prefix && strcmp(binding->prefix, prefix) == 0) {
			need_prefix(builder, binding->prefix, binding->ns);
			return;
		}
	}
}

/* ---- start tags -- */

static gboolean is_root(const struct ifmap_metabuilder *builder)
{
	return builder->open->len == 1;
}

static void append_name(GString *out, const char *prefix, const char *local)
{
	if (prefix) {
		g_string_append(out, prefix);
		g_string_append_c(out, ':');
	}
	g_string_append(out, local);
}

static const char *prefix_of(struct ifmap_metabuilder *builder, const struct ifmap_tag *tag)
{
	if (!*tag->ns)
		return NULL;
	if (!tag->prefix)
		return generate_prefix(builder, tag->ns);
	need_prefix(builder, tag->prefix, tag->ns);
	return tag->prefix;
}

static void write_declarations(struct ifmap_metabuilder *builder, const struct ifmap_tag *tag)
{
	for (unsigned i = 0; i < tag->n_declarations; i++) {
		const char *prefix = (const char *)tag->declarations[(size_t)i * 2];
		const char *ns = (const char *)tag->declarations[(size_t)i * 2 + 1];
		g_autofree char *name = prefix ? g_strconcat("xmlns:", prefix, NULL) : NULL;

		if (name && ns)
			base_xmlout_attr(builder->rest, name, ns);
	}
}

static void read_cardinality(struct ifmap_metabuilder *builder, const char *value)
{
	builder->has_cardinality = TRUE;
	if (strcmp(value, "singleValue") == 0)
		builder->cardinality = IFMAP_SINGLE_VALUE;
	else if (strcmp(value, "multiValue") == 0)
		builder->cardinality = IFMAP_MULTI_VALUE;
	else
		refuse(builder, IFMAP_ERROR_INVALID_METADATA,
			g_strdup_printf(
				"ifmap-cardinality \"%.40s\" on <%s> is neither singleValue nor multiValue",
				value, builder->head->str + 1));
}

/* Attributes of the root that are the protocol's; TRUE when `local` was one and must not be kept as
 * content. */
static gboolean read_protocol(
	struct ifmap_metabuilder *builder, const char *local, const char *value)
{
	const struct {
		const char *local;
		char **into;
	} stamps[] = {
		{ "ifmap-publisher-id", &builder->publisher },
		{ "ifmap-timestamp", &builder->timestamp },
		{ "ifmap-timestamp-fraction", &builder->fraction },
	};

	if (!g_str_has_prefix(local, "ifmap-"))
		return FALSE;
	if (strcmp(local, "ifmap-cardinality") == 0) {
		read_cardinality(builder, value);
		return FALSE;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(stamps); i++)
		if (builder->origin == IFMAP_META_FROM_SERVER &&
			strcmp(stamps[i].local, local) == 0)
			*stamps[i].into = g_strdup(value);
	return TRUE;
}

static void add_attribute(struct ifmap_metabuilder *builder, const unsigned char **raw)
{
	const char *local = (const char *)raw[0], *prefix = (const char *)raw[1];
	const char *ns = raw[2] ? (const char *)raw[2] : "";
	size_t size = (size_t)(raw[4] - raw[3]);
	g_autofree char *value = g_strndup((const char *)raw[3], size);
	g_autofree char *name = prefix ? g_strconcat(prefix, ":", local, NULL) : NULL;
	struct ifmap_meta_attribute attribute = { .hash = ifmap_meta_name_hash(ns, local) };

	if (!*ns && is_root(builder) && read_protocol(builder, local, value))
		return;
	if (prefix)
		need_prefix(builder, prefix, ns);
	note_qname(builder, value, size);
	base_xmlout_attr(builder->rest, name ? name : local, value);
	attribute.ns = store_ns(builder, ns);
	attribute.local = store(builder, local, strlen(local));
	attribute.value = store(builder, value, size);
	g_array_append_val(builder->attributes, attribute);
}

static void close_start_tag(struct ifmap_metabuilder *builder)
{
	if (builder->started)
		g_string_append_c(builder->rest, '>');
	builder->started = FALSE;
}

void ifmap_metabuilder_start(struct ifmap_metabuilder *builder, const struct ifmap_tag *tag)
{
	struct ifmap_meta_node node = {
		.hash = ifmap_meta_name_hash(tag->ns, tag->local),
		.attribute = builder->attributes->len,
		.text = (guint32)builder->texts->len,
	};
	guint index = builder->nodes->len;
	gboolean root = builder->open->len == 0;
	GString *out = root ? builder->head : builder->rest;

	g_array_append_val(builder->open, index);
	if (builder->bad)
		return;
	close_start_tag(builder);
	node.ns = store_ns(builder, tag->ns);
	node.local = store(builder, tag->local, strlen(tag->local));
	g_string_append_c(out, '<');
	append_name(out, prefix_of(builder, tag), tag->local);
	write_declarations(builder, tag);
	for (unsigned i = 0; i < tag->n_attributes; i++)
		add_attribute(builder, tag->attributes + (size_t)i * 5);
	node.n_attributes = builder->attributes->len - node.attribute;
	g_array_append_val(builder->nodes, node);
	if (root)
		builder->splice = builder->rest->len;
	builder->started = TRUE;
	check_size(builder);
}

/* ---- content and end tags -- */

void ifmap_metabuilder_text(struct ifmap_metabuilder *builder, const char *text, size_t size)
{
	g_autofree char *copy = NULL;

	if (builder->bad)
		return;
	if (builder->rest->len + size > builder->max_size) {
		refuse(builder, IFMAP_ERROR_METADATA_TOO_LONG,
			g_strdup_printf("metadata <%s> is longer than %zu bytes",
				builder->head->str + 1, builder->max_size));
		return;
	}
	close_start_tag(builder);
	g_string_append_len(builder->texts, text, (gssize)size);
	copy = g_strndup(text, size);
	base_xmlout_text(builder->rest, copy);
}

/* The name as the start tag wrote it; the scope is still the same. */
static void write_end_tag(
	struct ifmap_metabuilder *builder, const struct ifmap_meta_node *node, const char *prefix)
{
	if (builder->started) {
		g_string_append(builder->rest, "/>");
		builder->started = FALSE;
		return;
	}
	g_string_append(builder->rest, "</");
	append_name(builder->rest, prefix, builder->strings->str + node->local);
	g_string_append_c(builder->rest, '>');
}

void ifmap_metabuilder_end(struct ifmap_metabuilder *builder, const struct ifmap_tag *tag)
{
	guint index = g_array_index(builder->open, guint, builder->open->len - 1);
	struct ifmap_meta_node *node;

	g_array_set_size(builder->open, builder->open->len - 1);
	if (builder->bad)
		return;
	node = &g_array_index(builder->nodes, struct ifmap_meta_node, index);
	if (node->end == 0 && builder->texts->len > node->text && index + 1 == builder->nodes->len)
		note_qname(builder, builder->texts->str + node->text,
			builder->texts->len - node->text);
	write_end_tag(builder, node, prefix_of(builder, tag));
	g_string_append_c(builder->texts, '\0');
	node->text_end = (guint32)builder->texts->len;
	node->end = builder->nodes->len;
	check_size(builder);
}

/* ---- the result -- */

/* Stamps stand behind the root's attributes: at `splice` of what follows its head. */
static struct ifmap_meta_tree *make_tree(const struct ifmap_metabuilder *builder)
{
	size_t before_size = builder->head->len + builder->declared->len + builder->splice;
	size_t after_size = builder->rest->len - builder->splice;
	size_t nodes_size = builder->nodes->len * sizeof(struct ifmap_meta_node);
	size_t attributes_size = builder->attributes->len * sizeof(struct ifmap_meta_attribute);
	struct ifmap_meta_tree *tree = g_malloc(sizeof(*tree) + nodes_size + attributes_size +
						builder->strings->len + builder->texts->len +
						before_size + after_size);
	char *at = (char *)(tree + 1);

	*tree = (struct ifmap_meta_tree){
		.refs = 1,
		.n_nodes = builder->nodes->len,
		.cardinality = builder->cardinality,
		.before_size = (guint32)before_size,
		.after_size = (guint32)after_size,
	};
	tree->nodes = memcpy(at, builder->nodes->data, nodes_size);
	at += nodes_size;
	tree->attributes = memcpy(
		at, builder->attributes->data ? builder->attributes->data : "", attributes_size);
	at += attributes_size;
	tree->strings = memcpy(at, builder->strings->str, builder->strings->len);
	at += builder->strings->len;
	tree->texts = memcpy(at, builder->texts->str, builder->texts->len);
	at += builder->texts->len;
	tree->before = at;
	at = (char *)memcpy(at, builder->head->str, builder->head->len) + builder->head->len;
	at = (char *)memcpy(at, builder->declared->str, builder->declared->len) +
	     builder->declared->len;
	at = (char *)memcpy(at, builder->rest->str, builder->splice) + builder->splice;
	tree->after = memcpy(at, builder->rest->str + builder->splice, after_size);
	return tree;
}

/* xsd:dateTime and its fraction as microseconds; 0 when it is none. */
static gint64 read_time(const char *timestamp, const char *fraction)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = timestamp ? g_date_time_new_from_iso8601(timestamp, utc) : NULL;
	double part = fraction ? g_ascii_strtod(fraction, NULL) : 0;

	if (!time)
		return 0;
	if (!(part >= 0 && part < 1))
		part = 0;
	return g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time) +
	       (gint64)(part * 1e6 + 0.5);
}

static struct ifmap_meta *assemble(const struct ifmap_metabuilder *builder)
{
	struct ifmap_meta_tree *tree = make_tree(builder);
	struct ifmap_meta_stamps stamps = {
		.publisher = builder->publisher,
		.timestamp = builder->timestamp,
		.fraction = builder->fraction,
		.timestamp_us = read_time(builder->timestamp, builder->fraction),
	};
	struct ifmap_meta *meta = ifmap_meta_assemble(tree, &stamps);

	ifmap_meta_tree_unref(tree);
	return meta;
}

struct ifmap_meta *ifmap_metabuilder_finish(struct ifmap_metabuilder *builder, GError **error)
{
	const struct ifmap_meta_node *root;

	if (!builder->bad) {
		root = &g_array_index(builder->nodes, struct ifmap_meta_node, 0);
		if (root->ns == 0)
			refuse(builder, IFMAP_ERROR_INVALID_METADATA,
				g_strdup_printf("metadata <%s> is in no namespace",
					builder->head->str + 1));
		if (!builder->has_cardinality && builder->origin == IFMAP_META_FROM_CLIENT)
			refuse(builder, IFMAP_ERROR_INVALID_METADATA,
				g_strdup_printf("ifmap-cardinality missing on <%s>",
					builder->head->str + 1));
	}
	if (builder->bad) {
		g_set_error_literal(error, IFMAP_ERROR, (int)builder->bad_code, builder->bad);
		return NULL;
	}
	return assemble(builder);
}
