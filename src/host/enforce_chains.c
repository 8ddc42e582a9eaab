#include "host/enforce_chains.h"

#include "host/enforce_expr.h"

#include <string.h>

const char *const enforce_chain_kinds[3] = { "guard", "from", "to" };

/* What the writers of one chain share. */
struct chain {
	const struct rules_machine *machine;
	const struct rules_nic *nic;
	const char *direction;
	guint16 log_group;
	json_t *rules;
	GArray *sources; /* the nic's addresses, with the link-local one of its MAC when it has IPv6
			  */
};

static void add(struct chain *chain, json_t *rule)
{
	json_array_append_new(chain->rules, rule);
}

/* Two rules: say it (at most so often), then drop it. `match` NULL: everything that comes here. */
static void refuse(struct chain *chain, const char *reason, json_t *match)
{
	g_autofree char *prefix = g_strdup_printf(
		ENFORCE_LOG_PREFIX "%s:%s:%s", chain->direction, reason, chain->nic->tap);
	json_t *exprs = json_array();
	json_t *drop = json_array();

	if (match) {
		json_array_extend(exprs, match);
		json_array_extend(drop, match);
		json_decref(match);
	}
	json_array_append_new(
		exprs, json_pack("{s:{s:i, s:i, s:s}}", "limit", "rate", ENFORCE_LOG_RATE, "burst",
			       ENFORCE_LOG_BURST, "per", "second"));
	json_array_append_new(exprs, json_pack("{s:{s:s, s:i}}", "log", "prefix", prefix, "group",
					     (int)chain->log_group));
	json_array_append_new(drop, enforce_expr_counter());
	json_array_append_new(drop, enforce_expr_verdict("drop"));
	add(chain, json_pack("{s:o}", "expr", exprs));
	add(chain, json_pack("{s:s, s:o}", "comment", reason, "expr", drop));
}

static json_t *one(json_t *match)
{
	return json_pack("[o]", match);
}

/* Matches what is none of the elements, which it takes. A few stand one by one in the rule: every
 * set costs the kernel and nft dearly when there are thousands of them (a listing takes time
 * quadratic in their number). */
#define CHAINED_MAX 4

static json_t *none_of(const json_t *field, json_t *elements)
{
	json_t *matches = json_array();
	gsize index;
	json_t *element;

	if (json_array_size(elements) > CHAINED_MAX) {
		json_array_append_new(matches, enforce_expr_match("!=", json_deep_copy(field),
						       enforce_expr_set(elements)));
		return matches;
	}
	json_array_foreach(elements, index, element) json_array_append_new(
		matches, enforce_expr_match("!=", json_deep_copy(field), json_incref(element)));
	json_decref(elements);
	return matches;
}

static json_t *none_of_field(const char *protocol, const char *name, json_t *elements)
{
	json_t *field = enforce_expr_payload(protocol, name);
	json_t *matches = none_of(field, elements);

	json_decref(field);
	return matches;
}

static json_t *ether_type(const char *type)
{
	return enforce_expr_field_is("ether", "type", type);
}

/* nft 1.0.6 has no word for it. */
static json_t *ether_type_rarp(void)
{
	return enforce_expr_match(
		"==", enforce_expr_payload("ether", "type"), json_integer(0x8035));
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
	refuse(chain, "spoof-mac",
		one(enforce_expr_match("!=", enforce_expr_payload("arp", "saddr ether"),
			json_string(chain->nic->mac))));
	refuse(chain, "spoof-ip",
		one(enforce_expr_match("!=", enforce_expr_payload("arp", "saddr ip"),
			enforce_expr_addresses(sources, 4))));
	add(chain,
		enforce_expr_rule(NULL, ether_type("arp"), enforce_expr_verdict("accept"), NULL));
}

