#include "host/enforce_rule.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define REGISTER NFT_REG_1

#define TCP_FLAGS  0x17u /* FIN, SYN, RST, ACK */
#define GROUP_MASK 0x01u

enum { ARP = 0x0806, IP = 0x0800, IP6 = 0x86dd };
enum {
	LINK = NFT_PAYLOAD_LL_HEADER,
	NET = NFT_PAYLOAD_NETWORK_HEADER,
	L4 = NFT_PAYLOAD_TRANSPORT_HEADER
};
/* nft's own numbers of its data types (datatype.h). */
enum {
	INTEGER = 4,
	IPADDR = 7,
	IP6ADDR = 8,
	ETHERADDR = 9,
	ETHERTYPE = 10,
	INET_PROTOCOL = 12,
	INET_SERVICE = 13,
	ICMP_TYPE = 14,
	MARK = 19,
	ICMP6_TYPE = 29,
	IFNAME = 41
};

const struct enforce_field_form enforce_fields[] = {
	[ENFORCE_ETHER_SOURCE] = { "payload", LINK, 6, 6, 0, 0, 0, ETHERADDR },
	[ENFORCE_ETHER_DESTINATION] = { "payload", LINK, 0, 6, 0, 0, 0, ETHERADDR },
	[ENFORCE_ETHER_GROUP] = { "payload", LINK, 0, 1, GROUP_MASK, 0, 0, INTEGER },
	[ENFORCE_ETHER_TYPE] = { "payload", LINK, 12, 2, 0, 0, 0, ETHERTYPE },
	[ENFORCE_ARP_MAC] = { "payload", NET, 8, 6, 0, ARP, 0, ETHERADDR },
	[ENFORCE_ARP_IP] = { "payload", NET, 14, 4, 0, ARP, 0, IPADDR },
	[ENFORCE_IP_SOURCE] = { "payload", NET, 12, 4, 0, IP, 0, IPADDR },
	[ENFORCE_IP_DESTINATION] = { "payload", NET, 16, 4, 0, IP, 0, IPADDR },
	[ENFORCE_IP_PROTOCOL] = { "payload", NET, 9, 1, 0, IP, 0, INET_PROTOCOL },
	[ENFORCE_IP6_SOURCE] = { "payload", NET, 8, 16, 0, IP6, 0, IP6ADDR },
	[ENFORCE_IP6_DESTINATION] = { "payload", NET, 24, 16, 0, IP6, 0, IP6ADDR },
	[ENFORCE_IP6_HOPLIMIT] = { "payload", NET, 7, 1, 0, IP6, 0, INTEGER },
	[ENFORCE_L4PROTO] = { "meta", NFT_META_L4PROTO, 0, 1, 0, 0, 0, INET_PROTOCOL },
	[ENFORCE_TCP_DPORT] = { "payload", L4, 2, 2, 0, 0, IPPROTO_TCP, INET_SERVICE },
	[ENFORCE_TCP_FLAGS] = { "payload", L4, 13, 1, TCP_FLAGS, 0, IPPROTO_TCP, INTEGER },
	[ENFORCE_UDP_SPORT] = { "payload", L4, 0, 2, 0, 0, IPPROTO_UDP, INET_SERVICE },
	[ENFORCE_UDP_DPORT] = { "payload", L4, 2, 2, 0, 0, IPPROTO_UDP, INET_SERVICE },
	[ENFORCE_ICMP_TYPE] = { "payload", L4, 0, 1, 0, IP, IPPROTO_ICMP, ICMP_TYPE },
	[ENFORCE_ICMP6_TYPE] = { "payload", L4, 0, 1, 0, IP6, IPPROTO_ICMPV6, ICMP6_TYPE },
	[ENFORCE_ND_TARGET] = { "payload", L4, 8, 16, 0, IP6, IPPROTO_ICMPV6, IP6ADDR },
	[ENFORCE_STATE] = { "meta", NFT_META_MARK, 0, 4, ENFORCE_MARK_MASK, 0, 0, MARK },
	[ENFORCE_CT_STATE] = { "ct", NFT_CT_STATE, 0, 4, 0, 0, 0, INTEGER },
	[ENFORCE_IIFNAME] = { "meta", NFT_META_IIFNAME, 0, 16, 0, 0, 0, IFNAME },
	[ENFORCE_OIFNAME] = { "meta", NFT_META_OIFNAME, 0, 16, 0, 0, 0, IFNAME },
	[ENFORCE_IBRNAME] = { "meta", NFT_META_BRI_IIFNAME, 0, 16, 0, 0, 0, IFNAME },
};

