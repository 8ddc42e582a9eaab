#include "control/intents.h"

#include "vapp/domain.h"
#include "vapp/resolve.h"
#include "vapp/seal.h"

#include <string.h>

/* What one machine's intents are made from. */
struct making {
	struct ifmap_publish *publish;
	const struct vapp *vapp;
	const struct vapp_machine *machine;
	const struct intents_options *options;
	const struct vapp_ruleset *ruleset;
	const struct ifmap_id *vapp_id;
	const struct ifmap_id *vm_id;
};

static void publish_member(const struct making *making)
{
	g_autoptr(GStrvBuilder) macs = g_strv_builder_new();
	g_autofree char *name = vapp_domain_name(making->vapp, making->machine);
	g_auto(facts_member_of) fact = {
		.machine = g_strdup(making->machine->name),
		.domain = g_steal_pointer(&name),
		.role = g_strdup(making->machine->tier),
		.order = making->machine->start_order,
	};

	for (unsigned i = 0; i < making->ruleset->cards->len; i++)
		g_strv_builder_add(
			macs, ((struct vapp_card *)making->ruleset->cards->pdata[i])->mac);
	fact.macs = g_strv_builder_end(macs);
	facts_publish(making->publish, FACTS_MEMBER_OF, making->vm_id, making->vapp_id, &fact);
}

static void publish_label(const struct making *making)
{
	const char *name = vapp_machine_label(making->vapp, making->machine);
	const struct label *label = making->options->policy && name
					    ? label_policy_find(
						      making->options->policy, LABEL_WORKLOAD, name)
					    : NULL;
	g_auto(facts_label) fact = { .name = g_strdup(name) };
	char colour[8];

	if (!name) {
		facts_unpublish(making->publish, FACTS_LABEL, making->vm_id, NULL);
		return;
	}
	if (label) {
		label_colour(making->options->policy, label, colour);
		fact.ste = g_strdupv(label->ste);
		fact.chw = g_strdupv(label->chw);
		fact.colour = g_strdup(colour);
	}
	facts_publish(making->publish, FACTS_LABEL, making->vm_id, NULL, &fact);
}

/* ---- protection ---- */

static char **prefixes_to_strv(const GArray *prefixes)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	for (unsigned i = 0; i < prefixes->len; i++) {
		g_autofree char *text = vapp_prefix_to_string(
			&g_array_index(prefixes, struct vapp_prefix, i));

		g_strv_builder_add(builder, text);
	}
	return g_strv_builder_end(builder);
}

static void add_nic(struct facts_protection *fact, const struct vapp_card *card)
{
	struct facts_protected_nic *nic = facts_list_add(fact->nics, FACTS_PROTECTION, "nic");

	nic->tap = vapp_tap_name(card->mac);
	nic->mac = g_strdup(card->mac);
	nic->segment = g_strdup(card->network);
	nic->addresses = prefixes_to_strv(card->ips);
}

static void add_rule(struct facts_protection *fact, const struct vapp_rule *rule,
	const char *protocol, const struct vapp_ports *ports)
{
	struct facts_protected_rule *out = facts_list_add(fact->rules, FACTS_PROTECTION, "rule");

	out->flow = g_strdup(rule->flow);
	out->direction = g_strdup(vapp_direction_to_string(rule->direction));
	out->protocol = g_strdup(protocol);
	out->port_first = ports ? ports->first : 0;
	out->port_last = ports ? ports->last : 0;
	out->peers = prefixes_to_strv(rule->peers);
	out->peer_name = g_strdup(rule->peer);
}

/* The package says "icmp" for both families; the kernel knows two protocols. */
static void add_rules(struct facts_protection *fact, const struct vapp_rule *rule)
{
	const char *protocol = vapp_protocol_to_string(rule->protocol);

	for (unsigned i = 0; i < rule->ports->len; i++)
		add_rule(fact, rule, protocol, &g_array_index(rule->ports, struct vapp_ports, i));
	if (rule->ports->len == 0)
		add_rule(fact, rule, protocol, NULL);
	if (rule->protocol == VAPP_PROTOCOL_ICMP)
		add_rule(fact, rule, "icmpv6", NULL);
}

