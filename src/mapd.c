/* drover-mapd: the MAP server. See map/daemon.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/daemon.h"
#include "map/auth.h"
#include "map/confine.h"
#include "map/daemon.h"
#include "map/password.h"
#include "map/storefile.h"

static char *hash_name;    /* --hash-password */
static char *backup_file;  /* --backup */
static char *restore_file; /* --restore */
static char *store_file;   /* --store */

#define DEFAULT_STORE "/var/lib/drover-mapd/map.sqlite"

/* Prints a line for the password file; the password is the first line of standard input. */
static int hash_password(void)
{
	char password[1024];
	g_autoptr(GError) error = NULL;
	g_autofree char *name = g_steal_pointer(&hash_name);

	if (!name)
		return -1;
	if (!fgets(password, sizeof(password), stdin)) {
		g_printerr("drover-mapd: no password on standard input\n");
		return 2;
	}
	g_autofree char *line = map_password_line(
		name, g_strchomp(password), MAP_PASSWORD_COST, &error);
	if (!line) {
		g_printerr("drover-mapd: %s\n", error->message);
		return 1;
	}
	g_print("%s\n", line);
	return 0;
}

/* Copies of the store; who may read its folder may make them. */
static int copy_store(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *from = g_steal_pointer(&restore_file);
	g_autofree char *to = g_steal_pointer(&backup_file);
	g_autofree char *given = g_steal_pointer(&store_file);
	const char *store = given ? given : DEFAULT_STORE;
	(void)umask(S_IRWXG | S_IRWXO);
	gboolean good = from ? map_storefile_restore(from, store, &error)
			     : map_storefile_backup(store, to, &error);

	if (good)
		return 0;
	g_printerr("drover-mapd: %s\n", error->message);
	return 1;
}

static int instead(void)
{
	return backup_file || restore_file ? copy_store() : hash_password();
}

static gboolean check(const void *conf, GError **error)
{
	const struct map_config *config = conf;

	if (!map_config_check(config, error))
		return FALSE;
	g_autoptr(map_auth) auth = map_auth_new(config, error);
	g_autoptr(map_policy)
		policy = auth ? map_policy_new(*config->rules ? config->rules : NULL, error) : NULL;
	return policy != NULL;
}

static const char *user_of(const void *conf)
{
	return ((const struct map_config *)conf)->user;
}

static gboolean confine(const void *conf, GError **error)
{
	return map_confine(conf, error);
}

static void *begin(const void *conf, GError **error)
{
	return map_daemon_open(conf, error);
}

static gboolean serve(void *daemon, GError **error)
{
	return map_daemon_serve(daemon, error);
}

static gboolean reload(void *daemon, GError **error)
{
	return map_daemon_reload(daemon, error);
}

static void end(void *daemon)
{
	map_daemon_free(daemon);
}

int main(int argc, char **argv)
{
	const GOptionEntry entries[] = {
		{ "hash-password", 0, 0, G_OPTION_ARG_STRING, &hash_name,
			"print a line for the password file; the password is read from standard input",
			"NAME" },
		{ "backup", 0, 0, G_OPTION_ARG_FILENAME, &backup_file,
			"copy the store to FILE, also while a server runs", "FILE" },
		{ "restore", 0, 0, G_OPTION_ARG_FILENAME, &restore_file,
			"check FILE and put it in the store's place; no server may run", "FILE" },
		{ "store", 0, 0, G_OPTION_ARG_FILENAME, &store_file,
			"which store --backup and --restore mean (" DEFAULT_STORE ")", "PATH" },
		{ NULL },
	};
	const struct base_daemon daemon = {
		.name = "drover-mapd",
		.what = "Keeps the fleet's map: an IF-MAP 2.2 server.",
		.default_config = "/etc/drover/mapd.conf",
		.options = MAP_CONFIG_OPTIONS,
		.conf_size = sizeof(struct map_config),
		.user = user_of,
		.check = check,
		.confine = confine,
		.begin = begin,
		.serve = serve,
		.reload = reload,
		.end = end,
		.entries = entries,
		.instead = instead,
	};

	return base_daemon_main(&daemon, argc, argv);
}
