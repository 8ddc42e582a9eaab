/* Placements: what the search returns is clear, and where it says that there is none, trying every
 * placement finds none; as few hosts as possible. Random worlds, small enough to try all. */
#include "plan/place.h"
#include "story.h"

#include <string.h>

#define N_HOSTS    3
#define N_MACHINES 4 /* of shop */

static const char *const names[N_HOSTS] = { "A", "B", "C" };

/* ---- the naive way: every placement ---- */

static unsigned n_used(const struct plan_placement *placement)
{
	unsigned used = 0;

	for (size_t i = 0; i < placement->n_hosts; i++) {
		size_t k = 0;

		while (strcmp(placement->hosts[k], placement->hosts[i]) != 0)
			k++;
		used += k == i ? 1 : 0;
	}
	return used;
}

static gboolean keeps(const struct plan_placement *placement, const struct plan_placement *pinned)
{
	for (size_t i = 0; i < placement->n_hosts; i++)
		if (pinned->hosts[i] && strcmp(pinned->hosts[i], placement->hosts[i]) != 0)
			return FALSE;
	return TRUE;
}

/* The fewest hosts of a clear placement; 0: there is none. */
static unsigned try_all(struct plan_judge *judge, const struct plan_question *question,
	struct plan_placement *placement, const struct world *world)
{
	unsigned best = 0;

	for (unsigned code = 0; code < 81; code++) { /* 3 to the power of 4 */
		unsigned rest = code;

		for (unsigned m = 0; m < N_MACHINES; m++, rest /= N_HOSTS)
			plan_placement_set(
				placement, m, world_find_host(world, names[rest % N_HOSTS])->uuid);
		if (keeps(placement, question->pinned) && plan_clear(judge, question, NULL) &&
			(!best || n_used(placement) < best))
			best = n_used(placement);
	}
	return best;
}

/* ---- random worlds ---- */

static void random_host(struct world *world, const char *name, GRand *rand)
{
	g_autofree char *place = story_host(name);
	g_autofree char *back = g_strdup("segment:back");
	struct facts_capacity capacity = { .cpus = (guint64)g_rand_int_range(rand, 1, 7),
		.memory_mib = (guint64)g_rand_int_range(rand, 100, 700) };
	struct facts_segment_present present = { .up = g_rand_int_range(rand, 0, 4) > 0 };

	world_put(world, FACTS_CAPACITY, place, NULL, &capacity, NULL);
	world_put(world, FACTS_SEGMENT_PRESENT, place, back, &present, NULL);
	story_cable(world, name, "s1", g_rand_int_range(rand, 0, 4) > 0);
	story_cable(world, name, "s2", g_rand_int_range(rand, 0, 4) > 0);
}

static void random_rule(struct vapp *vapp, GRand *rand)
{
	static const char *const tiers[] = { "web", "app", "db" };
	enum vapp_placement_kind kind = g_rand_boolean(rand) ? VAPP_PLACEMENT_APART
							     : VAPP_PLACEMENT_TOGETHER;
	struct vapp_placement *rule = vapp_placement_new(kind);
	unsigned skip = (unsigned)g_rand_int_range(rand, 0, 3);

	for (unsigned i = 0; i < G_N_ELEMENTS(tiers); i++)
		if (i != skip)
			g_ptr_array_add(rule->subjects, g_strdup(tiers[i]));
	g_ptr_array_add(vapp->placements, rule);
}

/* The package is not put into the world: a question brings its own. */
static struct vapp *random_shop(GRand *rand)
{
	struct vapp *shop = story_shop();

	for (unsigned m = 0; m < N_MACHINES; m++)
		((struct vapp_machine *)shop->machines->pdata[m])->memory_mib = (unsigned)
			g_rand_int_range(rand, 50, 250);
	if (g_rand_boolean(rand))
		random_rule(shop, rand);
	if (g_rand_boolean(rand))
		((struct vapp_flow *)shop->flows->pdata[0])->n_paths = 1;
	return shop;
}

static struct world *random_world(GRand *rand)
{
	struct world *world = story_world();
	g_autoptr(vapp_value) bank = story_bank();

	for (unsigned h = 0; h < N_HOSTS; h++)
		random_host(world, names[h], rand);
	for (unsigned h = 0; h < N_HOSTS; h++) { /* shop runs nowhere */
		g_autoptr(vapp_value) shop = story_shop();
		g_autofree char *host = story_host(names[h]);

		for (unsigned m = 0; m < N_MACHINES; m++) {
			struct vapp_machine *machine = shop->machines->pdata[m];
			g_autofree char *vm = story_machine("shop", machine->name);

			world_put(world, FACTS_RUNS_ON, vm, host, NULL, NULL);
		}
	}
	return world;
}

