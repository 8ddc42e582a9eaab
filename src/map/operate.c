#include "map/operate.h"

#include <string.h>

#include "ifmap/reply.h"
#include "map/seats.h"
#include "map/withdraw.h"

enum map_outcome map_operate_refuse(
	const struct map_work *work, enum ifmap_error code, const char *text)
{
	/* Who has no session has a name all the same. */
	const struct map_client someone = { .name = work->call->identity->name };

	map_reply_error(work->out, code, text);
	if (code == IFMAP_ERROR_ACCESS_DENIED || code == IFMAP_ERROR_INVALID_SESSION_ID)
		map_engine_remark(work->engine, MAP_NOTE_REFUSED,
			work->client ? work->client : &someone, text);
	return MAP_ANSWERED;
}

enum map_outcome map_operate_refuse_error(const struct map_work *work, const GError *error)
{
	return map_operate_refuse(work, (enum ifmap_error)error->code, error->message);
}

static enum map_outcome done(const struct map_work *work, const char *name)
{
	map_reply_empty(work->out, name);
	return MAP_ANSWERED;
}

static enum map_outcome new_session(const struct map_work *work)
{
	const struct map_limits *limits = work->engine->limits;
	struct map_client *client = work->client;
	size_t asked = work->call->request->max_poll_result_size;

	map_seats_begin(work->engine, client, work->call->connection);
	client->max_poll_size = asked ? MIN(asked, limits->max_poll_size)
				      : limits->default_poll_size;
	ifmap_reply_begin(work->out);
	ifmap_reply_new_session(work->out, client->session->id, client->publisher->id,
		asked ? client->max_poll_size : 0);
	ifmap_reply_end(work->out);
	return MAP_ANSWERED;
}

static enum map_outcome renew_session(const struct map_work *work)
{
	return done(work, "renewSessionResult");
}

static enum map_outcome end_session(const struct map_work *work)
{
	map_seats_end(work->engine, work->client, "endSession");
	return done(work, "endSessionResult");
}

/* While the disk takes nothing, nothing is begun that it would have to take. */
static gboolean disk_takes_nothing(const struct map_work *work)
{
	const struct map_store *store = work->engine->store;
	return store && map_store_is_failing(store);
}

static const char not_now[] =
	"the store cannot be written to; only session metadata of known types is taken now";

static gboolean can_be_stored(const struct map_work *work, const struct map_change *change,
	gboolean new_types, GError **error)
{
	if (!disk_takes_nothing(work) || !(new_types || map_change_is_durable(change)))
		return TRUE;
	g_set_error_literal(error, IFMAP_ERROR, IFMAP_ERROR_SYSTEM_ERROR, not_now);
	return FALSE;
}

static void store_types(
	const struct map_registry *registry, unsigned known, struct map_batch *batch)
{
	for (unsigned i = known; i < map_registry_n_types(registry); i++) {
		const struct map_type *type = map_registry_type(registry, i);
		map_batch_add_type(batch, type->ns, type->name, type->cardinality);
	}
}

static enum map_outcome publish(const struct map_work *work)
{
	struct map_engine *engine = work->engine;
	const GPtrArray *operations = work->call->request->operations;
	const struct map_publish what = {
		.graph = engine->graph,
		.registry = engine->registry,
		.subject = &work->client->account->subject,
		.publisher = work->client->publisher,
		.timestamp_us = map_engine_next_timestamp(engine),
		.dialect = engine->dialect,
		.forms = engine->forms,
	};
	g_autoptr(GPtrArray) notices = map_notices_new();
	g_autoptr(GError) error = NULL;
	unsigned known = map_registry_n_types(engine->registry);
	const struct map_standing before = map_account_standing(work->client->account);

	map_withdraw_settle_publish(engine, operations);
	struct map_change *change = map_change_begin(engine->graph);
	if (!map_publish_apply(&what, change, operations, notices, &error) ||
		!map_account_check(work->client->account, &before, &error) ||
		!can_be_stored(
			work, change, map_registry_n_types(engine->registry) > known, &error)) {
		map_change_rollback(change);
		map_registry_truncate(engine->registry, known);
		return map_operate_refuse_error(work, error);
	}
	store_types(engine->registry, known, work->batch);
	const struct map_cause cause = {
		.at_us = what.timestamp_us, .by = what.publisher, .why = MAP_WHY_DELETED
	};
	map_engine_commit(engine, change, notices, &cause, work->batch);
	return done(work, "publishReceived");
}

static enum map_outcome purge(const struct map_work *work)
{
	struct map_engine *engine = work->engine;
	const char *id = work->call->request->publisher_id;
	const struct map_cause cause = {
		.at_us = map_engine_next_timestamp(engine),
		.by = work->client->publisher,
		.why = MAP_WHY_PURGED,
	};

