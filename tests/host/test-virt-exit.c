/* host/virt_exit against real processes that bear a UUID as QEMU's do. */
#include "host/virt_exit.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID  "11111111-2222-4333-8444-555555555555"
#define OTHER "11111111-2222-4333-8444-666666666666"

struct stage {
	char *run_dir;
	struct virt_exits *exits;
	pid_t pid;
	int leash; /* the process lives until this is closed */
	char *ended;
	enum virt_state state; /* of what was told */
};

static void on_ended(const struct virt_domain *domain, gpointer data)
{
	struct stage *stage = data;

	g_assert_null(stage->ended);
	stage->ended = g_strdup(domain->uuid);
	stage->state = domain->state;
	g_assert_cmpstr(domain->name, ==, "web");
	g_assert_cmpstr(domain->xml, ==, "<later/>");
}

static void write_pid(struct stage *stage, const char *text)
{
	g_autofree char *file = g_build_filename(stage->run_dir, "web.pid", NULL);

	g_assert_true(g_file_set_contents(file, text, -1, NULL));
}

/* What `qemu -uuid UUID` looks like from outside. `mode` is the first argument of main(). */
static void raise_process(struct stage *stage, const char *mode)
{
	const char *argv[] = { "/proc/self/exe", mode, "-uuid", UUID, NULL };
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
		&stage->pid, &stage->leash, NULL, NULL, &error);
	g_assert_no_error(error);
	text = g_strdup_printf("%d\n", (int)stage->pid);
	write_pid(stage, text);
}

static void end_process(struct stage *stage)
{
	if (!stage->pid)
		return;
	close(stage->leash);
	kill(stage->pid, SIGKILL);
	g_assert_cmpint(waitpid(stage->pid, NULL, 0), ==, stage->pid);
	stage->pid = 0;
}

static void stage_init(struct stage *stage)
{
	*stage = (struct stage){ .run_dir = g_dir_make_tmp("virt-exit-XXXXXX", NULL) };
	stage->exits = virt_exits_new(stage->run_dir, on_ended, stage);
	raise_process(stage, "wait");
}

static void stage_clear(struct stage *stage)
{
	g_autofree char *file = g_build_filename(stage->run_dir, "web.pid", NULL);

	virt_exits_free(stage->exits);
	end_process(stage);
	g_unlink(file);
	g_rmdir(stage->run_dir);
	g_free(stage->run_dir);
	g_free(stage->ended);
}

static gboolean watch(struct stage *stage, const char *uuid, const char *xml, int id)
{
	struct virt_domain domain = { .uuid = (char *)uuid,
		.name = (char *)"web",
		.state = VIRT_MOVING,
		.xml = (char *)xml,
		.orphan = TRUE };

	return virt_exits_watch(stage->exits, &domain, id);
}

static gboolean on_over(gpointer over)
{
	*(gboolean *)over = TRUE;
	return G_SOURCE_REMOVE;
}

/* Turns the loop until something was told, at most this long. */
static void turn(struct stage *stage, unsigned ms)
{
	gboolean over = FALSE;
	guint timer = g_timeout_add(ms, on_over, &over);

	while (!over && !stage->ended)
		g_main_context_iteration(NULL, TRUE);
	if (!over)
		g_source_remove(timer);
}

static void test_end(void)
{
	struct stage stage;

	stage_init(&stage);
	g_assert_true(watch(&stage, UUID, "<first/>", 7));
	g_assert_true(watch(&stage, UUID, "<later/>", 7));
	turn(&stage, 50);
	g_assert_null(stage.ended);
	g_assert_false(virt_exits_ended(stage.exits, UUID, 7));
	end_process(&stage);
	turn(&stage, 10000);
	g_assert_cmpstr(stage.ended, ==, UUID);
	g_assert_cmpint(stage.state, ==, VIRT_SHUTOFF);
	g_assert_true(virt_exits_ended(stage.exits, UUID, 7));
	/* the next run of the same machine is another matter, and so is another libvirtd's */
	g_assert_false(virt_exits_ended(stage.exits, UUID, 8));
	g_assert_false(virt_exits_ended(stage.exits, OTHER, 7));
	virt_exits_forget(stage.exits, NULL);
	g_assert_false(virt_exits_ended(stage.exits, UUID, 7));
	stage_clear(&stage);
}

