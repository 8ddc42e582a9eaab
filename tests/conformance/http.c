/* C1 to C16 and what else is about HTTP, TLS and sizes. */
#include <string.h>
#include <zlib.h>

#include "checks.h"
#include "map/gzip.h"
#include "peer.h"
#include "raw.h"

static void test_plain(struct peer *peer)
{
	static const char REQUEST[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
	char buffer[1000] = "";
	int fd = raw_connect(peer->server);
	g_assert_cmpint(send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL), >, 0);
	ssize_t got = recv(fd, buffer, sizeof(buffer) - 1, 0);
	g_assert_null(got > 0 ? strstr(buffer, "HTTP/1.1 200") : NULL);
	close(fd);
}

static void test_first_request(struct peer *peer)
{
	/* set_up() has sent credentials at once and was answered */
	g_assert_nonnull(strstr(peer->headers->str, "HTTP/1.1 200 "));
	g_assert_null(strstr(peer->headers->str, "401"));
}

static void test_unauthorized(struct peer *peer)
{
	g_autofree char *body = peer_renewal(peer);
	static const char *const WRONG[] = { "A:wrong", "nobody:pw", "A:", ":" };
	for (size_t i = 0; i < G_N_ELEMENTS(WRONG); i++) {
		curl_easy_setopt(peer->curl, CURLOPT_USERPWD, WRONG[i]);
		g_assert_cmpint(peer_post(peer, body, -1), ==, 401);
		g_assert_nonnull(strstr(peer->headers->str, "HTTP/1.1 401 Unauthorized"));
		g_assert_nonnull(strstr(peer->headers->str, "WWW-Authenticate: Basic "));
	}
	curl_easy_setopt(peer->curl, CURLOPT_USERPWD, "A:pw");
	peer_assert_renews(peer);
	long connects = -1;
	curl_easy_getinfo(peer->curl, CURLINFO_NUM_CONNECTS, &connects);
	g_assert_cmpint(connects, ==, 0); /* the connection was still the first one */
}

