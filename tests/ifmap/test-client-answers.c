/* What the client makes of good and bad answers of a server (bed.h). */
#include "bed.h"
#include "sample.h"
#include "waiting.h"

#include <string.h>

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
		bed.client, bed_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error));
	g_assert_no_error(error);
	result = ifmap_client_search_sync(bed.client, &search, SYNC_MS, &error);
	g_assert_no_error(error);
	ifmap_mirror_apply(mirror, result);
	g_assert_cmpstr(ifmap_meta_text(ifmap_mirror_find(mirror, id, NULL, SAMPLE_NS, "one"), "v"),
		==, "1");
	g_assert_true(ifmap_client_purge_sync(bed.client, NULL, SYNC_MS, &error));
	g_assert_cmpstr(ifmap_client_publisher_id(bed.client), ==, "fake");
	fake_map_push(bed.map, SEARCH_RESULT);
	bed_subscribe(&bed);
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
			bed.client, bed_update(bad_answers[i].cardinality), SYNC_MS, &error);
		g_assert_true(done == (bad_answers[i].code == NO_ERROR));
		if (done)
			g_assert_no_error(error);
		else
			g_assert_error(error, IFMAP_ERROR, bad_answers[i].code);
		/* and life goes on */
		g_clear_error(&error);
		ifmap_client_publish_sync(
			bed.client, bed_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error);
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
		bed.client, bed_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA);
	g_assert_nonnull(strstr(error->message, "bad"));
	bed_clear(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/manners", test_manners);
	g_test_add_func("/ifmap/client/bad-answers", test_bad_answers);
	g_test_add_func("/ifmap/client/error-result", test_error_result);
	return g_test_run();
}
