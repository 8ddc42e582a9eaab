#pragma once
/* One TCP connection, and who is at its other end: the owner of a client certificate, or whoever
 * proves a password with each request (ifmap.md 3.1).
 *
 * Lives as long as libmicrohttpd's connection; used by one of its workers at a time.
 */
#include <microhttpd.h>

#include "map/auth.h"
#include "map/crowd.h"

struct map_peer {
	guint64 number; /* never reused */
	int fd;
	guint64 judged;                   /* edition by which the two below are known; 0: none */
	gboolean refused;                 /* it showed a certificate we do not accept */
	struct map_identity *certificate; /* the owner of a good one, or NULL */
	struct map_proof proof;           /* by password */
	struct map_crowd *crowd;          /* borrowed */
	char *counted;                    /* whose connection it counts as there; NULL: nobody's */
};

/* One that is gone without a word is noticed by TCP: asked after [limits] keep-alive, given up
 * after session-timeout. */
struct map_peer *map_peer_new(
	struct MHD_Connection *connection, guint64 number, const struct map_limits *limits);
void map_peer_free(struct map_peer *peer);

/* NULL before the handshake. Borrowed. */
gnutls_session_t map_peer_tls(struct MHD_Connection *connection);
/* Counts the connection as this client's; FALSE: that has as many as it may. */
gboolean map_peer_count(struct map_peer *peer, struct map_crowd *crowd, const char *client);
/* Whose request this is: 0 and a reference, or the HTTP status to refuse with. */
unsigned map_peer_authenticate(struct map_peer *peer, struct map_auth *auth,
	struct MHD_Connection *connection, struct map_identity **ret_client);
