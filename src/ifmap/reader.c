/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/reader.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <string.h>

#include "base/xml.h"
#include "ifmap/identifier.h"
#include "ifmap/metabuilder.h"
#include "ifmap/tagscan.h"

#define NS_SOAP        "http://www.w3.org/2003/05/soap-envelope"
#define NS_OLD_SOAP    "http://schemas.xmlsoap.org/soap/envelope/"
#define MAX_ATTRIBUTES 256
#define MAX_TEXT       ((size_t)65536)
#define CHUNK          ((size_t)65536)
#define MAX_DICTIONARY 4096

/* Where in the document the reader is. */
enum place {
	PLACE_DOCUMENT, /* before the root */
	PLACE_ENVELOPE, /* inside Envelope */
	PLACE_HEADER,   /* inside Header */
	PLACE_BODY,     /* inside Body: the consumer's */
	PLACE_BEHIND,   /* behind Body */
};

/* What happens to the element at capture_depth and all below it. */
enum capture {
	CAPTURE_NONE,
	CAPTURE_SKIP,
	CAPTURE_IDENTIFIER,
	CAPTURE_META,
};

struct ifmap_reader {
	xmlParserCtxt *ctxt;
	const struct ifmap_reader_setup *setup;

	unsigned depth;      /* elements open */
	unsigned body_depth; /* depth of the Body, 0 for a bare document */
	enum place place;
	enum capture capture;
	unsigned capture_depth;

	struct ifmap_scope scope;
	GArray *scope_marks;             /* guint: n bindings before the element at that depth */
	struct ifmap_prefixes *prefixes; /* of all bindings, or NULL: not asked for yet */

	GString *text;
	struct ifmap_metabuilder *builder; /* made when first needed */
	struct {
		struct ifmap_identifier_parts parts;
		char *strings[4];
		gboolean in_name;
	} identifier;

	char *refused; /* why the parse was stopped */
	int refused_line;
	gboolean not_understood;
	gboolean old_soap;
};

/* ---- refusals -- */

static void stop(struct ifmap_reader *reader, const char *why)
{
	if (!reader->refused) {
		reader->refused = g_strdup(why);
		reader->refused_line = xmlSAX2GetLineNumber(reader->ctxt);
	}
	xmlStopParser(reader->ctxt);
}

static void on_doctype(void *data, const xmlChar *name G_GNUC_UNUSED,
	const xmlChar *external G_GNUC_UNUSED, const xmlChar *system G_GNUC_UNUSED)
{
	stop(data, "a document type declaration is not allowed");
}

static void on_error(void *data, xmlErrorPtr error)
{
}

/* ---- tags -- */

char *ifmap_tag_attribute(const struct ifmap_tag *tag, const char *name)
{
	for (unsigned i = 0; i < tag->n_attributes; i++) {
		const xmlChar **attribute = tag->attributes + (size_t)i * 5;

		if (!attribute[2] && strcmp((const char *)attribute[0], name) == 0)
			return g_strndup(
				(const char *)attribute[3], (gsize)(attribute[4] - attribute[3]));
	}
	return NULL;
}

static gboolean tag_is(const struct ifmap_tag *tag, const char *ns, const char *local)
{
	return strcmp(tag->local, local) == 0 && strcmp(tag->ns, ns) == 0;
}

/* A prefix that nothing declares makes a document unreadable; libxml2 only warns. */
static gboolean prefixes_are_bound(const struct ifmap_tag *tag)
{
	if (tag->prefix && !*tag->ns)
		return FALSE;
	for (unsigned i = 0; i < tag->n_attributes; i++)
		if (tag->attributes[(size_t)i * 5 + 1] && !tag->attributes[(size_t)i * 5 + 2])
			return FALSE;
	return TRUE;
}

/* ---- namespaces in scope -- */

