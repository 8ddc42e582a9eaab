/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads requests: a table says what may stand where, the reader (reader.h) delivers tags,
 * identifiers and metadata.
 *
 * A refusal does not end the reading: the rest must still be well-formed, and an error of an
 * earlier kind (enum rank) found later outranks it.
 */
#include "ifmap/request.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "ifmap/identifier.h"
#include "ifmap/reader.h"
#include "ifmap/standard.h"

const struct ifmap_request_limits IFMAP_REQUEST_LIMITS_DEFAULT = {
	.max_identifier = IFMAP_IDENTIFIER_MAX_DEFAULT,
	.max_metadata = (size_t)1024 * 1024,
	.max_depth = 64,
	.max_operations = 100000,
};

#define MAX_NAME 1024 /* bytes of a subscription's name */

/* The order of checks (ifmap.md 10); a lower rank wins. */
enum rank {
	RANK_OPERATION,
	RANK_SESSION,
	RANK_STRUCTURE,
	RANK_IDENTIFIER,
	RANK_METADATA,
	RANK_FILTER,
	RANK_LIMIT,
	RANK_NONE,
};

/* What the element is in which the reader stands. */
enum place {
	PLACE_BODY,
	PLACE_EMPTY, /* an operation without content: children are ignored */
	PLACE_PUBLISH,
	PLACE_OPERATION, /* update, notify, delete of a publish */
	PLACE_METADATA,
	PLACE_SUBSCRIBE,
	PLACE_QUERY,   /* search, or update of a subscribe */
	PLACE_NOTHING, /* delete of a subscribe */
	PLACE_WRAPPER, /* link, identifier around identifiers (18, python client) */
};

struct parser {
	struct ifmap_request *request;
	const struct ifmap_request_limits *limits;
	const struct ifmap_dialect *dialect;
	struct ifmap_reader *reader; /* during a start tag */
	GArray *places;              /* enum place, one a depth */
	gboolean has_operation;
	enum rank rank;
	GError *error;
	struct ifmap_operation *operation; /* borrowed from the request */
	struct ifmap_query *query;         /* likewise */
	unsigned n_identifiers;            /* of the operation or query */
	gboolean has_metadata;
};

/* ---- refusals -- */

static void refuse(struct parser *parser, enum rank rank, enum ifmap_error code, const char *format,
	...) G_GNUC_PRINTF(4, 5);

/* Takes `error`. */
static void refuse_error(struct parser *parser, enum rank rank, GError *error)
{
	if (rank >= parser->rank) {
		g_error_free(error);
		return;
	}
	g_clear_error(&parser->error);
	parser->error = error;
	parser->rank = rank;
}

static void refuse(
	struct parser *parser, enum rank rank, enum ifmap_error code, const char *format, ...)
{
	va_list args;

	if (rank >= parser->rank)
		return;
	va_start(args, format);
	refuse_error(parser, rank, g_error_new_valist(IFMAP_ERROR, (int)code, format, args));
	va_end(args);
}

/* ---- attributes -- */

/* A number as searches carry it: -1 is the server's maximum (7.1, D19). FALSE: refused. */
static gboolean read_number(
	struct parser *parser, const struct ifmap_tag *tag, const char *name, guint64 *inout_value)
{
	g_autofree char *text = ifmap_tag_attribute(tag, name);

	if (!text)
		return TRUE;
	g_strstrip(text);
	if (strcmp(text, "-1") == 0 && !parser->dialect->no_negatives) {
		*inout_value = G_MAXUINT64;
		return TRUE;
	}
	if (g_ascii_string_to_unsigned(
		    text[0] == '+' ? text + 1 : text, 10, 0, G_MAXUINT64, inout_value, NULL))
		return TRUE;
	/* More digits than fit is as much as there is. */
	if (*text && text[strspn(text, "0123456789")] == '\0') {
		*inout_value = G_MAXUINT64;
		return TRUE;
	}
	refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE, "%s=\"%.40s\" is no number", name,
		text);
	return FALSE;
}

/* The same, `most` for all that is more; 0 when it is not there or was refused. */
static guint64 read_bounded(
	struct parser *parser, const struct ifmap_tag *tag, const char *name, guint64 most)
{
	guint64 value = 0;

