/* Statements C1 to C16 of ifmap.md 20, and what else only a real server shows. */
#include <string.h>
#include <zlib.h>

#include "ifmap/answer.h"
#include "map/gzip.h"
#include "raw.h"

static struct server *server;

/* One client with one connection. */
struct fixture {
	GString *answer;
	GString *headers;
	CURL *curl;
	struct curl_slist *extra;
	char *session_id;
};

static size_t collect_headers(char *data, size_t size, size_t n, void *headers)
{
	g_string_append_len(headers, data, (gssize)(size * n));
	return size * n;
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->answer = g_string_new(NULL);
	fixture->headers = g_string_new(NULL);
	fixture->curl = server_curl(server, "A", fixture->answer);
	curl_easy_setopt(fixture->curl, CURLOPT_HEADERFUNCTION, collect_headers);
	curl_easy_setopt(fixture->curl, CURLOPT_HEADERDATA, fixture->headers);
	fixture->session_id = server_begin(fixture->curl, fixture->answer);
	g_assert_nonnull(fixture->session_id);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	curl_easy_cleanup(fixture->curl);
	curl_slist_free_all(fixture->extra);
	g_string_free(fixture->answer, TRUE);
	g_string_free(fixture->headers, TRUE);
	g_free(fixture->session_id);
}

static void add_header(struct fixture *fixture, const char *header)
{
	fixture->extra = curl_slist_append(fixture->extra, header);
	curl_easy_setopt(fixture->curl, CURLOPT_HTTPHEADER, fixture->extra);
}

static long post(struct fixture *fixture, const char *body, gssize size)
{
	g_string_truncate(fixture->headers, 0);
	return server_post(fixture->curl, body, size, fixture->answer);
}

/* The envelope of an operation, the session-id put in place of {s}. */
static char *with_session(const struct fixture *fixture, const char *operation)
{
	g_autoptr(GString) filled = g_string_new(operation);
	g_string_replace(filled, "{s}", fixture->session_id, 0);
	return server_envelope(filled->str);
}

static char *renewal(const struct fixture *fixture)
{
	return with_session(fixture, "<ifmap:renewSession session-id=\"{s}\"/>");
}

static void assert_renews(struct fixture *fixture)
{
	g_autofree char *body = renewal(fixture);
	g_assert_cmpint(post(fixture, body, -1), ==, 200);
	g_assert_nonnull(strstr(fixture->answer->str, "<renewSessionResult/>"));
}

static void test_plain(void)
{
	static const char REQUEST[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
	char buffer[1000] = "";
	int fd = raw_connect(server);
	g_assert_cmpint(send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL), >, 0);
	ssize_t got = recv(fd, buffer, sizeof(buffer) - 1, 0);
	g_assert_null(got > 0 ? strstr(buffer, "HTTP/1.1 200") : NULL);
	close(fd);
}

static void test_first_request(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	(void)fixture; /* set_up() has sent credentials at once and was answered */
	g_assert_nonnull(strstr(fixture->headers->str, "HTTP/1.1 200 "));
	g_assert_null(strstr(fixture->headers->str, "401"));
}

static void test_unauthorized(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	g_autofree char *body = renewal(fixture);
	static const char *const WRONG[] = { "A:wrong", "nobody:pw", "A:", ":" };
	for (size_t i = 0; i < G_N_ELEMENTS(WRONG); i++) {
		curl_easy_setopt(fixture->curl, CURLOPT_USERPWD, WRONG[i]);
		g_assert_cmpint(post(fixture, body, -1), ==, 401);
		g_assert_nonnull(strstr(fixture->headers->str, "HTTP/1.1 401 Unauthorized"));
		g_assert_nonnull(strstr(fixture->headers->str, "WWW-Authenticate: Basic "));
	}
	curl_easy_setopt(fixture->curl, CURLOPT_USERPWD, "A:pw");
	assert_renews(fixture);
	long connects = -1;
	curl_easy_getinfo(fixture->curl, CURLINFO_NUM_CONNECTS, &connects);
	g_assert_cmpint(connects, ==, 0); /* the connection was still the first one */
}