static void match_clear(gpointer data)
{
	struct enforce_match *match = data;

	g_clear_pointer(&match->values, g_array_unref);
	g_free(match->set);
}

static void statement_free(gpointer expr)
{
	nftnl_expr_free(expr);
}

struct enforce_rule *enforce_rule_new(const char *comment)
{
	struct enforce_rule *rule = g_new0(struct enforce_rule, 1);

	rule->comment = g_strdup(comment);
	rule->matches = g_array_new(FALSE, TRUE, sizeof(struct enforce_match));
	g_array_set_clear_func(rule->matches, match_clear);
	rule->statements = g_ptr_array_new_with_free_func(statement_free);
	return rule;
}

void enforce_rule_free(struct enforce_rule *rule)
{
	if (!rule)
		return;
	g_free(rule->comment);
	g_array_unref(rule->matches);
	g_ptr_array_unref(rule->statements);
	g_free(rule);
}

struct enforce_rule *enforce_rule_like(const struct enforce_rule *rule, const char *comment)
{
	struct enforce_rule *copy = enforce_rule_new(comment);

	for (guint i = 0; i < rule->matches->len; i++) {
		struct enforce_match match = g_array_index(rule->matches, struct enforce_match, i);

		match.values = match.values ? g_array_copy(match.values) : NULL;
		match.set = g_strdup(match.set);
		g_array_append_val(copy->matches, match);
	}
	return copy;
}

/* Matches */

void enforce_rule_match(
	struct enforce_rule *rule, enum enforce_field field, enum enforce_op op, GArray *values)
{
	struct enforce_match match = { field, op, values, NULL };

	enforce_interval_join(values);
	g_array_append_val(rule->matches, match);
}

void enforce_rule_number(struct enforce_rule *rule, enum enforce_field field, guint64 number)
{
	enforce_rule_range(rule, field, number, number);
}

void enforce_rule_range(
	struct enforce_rule *rule, enum enforce_field field, guint64 low, guint64 high)
{
	GArray *values = enforce_interval_list();

	enforce_interval_add_range(values, low, high, enforce_fields[field].size);
	enforce_rule_match(rule, field, ENFORCE_IN, values);
}

void enforce_rule_state(struct enforce_rule *rule, enum enforce_field field, guint32 bits)
{
	GArray *values = enforce_interval_list();

	enforce_interval_add_bytes(values, &bits, sizeof bits);
	enforce_rule_match(rule, field, ENFORCE_IN, values);
}

void enforce_rule_mac(
	struct enforce_rule *rule, enum enforce_field field, enum enforce_op op, const char *mac)
{
	GArray *values = enforce_interval_list();
	guint8 bytes[6];

	for (gsize i = 0; i < sizeof bytes; i++)
		bytes[i] = (guint8)(g_ascii_xdigit_value(mac[3 * i]) << 4 |
				    g_ascii_xdigit_value(mac[3 * i + 1]));
	enforce_interval_add_bytes(values, bytes, sizeof bytes);
	enforce_rule_match(rule, field, op, values);
}

