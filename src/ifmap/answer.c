/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/answer.h"

#include <errno.h>
#include <string.h>

#include "ifmap/envelope.h"
#include "ifmap/error.h"
#include "ifmap/identifier.h"
#include "ifmap/reader.h"
#include "ifmap/result.h"

#define MAX_DEPTH      128
#define MAX_IDENTIFIER ((size_t)1 << 20)
#define MAX_METADATA   ((size_t)64 << 20)

/* What the element is in which the reader stands. */
enum place {
	PLACE_BODY,
	PLACE_RESPONSE,
	PLACE_POLL,
	PLACE_RESULT,
	PLACE_ITEM,
	PLACE_METADATA,
	PLACE_ERROR,
	PLACE_STRING, /* errorString */
	PLACE_FAULT,  /* and all below it */
};

struct parser {
	struct ifmap_answer *answer;
	gboolean has_content; /* the response's child was seen */
	char *wrong;          /* why it is no answer, or NULL */
	GArray *places;       /* enum place, one a depth */
	struct ifmap_member *member;
	struct ifmap_id *a;
	struct ifmap_id *b;
	GPtrArray *metas;
	enum ifmap_error code;
	char *error_text;
	GString *fault;
};

static void refuse(struct parser *parser, char *why)
{
	if (parser->wrong)
		g_free(why);
	else
		parser->wrong = why;
}

/* ---- start tags -- */

static void start_new_session(struct parser *parser, const struct ifmap_tag *tag)
{
	g_autofree char *size = ifmap_tag_attribute(tag, "max-poll-result-size");
	guint64 value = 0;

	parser->answer->session_id = ifmap_tag_attribute(tag, "session-id");
	parser->answer->publisher_id = ifmap_tag_attribute(tag, "ifmap-publisher-id");
	if (size && g_ascii_string_to_unsigned(size, 10, 0, G_MAXSIZE, &value, NULL))
		parser->answer->max_poll_result_size = (size_t)value;
	if (!parser->answer->session_id || !parser->answer->publisher_id)
		refuse(parser, g_strdup("newSessionResult lacks session-id or ifmap-publisher-id"));
}

static struct ifmap_member *add_member(struct parser *parser, const struct ifmap_tag *tag)
{
	struct ifmap_member *member = g_new0(struct ifmap_member, 1);

	member->name = ifmap_tag_attribute(tag, "name");
	g_ptr_array_add(parser->answer->members, member);
	parser->member = member;
	return member;
}

static const struct {
	const char *local;
	enum ifmap_result_kind kind;
} results[] = {
	{ "searchResult", IFMAP_RESULT_SEARCH },
	{ "updateResult", IFMAP_RESULT_UPDATE },
	{ "deleteResult", IFMAP_RESULT_DELETE },
	{ "notifyResult", IFMAP_RESULT_NOTIFY },
};

static void start_result(struct parser *parser, const struct ifmap_tag *tag)
{
	for (size_t i = 0; i < G_N_ELEMENTS(results); i++)
		if (strcmp(results[i].local, tag->local) == 0) {
			struct ifmap_member *member = add_member(parser, tag);

			member->result = ifmap_result_new(results[i].kind, member->name);
		}
}

static void start_error(struct parser *parser, const struct ifmap_tag *tag)
{
	g_autofree char *code = ifmap_tag_attribute(tag, "errorCode");

	parser->code = IFMAP_ERROR_FAILURE;
	if (!code || !ifmap_error_code_from_string(code, &parser->code))
		parser->error_text = g_strdup_printf(
			"unknown errorCode \"%.40s\"", code ? code : "");
}

static void start_member_error(struct parser *parser, const struct ifmap_tag *tag)
{
	add_member(parser, tag);
	start_error(parser, tag);
}

/* Children of the response; one row an answer. */
static const struct {
	const char *local;
	enum ifmap_answer_type type;
	int place; /* where its content stands; -1: it has none that counts */
	void (*start)(struct parser *parser, const struct ifmap_tag *tag);
} contents[] = {
	{ "newSessionResult", IFMAP_ANSWER_NEW_SESSION, -1, start_new_session },
	{ "renewSessionResult", IFMAP_ANSWER_RENEW_SESSION, -1, NULL },
	{ "endSessionResult", IFMAP_ANSWER_END_SESSION, -1, NULL },
	{ "publishReceived", IFMAP_ANSWER_PUBLISH, -1, NULL },
	{ "subscribeReceived", IFMAP_ANSWER_SUBSCRIBE, -1, NULL },
	{ "purgePublisherReceived", IFMAP_ANSWER_PURGE, -1, NULL },
	{ "searchResult", IFMAP_ANSWER_SEARCH, PLACE_RESULT, start_result },
	{ "pollResult", IFMAP_ANSWER_POLL, PLACE_POLL, NULL },
	{ "errorResult", IFMAP_ANSWER_ERROR, PLACE_ERROR, start_error },
};

