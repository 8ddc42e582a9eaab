#include "actor.h"

#include <string.h>

#include "ifmap/answer.h"
#include "ifmap/ask.h"
#include "map/password.h"
#include "raw.h"

static char *user_name(unsigned number)
{
	return g_strdup_printf("bench%05u", number);
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

/* Frees `body`. */
static char *ask(struct actor *actor, GString *body)
{
	g_autofree char *request = http(actor, body);

	return load_ask(actor->peer, request);
}

static void begin_session(struct actor *actor)
{
	GString *body = g_string_new(NULL);
	g_autofree char *text = NULL;
	g_autoptr(ifmap_answer) answer = NULL;

	ifmap_ask_new_session(body, 0);
	text = ask(actor, body);
	answer = ifmap_answer_parse(text, strlen(text), NULL);
	if (!answer || !answer->session_id)
		g_error("no session: %s", text);
	actor->session_id = g_steal_pointer(&answer->session_id);
}

struct actor *actor_new(
	struct load *load, unsigned port, unsigned number, load_answer_fn answered, gpointer data)
{
	struct actor *actor = g_new0(struct actor, 1);
	GString *body = g_string_new(NULL);

	actor->user = user_name(number);
	actor->load = load;
	actor->port = port;
	actor->data = data;
	actor->peer = load_connect(load, port, answered, data);
	begin_session(actor);
	ifmap_ask_poll(body, actor->session_id);
	actor->poll_request = http(actor, body);
	return actor;
}

void actor_free(struct actor *actor)
{
	if (!actor)
		return;
	load_close(actor->poller);
	load_close(actor->peer);
	g_free(actor->poll_request);
	g_free(actor->session_id);
	g_free(actor->user);
	g_free(actor);
}

char *actor_write_publish(const struct actor *actor, struct ifmap_publish *publish)
{
	GString *body = g_string_new(NULL);

	ifmap_ask_publish(body, actor->session_id, NULL, publish);
	ifmap_publish_free(publish);
	return http(actor, body);
}

char *actor_write_search(const struct actor *actor, const struct ifmap_search *search)
{
	GString *body = g_string_new(NULL);

	ifmap_ask_search(body, actor->session_id, NULL, search);
	return http(actor, body);
}

void actor_publish(struct actor *actor, struct ifmap_publish *publish)
{
	g_autofree char *request = actor_write_publish(actor, publish);

	g_free(load_ask(actor->peer, request));
}

static void on_poll(struct load_peer *peer, const char *body, gsize size, gpointer data)
{
	struct actor *actor = data;

	(void)peer;
	if (actor->told)
		actor->told(actor, body, size, actor->data);
}

void actor_subscribe(struct actor *actor, const struct ifmap_search *searches, unsigned n)
{
	GString *body = g_string_new(NULL);

	ifmap_ask_subscribe_begin(body, actor->session_id, NULL);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("bench%u", i);

		ifmap_ask_subscribe_update(body, name, &searches[i]);
	}
	ifmap_ask_subscribe_end(body);
	g_free(ask(actor, body));
	actor->poller = load_connect(actor->load, actor->port, on_poll, actor);
	g_free(load_ask(actor->poller, actor->poll_request));
	actor_poll(actor);
}

void actor_poll(struct actor *actor)
{
	load_send(actor->poller, actor->poll_request);
}
