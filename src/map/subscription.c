#include "map/subscription.h"

/* ---- delta */

void map_delta_init(struct map_delta *delta)
{
	delta->deleted = g_ptr_array_new_with_free_func((GDestroyNotify)map_fact_unref);
	delta->updated = g_ptr_array_new_with_free_func((GDestroyNotify)map_fact_unref);
}

void map_delta_clear(struct map_delta *delta)
{
	g_clear_pointer(&delta->deleted, g_ptr_array_unref);
	g_clear_pointer(&delta->updated, g_ptr_array_unref);
}

void map_delta_reset(struct map_delta *delta)
{
	g_ptr_array_set_size(delta->deleted, 0);
	g_ptr_array_set_size(delta->updated, 0);
}

static void report(GPtrArray *facts, struct map_fact *fact)
{
	map_fact_ref(fact);
	g_ptr_array_add(facts, fact);
}

/* ---- life */

static void watch_free(gpointer data)
{
	struct map_watch *watch = data;
	watch->node->watches = g_list_remove_link(watch->node->watches, &watch->in_node);
	map_element_unref(&watch->node->element);
	g_free(watch);
}

static void link_unref(gpointer data)
{
	struct map_link *link = data;
	map_element_unref(&link->element);
}

struct map_subscription *map_subscription_new(struct map_graph *graph, const char *name,
	struct ifmap_query *query, const struct map_subject *reader,
	const struct map_limits *limits)
{
	struct map_subscription *subscription = g_new0(struct map_subscription, 1);
	subscription->name = g_strdup(name);
	subscription->query = query;
	subscription->view = map_view_make(query, reader, limits);
	subscription->start = map_graph_node(graph, query->start);
	subscription->watches = g_hash_table_new_full(NULL, NULL, NULL, watch_free);
	subscription->links = g_hash_table_new_full(NULL, NULL, link_unref, NULL);
	subscription->withdrawal = map_graph_last_withdrawal(graph);
	return subscription;
}

void map_subscription_free(struct map_subscription *subscription)
{
	if (!subscription)
		return;
	g_hash_table_unref(subscription->watches);
	g_hash_table_unref(subscription->links);
	map_element_unref(&subscription->start->element);
	ifmap_query_free(subscription->query);
	g_free(subscription->name);
	g_free(subscription);
}

struct ifmap_query *map_subscription_steal_query(struct map_subscription *subscription)
{
	subscription->view.query = NULL;
	return g_steal_pointer(&subscription->query);
}

/* ---- what it has met */

/* Starts watching the node, or notes its new depth. TRUE when it is new. */
static gboolean watch_node(struct map_subscription *subscription, struct map_node *node)
{
	struct map_watch *watch = g_hash_table_lookup(subscription->watches, node);
	if (watch) {
		watch->depth = node->depth;
		return FALSE;
	}
	watch = g_new0(struct map_watch, 1);
	watch->in_node.data = watch;
	watch->subscription = subscription;
	watch->node = node;
	watch->depth = node->depth;
	map_element_ref(&node->element);
	node->watches = g_list_concat(&watch->in_node, node->watches);
	g_hash_table_insert(subscription->watches, node, watch);
	return TRUE;
}

static gboolean watch_link(struct map_subscription *subscription, struct map_link *link)
{
	if (g_hash_table_contains(subscription->links, link))
		return FALSE;
	map_element_ref(&link->element);
	g_hash_table_add(subscription->links, link);
	return TRUE;
}

void map_subscription_settle(struct map_subscription *subscription, const struct map_walk *walk)
{
	g_hash_table_remove_all(subscription->watches);
	g_hash_table_remove_all(subscription->links);
	for (guint i = 0; i < walk->nodes->len; i++)
		watch_node(subscription, g_ptr_array_index(walk->nodes, i));
	for (guint i = 0; i < walk->links->len; i++)
		watch_link(subscription, g_ptr_array_index(walk->links, i));
}

/* ---- difference of one element */

/* Everything visible that stands there now. */
static void report_arrived(
	const struct map_view *view, const struct map_element *element, struct map_delta *delta)
{
	for (struct map_fact *fact = map_element_first(element); fact; fact = map_fact_next(fact))
		if (map_view_shows(view, fact))
			report(delta->updated, fact);
}

