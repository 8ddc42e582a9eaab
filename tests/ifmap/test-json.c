/* Values as JSON and back. Metadata: random elements with every turn that XML allows, judged by
 * libxml2's Canonical XML, which knows nothing of our code. */
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <string.h>

#include "ifmap/json.h"

#define N_ROUNDS 2000

/* ---- metadata ---- */

/* What makes two elements equal: prefixes, declarations, attributes, order, texts. */
static char *canonical(const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
	xmlChar *text = NULL;
	char *copy;

	g_assert_nonnull(doc);
	g_assert_cmpint(xmlC14NDocDumpMemory(doc, NULL, XML_C14N_1_0, NULL, 1, &text), >=, 0);
	copy = g_strdup((char *)text);
	xmlFree(text);
	xmlFreeDoc(doc);
	return copy;
}

/* Through the text of JSON, as it travels. */
static json_t *travel(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	g_assert_nonnull(again);
	free(text);
	json_decref(json);
	return again;
}

static void check_meta(const char *xml)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, &error);
	g_autoptr(ifmap_meta) again = NULL;
	g_autofree char *before = NULL;
	g_autofree char *after = NULL;
	json_t *json, *json_again;

	g_assert_no_error(error);
	json = travel(ifmap_json_meta(meta));
	again = ifmap_json_read_meta(json, &error);
	g_assert_no_error(error);
	before = canonical(ifmap_meta_xml(meta, NULL));
	after = canonical(ifmap_meta_xml(again, NULL));
	g_assert_cmpstr(after, ==, before);
	json_again = ifmap_json_meta(again);
	g_assert_true(json_equal(json, json_again));
	json_decref(json);
	json_decref(json_again);
}

static const char *const texts[] = { "", "x", " ", "\n\t", "a&amp;b&lt;c&gt;\"'", "&#13;&#10;",
	"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "]]&gt;", "<![CDATA[<&]]>", "\xef\xbf\xbd" };
static const char *const values[] = { "", "v", "&quot;&lt;&amp;&gt;'", "&#9;&#10;&#13; ",
	"\xc3\xa4", "{urn}x", "p:q" };
static const char *const prefixes[] = { "", "m", "p", "q" };

static const char *one_of(GRand *rand, const char *const *list, size_t n)
{
	return list[g_rand_int_range(rand, 0, (gint32)n)];
}
#define ONE_OF(list) one_of(rand, list, G_N_ELEMENTS(list))

/* Which of `prefixes` are bound here, as bits. */
static unsigned random_declarations(GRand *rand, GString *out, unsigned bound)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		if (g_rand_int_range(rand, 0, 4) > 0)
			continue;
		g_string_append_printf(out, " xmlns%s%s=\"urn:%d\"", *prefixes[i] ? ":" : "",
			prefixes[i], g_rand_int_range(rand, 0, 3));
		bound |= 1U << i;
	}
	return bound;
}

/* No two with one name, or with one namespace and local name: a number makes them different. */
static void random_attributes(GRand *rand, GString *out, unsigned bound)
{
	int n = g_rand_int_range(rand, 0, 4);

	for (int i = 0; i < n; i++) {
		unsigned prefix = (unsigned)g_rand_int_range(rand, 0, G_N_ELEMENTS(prefixes));
		gboolean use = prefix > 0 && (bound & 1U << prefix);

		g_string_append_printf(out, " %s%sa%d=\"%s\"", use ? prefixes[prefix] : "",
			use ? ":" : "", n - i, ONE_OF(values));
	}
}

static void random_content(GRand *rand, GString *out, unsigned bound, int depth);

static void random_element(GRand *rand, GString *out, unsigned bound, int depth)
{
	g_autoptr(GString) declared = g_string_new(NULL);
	unsigned here = random_declarations(rand, declared, bound);
	unsigned prefix = (unsigned)g_rand_int_range(rand, 0, G_N_ELEMENTS(prefixes));
	gboolean use = prefix > 0 && (here & 1U << prefix);
	g_autofree char *name = g_strdup_printf("%s%se%d", use ? prefixes[prefix] : "",
		use ? ":" : "", g_rand_int_range(rand, 0, 3));

	g_string_append_printf(out, "<%s%s", name, declared->str);
	random_attributes(rand, out, here);
	g_string_append_c(out, '>');
	random_content(rand, out, here, depth + 1);
	g_string_append_printf(out, "</%s>", name);
}