/* Returns the place the element opens, -1 when it is to be skipped. */
static int start_content(struct parser *parser, const struct ifmap_tag *tag)
{
	for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
		if (strcmp(contents[i].local, tag->local) != 0)
			continue;
		if (parser->has_content) {
			refuse(parser, g_strdup("a response with two answers"));
			return -1;
		}
		parser->has_content = TRUE;
		parser->answer->type = contents[i].type;
		if (contents[i].start)
			contents[i].start(parser, tag);
		return contents[i].place;
	}
	return -1;
}

static int start_in_body(struct parser *parser, const struct ifmap_tag *tag)
{
	if (strcmp(tag->ns, IFMAP_NS) == 0 && strcmp(tag->local, "response") == 0)
		return PLACE_RESPONSE;
	if (strcmp(tag->local, "Fault") == 0)
		return PLACE_FAULT;
	refuse(parser, g_strdup_printf("<%s> is no IF-MAP response", tag->local));
	return -1;
}

static int start_in_poll(struct parser *parser, const struct ifmap_tag *tag)
{
	if (strcmp(tag->local, "errorResult") == 0) {
		start_member_error(parser, tag);
		return PLACE_ERROR;
	}
	parser->member = NULL;
	start_result(parser, tag);
	return parser->member ? PLACE_RESULT : -1;
}

static int start_in_result(struct parser *parser G_GNUC_UNUSED, const struct ifmap_tag *tag)
{
	return strcmp(tag->local, "resultItem") == 0 ? PLACE_ITEM : -1;
}

static int start_in_item(struct parser *parser G_GNUC_UNUSED, const struct ifmap_tag *tag)
{
	return strcmp(tag->local, "metadata") == 0 ? PLACE_METADATA : -1;
}

static int start_in_error(struct parser *parser G_GNUC_UNUSED, const struct ifmap_tag *tag)
{
	return strcmp(tag->local, "errorString") == 0 ? PLACE_STRING : -1;
}

static int start_in_fault(
	struct parser *parser G_GNUC_UNUSED, const struct ifmap_tag *tag G_GNUC_UNUSED)
{
	return PLACE_FAULT;
}

static int (*const starts[])(struct parser *parser, const struct ifmap_tag *tag) = {
	[PLACE_BODY] = start_in_body,
	[PLACE_RESPONSE] = start_content,
	[PLACE_POLL] = start_in_poll,
	[PLACE_RESULT] = start_in_result,
	[PLACE_ITEM] = start_in_item,
	[PLACE_METADATA] = NULL, /* taken whole */
	[PLACE_ERROR] = start_in_error,
	[PLACE_STRING] = NULL,
	[PLACE_FAULT] = start_in_fault,
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
	enum ifmap_id_type type;
	int next;

	if (place == PLACE_METADATA) {
		ifmap_reader_take_meta(reader, tag, IFMAP_META_FROM_SERVER);
		return;
	}
	if (place == PLACE_ITEM && ifmap_identifier_type_from_string(tag->local, &type)) {
		ifmap_reader_take_identifier(reader, tag, type);
		return;
	}
	next = starts[place] && !parser->wrong ? starts[place](parser, tag) : -1;
	if (next < 0)
		ifmap_reader_skip(reader);
	else
		g_array_append_vals(parser->places, &(enum place){ (enum place)next }, 1);
}

/* ---- ends -- */

static void end_item(struct parser *parser, const char *text G_GNUC_UNUSED)
{
	struct ifmap_item *item;

	if (!parser->a) {
		refuse(parser, g_strdup("a resultItem without identifier"));
		g_ptr_array_set_size(parser->metas, 0);
		return;
	}
	item = ifmap_item_new(g_steal_pointer(&parser->a), g_steal_pointer(&parser->b));
	for (guint i = 0; i < parser->metas->len; i++)
		g_ptr_array_add(item->metas, ifmap_meta_ref(g_ptr_array_index(parser->metas, i)));
	g_ptr_array_set_size(parser->metas, 0);
	g_ptr_array_add(parser->member->result->items, item);
}

static void end_string(struct parser *parser, const char *text)
{
	if (!parser->error_text)
		parser->error_text = g_strdup(text);
}

static void end_error(struct parser *parser, const char *text G_GNUC_UNUSED)
{
	const char *what = parser->error_text && *parser->error_text ? parser->error_text
								     : "no reason given";
	const char *code = ifmap_error_code_to_string(parser->code);
	GError *error = g_error_new(IFMAP_ERROR, (int)parser->code, "%s: %s", code, what);

	g_clear_pointer(&parser->error_text, g_free);
	if (parser->answer->type == IFMAP_ANSWER_POLL)
		parser->member->refused = error;
	else
		parser->answer->refused = error;
}

