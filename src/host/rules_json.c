#include "host/rules_json.h"

#include <string.h>

/* Writing */

static json_t *prefixes_to_json(const GArray *prefixes)
{
	json_t *array = json_array();
	char text[RULES_PREFIX_TEXT];

	for (guint i = 0; i < prefixes->len; i++)
		json_array_append_new(
			array, json_string(rules_prefix_to_string(
				       &g_array_index(prefixes, struct rules_prefix, i), text)));
	return array;
}

static json_t *nic_to_json(const struct rules_nic *nic)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:o}", "tap", nic->tap, "mac", nic->mac, "bridge",
		nic->bridge, "zone", (int)nic->zone, "addresses", prefixes_to_json(nic->addresses));
}

static json_t *rule_to_json(const struct rules_rule *rule)
{
	json_t *ports = json_array();

	for (guint i = 0; i < rule->ports->len; i++) {
		const struct rules_ports *range = &g_array_index(
			rule->ports, struct rules_ports, i);

		json_array_append_new(
			ports, json_pack("[i, i]", (int)range->low, (int)range->high));
	}
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", rule->id, "direction",
		rules_direction_to_string(rule->direction), "protocol",
		rules_protocol_to_string(rule->protocol), "ports", ports, "peers",
		prefixes_to_json(rule->peers));
}

json_t *rules_machine_to_json(const struct rules_machine *machine)
{
	json_t *nics = json_array();
	json_t *rules = json_array();

	for (guint i = 0; i < machine->nics->len; i++)
		json_array_append_new(nics, nic_to_json(machine->nics->pdata[i]));
	for (guint i = 0; i < machine->rules->len; i++)
		json_array_append_new(rules, rule_to_json(machine->rules->pdata[i]));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "uuid", machine->uuid, "name", machine->name,
		"vapp", machine->vapp, "nics", nics, "rules", rules);
}

/* Reading. Unpacking is strict: the "!" makes an unknown field an error. */

static gboolean fail(GError **error, const char *what, const json_error_t *why)
{
	g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID, "%s: %s", what, why->text);
	return FALSE;
}

static gboolean read_prefixes(const json_t *array, GArray *prefixes, gsize max, GError **error)
{
	gsize index;
	json_t *item;

	if (!json_is_array(array) || json_array_size(array) > max) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"a list of addresses is not a list of at most %zu", max);
		return FALSE;
	}
	json_array_foreach(array, index, item)
	{
		struct rules_prefix prefix;

		if (!rules_prefix_parse(
			    json_is_string(item) ? json_string_value(item) : "", &prefix, error))
			return FALSE;
		g_array_append_val(prefixes, prefix);
	}
	return TRUE;
}

static gboolean read_nic(struct rules_machine *machine, json_t *json, GError **error)
{
	const char *tap, *mac, *bridge;
	int zone;
	json_t *addresses;
	json_error_t why;
	struct rules_nic *nic;

	if (json_unpack_ex(json, &why, 0, "{s:s, s:s, s:s, s:i, s:o!}", "tap", &tap, "mac", &mac,
		    "bridge", &bridge, "zone", &zone, "addresses", &addresses))
		return fail(error, "a nic", &why);
	if (zone < 0 || zone > G_MAXUINT16) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"a nic: the zone is not within 0-65535");
		return FALSE;
	}
	nic = rules_machine_add_nic(machine, tap, mac, bridge);
	nic->zone = (guint16)zone;
	return read_prefixes(addresses, nic->addresses, RULES_ADDRESSES_MAX, error);
}

static gboolean read_ports(json_t *array, struct rules_rule *rule, GError **error)
{
	gsize index;
	json_t *item;

	json_array_foreach(array, index, item)
	{
		int low, high;
		json_error_t why;

		if (json_unpack_ex(item, &why, 0, "[i, i!]", &low, &high))
			return fail(error, "a port range", &why);
		if (low < 0 || high > G_MAXUINT16 || low > high || index >= RULES_PORTS_MAX) {
			g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
				"%d-%d is not a port range, or there are more than %d", low, high,
				RULES_PORTS_MAX);
			return FALSE;
		}
		rules_rule_add_ports(rule, (guint16)low, (guint16)high);
	}
	return TRUE;
}

static gboolean read_rule(struct rules_machine *machine, json_t *json, GError **error)
{
	const char *id, *direction_name, *protocol_name;
	enum rules_direction direction;
	enum rules_protocol protocol;
	json_t *ports, *peers;
	json_error_t why;
	struct rules_rule *rule;

	if (json_unpack_ex(json, &why, 0, "{s:s, s:s, s:s, s:o, s:o!}", "id", &id, "direction",
		    &direction_name, "protocol", &protocol_name, "ports", &ports, "peers", &peers))
		return fail(error, "a rule", &why);
	if (!rules_direction_from_string(direction_name, &direction) ||
		!rules_protocol_from_string(protocol_name, &protocol) || !json_is_array(ports)) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"a rule: no such direction or protocol, or ports is no list");
		return FALSE;
	}
	rule = rules_machine_add_rule(machine, id, direction, protocol);
	return read_ports(ports, rule, error) &&
	       read_prefixes(peers, rule->peers, RULES_PEERS_MAX, error);
}

static gboolean read_each(struct rules_machine *machine, const json_t *array, gsize max,
	gboolean (*read)(struct rules_machine *, json_t *, GError **), GError **error)
{
	gsize index;
	json_t *item;

	if (!json_is_array(array) || json_array_size(array) > max) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"nics or rules are not a list of at most %zu", max);
		return FALSE;
	}
	json_array_foreach(array, index, item) if (!read(machine, item, error)) return FALSE;
	return TRUE;
}

struct rules_machine *rules_machine_from_json(const json_t *json, GError **error)
{
	g_autoptr(rules_machine) machine = NULL;
	const char *uuid, *name, *vapp;
	json_t *nics, *rules;
	json_error_t why;

	if (json_unpack_ex((json_t *)json, &why, 0, "{s:s, s:s, s:s, s:o, s:o!}", "uuid", &uuid,
		    "name", &name, "vapp", &vapp, "nics", &nics, "rules", &rules)) {
		fail(error, "a machine", &why);
		return NULL;
	}
	machine = rules_machine_new(uuid, name, vapp);
	if (!read_each(machine, nics, RULES_NICS_MAX, read_nic, error) ||
		!read_each(machine, rules, RULES_RULES_MAX, read_rule, error) ||
		!rules_machine_check(machine, error))
		return NULL;
	return g_steal_pointer(&machine);
}
