/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both directions meet: what a client asks is what the server reads, what the server replies is
 * what the client reads; and what other servers are known to answer (ifmap.md 5, 18; C144, C151,
 * C157, C158). */
#include <string.h>

#include "ifmap/answer.h"
#include "ifmap/ask.h"
#include "ifmap/publish.h"
#include "ifmap/reply.h"
#include "ifmap/request.h"

#define SOAP "http://www.w3.org/2003/05/soap-envelope"
#define HEAD "<S:Envelope xmlns:S='" SOAP "'><S:Body><r:response xmlns:r='" IFMAP_NS "'>"
#define TAIL "</r:response></S:Body></S:Envelope>"

static const char *const prefixes[] = { "d", "urn:drover:test", "meta", IFMAP_NS_META, NULL };

static struct ifmap_request *read_request(const GString *xml)
{
	struct ifmap_request *request = NULL;
	g_autoptr(GError) error = NULL;

	ifmap_request_parse(
		xml->str, xml->len, &IFMAP_REQUEST_LIMITS_DEFAULT, &request, NULL, &error);
	g_assert_no_error(error);
	return request;
}

static struct ifmap_answer *read_answer(const char *xml)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_answer *answer = ifmap_answer_parse(xml, strlen(xml), &error);

	g_assert_no_error(error);
	return answer;
}

/* ---- ask -> request -- */

static void test_ask_session(void)
{
	static const struct {
		void (*ask)(GString *out, const char *session_id);
		enum ifmap_request_type type;
	} rows[] = {
		{ ifmap_ask_renew_session, IFMAP_REQUEST_RENEW_SESSION },
		{ ifmap_ask_end_session, IFMAP_REQUEST_END_SESSION },
		{ ifmap_ask_poll, IFMAP_REQUEST_POLL },
	};
	g_autoptr(GString) xml = g_string_new(NULL);
	struct ifmap_request *request;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_string_truncate(xml, 0);
		rows[i].ask(xml, "s<1>");
		request = read_request(xml);
		g_assert_cmpint(request->type, ==, rows[i].type);
		g_assert_cmpstr(request->session_id, ==, "s<1>");
		ifmap_request_free(request);
	}
	g_string_truncate(xml, 0);
	ifmap_ask_new_session(xml, 8000000);
	request = read_request(xml);
	g_assert_cmpint(request->type, ==, IFMAP_REQUEST_NEW_SESSION);
	g_assert_cmpuint(request->max_poll_result_size, ==, 8000000);
	g_assert_null(request->session_id);
	ifmap_request_free(request);
	g_string_truncate(xml, 0);
	ifmap_ask_purge(xml, "s", "p");
	request = read_request(xml);
	g_assert_cmpstr(request->publisher_id, ==, "p");
	ifmap_request_free(request);
}

static struct ifmap_meta *test_meta(const char *text)
{
	g_autofree char *xml = g_markup_printf_escaped(
		"<d:x xmlns:d='urn:drover:test' ifmap-cardinality='singleValue'><v>%s</v></d:x>",
		text);

	return ifmap_meta_new(xml, -1, NULL);
}

/* Identifiers of every kind, with content that needs escaping. */
static GPtrArray *test_ids(void)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_id_unref);
	const char *const attributes[] = { "name", "<shop> & \"co\"'s", NULL };

	g_ptr_array_add(ids, ifmap_id_new_access_request("p:7 <\"&'>\n", "dom", NULL));
	g_ptr_array_add(ids, ifmap_id_new_device("d<&\n>", NULL));
	g_ptr_array_add(ids, ifmap_id_new_identity("username", "Ann", NULL, NULL, NULL));
	g_ptr_array_add(ids, ifmap_id_new_identity("other", "x", "d", "36906:ipv4", NULL));
	g_ptr_array_add(ids, ifmap_id_new_identity("dns-name", "A.b", NULL, NULL, NULL));
	g_ptr_array_add(ids, ifmap_id_new_ip("10.0.0.1", NULL, NULL));
	g_ptr_array_add(ids, ifmap_id_new_ip("fe80::1", "d", NULL));
	g_ptr_array_add(ids, ifmap_id_new_mac("00:11:22:AA:bb:cc", NULL, NULL));
	g_ptr_array_add(ids, ifmap_id_new_extended("urn:v", "vapp", attributes, NULL));
	for (guint i = 0; i < ids->len; i++)
		g_assert_nonnull(ids->pdata[i]);
	return ids;
}

