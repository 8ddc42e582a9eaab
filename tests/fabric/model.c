#include "model.h"

static const enum fabric_kind kinds[] = { FABRIC_SWITCH, FABRIC_SWITCH, FABRIC_SWITCH,
	FABRIC_ROUTER, FABRIC_UPLINK, FABRIC_HOST, FABRIC_HOST, FABRIC_SEGMENT };

static unsigned random_below(GRand *rand, unsigned n)
{
	return (unsigned)g_rand_int_range(rand, 0, (gint)n);
}

struct model model_random(GRand *rand)
{
	struct model model = { 0 };
	unsigned n_kinds = g_rand_boolean(rand) ? G_N_ELEMENTS(kinds) : 4; /* 4: all forward */

	model.n_nodes = 2 + random_below(rand, MODEL_NODES - 1);
	model.n_edges = random_below(rand, MODEL_EDGES + 1);
	model.n_risks = random_below(rand, MODEL_RISKS + 1);
	for (unsigned i = 0; i < model.n_nodes; i++)
		model.kinds[i] = kinds[random_below(rand, n_kinds)];
	for (unsigned i = 0; i < model.n_edges; i++) {
		model.a[i] = random_below(rand, model.n_nodes);
		model.b[i] = (model.a[i] + 1 + random_below(rand, model.n_nodes - 1)) %
			     model.n_nodes;
		model.up[i] = random_below(rand, 10) > 0;
		model.risks[i] = g_rand_int(rand) & g_rand_int(rand) & ((1u << model.n_risks) - 1);
	}
	return model;
}

static char **risk_names(unsigned mask)
{
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	for (unsigned i = 0; i < MODEL_RISKS; i++) {
		g_autofree char *name = g_strdup_printf("r%u", i);

		if (mask >> i & 1)
			g_strv_builder_add(names, name);
	}
	return g_strv_builder_end(names);
}

static void build_edge(struct fabric *fabric, const struct model *model, unsigned i)
{
	g_autofree char *id = g_strdup_printf("e%u", i);
	g_autofree char *a = g_strdup_printf("n%u", model->a[i]);
	g_autofree char *b = g_strdup_printf("n%u", model->b[i]);
	g_auto(GStrv) risks = risk_names(model->risks[i]);
	struct fabric_edge edge = { id, a, b, model->up[i], 0, 0, risks };

	g_assert_true(fabric_add_edge(fabric, &edge, NULL));
}

struct fabric *model_build(const struct model *model)
{
	struct fabric *fabric = fabric_new();

	for (unsigned i = 0; i < model->n_nodes; i++) {
		g_autofree char *name = g_strdup_printf("n%u", i);

		g_assert_true(fabric_add_node(fabric, name, model->kinds[i], NULL));
	}
	for (unsigned i = 0; i < model->n_edges; i++)
		build_edge(fabric, model, i);
	return fabric;
}

static gboolean edge_works(const struct model *model, struct model_loss lost, unsigned i)
{
	return model->up[i] && !(lost.edges >> i & 1) && !(lost.risks & model->risks[i]) &&
	       !(lost.nodes >> model->a[i] & 1) && !(lost.nodes >> model->b[i] & 1);
}

/* Grows the set of nodes reached until nothing changes. */
gboolean model_reaches(
	const struct model *model, struct model_loss lost, unsigned from, unsigned to)
{
	unsigned reached = 1u << from;
	unsigned before = 0;

	while (reached != before) {
		before = reached;
		for (unsigned i = 0; i < model->n_edges; i++) {
			unsigned ends[] = { model->a[i], model->b[i] };

			for (unsigned k = 0; k < 2 && edge_works(model, lost, i); k++)
				if ((reached >> ends[k] & 1) &&
					(ends[k] == from ||
						fabric_kind_forwards(model->kinds[ends[k]])))
					reached |= 1u << ends[1 - k];
		}
	}
	return (reached >> to & 1) && !(lost.nodes >> from & 1) && !(lost.nodes >> to & 1);
}

