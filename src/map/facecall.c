/* Search and publish: JSON and URLs to requests, answers to JSON. */
#include "ifmap/answer.h"
#include "ifmap/json.h"
#include "map/face.h"
#include "map/facequery.h"

/* ---- asking ---- */

struct ifmap_request *map_face_parse(
	const struct map_face *face, const GString *body, GError **error)
{
	struct ifmap_request *request = NULL;
	g_autofree char *session_id = NULL;

	return ifmap_request_parse(body->str, body->len, face->limits, &request, &session_id,
		       error) == IFMAP_PARSE_OK
		       ? request
		       : NULL;
}

GString *map_face_ask(
	const struct map_face *face, struct map_exchange *exchange, struct map_call *call)
{
	GString *reply = g_string_new(NULL);

	call->token = map_exchange_ref(exchange);
	call->ret_throttled = &exchange->throttled;
	if (map_engine_handle(face->engine, call, reply)) {
		map_exchange_unref(exchange);
		return reply;
	}
	g_string_free(reply, TRUE);
	return map_exchange_settle(exchange);
}

/* Answers a body that a SOAP client might have sent. */
static enum MHD_Result carry_out(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, const GString *body)
{
	g_autoptr(GError) error = NULL;
	struct map_call call = {
		.connection = exchange->peer->number,
		.identity = exchange->client,
		.manner = MAP_CALL_MOMENTARY,
		.request = map_face_parse(face, body, &error),
	};
	GString *reply;

	if (!call.request)
		return map_face_respond_error(exchange, connection, error);
	exchange->operation = (int)call.request->type;
	reply = map_face_ask(face, exchange, &call);
	ifmap_request_free(call.request);
	return reply ? map_face_reply(face, exchange, connection, reply) : MHD_YES;
}

/* ---- answering ---- */

enum MHD_Result map_face_reply(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, GString *reply)
{
	g_autoptr(GString) text = reply;
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(text->str, text->len, &error);
	const struct ifmap_member *member;

	(void)face;
	if (!answer)
		return map_face_respond_error(exchange, connection, error);
	if (answer->type == IFMAP_ANSWER_ERROR)
		return map_face_respond_error(exchange, connection, answer->refused);
	if (answer->type != IFMAP_ANSWER_SEARCH)
		return map_face_respond_json(
			exchange, connection, json_pack("{s:b}", "published", 1));
	member = g_ptr_array_index(answer->members, 0);
	return map_face_respond_json(exchange, connection, ifmap_json_result(member->result));
}

/* ---- search, publish ---- */

static enum MHD_Result on_argument(
	void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	return map_facequery_set(cls, name, value) ? MHD_YES : MHD_NO;
}

GString *map_face_read_query(
	struct MHD_Connection *connection, const char *session_id, GError **error)
{
	struct map_facequery query;

	map_facequery_init(&query);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, &query);
	GString *body = map_facequery_body(&query, session_id, error);
	map_facequery_clear(&query);
	return body;
}

enum MHD_Result map_face_search(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) body = map_face_read_query(connection, NULL, &error);

	return body ? carry_out(face, exchange, connection, body)
		    : map_face_respond_error(exchange, connection, error);
}

enum MHD_Result map_face_publish(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString)
		body = map_facequery_publish(exchange->json->str, exchange->json->len, &error);

	return body ? carry_out(face, exchange, connection, body)
		    : map_face_respond_error(exchange, connection, error);
}
