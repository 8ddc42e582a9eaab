#pragma once
/* Sequences of requests as plain data: drawn from a source of choices, written as a script, read
 * back, made smaller.
 *
 * A step is what one client does on one of its connections. Whatever the numbers in it, it can be
 * carried out: what makes no sense is refused by the server, and the model says how. So steps and
 * operations can be left out one by one, and what is left is still a sequence.
 */
#include <glib.h>

#define SEQUENCE_CLIENTS  4 /* A and B; P may purge others; R may only read */
#define SEQUENCE_CHANNELS 3 /* connections per client */
#define SEQUENCE_IDS      7 /* 0 to 4: access-requests "a" to "e"; 5 and 6: devices "y" and "z" */
#define SEQUENCE_NAMES    5 /* of subscriptions: "w0" to "w4" */
#define SEQUENCE_TYPES    3 /* s and t, mostly singleValue; m, mostly multiValue */
#define SEQUENCE_FILTERS  6
#define SEQUENCE_OPS      4

enum sequence_verb {
	SEQUENCE_PUBLISH,
	SEQUENCE_SUBSCRIBE,
	SEQUENCE_SEARCH,
	SEQUENCE_POLL,
	SEQUENCE_NEW,
	SEQUENCE_END,
	SEQUENCE_RENEW,
	SEQUENCE_PURGE,
	SEQUENCE_GARBLED, /* a search whose filter cannot be read */
	SEQUENCE_CLOSE,   /* the connection is closed; the next request comes on a new one */
	SEQUENCE_BREAK,   /* it breaks off in the middle of a message */
	SEQUENCE_TICK,    /* time passes: sessions without a connection end */
	SEQUENCE_VERBS,
};

enum sequence_session_id {
	SEQUENCE_OWN,
	SEQUENCE_FORMER, /* of this client's session before this one */
	SEQUENCE_FOREIGN,
	SEQUENCE_ABSENT,
	SEQUENCE_SESSION_IDS,
};

enum sequence_op_kind {
	SEQUENCE_UPDATE,
	SEQUENCE_DELETE,
	SEQUENCE_NOTIFY,
	SEQUENCE_WATCH,   /* subscribe's update; the query of a search */
	SEQUENCE_UNWATCH, /* subscribe's delete */
	SEQUENCE_OP_KINDS,
};

struct sequence_op {
	int kind;
	int a, b; /* place: ids; b -1: on the identifier, b == a: a link to itself */
	int swap; /* the ends are named in the other order */
	int type;
	int attribute; /* k of the metadata: 0 or 1 */
	int wrong;     /* says the other cardinality than its type is meant to have */
	int forever;
	int filter; /* of a delete */
	int name;   /* of a subscription */
	int depth, links, result, stop;
	int size; /* max-size; 0: large */
};

struct sequence_step {
	int verb;
	int client, channel;
	int id;     /* which session id it shows */
	int target; /* of a purge: a client; SEQUENCE_CLIENTS: nobody */
	int size;   /* max-poll-result-size; 0: none asked */
	int n_ops;
	struct sequence_op ops[SEQUENCE_OPS];
};

/* Where choices come from: a generator, or bytes of a fuzzer (then zeros). */
struct sequence_source {
	GRand *rand;
	const guint8 *data;
	gsize size;
};

/* Draws at most n_steps; a source of bytes ends it when it runs out. */
GArray *sequence_draw(struct sequence_source *source, unsigned n_steps);

/* The parameters of a search alone. */
struct sequence_op sequence_draw_query(struct sequence_source *source);

/* One line per step and, indented, per operation; numbers that are zero are left out. */
char *sequence_to_script(const GArray *steps);
/* NULL and a message when a line makes no sense. */
GArray *sequence_from_script(const char *script, GError **error);

/* Leaves out whatever can be left out while `fails` says that the rest still fails. Takes `steps`
 * and returns the smaller ones. */
typedef gboolean (*sequence_fails_fn)(const GArray *steps, gpointer data);
GArray *sequence_shrink(GArray *steps, sequence_fails_fn fails, gpointer data);