static void test_ask_publish(void)
{
	g_autoptr(GPtrArray) ids = test_ids();
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	g_autoptr(ifmap_meta) meta = test_meta("<1>");
	g_autoptr(GString) xml = g_string_new(NULL);
	struct ifmap_request *request;

	for (guint i = 0; i < ids->len; i++) {
		const struct ifmap_id *other = ids->pdata[(i + 1) % ids->len];

		ifmap_publish_update(publish, ids->pdata[i], i % 2 ? other : NULL,
			(enum ifmap_lifetime)(i % 2), meta);
		ifmap_publish_delete(publish, ids->pdata[i], other, i % 2 ? "d:x[v='<1>']" : NULL);
	}
	g_assert_true(ifmap_publish_is_repeatable(publish));
	ifmap_publish_notify(publish, ids->pdata[0], NULL, meta);
	g_assert_false(ifmap_publish_is_repeatable(publish));
	ifmap_ask_publish(xml, "s", prefixes, publish);
	request = read_request(xml);
	g_assert_cmpuint(request->operations->len, ==, ifmap_publish_n_operations(publish));
	for (guint i = 0; i < request->operations->len; i++) {
		const struct ifmap_change *asked = publish->changes->pdata[i];
		const struct ifmap_operation *read = request->operations->pdata[i];

		g_assert_cmpint(read->type, ==, asked->type);
		g_assert_cmpint(read->lifetime, ==, asked->lifetime);
		g_assert_true(ifmap_id_equal(read->a, asked->a));
		g_assert_true(asked->b ? ifmap_id_equal(read->b, asked->b) : read->b == NULL);
		if (asked->meta)
			g_assert_cmpstr(ifmap_meta_xml(read->metas->pdata[0], NULL), ==,
				ifmap_meta_xml(meta, NULL));
		g_assert_cmpint(read->filter != NULL, ==, asked->filter != NULL);
		g_assert_true(!read->filter || ifmap_filter_matches(read->filter, meta));
	}
	ifmap_request_free(request);
}

static void test_publish_move(void)
{
	g_autoptr(ifmap_publish) to = ifmap_publish_new(), from = ifmap_publish_new();
	g_autoptr(ifmap_id) id = ifmap_id_new_device("d", NULL);

	ifmap_publish_delete(to, id, NULL, NULL);
	ifmap_publish_delete(from, id, NULL, "a");
	ifmap_publish_move(to, from);
	g_assert_cmpuint(ifmap_publish_n_operations(to), ==, 2);
	g_assert_cmpuint(ifmap_publish_n_operations(from), ==, 0);
	ifmap_publish_delete(from, id, NULL, "b");
	g_assert_cmpuint(ifmap_publish_n_operations(from), ==, 1);
}

static void test_ask_subscribe(void)
{
	g_autoptr(ifmap_id) start = ifmap_id_new_device("d", NULL);
	g_autoptr(ifmap_meta) meta = test_meta("1");
	g_autoptr(ifmap_id) mac = ifmap_id_new_mac("00:11:22:33:44:55", NULL, NULL);
	struct ifmap_search search = { start, 3, 200000, "d:x", "", "mac-address" };
	g_autoptr(GString) xml = g_string_new(NULL);
	const struct ifmap_subscribe *first, *second;
	struct ifmap_request *request;

	ifmap_ask_subscribe_begin(xml, "s", prefixes);
	ifmap_ask_subscribe_update(xml, "one", &search);
	ifmap_ask_subscribe_delete(xml, "two");
	ifmap_ask_subscribe_end(xml);
	request = read_request(xml);
	first = request->subscribes->pdata[0];
	second = request->subscribes->pdata[1];
	g_assert_cmpstr(first->name, ==, "one");
	g_assert_cmpuint(first->query->max_depth, ==, 3);
	g_assert_cmpuint(first->query->max_size, ==, 200000);
	g_assert_true(ifmap_id_equal(first->query->start, start));
	g_assert_true(ifmap_filter_matches(first->query->match_links, meta));
	g_assert_false(ifmap_filter_matches(first->query->result_filter, meta));
	g_assert_true(ifmap_terminal_stops(first->query->terminal, mac));
	g_assert_false(ifmap_terminal_stops(first->query->terminal, start));
	g_assert_cmpstr(second->name, ==, "two");
	g_assert_null(second->query);
	ifmap_request_free(request);
	g_string_truncate(xml, 0);
	ifmap_ask_search(xml, "s", prefixes, &(struct ifmap_search){ .start = start });
	request = read_request(xml);
	g_assert_null(request->query->match_links);
	g_assert_null(request->query->result_filter);
	g_assert_null(request->query->terminal);
	g_assert_cmpuint(request->query->max_size, ==, 0);
	ifmap_request_free(request);
}

/* ---- reply -> answer -- */

