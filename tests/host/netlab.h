#pragma once
/* Small networks for tests: namespaces held by descriptors, so that nothing is left when the test
 * ends. The calling thread must be the only one that changes namespaces; needs root. Functions that
 * cannot fail in a sound test abort.
 */
#include <glib.h>

/* A new network namespace with its loopback up; the thread stays where it is. -1 with errno when
 * not allowed. */
int netlab_new(void);

/* Goes into the namespace. */
void netlab_enter(int ns);

/* Runs a command line (no shell) in the namespace and expects it to succeed. */
void netlab_run(int ns, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same; returns whether it succeeded, its output in *ret_output (free) unless NULL. */
gboolean netlab_try(int ns, char **ret_output, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* A guest: a namespace whose eth0 is the other end of `tap` on `bridge` of `host`. Addresses with
 * prefix length; `four` or `six` may be NULL. */
int netlab_guest(int host, const char *tap, const char *bridge, const char *mac, const char *four,
	const char *six);

/* A TCP connection from one namespace to another, both ends; FALSE when it was not made within the
 * time. */
struct netlab_tcp {
	int client;
	int server;
};
gboolean netlab_tcp_open(
	int from, int to, const char *address, guint16 port, struct netlab_tcp *ret);
void netlab_tcp_close(struct netlab_tcp *tcp);

/* Whether bytes sent at one end come out at the other within the time. */
gboolean netlab_tcp_passes(const struct netlab_tcp *tcp);

/* Whether a UDP datagram to the address arrives there, and an answer comes back. */
gboolean netlab_udp(int from, int to, const char *address, guint16 port);

/* The same with `size` bytes, which are fragmented when they are many. */
gboolean netlab_datagram(int from, int to, const char *address, guint16 port, gsize size);

/* Whether one sent where nobody listens is answered by an ICMP error. */
gboolean netlab_udp_unreachable(int from, const char *address, guint16 port);

/* Whether an ICMP or ICMPv6 echo is answered. */
gboolean netlab_ping(int from, const char *address);

/* Sends an Ethernet frame as it is from eth0, and tells whether the other namespace's eth0 sees one
 * with the same payload. */
gboolean netlab_frame(int from, int to, const guint8 *frame, gsize size);
