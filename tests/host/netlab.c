#include "netlab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 400

static int own_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

void netlab_enter(int ns)
{
	g_assert_cmpint(setns(ns, CLONE_NEWNET), ==, 0);
}

int netlab_new(void)
{
	int home = own_namespace();
	int ns = -1;

	if (unshare(CLONE_NEWNET) == 0) {
		ns = own_namespace();
		netlab_run(ns, "ip link set lo up");
		netlab_enter(home);
	}
	close(home);
	return ns;
}

static gboolean run(int ns, char **ret_output, const char *line)
{
	int home = own_namespace();
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_autofree char *output = NULL;
	g_autofree char *errors = NULL;
	int status = -1;
	gboolean ok;

	netlab_enter(ns);
	ok = g_spawn_sync(NULL, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors,
		     &status, NULL) &&
	     g_spawn_check_wait_status(status, NULL);
	netlab_enter(home);
	close(home);
	if (!ok && !ret_output)
		g_test_message("%s: %s", line, errors ? errors : "");
	if (ret_output)
		*ret_output = g_strconcat(output ? output : "", errors ? errors : "", NULL);
	return ok;
}

gboolean netlab_try(int ns, char **ret_output, const char *format, ...)
{
	g_autofree char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	return run(ns, ret_output, line);
}

void netlab_run(int ns, const char *format, ...)
{
	g_autofree char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	line = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	if (!run(ns, NULL, line))
		g_error("failed: %s", line);
}

/* Lets netlab_ping() use ICMP sockets. */
static void allow_ping(int ns)
{
	int home = own_namespace();
	int fd;

	netlab_enter(ns);
	fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(write(fd, "0 0", 3), ==, 3);
	close(fd);
	netlab_enter(home);
	close(home);
}

int netlab_guest(int host, const char *tap, const char *bridge, const char *mac, const char *four,
	const char *six)
{
	int ns = netlab_new();

	g_assert_cmpint(ns, >=, 0);
	netlab_run(host, "ip link add %s type veth peer name eth0 address %s netns /proc/%d/fd/%d",
		tap, mac, (int)getpid(), ns);
	netlab_run(host, "ip link set %s master %s up", tap, bridge);
	allow_ping(ns);
	netlab_run(ns, "ip link set eth0 up");
	if (four)
		netlab_run(ns, "ip address add %s dev eth0", four);
	if (six)
		netlab_run(ns, "ip address add %s dev eth0 nodad", six);
	return ns;
}

/* Sockets belong to the namespace in which they are made. */
static int socket_in(int ns, int family, int type, int protocol)
{
	int home = own_namespace();
	int fd;

	netlab_enter(ns);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	g_assert_cmpint(fd, >=, 0);
	netlab_enter(home);
	close(home);
	return fd;
}

static socklen_t set_address(struct sockaddr_storage *storage, const char *text, guint16 port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;

	memset(storage, 0, sizeof *storage);
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof *four;
	}
	g_assert_cmpint(inet_pton(AF_INET6, text, &six->sin6_addr), ==, 1);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof *six;
}

static gboolean wait_for(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	return poll(&poll_fd, 1, WAIT_MS) == 1 && (poll_fd.revents & events);
}

static int bound_in(int ns, int type, const char *address, guint16 port)
{
	struct sockaddr_storage storage;
	socklen_t size = set_address(&storage, address, port);
	int fd = socket_in(ns, storage.ss_family, type | SOCK_NONBLOCK, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&storage, size), ==, 0);
	return fd;
}

