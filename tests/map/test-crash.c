/* Durability (C36): clients publish and delete forever metadata as fast as they can, the server is
 * killed with SIGKILL in the middle, started again, and asked: everything acknowledged must be
 * there, and every publish must be there whole or not at all. MAP_KILLS sets how often (12). */
#include <stdlib.h>
#include <string.h>

#include "ifmap/answer.h"
#include "server.h"

#define KILLS            12
#define CLIENTS          3
#define MOVER            2    /* takes away what it published before, in the same request */
#define PURGED           1200 /* metadata: more than goes as one change (withdraw.h) */
/* Rounds on one store, so that a thousand of them do not become a test of large stores. */
#define ROUNDS_PER_STORE 40

struct publisher {
	struct server *server;
	char name[2];
	gboolean moves;
	int round;
	unsigned n_sent;         /* the last one sent */
	unsigned n_acknowledged; /* the last one answered publishReceived */
};

/* One publish: two facts on an identifier of their own, and one on a link, which belong together.
 */
static char *publish_body(const struct publisher *publisher, const char *session_id, unsigned n)
{
	static const char META[] = "<metadata><x:d ifmap-cardinality=\"multiValue\"/></metadata>";
	g_autofree char *id = g_strdup_printf(
		"<access-request name=\"%s-%d-%u\"/>", publisher->name, publisher->round, n);
	g_autofree char *before = g_strdup_printf(
		"<delete><access-request name=\"%s-%d-%u\"/></delete>"
		"<delete><access-request name=\"%s-%d-%u\"/><device><name>hub</name></device></delete>",
		publisher->name, publisher->round, n - 1, publisher->name, publisher->round, n - 1);
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:publish session-id=\"%s\">%s"
		"<update lifetime=\"forever\">%s%s</update>"
		"<update lifetime=\"forever\">%s%s</update>"
		"<update lifetime=\"forever\">%s<device><name>hub</name></device>%s</update>"
		"</ifmap:publish>",
		session_id, publisher->moves ? before : "", id, META, id, META, id, META);
	return server_envelope(operation);
}

static gpointer publish_until_death(gpointer data)
{
	struct publisher *publisher = data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(publisher->server, publisher->name, answer);
	g_autofree char *session_id = server_begin(curl, answer);

	while (session_id) {
		g_autofree char *body = publish_body(publisher, session_id, publisher->n_sent + 1);
		publisher->n_sent++;
		if (server_post(curl, body, -1, answer) != 200)
			break;
		g_assert_nonnull(strstr(answer->str, "<publishReceived/>"));
		publisher->n_acknowledged = publisher->n_sent;
	}
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
	return NULL;
}

static unsigned count_at(CURL *curl, const char *session_id, const char *name, GString *answer)
{
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:search session-id=\"%s\" max-depth=\"1\" max-size=\"10000000\""
		" terminal-identifier-type=\"device\"><access-request name=\"%s\"/>"
		"</ifmap:search>",
		session_id, name);
	g_autofree char *body = server_envelope(operation);
	unsigned seen = 0;

	g_assert_cmpint(server_post(curl, body, -1, answer), ==, 200);
	for (const char *at = answer->str; (at = strstr(at, "<x:d ")); at++)
		seen++;
	return seen;
}

static unsigned count_facts(CURL *curl, const char *session_id, const struct publisher *publisher,
	unsigned n, GString *answer)
{
	g_autofree char *name = g_strdup_printf("%s-%d-%u", publisher->name, publisher->round, n);
	return count_at(curl, session_id, name, answer);
}

/* ---- a client that publishes much in one request, purges itself, and so on */

struct purger {
	struct server *server;
	int round;
	/* The number of metadata that may be found. */
	unsigned acknowledged;
	unsigned sent; /* the same unless the last request was not answered */
};

/* Metadata on one identifier, in one request. */
static char *much_body(const struct purger *purger, const char *session_id)
{
	g_autoptr(GString) operation = g_string_new(NULL);
	g_string_append_printf(operation,
		"<ifmap:publish session-id=\"%s\"><update lifetime=\"forever\">"
		"<access-request name=\"much-%d\"/><metadata>",
		session_id, purger->round);
	for (int i = 0; i < PURGED; i++)
		g_string_append_printf(
			operation, "<x:d ifmap-cardinality=\"multiValue\">%d</x:d>", i);
	g_string_append(operation, "</metadata></update></ifmap:publish>");
	return server_envelope(operation->str);
}

static char *purge_body(const char *session_id, const char *publisher_id)
{
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:purgePublisher session-id=\"%s\" ifmap-publisher-id=\"%s\"/>", session_id,
		publisher_id);
	return server_envelope(operation);
}

