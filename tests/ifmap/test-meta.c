/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metadata: what comes out means what went in, stands alone, and takes the server's stamps
 * (ifmap.md 2.7, 13, 18, 19; C24-C34, C96). The model is libxml2's tree of both documents, compared
 * name by name. */
#include <string.h>

#include "base/xml.h"
#include "ifmap/request.h"

#define SOAP "http://www.w3.org/2003/05/soap-envelope"

/* ---- two trees that mean the same -- */

/* Text, attributes (sorted, stamps left out) and elements of a tree as one string; prefixes do not
 * count. */
static void describe(GString *out, const xmlNode *node, gboolean root);

static int compare_strings(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void describe_attributes(GString *out, const xmlNode *node, gboolean root)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
		const char *ns = attr->ns ? (const char *)attr->ns->href : NULL,
			   *name = (const char *)attr->name;
		g_autofree char *value = base_xml_attr(node, ns, name);

		if (root && !ns && g_str_has_prefix(name, "ifmap-") &&
			strcmp(name, "ifmap-cardinality") != 0)
			continue;
		g_ptr_array_add(lines, g_strdup_printf(" {%s}%s=[%s]", ns ? ns : "", name, value));
	}
	g_ptr_array_sort(lines, compare_strings);
	for (guint i = 0; i < lines->len; i++)
		g_string_append(out, lines->pdata[i]);
}

static void describe(GString *out, const xmlNode *node, gboolean root)
{
	g_string_append_printf(out, "<{%s}%s", node->ns ? (const char *)node->ns->href : "",
		(const char *)node->name);
	describe_attributes(out, node, root);
	g_string_append_c(out, '>');
	for (const xmlNode *child = node->children; child; child = child->next) {
		if (child->type == XML_TEXT_NODE)
			g_string_append_printf(out, "%s", (const char *)child->content);
		if (child->type == XML_ELEMENT_NODE)
			describe(out, child, FALSE);
	}
	g_string_append(out, "</>");
}

static const xmlNode *last_element(const xmlNode *node)
{
	const xmlNode *last = base_xml_first(node);

	while (last && base_xml_next(last))
		last = base_xml_next(last);
	return last;
}

/* What the document means; `inside` (or NULL): the first element in the one of that name, found by
 * going to the last. */
static char *meaning(const char *xml, const char *inside)
{
	static const struct base_xml_limits limits = { 1 << 20, 100, 100000 };
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc) doc = base_xml_read("test", xml, strlen(xml), &limits, &error);
	GString *out = g_string_new(NULL);
	const xmlNode *node;

	g_assert_no_error(error);
	node = xmlDocGetRootElement(doc);
	while (inside && strcmp((const char *)node->name, inside) != 0)
		node = last_element(node);
	describe(out, inside ? base_xml_first(node) : node, TRUE);
	return g_string_free(out, FALSE);
}

/* ---- property -- */

static const char *pick(const char *const *from, size_t n)
{
	return from[g_test_rand_int_range(0, (gint32)n)];
}
#define PICK(list) pick(list, G_N_ELEMENTS(list))

/* Declarations that shadow each other, prefixes that look generated, default namespaces taken back.
 */
static const char *const declarations[] = { "", "", "", " xmlns='urn:d1'", " xmlns='urn:d2'",
	" xmlns=''", " xmlns:ns1='urn:n1'", " xmlns:ns1='urn:n1b'", " xmlns:ns2='urn:n2'",
	" xmlns:p='urn:p1'", " xmlns:p='urn:p2'", " xmlns='urn:p1' xmlns:ns1='urn:d1'" };
static const char *const names[] = { "a", "b", "p:a", "p:b", "ns1:a", "ns2:a" };
static const char *const attributes[] = { "", "", " k='&lt;1&amp;&quot;&#9;'", " p:k='v'",
	" ns1:k='v'", " xml:lang='en'", " k='v' ns2:k='w'", " ifmap-inner='kept'" };
static const char *const texts[] = { "", "", "x", "&lt;&amp;&gt;", "<![CDATA[<raw>]]>", " \n ",
	"\xc3\xa9", "&#13;", "<!-- gone -->", "<?gone?>" };

static void random_element(GString *out, unsigned depth)
{
	const char *name = PICK(names);

	g_string_append_printf(
		out, "<%s%s%s>%s", name, PICK(declarations), PICK(attributes), PICK(texts));
	for (int n = depth > 0 ? g_test_rand_int_range(0, 4) : 0; n > 0; n--) {
		random_element(out, depth - 1);
		g_string_append(out, PICK(texts));
	}
	g_string_append_printf(out, "</%s>", name);
}

