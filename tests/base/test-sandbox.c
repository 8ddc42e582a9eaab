/* The sandbox refuses what it says, in threads that were there before too, and leaves the rest
 * alone. */
#include "base/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit code of the child: which check failed, 0 none. */
static int check_refusals(void)
{
	static char *const argv[] = { (char *)"/bin/true", NULL };

	if (execv(argv[0], argv) != -1 || errno != EPERM)
		return 2;
	if (unshare(CLONE_NEWNET) != -1 || errno != EPERM)
		return 3;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != -1 || errno != EPERM)
		return 4;
	if (mount("none", "/tmp", "tmpfs", 0, NULL) != -1 || errno != EPERM)
		return 5;
	return getpid() > 0 ? 0 : 6;
}

static GMutex ready;

static gpointer thread_run(gpointer data)
{
	g_mutex_lock(&ready);
	g_mutex_unlock(&ready);
	return GINT_TO_POINTER(check_refusals());
}

static void in_child(int (*check)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(check());
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static int check_here(void)
{
	return base_sandbox_enter(NULL) ? check_refusals() : 1;
}

static int check_older_thread(void)
{
	GThread *thread;

	g_mutex_lock(&ready);
	thread = g_thread_new("older", thread_run, NULL);
	if (!base_sandbox_enter(NULL))
		return 1;
	g_mutex_unlock(&ready);
	return GPOINTER_TO_INT(g_thread_join(thread));
}

static void test_here(void)
{
	in_child(check_here);
}

static void test_older_thread(void)
{
	in_child(check_older_thread);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/base/sandbox/here", test_here);
	g_test_add_func("/base/sandbox/older-thread", test_older_thread);
	return g_test_run();
}
