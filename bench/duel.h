#pragma once
/* The same requests, sent by the same number of clients, to drover-mapd and to the floor, in turns.
 *
 * Each client sends its next request as soon as the one before is answered. CPU time is that of the
 * server's process for one request, in the best of several rounds: what else the machine does can
 * only add to it. One thread.
 */
#include "actor.h"
#include "work.h"

struct duel_side {
	double cpu_us;     /* for one request, in the best round */
	double rate;       /* requests a second, in the best round */
	double n_requests; /* all rounds together, as: */
	double cpu_s;
};

struct duel {
	struct bench *bench;
	struct server *server;
	unsigned first_actor; /* number of the first client */
	unsigned n_clients;
	/* Writes the request of one client. */
	struct form *(*write)(const struct actor *actor, gpointer data);
	/* Numbers for the next request (form.h). */
	void (*next)(gpointer data, unsigned *ret_ip, unsigned *ret_mac);
	gpointer data;
};

/* `ret_floor` NULL: without a floor. `ret_size`, which may be NULL: bytes of an answer without
 * HTTP's head. */
void duel_play(const struct duel *duel, struct duel_side *ret_mapd, struct duel_side *ret_floor,
	gsize *ret_size);
