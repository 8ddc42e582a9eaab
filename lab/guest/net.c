/* Sockets with deadlines. IPv4 and IPv6 addresses are given as text; listeners accept both
 * families. */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool parse_address(
	const char *ip, uint16_t port, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	memset(ret_address, 0, sizeof *ret_address);
	if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1) {
		memcpy(ret_address, &v4, sizeof v4);
		*ret_size = sizeof v4;
		return true;
	}
	if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1) {
		memcpy(ret_address, &v6, sizeof v6);
		*ret_size = sizeof v6;
		return true;
	}
	errno = EINVAL;
	return false;
}

static int fail_close(int fd)
{
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int net_listen(int type, uint16_t port)
{
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	int one = 1;
	int off = 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ||
		(type == SOCK_STREAM && listen(fd, 128) < 0))
		return fail_close(fd);
	return fd;
}

/* False with errno ETIMEDOUT when the deadline passes. */
bool net_wait(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = poll(&p, 1, timeout_ms);
	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0;
}

int net_connect(const char *ip, uint16_t port, int timeout_ms)
{
	struct sockaddr_storage address;
	socklen_t size;
	if (!parse_address(ip, port, &address, &size))
		return -1;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, (struct sockaddr *)&address, size) == 0)
		return fd;
	if (errno != EINPROGRESS || !net_wait(fd, POLLOUT, timeout_ms))
		return fail_close(fd);
	int error = 0;
	socklen_t error_size = sizeof error;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
	if (error != 0) {
		errno = error;
		return fail_close(fd);
	}
	return fd;
}

/* A connected datagram socket; port 0 means ICMP echo of the address's family. */
int net_datagram(const char *ip, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size;
	if (!parse_address(ip, port, &address, &size))
		return -1;
	int icmp = address.ss_family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int fd = socket(
		address.ss_family, (port ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC, port ? 0 : icmp);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) < 0)
		return fail_close(fd);
	return fd;
}

/* GET over HTTP/1.0. Returns the size of the body, cut to body_size - 1 and terminated; -1 with
 * errno. */
long net_fetch(const char *ip, uint16_t port, const char *path, int timeout_ms, char *ret_body,
	size_t body_size)
{
	int64_t deadline = now_us() + timeout_ms * 1000LL;
	int fd = net_connect(ip, port, timeout_ms);
	if (fd < 0)
		return -1;
	char text[4096];
	int n = snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n\r\n", path);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return fail_close(fd);
	size_t used = 0;
	for (;;) {
		int64_t left = (deadline - now_us()) / 1000;
		if (!net_wait(fd, POLLIN, left > 0 ? (int)left : 0))
			return fail_close(fd);
		ssize_t got = recv(fd, text + used, sizeof text - 1 - used, 0);
		if (got < 0)
			return fail_close(fd);
		used += (size_t)got;
		if (got == 0 || used == sizeof text - 1)
			break;
	}
	close(fd);
	text[used] = '\0';
	char *body = strstr(text, "\r\n\r\n");
	if (body == NULL) {
		errno = EPROTO;
		return -1;
	}
	return snprintf(ret_body, body_size, "%s", body + 4);
}
