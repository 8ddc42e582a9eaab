#pragma once
/* The kernel's network state, watched through rtnetlink: links, who was heard on them, the host's
 * own addresses and routes.
 *
 *   event (or ENOBUFS: some were lost) ──> the table it speaks of is stale
 *   stale, and it was not read just now ──> the table is read again, whole ──> events
 *
 * Nothing is kept of an event but which table it was, so a lost one is healed by the next reading,
 * and a flood of them costs no more than a reading now and then: NETWATCH_PAUSE_MS apart, and at
 * most a twentieth of the time. Links are kept here; of the other tables, which a guest can fill,
 * nothing is: whoever is told reads them and keeps what concerns it. Needs no privilege. Runs on
 * the thread-default GMainContext.
 */
#include "host/netread.h"

#define NETWATCH_PAUSE_MS 200 /* links: none, they do not flood */

enum netwatch_table {
	NETWATCH_LINKS,
	NETWATCH_NEIGHBOURS, /* forwarding tables of bridges included */
	NETWATCH_ROUTES,     /* and addresses */
	NETWATCH_N_TABLES,
};

struct netwatch;

/* Called soon after the start and after changes; never from within a call. The readers below may be
 * called from them (and at other times). */
struct netwatch_events {
	void (*links)(gpointer data); /* they differ */
	/* May differ. FALSE: it could not be read to its end, and the call comes again. */
	gboolean (*neighbours)(struct netwatch *watch, gpointer data);
	gboolean (*routes)(struct netwatch *watch, gpointer data);
};

/* `events` is copied. */
struct netwatch *netwatch_new(const struct netwatch_events *events, gpointer data, GError **error);
void netwatch_free(struct netwatch *watch);
/* NULL: no such link. Borrowed until the next turn of the main loop. */
const struct netread_link *netwatch_find(const struct netwatch *watch, const char *name);
const struct netread_link *netwatch_find_index(const struct netwatch *watch, unsigned index);
/* What the table holds is wanted once more: who is asked for has changed. */
void netwatch_ask(struct netwatch *watch, enum netwatch_table table);

/* Read the table now, one call an entry: first what bridges have learned, then neighbours. FALSE:
 * the kernel broke off, because the table changed meanwhile. */
gboolean netwatch_read_neighbours(struct netwatch *watch,
	void (*each)(const struct netread_neighbour *neighbour, gpointer data), gpointer data);
gboolean netwatch_read_addresses(struct netwatch *watch,
	void (*each)(const struct netread_address *address, gpointer data), gpointer data);
gboolean netwatch_read_routes(struct netwatch *watch,
	void (*each)(const struct netread_route *route, gpointer data), gpointer data);
