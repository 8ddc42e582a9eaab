#include "fabric/search.h"

#include "fabric/flow.h"
#include "fabric/paths.h"

#include <string.h>

/* Sets the risks of `path` in `owned` (n_risks bytes) to 1. FALSE: one of them was set already, by
 * another path; then nothing is changed. */
static gboolean own_risks(const struct net *net, const GArray *path, guint8 *owned)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < path->len; i++) {
			guint32 edge = g_array_index(path, guint32, i);

			for (guint32 k = net->first_risk[edge]; k < net->first_risk[edge + 1];
				k++) {
				if (pass == 0 && owned[net->edge_risks[k]])
					return FALSE;
				if (pass == 1)
					owned[net->edge_risks[k]] = 1;
			}
		}
	}
	return TRUE;
}

GPtrArray *search_keep_apart(const struct net *net, const GPtrArray *paths)
{
	GPtrArray *kept = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	g_autofree guint8 *owned = g_new0(guint8, net->n_risks + 1);

	for (guint i = 0; i < paths->len; i++) {
		GArray *path = g_ptr_array_index(paths, i);

		if (own_risks(net, path, owned))
			g_ptr_array_add(kept, g_array_ref(path));
	}
	return kept;
}

gboolean search_paths_clash(const struct net *net, const GPtrArray *paths)
{
	g_autoptr(GPtrArray) kept = search_keep_apart(net, paths);

	return kept->len < paths->len;
}

/* Packing: depth first over partial sets of paths. Paths are laid one after the other, edge by
 * edge; each one starts with a later arc of the start than the one before, for their order means
 * nothing.
 *
 * Invariants: P1 `used` and `owner` describe exactly the edges on the stack. P2 `path` is the
 * number of the path being laid, so `path - 1` are whole. P3 every frame but the first has an edge
 * to undo.
 */
struct frame {
	guint32 node;  /* where we are: NET_A, when a new path is to begin */
	guint32 next;  /* the place of the next arc to try */
	guint32 start; /* the place of the arc with which the path being laid began */
	guint32 edge;  /* how we came here, or NET_NONE */
	guint32 from;  /* the node the edge comes from */
};

struct packing {
	const struct net *net;
	GArray *stack;  /* struct frame */
	guint32 *owner; /* of each risk: the path that has it, from 1; 0: nobody */
	guint32 *uses;  /* of each risk: by how many edges of its path */
	guint32 path;
	guint8 *used; /* inner nodes */
	struct net_mask mask;
	struct net_walk walk;
	struct flow flow;
	unsigned wanted;
	GPtrArray *best;
	guint64 *steps;
};

static void packing_init(struct packing *packing, const struct net *net)
{
	packing->net = net;
	packing->stack = g_array_new(FALSE, FALSE, sizeof(struct frame));
	packing->owner = g_new0(guint32, net->n_risks + 1);
	packing->uses = g_new0(guint32, net->n_risks + 1);
	packing->path = 1;
	net_mask_init(&packing->mask, net);
	packing->used = packing->mask.nodes;
	net_walk_init(&packing->walk, net);
	flow_init(&packing->flow, net);
}

static void packing_clear(struct packing *packing)
{
	g_array_unref(packing->stack);
	g_free(packing->owner);
	g_free(packing->uses);
	net_mask_clear(&packing->mask);
	net_walk_clear(&packing->walk);
	flow_clear(&packing->flow);
}

static void spend(guint64 *steps, guint64 n)
{
	*steps -= MIN(*steps, n);
}

static gboolean edge_is_open(const struct packing *packing, guint32 edge)
{
	const struct net *net = packing->net;

	for (guint32 k = net->first_risk[edge]; k < net->first_risk[edge + 1]; k++) {
		guint32 owner = packing->owner[net->edge_risks[k]];

		if (owner && owner != packing->path)
			return FALSE;
	}
	return TRUE;
}

static void own_edge(struct packing *packing, guint32 edge)
{
	const struct net *net = packing->net;

	for (guint32 k = net->first_risk[edge]; k < net->first_risk[edge + 1]; k++) {
		packing->owner[net->edge_risks[k]] = packing->path;
		packing->uses[net->edge_risks[k]]++;
	}
}

static void disown_edge(struct packing *packing, guint32 edge)
{
	const struct net *net = packing->net;

	for (guint32 k = net->first_risk[edge]; k < net->first_risk[edge + 1]; k++)
		if (--packing->uses[net->edge_risks[k]] == 0)
			packing->owner[net->edge_risks[k]] = 0;
}

/* The mask for what the path being laid may use. */
static void close_edges(struct packing *packing)
{
	for (guint32 edge = 0; edge < packing->net->n_edges; edge++)
		packing->mask.edges[edge] = !edge_is_open(packing, edge);
	spend(packing->steps, packing->net->n_edges);
}

