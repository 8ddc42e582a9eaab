#include "host/enforce_chains.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

enum { ARP = 0x0806, IP = 0x0800, IP6 = 0x86dd, RARP = 0x8035 };
enum { IGMP = 2 };
enum { MLD_QUERY = 130, ROUTER_SOLICIT = 133, SOLICIT = 135, ADVERT = 136, MLD2_REPORT = 143 };

const char *const enforce_chain_kinds[3] = { "guard", "from", "to" };

/* What the writers of one chain share. */
struct chain {
	struct enforce_batch *batch;
	const struct rules_machine *machine;
	const struct rules_nic *nic;
	const char *name;
	const char *direction;
	guint16 log_group;
	GArray *sources; /* the nic's addresses, with the link-local one of its MAC when it has IPv6
			  */
};

static void add(struct chain *chain, struct enforce_rule *rule)
{
	enforce_batch_add_rule(chain->batch, ENFORCE_BRIDGE, chain->name, rule);
}

static void permit_all(struct chain *chain, struct enforce_rule *rule)
{
	enforce_rule_verdict(rule, NF_ACCEPT);
	add(chain, rule);
}

static void count_and(struct chain *chain, struct enforce_rule *rule, int verdict)
{
	enforce_rule_counter(rule);
	enforce_rule_verdict(rule, verdict);
	add(chain, rule);
}

/* Two rules: say it (at most so often), then drop it. Takes `matches`, a rule without statements;
 * NULL: everything that comes here. */
static void refuse(struct chain *chain, const char *reason, struct enforce_rule *matches)
{
	g_autofree char *prefix = g_strdup_printf(
		ENFORCE_LOG_PREFIX "%s:%s:%s", chain->direction, reason, chain->nic->tap);
	struct enforce_rule *say = matches ? matches : enforce_rule_new(NULL);
	struct enforce_rule *drop = enforce_rule_like(say, reason);

	enforce_rule_limit(say, ENFORCE_LOG_RATE, ENFORCE_LOG_BURST);
	enforce_rule_log(say, prefix, chain->log_group);
	add(chain, say);
	count_and(chain, drop, NF_DROP);
}

static struct enforce_rule *number(enum enforce_field field, guint64 value)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);

	enforce_rule_number(rule, field, value);
	return rule;
}

static struct enforce_rule *ether_type(guint16 type)
{
	return number(ENFORCE_ETHER_TYPE, type);
}

static struct enforce_rule *not_mac(enum enforce_field field, const char *mac)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);

	enforce_rule_mac(rule, field, ENFORCE_NOT_IN, mac);
	return rule;
}

/* Matches what is none of the prefixes. */
static void none_of(
	struct enforce_rule *rule, enum enforce_field field, const GArray *prefixes, guint8 family)
{
	GArray *values = enforce_interval_list();

	enforce_interval_add_prefixes(values, prefixes, family);
	enforce_rule_match(rule, field, ENFORCE_NOT_IN, values);
}

static struct enforce_rule *foreign(enum enforce_field field, const GArray *prefixes, guint8 family)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);

	none_of(rule, field, prefixes, family);
	return rule;
}

static gboolean has_family(const GArray *prefixes, guint8 family)
{
	for (guint i = 0; i < prefixes->len; i++)
		if (g_array_index(prefixes, struct rules_prefix, i).family == family)
			return TRUE;
	return FALSE;
}

/* The link-local address that a guest makes of its MAC (RFC 4291, appendix A). */
static struct rules_prefix link_local_of(const char *mac)
{
	struct rules_prefix prefix = { .family = 6, .bits = 128, .address = { 0xfe, 0x80 } };
	guint8 bytes[6];

	for (gsize i = 0; i < 6; i++)
		bytes[i] = (guint8)(g_ascii_xdigit_value(mac[3 * i]) << 4 |
				    g_ascii_xdigit_value(mac[3 * i + 1]));
	bytes[0] ^= 2;
	memcpy(prefix.address + 8, bytes, 3);
	prefix.address[11] = 0xff;
	prefix.address[12] = 0xfe;
	memcpy(prefix.address + 13, bytes + 3, 3);
	return prefix;
}

static GArray *sources_of(const struct rules_nic *nic)
{
	GArray *sources = g_array_new(FALSE, FALSE, sizeof(struct rules_prefix));

	g_array_append_vals(sources, nic->addresses->data, nic->addresses->len);
	if (has_family(sources, 6)) {
		struct rules_prefix link_local = link_local_of(nic->mac);

		g_array_append_val(sources, link_local);
	}
	return sources;
}

/* guard: IPv4 and ARP */

