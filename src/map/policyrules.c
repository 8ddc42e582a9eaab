/* Rules and roles: their making and their end. */
#include "map/policyrules.h"

const char *const map_right_names[MAP_N_RIGHTS] = { "read-only", "may-purge-others", "admin" };

static void end_clear(struct map_end *end)
{
	g_free(end->ns);
	g_free(end->local);
	map_pattern_clear(&end->name);
}

static void place_free(gpointer data)
{
	struct map_place *place = data;
	end_clear(&place->ends[0]);
	end_clear(&place->ends[1]);
	g_free(place);
}

static void meta_name_free(gpointer data)
{
	struct map_meta_name *meta = data;
	g_free(meta->ns);
	g_free(meta->name);
	g_free(meta);
}

static void where_free(gpointer data)
{
	struct map_where *where = data;
	g_free(where->path);
	map_pattern_clear(&where->value);
	g_free(where);
}

static void pattern_free(gpointer data)
{
	map_pattern_clear(data);
	g_free(data);
}

void map_rule_free(gpointer data)
{
	struct map_rule *rule = data;
	if (!rule)
		return;
	g_free(rule->name);
	g_ptr_array_unref(rule->places);
	g_ptr_array_unref(rule->metas);
	g_ptr_array_unref(rule->wheres);
	g_free(rule->fits);
	g_free(rule);
}

void map_role_free(gpointer data)
{
	struct map_role *role = data;
	if (!role)
		return;
	g_free(role->name);
	g_ptr_array_unref(role->clients);
	g_free(role);
}

struct map_rule *map_rule_new(const char *name, unsigned line)
{
	struct map_rule *rule = g_new0(struct map_rule, 1);
	rule->name = g_strdup(name);
	rule->line = line;
	rule->places = g_ptr_array_new_with_free_func(place_free);
	rule->metas = g_ptr_array_new_with_free_func(meta_name_free);
	rule->wheres = g_ptr_array_new_with_free_func(where_free);
	return rule;
}

struct map_role *map_role_new(const char *name)
{
	struct map_role *role = g_new0(struct map_role, 1);
	role->name = g_strdup(name);
	role->clients = g_ptr_array_new_with_free_func(pattern_free);
	return role;
}