static void scope_push(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	guint mark = reader->scope.bindings->len;

	g_array_append_val(reader->scope_marks, mark);
	for (unsigned i = 0; i < tag->n_declarations; i++) {
		struct ifmap_binding binding = {
			.prefix = (const char *)tag->declarations[(size_t)i * 2],
			.ns = (const char *)tag->declarations[(size_t)i * 2 + 1],
		};

		binding.ns = binding.ns ? binding.ns : "";
		g_array_append_val(reader->scope.bindings, binding);
	}
	if (tag->n_declarations > 0)
		g_clear_pointer(&reader->prefixes, ifmap_prefixes_unref);
}

static void scope_pop(struct ifmap_reader *reader)
{
	guint mark = g_array_index(reader->scope_marks, guint, reader->scope_marks->len - 1);

	g_array_set_size(reader->scope_marks, reader->scope_marks->len - 1);
	if (mark != reader->scope.bindings->len)
		g_clear_pointer(&reader->prefixes, ifmap_prefixes_unref);
	g_array_set_size(reader->scope.bindings, mark);
}

struct ifmap_prefixes *ifmap_reader_prefixes(struct ifmap_reader *reader)
{
	g_autoptr(GPtrArray) pairs = NULL;

	if (reader->prefixes)
		return ifmap_prefixes_ref(reader->prefixes);
	pairs = g_ptr_array_new();
	for (guint i = 0; i < reader->scope.bindings->len; i++) {
		const struct ifmap_binding *binding = &g_array_index(
			reader->scope.bindings, struct ifmap_binding, i);

		if (!binding->prefix)
			continue;
		g_ptr_array_add(pairs, (gpointer)binding->prefix);
		g_ptr_array_add(pairs, (gpointer)binding->ns);
	}
	reader->prefixes = ifmap_prefixes_new((const char *const *)pairs->pdata, pairs->len / 2);
	return ifmap_prefixes_ref(reader->prefixes);
}

/* ---- captures -- */

static void capture(struct ifmap_reader *reader, enum capture what)
{
	reader->capture = what;
	reader->capture_depth = reader->depth;
}

void ifmap_reader_skip(struct ifmap_reader *reader)
{
	capture(reader, CAPTURE_SKIP);
}

static void identifier_clear(struct ifmap_reader *reader)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reader->identifier.strings); i++)
		g_clear_pointer(&reader->identifier.strings[i], g_free);
	memset(&reader->identifier, 0, sizeof(reader->identifier));
}

void ifmap_reader_take_identifier(
	struct ifmap_reader *reader, const struct ifmap_tag *tag, enum ifmap_id_type type)
{
	struct ifmap_identifier_parts *parts = &reader->identifier.parts;
	char **strings = reader->identifier.strings;
	gboolean by_value = type == IFMAP_ID_IP_ADDRESS || type == IFMAP_ID_MAC_ADDRESS;

	identifier_clear(reader);
	capture(reader, CAPTURE_IDENTIFIER);
	parts->type = type;
	if (type == IFMAP_ID_DEVICE)
		return;
	parts->name = strings[0] = ifmap_tag_attribute(tag, by_value ? "value" : "name");
	parts->domain = strings[1] = ifmap_tag_attribute(tag, "administrative-domain");
	parts->subtype = strings[2] = ifmap_tag_attribute(tag, "type");
	parts->other_type = strings[3] = ifmap_tag_attribute(tag, "other-type-definition");
}

void ifmap_reader_take_meta(
	struct ifmap_reader *reader, const struct ifmap_tag *tag, enum ifmap_meta_origin origin)
{
	guint n_outside = g_array_index(reader->scope_marks, guint, reader->scope_marks->len - 1);

	capture(reader, CAPTURE_META);
	if (!reader->builder)
		reader->builder = ifmap_metabuilder_new();
	ifmap_metabuilder_begin(reader->builder, &reader->scope, n_outside, origin,
		reader->setup->limits.max_metadata);
	ifmap_metabuilder_start(reader->builder, tag);
}

/* The `name` of a device, and nothing else, has content that counts. */
static void identifier_start(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	reader->identifier.in_name = reader->identifier.parts.type == IFMAP_ID_DEVICE &&
				     reader->depth == reader->capture_depth + 1 &&
				     strcmp(tag->local, "name") == 0;
}

