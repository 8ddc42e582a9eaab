#include "map/commit.h"

#include "ifmap/reply.h"

struct wake {
	gpointer token;
	GString *reply;
};

struct remark {
	enum map_note note;
	char *client;
	char *detail;
};

/* ---- the lock, and what is done when it is given back */

void map_engine_enter(struct map_engine *engine)
{
	g_mutex_lock(&engine->lock);
}

void map_engine_leave(struct map_engine *engine)
{
	g_autoptr(GPtrArray) wakes = NULL;
	g_autoptr(GPtrArray) notes = NULL;

	if (engine->wakes->len > 0) {
		wakes = g_steal_pointer(&engine->wakes);
		engine->wakes = g_ptr_array_new_with_free_func(g_free);
	}
	if (engine->notes->len > 0) {
		notes = g_steal_pointer(&engine->notes);
		engine->notes = g_ptr_array_new();
	}
	g_mutex_unlock(&engine->lock);
	for (guint i = 0; wakes && i < wakes->len; i++) {
		struct wake *wake = g_ptr_array_index(wakes, i);
		engine->ops.answer(wake->token, wake->reply, engine->ops.data);
	}
	for (guint i = 0; notes && i < notes->len; i++) {
		struct remark *remark = g_ptr_array_index(notes, i);
		engine->ops.note(remark->note, remark->client, remark->detail, engine->ops.data);
		g_free(remark->client);
		g_free(remark->detail);
		g_free(remark);
	}
}

void map_engine_wake(struct map_engine *engine, gpointer token, GString *reply)
{
	struct wake *wake = g_new(struct wake, 1);
	wake->token = token;
	wake->reply = reply;
	g_ptr_array_add(engine->wakes, wake);
}

void map_engine_remark(struct map_engine *engine, enum map_note note,
	const struct map_client *client, const char *detail)
{
	if (!engine->ops.note)
		return;
	struct remark *remark = g_new(struct remark, 1);
	remark->note = note;
	remark->client = g_strdup(client ? client->name : NULL);
	remark->detail = g_strdup(detail);
	g_ptr_array_add(engine->notes, remark);
}

/* ---- replies */

void map_reply_error(GString *out, enum ifmap_error code, const char *text)
{
	ifmap_reply_begin(out);
	ifmap_reply_error(out, code, text, NULL);
	ifmap_reply_end(out);
}

void map_reply_empty(GString *out, const char *name)
{
	ifmap_reply_begin(out);
	ifmap_reply_empty(out, name);
	ifmap_reply_end(out);
}

gboolean map_engine_write_poll(struct map_client *client, GString *out)
{
	if (client->overflowed) {
		/* Those made since are gone too: that is what the error means (8.6). */
		client->overflowed = FALSE;
		g_hash_table_remove_all(client->subscriptions);
		map_pollbuf_clear(&client->buf);
		map_reply_error(out, IFMAP_ERROR_POLL_RESULTS_TOO_BIG,
			"too much was pending; all subscriptions are gone");
		return TRUE;
	}
	if (map_pollbuf_is_empty(&client->buf))
		return FALSE;
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, client->subscriptions);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((struct map_subscription *)value)->pending = 0;
	ifmap_reply_begin(out);
	g_string_append(out, "<pollResult>");
	map_pollbuf_take(&client->buf, out);
	g_string_append(out, "</pollResult>");
	ifmap_reply_end(out);
	return TRUE;
}

void map_engine_settle_poll(struct map_engine *engine, struct map_client *client)
{
	if (!client->poll_token)
		return;
	GString *reply = g_string_new(NULL);
	if (!map_engine_write_poll(client, reply)) {
		g_string_free(reply, TRUE);
		return;
	}
	client->session->polling = FALSE;
	map_engine_wake(engine, g_steal_pointer(&client->poll_token), reply);
}

/* ---- subscriptions that come and go */

/* Takes a subscription out; it is freed when no list can name it any more. */
static void give_up(struct map_engine *engine, struct map_subscription *subscription)
{
	struct map_client *client = g_steal_pointer(&subscription->owner);
	g_hash_table_steal(client->subscriptions, subscription->name);
	g_ptr_array_add(engine->dropped, subscription);
}

/* The session holds more than it may: drop everything (8.6). */
static void check_session_size(struct map_engine *engine, struct map_client *client)
{
	gboolean alone = client->buf.size > client->max_poll_size;
	if (!alone && (client->buf.size == 0 || map_account_pending(client->account) <=
							client->account->quota.pending))
		return;
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, client->subscriptions);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		((struct map_subscription *)value)->owner = NULL;
		g_ptr_array_add(engine->dropped, value);
		g_hash_table_iter_steal(&iter);
	}
	map_pollbuf_clear(&client->buf);
	client->overflowed = TRUE;
	map_engine_remark(engine, MAP_NOTE_OVERFLOW, client,
		alone ? "max-poll-result-size" : "pending, of all its sessions");
}

