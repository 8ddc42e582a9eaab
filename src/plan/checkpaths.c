#include "fabric/paths.h"
#include "plan/judge.h"

#include <string.h>

/* Check of declared connections against the fabric: enough disjoint paths, or what all of them hang
 * on and the fewest cables that would mend it. */

#define MAX_TRIALS 8 /* cables that are tried for each path that lacks */

/* ---- what the fabric offers ---- */

static const char *node_name(const struct world *world, const char *node)
{
	const struct world_host *host = world_find_host(world, node);

	return host ? world_host_name(host) : node;
}

static char *path_text(const struct world *world, const struct fabric_path *path)
{
	GString *text = g_string_new("path ");

	for (char **node = path->nodes; *node; node++)
		g_string_append_printf(
			text, "%s%s", node == path->nodes ? "" : " – ", node_name(world, *node));
	return g_string_free(text, FALSE);
}

/* "switch" rather than "node". */
static const char *thing_name(const struct world *world, const struct fabric_loss *loss)
{
	const struct fabric_node *node = loss->thing == FABRIC_THING_NODE
						 ? fabric_find_node(world_fabric(world), loss->name)
						 : NULL;

	return node ? fabric_kind_to_string(node->kind) : fabric_thing_to_string(loss->thing);
}

static char *cut_text(const struct world *world, const struct fabric_paths *paths)
{
	GString *text;

	if (paths->n_cut == 0 || paths->n_paths == 0)
		return NULL;
	text = g_string_new(NULL);
	for (size_t i = 0; i < paths->n_cut; i++)
		g_string_append_printf(text, "%s%s %s", i ? " and " : "",
			thing_name(world, &paths->cut[i]), node_name(world, paths->cut[i].name));
	return g_string_free(text, FALSE);
}

static gboolean ends_at(const struct fabric_edge *edge, const char *node)
{
	return strcmp(edge->a, node) == 0 || strcmp(edge->b, node) == 0;
}

static void add_down_cables(
	GPtrArray *facts, const struct fabric *graph, const char *a, const char *b)
{
	for (size_t i = 0; i < fabric_n_edges(graph); i++) {
		const struct fabric_edge *edge = fabric_get_edge(graph, i);

		if (!edge->up && (ends_at(edge, a) || ends_at(edge, b)))
			g_ptr_array_add(facts, g_strdup_printf("fabric-link %s is down", edge->id));
	}
}

static struct judge_way *find_way(
	const struct world *world, const char *a, const char *b, unsigned wanted)
{
	const struct fabric *graph = world_fabric(world);
	struct judge_way *way = g_new0(struct judge_way, 1);
	g_auto(fabric_paths) paths = { 0 };

	way->facts = g_ptr_array_new_with_free_func(g_free);
	way->changes = plan_changes_new();
	/* an error means that one end is no node of the fabric: no path */
	if (!fabric_disjoint_paths(graph, a, b, MIN(wanted, FABRIC_MAX_PATHS), &paths, NULL))
		return way;
	way->n_paths = (unsigned)paths.n_paths;
	if (way->n_paths >= wanted)
		return way;
	for (size_t i = 0; i < paths.n_paths; i++)
		g_ptr_array_add(way->facts, path_text(world, &paths.paths[i]));
	way->hang_on = cut_text(world, &paths);
	add_down_cables(way->facts, graph, a, b);
	return way;
}

static char *way_key(const char *a, const char *b, unsigned wanted)
{
	return g_strdup_printf("%s\x1f%s\x1f%u", a, b, wanted);
}

static struct judge_way *need_way(
	struct plan_judge *judge, const char *a, const char *b, unsigned wanted)
{
	GHashTable *ways = judge_ways(judge);
	g_autofree char *key = way_key(a, b, wanted);
	struct judge_way *way = g_hash_table_lookup(ways, key);

	if (way)
		return way;
	way = find_way(judge_world(judge), a, b, wanted);
	g_hash_table_insert(ways, g_steal_pointer(&key), way);
	return way;
}

const struct judge_way *judge_find_way(
	struct plan_judge *judge, const char *a, const char *b, unsigned wanted)
{
	return need_way(judge, a, b, wanted);
}

/* ---- the fewest cables that would do ---- */

/* A cable that is brought up, or drawn anew. */
struct cable {
	char *a, *b;
	gboolean exists;
};

static void cable_free(gpointer data)
{
	struct cable *cable = data;

	if (!cable)
		return; /* it was taken out of its list */
	g_free(cable->a);
	g_free(cable->b);
	g_free(cable);
}

static void offer_cable(GPtrArray *cables, const char *a, const char *b, gboolean exists)
{
	struct cable *cable;

	if (cables->len >= MAX_TRIALS)
		return;
	cable = g_new0(struct cable, 1);
	cable->a = g_strdup(a);
	cable->b = g_strdup(b);
	cable->exists = exists;
	g_ptr_array_add(cables, cable);
}

