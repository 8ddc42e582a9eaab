#pragma once
/* One HTTP request and its answer, as it passes between a worker of libmicrohttpd and whoever
 * answers later.
 *
 *             answer()                       settle()
 *   RUNNING ------------> READY   RUNNING ------------> PARKED (connection suspended, watched for
 * hang-up) |                    ^                             | | close()
 * +-----------------------------+ v                         answer(): resumes it CLOSED <----
 * close(), from READY; never from PARKED, since a suspended connection is not torn down
 *
 * Reference counted: the worker holds one until close(), whoever owes the answer holds one until
 * answer().
 */
#include <glib.h>
#include <microhttpd.h>

#include "map/hangup.h"
#include "map/peer.h"

struct map_exchange {
	gatomicrefcount n_refs;
	struct map_hangup *hangup;
	struct map_peer *peer;
	/* The worker's alone. */
	struct map_identity *client; /* authenticated, or NULL */
	unsigned status;             /* HTTP status already decided, or 0 */
	GString *body;
	size_t discarded; /* bytes of a body nobody wants */
	gboolean gzip;    /* the client takes gzip */
	gboolean corked;  /* the TLS session holds the answer together */
	int operation;    /* enum ifmap_request_type, -1 while it is none; for the figures, as: */
	gint64 whole_us;  /* when the request was whole */
	size_t n_received;
	size_t n_sent;
	/* Of the JSON face alone (face.h). */
	const struct map_face_route *route; /* NULL: SOAP */
	struct map_face_stream *stream;     /* owned; NULL: none */
	const GString *json;                /* the body while it is read */
	gboolean throttled;                 /* the engine said: too many requests */
	/* Shared. */
	GMutex lock;
	enum {
		MAP_EXCHANGE_RUNNING,
		MAP_EXCHANGE_PARKED,
		MAP_EXCHANGE_READY,
		MAP_EXCHANGE_CLOSED,
	} state;
	gboolean nudged; /* resumed without an answer */
	struct MHD_Connection *connection;
	GString *reply;
};

struct map_exchange *map_exchange_new(
	struct MHD_Connection *connection, struct map_peer *peer, struct map_hangup *hangup);
struct map_exchange *map_exchange_ref(struct map_exchange *exchange);
void map_exchange_unref(struct map_exchange *exchange);

/* Any thread: gives the answer (taken) and drops the answerer's reference. */
void map_exchange_answer(struct map_exchange *exchange, GString *reply);
/* Worker: takes the answer if it is there; else NULL, and the connection is suspended until it is.
 */
GString *map_exchange_settle(struct map_exchange *exchange);
/* Worker: the answer was taken, and another one is going to be asked for (a stream's next poll). */
void map_exchange_rearm(struct map_exchange *exchange);
/* Any thread: resumes the connection though there is no answer, if it waits for one. */
void map_exchange_nudge(struct map_exchange *exchange);
/* Worker: whether that is why it was resumed; then settle() waits on. */
gboolean map_exchange_take_nudge(struct map_exchange *exchange);
/* Worker: the request is over; drops the worker's reference. */
void map_exchange_close(struct map_exchange *exchange);
