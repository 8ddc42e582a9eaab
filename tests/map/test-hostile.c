/* Whatever comes in at the socket: the process lives, and the session of somebody else does not
 * notice. */
#include <string.h>
#include <sys/socket.h>

#include "raw.h"

static struct server *server;

/* The bystander: a session whose poll hangs while somebody else misbehaves. */
struct bystander {
	GString *answer;
	CURL *curl;
	char *session_id;
	struct raw *arc;
};

static void set_up(struct bystander *bystander, gconstpointer data)
{
	(void)data;
	bystander->answer = g_string_new(NULL);
	bystander->curl = server_curl(server, "A", bystander->answer);
	bystander->session_id = server_begin(bystander->curl, bystander->answer);
	g_assert_nonnull(bystander->session_id);
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:poll session-id=\"%s\"/>", bystander->session_id);
	g_autofree char *body = server_envelope(operation);
	g_autofree char *request = raw_request("A", "", body);
	bystander->arc = raw_open(server, NULL);
	raw_send(bystander->arc, request, -1);
}

/* Sends an operation, the session-id in place of {s}. */
static void ask(struct bystander *bystander, const char *operation, const char *expected)
{
	g_autoptr(GString) filled = g_string_new(operation);
	g_string_replace(filled, "{s}", bystander->session_id, 0);
	g_autofree char *body = server_envelope(filled->str);
	g_assert_cmpint(server_post(bystander->curl, body, -1, bystander->answer), ==, 200);
	if (!strstr(bystander->answer->str, expected))
		g_test_message("not %s but %s", expected, bystander->answer->str);
	g_assert_nonnull(strstr(bystander->answer->str, expected));
}

/* The session still works, and the very poll that was hanging gets its result. */
static void tear_down(struct bystander *bystander, gconstpointer data)
{
	(void)data;
	char buffer[8000] = "";
	g_assert_true(server_is_alive(server));
	ask(bystander,
		"<ifmap:subscribe session-id=\"{s}\"><update name=\"w\"><device><name>d</name></device></update></ifmap:subscribe>",
		"subscribeReceived");
	g_assert_cmpint(raw_receive(bystander->arc, buffer, sizeof(buffer) - 1, 20000), >, 0);
	g_assert_nonnull(strstr(buffer, "<searchResult name=\"w\">"));
	ask(bystander, "<ifmap:endSession session-id=\"{s}\"/>", "endSessionResult");
	raw_close(bystander->arc);
	curl_easy_cleanup(bystander->curl);
	g_string_free(bystander->answer, TRUE);
	g_free(bystander->session_id);
}

static void fill_random(char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (char)g_test_rand_int_range(0, 256);
}

/* Before TLS, and inside it. */
static void test_rubbish(struct bystander *bystander, gconstpointer data)
{
	(void)bystander;
	(void)data;
	char bytes[4000];
	for (int i = 0; i < 30; i++) {
		fill_random(bytes, sizeof(bytes));
		int fd = raw_connect(server);
		(void)!send(
			fd, bytes, (size_t)g_test_rand_int_range(1, sizeof(bytes)), MSG_NOSIGNAL);
		close(fd);
		struct raw *raw = raw_open(server, NULL);
		raw_send(raw, bytes, g_test_rand_int_range(1, sizeof(bytes)));
		raw_close(raw);
	}
}

/* A good request with bytes turned, sent as an authenticated client. */
static void test_turned_bytes(struct bystander *bystander, gconstpointer data)
{
	(void)bystander;
	(void)data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "B", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:publish session-id=\"%s\"><update><device><name>x</name></device><metadata>"
		"<x:s ifmap-cardinality=\"singleValue\"><v>1</v></x:s></metadata></update></ifmap:publish>",
		session_id);
	g_autofree char *body = server_envelope(operation);
	size_t size = strlen(body);
	for (int i = 0; i < 500; i++) {
		g_autofree char *turned = g_memdup2(body, size);
		for (int n = g_test_rand_int_range(1, 6); n > 0; n--)
			turned[g_test_rand_int_range(0, (gint32)size)] = (char)
				g_test_rand_int_range(0, 256);
		long status = server_post(curl, turned, (gssize)size, answer);
		g_assert_true(status == 200 || status == 400);
	}
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
}