static void buffer_too_big(
	struct map_engine *engine, struct map_client *client, const char *name, const char *why)
{
	g_autoptr(GString) text = g_string_new(NULL);
	map_pollbuf_drop(&client->buf, name);
	ifmap_reply_error(text, IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG, why, name);
	map_pollbuf_add_whole(&client->buf, name, text->str, text->len);
	map_engine_remark(engine, MAP_NOTE_OVERFLOW, client, why);
}

void map_engine_unsubscribe(struct map_engine *engine, struct map_client *client, const char *name)
{
	struct map_subscription *subscription = g_hash_table_lookup(client->subscriptions, name);
	map_pollbuf_drop(&client->buf, name);
	if (!subscription)
		return;
	give_up(engine, subscription);
	g_ptr_array_set_size(engine->dropped, 0);
}

void map_engine_subscribe(struct map_engine *engine, struct map_client *client, const char *name,
	struct ifmap_query *query)
{
	g_autoptr(map_subscription) subscription = map_subscription_new(
		engine->graph, name, query, &client->account->subject, engine->limits);
	GString *text = g_string_truncate(engine->text[IFMAP_RESULT_SEARCH], 0);
	g_autoptr(GError) error = NULL;

	map_engine_unsubscribe(engine, client, name);
	if (!map_search_write(
		    engine->graph, &engine->walk, &subscription->view, name, text, &error)) {
		buffer_too_big(engine, client, name, error->message);
		check_session_size(engine, client);
		return;
	}
	map_subscription_settle(subscription, &engine->walk);
	subscription->owner = client;
	subscription->order = engine->n_subscribed++;
	subscription->pending = map_pollbuf_add_whole(&client->buf, name, text->str, text->len);
	g_hash_table_insert(client->subscriptions, subscription->name, subscription);
	g_steal_pointer(&subscription);
	check_session_size(engine, client);
	g_ptr_array_set_size(engine->dropped, 0);
}

/* ---- commit */

/* resultItems of facts, those of one element gathered in one item. */
static void write_facts(const GPtrArray *facts, GString *out)
{
	g_autoptr(GPtrArray) metas = g_ptr_array_new();
	for (guint i = 0; i < facts->len; i++) {
		const struct map_fact *fact = g_ptr_array_index(facts, i);
		const struct map_fact *next = i + 1 < facts->len ? g_ptr_array_index(facts, i + 1)
								 : NULL;
		g_ptr_array_add(metas, fact->meta);
		if (next && next->element == fact->element)
			continue;
		const struct map_link *link = map_element_link(fact->element);
		const struct map_node *node = link ? link->ends[0]
						   : map_element_node(fact->element);
		ifmap_reply_item(out, node->id, link ? link->ends[1]->id : NULL,
			(const struct ifmap_meta *const *)metas->pdata, metas->len);
		g_ptr_array_set_size(metas, 0);
	}
}

static gboolean may_read(const struct map_client *client, const struct map_notice *notice,
	const struct ifmap_meta *meta)
{
	const struct map_item item = { .a = notice->a, .b = notice->b, .meta = meta };
	return map_policy_allows(&client->account->subject, MAP_ACTION_READ, &item);
}

static void write_notice(const struct map_engine *engine,
	const struct map_subscription *subscription, const struct map_notice *notice, GString *out)
{
	const struct ifmap_query *query = subscription->query;
	const struct map_node *a = map_graph_find_node(engine->graph, notice->a);
	const struct map_node *b = notice->b ? map_graph_find_node(engine->graph, notice->b) : NULL;
	g_autoptr(GPtrArray) metas = NULL;

	if (!map_subscription_hears(subscription, a, b, notice->b != NULL))
		return;
	metas = g_ptr_array_new();
	for (guint i = 0; i < notice->metas->len; i++) {
		struct ifmap_meta *meta = g_ptr_array_index(notice->metas, i);
		if (ifmap_filter_matches(query->result_filter, meta) &&
			(!notice->b || ifmap_filter_matches(query->match_links, meta)) &&
			may_read(subscription->owner, notice, meta))
			g_ptr_array_add(metas, meta);
	}
	if (metas->len > 0)
		ifmap_reply_item(out, notice->a, notice->b,
			(const struct ifmap_meta *const *)metas->pdata, metas->len);
}

/* Buffers the difference in engine->delta, which it empties: notify, delete, update (8.5). */
static void buffer_delta(
	struct map_engine *engine, struct map_subscription *subscription, const GPtrArray *notices)
{
	static const enum ifmap_result_kind kinds[] = { IFMAP_RESULT_NOTIFY, IFMAP_RESULT_DELETE,
		IFMAP_RESULT_UPDATE };
	struct map_client *client = subscription->owner;

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		g_string_truncate(engine->text[kinds[i]], 0);
	for (guint i = 0; notices && i < notices->len; i++)
		write_notice(engine, subscription, g_ptr_array_index(notices, i),
			engine->text[IFMAP_RESULT_NOTIFY]);
	write_facts(engine->delta.deleted, engine->text[IFMAP_RESULT_DELETE]);
	write_facts(engine->delta.updated, engine->text[IFMAP_RESULT_UPDATE]);
	map_delta_reset(&engine->delta);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		const GString *text = engine->text[kinds[i]];
		if (text->len > 0)
			subscription->pending += map_pollbuf_add(
				&client->buf, kinds[i], subscription->name, text->str, text->len);
	}
	if (subscription->pending > subscription->view.max_size) {
		buffer_too_big(engine, client, subscription->name,
			"more was pending than max-size allows");
		give_up(engine, subscription);
	}
	check_session_size(engine, client);
}

