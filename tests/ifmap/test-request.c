/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests as the server reads them: what is refused and with which code (ifmap.md 3.3, 5, 7, 10;
 * C14-C96), the order of checks, what is tolerated, and hostile documents. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "ifmap/request.h"

#define SOAP "http://www.w3.org/2003/05/soap-envelope"
#define HEAD                                                                                       \
	"<env:Envelope xmlns:env='" SOAP "' xmlns:ifmap='" IFMAP_NS "' xmlns:meta='" IFMAP_NS_META \
	"'><env:Body>"
#define TAIL             "</env:Body></env:Envelope>"
#define PUBLISH(content) HEAD "<ifmap:publish session-id='s'>" content "</ifmap:publish>" TAIL
#define UPDATE(content)  PUBLISH("<update>" content "</update>")
#define META             "<metadata><meta:role ifmap-cardinality='multiValue'/></metadata>"
#define SEARCH(attributes)                              \
	HEAD "<ifmap:search session-id='s' " attributes \
	     "><device><name>d</name></device></ifmap:search>" TAIL
#define DEVICE "<device><name>d</name></device>"

static enum ifmap_parse_status parse(const char *data, gssize size,
	struct ifmap_request **ret_request, char **ret_session_id, GError **error)
{
	return ifmap_request_parse(data, size < 0 ? strlen(data) : (size_t)size,
		&IFMAP_REQUEST_LIMITS_DEFAULT, ret_request, ret_session_id, error);
}

static struct ifmap_request *parse_or_die(const char *data)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_request *request = NULL;

	parse(data, -1, &request, NULL, &error);
	g_assert_no_error(error);
	g_assert_nonnull(request);
	return request;
}

