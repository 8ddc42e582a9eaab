#include "map/exchange.h"

struct map_exchange *map_exchange_new(
	struct MHD_Connection *connection, struct map_peer *peer, struct map_hangup *hangup)
{
	struct map_exchange *exchange = g_new0(struct map_exchange, 1);
	g_atomic_ref_count_init(&exchange->n_refs);
	g_mutex_init(&exchange->lock);
	exchange->connection = connection;
	exchange->peer = peer;
	exchange->hangup = hangup;
	exchange->operation = -1;
	return exchange;
}

struct map_exchange *map_exchange_ref(struct map_exchange *exchange)
{
	g_atomic_ref_count_inc(&exchange->n_refs);
	return exchange;
}

static void free_string(GString *string)
{
	if (string)
		g_string_free(string, TRUE);
}

void map_exchange_unref(struct map_exchange *exchange)
{
	if (!g_atomic_ref_count_dec(&exchange->n_refs))
		return;
	free_string(exchange->body);
	free_string(exchange->reply);
	map_identity_unref(exchange->client);
	g_mutex_clear(&exchange->lock);
	g_free(exchange);
}

/* Under the lock. */
static void resume(struct map_exchange *exchange)
{
	map_hangup_remove(exchange->hangup, exchange->peer->fd);
	MHD_resume_connection(exchange->connection);
}

void map_exchange_answer(struct map_exchange *exchange, GString *reply)
{
	g_mutex_lock(&exchange->lock);
	free_string(exchange->reply);
	exchange->reply = reply;
	if (exchange->state == MAP_EXCHANGE_PARKED)
		resume(exchange);
	if (exchange->state != MAP_EXCHANGE_CLOSED)
		exchange->state = MAP_EXCHANGE_READY;
	g_mutex_unlock(&exchange->lock);
	map_exchange_unref(exchange);
}

GString *map_exchange_settle(struct map_exchange *exchange)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&exchange->lock);
	if (exchange->state == MAP_EXCHANGE_READY)
		return g_steal_pointer(&exchange->reply);
	exchange->state = MAP_EXCHANGE_PARKED;
	MHD_suspend_connection(exchange->connection);
	map_hangup_add(exchange->hangup, exchange->peer->fd, exchange->peer->number);
	return NULL;
}

void map_exchange_rearm(struct map_exchange *exchange)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&exchange->lock);

	if (exchange->state == MAP_EXCHANGE_READY)
		exchange->state = MAP_EXCHANGE_RUNNING;
}

void map_exchange_nudge(struct map_exchange *exchange)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&exchange->lock);

	if (exchange->state != MAP_EXCHANGE_PARKED)
		return;
	exchange->state = MAP_EXCHANGE_RUNNING;
	exchange->nudged = TRUE;
	resume(exchange);
}

gboolean map_exchange_take_nudge(struct map_exchange *exchange)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&exchange->lock);
	gboolean nudged = exchange->nudged;

	exchange->nudged = FALSE;
	return nudged && exchange->state != MAP_EXCHANGE_READY;
}

void map_exchange_close(struct map_exchange *exchange)
{
	g_mutex_lock(&exchange->lock);
	exchange->state = MAP_EXCHANGE_CLOSED;
	exchange->connection = NULL;
	g_mutex_unlock(&exchange->lock);
	map_exchange_unref(exchange);
}
