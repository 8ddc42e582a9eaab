/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identifiers, items, results and publish requests as JSON; metadata is in jsonmeta.c. */
#include "ifmap/json.h"

#include <libxml/tree.h>
#include <string.h>

#include "base/xml.h"
#include "ifmap/identifier.h"

#define EXTENDED "extended"

static gboolean refuse(GError **error, const char *what, const char *why)
{
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "%s: %s", what, why);
	return FALSE;
}

gboolean ifmap_json_check_members(
	const json_t *json, const char *what, const char *const *known, GError **error)
{
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return refuse(error, what, "must be an object");
	json_object_foreach((json_t *)json, name, value)
	{
		if (g_strv_contains(known, name))
			continue;
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE,
			"%s: there is no member \"%.60s\" here", what, name);
		return FALSE;
	}
	return TRUE;
}

/* ---- identifiers ---- */

static json_t *extended_attributes(const struct ifmap_id *id)
{
	json_t *json = json_object();

	for (const char *name = id->more->attributes; *name;) {
		const char *value = name + strlen(name) + 1;

		json_object_set_new(json, name, json_string(value));
		name = value + strlen(value) + 1;
	}
	return json;
}

/* {"namespace", "name", "attributes"} when that says all, else {"xml"}. */
static json_t *extended(const struct ifmap_id *id)
{
	json_t *json = json_pack("{s:s, s:s, s:o}", "namespace", id->more->ns, "name",
		id->more->local, "attributes", extended_attributes(id));
	json_t *whole = json_pack("{s:O}", EXTENDED, json);
	g_autoptr(ifmap_id) again = ifmap_json_read_id(whole, NULL);

	json_decref(whole);
	if (again && ifmap_id_equal(again, id))
		return json;
	json_decref(json);
	return json_pack("{s:s}", "xml", id->value);
}

/* The attributes of its element; of a device its name. */
static json_t *plain(const struct ifmap_id *id)
{
	g_autoptr(GString) wire = g_string_new(NULL);
	ifmap_identifier_write(wire, id);
	g_autoptr(xmlDoc) doc = base_xml_read(
		"identifier", wire->str, wire->len, &BASE_XML_LIMITS_DEFAULT, NULL);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	json_t *json = json_object();

	if (id->type == IFMAP_ID_DEVICE)
		json_object_set_new(json, "name", json_string(id->value));
	for (const xmlAttr *attr = root ? root->properties : NULL; attr; attr = attr->next) {
		xmlChar *value = xmlNodeListGetString(doc, attr->children, 1);

		json_object_set_new(json, (const char *)attr->name,
			json_string(value ? (const char *)value : ""));
		xmlFree(value);
	}
	return json;
}

json_t *ifmap_json_id(const struct ifmap_id *id)
{
	return id->more->attributes
		       ? json_pack("{s:o}", EXTENDED, extended(id))
		       : json_pack("{s:o}",
				 ifmap_identifier_type_to_string((enum ifmap_id_type)id->type),
				 plain(id));
}

/* The member's text, NULL when absent; FALSE when it is something else. */
static gboolean get_text(const json_t *json, const char *name, const char **ret, GError **error)
{
	const json_t *value = json_object_get(json, name);

	*ret = json_string_value(value);
	return !value || *ret || refuse(error, name, "must be a text");
}

static struct ifmap_id *read_attributes(
	const char *ns, const char *local, json_t *json, GError **error)
{
	g_autoptr(GPtrArray) pairs = g_ptr_array_new();
	const char *name;
	json_t *value;

	if (!ns || !local || (json && !json_is_object(json))) {
		refuse(error, EXTENDED,
			"wants \"namespace\", \"name\" and an object \"attributes\"");
		return NULL;
	}
	json_object_foreach(json, name, value)
	{
		if (!json_is_string(value)) {
			refuse(error, name, "must be a text");
			return NULL;
		}
		if (strcmp(name, "administrative-domain") == 0 && !*json_string_value(value))
			continue; /* it is always there */
		g_ptr_array_add(pairs, (gpointer)name);
		g_ptr_array_add(pairs, (gpointer)json_string_value(value));
	}
	g_ptr_array_add(pairs, NULL);
	return ifmap_id_new_extended(ns, local, (const char *const *)pairs->pdata, error);
}

static struct ifmap_id *read_extended(const json_t *json, GError **error)
{
	static const char *const known[] = { "namespace", "name", "attributes", "xml", NULL };
	const char *ns, *local, *xml;

