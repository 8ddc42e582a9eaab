#include "host/netread.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

/* ---- attributes: a table by type, each of at least the size its reader needs ---- */

struct attributes {
	const struct nlattr **table;
	unsigned max;
};

static int on_attribute(const struct nlattr *attr, void *data)
{
	const struct attributes *attributes = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= attributes->max)
		attributes->table[type] = attr;
	return MNL_CB_OK;
}

/* FALSE: the message is shorter than its own header says or needs. */
static gboolean read_attributes(const struct nlmsghdr *message, size_t header_size,
	const struct nlattr **table, unsigned max)
{
	struct attributes attributes = { table, max };
	size_t size = mnl_nlmsg_get_payload_len(message);
	size_t begin = MNL_ALIGN(header_size);

	if (size < header_size)
		return FALSE;
	/* mnl_attr_parse() would round the end up */
	return size <= begin || mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, begin),
					size - begin, on_attribute, &attributes) == MNL_CB_OK;
}

static unsigned get_number(const struct nlattr *attr, unsigned otherwise)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint32_t))
		return otherwise;
	return mnl_attr_get_u32(attr);
}

static gboolean get_address(
	const struct nlattr *attr, int family, char ret_text[static INET6_ADDRSTRLEN])
{
	size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);

	if (!attr || (family != AF_INET && family != AF_INET6) ||
		mnl_attr_get_payload_len(attr) < size)
		return FALSE;
	return inet_ntop(family, mnl_attr_get_payload(attr), ret_text, INET6_ADDRSTRLEN) != NULL;
}

static void get_mac(const struct nlattr *attr, char ret_text[static NETREAD_MAC_SIZE])
{
	const guint8 *b = attr ? mnl_attr_get_payload(attr) : NULL;

	if (attr && mnl_attr_get_payload_len(attr) == 6)
		g_snprintf(ret_text, NETREAD_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1],
			b[2], b[3], b[4], b[5]);
}

/* ---- links ---- */

gboolean netread_link(const struct nlmsghdr *message, struct netread_link *ret)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[IFLA_MAX + 1] = { 0 };
	const struct nlattr *name;

	if (message->nlmsg_type != RTM_NEWLINK ||
		!read_attributes(message, sizeof(*info), attrs, IFLA_MAX))
		return FALSE;
	name = attrs[IFLA_IFNAME];
	if (!name || mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0)
		return FALSE;
	*ret = (struct netread_link){ .index = (unsigned)info->ifi_index };
	g_strlcpy(ret->name, mnl_attr_get_str(name), sizeof(ret->name));
	ret->up = (info->ifi_flags & IFF_UP) &&
		  (!attrs[IFLA_CARRIER] || mnl_attr_get_u8(attrs[IFLA_CARRIER]));
	ret->mtu = get_number(attrs[IFLA_MTU], 0);
	return TRUE;
}

/* ---- neighbours ---- */

#define NUD_HEARD (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

static enum netread_state state_of(unsigned nud)
{
	if (nud & NUD_HEARD)
		return NETREAD_KNOWN;
	if (nud & NUD_FAILED)
		return NETREAD_SILENT;
	return nud & NUD_INCOMPLETE ? NETREAD_PENDING : NETREAD_OWN;
}

static guint64 age_of(const struct nlattr *attr)
{
	const struct nda_cacheinfo *info = attr ? mnl_attr_get_payload(attr) : NULL;
	long ticks = sysconf(_SC_CLK_TCK);

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*info) || ticks <= 0)
		return 0;
	return (guint64)info->ndm_updated * 1000 / (guint64)ticks;
}

gboolean netread_neighbour(const struct nlmsghdr *message, struct netread_neighbour *ret)
{
	const struct ndmsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[NDA_MAX + 1] = { 0 };

	if (message->nlmsg_type != RTM_NEWNEIGH ||
		!read_attributes(message, sizeof(*info), attrs, NDA_MAX))
		return FALSE;
	*ret = (struct netread_neighbour){ .on_bridge = info->ndm_family == AF_BRIDGE,
		.index = (unsigned)info->ndm_ifindex,
		.state = state_of(info->ndm_state),
		.age_ms = age_of(attrs[NDA_CACHEINFO]) };
	get_mac(attrs[NDA_LLADDR], ret->mac);
	if (ret->on_bridge) /* a device's own list (NTF_SELF) says nothing of who was heard */
		return attrs[NDA_MASTER] && *ret->mac;
	return get_address(attrs[NDA_DST], info->ndm_family, ret->address);
}

/* ---- addresses ---- */

