#include "host/routes.h"

#include "host/vicinity.h"

#include <string.h>

/* What was found out about a gateway. */
struct answer {
	enum netread_state state;
	char mac[NETREAD_MAC_SIZE];
};

struct routes {
	unsigned n_max;
	GArray *found; /* struct netread_route, of the reading under way */
	guint64 n_cut;
	GArray *standing; /* of the last that came to its end, sorted */
	guint64 n_standing_cut;
	GHashTable *gateways; /* "INDEX ADDRESS" -> struct answer */
	struct facts_routes told;
	gboolean any_told;
};

static int compare_routes(gconstpointer a, gconstpointer b)
{
	const struct netread_route *left = a;
	const struct netread_route *right = b;
	int order = (int)left->bits - (int)right->bits;

	if (order == 0)
		order = strcmp(left->prefix, right->prefix);
	if (order == 0 && left->metric != right->metric)
		order = left->metric < right->metric ? -1 : 1;
	if (order == 0)
		order = strcmp(left->gateway, right->gateway);
	return order ? order : (int)left->index - (int)right->index;
}

struct routes *routes_new(unsigned n_max)
{
	struct routes *routes = g_new0(struct routes, 1);

	routes->n_max = n_max;
	routes->found = g_array_new(FALSE, FALSE, sizeof(struct netread_route));
	routes->standing = g_array_new(FALSE, FALSE, sizeof(struct netread_route));
	routes->gateways = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return routes;
}

void routes_free(struct routes *routes)
{
	if (!routes)
		return;
	facts_clear(FACTS_ROUTES, &routes->told);
	g_hash_table_unref(routes->gateways);
	g_array_unref(routes->standing);
	g_array_unref(routes->found);
	g_free(routes);
}

/* ---- routes ---- */

void routes_begin(struct routes *routes)
{
	g_array_set_size(routes->found, 0);
	routes->n_cut = 0;
}

void routes_take(struct routes *routes, const struct netread_route *route)
{
	struct netread_route *last = NULL;

	if (routes->found->len < routes->n_max) {
		g_array_append_val(routes->found, *route);
		return;
	}
	routes->n_cut++;
	for (unsigned i = 0; i < routes->found->len; i++) {
		struct netread_route *other = &g_array_index(
			routes->found, struct netread_route, i);

		if (!last || compare_routes(other, last) > 0)
			last = other;
	}
	if (last && compare_routes(route, last) < 0)
		*last = *route;
}

static char *gateway_key(unsigned index, const char *address)
{
	return g_strdup_printf("%u %s", index, address);
}

void routes_end(struct routes *routes)
{
	GArray *found = routes->found;

	g_array_sort(found, compare_routes);
	routes->found = routes->standing;
	routes->standing = found;
	routes->n_standing_cut = routes->n_cut;
	g_hash_table_remove_all(routes->gateways);
	for (unsigned i = 0; i < found->len; i++) {
		const struct netread_route *route = &g_array_index(found, struct netread_route, i);

		if (*route->gateway)
			g_hash_table_replace(routes->gateways,
				gateway_key(route->index, route->gateway),
				g_new0(struct answer, 1));
	}
	routes_begin_neighbours(routes);
}

/* ---- gateways ---- */

void routes_begin_neighbours(struct routes *routes)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, routes->gateways);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		*(struct answer *)value = (struct answer){ .state = NETREAD_PENDING };
}

void routes_take_neighbour(struct routes *routes, const struct netread_neighbour *neighbour)
{
	g_autofree char *key = NULL;
	struct answer *answer;

	if (neighbour->on_bridge || g_hash_table_size(routes->gateways) == 0)
		return;
	key = gateway_key(neighbour->index, neighbour->address);
	answer = g_hash_table_lookup(routes->gateways, key);
	if (!answer)
		return;
	answer->state = neighbour->state;
	g_strlcpy(answer->mac, neighbour->mac, sizeof(answer->mac));
}

/* ---- the fact ---- */

static const char *const states[] = {
	[NETREAD_KNOWN] = "answers",
	[NETREAD_PENDING] = "unknown",
	[NETREAD_SILENT] = "silent",
	[NETREAD_OWN] = "answers", /* somebody vouches for it by configuration */
};

static void add_gateway(struct routes *routes, const struct netread_route *route,
	const char *device, GHashTable *done, struct facts_routes *fact)
{
	g_autofree char *key = gateway_key(route->index, route->gateway);
	const struct answer *answer = g_hash_table_lookup(routes->gateways, key);
	struct facts_gateway *gateway;

	if (!*route->gateway || !answer || !g_hash_table_add(done, g_strdup(key)))
		return;
	gateway = facts_list_add(fact->gateways, FACTS_ROUTES, "gateway");
	gateway->address = g_strdup(route->gateway);
	gateway->device = g_strdup(device);
	gateway->mac = *answer->mac ? g_strdup(answer->mac) : NULL;
	gateway->state = g_strdup(states[answer->state]);
}

static void add_route(const struct netread_route *route, const char *device, GHashTable *segments,
	struct facts_routes *fact)
{
	struct facts_route *to = facts_list_add(fact->routes, FACTS_ROUTES, "route");

	to->prefix = g_strdup(route->prefix);
	to->gateway = *route->gateway ? g_strdup(route->gateway) : NULL;
	to->device = g_strdup(device);
	to->segment = g_strdup(vicinity_segment(segments, device));
	to->metric = route->metric;
}

gboolean routes_news(struct routes *routes, const char *(*device)(unsigned index, gpointer data),
	gpointer data, GHashTable *segments, struct facts_routes *ret_fact)
{
	g_autoptr(GHashTable) done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct facts_routes fact = { facts_list_new(), facts_list_new(), routes->n_standing_cut };

	for (unsigned i = 0; i < routes->standing->len; i++) {
		const struct netread_route *route = &g_array_index(
			routes->standing, struct netread_route, i);
		const char *name = device(route->index, data);

		add_route(route, name, segments, &fact);
		add_gateway(routes, route, name, done, &fact);
	}
	if (routes->any_told && facts_equal(FACTS_ROUTES, &fact, &routes->told)) {
		facts_clear(FACTS_ROUTES, &fact);
		return FALSE;
	}
	facts_clear(FACTS_ROUTES, &routes->told);
	routes->any_told = TRUE;
	routes->told = fact;
	facts_copy(FACTS_ROUTES, &fact, ret_fact);
	return TRUE;
}
