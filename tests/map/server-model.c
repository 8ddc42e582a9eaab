#include "server-model.h"

#include <string.h>

#define CLIENT_P 2
#define CLIENT_R 3

/* One member of a pollResult to be. */
struct member {
	const char *kind;
	int name;
	struct model_items *items;
	size_t size; /* bytes of the element */
};

static void member_free(gpointer data)
{
	struct member *member = data;
	model_items_free(member->items);
	g_free(member);
}

struct model_server *model_server_new(void)
{
	struct model_server *server = g_new0(struct model_server, 1);
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		server->clients[i].pending = g_ptr_array_new_with_free_func(member_free);
		server->clients[i].polling = -1;
	}
	return server;
}

void model_server_free(struct model_server *server)
{
	for (int i = 0; i < SEQUENCE_CLIENTS; i++) {
		g_ptr_array_unref(server->clients[i].pending);
		g_free(server->clients[i].woken);
	}
	g_free(server);
}

/* ---- what waits for a poll: ifmap.md 8.5, 8.6 */

static size_t pending_size(const struct model_client *client, int name)
{
	size_t size = 0;
	for (guint i = 0; i < client->pending->len; i++) {
		const struct member *member = g_ptr_array_index(client->pending, i);
		if (name < 0 || member->name == name)
			size += member->size;
	}
	return size;
}

static void drop_pending(struct model_client *client, int name)
{
	for (guint i = client->pending->len; i > 0; i--)
		if (((struct member *)g_ptr_array_index(client->pending, i - 1))->name == name)
			g_ptr_array_remove_index(client->pending, i - 1);
}

static struct member *add_member(struct model_client *client, const char *kind, int name)
{
	struct member *member = g_new0(struct member, 1);
	member->kind = kind;
	member->name = name;
	member->items = model_items_new();
	g_ptr_array_add(client->pending, member);
	return member;
}

/* Neighbours of one kind and subscription are one result. */
static struct member *open_member(struct model_client *client, const char *kind, int name)
{
	guint n = client->pending->len;
	struct member *last = n ? g_ptr_array_index(client->pending, n - 1) : NULL;
	if (last && last->name == name && strcmp(last->kind, kind) == 0)
		return last;
	last = add_member(client, kind, name);
	last->size = strlen("<updateResult name=\"w0\"></updateResult>");
	return last;
}

static void put(
	struct model_client *client, const char *kind, int name, const struct model_items *items)
{
	if (items->texts->len == 0)
		return;
	struct member *member = open_member(client, kind, name);
	for (guint i = 0; i < items->texts->len; i++)
		g_ptr_array_add(member->items->texts, g_strdup(g_ptr_array_index(items->texts, i)));
	member->items->size += items->size;
	member->size += items->size;
}

static void too_big(struct model_client *client, int name, const char *why)
{
	static const char REST[] = "<errorResult errorCode=\"SearchResultsTooBig\" name=\"w0\">"
				   "<errorString></errorString></errorResult>";
	drop_pending(client, name);
	client->subscriptions[name].stands = FALSE;
	add_member(client, "error", name)->size = strlen(REST) + strlen(why);
}

static void drop_subscriptions(struct model_client *client)
{
	for (int i = 0; i < SEQUENCE_NAMES; i++)
		client->subscriptions[i].stands = FALSE;
	g_ptr_array_set_size(client->pending, 0);
}

static void check_poll_size(struct model_client *client)
{
	if (pending_size(client, -1) <= client->max_poll)
		return;
	drop_subscriptions(client);
	client->overflowed = TRUE;
}

static size_t max_size(const struct sequence_op *query)
{
	return query->size ? (size_t)query->size : MODEL_LARGE;
}

/* What a poll is answered now, or NULL: it hangs. */
static char *fetch(struct model_client *client)
{
	GString *out;

	if (client->overflowed) {
		client->overflowed = FALSE;
		drop_subscriptions(client);
		return g_strdup("error PollResultsTooBig");
	}
	if (client->pending->len == 0)
		return NULL;
	out = g_string_new(NULL);
	for (guint i = 0; i < client->pending->len; i++) {
		const struct member *member = g_ptr_array_index(client->pending, i);
		g_autofree char *items = model_items_text(member->items);
		g_string_append_printf(out, "%s%s(w%d): %s", i ? " | " : "", member->kind,
			member->name, *items ? items : "SearchResultsTooBig");
	}
	g_ptr_array_set_size(client->pending, 0);
	return g_string_free(out, FALSE);
}

