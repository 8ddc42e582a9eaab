/* Configuration: defaults, errors that name the place, and the folder that comes after the file. */
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

static void test_defaults(void)
{
	g_autofree char *path = write_file(
		"mapd.conf", LOGIN "[client x]\nread-only=true\nadmin=true\n");
	g_autoptr(map_config) config = map_config_load(path, NULL);
	g_assert_nonnull(config);
	g_assert_cmpuint(config->port, ==, 8443);
	g_assert_cmpuint(config->limits.session_timeout_s, ==, 180);
	g_assert_cmpuint(map_config_rights(config, "x"), ==, MAP_RIGHT_READ_ONLY | MAP_RIGHT_ADMIN);
	g_assert_cmpuint(map_config_rights(config, "y"), ==, 0);
	g_unlink(path);
}

static void test_errors(void)
{
	static const struct {
		const char *text;
		const char *complaint;
	} rows[] = {
		{ "", "nobody could log in" },
		{ LOGIN "color=red\n", "[server] color: no such key" },
		{ LOGIN "port=65536\n", "[server] port: not a value" },
		{ LOGIN "port=-1\n", "[server] port: not a value" },
		{ LOGIN "[limits]\nbody=big\n", "[limits] body: not a value" },
		{ LOGIN "[limit]\nbody=1\n", "[limit] body: no such key" },
		{ LOGIN "[client x]\nroot=true\n", "[client x] root: no such key" },
		{ LOGIN "[client x]\nadmin=maybe\n", "[client x] admin: is neither" },
		{ "port=1\n", "mapd.conf" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = write_file("mapd.conf", rows[i].text);
		g_autoptr(GError) error = NULL;
		g_autoptr(map_config) config = map_config_load(path, &error);
		g_assert_null(config);
		g_assert_nonnull(strstr(error->message, rows[i].complaint));
		g_assert_nonnull(strstr(error->message, "mapd.conf"));
		g_unlink(path);
	}
}

static void test_folder(void)
{
	g_autofree char *path = write_file("mapd.conf", LOGIN "port=1\nthreads=3\n");
	g_autofree char *folder = g_strconcat(path, ".d", NULL);
	g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
	g_autofree char *second = write_file("mapd.conf.d/20.conf", "[server]\nport=3\n");
	g_autofree char *first = write_file("mapd.conf.d/10.conf", "[server]\nport=2\n");
	g_autofree char *ignored = write_file("mapd.conf.d/30.bak", "[server]\nport=4\n");
	g_autoptr(map_config) config = map_config_load(path, NULL);
	g_assert_nonnull(config);
	g_assert_cmpuint(config->port, ==, 3);
	g_assert_cmpuint(config->threads, ==, 3);
	g_unlink(first);
	g_unlink(second);
	g_unlink(ignored);
	g_rmdir(folder);
	g_unlink(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("drover-map-config-XXXXXX", NULL);
	g_assert_nonnull(dir);
	g_test_add_func("/map/config/defaults and rights", test_defaults);
	g_test_add_func("/map/config/errors name the place", test_errors);
	g_test_add_func("/map/config/folder", test_folder);
	int status = g_test_run();
	g_rmdir(dir);
	g_free(dir);
	return status;
}
