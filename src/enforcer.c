/* drover-enforcer: the small privileged process that alone changes nftables and connection
 * tracking.
 *
 * Serves one connected socket (--fd, when hostd starts it; it ends when hostd does, the rules stay)
 * or a socket in the file system (--socket). Everything it does is in src/host/enforce_*.
 */
#include "host/enforce_sandbox.h"
#include "host/enforce_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct options {
	int fd;
	char *socket_path;
	char *state_path;
	gboolean no_sandbox;
};

static void quit(gpointer loop)
{
	g_main_loop_quit(loop);
}

static gboolean on_signal(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

/* A descriptor, since GLib's own way would start a thread, which would keep the privileges that
 * this one gives up. */
static void quit_on_signals(GMainLoop *loop)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	g_unix_fd_add(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), G_IO_IN, on_signal, loop);
}

static gboolean on_connection(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer server)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client >= 0 && !enforce_server_add_client(server, client))
		g_warning("too many clients: one was turned away");
	return G_SOURCE_CONTINUE;
}

/* A listening socket that only this user and its group may reach. -1 with errno. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0117);
	gboolean ok;

	if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		ok = FALSE;
	} else {
		unlink(path);
		ok = fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address) &&
		     !listen(fd, 8);
	}
	umask(mask);
	if (!ok && fd >= 0)
		close(fd);
	return ok ? fd : -1;
}

static gboolean attach(
	struct enforce_server *server, const struct options *options, GMainLoop *loop)
{
	int fd;

	if (options->fd >= 0) {
		enforce_server_on_idle(server, quit, loop);
		fcntl(options->fd, F_SETFD, FD_CLOEXEC);
		return enforce_server_add_client(server, options->fd);
	}
	fd = sd_listen_fds(1) == 1 ? SD_LISTEN_FDS_START : listen_at(options->socket_path);
	if (fd < 0) {
		g_printerr("drover-enforcer: %s: %s\n", options->socket_path, g_strerror(errno));
		return FALSE;
	}
	g_unix_fd_add(fd, G_IO_IN, on_connection, server);
	return TRUE;
}

static int run(const struct options *options)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(GError) error = NULL;
	struct enforce_server *server;

	quit_on_signals(loop);
	server = enforce_server_new(options->state_path, &error);
	if (!server || !attach(server, options, loop) ||
		(!options->no_sandbox && !enforce_sandbox_enter(&error))) {
		if (error)
			g_printerr("drover-enforcer: %s\n", error->message);
		if (server)
			enforce_server_free(server);
		return 1;
	}
	g_message("enforcing for %u machines by %s", enforce_server_n_machines(server),
		enforce_server_backend(server));
	sd_notify(0, "READY=1");
	g_main_loop_run(loop);
	enforce_server_free(server);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = { .fd = -1 };
	const GOptionEntry entries[] = {
		{ "fd", 0, 0, G_OPTION_ARG_INT, &options.fd, "serve this connected socket", "N" },
		{ "socket", 0, 0, G_OPTION_ARG_FILENAME, &options.socket_path,
			"listen here (default /run/drover/enforcer.sock)", "PATH" },
		{ "state", 0, 0, G_OPTION_ARG_FILENAME, &options.state_path,
			"remember here (default /var/lib/drover/enforcer.json)", "PATH" },
		{ "no-sandbox", 0, 0, G_OPTION_ARG_NONE, &options.no_sandbox,
			"keep privileges (for debugging with sanitizers)", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext)
		context = g_option_context_new("- enforce what machines may send");
	g_autoptr(GError) error = NULL;
	int status;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc > 1) {
		g_printerr("drover-enforcer: %s\n",
			error ? error->message : "it takes no arguments but options");
		return 2;
	}
	if (!options.socket_path)
		options.socket_path = g_strdup("/run/drover/enforcer.sock");
	if (!options.state_path)
		options.state_path = g_strdup("/var/lib/drover/enforcer.json");
	status = run(&options);
	g_free(options.socket_path);
	g_free(options.state_path);
	return status;
}
