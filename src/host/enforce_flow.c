#include "host/enforce_flow.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <netinet/in.h>
#include <string.h>

/* An attempt is kept for 120 s (net.netfilter.nf_conntrack_tcp_timeout_syn_sent). Where that is set
 * to less, none is fresh, and the sender's next attempt makes a new one. */
#define FRESH_TIMEOUT_S 115

static gboolean nic_has(const struct rules_nic *nic, const struct rules_prefix *address)
{
	for (guint i = 0; i < nic->addresses->len; i++)
		if (rules_prefix_contains(
			    &g_array_index(nic->addresses, struct rules_prefix, i), address))
			return TRUE;
	return FALSE;
}

static const struct rules_nic *find_nic(
	const struct rules_machine *machine, const struct rules_prefix *address)
{
	for (guint i = 0; i < machine->nics->len; i++)
		if (nic_has(machine->nics->pdata[i], address))
			return machine->nics->pdata[i];
	return NULL;
}

const struct rules_nic *enforce_flow_nic(
	const struct enforce_flow *flow, const struct rules_machine *machine)
{
	for (guint i = 0; i < machine->nics->len; i++) {
		const struct rules_nic *nic = machine->nics->pdata[i];

		if (nic->zone == flow->zone &&
			(nic_has(nic, &flow->source) || nic_has(nic, &flow->destination)))
			return nic;
	}
	return NULL;
}

gboolean enforce_flow_is_over(const struct enforce_flow *flow)
{
	if (flow->protocol != IPPROTO_TCP)
		return FALSE;
	return flow->tcp_state == TCP_CONNTRACK_TIME_WAIT ||
	       flow->tcp_state == TCP_CONNTRACK_CLOSE ||
	       (!(flow->status & IPS_SEEN_REPLY) && flow->timeout_s < FRESH_TIMEOUT_S);
}

gboolean enforce_flow_is_permitted(
	const struct enforce_flow *flow, const struct rules_machine *machine)
{
	const struct rules_nic *from = find_nic(machine, &flow->source);
	const struct rules_nic *to = find_nic(machine, &flow->destination);

	if (from && !rules_machine_permits(machine, RULES_OUT, flow->protocol, &flow->destination,
			    flow->destination_port))
		return FALSE;
	if (to && !rules_machine_permits(
			  machine, RULES_IN, flow->protocol, &flow->source, flow->destination_port))
		return FALSE;
	return from || to;
}

gboolean enforce_flow_adopt(struct enforce_flow *flow, const struct rules_machine *machine)
{
	const struct rules_nic *nic = find_nic(machine, &flow->source);

	if (!nic)
		nic = find_nic(machine, &flow->destination);
	if (nic)
		flow->zone = nic->zone;
	return nic != NULL;
}

/* JSON */

/* The numbers of a flow and the largest each may be. */
static const struct {
	const char *key;
	gsize offset;
	gsize size;
	gint64 max;
} numbers[] = {
#define NUMBER(key, field, max)                                           \
	{                                                                 \
		key, G_STRUCT_OFFSET(struct enforce_flow, field),         \
			sizeof(((struct enforce_flow *)NULL)->field), max \
	}
	NUMBER("protocol", protocol, 255),
	NUMBER("tcp-state", tcp_state, 9),
	NUMBER("icmp-code", icmp_code, 255),
	NUMBER("source-port", source_port, 65535),
	NUMBER("destination-port", destination_port, 65535),
	NUMBER("timeout", timeout_s, 604800),
	NUMBER("mark", mark, G_MAXUINT32),
	NUMBER("status", status, G_MAXUINT32),
#undef NUMBER
};

static gint64 get_number(const struct enforce_flow *flow, guint i)
{
	const guint8 *at = (const guint8 *)flow + numbers[i].offset;
	guint16 two;
	guint32 four;

	if (numbers[i].size == 1)
		return *at;
	memcpy(&two, at, sizeof two);
	if (numbers[i].size == 2)
		return two;
	memcpy(&four, at, sizeof four);
	return four;
}

static void put_number(struct enforce_flow *flow, guint i, gint64 value)
{
	guint8 *at = (guint8 *)flow + numbers[i].offset;
	guint8 one = (guint8)value;
	guint16 two = (guint16)value;
	guint32 four = (guint32)value;

	memcpy(at,
		numbers[i].size == 1   ? (void *)&one
		: numbers[i].size == 2 ? (void *)&two
				       : &four,
		numbers[i].size);
}

json_t *enforce_flow_to_json(const struct enforce_flow *flow)
{
	json_t *json = json_object();
	char text[RULES_PREFIX_TEXT];

	json_object_set_new(
		json, "source", json_string(rules_prefix_to_string(&flow->source, text)));
	json_object_set_new(
		json, "destination", json_string(rules_prefix_to_string(&flow->destination, text)));
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
		json_object_set_new(json, numbers[i].key, json_integer(get_number(flow, i)));
	return json;
}

static gboolean read_address(
	const json_t *json, const char *key, struct rules_prefix *ret_prefix, GError **error)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (!rules_prefix_parse(text ? text : "", ret_prefix, error))
		return FALSE;
	if (ret_prefix->bits == (ret_prefix->family == 4 ? 32 : 128))
		return TRUE;
	g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID, "a connection's %s is not one address",
		key);
	return FALSE;
}

gboolean enforce_flow_from_json(const json_t *json, struct enforce_flow *ret_flow, GError **error)
{
	struct enforce_flow flow = { 0 };

	if (!read_address(json, "source", &flow.source, error) ||
		!read_address(json, "destination", &flow.destination, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
		const json_t *value = json_object_get(json, numbers[i].key);

		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
			json_integer_value(value) > numbers[i].max) {
			g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
				"a connection's %s is not within 0-%" G_GINT64_FORMAT,
				numbers[i].key, numbers[i].max);
			return FALSE;
		}
		put_number(&flow, i, json_integer_value(value));
	}
	if (flow.source.family != flow.destination.family ||
		json_object_size(json) != G_N_ELEMENTS(numbers) + 2) {
		g_set_error(error, RULES_ERROR, RULES_ERROR_INVALID,
			"a connection has two address families or unknown fields");
		return FALSE;
	}
	*ret_flow = flow;
	return TRUE;
}