static void test_reply_poll(void)
{
	g_autoptr(GPtrArray) ids = test_ids();
	g_autoptr(ifmap_meta) plain = test_meta("a&b");
	g_autoptr(ifmap_meta) meta = ifmap_meta_stamp(plain, "pub", 1714555800251000);
	const struct ifmap_meta *metas[] = { meta, meta };
	g_autoptr(GString) xml = g_string_new(NULL);
	g_autoptr(ifmap_answer) answer = NULL;
	const struct ifmap_member *member;

	ifmap_reply_begin(xml);
	g_string_append(xml, "<pollResult>");
	for (int kind = IFMAP_RESULT_SEARCH; kind <= IFMAP_RESULT_NOTIFY; kind++) {
		ifmap_reply_result_begin(xml, (enum ifmap_result_kind)kind, "sub<1>");
		for (guint i = 0; i < ids->len; i++)
			ifmap_reply_item(
				xml, ids->pdata[i], i % 2 ? ids->pdata[0] : NULL, metas, i % 3);
		ifmap_reply_result_end(xml, (enum ifmap_result_kind)kind);
	}
	ifmap_reply_error(xml, IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG, "over <100>", "other");
	g_string_append(xml, "</pollResult>");
	ifmap_reply_end(xml);
	answer = read_answer(xml->str);
	g_assert_cmpint(answer->type, ==, IFMAP_ANSWER_POLL);
	g_assert_cmpuint(answer->members->len, ==, 5);
	for (guint k = 0; k < 4; k++) {
		member = answer->members->pdata[k];
		g_assert_cmpstr(member->name, ==, "sub<1>");
		g_assert_cmpstr(member->result->name, ==, "sub<1>");
		g_assert_cmpint(member->result->kind, ==, k);
		for (guint i = 0; i < ids->len; i++) {
			const struct ifmap_item *item = member->result->items->pdata[i];

			g_assert_true(ifmap_id_equal(item->a, ids->pdata[i]));
			g_assert_true(
				i % 2 ? ifmap_id_equal(item->b, ids->pdata[0]) : item->b == NULL);
			g_assert_cmpuint(item->metas->len, ==, i % 3);
			if (i % 3 > 0)
				g_assert_cmpstr(ifmap_meta_xml(item->metas->pdata[0], NULL), ==,
					ifmap_meta_xml(meta, NULL));
		}
	}
	member = answer->members->pdata[4];
	g_assert_cmpstr(member->name, ==, "other");
	g_assert_error(member->refused, IFMAP_ERROR, IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG);
	g_assert_nonnull(strstr(member->refused->message, "over <100>"));
}

static void test_reply_simple(void)
{
	static const struct {
		const char *name;
		enum ifmap_answer_type type;
	} rows[] = {
		{ "renewSessionResult", IFMAP_ANSWER_RENEW_SESSION },
		{ "endSessionResult", IFMAP_ANSWER_END_SESSION },
		{ "publishReceived", IFMAP_ANSWER_PUBLISH },
		{ "subscribeReceived", IFMAP_ANSWER_SUBSCRIBE },
		{ "purgePublisherReceived", IFMAP_ANSWER_PURGE },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) xml = g_string_new(NULL);
		g_autoptr(ifmap_answer) answer = NULL;

		ifmap_reply_begin(xml);
		ifmap_reply_empty(xml, rows[i].name);
		ifmap_reply_end(xml);
		answer = read_answer(xml->str);
		g_assert_cmpint(answer->type, ==, rows[i].type);
	}
}

/* Every code survives the way (C144), and what is ours becomes SystemError. */
static void test_reply_errors(void)
{
	for (int code = 0; code <= IFMAP_ERROR_PROTOCOL; code++) {
		gboolean known = ifmap_error_code_to_string((enum ifmap_error)code) != NULL;
		int expected = known ? code : IFMAP_ERROR_SYSTEM_ERROR;
		g_autoptr(GString) xml = g_string_new(NULL);
		g_autoptr(ifmap_answer) answer = NULL;

		ifmap_reply_begin(xml);
		ifmap_reply_error(xml, (enum ifmap_error)code, "why", NULL);
		ifmap_reply_end(xml);
		answer = read_answer(xml->str);
		g_assert_cmpint(answer->type, ==, IFMAP_ANSWER_ERROR);
		g_assert_error(answer->refused, IFMAP_ERROR, expected);
	}
}

/* C151, byte for byte: clients scan for these strings (18). */
static void test_reply_bytes(void)
{
	g_autoptr(GString) xml = g_string_new(NULL);

	ifmap_reply_begin(xml);
	ifmap_reply_new_session(xml, "7f1c", "pep1-1", 200);
	ifmap_reply_end(xml);
	g_assert_cmpstr(xml->str, ==,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"" SOAP
		"\" xmlns:ifmap=\"" IFMAP_NS
		"\"><env:Body><ifmap:response><newSessionResult session-id=\"7f1c\" ifmap-publisher-id=\"pep1-1\" "
		"max-poll-result-size=\"200\"/></ifmap:response></env:Body></env:Envelope>\n");
}

