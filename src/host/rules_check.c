/* Whether a struct rules_machine is well formed: rules_machine_check() of rules.h. */
#include "host/rules.h"

#include <string.h>

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_propagate_error(
		error, g_error_new_valist(RULES_ERROR, RULES_ERROR_INVALID, format, arguments));
	va_end(arguments);
	return FALSE;
}

/* Printable ASCII or UTF-8 without control characters, quotes and backslashes: it ends up in rule
 * comments. */
static gboolean text_is_plain(const char *text, gsize min)
{
	gsize length = text ? strlen(text) : 0;

	if (!text || length < min || length > RULES_NAME_MAX || !g_utf8_validate(text, -1, NULL))
		return FALSE;
	for (const char *p = text; *p; p++)
		if ((guchar)*p < 0x20 || *p == 0x7f || *p == '"' || *p == '\\')
			return FALSE;
	return TRUE;
}

static gboolean interface_is_valid(const char *name)
{
	gsize length = name ? strlen(name) : 0;

	if (length < 1 || length > RULES_TAP_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return FALSE;
	for (const char *p = name; *p; p++)
		if (!g_ascii_isalnum(*p) && !strchr("_.-", *p))
			return FALSE;
	return TRUE;
}

static gboolean is_pattern(const char *text, const char *pattern)
{
	if (!text || strlen(text) != strlen(pattern))
		return FALSE;
	for (gsize i = 0; pattern[i]; i++) {
		if (pattern[i] != 'x' && text[i] != pattern[i])
			return FALSE;
		if (pattern[i] == 'x' && (!g_ascii_isxdigit(text[i]) || g_ascii_isupper(text[i])))
			return FALSE;
	}
	return TRUE;
}

static gboolean mac_is_unicast(const char *mac)
{
	return is_pattern(mac, "xx:xx:xx:xx:xx:xx") && !(g_ascii_xdigit_value(mac[1]) & 1);
}

static gboolean prefixes_are_valid(const GArray *prefixes)
{
	for (guint i = 0; i < prefixes->len; i++) {
		const struct rules_prefix *prefix = &g_array_index(
			prefixes, struct rules_prefix, i);
		char text[RULES_PREFIX_TEXT];
		struct rules_prefix again;

		if ((prefix->family != 4 && prefix->family != 6) ||
			prefix->bits > (prefix->family == 4 ? 32 : 128))
			return FALSE;
		if (!rules_prefix_parse(rules_prefix_to_string(prefix, text), &again, NULL) ||
			memcmp(again.address, prefix->address, sizeof again.address) != 0)
			return FALSE;
	}
	return TRUE;
}

static gboolean check_nic(const struct rules_nic *nic, GError **error)
{
	if (!interface_is_valid(nic->tap))
		return fail(
			error, "a nic's tap name is not 1 to %d of [A-Za-z0-9_.-]", RULES_TAP_MAX);
	if (!interface_is_valid(nic->bridge))
		return fail(error, "nic %s: the bridge is not an interface name", nic->tap);
	if (!mac_is_unicast(nic->mac))
		return fail(error, "nic %s: the MAC address is not a unicast address in lower case",
			nic->tap);
	if (nic->addresses->len > RULES_ADDRESSES_MAX || !prefixes_are_valid(nic->addresses))
		return fail(error, "nic %s: more than %d addresses, or a broken one", nic->tap,
			RULES_ADDRESSES_MAX);
	return TRUE;
}

static gboolean check_nics(const struct rules_machine *machine, GError **error)
{
	g_autoptr(GHashTable) taps = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < machine->nics->len; i++) {
		struct rules_nic *nic = machine->nics->pdata[i];

		if (!check_nic(nic, error))
			return FALSE;
		if (!g_hash_table_add(taps, nic->tap))
			return fail(error, "nic %s stands twice", nic->tap);
	}
	return TRUE;
}

static gboolean check_ports(const struct rules_rule *rule, GError **error)
{
	guint16 highest = rule->protocol == RULES_TCP || rule->protocol == RULES_UDP ? 65535 : 255;

	if (rule->ports->len > (rule->protocol == RULES_ANY ? 0 : RULES_PORTS_MAX))
		return fail(error, "rule %s: too many port ranges for %s", rule->id,
			rules_protocol_to_string(rule->protocol));
	for (guint i = 0; i < rule->ports->len; i++) {
		const struct rules_ports *ports = &g_array_index(
			rule->ports, struct rules_ports, i);

		if (ports->low > ports->high || ports->high > highest)
			return fail(error, "rule %s: %u-%u is not a range within 0-%u", rule->id,
				(guint)ports->low, (guint)ports->high, (guint)highest);
	}
	return TRUE;
}

static gboolean check_rule(const struct rules_rule *rule, GError **error)
{
	guint8 not_family = rule->protocol == RULES_ICMP     ? 6
			    : rule->protocol == RULES_ICMPV6 ? 4
							     : 0;

	if (!text_is_plain(rule->id, 1))
		return fail(error, "a rule's id is not 1 to %d plain characters", RULES_NAME_MAX);
	if ((guint)rule->direction > RULES_IN || (guint)rule->protocol > RULES_ANY)
		return fail(error, "rule %s: no such direction or protocol", rule->id);
	if (rule->peers->len > RULES_PEERS_MAX || !prefixes_are_valid(rule->peers))
		return fail(error, "rule %s: more than %d peers, or a broken one", rule->id,
			RULES_PEERS_MAX);
	for (guint i = 0; i < rule->peers->len; i++)
		if (g_array_index(rule->peers, struct rules_prefix, i).family == not_family)
			return fail(error, "rule %s: %s with a peer of the other address family",
				rule->id, rules_protocol_to_string(rule->protocol));
	return check_ports(rule, error);
}

gboolean rules_machine_check(const struct rules_machine *machine, GError **error)
{
	if (!is_pattern(machine->uuid, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
		return fail(error, "the machine's uuid is not a lower case UUID");
	if (!text_is_plain(machine->name, 1) || !text_is_plain(machine->vapp, 0))
		return fail(error, "machine %s: name or vApp is not plain text up to %d characters",
			machine->uuid, RULES_NAME_MAX);
	if (machine->nics->len > RULES_NICS_MAX || machine->rules->len > RULES_RULES_MAX) {
		return fail(error, "machine %s: more than %d nics or %d rules", machine->uuid,
			RULES_NICS_MAX, RULES_RULES_MAX);
	}
	if (!check_nics(machine, error)) {
		g_prefix_error(error, "machine %s: ", machine->uuid);
		return FALSE;
	}
	for (guint i = 0; i < machine->rules->len; i++)
		if (!check_rule(machine->rules->pdata[i], error)) {
			g_prefix_error(error, "machine %s: ", machine->uuid);
			return FALSE;
		}
	return TRUE;
}