/* One row a refusal. */
static const struct {
	const char *xml;
	enum ifmap_error code;
} refused[] = {
	{ HEAD TAIL, IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:dump session-id='s'/>" TAIL, IFMAP_ERROR_FAILURE },          /* C143 */
	{ HEAD "<ifmap:attachSession session-id='s'/>" TAIL, IFMAP_ERROR_FAILURE }, /* 5.9 */
	{ HEAD "<publish session-id='s'/>" TAIL, IFMAP_ERROR_FAILURE }, /* unqualified */
	{ HEAD "<x:publish xmlns:x='http://www.trustedcomputinggroup.org/2006/IFMAP/1' session-id='s'/>" TAIL,
		IFMAP_ERROR_INVALID_SCHEMA_VERSION },
	{ HEAD "<ifmap:poll session-id='s'/><ifmap:poll session-id='s'/>" TAIL,
		IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:subscribe session-id='s'/>" TAIL, IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:subscribe session-id='s'><update>" DEVICE "</update></ifmap:subscribe>" TAIL,
		IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:subscribe session-id='s'><notify name='x'/></ifmap:subscribe>" TAIL,
		IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:subscribe session-id='s'><update name='x'/></ifmap:subscribe>" TAIL,
		IFMAP_ERROR_INVALID_IDENTIFIER },
	{ HEAD "<ifmap:newSession max-poll-result-size='x'/>" TAIL, IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:newSession max-poll-result-size='-1'/>" TAIL, IFMAP_ERROR_FAILURE },
	{ HEAD "<ifmap:search session-id='s'/>" TAIL, IFMAP_ERROR_INVALID_IDENTIFIER },
	{ HEAD "<ifmap:search session-id='s'>" DEVICE DEVICE "</ifmap:search>" TAIL,
		IFMAP_ERROR_INVALID_IDENTIFIER },
	{ SEARCH("max-depth='-2'"), IFMAP_ERROR_FAILURE },
	{ SEARCH("max-size='ten'"), IFMAP_ERROR_FAILURE },
	{ SEARCH("max-depth=''"), IFMAP_ERROR_FAILURE },
	{ SEARCH("match-links='meta:'"), IFMAP_ERROR_FAILURE },                           /* C93 */
	{ SEARCH("result-filter='vendor:x'"), IFMAP_ERROR_FAILURE },                      /* C94 */
	{ SEARCH("terminal-identifier-type='device,'"), IFMAP_ERROR_INVALID_IDENTIFIER }, /* C85 */
	{ SEARCH("terminal-identifier-type=',device'"), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ SEARCH("terminal-identifier-type='device,,identity'"), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ SEARCH("terminal-identifier-type='toaster'"), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ SEARCH("terminal-identifier-type='identity:toaster'"), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ PUBLISH("<insert/>"), IFMAP_ERROR_FAILURE },
	{ UPDATE(META), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ UPDATE(DEVICE), IFMAP_ERROR_FAILURE },
	{ UPDATE(META DEVICE), IFMAP_ERROR_FAILURE },
	{ UPDATE(DEVICE META META), IFMAP_ERROR_FAILURE },
	{ UPDATE(DEVICE "<metadata/>"), IFMAP_ERROR_INVALID_METADATA }, /* C23 */
	{ UPDATE(DEVICE "<metadata><meta:role/></metadata>"),
		IFMAP_ERROR_INVALID_METADATA }, /* C24 */
	{ UPDATE(DEVICE "<metadata><meta:role ifmap-cardinality='single'/></metadata>"),
		IFMAP_ERROR_INVALID_METADATA }, /* C25 */
	{ UPDATE(DEVICE "<metadata><role ifmap-cardinality='multiValue'/></metadata>"),
		IFMAP_ERROR_INVALID_METADATA },
	{ UPDATE("<device><aik-name>x</aik-name></device>" META),
		IFMAP_ERROR_INVALID_IDENTIFIER },                                          /* C65 */
	{ UPDATE("<device><name></name></device>" META), IFMAP_ERROR_INVALID_IDENTIFIER }, /* C55 */
	{ UPDATE("<ip-address value='010.0.0.1'/>" META),
		IFMAP_ERROR_INVALID_IDENTIFIER }, /* C51 */
	{ UPDATE("<identity name='x' type='bad'/>" META),
		IFMAP_ERROR_INVALID_IDENTIFIER_TYPE }, /* C58 */
	{ UPDATE("<toaster name='x'/>" META), IFMAP_ERROR_INVALID_IDENTIFIER_TYPE },
	{ UPDATE("<access-request name='1'/><access-request name='2'/><access-request name='3'/>" META),
		IFMAP_ERROR_INVALID_IDENTIFIER },                       /* C71 */
	{ UPDATE(DEVICE DEVICE META), IFMAP_ERROR_INVALID_IDENTIFIER }, /* D9 */
	{ PUBLISH("<update lifetime='eternal'>" DEVICE META "</update>"), IFMAP_ERROR_FAILURE },
	{ PUBLISH("<delete filter='['>" DEVICE "</delete>"), IFMAP_ERROR_FAILURE },
	{ PUBLISH("<delete/>"), IFMAP_ERROR_INVALID_IDENTIFIER },
	{ PUBLISH("<delete>" DEVICE META "</delete>"), IFMAP_ERROR_FAILURE },
	/* the order of checks: the earlier kind wins, wherever it stands */
	{ PUBLISH("<delete filter='['>" DEVICE "</delete><update>" DEVICE "<metadata/></update>"),
		IFMAP_ERROR_INVALID_METADATA },
	{ PUBLISH("<update>" DEVICE "<metadata/></update><delete><device/></delete>"),
		IFMAP_ERROR_INVALID_IDENTIFIER },
	{ PUBLISH("<delete><device/></delete><insert/>"), IFMAP_ERROR_FAILURE },
};

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *session_id = NULL;
		struct ifmap_request *request = NULL;

		g_test_message("%s", refused[i].xml + strlen(HEAD));
		g_assert_cmpint(parse(refused[i].xml, -1, &request, &session_id, &error), ==,
			IFMAP_PARSE_REFUSED);
		g_assert_error(error, IFMAP_ERROR, (int)refused[i].code);
		g_assert_null(request);
		if (strstr(refused[i].xml, "session-id"))
			g_assert_cmpstr(session_id, ==, "s");
	}
}

