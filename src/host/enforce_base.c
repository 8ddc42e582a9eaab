#include "host/enforce_base.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_bridge.h>

#define PROBE_TABLE "drover-probe"
#define SHUT_TABLE  "drover-shut"
#define VXLAN_PORT  4789

/* Priorities among netfilter's own: conntrack is at -200, br_netfilter at 0 in the bridge hooks. */

static const struct enforce_table shut_table = { NFPROTO_BRIDGE, SHUT_TABLE };

/* chain mark-state: conntrack's finding into the mark. Neighbour discovery is untracked: rules
 * decide about it. */
static void add_mark_state(struct enforce_batch *batch, struct enforce_table table)
{
	static const struct {
		guint32 states; /* 0: whatever is left */
		guint32 mark;
	} findings[] = {
		{ NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED),
			ENFORCE_MARK_KNOWN },
		{ NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_UNTRACKED_BIT, ENFORCE_MARK_NEW },
		{ 0, ENFORCE_MARK_INVALID },
	};

	enforce_batch_add_chain(batch, table, "mark-state");
	for (guint i = 0; i < G_N_ELEMENTS(findings); i++) {
		struct enforce_rule *rule = enforce_rule_new(NULL);

		if (findings[i].states)
			enforce_rule_state(rule, ENFORCE_CT_STATE, findings[i].states);
		enforce_rule_mark(rule, ~ENFORCE_MARK_MASK, findings[i].mark);
		if (findings[i].states)
			enforce_rule_verdict(rule, NFT_RETURN);
		enforce_batch_add_rule(batch, table, "mark-state", rule);
	}
}

/* Takes the rule. */
static void add_hook(struct enforce_batch *batch, struct enforce_table table,
	const struct enforce_base_chain *chain, struct enforce_rule *rule)
{
	enforce_batch_add_base_chain(batch, table, chain);
	enforce_batch_add_rule(batch, table, chain->name, rule);
}

static struct enforce_rule *vmap(enum enforce_field field, const char *map)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);

	enforce_rule_vmap(rule, field, map);
	return rule;
}

static struct enforce_rule *to_mark_state(enum enforce_field field)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);

	enforce_rule_named_set(rule, field, ENFORCE_IN, "bridges");
	enforce_rule_jump(rule, "mark-state");
	return rule;
}

/* Back ends */

static const struct enforce_base_chain zone_chain = { "zone", NF_INET_PRE_ROUTING, -300 };
static const struct enforce_base_chain state_chain = { "state", NF_INET_PRE_ROUTING, -150 };

static void add_state_bridge(struct enforce_batch *batch)
{
	add_mark_state(batch, ENFORCE_BRIDGE);
	add_hook(batch, ENFORCE_BRIDGE, &zone_chain, vmap(ENFORCE_IBRNAME, "zones"));
	add_hook(batch, ENFORCE_BRIDGE, &state_chain, to_mark_state(ENFORCE_IBRNAME));
}

static void add_state_inet(struct enforce_batch *batch)
{
	add_hook(batch, ENFORCE_INET, &zone_chain, vmap(ENFORCE_IIFNAME, "zones"));
	add_hook(batch, ENFORCE_INET, &state_chain, to_mark_state(ENFORCE_IIFNAME));
}

