#include "host/rules.h"

#include "base/names.h"

#include <arpa/inet.h>
#include <string.h>

G_DEFINE_QUARK(drover - rules - error, rules_error)

static const char *const direction_names[] = { "out", "in" };
static const char *const protocol_names[] = { "tcp", "udp", "icmp", "icmpv6", "any" };

const char *rules_direction_to_string(enum rules_direction direction)
{
	return direction_names[direction];
}

gboolean rules_direction_from_string(const char *text, enum rules_direction *ret_direction)
{
	unsigned i;

	if (!BASE_NAMES_FIND(direction_names, text, &i))
		return FALSE;
	*ret_direction = (enum rules_direction)i;
	return TRUE;
}

const char *rules_protocol_to_string(enum rules_protocol protocol)
{
	return protocol_names[protocol];
}

gboolean rules_protocol_from_string(const char *text, enum rules_protocol *ret_protocol)
{
	unsigned i;

	if (!BASE_NAMES_FIND(protocol_names, text, &i))
		return FALSE;
	*ret_protocol = (enum rules_protocol)i;
	return TRUE;
}

/* Prefixes */

static guint8 family_bits(guint8 family)
{
	return family == 4 ? 32 : 128;
}

static void clear_host_bits(struct rules_prefix *prefix)
{
	for (guint i = 0; i < sizeof prefix->address; i++) {
		guint from = i * 8;

		if (from >= prefix->bits)
			prefix->address[i] = 0;
		else if (prefix->bits - from < 8)
			prefix->address[i] &= (guint8)(0xff << (8 - (prefix->bits - from)));
	}
}

gboolean rules_prefix_parse(const char *text, struct rules_prefix *ret_prefix, GError **error)
{
	struct rules_prefix prefix = { 0 };
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	guint64 bits = 0;

	if (length < sizeof address) {
		memcpy(address, text, length);
		address[length] = '\0';
		if (inet_pton(AF_INET, address, prefix.address) == 1)
			prefix.family = 4;
		else if (inet_pton(AF_INET6, address, prefix.address) == 1)
			prefix.family = 6;
	}
	if (prefix.family)
		bits = family_bits(prefix.family);
	if (!prefix.family ||
		(slash && !g_ascii_string_to_unsigned(slash + 1, 10, 0, bits, &bits, NULL))) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"\"%.64s\" is not an address or a prefix", text);
		return FALSE;
	}
	prefix.bits = (guint8)bits;
	clear_host_bits(&prefix);
	*ret_prefix = prefix;
	return TRUE;
}

