#pragma once
/* A TLS connection without an HTTP library, to send what no library would. */
#include <glib.h>
#include <gnutls/gnutls.h>

#include "server.h"

struct raw {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

/* `certificate`: name of a pair of the server's folder ("good"), or NULL. NULL when the handshake
 * fails. */
struct raw *raw_open(const struct server *server, const char *certificate);
void raw_close(struct raw *raw);
void raw_send(struct raw *raw, const char *data, gssize size);
/* One TLS record; 0 at the end of the stream, -1 on an error or when nothing came within
 * timeout_ms. */
gssize raw_receive(struct raw *raw, char *data, size_t size, unsigned timeout_ms);
/* Everything until the peer closes or timeout_ms of silence. */
char *raw_receive_all(struct raw *raw, unsigned timeout_ms);
/* A plain TCP connection to the server's port. */
int raw_connect(const struct server *server);
/* "POST / HTTP/1.1" with Basic credentials of `client`, `headers` (each with CRLF) and the body. */
char *raw_request(const char *client, const char *headers, const char *body);
