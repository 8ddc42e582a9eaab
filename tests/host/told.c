#include "told.h"

#include "base/xml.h"
#include "ifmap/request.h"
#include "waiting.h"

#include <libxml/tree.h>
#include <string.h>

void told_init(struct told *told)
{
	static const char *const prefixes[] = { "x", "urn:x", NULL };
	struct ifmap_client_config config = { .user = "u", .password = "p", .prefixes = prefixes };
	g_autoptr(GError) error = NULL;

	*told = (struct told){ .map = fake_map_new(FAKE_PLAIN) };
	told->standing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	told->forever = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	told->notified = g_ptr_array_new_with_free_func(g_free);
	config.url = fake_server_url(fake_map_server(told->map));
	config.ca_file = fake_server_ca_file(fake_map_server(told->map));
	told->client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
}

void told_clear(struct told *told)
{
	ifmap_client_free(told->client);
	fake_map_free(told->map);
	g_hash_table_unref(told->standing);
	g_hash_table_unref(told->forever);
	g_ptr_array_unref(told->notified);
}

/* ---- requests ---- */

static char *id_text(const xmlNode *node)
{
	g_autofree char *value = NULL;

	if (base_xml_is(node, NULL, "ip-address")) {
		value = base_xml_attr(node, NULL, "value");
		return g_strconcat("ip ", value, NULL);
	}
	if (base_xml_is(node, NULL, "mac-address")) {
		value = base_xml_attr(node, NULL, "value");
		return g_strconcat("mac ", value, NULL);
	}
	if (base_xml_is(node, NULL, "access-request")) {
		value = base_xml_attr(node, NULL, "name");
		return g_strconcat("ar ", value, NULL);
	}
	if (base_xml_is(node, NULL, "device")) {
		value = base_xml_text(base_xml_first(node));
		return g_strconcat("device ", value, NULL);
	}
	return base_xml_is(node, NULL, "identity") ? g_strdup("id") : NULL;
}

/* "A" or "A -- B" of an operation. */
static char *place_of(const xmlNode *operation)
{
	g_autofree char *a = NULL;
	g_autofree char *b = NULL;

	for (const xmlNode *node = base_xml_first(operation); node; node = base_xml_next(node)) {
		char *text = id_text(node);

		if (text && !a)
			a = text;
		else if (text)
			b = text;
	}
	g_assert_nonnull(a);
	if (!b)
		return g_steal_pointer(&a);
	return strcmp(a, b) < 0 ? g_strconcat(a, " -- ", b, NULL) : g_strconcat(b, " -- ", a, NULL);
}

