/* The client against a server that does what a test wants (fakemap.h), and against none. */
#include "fakemap.h"
#include "sample.h"
#include "waiting.h"

#include "ifmap/engine.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SYNC_MS 5000U

/* A server, a client, and what its callbacks were told. */
struct bed {
	struct fake_map *map;
	struct ifmap_client *client;
	unsigned n_up;
	unsigned n_down;
	unsigned n_results;
	unsigned n_lost; /* subscriptions given up */
	unsigned n_done;
	unsigned n_failed;
	unsigned n_refused;
	GString *log; /* one letter a result: kind */
};

static struct ifmap_client_config config_of(struct fake_map *map)
{
	return (struct ifmap_client_config){
		.url = fake_server_url(fake_map_server(map)),
		.ca_file = fake_server_ca_file(fake_map_server(map)),
		.user = "u",
		.password = "p",
	};
}

static void bed_init(struct bed *bed, enum fake_manner manner)
{
	struct ifmap_client_config config;
	g_autoptr(GError) error = NULL;

	*bed = (struct bed){ .map = fake_map_new(manner), .log = g_string_new(NULL) };
	config = config_of(bed->map);
	bed->client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
}

static void bed_clear(struct bed *bed)
{
	ifmap_client_free(bed->client);
	fake_map_free(bed->map);
	g_string_free(bed->log, TRUE);
}

static void on_state(struct ifmap_client *client G_GNUC_UNUSED, enum ifmap_client_state state,
	const GError *why, gpointer data)
{
	struct bed *bed = data;

	g_assert_true((state == IFMAP_CLIENT_UP) == !why);
	bed->n_up += state == IFMAP_CLIENT_UP;
	bed->n_down += state != IFMAP_CLIENT_UP;
}

static void on_result(struct ifmap_client *client G_GNUC_UNUSED, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct bed *bed = data;

	g_assert_true(!result == !!error);
	if (result) {
		g_assert_cmpstr(result->name, ==, "watch");
		g_string_append_c(bed->log, "SUDN"[result->kind]);
	}
	bed->n_results += !!result;
	bed->n_lost += !!error;
}

static void on_done(struct ifmap_client *client G_GNUC_UNUSED, const GError *error, gpointer data)
{
	struct bed *bed = data;

	bed->n_done++;
	bed->n_failed += !!error;
}

static void on_refused(struct ifmap_client *client G_GNUC_UNUSED,
	const struct ifmap_id *a G_GNUC_UNUSED, const struct ifmap_id *b G_GNUC_UNUSED,
	const struct ifmap_meta *meta G_GNUC_UNUSED, const GError *error, gpointer data)
{
	struct bed *bed = data;

	g_assert_true(g_error_matches(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA));
	bed->n_refused++;
}

static struct ifmap_publish *one_update(enum ifmap_cardinality cardinality)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autoptr(ifmap_meta) meta = sample_meta("one", cardinality, NULL, "1");

	ifmap_publish_update(publish, id, NULL, IFMAP_LIFETIME_SESSION, meta);
	return publish;
}

static void keep(struct bed *bed, const char *name, const char *slot, const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autoptr(ifmap_meta)
		meta = text ? sample_meta(name, slot ? IFMAP_MULTI_VALUE : IFMAP_SINGLE_VALUE, slot,
				      text)
			    : NULL;

	ifmap_client_keep(bed->client, id, NULL, SAMPLE_NS, name, slot, meta);
}

static void subscribe(struct bed *bed)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id, .max_depth = 1 };

	ifmap_client_subscribe(bed->client, "watch", &search, on_result, bed);
}

#define SEARCH_RESULT                                                                                                   \
	"<pollResult><searchResult name=\"%s\"><resultItem><ip-address value=\"10.0.0.1\" type=\"IPv4\"/></resultItem>" \
	"</searchResult></pollResult>"

/* ---- good answers in every manner */

