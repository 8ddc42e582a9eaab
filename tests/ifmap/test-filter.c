/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filters (ifmap.md 6; C92-C95): a table, refusals, and libxml2's XPath as the model in a property
 * test. */
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <string.h>

#include "ifmap/filter.h"
#include "ifmap/request.h"

#define ROLE                                                                        \
	"<meta:role xmlns:meta='" IFMAP_NS_META "' ifmap-cardinality='multiValue'>" \
	"<administrative-domain>hq</administrative-domain><name>admin</name></meta:role>"
#define EVENT                                                     \
	"<m:event xmlns:m='" IFMAP_NS_META                        \
	"' ifmap-cardinality='multiValue'><name>port scan</name>" \
	"<magnitude> 60 </magnitude><or>1</or></m:event>"
#define LOCATION                                                                        \
	"<meta:location xmlns:meta='" IFMAP_NS_META "' ifmap-cardinality='multiValue'>" \
	"<location-information type='room' value='1'/><location-information type='floor' value='2'/></meta:location>"
#define RACK \
	"<ex:rack xmlns:ex='urn:ex' ifmap-cardinality='singleValue' row='7'>a<b>c</b>d</ex:rack>"
#define TIME                                                                                               \
	"<o:client-time xmlns:o='http://www.trustedcomputinggroup.org/2012/IFMAP-OPERATIONAL-METADATA/1' " \
	"ifmap-cardinality='singleValue'/>"

static const struct {
	const char *filter;
	const char *xml;
	gboolean match;
} rows[] = {
	{ "", ROLE, FALSE }, { "meta:role", ROLE, TRUE }, { "meta:role", EVENT, FALSE },
	{ "role", ROLE, FALSE }, /* no prefix is no namespace */
	{ "meta:event or meta:role", ROLE, TRUE }, { "meta:event and meta:role", ROLE, FALSE },
	{ "meta:role[name=\"admin\"]", ROLE, TRUE }, { "meta:role[name='guest']", ROLE, FALSE },
	{ "meta:role[name='admin' and administrative-domain='hq']", ROLE, TRUE },
	{ "meta:role[name='admin' and administrative-domain='lab']", ROLE, FALSE },
	{ "meta:role[name='admin'][administrative-domain='lab']", ROLE, FALSE },
	{ "meta:location[location-information/@type=\"room\"]", LOCATION, TRUE },
	{ "meta:location[location-information/@type='cellar']", LOCATION, FALSE },
	{ "meta:location[location-information[@type='room' and @value='2']]", LOCATION, FALSE },
	{ "meta:location[location-information[@type='floor' and @value='2']]", LOCATION, TRUE },
	{ "[@ifmap-publisher-id=\"pep1\"]", ROLE, TRUE }, /* the stamp of these tests */
	{ "[@ifmap-publisher-id='pep2']", ROLE, FALSE },
	{ "meta:role[@ifmap-publisher-id='pep1']", ROLE, TRUE },
	{ "meta:role[@ifmap-timestamp='2024-05-01T09:30:00Z']", ROLE, TRUE },
	{ "meta:role[@ifmap-timestamp-fraction > 0.2 and @ifmap-timestamp-fraction < 0.3]", ROLE,
		TRUE },
	{ "meta:role[@ifmap-cardinality='multiValue']", ROLE, TRUE },
	{ "[name/@ifmap-publisher-id]", ROLE, FALSE }, /* stamps are the root's */
	{ "meta:event[magnitude>50]", EVENT, TRUE }, { "meta:event[magnitude>=60]", EVENT, TRUE },
	{ "meta:event[60=magnitude]", EVENT, TRUE }, { "meta:event[60>magnitude]", EVENT, FALSE },
	{ "meta:event[magnitude!=60]", EVENT, FALSE },
	{ "meta:event[magnitude='60']", EVENT, FALSE }, /* text has blanks */
	{ "meta:event[name>1]", EVENT, FALSE },
	{ "meta:event[or]", EVENT, TRUE }, /* an element may be called like an operator */
	{ "meta:event[or or or]", EVENT, TRUE }, { "ex:rack[@row]", RACK, TRUE },
	{ "ex:rack[@column]", RACK, FALSE }, { "ex:rack[.='acd']", RACK, TRUE },
	{ "ex:rack[b='c']", RACK, TRUE }, { "ex:*", RACK, TRUE }, { "*", RACK, TRUE },
	{ "meta:*", RACK, FALSE }, { "//b", RACK, TRUE }, { "b", RACK, FALSE },
	{ "not(meta:role)", RACK, TRUE }, { "(meta:role or (ex:rack))", RACK, TRUE },
	{ "meta:role | ex:rack", RACK, TRUE }, { "ex:rack[contains(b, 'c')]", RACK, TRUE },
	{ "ex:rack[starts-with(@row, '7')]", RACK, TRUE },
	{ "ex:rack[starts-with(@row, '77')]", RACK, FALSE },
	{ "ex:rack[b/text()='c']", RACK, TRUE }, { "ex:rack/b", RACK, TRUE },
	{ "ex:rack/@row='7'", RACK, TRUE }, { "true()", RACK, TRUE },
	{ "op-meta:client-time", TIME, TRUE }, /* built-in prefix */
};

