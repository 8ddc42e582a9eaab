#pragma once
/* One machine's rules as nftables JSON (libnftables-json(5)): pure, the same for both back ends.
 *
 * Every tap has three chains in `table bridge drover`, reached through maps by interface name, so
 * that one machine can be replaced alone and rules may stand before the tap exists:
 *
 *   guard-TAP  prerouting, before connection tracking: who sends (MAC, IP, ARP, ND, ether type). A
 * spoofed packet must not even touch the state of the connection that it imitates. from-TAP
 * prerouting, after connection tracking: flows that the machine opens. to-TAP     forward and
 * output: flows opened towards it.
 *
 * What connection tracking found stands in two bits of the packet's mark (ENFORCE_MARK_*), written
 * by the back end (enforce_base.h) and cleared when the packet leaves. Nothing marked: conntrack
 * has not seen it, so it is refused. Rules are written in the form in which nft prints them, so
 * that reading back can be compared.
 */
#include "host/rules.h"

#include <jansson.h>

#define ENFORCE_TABLE        "drover"
#define ENFORCE_MARK_MASK    0x30000000u
#define ENFORCE_MARK_NEW     0x10000000u
#define ENFORCE_MARK_KNOWN   0x20000000u
#define ENFORCE_MARK_INVALID 0x30000000u
#define ENFORCE_LOG_RATE     20 /* packets a second that one rule of refusal may report */
#define ENFORCE_LOG_BURST    40
#define ENFORCE_LOG_PREFIX   "drover:" /* drover:DIRECTION:RULE:TAP */

enum enforce_mode {
	ENFORCE_PROTECT,    /* what the rules say */
	ENFORCE_QUARANTINE, /* nothing at all, established flows included */
};

/* The chain names of a tap, "guard-TAP" and so on, in `name`. */
#define ENFORCE_CHAIN_NAME (RULES_TAP_MAX + 8)
extern const char
	*const enforce_chain_kinds[3]; /* "guard", "from", "to": also the names of the maps */
void enforce_chain_name(const char *kind, const char *tap, char name[ENFORCE_CHAIN_NAME]);

/* The rules of one of the nic's chains, in order: an array of {"expr": [...], "comment": "..."}.
 * New reference. */
json_t *enforce_chain_rules(const struct rules_machine *machine, const struct rules_nic *nic,
	const char *kind, enum enforce_mode mode, guint16 log_group);

/* Appends to `commands` what creates or replaces the machine's chains and map elements. */
void enforce_chains_add(json_t *commands, const struct rules_machine *machine,
	enum enforce_mode mode, guint16 log_group);

/* Appends what takes one tap's chains and map elements away; they must be there. */
void enforce_chains_delete(json_t *commands, const char *tap);
