#include "map/withdraw.h"

/* What goes as one change. */
#define AT_ONCE  500
/* How long the lock is held, and then left to others, while something is cleared away. */
#define SLICE_US 1000

struct departure {
	struct map_stock *stock;
	struct map_withdrawal what;
	guint64 told;    /* mark of nodes whose subscriptions know of it */
	GArray *serials; /* guint64; what was cleared away, for the store */
};

static void departure_free(gpointer data)
{
	struct departure *departure = data;
	map_stock_free(departure->stock);
	if (departure->serials)
		g_array_unref(departure->serials);
	g_free(departure);
}

static gboolean is_stored(const struct map_engine *engine, enum ifmap_lifetime lifetime)
{
	return engine->store &&
	       (lifetime == IFMAP_LIFETIME_FOREVER || map_store_keeps_history(engine->store));
}

/* ---- telling */

/* All of the client's, in the order they were made. Does not free what is dropped. */
static void settle_one(struct map_engine *engine, struct map_client *client, guint64 withdrawal)
{
	g_autoptr(GPtrArray) behind = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, client->subscriptions);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((struct map_subscription *)value)->withdrawal < withdrawal)
			g_ptr_array_add(behind, value);
	map_subscriptions_sort(behind);
	for (guint i = 0; i < behind->len; i++) {
		struct map_subscription *subscription = g_ptr_array_index(behind, i);
		if (subscription->owner) /* else given up earlier in this loop */
			map_engine_tell_withdrawn(engine, subscription, withdrawal);
	}
	if (behind->len > 0)
		map_engine_settle_poll(engine, client);
}

static void settle(struct map_engine *engine, struct map_client *client)
{
	for (GList *at = engine->departures.head; at; at = at->next)
		settle_one(engine, client, ((struct departure *)at->data)->stock->withdrawn);
}

static void settle_all(struct map_engine *engine, const GPtrArray *subscriptions)
{
	for (guint i = 0; i < subscriptions->len; i++) {
		struct map_subscription *subscription = g_ptr_array_index(subscriptions, i);
		if (subscription->owner && map_subscription_is_behind(subscription))
			settle(engine, subscription->owner);
	}
	g_ptr_array_set_size(engine->dropped, 0);
}

void map_withdraw_settle_client(struct map_engine *engine, struct map_client *client)
{
	if (g_queue_is_empty(&engine->departures))
		return;
	settle(engine, client);
	g_ptr_array_set_size(engine->dropped, 0);
}

static void add_watchers(const struct map_engine *engine, const struct ifmap_id *id, guint64 mark,
	GPtrArray *subscriptions)
{
	const struct map_node *node = id ? map_graph_find_node(engine->graph, id) : NULL;
	if (node)
		map_element_watchers(&node->element, mark, subscriptions);
}

void map_withdraw_settle_publish(struct map_engine *engine, const GPtrArray *operations)
{
	if (g_queue_is_empty(&engine->departures))
		return;
	g_autoptr(GPtrArray) subscriptions = g_ptr_array_new();
	guint64 mark = map_graph_next_epoch(engine->graph);
	for (guint i = 0; i < operations->len; i++) {
		const struct ifmap_operation *operation = g_ptr_array_index(operations, i);
		add_watchers(engine, operation->a, mark, subscriptions);
		add_watchers(engine, operation->b, mark, subscriptions);
	}
	map_subscriptions_sort(subscriptions);
	settle_all(engine, subscriptions);
}

/* For all that see something of the stock, which is about to go as one change. */
static void settle_stock(struct map_engine *engine, const struct map_stock *stock)
{
	g_autoptr(GPtrArray) subscriptions = g_ptr_array_new();
	guint64 mark = map_graph_next_epoch(engine->graph);

	for (GList *at = stock->facts.head; at; at = at->next)
		map_element_watchers(((struct map_fact *)at->data)->element, mark, subscriptions);
	map_subscriptions_sort(subscriptions);
	settle_all(engine, subscriptions);
}

/* ---- clearing away */

/* Whether all that watch the node know; tells some of them until time is up. */
static gboolean tell_at(struct map_engine *engine, const struct departure *departure,
	struct map_node *node, gint64 until_us)
{
	g_autoptr(GPtrArray) subscriptions = NULL;

	/* A walk may have overwritten the mark, then they are asked once more. */
	if (node->element.epoch == departure->told)
		return TRUE;
	subscriptions = g_ptr_array_new();
	map_element_watchers(&node->element, map_graph_next_epoch(engine->graph), subscriptions);
	for (guint i = 0; i < subscriptions->len; i++) {
		struct map_subscription *subscription = g_ptr_array_index(subscriptions, i);
		if (!subscription->owner || !map_subscription_is_behind(subscription))
			continue;
		if (i > 0 && g_get_monotonic_time() >= until_us)
			return FALSE;
		settle(engine, subscription->owner);
	}
	node->element.epoch = departure->told;
	return TRUE;
}

static gboolean tell_of(struct map_engine *engine, const struct departure *departure,
	const struct map_element *element, gint64 until_us)
{
	struct map_link *link = element->is_link ? (struct map_link *)element : NULL;
	if (!link)
		return tell_at(engine, departure, (struct map_node *)element, until_us);
	return tell_at(engine, departure, link->ends[0], until_us) &&
	       tell_at(engine, departure, link->ends[1], until_us);
}

