/* base/xmlout: whatever is written is well-formed and reads back as it was, as far as XML can carry
 * it.
 */
#include "base/xml.h"
#include "base/xmlout.h"

#include <string.h>

/* What XML 1.0 makes of a text: the model. */
static char *carried(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		gboolean can = c == 9 || c == 10 || c == 13 || (c >= 0x20 && c <= 0xd7ff) ||
			       (c >= 0xe000 && c <= 0xfffd) || c >= 0x10000;

		g_string_append_unichar(out, can ? c : 0xfffd);
	}
	return g_string_free(out, FALSE);
}

static void expect_round_trip(const char *text)
{
	g_autoptr(GString) out = g_string_new("<r");
	g_autofree char *want = carried(text);
	g_autoptr(GError) error = NULL;
	g_autoptr(xmlDoc) doc = NULL;
	g_autofree char *in_attribute = NULL;
	xmlChar *in_text;

	base_xmlout_attr(out, "a", text);
	g_string_append(out, ">");
	base_xmlout_element(out, "e", text);
	g_string_append(out, "</r>");
	doc = base_xml_read("out", out->str, out->len, &BASE_XML_LIMITS_DEFAULT, &error);
	if (error)
		g_error("%s: %s", error->message, out->str);
	in_attribute = base_xml_attr(xmlDocGetRootElement(doc), NULL, "a");
	in_text = xmlNodeGetContent(base_xml_first(xmlDocGetRootElement(doc)));
	g_assert_cmpstr(in_attribute, ==, want);
	g_assert_cmpstr((const char *)in_text, ==, want);
	xmlFree(in_text);
}

static void test_known(void)
{
	g_autoptr(GString) out = g_string_new(NULL);

	base_xmlout_element(out, "e", "a<b>&\"'\r\n\t]]>");
	base_xmlout_attr(out, "x", "a<b>&\"'\r\n\t");
	g_assert_cmpstr(out->str, ==,
		"<e>a&lt;b&gt;&amp;\"'&#13;\n\t]]&gt;</e>"
		" x=\"a&lt;b&gt;&amp;&quot;'&#13;&#10;&#9;\"");
}

static void test_null(void)
{
	g_autoptr(GString) out = g_string_new(NULL);

	base_xmlout_element(out, "e", NULL);
	base_xmlout_attr(out, "x", NULL);
	g_assert_cmpstr(out->str, ==, "");
	base_xmlout_element(out, "e", "");
	g_assert_cmpstr(out->str, ==, "<e></e>");
}

static void test_edges(void)
{
	static const char *const texts[] = { "", " ", "]]>", "\x01\x1f\x7f", "\xff", "a\xc3",
		"\xed\xa0\x80", "\xef\xbf\xbe", "x\xef\xbf\xbfy", "\xef\xbf\xbd",
		"\xf4\x8f\xbf\xbf", "\xf0\x9f\xbf\xbe", "&amp;", "--><!--",
		"\xc2\x85\xe2\x80\xa8" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		expect_round_trip(texts[i]);
}

static void append_random(GString *text)
{
	static const char *const pieces[] = { "<", ">", "&", "\"", "'", "]]>", "\r", "\n", "\t",
		"\r\n", "&#13;", "\xef\xbf\xbf", "\xef\xbf\xbe", "\xc3\xa9", "\xe2\x82\xac", " " };

	switch (g_test_rand_int_range(0, 3)) {
	case 0:
		g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
		break;
	case 1:
		g_string_append_c(text, (char)g_test_rand_int_range(1, 256));
		break;
	default:
		g_string_append_unichar(text, (gunichar)g_test_rand_int_range(1, 0xd800));
	}
}

/* GLib prints the seed of g_test_rand_int(). */
static void test_property(void)
{
	for (unsigned round = 0; round < 5000; round++) {
		g_autoptr(GString) text = g_string_new(NULL);

		for (int n = g_test_rand_int_range(0, 12); n > 0; n--)
			append_random(text);
		expect_round_trip(text->str);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/xmlout/known", test_known);
	g_test_add_func("/xmlout/null", test_null);
	g_test_add_func("/xmlout/edges", test_edges);
	g_test_add_func("/xmlout/property", test_property);
	return g_test_run();
}