/* The body ends early: on every connection of a client of its own. */
static void test_truncated(struct bystander *bystander, gconstpointer data)
{
	(void)bystander;
	(void)data;
	g_autofree char *body = server_envelope("<ifmap:newSession/>");
	g_autofree char *request = raw_request("B", "", body);
	size_t size = strlen(request);
	for (size_t cut = 1; cut < size; cut += 1 + size / 60) {
		struct raw *raw = raw_open(server, NULL);
		raw_send(raw, request, (gssize)cut);
		raw_close(raw);
	}
}

/* A request broken off on the SSRC ends that session (4.2), nobody else's. */
static void test_broken_ends_session(struct bystander *bystander, gconstpointer data)
{
	(void)bystander;
	(void)data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "B", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:renewSession session-id=\"%s\"/>", session_id);
	g_autofree char *body = server_envelope(operation);
	g_autofree char *request = raw_request("B", "", body);
	struct raw *raw = raw_open(server, NULL);
	char buffer[5000] = "";
	raw_send(raw, request, -1);
	g_assert_cmpint(raw_receive(raw, buffer, sizeof(buffer) - 1, 20000), >, 0);
	g_assert_nonnull(strstr(buffer, "renewSessionResult"));
	raw_send(raw, request, (gssize)strlen(request) - 20);
	/* The server has noticed when it closes; to ask before would make another connection the
	 * SSRC. */
	g_assert_cmpint(shutdown(raw->fd, SHUT_WR), ==, 0);
	g_assert_cmpint(raw_receive(raw, buffer, sizeof(buffer) - 1, 20000), <=, 0);
	raw_close(raw);
	CURL *other = server_curl(server, "B", answer);
	g_assert_cmpint(server_post(other, body, -1, answer), ==, 200);
	g_assert_nonnull(strstr(answer->str, "InvalidSessionID"));
	curl_easy_cleanup(other);
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
}

/* Connections that send a little and then nothing are dropped; meanwhile others are served. */
static void test_slow(struct bystander *bystander, gconstpointer data)
{
	(void)data;
	struct raw *slow[20];
	for (size_t i = 0; i < G_N_ELEMENTS(slow); i++) {
		slow[i] = raw_open(server, NULL);
		raw_send(slow[i], "POST / HTTP/1.1\r\nHo", -1);
	}
	ask(bystander, "<ifmap:renewSession session-id=\"{s}\"/>", "renewSessionResult");
	for (size_t i = 0; i < G_N_ELEMENTS(slow); i++) {
		char buffer[1000];
		/* The server of this test waits 2 s. */
		g_assert_cmpint(raw_receive(slow[i], buffer, sizeof(buffer), 20000), <=, 0);
		raw_close(slow[i]);
	}
}

/* Depth, attributes, names: XML that is large in one way. */
static void test_large_xml(struct bystander *bystander, gconstpointer data)
{
	(void)bystander;
	(void)data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "B", answer);
	GString *deep = g_string_new(NULL);
	GString *wide = g_string_new("<ifmap:newSession ");
	for (int i = 0; i < 10000; i++) {
		g_string_append(deep, "<x:a>");
		g_string_append_printf(wide, "a%d=\"\" ", i);
	}
	g_string_append(wide, "/>");
	g_autofree char *name = g_strnfill(200000, 'n');
	g_autofree char *long_name = g_strdup_printf("<ifmap:%s/>", name);
	const char *const operations[] = { deep->str, wide->str, long_name };
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		g_autofree char *body = server_envelope(operations[i]);
		long status = server_post(curl, body, -1, answer);
		g_assert_true(status == 200 || status == 400);
	}
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
	g_string_free(deep, TRUE);
	g_string_free(wide, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	server = server_new("[limits]\nhandshake-timeout=2\n");
#define ADD(name, test) \
	g_test_add("/map/hostile/" name, struct bystander, NULL, set_up, test, tear_down)
	ADD("binary rubbish", test_rubbish);
	ADD("turned bytes", test_turned_bytes);
	ADD("truncated requests", test_truncated);
	ADD("4.2 a message that breaks off", test_broken_ends_session);
	ADD("slow peers", test_slow);
	ADD("deep, wide and long XML", test_large_xml);
	int status = g_test_run();
	server_free(server);
	curl_global_cleanup();
	return status;
}
