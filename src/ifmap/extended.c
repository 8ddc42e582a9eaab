/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/extended.h"

#include <drover/ifmap.h>
#include <string.h>

#include "base/xml.h"
#include "ifmap/idcheck.h"

/* The inner document is hostile too (ifmap.md 17, 13). */
static const struct base_xml_limits limits = {
	.max_size = 65536, .max_depth = 16, .max_nodes = 1000
};

/* What canonical text writes for a character; canonical text leaves the last one as it is. */
static const struct {
	char c;
	const char *escape;
} escapes[] = {
	{ '&', "&amp;" },
	{ '<', "&lt;" },
	{ '>', "&gt;" },
	{ '"', "&quot;" },
	{ '\t', "&#9;" },
	{ '\n', "&#10;" },
	{ '\r', "&#13;" },
	{ '\'', "&apos;" },
};
#define N_CANONICAL (G_N_ELEMENTS(escapes) - 1)

/* Appends `text` with the first `n_known` of the table escaped. */
static void append_escaped(GString *out, const char *text, size_t n_known)
{
	for (const char *p = text; *p; p++) {
		const char *escape = NULL;

		for (size_t i = 0; i < n_known && !escape; i++)
			if (escapes[i].c == *p)
				escape = escapes[i].escape;
		if (escape)
			g_string_append(out, escape);
		else
			g_string_append_c(out, *p);
	}
}

static void append_canonical(GString *out, const char *text)
{
	append_escaped(out, text, N_CANONICAL);
}

char *ifmap_extended_escape(const char *text)
{
	GString *out = g_string_sized_new(strlen(text) * 2);

	append_escaped(out, text, G_N_ELEMENTS(escapes));
	return g_string_free(out, FALSE);
}

/* Reads the reference at `p` ("&lt;"); returns its size, or 0 when it is none of ours. */
static size_t read_reference(const char *p, size_t n_known, char *ret_c)
{
	for (size_t i = 0; i < n_known; i++) {
		size_t size = strlen(escapes[i].escape);

		if (strncmp(p, escapes[i].escape, size) == 0) {
			*ret_c = escapes[i].c;
			return size;
		}
	}
	return 0;
}

/* Takes one level of escaping off. */
static char *unescape(const char *text)
{
	GString *out = g_string_sized_new(strlen(text));

	for (const char *p = text; *p;) {
		char c = *p;
		size_t size = c == '&' ? read_reference(p, G_N_ELEMENTS(escapes), &c) : 0;

		g_string_append_c(out, c);
		p += MAX(size, 1);
	}
	return g_string_free(out, FALSE);
}

static size_t name_size(const char *p)
{
	size_t size = 0;

	if (!g_ascii_isalpha(*p) && *p != '_' && (unsigned char)*p < 0x80)
		return 0;
	while (g_ascii_isalnum(p[size]) || (p[size] && strchr("_-.", p[size])) ||
		(unsigned char)p[size] >= 0x80)
		size++;
	return size;
}

/* Reads `NAME="VALUE"` at *p as canonical text writes it, appends value unescaped to `value`. */
static gboolean scan_attribute(const char **p, GString *name, GString *value)
{
	size_t size = name_size(*p);

	g_string_append_len(name, *p, (gssize)size);
	*p += size;
	if (size == 0 || (*p)[0] != '=' || (*p)[1] != '"')
		return FALSE;
	for (*p += 2; **p != '"';) {
		char c = **p;

		size = c == '&' ? read_reference(*p, N_CANONICAL, &c) : 1;
		if (size == 0 || (size == 1 && (!c || strchr("<>\t\n\r", c))))
			return FALSE;
		g_string_append_c(value, c);
		*p += size;
	}
	(*p)++;
	return TRUE;
}

/* Reads the attributes after xmlns; they must be sorted. Leaves *p behind the `>`. */
static gboolean scan_attributes(const char **p, GString *attributes)
{
	g_autoptr(GString) name = g_string_new(NULL), last = g_string_new(NULL),
			   value = g_string_new(NULL);

	for (; **p == ' '; g_string_assign(last, name->str)) {
		g_string_truncate(name, 0);
		g_string_truncate(value, 0);
		(*p)++;
		if (!scan_attribute(p, name, value) || strcmp(name->str, last->str) <= 0 ||
			g_str_has_prefix(name->str, "xmlns"))
			return FALSE;
		g_string_append_len(attributes, name->str, (gssize)name->len + 1);
		g_string_append_len(attributes, value->str, (gssize)value->len + 1);
	}
	return *(*p)++ == '>';
}

