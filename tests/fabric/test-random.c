/* Random small fabrics: every answer against the naive model. The seed is printed; --seed repeats a
 * run. */
#include "fabric/paths.h"
#include "model.h"

#include <string.h>

#define N_ROUNDS 6000

static unsigned number_of(const char *name)
{
	return (unsigned)g_ascii_strtoull(name + 1, NULL, 10);
}

static void add_loss(struct model_loss *lost, const struct fabric_loss *loss)
{
	unsigned bit = 1u << number_of(loss->name);

	lost->nodes |= loss->thing == FABRIC_THING_NODE ? bit : 0;
	lost->edges |= loss->thing == FABRIC_THING_EDGE ? bit : 0;
	lost->risks |= loss->thing == FABRIC_THING_RISK ? bit : 0;
}

/* Walks a path through the model; returns what it uses, its ends left out. */
static struct model_loss follow(
	const struct model *model, const struct fabric_path *path, unsigned from, unsigned to)
{
	struct model_loss used = { 0, 0, 0 };
	guint n = g_strv_length(path->edges);

	g_assert_cmpuint(g_strv_length(path->nodes), ==, n + 1);
	g_assert_cmpuint(number_of(path->nodes[0]), ==, from);
	g_assert_cmpuint(number_of(path->nodes[n]), ==, to);
	for (guint i = 0; i < n; i++) {
		unsigned edge = number_of(path->edges[i]);
		unsigned ends = 1u << model->a[edge] | 1u << model->b[edge];
		unsigned next = number_of(path->nodes[i + 1]);

		g_assert_true(model->up[edge]);
		g_assert_cmpuint(ends, ==, 1u << number_of(path->nodes[i]) | 1u << next);
		g_assert_false(used.nodes >> next & 1);
		used.edges |= 1u << edge;
		used.risks |= model->risks[edge];
		if (i + 1 < n) {
			g_assert_true(fabric_kind_forwards(model->kinds[next]));
			g_assert_true(next != from && next != to);
			used.nodes |= 1u << next;
		}
	}
	return used;
}

static void check_witness(
	const struct model *model, const struct fabric_paths *paths, unsigned from, unsigned to)
{
	struct model_loss all = { 0, 0, 0 };

	for (size_t i = 0; i < paths->n_paths; i++) {
		struct model_loss used = follow(model, &paths->paths[i], from, to);

		g_assert_false((used.nodes & all.nodes) || (used.edges & all.edges) ||
			       (used.risks & all.risks));
		all.nodes |= used.nodes;
		all.edges |= used.edges;
		all.risks |= used.risks;
		if (i > 0)
			g_assert_cmpuint(g_strv_length(paths->paths[i - 1].edges), <=,
				g_strv_length(paths->paths[i].edges));
	}
}

static void check_cut(
	const struct model *model, const struct fabric_paths *paths, unsigned from, unsigned to)
{
	struct model_loss lost = { 0, 0, 0 };

	g_assert_cmpuint(paths->n_cut, >=, paths->n_paths);
	g_assert_cmpint(paths->n_cut == 0, ==, paths->n_paths == 0);
	for (size_t i = 0; i < paths->n_cut; i++)
		add_loss(&lost, &paths->cut[i]);
	g_assert_cmpint(__builtin_popcount(lost.nodes) + __builtin_popcount(lost.edges) +
				__builtin_popcount(lost.risks),
		==, paths->n_cut);
	g_assert_false(lost.nodes >> from & 1);
	g_assert_false(lost.nodes >> to & 1);
	g_assert_false(model_reaches(model, lost, from, to));
	if (paths->n_cut > 1)
		g_assert_false(model_has_cut(model, from, to, (unsigned)MIN(paths->n_cut - 1, 3)));
}

struct tally {
	unsigned enough, fewer, none, gap, risky;
};

static void count(struct tally *tally, const struct fabric_paths *paths, unsigned wanted)
{
	tally->enough += paths->n_paths == wanted;
	tally->none += paths->n_paths == 0;
	tally->fewer += paths->n_paths && paths->n_paths < wanted;
	tally->gap += paths->n_cut > paths->n_paths;
	for (size_t i = 0; i < paths->n_cut; i++)
		tally->risky += paths->cut[i].thing == FABRIC_THING_RISK;
}

