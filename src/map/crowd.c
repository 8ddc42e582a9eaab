#include "map/crowd.h"

struct map_crowd {
	unsigned most;
	GMutex lock;
	GHashTable *counts; /* client -> how many, at least 1 */
};

struct map_crowd *map_crowd_new(unsigned most)
{
	struct map_crowd *crowd = g_new0(struct map_crowd, 1);

	crowd->most = most;
	g_mutex_init(&crowd->lock);
	crowd->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return crowd;
}

void map_crowd_free(struct map_crowd *crowd)
{
	if (!crowd)
		return;
	g_hash_table_unref(crowd->counts);
	g_mutex_clear(&crowd->lock);
	g_free(crowd);
}

gboolean map_crowd_enter(struct map_crowd *crowd, const char *client)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&crowd->lock);
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(crowd->counts, client));

	if (n >= crowd->most)
		return FALSE;
	g_hash_table_insert(crowd->counts, g_strdup(client), GUINT_TO_POINTER(n + 1));
	return TRUE;
}

void map_crowd_leave(struct map_crowd *crowd, const char *client)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&crowd->lock);
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(crowd->counts, client));

	if (n > 1)
		g_hash_table_insert(crowd->counts, g_strdup(client), GUINT_TO_POINTER(n - 1));
	else
		g_hash_table_remove(crowd->counts, client);
}
