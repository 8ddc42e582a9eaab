/* drover-mapd: the MAP server. See map/daemon.h. */
#include <stdio.h>
#include <stdlib.h>

#include "base/daemon.h"
#include "map/auth.h"
#include "map/confine.h"
#include "map/daemon.h"
#include "map/password.h"

static char *hash_name; /* --hash-password */

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
		.instead = hash_password,
	};

	return base_daemon_main(&daemon, argc, argv);
}
