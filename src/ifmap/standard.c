/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/standard.h"

#include <string.h>

#include "ifmap/metatree.h"

/* ---- values */

static gboolean is_any(const char *text)
{
	return TRUE;
}

static gboolean is_integer(const char *text)
{
	text += *text == '-' || *text == '+';
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static gboolean is_percent(const char *text)
{
	guint64 n;

	return g_ascii_string_to_unsigned(text, 10, 0, 100, &n, NULL);
}

static gboolean is_empty(const char *text)
{
	return !*text;
}

/* xsd:dateTime; the zone may be absent there. */
static gboolean is_time(const char *text)
{
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);

	return time && strlen(text) >= strlen("2026-01-01T00:00:00") && text[4] == '-' &&
	       text[10] == 'T';
}

#define IS_ONE_OF(name, ...)                                              \
	static gboolean name(const char *text)                            \
	{                                                                 \
		static const char *const words[] = { __VA_ARGS__, NULL }; \
		return g_strv_contains(words, text);                      \
	}
IS_ONE_OF(is_action, "block", "quarantine", "other")
IS_ONE_OF(is_significance, "critical", "important", "informational")
IS_ONE_OF(is_event, "p2p", "cve", "botnet infection", "worm infection", "excessive flows",
	"behavioral change", "policy violation", "other")
IS_ONE_OF(is_security, "open", "wep", "tkip", "ccmp", "bip", "other")

/* ---- the schema */

enum occurs {
	ONCE,
	OPTIONAL,
	REPEATED, /* once or more */
};

struct child {
	const char *name;
	enum occurs occurs;
	gboolean (*is_good)(const char *text); /* without blanks at its ends */
	const char *const *attributes;         /* it must have; NULL: none */
};
static const char *const place[] = { "type", "value", NULL };

#define MAX_CHILDREN 11

/* Children in their order; the last has no name. */
static const struct element {
	const char *name;
	struct child children[MAX_CHILDREN];
} elements[] = {
	{ "access-request-device", { { NULL } } },
	{ "access-request-ip", { { NULL } } },
	{ "access-request-mac", { { NULL } } },
	{ "authenticated-as", { { NULL } } },
	{ "authenticated-by", { { NULL } } },
	{ "capability",
		{ { "name", ONCE, is_any }, { "administrative-domain", OPTIONAL, is_any } } },
	{ "device-attribute", { { "name", ONCE, is_any } } },
	{ "device-characteristic",
		{ { "manufacturer", OPTIONAL, is_any }, { "model", OPTIONAL, is_any },
			{ "os", OPTIONAL, is_any }, { "os-version", OPTIONAL, is_any },
			{ "device-type", OPTIONAL, is_any }, { "discovered-time", ONCE, is_time },
			{ "discoverer-id", ONCE, is_any }, { "discovery-method", ONCE, is_any } } },
	{ "device-ip", { { NULL } } },
	{ "discovered-by", { { NULL } } },
	{ "enforcement-report", { { "enforcement-action", ONCE, is_action },
					{ "other-type-definition", OPTIONAL, is_any },
					{ "enforcement-reason", OPTIONAL, is_any } } },
	{ "event",
		{ { "name", ONCE, is_any }, { "discovered-time", ONCE, is_time },
			{ "discoverer-id", ONCE, is_any }, { "magnitude", ONCE, is_percent },
			{ "confidence", ONCE, is_percent },
			{ "significance", ONCE, is_significance }, { "type", OPTIONAL, is_event },
			{ "other-type-definition", OPTIONAL, is_any },
			{ "information", OPTIONAL, is_any },
			{ "vulnerability-uri", OPTIONAL, is_any } } },
	{ "ip-mac", { { "start-time", OPTIONAL, is_time }, { "end-time", OPTIONAL, is_time },
			    { "dhcp-server", OPTIONAL, is_any } } },
	/* vlan-name is an integer in the schema, by a slip */
	{ "layer2-information",
		{ { "vlan", OPTIONAL, is_integer }, { "vlan-name", OPTIONAL, is_any },
			{ "port", OPTIONAL, is_integer },
			{ "administrative-domain", OPTIONAL, is_any } } },
	{ "location",
		{ { "location-information", REPEATED, is_empty, place },
			{ "discovered-time", ONCE, is_time }, { "discoverer-id", ONCE, is_any } } },
	{ "request-for-investigation", { { NULL } } },
	{ "role", { { "administrative-domain", OPTIONAL, is_any }, { "name", ONCE, is_any } } },
	{ "unexpected-behavior",
		{ { "discovered-time", ONCE, is_time }, { "discoverer-id", ONCE, is_any },
			{ "information", OPTIONAL, is_any }, { "magnitude", ONCE, is_percent },
			{ "confidence", OPTIONAL, is_percent },
			{ "significance", ONCE, is_significance }, { "type", OPTIONAL, is_any } } },
	{ "wlan-information",
		{ { "ssid", OPTIONAL, is_any }, { "ssid-unicast-security", REPEATED, is_security },
			{ "ssid-group-security", ONCE, is_security },
			{ "ssid-management-security", REPEATED, is_security } } },
};

