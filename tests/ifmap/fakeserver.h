#pragma once
/* A tiny HTTPS server whose every byte a test decides: for answers that no decent server would
 * give.
 *
 * Listens on 127.0.0.1, any port, with a certificate of its own making. Each connection has a
 * thread; it reads one request after the other and calls the handler, which answers with _send or
 * not at all. Free joins everything.
 */
#include <glib.h>

struct fake_server;
struct fake_conn;

/* `body` is the request's, NUL-terminated. Runs in the connection's thread. */
typedef void (*fake_handler_fn)(struct fake_conn *conn, const char *body, gpointer data);

struct fake_server *fake_server_new(fake_handler_fn handler, gpointer data);
void fake_server_free(struct fake_server *server);
/* Handshakes that took up an earlier TLS session by its ticket. */
unsigned fake_server_n_resumed(struct fake_server *server);
/* Tickets given out so far are worth nothing any more, as after a restart. */
void fake_server_forget_tickets(struct fake_server *server);
/* The next requests that come in more than one piece are not read to their end: the connection is
 * reset while the client sends. */
void fake_server_cut(struct fake_server *server, unsigned n_requests);
const char *fake_server_url(const struct fake_server *server);
const char *fake_server_ca_file(const struct fake_server *server);

/* 1 for the server's first connection, and so on. */
unsigned fake_conn_number(const struct fake_conn *conn);
/* One TLS record, sent at once. */
void fake_conn_send(struct fake_conn *conn, const void *data, size_t size);
void fake_conn_close(struct fake_conn *conn);