static char *xml_of(const xmlNode *node)
{
	xmlBuffer *buffer = xmlBufferCreate();
	char *text;

	xmlNodeDump(buffer, node->doc, (xmlNode *)node, 0, 0);
	text = g_strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

static char *entry_of(const char *place, const char *name, const char *slot)
{
	return slot ? g_strconcat(place, " ", name, "/", slot, NULL)
		    : g_strconcat(place, " ", name, NULL);
}

static void carry_metadata(struct told *told, const xmlNode *operation, const char *place)
{
	const xmlNode *metadata = base_xml_find(operation, NULL, "metadata");
	gboolean notify = base_xml_is(operation, NULL, "notify");
	g_autofree char *lifetime = base_xml_attr(operation, NULL, "lifetime");

	for (const xmlNode *m = base_xml_first(metadata); m; m = base_xml_next(m)) {
		g_autofree char *slot = base_xml_attr(m, NULL, "slot");
		g_autofree char *entry = entry_of(place, (const char *)m->name, slot);
		g_autofree char *xml = xml_of(m);

		if (notify) {
			g_ptr_array_add(told->notified, g_strconcat(entry, " ", xml, NULL));
			continue;
		}
		g_hash_table_replace(told->standing, g_strdup(entry), g_steal_pointer(&xml));
		if (g_strcmp0(lifetime, "forever") == 0)
			g_hash_table_add(told->forever, g_steal_pointer(&entry));
	}
}

/* NAME or NAME/SLOT of "p:NAME[@ifmap-publisher-id='...' and @slot='SLOT']", the form in which the
 * client deletes its own. */
static char *deleted_name(const char *filter)
{
	const char *name = strchr(filter, ':') + 1;
	const char *slot = strstr(filter, "@slot=");
	g_autofree char *only = g_strndup(name, strcspn(name, "["));
	g_autofree char *inner = NULL;

	if (!slot)
		return g_steal_pointer(&only);
	slot += strlen("@slot='");
	inner = g_strndup(slot, strcspn(slot, "'\""));
	return g_strconcat(only, "/", inner, NULL);
}

static void carry_out(struct told *told, const xmlNode *operation)
{
	g_autofree char *place = place_of(operation);
	g_autofree char *filter = base_xml_attr(operation, NULL, "filter");
	g_autofree char *name = NULL;
	g_autofree char *entry = NULL;

	if (!base_xml_is(operation, NULL, "delete")) {
		carry_metadata(told, operation, place);
		return;
	}
	name = deleted_name(filter);
	entry = entry_of(place, name, NULL);
	g_hash_table_remove(told->standing, entry);
}

static void end_session(struct told *told)
{
	GHashTableIter iter;
	gpointer entry;

	told->n_sessions++;
	g_hash_table_iter_init(&iter, told->standing);
	while (g_hash_table_iter_next(&iter, &entry, NULL))
		if (!g_hash_table_contains(told->forever, entry))
			g_hash_table_iter_remove(&iter);
}

/* A server that looks into standard metadata takes it as well. */
static void check_strictly(const char *body)
{
	static const struct ifmap_dialect strict = { .check_standard = 1 };
	struct ifmap_request_limits limits = IFMAP_REQUEST_LIMITS_DEFAULT;
	struct ifmap_request *request = NULL;
	g_autoptr(GError) error = NULL;

	limits.dialect = &strict;
	ifmap_request_parse(body, strlen(body), &limits, &request, NULL, &error);
	g_assert_no_error(error);
	ifmap_request_free(request);
}

static void read_body(struct told *told, const char *body)
{
	g_autoptr(xmlDoc)
		doc = base_xml_read("request", body, strlen(body), &BASE_XML_LIMITS_DEFAULT, NULL);
	const xmlNode *request = doc ? base_xml_first(xmlDocGetRootElement(doc)) : NULL;

	while (request && strcmp((const char *)request->name, "Body") != 0)
		request = base_xml_next(request);
	request = request ? base_xml_first(request) : NULL;
	g_assert_nonnull(request);
	if (strcmp((const char *)request->name, "newSession") == 0)
		end_session(told);
	if (strcmp((const char *)request->name, "publish") != 0)
		return;
	told->n_publishes++;
	check_strictly(body);
	for (const xmlNode *o = base_xml_first(request); o; o = base_xml_next(o))
		carry_out(told, o);
}

void told_read(struct told *told)
{
	for (;;) {
		g_autofree char *body = fake_map_body(told->map, told->n_read);

		if (!body)
			return;
		told->n_read++;
		read_body(told, body);
	}
}

const char *told_find(struct told *told, const char *entry)
{
	told_read(told);
	return g_hash_table_lookup(told->standing, entry);
}

unsigned told_count(struct told *told, const char *prefix)
{
	GHashTableIter iter;
	gpointer entry;
	unsigned n = 0;

	told_read(told);
	g_hash_table_iter_init(&iter, told->standing);
	while (g_hash_table_iter_next(&iter, &entry, NULL))
		n += g_str_has_prefix(entry, prefix);
	return n;
}

static void on_flushed(struct ifmap_client *client, const GError *error, gpointer data)
{
	*(gboolean *)data = TRUE;
}

void told_flush(struct told *told)
{
	struct ifmap_publish *mark = ifmap_publish_new();
	g_autoptr(ifmap_id) id = ifmap_id_new_device("flush", NULL);
	gboolean done = FALSE;

	ifmap_publish_delete(mark, id, NULL, "x:flush"); /* requests go in order */
	ifmap_client_publish(told->client, mark, on_flushed, &done);
	WAIT_UNTIL(done);
	told_read(told);
}
