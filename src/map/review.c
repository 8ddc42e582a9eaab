/* Other rules for an engine that serves: who may do what is looked at anew, sessions stay. */
#include "map/commit.h"

GPtrArray *map_engine_clients(const struct map_engine *engine)
{
	GPtrArray *clients = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, engine->accounts);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_extend(clients, ((struct map_account *)value)->seats, NULL, NULL);
	return clients;
}

/* Sentences of a policy on trial that are told; further ones are not. */
#define MAX_AUDITED 10000

/* Under the lock, since all decisions are. */
static void on_audit(const char *client, const char *what, gpointer data)
{
	struct map_engine *engine = data;
	g_autofree char *line = g_strconcat(client, " ", what, NULL);

	if (g_hash_table_size(engine->audited) >= MAX_AUDITED ||
		!g_hash_table_add(engine->audited, g_steal_pointer(&line)))
		return;
	const struct map_client someone = { .name = (char *)client };
	map_engine_remark(engine, MAP_NOTE_WOULD_REFUSE, &someone, what);
}

/* Every subscription of the client, under its name and with its question, anew. */
static void subscribe_anew(struct map_engine *engine, struct map_client *client)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, client->subscriptions);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(names, g_strdup(key));
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		struct map_subscription *subscription = g_hash_table_lookup(
			client->subscriptions, name);
		/* One that came before may have been too much, and taken all with it. */
		if (subscription)
			map_engine_subscribe(
				engine, client, name, map_subscription_steal_query(subscription));
	}
	map_engine_settle_poll(engine, client);
}

static void describe_anew(struct map_engine *engine)
{
	struct map_change *change = map_change_begin(engine->graph);

	if (map_engine_describe(engine, change, NULL))
		map_engine_commit(engine, change, NULL, NULL, NULL);
	else
		map_change_rollback(change);
}

void map_engine_set_policy(struct map_engine *engine, struct map_policy *policy)
{
	GHashTableIter iter;
	gpointer value;

	map_engine_enter(engine);
	struct map_policy *old = engine->policy;
	engine->policy = map_policy_ref(policy);
	map_policy_set_audit(policy, on_audit, engine);
	g_hash_table_remove_all(engine->audited);
	g_hash_table_iter_init(&iter, engine->accounts);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		map_account_review(value, policy, engine->limits);
	map_policy_unref(old);
	g_autoptr(GPtrArray) clients = map_engine_clients(engine);
	for (guint i = 0; i < clients->len; i++)
		subscribe_anew(engine, g_ptr_array_index(clients, i));
	describe_anew(engine);
	map_engine_leave(engine);
}