static void end_fault(struct parser *parser, const char *text)
{
	g_autofree char *part = g_strstrip(g_strndup(text, 200));

	if (*part)
		g_string_append_printf(
			parser->fault, "%s%s", parser->fault->len > 0 ? ": " : "", part);
	if (parser->places->len == 2)
		refuse(parser, g_strdup_printf("the server answered a SOAP fault: %.300s",
				       parser->fault->str));
}

static void (*const ends[])(struct parser *parser, const char *text) = {
	[PLACE_ITEM] = end_item,
	[PLACE_ERROR] = end_error,
	[PLACE_STRING] = end_string,
	[PLACE_FAULT] = end_fault,
};

static void on_end(gpointer self, struct ifmap_reader *reader G_GNUC_UNUSED,
	unsigned depth G_GNUC_UNUSED, const char *text)
{
	struct parser *parser = self;
	enum place place = place_of(parser);

	if (place < G_N_ELEMENTS(ends) && ends[place])
		ends[place](parser, text);
	g_array_set_size(parser->places, parser->places->len - 1);
}

/* ---- captured values -- */

static void on_identifier(gpointer self, struct ifmap_id *id, GError *error)
{
	struct parser *parser = self;

	if (error) {
		refuse(parser, g_strdup(error->message));
		g_error_free(error);
	} else if (!parser->a) {
		parser->a = id;
	} else if (!parser->b) {
		parser->b = id;
	} else {
		refuse(parser, g_strdup("a resultItem with three identifiers"));
		ifmap_id_unref(id);
	}
}

static void on_meta(gpointer self, struct ifmap_meta *meta, GError *error)
{
	struct parser *parser = self;

	if (meta) {
		g_ptr_array_add(parser->metas, meta);
		return;
	}
	refuse(parser, g_strdup(error->message));
	g_error_free(error);
}

static const struct ifmap_reader_ops ops = { on_start, on_end, on_identifier, on_meta };

/* ---- the answer -- */

static void free_member(gpointer data)
{
	struct ifmap_member *member = data;

	g_free(member->name);
	ifmap_result_free(member->result);
	g_clear_error(&member->refused);
	g_free(member);
}

void ifmap_answer_free(struct ifmap_answer *answer)
{
	if (!answer)
		return;
	g_free(answer->session_id);
	g_free(answer->publisher_id);
	g_ptr_array_unref(answer->members);
	g_clear_error(&answer->refused);
	g_free(answer);
}

static void unref_meta(gpointer data)
{
	ifmap_meta_unref(data);
}

static void parser_clear(struct parser *parser)
{
	ifmap_answer_free(parser->answer);
	g_array_unref(parser->places);
	ifmap_id_unref(parser->a);
	ifmap_id_unref(parser->b);
	g_ptr_array_unref(parser->metas);
	g_free(parser->error_text);
	g_free(parser->wrong);
	g_string_free(parser->fault, TRUE);
}

static void parser_init(struct parser *parser)
{
	*parser = (struct parser){
		.answer = g_new0(struct ifmap_answer, 1),
		.places = g_array_new(FALSE, FALSE, sizeof(enum place)),
		.metas = g_ptr_array_new_with_free_func(unref_meta),
		.fault = g_string_new(NULL),
	};
	parser->answer->members = g_ptr_array_new_with_free_func(free_member);
	g_array_append_vals(parser->places, &(enum place){ PLACE_BODY }, 1);
}

struct ifmap_answer *ifmap_answer_parse(const char *data, size_t size, GError **error)
{
	struct parser parser;
	const struct ifmap_reader_setup setup = {
		.frame = IFMAP_READER_ENVELOPE,
		.limits = { .max_identifier = MAX_IDENTIFIER,
			.max_metadata = MAX_METADATA,
			.max_depth = MAX_DEPTH },
		.ops = &ops,
		.self = &parser,
	};
	struct ifmap_answer *answer = NULL;
	g_autoptr(GError) bad = NULL;

	parser_init(&parser);
	if (ifmap_reader_run(data, size, &setup, &bad) != IFMAP_READER_OK)
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL, "the answer is no IF-MAP: %s",
			bad->message);
	else if (parser.wrong)
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL, "the answer is no IF-MAP: %s",
			parser.wrong);
	else if (!parser.has_content)
		g_set_error_literal(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL,
			"the answer is no IF-MAP: an empty response");
	else
		answer = g_steal_pointer(&parser.answer);
	parser_clear(&parser);
	return answer;
}