/* Documents that are no request at all. */
static const char *const malformed[] = {
	"",
	"x",
	"<",
	"not xml at all",
	"<a/>",
	"<Envelope/>",
	"<env:Envelope xmlns:env='" SOAP "'/>",
	"<env:Envelope xmlns:env='" SOAP "'><env:Head/></env:Envelope>",
	HEAD "</env:Body><env:Body/></env:Envelope>",
	HEAD "<ifmap:poll session-id='s'/>" TAIL "<x/>",
	HEAD "<ifmap:poll session-id='s'/>" TAIL "garbage",
	HEAD "<ifmap:poll session-id='s'>" TAIL,
	HEAD "<ifmap:poll session-id='s' session-id='t'/>" TAIL,
	HEAD "<nope:poll session-id='s'/>" TAIL,
	HEAD "<ifmap:poll nope:x='s'/>" TAIL,
	HEAD "<ifmap:dump>&undefined;</ifmap:dump>" TAIL, /* broken outranks refused */
	HEAD "<ifmap:poll session-id='\x01'/>" TAIL,
	HEAD "<ifmap:poll session-id='\xff\xfe'/>" TAIL,
	HEAD "<ifmap:poll session-id='\xed\xa0\x80'/>" TAIL, /* a surrogate */
	HEAD "<ifmap:poll session-id='&#0;'/>" TAIL,
	"<!DOCTYPE x>" HEAD "<ifmap:poll session-id='s'/>" TAIL, /* C14 */
	"<!DOCTYPE x [<!ENTITY a 'b'>]>" HEAD "<ifmap:poll session-id='&a;'/>" TAIL,
	"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>" HEAD "<ifmap:poll session-id='s'/>" TAIL,
	"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
	"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]>" HEAD "<ifmap:poll session-id='&c;'/>" TAIL,
};

static void test_malformed(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(malformed); i++) {
		g_autoptr(GError) error = NULL;
		struct ifmap_request *request = NULL;

		g_test_message("%zu", i);
		g_assert_cmpint(
			parse(malformed[i], -1, &request, NULL, &error), ==, IFMAP_PARSE_BAD_XML);
		g_assert_nonnull(error);
		g_assert_null(request);
	}
}

/* What differs from the examples of section 5 and is still fine. */
static const char *const tolerated[] = {
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" HEAD "<ifmap:poll session-id='s'/>" TAIL
	"\n",
	"\xef\xbb\xbf" HEAD "<ifmap:poll session-id='s'/>" TAIL,
	"<?xml version='1.0' encoding='ISO-8859-1'?>" HEAD "<ifmap:poll session-id='s'/>" TAIL,
	"<!-- c --><?pi x?>" HEAD
	"<!-- c --> <ifmap:poll session-id='s'><!-- <x a=' -->\n</ifmap:poll> " TAIL "<!-- c -->",
	"<S:Envelope xmlns:S='" SOAP
	"'><S:Header><x xmlns='urn:x' S:mustUnderstand='0'><y/></x></S:Header><S:Body>"
	"<poll xmlns='" IFMAP_NS "' session-id='s'/></S:Body></S:Envelope>",
	HEAD
	"<ifmap:newSession xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='true'/>" TAIL,
	PUBLISH(""),                                                      /* C48 */
	UPDATE("<link><access-request name='1'/>" DEVICE "</link>" META), /* C153 */
	UPDATE("<identifier><access-request name='1'/></identifier>" META),
	HEAD "<ifmap:search session-id='s'><identifier>" DEVICE "</identifier></ifmap:search>" TAIL,
	PUBLISH("<notify lifetime='forever'>" DEVICE META "</notify>"),               /* C50 */
	HEAD "<ifmap:publish validation='None' session-id='s'/>" TAIL,                /* C50 */
	UPDATE("<identity type='username' administrative-domain='' name='x'/>" META), /* C70 */
	UPDATE("<device> <name>d</name> </device>" META),
	UPDATE("<ip-address value='fe80:0:0:0:0:0:0:1'/>" META),
	SEARCH("max-depth='1000000000' max-size='99999999999999999999999'"), /* C90 */
	SEARCH("max-depth='-1' max-size='-1'"),
	SEARCH("terminal-identifier-type=''"),
	SEARCH("match-links='m:role' xmlns:m='" IFMAP_NS_META "'"), /* C94 */
	SEARCH("match-links='meta:role' result-filter=''"),
};

static void test_tolerated(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tolerated); i++) {
		g_test_message("%s", tolerated[i]);
		ifmap_request_free(parse_or_die(tolerated[i]));
	}
}

static void test_old_soap(void)
{
	const char *xml = "<env:Envelope xmlns:env='http://schemas.xmlsoap.org/soap/envelope/'>"
			  "<env:Body/></env:Envelope>";
	g_autoptr(GError) error = NULL;
	struct ifmap_request *request = NULL;

	g_assert_cmpint(parse(xml, -1, &request, NULL, &error), ==, IFMAP_PARSE_OLD_SOAP);
	g_assert_nonnull(error);
}

