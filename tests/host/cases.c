#include "cases.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>

static void skip(gconstpointer why)
{
	g_test_skip(why);
}

int cases_run(int argc, char **argv, char *(*why_not)(void), const struct cases_case *cases,
	size_t n_cases)
{
	g_autofree char *why = NULL;

	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	why = why_not();
	for (size_t i = 0; i < n_cases; i++) {
		if (why)
			g_test_add_data_func(cases[i].path, why, skip);
		else
			g_test_add_func(cases[i].path, cases[i].run);
	}
	return g_test_run();
}

char *cases_own_network(void)
{
	if (unshare(CLONE_NEWNET) != 0)
		return g_strdup_printf(
			"no network namespace can be made here: %s", g_strerror(errno));
	return NULL;
}

void cases_command(const char *format, ...)
{
	g_autofree char *line = NULL;
	g_autofree char *problem = NULL;
	va_list arguments;
	int status;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_assert_true(g_spawn_command_line_sync(line, NULL, &problem, &status, NULL));
	if (status)
		g_error("%s: %s", line, problem);
}