static char *exchange_with_certificate(struct peer *peer, const char *certificate)
{
	struct raw *raw = raw_open(peer->server, certificate);
	g_autofree char *body = server_envelope("<ifmap:newSession/>");
	g_autofree char *request = g_strdup_printf(
		"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	if (!raw)
		return g_strdup("");
	raw_send(raw, request, -1);
	char *answer = raw_receive_all(raw, 20000);
	raw_close(raw);
	return answer;
}

static void test_certificates(struct peer *peer)
{
	g_autofree char *good = exchange_with_certificate(peer, "good");
	g_assert_nonnull(strstr(good, "HTTP/1.1 200 "));
	g_assert_nonnull(strstr(good, "ifmap-publisher-id=\"C-"));
	g_autofree char *bad = exchange_with_certificate(peer, "bad");
	g_assert_null(strstr(bad, "HTTP/1.1 200 "));
	g_assert_nonnull(strstr(bad, "HTTP/1.1 403 "));
	g_autofree char *none = exchange_with_certificate(peer, NULL);
	g_assert_nonnull(strstr(none, "HTTP/1.1 401 "));
}

static void test_paths(struct peer *peer)
{
	static const char *const PATHS[] = { "", "imap", "x/y", "dana-ws/soap/dsifmap?x=y" };
	for (size_t i = 0; i < G_N_ELEMENTS(PATHS); i++) {
		g_autofree char *url = g_strconcat(peer->server->url, PATHS[i], NULL);
		curl_easy_setopt(peer->curl, CURLOPT_URL, url);
		peer_assert_renews(peer);
	}
}

/* A renewal with one more header, on a handle of its own. */
static void renew_with(struct peer *peer, const char *header)
{
	struct curl_slist *list = curl_slist_append(NULL, header);

	curl_easy_setopt(peer->curl, CURLOPT_HTTPHEADER, list);
	peer_assert_renews(peer);
	curl_easy_setopt(peer->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
}

static void test_content_types(struct peer *peer)
{
	renew_with(peer, "Content-Type: application/soap+xml");
	renew_with(peer, "Content-Type: application/soap+xml;charset=utf-8");
	renew_with(peer, "Content-type: text/xml");
	renew_with(peer, "Content-Type:");
}

static void test_soap_actions(struct peer *peer)
{
	renew_with(peer, "SOAPAction: \"\"");
	renew_with(peer, "SOAPAction: \"publish\"");
	renew_with(peer, "SOAPAction: bare words");
}

static void test_error_status(struct peer *peer)
{
	g_autofree char *body = server_envelope("<ifmap:renewSession session-id=\"1\"/>");
	g_assert_cmpint(peer_post(peer, body, -1), ==, 200);
	g_assert_nonnull(strstr(peer->answer->str, "errorCode=\"InvalidSessionID\""));
	g_assert_nonnull(strstr(peer->headers->str, "Content-Type: application/soap+xml\r\n"));
}

/* Sends a request and returns the one TLS record that must be its whole answer. */
static char *one_record(struct raw *raw, const char *request)
{
	char buffer[16000];

	raw_send(raw, request, -1);
	gssize got = raw_receive(raw, buffer, sizeof(buffer) - 1, 20000);
	g_assert_cmpint(got, >, 0);
	buffer[got] = 0;
	const char *length = strstr(buffer, "\r\nContent-Length: ");
	const char *end = strstr(buffer, "\r\n\r\n");
	g_assert_nonnull(length);
	g_assert_nonnull(end);
	g_assert_null(strstr(buffer, "chunked"));
	guint64 size = g_ascii_strtoull(length + strlen("\r\nContent-Length: "), NULL, 10);
	g_assert_cmpuint(size, ==, (size_t)(buffer + got - (end + 4)));
	return g_strdup(buffer);
}

/* strongSwan reads once, into 4 KB (18). */
static void test_one_record(struct peer *peer)
{
	struct raw *raw = raw_open(peer->server, NULL);
	g_autofree char *name = g_strnfill(3000, 'n');
	g_autofree char *long_search = g_strdup_printf(
		"<ifmap:search session-id=\"{s}\"><device><name>%s</name></device></ifmap:search>",
		name);
	const char *const operations[] = { "<ifmap:renewSession session-id=\"{s}\"/>",
		"<ifmap:publish session-id=\"{s}\"/>", "<ifmap:frobnicate session-id=\"{s}\"/>",
		long_search };

	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		g_autofree char *body = peer_fill(peer, operations[i]);
		g_autofree char *request = raw_request("A", "", body);
		g_autofree char *answer = one_record(raw, request);
		g_assert_true(g_str_has_prefix(answer, "HTTP/1.1 200 OK\r\n"));
		g_assert_cmpuint(strlen(answer), <, 4096);
	}
	/* Larger ones too, as long as a record can hold them. */
	g_autofree char *longer = g_strnfill(12000, 'n');
	g_autofree char *longer_search = g_strdup_printf(
		"<ifmap:search session-id=\"{s}\"><device><name>%s</name></device></ifmap:search>",
		longer);
	g_autofree char *longer_body = peer_fill(peer, longer_search);
	g_autofree char *longer_request = raw_request("A", "", longer_body);
	g_autofree char *longer_answer = one_record(raw, longer_request);
	g_assert_nonnull(strstr(longer_answer, longer));
	g_autofree char *fault = raw_request("A", "", "no XML");
	g_autofree char *refused = one_record(raw, fault);
	g_assert_true(g_str_has_prefix(refused, "HTTP/1.1 400 "));
	g_autofree char *stranger = raw_request("nobody", "", "");
	g_autofree char *unknown = one_record(raw, stranger);
	g_assert_true(g_str_has_prefix(unknown, "HTTP/1.1 401 "));
	raw_close(raw);
}

/* An answer that waited leaves as one record too. */
static void test_one_record_poll(struct peer *peer)
{
	struct raw *arc = raw_open(peer->server, NULL);
	g_autofree char *poll = peer_fill(peer, "<ifmap:poll session-id=\"{s}\"/>");
	g_autofree char *request = raw_request("A", "", poll);

	raw_send(arc, request, -1);
	peer_ask(peer,
		"<ifmap:subscribe session-id=\"{s}\"><update name=\"w\"><device><name>d</name></device></update></ifmap:subscribe>",
		"subscribeReceived");
	g_autofree char *answer = one_record(arc, "");
	g_assert_nonnull(strstr(answer, "<searchResult name=\"w\">"));
	raw_close(arc);
}

static void test_header_names(struct peer *peer)
{
	static const char *const heads[] = {
		"POST / HTTP/1.1\r\nhOST: x\r\nauthorization: Basic QTpwdw==\r\nCONTENT-LENGTH: %zu\r\n\r\n%s",
		/* OpenContrail: folded credentials */
		"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic QTpw dw==\r\nContent-length: %zu\r\n\r\n%s",
		"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: basic QTpwdw==\r\nContent-length: %zu\r\n\r\n%s",
		/* line ends of LF alone (19) */
		"POST / HTTP/1.1\nHost: x\nAuthorization: Basic QTpwdw==\nContent-length: %zu\n\n%s",
	};
	g_autofree char *body = peer_renewal(peer);
	struct raw *raw = raw_open(peer->server, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		g_autoptr(GString) request = g_string_new(heads[i]);
		g_autofree char *size = g_strdup_printf("%zu", strlen(body));
		g_string_replace(request, "%zu", size, 1);
		g_string_replace(request, "%s", body, 1);
		g_autofree char *answer = one_record(raw, request->str);
		if (!strstr(answer, "renewSessionResult"))
			g_test_message("head %zu: %s", i, answer);
		g_assert_nonnull(strstr(answer, "renewSessionResult"));
	}
	raw_close(raw);
}

/* libmicrohttpd keeps the first line of a folded header alone, so credentials in one are wrong, and
 * nothing else is. */
static void test_folded(struct peer *peer)
{
	static const struct {
		const char *headers;
		const char *answer;
	} rows[] = {
		{ "Authorization: Basic QTp\r\n wdw==\r\n", "HTTP/1.1 401 " },
		{ "Authorization:\r\n\tBasic QTpwdw==\r\n", "HTTP/1.1 401 " },
		{ "X-Other: a\r\n b\r\nAuthorization: Basic QTpwdw==\r\n", "HTTP/1.1 200 " },
	};
	g_autofree char *body = peer_renewal(peer);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *request = g_strdup_printf(
			"POST / HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
			rows[i].headers, strlen(body), body);
		struct raw *raw = raw_open(peer->server, NULL);
		g_autofree char *answer = one_record(raw, request);
		g_assert_true(g_str_has_prefix(answer, rows[i].answer));
		raw_close(raw);
	}
}

