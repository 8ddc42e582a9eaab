/* What older MAP servers died of, where no statement's case has it already: those are C003
 * passwords with colons, C010 (lower-case basic), C028 twice in one publish, C116 a deleted
 * subscription, 4.2 (SSRC opened again, ARC of the session before), 19 chunked request, and the
 * deep XML of map/hostile. */
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "checks.h"
#include "raw.h"

#define MARK "the contents of a local file"

/* An external entity in metadata, in the name of an extended identifier, and in both ways of
 * declaring it: refused, and nothing of the file is found. */
static void test_entity(struct peer *peer)
{
	static const char *const doctypes[] = {
		"<!DOCTYPE d [<!ENTITY x SYSTEM \"file://%s\">]>",
		"<!DOCTYPE d [<!ENTITY %% y SYSTEM \"file://%s\">%%y;]>",
	};
	g_autofree char *path = server_path(peer->server, "secret");
	g_autofree char *good = peer_fill(peer,
		"<ifmap:publish session-id=\"{s}\"><update><device><name>entity</name></device>"
		"<metadata><x:s ifmap-cardinality=\"singleValue\">&x;</x:s></metadata>"
		"</update></ifmap:publish>");
	const char *content = strstr(good, "?>") + 2;

	g_assert_true(g_file_set_contents(path, MARK, -1, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(doctypes); i++) {
		g_autoptr(GString) body = g_string_new(doctypes[i]);
		g_string_replace(body, "%s", path, 0);
		g_string_replace(body, "%%", "%", 0);
		g_string_append(body, content);
		g_assert_cmpint(peer_post(peer, body->str, -1), ==, 400);
		g_assert_null(strstr(peer->answer->str, MARK));
	}
	g_autofree char *inner = g_strdup_printf(
		"<ifmap:search session-id=\"{s}\"><identity type=\"other\" "
		"other-type-definition=\"extended\" name=\"&lt;!DOCTYPE d [&lt;!ENTITY x SYSTEM "
		"'file://%s'>]>&lt;d xmlns='urn:d' administrative-domain='&amp;x;'/>\"/>"
		"</ifmap:search>",
		path);
	peer_ask(peer, inner, "errorCode=\"InvalidIdentifier\"");
	g_assert_null(strstr(peer->answer->str, MARK));
	peer_ask(peer,
		"<ifmap:search session-id=\"{s}\"><device><name>entity</name></device></ifmap:search>",
		"<searchResult><resultItem><device><name>entity</name></device></resultItem>");
}

/* ---- a bomb */

#define BOMB_SIZE 195000

/* Blanks in front of a request, until they fill so much gzip. */
static GString *make_bomb(void)
{
	static char blanks[1U << 20];
	GString *bomb = g_string_sized_new(BOMB_SIZE + 1000);
	z_stream stream = { 0 };
	unsigned char piece[8192];

	memset(blanks, ' ', sizeof(blanks));
	g_assert_cmpint(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
				Z_DEFAULT_STRATEGY),
		==, Z_OK);
	for (int status = Z_OK; status == Z_OK;) {
		gboolean last = bomb->len >= BOMB_SIZE;
		stream.next_in = (unsigned char *)blanks;
		stream.avail_in = last ? 0 : sizeof(blanks);
		do {
			stream.next_out = piece;
			stream.avail_out = sizeof(piece);
			status = deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH);
			g_string_append_len(bomb, (const char *)piece,
				(gssize)(sizeof(piece) - stream.avail_out));
		} while (stream.avail_out == 0);
	}
	g_assert_cmpuint(stream.total_in, >, 100U << 20);
	deflateEnd(&stream);
	return bomb;
}

/* The most memory that the server ever had, KiB. */
static guint64 peak_kib(const struct server *server)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", server->pid);
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return g_ascii_strtoull(strstr(text, "VmHWM:") + strlen("VmHWM:"), NULL, 10);
}

/* Refused after as many bytes as a body may have, which is all the memory it costs; in SOAP and in
 * JSON. */
static void test_bomb(struct peer *peer)
{
	static const char *const paths[] = { "", "v1/publish" };
	GString *bomb = make_bomb();
	guint64 before = peak_kib(peer->server);

	peer_header(peer, "Content-Encoding: gzip");
	peer_header(peer, "Content-Type: application/json");
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autofree char *url = g_strconcat(peer->server->url, paths[i], NULL);
		curl_easy_setopt(peer->curl, CURLOPT_URL, url);
		g_assert_cmpint(peer_post(peer, bomb->str, (gssize)bomb->len), ==, 413);
	}
	g_assert_cmpuint(peak_kib(peer->server) - before, <, 32U << 10);
	g_string_free(bomb, TRUE);
}

/* ---- connections that never speak */

#define N_IDLE 500