/* Paths found so far, as what they use. */
struct listing {
	const struct model *model;
	unsigned to;
	GArray *paths; /* struct model_loss */
};

/* Every simple path on from `at`; recursion no deeper than MODEL_NODES. */
static void list_paths(struct listing *listing, unsigned at, unsigned seen, struct model_loss used)
{
	const struct model *model = listing->model;

	for (unsigned i = 0; i < model->n_edges; i++) {
		unsigned next = model->a[i] == at ? model->b[i] : model->a[i];
		struct model_loss longer = { used.nodes, used.edges | 1u << i,
			used.risks | model->risks[i] };

		if ((model->a[i] != at && model->b[i] != at) || !model->up[i] || (seen >> next & 1))
			continue;
		if (next == listing->to) {
			g_array_append_val(listing->paths, longer);
			continue;
		}
		longer.nodes |= 1u << next;
		if (fabric_kind_forwards(model->kinds[next]))
			list_paths(listing, next, seen | 1u << next, longer);
	}
}

/* The largest set of paths from the i-th on that keep off `used`; recursion as deep as there are
 * paths in the set. */
static unsigned pack(const GArray *paths, guint i, struct model_loss used)
{
	unsigned best = 0;

	for (; i < paths->len; i++) {
		struct model_loss path = g_array_index(paths, struct model_loss, i);
		unsigned n;

		if ((path.nodes & used.nodes) || (path.edges & used.edges) ||
			(path.risks & used.risks))
			continue;
		path.nodes |= used.nodes;
		path.edges |= used.edges;
		path.risks |= used.risks;
		n = 1 + pack(paths, i + 1, path);
		best = MAX(best, n);
	}
	return best;
}

unsigned model_disjoint(const struct model *model, unsigned from, unsigned to)
{
	struct listing listing = { model, to,
		g_array_new(FALSE, FALSE, sizeof(struct model_loss)) };
	struct model_loss none = { 0, 0, 0 };
	unsigned n;

	list_paths(&listing, from, 1u << from, none);
	n = pack(listing.paths, 0, none);
	g_array_unref(listing.paths);
	return n;
}

/* Thing i of all: nodes first, then edges, then risks. */
static struct model_loss add_thing(const struct model *model, struct model_loss lost, unsigned i)
{
	if (i < model->n_nodes)
		lost.nodes |= 1u << i;
	else if (i < model->n_nodes + model->n_edges)
		lost.edges |= 1u << (i - model->n_nodes);
	else
		lost.risks |= 1u << (i - model->n_nodes - model->n_edges);
	return lost;
}

gboolean model_has_cut(const struct model *model, unsigned from, unsigned to, unsigned n)
{
	unsigned n_things = model->n_nodes + model->n_edges + model->n_risks;
	const struct model_loss none = { 0, 0, 0 };

	for (unsigned i = 0; i < n_things; i++) {
		for (unsigned k = i; k < (n > 1 ? n_things : i + 1); k++) {
			for (unsigned l = k; l < (n > 2 ? n_things : k + 1); l++) {
				struct model_loss lost = add_thing(
					model, add_thing(model, add_thing(model, none, i), k), l);

				if ((lost.nodes >> from & 1) || (lost.nodes >> to & 1))
					continue;
				if (!model_reaches(model, lost, from, to))
					return TRUE;
			}
		}
	}
	return FALSE;
}

gboolean model_is_cut(const struct model *model, struct model_loss lost)
{
	const struct model_loss none = { 0, 0, 0 };

	for (unsigned i = 0; i < model->n_nodes; i++)
		for (unsigned k = i + 1; k < model->n_nodes; k++)
			if (!(lost.nodes >> i & 1) && !(lost.nodes >> k & 1) &&
				model_reaches(model, none, i, k) &&
				!model_reaches(model, lost, i, k))
				return TRUE;
	return FALSE;
}

char *model_to_string(const struct model *model)
{
	g_autoptr(fabric_graph) fabric = model_build(model);

	return fabric_to_dot(fabric);
}
