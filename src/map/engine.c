#include "map/engine.h"

#include <string.h>
#include <sys/random.h>

#include "map/operate.h"
#include "map/seats.h"
#include "map/withdraw.h"

/* The server's own publisher-id (ifmap.md 11.3); client ids always end in a random suffix. */
#define SELF "map-server"

/* A reply that is ready and waits for its batch to be durable. */
struct pending {
	gpointer token;
	GString *reply;
};

/* ---- life */

void map_random_bytes(void *bytes, size_t size)
{
	ssize_t n = getrandom(bytes, size, 0);
	/* Up to 256 bytes come whole; an OS without random numbers cannot run a server. */
	g_assert(n == (ssize_t)size);
}

/* On the store's writer thread. */
static void on_durable(gpointer token, const GError *error, gpointer data)
{
	struct map_engine *engine = data;
	struct pending *pending = token;

	if (error && engine->ops.note)
		engine->ops.note(MAP_NOTE_STORE_FAILED, NULL, error->message, engine->ops.data);
	if (!pending)
		return;
	if (error) {
		g_string_truncate(pending->reply, 0);
		map_reply_error(pending->reply, IFMAP_ERROR_SYSTEM_ERROR, "cannot store it now");
	}
	engine->ops.answer(pending->token, pending->reply, engine->ops.data);
	g_free(pending);
}

static void free_list(gpointer data)
{
	g_slist_free(data);
}

struct map_engine *map_engine_new(const struct map_limits *limits,
	const struct ifmap_dialect *dialect, const struct map_engine_ops *ops,
	struct map_store *store, GError **error)
{
	g_autoptr(map_engine) engine = g_new0(struct map_engine, 1);
	guint64 seed[2];

	map_random_bytes(seed, sizeof(seed));
	g_mutex_init(&engine->lock);
	g_cond_init(&engine->looked_back);
	g_cond_init(&engine->departing);
	g_queue_init(&engine->departures);
	engine->limits = limits;
	engine->dialect = dialect;
	engine->ops = *ops;
	engine->store = store;
	engine->graph = map_graph_new(seed);
	engine->forms = ifmap_forms_new();
	engine->registry = map_registry_new(limits->max_types);
	engine->self = map_graph_publisher(engine->graph, SELF);
	engine->accounts = g_hash_table_new_full(
		g_str_hash, g_str_equal, NULL, (GDestroyNotify)map_account_free);
	engine->audited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	engine->policy = map_policy_new(NULL, error);
	g_assert(engine->policy); /* what is built in is good */
	engine->connections = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_list);
	engine->wakes = g_ptr_array_new_with_free_func(g_free);
	engine->notes = g_ptr_array_new();
	map_walk_init(&engine->walk);
	map_delta_init(&engine->delta);
	engine->watchers = g_ptr_array_new();
	engine->dropped = g_ptr_array_new_with_free_func((GDestroyNotify)map_subscription_free);
	for (size_t i = 0; i < G_N_ELEMENTS(engine->text); i++)
		engine->text[i] = g_string_new(NULL);
	if (!map_engine_boot(engine, error))
		return NULL;
	if (store)
		map_store_set_done(store, on_durable, engine);
	return g_steal_pointer(&engine);
}

void map_engine_free(struct map_engine *engine)
{
	if (!engine)
		return;
	map_store_close(engine->store);
	g_hash_table_unref(engine->accounts);
	g_hash_table_unref(engine->audited);
	map_policy_unref(engine->policy);
	g_hash_table_unref(engine->connections);
	map_withdraw_clear(engine);
	map_graph_free(engine->graph);
	map_registry_free(engine->registry);
	ifmap_forms_free(engine->forms);
	g_ptr_array_unref(engine->wakes);
	g_ptr_array_unref(engine->notes);
	map_walk_clear(&engine->walk);
	map_delta_clear(&engine->delta);
	g_ptr_array_unref(engine->watchers);
	g_ptr_array_unref(engine->dropped);
	for (size_t i = 0; i < G_N_ELEMENTS(engine->text); i++)
		g_string_free(engine->text[i], TRUE);
	g_mutex_clear(&engine->lock);
	g_cond_clear(&engine->looked_back);
	g_cond_clear(&engine->departing);
	g_free(engine);
}

/* ---- requests */

/* Verdicts that end a request; the others are those of the operation. */
static const struct {
	enum ifmap_error code;
	const char *text;
} refusals[] = {
	[MAP_SESSION_INVALID] = { IFMAP_ERROR_INVALID_SESSION_ID, "no such session" },
	[MAP_SESSION_SUPERSEDED] = { IFMAP_ERROR_ACCESS_DENIED,
		"another connection has taken this one's place in the session" },
	[MAP_SESSION_MISPLACED] = { IFMAP_ERROR_FAILURE,
		"poll needs a connection of its own, and that one serves nothing else" },
	[MAP_SESSION_KILL] = { IFMAP_ERROR_INVALID_SESSION_ID,
		"a poll was pending; the session has ended" },
};

