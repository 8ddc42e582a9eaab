#pragma once
/* One MAP client of the bench: a session at drover-mapd, a connection to ask on, and one that polls
 * when it subscribes.
 *
 * It writes its requests once, with the same code as libdrover-ifmap, and only sends them while
 * figures are taken. One thread.
 */
#include <drover/ifmap.h>

#include "load.h"

#define ACTOR_N_REQUESTS 2 /* sent in turn, so that each publish changes something */

struct actor;
/* An answer came for what the actor sent, or (`poll`) to its poll. */
typedef void (*actor_answer_fn)(
	struct actor *actor, gboolean poll, const char *body, gsize size, gpointer data);

struct actor {
	unsigned number; /* tells the things it writes about from others' */
	char *user;
	char *session_id;
	struct load *load;
	unsigned port;
	struct load_peer *peer;
	struct load_peer *poller; /* NULL until it subscribes */
	char *requests[ACTOR_N_REQUESTS];
	char *poll_request;
	unsigned n_sent;
	actor_answer_fn answered;
	gpointer data;
};

/* Lines for the server's password file, for actors 0 to n - 1. Owned by the caller. */
char *actor_passwords(unsigned n);

/* Connects and opens the session. */
struct actor *actor_new(
	struct load *load, unsigned port, unsigned number, actor_answer_fn answered, gpointer data);
/* Ends the session, closes the connections. Accepts NULL. */
void actor_free(struct actor *actor);

/* What it will send as its i-th request; takes `publish`. */
void actor_set_publish(struct actor *actor, unsigned i, struct ifmap_publish *publish);
void actor_set_search(struct actor *actor, unsigned i, const struct ifmap_search *search);
/* Publishes now, and waits until it is done. Takes `publish`. */
void actor_publish(struct actor *actor, struct ifmap_publish *publish);
/* Subscribes, takes the first result, and leaves a poll parked at the server. */
void actor_subscribe(struct actor *actor, const struct ifmap_search *search);

/* Sends the next of its requests; the first if it has only one. */
void actor_send(struct actor *actor);
const char *actor_next_request(struct actor *actor);
void actor_poll(struct actor *actor);
