#include "map/face.h"

#include <gio/gio.h>
#include <string.h>

#include "ifmap/answer.h"
#include "map/respond.h"

#define TYPE_JSON     "application/json"
#define TYPE_PROBLEM  "application/problem+json"
#define TYPE_METRICS  "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define REALM         "Basic realm=\"drover-mapd\""
#define PREFIX        "/v1/"
/* Seconds after which a client may send one request again, at least: quotas count by the second. */
#define THROTTLED_S   "1"
#define HEADERS(type) MHD_HTTP_HEADER_CACHE_CONTROL, "no-store", MHD_HTTP_HEADER_CONTENT_TYPE, type

/* Of the generated faceresources.c; its header does not keep to our names. */
GResource *map_face_get_resource(void);

/* ---- answers ---- */

enum MHD_Result map_face_respond(struct map_exchange *exchange, struct MHD_Connection *connection,
	unsigned status, GString *body, const char *type)
{
	const char *const headers[] = { HEADERS(type), NULL };

	exchange->n_sent = body->len;
	return map_respond(connection, status, body, headers);
}

/* Takes `json`. */
static GString *dump(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	GString *body = g_string_new(text);

	free(text);
	g_string_append_c(body, '\n');
	json_decref(json);
	return body;
}

enum MHD_Result map_face_respond_json(
	struct map_exchange *exchange, struct MHD_Connection *connection, json_t *json)
{
	return map_face_respond(exchange, connection, MHD_HTTP_OK, dump(json), TYPE_JSON);
}

/* ---- problems ---- */

static const struct {
	enum ifmap_error code;
	unsigned status;
} statuses[] = {
	{ IFMAP_ERROR_ACCESS_DENIED, MHD_HTTP_FORBIDDEN },
	{ IFMAP_ERROR_IDENTIFIER_TOO_LONG, MHD_HTTP_CONTENT_TOO_LARGE },
	{ IFMAP_ERROR_METADATA_TOO_LONG, MHD_HTTP_CONTENT_TOO_LARGE },
	{ IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG, MHD_HTTP_UNPROCESSABLE_CONTENT },
	{ IFMAP_ERROR_POLL_RESULTS_TOO_BIG, MHD_HTTP_UNPROCESSABLE_CONTENT },
	{ IFMAP_ERROR_INVALID_SESSION_ID, MHD_HTTP_CONFLICT },
	{ IFMAP_ERROR_SYSTEM_ERROR, MHD_HTTP_SERVICE_UNAVAILABLE },
	{ IFMAP_ERROR_PROTOCOL, MHD_HTTP_INTERNAL_SERVER_ERROR },
};

static unsigned status_of(const GError *error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
		if (g_error_matches(error, IFMAP_ERROR, (int)statuses[i].code))
			return statuses[i].status;
	return MHD_HTTP_BAD_REQUEST;
}

/* The code once, as the title, not in front of the sentence too. */
static const char *detail_of(const GError *error, const char *code)
{
	size_t size = strlen(code);

	return strncmp(error->message, code, size) == 0 &&
			       strncmp(error->message + size, ": ", 2) == 0
		       ? error->message + size + 2
		       : error->message;
}

static json_t *problem(const GError *error, unsigned status)
{
	const char *code = error->domain == IFMAP_ERROR
				   ? ifmap_error_code_to_string((enum ifmap_error)error->code)
				   : NULL;

	if (!code)
		code = "Failure";
	g_autofree char *type = g_strconcat("urn:ifmap:error:", code, NULL);
	return json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", code, "status", (int)status,
		"detail", detail_of(error, code));
}

json_t *map_face_problem(const GError *error)
{
	return problem(error, status_of(error));
}

enum MHD_Result map_face_respond_error(
	struct map_exchange *exchange, struct MHD_Connection *connection, const GError *error)
{
	static const char *const later[] = { HEADERS(TYPE_PROBLEM), MHD_HTTP_HEADER_RETRY_AFTER,
		THROTTLED_S, NULL };
	GString *body;

	if (!exchange->throttled)
		return map_face_respond(exchange, connection, status_of(error),
			dump(map_face_problem(error)), TYPE_PROBLEM);
	body = dump(problem(error, MHD_HTTP_TOO_MANY_REQUESTS));
	exchange->n_sent = body->len;
	return map_respond(connection, MHD_HTTP_TOO_MANY_REQUESTS, body, later);
}

/* Refusals that HTTP itself expresses. */
static const struct refusal {
	unsigned status;
	const char *title;
	const char *detail;
	const char *headers[2]; /* beside the type */
} refusals[] = {
	{ MHD_HTTP_UNAUTHORIZED, "Unauthorized", "Log in with a certificate or a password.",
		{ MHD_HTTP_HEADER_WWW_AUTHENTICATE, REALM } },
	{ MHD_HTTP_FORBIDDEN, "Forbidden", "This client may not do that.", { NULL } },
	{ MHD_HTTP_NOT_FOUND, "Not Found", "There is /v1/openapi.json for what there is.",
		{ NULL } },
	{ MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed",
		"/v1/publish takes POST, everything else GET.",
		{ MHD_HTTP_HEADER_ALLOW, "GET, POST" } },
	{ MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type",
		"The body must be application/json.", { NULL } },
	{ MHD_HTTP_TOO_MANY_REQUESTS, "Too Many Requests",
		"Too many wrong passwords came from there; wait.",
		{ MHD_HTTP_HEADER_RETRY_AFTER, "2" } },
	{ MHD_HTTP_SERVICE_UNAVAILABLE, "Service Unavailable",
		"This client has too many connections.", { MHD_HTTP_HEADER_CONNECTION, "close" } },
	{ MHD_HTTP_CONTENT_TOO_LARGE, "Content Too Large", "The request is too large.", { NULL } },
	{ MHD_HTTP_BAD_REQUEST, "Bad Request", "The body is not what Content-Encoding says.",
		{ NULL } },
};

