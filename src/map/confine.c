#include "map/confine.h"

#include "base/landlock.h"

/* Of these, libraries read what they like: shared objects, time zones, settings of TLS; none holds
 * a secret. */
static const struct base_landlock_path common[] = {
	{ "/usr", BASE_LANDLOCK_READ },
	{ "/lib", BASE_LANDLOCK_READ },
	{ "/lib64", BASE_LANDLOCK_READ },
	{ "/etc/localtime", BASE_LANDLOCK_READ },
	{ "/etc/gnutls", BASE_LANDLOCK_READ },
	{ "/etc/ld.so.cache", BASE_LANDLOCK_READ },
	{ "/dev/urandom", BASE_LANDLOCK_READ },
	{ "/dev/null", BASE_LANDLOCK_WRITE },
	{ "/proc/self", BASE_LANDLOCK_READ },
};

/* The folder of a file that is written anew beside and renamed, as editors do: a rule on the file
 * itself would stay with the old one. */
static void add_folder(
	GArray *paths, GPtrArray *names, const char *file, enum base_landlock_use use)
{
	if (!*file)
		return;
	char *folder = g_path_get_dirname(file);
	const struct base_landlock_path path = { folder, use };
	g_ptr_array_add(names, folder);
	g_array_append_val(paths, path);
}

/* Where SQLite may put a large change while it is made: beside the database, since the folders for
 * everybody's temporary files are out of reach. */
static void keep_temporaries_with(const char *store)
{
	g_autofree char *folder = g_path_get_dirname(store);
	if (*store)
		g_setenv("SQLITE_TMPDIR", folder, TRUE);
}

gboolean map_confine(const struct map_config *config, GError **error)
{
	g_autoptr(GArray) paths = g_array_new(FALSE, FALSE, sizeof(struct base_landlock_path));
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	keep_temporaries_with(config->store);
	g_array_append_vals(paths, common, G_N_ELEMENTS(common));
	add_folder(paths, names, config->store, BASE_LANDLOCK_WRITE);
	add_folder(paths, names, config->port_file, BASE_LANDLOCK_WRITE);
	add_folder(paths, names, config->rules, BASE_LANDLOCK_READ);
	add_folder(paths, names, config->password_file, BASE_LANDLOCK_READ);
	switch (base_landlock_enter(
		(const struct base_landlock_path *)(void *)paths->data, paths->len, error)) {
	case BASE_LANDLOCK_ENTERED:
		return TRUE;
	case BASE_LANDLOCK_ABSENT:
		g_message("this kernel has no Landlock: files are guarded by permissions alone");
		return TRUE;
	case BASE_LANDLOCK_FAILED:
		return FALSE;
	}
	return FALSE;
}