static void guard_ip(struct chain *chain)
{
	if (asks_by_dhcp(chain->machine))
		add(chain, enforce_expr_rule(NULL, enforce_expr_field_is("ip", "saddr", "0.0.0.0"),
				   enforce_expr_match("==", enforce_expr_payload("udp", "sport"),
					   json_integer(68)),
				   enforce_expr_match("==", enforce_expr_payload("udp", "dport"),
					   json_integer(67)),
				   enforce_expr_verdict("accept"), NULL));
	if (!has_family(chain->sources, 4)) {
		refuse(chain, "spoof-ip", one(ether_type("ip")));
		return;
	}
	refuse(chain, "spoof-ip",
		none_of_field("ip", "saddr", enforce_expr_elements(chain->sources, 4)));
	add(chain, enforce_expr_rule(NULL, ether_type("ip"), enforce_expr_verdict("accept"), NULL));
}

/* guard: IPv6 and neighbour discovery */

static char *address_number(const struct rules_prefix *prefix, guint8 fill)
{
	GString *text = g_string_new("0x");

	for (guint i = 0; i < 16; i++) {
		guint8 mask = (guint8)(i * 8 >= prefix->bits      ? 0xff
				       : prefix->bits - i * 8 < 8 ? 0xff >> (prefix->bits - i * 8)
								  : 0);

		g_string_append_printf(text, "%02x", (guint)(prefix->address[i] | (mask & fill)));
	}
	return g_string_free(text, FALSE);
}

/* The target of a neighbour message, 8 bytes into ICMPv6, for which nft 1.0.6 has no word. */
static json_t *nd_target(void)
{
	return json_pack("{s:{s:s, s:i, s:i}}", "payload", "base", "th", "offset", 64, "len", 128);
}

static json_t *nd_targets(const GArray *sources)
{
	json_t *elements = json_array();

	for (guint i = 0; i < sources->len; i++) {
		const struct rules_prefix *prefix = &g_array_index(sources, struct rules_prefix, i);
		g_autofree char *low = address_number(prefix, 0);
		g_autofree char *high = address_number(prefix, 0xff);

		if (prefix->family == 6)
			json_array_append_new(elements,
				prefix->bits == 128 ? json_string(low)
						    : json_pack("{s:[s, s]}", "range", low, high));
	}
	return elements;
}

/* Before a machine has its address it looks whether somebody else has it (RFC 4862), and joins the
 * group for that. */
static void guard_probing(struct chain *chain)
{
	json_t *targets = nd_targets(chain->sources);
	gsize index;
	json_t *target;

	add(chain, enforce_expr_rule(NULL, enforce_expr_field_is("ip6", "saddr", "::"),
			   enforce_expr_field_is("icmpv6", "type", "mld2-listener-report"),
			   enforce_expr_verdict("accept"), NULL));
	json_array_foreach(targets, index, target)
		add(chain, enforce_expr_rule(NULL, enforce_expr_field_is("ip6", "saddr", "::"),
				   enforce_expr_field_is("icmpv6", "type", "nd-neighbor-solicit"),
				   enforce_expr_match("==", nd_target(), json_incref(target)),
				   enforce_expr_verdict("accept"), NULL));
	json_decref(targets);
}

static void guard_ip6(struct chain *chain)
{
	json_t *advert, *field, *targets;

	if (!has_family(chain->sources, 6)) {
		refuse(chain, "undeclared-ipv6", one(ether_type("ip6")));
		return;
	}
	guard_probing(chain);
	refuse(chain, "spoof-ip",
		none_of_field("ip6", "saddr", enforce_expr_elements(chain->sources, 6)));
	field = nd_target();
	targets = none_of(field, nd_targets(chain->sources));
	json_decref(field);
	advert = one(enforce_expr_field_is("icmpv6", "type", "nd-neighbor-advert"));
	json_array_extend(advert, targets);
	json_decref(targets);
	refuse(chain, "spoof-ip", advert);
	add(chain,
		enforce_expr_rule(NULL, ether_type("ip6"), enforce_expr_verdict("accept"), NULL));
}