static void settle(struct model_client *client)
{
	if (client->polling < 0)
		return;
	client->woken = fetch(client);
	if (client->woken)
		client->polling = -1;
}

/* ---- commits: who must be told what */

/* ifmap.md 8.4. */
static gboolean hears(const struct model_subscription *subscription,
	const struct model_answer *answer, const struct model_fact *notice)
{
	const struct sequence_op *query = &subscription->query;
	if (!model_filter_matches(query->result, notice->type, notice->attribute))
		return FALSE;
	if (notice->b < 0)
		return answer->depth[notice->a] >= 0;
	return model_filter_matches(query->links, notice->type, notice->attribute) &&
	       (model_expands(query, answer, notice->a) || model_expands(query, answer, notice->b));
}

static void tell(
	struct model_server *server, struct model_client *client, int name, const GArray *notices)
{
	struct model_subscription *subscription = &client->subscriptions[name];
	g_autoptr(model_items) notified = model_items_new();
	g_autoptr(model_items) deleted = model_items_new();
	g_autoptr(model_items) updated = model_items_new();
	struct model_answer now;

	model_search(&server->map, &subscription->query, &now);
	for (guint i = 0; notices && i < notices->len; i++) {
		const struct model_fact *notice = &g_array_index(notices, struct model_fact, i);
		if (hears(subscription, &now, notice))
			model_add_notice(notice, notified);
	}
	model_add_deleted(&server->map, &subscription->seen, &now, deleted);
	model_add_updated(&server->map, &subscription->seen, &now, updated);
	subscription->seen = now;
	put(client, "notify", name, notified);
	put(client, "delete", name, deleted);
	put(client, "update", name, updated);
	if (pending_size(client, name) > max_size(&subscription->query))
		too_big(client, name, "more was pending than max-size allows");
	check_poll_size(client);
}

/* `notices`: struct model_fact, may be NULL. */
static void commit(struct model_server *server, const GArray *notices)
{
	for (unsigned order = 0; order < server->n_ordered; order++)
		for (int c = 0; c < SEQUENCE_CLIENTS; c++)
			for (int i = 0; i < SEQUENCE_NAMES; i++) {
				struct model_client *client = &server->clients[c];
				if (client->subscriptions[i].stands &&
					client->subscriptions[i].order == order)
					tell(server, client, i, notices);
			}
	for (int c = 0; c < SEQUENCE_CLIENTS; c++)
		settle(&server->clients[c]);
}

static void end_session(struct model_server *server, int who)
{
	struct model_client *client = &server->clients[who];

	if (client->polling >= 0)
		client->woken = g_strdup("end");
	client->polling = -1;
	client->session = FALSE;
	client->overflowed = FALSE;
	client->lost = FALSE;
	memset(client->roles, 0, sizeof(client->roles));
	drop_subscriptions(client);
	model_remove_all(&server->map, who, MODEL_SESSION_ONLY);
	commit(server, NULL);
}

/* ---- requests */

static char *refusal(const char *code)
{
	return g_strconcat("error ", code, NULL);
}

/* One operation of a publish; the error code, or NULL. */
static const char *apply(struct model *map, int who, const struct sequence_op *op, GArray *notices)
{
	if (op->kind == SEQUENCE_DELETE) {
		if (who == CLIENT_R && model_would_delete(map, op))
			return "AccessDenied";
		model_delete(map, op);
		return NULL;
	}
	if (map->cardinality[op->type] == MODEL_UNKNOWN)
		map->cardinality[op->type] = model_claim(op);
	if (map->cardinality[op->type] != model_claim(op))
		return "InvalidMetadata";
	if (who == CLIENT_R)
		return "AccessDenied";
	if (op->kind == SEQUENCE_UPDATE) {
		model_add(map, op, who);
		return NULL;
	}
	const struct model_fact notice = {
		.a = op->a,
		.b = op->b,
		.type = op->type,
		.single = model_claim(op) == MODEL_SINGLE,
		.number = 5000 + notices->len,
		.attribute = op->attribute,
		.publisher = who,
	};
	g_array_append_val(notices, notice);
	return NULL;
}

static char *publish(struct model_server *server, const struct sequence_step *step)
{
	g_autofree struct model *before = g_memdup2(&server->map, sizeof(server->map));
	g_autoptr(GArray) notices = g_array_new(FALSE, FALSE, sizeof(struct model_fact));
	const char *error = NULL;

	for (int i = 0; i < step->n_ops && !error; i++)
		error = apply(&server->map, step->client, &step->ops[i], notices);
	size_t stored = model_stored(&server->map, step->client);
	if (!error && stored > MODEL_MAX_STORED && stored > model_stored(before, step->client))
		error = "Failure";
	if (error) {
		server->map = *before;
		return refusal(error);
	}
	commit(server, notices);
	return g_strdup("ok");
}

