#include "host/virt_exit.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOK_MS 5

struct virt_exits {
	char *run_dir;
	virt_exit_fn ended;
	gpointer data;
	GHashTable *watches; /* uuid -> struct watch */
};

struct watch {
	struct virt_exits *exits;
	struct virt_domain domain; /* as last noted */
	int id;
	pid_t pid;
	int pidfd;
	GSource *end;  /* of the pidfd; NULL once the process has ended */
	GSource *look; /* timer, while the guest stands still */
};

static void domain_set(struct virt_domain *to, const struct virt_domain *from)
{
	struct virt_domain old = *to;

	*to = *from;
	to->uuid = g_strdup(from->uuid);
	to->name = g_strdup(from->name);
	to->xml = g_strdup(from->xml);
	g_free(old.uuid);
	g_free(old.name);
	g_free(old.xml);
}

static void stop_looking(struct watch *watch)
{
	if (!watch->look)
		return;
	g_source_destroy(watch->look);
	g_clear_pointer(&watch->look, g_source_unref);
}

static void watch_stop(struct watch *watch)
{
	stop_looking(watch);
	if (!watch->end)
		return;
	g_source_destroy(watch->end);
	g_clear_pointer(&watch->end, g_source_unref);
	close(watch->pidfd);
}

static void watch_free(gpointer data)
{
	struct watch *watch = data;

	watch_stop(watch);
	g_free(watch->domain.uuid);
	g_free(watch->domain.name);
	g_free(watch->domain.xml);
	g_free(watch);
}

/* ---- finding the process ---- */

static pid_t read_pid(const struct virt_exits *exits, const char *name)
{
	g_autofree char *file = g_strdup_printf("%s/%s.pid", exits->run_dir, name);
	g_autofree char *text = NULL;
	guint64 pid;

	if (!g_file_get_contents(file, &text, NULL, NULL) ||
		!g_ascii_string_to_unsigned(g_strstrip(text), 10, 1, G_MAXINT, &pid, NULL))
		return 0;
	return (pid_t)pid;
}

/* Whether the arguments of the process have "-uuid", then this one. */
static gboolean bears(pid_t pid, const char *uuid)
{
	g_autofree char *file = g_strdup_printf("/proc/%d/cmdline", (int)pid);
	g_autofree char *text = NULL;
	gboolean named = FALSE;
	gsize size;

	if (!g_file_get_contents(file, &text, &size, NULL))
		return FALSE;
	for (const char *word = text; word < text + size; word += strlen(word) + 1) {
		if (named && strcmp(word, uuid) == 0)
			return TRUE;
		named = strcmp(word, "-uuid") == 0;
	}
	return FALSE;
}

static gboolean is_readable(int pidfd)
{
	GPollFD poll = { pidfd, G_IO_IN, 0 };

	return g_poll(&poll, 1, 0) != 0;
}

/* Sets pid and pidfd. The number may have passed to another process before it was opened: then
 * that one's arguments do not fit. They are the opened one's if that still lives afterwards. */
static gboolean open_process(struct watch *watch)
{
	watch->pid = read_pid(watch->exits, watch->domain.name);
	watch->pidfd = watch->pid ? (int)syscall(SYS_pidfd_open, watch->pid, 0) : -1;
	if (watch->pidfd < 0)
		return FALSE;
	if (bears(watch->pid, watch->domain.uuid) && !is_readable(watch->pidfd))
		return TRUE;
	close(watch->pidfd);
	return FALSE;
}

/* Whether the thread has no memory any more. One that cannot be asked may have. */
static gboolean is_hollow(pid_t pid, const char *thread)
{
	g_autofree char *file = g_strdup_printf("/proc/%d/task/%s/statm", (int)pid, thread);
	g_autofree char *text = NULL;

	return g_file_get_contents(file, &text, NULL, NULL) && g_str_has_prefix(text, "0 ");
}

gboolean virt_exits_hollow(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", (int)pid);
	g_autoptr(GDir) threads = g_dir_open(path, 0, NULL);
	const char *thread = threads ? g_dir_read_name(threads) : NULL;
	gboolean hollow = thread != NULL;

	for (; hollow && thread; thread = g_dir_read_name(threads))
		hollow = is_hollow(pid, thread);
	return hollow;
}

/* ---- watching ---- */

static gboolean end(struct watch *watch)
{
	struct virt_exits *exits = watch->exits;

	watch_stop(watch);
	watch->domain.state = VIRT_SHUTOFF;
	watch->domain.orphan = FALSE;
	exits->ended(&watch->domain, exits->data);
	return G_SOURCE_REMOVE;
}

static gboolean on_ended(int pidfd, GIOCondition condition, gpointer data)
{
	return end(data);
}

static gboolean on_look(gpointer data)
{
	struct watch *watch = data;

	return virt_exits_hollow(watch->pid) ? end(watch) : G_SOURCE_CONTINUE;
}

/* Takes the source. */
static GSource *attach(GSource *source, GSourceFunc function, struct watch *watch)
{
	g_source_set_callback(source, function, watch, NULL);
	g_source_attach(source, g_main_context_get_thread_default());
	return source;
}

static struct watch *watch_new(struct virt_exits *exits, const struct virt_domain *domain, int id)
{
	struct watch *watch = g_new0(struct watch, 1);

	watch->exits = exits;
	watch->id = id;
	domain_set(&watch->domain, domain);
	if (!open_process(watch)) {
		watch_free(watch);
		return NULL;
	}
	watch->end = attach(
		g_unix_fd_source_new(watch->pidfd, G_IO_IN), G_SOURCE_FUNC(on_ended), watch);
	return watch;
}

gboolean virt_exits_watch(struct virt_exits *exits, const struct virt_domain *domain, int id)
{
	struct watch *watch = g_hash_table_lookup(exits->watches, domain->uuid);

	if (!watch || watch->id != id) {
		virt_exits_forget(exits, domain->uuid);
		watch = watch_new(exits, domain, id);
		if (!watch)
			return FALSE;
		g_hash_table_insert(exits->watches, g_strdup(domain->uuid), watch);
	}
	domain_set(&watch->domain, domain);
	if (domain->state == VIRT_RUNNING)
		stop_looking(watch);
	else if (domain->state == VIRT_MOVING)
		virt_exits_stopped(exits, domain->uuid);
	return TRUE;
}

void virt_exits_stopped(struct virt_exits *exits, const char *uuid)
{
	struct watch *watch = g_hash_table_lookup(exits->watches, uuid);

	if (watch && watch->end && !watch->look)
		watch->look = attach(g_timeout_source_new(LOOK_MS), on_look, watch);
}

gboolean virt_exits_ended(const struct virt_exits *exits, const char *uuid, int id)
{
	const struct watch *watch = g_hash_table_lookup(exits->watches, uuid);

	return watch && watch->id == id && !watch->end;
}

void virt_exits_forget(struct virt_exits *exits, const char *uuid)
{
	if (uuid)
		g_hash_table_remove(exits->watches, uuid);
	else
		g_hash_table_remove_all(exits->watches);
}

struct virt_exits *virt_exits_new(const char *run_dir, virt_exit_fn ended, gpointer data)
{
	struct virt_exits *exits = g_new0(struct virt_exits, 1);

	exits->run_dir = g_strdup(run_dir);
	exits->ended = ended;
	exits->data = data;
	exits->watches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, watch_free);
	return exits;
}

void virt_exits_free(struct virt_exits *exits)
{
	if (!exits)
		return;
	g_hash_table_unref(exits->watches);
	g_free(exits->run_dir);
	g_free(exits);
}
