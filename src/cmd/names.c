#include "cmd/names.h"

#include "cmd/command.h"

#include <string.h>

/* ---- how far one word is from another ---- */

#define WORD_MAX 63 /* longer ones are not compared: nobody mistypes them by two letters */

typedef guint8 costs[WORD_MAX + 1][WORD_MAX + 1];

/* From the first i letters of a to the first k of b. */
static guint8 cost_of(const char *a, const char *b, costs cost, size_t i, size_t k)
{
	unsigned least = MIN(cost[i - 1][k], cost[i][k - 1]) + 1U;

	least = MIN(least, cost[i - 1][k - 1] + (a[i - 1] == b[k - 1] ? 0U : 1U));
	if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
		least = MIN(least, cost[i - 2][k - 2] + 1U);
	return (guint8)least;
}

/* Optimal string alignment: insertions, deletions, exchanges and swaps of neighbours, one each. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a);
	size_t m = strlen(b);
	costs cost;

	for (size_t i = 0; i <= n; i++)
		cost[i][0] = (guint8)i;
	for (size_t k = 0; k <= m; k++)
		cost[0][k] = (guint8)k;
	for (size_t i = 1; i <= n; i++)
		for (size_t k = 1; k <= m; k++)
			cost[i][k] = cost_of(a, b, cost, i, k);
	return cost[n][m];
}

const char *names_nearest(const char *typed, const char *const *known)
{
	g_autofree char *low = g_ascii_strdown(typed, -1);
	size_t size = strlen(low);
	unsigned best = (unsigned)MAX(size / 3, 1); /* a slip leaves two letters of three */
	const char *found = NULL;

	for (; size <= WORD_MAX && *known; known++) {
		g_autofree char *other = g_ascii_strdown(*known, -1);
		unsigned far = strlen(other) <= WORD_MAX ? distance(low, other) : G_MAXUINT;

		/* a name of one or two letters is near to every other: only its case may differ */
		if (far > best || (far == best && found) || (far > 0 && size < 3))
			continue;
		best = far;
		found = *known;
	}
	return found;
}

/* "did you mean X?" or what lists them; newly allocated. */
static char *advice(const char *typed, const char *const *known, const char *list)
{
	const char *nearest = names_nearest(typed, known);

	return nearest ? g_strdup_printf("did you mean %s?", nearest)
		       : g_strdup_printf("`drover %s` shows them", list);
}

/* Says that there is no such thing. `all` are objects with a name each. */
static void say_unknown(const char *typed, const char *kind, const GPtrArray *all,
	const char *(*name_of)(gconstpointer object), const char *list)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	g_autofree char *help = NULL;

	for (unsigned i = 0; i < all->len; i++)
		g_ptr_array_add(known, (gpointer)name_of(all->pdata[i]));
	g_ptr_array_add(known, NULL);
	help = advice(typed, (const char *const *)known->pdata, list);
	context_say(0, "%s: no such %s; %s", typed, kind, help);
}

/* ---- applications ---- */

static const char *vapp_name_of(gconstpointer vapp)
{
	return ((const struct world_vapp *)vapp)->name;
}

const struct world_vapp *names_vapp(const struct world *world, const char *name)
{
	const struct world_vapp *found = world_find_vapp(world, name);
	g_autoptr(GPtrArray) all = found ? NULL : world_vapps(world);

	if (!found)
		say_unknown(name, "application", all, vapp_name_of, "vapp list");
	return found;
}

const struct world_vapp *names_package(const struct world *world, const char *name)
{
	const struct world_vapp *found = names_vapp(world, name);

	if (!found || found->vapp)
		return found;
	context_say(0, "%s: %s%s", name,
		found->error ? "its package cannot be read: "
			     : "it has no package; import one with: drover vapp import FILE",
		found->error ? found->error : "");
	return NULL;
}

/* ---- hosts ---- */

static const char *host_name_of(gconstpointer host)
{
	return world_host_name(host);
}

const struct world_host *names_host(const struct world *world, const char *name)
{
	const struct world_host *found = world_find_host(world, name);
	g_autoptr(GPtrArray) all = found ? NULL : world_hosts(world);

	if (!found)
		say_unknown(name, "host", all, host_name_of, "hosts");
	return found;
}

GPtrArray *names_hosts(const struct world *world, const char *list)
{
	g_auto(GStrv) names = g_strsplit(list, ",", -1);
	g_autoptr(GPtrArray) hosts = g_ptr_array_new();

	for (size_t i = 0; names[i]; i++) {
		const struct world_host *host = names_host(world, names[i]);

		if (!host)
			return NULL;
		g_ptr_array_add(hosts, (gpointer)host);
	}
	return g_steal_pointer(&hosts);
}

/* ---- reason codes ---- */

int names_code(const char *name)
{
	const char *known[PLAN_N_CODES + 1] = { NULL };
	g_autofree char *help = NULL;

	for (unsigned i = 0; i < PLAN_N_CODES; i++)
		known[i] = plan_code_info(i)->name;
	help = advice(name, known, "explain");
	return context_say(COMMAND_REFUSED, "%s is no reason code; %s", name, help);
}