enum MHD_Result map_face_refuse(struct map_exchange *exchange, struct MHD_Connection *connection)
{
	const struct refusal *refusal = refusals;
	const char *headers[] = { HEADERS(TYPE_PROBLEM), NULL, NULL, NULL };
	GString *body;

	while (refusal < refusals + G_N_ELEMENTS(refusals) - 1 &&
		refusal->status != exchange->status)
		refusal++;
	headers[4] = refusal->headers[0];
	headers[5] = refusal->headers[1];
	body = dump(json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
		refusal->title, "status", (int)refusal->status, "detail", refusal->detail));
	exchange->n_sent = body->len;
	return map_respond(connection, refusal->status, body, headers);
}

/* ---- figures, the description ---- */

static enum MHD_Result refuse_with(
	struct map_exchange *exchange, struct MHD_Connection *connection, unsigned status)
{
	exchange->status = status;
	return map_face_refuse(exchange, connection);
}

static gboolean may_read_figures(const struct map_face *face, const struct map_exchange *exchange)
{
	return map_config_may_read_metrics(face->config, exchange->client->name) &&
	       map_engine_admits(face->engine, exchange->client);
}

static enum MHD_Result answer_top(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	if (!may_read_figures(face, exchange))
		return refuse_with(exchange, connection, MHD_HTTP_FORBIDDEN);
	return map_face_respond_json(
		exchange, connection, map_metrics_top(face->metrics, face->engine));
}

static enum MHD_Result answer_metrics(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	GString *body;

	if (!may_read_figures(face, exchange))
		return refuse_with(exchange, connection, MHD_HTTP_FORBIDDEN);
	body = g_string_new(NULL);
	map_metrics_write(face->metrics, face->engine, body);
	return map_face_respond(exchange, connection, MHD_HTTP_OK, body, TYPE_METRICS);
}

static enum MHD_Result answer_description(const struct map_face *face,
	struct map_exchange *exchange, struct MHD_Connection *connection)
{
	g_autoptr(GBytes) bytes = g_resource_lookup_data(map_face_get_resource(),
		"/drover/openapi.json", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
	gsize size = 0;
	const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;

	(void)face;
	if (!text)
		return refuse_with(exchange, connection, MHD_HTTP_NOT_FOUND);
	return map_face_respond(
		exchange, connection, MHD_HTTP_OK, g_string_new_len(text, (gssize)size), TYPE_JSON);
}

static enum MHD_Result answer_nothing(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	(void)face;
	return refuse_with(exchange, connection, MHD_HTTP_NOT_FOUND);
}

/* ---- routes ---- */

struct map_face_route {
	const char *url;
	const char *method;
	enum MHD_Result (*begin)(const struct map_face *face, struct map_exchange *exchange,
		struct MHD_Connection *connection);
	/* Of what may have to wait. */
	enum MHD_Result (*resume)(const struct map_face *face, struct map_exchange *exchange,
		struct MHD_Connection *connection, GString *reply);
};

static const struct map_face_route routes[] = {
	{ "/v1/search", "GET", map_face_search, map_face_reply },
	{ "/v1/publish", "POST", map_face_publish, map_face_reply },
	{ "/v1/stream", "GET", map_face_stream_begin, map_face_stream_resume },
	{ "/v1/top", "GET", answer_top, NULL },
	{ "/v1/openapi.json", "GET", answer_description, NULL },
	{ "/metrics", "GET", answer_metrics, NULL },
};

/* Everything else below /v1/. */
static const struct map_face_route nowhere = { .begin = answer_nothing };

const struct map_face_route *map_face_find(const char *url)
{
	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++)
		if (strcmp(routes[i].url, url) == 0)
			return &routes[i];
	return g_str_has_prefix(url, PREFIX) ? &nowhere : NULL;
}

/* A page of another site can make a browser send a body, but not as JSON without asking first. */
static gboolean is_json(struct MHD_Connection *connection)
{
	const char *type = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t size = strlen(TYPE_JSON);

	return type && g_ascii_strncasecmp(type, TYPE_JSON, size) == 0 &&
	       (!type[size] || strchr("; \t", type[size]));
}

unsigned map_face_judge(
	const struct map_face_route *route, struct MHD_Connection *connection, const char *method)
{
	if (!route->method)
		return MHD_HTTP_NOT_FOUND;
	if (strcmp(method, route->method) != 0)
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	if (strcmp(method, MHD_HTTP_METHOD_POST) == 0 && !is_json(connection))
		return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
	return 0;
}

enum MHD_Result map_face_begin(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	g_autoptr(GString) body = g_steal_pointer(&exchange->body);
	enum MHD_Result result;

	exchange->n_received = body->len;
	exchange->whole_us = g_get_monotonic_time();
	exchange->json = body;
	result = exchange->route->begin(face, exchange, connection);
	exchange->json = NULL;
	return result;
}

enum MHD_Result map_face_resume(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection, GString *reply)
{
	return exchange->route->resume(face, exchange, connection, reply);
}

void map_face_end(struct map_exchange *exchange)
{
	g_clear_pointer(&exchange->stream, map_face_stream_free);
}