gboolean netlab_tcp_open(
	int from, int to, const char *address, guint16 port, struct netlab_tcp *ret)
{
	struct sockaddr_storage storage;
	socklen_t size = set_address(&storage, address, port);
	int listener = bound_in(to, SOCK_STREAM, address, port);
	int client = socket_in(from, storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int server = -1;

	g_assert_cmpint(listen(listener, 4), ==, 0);
	connect(client, (struct sockaddr *)&storage, size);
	if (wait_for(listener, POLLIN))
		server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	close(listener);
	if (server < 0) {
		close(client);
		return FALSE;
	}
	ret->client = client;
	ret->server = server;
	return TRUE;
}

void netlab_tcp_close(struct netlab_tcp *tcp)
{
	close(tcp->client);
	close(tcp->server);
}

static gboolean passes(int from, int to)
{
	char byte = 'x';

	if (send(from, &byte, 1, MSG_NOSIGNAL) != 1 || !wait_for(to, POLLIN))
		return FALSE;
	return recv(to, &byte, 1, 0) == 1;
}

gboolean netlab_tcp_passes(const struct netlab_tcp *tcp)
{
	return passes(tcp->client, tcp->server) && passes(tcp->server, tcp->client);
}

gboolean netlab_datagram(int from, int to, const char *address, guint16 port, gsize size)
{
	struct sockaddr_storage storage, back;
	socklen_t length = set_address(&storage, address, port);
	socklen_t back_length = sizeof back;
	int server = bound_in(to, SOCK_DGRAM, address, port);
	int client = socket_in(from, storage.ss_family, SOCK_DGRAM, 0);
	g_autofree char *bytes = g_malloc0(size);
	gssize n = (gssize)size;
	gboolean ok;

	sendto(client, bytes, size, 0, (struct sockaddr *)&storage, length);
	ok = wait_for(server, POLLIN) &&
	     recvfrom(server, bytes, size, 0, (struct sockaddr *)&back, &back_length) == n &&
	     sendto(server, bytes, size, 0, (struct sockaddr *)&back, back_length) == n &&
	     wait_for(client, POLLIN) && recv(client, bytes, size, 0) == n;
	close(server);
	close(client);
	return ok;
}

gboolean netlab_udp(int from, int to, const char *address, guint16 port)
{
	return netlab_datagram(from, to, address, port, 1);
}

gboolean netlab_udp_unreachable(int from, const char *address, guint16 port)
{
	struct sockaddr_storage storage;
	socklen_t length = set_address(&storage, address, port);
	int client = socket_in(from, storage.ss_family, SOCK_DGRAM, 0);
	char byte = 'x';
	gboolean told;

	g_assert_cmpint(connect(client, (struct sockaddr *)&storage, length), ==, 0);
	send(client, &byte, 1, 0);
	told = wait_for(client, POLLIN | POLLERR) && recv(client, &byte, 1, 0) < 0 &&
	       errno == ECONNREFUSED;
	close(client);
	return told;
}

gboolean netlab_ping(int from, const char *address)
{
	struct sockaddr_storage storage;
	socklen_t size = set_address(&storage, address, 0);
	gboolean six = storage.ss_family == AF_INET6;
	int fd = socket_in(
		from, storage.ss_family, SOCK_DGRAM, six ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	struct icmphdr echo = { .type = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO };
	gboolean ok = sendto(fd, &echo, sizeof echo, 0, (struct sockaddr *)&storage, size) ==
			      sizeof echo &&
		      wait_for(fd, POLLIN);

	close(fd);
	return ok;
}

static int packet_socket(int ns)
{
	int fd = socket_in(ns, AF_PACKET, SOCK_RAW, 0);
	int home = own_namespace();
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	netlab_enter(ns);
	address.sll_ifindex = (int)if_nametoindex("eth0");
	netlab_enter(home);
	close(home);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	return fd;
}

gboolean netlab_frame(int from, int to, const guint8 *frame, gsize size)
{
	int sender = packet_socket(from);
	int receiver = packet_socket(to);
	guint8 buffer[2048];
	gboolean seen = FALSE;
	gssize n;

	g_assert_cmpint(send(sender, frame, size, 0), ==, (gssize)size);
	while (!seen && wait_for(receiver, POLLIN)) {
		n = recv(receiver, buffer, sizeof buffer, 0);
		/* The source address tells it from the rest; the tail may be padding. */
		seen = n >= (gssize)size && !memcmp(buffer + 12, frame + 12, size - 12);
	}
	close(sender);
	close(receiver);
	return seen;
}