void enforce_rule_name(struct enforce_rule *rule, enum enforce_field field, const char *name)
{
	GArray *values = enforce_interval_list();
	char bytes[ENFORCE_INTERVAL_SIZE] = "";

	g_strlcpy(bytes, name, sizeof bytes);
	enforce_interval_add_bytes(values, bytes, sizeof bytes);
	enforce_rule_match(rule, field, ENFORCE_IN, values);
}

void enforce_rule_named_set(
	struct enforce_rule *rule, enum enforce_field field, enum enforce_op op, const char *set)
{
	struct enforce_match match = { field, op, NULL, g_strdup(set) };

	g_array_append_val(rule->matches, match);
}

/* Statements */

static struct nftnl_expr *add(struct enforce_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	g_assert(expr);
	g_ptr_array_add(rule->statements, expr);
	return expr;
}

void enforce_rule_counter(struct enforce_rule *rule)
{
	struct nftnl_expr *expr = add(rule, "counter");

	nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_PACKETS, 0);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_CTR_BYTES, 0);
}

void enforce_rule_limit(struct enforce_rule *rule, guint rate_per_s, guint burst)
{
	struct nftnl_expr *expr = add(rule, "limit");

	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, rate_per_s);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

void enforce_rule_log(struct enforce_rule *rule, const char *prefix, guint16 group)
{
	struct nftnl_expr *expr = add(rule, "log");

	nftnl_expr_set_str(expr, NFTNL_EXPR_LOG_PREFIX, prefix);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_LOG_GROUP, group);
}

void enforce_rule_verdict(struct enforce_rule *rule, int verdict)
{
	struct nftnl_expr *expr = add(rule, "immediate");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, (guint32)verdict);
}

void enforce_rule_jump(struct enforce_rule *rule, const char *chain)
{
	enforce_rule_verdict(rule, NFT_JUMP);
	nftnl_expr_set_str(
		rule->statements->pdata[rule->statements->len - 1], NFTNL_EXPR_IMM_CHAIN, chain);
}

void enforce_rule_vmap(struct enforce_rule *rule, enum enforce_field field, const char *map)
{
	struct nftnl_expr *meta = add(rule, "meta");
	struct nftnl_expr *lookup = add(rule, "lookup");

	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, enforce_fields[field].key);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, REGISTER);
	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, REGISTER);
	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, map);
}

void enforce_rule_mark(struct enforce_rule *rule, guint32 keep, guint32 bits)
{
	struct nftnl_expr *get = add(rule, "meta");
	struct nftnl_expr *change = add(rule, "bitwise");
	struct nftnl_expr *set = add(rule, "meta");
	guint32 mask = keep & ~bits;

	nftnl_expr_set_u32(get, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(get, NFTNL_EXPR_META_DREG, REGISTER);
	nftnl_expr_set_u32(change, NFTNL_EXPR_BITWISE_SREG, REGISTER);
	nftnl_expr_set_u32(change, NFTNL_EXPR_BITWISE_DREG, REGISTER);
	nftnl_expr_set_u32(change, NFTNL_EXPR_BITWISE_LEN, sizeof mask);
	nftnl_expr_set(change, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof mask);
	nftnl_expr_set(change, NFTNL_EXPR_BITWISE_XOR, &bits, sizeof bits);
	nftnl_expr_set_u32(set, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(set, NFTNL_EXPR_META_SREG, REGISTER);
}

void enforce_rule_zone(struct enforce_rule *rule, guint16 zone)
{
	struct nftnl_expr *value = add(rule, "immediate");
	struct nftnl_expr *set = add(rule, "ct");

	nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, REGISTER);
	nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, &zone, sizeof zone);
	nftnl_expr_set_u32(set, NFTNL_EXPR_CT_KEY, NFT_CT_ZONE);
	nftnl_expr_set_u32(set, NFTNL_EXPR_CT_SREG, REGISTER);
}

void enforce_rule_notrack(struct enforce_rule *rule)
{
	add(rule, "notrack");
}