static void test_must_understand(void)
{
	const char *xml = "<S:Envelope xmlns:S='" SOAP
			  "'><S:Header><x xmlns='urn:x' S:mustUnderstand='true'/></S:Header>"
			  "<S:Body><poll xmlns='" IFMAP_NS "'/></S:Body></S:Envelope>";
	g_autoptr(GError) error = NULL;
	struct ifmap_request *request = NULL;

	g_assert_cmpint(parse(xml, -1, &request, NULL, &error), ==, IFMAP_PARSE_NOT_UNDERSTOOD);
	g_assert_nonnull(error);
}

static void test_utf16(void)
{
	const char *xml = HEAD "<ifmap:poll session-id='\xc3\xa9'/>" TAIL;
	static const char *const charsets[] = { "UTF-16", "UTF-16LE", "UTF-16BE" };

	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++) {
		gsize size = 0;
		g_autofree char *data = g_convert(xml, -1, charsets[i], "UTF-8", NULL, &size, NULL);
		struct ifmap_request *request = NULL;

		g_assert_cmpint(
			parse(data, (gssize)size, &request, NULL, NULL), ==, IFMAP_PARSE_OK);
		g_assert_cmpstr(request->session_id, ==, "\xc3\xa9");
		ifmap_request_free(request);
		g_assert_cmpint(parse(data, (gssize)size - 1, &request, NULL, NULL), ==,
			IFMAP_PARSE_BAD_XML);
	}
}

static const char *const publish = PUBLISH(
	"<delete filter=\"meta:role[@ifmap-publisher-id='p']\"><access-request name='p:7'/>"
	"<identity name='mallory' type='username'/></delete>"
	"<update lifetime='forever'>" DEVICE "<metadata><meta:role ifmap-cardinality='multiValue' "
	"ifmap-publisher-id='forged' ifmap-timestamp='x' ifmap-mood='good' colour='red'/>"
	"<x xmlns='urn:x' ifmap-cardinality='singleValue'>1</x></metadata></update>"
	"<notify>" DEVICE META "</notify>");

static void test_publish(void)
{
	struct ifmap_request *request = parse_or_die(publish);
	const struct ifmap_operation *first, *second, *third;

	g_assert_cmpint(request->type, ==, IFMAP_REQUEST_PUBLISH);
	g_assert_cmpstr(request->session_id, ==, "s");
	g_assert_cmpuint(request->operations->len, ==, 3);
	first = g_ptr_array_index(request->operations, 0);
	second = g_ptr_array_index(request->operations, 1);
	third = g_ptr_array_index(request->operations, 2);
	g_assert_cmpint(first->type, ==, IFMAP_OPERATION_DELETE);
	g_assert_nonnull(first->filter);
	g_assert_cmpstr(ifmap_id_value(first->b), ==, "mallory");
	g_assert_null(first->metas);
	g_assert_cmpint(second->lifetime, ==, IFMAP_LIFETIME_FOREVER);
	g_assert_null(second->b);
	g_assert_cmpuint(second->metas->len, ==, 2);
	g_assert_cmpstr(ifmap_meta_xml(second->metas->pdata[0], NULL), ==,
		"<meta:role xmlns:meta=\"" IFMAP_NS_META
		"\" ifmap-cardinality=\"multiValue\" colour=\"red\"/>"); /* C31 */
	g_assert_cmpstr(ifmap_meta_xml(second->metas->pdata[1], NULL), ==,
		"<ns1:x xmlns:ns1=\"urn:x\" ifmap-cardinality=\"singleValue\">1</ns1:x>");
	g_assert_cmpint(third->type, ==, IFMAP_OPERATION_NOTIFY);
	ifmap_request_free(request);
}

static void test_search(void)
{
	struct ifmap_request *request = parse_or_die(
		SEARCH("max-depth='-1' max-size='77' match-links=''"));

	g_assert_cmpuint(request->query->max_depth, ==, UINT_MAX);
	g_assert_cmpuint(request->query->max_size, ==, 77);
	g_assert_nonnull(request->query->match_links);
	g_assert_null(request->query->result_filter);
	g_assert_null(request->query->terminal);
	ifmap_request_free(request);
	request = parse_or_die(SEARCH("max-size='-1'"));
	g_assert_cmpuint(request->query->max_depth, ==, 0);
	g_assert_cmpuint(request->query->max_size, ==, SIZE_MAX);
	ifmap_request_free(request);
}

