#pragma once
/* A MAP server that keeps nothing and obeys the test: it answers every operation well by default,
 * in the manner that is set, and can be told what to say instead. Polls hang until something is
 * pushed.
 *
 * All functions may be called from the test's thread; counters are read with fake_map_count.
 */
#include "fakeserver.h"

/* How a good answer is put on the wire (C157-C159 of ifmap.md). */
enum fake_manner {
	FAKE_PLAIN,
	FAKE_NO_REASON,    /* HTTP/1.1 200 with nothing behind it */
	FAKE_LOWER_CASE,   /* header names */
	FAKE_HEAD_APART,   /* head and body in records of their own, some time apart */
	FAKE_BYTE_BY_BYTE, /* a record for every byte */
	FAKE_CHUNKED,
	FAKE_CHUNKED_GZIP, /* with a Content-Length as well */
	FAKE_GZIP,
	FAKE_ODD_NAMES, /* other prefixes, unknown attributes, comments */
	FAKE_CLOSING,   /* Connection: close after each answer */
	N_FAKE_MANNERS,
};

/* What a test may count. */
enum fake_count {
	FAKE_SESSIONS,
	FAKE_RENEWALS,
	FAKE_ENDS,
	FAKE_PUBLISHES,
	FAKE_SUBSCRIBES,
	FAKE_POLLS,
	FAKE_POLLS_AT_ONCE, /* the most that ever hung together */
	FAKE_MIXED,         /* polls on a connection that asked, requests on one that polled */
	N_FAKE_COUNTS,
};

struct fake_map;

struct fake_map *fake_map_new(enum fake_manner manner);
void fake_map_free(struct fake_map *map);
struct fake_server *fake_map_server(const struct fake_map *map);

unsigned fake_map_count(struct fake_map *map, enum fake_count count);
/* The last body that held `part`, newly allocated, or NULL. */
char *fake_map_last(struct fake_map *map, const char *part);
/* The n-th body that came (from 0), newly allocated, or NULL when there were fewer. */
char *fake_map_body(struct fake_map *map, unsigned n);
/* The next request that holds `part` gets `raw` as it is ("": the connection is closed) instead of
 * its answer. */
void fake_map_override(struct fake_map *map, const char *part, const char *raw);
/* The next poll is answered with `content`, the child of ifmap:response. "%s" in it: the name of
 * the last subscription. */
void fake_map_push(struct fake_map *map, const char *content);
/* An answer's head and envelope around `content`; newly allocated. */
char *fake_map_answer(const char *content);