static gboolean is_forwarder(const struct fabric *graph, const char *name)
{
	const struct fabric_node *node = fabric_find_node(graph, name);

	return node && fabric_kind_forwards(node->kind);
}

static gboolean are_joined(const struct fabric *graph, const char *a, const char *b)
{
	for (size_t i = 0; i < fabric_n_edges(graph); i++) {
		const struct fabric_edge *edge = fabric_get_edge(graph, i);

		if (ends_at(edge, a) && ends_at(edge, b))
			return TRUE;
	}
	return FALSE;
}

/* Cables of the ends that are down, other cables that are down, then new ones from an end that is a
 * host to a switch it is not joined to. */
static GPtrArray *candidates(const struct fabric *graph, const char *a, const char *b)
{
	GPtrArray *cables = g_ptr_array_new_with_free_func(cable_free);
	const char *ends[] = { a, b };

	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < fabric_n_edges(graph); i++) {
			const struct fabric_edge *edge = fabric_get_edge(graph, i);
			gboolean at_end = ends_at(edge, a) || ends_at(edge, b);

			if (!edge->up && at_end == (pass == 0) &&
				(is_forwarder(graph, edge->a) || is_forwarder(graph, edge->b)))
				offer_cable(cables, edge->a, edge->b, TRUE);
		}
	for (unsigned e = 0; e < G_N_ELEMENTS(ends); e++)
		for (size_t i = 0; !is_forwarder(graph, ends[e]) && i < fabric_n_nodes(graph);
			i++) {
			const struct fabric_node *node = fabric_get_node(graph, i);

			if (node->kind == FABRIC_SWITCH && !are_joined(graph, ends[e], node->name))
				offer_cable(cables, ends[e], node->name, FALSE);
		}
	return cables;
}

static struct fabric *with_cable(const struct fabric *graph, const struct cable *cable)
{
	struct fabric *copy = fabric_new();

	for (size_t i = 0; i < fabric_n_nodes(graph); i++)
		fabric_add_node(copy, fabric_get_node(graph, i)->name,
			fabric_get_node(graph, i)->kind, NULL);
	for (size_t i = 0; i < fabric_n_edges(graph); i++) {
		struct fabric_edge edge = *fabric_get_edge(graph, i);

		edge.up = edge.up || (ends_at(&edge, cable->a) && ends_at(&edge, cable->b));
		fabric_add_edge(copy, &edge, NULL);
	}
	if (!cable->exists)
		fabric_add_edge(copy,
			&(struct fabric_edge){
				.id = (char *)"new", .a = cable->a, .b = cable->b, .up = TRUE },
			NULL);
	return copy;
}

static size_t count_paths(const struct fabric *graph, const char *a, const char *b, unsigned wanted)
{
	g_auto(fabric_paths) paths = { 0 };

	if (!fabric_disjoint_paths(graph, a, b, MIN(wanted, FABRIC_MAX_PATHS), &paths, NULL))
		return 0;
	return paths.n_paths;
}

static char *place_name(const struct world *world, const char *node)
{
	return g_strconcat(world_find_host(world, node) ? "device:" : "switch:", node, NULL);
}

static void take_cable(
	const struct world *world, struct judge_way *way, GString *fix, const struct cable *cable)
{
	g_autofree char *a = place_name(world, cable->a);
	g_autofree char *b = place_name(world, cable->b);

	plan_changes_add(way->changes, FACTS_FABRIC_LINK, a, b, "up", "true");
	g_string_append_printf(fix, "%s%s %s–%s", fix->len ? " and " : "",
		cable->exists ? "bring up the cable" : "draw a cable", node_name(world, cable->a),
		node_name(world, cable->b));
}

/* A new cable adds at most one path, so as many as paths lack is the least there is. The graph with
 * the first cable that adds one, or NULL. */
static struct fabric *one_more(const struct fabric *graph, const char *a, const char *b,
	size_t *n_paths, struct cable **ret_cable)
{
	g_autoptr(GPtrArray) cables = candidates(graph, a, b);

	for (unsigned i = 0; i < cables->len; i++) {
		struct fabric *better = with_cable(graph, cables->pdata[i]);

		if (count_paths(better, a, b, (unsigned)*n_paths + 1) > *n_paths) {
			(*n_paths)++;
			*ret_cable = g_ptr_array_steal_index(cables, i);
			return better;
		}
		fabric_free(better);
	}
	return NULL;
}

