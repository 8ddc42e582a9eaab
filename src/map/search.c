#include "map/search.h"

#include "ifmap/reply.h"

struct map_view map_view_make(const struct ifmap_query *query, const struct map_subject *reader,
	const struct map_limits *limits)
{
	size_t size = query->max_size ? query->max_size : limits->default_search_size;
	return (struct map_view){
		.query = query,
		.reader = reader,
		.max_depth = MIN(query->max_depth, limits->max_search_depth),
		.max_size = MIN(size, limits->max_search_size),
	};
}

static gboolean readable(const struct map_view *view, const struct map_fact *fact)
{
	const struct map_link *link = map_element_link(fact->element);
	const struct map_node *node = link ? link->ends[0] : map_element_node(fact->element);
	const struct map_item item = {
		.a = node->id,
		.b = link ? link->ends[1]->id : NULL,
		.meta = fact->meta,
	};
	return map_policy_allows(view->reader, MAP_ACTION_READ, &item);
}

gboolean map_view_follows_fact(const struct map_view *view, const struct map_fact *fact)
{
	return ifmap_filter_matches(view->query->match_links, fact->meta) && readable(view, fact);
}

gboolean map_view_shows(const struct map_view *view, const struct map_fact *fact)
{
	if (!ifmap_filter_matches(view->query->result_filter, fact->meta))
		return FALSE;
	return fact->element->is_link ? map_view_follows_fact(view, fact) : readable(view, fact);
}

gboolean map_view_follows(const struct map_view *view, const struct map_link *link)
{
	for (const struct map_fact *fact = map_element_first(&link->element); fact;
		fact = map_fact_next(fact))
		if (map_view_follows_fact(view, fact))
			return TRUE;
	return FALSE;
}

gboolean map_view_expands(const struct map_view *view, const struct map_node *node, unsigned depth)
{
	return depth < view->max_depth && !ifmap_terminal_stops(view->query->terminal, node->id);
}

void map_walk_init(struct map_walk *walk)
{
	walk->epoch = 0;
	walk->left = G_MAXUINT64;
	walk->nodes = g_ptr_array_new();
	walk->links = g_ptr_array_new();
}

void map_walk_clear(struct map_walk *walk)
{
	g_clear_pointer(&walk->nodes, g_ptr_array_unref);
	g_clear_pointer(&walk->links, g_ptr_array_unref);
}

static void meet_node(struct map_walk *walk, struct map_node *node, unsigned depth)
{
	if (node->element.epoch == walk->epoch)
		return;
	node->element.epoch = walk->epoch;
	node->depth = depth;
	g_ptr_array_add(walk->nodes, node);
}

/* Looking at an element has its price, whether it is in the answer or not. */
static gboolean charge(struct map_walk *walk, const struct map_element *element)
{
	guint64 cost = 1;
	for (const struct map_fact *fact = map_element_first(element); fact;
		fact = map_fact_next(fact))
		cost++;
	if (walk->left < cost)
		return FALSE;
	walk->left -= cost;
	return TRUE;
}

/* Follows the links of one node; FALSE when `fn` ended the walk. */
static gboolean expand(struct map_walk *walk, const struct map_view *view, struct map_node *node,
	map_walk_fn fn, gpointer data)
{
	for (guint i = 0; i < node->n_links; i++) {
		struct map_link *link = map_node_link(node, i);
		if (!charge(walk, &link->element))
			return FALSE;
		if (link->element.epoch == walk->epoch || !map_view_follows(view, link))
			continue;
		link->element.epoch = walk->epoch;
		g_ptr_array_add(walk->links, link);
		if (fn && !fn(&link->element, data))
			return FALSE;
		meet_node(walk, map_link_other(link, node), node->depth + 1);
	}
	return TRUE;
}

gboolean map_walk_run(struct map_walk *walk, const struct map_view *view, struct map_node *start,
	map_walk_fn fn, gpointer data)
{
	walk->epoch = map_graph_next_epoch(start->element.graph);
	g_ptr_array_set_size(walk->nodes, 0);
	g_ptr_array_set_size(walk->links, 0);
	meet_node(walk, start, 0);
	/* The list of nodes met is also the queue of nodes to expand. */
	for (guint i = 0; i < walk->nodes->len; i++) {
		struct map_node *node = g_ptr_array_index(walk->nodes, i);
		if (!charge(walk, &node->element) || (fn && !fn(&node->element, data)))
			return FALSE;
		if (map_view_expands(view, node, node->depth) &&
			!expand(walk, view, node, fn, data))
			return FALSE;
	}
	return TRUE;
}

void map_search_write_item(
	const struct map_view *view, const struct map_element *element, GString *out)
{
	const struct map_link *link = element->is_link ? (const struct map_link *)element : NULL;
	const struct map_node *node = link ? link->ends[0] : (const struct map_node *)element;
	const struct ifmap_meta *some[64];
	const struct ifmap_meta **metas = some;
	size_t n_metas = 0;

	if (element->facts.length > G_N_ELEMENTS(some))
		metas = g_new(const struct ifmap_meta *, element->facts.length);
	for (const struct map_fact *fact = map_element_first(element); fact;
		fact = map_fact_next(fact))
		if (map_view_shows(view, fact))
			metas[n_metas++] = fact->meta;
	ifmap_reply_item(out, node->id, link ? link->ends[1]->id : NULL, metas, n_metas);
	if (metas != some)
		g_free(metas);
}

struct writing {
	const struct map_view *view;
	GString *out;
	size_t limit; /* out->len at which the result is too big */
};

static gboolean write_element(struct map_element *element, gpointer data)
{
	struct writing *writing = data;
	map_search_write_item(writing->view, element, writing->out);
	return writing->out->len <= writing->limit;
}

gboolean map_search_write(struct map_graph *graph, struct map_walk *walk,
	const struct map_view *view, const char *name, GString *out, GError **error)
{
	const struct ifmap_id *id = view->query->start;
	struct map_node *start = map_graph_find_node(graph, id);
	gsize before = out->len;
	struct writing writing = { .view = view, .out = out };
	gboolean complete = TRUE;
	gboolean costly = FALSE;

	if (!g_size_checked_add(&writing.limit, before, view->max_size))
		writing.limit = G_MAXSIZE;
	g_ptr_array_set_size(walk->nodes, 0);
	g_ptr_array_set_size(walk->links, 0);
	ifmap_reply_result_begin(out, IFMAP_RESULT_SEARCH, name);
	if (start) {
		walk->left = view->reader->search_cost ? view->reader->search_cost : G_MAXUINT64;
		complete = map_walk_run(walk, view, start, write_element, &writing);
		costly = !complete && out->len <= writing.limit;
		walk->left = G_MAXUINT64;
	} else {
		ifmap_reply_item(out, id, NULL, NULL, 0);
	}
	ifmap_reply_result_end(out, IFMAP_RESULT_SEARCH);
	if (complete && out->len <= writing.limit)
		return TRUE;
	g_string_truncate(out, before);
	if (costly)
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG,
			"the search would look at more than %" G_GUINT64_FORMAT
			" links and metadata",
			view->reader->search_cost);
	else
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_SEARCH_RESULTS_TOO_BIG,
			"the result is larger than %zu bytes", view->max_size);
	return FALSE;
}