static enum map_outcome judge(const struct map_work *work)
{
	const struct map_call *call = work->call;
	struct map_client *client = work->client;
	enum map_session_event event = map_operate_event(call->request->type);
	enum map_session_verdict verdict;

	if (!client) /* it named no session of this client's */
		return map_operate_refuse(work, refusals[MAP_SESSION_INVALID].code,
			refusals[MAP_SESSION_INVALID].text);
	verdict = map_session_judge(
		client->session, event, call->request->session_id, call->connection);
	if (verdict == MAP_SESSION_REPLACE && call->manner == MAP_CALL_MODEST)
		return map_operate_refuse(work, IFMAP_ERROR_ACCESS_DENIED,
			"a session of this client stands already, and its roles grant no other");
	switch (verdict) {
	case MAP_SESSION_REPLACE:
		map_engine_remark(work->engine, MAP_NOTE_SESSION_REPLACED, client, NULL);
		map_seats_end(work->engine, client, "replaced by newSession");
		break;
	case MAP_SESSION_CREATE:
		break;
	case MAP_SESSION_GO:
		map_session_enter(client->session, event, call->connection);
		client->session->used = work->engine->n_requests;
		map_seats_connect(work->engine, call->connection, client);
		break;
	case MAP_SESSION_KILL:
		map_seats_end(work->engine, client, "second poll");
		return map_operate_refuse(work, refusals[verdict].code, refusals[verdict].text);
	case MAP_SESSION_INVALID:
	case MAP_SESSION_SUPERSEDED:
	case MAP_SESSION_MISPLACED:
		return map_operate_refuse(work, refusals[verdict].code, refusals[verdict].text);
	}
	return map_operate(work);
}

/* Hands the batch to the store; the reply follows when it is durable. */
static void answer_when_durable(const struct map_work *work, struct map_batch *batch)
{
	struct pending *pending = g_new(struct pending, 1);
	pending->token = work->call->token;
	pending->reply = g_string_new_len(work->out->str, (gssize)work->out->len);
	g_string_truncate(work->out, 0);
	map_store_submit(work->engine->store, batch, pending);
}

/* The client's account, brought up to date with who asks; NULL and an error when it is not let in.
 */
static struct map_account *meet(
	struct map_engine *engine, const struct map_call *call, GError **error)
{
	struct map_account *account;

	if (!map_policy_admits(engine->policy, call->identity, error))
		return NULL;
	account = map_engine_account(engine, call->identity->name);
	map_account_meet(account, engine->policy, call->identity, engine->limits);
	engine->n_requests++;
	return account;
}

gboolean map_engine_admits(struct map_engine *engine, const struct map_identity *identity)
{
	map_engine_enter(engine);
	gboolean admitted = map_policy_admits(engine->policy, identity, NULL);
	map_engine_leave(engine);
	return admitted;
}

/* Waiting and leaving are never too much. */
static gboolean is_free_of_charge(enum ifmap_request_type type)
{
	return type == IFMAP_REQUEST_POLL || type == IFMAP_REQUEST_RENEW_SESSION ||
	       type == IFMAP_REQUEST_END_SESSION;
}

static enum map_outcome throttle(struct map_work *work, struct map_account *account)
{
	const struct map_client someone = { .name = account->name };
	g_autofree char *text = g_strdup_printf("more than %" G_GUINT64_FORMAT
						" requests a second: wait, then send it again",
		account->quota.requests);

	if (map_account_note_throttled(account, g_get_monotonic_time()))
		map_engine_remark(work->engine, MAP_NOTE_THROTTLED, &someone, NULL);
	if (work->call->ret_throttled)
		*work->call->ret_throttled = TRUE;
	return map_operate_refuse(work, IFMAP_ERROR_FAILURE, text);
}

static gboolean needs_session(const struct ifmap_request *request)
{
	for (guint i = 0; request->operations && i < request->operations->len; i++) {
		const struct ifmap_operation *operation = g_ptr_array_index(request->operations, i);
		if (operation->type == IFMAP_OPERATION_UPDATE &&
			operation->lifetime == IFMAP_LIFETIME_SESSION)
			return TRUE;
	}
	return FALSE;
}

/* In the name of the client's first seat, whatever session that has. */
static enum map_outcome momentary(struct map_work *work, struct map_account *account)
{
	const struct ifmap_request *request = work->call->request;

	g_assert(request->type == IFMAP_REQUEST_SEARCH || request->type == IFMAP_REQUEST_PUBLISH);
	work->client = account->seats->len > 0 ? g_ptr_array_index(account->seats, 0)
					       : map_seats_add(work->engine, account, work->batch);
	if (needs_session(request))
		return map_operate_refuse(work, IFMAP_ERROR_FAILURE,
			"without a session only lifetime forever can be published");
	return map_operate(work);
}

static enum map_outcome carry_out(struct map_work *work)
{
	struct map_engine *engine = work->engine;
	enum ifmap_request_type type = work->call->request->type;
	g_autoptr(GError) error = NULL;
	struct map_account *account;