static void identifier_end(struct ifmap_reader *reader)
{
	GError *error = NULL;
	struct ifmap_id *id;

	if (reader->identifier.in_name && !reader->identifier.strings[0]) {
		reader->identifier.strings[0] = g_strdup(reader->text->str);
		reader->identifier.parts.name = reader->identifier.strings[0];
	}
	reader->identifier.in_name = FALSE;
	if (reader->depth > reader->capture_depth)
		return;
	reader->capture = CAPTURE_NONE;
	id = ifmap_identifier_read(&reader->identifier.parts, reader->setup->limits.max_identifier,
		reader->setup->limits.dialect, &error);
	reader->setup->ops->identifier(reader->setup->self, id, error);
	identifier_clear(reader);
}

static void meta_end(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	GError *error = NULL;
	struct ifmap_meta *meta;

	ifmap_metabuilder_end(reader->builder, tag);
	if (reader->depth > reader->capture_depth)
		return;
	reader->capture = CAPTURE_NONE;
	meta = ifmap_metabuilder_finish(reader->builder, &error);
	reader->setup->ops->meta(reader->setup->self, meta, error);
}

static void captured_start(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	if (reader->capture == CAPTURE_IDENTIFIER)
		identifier_start(reader, tag);
	if (reader->capture == CAPTURE_META)
		ifmap_metabuilder_start(reader->builder, tag);
}

static void captured_end(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	if (reader->capture == CAPTURE_IDENTIFIER)
		identifier_end(reader);
	else if (reader->capture == CAPTURE_META)
		meta_end(reader, tag);
	else if (reader->depth == reader->capture_depth)
		reader->capture = CAPTURE_NONE;
}

/* ---- the envelope -- */

static gboolean is_true(const char *value)
{
	return g_strcmp0(value, "true") == 0 || g_strcmp0(value, "1") == 0;
}

static void header_block(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	for (unsigned i = 0; i < tag->n_attributes; i++) {
		const xmlChar **attribute = tag->attributes + (size_t)i * 5;
		g_autofree char *value = g_strndup(
			(const char *)attribute[3], (gsize)(attribute[4] - attribute[3]));

		if (strcmp((const char *)attribute[0], "mustUnderstand") == 0 &&
			g_strcmp0((const char *)attribute[2], NS_SOAP) == 0 && is_true(value)) {
			reader->not_understood = TRUE;
			stop(reader, "a header block that must be understood is not");
		}
	}
	ifmap_reader_skip(reader);
}

static void envelope_child(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	if (tag_is(tag, NS_SOAP, "Header") && reader->place == PLACE_ENVELOPE) {
		reader->place = PLACE_HEADER;
	} else if (tag_is(tag, NS_SOAP, "Body") && reader->place == PLACE_ENVELOPE) {
		reader->place = PLACE_BODY;
		reader->body_depth = reader->depth;
	} else {
		stop(reader,
			"the SOAP envelope holds something that is neither Header nor the one Body");
	}
}

static void framed_start(struct ifmap_reader *reader, const struct ifmap_tag *tag)
{
	if (reader->place == PLACE_DOCUMENT) {
		reader->old_soap = tag_is(tag, NS_OLD_SOAP, "Envelope");
		if (!tag_is(tag, NS_SOAP, "Envelope"))
			stop(reader, "not a SOAP 1.2 envelope");
		reader->place = PLACE_ENVELOPE;
	} else if (reader->place == PLACE_HEADER) {
		header_block(reader, tag);
	} else if (reader->place == PLACE_BODY) {
		reader->setup->ops->start(
			reader->setup->self, reader, reader->depth - reader->body_depth, tag);
	} else {
		envelope_child(reader, tag);
	}
}

static void framed_end(struct ifmap_reader *reader)
{
	if (reader->place == PLACE_HEADER)
		reader->place = PLACE_ENVELOPE;
	else if (reader->place == PLACE_BODY && reader->depth > reader->body_depth)
		reader->setup->ops->end(reader->setup->self, reader,
			reader->depth - reader->body_depth, reader->text->str);
	else if (reader->place == PLACE_BODY)
		reader->place = PLACE_BEHIND;
}

