#include "host/enforce_base.h"

#include "host/enforce_expr.h"

#include <string.h>

#define PROBE_TABLE "drover-probe"
#define SHUT_TABLE  "drover-shut"

/* A base chain and its priority among netfilter's own: conntrack is at -200, br_netfilter at 0 in
 * the bridge hooks. */
struct base_chain {
	const char *family;
	const char *name;
	const char *hook;
	int priority;
};

static void add_in_table(json_t *commands, const char *family, const char *what, json_t *object)
{
	json_object_set_new(object, "family", json_string(family));
	json_object_set_new(object, "table", json_string(ENFORCE_TABLE));
	json_array_append_new(commands, json_pack("{s:{s:o}}", "add", what, object));
}

static void add_chain(json_t *commands, const char *family, const char *name)
{
	add_in_table(commands, family, "chain", json_pack("{s:s}", "name", name));
	json_array_append_new(
		commands, json_pack("{s:{s:{s:s, s:s, s:s}}}", "flush", "chain", "family", family,
				  "table", ENFORCE_TABLE, "name", name));
}

/* Creates the chain with its hook, empty. */
static void add_base_chain(json_t *commands, const struct base_chain *chain)
{
	add_in_table(commands, chain->family, "chain",
		json_pack("{s:s, s:s, s:s, s:i, s:s}", "name", chain->name, "type", "filter",
			"hook", chain->hook, "prio", chain->priority, "policy", "accept"));
	json_array_append_new(
		commands, json_pack("{s:{s:{s:s, s:s, s:s}}}", "flush", "chain", "family",
				  chain->family, "table", ENFORCE_TABLE, "name", chain->name));
}

static void add_rule(json_t *commands, const char *family, const char *chain, json_t *rule)
{
	json_object_set_new(rule, "chain", json_string(chain));
	add_in_table(commands, family, "rule", rule);
}

static json_t *vmap(const char *key, const char *map)
{
	return json_pack("{s:{s:o, s:s}}", "vmap", "key", enforce_expr_meta(key), "data", map);
}

static json_t *mangle_mark(json_t *value)
{
	return json_pack(
		"{s:{s:o, s:o}}", "mangle", "key", enforce_expr_meta("mark"), "value", value);
}

/* mark = (mark & keep) | bits, in the form in which nft prints it: bits that are set need not be
 * kept. */
static json_t *mark_with(guint32 bits)
{
	json_t *kept = json_pack("{s:[o, I]}", "&", enforce_expr_meta("mark"),
		(json_int_t)(guint32) ~(ENFORCE_MARK_MASK & ~bits));

	return mangle_mark(json_pack("{s:[o, I]}", "|", kept, (json_int_t)bits));
}

static json_t *ct_state(const char *first, const char *second)
{
	return enforce_expr_match("in", json_pack("{s:{s:s}}", "ct", "key", "state"),
		json_pack("[s, s]", first, second));
}

/* chain mark-state: conntrack's finding into the mark. Neighbour discovery is untracked: rules
 * decide about it. */
static void add_mark_state(json_t *commands, const char *family)
{
	add_chain(commands, family, "mark-state");
	add_rule(commands, family, "mark-state",
		enforce_expr_rule(NULL, ct_state("established", "related"),
			mark_with(ENFORCE_MARK_KNOWN), enforce_expr_verdict("return"), NULL));
	add_rule(commands, family, "mark-state",
		enforce_expr_rule(NULL, ct_state("new", "untracked"), mark_with(ENFORCE_MARK_NEW),
			enforce_expr_verdict("return"), NULL));
	add_rule(commands, family, "mark-state",
		enforce_expr_rule(NULL,
			mangle_mark(json_pack("{s:[o, I]}", "|", enforce_expr_meta("mark"),
				(json_int_t)ENFORCE_MARK_INVALID)),
			NULL));
}

static void add_hook(json_t *commands, const struct base_chain *chain, json_t *rule)
{
	add_base_chain(commands, chain);
	add_rule(commands, chain->family, chain->name, rule);
}

