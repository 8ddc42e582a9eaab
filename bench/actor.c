#include "actor.h"

#include <string.h>

#include "facts/facts.h"
#include "ifmap/answer.h"
#include "ifmap/ask.h"
#include "map/password.h"
#include "raw.h"

#define SUBSCRIPTION "bench"

static char *user_name(unsigned number)
{
	return g_strdup_printf("bench%u", number);
}

/* The hash does not depend on the name, and takes long: made once. */
char *actor_passwords(unsigned n)
{
	GString *lines = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *line = map_password_line("x", "pw", 1, &error);

	if (!line)
		g_error("%s", error->message);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *user = user_name(i);

		g_string_append_printf(lines, "%s%s\n", user, strchr(line, ':'));
	}
	return g_string_free(lines, FALSE);
}

/* Frees `body`. */
static char *http(const struct actor *actor, GString *body)
{
	char *request = raw_request(actor->user, "", body->str);

	g_string_free(body, TRUE);
	return request;
}

static void on_answer(struct load_peer *peer, const char *body, gsize size, gpointer data)
{
	struct actor *actor = data;

	if (actor->answered)
		actor->answered(actor, peer == actor->poller, body, size, actor->data);
}

static void begin_session(struct actor *actor)
{
	GString *body = g_string_new(NULL);
	g_autofree char *request = NULL;
	g_autofree char *text = NULL;
	g_autoptr(ifmap_answer) answer = NULL;

	ifmap_ask_new_session(body, 0);
	request = http(actor, body);
	text = load_ask(actor->peer, request);
	answer = ifmap_answer_parse(text, strlen(text), NULL);
	if (!answer || !answer->session_id)
		g_error("no session: %s", text);
	actor->session_id = g_steal_pointer(&answer->session_id);
}

struct actor *actor_new(
	struct load *load, unsigned port, unsigned number, actor_answer_fn answered, gpointer data)
{
	struct actor *actor = g_new0(struct actor, 1);
	GString *body = g_string_new(NULL);

	actor->number = number;
	actor->user = user_name(number);
	actor->load = load;
	actor->port = port;
	actor->answered = answered;
	actor->data = data;
	actor->peer = load_connect(load, port, on_answer, actor);
	begin_session(actor);
	ifmap_ask_poll(body, actor->session_id);
	actor->poll_request = http(actor, body);
	return actor;
}

void actor_free(struct actor *actor)
{
	GString *body;
	g_autofree char *request = NULL;

	if (!actor)
		return;
	/* A parked poll ends with the session; the other way round, the session would end with
	 * the poll's connection. */
	actor->answered = NULL;
	body = g_string_new(NULL);
	ifmap_ask_end_session(body, actor->session_id);
	request = http(actor, body);
	g_free(load_ask(actor->peer, request));
	load_close(actor->poller);
	load_close(actor->peer);
	for (unsigned i = 0; i < ACTOR_N_REQUESTS; i++)
		g_free(actor->requests[i]);
	g_free(actor->poll_request);
	g_free(actor->session_id);
	g_free(actor->user);
	g_free(actor);
}

static char *publish_request(const struct actor *actor, struct ifmap_publish *publish)
{
	GString *body = g_string_new(NULL);

	ifmap_ask_publish(body, actor->session_id, FACTS_PREFIXES, publish);
	ifmap_publish_free(publish);
	return http(actor, body);
}

void actor_set_publish(struct actor *actor, unsigned i, struct ifmap_publish *publish)
{
	g_free(actor->requests[i]);
	actor->requests[i] = publish_request(actor, publish);
}

void actor_set_search(struct actor *actor, unsigned i, const struct ifmap_search *search)
{
	GString *body = g_string_new(NULL);

	ifmap_ask_search(body, actor->session_id, FACTS_PREFIXES, search);
	g_free(actor->requests[i]);
	actor->requests[i] = http(actor, body);
}

void actor_publish(struct actor *actor, struct ifmap_publish *publish)
{
	g_autofree char *request = publish_request(actor, publish);

	g_free(load_ask(actor->peer, request));
}

void actor_subscribe(struct actor *actor, const struct ifmap_search *search)
{
	GString *body = g_string_new(NULL);
	g_autofree char *request = NULL;

	ifmap_ask_subscribe_begin(body, actor->session_id, FACTS_PREFIXES);
	ifmap_ask_subscribe_update(body, SUBSCRIPTION, search);
	ifmap_ask_subscribe_end(body);
	request = http(actor, body);
	g_free(load_ask(actor->peer, request));
	actor->poller = load_connect(actor->load, actor->port, on_answer, actor);
	g_free(load_ask(actor->poller, actor->poll_request));
	actor_poll(actor);
}

const char *actor_next_request(struct actor *actor)
{
	const char *request = actor->requests[actor->n_sent++ % ACTOR_N_REQUESTS];

	return request ? request : actor->requests[0];
}

void actor_send(struct actor *actor)
{
	load_send(actor->peer, actor_next_request(actor));
}

void actor_poll(struct actor *actor)
{
	load_send(actor->poller, actor->poll_request);
}
