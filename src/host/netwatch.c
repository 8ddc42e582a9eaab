#include "host/netwatch.h"

#include <errno.h>
#include <glib-unix.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define DUMP_SIZE 32768 /* what the kernel puts into one message of a dump at most */
#define SETTLE_MS 5     /* events come in bursts; one reading serves a burst */
#define RETRY_MS  20    /* a table that changed while it was read is read again */

struct netwatch {
	struct mnl_socket *events;
	guint source;
	guint settle;
	GHashTable *links; /* name -> struct netwatch_link */
	netwatch_fn changed;
	gpointer data;
};

/* ---- reading the table ---- */

static int on_attribute(const struct nlattr *attr, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= IFLA_MAX)
		table[type] = attr;
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[IFLA_MAX + 1] = { 0 };
	struct netwatch_link *link;

	mnl_attr_parse(message, sizeof(*info), on_attribute, attrs);
	if (!attrs[IFLA_IFNAME])
		return MNL_CB_OK;
	link = g_new0(struct netwatch_link, 1);
	g_strlcpy(link->name, mnl_attr_get_str(attrs[IFLA_IFNAME]), sizeof(link->name));
	link->index = (unsigned)info->ifi_index;
	link->up = (info->ifi_flags & IFF_UP) &&
		   (!attrs[IFLA_CARRIER] || mnl_attr_get_u8(attrs[IFLA_CARRIER]));
	link->mtu = attrs[IFLA_MTU] ? mnl_attr_get_u32(attrs[IFLA_MTU]) : 0;
	g_hash_table_replace(data, link->name, link);
	return MNL_CB_OK;
}

static gboolean ask_links(struct mnl_socket *socket)
{
	char request[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg)] __attribute__((aligned(8)));
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	return mnl_socket_sendto(socket, header, header->nlmsg_len) > 0;
}

/* A new table, or NULL when the kernel would not give one. */
static GHashTable *read_links(void)
{
	GHashTable *links = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	g_autofree char *buffer = g_malloc(DUMP_SIZE);
	int more = MNL_CB_ERROR;

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 && ask_links(socket)) {
		do {
			ssize_t n = mnl_socket_recvfrom(socket, buffer, DUMP_SIZE);

			more = n > 0 ? mnl_cb_run(buffer, (size_t)n, 0, 0, on_link, links)
				     : MNL_CB_ERROR;
		} while (more == MNL_CB_OK);
	}
	if (socket)
		mnl_socket_close(socket);
	if (more == MNL_CB_ERROR)
		g_clear_pointer(&links, g_hash_table_unref);
	return links;
}

static gboolean same_links(GHashTable *a, GHashTable *b)
{
	GHashTableIter iter;
	gpointer name;
	gpointer link;

	if (!a || g_hash_table_size(a) != g_hash_table_size(b))
		return FALSE;
	g_hash_table_iter_init(&iter, a);
	while (g_hash_table_iter_next(&iter, &name, &link)) {
		const struct netwatch_link *x = link;
		const struct netwatch_link *y = g_hash_table_lookup(b, name);

		if (!y || x->index != y->index || !x->up != !y->up || x->mtu != y->mtu)
			return FALSE;
	}
	return TRUE;
}

static gboolean reread(gpointer data)
{
	struct netwatch *watch = data;
	GHashTable *links = read_links();

	watch->settle = 0;
	if (!links) { /* the change may have been the last event for long */
		watch->settle = g_timeout_add(RETRY_MS, reread, watch);
		return G_SOURCE_REMOVE;
	}
	if (same_links(watch->links, links)) {
		g_hash_table_unref(links);
		return G_SOURCE_REMOVE;
	}
	g_clear_pointer(&watch->links, g_hash_table_unref);
	watch->links = links;
	watch->changed(watch->data);
	return G_SOURCE_REMOVE;
}

/* ---- events ---- */

/* What the event says does not matter, nor whether some were lost (ENOBUFS): the table is read
 * again. */
static gboolean on_event(int fd, GIOCondition condition, gpointer data)
{
	struct netwatch *watch = data;
	char drop[8192];
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(watch->events, drop, sizeof(drop));
	} while (n > 0 || (n < 0 && errno == ENOBUFS));
	if (!watch->settle)
		watch->settle = g_timeout_add(SETTLE_MS, reread, watch);
	return G_SOURCE_CONTINUE;
}

struct netwatch *netwatch_new(netwatch_fn changed, gpointer data, GError **error)
{
	struct netwatch *watch = g_new0(struct netwatch, 1);

	watch->changed = changed;
	watch->data = data;
	watch->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->events ||
		mnl_socket_bind(watch->events, RTMGRP_LINK, MNL_SOCKET_AUTOPID) != 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			"cannot watch the network links: %s", g_strerror(errno));
		netwatch_free(watch);
		return NULL;
	}
	watch->source = g_unix_fd_add(mnl_socket_get_fd(watch->events), G_IO_IN, on_event, watch);
	watch->settle = g_timeout_add(0, reread, watch);
	return watch;
}

void netwatch_free(struct netwatch *watch)
{
	if (!watch)
		return;
	if (watch->source)
		g_source_remove(watch->source);
	if (watch->settle)
		g_source_remove(watch->settle);
	if (watch->events)
		mnl_socket_close(watch->events);
	g_clear_pointer(&watch->links, g_hash_table_unref);
	g_free(watch);
}

const struct netwatch_link *netwatch_find(const struct netwatch *watch, const char *name)
{
	return watch->links ? g_hash_table_lookup(watch->links, name) : NULL;
}