/* Half of the time a machine or two run already, and stay. */
static void random_pins(struct plan_placement *pinned, const struct world *world, GRand *rand)
{
	for (gint32 n = g_rand_int_range(rand, -2, 3); n > 0; n--) {
		const char *host = names[g_rand_int_range(rand, 0, N_HOSTS)];

		plan_placement_set(pinned, (size_t)g_rand_int_range(rand, 0, N_MACHINES),
			world_find_host(world, host)->uuid);
	}
}

static unsigned check_one(GRand *rand)
{
	g_autoptr(world_value) world = random_world(rand);
	g_autoptr(vapp_value) shop = random_shop(rand);
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_auto(plan_placement) placement = { 0 };
	g_auto(plan_placement) pinned = { 0 };
	g_auto(plan_place) place = { 0 };
	struct plan_question question = {
		.vapp = shop, .placement = &placement, .pinned = &pinned
	};
	unsigned fewest;

	plan_placement_init(&placement, shop);
	plan_placement_init(&pinned, shop);
	random_pins(&pinned, world, rand);
	fewest = try_all(judge, &question, &placement, world);
	plan_find_place(judge, &question, NULL, &place);
	g_assert_true(place.exact);
	g_assert_true(place.found == (fewest > 0));
	if (place.found) {
		question.placement = &place.placement;
		g_assert_true(plan_clear(judge, &question, NULL));
		g_assert_true(keeps(&place.placement, &pinned));
		g_assert_cmpuint(n_used(&place.placement), ==, fewest);
		return fewest;
	}
	g_assert_cmpuint(place.candidates->len, ==, N_HOSTS);
	for (unsigned i = 0; i < N_HOSTS; i++) {
		const struct plan_candidate *candidate = place.candidates->pdata[i];

		g_assert_cmpuint(candidate->reasons->len, >, 0);
		g_assert_true(
			i == 0 ||
			((struct plan_candidate *)place.candidates->pdata[i - 1])->reasons->len <=
				candidate->reasons->len);
	}
	return 0;
}

static void test_random(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	unsigned n[N_HOSTS + 1] = { 0 };

	g_test_message("seed %u, one more for each run", seed);
	for (unsigned i = 0; i < 300; i++) {
		g_autoptr(GRand) rand = g_rand_new_with_seed(seed + i);

		n[check_one(rand)]++;
	}
	g_test_message(
		"%u nowhere, %u on one host, %u on two, %u on three", n[0], n[1], n[2], n[3]);
	for (unsigned i = 0; i < N_HOSTS; i++)
		g_assert_cmpuint(n[i], >, 0); /* else this proves little */
}

/* ---- the story ---- */

static void test_story(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	struct plan_question question = { .vapp = world_find_vapp(world, "shop")->vapp };
	const char *only_c[] = { world_find_host(world, "C")->uuid, NULL };
	const char *b_first[] = { world_find_host(world, "B")->uuid,
		world_find_host(world, "A")->uuid, NULL };
	g_auto(plan_place) any = { 0 };
	g_auto(plan_place) c = { 0 };

	plan_find_place(judge, &question, b_first, &any);
	g_assert_true(any.found);
	for (unsigned m = 0; m < N_MACHINES; m++)
		g_assert_cmpstr(any.placement.hosts[m], ==, b_first[0]);
	plan_find_place(judge, &question, only_c, &c);
	g_assert_false(c.found);
	g_assert_true(c.exact);
	g_assert_cmpuint(((struct plan_candidate *)c.candidates->pdata[0])->reasons->len, ==, 4);
}

/* Beyond the exact bounds: greedy, bounded, and still only clear placements. */
static void test_many_hosts(void)
{
	g_autoptr(world_value) world = story_world();
	struct plan_question question = { .vapp = world_find_vapp(world, "shop")->vapp };
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_auto(plan_place) place = { 0 };
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) hosts = NULL;

	for (unsigned i = 0; i < PLAN_EXACT_HOSTS; i++) {
		g_autofree char *name = g_strdup_printf("H%u", i);
		g_autofree char *device = g_strconcat("device:", name, NULL);
		struct facts_capacity capacity = { .cpus = 1 };

		world_put(world, FACTS_CAPACITY, device, NULL, &capacity, NULL);
		g_strv_builder_add(builder, name);
	}
	g_strv_builder_add(builder, world_find_host(world, "B")->uuid);
	hosts = g_strv_builder_end(builder);
	plan_find_place(judge, &question, (const char *const *)hosts, &place);
	g_assert_true(place.found);
	g_assert_false(place.exact);
	question.placement = &place.placement;
	g_assert_true(plan_clear(judge, &question, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/place/story", test_story);
	g_test_add_func("/plan/place/many-hosts", test_many_hosts);
	g_test_add_func("/plan/place/random", test_random);
	return g_test_run();
}
