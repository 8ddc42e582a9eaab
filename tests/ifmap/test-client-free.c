/* The end of a client, whenever it comes (bed.h). */
#include "bed.h"
#include "sample.h"
#include "waiting.h"

#include <unistd.h>

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
	ifmap_client_start(bed.client, bed_on_state, &bed);
	bed_subscribe(&bed);
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
		bed_keep(&bed, "one", NULL, "1");
		bed_subscribe(&bed);
		ifmap_client_start(bed.client, bed_on_state, &bed);
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
	g_autofree char *url = bed_silent_url(TRUE, &fd);
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
		ifmap_client_start(beds[i].client, bed_on_state, &beds[i]);
		bed_subscribe(&beds[i]);
		fake_map_push(beds[i].map, SEARCH_RESULT);
	}
	WAIT_UNTIL(beds[0].n_results == 1 && beds[1].n_results == 1);
	for (int i = 0; i < 2; i++)
		bed_clear(&beds[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/free-ends-session", test_free_ends_session);
	g_test_add_func("/ifmap/client/free-while-stuck", test_free_while_stuck);
	g_test_add_func("/ifmap/client/free-unconnected", test_free_unconnected);
	g_test_add_func("/ifmap/client/free-in-callback", test_free_in_callback);
	g_test_add_func("/ifmap/client/two-clients", test_two_clients);
	return g_test_run();
}