	if (!id)
		return map_operate_refuse(
			work, IFMAP_ERROR_FAILURE, "ifmap-publisher-id is missing");
	struct map_publisher *publisher = map_graph_find_publisher(engine->graph, id);
	const struct map_account *account = work->client->account;
	const struct map_item item = { .foreign = !publisher || publisher->owner != account };
	if (publisher == engine->self ||
		!map_policy_allows(&account->subject, MAP_ACTION_PURGE, &item))
		return map_operate_refuse(
			work, IFMAP_ERROR_ACCESS_DENIED, "you may not purge this publisher");
	if (publisher && publisher->stocks[IFMAP_LIFETIME_FOREVER]->facts.length > 0 &&
		disk_takes_nothing(work))
		return map_operate_refuse(work, IFMAP_ERROR_SYSTEM_ERROR, not_now);
	if (publisher)
		map_withdraw(engine, publisher, IFMAP_LIFETIME_FOREVER, &cause, work->batch);
	return done(work, "purgePublisherReceived");
}

static enum map_outcome search(const struct map_work *work)
{
	struct map_engine *engine = work->engine;
	const struct map_view view = map_view_make(
		work->call->request->query, &work->client->account->subject, engine->limits);
	g_autoptr(GError) error = NULL;
	struct map_graph *graph = work->past ? work->past->graph : engine->graph;

	if (work->past_error)
		return map_operate_refuse_error(work, work->past_error);
	ifmap_reply_begin(work->out);
	if (!map_search_write(graph, &engine->walk, &view, NULL, work->out, &error))
		ifmap_reply_error(work->out, (enum ifmap_error)error->code, error->message, NULL);
	ifmap_reply_end(work->out);
	return MAP_ANSWERED;
}

/* Checked whole before anything is applied (ifmap.md 8.1). */
static gboolean check_subscribes(const struct map_work *work, GError **error)
{
	const struct map_limits *limits = work->engine->limits;
	const GPtrArray *subscribes = work->call->request->subscribes;
	const struct map_account *account = work->client->account;
	guint64 n = map_account_n_subscriptions(account);

	for (guint i = 0; i < subscribes->len; i++) {
		const struct ifmap_subscribe *subscribe = g_ptr_array_index(subscribes, i);
		gboolean known = g_hash_table_contains(
			work->client->subscriptions, subscribe->name);
		if (strlen(subscribe->name) > limits->max_name) {
			g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE,
				"a subscription's name has at most %zu bytes", limits->max_name);
			return FALSE;
		}
		n += subscribe->query && !known;
	}
	if (n <= account->quota.subscriptions)
		return TRUE;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE,
		"you may have at most %" G_GUINT64_FORMAT " subscriptions",
		account->quota.subscriptions);
	return FALSE;
}

static enum map_outcome subscribe(const struct map_work *work)
{
	const GPtrArray *subscribes = work->call->request->subscribes;
	g_autoptr(GError) error = NULL;

	if (!check_subscribes(work, &error))
		return map_operate_refuse_error(work, error);
	map_withdraw_settle_client(work->engine, work->client);
	for (guint i = 0; i < subscribes->len; i++) {
		struct ifmap_subscribe *one = g_ptr_array_index(subscribes, i);
		if (one->query)
			map_engine_subscribe(work->engine, work->client, one->name,
				ifmap_subscribe_steal_query(one));
		else
			map_engine_unsubscribe(work->engine, work->client, one->name);
	}
	map_engine_settle_poll(work->engine, work->client);
	return done(work, "subscribeReceived");
}

static enum map_outcome poll(const struct map_work *work)
{
	struct map_client *client = work->client;
	map_withdraw_settle_client(work->engine, client);
	if (map_engine_write_poll(client, work->out))
		return MAP_ANSWERED;
	client->poll_token = work->call->token;
	client->session->polling = TRUE;
	return MAP_PARKED;
}

static const struct {
	enum map_session_event event;
	enum map_outcome (*run)(const struct map_work *work);
} operations_table[] = {
	[IFMAP_REQUEST_NEW_SESSION] = { MAP_SESSION_NEW, new_session },
	[IFMAP_REQUEST_RENEW_SESSION] = { MAP_SESSION_SYNC, renew_session },
	[IFMAP_REQUEST_END_SESSION] = { MAP_SESSION_SYNC, end_session },
	[IFMAP_REQUEST_PUBLISH] = { MAP_SESSION_SYNC, publish },
	[IFMAP_REQUEST_SEARCH] = { MAP_SESSION_SYNC, search },
	[IFMAP_REQUEST_SUBSCRIBE] = { MAP_SESSION_SYNC, subscribe },
	[IFMAP_REQUEST_POLL] = { MAP_SESSION_POLL, poll },
	[IFMAP_REQUEST_PURGE] = { MAP_SESSION_SYNC, purge },
};

enum map_session_event map_operate_event(enum ifmap_request_type type)
{
	return operations_table[type].event;
}

enum map_outcome map_operate(const struct map_work *work)
{
	return operations_table[work->call->request->type].run(work);
}