static void random_content(GRand *rand, GString *out, unsigned bound, int depth)
{
	for (int n = g_rand_int_range(rand, 0, depth > 4 ? 1 : 4); n > 0; n--) {
		if (g_rand_boolean(rand))
			random_element(rand, out, bound, depth);
		else
			g_string_append(out, ONE_OF(texts));
	}
}

static char *random_meta(GRand *rand)
{
	GString *out = g_string_new(NULL);
	const char *prefix = ONE_OF(prefixes);
	unsigned bound = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(prefixes); i++)
		bound |= strcmp(prefix, prefixes[i]) == 0 ? 1U << i : 0U;
	g_string_append_printf(out, "<%s%sroot xmlns%s%s=\"urn:r\"", prefix, *prefix ? ":" : "",
		*prefix ? ":" : "", prefix);
	if (g_rand_boolean(rand))
		g_string_append(out,
			" ifmap-publisher-id=\"p-1\" ifmap-timestamp=\"2026-01-02T03:04:05Z\""
			" ifmap-timestamp-fraction=\"0.25\"");
	random_attributes(rand, out, bound);
	g_string_append_printf(out, " ifmap-cardinality=\"%s\">",
		g_rand_boolean(rand) ? "singleValue" : "multiValue");
	random_content(rand, out, bound, 0);
	g_string_append_printf(out, "</%s%sroot>", prefix, *prefix ? ":" : "");
	return g_string_free(out, FALSE);
}

static void test_random_metadata(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

	g_test_message("seed %u", seed);
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		g_autofree char *xml = random_meta(rand);

		check_meta(xml);
	}
}

/* Written by hand with no more than is needed. */
static void test_short_metadata(void)
{
	json_t *json = json_loads(
		"{\"namespace\":\"urn:x\",\"name\":\"note\",\"cardinality\":\"singleValue\","
		"\"content\":[\"a \",{\"name\":\"b\",\"content\":\"c\"},\" d\"]}",
		0, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_meta) meta = ifmap_json_read_meta(json, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(ifmap_meta_xml(meta, NULL), ==,
		"<m:note xmlns:m=\"urn:x\" ifmap-cardinality=\"singleValue\">a <b>c</b> d</m:note>");
	json_decref(json);
}

#define META(more) \
	"{\"namespace\":\"urn:x\",\"name\":\"n\",\"cardinality\":\"singleValue\"" more "}"

/* Nothing that is no metadata gets through, least of all as other XML than it says. */
static const char *const bad_metas[] = {
	"1",
	"[]",
	"{}",
	"{\"namespace\":\"urn:x\",\"name\":\"n\"}",
	"{\"namespace\":\"urn:x\",\"name\":\"n\",\"cardinality\":\"x\"}",
	"{\"namespace\":\"\",\"name\":\"n\",\"cardinality\":\"singleValue\"}",
	"{\"name\":\"n\",\"cardinality\":\"singleValue\"}",
	"{\"namespace\":1,\"name\":\"n\",\"cardinality\":\"singleValue\"}",
	"{\"namespace\":\"urn:x\",\"name\":\"m:n\",\"cardinality\":\"singleValue\"}",
	"{\"namespace\":\"urn:x\",\"name\":\"n a='1'\",\"cardinality\":\"singleValue\"}",
	META(",\"typo\":1"),
	META(",\"prefix\":\"a b\""),
	META(",\"prefix\":1"),
	META(",\"attributes\":[]"),
	META(",\"attributes\":{\"a\":1}"),
	META(",\"attributes\":{\"a b\":\"\"}"),
	META(",\"attributes\":{\"q:a\":\"\"}"),
	META(",\"attributes\":{\"xmlns:q\":\"u\"}"),
	META(",\"xmlns\":{\"q\":1}"),
	META(",\"xmlns\":{\"q=\":\"u\"}"),
	META(",\"xmlns\":{\"m\":\"again\"}"),
	META(",\"xmlns\":\"u\""),
	META(",\"content\":1"),
	META(",\"content\":{}"),
	META(",\"content\":[1]"),
	META(",\"content\":\"\\u0001\""),
	META(",\"content\":\"\\uffff\""),
	META(",\"content\":[{\"name\":\"a><b\"}]"),
	META(",\"content\":[{\"name\":\"q:a\"}]"),
	META(",\"content\":[{\"name\":\"a\",\"text\":\"\"}]"),
};

static void test_bad_metadata(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad_metas); i++) {
		json_t *json = json_loads(bad_metas[i], JSON_DECODE_ANY, NULL);
		g_autoptr(GError) error = NULL;

		g_test_message("%s", bad_metas[i]);
		g_assert_nonnull(json);
		g_assert_null(ifmap_json_read_meta(json, &error));
		g_assert_nonnull(error);
		g_test_message("  %s", error->message);
		json_decref(json);
	}
}