static gboolean asks_by_dhcp(const struct rules_machine *machine)
{
	for (guint i = 0; i < machine->rules->len; i++) {
		const struct rules_rule *rule = machine->rules->pdata[i];

		for (guint j = 0; rule->direction == RULES_OUT && rule->protocol == RULES_UDP &&
				  j < rule->ports->len;
			j++) {
			const struct rules_ports *ports = &g_array_index(
				rule->ports, struct rules_ports, j);

			if (ports->low == 67 && ports->high == 67)
				return TRUE;
		}
	}
	return FALSE;
}

/* ARP: from its own MAC, for its own addresses or (probing, RFC 5227) for none. */
static void guard_arp(struct chain *chain)
{
	g_autoptr(GArray) sources = g_array_copy(chain->sources);
	struct rules_prefix nobody = { .family = 4, .bits = 32 };

	g_array_append_val(sources, nobody);
	refuse(chain, "spoof-mac", not_mac(ENFORCE_ARP_MAC, chain->nic->mac));
	refuse(chain, "spoof-ip", foreign(ENFORCE_ARP_IP, sources, 4));
	permit_all(chain, ether_type(ARP));
}

static void guard_dhcp(struct chain *chain)
{
	struct enforce_rule *rule = number(ENFORCE_IP_SOURCE, 0);

	enforce_rule_number(rule, ENFORCE_UDP_SPORT, 68);
	enforce_rule_number(rule, ENFORCE_UDP_DPORT, 67);
	permit_all(chain, rule);
}

static void guard_ip(struct chain *chain)
{
	if (asks_by_dhcp(chain->machine))
		guard_dhcp(chain);
	if (!has_family(chain->sources, 4)) {
		refuse(chain, "spoof-ip", ether_type(IP));
		return;
	}
	refuse(chain, "spoof-ip", foreign(ENFORCE_IP_SOURCE, chain->sources, 4));
	permit_all(chain, ether_type(IP));
}

/* guard: IPv6 and neighbour discovery */

static void nobody6(struct enforce_rule *rule)
{
	static const struct rules_prefix nobody = { .family = 6, .bits = 128 };
	GArray *values = enforce_interval_list();

	enforce_interval_add_prefix(values, &nobody);
	enforce_rule_match(rule, ENFORCE_IP6_SOURCE, ENFORCE_IN, values);
}

/* Before a machine has its address it looks whether somebody else has it (RFC 4862), and joins the
 * group for that. */
static void guard_probing(struct chain *chain)
{
	struct enforce_rule *join = enforce_rule_new(NULL);
	struct enforce_rule *probe = enforce_rule_new(NULL);
	GArray *targets = enforce_interval_list();

	nobody6(join);
	enforce_rule_number(join, ENFORCE_ICMP6_TYPE, MLD2_REPORT);
	permit_all(chain, join);
	nobody6(probe);
	enforce_rule_number(probe, ENFORCE_ICMP6_TYPE, SOLICIT);
	enforce_interval_add_prefixes(targets, chain->sources, 6);
	enforce_rule_match(probe, ENFORCE_ND_TARGET, ENFORCE_IN, targets);
	permit_all(chain, probe);
}

/* An advertisement for somebody else. */
static struct enforce_rule *foreign_advert(struct chain *chain)
{
	struct enforce_rule *rule = number(ENFORCE_ICMP6_TYPE, ADVERT);

	none_of(rule, ENFORCE_ND_TARGET, chain->sources, 6);
	return rule;
}

static void guard_ip6(struct chain *chain)
{
	if (!has_family(chain->sources, 6)) {
		refuse(chain, "undeclared-ipv6", ether_type(IP6));
		return;
	}
	guard_probing(chain);
	refuse(chain, "spoof-ip", foreign(ENFORCE_IP6_SOURCE, chain->sources, 6));
	refuse(chain, "spoof-ip", foreign_advert(chain));
	permit_all(chain, ether_type(IP6));
}

static void write_guard(struct chain *chain)
{
	refuse(chain, "spoof-mac", not_mac(ENFORCE_ETHER_SOURCE, chain->nic->mac));
	guard_arp(chain);
	guard_ip(chain);
	guard_ip6(chain);
	/* RARP: what QEMU sends after a migration so that the switches learn the new place. */
	permit_all(chain, ether_type(RARP));
	refuse(chain, "foreign-ethertype", NULL);
}

/* from and to: flows */

static void match_ports(
	struct enforce_rule *out, enum enforce_field field, const struct rules_rule *rule)
{
	GArray *values = enforce_interval_list();

