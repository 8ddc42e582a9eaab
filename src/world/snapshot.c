#include "world/internal.h"

#include <string.h>

/* Snapshots: the facts of a world as JSON, sorted, and back. */

#define FORMAT "drover-world-1"

static int compare_stored(gconstpointer a, gconstpointer b)
{
	const struct world_stored *const *x = a;
	const struct world_stored *const *y = b;
	int order;

	if ((*x)->kind != (*y)->kind)
		return (*x)->kind < (*y)->kind ? -1 : 1;
	order = strcmp((*x)->a, (*y)->a);
	return order ? order : g_strcmp0((*x)->b, (*y)->b);
}

static json_t *entry_to_json(const struct world_stored *stored)
{
	json_t *entry = json_object();

	json_object_set_new(entry, "kind", json_string(facts_type(stored->kind)->name));
	json_object_set_new(entry, "a", json_string(stored->a));
	if (stored->b)
		json_object_set_new(entry, "b", json_string(stored->b));
	if (stored->host)
		json_object_set_new(entry, "host", json_string(stored->host));
	json_object_set_new(entry, "fact", facts_to_json(stored->kind, stored->fact));
	return entry;
}

json_t *world_to_json(const struct world *world)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	json_t *root = json_object();
	json_t *entries = json_array();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, world->facts);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(list, value);
	g_ptr_array_sort(list, compare_stored);
	for (unsigned i = 0; i < list->len; i++)
		json_array_append_new(entries, entry_to_json(list->pdata[i]));
	json_object_set_new(root, "format", json_string(FORMAT));
	json_object_set_new(root, "as-of-ms", json_integer((json_int_t)world->as_of_ms));
	json_object_set_new(root, "facts", entries);
	return root;
}

static gboolean read_entry(struct world *world, const json_t *entry, GError **error)
{
	const char *name = json_string_value(json_object_get(entry, "kind"));
	const char *a = json_string_value(json_object_get(entry, "a"));
	const char *b = json_string_value(json_object_get(entry, "b"));
	enum facts_kind kind = facts_kind_from_name(name);
	g_autofree void *fact = NULL;

	if (kind == FACTS_N_KINDS || !a) {
		g_set_error(error, WORLD_ERROR, WORLD_ERROR_SNAPSHOT,
			"no fact: wants \"kind\" of docs/map.md, \"a\", maybe \"b\", and \"fact\"");
		return FALSE;
	}
	fact = g_malloc0(facts_type(kind)->record.size);
	if (!world_fact_from_json(kind, json_object_get(entry, "fact"), fact, error)) {
		g_prefix_error(error, "%s on %s: ", name, a);
		return FALSE;
	}
	world->hint = json_string_value(json_object_get(entry, "host"));
	if (!world_put(world, kind, a, b, fact, NULL))
		g_set_error(error, WORLD_ERROR, WORLD_ERROR_SNAPSHOT,
			"%s cannot hang on %s%s%s; it hangs on %s", name, a, b ? " and " : "",
			b ? b : "", facts_type(kind)->on);
	world->hint = NULL;
	facts_clear(kind, fact);
	return !error || !*error;
}

struct world *world_from_json(const json_t *json, GError **error)
{
	const char *format = json_string_value(json_object_get(json, "format"));
	const json_t *facts = json_object_get(json, "facts");
	g_autoptr(world_value) world = world_new();

	if (g_strcmp0(format, FORMAT) != 0 || !json_is_array(facts)) {
		g_set_error(error, WORLD_ERROR, WORLD_ERROR_SNAPSHOT,
			"not a snapshot: wants \"format\": \"" FORMAT "\" and a list \"facts\"");
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(facts); i++) {
		g_autoptr(GError) why = NULL;

		if (read_entry(world, json_array_get(facts, i), &why))
			continue;
		g_set_error(error, WORLD_ERROR, WORLD_ERROR_SNAPSHOT, "entry %zu: %s", i + 1,
			why->message);
		return NULL;
	}
	world->as_of_ms = (guint64)json_integer_value(json_object_get(json, "as-of-ms"));
	return g_steal_pointer(&world);
}
