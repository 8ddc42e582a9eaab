/* base/xml: what hostile documents are refused with, and what the small helpers find. */
#include "base/xml.h"

#include <string.h>

static char *repeat(const char *head, const char *unit, size_t n, const char *tail)
{
	GString *text = g_string_new(head);

	for (size_t i = 0; i < n; i++)
		g_string_append(text, unit);
	g_string_append(text, tail);
	return g_string_free(text, FALSE);
}

static void expect_refused(const char *text, size_t size, const struct base_xml_limits *limits,
	int code, const char *place)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc) doc = base_xml_read("in.xml", text, size, limits, &error);

	g_assert_null(doc);
	g_assert_error(error, BASE_XML_ERROR, code);
	if (!g_str_has_prefix(error->message, place))
		g_error("'%s' does not begin with '%s'", error->message, place);
}

static const struct hostile {
	const char *name;
	const char *text;
	int code;
	const char *place; /* the message begins so */
} hostiles[] = {
	{ "doctype", "<?xml version='1.0'?>\n<!DOCTYPE a>\n<a/>", BASE_XML_ERROR_FORBIDDEN,
		"in.xml:2: " },
	{ "entity-bomb",
		"<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;\">"
		"<!ENTITY d \"&c;&c;&c;&c;&c;&c;\">]><a>&d;&d;&d;</a>",
		BASE_XML_ERROR_FORBIDDEN, "in.xml:1: " },
	{ "external-entity", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
		BASE_XML_ERROR_FORBIDDEN, "in.xml:1: " },
	{ "external-subset", "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a/>",
		BASE_XML_ERROR_FORBIDDEN, "in.xml:1: " },
	{ "undeclared-entity", "<a>\n&x;</a>", BASE_XML_ERROR_MALFORMED, "in.xml:2: " },
	{ "undeclared-prefix", "<a>\n<b:c/></a>", BASE_XML_ERROR_MALFORMED, "in.xml:2: " },
	{ "empty", "", BASE_XML_ERROR_MALFORMED, "in.xml:" },
	{ "blank", " \n ", BASE_XML_ERROR_MALFORMED, "in.xml:" },
	{ "unclosed", "<a>\n<b>\n</a>", BASE_XML_ERROR_MALFORMED, "in.xml:3: " },
	{ "cut", "<a><b", BASE_XML_ERROR_MALFORMED, "in.xml:1: " },
	{ "two-roots", "<a/>\n<b/>", BASE_XML_ERROR_MALFORMED, "in.xml:2: " },
	{ "text-after", "<a/>\nx", BASE_XML_ERROR_MALFORMED, "in.xml:2: " },
	{ "attribute-twice", "<a x='1' x='2'/>", BASE_XML_ERROR_MALFORMED, "in.xml:1: " },
	{ "control-character", "<a>\x01</a>", BASE_XML_ERROR_MALFORMED, "in.xml:1: " },
	{ "control-reference", "<a>&#1;</a>", BASE_XML_ERROR_MALFORMED, "in.xml:1: " },
	{ "bad-utf8", "<a>\n\xc3\x28</a>", BASE_XML_ERROR_MALFORMED, "in.xml:2: " },
	{ "bad-utf8-in-attribute", "<a x='\xff'/>", BASE_XML_ERROR_MALFORMED, "in.xml:1: " },
	{ "overlong-utf8", "<a>\xc0\x80</a>", BASE_XML_ERROR_MALFORMED, "in.xml:1: " },
};

static void test_hostile(gconstpointer data)
{
	const struct hostile *hostile = data;

	expect_refused(hostile->text, strlen(hostile->text), &BASE_XML_LIMITS_DEFAULT,
		hostile->code, hostile->place);
}

static void test_nul(void)
{
	static const char middle[] = "<a>x\0y</a>";
	static const char after[] = "<a/>\0<!DOCTYPE a>";

	expect_refused(middle, sizeof(middle) - 1, &BASE_XML_LIMITS_DEFAULT,
		BASE_XML_ERROR_MALFORMED, "in.xml:1: ");
	expect_refused(after, sizeof(after) - 1, &BASE_XML_LIMITS_DEFAULT, BASE_XML_ERROR_MALFORMED,
		"in.xml:1: ");
}

static void test_depth(void)
{
	static const struct base_xml_limits three = { 1000, 3, 1000 };
	g_autofree char *deep = repeat("", "<a>", 10000, "");
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc)
		doc = base_xml_read("in.xml", "<a><b><c/><c/></b><b/></a>", 26, &three, &error);

	g_assert_no_error(error);
	expect_refused("<a><b><c>\n<d/></c></b></a>", 26, &three, BASE_XML_ERROR_LIMIT,
		"in.xml:2: nested too deeply");
	expect_refused(deep, strlen(deep), &BASE_XML_LIMITS_DEFAULT, BASE_XML_ERROR_LIMIT,
		"in.xml:1: nested too deeply");
}

/* Elements, attributes, namespace declarations and texts are counted, each as one; a text in
 * pieces is one. */
static const struct counted {
	const char *text;
	unsigned n;
} counted[] = {
	{ "<a/>", 1 },
	{ "<a b='1' c='2'/>", 3 },
	{ "<a xmlns='urn:x'/>", 2 },
	{ "<a>text</a>", 2 },
	{ "<a>te<!-- -->xt &amp; <![CDATA[more]]></a>", 2 },
	{ "<a>\n<b/>\n<c/>\n</a>", 6 },
};

