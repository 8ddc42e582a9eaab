/* A stream: a session with one subscription, whose poll results go out as server-sent events.
 *
 *   begin: newSession --> resume --> subscribe --> the answer's head goes out
 *   read, whenever the peer can take more: poll --> events, or the connection waits
 *   nudge, when it has waited long: a comment goes out, and it waits on
 *   free: endSession
 *
 * IF-MAP wants poll on a connection of its own, so everything else of the session is on a number
 * that no connection has. A peer that hangs up ends its waiting poll and so the session (4.2); one
 * that does not read is not polled for, and what it does not fetch is bounded as for any client.
 */
#include <string.h>

#include "ifmap/answer.h"
#include "ifmap/ask.h"
#include "ifmap/json.h"
#include "map/face.h"

#define TYPE_EVENTS "text/event-stream"
#define BLOCK_SIZE  32768
/* Milliseconds after which a browser comes back. */
#define HELLO       "retry: 2000\n\n"
#define COMMENT     ":\n\n"

struct map_face_stream {
	const struct map_face *face;
	struct map_exchange *exchange; /* borrowed: it owns us */
	guint64 number;                /* of the session's other connection */
	char *session_id;
	gboolean is_waiting; /* for the answer to a poll */
	gboolean is_over;
	GString *out; /* events, of which `at` bytes are gone */
	size_t at;
	gint64 sent_us; /* atomic: when the peer last took something */
	GList in_streams;
};

struct map_streams {
	GMutex lock;
	GQueue all; /* struct map_face_stream *, by in_streams */
};

/* ---- all of them ---- */

struct map_streams *map_streams_new(void)
{
	struct map_streams *streams = g_new0(struct map_streams, 1);

	g_mutex_init(&streams->lock);
	return streams;
}

void map_streams_free(struct map_streams *streams)
{
	if (!streams)
		return;
	g_mutex_clear(&streams->lock);
	g_free(streams);
}

static void streams_add(struct map_streams *streams, struct map_face_stream *stream)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&streams->lock);

	g_queue_push_tail_link(&streams->all, &stream->in_streams);
}

static void streams_remove(struct map_streams *streams, struct map_face_stream *stream)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&streams->lock);

	g_queue_unlink(&streams->all, &stream->in_streams);
}

static gint64 silent_since(struct map_face_stream *stream)
{
	return __atomic_load_n(&stream->sent_us, __ATOMIC_RELAXED);
}

void map_streams_nudge(struct map_streams *streams, unsigned silent_s)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&streams->lock);
	gint64 until_us = g_get_monotonic_time() - silent_s * G_TIME_SPAN_SECOND;

	for (GList *at = streams->all.head; at; at = at->next) {
		struct map_face_stream *stream = at->data;

		if (silent_since(stream) <= until_us)
			map_exchange_nudge(stream->exchange);
	}
}

/* ---- the session ---- */

/* Asks on the number of its own; NULL: the answer comes later. */
static GString *ask(struct map_face_stream *stream, const GString *body,
	enum map_call_manner manner, GError **error)
{
	struct map_call call = {
		.connection = stream->number,
		.identity = stream->exchange->client,
		.manner = manner,
		.request = map_face_parse(stream->face, body, error),
	};
	GString *reply;

	if (!call.request)
		return NULL;
	reply = map_face_ask(stream->face, stream->exchange, &call);
	ifmap_request_free(call.request);
	return reply;
}

/* A mistake in the URL is no reason to begin a session. */
static gboolean check_query(
	const struct map_face *face, struct MHD_Connection *connection, GError **error)
{
	g_autoptr(GString) query = map_face_read_query(connection, "-", error);
	struct ifmap_request *request = query ? map_face_parse(face, query, error) : NULL;

	ifmap_request_free(request);
	return request != NULL;
}

enum MHD_Result map_face_stream_begin(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	struct map_face_stream *stream;
	g_autoptr(GString) body = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	GString *reply;

	if (!check_query(face, connection, &error))
		return map_face_respond_error(exchange, connection, error);
	stream = g_new0(struct map_face_stream, 1);
	stream->face = face;
	stream->exchange = exchange;
	stream->number = face->number(face->data);
	stream->in_streams.data = stream;
	stream->sent_us = g_get_monotonic_time();
	streams_add(face->streams, stream);
	stream->out = g_string_new(HELLO);
	exchange->stream = stream;
	ifmap_ask_new_session(body, 0);
	reply = ask(stream, body, MAP_CALL_MODEST, &error);
	if (error)
		return map_face_respond_error(exchange, connection, error);
	return reply ? map_face_stream_resume(face, exchange, connection, reply) : MHD_YES;
}

void map_face_stream_free(struct map_face_stream *stream)
{
	if (!stream)
		return;
	streams_remove(stream->face->streams, stream);
	if (stream->session_id) {
		g_autoptr(GString) body = g_string_new(NULL);
		GString *reply = g_string_new(NULL);
		struct map_call call = {
			.connection = stream->number,
			.identity = stream->exchange->client,
		};

		ifmap_ask_end_session(body, stream->session_id);
		call.request = map_face_parse(stream->face, body, NULL);
		if (call.request)
			(void)map_engine_handle(stream->face->engine, &call, reply);
		ifmap_request_free(call.request);
		g_string_free(reply, TRUE);
	}
	map_engine_connection_closed(stream->face->engine, stream->number);
	g_string_free(stream->out, TRUE);
	g_free(stream->session_id);
	g_free(stream);
}

