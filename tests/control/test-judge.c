/* control/judge: a verdict is published when it comes to say something else, and not again. */
#include "control/judge.h"
#include "play.h"
#include "story.h"

#include <string.h>

#define NOW 1000000u

struct court {
	struct world *world;
	struct judge *judge;
	struct world_touched touched;
};

static void court_init(struct court *court)
{
	court->world = story_world();
	court->judge = judge_new();
	world_set_as_of(court->world, NOW);
	judge_set_world(court->judge, court->world);
	world_touched_init(&court->touched);
	court->touched.everything = TRUE;
}

static void court_clear(struct court *court)
{
	judge_free(court->judge);
	world_touched_clear(&court->touched);
	world_free(court->world);
}

/* One run, its result applied to the world as the map would give it back. */
static struct ifmap_publish *sit(struct court *court, unsigned *ret_judged)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	unsigned n = judge_run(court->judge, &court->touched, NOW, publish);

	if (ret_judged)
		*ret_judged = n;
	world_touched_reset(&court->touched);
	play_apply(court->world, publish, &court->touched);
	return publish;
}

static const struct facts_clearance *verdict(
	struct court *court, const char *vapp, const char *host)
{
	g_autofree char *a = g_strconcat("vapp:", vapp, NULL);
	g_autofree char *b = story_host(host);

	return world_get(court->world, FACTS_CLEARANCE, a, b);
}

static gboolean has_code(const struct facts_clearance *clearance, const char *code)
{
	for (unsigned i = 0; clearance->reasons && i < clearance->reasons->len; i++)
		if (strcmp(((struct facts_reason *)clearance->reasons->pdata[i])->code, code) == 0)
			return TRUE;
	return FALSE;
}

static void test_first(void)
{
	struct court court;
	unsigned judged;
	g_autoptr(ifmap_publish) publish = NULL;

	court_init(&court);
	publish = sit(&court, &judged);
	g_assert_cmpuint(judged, ==, 6);
	g_assert_cmpuint(ifmap_publish_n_operations(publish), ==, 6);
	g_assert_cmpuint(play_count(publish, FACTS_CLEARANCE, IFMAP_OPERATION_UPDATE), ==, 6);
	g_assert_true(verdict(&court, "shop", "B")->clear);
	g_assert_false(verdict(&court, "shop", "C")->clear);
	g_assert_true(has_code(verdict(&court, "shop", "C"), "LABEL_CONFLICT"));
	g_assert_true(has_code(verdict(&court, "shop", "C"), "SEGMENT_MISSING"));
	g_assert_cmpuint(verdict(&court, "shop", "C")->since_ms, ==, NOW);
	court_clear(&court);
}

/* Its own verdicts, given back by the map, are no news; nor is judging everything again. */
static void test_once(void)
{
	struct court court;

	court_init(&court);
	ifmap_publish_free(sit(&court, NULL));
	for (unsigned i = 0; i < 3; i++) {
		g_autoptr(ifmap_publish) again = sit(&court, NULL);

		g_assert_cmpuint(ifmap_publish_n_operations(again), ==, 0);
		court.touched.everything = i == 1;
	}
	court_clear(&court);
}

/* Judged again before the first verdict has come back from the map. */
static void test_on_its_way(void)
{
	struct court court;
	g_autoptr(ifmap_publish) first = ifmap_publish_new();
	g_autoptr(ifmap_publish) second = ifmap_publish_new();

	court_init(&court);
	judge_run(court.judge, &court.touched, NOW, first);
	judge_run(court.judge, &court.touched, NOW + 1, second);
	g_assert_cmpuint(ifmap_publish_n_operations(first), ==, 6);
	g_assert_cmpuint(ifmap_publish_n_operations(second), ==, 0);
	court_clear(&court);
}

static void test_change(void)
{
	struct court court;
	g_autoptr(ifmap_publish) publish = NULL;
	g_autofree char *b = story_host("B");
	g_autofree char *name = g_strdup("B");
	struct facts_host host = { .name = name, .enforcing = FALSE };
	unsigned judged;

	court_init(&court);
	ifmap_publish_free(sit(&court, NULL));
	world_touched_reset(&court.touched);
	world_put(court.world, FACTS_HOST, b, NULL, &host, &court.touched);
	publish = sit(&court, &judged);
	g_assert_cmpuint(judged, ==, 2); /* both vApps on this one host */
	g_assert_cmpuint(ifmap_publish_n_operations(publish), ==, 2);
	g_assert_false(verdict(&court, "shop", "B")->clear);
	g_assert_true(has_code(verdict(&court, "shop", "B"), "AGENT_NOT_CONFORMING"));
	g_assert_nonnull(strstr(verdict(&court, "shop", "B")->changed, "AGENT_NOT_CONFORMING"));
	court_clear(&court);
}

/* A verdict stands since the day it was first reached, whoever judges. */
static void test_restart(void)
{
	struct court court;
	g_autoptr(ifmap_publish) again = ifmap_publish_new();

	court_init(&court);
	ifmap_publish_free(sit(&court, NULL));
	judge_free(court.judge);
	court.judge = judge_new();
	judge_set_world(court.judge, court.world);
	court.touched.everything = TRUE;
	world_set_as_of(court.world, NOW + 500);
	judge_run(court.judge, &court.touched, NOW + 500, again);
	g_assert_cmpuint(ifmap_publish_n_operations(again), ==, 0);
	g_assert_cmpuint(verdict(&court, "shop", "B")->since_ms, ==, NOW);
	court_clear(&court);
}

/* What was retracted from the map is said again when the vApp comes back. */
static void test_forgotten(void)
{
	struct court court;
	g_autoptr(vapp_value) shop = story_shop();
	static const char *const hosts[] = { "A", "B", "C" };

	court_init(&court);
	ifmap_publish_free(sit(&court, NULL));
	judge_forget(court.judge, "shop");
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autofree char *place = story_host(hosts[i]);

		world_put(court.world, FACTS_CLEARANCE, "vapp:shop", place, NULL, NULL);
	}
	world_put(court.world, FACTS_PACKAGE, "vapp:shop", NULL, NULL, NULL);
	court.touched.everything = TRUE;
	ifmap_publish_free(sit(&court, NULL));
	story_put_package(court.world, shop);
	court.touched.everything = TRUE;
	ifmap_publish_free(sit(&court, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++)
		g_assert_nonnull(verdict(&court, "shop", hosts[i]));
	court_clear(&court);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/judge/first", test_first);
	g_test_add_func("/judge/once", test_once);
	g_test_add_func("/judge/on-its-way", test_on_its_way);
	g_test_add_func("/judge/change", test_change);
	g_test_add_func("/judge/restart", test_restart);
	g_test_add_func("/judge/forgotten", test_forgotten);
	return g_test_run();
}
