#include "host/netwatch.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define DUMP_SIZE  32768 /* what the kernel puts into one message of a dump at most */
#define SETTLE_MS  5     /* events come in bursts; one reading serves a burst */
#define RETRY_MS   20    /* a table that changed while it was read is read again */
#define SHARE      20    /* reading takes at most one part in so many of the time */
#define READS_MAX  64    /* datagrams of events taken in one turn of the main loop */
#define HEADER_MAX sizeof(struct ifinfomsg)

struct netwatch {
	struct netwatch_events call;
	gpointer data;
	struct mnl_socket *events;
	guint source;
	GHashTable *links; /* name -> struct netread_link */
	struct turn {
		struct netwatch *watch;
		guint source;         /* the reading that is due, 0: none */
		gint64 not_before_us; /* monotonic */
	} turns[NETWATCH_N_TABLES];
};

/* ---- asking the kernel ---- */

static gboolean ask(struct mnl_socket *socket, int type, int family)
{
	char request[MNL_NLMSG_HDRLEN + HEADER_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *header = mnl_nlmsg_put_header(request);
	/* all of them begin with the family; the kernel knows this one by its size */
	size_t size = type == RTM_GETNEIGH ? sizeof(struct ndmsg) : HEADER_MAX;

	header->nlmsg_type = (uint16_t)type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	*(guint8 *)mnl_nlmsg_put_extra_header(header, size) = (guint8)family;
	return mnl_socket_sendto(socket, header, header->nlmsg_len) > 0;
}

/* FALSE: the kernel did not answer to the end. */
static gboolean dump(int type, int family, mnl_cb_t each, void *data)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	g_autofree char *buffer = g_malloc(DUMP_SIZE);
	int more = MNL_CB_ERROR;

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
		ask(socket, type, family)) {
		do {
			ssize_t n = mnl_socket_recvfrom(socket, buffer, DUMP_SIZE);

			more = n > 0 ? mnl_cb_run(buffer, (size_t)n, 0, 0, each, data)
				     : MNL_CB_ERROR;
		} while (more == MNL_CB_OK);
	}
	if (socket)
		mnl_socket_close(socket);
	return more != MNL_CB_ERROR;
}

/* A reader's function and its data, for the three that follow. */
struct reading {
	void (*neighbour)(const struct netread_neighbour *neighbour, gpointer data);
	void (*address)(const struct netread_address *address, gpointer data);
	void (*route)(const struct netread_route *route, gpointer data);
	gpointer data;
};

static int on_neighbour(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	struct netread_neighbour neighbour;

	if (netread_neighbour(message, &neighbour))
		reading->neighbour(&neighbour, reading->data);
	return MNL_CB_OK;
}

gboolean netwatch_read_neighbours(struct netwatch *watch,
	void (*each)(const struct netread_neighbour *neighbour, gpointer data), gpointer data)
{
	struct reading reading = { .neighbour = each, .data = data };

	return dump(RTM_GETNEIGH, AF_BRIDGE, on_neighbour, &reading) &&
	       dump(RTM_GETNEIGH, AF_UNSPEC, on_neighbour, &reading);
}

static int on_address(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	struct netread_address address;

	if (netread_address(message, &address))
		reading->address(&address, reading->data);
	return MNL_CB_OK;
}

gboolean netwatch_read_addresses(struct netwatch *watch,
	void (*each)(const struct netread_address *address, gpointer data), gpointer data)
{
	struct reading reading = { .address = each, .data = data };

	return dump(RTM_GETADDR, AF_UNSPEC, on_address, &reading);
}

static int on_route(const struct nlmsghdr *message, void *data)
{
	const struct reading *reading = data;
	struct netread_route routes[NETREAD_HOPS_MAX];
	unsigned n = netread_routes(message, routes);

	for (unsigned i = 0; i < n; i++)
		reading->route(&routes[i], reading->data);
	return MNL_CB_OK;
}

gboolean netwatch_read_routes(struct netwatch *watch,
	void (*each)(const struct netread_route *route, gpointer data), gpointer data)
{
	struct reading reading = { .route = each, .data = data };

	return dump(RTM_GETROUTE, AF_INET, on_route, &reading) &&
	       dump(RTM_GETROUTE, AF_INET6, on_route, &reading);
}

/* ---- links ---- */

static int on_link(const struct nlmsghdr *message, void *data)
{
	struct netread_link link;

	if (netread_link(message, &link)) {
		struct netread_link *copy = g_memdup2(&link, sizeof(link));

		g_hash_table_replace(data, copy->name, copy);
	}
	return MNL_CB_OK;
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
		const struct netread_link *x = link;
		const struct netread_link *y = g_hash_table_lookup(b, name);

		if (!y || x->index != y->index || !x->up != !y->up || x->mtu != y->mtu)
			return FALSE;
	}
	return TRUE;
}

static gboolean read_links(struct netwatch *watch)
{
	GHashTable *links = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	gboolean good = dump(RTM_GETLINK, AF_UNSPEC, on_link, links);

	if (!good || same_links(watch->links, links)) {
		g_hash_table_unref(links);
		return good;
	}
	g_clear_pointer(&watch->links, g_hash_table_unref);
	watch->links = links;
	watch->call.links(watch->data);
	return TRUE;
}

const struct netread_link *netwatch_find(const struct netwatch *watch, const char *name)
{
	return watch->links ? g_hash_table_lookup(watch->links, name) : NULL;
}

