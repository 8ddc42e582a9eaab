#include "map/publish.h"

static void notice_free(gpointer data)
{
	struct map_notice *notice = data;
	ifmap_id_unref(notice->a);
	ifmap_id_unref(notice->b);
	g_ptr_array_unref(notice->metas);
	g_free(notice);
}

GPtrArray *map_notices_new(void)
{
	return g_ptr_array_new_with_free_func(notice_free);
}

static gboolean allowed(const struct map_publish *publish, enum map_action action,
	const struct map_item *item, GError **error)
{
	if (map_policy_allows(publish->subject, action, item))
		return TRUE;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_ACCESS_DENIED, "%s may not write %s here",
		publish->subject->name, item->meta ? ifmap_meta_name(item->meta) : "anything");
	return FALSE;
}

static gboolean check_ends(const struct ifmap_operation *operation, GError **error)
{
	if (!operation->b || !ifmap_id_equal(operation->a, operation->b))
		return TRUE;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
		"a link needs two different identifiers");
	return FALSE;
}

/* The element the operation names, created if need be; a reference. */
static struct map_element *make_element(
	struct map_graph *graph, const struct ifmap_operation *operation)
{
	struct map_node *a = map_graph_node(graph, operation->a);
	if (!operation->b)
		return &a->element;
	struct map_node *b = map_graph_node(graph, operation->b);
	struct map_link *link = map_graph_link(graph, a, b);
	map_element_unref(&a->element);
	map_element_unref(&b->element);
	return &link->element;
}

/* The element the operation names, or NULL; borrowed. */
static struct map_element *find_element(
	const struct map_graph *graph, const struct ifmap_operation *operation)
{
	struct map_node *a = map_graph_find_node(graph, operation->a);
	struct map_node *b = operation->b ? map_graph_find_node(graph, operation->b) : NULL;
	if (!a || (operation->b && !b))
		return NULL;
	if (!b)
		return &a->element;
	struct map_link *link = map_graph_find_link(graph, a, b);
	return link ? &link->element : NULL;
}

static struct ifmap_meta *stamp(const struct map_publish *publish, const struct ifmap_meta *meta)
{
	return ifmap_forms_stamp(publish->forms, meta, publish->publisher->id,
		publish->timestamp_us, publish->dialect);
}

/* Whether another client published it. */
static gboolean is_foreign(const struct map_publish *publish, const struct map_fact *fact)
{
	const struct map_publisher *own = publish->publisher;
	const struct map_publisher *its = fact->stock->publisher;
	return its != own && !(own->owner && its->owner == own->owner);
}

static gboolean update_one(const struct map_publish *publish, struct map_change *change,
	struct map_element *element, const struct ifmap_operation *operation,
	const struct ifmap_meta *meta, GError **error)
{
	const struct map_type *type = map_registry_check(publish->registry, meta, error);
	if (!type)
		return FALSE;
	const struct map_fact *old = type->cardinality == IFMAP_SINGLE_VALUE
					     ? map_element_find_single(element, type)
					     : NULL;
	const struct map_item item = {
		.a = operation->a,
		.b = operation->b,
		.meta = meta,
		.foreign = old && is_foreign(publish, old),
	};
	if (!allowed(publish, MAP_ACTION_UPDATE, &item, error))
		return FALSE;
	g_autoptr(ifmap_meta) stamped = stamp(publish, meta);
	const struct map_fact_spec spec = {
		.meta = stamped,
		.type = type,
		.publisher = publish->publisher,
		.lifetime = operation->lifetime,
	};
	map_change_add(change, element, &spec);
	return TRUE;
}

static gboolean update(const struct map_publish *publish, struct map_change *change,
	const struct ifmap_operation *operation, GPtrArray *notices, GError **error)
{
	(void)notices;
	struct map_element *element = make_element(publish->graph, operation);
	gboolean good = TRUE;
	for (guint i = 0; good && i < operation->metas->len; i++)
		good = update_one(publish, change, element, operation,
			g_ptr_array_index(operation->metas, i), error);
	map_element_unref(element);
	return good;
}

static gboolean notify(const struct map_publish *publish, struct map_change *change,
	const struct ifmap_operation *operation, GPtrArray *notices, GError **error)
{
	(void)change;
	struct map_notice *notice = g_new0(struct map_notice, 1);
	notice->a = ifmap_id_ref(operation->a);
	notice->b = operation->b ? ifmap_id_ref(operation->b) : NULL;
	notice->metas = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_meta_unref);
	g_ptr_array_add(notices, notice);
	for (guint i = 0; i < operation->metas->len; i++) {
		const struct ifmap_meta *meta = g_ptr_array_index(operation->metas, i);
		const struct map_item item = { .a = notice->a, .b = notice->b, .meta = meta };
		if (!map_registry_check(publish->registry, meta, error) ||
			!allowed(publish, MAP_ACTION_NOTIFY, &item, error))
			return FALSE;
		g_ptr_array_add(notice->metas, stamp(publish, meta));
	}
	return TRUE;
}

static gboolean delete (const struct map_publish *publish, struct map_change *change,
	const struct ifmap_operation *operation, GPtrArray *notices, GError **error)
{
	(void)notices;
	struct map_element *element = find_element(publish->graph, operation);
	gboolean good = TRUE;
	struct map_fact *next;

	if (!element)
		return TRUE;
	map_element_ref(element);
	for (struct map_fact *fact = map_element_first(element); good && fact; fact = next) {
		next = map_fact_next(fact);
		if (!ifmap_filter_matches(operation->filter, fact->meta))
			continue;
		const struct map_item item = {
			.a = operation->a,
			.b = operation->b,
			.meta = fact->meta,
			.foreign = is_foreign(publish, fact),
		};
		good = allowed(publish, MAP_ACTION_DELETE, &item, error);
		if (good)
			map_change_remove(change, fact);
	}
	map_element_unref(element);
	return good;
}

static gboolean (*const apply[])(const struct map_publish *, struct map_change *,
	const struct ifmap_operation *, GPtrArray *, GError **) = {
	[IFMAP_OPERATION_UPDATE] = update,
	[IFMAP_OPERATION_NOTIFY] = notify,
	[IFMAP_OPERATION_DELETE] = delete,
};

gboolean map_publish_apply(const struct map_publish *publish, struct map_change *change,
	const GPtrArray *operations, GPtrArray *notices, GError **error)
{
	for (guint i = 0; i < operations->len; i++) {
		const struct ifmap_operation *operation = g_ptr_array_index(operations, i);
		if (!check_ends(operation, error) ||
			!apply[operation->type](publish, change, operation, notices, error))
			return FALSE;
	}
	return TRUE;
}
