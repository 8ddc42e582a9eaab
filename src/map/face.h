#pragma once
/* The JSON face: the map for those who never write SOAP (docs/openapi.json).
 *
 *   GET /v1/search, POST /v1/publish   one request of the engine's each, without session
 *   GET /v1/stream                     a session with one subscription, as server-sent events
 *   GET /v1/openapi.json, /v1/top, /metrics
 *
 * Bytes -> request -> engine -> answer, as for SOAP: the face translates at both edges and knows
 * nothing of what is between. JSON becomes the body that a SOAP client would have sent, which is
 * read by the same parser; the engine's answer is read as a client reads it. So checks, rules,
 * quotas and limits are the same. Errors are application/problem+json (RFC 9457).
 *
 * Threads: on libmicrohttpd's workers; one exchange is in one of them at a time.
 */
#include "map/config.h"
#include "map/engine.h"
#include "map/exchange.h"
#include "map/metrics.h"

/* What the face works with; borrowed, constant. */
struct map_face {
	const struct map_config *config;
	const struct ifmap_request_limits *limits;
	struct map_engine *engine;
	struct map_metrics *metrics;
	struct map_streams *streams;
	/* A number for a connection, of the front's (map_call.connection). */
	guint64 (*number)(gpointer data);
	gpointer data;
};

struct map_face_route;

/* All streams that stand. */
struct map_streams;
struct map_streams *map_streams_new(void);
/* None stands any more. Accepts NULL. */
void map_streams_free(struct map_streams *streams);
/* Gives those a sign of life that had nothing to say for so long. Any thread. */
void map_streams_nudge(struct map_streams *streams, unsigned silent_s);

/* Whose URL this is; NULL: not the face's. */
const struct map_face_route *map_face_find(const char *url);
/* 0, or the HTTP status to refuse with. */
unsigned map_face_judge(
	const struct map_face_route *route, struct MHD_Connection *connection, const char *method);

/* Answers with exchange->status, as a problem. */
enum MHD_Result map_face_refuse(struct map_exchange *exchange, struct MHD_Connection *connection);
/* The request is whole: exchange->body is taken. */
enum MHD_Result map_face_begin(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection);
/* The engine's answer (taken) to a request that had to wait. */
enum MHD_Result map_face_resume(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, GString *reply);
/* The exchange is over, well or not: ends the session of a stream. */
void map_face_end(struct map_exchange *exchange);

/* ---- shared by face*.c ---- */

/* Asks the engine; NULL: the connection waits for the answer. */
GString *map_face_ask(
	const struct map_face *face, struct map_exchange *exchange, struct map_call *call);
/* Reads a body as a SOAP client would have sent it; NULL and the engine's words in `error`. */
struct ifmap_request *map_face_parse(
	const struct map_face *face, const GString *body, GError **error);

/* Answers with a body (taken) of this type. */
enum MHD_Result map_face_respond(struct map_exchange *exchange, struct MHD_Connection *connection,
	unsigned status, GString *body, const char *type);
/* Takes `json`. */
enum MHD_Result map_face_respond_json(
	struct map_exchange *exchange, struct MHD_Connection *connection, json_t *json);
/* `error` of the domain IFMAP_ERROR; its status follows from its code, but for what was throttled:
 * 429. */
enum MHD_Result map_face_respond_error(
	struct map_exchange *exchange, struct MHD_Connection *connection, const GError *error);
/* What such an answer says. */
json_t *map_face_problem(const GError *error);

/* The search that a URL asks for, as a body: of a search, or of a subscribe by the name "stream".
 * NULL and an error. */
GString *map_face_read_query(
	struct MHD_Connection *connection, const char *session_id, GError **error);

/* facecall.c */
enum MHD_Result map_face_search(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection);
enum MHD_Result map_face_publish(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection);
enum MHD_Result map_face_reply(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, GString *reply);

/* facestream.c */
enum MHD_Result map_face_stream_begin(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection);
enum MHD_Result map_face_stream_resume(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, GString *reply);
void map_face_stream_free(struct map_face_stream *stream);