/* Hands the rows to be ended to the store. */
static void finish(struct map_engine *engine, struct departure *departure)
{
	if (departure->serials && engine->store)
		map_store_forget(
			engine->store, &departure->what, g_steal_pointer(&departure->serials));
	departure_free(departure);
}

static void clear_some(struct map_engine *engine)
{
	struct departure *departure = g_queue_peek_head(&engine->departures);
	GQueue *facts = &departure->stock->facts;
	gint64 until_us = g_get_monotonic_time() + SLICE_US;
	guint n = engine->slice ? engine->slice : G_MAXUINT;

	for (; n > 0 && facts->length > 0; n--) {
		const struct map_fact *fact = facts->head->data;
		if (g_get_monotonic_time() >= until_us ||
			!tell_of(engine, departure, fact->element, until_us))
			break;
		if (departure->serials)
			g_array_append_val(departure->serials, fact->serial);
		map_stock_clear_first(departure->stock);
	}
	g_ptr_array_set_size(engine->dropped, 0);
	if (facts->length == 0)
		finish(engine, g_queue_pop_head(&engine->departures));
}

gboolean map_engine_clear_away(struct map_engine *engine)
{
	map_engine_enter(engine);
	if (!g_queue_is_empty(&engine->departures))
		clear_some(engine);
	gboolean left = !g_queue_is_empty(&engine->departures);
	map_engine_leave(engine);
	return left;
}

static gboolean wait_for_departure(struct map_engine *engine)
{
	map_engine_enter(engine);
	while (g_queue_is_empty(&engine->departures) && !engine->draining)
		g_cond_wait(&engine->departing, &engine->lock);
	gboolean go_on = !engine->draining;
	map_engine_leave(engine);
	return go_on;
}

static gpointer clearer_main(gpointer data)
{
	struct map_engine *engine = data;

	while (wait_for_departure(engine))
		if (map_engine_clear_away(engine))
			g_usleep(SLICE_US); /* the lock is not fair */
	return NULL;
}

/* ---- withdrawing */

static void depart(struct map_engine *engine, struct map_stock *stock,
	const struct map_cause *cause, struct map_batch *batch)
{
	struct departure *departure = g_new0(struct departure, 1);

	departure->stock = stock;
	departure->told = map_graph_next_epoch(engine->graph);
	departure->what = (struct map_withdrawal){
		.publisher = stock->publisher->id,
		.lifetime = stock->lifetime,
		.below = map_graph_next_serial(engine->graph),
		.at_us = cause->at_us,
		.by = cause->by->id,
		.why = cause->why,
	};
	if (is_stored(engine, stock->lifetime)) {
		departure->serials = g_array_new(FALSE, FALSE, sizeof(guint64));
		map_batch_add_withdrawal(batch, &departure->what);
	}
	g_queue_push_tail(&engine->departures, departure);
}

static void start_clearing(struct map_engine *engine)
{
	if (engine->slice || engine->draining || g_queue_is_empty(&engine->departures))
		return;
	if (!engine->clearer)
		engine->clearer = g_thread_new("map-clearer", clearer_main, engine);
	g_cond_signal(&engine->departing);
}

static void remove_now(struct map_engine *engine, struct map_publisher *publisher,
	enum ifmap_lifetime last, const struct map_cause *cause, struct map_batch *batch)
{
	for (int i = 0; i <= (int)last && !g_queue_is_empty(&engine->departures); i++)
		settle_stock(engine, publisher->stocks[i]);
	struct map_change *change = map_change_begin(engine->graph);
	for (int i = 0; i <= (int)last; i++)
		map_change_remove_all(change, publisher, (enum ifmap_lifetime)i);
	map_engine_commit(engine, change, NULL, cause, batch);
}

void map_withdraw(struct map_engine *engine, struct map_publisher *publisher,
	enum ifmap_lifetime last, const struct map_cause *cause, struct map_batch *batch)
{
	guint n = 0;

	for (int i = 0; i <= (int)last; i++)
		n += publisher->stocks[i]->facts.length;
	if (n <= (engine->slice ? engine->slice : AT_ONCE)) {
		remove_now(engine, publisher, last, cause, batch);
		return;
	}
	map_graph_begin_withdrawal(engine->graph);
	for (int i = 0; i <= (int)last; i++) {
		struct map_stock *stock = map_graph_withdraw(
			engine->graph, publisher, (enum ifmap_lifetime)i);
		if (stock)
			depart(engine, stock, cause, batch);
	}
	start_clearing(engine);
}

void map_engine_set_slice(struct map_engine *engine, unsigned n)
{
	engine->slice = n;
}

void map_withdraw_stop(struct map_engine *engine)
{
	map_engine_enter(engine);
	GThread *clearer = g_steal_pointer(&engine->clearer);
	g_cond_signal(&engine->departing);
	map_engine_leave(engine);
	if (clearer)
		g_thread_join(clearer);
}

void map_withdraw_clear(struct map_engine *engine)
{
	g_queue_clear_full(&engine->departures, departure_free);
}