static void connect_all(const struct server *server, int *idle)
{
	for (int i = 0; i < N_IDLE; i++)
		idle[i] = raw_connect(server);
}

static void close_all(const int *idle)
{
	for (int i = 0; i < N_IDLE; i++)
		close(idle[i]);
}

static void test_idle(struct peer *peer)
{
	int idle[N_IDLE];
	struct peer guest;

	connect_all(peer->server, idle);
	peer_init(&guest, peer->server, "B");
	peer_assert_renews(&guest);
	peer_clear(&guest);
	peer_assert_renews(peer);
	close_all(idle);
}

/* Fewer places than there are silent ones: they lose them in time. */
static void test_crowded(struct peer *peer G_GNUC_UNUSED)
{
	struct server *small = server_new("[limits]\nconnections=450\nhandshake-timeout=1\n");
	int idle[N_IDLE];
	struct peer guest;

	connect_all(small, idle);
	peer_init(&guest, small, "B");
	peer_assert_renews(&guest);
	peer_clear(&guest);
	close_all(idle);
	server_free(small);
}

/* ---- a hub */

#define N_LEAVES 1000
#define HUB      "<device><name>hub</name></device>"

static void publish_hub(struct peer *peer)
{
	g_autoptr(GString) operations = g_string_new("<ifmap:publish session-id=\"{s}\">");

	for (int i = 0; i < N_LEAVES; i++)
		g_string_append_printf(operations,
			"<update>" HUB "<access-request name=\"leaf %d\"/><metadata>"
			"<x:m ifmap-cardinality=\"multiValue\">0123456789</x:m></metadata></update>",
			i);
	g_string_append(operations, "</ifmap:publish>");
	peer_ask(peer, operations->str, "publishReceived");
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		n++;
	}
	return n;
}

static void test_hub(struct peer *peer)
{
	publish_hub(peer);
	peer_ask(peer, "<ifmap:search session-id=\"{s}\" max-depth=\"1\">" HUB "</ifmap:search>",
		"errorCode=\"SearchResultsTooBig\"");
	g_assert_null(strstr(peer->answer->str, "leaf"));
	peer_ask(peer,
		"<ifmap:search session-id=\"{s}\" max-depth=\"1\" max-size=\"10000000\">" HUB
		"</ifmap:search>",
		"<searchResult>");
	g_assert_cmpuint(count(peer->answer->str, "<resultItem>"), ==, 2 * N_LEAVES + 1);
	g_assert_cmpuint(count(peer->answer->str, "<x:m "), ==, N_LEAVES);
	peer_ask(peer,
		"<ifmap:search session-id=\"{s}\" max-depth=\"2\" max-size=\"10000000\">"
		"<access-request name=\"leaf 7\"/></ifmap:search>",
		"<searchResult>");
	g_assert_cmpuint(count(peer->answer->str, "<x:m "), ==, N_LEAVES);
	peer_ask(peer,
		"<ifmap:publish session-id=\"{s}\"><delete>" HUB
		"<access-request name=\"leaf 7\"/></delete></ifmap:publish>",
		"publishReceived");
}

/* The same watched: one subscription is too small for it, the other is not. */
static void test_watched_hub(struct peer *peer)
{
	struct raw *arc = raw_open(peer->server, NULL);
	g_autofree char *poll = peer_fill(peer, "<ifmap:poll session-id=\"{s}\"/>");
	g_autofree char *request = raw_request("A", "Connection: close\r\n", poll);

	peer_ask(peer,
		"<ifmap:subscribe session-id=\"{s}\"><update name=\"small\" max-depth=\"1\">" HUB
		"</update><update name=\"large\" max-depth=\"1\" max-size=\"10000000\">" HUB
		"</update></ifmap:subscribe>",
		"subscribeReceived");
	publish_hub(peer);
	raw_send(arc, request, -1);
	g_autofree char *answer = raw_receive_all(arc, 20000);
	g_assert_nonnull(
		strstr(answer, "<errorResult errorCode=\"SearchResultsTooBig\" name=\"small\">"));
	g_assert_nonnull(strstr(answer, "<updateResult name=\"large\">"));
	g_assert_cmpuint(count(answer, "<x:m "), ==, N_LEAVES);
	raw_close(arc);
}

static const struct check checks[] = {
	{ "external entity", test_entity },
	{ "C012 gzip bomb of 195 kB", test_bomb },
	{ "500 connections that never speak TLS", test_idle },
	{ "500 of them, and not so many places", test_crowded },
	{ "C088 a hub of 1,000 links", test_hub },
	{ "C120 a hub of 1,000 links, watched", test_watched_hub },
};

const struct check_group CHECKS_DEATHS = { "deaths", checks, G_N_ELEMENTS(checks) };