const struct netread_link *netwatch_find_index(const struct netwatch *watch, unsigned index)
{
	GHashTableIter iter;
	gpointer link;

	if (!watch->links)
		return NULL;
	g_hash_table_iter_init(&iter, watch->links);
	while (g_hash_table_iter_next(&iter, NULL, &link))
		if (((const struct netread_link *)link)->index == index)
			return link;
	return NULL;
}

/* ---- the turns: one a table ---- */

static gboolean read_neighbours(struct netwatch *watch)
{
	return watch->call.neighbours(watch, watch->data);
}

static gboolean read_routes(struct netwatch *watch)
{
	return watch->call.routes(watch, watch->data);
}

static const struct {
	unsigned groups; /* whose events make it stale */
	unsigned pause_ms;
	gboolean (*read)(struct netwatch *watch);
} tables[NETWATCH_N_TABLES] = {
	[NETWATCH_LINKS] = { RTMGRP_LINK, 0, read_links },
	[NETWATCH_NEIGHBOURS] = { RTMGRP_NEIGH, NETWATCH_PAUSE_MS, read_neighbours },
	[NETWATCH_ROUTES] = { RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
				      RTMGRP_IPV6_ROUTE,
		NETWATCH_PAUSE_MS, read_routes },
};

static void due(struct turn *turn, gint64 delay_ms);

static gboolean on_turn(gpointer data)
{
	struct turn *turn = data;
	struct netwatch *watch = turn->watch;
	size_t table = (size_t)(turn - watch->turns);
	gint64 begin = g_get_monotonic_time();
	gboolean good;
	gint64 took;

	turn->source = 0;
	good = tables[table].read(watch);
	took = g_get_monotonic_time() - begin;
	if (tables[table].pause_ms)
		turn->not_before_us = begin + MAX(tables[table].pause_ms * G_GINT64_CONSTANT(1000),
						      took * SHARE);
	if (!good) /* the change may have been the last event for long */
		due(turn, RETRY_MS);
	return G_SOURCE_REMOVE;
}

static void due(struct turn *turn, gint64 delay_ms)
{
	gint64 wait_ms = (turn->not_before_us - g_get_monotonic_time()) / 1000 + 1;

	if (!turn->source)
		turn->source = g_timeout_add((guint)MAX(delay_ms, wait_ms), on_turn, turn);
}

void netwatch_ask(struct netwatch *watch, enum netwatch_table table)
{
	due(&watch->turns[table], SETTLE_MS);
}

/* ---- events ---- */

static int on_message(const struct nlmsghdr *message, void *data)
{
	static const enum netwatch_table by_type[] = {
		[RTM_NEWLINK - RTM_BASE] = NETWATCH_LINKS,
		[RTM_DELLINK - RTM_BASE] = NETWATCH_LINKS,
		[RTM_NEWADDR - RTM_BASE] = NETWATCH_ROUTES,
		[RTM_DELADDR - RTM_BASE] = NETWATCH_ROUTES,
		[RTM_NEWROUTE - RTM_BASE] = NETWATCH_ROUTES,
		[RTM_DELROUTE - RTM_BASE] = NETWATCH_ROUTES,
		[RTM_NEWNEIGH - RTM_BASE] = NETWATCH_NEIGHBOURS,
		[RTM_DELNEIGH - RTM_BASE] = NETWATCH_NEIGHBOURS,
	};
	unsigned type = message->nlmsg_type;

	if (type >= RTM_BASE && type - RTM_BASE < G_N_ELEMENTS(by_type))
		netwatch_ask(data, by_type[type - RTM_BASE]);
	return MNL_CB_OK;
}

static gboolean on_event(int fd, GIOCondition condition, gpointer data)
{
	struct netwatch *watch = data;
	g_autofree char *buffer = g_malloc(DUMP_SIZE);

	for (unsigned i = 0; i < READS_MAX; i++) {
		ssize_t n = mnl_socket_recvfrom(watch->events, buffer, DUMP_SIZE);

		if (n > 0) {
			mnl_cb_run(buffer, (size_t)n, 0, 0, on_message, watch);
		} else if (n < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
			/* which were lost, nobody knows */
			for (unsigned table = 0; table < NETWATCH_N_TABLES; table++)
				netwatch_ask(watch, table);
		} else {
			break;
		}
	}
	return G_SOURCE_CONTINUE;
}

/* ---- life ---- */

static unsigned all_groups(void)
{
	unsigned groups = 0;

	for (unsigned table = 0; table < NETWATCH_N_TABLES; table++)
		groups |= tables[table].groups;
	return groups;
}

struct netwatch *netwatch_new(const struct netwatch_events *events, gpointer data, GError **error)
{
	struct netwatch *watch = g_new0(struct netwatch, 1);

	watch->call = *events;
	watch->data = data;
	watch->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->events ||
		mnl_socket_bind(watch->events, all_groups(), MNL_SOCKET_AUTOPID) != 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			"cannot watch the kernel's network state: %s", g_strerror(errno));
		netwatch_free(watch);
		return NULL;
	}
	watch->source = g_unix_fd_add(mnl_socket_get_fd(watch->events), G_IO_IN, on_event, watch);
	for (unsigned table = 0; table < NETWATCH_N_TABLES; table++) {
		watch->turns[table].watch = watch;
		due(&watch->turns[table], 0);
	}
	return watch;
}

void netwatch_free(struct netwatch *watch)
{
	if (!watch)
		return;
	if (watch->source)
		g_source_remove(watch->source);
	for (unsigned table = 0; table < NETWATCH_N_TABLES; table++)
		if (watch->turns[table].source)
			g_source_remove(watch->turns[table].source);
	if (watch->events)
		mnl_socket_close(watch->events);
	g_clear_pointer(&watch->links, g_hash_table_unref);
	g_free(watch);
}
