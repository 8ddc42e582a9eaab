#include "map/facequery.h"

#include <jansson.h>
#include <libxml/tree.h>
#include <libxml/uri.h>
#include <string.h>

#include "ifmap/ask.h"
#include "ifmap/json.h"

#define NS_PREFIX "ns."

static gboolean refuse(GError **error, const char *what, const char *why)
{
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "%.60s: %s", what, why);
	return FALSE;
}

/* ---- namespaces ---- */

/* As XML's parser sees it. */
static gboolean is_uri(const char *text)
{
	xmlURIPtr uri = xmlParseURI(text);

	xmlFreeURI(uri);
	return uri != NULL;
}

/* prefix, namespace, ..., to be NULL-terminated. */
static gboolean add_prefix(GPtrArray *prefixes, const char *prefix, const char *ns, GError **error)
{
	if (xmlValidateNCName((const xmlChar *)prefix, 0) != 0 || !ns || !*ns ||
		g_str_has_prefix(prefix, "xml"))
		return refuse(error, prefix, "is no prefix for a namespace");
	if (!is_uri(ns))
		return refuse(error, prefix, "its namespace is no URI");
	for (guint i = 0; i < prefixes->len; i += 2)
		if (strcmp(prefixes->pdata[i], prefix) == 0)
			return refuse(error, prefix, "is bound twice");
	g_ptr_array_add(prefixes, g_strdup(prefix));
	g_ptr_array_add(prefixes, g_strdup(ns));
	return TRUE;
}

static gboolean read_prefixes(json_t *json, GPtrArray *prefixes, GError **error)
{
	const char *prefix;
	json_t *ns;

	if (json && !json_is_object(json))
		return refuse(error, "namespaces", "must be an object");
	json_object_foreach(json, prefix, ns)
	{
		if (!add_prefix(prefixes, prefix, json_string_value(ns), error))
			return FALSE;
	}
	return TRUE;
}

/* ---- search ---- */

void map_facequery_init(struct map_facequery *query)
{
	*query = (struct map_facequery){ .prefixes = g_ptr_array_new_with_free_func(g_free) };
}

void map_facequery_clear(struct map_facequery *query)
{
	g_ptr_array_unref(query->prefixes);
	g_clear_error(&query->error);
}

static void set_number(
	struct map_facequery *query, const char *name, const char *value, size_t *ret)
{
	guint64 number = 0;
	g_autoptr(GError) error = NULL;

	if (!g_ascii_string_to_unsigned(value, 10, 0, 1000000000, &number, &error))
		refuse(&query->error, name, "must be a number");
	*ret = (size_t)number;
}

static void set_argument(struct map_facequery *query, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **into;
	} texts[] = {
		{ "start", &query->start },
		{ "match-links", &query->search.match_links },
		{ "result-filter", &query->search.result_filter },
		{ "terminal-identifier-type", &query->search.terminal_types },
	};
	size_t depth = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (strcmp(texts[i].name, name) == 0) {
			*texts[i].into = value;
			return;
		}
	if (strcmp(name, "max-depth") == 0) {
		set_number(query, name, value, &depth);
		query->search.max_depth = (unsigned)depth;
	} else if (strcmp(name, "max-size") == 0) {
		set_number(query, name, value, &query->search.max_size);
	} else if (g_str_has_prefix(name, NS_PREFIX)) {
		add_prefix(query->prefixes, name + strlen(NS_PREFIX), value, &query->error);
	} else {
		refuse(&query->error, name, "there is no such argument");
	}
}

gboolean map_facequery_set(struct map_facequery *query, const char *name, const char *value)
{
	if (query->error)
		return FALSE;
	if (!g_utf8_validate(name, -1, NULL) || (value && !g_utf8_validate(value, -1, NULL)))
		refuse(&query->error, "arguments", "must be UTF-8");
	else
		set_argument(query, name, value ? value : "");
	return !query->error;
}

/* An identifier in its short form, or as JSON. */
static struct ifmap_id *read_start(const char *text, GError **error)
{
	json_t *json;
	struct ifmap_id *id;

	if (!text) {
		refuse(error, "start", "says where to begin, as start=ip:10.0.0.7");
		return NULL;
	}
	json = *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_string(text);
	id = ifmap_json_read_id(json, error);
	json_decref(json);
	return id;
}

static void write_query(GString *out, struct map_facequery *query, const char *session_id)
{
	const char *const *prefixes = (const char *const *)query->prefixes->pdata;

	if (!session_id) {
		ifmap_ask_search(out, MAP_FACEQUERY_NO_SESSION, prefixes, &query->search);
		return;
	}
	ifmap_ask_subscribe_begin(out, session_id, prefixes);
	ifmap_ask_subscribe_update(out, "stream", &query->search);
	ifmap_ask_subscribe_end(out);
}

GString *map_facequery_body(struct map_facequery *query, const char *session_id, GError **error)
{
	g_autoptr(ifmap_id) start = query->error ? NULL : read_start(query->start, error);
	GString *body = NULL;

	if (query->error)
		g_propagate_error(error, g_steal_pointer(&query->error));
	if (!start)
		return NULL;
	query->search.start = start;
	g_ptr_array_add(query->prefixes, NULL);
	body = g_string_new(NULL);
	write_query(body, query, session_id);
	query->search.start = NULL;
	return body;
}

/* ---- publish ---- */

GString *map_facequery_publish(const char *text, size_t size, GError **error)
{
	g_autoptr(GPtrArray) prefixes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(ifmap_publish) publish = NULL;
	json_error_t why;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
	GString *body = NULL;

	if (!json) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "line %d, column %d: %s",
			why.line, why.column, why.text);
		return NULL;
	}
	if (read_prefixes(json_object_get(json, "namespaces"), prefixes, error)) {
		json_object_del(json, "namespaces");
		publish = ifmap_json_read_publish(json, IFMAP_LIFETIME_FOREVER, error);
	}
	json_decref(json);
	if (publish) {
		body = g_string_new(NULL);
		g_ptr_array_add(prefixes, NULL);
		ifmap_ask_publish(body, MAP_FACEQUERY_NO_SESSION,
			(const char *const *)prefixes->pdata, publish);
	}
	return body;
}