/* C123: a filter's prefixes are those at its element, and outlive the request. */
static void test_prefixes_live(void)
{
	struct ifmap_request *request = parse_or_die(
		HEAD "<ifmap:subscribe session-id='s' xmlns:m='urn:outer'>"
		     "<update name='a' xmlns:m='urn:inner' match-links='m:x'>" DEVICE "</update>"
		     "<update name='b' match-links='m:x'>" DEVICE
		     "</update><delete name='c'/></ifmap:subscribe>" TAIL);
	g_autoptr(ifmap_meta) inner = ifmap_meta_new(
		"<x xmlns='urn:inner' ifmap-cardinality='singleValue'/>", -1, NULL);
	g_autoptr(ifmap_meta) outer = ifmap_meta_new(
		"<x xmlns='urn:outer' ifmap-cardinality='singleValue'/>", -1, NULL);
	struct ifmap_query *a = ifmap_subscribe_steal_query(request->subscribes->pdata[0]);
	struct ifmap_query *b = ifmap_subscribe_steal_query(request->subscribes->pdata[1]);

	g_assert_null(((struct ifmap_subscribe *)request->subscribes->pdata[2])->query);
	ifmap_request_free(request);
	g_assert_true(ifmap_filter_matches(a->match_links, inner));
	g_assert_false(ifmap_filter_matches(a->match_links, outer));
	g_assert_false(ifmap_filter_matches(b->match_links, inner));
	g_assert_true(ifmap_filter_matches(b->match_links, outer));
	ifmap_query_free(a);
	ifmap_query_free(b);
}

/* ---- hostile -- */

static char *repeat(const char *head, const char *unit, unsigned n, const char *tail)
{
	GString *out = g_string_new(head);

	for (unsigned i = 0; i < n; i++)
		g_string_append(out, unit);
	return g_string_free(g_string_append(out, tail), FALSE);
}

static const struct {
	const char *what, *head, *unit;
	unsigned n;
	const char *tail;
	enum ifmap_parse_status status;
	enum ifmap_error code; /* of a refusal */
} heaps[] = {
	{ "depth", HEAD, "<a>", 10000, "", IFMAP_PARSE_BAD_XML, 0 },
	{ "depth in metadata", PUBLISH("<update>" DEVICE "<metadata>"), "<a>", 10000, "",
		IFMAP_PARSE_BAD_XML, 0 },
	{ "metadata",
		HEAD "<ifmap:publish session-id='s'><update>" DEVICE
		     "<metadata><x xmlns='urn:x' ifmap-cardinality='singleValue'>",
		"0123456789abcdef", 70000, "</x></metadata></update></ifmap:publish>" TAIL,
		IFMAP_PARSE_REFUSED, IFMAP_ERROR_METADATA_TOO_LONG }, /* C72 */
	{ "many elements",
		HEAD "<ifmap:publish session-id='s'><update>" DEVICE
		     "<metadata><x xmlns='urn:x' ifmap-cardinality='singleValue'>",
		"<a/>", 20000, "</x></metadata></update></ifmap:publish>" TAIL, IFMAP_PARSE_REFUSED,
		IFMAP_ERROR_METADATA_TOO_LONG },
	{ "name", HEAD "<ifmap:publish session-id='s'><delete><access-request name='",
		"0123456789abcdef", 70000, "'/></delete></ifmap:publish>" TAIL, IFMAP_PARSE_REFUSED,
		IFMAP_ERROR_IDENTIFIER_TOO_LONG }, /* C72 */
	{ "device", HEAD "<ifmap:publish session-id='s'><delete><device><name>", "0123456789abcdef",
		70000, "</name></device></delete></ifmap:publish>" TAIL, IFMAP_PARSE_REFUSED,
		IFMAP_ERROR_IDENTIFIER_TOO_LONG },
	{ "filter", HEAD "<ifmap:publish session-id='s'><delete filter='", "(", 70000,
		"'>" DEVICE "</delete></ifmap:publish>" TAIL, IFMAP_PARSE_REFUSED,
		IFMAP_ERROR_FAILURE },
	{ "operations", HEAD "<ifmap:publish session-id='s'>",
		"<delete><device><name>d</name></device></delete>", 100001, "</ifmap:publish>" TAIL,
		IFMAP_PARSE_REFUSED, IFMAP_ERROR_FAILURE },
	{ "children of an operation without any", HEAD "<ifmap:poll session-id='s'>", "<a><b/></a>",
		50000, "</ifmap:poll>" TAIL, IFMAP_PARSE_OK, 0 },
};

