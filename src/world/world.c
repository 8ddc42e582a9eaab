#include "world/world.h"

#include "world/internal.h"

#include <string.h>

/* The facts themselves: told, kept, asked for. What follows from them: place.c. */

G_DEFINE_QUARK(world - error - quark, world_error)

/* ---- touched ---- */

static GHashTable *string_set(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void world_touched_init(struct world_touched *touched)
{
	touched->hosts = string_set();
	touched->vapps = string_set();
	touched->orders = string_set();
	touched->everything = FALSE;
}

void world_touched_reset(struct world_touched *touched)
{
	g_hash_table_remove_all(touched->hosts);
	g_hash_table_remove_all(touched->vapps);
	g_hash_table_remove_all(touched->orders);
	touched->everything = FALSE;
}

void world_touched_clear(struct world_touched *touched)
{
	if (!touched->hosts)
		return;
	g_hash_table_unref(touched->hosts);
	g_hash_table_unref(touched->vapps);
	g_hash_table_unref(touched->orders);
	*touched = (struct world_touched){ 0 };
}

gboolean world_touched_is_empty(const struct world_touched *touched)
{
	return !touched->everything && g_hash_table_size(touched->hosts) == 0 &&
	       g_hash_table_size(touched->vapps) == 0 && g_hash_table_size(touched->orders) == 0;
}

/* ---- facts ---- */

static void order_places(const char **a, const char **b)
{
	const char *first = *a;

	if (!*b || strcmp(*a, *b) <= 0)
		return;
	*a = *b;
	*b = first;
}

static char *key_of(enum facts_kind kind, const char *a, const char *b)
{
	order_places(&a, &b);
	return g_strdup_printf("%s\x1f%s\x1f%s", facts_type(kind)->name, a, b ? b : "");
}

static void *copy_fact(enum facts_kind kind, const void *fact)
{
	void *copy = g_malloc0(facts_type(kind)->record.size);

	facts_copy(kind, fact, copy);
	return copy;
}

static void free_fact(enum facts_kind kind, void *fact)
{
	facts_clear(kind, fact);
	g_free(fact);
}

static struct world_stored *stored_new(
	enum facts_kind kind, const char *a, const char *b, const void *fact)
{
	struct world_stored *stored = g_new0(struct world_stored, 1);

	order_places(&a, &b);
	stored->kind = kind;
	stored->a = g_strdup(a);
	stored->b = g_strdup(b);
	stored->fact = copy_fact(kind, fact);
	return stored;
}

static void tell_other(struct world *world, struct world_stored *stored, const void *fact,
	struct world_touched *touched)
{
	void *before = stored->fact;

	if (facts_equal(stored->kind, before, fact))
		return;
	stored->fact = copy_fact(stored->kind, fact);
	world_place(world, stored, stored->fact, touched);
	free_fact(stored->kind, before);
}

gboolean world_put(struct world *world, enum facts_kind kind, const char *a, const char *b,
	const void *fact, struct world_touched *touched)
{
	g_autofree char *key = NULL;
	struct world_stored *stored;

	if (!world_kind_hangs(kind, a, b))
		return FALSE;
	key = key_of(kind, a, b);
	stored = g_hash_table_lookup(world->facts, key);
	if (fact && stored) {
		tell_other(world, stored, fact, touched);
	} else if (fact) {
		stored = stored_new(kind, a, b, fact);
		g_hash_table_insert(world->facts, g_steal_pointer(&key), stored);
		world_place(world, stored, stored->fact, touched);
	} else if (stored) {
		world_place(world, stored, NULL, touched);
		g_hash_table_remove(world->facts, key);
	}
	return TRUE;
}

static struct world_stored *find_stored(
	const struct world *world, enum facts_kind kind, const char *a, const char *b)
{
	g_autofree char *key = key_of(kind, a, b);

	return g_hash_table_lookup(world->facts, key);
}

const void *world_get(const struct world *world, enum facts_kind kind, const char *a, const char *b)
{
	const struct world_stored *stored = find_stored(world, kind, a, b);

	return stored ? stored->fact : NULL;
}

size_t world_n_facts(const struct world *world)
{
	return g_hash_table_size(world->facts);
}

/* ---- from the map ---- */

/* "device:UUID" and so on; NULL for identifiers that are no place of ours. */
static char *place_of(const struct ifmap_id *id)
{
	if (!id)
		return NULL;
	if (facts_id_name(id))
		return g_strconcat(ifmap_id_extended_name(id), ":", facts_id_name(id), NULL);
	if (ifmap_id_type(id) == IFMAP_ID_DEVICE)
		return g_strconcat("device:", ifmap_id_value(id), NULL);
	if (ifmap_id_type(id) == IFMAP_ID_MAC_ADDRESS)
		return g_strconcat("mac:", ifmap_id_value(id), NULL);
	return NULL;
}

/* Kind and places of a metadata instance; FALSE: nothing we keep. */
static gboolean read_place(const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, enum facts_kind *ret_kind, char *ret_places[static 2])
{
	enum facts_kind kind = facts_kind_of(meta);
	g_autofree char *place_a = place_of(a);
	g_autofree char *place_b = place_of(b);

	if (kind == FACTS_N_KINDS || !place_a || !place_b != !b ||
		!world_kind_hangs(kind, place_a, place_b))
		return FALSE;
	*ret_kind = kind;
	ret_places[0] = g_steal_pointer(&place_a);
	ret_places[1] = g_steal_pointer(&place_b);
	return TRUE;
}

gboolean world_add(struct world *world, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, struct world_touched *touched, GError **error)
{
	char *places[2] = { NULL, NULL };
	enum facts_kind kind = FACTS_N_KINDS;
	g_autofree void *fact = NULL;
	gboolean good;

	if (!read_place(a, b, meta, &kind, places))
		return TRUE;
	fact = g_malloc0(facts_type(kind)->record.size);
	good = facts_decode(kind, meta, fact, error);
	world_put(world, kind, places[0], places[1], good ? fact : NULL, touched);
	if (good)
		find_stored(world, kind, places[0], places[1])->timestamp_us =
			ifmap_meta_timestamp_us(meta);
	facts_clear(kind, fact);
	g_free(places[0]);
	g_free(places[1]);
	return good;
}

gboolean world_remove(struct world *world, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta, struct world_touched *touched)
{
	char *places[2] = { NULL, NULL };
	enum facts_kind kind = FACTS_N_KINDS;
	gint64 removed_us = ifmap_meta_timestamp_us(meta);
	const struct world_stored *stored;
	gboolean goes;

	if (!read_place(a, b, meta, &kind, places))
		return FALSE;
	stored = find_stored(world, kind, places[0], places[1]);
	goes = stored && (removed_us == 0 || stored->timestamp_us <= removed_us);
	if (goes)
		world_put(world, kind, places[0], places[1], NULL, touched);
	g_free(places[0]);
	g_free(places[1]);
	return goes;
}

static gboolean apply_item(struct world *world, enum ifmap_result_kind kind,
	const struct ifmap_item *item, struct world_touched *touched, GError **error)
{
	gboolean good = TRUE;

	for (unsigned i = 0; i < item->metas->len; i++) {
		const struct ifmap_meta *meta = item->metas->pdata[i];

		if (kind == IFMAP_RESULT_DELETE)
			world_remove(world, item->a, item->b, meta, touched);
		else
			good &= world_add(
				world, item->a, item->b, meta, touched, good ? error : NULL);
	}
	return good;
}

gboolean world_apply_result(struct world *world, const struct ifmap_result *result,
	struct world_touched *touched, GError **error)
{
	gboolean good = TRUE;

	if (result->kind == IFMAP_RESULT_NOTIFY)
		return TRUE;
	for (unsigned i = 0; i < result->items->len; i++)
		good &= apply_item(
			world, result->kind, result->items->pdata[i], touched, good ? error : NULL);
	return good;
}

/* ---- the rest of its values ---- */

void world_set_as_of(struct world *world, guint64 as_of_ms)
{
	world->as_of_ms = as_of_ms;
}

guint64 world_as_of(const struct world *world)
{
	return world->as_of_ms;
}

const struct label_policy *world_label_policy(const struct world *world, const char **ret_error)
{
	if (ret_error)
		*ret_error = world->policy_error;
	return world->policy;
}
