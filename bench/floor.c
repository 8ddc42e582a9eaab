#include "floor.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PRIORITIES  "SECURE128:-VERS-ALL:+VERS-TLS1.3"
#define CONNECTIONS 100000

/* NOLINTNEXTLINE(readability-function-size): the shape is libmicrohttpd's */
static enum MHD_Result on_request(void *response, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *data, size_t *size,
	void **request)
{
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (!*request || *size > 0) {
		*request = response; /* seen */
		*size = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const int on = 1;

	(void)data;
	(void)context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		(void)setsockopt(info->connect_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static char *read_pem(const struct server *server, const char *name)
{
	g_autofree char *path = server_path(server, name);
	g_autoptr(GError) error = NULL;
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, &error))
		g_error("%s", error->message);
	return text;
}

/* Returns the port; the daemon's threads live as long as the process. */
static guint16 serve(const struct server *server, unsigned n_threads, const char *body, gsize size)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	g_autofree char *certificate = read_pem(server, "server.crt");
	g_autofree char *key = read_pem(server, "server.key");
	struct MHD_Response *response = MHD_create_response_from_buffer(
		size, (void *)body, MHD_RESPMEM_MUST_COPY);
	struct MHD_Daemon *daemon;

	(void)MHD_add_response_header(
		response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/soap+xml");
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS, 0, NULL, NULL,
		on_request, response, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_CERT,
		certificate, MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES,
		MHD_OPTION_THREAD_POOL_SIZE, n_threads > 1 ? n_threads : 0,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, NULL, MHD_OPTION_END);
	if (!daemon)
		g_error("libmicrohttpd does not start");
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

struct floor *floor_open(
	const struct server *server, unsigned n_threads, const char *body, gsize size)
{
	struct floor *floor = g_new0(struct floor, 1);
	guint16 port = 0;
	int ends[2];

	g_assert(pipe(ends) == 0);
	floor->pid = fork();
	g_assert(floor->pid >= 0);
	if (floor->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* The parent's connections are not ours to keep open. */
		(void)close_range(3, (unsigned)ends[1] - 1, 0);
		(void)close_range((unsigned)ends[1] + 1, ~0U, 0);
		port = serve(server, n_threads, body, size);
		g_assert(write(ends[1], &port, sizeof(port)) == sizeof(port));
		for (;;)
			pause();
	}
	(void)close(ends[1]);
	if (read(ends[0], &port, sizeof(port)) != sizeof(port))
		g_error("the floor did not start");
	(void)close(ends[0]);
	floor->port = port;
	return floor;
}

void floor_close(struct floor *floor)
{
	if (!floor)
		return;
	kill(floor->pid, SIGKILL);
	waitpid(floor->pid, NULL, 0);
	g_free(floor);
}