	return read_number(parser, tag, name, &value) ? MIN(value, most) : 0;
}

static struct ifmap_filter *read_filter(
	struct parser *parser, const struct ifmap_tag *tag, const char *name)
{
	g_autofree char *text = ifmap_tag_attribute(tag, name);
	struct ifmap_prefixes *prefixes;
	struct ifmap_filter *filter;
	GError *error = NULL;

	if (!text)
		return NULL;
	prefixes = ifmap_reader_prefixes(parser->reader);
	filter = ifmap_filter_new(text, prefixes, &error);
	ifmap_prefixes_unref(prefixes);
	if (!filter) {
		g_prefix_error(&error, "%s: ", name);
		refuse_error(parser, RANK_FILTER, error);
	}
	return filter;
}

static struct ifmap_query *read_query(struct parser *parser, const struct ifmap_tag *tag)
{
	struct ifmap_query *query = g_new0(struct ifmap_query, 1);
	g_autofree char *terminal = ifmap_tag_attribute(tag, "terminal-identifier-type");
	GError *error = NULL;

	query->max_depth = (unsigned)read_bounded(parser, tag, "max-depth", UINT_MAX);
	query->max_size = (size_t)read_bounded(parser, tag, "max-size", SIZE_MAX);
	query->at_us = (gint64)read_bounded(parser, tag, "drover-at", G_MAXINT64);
	query->since_us = (gint64)read_bounded(parser, tag, "drover-since", G_MAXINT64);
	query->terminal = ifmap_terminal_new(terminal, parser->dialect, &error);
	if (error)
		refuse_error(parser, RANK_IDENTIFIER, error);
	query->match_links = read_filter(parser, tag, "match-links");
	query->result_filter = read_filter(parser, tag, "result-filter");
	if (query->result_filter && parser->dialect->exclusive_filter &&
		!ifmap_filter_negate(query->result_filter, &error))
		refuse_error(parser, RANK_FILTER, error);
	return query;
}

static enum ifmap_lifetime read_lifetime(struct parser *parser, const struct ifmap_tag *tag)
{
	g_autofree char *text = ifmap_tag_attribute(tag, "lifetime");

	if (!text || strcmp(text, "session") == 0)
		return IFMAP_LIFETIME_SESSION;
	if (strcmp(text, "forever") != 0)
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"lifetime=\"%.40s\" is neither session nor forever", text);
	return IFMAP_LIFETIME_FOREVER;
}

/* ---- requests, one function a kind that has something to read -- */

static void start_new_session(struct parser *parser, const struct ifmap_tag *tag)
{
	guint64 size = 0;
	g_autofree char *text = ifmap_tag_attribute(tag, "max-poll-result-size");

	if (text && *text == '-') {
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"max-poll-result-size is negative");
		return;
	}
	if (!text || !read_number(parser, tag, "max-poll-result-size", &size))
		return;
	/* 0 would say that nobody asked; nothing fits either way. */
	parser->request->max_poll_result_size = size > SIZE_MAX ? SIZE_MAX : MAX((size_t)size, 1);
}

static void start_purge(struct parser *parser, const struct ifmap_tag *tag)
{
	parser->request->publisher_id = ifmap_tag_attribute(tag, "ifmap-publisher-id");
	if (!parser->request->publisher_id)
		refuse(parser, RANK_STRUCTURE,
			parser->dialect->purge_denied ? IFMAP_ERROR_ACCESS_DENIED
						      : IFMAP_ERROR_FAILURE,
			"ifmap-publisher-id is missing");
}

static void free_operation(gpointer data)
{
	struct ifmap_operation *operation = data;

	ifmap_id_unref(operation->a);
	ifmap_id_unref(operation->b);
	if (operation->metas)
		g_ptr_array_unref(operation->metas);
	ifmap_filter_unref(operation->filter);
	g_free(operation);
}

static void start_publish(struct parser *parser, const struct ifmap_tag *tag G_GNUC_UNUSED)
{
	parser->request->operations = g_ptr_array_new_with_free_func(free_operation);
}

static void free_subscribe(gpointer data)
{
	struct ifmap_subscribe *subscribe = data;

	g_free(subscribe->name);
	ifmap_query_free(subscribe->query);
	g_free(subscribe);
}