static void test_heaps(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(heaps); i++) {
		g_autofree char *xml = repeat(
			heaps[i].head, heaps[i].unit, heaps[i].n, heaps[i].tail);
		g_autoptr(GError) error = NULL;
		struct ifmap_request *request = NULL;

		g_test_message("%s", heaps[i].what);
		g_assert_cmpint(parse(xml, -1, &request, NULL, &error), ==, heaps[i].status);
		if (heaps[i].status == IFMAP_PARSE_REFUSED)
			g_assert_error(error, IFMAP_ERROR, (int)heaps[i].code);
		ifmap_request_free(request);
	}
}

/* libxml2 would compare each with all before it. */
static void test_many_attributes(void)
{
	g_autoptr(GString) xml = g_string_new(HEAD "<ifmap:poll");
	gint64 before = g_get_monotonic_time();
	struct ifmap_request *request = NULL;

	for (unsigned i = 0; i < 200000; i++)
		g_string_append_printf(xml, " a%u='%u'", i, i);
	g_string_append(xml, "/>" TAIL);
	g_assert_cmpint(parse(xml->str, -1, &request, NULL, NULL), ==, IFMAP_PARSE_BAD_XML);
	g_assert_cmpint(g_get_monotonic_time() - before, <, G_USEC_PER_SEC);
}

/* Cut off anywhere, a request is broken; with a NUL anywhere, it never is one that reads beyond it.
 */
static void test_cut(void)
{
	size_t size = strlen(publish);
	g_autofree char *copy = g_strdup(publish);
	struct ifmap_request *request = NULL;

	for (size_t i = 0; i < size; i++) {
		g_autofree char *cut = g_memdup2(publish, MAX(i, 1));

		g_assert_cmpint(
			parse(cut, (gssize)i, &request, NULL, NULL), ==, IFMAP_PARSE_BAD_XML);
		copy[i] = '\0';
		g_assert_cmpint(
			parse(copy, (gssize)size, &request, NULL, NULL), ==, IFMAP_PARSE_BAD_XML);
		copy[i] = publish[i];
	}
	g_assert_cmpint(parse(copy, (gssize)size, &request, NULL, NULL), ==, IFMAP_PARSE_OK);
	ifmap_request_free(request);
}

/* The reader hands its input over in pieces of 64 KiB: wherever the seam falls, the request is the
 * same. */
static void test_seams(void)
{
	for (size_t shift = 0; shift < strlen(publish); shift++) {
		g_autofree char *padding = g_strnfill(65536 - 9 - shift, ' ');
		g_autofree char *xml = g_strdup_printf("<!-- %s -->%s", padding, publish);
		struct ifmap_request *request = parse_or_die(xml);
		const struct ifmap_operation *second = g_ptr_array_index(request->operations, 1);

		g_assert_cmpstr(ifmap_meta_text(second->metas->pdata[0], "@colour"), ==, "red");
		g_assert_cmpstr(ifmap_meta_xml(second->metas->pdata[1], NULL), ==,
			"<ns1:x xmlns:ns1=\"urn:x\" ifmap-cardinality=\"singleValue\">1</ns1:x>");
		ifmap_request_free(request);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/request/refused", test_refused);
	g_test_add_func("/ifmap/request/malformed", test_malformed);
	g_test_add_func("/ifmap/request/tolerated", test_tolerated);
	g_test_add_func("/ifmap/request/old-soap", test_old_soap);
	g_test_add_func("/ifmap/request/must-understand", test_must_understand);
	g_test_add_func("/ifmap/request/utf16", test_utf16);
	g_test_add_func("/ifmap/request/publish", test_publish);
	g_test_add_func("/ifmap/request/search", test_search);
	g_test_add_func("/ifmap/request/prefixes-live", test_prefixes_live);
	g_test_add_func("/ifmap/request/heaps", test_heaps);
	g_test_add_func("/ifmap/request/many-attributes", test_many_attributes);
	g_test_add_func("/ifmap/request/cut", test_cut);
	g_test_add_func("/ifmap/request/seams", test_seams);
	return g_test_run();
}
