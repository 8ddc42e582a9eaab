#pragma once
/* Keeps the enforcer at what the book says, and knows what the kernel answered.
 *
 *   book: reserved + protected ──guard_sync()──> set ──> read back ──> conforms? ──> changed()
 *   neither reserved nor present ─────────────> remove
 *
 * A machine's rules are put in place as soon as it is reserved here, long before it runs, and are
 * taken away only when it is neither reserved nor present. That goes for what an earlier agent left
 * with the enforcer too. The enforcer is a process of its own: when it goes away the kernel keeps
 * its rules, the guard says so (nothing is conforming any more), reconnects, asks for everything
 * anew and compares. What the enforcer refuses is asked again every second. One thread.
 */
#include "host/book.h"
#include "host/enforce_client.h"

struct guard;

/* What is known of one machine's rules. Strings are borrowed until the next turn of the main loop.
 */
struct guard_state {
	const char *intent;   /* digest of what was asked */
	const char *readback; /* digest of what the kernel holds; NULL before the first answer */
	const char *difference;
	gboolean conforming;
	gint64 at_ms; /* wall clock of the last answer */
};

struct guard_events {
	void (*changed)(const char *uuid, gpointer data);
	void (*refused)(const struct enforce_refused *refused, gpointer data);
	void (*tampered)(const struct enforce_tampered *tampered, gpointer data);
	/* The enforcer came (backend is its name) or went (NULL, and why). */
	void (*enforcer)(const char *backend, const char *why, gpointer data);
};

/* The bridge that carries a segment on this host, and its conntrack zone (rules_zone.h); NULL when
 * none does. */
typedef const char *(*guard_bridge_fn)(const char *segment, guint16 *ret_zone, gpointer data);

struct guard *guard_new(const char *socket_path, guard_bridge_fn bridge,
	const struct guard_events *events, gpointer data);
void guard_free(struct guard *guard);

/* Brings the enforcer to what the book says. `present`: set of UUIDs (keys) of domains that run or
 * are paused here; NULL while that is not known: nothing is taken away then. */
void guard_sync(struct guard *guard, const struct book *book, GHashTable *present);

/* FALSE when the machine has no rules here. */
gboolean guard_find(const struct guard *guard, const char *uuid, struct guard_state *ret_state);
/* Whether the enforcer answers and every machine conforms. */
gboolean guard_conforming(const struct guard *guard);

/* Calls `ready` once the machine's rules stand and were read back, or with the reason when they do
 * not within `timeout_ms`. */
typedef void (*guard_ready_fn)(gboolean stands, const char *why, gpointer data);
void guard_wait(struct guard *guard, const char *uuid, unsigned timeout_ms, guard_ready_fn ready,
	gpointer data);

/* The enforcer, for connections (conntrack); NULL while it is away. */
struct enforce_client *guard_enforcer(struct guard *guard);