static gpointer purge_until_death(gpointer data)
{
	struct purger *purger = data;
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(purger->server, "M", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	g_autoptr(ifmap_answer) begun = ifmap_answer_parse(answer->str, answer->len, NULL);

	while (session_id && begun) {
		g_autofree char *body = purger->sent ? purge_body(session_id, begun->publisher_id)
						     : much_body(purger, session_id);
		purger->sent = purger->sent ? 0 : PURGED;
		if (server_post(curl, body, -1, answer) != 200)
			break;
		g_assert_nonnull(strstr(answer->str, "Received/>"));
		purger->acknowledged = purger->sent;
	}
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
	return NULL;
}

/* All of it or nothing. */
static void check_purger(
	CURL *curl, const char *session_id, const struct purger *purger, GString *answer)
{
	g_autofree char *name = g_strdup_printf("much-%d", purger->round);
	unsigned seen = count_at(curl, session_id, name, answer);

	if (seen == purger->acknowledged || seen == purger->sent)
		return;
	g_test_message("round %d: %u of %d are there; acknowledged %u, sent %u", purger->round,
		seen, PURGED, purger->acknowledged, purger->sent);
	g_test_fail();
}

/* ---- rounds */

/* Exactly one of what was acknowledged last and what was sent last stands, whole. */
static void check_mover(
	CURL *curl, const char *session_id, const struct publisher *publisher, GString *answer)
{
	unsigned first = publisher->n_acknowledged > 3 ? publisher->n_acknowledged - 3 : 1;
	unsigned whole = 0;
	for (unsigned n = first; n <= publisher->n_sent + 1; n++) {
		unsigned seen = count_facts(curl, session_id, publisher, n, answer);
		gboolean may = n > 0 && (n == publisher->n_acknowledged || n == publisher->n_sent);
		g_assert_true(seen == 0 || (seen == 3 && may));
		whole += seen == 3;
	}
	g_assert_cmpuint(whole, <=, 1);
	if (publisher->n_acknowledged > 0)
		g_assert_cmpuint(whole, ==, 1);
}

static void check_publisher(
	CURL *curl, const char *session_id, const struct publisher *publisher, GString *answer)
{
	for (unsigned n = 1; n <= publisher->n_sent + 1; n++) {
		unsigned seen = count_facts(curl, session_id, publisher, n, answer);
		gboolean right = n <= publisher->n_acknowledged ? seen == 3
				 : n <= publisher->n_sent       ? seen == 3 || seen == 0
								: seen == 0;
		if (right)
			continue;
		g_test_message(
			"%s-%d-%u: %u of 3 facts are there; acknowledged up to %u, sent up to %u",
			publisher->name, publisher->round, n, seen, publisher->n_acknowledged,
			publisher->n_sent);
		g_test_fail();
	}
}

static void run_round(struct server *server, int round, unsigned *total)
{
	struct publisher publishers[CLIENTS];
	struct purger purger = { .server = server, .round = round };
	GThread *threads[CLIENTS];
	GThread *purging = g_thread_new("purger", purge_until_death, &purger);

	for (int i = 0; i < CLIENTS; i++) {
		publishers[i] = (struct publisher){
			.server = server,
			.name = { (char)('A' + i), 0 },
			.moves = i == MOVER,
			.round = round,
		};
		threads[i] = g_thread_new("publisher", publish_until_death, &publishers[i]);
	}
	g_usleep(20000 + (gulong)g_test_rand_int_range(0, 300000));
	server_kill(server);
	for (int i = 0; i < CLIENTS; i++)
		g_thread_join(threads[i]);
	g_thread_join(purging);
	server_start(server);
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "Z", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	g_assert_nonnull(session_id);
	for (int i = 0; i < CLIENTS; i++) {
		if (publishers[i].moves)
			check_mover(curl, session_id, &publishers[i], answer);
		else
			check_publisher(curl, session_id, &publishers[i], answer);
		*total += publishers[i].n_acknowledged;
	}
	check_purger(curl, session_id, &purger, answer);
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
}

static void test_kill(void)
{
	const char *text = g_getenv("MAP_KILLS");
	int kills = text ? (int)g_ascii_strtoull(text, NULL, 10) : KILLS;
	struct server *server = server_new(NULL);
	unsigned total = 0;
	for (int round = 0; round < kills && !g_test_failed(); round++) {
		if (round % ROUNDS_PER_STORE == ROUNDS_PER_STORE - 1) {
			server_free(server);
			server = server_new(NULL);
		}
		run_round(server, round, &total);
	}
	g_test_message("%u acknowledged publishes survived %d kills", total, kills);
	g_assert_cmpuint(total, >, 0);
	server_free(server);
}

static char *publisher_id_of(struct server *server, const char *client)
{
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, client, answer);
	g_autofree char *session_id = server_begin(curl, answer);
	g_assert_nonnull(session_id);
	g_autoptr(ifmap_answer) parsed = ifmap_answer_parse(answer->str, answer->len, NULL);
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
	return g_steal_pointer(&parsed->publisher_id);
}

/* Publishes one x:c26 of this cardinality; whether it was taken. */
static gboolean publish_type(struct server *server, const char *cardinality)
{
	GString *answer = g_string_new(NULL);
	CURL *curl = server_curl(server, "A", answer);
	g_autofree char *session_id = server_begin(curl, answer);
	g_autofree char *operation = g_strdup_printf(
		"<ifmap:publish session-id=\"%s\"><update><access-request name=\"c26\"/>"
		"<metadata><x:c26 ifmap-cardinality=\"%s\"/></metadata></update></ifmap:publish>",
		session_id, cardinality);
	g_autofree char *body = server_envelope(operation);
	g_assert_cmpint(server_post(curl, body, -1, answer), ==, 200);
	gboolean taken = strstr(answer->str, "publishReceived") != NULL;
	curl_easy_cleanup(curl);
	g_string_free(answer, TRUE);
	return taken;
}

static void test_identity(void)
{
	struct server *server = server_new(NULL);
	g_autofree char *before = publisher_id_of(server, "A");
	g_assert_true(publish_type(server, "multiValue"));
	server_kill(server);
	server_start(server);
	g_autofree char *after = publisher_id_of(server, "A");
	g_assert_cmpstr(after, ==, before);
	g_assert_false(publish_type(server, "singleValue"));
	g_assert_true(publish_type(server, "multiValue"));
	server_free(server);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	g_test_add_func("/map/crash/C36 what is acknowledged survives kill -9, whole", test_kill);
	g_test_add_func(
		"/map/crash/C26 C124 publisher-ids and cardinalities survive", test_identity);
	int status = g_test_run();
	curl_global_cleanup();
	return status;
}