/* ---- what libxml2 calls -- */

/* NOLINTNEXTLINE(readability-function-size): the shape is libxml2's */
static void on_start(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes,
	int n_defaulted G_GNUC_UNUSED, const xmlChar **attributes)
{
	struct ifmap_reader *reader = data;
	struct ifmap_tag tag = {
		.ns = uri ? (const char *)uri : "",
		.local = (const char *)local,
		.prefix = (const char *)prefix,
		.n_attributes = (unsigned)n_attributes,
		.attributes = attributes,
		.n_declarations = (unsigned)n_namespaces,
		.declarations = namespaces,
	};

	if (reader->refused)
		return;
	if (++reader->depth > reader->setup->limits.max_depth) {
		stop(reader, "nested too deeply");
		return;
	}
	if (!prefixes_are_bound(&tag)) {
		stop(reader, "a namespace prefix is not declared");
		return;
	}
	scope_push(reader, &tag);
	g_string_truncate(reader->text, 0);
	if (reader->capture != CAPTURE_NONE)
		captured_start(reader, &tag);
	else
		framed_start(reader, &tag);
}

static void on_end(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct ifmap_reader *reader = data;
	const struct ifmap_tag tag = { .ns = uri ? (const char *)uri : "",
		.local = (const char *)local,
		.prefix = (const char *)prefix };

	if (reader->refused)
		return;
	if (reader->capture != CAPTURE_NONE)
		captured_end(reader, &tag);
	else
		framed_end(reader);
	scope_pop(reader);
	g_string_truncate(reader->text, 0);
	reader->depth--;
}

static void on_text(void *data, const xmlChar *text, int size)
{
	struct ifmap_reader *reader = data;

	if (reader->refused)
		return;
	if (reader->capture == CAPTURE_META)
		ifmap_metabuilder_text(reader->builder, (const char *)text, (size_t)size);
	else if (reader->text->len <= MAX(MAX_TEXT, reader->setup->limits.max_identifier))
		g_string_append_len(reader->text, (const char *)text, size);
}

/* ---- one run -- */

/* Making a parser costs as much as parsing a small request, so each thread keeps one. */
static void free_context(gpointer data)
{
	xmlFreeParserCtxt(data);
}
static GPrivate idle_context = G_PRIVATE_INIT(free_context);

static xmlParserCtxt *context_new(void)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.internalSubset = on_doctype,
		.serror = on_error,
	};

	base_xml_init();
	return xmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL);
}

static xmlParserCtxt *context_take(struct ifmap_reader *reader)
{
	xmlParserCtxt *ctxt = g_private_get(&idle_context);

	if (ctxt)
		g_private_set(&idle_context, NULL);
	else
		ctxt = context_new();
	if (!ctxt || xmlCtxtResetPush(ctxt, NULL, 0, NULL, NULL) != 0)
		g_error("libxml2 has no memory for a parser");
	ctxt->userData = reader;
	/* NOENT: else an `&amp;` in an attribute arrives as `&#38;`. Nothing else can be expanded,
	 * as a DOCTYPE is refused. */
	xmlCtxtUseOptions(ctxt,
		XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_BIG_LINES | XML_PARSE_NOENT);
	return ctxt;
}

/* A parser whose dictionary of names has grown is not kept: the names are the peer's. */
static void context_give_back(xmlParserCtxt *ctxt)
{
	ctxt->userData = NULL;
	if (!g_private_get(&idle_context) && xmlDictSize(ctxt->dict) < MAX_DICTIONARY)
		g_private_set(&idle_context, ctxt);
	else
		xmlFreeParserCtxt(ctxt);
}

static gboolean fail(GError **error, int line, const char *why)
{
	g_autofree char *sentence = g_strchomp(g_strdup(why));

	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "line %d: %s", line, sentence);
	return FALSE;
}

