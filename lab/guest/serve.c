/* The application: HTTP, UDP echo, and sessions relayed through the tiers.
 *
 * /id answers in the loop. What waits for another guest (/chain, a relayed session) gets a child of
 * its own.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHAIN_MS = 3000, REQUEST_SIZE = 1024 };

enum listener_kind { LISTENER_HTTP, LISTENER_UDP, LISTENER_RELAY, N_LISTENER_KINDS };

struct listener {
	int fd;
	enum listener_kind kind;
};

struct http {
	int fd; /* -1: free */
	size_t used;
	char request[REQUEST_SIZE];
};

struct server {
	const struct settings *settings;
	char boot_id[40];
	struct listener listeners[MAX_PORTS * 2 + 1];
	unsigned n_listeners;
	struct http http[MAX_HTTP];
};

static void read_word(const char *path, char *ret_word, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_word, size - 1);
	if (fd >= 0)
		close(fd);
	ret_word[n > 0 ? n : 0] = '\0';
	ret_word[strcspn(ret_word, " \n")] = '\0';
}

static void add_listener(struct server *server, enum listener_kind kind, uint16_t port)
{
	int fd = net_listen(kind == LISTENER_UDP ? SOCK_DGRAM : SOCK_STREAM, port);
	if (fd < 0)
		fprintf(stderr, "agent: port %u: %s\n", port, strerror(errno));
	else
		server->listeners[server->n_listeners++] = (struct listener){ fd, kind };
}

struct server *serve_new(const struct settings *settings)
{
	struct server *server = calloc(1, sizeof *server);
	if (server == NULL)
		abort();
	server->settings = settings;
	read_word("/proc/sys/kernel/random/boot_id", server->boot_id, sizeof server->boot_id);
	for (unsigned i = 0; i < MAX_HTTP; i++)
		server->http[i].fd = -1;
	for (unsigned i = 0; i < settings->n_ports; i++) {
		add_listener(server, LISTENER_HTTP, settings->ports[i]);
		add_listener(server, LISTENER_UDP, settings->ports[i]);
	}
	if (settings->relay)
		add_listener(server, LISTENER_RELAY, settings->relay);
	return server;
}