/* Takes the start tag of canonical text apart; *ret_rest is what follows it. */
static gboolean scan_root(const char *text, struct ifmap_extended *extended, const char **ret_rest)
{
	g_autoptr(GString) xmlns = g_string_new(NULL), ns = g_string_new(NULL);
	const char *p = text + 1;
	size_t size = name_size(p);

	if (*text != '<' || size == 0 || p[size] != ' ')
		return FALSE;
	extended->local = g_strndup(p, size);
	p += size + 1;
	if (!scan_attribute(&p, xmlns, ns) || strcmp(xmlns->str, "xmlns") != 0 || ns->len == 0)
		return FALSE;
	extended->ns = g_string_free(g_steal_pointer(&ns), FALSE);
	extended->attributes = g_string_new(NULL);
	*ret_rest = p;
	return scan_attributes(ret_rest, extended->attributes);
}

/* The common case without an XML parser: one empty element, already canonical. */
static gboolean scan_canonical(const char *text, struct ifmap_extended *extended)
{
	const char *rest;
	size_t size;

	if (!g_str_is_ascii(text) || !ifmap_idcheck_text(text) || !scan_root(text, extended, &rest))
		return FALSE;
	size = strlen(extended->local);
	if (strncmp(rest, "</", 2) != 0 || strncmp(rest + 2, extended->local, size) != 0 ||
		strcmp(rest + 2 + size, ">") != 0)
		return FALSE;
	extended->text = g_strdup(text);
	return TRUE;
}

static int compare_attributes(gconstpointer a, gconstpointer b)
{
	const xmlAttr *const *x = a, *const *y = b;

	return strcmp((const char *)(*x)->name, (const char *)(*y)->name);
}

static gboolean append_attributes(GString *out, const xmlNode *node, GError **error)
{
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();

	for (xmlAttr *attr = node->properties; attr; attr = attr->next) {
		if (attr->ns) {
			g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
				"extended identifier: attribute %s has a prefix; none may",
				attr->name);
			return FALSE;
		}
		g_ptr_array_add(sorted, attr);
	}
	g_ptr_array_sort(sorted, compare_attributes);
	for (guint i = 0; i < sorted->len; i++) {
		const xmlAttr *attr = g_ptr_array_index(sorted, i);
		g_autofree char *value = base_xml_attr(node, NULL, (const char *)attr->name);

		g_string_append_printf(out, " %s=\"", (const char *)attr->name);
		append_canonical(out, value ? value : "");
		g_string_append_c(out, '"');
	}
	return TRUE;
}

static const char *ns_of(const xmlNode *node)
{
	return node && node->type == XML_ELEMENT_NODE && node->ns ? (const char *)node->ns->href
								  : "";
}

static gboolean append_start(GString *out, const xmlNode *node, GError **error)
{
	g_string_append_printf(out, "<%s", (const char *)node->name);
	if (strcmp(ns_of(node), ns_of(node->parent)) != 0) {
		g_string_append(out, " xmlns=\"");
		append_canonical(out, ns_of(node));
		g_string_append_c(out, '"');
	}
	if (!append_attributes(out, node, error))
		return FALSE;
	g_string_append_c(out, '>');
	return TRUE;
}

static gboolean is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* Writes what opens a node: a start tag, or a text that counts. */
static gboolean append_node(GString *out, const xmlNode *node, GError **error)
{
	const char *text = (const char *)node->content;

	if (node->type == XML_ELEMENT_NODE)
		return append_start(out, node, error);
	if (node->type == XML_TEXT_NODE && text && !is_blank(text))
		append_canonical(out, text);
	return TRUE;
}

/* Writes the end tags of `node` and of what ends with it; returns the next node, or NULL behind
 * `root`. */
static const xmlNode *append_ends(GString *out, const xmlNode *root, const xmlNode *node)
{
	for (;; node = node->parent) {
		if (node->type == XML_ELEMENT_NODE)
			g_string_append_printf(out, "</%s>", (const char *)node->name);
		if (node == root)
			return NULL;
		if (node->next)
			return node->next;
	}
}

/* Writes `root` and all below it in document order. */
static gboolean append_tree(GString *out, const xmlNode *root, GError **error)
{
	const xmlNode *node = root;

	while (node) {
		if (!append_node(out, node, error))
			return FALSE;
		if (node->type == XML_ELEMENT_NODE && node->children)
			node = node->children;
		else
			node = append_ends(out, root, node);
	}
	return TRUE;
}