gboolean netread_address(const struct nlmsghdr *message, struct netread_address *ret)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[IFA_MAX + 1] = { 0 };
	unsigned flags;

	if (message->nlmsg_type != RTM_NEWADDR ||
		!read_attributes(message, sizeof(*info), attrs, IFA_MAX))
		return FALSE;
	flags = get_number(attrs[IFA_FLAGS], info->ifa_flags);
	*ret = (struct netread_address){ .index = info->ifa_index,
		.global = info->ifa_scope == RT_SCOPE_UNIVERSE &&
			  !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) };
	/* on a point-to-point link IFA_ADDRESS is the peer's */
	return get_address(attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS],
		info->ifa_family, ret->address);
}

/* ---- routes ---- */

static gboolean is_everywhere(const struct rtmsg *info, const struct nlattr *prefix)
{
	const guint8 *bytes = prefix ? mnl_attr_get_payload(prefix) : NULL;

	if (info->rtm_family != AF_INET6 || !prefix || mnl_attr_get_payload_len(prefix) < 2)
		return FALSE;
	return bytes[0] == 0xff || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80);
}

static gboolean get_prefix(
	const struct rtmsg *info, const struct nlattr *attr, struct netread_route *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (!attr && info->rtm_dst_len == 0)
		g_strlcpy(text, info->rtm_family == AF_INET ? "0.0.0.0" : "::", sizeof(text));
	else if (!get_address(attr, info->rtm_family, text))
		return FALSE;
	ret->bits = info->rtm_dst_len;
	g_snprintf(ret->prefix, sizeof(ret->prefix), "%s/%u", text, ret->bits);
	return TRUE;
}

/* RTA_VIA: an IPv4 route over an IPv6 gateway. */
static void get_gateway(const struct nlattr *gateway, const struct nlattr *via, int family,
	struct netread_route *ret)
{
	const struct rtvia *far = via ? mnl_attr_get_payload(via) : NULL;

	if (gateway)
		get_address(gateway, family, ret->gateway);
	else if (via && mnl_attr_get_payload_len(via) >= sizeof(*far) + sizeof(struct in6_addr) &&
		 far->rtvia_family == AF_INET6)
		inet_ntop(AF_INET6, far->rtvia_addr, ret->gateway, sizeof(ret->gateway));
}

static unsigned get_hops(const struct nlattr *attr, const struct netread_route *route, int family,
	struct netread_route *ret_routes)
{
	const char *at = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	unsigned n = 0;

	while (n < NETREAD_HOPS_MAX && left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *hop = (const void *)at;
		const struct nlattr *attrs[RTA_MAX + 1] = { 0 };
		struct attributes attributes = { attrs, RTA_MAX };
		size_t size = RTNH_ALIGN((size_t)hop->rtnh_len);

		if (hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > left)
			break;
		mnl_attr_parse_payload(
			hop + 1, hop->rtnh_len - sizeof(*hop), on_attribute, &attributes);
		ret_routes[n] = *route;
		ret_routes[n].index = (unsigned)hop->rtnh_ifindex;
		get_gateway(attrs[RTA_GATEWAY], attrs[RTA_VIA], family, &ret_routes[n++]);
		at += MIN(size, left);
		left -= MIN(size, left);
	}
	return n;
}

unsigned netread_routes(
	const struct nlmsghdr *message, struct netread_route ret_routes[static NETREAD_HOPS_MAX])
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attrs[RTA_MAX + 1] = { 0 };
	struct netread_route route = { 0 };

	if (message->nlmsg_type != RTM_NEWROUTE ||
		!read_attributes(message, sizeof(*info), attrs, RTA_MAX))
		return 0;
	if ((info->rtm_family != AF_INET && info->rtm_family != AF_INET6) ||
		info->rtm_type != RTN_UNICAST || (info->rtm_flags & RTM_F_CLONED) ||
		get_number(attrs[RTA_TABLE], info->rtm_table) != RT_TABLE_MAIN ||
		is_everywhere(info, attrs[RTA_DST]) || !get_prefix(info, attrs[RTA_DST], &route))
		return 0;
	route.metric = get_number(attrs[RTA_PRIORITY], 0);
	route.index = get_number(attrs[RTA_OIF], 0);
	if (attrs[RTA_MULTIPATH])
		return get_hops(attrs[RTA_MULTIPATH], &route, info->rtm_family, ret_routes);
	get_gateway(attrs[RTA_GATEWAY], attrs[RTA_VIA], info->rtm_family, &route);
	ret_routes[0] = route;
	return 1;
}
