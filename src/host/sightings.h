#pragma once
/* With which addresses the machines of this host were really seen: values in, values out.
 *
 *   neighbours, forwarding tables ──begin, take, end──┐
 *   refused packets ──────────────────────refused─────┼──> struct facts_seen of each machine
 *   cards and declared addresses ─────────expect──────┘
 *
 * A MAC heard at a machine's tap is that machine's; an IP address belongs to whose MAC it comes
 * with. What was declared is always kept. What was not is a stranger: of these a guest can make as
 * many as it likes, so each machine keeps the SIGHTINGS_STRANGERS_MAX newest and counts the rest.
 * One thread; nothing here knows a clock.
 */
#include "facts/facts.h"
#include "host/netread.h"

#define SIGHTINGS_STRANGERS_MAX 16 /* seen, a machine; and as many refused ones */
#define SIGHTINGS_MACS_MAX      64 /* by which addresses are told, a machine */

struct sightings;

/* One card of a machine; strings are copied. */
struct sightings_card {
	const char *mac;              /* lower case */
	unsigned tap;                 /* index of its tap, 0: none yet */
	const char *const *addresses; /* declared, prefixes or bare; NULL: nobody declared any */
};

struct sightings *sightings_new(void);
void sightings_free(struct sightings *sightings);

/* The machine has these cards from now on; n_cards 0: it is no longer here and forgotten. TRUE:
 * they are others than before, so that another reading may find more. */
gboolean sightings_expect(struct sightings *sightings, const char *uuid,
	const struct sightings_card *cards, unsigned n_cards);

/* One reading of the kernel's tables: bridges' entries first, neighbours after them. Between begin
 * and end nothing else may be called. After an end everything that was not taken is gone; after
 * begin, a begin without an end before it starts anew. */
void sightings_begin(struct sightings *sightings);
void sightings_take(struct sightings *sightings, const struct netread_neighbour *neighbour);
/* Calls `changed` for each machine whose facts are others than before. `device` gives the name of a
 * link (NULL: gone). */
typedef void (*sightings_fn)(const char *uuid, const struct facts_seen *seen, gpointer data);
typedef const char *(*sightings_device_fn)(unsigned index, gpointer data);
void sightings_end(struct sightings *sightings, guint64 now_ms, sightings_device_fn device,
	sightings_fn changed, gpointer data);

/* The machine sent a packet with this address (IP or MAC), and the rules stopped it. It shows with
 * the next end. TRUE: this is news. */
gboolean sightings_refused(
	struct sightings *sightings, const char *uuid, const char *address, guint64 now_ms);

/* What is known of a machine, its list NULL when nothing was ever seen; NULL: no such machine.
 * Borrowed until the next end or expect. */
const struct facts_seen *sightings_find(const struct sightings *sightings, const char *uuid);