static void test_deep_metadata(void)
{
	json_t *json = json_string("x");
	g_autoptr(GError) error = NULL;

	for (unsigned i = 0; i < 2000; i++)
		json = json_pack("{s:s, s:[o]}", "name", "a", "content", json);
	json = json_pack("{s:s, s:s, s:s, s:[o]}", "namespace", "urn:x", "name", "n", "cardinality",
		"singleValue", "content", json);
	g_assert_null(ifmap_json_read_meta(json, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA);
	json_decref(json);
}

/* ---- identifiers ---- */

static void check_id(struct ifmap_id *id)
{
	json_t *json = travel(ifmap_json_id(id));
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_id) again = ifmap_json_read_id(json, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(ifmap_id_key(again), ==, ifmap_id_key(id));
	json_decref(json);
	ifmap_id_unref(id);
}

static void test_identifiers(void)
{
	static const char *const attributes[] = { "b", "<&\">'", "a", "", NULL };

	check_id(ifmap_id_new_ip("10.0.0.7", NULL, NULL));
	check_id(ifmap_id_new_ip("fe80::1", "site & b", NULL));
	check_id(ifmap_id_new_mac("00:11:22:AA:bb:cc", "d", NULL));
	check_id(ifmap_id_new_device("d <1>", NULL));
	check_id(ifmap_id_new_access_request("ar:1", "x", NULL));
	check_id(ifmap_id_new_identity("username", "Ann", NULL, NULL, NULL));
	check_id(ifmap_id_new_identity("dns-name", "A.Example.ORG", "d", NULL, NULL));
	check_id(ifmap_id_new_identity("other", "x", NULL, "36906:badge", NULL));
	check_id(ifmap_id_new_extended("urn:v", "vm", attributes, NULL));
	check_id(ifmap_id_new_identity("other",
		"<v xmlns=\"urn:v\" administrative-domain=\"\"><w>t</w></v>", NULL, "extended",
		NULL));
}

static const struct {
	const char *json;
	const char *key_of; /* a short form of the same, or NULL: refused */
} ids[] = {
	{ "\"ip:10.0.0.7\"", "ip:10.0.0.7" },
	{ "{\"ip-address\":{\"value\":\"10.0.0.7\"}}", "ip:10.0.0.7" },
	{ "{\"device\":{\"name\":\"d\"}}", "device:d" },
	{ "{\"extended\":{\"namespace\":\"urn:v\",\"name\":\"vm\",\"attributes\":{\"a\":\"1\"}}}",
		"ext:urn:v#vm,a=1" },
	{ "{\"extended\":{\"namespace\":\"urn:v\",\"name\":\"vm\"}}", "ext:urn:v#vm" },
	{ "\"10.0.0.7\"", NULL },
	{ "7", NULL },
	{ "{}", NULL },
	{ "{\"toaster\":{\"name\":\"d\"}}", NULL },
	{ "{\"device\":{\"name\":\"d\"},\"ip-address\":{\"value\":\"10.0.0.7\"}}", NULL },
	{ "{\"device\":\"d\"}", NULL },
	{ "{\"device\":{}}", NULL },
	{ "{\"device\":{\"nam\":\"d\"}}", NULL },
	{ "{\"ip-address\":{\"value\":7}}", NULL },
	{ "{\"ip-address\":{\"value\":\"010.0.0.7\"}}", NULL },
	{ "{\"extended\":{\"namespace\":\"urn:v\"}}", NULL },
	{ "{\"extended\":{\"namespace\":\"urn:v\",\"name\":\"v m\"}}", NULL },
	{ "{\"extended\":{\"namespace\":\"urn:v\",\"name\":\"vm\",\"attributes\":{\"a\":1}}}",
		NULL },
};

static void test_read_identifiers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
		json_t *json = json_loads(ids[i].json, JSON_DECODE_ANY, NULL);
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_id) id = ifmap_json_read_id(json, &error);
		g_autoptr(ifmap_id) same = ids[i].key_of ? ifmap_id_from_string(ids[i].key_of, NULL)
							 : NULL;

		g_test_message("%s", ids[i].json);
		g_assert_true(!id == !same);
		g_assert_true(!id == !!error);
		if (id)
			g_assert_cmpstr(ifmap_id_key(id), ==, ifmap_id_key(same));
		json_decref(json);
	}
}