static void start_subscribe(struct parser *parser, const struct ifmap_tag *tag G_GNUC_UNUSED)
{
	parser->request->subscribes = g_ptr_array_new_with_free_func(free_subscribe);
}

static void start_search(struct parser *parser, const struct ifmap_tag *tag)
{
	parser->request->query = parser->query = read_query(parser, tag);
	parser->n_identifiers = 0;
}

static const struct {
	const char *local;
	enum ifmap_request_type type;
	enum place place;
	void (*start)(struct parser *parser, const struct ifmap_tag *tag);
} requests[] = {
	{ "newSession", IFMAP_REQUEST_NEW_SESSION, PLACE_EMPTY, start_new_session },
	{ "renewSession", IFMAP_REQUEST_RENEW_SESSION, PLACE_EMPTY, NULL },
	{ "endSession", IFMAP_REQUEST_END_SESSION, PLACE_EMPTY, NULL },
	{ "publish", IFMAP_REQUEST_PUBLISH, PLACE_PUBLISH, start_publish },
	{ "search", IFMAP_REQUEST_SEARCH, PLACE_QUERY, start_search },
	{ "subscribe", IFMAP_REQUEST_SUBSCRIBE, PLACE_SUBSCRIBE, start_subscribe },
	{ "poll", IFMAP_REQUEST_POLL, PLACE_EMPTY, NULL },
	{ "purgePublisher", IFMAP_REQUEST_PURGE, PLACE_EMPTY, start_purge },
};

const char *ifmap_request_type_to_string(unsigned type)
{
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++)
		if (requests[i].type == type)
			return requests[i].local;
	return NULL;
}

static int refuse_operation(struct parser *parser, const struct ifmap_tag *tag)
{
	gboolean foreign = strcmp(tag->ns, IFMAP_NS) != 0 &&
			   g_str_has_prefix(tag->ns, "http://www.trustedcomputinggroup.org/") &&
			   strstr(tag->ns, "/IFMAP/");

	if (foreign)
		refuse(parser, RANK_OPERATION, IFMAP_ERROR_INVALID_SCHEMA_VERSION,
			"<%.40s> is of another version of IF-MAP; this is 2.x", tag->local);
	else
		refuse(parser, RANK_OPERATION, IFMAP_ERROR_FAILURE,
			"<%.40s> is no IF-MAP operation", tag->local);
	return -1;
}

static void check_session_id(struct parser *parser)
{
	if (!parser->request->session_id && parser->request->type != IFMAP_REQUEST_NEW_SESSION)
		refuse(parser, RANK_SESSION,
			parser->dialect->session_failure ? IFMAP_ERROR_FAILURE
							 : IFMAP_ERROR_INVALID_SESSION_ID,
			"session-id is missing");
}

static int start_in_body(struct parser *parser, const struct ifmap_tag *tag)
{
	if (parser->has_operation) {
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"more than one operation in one request");
		return -1;
	}
	parser->has_operation = TRUE;
	parser->request->session_id = ifmap_tag_attribute(tag, "session-id");
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		if (strcmp(requests[i].local, tag->local) != 0 || strcmp(tag->ns, IFMAP_NS) != 0)
			continue;
		parser->request->type = requests[i].type;
		check_session_id(parser);
		if (requests[i].start)
			requests[i].start(parser, tag);
		return (int)requests[i].place;
	}
	return refuse_operation(parser, tag);
}

/* ---- inside publish -- */

static const struct {
	const char *local;
	enum ifmap_operation_type type;
} operations[] = {
	{ "update", IFMAP_OPERATION_UPDATE },
	{ "notify", IFMAP_OPERATION_NOTIFY },
	{ "delete", IFMAP_OPERATION_DELETE },
};

static void unref_meta(gpointer data)
{
	ifmap_meta_unref(data);
}

static void add_operation(
	struct parser *parser, enum ifmap_operation_type type, const struct ifmap_tag *tag)
{
	struct ifmap_operation *operation = g_new0(struct ifmap_operation, 1);

