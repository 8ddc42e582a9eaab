#pragma once
/* One machine's rules as nftables' chains: pure, the same for both back ends.
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
 * has not seen it, so it is refused.
 */
#include "host/enforce_batch.h"

#define ENFORCE_TABLE      "drover"
#define ENFORCE_BRIDGE     ((struct enforce_table){ 7, ENFORCE_TABLE }) /* NFPROTO_BRIDGE */
#define ENFORCE_INET       ((struct enforce_table){ 1, ENFORCE_TABLE }) /* NFPROTO_INET */
#define ENFORCE_TCP_SYN    2u
#define ENFORCE_LOG_RATE   20 /* packets a second that one rule of refusal may report */
#define ENFORCE_LOG_BURST  40
#define ENFORCE_LOG_PREFIX "drover:" /* drover:DIRECTION:RULE:TAP */

enum enforce_mode {
	ENFORCE_PROTECT,    /* what the rules say */
	ENFORCE_QUARANTINE, /* nothing at all, established flows included */
};

/* The chain names of a tap, "guard-TAP" and so on, in `name`. */
#define ENFORCE_CHAIN_NAME (RULES_TAP_MAX + 8)
extern const char
	*const enforce_chain_kinds[3]; /* "guard", "from", "to": also the names of the maps */
void enforce_chain_name(const char *kind, const char *tap, char name[ENFORCE_CHAIN_NAME]);

/* Appends what creates or replaces the machine's chains and map elements. */
void enforce_chains_add(struct enforce_batch *batch, const struct rules_machine *machine,
	enum enforce_mode mode, guint16 log_group);

/* Appends what takes one tap's chains and map elements away; they must be there. */
void enforce_chains_delete(struct enforce_batch *batch, const char *tap);
