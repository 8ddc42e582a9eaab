#pragma once
/* One MAP client of the bench: a session at drover-mapd, a connection to ask on, and one that polls
 * when it subscribes.
 *
 * It writes its requests once, with the same code as libdrover-ifmap, and only sends them while
 * figures are taken. One thread.
 */
#include <drover/ifmap.h>

#include "form.h"
#include "load.h"

struct actor;
/* An answer came to a poll; `data` is actor->data. */
typedef void (*actor_told_fn)(struct actor *actor, const char *body, gsize size, gpointer data);

struct actor {
	char *user;
	char *session_id;
	struct load *load;
	unsigned port;
	struct load_peer *peer;
	struct load_peer *poller; /* NULL until it subscribes */
	char *poll_request;
	actor_told_fn told; /* may be NULL */
	gpointer data;
};

/* Lines for the server's password file, for actors 0 to n - 1. Owned by the caller. */
char *actor_passwords(unsigned n);

/* Connects and opens the session. Answers to what is sent over `peer` go to `answered` with
 * `data`; it may be NULL when there will be none. */
struct actor *actor_new(
	struct load *load, unsigned port, unsigned number, load_answer_fn answered, gpointer data);
/* Hangs up. Accepts NULL. */
void actor_free(struct actor *actor);

/* HTTP requests in its name, owned by the caller; `publish` is taken. */
char *actor_write_publish(const struct actor *actor, struct ifmap_publish *publish);
char *actor_write_search(const struct actor *actor, const struct ifmap_search *search);
/* Publishes now, and waits until it is done. Takes `publish`. */
void actor_publish(struct actor *actor, struct ifmap_publish *publish);
/* Subscribes to each of `searches`, in one request, takes the first results, and leaves a poll
 * parked at the server. */
void actor_subscribe(struct actor *actor, const struct ifmap_search *searches, unsigned n);
void actor_poll(struct actor *actor);