/* Everything visible that stood there before the change. */
static void report_gone(const struct map_view *view, const struct map_change *change,
	const struct map_element *element, struct map_delta *delta)
{
	const GPtrArray *removed = element->touch ? element->touch->removed : NULL;

	for (guint i = 0; removed && i < removed->len; i++)
		if (map_view_shows(view, g_ptr_array_index(removed, i)))
			report(delta->deleted, g_ptr_array_index(removed, i));
	for (struct map_fact *fact = map_element_first(element); fact; fact = map_fact_next(fact))
		if (!map_change_is_new(change, fact) && map_view_shows(view, fact))
			report(delta->deleted, fact);
}

/* Whether a visible singleValue fact of the same type came in its place: then only that one is told
 * (8.3). */
static gboolean replaced(const struct map_view *view, const struct map_fact *old)
{
	if (old->type->cardinality != IFMAP_SINGLE_VALUE)
		return FALSE;
	const struct map_fact *now = map_element_find_single(old->element, old->type);
	return now && map_view_shows(view, now);
}

/* The element is in the answer before and after the change. */
static void report_changed(const struct map_view *view, const struct map_change *change,
	const struct map_touch *touch, struct map_delta *delta)
{
	for (guint i = 0; i < touch->removed->len; i++) {
		struct map_fact *old = g_ptr_array_index(touch->removed, i);
		if (map_view_shows(view, old) && !replaced(view, old))
			report(delta->deleted, old);
	}
	for (struct map_fact *fact = map_element_first(touch->element); fact;
		fact = map_fact_next(fact))
		if (map_change_is_new(change, fact) && map_view_shows(view, fact))
			report(delta->updated, fact);
}

/* ---- difference of the whole */

static gboolean has(const struct map_subscription *subscription, const struct map_element *element)
{
	return g_hash_table_contains(
		element->is_link ? subscription->links : subscription->watches, element);
}

/* Whether the link could be followed before the change. */
static gboolean followed_before(
	const struct map_view *view, const struct map_change *change, const struct map_touch *touch)
{
	for (guint i = 0; i < touch->removed->len; i++)
		if (map_view_follows_fact(view, g_ptr_array_index(touch->removed, i)))
			return TRUE;
	for (const struct map_fact *fact = map_element_first(touch->element); fact;
		fact = map_fact_next(fact))
		if (!map_change_is_new(change, fact) && map_view_follows_fact(view, fact))
			return TRUE;
	return FALSE;
}

static gboolean expands(const struct map_subscription *subscription, const struct map_node *node)
{
	const struct map_watch *watch = g_hash_table_lookup(subscription->watches, node);
	return watch && map_view_expands(&subscription->view, node, watch->depth);
}

/* Whether the change opens or closes a link next to what the subscription expands: only then can
 * the set of elements differ. A link elsewhere matters only if one nearer does too. */
static gboolean changes_shape(
	const struct map_subscription *subscription, const struct map_change *change)
{
	const struct map_view *view = &subscription->view;
	const GPtrArray *touched = map_change_touched(change);

	for (guint i = 0; i < touched->len; i++) {
		const struct map_touch *touch = g_ptr_array_index(touched, i);
		const struct map_link *link = map_element_link(touch->element);
		if (!link || !(expands(subscription, link->ends[0]) ||
				     expands(subscription, link->ends[1])))
			continue;
		if (followed_before(view, change, touch) != map_view_follows(view, link))
			return TRUE;
	}
	return FALSE;
}

/* Drops what the walk did not meet any more. */
static void leave(struct map_subscription *subscription, const struct map_change *change,
	guint64 epoch, struct map_delta *delta)
{
	GHashTable *tables[] = { subscription->watches, subscription->links };
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		GHashTableIter iter;
		gpointer key;
		g_hash_table_iter_init(&iter, tables[i]);
		while (g_hash_table_iter_next(&iter, &key, NULL)) {
			const struct map_element *element = key;
			if (element->epoch == epoch)
				continue;
			report_gone(&subscription->view, change, element, delta);
			g_hash_table_iter_remove(&iter);
		}
	}
}

static void delta_by_walk(struct map_subscription *subscription, const struct map_change *change,
	struct map_walk *walk, struct map_delta *delta)
{
	const struct map_view *view = &subscription->view;

	map_walk_run(walk, view, subscription->start, NULL, NULL);
	leave(subscription, change, walk->epoch, delta);
	for (guint i = 0; i < walk->nodes->len; i++) {
		struct map_node *node = g_ptr_array_index(walk->nodes, i);
		if (watch_node(subscription, node))
			report_arrived(view, &node->element, delta);
		else if (node->element.touch)
			report_changed(view, change, node->element.touch, delta);
	}
	for (guint i = 0; i < walk->links->len; i++) {
		struct map_link *link = g_ptr_array_index(walk->links, i);
		if (watch_link(subscription, link))
			report_arrived(view, &link->element, delta);
		else if (link->element.touch)
			report_changed(view, change, link->element.touch, delta);
	}
}