static void check_manner(enum fake_manner manner)
{
	g_autoptr(ifmap_result) result = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id };
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();
	struct bed bed;

	g_test_message("manner %d", (int)manner);
	bed_init(&bed, manner);
	g_assert_true(ifmap_client_publish_sync(
		bed.client, one_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error));
	g_assert_no_error(error);
	result = ifmap_client_search_sync(bed.client, &search, SYNC_MS, &error);
	g_assert_no_error(error);
	ifmap_mirror_apply(mirror, result);
	g_assert_cmpstr(ifmap_meta_text(ifmap_mirror_find(mirror, id, NULL, SAMPLE_NS, "one"), "v"),
		==, "1");
	g_assert_true(ifmap_client_purge_sync(bed.client, NULL, SYNC_MS, &error));
	g_assert_cmpstr(ifmap_client_publisher_id(bed.client), ==, "fake");
	fake_map_push(bed.map, SEARCH_RESULT);
	subscribe(&bed);
	WAIT_UNTIL(bed.n_results == 1);
	g_assert_cmpstr(bed.log->str, ==, "S");
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_POLLS_AT_ONCE), ==, 1);
	if (manner != FAKE_CLOSING)
		g_assert_cmpuint(fake_map_count(bed.map, FAKE_MIXED), ==, 0);
	bed_clear(&bed);
}

static void test_manners(void)
{
	for (enum fake_manner manner = FAKE_PLAIN; manner < N_FAKE_MANNERS; manner++)
		check_manner(manner);
}

/* ---- bad answers */

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Length: "
#define NO_ERROR     (-1)

/* What comes instead of an answer to `part`, and what a blocking publish makes of it. */
static const struct {
	const char *name;
	const char *part;
	const char *raw;
	enum ifmap_cardinality cardinality;
	int code;
} bad_answers[] = {
	{ "wrong password", "newSession", HEAD("401 Unauthorized") "0\r\n\r\n", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_UNAUTHORIZED },
	{ "forbidden", "newSession", HEAD("403 Forbidden") "0\r\n\r\n", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_UNAUTHORIZED },
	{ "not HTTP", "newSession", "SSH-2.0-OpenSSH_9.2\r\n", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_PROTOCOL },
	{ "not XML", "publish", HEAD("200 OK") "7\r\n\r\n\x01rubish", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_PROTOCOL },
	{ "empty", "publish", HEAD("200 OK") "0\r\n\r\n", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_PROTOCOL },
	{ "HTML", "publish", HEAD("200 OK") "13\r\n\r\n<html></html>", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_PROTOCOL },
	{ "broken gzip", "publish",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz",
		IFMAP_SINGLE_VALUE, IFMAP_ERROR_PROTOCOL },
	{ "bad request", "publish", HEAD("400 Bad Request") "0\r\n\r\n", IFMAP_SINGLE_VALUE,
		IFMAP_ERROR_PROTOCOL },
	{ "redirect", "publish", "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
		IFMAP_SINGLE_VALUE, IFMAP_ERROR_PROTOCOL },
	{ "server error, once", "publish", HEAD("503 Busy") "0\r\n\r\n", IFMAP_SINGLE_VALUE,
		NO_ERROR },
	{ "closed, once", "publish", "", IFMAP_SINGLE_VALUE, NO_ERROR },
	{ "cut off, once", "publish", "HTTP/1.1 200 OK\r\nX: y\r\n", IFMAP_SINGLE_VALUE, NO_ERROR },
	{ "cut off, not repeatable", "publish", "", IFMAP_MULTI_VALUE, IFMAP_ERROR_UNREACHABLE },
};

static void test_bad_answers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad_answers); i++) {
		g_autoptr(GError) error = NULL;
		gboolean done;
		struct bed bed;

		g_test_message("%s", bad_answers[i].name);
		bed_init(&bed, FAKE_PLAIN);
		fake_map_override(bed.map, bad_answers[i].part, bad_answers[i].raw);
		done = ifmap_client_publish_sync(
			bed.client, one_update(bad_answers[i].cardinality), SYNC_MS, &error);
		g_assert_true(done == (bad_answers[i].code == NO_ERROR));
		if (done)
			g_assert_no_error(error);
		else
			g_assert_error(error, IFMAP_ERROR, bad_answers[i].code);
		/* and life goes on */
		g_clear_error(&error);
		ifmap_client_publish_sync(
			bed.client, one_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
		bed_clear(&bed);
	}
}

