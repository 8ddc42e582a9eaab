#include "map/seats.h"

#include "map/withdraw.h"

void map_seats_connect(struct map_engine *engine, guint64 connection, struct map_client *client)
{
	gpointer key = NULL;
	gpointer list = NULL;
	if (g_hash_table_steal_extended(engine->connections, &connection, &key, &list)) {
		if (!g_slist_find(list, client))
			list = g_slist_prepend(list, client);
	} else {
		key = g_memdup2(&connection, sizeof(connection));
		list = g_slist_prepend(NULL, client);
	}
	g_hash_table_insert(engine->connections, key, list);
}

void map_engine_submit_quietly(struct map_engine *engine, struct map_batch *batch)
{
	if (engine->store && !map_batch_is_empty(batch))
		map_store_submit(engine->store, batch, NULL);
	else
		map_batch_free(batch);
}

void map_seats_end(struct map_engine *engine, struct map_client *client, const char *why)
{
	struct map_batch *batch = map_batch_new();
	const struct map_cause cause = {
		.at_us = map_engine_next_timestamp(engine),
		.by = client->publisher,
		.why = MAP_WHY_SESSION_ENDED,
	};

	if (client->poll_token) {
		GString *reply = g_string_new(NULL);
		map_reply_empty(reply, "endSessionResult");
		map_engine_wake(engine, g_steal_pointer(&client->poll_token), reply);
	}
	g_hash_table_remove_all(client->subscriptions);
	map_pollbuf_clear(&client->buf);
	client->overflowed = FALSE;
	g_clear_pointer(&client->session, map_session_free);
	map_withdraw(engine, client->publisher, IFMAP_LIFETIME_SESSION, &cause, batch);
	map_engine_submit_quietly(engine, batch);
	map_engine_remark(engine, MAP_NOTE_SESSION_ENDED, client, why);
}

void map_seats_begin(struct map_engine *engine, struct map_client *client, guint64 connection)
{
	guint64 random[2];
	g_autofree char *id = NULL;

	map_random_bytes(random, sizeof(random));
	id = g_strdup_printf(
		"%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", random[0], random[1]);
	client->session = map_session_new(id, connection);
	client->session->used = engine->n_requests;
	map_seats_connect(engine, connection, client);
	map_engine_remark(engine, MAP_NOTE_SESSION_BEGUN, client, client->publisher->id);
}

struct map_account *map_engine_account(struct map_engine *engine, const char *name)
{
	struct map_account *account = g_hash_table_lookup(engine->accounts, name);
	if (!account) {
		account = map_account_new(name);
		g_hash_table_insert(engine->accounts, account->name, account);
	}
	return account;
}

struct map_client *map_seats_add(
	struct map_engine *engine, struct map_account *account, struct map_batch *batch)
{
	g_autofree char *key = map_account_seat_key(account, account->seats->len);
	g_autofree char *id = map_client_make_publisher_id(account->name);

	map_batch_add_publisher(batch, key, id);
	return map_account_add_seat(account, map_graph_publisher(engine->graph, id));
}

struct map_client *map_seats_find(struct map_engine *engine, struct map_account *account,
	const struct map_call *call, struct map_batch *batch)
{
	struct map_client *client;

	if (call->request->type != IFMAP_REQUEST_NEW_SESSION)
		return map_account_find_session(account, call->request->session_id);
	client = map_account_find_seat(account, call->connection);
	return client ? client : map_seats_add(engine, account, batch);
}

/* ---- connections */

static void expect(struct map_engine *engine, gint64 deadline_us)
{
	if (deadline_us && (!engine->next_due_us || deadline_us < engine->next_due_us))
		engine->next_due_us = deadline_us;
}

void map_engine_connection_closed(struct map_engine *engine, guint64 connection)
{
	gint64 timeout_us = (gint64)engine->limits->session_timeout_s * G_USEC_PER_SEC;
	gpointer key = NULL;
	gpointer clients = NULL;

	map_engine_enter(engine);
	g_hash_table_steal_extended(engine->connections, &connection, &key, &clients);
	for (GSList *at = clients; at; at = at->next) {
		struct map_client *client = at->data;
		if (client->session && map_session_closed(client->session, connection,
					       g_get_monotonic_time(), timeout_us))
			map_seats_end(engine, client, "the polling connection was closed");
		if (client->session)
			expect(engine, client->session->deadline_us);
	}
	map_engine_leave(engine);
	g_free(key);
	g_slist_free(clients);
}

void map_engine_connection_broken(struct map_engine *engine, guint64 connection)
{
	map_engine_enter(engine);
	for (GSList *at = g_hash_table_lookup(engine->connections, &connection); at;
		at = at->next) {
		struct map_client *client = at->data;
		if (client->session && map_session_broken(client->session, connection))
			map_seats_end(engine, client, "a message broke off");
	}
	map_engine_leave(engine);
}

void map_seats_end_due(struct map_engine *engine, gint64 now_us, const char *why)
{
	gboolean all = now_us == G_MAXINT64;

	if (!all && (!engine->next_due_us || now_us < engine->next_due_us))
		return; /* the usual case: thousands of sessions, and nothing to be done */
	g_autoptr(GPtrArray) clients = map_engine_clients(engine);
	engine->next_due_us = 0;
	for (guint i = 0; i < clients->len; i++) {
		struct map_client *client = g_ptr_array_index(clients, i);
		if (!client->session)
			continue;
		gint64 deadline = client->session->deadline_us;
		if (all || (deadline && deadline <= now_us))
			map_seats_end(engine, client, why);
		else
			expect(engine, deadline);
	}
}