	for (guint i = 0; i < rule->ports->len; i++) {
		const struct rules_ports *ports = &g_array_index(
			rule->ports, struct rules_ports, i);

		enforce_interval_add_range(
			values, ports->low, ports->high, enforce_fields[field].size);
	}
	enforce_rule_match(out, field, ENFORCE_IN, values);
}

/* What selects the rule's protocol and ports; RULES_ANY needs nothing. */
static void match_protocol(struct enforce_rule *out, const struct rules_rule *rule)
{
	static const struct {
		enum enforce_field field;
		guint8 standard; /* the type when none is named */
	} words[] = {
		[RULES_TCP] = { ENFORCE_TCP_DPORT, 0 },
		[RULES_UDP] = { ENFORCE_UDP_DPORT, 0 },
		[RULES_ICMP] = { ENFORCE_ICMP_TYPE, 8 },
		[RULES_ICMPV6] = { ENFORCE_ICMP6_TYPE, 128 },
	};

	if (rule->protocol == RULES_ANY)
		return;
	if (rule->ports->len)
		match_ports(out, words[rule->protocol].field, rule);
	else if (words[rule->protocol].standard)
		enforce_rule_number(
			out, words[rule->protocol].field, words[rule->protocol].standard);
	else if (rule->protocol == RULES_UDP)
		enforce_rule_number(out, ENFORCE_L4PROTO, IPPROTO_UDP);
	/* A connection begins with a SYN: what is taken up midway was never allowed here
	 * (tcp_loose=0, but only for our machines; the sysctl would be the whole host's). */
	if (rule->protocol == RULES_TCP)
		enforce_rule_number(out, ENFORCE_TCP_FLAGS, ENFORCE_TCP_SYN);
}

/* `family` 0: anyone, of both. */
static void permit(struct chain *chain, const struct rules_rule *rule, guint8 family)
{
	static const enum enforce_field fields[2][2] = {
		{ ENFORCE_IP_DESTINATION, ENFORCE_IP6_DESTINATION },
		{ ENFORCE_IP_SOURCE, ENFORCE_IP6_SOURCE },
	};
	struct enforce_rule *out = enforce_rule_new(rule->id);

	enforce_rule_state(out, ENFORCE_STATE, ENFORCE_MARK_NEW);
	if (family) {
		GArray *peers = enforce_interval_list();

		enforce_interval_add_prefixes(peers, rule->peers, family);
		enforce_rule_match(
			out, fields[rule->direction == RULES_IN][family == 6], ENFORCE_IN, peers);
	}
	match_protocol(out, rule);
	count_and(chain, out, NF_ACCEPT);
}

static void write_flows(struct chain *chain, enum rules_direction direction)
{
	for (guint i = 0; i < chain->machine->rules->len; i++) {
		const struct rules_rule *rule = chain->machine->rules->pdata[i];

		if (rule->direction != direction)
			continue;
		if (!rule->peers->len)
			permit(chain, rule, 0);
		if (has_family(rule->peers, 4))
			permit(chain, rule, 4);
		if (has_family(rule->peers, 6))
			permit(chain, rule, 6);
	}
}

static void write_neighbours(struct chain *chain)
{
	struct enforce_rule *rule;

	permit_all(chain, ether_type(ARP));
	permit_all(chain, ether_type(RARP));
	if (!has_family(chain->sources, 6))
		return;
	rule = number(ENFORCE_IP6_HOPLIMIT, 255);
	enforce_rule_range(rule, ENFORCE_ICMP6_TYPE, SOLICIT, ADVERT);
	permit_all(chain, rule);
}

static void drop_as(struct chain *chain, const char *comment, enum enforce_field field, guint64 low,
	guint64 high)
{
	struct enforce_rule *rule = enforce_rule_new(comment);

	enforce_rule_range(rule, field, low, high);
	count_and(chain, rule, NF_DROP);
}

/* What systems say to the whole link unasked (groups joined, routers looked for): dropped, but no
 * news. */
static void drop_chatter(struct chain *chain)
{
	drop_as(chain, "link-chatter", ENFORCE_IP_PROTOCOL, IGMP, IGMP);
	if (!has_family(chain->sources, 6))
		return;
	drop_as(chain, "link-chatter", ENFORCE_ICMP6_TYPE, MLD_QUERY, ROUTER_SOLICIT);
	drop_as(chain, "link-chatter", ENFORCE_ICMP6_TYPE, MLD2_REPORT, MLD2_REPORT);
}

static struct enforce_rule *state(guint32 bits, const char *comment)
{
	struct enforce_rule *rule = enforce_rule_new(comment);

	enforce_rule_state(rule, ENFORCE_STATE, bits);
	return rule;
}

