/* Fabrics by hand: what is refused, the lab of the demo, a fabric of the size of a hall. */
#include "fabric/paths.h"

#include <string.h>

static gboolean add_edge(struct fabric *fabric, const char *id, const char *a, const char *b,
	const char *risk, GError **error)
{
	char *risks[] = { (char *)risk, NULL };
	struct fabric_edge edge = { id, a, b, TRUE, 10000, 1500, risk ? risks : NULL };

	return fabric_add_edge(fabric, &edge, error);
}

static void join(struct fabric *fabric, const char *a, const char *b, const char *risk)
{
	g_autofree char *id = g_strconcat(a, "-", b, NULL);
	g_autoptr(GError) error = NULL;

	add_edge(fabric, id, a, b, risk, &error);
	g_assert_no_error(error);
}

static void add_nodes(struct fabric *fabric, const char *names, enum fabric_kind kind)
{
	g_auto(GStrv) list = g_strsplit(names, " ", -1);

	for (char **name = list; *name; name++)
		g_assert_true(fabric_add_node(fabric, *name, kind, NULL));
}

/* Three hosts, two switches, one router; C hangs on one switch only. */
static struct fabric *lab_new(void)
{
	struct fabric *fabric = fabric_new();

	add_nodes(fabric, "A B C", FABRIC_HOST);
	add_nodes(fabric, "S1 S2", FABRIC_SWITCH);
	add_nodes(fabric, "blue", FABRIC_SEGMENT);
	join(fabric, "A", "S1", NULL);
	join(fabric, "A", "S2", NULL);
	join(fabric, "B", "S1", "tray");
	join(fabric, "B", "S2", "tray");
	join(fabric, "C", "S1", NULL);
	join(fabric, "A", "blue", NULL);
	join(fabric, "C", "blue", NULL);
	return fabric;
}

struct refusal {
	const char *id, *a, *b, *risk;
	enum fabric_error code;
};

static void test_refused_edges(void)
{
	static const struct refusal refusals[] = {
		{ "A-S1", "A", "S2", NULL, FABRIC_ERROR_EXISTS },
		{ "x", "A", "nowhere", NULL, FABRIC_ERROR_UNKNOWN },
		{ "x", NULL, "A", NULL, FABRIC_ERROR_UNKNOWN },
		{ "x", "A", "A", NULL, FABRIC_ERROR_LOOP },
		{ "", "A", "B", NULL, FABRIC_ERROR_NAME },
		{ NULL, "A", "B", NULL, FABRIC_ERROR_NAME },
		{ "x\xff", "A", "B", NULL, FABRIC_ERROR_NAME },
		{ "x", "A", "B", "", FABRIC_ERROR_NAME },
	};
	g_autoptr(fabric_graph) fabric = lab_new();
	size_t n = fabric_n_edges(fabric);

	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		const struct refusal *r = &refusals[i];
		g_autoptr(GError) error = NULL;

		g_assert_false(add_edge(fabric, r->id, r->a, r->b, r->risk, &error));
		g_assert_error(error, FABRIC_ERROR, (int)r->code);
		g_assert_cmpuint(fabric_n_edges(fabric), ==, n);
	}
}

