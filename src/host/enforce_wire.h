#pragma once
/* The socket between hostd and the enforcer, used by both ends: a big-endian 32-bit length, then
 * that many bytes of JSON, one object. Requests {"id", "op", ...}; replies {"id", "ok", ...};
 * events {"event", ...}.
 *
 * Both ends treat the other as hostile: a message is bounded before it is read, must be one JSON
 * object without duplicate keys, and what waits to be sent is bounded too. The first violation
 * closes the channel. Nothing blocks. One thread.
 */
#include <glib.h>
#include <jansson.h>

#define ENFORCE_WIRE_MESSAGE_MAX (16u << 20) /* bytes of one message */
#define ENFORCE_WIRE_QUEUE_MAX   (32u << 20) /* bytes that wait to be sent */

struct enforce_wire;

struct enforce_wire_events {
	/* A message came; borrowed. */
	void (*message)(const json_t *message, gpointer data);
	/* The channel is of no more use: hung up, or `error` says what the other end did. Called
	 * once. */
	void (*closed)(const GError *error, gpointer data);
};

/* Owns `fd`. `context` NULL: the default one. `events` must outlive the channel. */
struct enforce_wire *enforce_wire_new(
	int fd, GMainContext *context, const struct enforce_wire_events *events, gpointer data);

/* Safe from within the two callbacks. NULL is fine. */
void enforce_wire_free(struct enforce_wire *wire);

/* Takes `message`. FALSE when it cannot be queued; the channel is then closed (which is told later,
 * from the loop). */
gboolean enforce_wire_send(struct enforce_wire *wire, json_t *message);

/* Bytes that wait to be sent. */
gsize enforce_wire_waiting(const struct enforce_wire *wire);

/* The codec alone. Pack appends to `out`; FALSE when it is too long. Take removes the first whole
 * message of `in`: NULL without error when there is none yet. */
gboolean enforce_wire_pack(const json_t *message, GByteArray *out);
json_t *enforce_wire_take(GByteArray *in, GError **error);
