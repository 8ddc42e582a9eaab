#include "map/engine.h"

#include <string.h>
#include <sys/random.h>

#include "ifmap/reply.h"
#include "map/commit.h"
#include "map/history.h"

/* The server's own publisher-id (ifmap.md 11.3); client ids always end in a random suffix. */
#define SELF "map-server"

/* A reply that is ready and waits for its batch to be durable. */
struct pending {
	gpointer token;
	GString *reply;
};

/* ---- life */

static void random_bytes(void *bytes, size_t size)
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

	random_bytes(seed, sizeof(seed));
	g_mutex_init(&engine->lock);
	g_cond_init(&engine->looked_back);
	engine->limits = limits;
	engine->dialect = dialect;
	engine->ops = *ops;
	engine->store = store;
	engine->graph = map_graph_new(seed);
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
	map_graph_free(engine->graph);
	map_registry_free(engine->registry);
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
	g_free(engine);
}

/* ---- sessions and their connections */

static void remember_connection(
	struct map_engine *engine, guint64 connection, struct map_client *client)
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

/* Hands over what nobody waits for; takes the batch. */
static void submit_quietly(struct map_engine *engine, struct map_batch *batch)
{
	if (engine->store && !map_batch_is_empty(batch))
		map_store_submit(engine->store, batch, NULL);
	else
		map_batch_free(batch);
}

/* ifmap.md 4.3. */
static void end_session(struct map_engine *engine, struct map_client *client, const char *why)
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
	struct map_change *change = map_change_begin(engine->graph);
	map_change_remove_all(change, client->publisher, IFMAP_LIFETIME_SESSION);
	map_engine_commit(engine, change, NULL, &cause, batch);
	submit_quietly(engine, batch);
	map_engine_remark(engine, MAP_NOTE_SESSION_ENDED, client, why);
}

