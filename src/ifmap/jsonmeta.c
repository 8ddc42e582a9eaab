/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A metadata element as JSON: an XML tree is walked one way, JSON the other; both to a bounded
 * depth. */
#include "ifmap/json.h"

#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <string.h>

#include "base/xml.h"
#include "base/xmlout.h"

#define MAX_DEPTH 256U
#define PREFIX    "m" /* of a metadata element, when nobody says otherwise */

static const struct base_xml_limits limits = {
	.max_size = (size_t)65 << 20, .max_depth = MAX_DEPTH, .max_nodes = 10000000
};

/* What stands in members of its own instead of among the attributes of the root. */
static const struct {
	const char *attribute;
	const char *member;
} own_members[] = {
	{ "ifmap-cardinality", "cardinality" },
	{ "ifmap-publisher-id", "publisher" },
	{ "ifmap-timestamp", "timestamp" },
	{ "ifmap-timestamp-fraction", "fraction" },
};

/* ---- writing ---- */

static const char *member_of(const char *attribute)
{
	for (size_t i = 0; i < G_N_ELEMENTS(own_members); i++)
		if (strcmp(own_members[i].attribute, attribute) == 0)
			return own_members[i].member;
	return NULL;
}

static char *qualified(const xmlNs *ns, const xmlChar *name)
{
	return ns && ns->prefix
		       ? g_strconcat((const char *)ns->prefix, ":", (const char *)name, NULL)
		       : g_strdup((const char *)name);
}

/* Sets the member unless the value is empty; takes `value`. */
static void set_unless_empty(json_t *json, const char *name, json_t *value)
{
	if (json_object_size(value) + json_array_size(value) > 0)
		json_object_set(json, name, value);
	json_decref(value);
}

/* `own`: the declaration that needs no mention, or NULL. */
static json_t *declarations(const xmlNode *node, const xmlNs *own)
{
	json_t *json = json_object();

	for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
		if (ns != own)
			json_object_set_new(json, ns->prefix ? (const char *)ns->prefix : "",
				json_string(ns->href ? (const char *)ns->href : ""));
	return json;
}

/* The attributes; on the root (`members` not NULL) those with members of their own go there. */
static json_t *attributes(const xmlNode *node, json_t *members)
{
	json_t *json = json_object();

	for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
		g_autofree char *name = qualified(attr->ns, attr->name);
		const char *member = members ? member_of(name) : NULL;
		xmlChar *value = xmlNodeListGetString(node->doc, attr->children, 1);
		json_t *text = json_string(value ? (const char *)value : "");

		json_object_set_new(member ? members : json, member ? member : name, text);
		xmlFree(value);
	}
	return json;
}

static json_t *element(const xmlNode *node);

/* Adjacent pieces of text are one text. */
static void flush_text(json_t *content, GString *text)
{
	if (text->len > 0)
		json_array_append_new(content, json_stringn(text->str, text->len));
	g_string_truncate(text, 0);
}

/* Depth is bounded by base_xml_read(). NOLINTNEXTLINE(misc-no-recursion) */
static void set_content(json_t *json, const xmlNode *node)
{
	g_autoptr(GString) text = g_string_new(NULL);
	json_t *content = json_array();

	for (const xmlNode *child = node->children; child; child = child->next) {
		if (child->type == XML_ELEMENT_NODE) {
			flush_text(content, text);
			json_array_append_new(content, element(child));
		} else if (child->content) {
			g_string_append(text, (const char *)child->content);
		}
	}
	flush_text(content, text);
	if (json_array_size(content) == 1 && json_is_string(json_array_get(content, 0)))
		json_object_set(json, "content", json_array_get(content, 0));
	else
		set_unless_empty(json, "content", json_incref(content));
	json_decref(content);
}

/* Depth is bounded by base_xml_read(). NOLINTNEXTLINE(misc-no-recursion) */
static json_t *element(const xmlNode *node)
{
	g_autofree char *name = qualified(node->ns, node->name);
	json_t *json = json_pack("{s:s}", "name", name);

	set_unless_empty(json, "xmlns", declarations(node, NULL));
	set_unless_empty(json, "attributes", attributes(node, NULL));
	set_content(json, node);
	return json;
}

json_t *ifmap_json_meta(const struct ifmap_meta *meta)
{
	size_t size;
	const char *xml = ifmap_meta_xml(meta, &size);
	g_autoptr(xmlDoc) doc = base_xml_read("metadata", xml, size, &limits, NULL);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	const char *prefix;
	json_t *json;

	g_assert(root && root->ns); /* it was read before */
	json = json_pack(
		"{s:s, s:s}", "namespace", ifmap_meta_ns(meta), "name", ifmap_meta_name(meta));
	prefix = root->ns->prefix ? (const char *)root->ns->prefix : "";
	json_t *others = attributes(root, json);
	if (strcmp(prefix, PREFIX) != 0)
		json_object_set_new(json, "prefix", json_string(prefix));
	set_unless_empty(json, "xmlns", declarations(root, root->ns));
	set_unless_empty(json, "attributes", others);
	set_content(json, root);
	return json;
}

/* ---- reading ---- */

static gboolean refuse(GError **error, const char *why, const char *what)
{
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA, "metadata: \"%.60s\" %s",
		what ? what : "", why);
	return FALSE;
}

/* XML has no way to carry the other characters. */
static gboolean check_text(const char *text, GError **error)
{
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);

		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff)
			return refuse(error, "holds a character that XML cannot carry", "text");
	}
	return TRUE;
}

static gboolean check_name(const char *name, GError **error)
{
	return (name && xmlValidateQName((const xmlChar *)name, 0) == 0) ||
	       refuse(error, "is no XML name", name);
}

