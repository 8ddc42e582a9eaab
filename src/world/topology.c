#include "world/internal.h"

#include <string.h>

/* The fabric of the world, made from facts when somebody asks. A name that fabric/ refuses (two
 * things of one name, too long) is left out: a cable that is not there can only make a verdict
 * stricter. */

static int compare_stored(gconstpointer a, gconstpointer b)
{
	const struct world_stored *const *x = a;
	const struct world_stored *const *y = b;
	int order = strcmp((*x)->a, (*y)->a);

	return order ? order : g_strcmp0((*x)->b, (*y)->b);
}

static GPtrArray *sorted(GHashTable *set)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, set);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(list, key);
	g_ptr_array_sort(list, compare_stored);
	return list;
}

GArray *world_cables(const struct world *world)
{
	g_autoptr(GPtrArray) list = sorted(world->cables);
	GArray *cables = g_array_sized_new(FALSE, FALSE, sizeof(struct world_cable), list->len);

	for (unsigned i = 0; i < list->len; i++) {
		const struct world_stored *stored = list->pdata[i];
		struct world_cable cable = { stored->a, stored->b, stored->fact };

		g_array_append_val(cables, cable);
	}
	return cables;
}

gboolean world_has_switch(const struct world *world, const char *name)
{
	const struct fabric_node *node = fabric_find_node(world_fabric(world), name);

	return node && node->kind == FABRIC_SWITCH;
}

static void add_node(struct fabric *graph, const char *name, enum fabric_kind kind)
{
	if (!fabric_find_node(graph, name))
		fabric_add_node(graph, name, kind, NULL);
}

static void add_switch(struct fabric *graph, const char *name)
{
	gboolean outside = name && strcmp(name, WORLD_OUTSIDE) == 0;

	if (name)
		add_node(graph, name, outside ? FABRIC_UPLINK : FABRIC_SWITCH);
}

static void add_edge(struct fabric *graph, const char *id, const struct fabric_edge *edge)
{
	struct fabric_edge copy = *edge;
	g_autofree char *longer = NULL;

	copy.id = (char *)id;
	if (fabric_find_edge(graph, id)) { /* two hosts of one name */
		longer = g_strdup_printf("%s–%s", edge->a, edge->b);
		copy.id = longer;
	}
	fabric_add_edge(graph, &copy, NULL);
}

static void add_cable(
	const struct world *world, struct fabric *graph, const struct world_stored *stored)
{
	const struct facts_fabric_link *link = stored->fact;
	const char *a = strchr(stored->a, ':') + 1;
	const char *b = strchr(stored->b, ':') + 1;
	const char *host_uuid = world_place_name(stored->a, "device");
	const struct world_host *host;
	g_autofree char *id = NULL;

	host = host_uuid ? g_hash_table_lookup(world->hosts, host_uuid) : NULL;
	id = g_strdup_printf("%s–%s", host ? world_host_name(host) : a, b);
	add_edge(graph, id,
		&(struct fabric_edge){ .a = (char *)a,
			.b = (char *)b,
			.up = link->up,
			.speed_mbps = link->speed_mbit,
			.mtu = (unsigned)MIN(link->mtu, G_MAXUINT),
			.risks = link->risks });
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static void add_segments(struct fabric *graph, const struct world_host *host)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(host->segments), compare_names);

	for (GList *l = names; l; l = l->next) {
		const struct facts_segment_present *present = g_hash_table_lookup(
			host->segments, l->data);
		g_autofree char *node = g_strconcat("segment:", (const char *)l->data, NULL);
		g_autofree char *id = g_strdup_printf("%s–%s", world_host_name(host), node);

		add_node(graph, node, FABRIC_SEGMENT);
		add_edge(graph, id,
			&(struct fabric_edge){ .a = host->uuid,
				.b = node,
				.up = present->up,
				.mtu = (unsigned)MIN(present->mtu, G_MAXUINT) });
	}
}

/* No way out named by facts: every switch is one. */
static void add_outside(struct fabric *graph)
{
	size_t n = fabric_n_nodes(graph);

	if (fabric_find_node(graph, WORLD_OUTSIDE))
		return;
	fabric_add_node(graph, WORLD_OUTSIDE, FABRIC_UPLINK, NULL);
	for (size_t i = 0; i < n; i++) {
		const struct fabric_node *node = fabric_get_node(graph, i);
		g_autofree char *id = NULL;

		if (node->kind != FABRIC_SWITCH)
			continue;
		id = g_strdup_printf("%s–%s", node->name, WORLD_OUTSIDE);
		fabric_add_edge(graph,
			&(struct fabric_edge){
				.id = id, .a = node->name, .b = (char *)WORLD_OUTSIDE, .up = TRUE },
			NULL);
	}
}

static struct fabric *make(const struct world *world)
{
	struct fabric *graph = fabric_new();
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	g_autoptr(GPtrArray) anchors = sorted(world->anchors);
	g_autoptr(GPtrArray) cables = sorted(world->cables);

	for (unsigned i = 0; i < hosts->len; i++)
		add_node(graph, ((const struct world_host *)hosts->pdata[i])->uuid, FABRIC_HOST);
	for (unsigned i = 0; i < anchors->len; i++) {
		const struct world_stored *stored = anchors->pdata[i];

		add_switch(graph, world_place_name(stored->a, "switch"));
		add_switch(graph, world_place_name(stored->b, "switch"));
	}
	for (unsigned i = 0; i < cables->len; i++) {
		const struct world_stored *stored = cables->pdata[i];

		add_switch(graph, world_place_name(stored->a, "switch"));
		add_switch(graph, world_place_name(stored->b, "switch"));
	}
	for (unsigned i = 0; i < cables->len; i++)
		add_cable(world, graph, cables->pdata[i]);
	for (unsigned i = 0; i < hosts->len; i++)
		add_segments(graph, hosts->pdata[i]);
	add_outside(graph);
	return graph;
}

void world_fabric_changed(struct world *world)
{
	fabric_free(world->fabric);
	world->fabric = NULL;
	world->fabric_serial++;
}

const struct fabric *world_fabric(const struct world *world)
{
	/* a cache: the facts it is made of do not change by making it */
	struct world *mutable = (struct world *)world;

	if (!mutable->fabric)
		mutable->fabric = make(world);
	return mutable->fabric;
}

guint64 world_fabric_serial(const struct world *world)
{
	return world->fabric_serial;
}