static void write_guard(struct chain *chain)
{
	refuse(chain, "spoof-mac",
		one(enforce_expr_match("!=", enforce_expr_payload("ether", "saddr"),
			json_string(chain->nic->mac))));
	guard_arp(chain);
	guard_ip(chain);
	guard_ip6(chain);
	/* RARP: what QEMU sends after a migration so that the switches learn the new place. */
	add(chain,
		enforce_expr_rule(NULL, ether_type_rarp(), enforce_expr_verdict("accept"), NULL));
	refuse(chain, "foreign-ethertype", NULL);
}

/* from and to: flows */

static json_t *ports_element(const struct rules_ports *ports)
{
	if (ports->low == ports->high)
		return json_integer(ports->low);
	return json_pack("{s:[i, i]}", "range", (int)ports->low, (int)ports->high);
}

static int compare_ports(gconstpointer a, gconstpointer b)
{
	const struct rules_ports *left = a;
	const struct rules_ports *right = b;

	return left->low != right->low ? (int)left->low - (int)right->low
				       : (int)left->high - (int)right->high;
}

/* Ranges sorted and joined where they touch: an nft set may not hold overlapping ones. */
static json_t *ports_set(const GArray *ranges)
{
	g_autoptr(GArray) sorted = g_array_copy((GArray *)ranges);
	json_t *elements = json_array();
	struct rules_ports current;

	g_array_sort(sorted, compare_ports);
	current = g_array_index(sorted, struct rules_ports, 0);
	for (guint i = 1; i < sorted->len; i++) {
		const struct rules_ports *next = &g_array_index(sorted, struct rules_ports, i);

		if (next->low <= (guint)current.high + 1) {
			current.high = MAX(current.high, next->high);
			continue;
		}
		json_array_append_new(elements, ports_element(&current));
		current = *next;
	}
	json_array_append_new(elements, ports_element(&current));
	return enforce_expr_set(elements);
}

/* Appends what selects the rule's protocol and ports; RULES_ANY needs nothing. ICMP types go by
 * number. */
static void match_protocol(json_t *exprs, const struct rules_rule *rule)
{
	static const struct {
		const char *protocol;
		const char *field;
		guint16 standard;
	} words[] = {
		[RULES_TCP] = { "tcp", "dport", 0 },
		[RULES_UDP] = { "udp", "dport", 0 },
		[RULES_ICMP] = { "icmp", "type", 8 },
		[RULES_ICMPV6] = { "icmpv6", "type", 128 },
		[RULES_ANY] = { NULL, NULL, 0 },
	};
	const char *protocol = words[rule->protocol].protocol;

	if (!protocol)
		return;
	/* That it is TCP is said by its flags, below. */
	if (!rule->ports->len && rule->protocol == RULES_UDP)
		json_array_append_new(exprs, enforce_expr_meta_is("l4proto", protocol));
	else if (rule->ports->len || words[rule->protocol].standard)
		json_array_append_new(exprs,
			enforce_expr_match(
				"==", enforce_expr_payload(protocol, words[rule->protocol].field),
				rule->ports->len ? ports_set(rule->ports)
						 : json_integer(words[rule->protocol].standard)));
	/* A connection begins with a SYN: what is taken up midway was never allowed here
	 * (tcp_loose=0, but only for our machines; the sysctl would be the whole host's). */
	if (rule->protocol == RULES_TCP)
		json_array_append_new(exprs, enforce_expr_match("==",
						     json_pack("{s:[o, [s, s, s, s]]}", "&",
							     enforce_expr_payload("tcp", "flags"),
							     "fin", "syn", "rst", "ack"),
						     json_string("syn")));
}

/* `peers` NULL: anyone. Takes it. */
static void permit(
	struct chain *chain, const struct rules_rule *rule, const char *family, json_t *peers)
{
	json_t *exprs = json_array();

	json_array_append_new(exprs, enforce_expr_state(ENFORCE_MARK_NEW));
	if (peers)
		json_array_append_new(
			exprs, enforce_expr_match("==",
				       enforce_expr_payload(family,
					       rule->direction == RULES_OUT ? "daddr" : "saddr"),
				       peers));
	match_protocol(exprs, rule);
	json_array_append_new(exprs, enforce_expr_counter());
	json_array_append_new(exprs, enforce_expr_verdict("accept"));
	add(chain, json_pack("{s:s, s:o}", "comment", rule->id, "expr", exprs));
}

