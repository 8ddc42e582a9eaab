/* The biggest subscriptions, for metrics.c: the one look into the engine that it needs. */
#include "map/commit.h"
#include "map/metrics.h"

#define N_BIGGEST 10

static guint size_of(const struct map_subscription *subscription)
{
	return g_hash_table_size(subscription->watches) + g_hash_table_size(subscription->links);
}

static int compare_size(gconstpointer a, gconstpointer b)
{
	guint x = size_of(*(const struct map_subscription *const *)a);
	guint y = size_of(*(const struct map_subscription *const *)b);

	return (x < y) - (x > y);
}

/* Of the client's, the N_BIGGEST of all met so far stay. */
static void add_subscriptions(GPtrArray *biggest, const struct map_client *client)
{
	GHashTableIter iter;
	gpointer subscription;

	g_hash_table_iter_init(&iter, client->subscriptions);
	while (g_hash_table_iter_next(&iter, NULL, &subscription)) {
		if (biggest->len == N_BIGGEST &&
			size_of(subscription) <= size_of(g_ptr_array_index(biggest, N_BIGGEST - 1)))
			continue;
		g_ptr_array_add(biggest, subscription);
		g_ptr_array_sort(biggest, compare_size);
		g_ptr_array_set_size(biggest, (gint)MIN(biggest->len, N_BIGGEST));
	}
}

static json_t *subscription_json(const struct map_subscription *subscription)
{
	const struct map_client *client = subscription->owner;
	g_autofree char *start = ifmap_id_to_string(subscription->query->start);

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "client", client->name, "name",
		subscription->name, "start", start, "depth",
		(json_int_t)subscription->view.max_depth, "identifiers",
		(json_int_t)g_hash_table_size(subscription->watches), "links",
		(json_int_t)g_hash_table_size(subscription->links), "pending_bytes",
		(json_int_t)subscription->pending);
}

json_t *map_engine_biggest(struct map_engine *engine)
{
	g_autoptr(GPtrArray) biggest = g_ptr_array_new();
	json_t *list = json_array();
	GHashTableIter iter;
	gpointer account;

	map_engine_enter(engine);
	g_hash_table_iter_init(&iter, engine->accounts);
	while (g_hash_table_iter_next(&iter, NULL, &account)) {
		const GPtrArray *seats = ((struct map_account *)account)->seats;

		for (guint i = 0; i < seats->len; i++)
			add_subscriptions(biggest, g_ptr_array_index(seats, i));
	}
	for (guint i = 0; i < biggest->len; i++)
		json_array_append_new(list, subscription_json(g_ptr_array_index(biggest, i)));
	map_engine_leave(engine);
	return list;
}
