#include "mapdproc.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "testcert.h"

#define START_TIMEOUT_US (20 * G_TIME_SPAN_SECOND)

static const char *const users[] = { "alice", "bob", "carol" };
static const char *const files[] = { "mapd.conf", "cert.pem", "key.pem", "passwords", "port",
	"map.sqlite", "map.sqlite-wal", "map.sqlite-shm" };

struct mapd_proc {
	char *program;
	char *directory;
	char *ca_file;
	char *url;
	unsigned port; /* 0 before the first start */
	GPid pid;      /* 0 while it does not run */
};

static char *path_of(const struct mapd_proc *proc, const char *file)
{
	return g_build_filename(proc->directory, file, NULL);
}

static void write_file(const struct mapd_proc *proc, const char *file, const char *content)
{
	g_autofree char *path = path_of(proc, file);

	g_assert_true(
		g_file_set_contents_full(path, content, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static void write_config(const struct mapd_proc *proc)
{
	g_autofree char *config = g_strdup_printf(
		"[server]\naddress=127.0.0.1\nport=%u\nport-file=%s/port\ncertificate=%s/cert.pem\n"
		"key=%s/key.pem\npassword-file=%s/passwords\nstore=%s/map.sqlite\n",
		proc->port, proc->directory, proc->directory, proc->directory, proc->directory,
		proc->directory);

	write_file(proc, "mapd.conf", config);
}

static char *hash_line(const struct mapd_proc *proc, const char *user)
{
	g_autofree char *command = g_strdup_printf(
		"printf '%%s\\n' %s | '%s' --hash-password=%s", user, proc->program, user);
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	char *line = NULL;

	g_assert_true(
		g_spawn_sync(NULL, (char **)argv, NULL, 0, NULL, NULL, &line, NULL, NULL, NULL));
	g_assert_true(line && g_str_has_prefix(line, user));
	return line;
}

static void write_passwords(const struct mapd_proc *proc)
{
	g_autoptr(GString) lines = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(users); i++) {
		g_autofree char *line = hash_line(proc, users[i]);

		g_string_append(lines, line);
	}
	write_file(proc, "passwords", lines->str);
}

static void die_with_parent(gpointer data G_GNUC_UNUSED)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void wait_for_port(struct mapd_proc *proc)
{
	g_autofree char *path = path_of(proc, "port");
	gint64 end_us = g_get_monotonic_time() + START_TIMEOUT_US;
	g_autofree char *text = NULL;

	while (!g_file_get_contents(path, &text, NULL, NULL) ||
		g_ascii_strtoull(text, NULL, 10) == 0) {
		g_clear_pointer(&text, g_free);
		if (waitpid(proc->pid, NULL, WNOHANG) != 0 || g_get_monotonic_time() > end_us)
			g_error("%s did not start", proc->program);
		g_usleep(2000);
	}
	proc->port = (unsigned)g_ascii_strtoull(text, NULL, 10);
}

void mapd_proc_start(struct mapd_proc *proc)
{
	g_autofree char *config = path_of(proc, "mapd.conf");
	g_autofree char *port = path_of(proc, "port");
	const char *argv[] = { proc->program, "--config", config, NULL };
	g_autoptr(GError) error = NULL;

	g_unlink(port);
	write_config(proc);
	g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL,
		&proc->pid, &error);
	g_assert_no_error(error);
	wait_for_port(proc);
}

struct mapd_proc *mapd_proc_new(const char *program)
{
	struct mapd_proc *proc = g_new0(struct mapd_proc, 1);
	g_autofree char *key_file = NULL;

	proc->program = g_canonicalize_filename(program, NULL);
	proc->directory = g_dir_make_tmp("drover-mapd-XXXXXX", NULL);
	g_assert_nonnull(proc->directory);
	proc->ca_file = path_of(proc, "cert.pem");
	key_file = path_of(proc, "key.pem");
	testcert_write(proc->ca_file, key_file);
	write_passwords(proc);
	mapd_proc_start(proc);
	proc->url = g_strdup_printf("https://127.0.0.1:%u/", proc->port);
	return proc;
}

void mapd_proc_kill(struct mapd_proc *proc)
{
	int status = 0;

	if (!proc->pid)
		return;
	kill(proc->pid, SIGKILL);
	waitpid(proc->pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		g_error("%s had ended by itself with status %d", proc->program, status);
	g_spawn_close_pid(proc->pid);
	proc->pid = 0;
}

void mapd_proc_free(struct mapd_proc *proc)
{
	mapd_proc_kill(proc);
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = path_of(proc, files[i]);

		g_unlink(path);
	}
	g_rmdir(proc->directory);
	g_free(proc->directory);
	g_free(proc->ca_file);
	g_free(proc->url);
	g_free(proc->program);
	g_free(proc);
}

struct ifmap_client_config mapd_proc_config(const struct mapd_proc *proc, const char *user)
{
	static const char *const prefixes[] = { "t", "urn:drover:test:1", NULL };

	return (struct ifmap_client_config){
		.url = proc->url,
		.ca_file = proc->ca_file,
		.user = user,
		.password = user,
		.prefixes = prefixes,
	};
}