void map_subscription_delta(struct map_subscription *subscription, const struct map_change *change,
	struct map_walk *walk, struct map_delta *delta)
{
	if (changes_shape(subscription, change)) {
		delta_by_walk(subscription, change, walk, delta);
		return;
	}
	const GPtrArray *touched = map_change_touched(change);
	for (guint i = 0; i < touched->len; i++) {
		const struct map_touch *touch = g_ptr_array_index(touched, i);
		if (has(subscription, touch->element))
			report_changed(&subscription->view, change, touch, delta);
	}
}

/* ---- withdrawals */

gboolean map_subscription_is_behind(const struct map_subscription *subscription)
{
	return subscription->withdrawal <
	       map_graph_last_withdrawal(subscription->start->element.graph);
}

/* What the subscription showed there: all of it when `gone`, else what is withdrawn now. */
static void report_withdrawn(const struct map_subscription *subscription,
	const struct map_element *element, gboolean gone, struct map_delta *delta)
{
	for (GList *at = element->facts.head; at; at = at->next) {
		struct map_fact *fact = at->data;
		gboolean goes = map_fact_is_withdrawn(fact)
					? fact->stock->withdrawn > subscription->withdrawal
					: gone;
		if (goes && map_view_shows(&subscription->view, fact))
			report(delta->deleted, fact);
	}
}

/* Nothing arrives by a withdrawal, so what was met before is all there is to look at. */
void map_subscription_catch_up(struct map_subscription *subscription, guint64 withdrawal,
	struct map_walk *walk, struct map_delta *delta)
{
	GHashTable *tables[] = { subscription->watches, subscription->links };
	struct map_graph *graph = subscription->start->element.graph;

	map_graph_look_as_of(graph, withdrawal);
	map_walk_run(walk, &subscription->view, subscription->start, NULL, NULL);
	for (guint i = 0; i < walk->nodes->len; i++)
		watch_node(subscription, g_ptr_array_index(walk->nodes, i)); /* its depth */
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		GHashTableIter iter;
		gpointer element;
		g_hash_table_iter_init(&iter, tables[i]);
		while (g_hash_table_iter_next(&iter, &element, NULL)) {
			gboolean gone = ((struct map_element *)element)->epoch != walk->epoch;
			report_withdrawn(subscription, element, gone, delta);
			if (gone)
				g_hash_table_iter_remove(&iter);
		}
	}
	subscription->withdrawal = withdrawal;
	map_graph_look_as_of(graph, 0);
}

/* ---- who is concerned */

static int by_order(gconstpointer a, gconstpointer b)
{
	const struct map_subscription *x = *(struct map_subscription *const *)a;
	const struct map_subscription *y = *(struct map_subscription *const *)b;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void collect(const struct map_node *node, guint64 mark, GPtrArray *subscriptions)
{
	for (GList *at = node->watches; at; at = at->next) {
		struct map_subscription *subscription =
			((struct map_watch *)at->data)->subscription;
		if (subscription->mark == mark)
			continue;
		subscription->mark = mark;
		g_ptr_array_add(subscriptions, subscription);
	}
}

void map_element_watchers(const struct map_element *element, guint64 mark, GPtrArray *subscriptions)
{
	if (!element->is_link) {
		collect((const struct map_node *)element, mark, subscriptions);
		return;
	}
	for (int i = 0; i < 2; i++)
		collect(((const struct map_link *)element)->ends[i], mark, subscriptions);
}

void map_subscriptions_sort(GPtrArray *subscriptions)
{
	g_ptr_array_sort(subscriptions, by_order);
}

void map_change_watchers(
	const struct map_change *change, const GPtrArray *extra, GPtrArray *subscriptions)
{
	const GPtrArray *touched = map_change_touched(change);
	guint64 mark = map_change_mark(change);

	for (guint i = 0; i < touched->len; i++)
		map_element_watchers(((struct map_touch *)g_ptr_array_index(touched, i))->element,
			mark, subscriptions);
	for (guint i = 0; extra && i < extra->len; i++)
		collect(g_ptr_array_index(extra, i), mark, subscriptions);
	map_subscriptions_sort(subscriptions);
}

gboolean map_subscription_hears(const struct map_subscription *subscription,
	const struct map_node *a, const struct map_node *b, gboolean is_link)
{
	if (!is_link)
		return a && g_hash_table_contains(subscription->watches, a);
	return (a && expands(subscription, a)) || (b && expands(subscription, b));
}