static void reply(int fd, const char *status, const char *body)
{
	char text[4096];
	int n = snprintf(text, sizeof text,
		"HTTP/1.0 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		status, strlen(body), body);
	send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer_id(const struct server *server, int fd)
{
	char uptime[32];
	char body[256];
	read_word("/proc/uptime", uptime, sizeof uptime);
	snprintf(body, sizeof body, "{\"name\":\"%s\",\"boot_id\":\"%s\",\"uptime\":%s}\n",
		server->settings->name, server->boot_id, uptime);
	reply(fd, "200 OK", body);
}

/* The names of this tier and all behind it: proves that the whole application works. */
static void answer_chain(const struct server *server, int fd)
{
	const struct settings *s = server->settings;
	char rest[1024] = "";
	char body[2048];
	if (s->next != NULL &&
		net_fetch(s->next, s->next_port, "/chain", CHAIN_MS, rest, sizeof rest) < 0) {
		snprintf(body, sizeof body, "%s: next tier %s:%u: %s\n", s->name, s->next,
			s->next_port, strerror(errno));
		reply(fd, "502 Bad Gateway", body);
		return;
	}
	rest[strcspn(rest, "\n")] = '\0';
	snprintf(body, sizeof body, "%s%s%s\n", s->name, s->next ? ">" : "", rest);
	reply(fd, "200 OK", body);
}

static void answer(const struct server *server, int fd, const char *request)
{
	if (strncmp(request, "GET /id ", 8) == 0) {
		answer_id(server, fd);
	} else if (strncmp(request, "GET /chain ", 11) == 0) {
		if (fork() == 0) {
			answer_chain(server, fd);
			_exit(0);
		}
	} else {
		reply(fd, "404 Not Found", "there are /id and /chain\n");
	}
}

static void read_http(const struct server *server, struct http *http)
{
	ssize_t n = recv(http->fd, http->request + http->used,
		sizeof http->request - 1 - http->used, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	http->used += n > 0 ? (size_t)n : 0;
	http->request[http->used] = '\0';
	bool whole = strstr(http->request, "\r\n\r\n") != NULL;
	if (!whole && n > 0 && http->used < sizeof http->request - 1)
		return;
	if (whole)
		answer(server, http->fd, http->request);
	close(http->fd);
	http->fd = -1;
}

static void accept_http(struct server *server, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	for (unsigned i = 0; fd >= 0 && i < MAX_HTTP; i++) {
		struct http *http = &server->http[i];
		if (http->fd >= 0)
			continue;
		*http = (struct http){ .fd = fd };
		read_http(server, http); /* the request has often arrived already */
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void echo_datagram(int fd)
{
	char data[2048];
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	ssize_t n = recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
	if (n >= 0)
		sendto(fd, data, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&from, size);
}

/* Copy what is readable from one side to the other; false at the end of either. */
static bool pass_on(int from, int to)
{
	char data[4096];
	ssize_t n = recv(from, data, sizeof data, 0);
	if (n <= 0)
		return false;
	for (ssize_t done = 0; done < n;) {
		ssize_t sent = send(to, data + done, (size_t)(n - done), MSG_NOSIGNAL);
		if (sent < 0 && (errno != EAGAIN || !net_wait(to, POLLOUT, -1)))
			return false;
		done += sent > 0 ? sent : 0;
	}
	return true;
}

/* In a child: pass a session on to the next tier, or echo it. Ends with either side. */
static void relay(const struct settings *settings, int client)
{
	int next = settings->next ? net_connect(settings->next, settings->relay, CHAIN_MS) : client;
	if (next < 0)
		return;
	struct pollfd fds[2] = { { .fd = client, .events = POLLIN },
		{ .fd = next, .events = POLLIN } };
	unsigned n = next == client ? 1 : 2;
	for (bool open = true; open && poll(fds, n, -1) > 0;) {
		if (fds[0].revents)
			open = pass_on(client, next);
		if (open && n == 2 && fds[1].revents)
			open = pass_on(next, client);
	}
}

static void accept_relay(const struct server *server, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (fork() == 0) {
		relay(server->settings, fd);
		_exit(0);
	}
	close(fd);
}

/* Listeners first, then the connections in use, in the order of the arrays: serve_dispatch relies
 * on it. */
unsigned serve_poll(struct server *server, struct pollfd *fds, unsigned max)
{
	unsigned n = 0;
	for (unsigned i = 0; i < server->n_listeners && n < max; i++)
		fds[n++] = (struct pollfd){ .fd = server->listeners[i].fd, .events = POLLIN };
	for (unsigned i = 0; i < MAX_HTTP && n < max; i++)
		if (server->http[i].fd >= 0)
			fds[n++] = (struct pollfd){ .fd = server->http[i].fd, .events = POLLIN };
	return n;
}

static void serve_listener(struct server *server, const struct listener *listener)
{
	switch (listener->kind) {
	case LISTENER_HTTP:
		accept_http(server, listener->fd);
		break;
	case LISTENER_UDP:
		echo_datagram(listener->fd);
		break;
	case LISTENER_RELAY:
		accept_relay(server, listener->fd);
		break;
	case N_LISTENER_KINDS:
		break;
	}
}

void serve_dispatch(struct server *server, const struct pollfd *fds, unsigned n)
{
	/* Connections before listeners: accepting fills slots that were not polled. */
	for (unsigned k = server->n_listeners; k < n; k++)
		for (unsigned i = 0; fds[k].revents && i < MAX_HTTP; i++)
			if (server->http[i].fd == fds[k].fd) {
				read_http(server, &server->http[i]);
				break;
			}
	for (unsigned k = 0; k < server->n_listeners; k++)
		if (fds[k].revents)
			serve_listener(server, &server->listeners[k]);
}