static const char *const declared[] = { "ex", "urn:wrong", "ex",
	"urn:ex" }; /* C95: the inner one wins */

static struct ifmap_meta *stamped(const char *xml)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, &error);

	g_assert_no_error(error);
	return ifmap_meta_stamp(meta, "pep1", 1714555800 * G_GINT64_CONSTANT(1000000) + 251000);
}

static gboolean matches(const char *text, const struct ifmap_meta *meta)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_prefixes *prefixes = ifmap_prefixes_new(declared, 2);
	struct ifmap_filter *filter = ifmap_filter_new(text, prefixes, &error);
	gboolean match;

	ifmap_prefixes_unref(prefixes);
	g_assert_no_error(error);
	match = ifmap_filter_matches(filter, meta);
	ifmap_filter_unref(filter);
	return match;
}

static void test_table(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(ifmap_meta) meta = stamped(rows[i].xml);

		g_test_message("%s on %s", rows[i].filter, rows[i].xml);
		g_assert_cmpint(matches(rows[i].filter, meta), ==, rows[i].match);
	}
}

static void test_absent(void)
{
	g_autoptr(ifmap_meta) meta = stamped(ROLE);

	g_assert_true(ifmap_filter_matches(NULL, meta));
}

/* C93, C94 and the bounds. */
static const char *const refused[] = { " ", "meta:", "meta:role[", "meta:role[]", "meta:role]",
	"meta:role and", "or", "unknown:role", "meta:role[name=]", "meta:role[name='x]",
	"meta:role[1]", "meta:role[name=name]", "document('x')", "count(meta:role)",
	"child::meta:role", "meta:role/..", "meta:role//name", "meta:role[//name]", "'x'",
	"meta:role meta:event", "@a/b", "not meta:role", "meta:role[name=1.2.3]", "()", "[" };

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;
		struct ifmap_filter *filter = ifmap_filter_new(refused[i], NULL, &error);

		/* "or" is a name where a name stands */
		g_test_message("%s", refused[i]);
		if (strcmp(refused[i], "or") == 0) {
			g_assert_nonnull(filter);
			ifmap_filter_unref(filter);
			continue;
		}
		g_assert_null(filter);
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE);
	}
}

static char *repeat(const char *text, unsigned n, const char *tail)
{
	GString *out = g_string_new(NULL);

	for (unsigned i = 0; i < n; i++)
		g_string_append(out, text);
	return g_string_free(g_string_append(out, tail), FALSE);
}

static void test_bounds(void)
{
	static const struct {
		const char *text;
		unsigned n;
		const char *tail;
	} hostile[] = {
		{ "(", 10000, "" },
		{ "not(", 10000, "" },
		{ "a[", 5000, "" },
		{ "a/", 5000, "a" },
		{ "a or ", 3000, "a" },
		{ "[a]", 5000, "" },
		{ "a", 20000, "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
		g_autofree char *text = repeat(hostile[i].text, hostile[i].n, hostile[i].tail);
		g_autoptr(GError) error = NULL;

		g_assert_null(ifmap_filter_new(text, NULL, &error));
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE);
	}
}

/* Work is bounded whatever filter and metadata are: nested predicates over a deep tree. */
static void test_budget(void)
{
	g_autofree char *inside = repeat("<a>", 40, ""), *outside = repeat("</a>", 40, "");
	g_autofree char *leaves = repeat("<a/>", 8000, "");
	g_autofree char *xml = g_strdup_printf(
		"<m:x xmlns:m='urn:ex' ifmap-cardinality='singleValue'>%s%s%s</m:x>", inside,
		leaves, outside);
	g_autoptr(ifmap_meta) meta = stamped(xml);
	gint64 before = g_get_monotonic_time();

	g_assert_false(
		matches("//*[a[a[a[a[a[not(b)]]]]] and b] or //*[a[a='1'] or a[a='2']]", meta));
	g_assert_cmpint(g_get_monotonic_time() - before, <, 2 * G_USEC_PER_SEC);
}

/* ---- property: the same answer as libxml2 -- */

static const char *pick(const char *const *from, size_t n)
{
	return from[g_test_rand_int_range(0, (gint32)n)];
}
#define PICK(list) pick(list, G_N_ELEMENTS(list))