static char *random_request(void)
{
	static const char *const roots[] = { "p:r", "ns1:r", "ns2:r", "r xmlns='urn:r'" };
	GString *out = g_string_new(NULL);
	const char *root = PICK(roots);

	g_string_append_printf(out,
		"<env:Envelope xmlns:env='" SOAP "' xmlns:ifmap='" IFMAP_NS
		"' xmlns:p='urn:p0' xmlns:ns1='urn:n0' "
		"xmlns:ns2='urn:m0'><env:Body><ifmap:publish session-id='s'><update><device><name>d</name></device><metadata>"
		"<%s ifmap-cardinality='multiValue' ifmap-publisher-id='forged'%s>",
		root, PICK(attributes));
	for (int n = g_test_rand_int_range(0, 4); n > 0; n--)
		random_element(out, 3);
	g_string_append_printf(out,
		"</%.*s></metadata></update></ifmap:publish></env:Body></env:Envelope>",
		(int)strcspn(root, " "), root);
	return g_string_free(out, FALSE);
}

static struct ifmap_meta *first_meta(const char *xml)
{
	struct ifmap_request *request = NULL;
	g_autoptr(GError) error = NULL;
	struct ifmap_meta *meta;

	ifmap_request_parse(
		xml, strlen(xml), &IFMAP_REQUEST_LIMITS_DEFAULT, &request, NULL, &error);
	g_assert_no_error(error);
	meta = ifmap_meta_ref(
		((struct ifmap_operation *)request->operations->pdata[0])->metas->pdata[0]);
	ifmap_request_free(request);
	return meta;
}

static void check_output(const char *xml)
{
	g_assert_null(strstr(xml, "xmlns=")); /* 18, libifmap2c */
	g_assert_null(strstr(xml, "<![CDATA["));
	g_assert_null(strstr(xml, "forged"));
}

static void test_property(void)
{
	for (unsigned round = 0; round < 5000; round++) {
		g_autofree char *request = random_request(), *sent = meaning(request, "metadata");
		g_autoptr(ifmap_meta) meta = first_meta(request);
		g_autoptr(ifmap_meta) stamped = ifmap_meta_stamp(meta, "p<&\"", 1714555800251000);
		g_autoptr(ifmap_meta)
			again = ifmap_meta_new(ifmap_meta_xml(stamped, NULL), -1, NULL);
		g_autofree char *stored = meaning(ifmap_meta_xml(meta, NULL), NULL);
		g_autofree char *shown = meaning(ifmap_meta_xml(stamped, NULL), NULL);

		g_assert_cmpstr(stored, ==, sent);
		g_assert_cmpstr(shown, ==, sent);
		check_output(ifmap_meta_xml(stamped, NULL));
		/* Reading our own output changes nothing any more. */
		g_assert_cmpstr(ifmap_meta_xml(again, NULL), ==, ifmap_meta_xml(stamped, NULL));
		g_assert_cmpstr(ifmap_meta_publisher(again), ==, "p<&\"");
		g_assert_cmpint(ifmap_meta_timestamp_us(again), ==, 1714555800251000);
	}
}

/* ---- single cases -- */

static void test_stamp(void)
{
	g_autoptr(ifmap_meta) plain = ifmap_meta_new(
		"<m:x xmlns:m='urn:m' ifmap-cardinality='singleValue'><v>1</v></m:x>", -1, NULL);
	g_autoptr(ifmap_meta) first = ifmap_meta_stamp(plain, "p1", 1714555800000001);
	g_autoptr(ifmap_meta) second = ifmap_meta_stamp(first, "p2", 1714555801000000);

	g_assert_null(ifmap_meta_publisher(plain));
	g_assert_cmpint(ifmap_meta_timestamp_us(plain), ==, 0);
	g_assert_cmpstr(ifmap_meta_xml(first, NULL), ==,
		"<m:x xmlns:m=\"urn:m\" ifmap-cardinality=\"singleValue\" ifmap-publisher-id=\"p1\" "
		"ifmap-timestamp=\"2024-05-01T09:30:00Z\" ifmap-timestamp-fraction=\"0.000001\"><v>1</v></m:x>");
	g_assert_cmpstr(ifmap_meta_xml(second, NULL), ==,
		"<m:x xmlns:m=\"urn:m\" ifmap-cardinality=\"singleValue\" ifmap-publisher-id=\"p2\" "
		"ifmap-timestamp=\"2024-05-01T09:30:01Z\" ifmap-timestamp-fraction=\"0.000000\"><v>1</v></m:x>");
	g_assert_cmpint(ifmap_meta_cardinality(second), ==, IFMAP_SINGLE_VALUE);
	g_assert_true(ifmap_meta_is(second, "urn:m", "x"));
	g_assert_false(ifmap_meta_is(second, "urn:n", "x"));
}

