/* Kept metadata and subscriptions of the client, seen from the server (bed.h). */
#include "bed.h"
#include "sample.h"
#include "waiting.h"

#include <string.h>

/* ---- kept metadata */

static void test_keep_coalesces(void)
{
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_start(bed.client, bed_on_state, &bed);
	WAIT_UNTIL(bed.n_up == 1);
	for (int i = 0; i < 10; i++)
		bed_keep(&bed, "one", NULL, i < 9 ? "old" : "new");
	bed_keep(&bed, "many", "a", "1");
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_PUBLISHES) == 1);
	first = fake_map_last(bed.map, "<ifmap:publish");
	g_assert_null(strstr(first, "old"));
	g_assert_nonnull(strstr(first, "new"));
	g_assert_nonnull(strstr(
		first, "<delete filter=\"k0:many[@ifmap-publisher-id='fake' and @slot='a']\">"));
	bed_keep(&bed, "many", "a", NULL);
	/* what was kept before travels before */
	ifmap_client_publish(bed.client, bed_update(IFMAP_MULTI_VALUE), bed_on_done, &bed);
	WAIT_UNTIL(bed.n_done == 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_PUBLISHES), ==, 3);
	second = fake_map_last(bed.map, "@slot='a'");
	g_assert_null(strstr(second, "<update"));
	bed_clear(&bed);
}

static void on_refused(struct ifmap_client *client G_GNUC_UNUSED,
	const struct ifmap_id *a G_GNUC_UNUSED, const struct ifmap_id *b G_GNUC_UNUSED,
	const struct ifmap_meta *meta G_GNUC_UNUSED, const GError *error, gpointer data)
{
	struct bed *bed = data;

	g_assert_true(g_error_matches(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA));
	bed->n_refused++;
}

/* One bad apple must not keep the others from the map. */
static void test_keep_refused(void)
{
	g_autofree char *refusal = fake_map_answer(
		"<errorResult errorCode='InvalidMetadata'><errorString/></errorResult>");
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	ifmap_client_on_refused(bed.client, on_refused, &bed);
	bed_keep(&bed, "good", NULL, "1");
	bed_keep(&bed, "bad", NULL, "1");
	bed_keep(&bed, "ugly", NULL, "1");
	for (int i = 0; i < 2; i++)
		fake_map_override(bed.map, "<t:bad", refusal);
	ifmap_client_start(bed.client, bed_on_state, &bed);
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
	ifmap_client_start(bed.client, bed_on_state, &bed);
	bed_subscribe(&bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_POLLS) == 1);
	bed_subscribe(&bed);
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
	ifmap_client_subscribe(bed.client, "worse", &search, bed_on_result, &bed);
	bed_subscribe(&bed);
	for (int i = 0; i < 2; i++)
		fake_map_override(bed.map, "bad[", refusal);
	fake_map_push(bed.map, "<pollResult><searchResult name=\"%s\"/></pollResult>");
	ifmap_client_start(bed.client, bed_on_state, &bed);
	WAIT_UNTIL(bed.n_lost == 1 && bed.n_results == 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	bed_clear(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/keep-coalesces", test_keep_coalesces);
	g_test_add_func("/ifmap/client/keep-refused", test_keep_refused);
	g_test_add_func("/ifmap/client/replaced-subscription", test_replaced_subscription);
	g_test_add_func("/ifmap/client/refused-subscription", test_refused_subscription);
	return g_test_run();
}