/* Any spelling of the document, through a tree. */
static enum ifmap_extended_status canonicalize(
	const char *xml, struct ifmap_extended *extended, GError **error)
{
	g_autoptr(GError) bad = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(xmlDoc)
		doc = base_xml_read("extended identifier", xml, strlen(xml), &limits, &bad);
	const char *rest;
	xmlNode *root;

	if (!doc && g_error_matches(bad, BASE_XML_ERROR, BASE_XML_ERROR_MALFORMED))
		return IFMAP_EXTENDED_OPAQUE;
	if (!doc) {
		g_set_error_literal(
			error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER, bad->message);
		return IFMAP_EXTENDED_REFUSED;
	}
	root = xmlDocGetRootElement(doc);
	if (!*ns_of(root)) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
			"extended identifier: <%s> is in no namespace", (const char *)root->name);
		return IFMAP_EXTENDED_REFUSED;
	}
	if (!append_tree(out, root, error))
		return IFMAP_EXTENDED_REFUSED;
	if (!scan_root(out->str, extended, &rest)) {
		g_set_error_literal(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
			"extended identifier: names or attributes that have no canonical form");
		return IFMAP_EXTENDED_REFUSED;
	}
	extended->text = g_string_free(g_steal_pointer(&out), FALSE);
	return IFMAP_EXTENDED_OK;
}

static gboolean has_domain(const GString *attributes)
{
	for (const char *p = attributes->str; *p; p += strlen(p) + 1) {
		if (strcmp(p, "administrative-domain") == 0)
			return TRUE;
		p += strlen(p) + 1;
	}
	return FALSE;
}

enum ifmap_extended_status ifmap_extended_read(
	const char *name, struct ifmap_extended *ret, GError **error)
{
	g_auto(ifmap_extended) extended = { 0 };
	g_autofree char *inner = g_str_has_prefix(name, "&lt;") ? unescape(name) : NULL;
	const char *xml = inner ? inner : name;

	if (*xml != '<')
		return IFMAP_EXTENDED_OPAQUE;
	if (!scan_canonical(xml, &extended)) {
		enum ifmap_extended_status status;

		ifmap_extended_clear(&extended);
		status = canonicalize(xml, &extended, error);
		if (status != IFMAP_EXTENDED_OK)
			return status;
	}
	if (!has_domain(extended.attributes)) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
			"extended identifier <%s> lacks the attribute administrative-domain",
			extended.local);
		return IFMAP_EXTENDED_REFUSED;
	}
	*ret = extended;
	extended = (struct ifmap_extended){ 0 };
	return IFMAP_EXTENDED_OK;
}

static int compare_pairs(gconstpointer a, gconstpointer b)
{
	const char *const *const *x = a, *const *const *y = b;

	return strcmp((*x)[0], (*y)[0]);
}

static const char *const no_domain[] = { "administrative-domain", "" };

/* The attributes as pairs sorted by name, administrative-domain among them. */
static GPtrArray *sort_pairs(const char *const *attributes)
{
	GPtrArray *pairs = g_ptr_array_new();
	gboolean has = FALSE;

	for (const char *const *a = attributes; a && *a; a += 2) {
		g_ptr_array_add(pairs, (gpointer)a);
		has = has || strcmp(*a, no_domain[0]) == 0;
	}
	if (!has)
		g_ptr_array_add(pairs, (gpointer)no_domain);
	g_ptr_array_sort(pairs, compare_pairs);
	return pairs;
}

gboolean ifmap_extended_compose(const char *ns, const char *local, const char *const *attributes,
	struct ifmap_extended *ret, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GPtrArray) pairs = sort_pairs(attributes);
	g_auto(ifmap_extended) extended = { 0 };
	const char *rest;

	g_string_append_printf(out, "<%s xmlns=\"", local);
	append_canonical(out, ns);
	for (guint i = 0; i < pairs->len; i++) {
		const char *const *pair = g_ptr_array_index(pairs, i);

		g_string_append_printf(out, "\" %s=\"", pair[0]);
		append_canonical(out, pair[1]);
	}
	g_string_append_printf(out, "\"></%s>", local);
	if (!ifmap_idcheck_text(out->str) || !scan_root(out->str, &extended, &rest)) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
			"extended identifier <%s>: a name, attribute or namespace that XML cannot carry",
			local);
		return FALSE;
	}
	extended.text = g_string_free(g_steal_pointer(&out), FALSE);
	*ret = extended;
	extended = (struct ifmap_extended){ 0 };
	return TRUE;
}

void ifmap_extended_clear(struct ifmap_extended *extended)
{
	g_clear_pointer(&extended->text, g_free);
	g_clear_pointer(&extended->ns, g_free);
	g_clear_pointer(&extended->local, g_free);
	if (extended->attributes)
		g_string_free(extended->attributes, TRUE);
	extended->attributes = NULL;
}
