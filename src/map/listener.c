#include "map/listener.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

static unsigned port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} bound = { 0 };
	socklen_t size = sizeof(bound);

	(void)getsockname(fd, &bound.any, &size);
	return ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
}

static int listen_on(const struct addrinfo *address)
{
	const int on = 1;
	const int off = 0;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	int code = errno;
	(void)g_close(fd, NULL);
	errno = code;
	return -1;
}

int map_listener_open(const char *address, const char *port, unsigned *ret_port, GError **error)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *info = NULL;
	int status = getaddrinfo(address, port, &hints, &info);

	if (status != 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			"address %s port %s: %s", address, port, gai_strerror(status));
		return -1;
	}
	int fd = listen_on(info);
	if (fd < 0)
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"address %s port %s: cannot listen: %s", address, port, g_strerror(errno));
	else
		*ret_port = port_of(fd);
	freeaddrinfo(info);
	return fd;
}