static void write_flows(struct chain *chain, enum rules_direction direction)
{
	for (guint i = 0; i < chain->machine->rules->len; i++) {
		const struct rules_rule *rule = chain->machine->rules->pdata[i];
		json_t *four = enforce_expr_addresses(rule->peers, 4);
		json_t *six = enforce_expr_addresses(rule->peers, 6);

		if (rule->direction != direction) {
			json_decref(four);
			json_decref(six);
			continue;
		}
		if (!rule->peers->len)
			permit(chain, rule, NULL, NULL);
		if (four)
			permit(chain, rule, "ip", four);
		if (six)
			permit(chain, rule, "ip6", six);
	}
}

static void write_neighbours(struct chain *chain)
{
	add(chain,
		enforce_expr_rule(NULL, ether_type("arp"), enforce_expr_verdict("accept"), NULL));
	add(chain,
		enforce_expr_rule(NULL, ether_type_rarp(), enforce_expr_verdict("accept"), NULL));
	if (!has_family(chain->sources, 6))
		return;
	add(chain, enforce_expr_rule(NULL,
			   enforce_expr_match("==", enforce_expr_payload("ip6", "hoplimit"),
				   json_integer(255)),
			   enforce_expr_match("==", enforce_expr_payload("icmpv6", "type"),
				   json_pack("{s:[i, i]}", "range", 135, 136)),
			   enforce_expr_verdict("accept"), NULL));
}

/* What systems say to the whole link unasked (groups joined, routers looked for): dropped, but no
 * news. */
static void drop_chatter(struct chain *chain)
{
	add(chain,
		enforce_expr_rule("link-chatter", enforce_expr_field_is("ip", "protocol", "igmp"),
			enforce_expr_counter(), enforce_expr_verdict("drop"), NULL));
	if (!has_family(chain->sources, 6))
		return;
	add(chain, enforce_expr_rule("link-chatter",
			   enforce_expr_match("==", enforce_expr_payload("icmpv6", "type"),
				   json_pack("{s:[i, i]}", "range", 130, 133)),
			   enforce_expr_counter(), enforce_expr_verdict("drop"), NULL));
	add(chain, enforce_expr_rule("link-chatter",
			   enforce_expr_field_is("icmpv6", "type", "mld2-listener-report"),
			   enforce_expr_counter(), enforce_expr_verdict("drop"), NULL));
}

static void write_ends(struct chain *chain)
{
	drop_chatter(chain);
	refuse(chain, "no-state", one(enforce_expr_state(0)));
	refuse(chain, "invalid", one(enforce_expr_state(ENFORCE_MARK_INVALID)));
	refuse(chain, "default-deny", NULL);
}

static void write_from(struct chain *chain)
{
	write_neighbours(chain);
	if (has_family(chain->sources, 6))
		/* Joining its groups, or switches that snoop would not deliver neighbour discovery
		 * to it. */
		add(chain, enforce_expr_rule(NULL,
				   enforce_expr_match("==", enforce_expr_payload("ip6", "hoplimit"),
					   json_integer(1)),
				   enforce_expr_field_is("icmpv6", "type", "mld2-listener-report"),
				   enforce_expr_verdict("accept"), NULL));
	add(chain, enforce_expr_rule("established", enforce_expr_state(ENFORCE_MARK_KNOWN),
			   enforce_expr_counter(), enforce_expr_verdict("accept"), NULL));
	write_flows(chain, RULES_OUT);
	write_ends(chain);
}