static gboolean append_attribute(
	GString *out, const char *name, const json_t *value, GError **error)
{
	if (!json_is_string(value))
		return refuse(error, "must be a text", name);
	if (!check_text(json_string_value(value), error))
		return FALSE;
	base_xmlout_attr(out, name, json_string_value(value));
	return TRUE;
}

static gboolean append_declarations(GString *out, json_t *json, GError **error)
{
	const char *prefix;
	json_t *ns;

	if (json && !json_is_object(json))
		return refuse(error, "must be an object", "xmlns");
	json_object_foreach(json, prefix, ns)
	{
		g_autofree char *name = *prefix ? g_strconcat("xmlns:", prefix, NULL)
						: g_strdup("xmlns");

		if (*prefix && xmlValidateNCName((const xmlChar *)prefix, 0) != 0)
			return refuse(error, "is no prefix", prefix);
		if (!append_attribute(out, name, ns, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean append_attributes(GString *out, json_t *json, GError **error)
{
	const char *name;
	json_t *value;

	if (json && !json_is_object(json))
		return refuse(error, "must be an object", "attributes");
	json_object_foreach(json, name, value)
	{
		if (!check_name(name, error))
			return FALSE;
		if (strcmp(name, "xmlns") == 0 || g_str_has_prefix(name, "xmlns:"))
			return refuse(error, "belongs into xmlns", name);
		if (!append_attribute(out, name, value, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean append_content(GString *out, json_t *content, unsigned depth, GError **error);

/* NOLINTNEXTLINE(misc-no-recursion): bounded by MAX_DEPTH */
static gboolean append_element(GString *out, json_t *json, unsigned depth, GError **error)
{
	static const char *const known[] = { "name", "xmlns", "attributes", "content", NULL };
	const char *name = json_string_value(json_object_get(json, "name"));

	if (depth > MAX_DEPTH)
		return refuse(error, "is too deep", name);
	if (!ifmap_json_check_members(json, "element", known, error) || !check_name(name, error))
		return FALSE;
	g_string_append_printf(out, "<%s", name);
	if (!append_declarations(out, json_object_get(json, "xmlns"), error) ||
		!append_attributes(out, json_object_get(json, "attributes"), error))
		return FALSE;
	g_string_append_c(out, '>');
	if (!append_content(out, json_object_get(json, "content"), depth, error))
		return FALSE;
	g_string_append_printf(out, "</%s>", name);
	return TRUE;
}

static gboolean append_text(GString *out, const json_t *json, GError **error)
{
	if (!check_text(json_string_value(json), error))
		return FALSE;
	base_xmlout_text(out, json_string_value(json));
	return TRUE;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static gboolean append_content(GString *out, json_t *content, unsigned depth, GError **error)
{
	size_t i;
	json_t *part;

	if (json_is_string(content))
		return append_text(out, content, error);
	if (content && !json_is_array(content))
		return refuse(error, "must be a text or an array of texts and elements", "content");
	json_array_foreach(content, i, part)
	{
		if (!(json_is_string(part) ? append_text(out, part, error)
					   : append_element(out, part, depth + 1, error)))
			return FALSE;
	}
	return TRUE;
}

static const char *prefix_of(const json_t *json)
{
	const json_t *prefix = json_object_get(json, "prefix");

	return prefix ? json_string_value(prefix) : PREFIX;
}

/* The start tag's beginning, with what has members of its own. */
static gboolean append_root(GString *out, json_t *json, const char *name, GError **error)
{
	const char *prefix = prefix_of(json);
	g_autofree char *declaration = *prefix ? g_strconcat("xmlns:", prefix, NULL)
					       : g_strdup("xmlns");

	g_string_append_printf(out, "<%s", name);
	if (!append_attribute(out, declaration, json_object_get(json, "namespace"), error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(own_members); i++) {
		json_t *value = json_object_get(json, own_members[i].member);

		if (value && !append_attribute(out, own_members[i].attribute, value, error))
			return FALSE;
	}
	return append_declarations(out, json_object_get(json, "xmlns"), error) &&
	       append_attributes(out, json_object_get(json, "attributes"), error);
}

static gboolean check_cardinality(const json_t *json, GError **error)
{
	const char *text = json_string_value(json_object_get(json, "cardinality"));

	return g_strcmp0(text, "singleValue") == 0 || g_strcmp0(text, "multiValue") == 0 ||
	       refuse(error, "must be singleValue or multiValue", "cardinality");
}

struct ifmap_meta *ifmap_json_read_meta(const json_t *json, GError **error)
{
	static const char *const known[] = { "namespace", "name", "cardinality", "publisher",
		"timestamp", "fraction", "prefix", "xmlns", "attributes", "content", NULL };
	const char *local = json_string_value(json_object_get(json, "name"));
	const char *prefix = prefix_of(json);
	g_autoptr(GString) xml = g_string_new(NULL);
	g_autofree char *name = NULL;

	if (!ifmap_json_check_members(json, "metadata", known, error) ||
		!check_cardinality(json, error))
		return NULL;
	if (!local || xmlValidateNCName((const xmlChar *)local, 0) != 0) {
		refuse(error, "is no XML name without prefix", local);
		return NULL;
	}
	if (!prefix || (*prefix && xmlValidateNCName((const xmlChar *)prefix, 0) != 0)) {
		refuse(error, "is no prefix", prefix);
		return NULL;
	}
	name = *prefix ? g_strconcat(prefix, ":", local, NULL) : g_strdup(local);
	if (!append_root(xml, (json_t *)json, name, error))
		return NULL;
	g_string_append_c(xml, '>');
	if (!append_content(xml, json_object_get(json, "content"), 1, error))
		return NULL;
	g_string_append_printf(xml, "</%s>", name);
	return ifmap_meta_new(xml->str, (gssize)xml->len, error);
}
