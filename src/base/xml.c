#include "base/xml.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <string.h>

const struct base_xml_limits BASE_XML_LIMITS_DEFAULT = { 8UL * 1024 * 1024, 64, 200000 };

G_DEFINE_QUARK(base - xml - error - quark, base_xml_error)

/* What one parse counts; hangs on the parser context's _private. */
struct meter {
	const struct base_xml_limits *limits;
	unsigned depth;
	unsigned nodes;
	const char *refused; /* why the parse was stopped, or NULL */
	int refused_line;
	enum base_xml_error code;
};

static void meter_stop(xmlParserCtxt *ctxt, enum base_xml_error code, const char *why)
{
	struct meter *meter = ctxt->_private;

	if (!meter->refused) {
		meter->refused = why;
		meter->refused_line = xmlSAX2GetLineNumber(ctxt);
		meter->code = code;
	}
	xmlStopParser(ctxt);
}

static void meter_add(xmlParserCtxt *ctxt, unsigned n_nodes)
{
	struct meter *meter = ctxt->_private;

	if (__builtin_add_overflow(meter->nodes, n_nodes, &meter->nodes) ||
		meter->nodes > meter->limits->max_nodes)
		meter_stop(ctxt, BASE_XML_ERROR_LIMIT, "too many nodes");
}

/* The signature is libxml2's. */
/* NOLINTNEXTLINE(readability-function-size) */
static void on_start(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	xmlParserCtxt *ctxt = data;
	struct meter *meter = ctxt->_private;

	if (++meter->depth > meter->limits->max_depth) {
		meter_stop(ctxt, BASE_XML_ERROR_LIMIT, "nested too deeply");
		return;
	}
	meter_add(ctxt, 1 + (unsigned)n_attributes + (unsigned)n_namespaces);
	if (!meter->refused)
		xmlSAX2StartElementNs(data, local, prefix, uri, n_namespaces, namespaces,
			n_attributes, n_defaulted, attributes);
}

/* Text comes in pieces; libxml2 puts them together as long as nothing stands between them. */
static void on_text(void *data, const xmlChar *text, int size)
{
	xmlParserCtxt *ctxt = data;
	struct meter *meter = ctxt->_private;
	const xmlNode *last = ctxt->node ? ctxt->node->last : NULL;

	if (!last || last->type != XML_TEXT_NODE)
		meter_add(ctxt, 1);
	if (!meter->refused)
		xmlSAX2Characters(data, text, size);
}

static void on_end(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	xmlParserCtxt *ctxt = data;
	struct meter *meter = ctxt->_private;

	meter->depth--;
	if (!meter->refused)
		xmlSAX2EndElementNs(data, local, prefix, uri);
}

static void on_doctype(
	void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	meter_stop(data, BASE_XML_ERROR_FORBIDDEN, "a document type declaration is not allowed");
}

static void on_error(void *data, xmlErrorPtr error)
{
}

void base_xml_init(void)
{
	static gsize ready;

	if (!g_once_init_enter(&ready))
		return;
	xmlInitParser();
	g_once_init_leave(&ready, 1);
}

static xmlParserCtxt *reader_new(struct meter *meter)
{
	xmlSAXHandler sax = { 0 };
	xmlParserCtxt *ctxt;

	base_xml_init();
	xmlSAXVersion(&sax, 2);
	sax.startElementNs = on_start;
	sax.endElementNs = on_end;
	sax.characters = on_text;
	sax.ignorableWhitespace = on_text;
	sax.internalSubset = on_doctype;
	sax.externalSubset = NULL;
	sax.entityDecl = NULL;
	sax.comment = NULL;
	sax.processingInstruction = NULL;
	sax.serror = on_error;
	ctxt = xmlCreatePushParserCtxt(&sax, NULL, NULL, 0, NULL);
	if (!ctxt)
		return NULL;
	ctxt->_private = meter;
	xmlCtxtUseOptions(ctxt,
		XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_COMPACT | XML_PARSE_BIG_LINES);
	return ctxt;
}