/* Nothing is watched that is not certainly the machine's process. */
static void test_not_found(void)
{
	struct stage stage;
	g_autofree char *text = NULL;
	pid_t pid;

	stage_init(&stage);
	g_assert_false(watch(&stage, OTHER, "<x/>", 7)); /* bears another UUID */
	pid = stage.pid;
	end_process(&stage);
	text = g_strdup_printf("%d", (int)pid);
	write_pid(&stage, text); /* of one that has ended */
	g_assert_false(watch(&stage, UUID, "<x/>", 7));
	text[0] = '-';
	write_pid(&stage, text);
	g_assert_false(watch(&stage, UUID, "<x/>", 7));
	write_pid(&stage, "");
	g_assert_false(watch(&stage, UUID, "<x/>", 7));
	g_clear_pointer(&text, g_free);
	text = g_build_filename(stage.run_dir, "web.pid", NULL);
	g_assert_cmpint(g_unlink(text), ==, 0);
	g_assert_false(watch(&stage, UUID, "<x/>", 7));
	stage_clear(&stage);
}

static void test_forget(void)
{
	struct stage stage;

	stage_init(&stage);
	g_assert_true(watch(&stage, UUID, "<later/>", 7));
	virt_exits_forget(stage.exits, UUID);
	end_process(&stage);
	turn(&stage, 50);
	g_assert_null(stage.ended);
	stage_clear(&stage);
}

/* Another number is another run: the process of the one before is of no interest any more. */
static void test_next_run(void)
{
	struct stage stage;
	pid_t first;
	int leash;

	stage_init(&stage);
	g_assert_true(watch(&stage, UUID, "<x/>", 7));
	first = stage.pid;
	leash = stage.leash;
	raise_process(&stage, "wait");
	g_assert_true(watch(&stage, UUID, "<later/>", 8));
	close(leash);
	g_assert_cmpint(kill(first, SIGKILL), ==, 0);
	g_assert_cmpint(waitpid(first, NULL, 0), ==, first);
	turn(&stage, 50);
	g_assert_null(stage.ended);
	end_process(&stage);
	turn(&stage, 10000);
	g_assert_true(virt_exits_ended(stage.exits, UUID, 8));
	stage_clear(&stage);
}

/* Whether the main thread has ended. */
static gboolean is_leader_hollow(pid_t pid)
{
	g_autofree char *file = g_strdup_printf("/proc/%d/statm", (int)pid);
	g_autofree char *text = NULL;

	return g_file_get_contents(file, &text, NULL, NULL) && g_str_has_prefix(text, "0 ");
}

/* A process of which one thread is left could still run its guest. */
static void test_one_thread_left(void)
{
	struct stage stage;

	stage_init(&stage);
	end_process(&stage);
	raise_process(&stage, "half");
	while (!is_leader_hollow(stage.pid))
		g_usleep(1000);
	g_assert_false(virt_exits_hollow(stage.pid));
	end_process(&stage);
	stage_clear(&stage);
}

static void test_hollow(void)
{
	siginfo_t info;
	pid_t pid;

	g_assert_false(virt_exits_hollow(getpid()));
	pid = fork();
	if (pid == 0)
		_exit(0);
	g_assert_cmpint(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ==, 0);
	g_assert_true(virt_exits_hollow(pid)); /* ended, and its parent has not looked yet */
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	g_assert_false(virt_exits_hollow(pid)); /* nobody can be asked */
}

/* ---- the processes that are watched ---- */

static void *live_on(void *unused)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	_exit(0);
}

static int be_process(const char *mode)
{
	pthread_t thread;

	if (strcmp(mode, "half") != 0)
		live_on(NULL);
	pthread_create(&thread, NULL, live_on, NULL);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[2], "-uuid") == 0)
		return be_process(argv[1]);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virt-exit/end", test_end);
	g_test_add_func("/virt-exit/not-found", test_not_found);
	g_test_add_func("/virt-exit/forget", test_forget);
	g_test_add_func("/virt-exit/next-run", test_next_run);
	g_test_add_func("/virt-exit/one-thread-left", test_one_thread_left);
	g_test_add_func("/virt-exit/hollow", test_hollow);
	return g_test_run();
}