/* ---- the check */

static gboolean refuse(
	const struct ifmap_meta *meta, const char *what, const char *name, GError **error)
{
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA, "meta:%s: %s%s%.60s",
		ifmap_meta_name(meta), what, name ? " " : "", name ? name : "");
	return FALSE;
}

/* Text between children: blobs of text stand in document order (metatree.h). */
static gboolean is_blank(const char *from, const char *to)
{
	while (from < to && g_ascii_isspace(*from))
		from++;
	return from >= to;
}

/* The child of the schema that an element may be, from `expected` on; NULL when there is none. */
static const struct child *next_expected(const struct child *expected, const char *name)
{
	while (expected->name && strcmp(expected->name, name) != 0) {
		if (expected->occurs != OPTIONAL)
			return NULL;
		expected++;
	}
	return expected->name ? expected : NULL;
}

/* How far the children of one element have been looked at. */
struct walk {
	const struct ifmap_meta *meta;
	const struct ifmap_meta_tree *tree;
	const struct child *expected;
	gboolean repeats; /* `expected` was there, and may be once more */
};

static gboolean has_attribute(
	const struct ifmap_meta_tree *tree, const struct ifmap_meta_node *node, const char *name)
{
	for (guint32 i = 0; i < node->n_attributes; i++) {
		const struct ifmap_meta_attribute *attribute =
			&tree->attributes[node->attribute + i];

		if (!tree->strings[attribute->ns] &&
			strcmp(tree->strings + attribute->local, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean check_value(const struct walk *walk, const struct child *child,
	const struct ifmap_meta_node *node, GError **error)
{
	g_autofree char *text = g_strstrip(g_strdup(walk->tree->texts + node->text));

	if (!child->is_good(text))
		return refuse(walk->meta, "this is no value of", child->name, error);
	for (const char *const *name = child->attributes; name && *name; name++)
		if (!has_attribute(walk->tree, node, *name))
			return refuse(walk->meta, "location-information lacks the attribute", *name,
				error);
	return TRUE;
}

static gboolean check_child(struct walk *walk, guint32 index, GError **error)
{
	const struct ifmap_meta_node *node = &walk->tree->nodes[index];
	const char *name = walk->tree->strings + node->local;
	const struct child *child;

	if (walk->repeats && strcmp(walk->expected->name, name) != 0)
		walk->expected++;
	child = next_expected(walk->expected, name);
	if (!child || walk->tree->strings[node->ns])
		return refuse(walk->meta, "there must not stand", name, error);
	if (node->end != index + 1)
		return refuse(walk->meta, "there is an element inside", name, error);
	walk->repeats = child->occurs == REPEATED;
	walk->expected = walk->repeats ? child : child + 1;
	return check_value(walk, child, node, error);
}

static gboolean check_rest(struct walk *walk, GError **error)
{
	if (walk->repeats)
		walk->expected++;
	while (walk->expected->name && walk->expected->occurs == OPTIONAL)
		walk->expected++;
	return !walk->expected->name || refuse(walk->meta, "it lacks", walk->expected->name, error);
}

static gboolean check_element(
	const struct ifmap_meta *meta, const struct element *element, GError **error)
{
	struct walk walk = { .meta = meta, .tree = meta->tree, .expected = element->children };
	const struct ifmap_meta_node *nodes = walk.tree->nodes;
	const char *texts = walk.tree->texts;
	guint32 at = nodes[0].text;

	for (guint32 i = 1; i < nodes[0].end; i = nodes[i].end) {
		if (!is_blank(texts + at, texts + nodes[i].text))
			return refuse(meta, "there is text between its elements", NULL, error);
		if (!check_child(&walk, i, error))
			return FALSE;
		at = nodes[i].text_end;
	}
	if (!is_blank(texts + at, texts + nodes[0].text_end - 1))
		return refuse(meta, "there is text between its elements", NULL, error);
	return check_rest(&walk, error);
}

gboolean ifmap_standard_check(const struct ifmap_meta *meta, GError **error)
{
	if (strcmp(ifmap_meta_ns(meta), IFMAP_NS_META) != 0)
		return TRUE;
	for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
		if (strcmp(elements[i].name, ifmap_meta_name(meta)) == 0)
			return check_element(meta, &elements[i], error);
	return TRUE;
}
