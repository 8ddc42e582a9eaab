#pragma once
/* The floor under drover-mapd's figures: libmicrohttpd with nothing behind it, in a process of its
 * own, that answers every request with the same bytes.
 *
 * It is set up as drover-mapd's front is: epoll, GnuTLS, TLS 1.3, a pool of the same number of
 * threads, TCP_NODELAY, the same certificate, the same Content-Type. It reads request bodies and
 * drops them. One thread; the caller has no other when it opens a floor, since that forks.
 */
#include "server.h"

struct floor {
	GPid pid;
	unsigned port;
};

/* Certificate and key are those of `server`'s folder; the answer is `size` bytes at `body`. */
struct floor *floor_open(
	const struct server *server, unsigned n_threads, const char *body, gsize size);
/* Kills it. Accepts NULL. */
void floor_close(struct floor *floor);