static void write_to(struct chain *chain)
{
	/* A frame for another machine, flooded because the bridge has not learned its place: not
	 * ours to see, and no refusal worth a report. */
	add(chain,
		enforce_expr_rule("not-mine",
			enforce_expr_match("==",
				json_pack("{s:[o, s]}", "&", enforce_expr_payload("ether", "daddr"),
					"01:00:00:00:00:00"),
				json_string("00:00:00:00:00:00")),
			enforce_expr_match("!=", enforce_expr_payload("ether", "daddr"),
				json_string(chain->nic->mac)),
			enforce_expr_counter(), enforce_expr_verdict("drop"), NULL));
	write_neighbours(chain);
	refuse(chain, "foreign-ethertype",
		none_of_field("ether", "type", json_pack("[s, s]", "ip", "ip6")));
	if (!has_family(chain->sources, 6))
		refuse(chain, "undeclared-ipv6", one(ether_type("ip6")));
	add(chain, enforce_expr_rule("established", enforce_expr_state(ENFORCE_MARK_KNOWN),
			   enforce_expr_counter(), enforce_expr_verdict("accept"), NULL));
	write_flows(chain, RULES_IN);
	write_ends(chain);
}

void enforce_chain_name(const char *kind, const char *tap, char name[ENFORCE_CHAIN_NAME])
{
	g_snprintf(name, ENFORCE_CHAIN_NAME, "%s-%s", kind, tap);
}

json_t *enforce_chain_rules(const struct rules_machine *machine, const struct rules_nic *nic,
	const char *kind, enum enforce_mode mode, guint16 log_group)
{
	static void (*const writers[])(struct chain *) = { write_guard, write_from, write_to };
	struct chain chain = { .machine = machine,
		.nic = nic,
		.direction = strcmp(kind, "to") ? "out" : "in",
		.log_group = log_group,
		.rules = json_array() };

	if (mode == ENFORCE_QUARANTINE) {
		refuse(&chain, "cut", NULL);
		return chain.rules;
	}
	chain.sources = sources_of(nic);
	for (guint i = 0; i < G_N_ELEMENTS(writers); i++)
		if (!strcmp(kind, enforce_chain_kinds[i]))
			writers[i](&chain);
	g_array_unref(chain.sources);
	return chain.rules;
}

/* Commands */

static void add_command(json_t *commands, const char *verb, const char *what, json_t *object)
{
	json_object_set_new(object, "family", json_string("bridge"));
	json_object_set_new(object, "table", json_string(ENFORCE_TABLE));
	json_array_append_new(commands, json_pack("{s:{s:o}}", verb, what, object));
}

static json_t *element_of(const char *kind, const char *tap, const char *chain)
{
	return json_pack("{s:s, s:[[s, o]]}", "name", kind, "elem", tap, enforce_expr_jump(chain));
}

void enforce_chains_add(json_t *commands, const struct rules_machine *machine,
	enum enforce_mode mode, guint16 log_group)
{
	for (guint i = 0; i < machine->nics->len * G_N_ELEMENTS(enforce_chain_kinds); i++) {
		const struct rules_nic *nic = machine->nics->pdata[i / 3];
		const char *kind = enforce_chain_kinds[i % 3];
		json_t *rules = enforce_chain_rules(machine, nic, kind, mode, log_group);
		char chain[ENFORCE_CHAIN_NAME];
		gsize index;
		json_t *rule;

		enforce_chain_name(kind, nic->tap, chain);
		add_command(commands, "add", "chain", json_pack("{s:s}", "name", chain));
		add_command(commands, "flush", "chain", json_pack("{s:s}", "name", chain));
		json_array_foreach(rules, index, rule)
		{
			json_object_set_new(rule, "chain", json_string(chain));
			add_command(commands, "add", "rule", json_incref(rule));
		}
		json_decref(rules);
		add_command(commands, "add", "element", element_of(kind, nic->tap, chain));
	}
}

void enforce_chains_delete(json_t *commands, const char *tap)
{
	char chain[ENFORCE_CHAIN_NAME];

	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++) {
		enforce_chain_name(enforce_chain_kinds[i], tap, chain);
		add_command(commands, "delete", "element",
			element_of(enforce_chain_kinds[i], tap, chain));
		add_command(commands, "flush", "chain", json_pack("{s:s}", "name", chain));
		add_command(commands, "delete", "chain", json_pack("{s:s}", "name", chain));
	}
}
