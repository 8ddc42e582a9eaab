/* Search and publish: JSON and URLs to requests, answers to JSON. */
#include <libxml/tree.h>
#include <string.h>

#include "ifmap/answer.h"
#include "ifmap/ask.h"
#include "ifmap/json.h"
#include "map/face.h"

/* In the place of a session's id, which such a request does not need. */
#define NO_SESSION "-"
#define NS_PREFIX  "ns."

static gboolean refuse(GError **error, const char *what, const char *why)
{
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "%.60s: %s", what, why);
	return FALSE;
}

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

/* ---- namespaces ---- */

/* prefix, namespace, ..., to be NULL-terminated. */
static gboolean add_prefix(GPtrArray *prefixes, const char *prefix, const char *ns, GError **error)
{
	if (xmlValidateNCName((const xmlChar *)prefix, 0) != 0 || !ns || !*ns ||
		g_str_has_prefix(prefix, "xml"))
		return refuse(error, prefix, "is no prefix for a namespace");
	for (guint i = 0; i < prefixes->len; i += 2)
		if (strcmp(prefixes->pdata[i], prefix) == 0)
			return refuse(error, prefix, "is bound twice");
	g_ptr_array_add(prefixes, g_strdup(prefix));
	g_ptr_array_add(prefixes, g_strdup(ns));
	return TRUE;
}

static gboolean read_prefixes(json_t *json, GPtrArray *prefixes, GError **error)
{
	const char *prefix;
	json_t *ns;

	if (json && !json_is_object(json))
		return refuse(error, "namespaces", "must be an object");
	json_object_foreach(json, prefix, ns)
	{
		if (!add_prefix(prefixes, prefix, json_string_value(ns), error))
			return FALSE;
	}
	return TRUE;
}

/* ---- search ---- */

/* What a URL says. */
struct question {
	struct ifmap_search search; /* strings are the URL's */
	const char *start;
	GPtrArray *prefixes;
	GError *error; /* the first */
};

static void set_number(struct question *question, const char *name, const char *value, size_t *ret)
{
	guint64 number = 0;
	g_autoptr(GError) error = NULL;

	if (!g_ascii_string_to_unsigned(value, 10, 0, 1000000000, &number, &error))
		refuse(&question->error, name, "must be a number");
	*ret = (size_t)number;
}

static void set_argument(struct question *question, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **into;
	} texts[] = {
		{ "start", &question->start },
		{ "match-links", &question->search.match_links },
		{ "result-filter", &question->search.result_filter },
		{ "terminal-identifier-type", &question->search.terminal_types },
	};
	size_t depth = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (strcmp(texts[i].name, name) == 0) {
			*texts[i].into = value;
			return;
		}
	if (strcmp(name, "max-depth") == 0) {
		set_number(question, name, value, &depth);
		question->search.max_depth = (unsigned)depth;
	} else if (strcmp(name, "max-size") == 0) {
		set_number(question, name, value, &question->search.max_size);
	} else if (g_str_has_prefix(name, NS_PREFIX)) {
		add_prefix(question->prefixes, name + strlen(NS_PREFIX), value, &question->error);
	} else {
		refuse(&question->error, name, "there is no such argument");
	}
}

static enum MHD_Result on_argument(
	void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct question *question = cls;

	(void)kind;
	if (!g_utf8_validate(name, -1, NULL) || (value && !g_utf8_validate(value, -1, NULL)))
		refuse(&question->error, "arguments", "must be UTF-8");
	else
		set_argument(question, name, value ? value : "");
	return question->error ? MHD_NO : MHD_YES;
}

/* An identifier in its short form, or as JSON. */
static struct ifmap_id *read_start(const char *text, GError **error)
{
	json_t *json;
	struct ifmap_id *id;

	if (!text) {
		refuse(error, "start", "says where to begin, as start=ip:10.0.0.7");
		return NULL;
	}
	json = *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_string(text);
	id = ifmap_json_read_id(json, error);
	json_decref(json);
	return id;
}

static void write_query(GString *out, const struct question *question, const char *session_id)
{
	const char *const *prefixes = (const char *const *)question->prefixes->pdata;

	if (!session_id) {
		ifmap_ask_search(out, NO_SESSION, prefixes, &question->search);
		return;
	}
	ifmap_ask_subscribe_begin(out, session_id, prefixes);
	ifmap_ask_subscribe_update(out, "stream", &question->search);
	ifmap_ask_subscribe_end(out);
}

GString *map_face_read_query(
	struct MHD_Connection *connection, const char *session_id, GError **error)
{
	g_autoptr(GPtrArray) prefixes = g_ptr_array_new_with_free_func(g_free);
	struct question question = { .prefixes = prefixes };
	g_autoptr(ifmap_id) start = NULL;
	GString *body = NULL;

	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_argument, &question);
	if (question.error) {
		g_propagate_error(error, question.error);
		return NULL;
	}
	start = read_start(question.start, error);
	if (!start)
		return NULL;
	question.search.start = start;
	g_ptr_array_add(prefixes, NULL);
	body = g_string_new(NULL);
	write_query(body, &question, session_id);
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

/* ---- publish ---- */

/* The body of a SOAP request that says the same; NULL and an error. */
static GString *read_publish(const GString *text, GError **error)
{
	g_autoptr(GPtrArray) prefixes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(ifmap_publish) publish = NULL;
	json_error_t why;
	json_t *json = json_loadb(text->str, text->len, JSON_REJECT_DUPLICATES, &why);
	GString *body = NULL;

	if (!json) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "line %d, column %d: %s",
			why.line, why.column, why.text);
		return NULL;
	}
	if (read_prefixes(json_object_get(json, "namespaces"), prefixes, error)) {
		json_object_del(json, "namespaces");
		publish = ifmap_json_read_publish(json, IFMAP_LIFETIME_FOREVER, error);
	}
	json_decref(json);
	if (publish) {
		body = g_string_new(NULL);
		g_ptr_array_add(prefixes, NULL);
		ifmap_ask_publish(body, NO_SESSION, (const char *const *)prefixes->pdata, publish);
	}
	return body;
}

enum MHD_Result map_face_publish(const struct map_face *face, struct map_exchange *exchange,
	struct MHD_Connection *connection)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) body = read_publish(exchange->json, &error);

	return body ? carry_out(face, exchange, connection, body)
		    : map_face_respond_error(exchange, connection, error);
}