static void test_text(void)
{
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(
		"<m:x xmlns:m='urn:m' ifmap-cardinality='multiValue' top='t'>"
		"<a><b k='v'>one</b><b>two</b></a><c/>tail<d>x&amp;y</d></m:x>",
		-1, NULL);
	static const struct {
		const char *path, *text;
	} rows[] = {
		{ "a/b", "one" },
		{ "a/b/@k", "v" },
		{ "@top", "t" },
		{ "@ifmap-cardinality", "multiValue" },
		{ "@ifmap-publisher-id", NULL },
		{ "c", "" },
		{ "d", "x&y" },
		{ "e", NULL },
		{ "a/c", NULL },
		{ "a/@k", NULL },
		{ "b", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpstr(ifmap_meta_text(meta, rows[i].path), ==, rows[i].text);
}

/* A prefix that only content uses keeps its declaration (19). */
static void test_qname_content(void)
{
	g_autoptr(ifmap_meta) meta = first_meta(
		"<env:Envelope xmlns:env='" SOAP "' xmlns:ifmap='" IFMAP_NS
		"' xmlns:q='urn:q' xmlns:s='urn:s' "
		"xmlns:no='urn:no'><env:Body><ifmap:publish session-id='s'><update><device><name>d</name></device><metadata>"
		"<x xmlns='urn:x' ifmap-cardinality='singleValue' t='q:int' u='http://x'><y>s:name</y></x>"
		"</metadata></update></ifmap:publish></env:Body></env:Envelope>");

	g_assert_nonnull(strstr(ifmap_meta_xml(meta, NULL), "xmlns:q=\"urn:q\""));
	g_assert_nonnull(strstr(ifmap_meta_xml(meta, NULL), "xmlns:s=\"urn:s\""));
	g_assert_null(strstr(ifmap_meta_xml(meta, NULL), "urn:no"));
}

static const char *const refused[] = { "", "x", "<x/>", "<x xmlns='urn:x'",
	"<x ifmap-cardinality='singleValue'/>", "<x xmlns='urn:x' ifmap-cardinality='both'/>",
	"<p:x ifmap-cardinality='singleValue'/>",
	"<x xmlns='urn:x' ifmap-cardinality='singleValue'/><y/>",
	"<!DOCTYPE x><x xmlns='urn:x' ifmap-cardinality='singleValue'/>" };

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", refused[i]);
		g_assert_null(ifmap_meta_new(refused[i], -1, &error));
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA);
	}
}

static const struct {
	const char *timestamp, *fraction;
	gint64 us;
} times[] = {
	{ "2024-05-01T09:30:00Z", NULL, 1714555800000000 },
	{ "2024-05-01T09:30:00Z", "0.5", 1714555800500000 },
	{ "2024-05-01T11:30:00+02:00", "0.123456", 1714555800123456 },
	{ "2024-05-01T09:30:00Z", "7", 1714555800000000 },
	{ "yesterday", "0.5", 0 },
};

static void test_times(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
		g_autofree char *fraction = times[i].fraction
						    ? g_strdup_printf(
							      " ifmap-timestamp-fraction='%s'",
							      times[i].fraction)
						    : g_strdup("");
		g_autofree char *xml = g_strdup_printf(
			"<m:x xmlns:m='urn:m' ifmap-cardinality='singleValue' ifmap-timestamp='%s'%s/>",
			times[i].timestamp, fraction);
		g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, NULL);

		g_assert_cmpint(ifmap_meta_timestamp_us(meta), ==, times[i].us);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/meta/property", test_property);
	g_test_add_func("/ifmap/meta/stamp", test_stamp);
	g_test_add_func("/ifmap/meta/text", test_text);
	g_test_add_func("/ifmap/meta/qname-content", test_qname_content);
	g_test_add_func("/ifmap/meta/refused", test_refused);
	g_test_add_func("/ifmap/meta/times", test_times);
	return g_test_run();
}