static void test_pipelined(struct peer *peer)
{
	struct raw *raw = raw_open(peer->server, NULL);
	g_autofree char *search = peer_fill(peer,
		"<ifmap:search session-id=\"{s}\"><device><name>c11</name></device></ifmap:search>");
	g_autofree char *renewal = peer_renewal(peer);
	g_autofree char *first = raw_request("A", "", search);
	g_autofree char *second = raw_request("A", "Connection: close\r\n", renewal);
	g_autofree char *both = g_strconcat(first, second, NULL);

	raw_send(raw, both, -1);
	g_autofree char *answers = raw_receive_all(raw, 20000);
	const char *found = strstr(answers, "c11");
	g_assert_nonnull(found);
	g_assert_nonnull(strstr(found, "renewSessionResult"));
	raw_close(raw);
}

static void test_chunked(struct peer *peer)
{
	struct raw *raw = raw_open(peer->server, NULL);
	g_autofree char *body = peer_renewal(peer);
	g_autofree char *request = g_strdup_printf(
		"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic QTpwdw==\r\n"
		"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n%.5s\r\n%zx\r\n%s\r\n0\r\n\r\n",
		body, strlen(body) - 5, body + 5);
	raw_send(raw, request, -1);
	g_autofree char *answer = raw_receive_all(raw, 20000);
	g_assert_nonnull(strstr(answer, "renewSessionResult"));
	raw_close(raw);
}

static void test_gzip(struct peer *peer)
{
	GString *body = g_string_new(NULL);
	g_autofree char *plain = peer_renewal(peer);
	g_string_assign(body, plain);
	g_assert_true(map_gzip_deflate(body));
	peer_header(peer, "Content-Encoding: gzip");
	g_assert_cmpint(peer_post(peer, body->str, (gssize)body->len), ==, 200);
	g_assert_nonnull(strstr(peer->answer->str, "renewSessionResult"));
	g_assert_null(strstr(peer->headers->str, "Content-Encoding"));
	/* Broken off in the middle. */
	g_assert_cmpint(peer_post(peer, body->str, (gssize)body->len - 12), ==, 400);
	peer_header(peer, "Accept-Encoding: gzip");
	g_assert_cmpint(peer_post(peer, body->str, (gssize)body->len), ==, 200);
	g_assert_nonnull(strstr(peer->headers->str, "Content-Encoding: gzip"));
	GString *answer = g_string_new(NULL);
	g_assert_cmpint(map_gzip_inflate(peer->answer->str, peer->answer->len, 10000, answer), ==,
		MAP_GZIP_GOOD);
	g_assert_nonnull(strstr(answer->str, "renewSessionResult"));
	g_string_free(answer, TRUE);
	g_string_free(body, TRUE);
}