static void set_parse_error(
	GError **error, const char *name, xmlParserCtxt *ctxt, const struct meter *meter)
{
	const xmlError *last = xmlCtxtGetLastError(ctxt);
	g_autofree char *why = NULL;

	if (meter->refused) {
		g_set_error(error, BASE_XML_ERROR, (int)meter->code, "%s:%d: %s", name,
			meter->refused_line, meter->refused);
		return;
	}
	why = g_strstrip(g_strdup(last && last->message ? last->message : "not well-formed"));
	g_set_error(error, BASE_XML_ERROR, BASE_XML_ERROR_MALFORMED, "%s:%d: %s", name,
		last ? last->line : 0, why);
}

xmlDoc *base_xml_read(const char *name, const char *data, size_t size,
	const struct base_xml_limits *limits, GError **error)
{
	struct meter meter = { .limits = limits };
	xmlParserCtxt *ctxt;
	xmlDoc *doc;
	gboolean good;

	if (size > limits->max_size || size > G_MAXINT) {
		g_set_error(error, BASE_XML_ERROR, BASE_XML_ERROR_LIMIT,
			"%s: larger than %zu bytes", name, limits->max_size);
		return NULL;
	}
	ctxt = reader_new(&meter);
	if (!ctxt) {
		g_set_error(error, BASE_XML_ERROR, BASE_XML_ERROR_LIMIT, "%s: out of memory", name);
		return NULL;
	}
	xmlParseChunk(ctxt, data, (int)size, 1);
	doc = ctxt->myDoc;
	ctxt->myDoc = NULL;
	good = ctxt->wellFormed && ctxt->nsWellFormed && !meter.refused && doc &&
	       xmlDocGetRootElement(doc);
	if (!good) {
		set_parse_error(error, name, ctxt, &meter);
		g_clear_pointer(&doc, xmlFreeDoc);
	}
	xmlFreeParserCtxt(ctxt);
	return doc;
}

void base_xml_set_error(
	GError **error, const char *name, const xmlNode *node, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list args;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, BASE_XML_ERROR, BASE_XML_ERROR_CONTENT, "%s:%ld: <%s>: %s", name,
		node ? xmlGetLineNo(node) : 0L, node && node->name ? (const char *)node->name : "?",
		message);
}

gboolean base_xml_is(const xmlNode *node, const char *ns, const char *local)
{
	const char *uri = node->ns ? (const char *)node->ns->href : NULL;

	return node->type == XML_ELEMENT_NODE && g_strcmp0((const char *)node->name, local) == 0 &&
	       g_strcmp0(uri, ns) == 0;
}

static xmlNode *element_from(xmlNode *node)
{
	while (node && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

xmlNode *base_xml_first(const xmlNode *node)
{
	return element_from(node->children);
}

xmlNode *base_xml_next(const xmlNode *node)
{
	return element_from(node->next);
}

xmlNode *base_xml_find(const xmlNode *node, const char *ns, const char *local)
{
	for (xmlNode *child = base_xml_first(node); child; child = base_xml_next(child))
		if (base_xml_is(child, ns, local))
			return child;
	return NULL;
}

static char *take_xml_string(xmlChar *text)
{
	char *copy = g_strdup((const char *)text);

	xmlFree(text);
	return copy;
}

char *base_xml_text(const xmlNode *node)
{
	char *text = take_xml_string(xmlNodeGetContent(node));

	return text ? g_strstrip(text) : g_strdup("");
}

char *base_xml_attr(const xmlNode *node, const char *ns, const char *local)
{
	xmlNode *unconst = (xmlNode *)node; /* libxml2 2.9 has no const getter */

	if (ns)
		return take_xml_string(
			xmlGetNsProp(unconst, (const xmlChar *)local, (const xmlChar *)ns));
	return take_xml_string(xmlGetNoNsProp(unconst, (const xmlChar *)local));
}
