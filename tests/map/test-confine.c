/* A process that went through what drover-mapd goes through before it serves cannot read what is
 * not its business, cannot run anything, and can still do its work. Injected code would find the
 * same: the calls here are made by such a process itself. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/sandbox.h"
#include "map/confine.h"

static char *dir;
static struct map_config config;

static gboolean can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return FALSE;
	close(fd);
	return TRUE;
}

static gboolean can_open_in(const char *name, int flags)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	return can_open(path, flags);
}

/* Each is a number that the child ends with when it fails. */
enum {
	FINE,
	NOT_CONFINED,
	READS_SHADOW,
	READS_PASSWD,
	READS_KEY,
	WRITES_RULES,
	WRITES_ELSEWHERE,
	RUNS_PROGRAMS,
	REGAINS,
	CANNOT_WRITE_STORE,
	CANNOT_READ_RULES,
	CANNOT_RENAME,
	CANNOT_TALK,
};

static int try_to_break_out(void)
{
	static char *const argv[] = { (char *)"/bin/true", NULL };

	if (can_open("/etc/shadow", O_RDONLY))
		return READS_SHADOW;
	if (can_open("/etc/passwd", O_RDONLY))
		return READS_PASSWD;
	if (can_open_in("secret/key", O_RDONLY))
		return READS_KEY;
	if (can_open_in("etc/rules", O_RDWR) || can_open_in("etc/new", O_RDWR | O_CREAT))
		return WRITES_RULES;
	if (can_open("/tmp/drover-confine-probe", O_RDWR | O_CREAT))
		return WRITES_ELSEWHERE;
	if (execv(argv[0], argv) != -1 || errno != EPERM)
		return RUNS_PROGRAMS;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return REGAINS;
	return FINE;
}

static int try_to_work(void)
{
	g_autofree char *from = g_build_filename(dir, "data", "map.sqlite", NULL);
	g_autofree char *to = g_build_filename(dir, "data", "other", NULL);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!can_open(from, O_RDWR | O_CREAT))
		return CANNOT_WRITE_STORE;
	if (!can_open_in("etc/rules", O_RDONLY))
		return CANNOT_READ_RULES;
	if (g_rename(from, to) != 0)
		return CANNOT_RENAME;
	if (fd < 0 || close(fd) != 0)
		return CANNOT_TALK;
	return FINE;
}

static int child(void)
{
	if (!map_confine(&config, NULL) || !base_sandbox_enter(NULL))
		return NOT_CONFINED;
	int code = try_to_break_out();
	return code ? code : try_to_work();
}

static void write_in(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autofree char *folder = g_path_get_dirname(path);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_confined(void)
{
	int status = 0;

	if (base_landlock_version() < 1) {
		g_test_skip("this kernel has no Landlock");
		return;
	}
	write_in("etc/rules", "");
	write_in("secret/key", "key");
	write_in("data/keep", "");
	config.store = g_build_filename(dir, "data", "map.sqlite", NULL);
	config.rules = g_build_filename(dir, "etc", "rules", NULL);
	config.password_file = (char *)"";
	config.port_file = (char *)"";
	pid_t pid = fork();
	if (pid == 0)
		_exit(child());
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, FINE);
	/* Without it the same calls succeed: it is the confinement that refused. */
	g_assert_true(can_open("/etc/passwd", O_RDONLY));
	g_assert_true(can_open_in("secret/key", O_RDONLY));
	g_free(config.store);
	g_free(config.rules);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("drover-confine-XXXXXX", NULL);
	g_test_add_func("/map/confine/a server that serves", test_confined);
	int status = g_test_run();
	static const char *const left[] = { "etc/rules", "etc", "secret/key", "secret", "data/keep",
		"data/other", "data/map.sqlite", "data", "" };
	for (size_t i = 0; i < G_N_ELEMENTS(left); i++) {
		g_autofree char *path = g_build_filename(dir, left[i], NULL);
		(void)g_remove(path);
	}
	g_free(dir);
	return status;
}