static gboolean can_arrive(struct packing *packing, guint32 from)
{
	close_edges(packing);
	spend(packing->steps, packing->net->n_edges);
	return net_walk_run(&packing->walk, packing->net, &packing->mask, from);
}

/* How many paths more there can be at most, when they start with arcs from place `next` on: as many
 * as there would be if they could share risks with each other. */
static unsigned count_hoped(struct packing *packing, guint32 next, unsigned limit)
{
	const struct net *net = packing->net;

	close_edges(packing);
	for (guint32 i = net->first_arc[NET_A]; i < next; i++)
		packing->mask.edges[net->arcs[i].edge] = TRUE;
	spend(packing->steps, (guint64)net->n_edges * (limit + 1));
	return flow_run(&packing->flow, &packing->mask, limit);
}

/* The paths on the stack as arrays of edges: each one begins at the start. */
static void save_best(struct packing *packing)
{
	g_ptr_array_set_size(packing->best, 0);
	for (guint i = 1; i < packing->stack->len; i++) {
		const struct frame *frame = &g_array_index(packing->stack, struct frame, i);

		if (frame->from == NET_A)
			g_ptr_array_add(packing->best, g_array_new(FALSE, FALSE, sizeof(guint32)));
		g_array_append_val(
			(GArray *)g_ptr_array_index(packing->best, packing->best->len - 1),
			frame->edge);
	}
}

/* A path has arrived. FALSE: the rest of the fabric cannot better the best. */
static gboolean finish_path(struct packing *packing, guint32 start)
{
	unsigned n_laid = packing->path;
	unsigned missing = 0;

	packing->path++;
	if (n_laid > packing->best->len)
		save_best(packing);
	if (packing->best->len >= packing->wanted)
		return TRUE;
	missing = packing->best->len + 1 - n_laid;
	return count_hoped(packing, start + 1, missing) >= missing;
}

static void step_back(struct packing *packing)
{
	struct frame frame = g_array_index(packing->stack, struct frame, packing->stack->len - 1);

	g_array_set_size(packing->stack, packing->stack->len - 1);
	if (frame.edge == NET_NONE)
		return;
	if (frame.node == NET_A)
		packing->path--;
	else
		packing->used[frame.node] = 0;
	disown_edge(packing, frame.edge);
}

/* Goes along the arc at `place`; comes back at once where that leads nowhere. */
static void step_on(struct packing *packing, guint32 place)
{
	const struct frame *at = &g_array_index(
		packing->stack, struct frame, packing->stack->len - 1);
	struct fabric_arc arc = packing->net->arcs[place];
	struct frame frame = { .edge = arc.edge, .from = at->node };
	gboolean good = FALSE;

	frame.start = at->node == NET_A ? place : at->start;
	frame.node = arc.to == NET_B ? NET_A : arc.to;
	frame.next = arc.to == NET_B ? frame.start + 1 : packing->net->first_arc[arc.to];
	g_array_append_val(packing->stack, frame);
	own_edge(packing, arc.edge);
	if (arc.to != NET_B)
		packing->used[arc.to] = 1;
	good = arc.to == NET_B ? finish_path(packing, frame.start) : can_arrive(packing, arc.to);
	if (!good)
		step_back(packing);
}

static void pack(struct packing *packing)
{
	const struct net *net = packing->net;
	struct frame first = { NET_A, net->first_arc[NET_A], 0, NET_NONE, NET_NONE };

	g_array_append_val(packing->stack, first);
	while (packing->stack->len && *packing->steps && packing->best->len < packing->wanted) {
		struct frame *frame = &g_array_index(
			packing->stack, struct frame, packing->stack->len - 1);
		guint32 place = frame->next;

		if (place >= net->first_arc[frame->node + 1]) {
			step_back(packing);
			continue;
		}
		frame->next++;
		spend(packing->steps, 1);
		if (!packing->used[net->arcs[place].to] &&
			edge_is_open(packing, net->arcs[place].edge))
			step_on(packing, place);
	}
}

GPtrArray *search_paths(const struct net *net, GPtrArray *known, unsigned wanted, guint64 *steps)
{
	struct packing packing = { .wanted = wanted };

	packing.best = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	for (guint i = 0; i < known->len; i++)
		g_ptr_array_add(packing.best, g_array_ref(g_ptr_array_index(known, i)));
	packing.steps = steps;
	packing_init(&packing, net);
	pack(&packing);
	packing_clear(&packing);
	return packing.best;
}

/* Cutting: whatever separates the ends must hit a shortest path that is left. So take one, try to
 * lose each of its things in turn, and go on with what is left. */
