#include "fabric/paths.h"

#include "fabric/flow.h"
#include "fabric/search.h"

#include <stdlib.h>
#include <string.h>

static void clear_losses(struct fabric_loss *losses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		g_free(losses[i].name);
	g_free(losses);
}

void fabric_paths_clear(struct fabric_paths *paths)
{
	for (size_t i = 0; i < paths->n_paths; i++) {
		g_strfreev(paths->paths[i].nodes);
		g_strfreev(paths->paths[i].edges);
	}
	g_free(paths->paths);
	clear_losses(paths->cut, paths->n_cut);
	memset(paths, 0, sizeof *paths);
}

/* One question under way. */
struct query {
	const struct net *net;
	struct net_mask nothing; /* closed */
	struct flow flow;
	unsigned wanted;
	GPtrArray *paths; /* what is found: arrays of edges of the net */
	gboolean exact;
	GArray *cut; /* struct search_loss */
	guint64 steps;
};

/* The cut that max-flow leaves: always one, and the smallest where no risk is in play. */
static void cut_by_flow(struct query *query)
{
	unsigned n = flow_run(&query->flow, &query->nothing, G_MAXUINT);
	g_autofree guint32 *numbers = g_new(guint32, n + 1);
	g_autofree gboolean *is_node = g_new(gboolean, n + 1);

	n = flow_cut(&query->flow, numbers, is_node);
	for (unsigned i = 0; i < n; i++) {
		struct search_loss loss = { is_node[i] ? FABRIC_THING_NODE : FABRIC_THING_EDGE,
			numbers[i] };

		g_array_append_val(query->cut, loss);
	}
}

/* A smallest cut, if it has at least `from` things and fewer than `below`. */
static gboolean cut_by_search(struct query *query, unsigned from, unsigned below)
{
	struct search_loss losses[FABRIC_MAX_CUT];

	for (unsigned n = from; n < below && n <= FABRIC_MAX_CUT; n++) {
		if (!search_cut(query->net, n, losses, &query->steps))
			continue;
		g_array_append_vals(query->cut, losses, n);
		return TRUE;
	}
	return FALSE;
}

/* No cut has fewer than `from` things, yet there are not as many paths: they exclude each other. */
static void cut_anyhow(struct query *query, unsigned from)
{
	unsigned n_flow = flow_run(&query->flow, &query->nothing, G_MAXUINT);

	if (!cut_by_search(query, from, n_flow))
		cut_by_flow(query);
}

/* The paths that max-flow found share risks: how many are there really? `upper` bounds them: the
 * flow, or a cut with risks in it that is smaller. */
static void search_with_risks(struct query *query)
{
	unsigned upper = query->paths->len;
	GPtrArray *apart = search_keep_apart(query->net, query->paths);

	g_ptr_array_unref(query->paths);
	query->paths = apart;
	if (cut_by_search(query, query->paths->len, upper))
		upper = query->cut->len;
	if (query->paths->len < upper) {
		GPtrArray *better = search_paths(query->net, query->paths, upper, &query->steps);

		g_ptr_array_unref(query->paths);
		query->paths = better;
	}
	query->exact = query->paths->len == upper || query->steps > 0;
	if (query->paths->len < query->wanted && !query->cut->len)
		cut_anyhow(query, upper);
}

static void answer(struct query *query)
{
	unsigned n = flow_run(&query->flow, &query->nothing, query->wanted);

	query->paths = flow_paths(&query->flow);
	query->exact = TRUE;
	if (search_paths_clash(query->net, query->paths))
		search_with_risks(query);
	else if (n < query->wanted)
		cut_by_flow(query);
}

static int compare_paths(gconstpointer a, gconstpointer b)
{
	const GArray *x = *(GArray *const *)a;
	const GArray *y = *(GArray *const *)b;

	return x->len < y->len ? -1 : x->len > y->len;
}

static struct fabric_path tell_path(const struct net *net, const GArray *edges)
{
	const struct fabric *fabric = net->fabric;
	struct fabric_path path = { g_new0(char *, edges->len + 2),
		g_new0(char *, edges->len + 1) };
	guint32 at = net->node_of[NET_A];