static void test_fault(void)
{
	g_autoptr(GString) xml = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	ifmap_reply_fault(xml, "Sender", "line 3: bad <tag>");
	g_assert_null(ifmap_answer_parse(xml->str, xml->len, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL);
	g_assert_nonnull(strstr(error->message, "line 3: bad <tag>"));
}

/* ---- other servers -- */

static const struct {
	const char *xml;
	enum ifmap_answer_type type;
} tolerated[] = {
	{ "<Envelope xmlns='" SOAP "'><Body><i:response xmlns:i='" IFMAP_NS
	  "' validation='None'><publishReceived xmlns=''/>"
	  "</i:response></Body></Envelope>",
		IFMAP_ANSWER_PUBLISH },
	{ HEAD "<renewSessionResult session-id='s'/><v:x xmlns:v='urn:v'/>" TAIL,
		IFMAP_ANSWER_RENEW_SESSION },
	{ HEAD "<errorResult errorCode='Failure'/>" TAIL, IFMAP_ANSWER_ERROR },
	{ HEAD "<errorResult errorCode='Novel'><errorString>x</errorString></errorResult>" TAIL,
		IFMAP_ANSWER_ERROR },
	{ HEAD "<errorResult><errorString/></errorResult>" TAIL, IFMAP_ANSWER_ERROR },
	{ HEAD "<searchResult/>" TAIL, IFMAP_ANSWER_SEARCH },
	{ HEAD "<searchResult><resultItem><device><name>d</name></device><metadata/></resultItem></searchResult>" TAIL,
		IFMAP_ANSWER_SEARCH },
	{ HEAD "<pollResult><novelResult name='x'><a/></novelResult></pollResult>" TAIL,
		IFMAP_ANSWER_POLL },
	{ HEAD "<newSessionResult ifmap-publisher-id='p' session-id='s' more='x'/>" TAIL,
		IFMAP_ANSWER_NEW_SESSION },
};

static void test_tolerated(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tolerated); i++) {
		g_autoptr(ifmap_answer) answer = NULL;

		g_test_message("%s", tolerated[i].xml);
		answer = read_answer(tolerated[i].xml);
		g_assert_cmpint(answer->type, ==, tolerated[i].type);
		g_assert_cmpint(answer->refused != NULL, ==, answer->type == IFMAP_ANSWER_ERROR);
	}
}

static const char *const refused[] = {
	"", "<html/>", HEAD TAIL, "<S:Envelope xmlns:S='" SOAP "'><S:Body/></S:Envelope>",
	"<S:Envelope xmlns:S='" SOAP "'><S:Body><response/></S:Body></S:Envelope>",
	HEAD "<novel/>" TAIL, HEAD "<newSessionResult session-id='s'/>" TAIL,
	HEAD "<publishReceived/><publishReceived/>" TAIL,
	HEAD "<searchResult><resultItem/></searchResult>" TAIL,
	HEAD "<searchResult><resultItem><ip-address value='x'/></resultItem></searchResult>" TAIL,
	HEAD
	"<searchResult><resultItem><device><name>a</name></device><device><name>b</name></device>"
	"<device><name>c</name></device></resultItem></searchResult>" TAIL,
	HEAD
	"<searchResult><resultItem><device><name>a</name></device><metadata><x/></metadata></resultItem></searchResult>" TAIL
};

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", refused[i]);
		g_assert_null(ifmap_answer_parse(refused[i], strlen(refused[i]), &error));
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_PROTOCOL);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/answer/ask-session", test_ask_session);
	g_test_add_func("/ifmap/answer/ask-publish", test_ask_publish);
	g_test_add_func("/ifmap/answer/publish-move", test_publish_move);
	g_test_add_func("/ifmap/answer/ask-subscribe", test_ask_subscribe);
	g_test_add_func("/ifmap/answer/reply-poll", test_reply_poll);
	g_test_add_func("/ifmap/answer/reply-simple", test_reply_simple);
	g_test_add_func("/ifmap/answer/reply-errors", test_reply_errors);
	g_test_add_func("/ifmap/answer/reply-bytes", test_reply_bytes);
	g_test_add_func("/ifmap/answer/fault", test_fault);
	g_test_add_func("/ifmap/answer/tolerated", test_tolerated);
	g_test_add_func("/ifmap/answer/refused", test_refused);
	return g_test_run();
}