/* Brings one subscription up to date. */
static void tell(struct map_engine *engine, struct map_subscription *subscription,
	const struct map_change *change, const GPtrArray *notices)
{
	g_assert(
		g_queue_is_empty(&engine->departures) || !map_subscription_is_behind(subscription));
	map_delta_reset(&engine->delta);
	map_subscription_delta(subscription, change, &engine->walk, &engine->delta);
	buffer_delta(engine, subscription, notices);
}

void map_engine_tell_withdrawn(
	struct map_engine *engine, struct map_subscription *subscription, guint64 withdrawal)
{
	map_delta_reset(&engine->delta);
	map_subscription_catch_up(subscription, withdrawal, &engine->walk, &engine->delta);
	buffer_delta(engine, subscription, NULL);
}

struct storing {
	const struct map_cause *cause;
	struct map_batch *batch;
};

static void store_new(struct map_fact *fact, struct map_batch *batch)
{
	const struct map_link *link = map_element_link(fact->element);
	const struct map_node *node = link ? link->ends[0] : map_element_node(fact->element);
	struct map_entry entry = {
		.serial = fact->serial,
		.a = ifmap_id_ref(node->id),
		.b = link ? ifmap_id_ref(link->ends[1]->id) : NULL,
		.meta = ifmap_meta_ref(fact->meta),
		.publisher = fact->stock->publisher->id,
		.lifetime = fact->stock->lifetime,
		.timestamp_us = ifmap_meta_timestamp_us(fact->meta),
	};
	map_batch_add_fact(batch, &entry);
}

static void store_old(struct map_fact *fact, const struct map_cause *cause, struct map_batch *batch)
{
	gboolean replaced = fact->type->cardinality == IFMAP_SINGLE_VALUE &&
			    map_element_find_single(fact->element, fact->type);
	const struct map_ending ending = {
		.serial = fact->serial,
		.lifetime = fact->stock->lifetime,
		.at_us = cause->at_us,
		.by = cause->by->id,
		.why = replaced ? MAP_WHY_REPLACED : cause->why,
	};
	map_batch_remove_fact(batch, &ending);
}

static void store_fact(struct map_fact *fact, gboolean added, gpointer data)
{
	const struct storing *storing = data;
	if (added)
		store_new(fact, storing->batch);
	else
		store_old(fact, storing->cause, storing->batch);
}

static void look_for_forever(struct map_fact *fact, gboolean added, gpointer data)
{
	(void)added;
	gboolean *found = data;
	*found = *found || fact->stock->lifetime == IFMAP_LIFETIME_FOREVER;
}

gboolean map_change_is_durable(const struct map_change *change)
{
	gboolean found = FALSE;
	map_change_foreach(change, look_for_forever, &found);
	return found;
}

gint64 map_engine_next_timestamp(struct map_engine *engine)
{
	engine->timestamp_us = MAX(engine->timestamp_us + 1, g_get_real_time());
	return engine->timestamp_us;
}

/* Nodes that notices name and that somebody may watch. */
static GPtrArray *notice_nodes(const struct map_engine *engine, const GPtrArray *notices)
{
	GPtrArray *nodes = g_ptr_array_new();
	for (guint i = 0; notices && i < notices->len; i++) {
		const struct map_notice *notice = g_ptr_array_index(notices, i);
		struct map_node *a = map_graph_find_node(engine->graph, notice->a);
		struct map_node *b = notice->b ? map_graph_find_node(engine->graph, notice->b)
					       : NULL;
		if (a)
			g_ptr_array_add(nodes, a);
		if (b)
			g_ptr_array_add(nodes, b);
	}
	return nodes;
}

void map_engine_commit(struct map_engine *engine, struct map_change *change,
	const GPtrArray *notices, const struct map_cause *cause, struct map_batch *batch)
{
	struct storing storing = { .cause = cause, .batch = batch };
	g_autoptr(GPtrArray) extra = notice_nodes(engine, notices);
	g_autoptr(GHashTable) clients = g_hash_table_new(NULL, NULL);
	GHashTableIter iter;
	gpointer client;

	g_ptr_array_set_size(engine->watchers, 0);
	map_change_watchers(change, extra, engine->watchers);
	for (guint i = 0; i < engine->watchers->len; i++) {
		struct map_subscription *subscription = g_ptr_array_index(engine->watchers, i);
		if (!subscription->owner)
			continue; /* given up earlier in this loop */
		g_hash_table_add(clients, subscription->owner);
		tell(engine, subscription, change, notices);
	}
	if (engine->store && batch)
		map_change_foreach(change, store_fact, &storing);
	map_change_commit(change);
	g_ptr_array_set_size(engine->dropped, 0);
	g_hash_table_iter_init(&iter, clients);
	while (g_hash_table_iter_next(&iter, &client, NULL))
		map_engine_settle_poll(engine, client);
}
