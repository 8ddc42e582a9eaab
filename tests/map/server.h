#pragma once
/* A real drover-mapd for one test program: its folder, certificates, clients, life and death.
 *
 * Clients "A" to "Z" but C and D, who have certificates, may use Basic with the password "pw"; R is
 * read-only, P may purge others; "colon" has "p:w:". The program is found through the environment
 * variable DROVER_MAPD. One thread.
 */
#include <curl/curl.h>
#include <glib.h>

struct server {
	char *dir;
	char *url; /* https://127.0.0.1:PORT/ */
	unsigned port;
	GPid pid;
	int log; /* -1: the file "log" */
};

/* `extra`: more lines of configuration (may open new groups), or NULL. Starts the server. */
struct server *server_new(const char *extra);
/* The same; its standard output and error are `log`, which stays the caller's. */
struct server *server_new_with_log(const char *extra, int log);
/* SIGTERM, wait, remove the folder; the exit must be clean. */
void server_free(struct server *server);
/* kill -9, wait. */
void server_kill(struct server *server);
void server_start(struct server *server);
/* A file of the folder, newly allocated path. */
char *server_path(const struct server *server, const char *name);
/* Waits until all of the server's threads sleep: what was sent to it before is dealt with, since
 * loopback delivers before send() returns. */
void server_settle(const struct server *server);
/* Waits until it has logged `text`, counted from `*seen` on. */
void server_wait_log(const struct server *server, const char *text, size_t *seen);
gboolean server_is_alive(const struct server *server);

/* An easy handle that trusts the server, speaks as `client` (NULL: nobody), and POSTs; answers go
 * to `answer`. */
CURL *server_curl(const struct server *server, const char *client, GString *answer);
/* A whole envelope around an operation ("<ifmap:...>"). */
char *server_envelope(const char *operation);
/* POSTs an envelope on this handle; the HTTP status, or 0 when the transfer failed. `answer` is
 * emptied first. */
long server_post(CURL *curl, const char *body, gssize size, GString *answer);
/* newSession; the session-id, newly allocated, or NULL. */
char *server_begin(CURL *curl, GString *answer);
