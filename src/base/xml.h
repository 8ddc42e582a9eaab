#pragma once
/* Bounded reading of XML that somebody else wrote.
 *
 * One way in: a whole document in memory becomes a libxml2 tree, or one GError that names file and
 * line. A DOCTYPE, an entity declaration, an external reference, too much depth, too many nodes or
 * too many bytes are refused; nothing is ever fetched or expanded. The tree belongs to the caller
 * (g_autoptr(xmlDoc) works). Any thread may call; libxml2's global error handler is not touched.
 */
#include <glib.h>
#include <libxml/tree.h>

#define BASE_XML_ERROR (base_xml_error_quark())
GQuark base_xml_error_quark(void);

enum base_xml_error {
	BASE_XML_ERROR_MALFORMED, /* not well-formed */
	BASE_XML_ERROR_FORBIDDEN, /* DOCTYPE or entity declaration */
	BASE_XML_ERROR_LIMIT,     /* too large, too deep, too many nodes */
	BASE_XML_ERROR_CONTENT,   /* well-formed, but not what the reader of the document wants */
};

/* What a document may cost. `name` is what error messages call it (a file name). */
struct base_xml_limits {
	size_t max_size;    /* bytes */
	unsigned max_depth; /* elements inside elements */
	unsigned max_nodes; /* elements, attributes and texts together */
};

/* 8 MiB, 64 deep, 200,000 nodes. */
extern const struct base_xml_limits BASE_XML_LIMITS_DEFAULT;

/* Readies libxml2 once for all threads: whoever makes a parser calls it first. Left to itself
 * libxml2 does so at its first use, and two threads may do it at once. */
void base_xml_init(void);

/* Reads `data` (`size` bytes). Returns a tree owned by the caller, or NULL with an error
 * "NAME:LINE: why". */
xmlDoc *base_xml_read(const char *name, const char *data, size_t size,
	const struct base_xml_limits *limits, GError **error);

/* Sets an error "NAME:LINE: <element>: message" for a node the caller does not want. */
void base_xml_set_error(GError **error, const char *name, const xmlNode *node, const char *format,
	...) G_GNUC_PRINTF(4, 5);

/* Whether `node` is the element {ns}local; ns NULL means no namespace. */
gboolean base_xml_is(const xmlNode *node, const char *ns, const char *local);

/* First child element, next sibling element; NULL at the end. */
xmlNode *base_xml_first(const xmlNode *node);
xmlNode *base_xml_next(const xmlNode *node);

/* First child element {ns}local, or NULL. */
xmlNode *base_xml_find(const xmlNode *node, const char *ns, const char *local);

/* Text of the element with outer white space dropped, newly allocated; "" when empty. */
char *base_xml_text(const xmlNode *node);

/* Value of attribute {ns}local (ns NULL: no namespace), newly allocated, or NULL when absent. */
char *base_xml_attr(const xmlNode *node, const char *ns, const char *local);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