/* An errorResult is the server's last word. */
static void test_error_result(void)
{
	static const char content[] =
		"<errorResult errorCode=\"InvalidMetadata\"><errorString>bad</errorString></errorResult>";
	g_autofree char *answer = fake_map_answer(content);
	g_autoptr(GError) error = NULL;
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	fake_map_override(bed.map, "publish", answer);
	g_assert_false(ifmap_client_publish_sync(
		bed.client, one_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA);
	g_assert_nonnull(strstr(error->message, "bad"));
	bed_clear(&bed);
}

/* ---- no server, or the wrong one */

static void test_config(void)
{
	static const struct ifmap_client_config wrong[] = {
		{ .url = NULL, .user = "u", .password = "p" },
		{ .url = "http://localhost/", .user = "u", .password = "p" },
		{ .url = "https://localhost/" },
		{ .url = "https://localhost/", .user = "u" },
		{ .url = "https://localhost/", .cert_file = "/dev/null" },
		{ .url = "https://localhost/",
			.user = "u",
			.password = "p",
			.ca_file = "/nonexistent/ca.pem" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(ifmap_client_new(&wrong[i], &error));
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE);
	}
}

/* An error that waiting might mend comes after min_ms, another (min_ms 0) before patience ends. */
static void check_unreachable(const struct ifmap_client_config *config, int code, unsigned min_ms)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_client) client = ifmap_client_new(config, &error);
	gint64 start_us = g_get_monotonic_time();

	g_assert_no_error(error);
	g_assert_false(ifmap_client_publish_sync(
		client, one_update(IFMAP_SINGLE_VALUE), min_ms ? min_ms : SYNC_MS, &error));
	g_assert_error(error, IFMAP_ERROR, code);
	g_assert_nonnull(strstr(error->message, config->url));
	g_assert_cmpint(g_get_monotonic_time() - start_us, >=, min_ms * G_GINT64_CONSTANT(1000));
	g_assert_cmpint(g_get_monotonic_time() - start_us, <, SYNC_MS * G_GINT64_CONSTANT(1000));
}

/* A port on which something, or nothing, listens; *ret_fd is to be closed. */
static char *silent_url(gboolean is_listening, int *ret_fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
	if (is_listening)
		g_assert_cmpint(listen(fd, 8), ==, 0);
	*ret_fd = fd;
	return g_strdup_printf("https://127.0.0.1:%u/", ntohs(address.sin_port));
}

static void test_unreachable(void)
{
	struct ifmap_client_config config = { .user = "u", .password = "p" };

	for (int is_listening = 0; is_listening < 2; is_listening++) {
		int fd;
		g_autofree char *url = silent_url(is_listening, &fd);

		config.url = url;
		check_unreachable(&config, IFMAP_ERROR_UNREACHABLE, 300);
		close(fd);
	}
}

static void test_wrong_ca(void)
{
	struct fake_map *map = fake_map_new(FAKE_PLAIN);
	struct fake_map *other = fake_map_new(FAKE_PLAIN);
	struct ifmap_client_config config = config_of(map);

	config.ca_file = fake_server_ca_file(fake_map_server(other));
	check_unreachable(&config, IFMAP_ERROR_UNAUTHORIZED, 0);
	config.ca_file = NULL; /* the system's store does not know it either */
	check_unreachable(&config, IFMAP_ERROR_UNAUTHORIZED, 0);
	g_assert_cmpuint(fake_map_count(map, FAKE_SESSIONS), ==, 0);
	fake_map_free(other);
	fake_map_free(map);
}

/* ---- coming back */