const char *rules_prefix_to_string(const struct rules_prefix *prefix, char text[RULES_PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(
		prefix->family == 4 ? AF_INET : AF_INET6, prefix->address, address, sizeof address);
	if (prefix->bits == family_bits(prefix->family))
		g_strlcpy(text, address, RULES_PREFIX_TEXT);
	else
		g_snprintf(text, RULES_PREFIX_TEXT, "%s/%u", address, (guint)prefix->bits);
	return text;
}

gboolean rules_prefix_contains(const struct rules_prefix *outer, const struct rules_prefix *inner)
{
	struct rules_prefix cut = *inner;

	if (outer->family != inner->family || outer->bits > inner->bits)
		return FALSE;
	cut.bits = outer->bits;
	clear_host_bits(&cut);
	return !memcmp(cut.address, outer->address, sizeof cut.address);
}

/* Building */

static void nic_free(gpointer data)
{
	struct rules_nic *nic = data;

	g_free(nic->tap);
	g_free(nic->mac);
	g_free(nic->bridge);
	g_array_unref(nic->addresses);
	g_free(nic);
}

static void rule_free(gpointer data)
{
	struct rules_rule *rule = data;

	g_free(rule->id);
	g_array_unref(rule->ports);
	g_array_unref(rule->peers);
	g_free(rule);
}

struct rules_machine *rules_machine_new(const char *uuid, const char *name, const char *vapp)
{
	struct rules_machine *machine = g_new0(struct rules_machine, 1);

	machine->uuid = g_strdup(uuid);
	machine->name = g_strdup(name);
	machine->vapp = g_strdup(vapp ? vapp : "");
	machine->nics = g_ptr_array_new_with_free_func(nic_free);
	machine->rules = g_ptr_array_new_with_free_func(rule_free);
	return machine;
}

void rules_machine_free(struct rules_machine *machine)
{
	if (!machine)
		return;
	g_free(machine->uuid);
	g_free(machine->name);
	g_free(machine->vapp);
	g_ptr_array_unref(machine->nics);
	g_ptr_array_unref(machine->rules);
	g_free(machine);
}

struct rules_nic *rules_machine_add_nic(
	struct rules_machine *machine, const char *tap, const char *mac, const char *bridge)
{
	struct rules_nic *nic = g_new0(struct rules_nic, 1);

	nic->tap = g_strdup(tap);
	nic->mac = g_ascii_strdown(mac, -1);
	nic->bridge = g_strdup(bridge);
	nic->addresses = g_array_new(FALSE, TRUE, sizeof(struct rules_prefix));
	g_ptr_array_add(machine->nics, nic);
	return nic;
}

static gboolean add_prefix(GArray *array, const char *text, GError **error)
{
	struct rules_prefix prefix;

	if (!rules_prefix_parse(text, &prefix, error))
		return FALSE;
	g_array_append_val(array, prefix);
	return TRUE;
}

gboolean rules_nic_add_address(struct rules_nic *nic, const char *text, GError **error)
{
	return add_prefix(nic->addresses, text, error);
}

struct rules_rule *rules_machine_add_rule(struct rules_machine *machine, const char *id,
	enum rules_direction direction, enum rules_protocol protocol)
{
	struct rules_rule *rule = g_new0(struct rules_rule, 1);

	rule->id = g_strdup(id);
	rule->direction = direction;
	rule->protocol = protocol;
	rule->ports = g_array_new(FALSE, TRUE, sizeof(struct rules_ports));
	rule->peers = g_array_new(FALSE, TRUE, sizeof(struct rules_prefix));
	g_ptr_array_add(machine->rules, rule);
	return rule;
}

void rules_rule_add_ports(struct rules_rule *rule, guint16 low, guint16 high)
{
	struct rules_ports ports = { .low = low, .high = high };

	g_array_append_val(rule->ports, ports);
}

gboolean rules_rule_add_peer(struct rules_rule *rule, const char *text, GError **error)
{
	return add_prefix(rule->peers, text, error);
}

struct rules_machine *rules_machine_copy(const struct rules_machine *machine)
{
	struct rules_machine *copy = rules_machine_new(machine->uuid, machine->name, machine->vapp);

	for (guint i = 0; i < machine->nics->len; i++) {
		const struct rules_nic *from = machine->nics->pdata[i];
		struct rules_nic *nic = rules_machine_add_nic(
			copy, from->tap, from->mac, from->bridge);

		nic->zone = from->zone;
		g_array_append_vals(nic->addresses, from->addresses->data, from->addresses->len);
	}
	for (guint i = 0; i < machine->rules->len; i++) {
		const struct rules_rule *from = machine->rules->pdata[i];
		struct rules_rule *rule = rules_machine_add_rule(
			copy, from->id, from->direction, from->protocol);

		g_array_append_vals(rule->ports, from->ports->data, from->ports->len);
		g_array_append_vals(rule->peers, from->peers->data, from->peers->len);
	}
	return copy;
}

/* Meaning */

/* The ranges of a rule as they are enforced: ICMP without types means echo requests. */
static gboolean ports_match(const struct rules_rule *rule, guint16 port)
{
	if (!rule->ports->len && rule->protocol == RULES_ICMP)
		return port == 8;
	if (!rule->ports->len && rule->protocol == RULES_ICMPV6)
		return port == 128;
	for (guint i = 0; i < rule->ports->len; i++) {
		const struct rules_ports *ports = &g_array_index(
			rule->ports, struct rules_ports, i);

		if (port >= ports->low && port <= ports->high)
			return TRUE;
	}
	return rule->ports->len == 0;
}

static gboolean peers_match(const struct rules_rule *rule, const struct rules_prefix *peer)
{
	for (guint i = 0; i < rule->peers->len; i++)
		if (rules_prefix_contains(
			    &g_array_index(rule->peers, struct rules_prefix, i), peer))
			return TRUE;
	return rule->peers->len == 0;
}

static gboolean protocol_matches(enum rules_protocol rule, guint8 protocol)
{
	static const guint8 numbers[] = {
		[RULES_TCP] = 6, [RULES_UDP] = 17, [RULES_ICMP] = 1, [RULES_ICMPV6] = 58
	};

	return rule == RULES_ANY || numbers[rule] == protocol;
}

const struct rules_rule *rules_machine_permits(const struct rules_machine *machine,
	enum rules_direction direction, guint8 protocol, const struct rules_prefix *peer,
	guint16 port)
{
	for (guint i = 0; i < machine->rules->len; i++) {
		const struct rules_rule *rule = machine->rules->pdata[i];

		if (rule->direction == direction && protocol_matches(rule->protocol, protocol) &&
			ports_match(rule, port) && peers_match(rule, peer))
			return rule;
	}
	return NULL;
}

/* The canonical text: lines, sorted */

static int compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Joins the sorted lines, each once, with `separator`; takes `lines`. */
static char *join_sorted(GPtrArray *lines, const char *separator)
{
	GString *out = g_string_new(NULL);
	const char *last = NULL;

	g_ptr_array_sort(lines, compare_lines);
	for (guint i = 0; i < lines->len; i++) {
		const char *line = lines->pdata[i];

		if (last && !strcmp(last, line))
			continue;
		g_string_append_printf(out, "%s%s", last ? separator : "", line);
		last = line;
	}
	g_ptr_array_unref(lines);
	return g_string_free(out, FALSE);
}

static char *prefixes_text(const GArray *prefixes)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	char text[RULES_PREFIX_TEXT];

	for (guint i = 0; i < prefixes->len; i++)
		g_ptr_array_add(
			lines, g_strdup(rules_prefix_to_string(
				       &g_array_index(prefixes, struct rules_prefix, i), text)));
	return join_sorted(lines, ",");
}