static void test_methods(struct peer *peer)
{
	static const char *const METHODS[] = { "GET", "PUT", "DELETE", "OPTIONS" };
	for (size_t i = 0; i < G_N_ELEMENTS(METHODS); i++) {
		curl_easy_setopt(peer->curl, CURLOPT_CUSTOMREQUEST, METHODS[i]);
		g_assert_cmpint(peer_post(peer, "", 0), ==, 405);
		g_assert_nonnull(strstr(peer->headers->str, "Allow: POST"));
	}
	curl_easy_setopt(peer->curl, CURLOPT_CUSTOMREQUEST, NULL);
	peer_assert_renews(peer);
}

static void test_oversize(struct peer *peer)
{
	GString *body = g_string_new(NULL);
	g_string_set_size(body, 3U << 20); /* the server of this test takes 2 MiB */
	memset(body->str, ' ', body->len);
	g_assert_cmpint(peer_post(peer, body->str, (gssize)body->len), ==, 413);
	/* Without a length in advance. */
	struct raw *raw = raw_open(peer->server, NULL);
	g_autofree char *head = g_strdup_printf(
		"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic QTpwdw==\r\n"
		"Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
		body->len);
	raw_send(raw, head, -1);
	raw_send(raw, body->str, (gssize)body->len);
	raw_send(raw, "\r\n0\r\n\r\n", -1);
	char buffer[5000] = "";
	g_assert_cmpint(raw_receive(raw, buffer, sizeof(buffer) - 1, 20000), >, 0);
	g_assert_nonnull(strstr(buffer, "HTTP/1.1 413 "));
	raw_close(raw);
	g_string_free(body, TRUE);
}

static void test_not_http(struct peer *peer)
{
	struct raw *raw = raw_open(peer->server, NULL);
	raw_send(raw, "this is not HTTP\r\n\r\n", -1);
	g_autofree char *answer = raw_receive_all(raw, 20000);
	g_assert_true(*answer == 0 || strstr(answer, " 400 ") != NULL);
	raw_close(raw);
}

#define ENVELOPE "<env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\">"

/* Each is answered 400, and the session goes on. */
static void refuse_all(struct peer *peer, const char *const *bodies)
{
	for (; *bodies; bodies++) {
		g_assert_cmpint(peer_post(peer, *bodies, -1), ==, 400);
		g_assert_nonnull(strstr(peer->answer->str, "Fault>"));
		peer_assert_renews(peer);
	}
}

static void test_doctype(struct peer *peer)
{
	static const char *const bodies[] = {
		"<!DOCTYPE e [<!ENTITY x \"y\">]>" ENVELOPE
		"<env:Body>&x;</env:Body></env:Envelope>",
		"<!DOCTYPE e SYSTEM \"file:///etc/passwd\">" ENVELOPE "<env:Body/></env:Envelope>",
		"<!DOCTYPE e [<!ENTITY % x SYSTEM \"file:///etc/passwd\">%x;]>" ENVELOPE
		"<env:Body/></env:Envelope>",
		"<!DOCTYPE e>" ENVELOPE "<env:Body/></env:Envelope>",
		NULL,
	};
	refuse_all(peer, bodies);
}

static void test_bad_xml(struct peer *peer)
{
	static const char *const bodies[] = { "", "<", "plainly no XML", "<a/>",
		ENVELOPE "<env:Body>", ENVELOPE "<env:Body>&nothing;</env:Body></env:Envelope>",
		ENVELOPE "</env:Envelope>", ENVELOPE "<env:Body/><env:Body/></env:Envelope>",
		"\xff\xfe<", NULL };
	refuse_all(peer, bodies);
}

static void test_expect(struct peer *peer)
{
	struct raw *raw = raw_open(peer->server, NULL);
	g_autofree char *body = peer_renewal(peer);
	g_autofree char *request = raw_request(
		"A", "Expect: 100-continue\r\nConnection: close\r\n", body);
	char *split = strstr(request, "\r\n\r\n") + 4;
	char buffer[1000] = "";
	raw_send(raw, request, split - request);
	g_assert_cmpint(raw_receive(raw, buffer, sizeof(buffer) - 1, 20000), >, 0);
	g_assert_true(g_str_has_prefix(buffer, "HTTP/1.1 100 "));
	raw_send(raw, split, -1);
	g_autofree char *answer = raw_receive_all(raw, 20000);
	g_assert_nonnull(strstr(answer, "renewSessionResult"));
	raw_close(raw);
}

/* Publishes on identifier `name` one metadata of `size` bytes of text. */
static void publish_text(struct peer *peer, const char *name, size_t size)
{
	g_autofree char *text = g_strnfill(size, 'x');
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:publish session-id=\"%s\"><update><access-request name=\"%s\"/><metadata>"
		"<x:big ifmap-cardinality=\"multiValue\">%s</x:big></metadata></update></ifmap:publish>",
		peer->session_id, name, text);
	g_autofree char *body = server_envelope(operation);
	g_assert_cmpint(peer_post(peer, body, -1), ==, 200);
}

