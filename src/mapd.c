/* drover-mapd: the MAP server. Arguments in, map/daemon.h does the rest. */
#include <stdio.h>
#include <stdlib.h>

#include "map/auth.h"
#include "map/config.h"
#include "map/daemon.h"

enum {
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
};

static int complain(const GError *error)
{
	g_printerr("drover-mapd: %s\n", error->message);
	return EXIT_REFUSED;
}

/* Prints a line for the password file; the password is the first line of standard input. */
static int hash_password(const char *name)
{
	char password[1024];
	g_autoptr(GError) error = NULL;

	if (!fgets(password, sizeof(password), stdin)) {
		g_printerr("drover-mapd: no password on standard input\n");
		return EXIT_USAGE;
	}
	g_strchomp(password);
	g_autofree char *line = map_auth_make_line(name, password, &error);
	if (!line)
		return complain(error);
	g_print("%s\n", line);
	return EXIT_SUCCESS;
}

static int run(const char *file, gboolean check_only)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(map_config) config = map_config_load(file, &error);

	if (!config)
		return complain(error);
	if (check_only) {
		g_autoptr(map_auth) auth = map_auth_new(config->password_file, &error);
		if (!auth)
			return complain(error);
		g_print("%s: good\n", file);
		return EXIT_SUCCESS;
	}
	return map_daemon_run(config, &error) ? EXIT_SUCCESS : complain(error);
}

int main(int argc, char **argv)
{
	g_autofree char *file = NULL;
	g_autofree char *hash = NULL;
	gboolean check = FALSE;
	gboolean example = FALSE;
	gboolean version = FALSE;
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &file,
			"Configuration (" MAP_CONFIG_FILE ")", "FILE" },
		{ "check-config", 0, 0, G_OPTION_ARG_NONE, &check,
			"Read the configuration, say whether it is good, stop", NULL },
		{ "example-config", 0, 0, G_OPTION_ARG_NONE, &example,
			"Print all configuration keys with their defaults and meanings", NULL },
		{ "hash-password", 0, 0, G_OPTION_ARG_STRING, &hash,
			"Print a line for the password file; the password is read from standard input",
			"NAME" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- IF-MAP 2.2 server");
	g_autofree char *keys = map_config_describe();
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1) {
		g_printerr("drover-mapd: %s\n", error ? error->message : "unexpected argument");
		return EXIT_USAGE;
	}
	if (version) {
		g_print("drover-mapd %s\n", DROVER_VERSION);
		return EXIT_SUCCESS;
	}
	if (example) {
		g_print("%s", keys);
		return EXIT_SUCCESS;
	}
	return hash ? hash_password(hash) : run(file ? file : MAP_CONFIG_FILE, check);
}