static json_t *to_mark_state(const char *key)
{
	return enforce_expr_rule(
		NULL, enforce_expr_meta_is(key, "@bridges"), enforce_expr_jump("mark-state"), NULL);
}

/* Back ends */

static void add_state_bridge(json_t *commands)
{
	static const struct base_chain zone = { "bridge", "zone", "prerouting", -300 };
	static const struct base_chain state = { "bridge", "state", "prerouting", -150 };

	add_mark_state(commands, "bridge");
	add_hook(commands, &zone, enforce_expr_rule(NULL, vmap("ibrname", "@zones"), NULL));
	add_hook(commands, &state, to_mark_state("ibrname"));
}

static void add_state_inet(json_t *commands)
{
	static const struct base_chain zone = { "inet", "zone", "prerouting", -300 };
	static const struct base_chain state = { "inet", "state", "prerouting", -150 };

	add_hook(commands, &zone, enforce_expr_rule(NULL, vmap("iifname", "@zones"), NULL));
	add_hook(commands, &state, to_mark_state("iifname"));
}

static void add_probe(json_t *commands, const char *family, const char *key)
{
	json_t *table = json_pack("{s:{s:s, s:s}}", "table", "family", family, "name", PROBE_TABLE);
	json_t *zone = json_pack("{s:{s:{s:s}}, s:i}", "key", "ct", "key", "zone", "value", 1);
	json_t *rule = enforce_expr_rule(NULL, enforce_expr_meta_is(key, "drover-probe"),
		ct_state("established", "related"), json_pack("{s:o}", "mangle", zone), NULL);

	json_object_set_new(rule, "family", json_string(family));
	json_object_set_new(rule, "table", json_string(PROBE_TABLE));
	json_object_set_new(rule, "chain", json_string("probe"));
	json_array_append_new(commands, json_pack("{s:O}", "add", table));
	json_array_append_new(
		commands, json_pack("{s:{s:{s:s, s:s, s:s, s:s, s:s, s:i}}}", "add", "chain",
				  "family", family, "table", PROBE_TABLE, "name", "probe", "type",
				  "filter", "hook", "prerouting", "prio", -150));
	json_array_append_new(commands, json_pack("{s:{s:o}}", "add", "rule", rule));
	json_array_append_new(commands, json_pack("{s:o}", "delete", table));
}

static void add_probe_bridge(json_t *commands)
{
	add_probe(commands, "bridge", "ibrname");
}

static void add_probe_inet(json_t *commands)
{
	add_probe(commands, "inet", "iifname");
}

static const char *const no_sysctls[] = { NULL };
static const char *const br_netfilter_sysctls[] = { "net/bridge/bridge-nf-call-iptables",
	"net/bridge/bridge-nf-call-ip6tables", NULL };
static const char *const bridge_and_inet[] = { "bridge", "inet", NULL };

const struct enforce_backend enforce_backends[] = {
	{ .name = "bridge-ct",
		.add_probe = add_probe_bridge,
		.sysctls = no_sysctls,
		.zone_families = bridge_and_inet,
		.add_state = add_state_bridge },
	{ .name = "br-netfilter",
		.add_probe = add_probe_inet,
		.sysctls = br_netfilter_sysctls,
		.zone_families = bridge_and_inet + 1,
		.add_state = add_state_inet },
	{ .name = NULL },
};

/* The tables */

static void add_table(json_t *commands, const char *family)
{
	json_array_append_new(commands, json_pack("{s:{s:{s:s, s:s}}}", "add", "table", "family",
						family, "name", ENFORCE_TABLE));
}

static void add_names(json_t *commands, const char *family)
{
	add_in_table(commands, family, "set",
		json_pack("{s:s, s:s}", "name", "bridges", "type", "ifname"));
	add_in_table(commands, family, "map",
		json_pack("{s:s, s:s, s:s}", "name", "zones", "type", "ifname", "map", "verdict"));
}