static void write_ends(struct chain *chain)
{
	drop_chatter(chain);
	refuse(chain, "no-state", state(0, NULL));
	refuse(chain, "invalid", state(ENFORCE_MARK_INVALID, NULL));
	refuse(chain, "default-deny", NULL);
}

/* Joining its groups, or switches that snoop would not deliver neighbour discovery to it. */
static void accept_joining(struct chain *chain)
{
	struct enforce_rule *rule = number(ENFORCE_IP6_HOPLIMIT, 1);

	enforce_rule_number(rule, ENFORCE_ICMP6_TYPE, MLD2_REPORT);
	permit_all(chain, rule);
}

static void write_from(struct chain *chain)
{
	/* Once more what the guard looked for: it sees fragments, in which a target may hide, and
	 * here they are put together. */
	if (has_family(chain->sources, 6))
		refuse(chain, "spoof-ip", foreign_advert(chain));
	write_neighbours(chain);
	if (has_family(chain->sources, 6))
		accept_joining(chain);
	count_and(chain, state(ENFORCE_MARK_KNOWN, "established"), NF_ACCEPT);
	write_flows(chain, RULES_OUT);
	write_ends(chain);
}

/* A frame for another machine, flooded because the bridge has not learned its place: not ours to
 * see, and no refusal worth a report. */
static void drop_flooded(struct chain *chain)
{
	struct enforce_rule *rule = enforce_rule_new("not-mine");

	enforce_rule_number(rule, ENFORCE_ETHER_GROUP, 0);
	enforce_rule_mac(rule, ENFORCE_ETHER_DESTINATION, ENFORCE_NOT_IN, chain->nic->mac);
	count_and(chain, rule, NF_DROP);
}

static struct enforce_rule *not_ip(void)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);
	GArray *types = enforce_interval_list();

	enforce_interval_add_range(types, IP, IP, 2);
	enforce_interval_add_range(types, IP6, IP6, 2);
	enforce_rule_match(rule, ENFORCE_ETHER_TYPE, ENFORCE_NOT_IN, types);
	return rule;
}

static void write_to(struct chain *chain)
{
	drop_flooded(chain);
	write_neighbours(chain);
	refuse(chain, "foreign-ethertype", not_ip());
	if (!has_family(chain->sources, 6))
		refuse(chain, "undeclared-ipv6", ether_type(IP6));
	count_and(chain, state(ENFORCE_MARK_KNOWN, "established"), NF_ACCEPT);
	write_flows(chain, RULES_IN);
	write_ends(chain);
}

void enforce_chain_name(const char *kind, const char *tap, char name[ENFORCE_CHAIN_NAME])
{
	g_snprintf(name, ENFORCE_CHAIN_NAME, "%s-%s", kind, tap);
}

static void write_chain(struct chain *chain, guint kind, enum enforce_mode mode)
{
	static void (*const writers[])(struct chain *) = { write_guard, write_from, write_to };

	enforce_batch_add_chain(chain->batch, ENFORCE_BRIDGE, chain->name);
	if (mode == ENFORCE_QUARANTINE)
		refuse(chain, "cut", NULL);
	else
		writers[kind](chain);
}

void enforce_chains_add(struct enforce_batch *batch, const struct rules_machine *machine,
	enum enforce_mode mode, guint16 log_group)
{
	for (guint i = 0; i < machine->nics->len; i++) {
		const struct rules_nic *nic = machine->nics->pdata[i];
		g_autoptr(GArray) sources = sources_of(nic);

		for (guint kind = 0; kind < G_N_ELEMENTS(enforce_chain_kinds); kind++) {
			char name[ENFORCE_CHAIN_NAME];
			struct chain chain = { .batch = batch,
				.machine = machine,
				.nic = nic,
				.name = name,
				.direction = kind == 2 ? "in" : "out",
				.log_group = log_group,
				.sources = sources };

			enforce_chain_name(enforce_chain_kinds[kind], nic->tap, name);
			write_chain(&chain, kind, mode);
			enforce_batch_add_element(
				batch, ENFORCE_BRIDGE, enforce_chain_kinds[kind], nic->tap, name);
		}
	}
}

void enforce_chains_delete(struct enforce_batch *batch, const char *tap)
{
	char chain[ENFORCE_CHAIN_NAME];

	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++) {
		enforce_chain_name(enforce_chain_kinds[i], tap, chain);
		enforce_batch_delete_element(batch, ENFORCE_BRIDGE, enforce_chain_kinds[i], tap);
		enforce_batch_delete_chain(batch, ENFORCE_BRIDGE, chain);
	}
}