static void add_probe(struct enforce_batch *batch, guint8 family, enum enforce_field field)
{
	static const struct enforce_base_chain chain = { "probe", NF_INET_PRE_ROUTING, -150 };
	const struct enforce_table table = { family, PROBE_TABLE };
	struct enforce_rule *rule = enforce_rule_new(NULL);

	enforce_rule_name(rule, field, PROBE_TABLE);
	enforce_rule_state(rule, ENFORCE_CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
	enforce_rule_zone(rule, 1);
	enforce_batch_add_table(batch, table);
	add_hook(batch, table, &chain, rule);
	enforce_batch_delete_table(batch, table);
}

static void add_probe_bridge(struct enforce_batch *batch)
{
	add_probe(batch, NFPROTO_BRIDGE, ENFORCE_IBRNAME);
}

static void add_probe_inet(struct enforce_batch *batch)
{
	add_probe(batch, NFPROTO_INET, ENFORCE_IIFNAME);
}

static const char *const no_sysctls[] = { NULL };
static const char *const br_netfilter_sysctls[] = { "net/bridge/bridge-nf-call-iptables",
	"net/bridge/bridge-nf-call-ip6tables", NULL };

const struct enforce_backend enforce_backends[] = {
	{ .name = "bridge-ct",
		.add_probe = add_probe_bridge,
		.sysctls = no_sysctls,
		.in_bridge = TRUE,
		.add_state = add_state_bridge },
	{ .name = "br-netfilter",
		.add_probe = add_probe_inet,
		.sysctls = br_netfilter_sysctls,
		.in_bridge = FALSE,
		.add_state = add_state_inet },
	{ .name = NULL },
};

/* The tables */

static void add_names(struct enforce_batch *batch, struct enforce_table table)
{
	enforce_batch_add_set(batch, table, "bridges");
	enforce_batch_add_map(batch, table, "zones");
}

static void notrack_vxlan(struct enforce_rule *rule)
{
	enforce_rule_number(rule, ENFORCE_UDP_DPORT, VXLAN_PORT);
	enforce_rule_notrack(rule);
}

static void add_inet(struct enforce_batch *batch)
{
	static const struct enforce_base_chain raw = { "raw", NF_INET_PRE_ROUTING, -310 };
	static const struct enforce_base_chain raw_output = { "raw-output", NF_INET_LOCAL_OUT,
		-310 };
	static const struct enforce_base_chain state_output = { "state-output", NF_INET_LOCAL_OUT,
		-150 };
	static const struct enforce_base_chain state_forward = { "state-forward", NF_INET_FORWARD,
		-150 };
	struct enforce_rule *in = enforce_rule_new(NULL);
	struct enforce_rule *out = enforce_rule_new(NULL);

	add_mark_state(batch, ENFORCE_INET);
	/* The tunnel between hosts is not a flow of a machine; a machine's own UDP to that port is.
	 */
	enforce_rule_named_set(in, ENFORCE_IIFNAME, ENFORCE_NOT_IN, "bridges");
	notrack_vxlan(in);
	notrack_vxlan(out);
	add_hook(batch, ENFORCE_INET, &raw, in);
	add_hook(batch, ENFORCE_INET, &raw_output, out);
	enforce_batch_add_rule(
		batch, ENFORCE_INET, raw_output.name, vmap(ENFORCE_OIFNAME, "zones"));
	add_hook(batch, ENFORCE_INET, &state_output, to_mark_state(ENFORCE_OIFNAME));
	add_hook(batch, ENFORCE_INET, &state_forward, to_mark_state(ENFORCE_OIFNAME));
}

static struct enforce_rule *clear_mark(void)
{
	struct enforce_rule *rule = enforce_rule_new(NULL);
	GArray *none = enforce_interval_list();

	enforce_interval_add_range(none, 0, 0, sizeof(guint32));
	enforce_rule_match(rule, ENFORCE_STATE, ENFORCE_NOT_IN, none);
	enforce_rule_mark(rule, ~ENFORCE_MARK_MASK, 0);
	return rule;
}

static void add_bridge(struct enforce_batch *batch)
{
	static const struct {
		struct enforce_base_chain chain;
		enum enforce_field field;
		const char *map;
	} dispatch[] = {
		{ { "dispatch-guard", NF_BR_PRE_ROUTING, -350 }, ENFORCE_IIFNAME, "guard" },
		{ { "dispatch-from", NF_BR_PRE_ROUTING, 100 }, ENFORCE_IIFNAME, "from" },
		{ { "dispatch-to", NF_BR_FORWARD, 100 }, ENFORCE_OIFNAME, "to" },
		{ { "dispatch-to-host", NF_BR_LOCAL_OUT, 100 }, ENFORCE_OIFNAME, "to" },
	};
	static const struct enforce_base_chain leave[] = {
		{ "leave", NF_BR_POST_ROUTING, 350 },
		{ "leave-to-host", NF_BR_LOCAL_IN, 350 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++)
		enforce_batch_add_map(batch, ENFORCE_BRIDGE, enforce_chain_kinds[i]);
	for (guint i = 0; i < G_N_ELEMENTS(dispatch); i++)
		add_hook(batch, ENFORCE_BRIDGE, &dispatch[i].chain,
			vmap(dispatch[i].field, dispatch[i].map));
	for (guint i = 0; i < G_N_ELEMENTS(leave); i++)
		add_hook(batch, ENFORCE_BRIDGE, &leave[i], clear_mark());
}

void enforce_base_add(struct enforce_batch *batch, const struct enforce_backend *backend)
{
	enforce_batch_add_table(batch, ENFORCE_INET);
	enforce_batch_add_table(batch, ENFORCE_BRIDGE);
	add_names(batch, ENFORCE_INET);
	if (backend->in_bridge)
		add_names(batch, ENFORCE_BRIDGE);
	add_inet(batch);
	add_bridge(batch);
	backend->add_state(batch);
}

void enforce_base_delete(struct enforce_batch *batch)
{
	enforce_batch_delete_table(batch, ENFORCE_BRIDGE);
	enforce_batch_delete_table(batch, ENFORCE_INET);
	enforce_batch_delete_table(batch, shut_table);
}

void enforce_base_shut(struct enforce_batch *batch)
{
	static const struct {
		struct enforce_base_chain chain;
		enum enforce_field field;
	} hooks[] = {
		{ { "prerouting", NF_BR_PRE_ROUTING, -360 }, ENFORCE_IIFNAME },
		{ { "forward", NF_BR_FORWARD, -360 }, ENFORCE_OIFNAME },
		{ { "output", NF_BR_LOCAL_OUT, -360 }, ENFORCE_OIFNAME },
	};

	enforce_batch_delete_table(batch, shut_table);
	enforce_batch_add_table(batch, shut_table);
	enforce_batch_add_set(batch, shut_table, "taps");
	for (guint i = 0; i < G_N_ELEMENTS(hooks); i++) {
		struct enforce_rule *rule = enforce_rule_new(NULL);

		enforce_rule_named_set(rule, hooks[i].field, ENFORCE_IN, "taps");
		enforce_rule_counter(rule);
		enforce_rule_verdict(rule, NF_DROP);
		add_hook(batch, shut_table, &hooks[i].chain, rule);
	}
}

void enforce_base_shut_tap(struct enforce_batch *batch, const char *tap)
{
	enforce_batch_add_element(batch, shut_table, "taps", tap, NULL);
}

/* Bridges: each is in the set, and has a chain of its own that sets the zone, reached through the
 * map. */

static void add_bridge_in(
	struct enforce_batch *batch, struct enforce_table table, const char *bridge, guint16 zone)
{
	char chain[ENFORCE_CHAIN_NAME];

	enforce_chain_name("zone", bridge, chain);
	enforce_batch_add_chain(batch, table, chain);
	if (zone) {
		struct enforce_rule *rule = enforce_rule_new(NULL);

		enforce_rule_zone(rule, zone);
		enforce_batch_add_rule(batch, table, chain, rule);
	}
	enforce_batch_add_element(batch, table, "bridges", bridge, NULL);
	enforce_batch_add_element(batch, table, "zones", bridge, chain);
}

void enforce_base_add_bridge(struct enforce_batch *batch, const struct enforce_backend *backend,
	const char *bridge, guint16 zone)
{
	if (backend->in_bridge)
		add_bridge_in(batch, ENFORCE_BRIDGE, bridge, zone);
	add_bridge_in(batch, ENFORCE_INET, bridge, zone);
}

static void delete_bridge_in(
	struct enforce_batch *batch, struct enforce_table table, const char *bridge)
{
	char chain[ENFORCE_CHAIN_NAME];

	enforce_chain_name("zone", bridge, chain);
	enforce_batch_delete_element(batch, table, "bridges", bridge);
	enforce_batch_delete_element(batch, table, "zones", bridge);
	enforce_batch_delete_chain(batch, table, chain);
}

void enforce_base_delete_bridge(
	struct enforce_batch *batch, const struct enforce_backend *backend, const char *bridge)
{
	if (backend->in_bridge)
		delete_bridge_in(batch, ENFORCE_BRIDGE, bridge);
	delete_bridge_in(batch, ENFORCE_INET, bridge);
}