	path.nodes[0] = g_strdup(fabric_node_name(fabric, at));
	for (guint i = 0; i < edges->len; i++) {
		guint32 edge = net->edge_of[g_array_index(edges, guint32, i)];
		const struct fabric_link *link = fabric_edge_link(fabric, edge);

		at = link->a == at ? link->b : link->a;
		path.edges[i] = g_strdup(fabric_edge_id(fabric, edge));
		path.nodes[i + 1] = g_strdup(fabric_node_name(fabric, at));
	}
	return path;
}

static const char *name_loss(const struct net *net, struct search_loss loss)
{
	if (loss.thing == FABRIC_THING_NODE)
		return fabric_node_name(net->fabric, net->node_of[loss.number]);
	if (loss.thing == FABRIC_THING_EDGE)
		return fabric_edge_id(net->fabric, net->edge_of[loss.number]);
	return fabric_risk_name(net->fabric, net->risk_of[loss.number]);
}

static int compare_losses(const void *a, const void *b)
{
	const struct fabric_loss *x = a;
	const struct fabric_loss *y = b;

	return x->thing != y->thing ? (int)x->thing - (int)y->thing : strcmp(x->name, y->name);
}

static void tell(const struct query *query, struct fabric_paths *ret)
{
	struct fabric_paths told = { .exact = query->exact };

	g_ptr_array_sort(query->paths, compare_paths);
	told.n_paths = query->paths->len;
	told.paths = g_new0(struct fabric_path, told.n_paths + 1);
	for (guint i = 0; i < told.n_paths; i++)
		told.paths[i] = tell_path(query->net, g_ptr_array_index(query->paths, i));
	if (told.n_paths < query->wanted) {
		told.n_cut = query->cut->len;
		told.cut = g_new0(struct fabric_loss, told.n_cut + 1);
	}
	for (guint i = 0; i < told.n_cut; i++) {
		struct search_loss loss = g_array_index(query->cut, struct search_loss, i);

		told.cut[i].thing = loss.thing;
		told.cut[i].name = g_strdup(name_loss(query->net, loss));
	}
	if (told.n_cut)
		qsort(told.cut, told.n_cut, sizeof *told.cut, compare_losses);
	*ret = told;
}

static void run(const struct net *net, unsigned wanted, struct fabric_paths *ret)
{
	struct query query = { .net = net, .wanted = wanted, .steps = FABRIC_SEARCH_STEPS };

	net_mask_init(&query.nothing, net);
	flow_init(&query.flow, net);
	query.cut = g_array_new(FALSE, FALSE, sizeof(struct search_loss));
	answer(&query);
	tell(&query, ret);
	g_array_unref(query.cut);
	g_ptr_array_unref(query.paths);
	flow_clear(&query.flow);
	net_mask_clear(&query.nothing);
}

static gboolean find_end(
	const struct fabric *fabric, const char *name, guint32 *ret_node, GError **error)
{
	if (fabric_node_number(fabric, name, ret_node))
		return TRUE;
	g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_UNKNOWN, "the fabric has no node %.256s",
		name ? name : "(none)");
	return FALSE;
}

static gboolean check_question(
	guint32 a, guint32 b, unsigned wanted, const char *name, GError **error)
{
	if (a == b) {
		g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_LOOP,
			"there is no path from node %s to itself", name);
		return FALSE;
	}
	if (wanted < 1 || wanted > FABRIC_MAX_PATHS) {
		g_set_error(error, FABRIC_ERROR, FABRIC_ERROR_LIMIT,
			"%u disjoint paths are not 1 to %d", wanted, FABRIC_MAX_PATHS);
		return FALSE;
	}
	return TRUE;
}

gboolean fabric_disjoint_paths(const struct fabric *fabric, const char *a, const char *b,
	unsigned wanted, struct fabric_paths *ret, GError **error)
{
	guint32 from, to;
	struct net *net = NULL;

	if (!find_end(fabric, a, &from, error) || !find_end(fabric, b, &to, error) ||
		!check_question(from, to, wanted, a, error))
		return FALSE;
	net = net_new(fabric, from, to);
	if (net)
		run(net, wanted, ret);
	else
		*ret = (struct fabric_paths){ .exact = TRUE };
	net_free(net);
	return TRUE;
}
