#include "vapp/resolve.h"

#include <string.h>

static GArray *prefixes_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(struct vapp_prefix));
}

static int compare_prefixes(const void *a, const void *b)
{
	return vapp_prefix_compare(a, b);
}

static void rule_free(struct vapp_rule *rule)
{
	g_free(rule->flow);
	g_free(rule->peer);
	g_free(rule->mac);
	g_free(rule->network);
	g_array_unref(rule->peers);
	g_array_unref(rule->ports);
	g_free(rule);
}

static void card_free(struct vapp_card *card)
{
	g_free(card->mac);
	g_free(card->network);
	g_array_unref(card->ips);
	g_free(card);
}

void vapp_ruleset_free(struct vapp_ruleset *ruleset)
{
	if (!ruleset)
		return;
	g_free(ruleset->vapp);
	g_free(ruleset->machine);
	g_free(ruleset->uuid);
	g_free(ruleset->label);
	g_ptr_array_unref(ruleset->cards);
	g_ptr_array_unref(ruleset->rules);
	g_free(ruleset);
}

const char *vapp_direction_to_string(enum vapp_direction direction)
{
	return direction == VAPP_DIRECTION_IN ? "in" : "out";
}

/* Appends the machine's addresses on `network` as single hosts. */
static void add_hosts(GArray *hosts, const struct vapp_machine *machine, const char *network)
{
	for (unsigned i = 0; i < machine->nics->len; i++) {
		const struct vapp_nic *nic = machine->nics->pdata[i];

		if (!nic->mac || strcmp(nic->network, network) != 0)
			continue;
		for (unsigned j = 0; j < nic->ips->len; j++) {
			struct vapp_prefix host = vapp_prefix_host(
				&g_array_index(nic->ips, struct vapp_prefix, j));

			g_array_append_val(hosts, host);
		}
	}
	g_array_sort(hosts, compare_prefixes);
}

static GArray *outside_prefixes(const struct vapp_endpoint *end)
{
	static const struct vapp_prefix everybody[] = { { VAPP_IPV4, 0, { 0 } },
		{ VAPP_IPV6, 0, { 0 } } };
	GArray *prefixes = prefixes_new();

	if (end->outside->len == 0)
		return g_array_append_vals(prefixes, everybody, G_N_ELEMENTS(everybody));
	g_array_append_vals(prefixes, end->outside->data, end->outside->len);
	g_array_sort(prefixes, compare_prefixes);
	return prefixes;
}

/* Adds one rule; takes `peers`, which when empty gives no rule. */
static void add_rule(GPtrArray *rules, const struct vapp_nic *nic, const struct vapp_flow *flow,
	enum vapp_direction direction, const char *peer, GArray *peers)
{
	struct vapp_rule *rule;

	if (peers->len == 0) {
		g_array_unref(peers);
		return;
	}
	rule = g_new0(struct vapp_rule, 1);
	rule->flow = g_strdup(flow->id);
	rule->peer = g_strdup(peer);
	rule->direction = direction;
	rule->mac = g_strdup(nic->mac);
	rule->network = g_strdup(nic->network);
	rule->peers = peers;
	rule->protocol = flow->protocol;
	rule->ports = g_array_new(FALSE, FALSE, sizeof(struct vapp_ports));
	g_array_append_vals(rule->ports, flow->ports->data, flow->ports->len);
	g_ptr_array_add(rules, rule);
}

/* The rules of one flow on one card, the machine being on the side that `direction` says. */
static void add_side(GPtrArray *rules, const struct vapp *vapp, const struct vapp_machine *machine,
	const struct vapp_nic *nic, const struct vapp_flow *flow, enum vapp_direction direction)
{
	const struct vapp_endpoint *own = direction == VAPP_DIRECTION_OUT ? &flow->from : &flow->to;
	const struct vapp_endpoint *other = direction == VAPP_DIRECTION_OUT ? &flow->to
									    : &flow->from;
	g_autoptr(GPtrArray) owners = vapp_select(vapp, own->name);
	g_autoptr(GPtrArray) peers = vapp_select(vapp, other->name);

	if (!g_ptr_array_find(owners, machine, NULL))
		return;
	if (strcmp(other->name, VAPP_OUTSIDE) == 0) {
		add_rule(rules, nic, flow, direction, VAPP_OUTSIDE, outside_prefixes(other));
		return;
	}
	for (unsigned i = 0; i < peers->len; i++) {
		const struct vapp_machine *peer = peers->pdata[i];
		GArray *hosts;

		if (peer == machine)
			continue;
		hosts = prefixes_new();
		add_hosts(hosts, peer, nic->network);
		add_rule(rules, nic, flow, direction, peer->name, hosts);
	}
}