	if (engine->draining)
		return map_operate_refuse(
			work, IFMAP_ERROR_SYSTEM_ERROR, "the server is going down");
	account = meet(engine, work->call, &error);
	if (!account)
		return map_operate_refuse_error(work, error);
	if (!is_free_of_charge(type) && !map_account_take_request(account, g_get_monotonic_time()))
		return throttle(work, account);
	if (work->call->manner == MAP_CALL_MOMENTARY)
		return momentary(work, account);
	work->client = map_seats_find(engine, account, work->call, work->batch);
	return judge(work);
}

/* ---- looking back: the store is read before the request is judged, without the lock */

static struct map_store *borrow_store(struct map_engine *engine)
{
	map_engine_enter(engine);
	struct map_store *store = engine->store;
	engine->n_looking_back += store != NULL;
	map_engine_leave(engine);
	return store;
}

static void return_store(struct map_engine *engine)
{
	map_engine_enter(engine);
	if (--engine->n_looking_back == 0)
		g_cond_broadcast(&engine->looked_back);
	map_engine_leave(engine);
}

static struct map_past *look_back(
	struct map_engine *engine, const struct map_call *call, GError **error)
{
	const struct ifmap_query *query = call->request->query;
	struct map_past *past = NULL;

	if (!query || (query->at_us == 0 && query->since_us == 0))
		return NULL;
	struct map_store *store = borrow_store(engine);
	if (!store || !map_store_keeps_history(store)) {
		g_set_error(
			error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "this server keeps no history");
	} else if (query->at_us > 0) {
		past = map_past_at(store, query, engine->limits, error);
	} else {
		past = map_past_log(store, query, engine->limits, error);
	}
	/* What the store says of itself is not for clients. */
	if (*error && (*error)->domain != IFMAP_ERROR) {
		g_clear_error(error);
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_SYSTEM_ERROR, "history cannot be read");
	}
	if (store)
		return_store(engine);
	return past;
}

gboolean map_engine_handle(struct map_engine *engine, const struct map_call *call, GString *out)
{
	struct map_batch *batch = map_batch_new();
	g_autoptr(GError) past_error = NULL;
	g_autoptr(map_past) past = look_back(engine, call, &past_error);
	struct map_work work = { .engine = engine,
		.call = call,
		.batch = batch,
		.out = out,
		.past = past,
		.past_error = past_error };
	enum map_outcome outcome;

	map_engine_enter(engine);
	outcome = carry_out(&work);
	gboolean wait = outcome == MAP_ANSWERED && map_batch_is_durable(batch) && engine->store;
	if (wait)
		answer_when_durable(&work, batch);
	else
		map_engine_submit_quietly(engine, batch);
	map_engine_leave(engine);
	return outcome == MAP_ANSWERED && !wait;
}

void map_engine_refuse(struct map_engine *engine, const struct map_call *call,
	const char *session_id, const GError *why, GString *out)
{
	struct map_work work = { .engine = engine, .call = call, .out = out };

	map_engine_enter(engine);
	g_autoptr(GError) stranger = NULL;
	struct map_account *account = meet(engine, call, &stranger);
	work.client = account ? map_account_find_session(account, session_id) : NULL;
	/* Without a session id it may have been a newSession; then the reason is better than the
	 * rule. */
	enum map_session_verdict verdict =
		session_id ? map_session_judge(work.client ? work.client->session : NULL,
				     MAP_SESSION_SYNC, session_id, call->connection)
			   : MAP_SESSION_GO;
	if (verdict == MAP_SESSION_GO || stranger)
		map_operate_refuse_error(&work, stranger ? stranger : why);
	else
		map_operate_refuse(&work, refusals[verdict].code, refusals[verdict].text);
	map_engine_leave(engine);
}

void map_engine_tick(struct map_engine *engine)
{
	map_engine_enter(engine);
	map_seats_end_due(engine, g_get_monotonic_time(), "timed out");
	map_engine_leave(engine);
}

void map_engine_drain(struct map_engine *engine)
{
	struct map_store *store;

	map_engine_enter(engine);
	engine->draining = TRUE;
	map_seats_end_due(engine, G_MAXINT64, "the server is going down");
	store = g_steal_pointer(&engine->store); /* nothing is submitted any more */
	while (engine->n_looking_back > 0)
		g_cond_wait(&engine->looked_back, &engine->lock);
	map_engine_leave(engine);
	map_withdraw_stop(engine);
	map_store_close(store);
}

void map_engine_figures(struct map_engine *engine, struct map_engine_figures *ret_figures)
{
	struct map_engine_figures figures = { 0 };

	map_engine_enter(engine);
	g_autoptr(GPtrArray) clients = map_engine_clients(engine);
	figures.n_nodes = map_graph_n_nodes(engine->graph);
	figures.n_links = map_graph_n_links(engine->graph);
	figures.n_facts = map_graph_n_facts(engine->graph);
	figures.timestamp_us = engine->timestamp_us;
	for (guint i = 0; i < clients->len; i++) {
		const struct map_client *client = g_ptr_array_index(clients, i);
		figures.n_sessions += client->session != NULL;
		figures.n_subscriptions += g_hash_table_size(client->subscriptions);
	}
	map_engine_leave(engine);
	*ret_figures = figures;
}
