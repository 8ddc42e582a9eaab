#pragma once
/* The client side of the bench: keep-alive TLS connections driven by one epoll loop.
 *
 * A peer is one connection; it has at most one request under way, sent by load_send(), and tells
 * its owner when the answer is complete. Every answer must be HTTP 200 and no errorResult: a bench
 * that measures refusals is worth nothing, so anything else aborts with what was said. The same
 * code drives drover-mapd and the floor. One thread; callbacks run inside load_run(), load_wait()
 * and load_ask(), and may send but not close.
 */
#include <glib.h>

struct load;
struct load_peer;

/* `body` lives until the callback returns. */
typedef void (*load_answer_fn)(struct load_peer *peer, const char *body, gsize size, gpointer data);

struct load *load_new(void);
/* After all its peers. */
void load_free(struct load *load);

/* Connects to a port of loopback; the handshake is over when this returns. */
struct load_peer *load_connect(
	struct load *load, unsigned port, load_answer_fn answered, gpointer data);
/* Without a goodbye. Accepts NULL. */
void load_close(struct load_peer *peer);

/* `request`: HTTP, headers and body; sent when this returns. */
void load_send(struct load_peer *peer, const char *request);
/* Sends, and serves all peers until this one has its answer: the body, owned by the caller. The
 * peer's callback is not called for it. */
char *load_ask(struct load_peer *peer, const char *request);
/* Serves all peers for so long. */
void load_run(struct load *load, double seconds);
/* Serves all peers until *n_awaited, which callbacks count down, is 0. */
void load_wait(struct load *load, const unsigned *n_awaited);
