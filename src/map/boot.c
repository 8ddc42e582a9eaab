/* Filling an engine before it serves: what the store holds, and the server's own description. */
#include <string.h>

#include "ifmap/forms.h"
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
 * Other threads read them while this one reads the database and fills the graph, in order. Most are
 * of a form that was met before and stand on simple identifiers (ifmap/forms.h). What is stored is
 * as it travels, so reading the others is reading a publish request. */

#define FACTS_PER_READING 200
/* Readings under way: bounds what is held twice. */
#define MAX_READINGS      16
#define MAX_PARSERS       4

struct stored {
	guint64 serial;
	struct map_publisher *publisher;
	gint64 timestamp_us;
	gsize a, b, meta; /* where they begin in the text; b: G_MAXSIZE for none */
};

struct reading {
	GString *text;   /* each with its NUL */
	GArray *stored;  /* struct stored */
	GArray *entries; /* struct map_entry; what the parser made of them */
	GError *error;
	gboolean parsed; /* guarded by loading->lock, as is what the parser wrote */
};

static void clear_entry(gpointer entry)
{
	map_entry_clear(entry);
}

static void reading_free(gpointer data)
{
	struct reading *reading = data;
	g_string_free(reading->text, TRUE);
	g_array_unref(reading->stored);
	g_array_unref(reading->entries);
	g_clear_error(&reading->error);
	g_free(reading);
}

static struct reading *reading_new(void)
{
	struct reading *reading = g_new0(struct reading, 1);
	reading->text = g_string_sized_new((gsize)FACTS_PER_READING * 512);
	reading->stored = g_array_new(FALSE, FALSE, sizeof(struct stored));
	reading->entries = g_array_sized_new(
		FALSE, FALSE, sizeof(struct map_entry), FACTS_PER_READING);
	g_array_set_clear_func(reading->entries, clear_entry);
	return reading;
}

/* One that forms do not know. */
static gboolean parse_whole(const struct loading *loading, const char *a, const char *b,
	const char *xml, struct map_entry *entry, GError **error)
{
	/* They were accepted once; limits may have become narrower since, switches been turned. */
	const struct ifmap_request_limits wide = {
		.max_identifier = 1U << 30,
		.max_metadata = 1U << 30,
		.max_depth = 256,
		.max_operations = 1,
		.dialect = &loading->dialect,
	};
	g_autofree char *text = g_strconcat(
		"<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body>"
		"<i:publish xmlns:i=\"" IFMAP_NS
		"\" session-id=\"-\"><update lifetime=\"forever\">",
		a, b ? b : "", "<metadata>", xml,
		"</metadata></update></i:publish></e:Body></e:Envelope>", NULL);
	g_autofree char *session_id = NULL;
	struct ifmap_request *request = NULL;

	if (ifmap_request_parse(text, strlen(text), &wide, &request, &session_id, error) !=
		IFMAP_PARSE_OK)
		return FALSE;
	const struct ifmap_operation *operation = g_ptr_array_index(request->operations, 0);
	entry->a = ifmap_id_ref(operation->a);
	entry->b = operation->b ? ifmap_id_ref(operation->b) : NULL;
	entry->meta = ifmap_forms_stamp(loading->engine->forms,
		g_ptr_array_index(operation->metas, 0), entry->publisher, entry->timestamp_us,
		&loading->dialect);
	ifmap_request_free(request);
	return TRUE;
}

static gboolean parse_one(const struct loading *loading, const struct reading *reading,
	const struct stored *stored, struct map_entry *entry, GError **error)
{
	const char *text = reading->text->str;
	const char *b = stored->b == G_MAXSIZE ? NULL : text + stored->b;
	const char *xml = text + stored->meta;

	*entry = (struct map_entry){
		.serial = stored->serial,
		.publisher = stored->publisher->id,
		.lifetime = IFMAP_LIFETIME_FOREVER,
		.timestamp_us = stored->timestamp_us,
	};
	entry->a = ifmap_forms_read_id(text + stored->a, &loading->dialect);
	entry->b = b && entry->a ? ifmap_forms_read_id(b, &loading->dialect) : NULL;
	if (entry->a && (entry->b || !b))
		entry->meta = ifmap_forms_read(loading->engine->forms, xml, entry->publisher,
			entry->timestamp_us, &loading->dialect);
	if (entry->meta)
		return TRUE;
	g_clear_pointer(&entry->a, ifmap_id_unref);
	g_clear_pointer(&entry->b, ifmap_id_unref);
	if (parse_whole(loading, text + stored->a, b, xml, entry, error))
		return TRUE;
	g_prefix_error(error, "stored metadata %" G_GUINT64_FORMAT ": ", stored->serial);
	return FALSE;
}

