#include "map/policy.h"

#define NS_SERVER   "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1"
#define NS_CONTAUTH "http://www.trustedcomputinggroup.org/2013/MAP-CONTENT-AUTHORIZATION/1"

#define BIT(action) (1U << (action))
#define WRITES                                                                      \
	(BIT(MAP_ACTION_UPDATE) | BIT(MAP_ACTION_NOTIFY) | BIT(MAP_ACTION_DELETE) | \
		BIT(MAP_ACTION_PURGE))

typedef gboolean (*item_test)(const struct map_item *item);

static gboolean touches(const struct map_item *item, gboolean (*test)(const struct ifmap_id *))
{
	return (item->a && test(item->a)) || (item->b && test(item->b));
}

static gboolean id_is_server(const struct ifmap_id *id)
{
	return ifmap_id_is_extended(id, NS_SERVER, "ifmap-server");
}

static gboolean id_is_client(const struct ifmap_id *id)
{
	return ifmap_id_type(id) == IFMAP_ID_IDENTITY &&
	       g_str_equal(ifmap_id_domain(id), "ifmap:client");
}

static gboolean on_server(const struct map_item *item)
{
	return touches(item, id_is_server);
}

static gboolean on_client(const struct map_item *item)
{
	return touches(item, id_is_client);
}

static gboolean is_task(const struct map_item *item)
{
	return item->meta && g_str_equal(ifmap_meta_ns(item->meta), NS_CONTAUTH);
}

static gboolean is_foreign(const struct map_item *item)
{
	return item->foreign;
}

/* First match wins; no match permits. */
static const struct rule {
	unsigned actions; /* set of enum map_action */
	unsigned with;    /* any of these rights; 0: whoever */
	item_test test;   /* NULL: whatever item */
	gboolean permit;
} rules[] = {
	{ ~0U, MAP_RIGHT_SERVER, NULL, TRUE },
	{ WRITES, MAP_RIGHT_READ_ONLY, NULL, FALSE },
	{ WRITES, 0, on_server, FALSE },
	{ BIT(MAP_ACTION_PURGE), MAP_RIGHT_PURGE_OTHERS, NULL, TRUE },
	{ BIT(MAP_ACTION_PURGE), 0, is_foreign, FALSE },
	{ WRITES, MAP_RIGHT_ADMIN, NULL, TRUE },
	{ WRITES, 0, on_client, FALSE },
	{ WRITES, 0, is_task, FALSE },
};

gboolean map_policy_allows(
	const struct map_subject *subject, enum map_action action, const struct map_item *item)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
		const struct rule *rule = &rules[i];
		if (!(rule->actions & BIT(action)))
			continue;
		if (rule->with && !(rule->with & subject->rights))
			continue;
		if (rule->test && !rule->test(item))
			continue;
		return rule->permit;
	}
	return TRUE;
}