enum blow {
	BY_POLL,    /* the poll is answered with this content */
	BY_PUBLISH, /* a publish is */
	BY_CLOSING, /* the poll's connection is closed */
};

static const struct {
	const char *name;
	enum blow blow;
	const char *content;
	unsigned n_sessions; /* after the blow */
	unsigned n_lost;     /* what the caller is told */
} blows[] = {
	{ "endSessionResult", BY_POLL, "<endSessionResult/>", 2, 0 },
	{ "poll InvalidSessionID", BY_POLL,
		"<errorResult errorCode='InvalidSessionID'><errorString/></errorResult>", 2, 0 },
	{ "PollResultsTooBig", BY_POLL, "<errorResult errorCode='PollResultsTooBig'/>", 1, 1 },
	{ "SearchResultsTooBig", BY_POLL,
		"<pollResult><errorResult errorCode='SearchResultsTooBig' name='%s'><errorString>x</errorString></errorResult></pollResult>",
		1, 1 },
	{ "rubbish", BY_POLL, "<toaster/>", 1, 0 },
	{ "empty pollResult", BY_POLL, "<pollResult/>", 1, 0 },
	{ "publish InvalidSessionID", BY_PUBLISH,
		"<errorResult errorCode='InvalidSessionID'><errorString/></errorResult>", 2, 0 },
	{ "poll closed", BY_CLOSING, NULL, 1, 0 },
};

static void strike(struct bed *bed, size_t i)
{
	g_autofree char *answer = blows[i].content ? fake_map_answer(blows[i].content) : NULL;

	if (blows[i].blow == BY_PUBLISH) {
		fake_map_override(bed->map, "<ifmap:publish", answer);
		ifmap_client_publish(bed->client, one_update(IFMAP_MULTI_VALUE), on_done, bed);
		return;
	}
	if (blows[i].blow == BY_CLOSING)
		fake_map_override(bed->map, "<ifmap:poll", "");
	/* a harmless one first where the hanging poll must end before the next can be closed */
	fake_map_push(bed->map, blows[i].content ? blows[i].content : SEARCH_RESULT);
}

static void check_blow(size_t i)
{
	g_autofree char *body = NULL;
	struct bed bed;

	g_test_message("%s", blows[i].name);
	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, on_state, &bed);
	subscribe(&bed);
	keep(&bed, "one", NULL, "1");
	keep(&bed, "many", "a", "2");
	fake_map_push(bed.map, SEARCH_RESULT);
	WAIT_UNTIL(bed.n_results == 1 && fake_map_count(bed.map, FAKE_POLLS) == 2);
	strike(&bed, i);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_SUBSCRIBES) == 2);
	g_string_truncate(bed.log, 0);
	fake_map_push(bed.map, SEARCH_RESULT);
	WAIT_UNTIL(bed.log->len > 0);
	WAIT_UNTIL(bed.n_done == (blows[i].blow == BY_PUBLISH));
	g_assert_cmpuint(bed.n_failed, ==, 0);
	g_assert_cmpuint(bed.n_lost, ==, blows[i].n_lost);
	g_assert_cmpuint(bed.n_up, ==, blows[i].n_sessions);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, blows[i].n_sessions);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_POLLS_AT_ONCE), ==, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_MIXED), ==, 0);
	body = fake_map_last(bed.map, "<t:many");
	g_assert_nonnull(strstr(body, "<t:one"));
	g_assert_true(strstr(body, blows[i].n_sessions == 2 ? "\"s2\"" : "\"s1\"") != NULL);
	bed_clear(&bed);
}

static void test_blows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(blows); i++)
		check_blow(i);
}

static gboolean last_is_of_second_session(struct fake_map *map, const char *part)
{
	g_autofree char *body = fake_map_last(map, part);

	return body && strstr(body, "session-id=\"s2\"");
}