static void begin_session(struct map_engine *engine, struct map_client *client, guint64 connection)
{
	guint64 random[2];
	g_autofree char *id = NULL;

	random_bytes(random, sizeof(random));
	id = g_strdup_printf(
		"%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", random[0], random[1]);
	client->session = map_session_new(id, connection);
	client->session->used = engine->n_requests;
	remember_connection(engine, connection, client);
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

/* A seat more, with a publisher-id of its own, which is added to the batch. */
static struct map_client *add_seat(
	struct map_engine *engine, struct map_account *account, struct map_batch *batch)
{
	g_autofree char *key = map_account_seat_key(account, account->seats->len);
	g_autofree char *id = map_client_make_publisher_id(account->name);

	map_batch_add_publisher(batch, key, id);
	return map_account_add_seat(account, map_graph_publisher(engine->graph, id));
}

/* The seat that a request is about, NULL when it names no session of this client. */
static struct map_client *find_client(struct map_engine *engine, struct map_account *account,
	const struct map_call *call, struct map_batch *batch)
{
	struct map_client *client;

	if (call->request->type != IFMAP_REQUEST_NEW_SESSION)
		return map_account_find_session(account, call->request->session_id);
	client = map_account_find_seat(account, call->connection);
	return client ? client : add_seat(engine, account, batch);
}

/* ---- requests */

/* What an operation works on. */
struct work {
	struct map_engine *engine;
	struct map_client *client;
	const struct map_call *call;
	struct map_batch *batch; /* what must be durable before the answer goes out */
	GString *out;
	struct map_past *past;    /* of a search that looks back */
	const GError *past_error; /* why there is none */
};

enum outcome {
	ANSWERED, /* `out` holds the reply; it goes out when the batch is durable */
	PARKED,   /* the client's poll hangs */
};

static enum outcome refuse(const struct work *work, enum ifmap_error code, const char *text)
{
	map_reply_error(work->out, code, text);
	if (code == IFMAP_ERROR_ACCESS_DENIED || code == IFMAP_ERROR_INVALID_SESSION_ID)
		map_engine_remark(work->engine, MAP_NOTE_REFUSED, work->client, text);
	return ANSWERED;
}

static enum outcome refuse_error(const struct work *work, const GError *error)
{
	return refuse(work, (enum ifmap_error)error->code, error->message);
}

static enum outcome done(const struct work *work, const char *name)
{
	map_reply_empty(work->out, name);
	return ANSWERED;
}

static enum outcome new_session(const struct work *work)
{
	const struct map_limits *limits = work->engine->limits;
	struct map_client *client = work->client;
	size_t asked = work->call->request->max_poll_result_size;

	begin_session(work->engine, client, work->call->connection);
	client->max_poll_size = asked ? MIN(asked, limits->max_poll_size)
				      : limits->default_poll_size;
	ifmap_reply_begin(work->out);
	ifmap_reply_new_session(work->out, client->session->id, client->publisher->id,
		asked ? client->max_poll_size : 0);
	ifmap_reply_end(work->out);
	return ANSWERED;
}

static enum outcome renew_session(const struct work *work)
{
	return done(work, "renewSessionResult");
}

static enum outcome end_session_request(const struct work *work)
{
	end_session(work->engine, work->client, "endSession");
	return done(work, "endSessionResult");
}

/* While the disk takes nothing, nothing is begun that it would have to take. */
static gboolean can_be_stored(const struct work *work, const struct map_change *change,
	gboolean new_types, GError **error)
{
	const struct map_store *store = work->engine->store;
	if (!store || !map_store_is_failing(store) || !(new_types || map_change_is_durable(change)))
		return TRUE;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_SYSTEM_ERROR,
		"the store cannot be written to; only session metadata of known types is taken now");
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

static enum outcome publish(const struct work *work)
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
	};
	g_autoptr(GPtrArray) notices = map_notices_new();
	g_autoptr(GError) error = NULL;
	unsigned known = map_registry_n_types(engine->registry);
	const struct map_standing before = map_account_standing(work->client->account);
	struct map_change *change = map_change_begin(engine->graph);

	if (!map_publish_apply(&what, change, operations, notices, &error) ||
		!map_account_check(work->client->account, &before, &error) ||
		!can_be_stored(
			work, change, map_registry_n_types(engine->registry) > known, &error)) {
		map_change_rollback(change);
		map_registry_truncate(engine->registry, known);
		return refuse_error(work, error);
	}
	store_types(engine->registry, known, work->batch);
	const struct map_cause cause = {
		.at_us = what.timestamp_us, .by = what.publisher, .why = MAP_WHY_DELETED
	};
	map_engine_commit(engine, change, notices, &cause, work->batch);
	return done(work, "publishReceived");
}

static enum outcome purge(const struct work *work)
{
	struct map_engine *engine = work->engine;
	const char *id = work->call->request->publisher_id;
	const struct map_cause cause = {
		.at_us = map_engine_next_timestamp(engine),
		.by = work->client->publisher,
		.why = MAP_WHY_PURGED,
	};
	g_autoptr(GError) error = NULL;

	if (!id)
		return refuse(work, IFMAP_ERROR_FAILURE, "ifmap-publisher-id is missing");
	struct map_publisher *publisher = map_graph_find_publisher(engine->graph, id);
	const struct map_account *account = work->client->account;
	const struct map_item item = { .foreign = !publisher || publisher->owner != account };
	if (publisher == engine->self ||
		!map_policy_allows(&account->subject, MAP_ACTION_PURGE, &item))
		return refuse(work, IFMAP_ERROR_ACCESS_DENIED, "you may not purge this publisher");
	if (publisher) {
		struct map_change *change = map_change_begin(engine->graph);
		map_change_remove_all(change, publisher, IFMAP_LIFETIME_SESSION);
		map_change_remove_all(change, publisher, IFMAP_LIFETIME_FOREVER);
		if (!can_be_stored(work, change, FALSE, &error)) {
			map_change_rollback(change);
			return refuse_error(work, error);
		}
		map_engine_commit(engine, change, NULL, &cause, work->batch);
	}
	return done(work, "purgePublisherReceived");
}