/* ---- events ---- */

static void append_event(GString *out, const char *name, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	g_string_append_printf(out, "event: %s\ndata: ", name);
	g_string_append(out, text);
	g_string_append(out, "\n\n");
	free(text);
	json_decref(json);
}

static void append_problem(struct map_face_stream *stream, const GError *error)
{
	append_event(stream->out, "error", map_face_problem(error));
	stream->is_over = TRUE;
}

static void append_member(struct map_face_stream *stream, const struct ifmap_member *member)
{
	json_t *json;

	if (member->refused) {
		append_problem(stream, member->refused);
		return;
	}
	json = ifmap_json_result(member->result);
	json_object_del(json, "name");
	append_event(stream->out, ifmap_json_result_kind(member->result->kind), json);
}

/* Takes the engine's answer to a poll. */
static void take_reply(struct map_face_stream *stream, GString *reply)
{
	g_autoptr(GString) text = reply;
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(text->str, text->len, &error);

	if (!answer)
		append_problem(stream, error);
	else if (answer->type == IFMAP_ANSWER_ERROR)
		append_problem(stream, answer->refused);
	else if (answer->type != IFMAP_ANSWER_POLL)
		stream->is_over = TRUE; /* endSessionResult */
	for (guint i = 0; answer && i < answer->members->len; i++)
		append_member(stream, g_ptr_array_index(answer->members, i));
}

/* ---- the answer's body, as the peer takes it ---- */

static GString *poll(struct map_face_stream *stream)
{
	g_autoptr(GString) body = g_string_new(NULL);
	struct map_call call = {
		.connection = stream->exchange->peer->number,
		.identity = stream->exchange->client,
	};
	GString *reply;

	ifmap_ask_poll(body, stream->session_id);
	call.request = map_face_parse(stream->face, body, NULL);
	map_exchange_rearm(stream->exchange);
	stream->is_waiting = TRUE;
	reply = map_face_ask(stream->face, stream->exchange, &call);
	ifmap_request_free(call.request);
	return reply;
}

/* What is to go out next; FALSE: the connection is suspended until there is something. */
static gboolean refill(struct map_face_stream *stream)
{
	gboolean nudged = stream->is_waiting && map_exchange_take_nudge(stream->exchange);
	GString *reply = NULL;

	if (!nudged)
		reply = stream->is_waiting ? map_exchange_settle(stream->exchange) : poll(stream);
	if (!nudged && !reply)
		return FALSE;
	g_string_truncate(stream->out, 0);
	stream->at = 0;
	if (nudged) {
		g_string_assign(stream->out, COMMENT);
		return TRUE;
	}
	stream->is_waiting = FALSE;
	take_reply(stream, reply);
	return TRUE;
}

static ssize_t on_read(void *cls, uint64_t pos, char *buffer, size_t max)
{
	struct map_face_stream *stream = cls;
	size_t n;

	(void)pos;
	if (stream->at == stream->out->len && !stream->is_over && !refill(stream))
		return 0;
	n = MIN(max, stream->out->len - stream->at);
	if (n == 0)
		return stream->is_over ? MHD_CONTENT_READER_END_OF_STREAM : 0;
	memcpy(buffer, stream->out->str + stream->at, n);
	stream->at += n;
	__atomic_store_n(&stream->sent_us, g_get_monotonic_time(), __ATOMIC_RELAXED);
	return (ssize_t)n;
}

static enum MHD_Result respond(struct map_face_stream *stream, struct MHD_Connection *connection)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_SIZE, on_read, stream, NULL);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, TYPE_EVENTS);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	/* Of one that has something to take; while it waits, it is suspended and no timeout runs.
	 */
	(void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
		stream->face->config->limits.handshake_timeout_s);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- the session begins ---- */

/* Subscribes with what the URL says; FALSE and an error. */
static gboolean subscribe(
	struct map_face_stream *stream, struct MHD_Connection *connection, GError **error)
{
	g_autoptr(GString) body = map_face_read_query(connection, stream->session_id, error);
	g_autoptr(GString) reply = NULL;
	g_autoptr(ifmap_answer) answer = NULL;

	if (!body)
		return FALSE;
	map_exchange_rearm(stream->exchange);
	reply = ask(stream, body, MAP_CALL_IN_SESSION, error); /* answered at once */
	answer = reply ? ifmap_answer_parse(reply->str, reply->len, error) : NULL;
	if (!answer || answer->type != IFMAP_ANSWER_ERROR)
		return answer != NULL;
	g_propagate_error(error, g_steal_pointer(&answer->refused));
	return FALSE;
}

enum MHD_Result map_face_stream_resume(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, GString *reply)
{
	struct map_face_stream *stream = exchange->stream;
	g_autoptr(GString) text = reply;
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(text->str, text->len, &error);

	(void)face;
	if (answer && answer->type == IFMAP_ANSWER_ERROR)
		return map_face_respond_error(exchange, connection, answer->refused);
	if (!answer)
		return map_face_respond_error(exchange, connection, error);
	stream->session_id = g_steal_pointer(&answer->session_id);
	if (!subscribe(stream, connection, &error))
		return map_face_respond_error(exchange, connection, error);
	return respond(stream, connection);
}