static void test_refused_nodes(void)
{
	static const char *const names[] = { "", NULL, "\xc3\x28" };
	g_autoptr(fabric_graph) fabric = fabric_new();
	g_autofree char *longest = g_strnfill(FABRIC_MAX_NAME, 'n');
	g_autofree char *longer = g_strconcat(longest, "n", NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		g_assert_false(fabric_add_node(fabric, names[i], FABRIC_HOST, NULL));
	g_assert_false(fabric_add_node(fabric, longer, FABRIC_HOST, NULL));
	g_assert_true(fabric_add_node(fabric, longest, FABRIC_HOST, NULL));
	g_assert_false(fabric_add_node(fabric, longest, FABRIC_HOST, NULL));
	g_assert_cmpuint(fabric_n_nodes(fabric), ==, 1);
}

static void test_bounds(void)
{
	g_autoptr(fabric_graph) fabric = fabric_new();
	g_autoptr(GError) error = NULL;

	for (unsigned i = 0; i < FABRIC_MAX_NODES; i++) {
		char name[16];

		g_snprintf(name, sizeof name, "n%u", i);
		g_assert_true(fabric_add_node(fabric, name, FABRIC_HOST, NULL));
	}
	g_assert_false(fabric_add_node(fabric, "one more", FABRIC_HOST, &error));
	g_assert_error(error, FABRIC_ERROR, FABRIC_ERROR_LIMIT);
	g_clear_error(&error);
	for (unsigned i = 0; i < FABRIC_MAX_RISKS; i++) {
		char id[16], risk[16];

		g_snprintf(id, sizeof id, "e%u", i);
		g_snprintf(risk, sizeof risk, "r%u", i);
		g_assert_true(add_edge(fabric, id, "n0", "n1", risk, NULL));
	}
	g_assert_true(add_edge(fabric, "old risk", "n0", "n1", "r0", NULL));
	g_assert_false(add_edge(fabric, "new risk", "n0", "n1", "one more", &error));
	g_assert_error(error, FABRIC_ERROR, FABRIC_ERROR_LIMIT);
}

static void test_kinds(void)
{
	enum fabric_kind kind = FABRIC_HOST;

	g_assert_true(fabric_kind_from_string("uplink", &kind));
	g_assert_cmpint(kind, ==, FABRIC_UPLINK);
	g_assert_cmpstr(fabric_kind_to_string(FABRIC_SEGMENT), ==, "segment");
	g_assert_false(fabric_kind_from_string("cloud", &kind));
	g_assert_cmpint(kind, ==, FABRIC_UPLINK);
	g_assert_cmpstr(fabric_thing_to_string(FABRIC_THING_RISK), ==, "risk");
}

/* A and C: one path, for C has one uplink; the segment is no way. */
static void test_lab_one_uplink(void)
{
	g_autoptr(fabric_graph) fabric = lab_new();
	g_auto(fabric_paths) paths = { 0 };

	g_assert_true(fabric_disjoint_paths(fabric, "A", "C", 2, &paths, NULL));
	g_assert_cmpuint(paths.n_paths, ==, 1);
	g_assert_true(paths.exact);
	g_assert_cmpstr(paths.paths[0].nodes[1], ==, "S1");
	g_assert_cmpstr(paths.paths[0].edges[0], ==, "A-S1");
	g_assert_cmpuint(paths.n_cut, ==, 1);
	g_assert_cmpint(paths.cut[0].thing, ==, FABRIC_THING_NODE);
	g_assert_cmpstr(paths.cut[0].name, ==, "S1");
}

/* A and B: two switches, but B's cables lie in one tray. */
static void test_lab_one_tray(void)
{
	g_autoptr(fabric_graph) fabric = lab_new();
	g_auto(fabric_paths) paths = { 0 };

	g_assert_true(fabric_disjoint_paths(fabric, "A", "B", 2, &paths, NULL));
	g_assert_cmpuint(paths.n_paths, ==, 1);
	g_assert_true(paths.exact);
	g_assert_cmpuint(paths.n_cut, ==, 1);
	g_assert_cmpint(paths.cut[0].thing, ==, FABRIC_THING_RISK);
	g_assert_cmpstr(paths.cut[0].name, ==, "tray");
}

static void test_lab_mended(void)
{
	g_autoptr(fabric_graph) fabric = lab_new();
	g_auto(fabric_paths) paths = { 0 };
	g_auto(fabric_cuts) cuts = { 0 };

	join(fabric, "C", "S2", NULL);
	join(fabric, "S1", "S2", NULL);
	g_assert_true(fabric_disjoint_paths(fabric, "A", "C", 2, &paths, NULL));
	g_assert_cmpuint(paths.n_paths, ==, 2);
	g_assert_cmpuint(paths.n_cut, ==, 0);
	fabric_cut_points(fabric, &cuts);
	g_assert_cmpuint(g_strv_length(cuts.nodes), ==, 0);
	/* Hosts do not forward: the segment hangs on each of its two, the switches on each other.
	 */
	g_assert_cmpuint(g_strv_length(cuts.edges), ==, 3);
	g_assert_cmpstr(cuts.edges[0], ==, "A-blue");
	g_assert_cmpstr(cuts.edges[1], ==, "C-blue");
	g_assert_cmpstr(cuts.edges[2], ==, "S1-S2");
}

static void test_bad_questions(void)
{
	g_autoptr(fabric_graph) fabric = lab_new();
	struct fabric_paths paths = { .n_paths = 99 };

	g_assert_false(fabric_disjoint_paths(fabric, "A", "Z", 1, &paths, NULL));
	g_assert_false(fabric_disjoint_paths(fabric, NULL, "A", 1, &paths, NULL));
	g_assert_false(fabric_disjoint_paths(fabric, "A", "A", 1, &paths, NULL));
	g_assert_false(fabric_disjoint_paths(fabric, "A", "B", 0, &paths, NULL));
	g_assert_false(fabric_disjoint_paths(fabric, "A", "B", FABRIC_MAX_PATHS + 1, &paths, NULL));
	g_assert_cmpuint(paths.n_paths, ==, 99);
	g_assert_false(fabric_reachable(fabric, "A", "Z"));
}

static void test_dot(void)
{
	g_autoptr(fabric_graph) fabric = fabric_new();
	g_autofree char *dot = NULL;
	char tray[] = "tray";
	char *risks[] = { tray, NULL };
	struct fabric_edge edge = { "up\"link", "A", "S\\1", FALSE, 1000, 9000, risks };

	add_nodes(fabric, "A", FABRIC_HOST);
	add_nodes(fabric, "S\\1", FABRIC_SWITCH);
	g_assert_true(fabric_add_edge(fabric, &edge, NULL));
	dot = fabric_to_dot(fabric);
	g_assert_cmpstr(dot, ==,
		"graph fabric {\n"
		"\t\"A\" [shape=box];\n"
		"\t\"S\\\\1\" [shape=ellipse];\n"
		"\t\"A\" -- \"S\\\\1\" [label=\"up\\\"link 1000 Mb/s mtu 9000 !tray\", "
		"style=dashed];\n"
		"}\n");
}

/* 1,000 hosts with four uplinks each into 100 leaves, 10 spines: 5,000 edges. With risks, every
 * leaf shares a power feed with the leaves of its number modulo 20, and every spine one with its
 * neighbour. */
static struct fabric *hall_new(gboolean risky)
{
	struct fabric *fabric = fabric_new();

	for (unsigned i = 0; i < 1110; i++) {
		char name[16];

		g_snprintf(name, sizeof name, "%c%u", i < 1000 ? 'h' : i < 1100 ? 'l' : 's', i);
		g_assert_true(fabric_add_node(
			fabric, name, i < 1000 ? FABRIC_HOST : FABRIC_SWITCH, NULL));
	}
	for (unsigned i = 0; i < 5000; i++) {
		unsigned leaf = 1000 +
				(i < 4000 ? (i / 4 * 7 + i % 4 * 25) % 100 : (i - 4000) / 10);
		unsigned spine = 1100 + i % 10;
		g_autofree char *a = g_strdup_printf("l%u", leaf);
		g_autofree char *b = i < 4000 ? g_strdup_printf("h%u", i / 4)
					      : g_strdup_printf("s%u", spine);
		g_autofree char *risk = i < 4000 ? g_strdup_printf("feed%u", leaf % 20)
						 : g_strdup_printf("row%u", spine / 2);

		join(fabric, a, b, risky ? risk : NULL);
	}
	return fabric;
}

static void ask_hall(const struct fabric *fabric, const char *what, unsigned wanted)
{
	gint64 start = g_get_monotonic_time();
	unsigned n_inexact = 0, n_enough = 0;
	double each;

	for (unsigned i = 0; i < 200; i++) {
		g_auto(fabric_paths) paths = { 0 };
		g_autofree char *a = g_strdup_printf("h%u", i * 37 % 1000);
		g_autofree char *b = g_strdup_printf("h%u", (i * 91 + 500) % 1000);

		if (strcmp(a, b) == 0)
			continue;
		g_assert_true(fabric_disjoint_paths(fabric, a, b, wanted, &paths, NULL));
		g_assert_cmpuint(paths.n_paths, >=, 1);
		n_enough += paths.n_paths == wanted;
		n_inexact += !paths.exact;
	}
	each = (double)(g_get_monotonic_time() - start) / 200;
	g_test_message("%s, %u disjoint: %.0f us a query, %u of 200 had them, %u not exact", what,
		wanted, each, n_enough, n_inexact);
	g_assert_cmpuint(n_enough, >, 0);
}

static void test_hall(void)
{
	g_autoptr(fabric_graph) plain = hall_new(FALSE);
	g_autoptr(fabric_graph) risky = hall_new(TRUE);
	g_auto(fabric_cuts) cuts = { 0 };
	gint64 start;

	g_assert_cmpuint(fabric_n_edges(plain), ==, 5000);
	ask_hall(plain, "1,000 hosts, 5,000 edges", 1);
	ask_hall(plain, "1,000 hosts, 5,000 edges", 2);
	ask_hall(plain, "1,000 hosts, 5,000 edges", 4);
	ask_hall(risky, "the same with shared risks", 2);
	ask_hall(risky, "the same with shared risks", 4);
	start = g_get_monotonic_time();
	fabric_cut_points(plain, &cuts);
	g_test_message("cut points: %" G_GINT64_FORMAT " us", g_get_monotonic_time() - start);
	g_assert_cmpuint(g_strv_length(cuts.nodes), ==, 0);
	g_assert_cmpuint(g_strv_length(cuts.edges), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fabric/refused-nodes", test_refused_nodes);
	g_test_add_func("/fabric/refused-edges", test_refused_edges);
	g_test_add_func("/fabric/bounds", test_bounds);
	g_test_add_func("/fabric/kinds", test_kinds);
	g_test_add_func("/fabric/lab/one-uplink", test_lab_one_uplink);
	g_test_add_func("/fabric/lab/one-tray", test_lab_one_tray);
	g_test_add_func("/fabric/lab/mended", test_lab_mended);
	g_test_add_func("/fabric/bad-questions", test_bad_questions);
	g_test_add_func("/fabric/dot", test_dot);
	g_test_add_func("/fabric/hall", test_hall);
	return g_test_run();
}
