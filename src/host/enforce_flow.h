#pragma once
/* One tracked connection as a plain value: which machine it belongs to, whether rules permit it,
 * its JSON. Pure.
 *
 * The JSON carries no zone: a machine's segment may have another zone on the next host, which puts
 * in its own.
 */
#include "host/rules.h"

#include <jansson.h>

#define ENFORCE_FLOWS_MAX 65536 /* in one dump or load */

struct enforce_flow {
	struct rules_prefix source; /* of the first packet; a full-length prefix */
	struct rules_prefix destination;
	guint8 protocol;  /* IP protocol number */
	guint8 tcp_state; /* enum tcp_conntrack of the kernel */
	guint8 icmp_code;
	guint16 source_port;      /* ICMP: the id */
	guint16 destination_port; /* ICMP: the type */
	guint16 zone;
	guint32 timeout_s;
	guint32 mark;
	guint32 status; /* enum ip_conntrack_status */
};

/* The nic that one end of the flow is, in its zone; NULL when it is not the machine's. */
const struct rules_nic *enforce_flow_nic(
	const struct enforce_flow *flow, const struct rules_machine *machine);

/* Whether the rules would let its first packet through: at each end that is the machine's. */
gboolean enforce_flow_is_permitted(
	const struct enforce_flow *flow, const struct rules_machine *machine);

/* Whether it is a TCP connection that both ends have closed, or an attempt that nobody has answered
 * for some seconds: there is nothing to carry to another host. A busy server leaves thousands of
 * them behind. */
gboolean enforce_flow_is_over(const struct enforce_flow *flow);

/* Puts the flow into the zone of the machine's nic whose address it has. FALSE when none has. */
gboolean enforce_flow_adopt(struct enforce_flow *flow, const struct rules_machine *machine);

json_t *enforce_flow_to_json(const struct enforce_flow *flow);
gboolean enforce_flow_from_json(const json_t *json, struct enforce_flow *ret_flow, GError **error);