/* InvalidSessionID to whatever the client asks: a new session, and the request is made in it. */
static void check_invalid_session(const char *part)
{
	g_autofree char *answer = fake_map_answer(
		"<errorResult errorCode='InvalidSessionID'><errorString/></errorResult>");
	struct bed bed;

	g_test_message("%s", part);
	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_set_renewal(bed.client, 20 * G_TIME_SPAN_MILLISECOND);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	fake_map_override(bed.map, part, answer);
	keep(&bed, "one", NULL, "1");
	subscribe(&bed);
	fake_map_push(bed.map, SEARCH_RESULT);
	WAIT_UNTIL(bed.n_up == 2 && bed.n_results == 1);
	WAIT_UNTIL(last_is_of_second_session(bed.map, "<t:one"));
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 2);
	g_assert_cmpuint(bed.n_lost, ==, 0);
	g_assert_cmpuint(bed.n_refused, ==, 0);
	bed_clear(&bed);
}

static void test_invalid_session(void)
{
	check_invalid_session("<ifmap:publish");
	check_invalid_session("<ifmap:subscribe");
	check_invalid_session("<ifmap:renewSession");
}

/* A search that meets the end of the session is asked again in the next one. */
static void test_invalid_session_search(void)
{
	g_autofree char *answer = fake_map_answer(
		"<errorResult errorCode='InvalidSessionID'><errorString/></errorResult>");
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id };
	g_autoptr(ifmap_result) result = NULL;
	g_autoptr(GError) error = NULL;
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	fake_map_override(bed.map, "<ifmap:search", answer);
	result = ifmap_client_search_sync(bed.client, &search, SYNC_MS, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(result->items->len, ==, 2);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 2);
	bed_clear(&bed);
}

/* What is left alone is renewed, again and again; the interval is well below the 180 s after which
 * a server may end it. */
static void test_renewal(void)
{
	struct bed bed;

	g_assert_cmpint(IFMAP_RENEW_US, <=, 90 * G_TIME_SPAN_SECOND);
	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_set_renewal(bed.client, 5 * G_TIME_SPAN_MILLISECOND);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_RENEWALS) >= 5);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(bed.n_up, ==, 1);
	bed_clear(&bed);
	bed_init(&bed, FAKE_PLAIN); /* as it is by itself */
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	g_usleep(50000);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_RENEWALS), ==, 0);
	bed_clear(&bed);
}

/* Connections made anew, to a server that gives TLS tickets and one that has forgotten them: the
 * session goes on. Debian 12's libcurl for GnuTLS never uses a ticket; where one does, it shows. */
static void test_tls_tickets(void)
{
	struct fake_server *server;
	struct bed bed;
	unsigned n;

	bed_init(&bed, FAKE_CLOSING);
	server = fake_map_server(bed.map);
	ifmap_client_set_renewal(bed.client, G_TIME_SPAN_MILLISECOND);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_RENEWALS) >= 3);
	g_test_message("%u connections took up a TLS session", fake_server_n_resumed(server));
	fake_server_forget_tickets(server);
	n = fake_map_count(bed.map, FAKE_RENEWALS);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_RENEWALS) >= n + 3);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(bed.n_down, ==, 0);
	bed_clear(&bed);
}

/* The server is away for a while and comes back with the session as it was: renewSession, nothing
 * twice. */
static void test_short_absence(void)
{
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	for (int i = 0; i < 2; i++)
		fake_map_override(bed.map, "<ifmap:publish", "");
	for (int i = 0; i < 4; i++)
		fake_map_override(bed.map, "<ifmap:renewSession", "");
	ifmap_client_publish(bed.client, one_update(IFMAP_SINGLE_VALUE), on_done, &bed);
	WAIT_UNTIL(bed.n_done == 1);
	g_assert_cmpuint(bed.n_failed, ==, 0);
	g_assert_cmpuint(bed.n_up, ==, 2);
	g_assert_cmpuint(bed.n_down, >=, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_RENEWALS), ==, 1);
	bed_clear(&bed);
}

/* ---- kept metadata */