	if (!ifmap_json_check_members(json, EXTENDED, known, error) ||
		!get_text(json, "namespace", &ns, error) ||
		!get_text(json, "name", &local, error) || !get_text(json, "xml", &xml, error))
		return NULL;
	if (xml)
		return ifmap_id_new_identity("other", xml, NULL, "extended", error);
	return read_attributes(ns, local, json_object_get(json, "attributes"), error);
}

static struct ifmap_id *read_plain(enum ifmap_id_type type, const json_t *json, GError **error)
{
	static const char *const known[] = { "name", "value", "type", "administrative-domain",
		"other-type-definition", NULL };
	struct ifmap_identifier_parts parts = { .type = type };
	gboolean has_value = type == IFMAP_ID_IP_ADDRESS || type == IFMAP_ID_MAC_ADDRESS;

	if (!ifmap_json_check_members(json, ifmap_identifier_type_to_string(type), known, error) ||
		!get_text(json, has_value ? "value" : "name", &parts.name, error) ||
		!get_text(json, "type", &parts.subtype, error) ||
		!get_text(json, "administrative-domain", &parts.domain, error) ||
		!get_text(json, "other-type-definition", &parts.other_type, error))
		return NULL;
	return ifmap_identifier_read(&parts, IFMAP_IDENTIFIER_MAX_DEFAULT, NULL, error);
}

struct ifmap_id *ifmap_json_read_id(const json_t *json, GError **error)
{
	const char *name = json_object_iter_key(json_object_iter((json_t *)json));
	enum ifmap_id_type type;

	if (json_is_string(json))
		return ifmap_id_from_string(json_string_value(json), error);
	if (json_object_size(json) == 1 && strcmp(name, EXTENDED) == 0)
		return read_extended(json_object_get(json, name), error);
	if (json_object_size(json) == 1 && ifmap_identifier_type_from_string(name, &type))
		return read_plain(type, json_object_get(json, name), error);
	refuse(error, "identifier",
		"must be a text like \"ip:10.0.0.7\", or an object with one member: ip-address, "
		"mac-address, device, access-request, identity or extended");
	return NULL;
}

/* ---- items and results ---- */

json_t *ifmap_json_item(const struct ifmap_item *item)
{
	json_t *metas = json_array();
	json_t *a = ifmap_json_id(item->a);

	for (guint i = 0; i < item->metas->len; i++)
		json_array_append_new(metas, ifmap_json_meta(g_ptr_array_index(item->metas, i)));
	if (!item->b)
		return json_pack("{s:o, s:o}", "identifier", a, "metadata", metas);
	return json_pack("{s:[o, o], s:o}", "link", a, ifmap_json_id(item->b), "metadata", metas);
}

const char *ifmap_json_result_kind(enum ifmap_result_kind kind)
{
	static const char *const names[] = {
		[IFMAP_RESULT_SEARCH] = "search",
		[IFMAP_RESULT_UPDATE] = "update",
		[IFMAP_RESULT_DELETE] = "delete",
		[IFMAP_RESULT_NOTIFY] = "notify",
	};

	return names[kind];
}

json_t *ifmap_json_result(const struct ifmap_result *result)
{
	json_t *items = json_array();

	for (guint i = 0; i < result->items->len; i++)
		json_array_append_new(items, ifmap_json_item(g_ptr_array_index(result->items, i)));
	return json_pack("{s:s, s:s*, s:o}", "result", ifmap_json_result_kind(result->kind), "name",
		result->name, "items", items);
}

/* ---- publish requests ---- */

/* Where an operation stands: one identifier, or the two of a link. */
struct json_place {
	struct ifmap_id *a;
	struct ifmap_id *b;
};

typedef struct json_place json_place;

