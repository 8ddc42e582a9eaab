#include "host/rules_zone.h"

#include <string.h>

#define ZONES 65535u

/* FNV-1a: GLib's own hash is not promised to stay. */
static guint32 hash(const char *text)
{
	guint32 value = 2166136261u;

	for (; *text; text++)
		value = (value ^ (guint8)*text) * 16777619u;
	return value;
}

static int compare(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static guint after(guint zone)
{
	return zone % ZONES + 1;
}

guint16 rules_zone_of(const char *bridge, const char *const *bridges, const char *const *routed)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GHashTable) taken = g_hash_table_new(NULL, NULL);
	guint zone = 0;

	if (g_strv_contains(routed, bridge))
		return 0;
	g_ptr_array_add(names, (gpointer)bridge);
	for (; *bridges; bridges++)
		if (!g_ptr_array_find_with_equal_func(names, *bridges, g_str_equal, NULL))
			g_ptr_array_add(names, (gpointer)*bridges);
	g_ptr_array_sort(names, compare);
	for (guint i = 0; i < names->len; i++) {
		zone = hash(names->pdata[i]) % ZONES + 1;
		while (!g_hash_table_add(taken, GUINT_TO_POINTER(zone)))
			zone = after(zone);
		if (!strcmp(names->pdata[i], bridge))
			break;
	}
	return (guint16)zone;
}