static char *exchange_with_certificate(const char *certificate)
{
	struct raw *raw = raw_open(server, certificate);
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

static void test_certificates(void)
{
	g_autofree char *good = exchange_with_certificate("good");
	g_assert_nonnull(strstr(good, "HTTP/1.1 200 "));
	g_assert_nonnull(strstr(good, "ifmap-publisher-id=\"C-"));
	g_autofree char *bad = exchange_with_certificate("bad");
	g_assert_null(strstr(bad, "HTTP/1.1 200 "));
	g_assert_nonnull(strstr(bad, "HTTP/1.1 403 "));
	g_autofree char *none = exchange_with_certificate(NULL);
	g_assert_nonnull(strstr(none, "HTTP/1.1 401 "));
}

static void test_paths(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	static const char *const PATHS[] = { "", "imap", "x/y", "dana-ws/soap/dsifmap?x=y" };
	for (size_t i = 0; i < G_N_ELEMENTS(PATHS); i++) {
		g_autofree char *url = g_strconcat(server->url, PATHS[i], NULL);
		curl_easy_setopt(fixture->curl, CURLOPT_URL, url);
		assert_renews(fixture);
	}
}

static void test_headers(gconstpointer data)
{
	struct fixture fixture = { 0 };
	set_up(&fixture, NULL);
	add_header(&fixture, data);
	assert_renews(&fixture);
	tear_down(&fixture, NULL);
}

static void test_error_status(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	g_autofree char *body = server_envelope("<ifmap:renewSession session-id=\"1\"/>");
	g_assert_cmpint(post(fixture, body, -1), ==, 200);
	g_assert_nonnull(strstr(fixture->answer->str, "errorCode=\"InvalidSessionID\""));
	g_assert_nonnull(strstr(fixture->headers->str, "Content-Type: application/soap+xml\r\n"));
}

static void test_one_record(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct raw *raw = raw_open(server, NULL);
	char buffer[8000];
	g_autofree char *body = renewal(fixture);
	g_autofree char *request = raw_request("A", "", body);
	raw_send(raw, request, -1);
	gssize got = raw_receive(raw, buffer, sizeof(buffer) - 1, 20000);
	g_assert_cmpint(got, >, 0);
	buffer[got] = 0;
	g_assert_true(g_str_has_prefix(buffer, "HTTP/1.1 200 OK\r\n"));
	g_assert_nonnull(strstr(buffer, "\r\nContent-Length: "));
	g_assert_null(strstr(buffer, "chunked"));
	g_assert_true(g_str_has_suffix(buffer, "</env:Envelope>\n") ||
		      g_str_has_suffix(buffer, "</env:Envelope>"));
	raw_close(raw);
}

static void test_raw_variants(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	/* C10: names in any case; Basic folded by white space (OpenContrail). */
	struct raw *raw = raw_open(server, NULL);
	g_autofree char *body = renewal(fixture);
	g_autofree char *request = g_strdup_printf(
		"POST / HTTP/1.1\r\nhOST: x\r\nauthorization: Basic QTpw dw==\r\n"
		"Content-length: %zu\r\n\r\n%s",
		strlen(body), body);
	raw_send(raw, request, -1);
	char buffer[5000] = "";
	g_assert_cmpint(raw_receive(raw, buffer, sizeof(buffer) - 1, 20000), >, 0);
	g_assert_nonnull(strstr(buffer, "renewSessionResult"));
	/* C11: two requests at once, answered in order. */
	g_autofree char *search = with_session(fixture,
		"<ifmap:search session-id=\"{s}\"><device><name>c11</name></device></ifmap:search>");
	g_autofree char *first = raw_request("A", "", search);
	g_autofree char *second = raw_request("A", "Connection: close\r\n", body);
	g_autofree char *both = g_strconcat(first, second, NULL);
	raw_send(raw, both, -1);
	g_autofree char *answers = raw_receive_all(raw, 20000);
	const char *found = strstr(answers, "c11");
	g_assert_nonnull(found);
	g_assert_nonnull(strstr(found, "renewSessionResult"));
	raw_close(raw);
}

static void test_chunked(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct raw *raw = raw_open(server, NULL);
	g_autofree char *body = renewal(fixture);
	g_autofree char *request = g_strdup_printf(
		"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic QTpwdw==\r\n"
		"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n%.5s\r\n%zx\r\n%s\r\n0\r\n\r\n",
		body, strlen(body) - 5, body + 5);
	raw_send(raw, request, -1);
	g_autofree char *answer = raw_receive_all(raw, 20000);
	g_assert_nonnull(strstr(answer, "renewSessionResult"));
	raw_close(raw);
}

static void test_gzip(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	GString *body = g_string_new(NULL);
	g_autofree char *plain = renewal(fixture);
	g_string_assign(body, plain);
	g_assert_true(map_gzip_deflate(body));
	add_header(fixture, "Content-Encoding: gzip");
	g_assert_cmpint(post(fixture, body->str, (gssize)body->len), ==, 200);
	g_assert_nonnull(strstr(fixture->answer->str, "renewSessionResult"));
	g_assert_null(strstr(fixture->headers->str, "Content-Encoding"));
	/* Broken off in the middle. */
	g_assert_cmpint(post(fixture, body->str, (gssize)body->len - 12), ==, 400);
	add_header(fixture, "Accept-Encoding: gzip");
	g_assert_cmpint(post(fixture, body->str, (gssize)body->len), ==, 200);
	g_assert_nonnull(strstr(fixture->headers->str, "Content-Encoding: gzip"));
	GString *answer = g_string_new(NULL);
	g_assert_true(map_gzip_inflate(fixture->answer->str, fixture->answer->len, 10000, answer));
	g_assert_nonnull(strstr(answer->str, "renewSessionResult"));
	g_string_free(answer, TRUE);
	g_string_free(body, TRUE);
}

static void test_gzip_bomb(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	GString *bomb = g_string_new(NULL);
	g_string_set_size(bomb, 64U << 20);
	memset(bomb->str, ' ', bomb->len);
	g_assert_true(map_gzip_deflate(bomb));
	g_assert_cmpuint(bomb->len, <, 1U << 20);
	add_header(fixture, "Content-Encoding: gzip");
	g_assert_cmpint(post(fixture, bomb->str, (gssize)bomb->len), ==, 400);
	g_string_free(bomb, TRUE);
}

static void test_methods(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	static const char *const METHODS[] = { "GET", "PUT", "DELETE", "OPTIONS" };
	for (size_t i = 0; i < G_N_ELEMENTS(METHODS); i++) {
		curl_easy_setopt(fixture->curl, CURLOPT_CUSTOMREQUEST, METHODS[i]);
		g_assert_cmpint(post(fixture, "", 0), ==, 405);
		g_assert_nonnull(strstr(fixture->headers->str, "Allow: POST"));
	}
	curl_easy_setopt(fixture->curl, CURLOPT_CUSTOMREQUEST, NULL);
	assert_renews(fixture);
}

static void test_oversize(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	GString *body = g_string_new(NULL);
	g_string_set_size(body, 3U << 20); /* the server of this test takes 2 MiB */
	memset(body->str, ' ', body->len);
	g_assert_cmpint(post(fixture, body->str, (gssize)body->len), ==, 413);
	/* Without a length in advance. */
	struct raw *raw = raw_open(server, NULL);
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

static void test_not_http(void)
{
	struct raw *raw = raw_open(server, NULL);
	raw_send(raw, "this is not HTTP\r\n\r\n", -1);
	g_autofree char *answer = raw_receive_all(raw, 20000);
	g_assert_true(*answer == 0 || strstr(answer, " 400 ") != NULL);
	raw_close(raw);
}

static void test_bad_xml(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	static const char *const BODIES[] = {
		"",
		"<",
		"plainly no XML",
		"<a/>",
		"<!DOCTYPE e [<!ENTITY x \"y\">]><env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\"><env:Body>&x;</env:Body></env:Envelope>",
		"<!DOCTYPE e SYSTEM \"file:///etc/passwd\"><env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\"/>",
		"<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body/></env:Envelope>",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(BODIES); i++) {
		g_assert_cmpint(post(fixture, BODIES[i], -1), ==, 400);
		assert_renews(fixture);
	}
}

static void test_expect(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	struct raw *raw = raw_open(server, NULL);
	g_autofree char *body = renewal(fixture);
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
static void publish_text(struct fixture *fixture, const char *name, size_t size)
{
	g_autofree char *text = g_strnfill(size, 'x');
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:publish session-id=\"%s\"><update><access-request name=\"%s\"/><metadata>"
		"<x:big ifmap-cardinality=\"multiValue\">%s</x:big></metadata></update></ifmap:publish>",
		fixture->session_id, name, text);
	g_autofree char *body = server_envelope(operation);
	g_assert_cmpint(post(fixture, body, -1), ==, 200);
}

static void test_too_long(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	g_autofree char *name = g_strnfill(20000, 'n');
	publish_text(fixture, name, 10);
	g_assert_nonnull(strstr(fixture->answer->str, "errorCode=\"IdentifierTooLong\""));
	publish_text(fixture, "c72", (1U << 20) + 1);
	g_assert_nonnull(strstr(fixture->answer->str, "errorCode=\"MetadataTooLong\""));
}

static void test_default_size(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	g_autofree char *search = with_session(fixture,
		"<ifmap:search session-id=\"{s}\"><access-request name=\"c89\"/></ifmap:search>");
	publish_text(fixture, "c89", 90000);
	g_assert_cmpint(post(fixture, search, -1), ==, 200);
	g_assert_nonnull(strstr(fixture->answer->str, "xxxx</x:big>"));
	publish_text(fixture, "c89", 110000);
	g_assert_cmpint(post(fixture, search, -1), ==, 200);
	g_assert_nonnull(strstr(fixture->answer->str, "errorCode=\"SearchResultsTooBig\""));
	g_assert_null(strstr(fixture->answer->str, "xxxx"));
}

/* C44: B publishes and deletes pairs, A must never see one half. */
static gpointer toggle(gpointer data)
{
	gint *stop = data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "B", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	for (unsigned i = 0; !g_atomic_int_get(stop); i++) {
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

static void test_no_halves(struct fixture *fixture, gconstpointer data)
{
	(void)data;
	gint stop = 0;
	unsigned seen[3] = { 0 };
	GThread *thread = g_thread_new("toggle", toggle, &stop);
	g_autofree char *search = with_session(fixture,
		"<ifmap:search session-id=\"{s}\" max-depth=\"1\"><device><name>l</name></device></ifmap:search>");
	for (int i = 0; i < 2000; i++) {
		unsigned n = 0;
		g_assert_cmpint(post(fixture, search, -1), ==, 200);
		for (const char *at = fixture->answer->str; (at = strstr(at, "<x:h ")); at++)
			n++;
		g_assert_cmpuint(n, <=, 2);
		seen[n]++;
	}
	g_atomic_int_set(&stop, 1);
	g_thread_join(thread);
	g_assert_cmpuint(seen[1], ==, 0);
	g_assert_cmpuint(seen[0], >, 0);
	g_assert_cmpuint(seen[2], >, 0);
}

int main(int argc, char **argv)
{
	static const char *const HEADERS[] = { "Content-Type: application/soap+xml",
		"Content-Type: application/soap+xml;charset=utf-8", "Content-Type: text/xml",
		"Content-Type:", "SOAPAction: \"\"", "SOAPAction: publish", "content-LENGTH-x: 1" };
	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	server = server_new("[limits]\nbody=2097152\n");
#define ADD(name, test) g_test_add("/map/http/" name, struct fixture, NULL, set_up, test, tear_down)
	g_test_add_func("/map/http/C1 plain HTTP", test_plain);
	ADD("C2 credentials without a 401", test_first_request);
	ADD("C3 401", test_unauthorized);
	g_test_add_func("/map/http/C4 certificates", test_certificates);
	ADD("C5 any path", test_paths);
	for (size_t i = 0; i < G_N_ELEMENTS(HEADERS); i++) {
		g_autofree char *name = g_strdup_printf("/map/http/C6 C7 %s", HEADERS[i]);
		g_strdelimit(name + strlen("/map/http/"), "/", '-');
		g_test_add_data_func(name, HEADERS[i], test_headers);
	}
	ADD("C8 status of an errorResult", test_error_status);
	ADD("C9 one record", test_one_record);
	ADD("C10 C11 header names and pipelining", test_raw_variants);
	ADD("19 chunked request", test_chunked);
	ADD("C12 gzip", test_gzip);
	ADD("C12 gzip bomb", test_gzip_bomb);
	ADD("C13 methods", test_methods);
	ADD("C13 oversize", test_oversize);
	g_test_add_func("/map/http/C13 no HTTP", test_not_http);
	ADD("C14 C15 bad XML", test_bad_xml);
	ADD("C16 Expect", test_expect);
	ADD("C44 nobody sees half a publish", test_no_halves);
	ADD("C72 too long", test_too_long);
	ADD("C89 default size", test_default_size);
	int status = g_test_run();
	server_free(server);
	curl_global_cleanup();
	return status;
}