char *model_server_search(const struct model *map, const struct sequence_op *asked)
{
	g_autoptr(model_items) items = model_items_new();
	struct sequence_op query = *asked;
	struct model_answer answer;

	query.depth = MIN(query.depth, MODEL_MAX_DEPTH);
	model_search(map, &query, &answer);
	model_add_answer(map, &answer, items);
	if (strlen("<searchResult></searchResult>") + items->size > max_size(&query))
		return refusal("SearchResultsTooBig");
	return model_items_text(items);
}

static char *search(struct model_server *server, const struct sequence_step *step)
{
	return model_server_search(&server->map, &step->ops[0]);
}

static void watch(
	struct model_server *server, struct model_client *client, const struct sequence_op *op)
{
	struct model_subscription *subscription = &client->subscriptions[op->name];
	g_autoptr(model_items) items = model_items_new();

	drop_pending(client, op->name);
	subscription->stands = op->kind == SEQUENCE_WATCH;
	if (!subscription->stands)
		return;
	subscription->query = *op;
	subscription->query.depth = MIN(op->depth, MODEL_MAX_DEPTH);
	subscription->order = server->n_ordered++;
	model_search(&server->map, &subscription->query, &subscription->seen);
	model_add_answer(&server->map, &subscription->seen, items);
	size_t size = strlen("<searchResult name=\"w0\"></searchResult>") + items->size;
	if (size > max_size(op)) {
		g_autofree char *why = g_strdup_printf(
			"the result is larger than %zu bytes", max_size(op));
		too_big(client, op->name, why);
	} else {
		put(client, "search", op->name, items);
	}
	check_poll_size(client);
}

static char *subscribe(struct model_server *server, const struct sequence_step *step)
{
	struct model_client *client = &server->clients[step->client];
	unsigned n = 0;

	for (int i = 0; i < SEQUENCE_NAMES; i++)
		n += client->subscriptions[i].stands;
	for (int i = 0; i < step->n_ops; i++)
		n += step->ops[i].kind == SEQUENCE_WATCH &&
		     !client->subscriptions[step->ops[i].name].stands;
	if (n > MODEL_MAX_SUBSCRIPTIONS)
		return refusal("Failure");
	for (int i = 0; i < step->n_ops; i++)
		watch(server, client, &step->ops[i]);
	settle(client);
	return g_strdup("ok");
}

static char *poll(struct model_server *server, const struct sequence_step *step)
{
	struct model_client *client = &server->clients[step->client];
	char *answer = fetch(client);
	if (!answer)
		client->polling = step->channel;
	return answer;
}

static char *new_session(struct model_server *server, const struct sequence_step *step)
{
	struct model_client *client = &server->clients[step->client];
	client->known = TRUE;
	client->session = TRUE;
	client->roles[step->channel] = MODEL_SSRC;
	client->max_poll = step->size ? (size_t)step->size : 5000000;
	return step->size ? g_strdup_printf("new %d", step->size) : g_strdup("new");
}

static char *end(struct model_server *server, const struct sequence_step *step)
{
	end_session(server, step->client);
	return g_strdup("end");
}

static char *renew(struct model_server *server, const struct sequence_step *step)
{
	(void)server, (void)step;
	return g_strdup("ok");
}

static char *purge(struct model_server *server, const struct sequence_step *step)
{
	gboolean own = step->target == step->client;
	if (step->client == CLIENT_R || (!own && step->client != CLIENT_P))
		return refusal("AccessDenied");
	model_remove_all(&server->map, step->target, MODEL_EVERYTHING);
	commit(server, NULL);
	return g_strdup("ok");
}

/* ---- sessions and connections: ifmap.md 4.2 */

/* What is wrong with the text of the request, or NULL: then nothing of it is carried out, and its
 * connection takes no part in the session. */
static const char *misread(const struct sequence_step *step)
{
	for (int i = 0; i < step->n_ops; i++)
		if (step->ops[i].a == step->ops[i].b)
			return "InvalidIdentifier";
	return step->verb == SEQUENCE_GARBLED ? "Failure" : NULL;
}

