/* base_daemon_main() in a process of its own. */
#include "base/daemon.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const struct base_conf_option no_options[] = { { NULL } };

static void *begin_and_be_asked_to_end(const void *conf, GError **error)
{
	static int object;

	kill(getpid(), SIGTERM);
	return &object;
}

static void say_end(void *object)
{
	puts("ended well");
}

/* SIGTERM that comes while the daemon starts ends it as one that comes later does. */
static void test_early_end(void)
{
	static const struct base_daemon daemon = {
		.name = "drover-test",
		.options = no_options,
		.conf_size = 1,
		.begin = begin_and_be_asked_to_end,
		.end = say_end,
	};

	if (g_test_subprocess()) {
		g_autofree char *config = NULL;
		int fd = g_file_open_tmp("drover-daemon-XXXXXX", &config, NULL);
		char *argv[] = { (char *)"drover-test", (char *)"--config", config, NULL };

		g_assert_cmpint(fd, >=, 0);
		close(fd);
		g_assert_cmpint(base_daemon_main(&daemon, 3, argv), ==, 0);
		g_unlink(config);
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stdout("*ended well*");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/daemon/early-end", test_early_end);
	return g_test_run();
}