/* On a parser's thread. */
static void parse(gpointer data, gpointer user_data)
{
	struct reading *reading = data;
	struct loading *loading = user_data;
	gboolean good = TRUE;

	for (guint i = 0; good && i < reading->stored->len; i++) {
		struct map_entry entry;
		good = parse_one(loading, reading,
			&g_array_index(reading->stored, struct stored, i), &entry, &reading->error);
		if (good)
			g_array_append_val(reading->entries, entry);
	}
	g_mutex_lock(&loading->lock);
	reading->parsed = TRUE;
	g_cond_signal(&loading->progress);
	g_mutex_unlock(&loading->lock);
}

static struct map_element *element_of(struct map_graph *graph, const struct map_entry *entry)
{
	struct map_node *a = map_graph_node(graph, entry->a);
	if (!entry->b)
		return &a->element;
	struct map_node *b = map_graph_node(graph, entry->b);
	struct map_link *link = map_graph_link(graph, a, b);
	map_element_unref(&a->element);
	map_element_unref(&b->element);
	return &link->element;
}

static gboolean put_fact(struct map_engine *engine, struct map_change *change,
	const struct map_entry *entry, struct map_publisher *publisher, GError **error)
{
	const struct map_fact_spec spec = {
		.meta = entry->meta,
		.type = map_registry_check(engine->registry, entry->meta, error),
		.publisher = publisher,
		.lifetime = entry->lifetime,
	};

	if (!spec.type || (entry->b && ifmap_id_equal(entry->a, entry->b))) {
		if (spec.type)
			g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
				"a link with one end");
		g_prefix_error(error, "stored metadata %" G_GUINT64_FORMAT ": ", entry->serial);
		return FALSE;
	}
	struct map_element *element = element_of(engine->graph, entry);
	map_graph_set_next_serial(engine->graph, entry->serial);
	engine->timestamp_us = MAX(engine->timestamp_us, entry->timestamp_us);
	map_change_add(change, element, &spec);
	map_element_unref(element);
	return TRUE;
}

/* Waits for the oldest reading and puts it on the map. */
static gboolean put_oldest(struct loading *loading, GError **error)
{
	struct reading *reading = g_queue_pop_head(&loading->readings);
	gboolean good = TRUE;

	g_mutex_lock(&loading->lock);
	while (!reading->parsed)
		g_cond_wait(&loading->progress, &loading->lock);
	g_mutex_unlock(&loading->lock);
	if (reading->error) {
		g_propagate_error(error, g_steal_pointer(&reading->error));
		reading_free(reading);
		return FALSE;
	}
	struct map_change *change = map_change_begin(loading->engine->graph);
	for (guint i = 0; good && i < reading->entries->len; i++)
		good = put_fact(loading->engine, change,
			&g_array_index(reading->entries, struct map_entry, i),
			g_array_index(reading->stored, struct stored, i).publisher, error);
	map_change_commit(change);
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

static gsize add_text(struct reading *reading, const char *text)
{
	gsize at = reading->text->len;
	g_string_append_len(reading->text, text, (gssize)strlen(text) + 1);
	return at;
}

static gboolean load_fact(const struct map_record *record, gpointer data, GError **error)
{
	struct loading *loading = data;

	if (!loading->gathered)
		loading->gathered = reading_new();
	struct reading *reading = loading->gathered;
	const struct stored stored = {
		.serial = record->serial,
		.publisher = map_graph_publisher(loading->engine->graph, record->publisher),
		.timestamp_us = record->timestamp_us,
		.a = add_text(reading, record->a),
		.b = record->b ? add_text(reading, record->b) : G_MAXSIZE,
		.meta = add_text(reading, record->meta),
	};
	g_array_append_val(reading->stored, stored);
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
	if (engine->store) {
		guint64 last = 0;
		if (!load(engine, error) || !map_store_last_serial(engine->store, &last, error))
			return FALSE;
		map_graph_set_next_serial(engine->graph, last + 1);
	}
	engine->timestamp_us = MAX(engine->timestamp_us, g_get_real_time());
	struct map_change *change = map_change_begin(engine->graph);
	gboolean good = map_engine_describe(engine, change, error);
	map_change_commit(change);
	return good;
}