	operation->type = type;
	if (type == IFMAP_OPERATION_UPDATE)
		operation->lifetime = read_lifetime(parser, tag);
	if (type == IFMAP_OPERATION_DELETE)
		operation->filter = read_filter(parser, tag, "filter");
	else
		operation->metas = g_ptr_array_new_with_free_func(unref_meta);
	g_ptr_array_add(parser->request->operations, operation);
	parser->operation = operation;
	parser->n_identifiers = 0;
	parser->has_metadata = FALSE;
}

static int refuse_child(struct parser *parser, const struct ifmap_tag *tag, const char *of)
{
	refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE, "<%.40s> has no place in %s",
		tag->local, of);
	return -1;
}

static int start_in_publish(struct parser *parser, const struct ifmap_tag *tag)
{
	if (parser->request->operations->len >= parser->limits->max_operations) {
		refuse(parser, RANK_LIMIT, IFMAP_ERROR_FAILURE,
			"more than %u operations in one publish", parser->limits->max_operations);
		return -1;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		if (strcmp(operations[i].local, tag->local) == 0) {
			add_operation(parser, operations[i].type, tag);
			return PLACE_OPERATION;
		}
	return refuse_child(parser, tag, "publish");
}

static gboolean is_wrapper(const struct ifmap_tag *tag)
{
	return strcmp(tag->local, "link") == 0 || strcmp(tag->local, "identifier") == 0;
}

/* Anything but an identifier where one stands (10: InvalidIdentifierType). */
static int refuse_identifier(struct parser *parser, const struct ifmap_tag *tag)
{
	refuse(parser, RANK_IDENTIFIER, IFMAP_ERROR_INVALID_IDENTIFIER_TYPE,
		"<%.40s> is no type of identifier", tag->local);
	return -1;
}

static int start_in_operation(struct parser *parser, const struct ifmap_tag *tag)
{
	enum ifmap_id_type type;

	if (strcmp(tag->local, "metadata") == 0) {
		if (!parser->operation->metas || parser->has_metadata)
			return refuse_child(parser, tag,
				parser->has_metadata ? "an operation that has one" : "delete");
		parser->has_metadata = TRUE;
		return PLACE_METADATA;
	}
	if (is_wrapper(tag))
		return PLACE_WRAPPER;
	if (!ifmap_identifier_type_from_string(tag->local, &type))
		return refuse_identifier(parser, tag);
	if (parser->has_metadata)
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"an identifier behind metadata");
	ifmap_reader_take_identifier(parser->reader, tag, type);
	return 0;
}

static int start_in_metadata(struct parser *parser, const struct ifmap_tag *tag)
{
	ifmap_reader_take_meta(parser->reader, tag, IFMAP_META_FROM_CLIENT);
	return 0;
}

static int start_in_wrapper(struct parser *parser, const struct ifmap_tag *tag)
{
	enum ifmap_id_type type;

	if (is_wrapper(tag))
		return PLACE_WRAPPER;
	if (!ifmap_identifier_type_from_string(tag->local, &type))
		return refuse_identifier(parser, tag);
	ifmap_reader_take_identifier(parser->reader, tag, type);
	return 0;
}

/* ---- inside subscribe -- */

static int start_in_subscribe(struct parser *parser, const struct ifmap_tag *tag)
{
	gboolean update = strcmp(tag->local, "update") == 0;
	struct ifmap_subscribe *subscribe;

	if (!update && strcmp(tag->local, "delete") != 0)
		return refuse_child(parser, tag, "subscribe");
	if (parser->request->subscribes->len >= parser->limits->max_operations) {
		refuse(parser, RANK_LIMIT, IFMAP_ERROR_FAILURE,
			"more than %u subscriptions in one request",
			parser->limits->max_operations);
		return -1;
	}
	subscribe = g_new0(struct ifmap_subscribe, 1);
	g_ptr_array_add(parser->request->subscribes, subscribe);
	subscribe->name = ifmap_tag_attribute(tag, "name");
	if (!subscribe->name || !*subscribe->name || strlen(subscribe->name) > MAX_NAME)
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"a subscription needs a name of 1 to %d bytes", MAX_NAME);
	if (!update)
		return PLACE_NOTHING;
	subscribe->query = parser->query = read_query(parser, tag);
	parser->n_identifiers = 0;
	return PLACE_QUERY;
}