static char *ports_text(const GArray *ranges)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < ranges->len; i++) {
		const struct rules_ports *ports = &g_array_index(ranges, struct rules_ports, i);

		g_ptr_array_add(
			lines, g_strdup_printf("%u-%u", (guint)ports->low, (guint)ports->high));
	}
	return join_sorted(lines, ",");
}

static char *nic_line(const struct rules_nic *nic)
{
	g_autofree char *addresses = prefixes_text(nic->addresses);

	return g_strdup_printf("nic %s %s %s zone %u use %s\n", nic->tap, nic->mac, nic->bridge,
		(guint)nic->zone, addresses);
}

static char *rule_line(const struct rules_rule *rule)
{
	g_autofree char *ports = ports_text(rule->ports);
	g_autofree char *peers = prefixes_text(rule->peers);

	return g_strdup_printf("rule %s %s ports %s peers %s id %s\n",
		direction_names[rule->direction], protocol_names[rule->protocol], ports, peers,
		rule->id);
}

char *rules_machine_canonical(const struct rules_machine *machine)
{
	GPtrArray *nics = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *rules = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *nic_text = NULL;
	g_autofree char *rule_text = NULL;

	for (guint i = 0; i < machine->nics->len; i++)
		g_ptr_array_add(nics, nic_line(machine->nics->pdata[i]));
	for (guint i = 0; i < machine->rules->len; i++)
		g_ptr_array_add(rules, rule_line(machine->rules->pdata[i]));
	nic_text = join_sorted(nics, "");
	rule_text = join_sorted(rules, "");
	return g_strdup_printf(
		"drover rules 1\nmachine %s\n%s%s", machine->uuid, nic_text, rule_text);
}

char *rules_machine_digest(const struct rules_machine *machine)
{
	g_autofree char *text = rules_machine_canonical(machine);

	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

gboolean rules_machine_equal(const struct rules_machine *a, const struct rules_machine *b)
{
	g_autofree char *text_a = rules_machine_canonical(a);
	g_autofree char *text_b = rules_machine_canonical(b);

	return !strcmp(text_a, text_b);
}
