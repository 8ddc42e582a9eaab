#include "host/enforce_conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <string.h>

typedef struct nfct_handle conntrack_handle;
typedef struct nf_conntrack conntrack_entry;

static void handle_close(conntrack_handle *handle)
{
	nfct_close(handle);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(conntrack_handle, handle_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(conntrack_entry, nfct_destroy)

static gboolean fail(GError **error, const char *verb)
{
	int code = errno;

	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code),
		"connection tracking: cannot %s: %s", verb, g_strerror(code));
	return FALSE;
}

static gboolean is_icmp(guint8 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

static gboolean has_ports(guint8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

/* Kernel to value */

static void read_address(const struct nf_conntrack *entry, enum nf_conntrack_attr four,
	enum nf_conntrack_attr six, struct rules_prefix *prefix)
{
	gboolean is_six = nfct_get_attr_u8(entry, ATTR_ORIG_L3PROTO) == AF_INET6;
	const void *address = nfct_get_attr(entry, is_six ? six : four);

	prefix->family = is_six ? 6 : 4;
	prefix->bits = is_six ? 128 : 32;
	if (address)
		memcpy(prefix->address, address, is_six ? 16 : 4);
}

static void read_entry(const struct nf_conntrack *entry, struct enforce_flow *flow)
{
	memset(flow, 0, sizeof *flow);
	read_address(entry, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, &flow->source);
	read_address(entry, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, &flow->destination);
	flow->protocol = nfct_get_attr_u8(entry, ATTR_ORIG_L4PROTO);
	if (is_icmp(flow->protocol)) {
		flow->source_port = ntohs(nfct_get_attr_u16(entry, ATTR_ICMP_ID));
		flow->destination_port = nfct_get_attr_u8(entry, ATTR_ICMP_TYPE);
		flow->icmp_code = nfct_get_attr_u8(entry, ATTR_ICMP_CODE);
	} else if (has_ports(flow->protocol)) {
		flow->source_port = ntohs(nfct_get_attr_u16(entry, ATTR_ORIG_PORT_SRC));
		flow->destination_port = ntohs(nfct_get_attr_u16(entry, ATTR_ORIG_PORT_DST));
	}
	if (flow->protocol == IPPROTO_TCP)
		flow->tcp_state = nfct_get_attr_u8(entry, ATTR_TCP_STATE);
	flow->zone = nfct_get_attr_u16(entry, ATTR_ZONE);
	flow->timeout_s = nfct_get_attr_u32(entry, ATTR_TIMEOUT);
	flow->mark = nfct_get_attr_u32(entry, ATTR_MARK);
	flow->status = nfct_get_attr_u32(entry, ATTR_STATUS);
}

struct dump {
	GPtrArray *machines;
	enforce_conntrack_func seen;
	gpointer data;
};

static int on_entry(
	enum nf_conntrack_msg_type type G_GNUC_UNUSED, struct nf_conntrack *entry, void *data)
{
	const struct dump *dump = data;
	struct enforce_flow flow;

	read_entry(entry, &flow);
	for (guint i = 0; i < dump->machines->len; i++)
		if (enforce_flow_nic(&flow, dump->machines->pdata[i]))
			dump->seen(&flow, dump->machines->pdata[i], dump->data);
	return NFCT_CB_CONTINUE;
}

gboolean enforce_conntrack_dump(
	GPtrArray *machines, enforce_conntrack_func seen, gpointer data, GError **error)
{
	g_autoptr(conntrack_handle) handle = nfct_open(CONNTRACK, 0);
	struct dump dump = { machines, seen, data };
	guint32 family = AF_UNSPEC;

	if (!handle)
		return fail(error, "be opened");
	nfct_callback_register(handle, NFCT_T_ALL, on_entry, &dump);
	return nfct_query(handle, NFCT_Q_DUMP, &family) >= 0 || fail(error, "be dumped");
}

/* Value to kernel */

static void write_address(struct nf_conntrack *entry, enum nf_conntrack_attr four,
	enum nf_conntrack_attr six, const struct rules_prefix *prefix)
{
	nfct_set_attr(entry, prefix->family == 6 ? six : four, prefix->address);
}

static conntrack_entry *write_tuple(const struct enforce_flow *flow)
{
	struct nf_conntrack *entry = nfct_new();

	nfct_set_attr_u8(entry, ATTR_ORIG_L3PROTO, flow->source.family == 6 ? AF_INET6 : AF_INET);
	nfct_set_attr_u8(entry, ATTR_ORIG_L4PROTO, flow->protocol);
	write_address(entry, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, &flow->source);
	write_address(entry, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, &flow->destination);
	if (is_icmp(flow->protocol)) {
		nfct_set_attr_u16(entry, ATTR_ICMP_ID, htons(flow->source_port));
		nfct_set_attr_u8(entry, ATTR_ICMP_TYPE, (guint8)flow->destination_port);
		nfct_set_attr_u8(entry, ATTR_ICMP_CODE, flow->icmp_code);
	} else if (has_ports(flow->protocol)) {
		nfct_set_attr_u16(entry, ATTR_ORIG_PORT_SRC, htons(flow->source_port));
		nfct_set_attr_u16(entry, ATTR_ORIG_PORT_DST, htons(flow->destination_port));
	}
	if (flow->zone)
		nfct_set_attr_u16(entry, ATTR_ZONE, flow->zone);
	return entry;
}

static void write_tcp(struct nf_conntrack *entry, const struct enforce_flow *flow)
{
	static const enum nf_conntrack_attr flags[] = { ATTR_TCP_FLAGS_ORIG, ATTR_TCP_MASK_ORIG,
		ATTR_TCP_FLAGS_REPL, ATTR_TCP_MASK_REPL };

	if (flow->protocol != IPPROTO_TCP)
		return;
	nfct_set_attr_u8(entry, ATTR_TCP_STATE, flow->tcp_state);
	for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
		nfct_set_attr_u8(entry, flags[i], IP_CT_TCP_FLAG_BE_LIBERAL);
}

static gboolean load_one(
	struct nfct_handle *handle, const struct enforce_flow *flow, GError **error)
{
	g_autoptr(conntrack_entry) entry = write_tuple(flow);

	nfct_setobjopt(entry, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(entry, ATTR_TIMEOUT, MAX(flow->timeout_s, 1));
	nfct_set_attr_u32(entry, ATTR_MARK, flow->mark);
	nfct_set_attr_u32(entry, ATTR_STATUS,
		IPS_CONFIRMED | (flow->status & (IPS_SEEN_REPLY | IPS_ASSURED)));
	write_tcp(entry, flow);
	return nfct_query(handle, NFCT_Q_CREATE_UPDATE, entry) >= 0 ||
	       fail(error, "enter a connection");
}

guint enforce_conntrack_load(const GArray *flows, GError **error)
{
	g_autoptr(conntrack_handle) handle = nfct_open(CONNTRACK, 0);
	guint n = 0;

	if (!handle) {
		fail(error, "be opened");
		return 0;
	}
	for (guint i = 0; i < flows->len; i++) {
		g_autoptr(GError) why = NULL;

		if (load_one(handle, &g_array_index(flows, struct enforce_flow, i), &why))
			n++;
		else {
			g_clear_error(error);
			g_propagate_error(error, g_steal_pointer(&why));
		}
	}
	return n;
}

/* One that is gone already is fine. */
static gboolean delete_one(
	struct nfct_handle *handle, const struct enforce_flow *flow, GError **error)
{
	g_autoptr(conntrack_entry) entry = write_tuple(flow);

	return nfct_query(handle, NFCT_Q_DESTROY, entry) >= 0 || errno == ENOENT ||
	       fail(error, "forget a connection");
}

struct choosing {
	enforce_conntrack_choice forget;
	gpointer data;
	GArray *flows;
};

static void choose(
	const struct enforce_flow *flow, const struct rules_machine *machine, gpointer data)
{
	struct choosing *choosing = data;

	if (choosing->forget(flow, machine, choosing->data))
		g_array_append_vals(choosing->flows, flow, 1);
}

gboolean enforce_conntrack_forget(GPtrArray *machines, enforce_conntrack_choice forget,
	gpointer data, guint *ret_n, GError **error)
{
	g_autoptr(GArray) flows = g_array_new(FALSE, FALSE, sizeof(struct enforce_flow));
	g_autoptr(conntrack_handle) handle = nfct_open(CONNTRACK, 0);
	struct choosing choosing = { forget, data, flows };

	if (!handle)
		return fail(error, "be opened");
	if (!enforce_conntrack_dump(machines, choose, &choosing, error))
		return FALSE;
	for (guint i = 0; i < flows->len; i++)
		if (!delete_one(handle, &g_array_index(flows, struct enforce_flow, i), error))
			return FALSE;
	*ret_n = flows->len;
	return TRUE;
}