/* What is refused before the operation is looked at, or NULL. */
static const char *judge(struct model_server *server, const struct sequence_step *step)
{
	struct model_client *client = &server->clients[step->client];
	enum model_role role = client->roles[step->channel];

	if (step->verb == SEQUENCE_NEW) {
		if (client->session && (role == MODEL_ARC || role == MODEL_SUPERSEDED))
			return "AccessDenied";
		if (client->session)
			end_session(server, step->client);
		return NULL;
	}
	if (!client->session || step->id != SEQUENCE_OWN)
		return "InvalidSessionID";
	if (step->verb == SEQUENCE_POLL && client->polling >= 0) {
		end_session(server, step->client);
		return "InvalidSessionID";
	}
	if (role == MODEL_SUPERSEDED)
		return "AccessDenied";
	if (role == (step->verb == SEQUENCE_POLL ? MODEL_SSRC : MODEL_ARC))
		return "Failure";
	return misread(step);
}

/* The connection takes its part in the session. */
static void enter(struct model_client *client, const struct sequence_step *step)
{
	enum model_role role = step->verb == SEQUENCE_POLL ? MODEL_ARC : MODEL_SSRC;
	for (int i = 0; i < SEQUENCE_CHANNELS; i++)
		if (i != step->channel && client->roles[i] == role)
			client->roles[i] = MODEL_SUPERSEDED;
	client->roles[step->channel] = role;
	client->lost = FALSE;
}

static char *close_connection(struct model_server *server, const struct sequence_step *step)
{
	struct model_client *client = &server->clients[step->client];
	enum model_role role = client->roles[step->channel];
	gboolean open = FALSE;

	client->roles[step->channel] = MODEL_FRESH;
	if (role != MODEL_SSRC && role != MODEL_ARC)
		return NULL;
	if (role == MODEL_ARC && client->polling >= 0) {
		end_session(server, step->client);
		return NULL;
	}
	for (int i = 0; i < SEQUENCE_CHANNELS; i++)
		open = open || client->roles[i] == MODEL_SSRC || client->roles[i] == MODEL_ARC;
	client->lost = !open;
	return NULL;
}

static char *break_connection(struct model_server *server, const struct sequence_step *step)
{
	enum model_role role = server->clients[step->client].roles[step->channel];
	if (role == MODEL_SSRC || role == MODEL_ARC)
		end_session(server, step->client);
	return close_connection(server, step);
}

static char *tick(struct model_server *server, const struct sequence_step *step)
{
	(void)step;
	for (int i = 0; i < SEQUENCE_CLIENTS; i++)
		if (server->clients[i].lost)
			end_session(server, i);
	return NULL;
}

static const struct {
	gboolean is_request;
	char *(*run)(struct model_server *server, const struct sequence_step *step);
} VERBS[SEQUENCE_VERBS] = {
	[SEQUENCE_PUBLISH] = { TRUE, publish },
	[SEQUENCE_SUBSCRIBE] = { TRUE, subscribe },
	[SEQUENCE_SEARCH] = { TRUE, search },
	[SEQUENCE_POLL] = { TRUE, poll },
	[SEQUENCE_NEW] = { TRUE, new_session },
	[SEQUENCE_END] = { TRUE, end },
	[SEQUENCE_RENEW] = { TRUE, renew },
	[SEQUENCE_PURGE] = { TRUE, purge },
	[SEQUENCE_GARBLED] = { TRUE, NULL },
	[SEQUENCE_CLOSE] = { FALSE, close_connection },
	[SEQUENCE_BREAK] = { FALSE, break_connection },
	[SEQUENCE_TICK] = { FALSE, tick },
};

gboolean model_server_is_busy(const struct model_server *server, const struct sequence_step *step)
{
	return VERBS[step->verb].is_request &&
	       server->clients[step->client].polling == step->channel;
}

char *model_server_step(struct model_server *server, const struct sequence_step *step)
{
	if (!VERBS[step->verb].is_request)
		return VERBS[step->verb].run(server, step);
	const char *refused = judge(server, step);
	if (refused)
		return refusal(refused);
	if (step->verb != SEQUENCE_NEW)
		enter(&server->clients[step->client], step);
	return VERBS[step->verb].run(server, step);
}

/* ---- counts */

unsigned model_server_n_sessions(const struct model_server *server)
{
	unsigned n = 0;
	for (int i = 0; i < SEQUENCE_CLIENTS; i++)
		n += server->clients[i].session;
	return n;
}

unsigned model_server_n_subscriptions(const struct model_server *server)
{
	unsigned n = 0;
	for (int i = 0; i < SEQUENCE_CLIENTS; i++)
		for (int k = 0; k < SEQUENCE_NAMES; k++)
			n += server->clients[i].subscriptions[k].stands;
	return n;
}