static void test_keep_coalesces(void)
{
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	for (int i = 0; i < 10; i++)
		keep(&bed, "one", NULL, i < 9 ? "old" : "new");
	keep(&bed, "many", "a", "1");
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_PUBLISHES) == 1);
	first = fake_map_last(bed.map, "<ifmap:publish");
	g_assert_null(strstr(first, "old"));
	g_assert_nonnull(strstr(first, "new"));
	g_assert_nonnull(strstr(
		first, "<delete filter=\"k0:many[@ifmap-publisher-id='fake' and @slot='a']\">"));
	keep(&bed, "many", "a", NULL);
	/* what was kept before travels before */
	ifmap_client_publish(bed.client, one_update(IFMAP_MULTI_VALUE), on_done, &bed);
	WAIT_UNTIL(bed.n_done == 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_PUBLISHES), ==, 3);
	second = fake_map_last(bed.map, "@slot='a'");
	g_assert_null(strstr(second, "<update"));
	bed_clear(&bed);
}

/* One bad apple must not keep the others from the map. */
static void test_keep_refused(void)
{
	g_autofree char *refusal = fake_map_answer(
		"<errorResult errorCode='InvalidMetadata'><errorString/></errorResult>");
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_on_refused(bed.client, on_refused, &bed);
	keep(&bed, "good", NULL, "1");
	keep(&bed, "bad", NULL, "1");
	keep(&bed, "ugly", NULL, "1");
	for (int i = 0; i < 2; i++)
		fake_map_override(bed.map, "<t:bad", refusal);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(bed.n_refused == 1 && fake_map_count(bed.map, FAKE_PUBLISHES) == 2);
	g_assert_cmpuint(bed.n_up, ==, 1);
	bed_clear(&bed);
}

/* ---- subscriptions */

/* Results of an incarnation that was replaced are not taken for the new one's. */
static void test_replaced_subscription(void)
{
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, on_state, &bed);
	subscribe(&bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_POLLS) == 1);
	subscribe(&bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_SUBSCRIBES) == 2);
	fake_map_push(bed.map,
		"<pollResult><searchResult name=\"1.watch\"/><updateResult name=\"%s\"/>"
		"<searchResult name=\"2.watch\"/></pollResult>");
	WAIT_UNTIL(bed.n_results == 2);
	g_assert_cmpstr(bed.log->str, ==, "US");
	ifmap_client_unsubscribe(bed.client, "watch");
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_SUBSCRIBES) == 3);
	fake_map_push(bed.map, SEARCH_RESULT);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_POLLS) == 3);
	g_assert_cmpuint(bed.n_results, ==, 2);
	bed_clear(&bed);
}

/* One that the server refuses does not stop the other. */
static void test_refused_subscription(void)
{
	g_autofree char *refusal = fake_map_answer(
		"<errorResult errorCode='Failure'><errorString/></errorResult>");
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id, .result_filter = "bad[" };
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_subscribe(bed.client, "worse", &search, on_result, &bed);
	subscribe(&bed);
	for (int i = 0; i < 2; i++)
		fake_map_override(bed.map, "bad[", refusal);
	fake_map_push(bed.map, "<pollResult><searchResult name=\"%s\"/></pollResult>");
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(bed.n_lost == 1 && bed.n_results == 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	bed_clear(&bed);
}

/* ---- the end */

static void check_free(struct bed *bed)
{
	gint64 start_us = g_get_monotonic_time();

	g_clear_pointer(&bed->client, ifmap_client_free);
	g_assert_cmpint(g_get_monotonic_time() - start_us, <, 3 * G_TIME_SPAN_SECOND);
}

static void test_free_ends_session(void)
{
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, on_state, &bed);
	subscribe(&bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_POLLS) == 1);
	check_free(&bed);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_ENDS), ==, 1);
	bed_clear(&bed);
}

