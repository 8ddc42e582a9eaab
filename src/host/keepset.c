#include "host/keepset.h"

/* One fact that stands. */
struct place {
	enum facts_kind kind;
	struct ifmap_id *a;
	struct ifmap_id *b;
};

struct keepset {
	struct ifmap_client *client;
	GHashTable *groups; /* name -> GHashTable of key -> struct place */
	/* of the group being said */
	char *name;
	GHashTable *now;
};

static void place_free(gpointer data)
{
	struct place *place = data;

	ifmap_id_unref(place->a);
	ifmap_id_unref(place->b);
	g_free(place);
}

struct keepset *keepset_new(struct ifmap_client *client)
{
	struct keepset *set = g_new0(struct keepset, 1);

	set->client = client;
	set->groups = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
	return set;
}

void keepset_free(struct keepset *set)
{
	if (!set)
		return;
	g_clear_pointer(&set->now, g_hash_table_unref);
	g_hash_table_unref(set->groups);
	g_free(set->name);
	g_free(set);
}

void keepset_begin(struct keepset *set, const char *name)
{
	g_assert(!set->now);
	set->name = g_strdup(name);
	set->now = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, place_free);
}

void keepset_put(struct keepset *set, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const void *fact)
{
	struct place *place = g_new0(struct place, 1);

	place->kind = kind;
	place->a = ifmap_id_ref(a);
	place->b = b ? ifmap_id_ref(b) : NULL;
	g_hash_table_replace(set->now,
		g_strdup_printf("%d\n%s\n%s", (int)kind, ifmap_id_key(a), b ? ifmap_id_key(b) : ""),
		place);
	facts_keep(set->client, kind, a, b, NULL, fact);
}

void keepset_end(struct keepset *set)
{
	GHashTable *before = g_hash_table_lookup(set->groups, set->name);
	GHashTableIter iter;
	gpointer key;
	gpointer value;

	if (before)
		g_hash_table_iter_init(&iter, before);
	while (before && g_hash_table_iter_next(&iter, &key, &value)) {
		const struct place *place = value;

		if (!g_hash_table_contains(set->now, key))
			facts_keep(set->client, place->kind, place->a, place->b, NULL, NULL);
	}
	if (g_hash_table_size(set->now) > 0)
		g_hash_table_replace(set->groups, g_strdup(set->name), g_steal_pointer(&set->now));
	else
		g_hash_table_remove(set->groups, set->name);
	g_clear_pointer(&set->now, g_hash_table_unref);
	g_clear_pointer(&set->name, g_free);
}