static void mend(const struct world *world, struct judge_way *way, const char *a, const char *b,
	unsigned wanted)
{
	g_autoptr(GString) fix = g_string_new(NULL);
	struct fabric *graph = NULL;
	size_t n_paths = way->n_paths;

	while (n_paths < MIN(wanted, FABRIC_MAX_PATHS)) {
		struct cable *cable = NULL;
		struct fabric *better = one_more(
			graph ? graph : world_fabric(world), a, b, &n_paths, &cable);

		if (!better)
			break;
		fabric_free(graph);
		graph = better;
		take_cable(world, way, fix, cable);
		cable_free(cable);
	}
	fabric_free(graph);
	if (n_paths >= wanted) {
		way->fix = g_string_free(g_steal_pointer(&fix), FALSE);
		return;
	}
	g_ptr_array_set_size(way->changes, 0);
	way->fix = g_strdup_printf("add %u disjoint path%s between %s and %s",
		wanted - way->n_paths, wanted - way->n_paths == 1 ? "" : "s", node_name(world, a),
		node_name(world, b));
}

const struct judge_way *judge_mend_way(
	struct plan_judge *judge, const char *a, const char *b, unsigned wanted)
{
	struct judge_way *way = need_way(judge, a, b, wanted);

	if (!way->fix && way->n_paths < wanted)
		mend(judge_world(judge), way, a, b, wanted);
	return way;
}

/* ---- the check ---- */

static unsigned wanted_paths(const struct judging *judging, const struct vapp_flow *flow)
{
	unsigned n_enough = judging->question->n_enough;

	return n_enough ? MIN(n_enough, flow->n_paths) : flow->n_paths;
}

static void refuse_paths(
	struct judging *judging, const struct vapp_flow *flow, const char *a, const char *b)
{
	unsigned wanted = wanted_paths(judging, flow);
	const struct judge_way *way = judge_mend_way(judging->judge, a, b, wanted);
	const char *from = node_name(judging->world, a);
	const char *to = node_name(judging->world, b);
	struct plan_reason *reason = plan_reason_new(PLAN_PATHS, flow->id,
		"flow %s needs %u disjoint path%s between %s and %s; there %s %u%s%s", flow->id,
		wanted, wanted == 1 ? "" : "s", from, to, way->n_paths == 1 ? "is" : "are",
		way->n_paths, way->hang_on ? ", all hanging on " : "",
		way->hang_on ? way->hang_on : "");

	for (unsigned i = 0; i < way->facts->len; i++)
		plan_reason_add_fact(reason, "%s", (const char *)way->facts->pdata[i]);
	plan_reason_set_fix(reason, "%s", way->fix);
	for (unsigned i = 0; i < way->changes->len; i++) {
		const struct plan_change *change = way->changes->pdata[i];

		plan_reason_add_change(
			reason, change->kind, change->a, change->b, change->field, change->value);
	}
	judge_refuse(judging, reason);
}

static void judge_pair(
	struct judging *judging, const struct vapp_flow *flow, const char *a, const char *b)
{
	const char *first = strcmp(b, WORLD_OUTSIDE) == 0 || strcmp(a, b) < 0 ? a : b;
	const char *second = first == a ? b : a;
	unsigned wanted = wanted_paths(judging, flow);

	if (judge_find_way(judging->judge, first, second, wanted)->n_paths < wanted)
		refuse_paths(judging, flow, first, second);
}

/* The hosts, judged and alive, on which the machines of an endpoint would be. */
static GPtrArray *spots_of(const struct judging *judging, const struct vapp_endpoint *endpoint)
{
	g_autoptr(GPtrArray) machines = vapp_select(judging->vapp, endpoint->name);
	GPtrArray *spots = g_ptr_array_new();

	for (unsigned i = 0; i < machines->len; i++) {
		const struct judge_spot *spot = judge_spot_of(judging, machines->pdata[i]);

		if (spot && judge_spot_known(spot) && !g_ptr_array_find(spots, spot, NULL))
			g_ptr_array_add(spots, (gpointer)spot);
	}
	return spots;
}

static void judge_outside(
	struct judging *judging, const struct vapp_flow *flow, const GPtrArray *spots)
{
	for (unsigned i = 0; i < spots->len; i++)
		judge_pair(judging, flow, ((const struct judge_spot *)spots->pdata[i])->uuid,
			WORLD_OUTSIDE);
}

static void judge_flow(struct judging *judging, const struct vapp_flow *flow)
{
	g_autoptr(GPtrArray) from = spots_of(judging, &flow->from);
	g_autoptr(GPtrArray) to = spots_of(judging, &flow->to);

	if (strcmp(flow->from.name, VAPP_OUTSIDE) == 0)
		judge_outside(judging, flow, to);
	else if (strcmp(flow->to.name, VAPP_OUTSIDE) == 0)
		judge_outside(judging, flow, from);
	for (unsigned i = 0; i < from->len; i++)
		for (unsigned k = 0; k < to->len; k++)
			if (from->pdata[i] != to->pdata[k])
				judge_pair(judging, flow,
					((const struct judge_spot *)from->pdata[i])->uuid,
					((const struct judge_spot *)to->pdata[k])->uuid);
}

void judge_paths(struct judging *judging)
{
	for (unsigned i = 0; i < judging->vapp->flows->len && !judge_enough(judging); i++)
		judge_flow(judging, judging->vapp->flows->pdata[i]);
}
