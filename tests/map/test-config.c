/* drover-mapd's rows of configuration: defaults, bounds, what a client may do. */
#include "map/config.h"

#include <glib/gstdio.h>
#include <string.h>

static char *dir;

static char *write_file(const char *name, const char *text)
{
	char *path = g_build_filename(dir, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	return path;
}

#define LOGIN "[server]\npassword-file=/p\n"

static gboolean load(const char *path, struct map_config *config, GError **error)
{
	if (!base_conf_read(path, MAP_CONFIG_OPTIONS, config, error))
		return FALSE;
	if (map_config_check(config, error))
		return TRUE;
	base_conf_clear(MAP_CONFIG_OPTIONS, config);
	return FALSE;
}

static void test_defaults(void)
{
	g_autofree char *path = write_file(
		"mapd.conf", LOGIN "[client x]\nread-only=true\nadmin=true\n");
	struct map_config config = { 0 };
	g_autoptr(GError) error = NULL;

	load(path, &config, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(config.port, ==, 8443);
	g_assert_cmpmem(&config.limits, sizeof(config.limits), &map_limits_default,
		sizeof(map_limits_default));
	g_assert_cmpuint(
		map_config_rights(&config, "x"), ==, MAP_RIGHT_READ_ONLY | MAP_RIGHT_ADMIN);
	g_assert_cmpuint(map_config_rights(&config, "y"), ==, 0);
	base_conf_clear(MAP_CONFIG_OPTIONS, &config);
	g_unlink(path);
}

static void test_errors(void)
{
	static const struct {
		const char *text;
		const char *complaint;
	} rows[] = {
		{ "", "nobody could log in" },
		{ LOGIN "color=red\n", "[server] color: there is no such option" },
		{ LOGIN "port=65536\n", "[server] port: '65536' is not a number from 0 to 65535" },
		{ LOGIN "[limits]\nbody=10\n", "[limits] body: '10' is not" },
		{ LOGIN "[client x]\nroot=true\n", "[client x] root: there is no such option" },
		{ LOGIN "[client x]\nadmin=maybe\n", "[client x] admin: 'maybe' is not yes or no" },
		{ LOGIN "[client]\nadmin=yes\n", "[client]: there is no such section" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = write_file("mapd.conf", rows[i].text);
		struct map_config config = { 0 };
		g_autoptr(GError) error = NULL;

		g_assert_false(load(path, &config, &error));
		g_assert_nonnull(strstr(error->message, rows[i].complaint));
		g_unlink(path);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("drover-map-config-XXXXXX", NULL);
	g_assert_nonnull(dir);
	g_test_add_func("/map/config/defaults and rights", test_defaults);
	g_test_add_func("/map/config/errors name the place", test_errors);
	int status = g_test_run();
	g_rmdir(dir);
	g_free(dir);
	return status;
}