static void add_card(struct vapp_ruleset *ruleset, const struct vapp_nic *nic)
{
	struct vapp_card *card = g_new0(struct vapp_card, 1);

	card->mac = g_strdup(nic->mac);
	card->network = g_strdup(nic->network);
	card->ips = prefixes_new();
	for (unsigned i = 0; i < nic->ips->len; i++) {
		struct vapp_prefix host = vapp_prefix_host(
			&g_array_index(nic->ips, struct vapp_prefix, i));

		g_array_append_val(card->ips, host);
	}
	g_array_sort(card->ips, compare_prefixes);
	g_ptr_array_add(ruleset->cards, card);
}

static void add_rules(struct vapp_ruleset *ruleset, const struct vapp *vapp,
	const struct vapp_machine *machine, const struct vapp_nic *nic)
{
	for (unsigned i = 0; i < vapp->flows->len; i++) {
		const struct vapp_flow *flow = vapp->flows->pdata[i];

		if (flow->network && strcmp(flow->network, nic->network) != 0)
			continue;
		add_side(ruleset->rules, vapp, machine, nic, flow, VAPP_DIRECTION_OUT);
		add_side(ruleset->rules, vapp, machine, nic, flow, VAPP_DIRECTION_IN);
	}
}

struct vapp_ruleset *vapp_resolve_machine(
	const struct vapp *vapp, const struct vapp_machine *machine)
{
	struct vapp_ruleset *ruleset = g_new0(struct vapp_ruleset, 1);

	ruleset->vapp = g_strdup(vapp->name);
	ruleset->machine = g_strdup(machine->name);
	ruleset->uuid = vapp_machine_uuid(vapp, machine);
	ruleset->label = g_strdup(vapp_machine_label(vapp, machine));
	ruleset->cards = g_ptr_array_new_with_free_func((GDestroyNotify)card_free);
	ruleset->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
	for (unsigned i = 0; i < machine->nics->len; i++) {
		const struct vapp_nic *nic = machine->nics->pdata[i];

		if (!nic->mac)
			continue;
		add_card(ruleset, nic);
		if (nic->ips->len)
			add_rules(ruleset, vapp, machine, nic);
	}
	return ruleset;
}

GPtrArray *vapp_resolve(const struct vapp *vapp)
{
	GPtrArray *rulesets = g_ptr_array_new_with_free_func((GDestroyNotify)vapp_ruleset_free);

	for (unsigned i = 0; i < vapp->machines->len; i++)
		g_ptr_array_add(rulesets, vapp_resolve_machine(vapp, vapp->machines->pdata[i]));
	return rulesets;
}

/* ---- as text ---- */

static void put_prefixes(GString *out, const GArray *prefixes)
{
	for (unsigned i = 0; i < prefixes->len; i++) {
		g_autofree char *text = vapp_prefix_to_string(
			&g_array_index(prefixes, struct vapp_prefix, i));

		g_string_append_printf(out, "%s%s", i ? "," : " ", text);
	}
}

char *vapp_ruleset_to_text(const struct vapp_ruleset *ruleset)
{
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "machine %s/%s %s label %s\n", ruleset->vapp, ruleset->machine,
		ruleset->uuid, ruleset->label ? ruleset->label : "-");
	for (unsigned i = 0; i < ruleset->cards->len; i++) {
		const struct vapp_card *card = ruleset->cards->pdata[i];

		g_autofree char *network = g_strescape(card->network, NULL);

		g_string_append_printf(out, "card %s \"%s\"", card->mac, network);
		put_prefixes(out, card->ips);
		g_string_append_c(out, '\n');
	}
	for (unsigned i = 0; i < ruleset->rules->len; i++) {
		const struct vapp_rule *rule = ruleset->rules->pdata[i];
		g_autofree char *ports = vapp_ports_to_string(rule->ports);
		g_autofree char *network = g_strescape(rule->network, NULL);

		g_string_append_printf(out, "%s %s \"%s\" flow %s peer %s %s/%s",
			vapp_direction_to_string(rule->direction), rule->mac, network, rule->flow,
			rule->peer, vapp_protocol_to_string(rule->protocol),
			*ports ? ports : "all");
		put_prefixes(out, rule->peers);
		g_string_append_c(out, '\n');
	}
	return g_string_free(out, FALSE);
}

char *vapp_ruleset_digest(const struct vapp_ruleset *ruleset)
{
	g_autofree char *text = vapp_ruleset_to_text(ruleset);

	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}