static void random_xml(GString *out, unsigned depth)
{
	static const char *const names[] = { "a", "b", "ex:a", "ex:b" };
	static const char *const texts[] = { "", "1", "2", "x", " 7 ", "-3.5" };
	static const char *const attributes[] = { "", " k='1'", " l='x'", " k='x' l='2'",
		" ex:k='1'" };
	const char *name = PICK(names);

	g_string_append_printf(out, "<%s%s>%s", name, PICK(attributes), PICK(texts));
	for (int n = depth > 0 ? g_test_rand_int_range(0, 3) : 0; n > 0; n--)
		random_xml(out, depth - 1);
	g_string_append_printf(out, "</%s>", name);
}

static void random_test(GString *out, unsigned depth);

static void random_path(GString *out, unsigned depth)
{
	static const char *const names[] = { "a", "b", "ex:a", "ex:b", "*", "ex:*" };
	static const char *const ends[] = { "", "", "", "/@k", "/@l", "/@ex:k", "/@*" };

	for (int n = g_test_rand_int_range(0, 2); n >= 0; n--) {
		g_string_append(out, PICK(names));
		if (depth > 0 && g_test_rand_int_range(0, 3) == 0) {
			g_string_append_c(out, '[');
			random_test(out, depth - 1);
			g_string_append_c(out, ']');
		}
		if (n > 0)
			g_string_append_c(out, '/');
	}
	g_string_append(out, PICK(ends));
}

static void random_test(GString *out, unsigned depth)
{
	static const char *const ops[] = { "=", "!=", "<", ">", "<=", ">=" };
	static const char *const literals[] = { "'x'", "\"1\"", "1", "2.0", "-3.5", "''", "'11'" };
	static const char *const selves[] = { ".", "@k", "@l", "@ex:k" };

	switch (g_test_rand_int_range(0, depth > 0 ? 7 : 4)) {
	case 0:
		random_path(out, depth);
		break;
	case 1:
		random_path(out, depth);
		g_string_append_printf(out, " %s %s", PICK(ops), PICK(literals));
		break;
	case 2:
		g_string_append_printf(out, "%s%s%s", PICK(selves), PICK(ops), PICK(literals));
		break;
	case 3:
		g_string_append_printf(out, "%s%s", PICK(literals), PICK(ops));
		random_path(out, depth);
		break;
	case 4:
		g_string_append(out, "not(");
		random_test(out, depth - 1);
		g_string_append_c(out, ')');
		break;
	default:
		g_string_append_c(out, '(');
		random_test(out, depth - 1);
		g_string_append(out, g_test_rand_bit() ? " and " : " or ");
		random_test(out, depth - 1);
		g_string_append_c(out, ')');
		break;
	}
}

static gboolean model(const char *filter, const struct ifmap_meta *meta)
{
	size_t size;
	const char *xml = ifmap_meta_xml(meta, &size);
	xmlDoc *doc = xmlReadMemory(xml, (int)size, NULL, NULL, XML_PARSE_NONET);
	xmlXPathContext *context = xmlXPathNewContext(doc);
	g_autofree char *boolean = g_strdup_printf("boolean(%s)", filter);
	xmlXPathObject *object;
	gboolean match;

	g_assert_nonnull(doc);
	context->node = (xmlNode *)doc;
	xmlXPathRegisterNs(context, (const xmlChar *)"ex", (const xmlChar *)"urn:ex");
	object = xmlXPathEval((const xmlChar *)boolean, context);
	g_assert_nonnull(object);
	match = object->boolval;
	xmlXPathFreeObject(object);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return match;
}

static void test_property(void)
{
	unsigned n_matches = 0;

	for (unsigned round = 0; round < 20000; round++) {
		g_autoptr(GString) inner = g_string_new(NULL), filter = g_string_new(NULL);
		g_autofree char *xml = NULL;
		g_autoptr(ifmap_meta) meta = NULL;
		gboolean expected;

		random_xml(inner, 2);
		xml = g_strdup_printf(
			"<ex:a xmlns:ex='urn:ex' ifmap-cardinality='singleValue' k='1'>%s</ex:a>",
			inner->str);
		meta = stamped(xml);
		random_test(filter, 3);
		expected = model(filter->str, meta);
		n_matches += expected;
		if (matches(filter->str, meta) != expected)
			g_error("%s on %s: expected %d", filter->str, ifmap_meta_xml(meta, NULL),
				expected);
	}
	g_assert_cmpuint(n_matches, >, 2000); /* the test asks real questions */
	g_assert_cmpuint(n_matches, <, 18000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/filter/table", test_table);
	g_test_add_func("/ifmap/filter/absent", test_absent);
	g_test_add_func("/ifmap/filter/refused", test_refused);
	g_test_add_func("/ifmap/filter/bounds", test_bounds);
	g_test_add_func("/ifmap/filter/budget", test_budget);
	g_test_add_func("/ifmap/filter/property", test_property);
	return g_test_run();
}