static json_t *notrack_vxlan(json_t *first)
{
	json_t *port = enforce_expr_match(
		"==", enforce_expr_payload("udp", "dport"), json_integer(4789));

	if (!first)
		return enforce_expr_rule(NULL, port, enforce_expr_verdict("notrack"), NULL);
	return enforce_expr_rule(NULL, first, port, enforce_expr_verdict("notrack"), NULL);
}

static void add_inet(json_t *commands)
{
	static const struct base_chain raw = { "inet", "raw", "prerouting", -310 };
	static const struct base_chain raw_output = { "inet", "raw-output", "output", -310 };
	static const struct base_chain state_output = { "inet", "state-output", "output", -150 };
	static const struct base_chain state_forward = { "inet", "state-forward", "forward", -150 };

	add_mark_state(commands, "inet");
	/* The tunnel between hosts is not a flow of a machine; a machine's own UDP to that port is.
	 */
	add_hook(commands, &raw,
		notrack_vxlan(enforce_expr_match(
			"!=", enforce_expr_meta("iifname"), json_string("@bridges"))));
	add_hook(commands, &raw_output, notrack_vxlan(NULL));
	add_rule(commands, "inet", "raw-output",
		enforce_expr_rule(NULL, vmap("oifname", "@zones"), NULL));
	add_hook(commands, &state_output, to_mark_state("oifname"));
	add_hook(commands, &state_forward, to_mark_state("oifname"));
}

static json_t *clear_mark(void)
{
	json_t *masked = json_pack(
		"{s:[o, I]}", "&", enforce_expr_meta("mark"), (json_int_t)ENFORCE_MARK_MASK);
	json_t *cleared = json_pack("{s:[o, I]}", "&", enforce_expr_meta("mark"),
		(json_int_t)(guint32)~ENFORCE_MARK_MASK);

	return enforce_expr_rule(NULL, enforce_expr_match("!=", masked, json_integer(0)),
		mangle_mark(cleared), NULL);
}

