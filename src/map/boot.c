/* Filling an engine before it serves: what the store holds, and the server's own description. */
#include "ifmap/reply.h"
#include "map/commit.h"

#define NS_SERVER "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1"

static const char capability_format[] =
	"<srv:server-capability xmlns:srv=\"" NS_SERVER "\" ifmap-cardinality=\"singleValue\">"
	"<capability>ifmap-base-version-2.0</capability>"
	"<capability>ifmap-base-version-2.1</capability>"
	"<capability>ifmap-base-version-2.2</capability>"
	"<capability>fractional-timestamps</capability>"
	"<capability>extended-identifier-search-termination</capability>%s"
	"</srv:server-capability>";

struct loading {
	struct map_engine *engine;
	struct map_change *change;
};

static gboolean load_publisher(
	const char *client, const char *publisher_id, gpointer data, GError **error)
{
	(void)error;
	struct map_engine *engine = ((struct loading *)data)->engine;
	g_autofree char *name = map_account_name_of_key(client);
	map_account_add_seat(
		map_engine_account(engine, name), map_graph_publisher(engine->graph, publisher_id));
	return TRUE;
}

static gboolean load_type(const char *ns, const char *name, enum ifmap_cardinality cardinality,
	gpointer data, GError **error)
{
	(void)error;
	struct map_engine *engine = ((struct loading *)data)->engine;
	map_registry_restore(engine->registry, ns, name, cardinality);
	return TRUE;
}

/* Identifiers and metadata are stored as they travel, so reading them back is reading a publish
 * request. */
static struct ifmap_request *parse_record(
	const struct map_record *record, const struct ifmap_dialect *dialect, GError **error)
{
	/* They were within limits when they were accepted; limits may have become narrower. */
	const struct ifmap_request_limits wide = {
		.max_identifier = 1U << 30,
		.max_metadata = 1U << 30,
		.max_depth = 256,
		.max_operations = 1,
		.dialect = dialect,
	};
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *session_id = NULL;
	struct ifmap_request *request = NULL;

	g_string_append(text, "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\">"
			      "<e:Body><i:publish xmlns:i=\"" IFMAP_NS "\" session-id=\"-\">"
			      "<update lifetime=\"forever\">");
	g_string_append(text, record->a);
	g_string_append(text, record->b ? record->b : "");
	g_string_append(text, "<metadata>");
	g_string_append(text, record->meta);
	g_string_append(text, "</metadata></update></i:publish></e:Body></e:Envelope>");
	if (ifmap_request_parse(text->str, text->len, &wide, &request, &session_id, error) !=
		IFMAP_PARSE_OK)
		return NULL;
	return request;
}

static gboolean load_fact(const struct map_record *record, gpointer data, GError **error)
{
	const struct loading *loading = data;
	struct map_engine *engine = loading->engine;
	struct ifmap_request *request = parse_record(record, engine->dialect, error);
	gboolean good;

	if (!request) {
		g_prefix_error(error, "stored metadata %" G_GUINT64_FORMAT ": ", record->serial);
		return FALSE;
	}
	const struct map_subject subject = { .name = "store" };
	const struct map_publish publish = {
		.graph = engine->graph,
		.registry = engine->registry,
		.subject = &subject,
		.publisher = map_graph_publisher(engine->graph, record->publisher),
		.timestamp_us = record->timestamp_us,
		.dialect = engine->dialect,
	};
	map_graph_set_next_serial(engine->graph, record->serial);
	good = map_publish_apply(&publish, loading->change, request->operations, NULL, error);
	ifmap_request_free(request);
	engine->timestamp_us = MAX(engine->timestamp_us, record->timestamp_us);
	return good;
}

static const struct map_store_reader store_reader = {
	.publisher = load_publisher,
	.type = load_type,
	.fact = load_fact,
};

gboolean map_engine_describe(struct map_engine *engine, struct map_change *change, GError **error)
{
	static const char *const no_attributes[] = { NULL };
	g_autoptr(ifmap_id)
		id = ifmap_id_new_extended(NS_SERVER, "ifmap-server", no_attributes, error);
	g_autofree char *xml = g_strdup_printf(
		capability_format, map_policy_has_file(engine->policy)
					   ? "<capability>map-content-authorization</capability>"
					   : "");
	g_autoptr(ifmap_meta) plain = id ? ifmap_meta_new(xml, -1, error) : NULL;
	if (!plain)
		return FALSE;
	g_autoptr(ifmap_meta)
		meta = ifmap_meta_stamp(plain, engine->self->id, engine->timestamp_us);
	struct map_node *node = map_graph_node(engine->graph, id);
	const struct map_fact_spec spec = {
		.meta = meta,
		.type = map_registry_check(engine->registry, meta, error),
		.publisher = engine->self,
		.lifetime = IFMAP_LIFETIME_FOREVER,
	};
	if (spec.type)
		map_change_add(change, &node->element, &spec);
	map_element_unref(&node->element);
	return spec.type != NULL;
}

gboolean map_engine_boot(struct map_engine *engine, GError **error)
{
	struct loading loading = { .engine = engine, .change = map_change_begin(engine->graph) };
	gboolean good = !engine->store ||
			map_store_load(engine->store, &store_reader, &loading, error);

	engine->timestamp_us = MAX(engine->timestamp_us, g_get_real_time());
	good = good && map_engine_describe(engine, loading.change, error);
	map_change_commit(loading.change);
	return good;
}
