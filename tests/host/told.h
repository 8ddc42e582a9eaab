#pragma once
/* What an agent has told a map that obeys the test (fakemap.h): its publish requests, carried out
 * on a plain table. A new session empties it of what stood for the session before.
 *
 * An entry is called "A NAME" or "A -- B NAME" with A and B as "ip 10.0.0.1", "mac 52:54:...",
 * "device UUID", "ar NAME" or "id" (any identity) in the order of the alphabet, and NAME as
 * "runs-on" or "refused/SLOT".
 */
#include "fakemap.h"

#include <drover/ifmap.h>

struct told {
	struct fake_map *map;
	struct ifmap_client *client;
	unsigned n_read;      /* bodies */
	unsigned n_publishes; /* among them */
	unsigned n_sessions;  /* among them */
	GHashTable *standing; /* entry -> XML */
	GPtrArray *notified;  /* "entry XML" */
	GHashTable *forever;  /* set of entries that had lifetime forever */
};

/* A map and a client that is not started. */
void told_init(struct told *told);
void told_clear(struct told *told);
/* Reads what has come since the last time. */
void told_read(struct told *told);
/* XML of the entry as it stands now, borrowed until the next reading; NULL: it does not. */
const char *told_find(struct told *told, const char *entry);
/* Entries that stand and begin with `prefix`. */
unsigned told_count(struct told *told, const char *prefix);
/* Runs the main context until the client has nothing left to say: what it was told to keep before
 * the call has been read. */
void told_flush(struct told *told);