static void add_bridge(json_t *commands)
{
	static const struct {
		struct base_chain chain;
		const char *key;
		const char *map;
	} dispatch[] = {
		{ { "bridge", "dispatch-guard", "prerouting", -350 }, "iifname", "@guard" },
		{ { "bridge", "dispatch-from", "prerouting", 100 }, "iifname", "@from" },
		{ { "bridge", "dispatch-to", "forward", 100 }, "oifname", "@to" },
		{ { "bridge", "dispatch-to-host", "output", 100 }, "oifname", "@to" },
	};
	static const struct base_chain leave[] = {
		{ "bridge", "leave", "postrouting", 350 },
		{ "bridge", "leave-to-host", "input", 350 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++)
		add_in_table(commands, "bridge", "map",
			json_pack("{s:s, s:s, s:s}", "name", enforce_chain_kinds[i], "type",
				"ifname", "map", "verdict"));
	for (guint i = 0; i < G_N_ELEMENTS(dispatch); i++)
		add_hook(commands, &dispatch[i].chain,
			enforce_expr_rule(NULL, vmap(dispatch[i].key, dispatch[i].map), NULL));
	for (guint i = 0; i < G_N_ELEMENTS(leave); i++)
		add_hook(commands, &leave[i], clear_mark());
}

void enforce_base_add(json_t *commands, const struct enforce_backend *backend)
{
	add_table(commands, "inet");
	add_table(commands, "bridge");
	add_names(commands, "inet");
	if (!strcmp(backend->zone_families[0], "bridge"))
		add_names(commands, "bridge");
	add_inet(commands);
	add_bridge(commands);
	backend->add_state(commands);
}

static void delete_table(json_t *commands, const char *family, const char *name)
{
	json_t *table = json_pack("{s:{s:s, s:s}}", "table", "family", family, "name", name);

	/* Only what is there can be deleted. */
	json_array_append_new(commands, json_pack("{s:O}", "add", table));
	json_array_append_new(commands, json_pack("{s:o}", "delete", table));
}

void enforce_base_delete(json_t *commands)
{
	delete_table(commands, "bridge", ENFORCE_TABLE);
	delete_table(commands, "inet", ENFORCE_TABLE);
	delete_table(commands, "bridge", SHUT_TABLE);
}

static void add_shut(json_t *commands, const char *what, json_t *object)
{
	json_object_set_new(object, "family", json_string("bridge"));
	json_object_set_new(object, "table", json_string(SHUT_TABLE));
	json_array_append_new(commands, json_pack("{s:{s:o}}", "add", what, object));
}

void enforce_base_shut(json_t *commands, json_t *taps)
{
	static const struct {
		const char *hook;
		const char *key;
	} hooks[] = {
		{ "prerouting", "iifname" },
		{ "forward", "oifname" },
		{ "output", "oifname" },
	};

	delete_table(commands, "bridge", SHUT_TABLE);
	json_array_append_new(commands, json_pack("{s:{s:{s:s, s:s}}}", "add", "table", "family",
						"bridge", "name", SHUT_TABLE));
	add_shut(commands, "set",
		json_pack("{s:s, s:s, s:o}", "name", "taps", "type", "ifname", "elem", taps));
	for (guint i = 0; i < G_N_ELEMENTS(hooks); i++) {
		json_t *rule = enforce_expr_rule(NULL, enforce_expr_meta_is(hooks[i].key, "@taps"),
			enforce_expr_counter(), enforce_expr_verdict("drop"), NULL);

		add_shut(commands, "chain",
			json_pack("{s:s, s:s, s:s, s:i, s:s}", "name", hooks[i].hook, "type",
				"filter", "hook", hooks[i].hook, "prio", -360, "policy", "accept"));
		json_object_set_new(rule, "chain", json_string(hooks[i].hook));
		add_shut(commands, "rule", rule);
	}
}

/* Bridges: each is in the set, and has a chain of its own that sets the zone, reached through the
 * map. */

static void zone_chain_name(const char *bridge, char name[ENFORCE_CHAIN_NAME])
{
	enforce_chain_name("zone", bridge, name);
}

static json_t *zone_element(const char *family, const char *bridge, const char *chain)
{
	return json_pack("{s:s, s:s, s:s, s:[[s, o]]}", "family", family, "table", ENFORCE_TABLE,
		"name", "zones", "elem", bridge, enforce_expr_jump(chain));
}

static json_t *bridge_element(const char *family, const char *bridge)
{
	return json_pack("{s:s, s:s, s:s, s:[s]}", "family", family, "table", ENFORCE_TABLE, "name",
		"bridges", "elem", bridge);
}

void enforce_base_add_bridge(
	json_t *commands, const struct enforce_backend *backend, const char *bridge, guint16 zone)
{
	char chain[ENFORCE_CHAIN_NAME];

	zone_chain_name(bridge, chain);
	for (const char *const *family = backend->zone_families; *family; family++) {
		add_chain(commands, *family, chain);
		if (zone)
			add_rule(commands, *family, chain,
				json_pack("{s:[{s:{s:{s:{s:s}}, s:i}}]}", "expr", "mangle", "key",
					"ct", "key", "zone", "value", (int)zone));
		json_array_append_new(commands,
			json_pack("{s:{s:o}}", "add", "element", bridge_element(*family, bridge)));
		json_array_append_new(commands, json_pack("{s:{s:o}}", "add", "element",
							zone_element(*family, bridge, chain)));
	}
}

void enforce_base_delete_bridge(
	json_t *commands, const struct enforce_backend *backend, const char *bridge)
{
	char chain[ENFORCE_CHAIN_NAME];

	zone_chain_name(bridge, chain);
	for (const char *const *family = backend->zone_families; *family; family++) {
		json_array_append_new(commands, json_pack("{s:{s:o}}", "delete", "element",
							bridge_element(*family, bridge)));
		json_array_append_new(commands, json_pack("{s:{s:o}}", "delete", "element",
							zone_element(*family, bridge, chain)));
		for (const char *const *verb = (const char *const[]){ "flush", "delete", NULL };
			*verb; verb++)
			json_array_append_new(commands,
				json_pack("{s:{s:{s:s, s:s, s:s}}}", *verb, "chain", "family",
					*family, "table", ENFORCE_TABLE, "name", chain));
	}
}