static void place_clear(struct json_place *place)
{
	ifmap_id_unref(place->a);
	ifmap_id_unref(place->b);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(json_place, place_clear)

static gboolean read_place(const json_t *json, struct json_place *place, GError **error)
{
	const json_t *identifier = json_object_get(json, "identifier");
	const json_t *link = json_object_get(json, "link");

	if (!identifier == !link || (link && json_array_size(link) != 2))
		return refuse(error, "operation",
			"wants either \"identifier\" or \"link\", an array of two identifiers");
	place->a = ifmap_json_read_id(link ? json_array_get(link, 0) : identifier, error);
	if (place->a && link)
		place->b = ifmap_json_read_id(json_array_get(link, 1), error);
	return place->a && !place->b == !link;
}

static gboolean read_lifetime(const json_t *json, enum ifmap_lifetime *lifetime, GError **error)
{
	const json_t *value = json_object_get(json, "lifetime");
	const char *text = json_string_value(value);

	if (!value)
		return TRUE;
	if (g_strcmp0(text, "forever") != 0 && g_strcmp0(text, "session") != 0)
		return refuse(error, "lifetime", "must be \"session\" or \"forever\"");
	*lifetime = strcmp(text, "forever") == 0 ? IFMAP_LIFETIME_FOREVER : IFMAP_LIFETIME_SESSION;
	return TRUE;
}

/* struct ifmap_meta *, at least one; NULL and an error. */
static GPtrArray *read_metas(const json_t *json, GError **error)
{
	const json_t *list = json_object_get(json, "metadata");
	g_autoptr(GPtrArray)
		metas = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_meta_unref);

	if (json_array_size(list) == 0) {
		refuse(error, "metadata", "must be an array of at least one");
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct ifmap_meta *meta = ifmap_json_read_meta(json_array_get(list, i), error);

		if (!meta)
			return NULL;
		g_ptr_array_add(metas, meta);
	}
	return g_steal_pointer(&metas);
}

static gboolean read_update(struct ifmap_publish *publish, const json_t *json,
	enum ifmap_lifetime lifetime, GError **error)
{
	static const char *const known[] = { "operation", "identifier", "link", "lifetime",
		"metadata", NULL };
	g_auto(json_place) place = { 0 };
	g_autoptr(GPtrArray) metas = NULL;

	if (!ifmap_json_check_members(json, "update", known, error) ||
		!read_place(json, &place, error) || !read_lifetime(json, &lifetime, error) ||
		!(metas = read_metas(json, error)))
		return FALSE;
	for (guint i = 0; i < metas->len; i++)
		ifmap_publish_update(
			publish, place.a, place.b, lifetime, g_ptr_array_index(metas, i));
	return TRUE;
}

static gboolean read_notify(struct ifmap_publish *publish, const json_t *json,
	enum ifmap_lifetime lifetime G_GNUC_UNUSED, GError **error)
{
	static const char *const known[] = { "operation", "identifier", "link", "metadata", NULL };
	g_auto(json_place) place = { 0 };
	g_autoptr(GPtrArray) metas = NULL;

	if (!ifmap_json_check_members(json, "notify", known, error) ||
		!read_place(json, &place, error) || !(metas = read_metas(json, error)))
		return FALSE;
	for (guint i = 0; i < metas->len; i++)
		ifmap_publish_notify(publish, place.a, place.b, g_ptr_array_index(metas, i));
	return TRUE;
}

static gboolean read_delete(struct ifmap_publish *publish, const json_t *json,
	enum ifmap_lifetime lifetime G_GNUC_UNUSED, GError **error)
{
	static const char *const known[] = { "operation", "identifier", "link", "filter", NULL };
	g_auto(json_place) place = { 0 };
	const char *filter;

	if (!ifmap_json_check_members(json, "delete", known, error) ||
		!read_place(json, &place, error) || !get_text(json, "filter", &filter, error))
		return FALSE;
	ifmap_publish_delete(publish, place.a, place.b, filter);
	return TRUE;
}

static const struct {
	const char *name;
	gboolean (*read)(struct ifmap_publish *publish, const json_t *json,
		enum ifmap_lifetime lifetime, GError **error);
} operations[] = {
	{ "update", read_update },
	{ "notify", read_notify },
	{ "delete", read_delete },
};

static gboolean read_operation(struct ifmap_publish *publish, const json_t *json,
	enum ifmap_lifetime lifetime, GError **error)
{
	const char *name = json_string_value(json_object_get(json, "operation"));

	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		if (g_strcmp0(name, operations[i].name) == 0)
			return operations[i].read(publish, json, lifetime, error);
	return refuse(error, "operation", "must be \"update\", \"notify\" or \"delete\"");
}

struct ifmap_publish *ifmap_json_read_publish(
	const json_t *json, enum ifmap_lifetime lifetime, GError **error)
{
	static const char *const known[] = { "operations", NULL };
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	const json_t *list = json_object_get(json, "operations");

	if (!ifmap_json_check_members(json, "request", known, error))
		return NULL;
	if (!json_is_array(list)) {
		refuse(error, "operations", "must be an array");
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (read_operation(publish, json_array_get(list, i), lifetime, error))
			continue;
		g_prefix_error(error, "operation %zu: ", i + 1);
		return NULL;
	}
	return g_steal_pointer(&publish);
}