/* ---- dispatch -- */

/* Each returns the place the element opens, 0 when it was taken whole, -1 when it is to be skipped.
 */
static int (*const starts[])(struct parser *parser, const struct ifmap_tag *tag) = {
	[PLACE_BODY] = start_in_body,
	[PLACE_EMPTY] = NULL,
	[PLACE_PUBLISH] = start_in_publish,
	[PLACE_OPERATION] = start_in_operation,
	[PLACE_METADATA] = start_in_metadata,
	[PLACE_SUBSCRIBE] = start_in_subscribe,
	[PLACE_QUERY] = start_in_wrapper,
	[PLACE_NOTHING] = NULL,
	[PLACE_WRAPPER] = start_in_wrapper,
};

static enum place place_of(const struct parser *parser)
{
	return g_array_index(parser->places, enum place, parser->places->len - 1);
}

static void on_start(gpointer self, struct ifmap_reader *reader, unsigned depth G_GNUC_UNUSED,
	const struct ifmap_tag *tag)
{
	struct parser *parser = self;
	enum place place = place_of(parser);
	int next;

	parser->reader = reader;
	next = starts[place] ? starts[place](parser, tag) : -1;
	if (next < 0)
		ifmap_reader_skip(reader);
	else if (next > 0)
		g_array_append_vals(parser->places, &(enum place){ (enum place)next }, 1);
}

static void end_operation(struct parser *parser)
{
	const struct ifmap_operation *operation = parser->operation;

	if (parser->n_identifiers == 0)
		refuse(parser, RANK_IDENTIFIER, IFMAP_ERROR_INVALID_IDENTIFIER,
			"an operation without identifier");
	if (operation->metas && !parser->has_metadata)
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"update and notify need metadata");
	if (operation->a && operation->b && ifmap_id_equal(operation->a, operation->b))
		refuse(parser, RANK_IDENTIFIER, IFMAP_ERROR_INVALID_IDENTIFIER,
			"a link from an identifier to itself");
}

static void end_metadata(struct parser *parser)
{
	if (parser->operation->metas->len == 0)
		refuse(parser, RANK_METADATA, IFMAP_ERROR_INVALID_METADATA,
			"metadata without any element in it");
}

static void end_query(struct parser *parser)
{
	if (parser->n_identifiers == 0)
		refuse(parser, RANK_IDENTIFIER, IFMAP_ERROR_INVALID_IDENTIFIER,
			"a search without start identifier");
}

static void (*const ends[])(struct parser *parser) = {
	[PLACE_OPERATION] = end_operation,
	[PLACE_METADATA] = end_metadata,
	[PLACE_QUERY] = end_query,
};

static void on_end(gpointer self, struct ifmap_reader *reader G_GNUC_UNUSED,
	unsigned depth G_GNUC_UNUSED, const char *text G_GNUC_UNUSED)
{
	struct parser *parser = self;
	enum place place = place_of(parser);

	if (place < G_N_ELEMENTS(ends) && ends[place])
		ends[place](parser);
	g_array_set_size(parser->places, parser->places->len - 1);
}

/* ---- captured values -- */

static gboolean in_query(const struct parser *parser)
{
	for (guint i = parser->places->len; i > 0; i--) {
		enum place place = g_array_index(parser->places, enum place, i - 1);

		if (place != PLACE_WRAPPER)
			return place == PLACE_QUERY;
	}
	return FALSE;
}

static void on_identifier(gpointer self, struct ifmap_id *id, GError *error)
{
	struct parser *parser = self;
	gboolean query = in_query(parser);
	unsigned n = parser->n_identifiers++;

	if (!id)
		refuse_error(parser, RANK_IDENTIFIER, error);
	else if (query && n == 0)
		parser->query->start = id;
	else if (!query && n == 0)
		parser->operation->a = id;
	else if (!query && n == 1)
		parser->operation->b = id;
	else
		ifmap_id_unref(id);
	if (n >= (query ? 1 : 2))
		refuse(parser, RANK_IDENTIFIER, IFMAP_ERROR_INVALID_IDENTIFIER,
			"too many identifiers");
}