static gboolean feed(struct ifmap_reader *reader, const char *data, size_t size, GError **error)
{
	int code = 0;
	const xmlError *last;

	for (size_t at = 0; at < size && code == 0 && !reader->refused; at += CHUNK)
		code = xmlParseChunk(reader->ctxt, data + at, (int)MIN(CHUNK, size - at), 0);
	if (code == 0 && !reader->refused)
		code = xmlParseChunk(reader->ctxt, NULL, 0, 1);
	if (reader->refused)
		return fail(error, reader->refused_line, reader->refused);
	if (code == 0 && reader->ctxt->wellFormed && reader->ctxt->nsWellFormed)
		return TRUE;
	last = xmlCtxtGetLastError(reader->ctxt);
	return fail(error, last ? last->line : 0,
		last && last->message ? last->message : "not well-formed");
}

static gboolean read_utf8(
	struct ifmap_reader *reader, const char *data, size_t size, GError **error)
{
	if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		size -= 3;
	}
	/* Anything else at the front would make libxml2 guess at an encoding. */
	if (size < 4 || !strchr("< \t\r\n", data[0]) || !data[0] || !data[1])
		return fail(error, 1, "no XML document in UTF-8 or UTF-16");
	if (!ifmap_tagscan(data, size, MAX_ATTRIBUTES))
		return fail(error, 0, "a tag has too many attributes");
	if (!feed(reader, data, size, error))
		return FALSE;
	if (reader->setup->frame == IFMAP_READER_ENVELOPE && reader->place != PLACE_BEHIND)
		return fail(error, 0, "the SOAP envelope has no Body");
	return TRUE;
}

/* "UTF-16LE", "UTF-16BE", or NULL when it is not UTF-16. */
static const char *find_utf16(const char *data, size_t size)
{
	if (size < 4 || size % 2 != 0)
		return NULL;
	if (memcmp(data, "\xff\xfe", 2) == 0 || (data[0] == '<' && data[1] == '\0'))
		return "UTF-16LE";
	if (memcmp(data, "\xfe\xff", 2) == 0 || (data[0] == '\0' && data[1] == '<'))
		return "UTF-16BE";
	return NULL;
}

static gboolean read_any(struct ifmap_reader *reader, const char *data, size_t size, GError **error)
{
	const char *charset = find_utf16(data, size);
	g_autofree char *converted = NULL;
	gsize converted_size = 0;

	if (!charset)
		return read_utf8(reader, data, size, error);
	converted = g_convert(data, (gssize)size, "UTF-8", charset, NULL, &converted_size, NULL);
	if (!converted)
		return fail(error, 1, "broken UTF-16");
	return read_utf8(reader, converted, converted_size, error);
}

static void reader_clear(struct ifmap_reader *reader)
{
	context_give_back(reader->ctxt);
	identifier_clear(reader);
	g_array_unref(reader->scope.bindings);
	g_array_unref(reader->scope_marks);
	ifmap_prefixes_unref(reader->prefixes);
	g_string_free(reader->text, TRUE);
	ifmap_metabuilder_free(reader->builder);
	g_free(reader->refused);
}

enum ifmap_reader_status ifmap_reader_run(
	const char *data, size_t size, const struct ifmap_reader_setup *setup, GError **error)
{
	struct ifmap_reader reader = {
		.setup = setup,
		.place = setup->frame == IFMAP_READER_BARE ? PLACE_BODY : PLACE_DOCUMENT,
		.scope.bindings = g_array_new(FALSE, FALSE, sizeof(struct ifmap_binding)),
		.scope_marks = g_array_new(FALSE, FALSE, sizeof(guint)),
		.text = g_string_new(NULL),
	};
	enum ifmap_reader_status status;

	reader.ctxt = context_take(&reader);
	status = read_any(&reader, data, size, error) ? IFMAP_READER_OK : IFMAP_READER_MALFORMED;
	if (reader.not_understood)
		status = IFMAP_READER_NOT_UNDERSTOOD;
	if (reader.old_soap)
		status = IFMAP_READER_OLD_SOAP;
	reader_clear(&reader);
	return status;
}
