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
	"<capability>extended-identifier-search-termination</capability>%s%s"
	"</srv:server-capability>";

struct reading;

struct loading {
	struct map_engine *engine;
	struct ifmap_dialect dialect;
	struct reading *gathered; /* not yet handed to a parser, or NULL */
	GQueue readings;          /* struct reading *, with the parsers; owns */
	GThreadPool *parsers;
	GMutex lock;
	GCond progress; /* some reading was parsed */
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

/* ---- facts
 *
 * Identifiers and metadata are stored as they travel, so reading them back is reading a publish
 * request. Many are one request; other threads parse while this one reads the database and fills
 * the graph, in order. */

#define FACTS_PER_READING 200
/* Readings under way: bounds what is held twice. */
#define MAX_READINGS      16
#define MAX_PARSERS       4

/* What of a stored fact does not stand in its text. */
struct stored {
	guint64 serial;
	struct map_publisher *publisher;
	gint64 timestamp_us;
};

struct reading {
	GString *text;  /* of the request */
	GArray *stored; /* struct stored, one for each of its operations */
	struct ifmap_request *request;
	GError *error;
	gboolean parsed; /* guarded by loading->lock, as is what the parser wrote */
};

static void reading_free(gpointer data)
{
	struct reading *reading = data;
	g_string_free(reading->text, TRUE);
	g_array_unref(reading->stored);
	ifmap_request_free(reading->request);
	g_clear_error(&reading->error);
	g_free(reading);
}

static struct reading *reading_new(void)
{
	struct reading *reading = g_new0(struct reading, 1);
	reading->text = g_string_new(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body>"
		"<i:publish xmlns:i=\"" IFMAP_NS "\" session-id=\"-\">");
	reading->stored = g_array_new(FALSE, FALSE, sizeof(struct stored));
	return reading;
}

/* On a parser's thread. */
static void parse(gpointer data, gpointer user_data)
{
	struct reading *reading = data;
	struct loading *loading = user_data;
	/* They were accepted once; limits may have become narrower since, switches been turned. */
	const struct ifmap_request_limits wide = {
		.max_identifier = 1U << 30,
		.max_metadata = 1U << 30,
		.max_depth = 256,
		.max_operations = FACTS_PER_READING,
		.dialect = &loading->dialect,
	};
	g_autofree char *session_id = NULL;

	g_string_append(reading->text, "</i:publish></e:Body></e:Envelope>");
	(void)ifmap_request_parse(reading->text->str, reading->text->len, &wide, &reading->request,
		&session_id, &reading->error);
	g_mutex_lock(&loading->lock);
	reading->parsed = TRUE;
	g_cond_signal(&loading->progress);
	g_mutex_unlock(&loading->lock);
}

static gboolean put_fact(struct loading *loading, struct map_change *change,
	struct ifmap_operation *operation, const struct stored *stored, GError **error)
{
	struct map_engine *engine = loading->engine;
	const struct map_subject subject = { .name = "store" };
	const struct map_publish publish = {
		.graph = engine->graph,
		.registry = engine->registry,
		.subject = &subject,
		.publisher = stored->publisher,
		.timestamp_us = stored->timestamp_us,
		.dialect = engine->dialect,
	};
	g_autoptr(GPtrArray) one = g_ptr_array_sized_new(1);

	g_ptr_array_add(one, operation);
	map_graph_set_next_serial(engine->graph, stored->serial);
	engine->timestamp_us = MAX(engine->timestamp_us, stored->timestamp_us);
	return map_publish_apply(&publish, change, one, NULL, error);
}

/* Waits for the oldest reading and puts it on the map. */
static gboolean put_oldest(struct loading *loading, GError **error)
{
	struct reading *reading = g_queue_pop_head(&loading->readings);
	const struct stored *all = (const struct stored *)(gpointer)reading->stored->data;
	guint n = reading->stored->len;
	gboolean good = TRUE;

	g_mutex_lock(&loading->lock);
	while (!reading->parsed)
		g_cond_wait(&loading->progress, &loading->lock);
	g_mutex_unlock(&loading->lock);
	if (reading->request) {
		struct map_change *change = map_change_begin(loading->engine->graph);
		for (guint i = 0; good && i < n; i++)
			good = put_fact(loading, change,
				g_ptr_array_index(reading->request->operations, i), &all[i], error);
		map_change_commit(change);
	} else {
		g_propagate_prefixed_error(error, g_steal_pointer(&reading->error),
			"stored metadata %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ": ",
			all[0].serial, all[n - 1].serial);
		good = FALSE;
	}
	reading_free(reading);
	return good;
}

static gboolean start_reading(struct loading *loading, GError **error)
{
	struct reading *reading = g_steal_pointer(&loading->gathered);

	if (!reading)
		return TRUE;
	g_queue_push_tail(&loading->readings, reading);
	g_thread_pool_push(loading->parsers, reading, NULL);
	return loading->readings.length < MAX_READINGS || put_oldest(loading, error);
}

static gboolean load_fact(const struct map_record *record, gpointer data, GError **error)
{
	struct loading *loading = data;
	const struct stored stored = {
		.serial = record->serial,
		.publisher = map_graph_publisher(loading->engine->graph, record->publisher),
		.timestamp_us = record->timestamp_us,
	};

	if (!loading->gathered)
		loading->gathered = reading_new();
	struct reading *reading = loading->gathered;
	g_array_append_val(reading->stored, stored);
	g_string_append(reading->text, "<update lifetime=\"forever\">");
	g_string_append(reading->text, record->a);
	g_string_append(reading->text, record->b ? record->b : "");
	g_string_append(reading->text, "<metadata>");
	g_string_append(reading->text, record->meta);
	g_string_append(reading->text, "</metadata></update>");
	return reading->stored->len < FACTS_PER_READING || start_reading(loading, error);
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
	g_autofree char *xml = g_strdup_printf(capability_format,
		map_policy_has_file(engine->policy)
			? "<capability>map-content-authorization</capability>"
			: "",
		engine->store && map_store_keeps_history(engine->store)
			? "<capability>urn:drover:map-history:1</capability>"
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

static gboolean load(struct map_engine *engine, GError **error)
{
	struct loading loading = { .engine = engine, .dialect = *engine->dialect };

	loading.dialect.strict_extended = 0;
	loading.dialect.check_standard = 0;
	g_mutex_init(&loading.lock);
	g_cond_init(&loading.progress);
	loading.parsers = g_thread_pool_new(
		parse, &loading, (int)CLAMP(g_get_num_processors(), 1, MAX_PARSERS), TRUE, NULL);
	gboolean good = map_store_load(engine->store, &store_reader, &loading, error) &&
			start_reading(&loading, error);
	while (good && loading.readings.length > 0)
		good = put_oldest(&loading, error);
	g_thread_pool_free(loading.parsers, FALSE, TRUE);
	g_queue_clear_full(&loading.readings, reading_free);
	if (loading.gathered)
		reading_free(loading.gathered);
	g_mutex_clear(&loading.lock);
	g_cond_clear(&loading.progress);
	return good;
}

gboolean map_engine_boot(struct map_engine *engine, GError **error)
{
	if (engine->store && !load(engine, error))
		return FALSE;
	if (engine->store)
		map_graph_set_next_serial(engine->graph, map_store_last_serial(engine->store) + 1);
	engine->timestamp_us = MAX(engine->timestamp_us, g_get_real_time());
	struct map_change *change = map_change_begin(engine->graph);
	gboolean good = map_engine_describe(engine, change, error);
	map_change_commit(change);
	return good;
}