static void on_meta(gpointer self, struct ifmap_meta *meta, GError *error)
{
	struct parser *parser = self;

	if (meta) {
		g_ptr_array_add(parser->operation->metas, meta);
		if (!parser->dialect->check_standard || ifmap_standard_check(meta, &error))
			return;
	}
	refuse_error(parser, RANK_METADATA, error);
}

static const struct ifmap_reader_ops ops = { on_start, on_end, on_identifier, on_meta };

/* ---- the request -- */

static void check_whole(struct parser *parser)
{
	if (!parser->has_operation)
		refuse(parser, RANK_OPERATION, IFMAP_ERROR_FAILURE, "the SOAP body is empty");
	else if (parser->request->operations && parser->request->operations->len == 0 &&
		 parser->dialect->refuse_empty)
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"a publish without update, notify or delete");
	else if (parser->request->subscribes && parser->request->subscribes->len == 0)
		refuse(parser, RANK_STRUCTURE, IFMAP_ERROR_FAILURE,
			"a subscribe without update or delete");
}

/* Gives the result of a reading that reached the end of the document. */
static enum ifmap_parse_status conclude(struct parser *parser, struct ifmap_request **ret_request,
	char **ret_session_id, GError **error)
{
	check_whole(parser);
	if (!parser->error) {
		*ret_request = g_steal_pointer(&parser->request);
		return IFMAP_PARSE_OK;
	}
	if (ret_session_id)
		*ret_session_id = g_steal_pointer(&parser->request->session_id);
	g_propagate_error(error, g_steal_pointer(&parser->error));
	return IFMAP_PARSE_REFUSED;
}

static enum ifmap_parse_status status_of(enum ifmap_reader_status status)
{
	static const enum ifmap_parse_status statuses[] = {
		[IFMAP_READER_MALFORMED] = IFMAP_PARSE_BAD_XML,
		[IFMAP_READER_NOT_UNDERSTOOD] = IFMAP_PARSE_NOT_UNDERSTOOD,
		[IFMAP_READER_OLD_SOAP] = IFMAP_PARSE_OLD_SOAP,
	};
	return statuses[status];
}

enum ifmap_parse_status ifmap_request_parse(const char *data, size_t size,
	const struct ifmap_request_limits *limits, struct ifmap_request **ret_request,
	char **ret_session_id, GError **error)
{
	struct parser parser = {
		.request = g_new0(struct ifmap_request, 1),
		.limits = limits,
		.dialect = limits->dialect ? limits->dialect : &IFMAP_DIALECT_DEFAULT,
		.places = g_array_new(FALSE, FALSE, sizeof(enum place)),
		.rank = RANK_NONE,
	};
	const struct ifmap_reader_setup setup = {
		.frame = IFMAP_READER_ENVELOPE,
		.limits = { limits->max_identifier, limits->max_metadata, limits->max_depth,
			limits->dialect },
		.ops = &ops,
		.self = &parser,
	};
	enum ifmap_parse_status status;
	enum ifmap_reader_status read;

	if (ret_session_id)
		*ret_session_id = NULL;
	g_array_append_vals(parser.places, &(enum place){ PLACE_BODY }, 1);
	read = ifmap_reader_run(data, size, &setup, error);
	status = read == IFMAP_READER_OK ? conclude(&parser, ret_request, ret_session_id, error)
					 : status_of(read);
	g_array_unref(parser.places);
	g_clear_error(&parser.error);
	ifmap_request_free(parser.request);
	return status;
}

void ifmap_query_free(struct ifmap_query *query)
{
	if (!query)
		return;
	ifmap_id_unref(query->start);
	ifmap_filter_unref(query->match_links);
	ifmap_filter_unref(query->result_filter);
	ifmap_terminal_free(query->terminal);
	g_free(query);
}

struct ifmap_query *ifmap_subscribe_steal_query(struct ifmap_subscribe *subscribe)
{
	return g_steal_pointer(&subscribe->query);
}

void ifmap_request_free(struct ifmap_request *request)
{
	if (!request)
		return;
	g_free(request->session_id);
	g_free(request->publisher_id);
	if (request->operations)
		g_ptr_array_unref(request->operations);
	if (request->subscribes)
		g_ptr_array_unref(request->subscribes);
	ifmap_query_free(request->query);
	g_free(request);
}