static void check_paths(
	const struct model *model, const struct fabric *fabric, GRand *rand, struct tally *tally)
{
	unsigned from = (unsigned)g_rand_int_range(rand, 0, (gint)model->n_nodes);
	unsigned to = (from + 1 + (unsigned)g_rand_int_range(rand, 0, (gint)model->n_nodes - 1)) %
		      model->n_nodes;
	unsigned wanted = (unsigned)g_rand_int_range(rand, 1, 6);
	g_autofree char *a = g_strdup_printf("n%u", from);
	g_autofree char *b = g_strdup_printf("n%u", to);
	g_auto(fabric_paths) paths = { 0 };

	g_assert_true(fabric_disjoint_paths(fabric, a, b, wanted, &paths, NULL));
	g_assert_cmpuint(paths.n_paths, ==, MIN(wanted, model_disjoint(model, from, to)));
	g_assert_true(paths.exact);
	check_witness(model, &paths, from, to);
	if (paths.n_paths < wanted)
		check_cut(model, &paths, from, to);
	else
		g_assert_cmpuint(paths.n_cut, ==, 0);
	count(tally, &paths, wanted);
}

static void check_reach(
	const struct model *model, const struct fabric *fabric, struct model_loss lost)
{
	for (unsigned i = 0; i < model->n_nodes; i++) {
		g_autofree char *a = g_strdup_printf("n%u", i);
		g_auto(GStrv) reached = fabric_reach(fabric, a);

		for (unsigned k = 0; k < model->n_nodes; k++) {
			g_autofree char *b = g_strdup_printf("n%u", k);
			gboolean naive = model_reaches(model, lost, i, k);

			g_assert_cmpint(fabric_reachable(fabric, a, b), ==, naive);
			g_assert_cmpint(
				g_strv_contains((const char *const *)reached, b), ==, naive);
		}
	}
}

static void check_without(const struct model *model, const struct fabric *fabric, GRand *rand)
{
	static const char *const names[] = { "n0", "n1", "e0", "e1", "r0", "r1", "n99" };
	static const enum fabric_thing things[] = { FABRIC_THING_NODE, FABRIC_THING_NODE,
		FABRIC_THING_EDGE, FABRIC_THING_EDGE, FABRIC_THING_RISK, FABRIC_THING_RISK,
		FABRIC_THING_NODE };
	struct fabric_loss losses[3];
	struct model_loss lost = { 0, 0, 0 };
	g_autoptr(fabric_graph) rest = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(losses); i++) {
		gint which = g_rand_int_range(rand, 0, G_N_ELEMENTS(names));

		losses[i] = (struct fabric_loss){ things[which], (char *)names[which] };
		if (which < 6)
			add_loss(&lost, &losses[i]);
	}
	rest = fabric_without(fabric, losses, G_N_ELEMENTS(losses));
	check_reach(model, rest, lost);
}

static void check_cut_points(const struct model *model, const struct fabric *fabric)
{
	g_auto(fabric_cuts) cuts = { 0 };

	fabric_cut_points(fabric, &cuts);
	for (unsigned i = 0; i < model->n_nodes; i++) {
		g_autofree char *name = g_strdup_printf("n%u", i);
		struct model_loss lost = { 1u << i, 0, 0 };

		g_assert_cmpint(g_strv_contains((const char *const *)cuts.nodes, name), ==,
			model_is_cut(model, lost));
	}
	for (unsigned i = 0; i < model->n_edges; i++) {
		g_autofree char *name = g_strdup_printf("e%u", i);
		struct model_loss lost = { 0, 1u << i, 0 };

		g_assert_cmpint(g_strv_contains((const char *const *)cuts.edges, name), ==,
			model_is_cut(model, lost));
	}
}

static void tell(const struct model *model)
{
	g_autofree char *text = model_to_string(model);

	g_test_message("%s", text);
}

static void test_random(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	struct tally tally = { 0 };

	g_test_message("seed %u", seed);
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		struct model model = model_random(rand);
		g_autoptr(fabric_graph) fabric = model_build(&model);
		const struct model_loss none = { 0, 0, 0 };

		if (g_test_verbose()) /* so that the last one told is the one that failed */
			tell(&model);
		for (unsigned i = 0; i < 3; i++)
			check_paths(&model, fabric, rand, &tally);
		check_reach(&model, fabric, none);
		check_without(&model, fabric, rand);
		check_cut_points(&model, fabric);
	}
	g_test_message(
		"of %u questions: enough %u, fewer %u, none %u; risks in cuts %u, cuts larger "
		"than the paths are many %u",
		3u * N_ROUNDS, tally.enough, tally.fewer, tally.none, tally.risky, tally.gap);
	g_assert_cmpuint(tally.enough, >, N_ROUNDS / 10);
	g_assert_cmpuint(tally.fewer, >, N_ROUNDS / 10);
	g_assert_cmpuint(tally.risky, >, 100);
	g_assert_cmpuint(tally.gap, >, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fabric/random", test_random);
	return g_test_run();
}