static void test_too_long(struct peer *peer)
{
	g_autofree char *name = g_strnfill(20000, 'n');
	publish_text(peer, name, 10);
	g_assert_nonnull(strstr(peer->answer->str, "errorCode=\"IdentifierTooLong\""));
	publish_text(peer, "c72", (1U << 20) + 1);
	g_assert_nonnull(strstr(peer->answer->str, "errorCode=\"MetadataTooLong\""));
}

static void test_default_size(struct peer *peer)
{
	g_autofree char *search = peer_fill(peer,
		"<ifmap:search session-id=\"{s}\"><access-request name=\"c89\"/></ifmap:search>");
	publish_text(peer, "c89", 90000);
	g_assert_cmpint(peer_post(peer, search, -1), ==, 200);
	g_assert_nonnull(strstr(peer->answer->str, "xxxx</x:big>"));
	publish_text(peer, "c89", 110000);
	g_assert_cmpint(peer_post(peer, search, -1), ==, 200);
	g_assert_nonnull(strstr(peer->answer->str, "errorCode=\"SearchResultsTooBig\""));
	g_assert_null(strstr(peer->answer->str, "xxxx"));
}

/* C44: B publishes and deletes pairs, A must never see one half. */
struct toggle {
	const struct server *server;
	gint stop;
};

static gpointer toggle(gpointer data)
{
	struct toggle *toggle = data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(toggle->server, "B", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	for (unsigned i = 0; !g_atomic_int_get(&toggle->stop); i++) {
		g_autofree char *operation = g_strdup_printf(
			i % 2 ? "<ifmap:publish session-id=\"%s\"><delete><device><name>l</name></device></delete><delete><device><name>l</name></device><device><name>r</name></device></delete></ifmap:publish>"
			      : "<ifmap:publish session-id=\"%s\"><update><device><name>l</name></device><metadata><x:h ifmap-cardinality=\"singleValue\"/></metadata></update><update><device><name>l</name></device><device><name>r</name></device><metadata><x:h ifmap-cardinality=\"singleValue\"/></metadata></update></ifmap:publish>",
			session_id);
		g_autofree char *body = server_envelope(operation);
		server_post(curl, body, -1, answer);
	}
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
	return NULL;
}

static void test_no_halves(struct peer *peer)
{
	struct toggle other = { .server = peer->server };
	unsigned seen[3] = { 0 };
	GThread *thread = g_thread_new("toggle", toggle, &other);
	g_autofree char *search = peer_fill(peer,
		"<ifmap:search session-id=\"{s}\" max-depth=\"1\"><device><name>l</name></device></ifmap:search>");
	for (int i = 0; i < 1000; i++) {
		unsigned n = 0;
		g_assert_cmpint(peer_post(peer, search, -1), ==, 200);
		for (const char *at = peer->answer->str; (at = strstr(at, "<x:h ")); at++)
			n++;
		g_assert_cmpuint(n, <=, 2);
		seen[n]++;
	}
	g_atomic_int_set(&other.stop, 1);
	g_thread_join(thread);
	g_assert_cmpuint(seen[1], ==, 0);
	g_assert_cmpuint(seen[0], >, 0);
	g_assert_cmpuint(seen[2], >, 0);
}

static const struct check checks[] = {
	{ "C001 plain HTTP", test_plain },
	{ "C002 credentials without a 401", test_first_request },
	{ "C003 401", test_unauthorized },
	{ "C004 certificates", test_certificates },
	{ "C005 any path", test_paths },
	{ "C006 Content-Type", test_content_types },
	{ "C007 SOAPAction", test_soap_actions },
	{ "C008 status of an errorResult", test_error_status },
	{ "C009 one record", test_one_record },
	{ "C009 one record, after waiting", test_one_record_poll },
	{ "C010 names of headers", test_header_names },
	{ "19 folded headers", test_folded },
	{ "C011 in order", test_pipelined },
	{ "C012 gzip", test_gzip },
	{ "C013 methods", test_methods },
	{ "C013 oversize", test_oversize },
	{ "C013 no HTTP", test_not_http },
	{ "C014 DOCTYPE and entities", test_doctype },
	{ "C015 bad XML", test_bad_xml },
	{ "C016 Expect", test_expect },
	{ "C044 nobody sees half a publish", test_no_halves },
	{ "C072 too long", test_too_long },
	{ "C089 default size", test_default_size },
	{ "19 chunked request", test_chunked },
};

const struct check_group CHECKS_HTTP = { "http", checks, G_N_ELEMENTS(checks) };