static void publish_protection(const struct making *making)
{
	g_auto(facts_protection) fact = {
		.vapp = g_strdup(making->vapp->name),
		.machine = g_strdup(making->machine->name),
		.generation = g_strdup(making->options->generation),
		.nics = facts_list_new(),
		.rules = facts_list_new(),
		.seal_key = g_strdup(making->options->seal_public),
	};

	for (unsigned i = 0; i < making->ruleset->cards->len; i++)
		add_nic(&fact, making->ruleset->cards->pdata[i]);
	for (unsigned i = 0; i < making->ruleset->rules->len; i++)
		add_rules(&fact, making->ruleset->rules->pdata[i]);
	facts_publish(making->publish, FACTS_PROTECTION, making->vm_id, NULL, &fact);
}

/* ---- definition ---- */

/* Replaces every "%s" by the domain's name. */
static char *expand(const char *pattern, const char *name)
{
	g_autoptr(GString) text = g_string_new(pattern);

	g_string_replace(text, "%s", name, 0);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean publish_definition(const struct making *making, GError **error)
{
	g_autoptr(vapp_member) member = vapp_member_new(making->vapp, making->machine);
	g_autofree char *name = vapp_domain_name(making->vapp, making->machine);
	g_autofree char *serial = making->options->serial_path
					  ? expand(making->options->serial_path, name)
					  : NULL;
	g_autofree char *devices = making->options->devices ? expand(making->options->devices, name)
							    : NULL;
	struct vapp_domain_options options = { .file_dir = making->options->base,
		.serial_path = serial,
		.devices = devices,
		.member = member };
	g_auto(facts_definition) fact = { 0 };

	if (!seal_sign_machine(member, making->machine, making->options->seal_key, error))
		return FALSE;
	fact.xml = vapp_machine_to_domain(making->vapp, making->machine, &options, error);
	if (fact.xml)
		facts_publish(making->publish, FACTS_DEFINITION, making->vm_id, NULL, &fact);
	return fact.xml != NULL;
}

static gboolean publish_machine(struct making *making, GError **error)
{
	g_autofree char *uuid = vapp_machine_uuid(making->vapp, making->machine);
	g_autoptr(ifmap_id) vm_id = facts_id_device(uuid, error);
	g_autoptr(vapp_ruleset) ruleset = vapp_resolve_machine(making->vapp, making->machine);

	if (!vm_id)
		return FALSE;
	making->vm_id = vm_id;
	making->ruleset = ruleset;
	publish_member(making);
	publish_label(making);
	publish_protection(making);
	return publish_definition(making, error);
}

gboolean intents_publish(struct ifmap_publish *publish, const struct vapp *vapp,
	const struct intents_options *options, GError **error)
{
	g_autoptr(ifmap_id) vapp_id = facts_id_vapp(vapp->name, error);
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct facts_in_fleet in_fleet = { .kind = (char *)"vapp" };
	struct making making = {
		.publish = publish, .vapp = vapp, .options = options, .vapp_id = vapp_id
	};

	if (!vapp_id)
		return FALSE;
	facts_publish_forever(publish, FACTS_IN_FLEET, fleet, vapp_id, &in_fleet);
	for (unsigned i = 0; i < vapp->machines->len; i++) {
		making.machine = vapp->machines->pdata[i];
		if (publish_machine(&making, error))
			continue;
		g_prefix_error(error, "machine %s: ", making.machine->name);
		return FALSE;
	}
	return TRUE;
}

void intents_retract(struct ifmap_publish *publish, const char *vapp, const char *uuid)
{
	static const enum facts_kind on_machine[] = { FACTS_LABEL, FACTS_PROTECTION,
		FACTS_DEFINITION };
	g_autoptr(ifmap_id) vm_id = facts_id_device(uuid, NULL);
	g_autoptr(ifmap_id) vapp_id = facts_id_vapp(vapp, NULL);

	for (size_t i = 0; vm_id && vapp_id && i < G_N_ELEMENTS(on_machine); i++)
		facts_unpublish(publish, on_machine[i], vm_id, NULL);
	if (vm_id && vapp_id)
		facts_unpublish(publish, FACTS_MEMBER_OF, vm_id, vapp_id);
}