static enum outcome search(const struct work *work)
{
	struct map_engine *engine = work->engine;
	const struct map_view view = map_view_make(
		work->call->request->query, &work->client->account->subject, engine->limits);
	g_autoptr(GError) error = NULL;
	struct map_graph *graph = work->past ? work->past->graph : engine->graph;

	if (work->past_error)
		return refuse_error(work, work->past_error);
	ifmap_reply_begin(work->out);
	if (!map_search_write(graph, &engine->walk, &view, NULL, work->out, &error))
		ifmap_reply_error(work->out, (enum ifmap_error)error->code, error->message, NULL);
	ifmap_reply_end(work->out);
	return ANSWERED;
}

/* Checked whole before anything is applied (ifmap.md 8.1). */
static gboolean check_subscribes(const struct work *work, GError **error)
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

static enum outcome subscribe(const struct work *work)
{
	const GPtrArray *subscribes = work->call->request->subscribes;
	g_autoptr(GError) error = NULL;

	if (!check_subscribes(work, &error))
		return refuse_error(work, error);
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

static enum outcome poll(const struct work *work)
{
	struct map_client *client = work->client;
	if (map_engine_write_poll(client, work->out))
		return ANSWERED;
	client->poll_token = work->call->token;
	client->session->polling = TRUE;
	return PARKED;
}

static const struct {
	enum map_session_event event;
	enum outcome (*run)(const struct work *work);
} operations_table[] = {
	[IFMAP_REQUEST_NEW_SESSION] = { MAP_SESSION_NEW, new_session },
	[IFMAP_REQUEST_RENEW_SESSION] = { MAP_SESSION_SYNC, renew_session },
	[IFMAP_REQUEST_END_SESSION] = { MAP_SESSION_SYNC, end_session_request },
	[IFMAP_REQUEST_PUBLISH] = { MAP_SESSION_SYNC, publish },
	[IFMAP_REQUEST_SEARCH] = { MAP_SESSION_SYNC, search },
	[IFMAP_REQUEST_SUBSCRIBE] = { MAP_SESSION_SYNC, subscribe },
	[IFMAP_REQUEST_POLL] = { MAP_SESSION_POLL, poll },
	[IFMAP_REQUEST_PURGE] = { MAP_SESSION_SYNC, purge },
};

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

static enum outcome judge(const struct work *work)
{
	const struct map_call *call = work->call;
	struct map_client *client = work->client;
	enum map_session_event event = operations_table[call->request->type].event;
	enum map_session_verdict verdict;

	if (!client) /* it named no session of this client's */
		return refuse(work, refusals[MAP_SESSION_INVALID].code,
			refusals[MAP_SESSION_INVALID].text);
	verdict = map_session_judge(
		client->session, event, call->request->session_id, call->connection);
	if (verdict == MAP_SESSION_REPLACE && call->manner == MAP_CALL_MODEST)
		return refuse(work, IFMAP_ERROR_ACCESS_DENIED,
			"a session of this client stands already, and its roles grant no other");
	switch (verdict) {
	case MAP_SESSION_REPLACE:
		map_engine_remark(work->engine, MAP_NOTE_SESSION_REPLACED, client, NULL);
		end_session(work->engine, client, "replaced by newSession");
		break;
	case MAP_SESSION_CREATE:
		break;
	case MAP_SESSION_GO:
		map_session_enter(client->session, event, call->connection);
		client->session->used = work->engine->n_requests;
		remember_connection(work->engine, call->connection, client);
		break;
	case MAP_SESSION_KILL:
		end_session(work->engine, client, "second poll");
		return refuse(work, refusals[verdict].code, refusals[verdict].text);
	case MAP_SESSION_INVALID:
	case MAP_SESSION_SUPERSEDED:
	case MAP_SESSION_MISPLACED:
		return refuse(work, refusals[verdict].code, refusals[verdict].text);
	}
	return operations_table[call->request->type].run(work);
}

/* Hands the batch to the store; the reply follows when it is durable. */
static void answer_when_durable(const struct work *work, struct map_batch *batch)
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

/* Waiting and leaving are never too much. */
static gboolean is_free_of_charge(enum ifmap_request_type type)
{
	return type == IFMAP_REQUEST_POLL || type == IFMAP_REQUEST_RENEW_SESSION ||
	       type == IFMAP_REQUEST_END_SESSION;
}

static enum outcome throttle(struct work *work, struct map_account *account)
{
	const struct map_client someone = { .name = account->name };
	g_autofree char *text = g_strdup_printf("more than %" G_GUINT64_FORMAT
						" requests a second: wait, then send it again",
		account->quota.requests);

