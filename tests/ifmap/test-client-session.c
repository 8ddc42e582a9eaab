/* How the client comes back after all that may happen to a session (bed.h). */
#include "bed.h"
#include "sample.h"
#include "waiting.h"

#include <string.h>

#include "ifmap/engine.h"

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
		ifmap_client_publish(bed->client, bed_update(IFMAP_MULTI_VALUE), bed_on_done, bed);
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
	ifmap_client_start(bed.client, bed_on_state, &bed);
	bed_subscribe(&bed);
	bed_keep(&bed, "one", NULL, "1");
	bed_keep(&bed, "many", "a", "2");
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
	ifmap_client_start(bed.client, bed_on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	fake_map_override(bed.map, part, answer);
	bed_keep(&bed, "one", NULL, "1");
	bed_subscribe(&bed);
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
	ifmap_client_start(bed.client, bed_on_state, &bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_RENEWALS) >= 5);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(bed.n_up, ==, 1);
	bed_clear(&bed);
	bed_init(&bed, FAKE_PLAIN); /* as it is by itself */
	ifmap_client_start(bed.client, bed_on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	g_usleep(50000);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_RENEWALS), ==, 0);
	bed_clear(&bed);
}

/* Connections made anew, to a server that gives TLS tickets and one that has forgotten them: the
 * session goes on. None is taken up: decisions.md, "Connections are kept". */
static void test_tls_tickets(void)
{
	struct fake_server *server;
	struct bed bed;
	unsigned n;

	bed_init(&bed, FAKE_CLOSING);
	server = fake_map_server(bed.map);
	ifmap_client_set_renewal(bed.client, G_TIME_SPAN_MILLISECOND);
	ifmap_client_start(bed.client, bed_on_state, &bed);
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
	ifmap_client_start(bed.client, bed_on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	for (int i = 0; i < 2; i++)
		fake_map_override(bed.map, "<ifmap:publish", "");
	for (int i = 0; i < 4; i++)
		fake_map_override(bed.map, "<ifmap:renewSession", "");
	ifmap_client_publish(bed.client, bed_update(IFMAP_SINGLE_VALUE), bed_on_done, &bed);
	WAIT_UNTIL(bed.n_done == 1);
	g_assert_cmpuint(bed.n_failed, ==, 0);
	g_assert_cmpuint(bed.n_up, ==, 2);
	g_assert_cmpuint(bed.n_down, >=, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_RENEWALS), ==, 1);
	bed_clear(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/blows", test_blows);
	g_test_add_func("/ifmap/client/invalid-session", test_invalid_session);
	g_test_add_func("/ifmap/client/invalid-session-search", test_invalid_session_search);
	g_test_add_func("/ifmap/client/renewal", test_renewal);
	g_test_add_func("/ifmap/client/tls-tickets", test_tls_tickets);
	g_test_add_func("/ifmap/client/short-absence", test_short_absence);
	return g_test_run();
}
