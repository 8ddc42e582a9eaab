#include "control/judge.h"

struct judge {
	const struct world *world;
	struct plan_judge *plan;
	GHashTable *said; /* "vapp/host" -> struct facts_clearance, as last published */
};

static void clearance_free(gpointer data)
{
	facts_clear(FACTS_CLEARANCE, data);
	g_free(data);
}

struct judge *judge_new(void)
{
	struct judge *judge = g_new0(struct judge, 1);

	judge->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, clearance_free);
	return judge;
}

void judge_free(struct judge *judge)
{
	if (!judge)
		return;
	plan_judge_free(judge->plan);
	g_hash_table_unref(judge->said);
	g_free(judge);
}

void judge_set_world(struct judge *judge, const struct world *world)
{
	plan_judge_free(judge->plan);
	judge->world = world;
	judge->plan = plan_judge_new(world);
	g_hash_table_remove_all(judge->said);
}

static gboolean is_of(gpointer key, gpointer value, gpointer prefix)
{
	return g_str_has_prefix(key, prefix);
}

void judge_forget(struct judge *judge, const char *vapp)
{
	g_autofree char *prefix = g_strconcat(vapp, "/", NULL);

	g_hash_table_foreach_remove(judge->said, is_of, prefix);
}

struct plan_judge *judge_plan(struct judge *judge)
{
	return judge->plan;
}

static const struct facts_clearance *standing(
	struct judge *judge, const struct world_vapp *vapp, const char *host, const char *key)
{
	const struct facts_clearance *said = g_hash_table_lookup(judge->said, key);

	return said ? said : g_hash_table_lookup(vapp->clearances, host);
}

static void publish_verdict(struct ifmap_publish *publish, const char *vapp, const char *host,
	const struct facts_clearance *fact)
{
	g_autoptr(ifmap_id) a = facts_id_vapp(vapp, NULL);
	g_autoptr(ifmap_id) b = facts_id_device(host, NULL);

	if (a && b)
		facts_publish(publish, FACTS_CLEARANCE, a, b, fact);
}

static void judge_pair(struct judge *judge, const struct world_vapp *vapp,
	const struct world_host *host, guint64 now_ms, struct ifmap_publish *publish)
{
	g_autofree char *key = g_strconcat(vapp->name, "/", host->uuid, NULL);
	const struct facts_clearance *before = standing(judge, vapp, host->uuid, key);
	g_autoptr(GPtrArray) reasons = NULL;
	struct facts_clearance *after = g_new0(struct facts_clearance, 1);

	plan_clear_on(judge->plan, vapp->name, host->uuid, now_ms, &reasons);
	plan_clearance_to_fact(reasons, before, now_ms, after);
	if (before && !plan_clearance_differs(before, after)) {
		clearance_free(after);
		return;
	}
	publish_verdict(publish, vapp->name, host->uuid, after);
	g_hash_table_replace(judge->said, g_steal_pointer(&key), after);
}

/* Of all hosts those that were touched: most changes touch one of many. Free the array. */
static GPtrArray *touched_of(const GPtrArray *hosts, const struct world_touched *touched)
{
	GPtrArray *list = g_ptr_array_new();

	for (unsigned h = 0; h < hosts->len; h++) {
		struct world_host *host = hosts->pdata[h];

		if (g_hash_table_contains(touched->hosts, host->uuid))
			g_ptr_array_add(list, host);
	}
	return list;
}

unsigned judge_run(struct judge *judge, const struct world_touched *touched, guint64 now_ms,
	struct ifmap_publish *publish)
{
	g_autoptr(GPtrArray) vapps = world_vapps(judge->world);
	g_autoptr(GPtrArray) hosts = world_hosts(judge->world);
	g_autoptr(GPtrArray) some = touched_of(hosts, touched);
	unsigned n = 0;

	for (unsigned v = 0; v < vapps->len; v++) {
		const struct world_vapp *vapp = vapps->pdata[v];
		gboolean all = touched->everything ||
			       g_hash_table_contains(touched->vapps, vapp->name);
		const GPtrArray *which = all ? hosts : some;

		for (unsigned h = 0; vapp->vapp && h < which->len; h++) {
			judge_pair(judge, vapp, which->pdata[h], now_ms, publish);
			n++;
		}
	}
	return n;
}