/* ---- publish requests ---- */

#define NOTE "{\"namespace\":\"urn:x\",\"name\":\"note\",\"cardinality\":\"singleValue\"}"

static const struct {
	const char *json;
	int n_operations; /* -1: refused */
} publishes[] = {
	{ "{\"operations\":[]}", 0 },
	{ "{\"operations\":[{\"operation\":\"update\",\"identifier\":\"ip:10.0.0.7\",\"metadata\":[" NOTE
	  "," NOTE "]}]}",
		2 },
	{ "{\"operations\":[{\"operation\":\"notify\",\"link\":[\"ip:10.0.0.7\",\"device:d\"],"
	  "\"metadata\":[" NOTE "]},{\"operation\":\"delete\",\"identifier\":\"device:d\"}]}",
		2 },
	{ "{\"operations\":[{\"operation\":\"delete\",\"identifier\":\"device:d\",\"filter\":\"\"}]}",
		1 },
	{ "[]", -1 },
	{ "{}", -1 },
	{ "{\"operations\":{}}", -1 },
	{ "{\"operations\":[1]}", -1 },
	{ "{\"operations\":[{}]}", -1 },
	{ "{\"operations\":[{\"operation\":\"drop\",\"identifier\":\"device:d\"}]}", -1 },
	{ "{\"operations\":[{\"operation\":\"delete\"}]}", -1 },
	{ "{\"operations\":[{\"operation\":\"delete\",\"link\":[\"device:d\"]}]}", -1 },
	{ "{\"operations\":[{\"operation\":\"delete\",\"identifier\":\"device:d\",\"metadata\":[]}]}",
		-1 },
	{ "{\"operations\":[{\"operation\":\"update\",\"identifier\":\"device:d\",\"metadata\":[]}]}",
		-1 },
	{ "{\"operations\":[{\"operation\":\"update\",\"identifier\":\"device:d\",\"metadata\":" NOTE
	  "}]}",
		-1 },
	{ "{\"operations\":[{\"operation\":\"update\",\"identifier\":\"device:d\",\"lifetime\":\"long\","
	  "\"metadata\":[" NOTE "]}]}",
		-1 },
};

static void test_publish(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(publishes); i++) {
		json_t *json = json_loads(publishes[i].json, 0, NULL);
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_publish)
			publish = ifmap_json_read_publish(json, IFMAP_LIFETIME_FOREVER, &error);

		g_test_message("%s", publishes[i].json);
		g_assert_true(!publish == !!error);
		g_assert_cmpint(publish ? (int)ifmap_publish_n_operations(publish) : -1, ==,
			publishes[i].n_operations);
		json_decref(json);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/json/metadata/random", test_random_metadata);
	g_test_add_func("/ifmap/json/metadata/short", test_short_metadata);
	g_test_add_func("/ifmap/json/metadata/bad", test_bad_metadata);
	g_test_add_func("/ifmap/json/metadata/deep", test_deep_metadata);
	g_test_add_func("/ifmap/json/identifiers", test_identifiers);
	g_test_add_func("/ifmap/json/identifiers/read", test_read_identifiers);
	g_test_add_func("/ifmap/json/publish", test_publish);
	return g_test_run();
}