static void test_nodes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(counted); i++) {
		struct base_xml_limits limits = { 1000, 10, counted[i].n };
		g_autoptr(GError) error = NULL;
		g_autoptr(xmlDoc) doc = base_xml_read(
			"in.xml", counted[i].text, strlen(counted[i].text), &limits, &error);

		g_test_message("%s", counted[i].text);
		g_assert_no_error(error);
		limits.max_nodes--;
		expect_refused(counted[i].text, strlen(counted[i].text), &limits,
			BASE_XML_ERROR_LIMIT, "in.xml:");
	}
}

static void test_many(void)
{
	g_autofree char *elements = repeat("<a>", "<b/>", 200000, "</a>");
	g_autofree char *attributes = repeat("<a>", "<b c='' d='' e='' f=''/>", 40001, "</a>");

	expect_refused(elements, strlen(elements), &BASE_XML_LIMITS_DEFAULT, BASE_XML_ERROR_LIMIT,
		"in.xml:1: too many nodes");
	expect_refused(attributes, strlen(attributes), &BASE_XML_LIMITS_DEFAULT,
		BASE_XML_ERROR_LIMIT, "in.xml:1: too many nodes");
}

static void test_size(void)
{
	static const struct base_xml_limits ten = { 10, 10, 10 };
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc) doc = base_xml_read("in.xml", "<abcdefg/>", 10, &ten, &error);

	g_assert_no_error(error);
	expect_refused("<abcdefgh/>", 11, &ten, BASE_XML_ERROR_LIMIT, "in.xml: larger than 10");
}

/* The sizes that make libxml2's parser grow its buffers and the number of its attributes. */
static void test_large_values(void)
{
	g_autofree char *text = repeat("<a b='", "0123456789", 50000, "'/>");
	g_autoptr(GString) many = g_string_new("<a");
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc)
		doc = base_xml_read("in.xml", text, strlen(text), &BASE_XML_LIMITS_DEFAULT, &error);
	g_autoptr(xmlDoc) wide = NULL;
	g_autofree char *value = NULL;

	g_assert_no_error(error);
	value = base_xml_attr(xmlDocGetRootElement(doc), NULL, "b");
	g_assert_cmpuint(strlen(value), ==, 500000);
	for (unsigned i = 0; i < 2000; i++)
		g_string_append_printf(many, " a%u='%u'", i, i);
	g_string_append(many, "/>");
	wide = base_xml_read("in.xml", many->str, many->len, &BASE_XML_LIMITS_DEFAULT, &error);
	g_assert_no_error(error);
}

static void test_helpers(void)
{
	static const char text[] = "<a xmlns:n='urn:n' x='1' n:x='2'>\n"
				   "<!-- no --><?no no?><b>  in <i>and</i> out\n</b>\n"
				   "<n:b/>\n<c/></a>";
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc)
		doc = base_xml_read("in.xml", text, strlen(text), &BASE_XML_LIMITS_DEFAULT, &error);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	g_autofree char *plain = base_xml_attr(root, NULL, "x");
	g_autofree char *qualified = base_xml_attr(root, "urn:n", "x");
	g_autofree char *absent = base_xml_attr(root, NULL, "y");
	g_autofree char *content = base_xml_text(base_xml_first(root));
	g_autofree char *nothing = base_xml_text(base_xml_find(root, NULL, "c"));

	g_assert_no_error(error);
	g_assert_cmpstr(plain, ==, "1");
	g_assert_cmpstr(qualified, ==, "2");
	g_assert_null(absent);
	g_assert_cmpstr(content, ==, "in and out");
	g_assert_cmpstr(nothing, ==, "");
	g_assert_true(base_xml_is(base_xml_first(root), NULL, "b"));
	g_assert_false(base_xml_is(base_xml_first(root), "urn:n", "b"));
	g_assert_true(base_xml_next(base_xml_first(root)) == base_xml_find(root, "urn:n", "b"));
	g_assert_null(base_xml_find(root, "urn:n", "c"));
	g_assert_null(base_xml_next(base_xml_find(root, NULL, "c")));
	g_assert_null(base_xml_first(base_xml_find(root, NULL, "c")));
	base_xml_set_error(&error, "in.xml", base_xml_find(root, "urn:n", "b"), "no %d", 7);
	g_assert_error(error, BASE_XML_ERROR, BASE_XML_ERROR_CONTENT);
	g_assert_cmpstr(error->message, ==, "in.xml:4: <b>: no 7");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(hostiles); i++) {
		g_autofree char *path = g_strconcat("/xml/hostile/", hostiles[i].name, NULL);

		g_test_add_data_func(path, &hostiles[i], test_hostile);
	}
	g_test_add_func("/xml/hostile/nul", test_nul);
	g_test_add_func("/xml/depth", test_depth);
	g_test_add_func("/xml/nodes", test_nodes);
	g_test_add_func("/xml/many", test_many);
	g_test_add_func("/xml/size", test_size);
	g_test_add_func("/xml/large-values", test_large_values);
	g_test_add_func("/xml/helpers", test_helpers);
	return g_test_run();
}