	map_engine_remark(work->engine, MAP_NOTE_THROTTLED, &someone, NULL);
	return refuse(work, IFMAP_ERROR_FAILURE, text);
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
static enum outcome momentary(struct work *work, struct map_account *account)
{
	const struct ifmap_request *request = work->call->request;

	g_assert(request->type == IFMAP_REQUEST_SEARCH || request->type == IFMAP_REQUEST_PUBLISH);
	work->client = account->seats->len > 0 ? g_ptr_array_index(account->seats, 0)
					       : add_seat(work->engine, account, work->batch);
	if (needs_session(request))
		return refuse(work, IFMAP_ERROR_FAILURE,
			"without a session only lifetime forever can be published");
	return operations_table[request->type].run(work);
}

static enum outcome carry_out(struct work *work)
{
	struct map_engine *engine = work->engine;
	enum ifmap_request_type type = work->call->request->type;
	g_autoptr(GError) error = NULL;
	struct map_account *account;

	if (engine->draining)
		return refuse(work, IFMAP_ERROR_SYSTEM_ERROR, "the server is going down");
	account = meet(engine, work->call, &error);
	if (!account)
		return refuse_error(work, error);
	if (!is_free_of_charge(type) && !map_account_take_request(account, g_get_monotonic_time()))
		return throttle(work, account);
	if (work->call->manner == MAP_CALL_MOMENTARY)
		return momentary(work, account);
	work->client = find_client(engine, account, work->call, work->batch);
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
	struct work work = { .engine = engine,
		.call = call,
		.batch = batch,
		.out = out,
		.past = past,
		.past_error = past_error };
	enum outcome outcome;

	map_engine_enter(engine);
	outcome = carry_out(&work);
	gboolean wait = outcome == ANSWERED && map_batch_is_durable(batch) && engine->store;
	if (wait)
		answer_when_durable(&work, batch);
	else
		submit_quietly(engine, batch);
	map_engine_leave(engine);
	return outcome == ANSWERED && !wait;
}

void map_engine_refuse(struct map_engine *engine, const struct map_call *call,
	const char *session_id, const GError *why, GString *out)
{
	struct work work = { .engine = engine, .call = call, .out = out };

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
		refuse_error(&work, stranger ? stranger : why);
	else
		refuse(&work, refusals[verdict].code, refusals[verdict].text);
	map_engine_leave(engine);
}

/* ---- connections and time */

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
			end_session(engine, client, "the polling connection was closed");
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
			end_session(engine, client, "a message broke off");
	}
	map_engine_leave(engine);
}

static void end_if(struct map_engine *engine, gint64 now_us, const char *why)
{
	g_autoptr(GPtrArray) clients = map_engine_clients(engine);

	for (guint i = 0; i < clients->len; i++) {
		struct map_client *client = g_ptr_array_index(clients, i);
		if (!client->session)
			continue;
		gint64 deadline = client->session->deadline_us;
		if (now_us == G_MAXINT64 || (deadline && deadline <= now_us))
			end_session(engine, client, why);
	}
}

void map_engine_tick(struct map_engine *engine)
{
	map_engine_enter(engine);
	end_if(engine, g_get_monotonic_time(), "timed out");
	map_engine_leave(engine);
}

void map_engine_drain(struct map_engine *engine)
{
	struct map_store *store;

	map_engine_enter(engine);
	engine->draining = TRUE;
	end_if(engine, G_MAXINT64, "the server is going down");
	store = g_steal_pointer(&engine->store); /* nothing is submitted any more */
	while (engine->n_looking_back > 0)
		g_cond_wait(&engine->looked_back, &engine->lock);
	map_engine_leave(engine);
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
