#pragma once
/* Messages of the kernel's rtnetlink as plain values: links, neighbours, addresses, routes. Reads
 * bytes, asks nobody. What is of another kind, incomplete or too short is passed over (FALSE),
 * never guessed. Any thread.
 */
#include <glib.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>

#define NETREAD_MAC_SIZE sizeof("52:54:00:00:00:00")
/* Next hops of one route that are read. */
#define NETREAD_HOPS_MAX 16

struct netread_link {
	char name[16];
	unsigned index;
	gboolean up; /* administratively up and with carrier */
	unsigned mtu;
};

enum netread_state {
	NETREAD_KNOWN,   /* has answered, or was heard */
	NETREAD_PENDING, /* was asked and has not answered yet */
	NETREAD_SILENT,  /* does not answer */
	NETREAD_OWN,     /* configured, or the bridge's own: nobody was heard */
};

struct netread_neighbour {
	gboolean on_bridge; /* of a bridge's forwarding table: `index` is the port, no address */
	unsigned index;     /* device */
	char address[INET6_ADDRSTRLEN];
	char mac[NETREAD_MAC_SIZE]; /* "": not known */
	enum netread_state state;
	guint64 age_ms; /* since it was last heard or changed */
};

struct netread_address {
	unsigned index;
	char address[INET6_ADDRSTRLEN];
	gboolean global; /* good beyond its link and this host, and in use */
};

struct netread_route {
	unsigned index; /* device */
	unsigned metric;
	unsigned bits;
	char prefix[INET6_ADDRSTRLEN + 4]; /* "10.0.0.0/8" */
	char gateway[INET6_ADDRSTRLEN];    /* "": on the link */
};

gboolean netread_link(const struct nlmsghdr *message, struct netread_link *ret);
gboolean netread_neighbour(const struct nlmsghdr *message, struct netread_neighbour *ret);
gboolean netread_address(const struct nlmsghdr *message, struct netread_address *ret);
/* The unicast route of the main table that the message holds, once for each next hop. Routes of
 * link-local and multicast prefixes are passed over: every link has them. Returns how many. */
unsigned netread_routes(
	const struct nlmsghdr *message, struct netread_route ret_routes[static NETREAD_HOPS_MAX]);