/* The server says half a sentence and no more, at every stage. */
static void test_free_while_stuck(void)
{
	static const char *const stages[] = { "<ifmap:newSession", "<ifmap:publish",
		"<ifmap:subscribe", "<ifmap:poll", "<ifmap:endSession" };

	for (size_t i = 0; i < G_N_ELEMENTS(stages); i++) {
		struct bed bed;
		g_autofree char *body = NULL;

		g_test_message("%s", stages[i]);
		bed_init(&bed, FAKE_PLAIN);
		fake_map_override(
			bed.map, stages[i], "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
		keep(&bed, "one", NULL, "1");
		subscribe(&bed);
		ifmap_client_start(bed.client, on_state, &bed);
		if (i + 1 < G_N_ELEMENTS(stages))
			WAIT_UNTIL((body = fake_map_last(bed.map, stages[i])) != NULL);
		else
			WAIT_UNTIL(fake_map_count(bed.map, FAKE_POLLS) == 1);
		check_free(&bed);
		bed_clear(&bed);
	}
}

static void test_free_unconnected(void)
{
	int fd;
	g_autofree char *url = silent_url(TRUE, &fd);
	struct ifmap_client_config config = { .url = url, .user = "u", .password = "p" };
	struct bed bed = { .client = ifmap_client_new(&config, NULL) };

	ifmap_client_start(bed.client, NULL, NULL);
	g_usleep(50000);
	check_free(&bed);
	close(fd);
}

static void free_client(struct ifmap_client *client G_GNUC_UNUSED,
	enum ifmap_client_state state G_GNUC_UNUSED, const GError *why G_GNUC_UNUSED, gpointer data)
{
	struct bed *bed = data;

	bed->n_up++;
	g_clear_pointer(&bed->client, ifmap_client_free);
}

static void test_free_in_callback(void)
{
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, free_client, &bed);
	WAIT_UNTIL(!bed.client);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpuint(bed.n_up, ==, 1);
	bed_clear(&bed);
}

static void test_two_clients(void)
{
	struct bed beds[2];

	for (int i = 0; i < 2; i++) {
		bed_init(&beds[i], FAKE_PLAIN);
		ifmap_client_start(beds[i].client, on_state, &beds[i]);
		subscribe(&beds[i]);
		fake_map_push(beds[i].map, SEARCH_RESULT);
	}
	WAIT_UNTIL(beds[0].n_results == 1 && beds[1].n_results == 1);
	for (int i = 0; i < 2; i++)
		bed_clear(&beds[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/manners", test_manners);
	g_test_add_func("/ifmap/client/bad-answers", test_bad_answers);
	g_test_add_func("/ifmap/client/error-result", test_error_result);
	g_test_add_func("/ifmap/client/config", test_config);
	g_test_add_func("/ifmap/client/unreachable", test_unreachable);
	g_test_add_func("/ifmap/client/wrong-ca", test_wrong_ca);
	g_test_add_func("/ifmap/client/blows", test_blows);
	g_test_add_func("/ifmap/client/invalid-session", test_invalid_session);
	g_test_add_func("/ifmap/client/invalid-session-search", test_invalid_session_search);
	g_test_add_func("/ifmap/client/renewal", test_renewal);
	g_test_add_func("/ifmap/client/tls-tickets", test_tls_tickets);
	g_test_add_func("/ifmap/client/short-absence", test_short_absence);
	g_test_add_func("/ifmap/client/keep-coalesces", test_keep_coalesces);
	g_test_add_func("/ifmap/client/keep-refused", test_keep_refused);
	g_test_add_func("/ifmap/client/replaced-subscription", test_replaced_subscription);
	g_test_add_func("/ifmap/client/refused-subscription", test_refused_subscription);
	g_test_add_func("/ifmap/client/free-ends-session", test_free_ends_session);
	g_test_add_func("/ifmap/client/free-while-stuck", test_free_while_stuck);
	g_test_add_func("/ifmap/client/free-unconnected", test_free_unconnected);
	g_test_add_func("/ifmap/client/free-in-callback", test_free_in_callback);
	g_test_add_func("/ifmap/client/two-clients", test_two_clients);
	return g_test_run();
}
