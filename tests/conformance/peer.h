#pragma once
/* A client of libcurl with one connection and one session, which sees the bytes of heads and
 * bodies. */
#include "server.h"

struct peer {
	struct server *server; /* borrowed */
	GString *answer;       /* body of the last one */
	GString *headers;      /* its head */
	CURL *curl;
	struct curl_slist *extra;
	char *session_id;
};

/* Logs in as `client` and starts a session. */
void peer_init(struct peer *peer, struct server *server, const char *client);
/* The session stays. */
void peer_clear(struct peer *peer);
/* One more header on all requests to come. */
void peer_header(struct peer *peer, const char *header);
/* The HTTP status. size < 0: up to NUL. */
long peer_post(struct peer *peer, const char *body, gssize size);
/* The envelope of an operation, the session-id put in place of {s}. */
char *peer_fill(const struct peer *peer, const char *operation);
char *peer_renewal(const struct peer *peer);
/* Sends an operation ({s} as above); the answer must hold `expected`. */
void peer_ask(struct peer *peer, const char *operation, const char *expected);
void peer_assert_renews(struct peer *peer);
