#pragma once
/* One session's place with a client: session, subscriptions, undelivered results (ifmap.md 4.2).
 *
 * An account (account.h) has one, or as many as it may have sessions. Lives as long as the engine,
 * since the publisher-id must; everything but the publisher-id goes with the session. Under the
 * engine's lock.
 */
#include "map/pollbuf.h"
#include "map/session.h"
#include "map/subscription.h"

struct map_account;

struct map_client {
	char *name;                  /* the account's */
	struct map_account *account; /* whose it is; borrowed */
	struct map_publisher *publisher;
	struct map_session *session; /* NULL: none; then the rest is empty */
	gpointer poll_token;         /* a poll hangs: session->polling */
	GHashTable *subscriptions;   /* name -> struct map_subscription *; owns */
	struct map_pollbuf buf;
	size_t max_poll_size;
	gboolean overflowed; /* the next poll is answered PollResultsTooBig */
};

struct map_client *map_client_new(const char *name, struct map_publisher *publisher);
void map_client_free(struct map_client *client);

/* A publisher-id for a client of this name: at most 64 characters out of [A-Za-z0-9._-], unlikely
 * to be another's. */
char *map_client_make_publisher_id(const char *name);