struct level {
	GArray *choices; /* struct search_loss: the things of the path */
	guint next;
};

struct cutting {
	const struct net *net;
	struct net_mask mask; /* how many losses close a node or an edge */
	struct net_walk walk;
	struct level levels[FABRIC_MAX_CUT];
	guint64 *steps;
};

static void mark_loss(struct cutting *cutting, struct search_loss loss, int change)
{
	const struct net *net = cutting->net;

	if (loss.thing == FABRIC_THING_NODE)
		cutting->mask.nodes[loss.number] += (guint8)change;
	if (loss.thing == FABRIC_THING_EDGE)
		cutting->mask.edges[loss.number] += (guint8)change;
	if (loss.thing == FABRIC_THING_RISK)
		for (guint32 k = net->first_member[loss.number];
			k < net->first_member[loss.number + 1]; k++)
			cutting->mask.edges[net->risk_edges[k]] += (guint8)change;
}

static void add_risks(struct cutting *cutting, GArray *choices, guint32 edge)
{
	const struct net *net = cutting->net;

	for (guint32 k = net->first_risk[edge]; k < net->first_risk[edge + 1]; k++) {
		struct search_loss loss = { FABRIC_THING_RISK, net->edge_risks[k] };

		g_array_append_val(choices, loss);
	}
}

/* The things of the path just walked: inner nodes, then risks, then the edge if it is all there is
 * (of a longer path every edge goes with an inner node). */
static GArray *list_choices(struct cutting *cutting)
{
	const struct net *net = cutting->net;
	const struct net_walk *walk = &cutting->walk;
	GArray *choices = g_array_new(FALSE, FALSE, sizeof(struct search_loss));
	struct search_loss edge = { FABRIC_THING_EDGE, net->arcs[walk->into[NET_B]].edge };

	for (guint32 node = walk->tail[NET_B]; node != NET_A; node = walk->tail[node]) {
		struct search_loss loss = { FABRIC_THING_NODE, node };

		g_array_append_val(choices, loss);
	}
	for (guint32 node = NET_B; node != NET_A; node = walk->tail[node])
		add_risks(cutting, choices, net->arcs[walk->into[node]].edge);
	if (walk->tail[NET_B] == NET_A)
		g_array_append_val(choices, edge);
	return choices;
}

static gboolean is_open(struct cutting *cutting)
{
	spend(cutting->steps, cutting->net->n_edges);
	return net_walk_run(&cutting->walk, cutting->net, &cutting->mask, NET_A);
}

/* Leaves the loss tried last on this level for the next one. FALSE: there is none. */
static gboolean try_next(struct cutting *cutting, struct level *level)
{
	const struct search_loss *choices = (const void *)level->choices->data;

	if (level->next > 0)
		mark_loss(cutting, choices[level->next - 1], -1);
	if (level->next == level->choices->len) {
		g_clear_pointer(&level->choices, g_array_unref);
		return FALSE;
	}
	mark_loss(cutting, choices[level->next++], 1);
	return TRUE;
}

static void open_level(struct cutting *cutting, struct level *level)
{
	level->choices = list_choices(cutting);
	level->next = 0;
}

/* TRUE: the losses chosen on the levels below *ret_depth cut. */
static gboolean cut(struct cutting *cutting, unsigned n, unsigned *ret_depth)
{
	unsigned depth = 1;

	*ret_depth = 0;
	if (!is_open(cutting))
		return TRUE;
	open_level(cutting, &cutting->levels[0]);
	while (depth && *cutting->steps) {
		if (!try_next(cutting, &cutting->levels[depth - 1])) {
			depth--;
			continue;
		}
		if (!is_open(cutting)) {
			*ret_depth = depth;
			return TRUE;
		}
		if (depth < n)
			open_level(cutting, &cutting->levels[depth++]);
	}
	return FALSE;
}

gboolean search_cut(
	const struct net *net, unsigned n, struct search_loss *ret_losses, guint64 *steps)
{
	struct cutting cutting = { .net = net };
	unsigned depth = 0;
	gboolean found = FALSE;

	cutting.steps = steps;
	net_mask_init(&cutting.mask, net);
	net_walk_init(&cutting.walk, net);
	found = cut(&cutting, n, &depth);
	for (unsigned i = 0; found && i < depth; i++) {
		const struct level *level = &cutting.levels[i];

		ret_losses[i] = g_array_index(level->choices, struct search_loss, level->next - 1);
	}
	for (unsigned i = 0; i < FABRIC_MAX_CUT; i++)
		g_clear_pointer(&cutting.levels[i].choices, g_array_unref);
	net_mask_clear(&cutting.mask);
	net_walk_clear(&cutting.walk);
	return found;
}
