#pragma once
/* One nftables rule while it is written: what it matches, and what it does then. Pure.
 *
 * A match is kept as a value, a statement as the kernel's expression; enforce_batch_add_rule()
 * makes the kernel's rule of both. Matches come first in the kernel's rule, whatever the order of
 * the calls.
 */
#include "host/enforce_interval.h"

#include <stdio.h> /* expr.h forgets it */

#include <libnftnl/expr.h>

/* What connection tracking found, in two bits of the packet's mark. */
#define ENFORCE_MARK_MASK    0x30000000u
#define ENFORCE_MARK_NEW     0x10000000u
#define ENFORCE_MARK_KNOWN   0x20000000u
#define ENFORCE_MARK_INVALID 0x30000000u

enum enforce_field {
	ENFORCE_ETHER_SOURCE,
	ENFORCE_ETHER_DESTINATION,
	ENFORCE_ETHER_GROUP, /* the bit that tells a group address, as a byte: 1 or 0 */
	ENFORCE_ETHER_TYPE,
	ENFORCE_ARP_MAC,
	ENFORCE_ARP_IP,
	ENFORCE_IP_SOURCE,
	ENFORCE_IP_DESTINATION,
	ENFORCE_IP_PROTOCOL,
	ENFORCE_IP6_SOURCE,
	ENFORCE_IP6_DESTINATION,
	ENFORCE_IP6_HOPLIMIT,
	ENFORCE_L4PROTO,
	ENFORCE_TCP_DPORT,
	ENFORCE_TCP_FLAGS, /* FIN, SYN, RST and ACK of them */
	ENFORCE_UDP_SPORT,
	ENFORCE_UDP_DPORT,
	ENFORCE_ICMP_TYPE,
	ENFORCE_ICMP6_TYPE,
	ENFORCE_ND_TARGET, /* of a neighbour message */
	ENFORCE_STATE, /* the two conntrack bits of the mark: a host-order word (ENFORCE_MARK_*) */
	ENFORCE_CT_STATE, /* conntrack's own bits: a host-order word, any of which */
	ENFORCE_IIFNAME,
	ENFORCE_OIFNAME,
	ENFORCE_IBRNAME,
};

enum enforce_op { ENFORCE_IN, ENFORCE_NOT_IN };

/* One match: the field is (not) within the intervals, or (NULL) within the named set. */
struct enforce_match {
	enum enforce_field field;
	enum enforce_op op;
	GArray *values; /* owned, joined */
	char *set;      /* owned */
};

struct enforce_rule {
	char *comment;         /* owned; NULL: none */
	GArray *matches;       /* struct enforce_match */
	GPtrArray *statements; /* struct nftnl_expr, owned until a kernel rule is made of them */
};

struct enforce_rule *enforce_rule_new(const char *comment);
void enforce_rule_free(struct enforce_rule *rule);
/* A new rule with the same matches. */
struct enforce_rule *enforce_rule_like(const struct enforce_rule *rule, const char *comment);

/* Matches. The first takes the list and joins it; an empty one is never IN and always NOT_IN. */
void enforce_rule_match(
	struct enforce_rule *rule, enum enforce_field field, enum enforce_op op, GArray *values);
void enforce_rule_number(struct enforce_rule *rule, enum enforce_field field, guint64 number);
void enforce_rule_range(
	struct enforce_rule *rule, enum enforce_field field, guint64 low, guint64 high);
void enforce_rule_state(struct enforce_rule *rule, enum enforce_field field, guint32 bits);
void enforce_rule_mac(
	struct enforce_rule *rule, enum enforce_field field, enum enforce_op op, const char *mac);
void enforce_rule_name(struct enforce_rule *rule, enum enforce_field field, const char *name);
void enforce_rule_named_set(
	struct enforce_rule *rule, enum enforce_field field, enum enforce_op op, const char *set);

/* Statements */
void enforce_rule_counter(struct enforce_rule *rule);
void enforce_rule_limit(struct enforce_rule *rule, guint rate_per_s, guint burst);
void enforce_rule_log(struct enforce_rule *rule, const char *prefix, guint16 group);
/* NF_ACCEPT, NF_DROP, NFT_RETURN */
void enforce_rule_verdict(struct enforce_rule *rule, int verdict);
void enforce_rule_jump(struct enforce_rule *rule, const char *chain);
void enforce_rule_vmap(struct enforce_rule *rule, enum enforce_field field, const char *map);
/* mark = (mark & keep) | bits */
void enforce_rule_mark(struct enforce_rule *rule, guint32 keep, guint32 bits);
void enforce_rule_zone(struct enforce_rule *rule, guint16 zone);
void enforce_rule_notrack(struct enforce_rule *rule);

/* What the batch needs to write a match. */
struct enforce_field_form {
	const char *expr; /* "payload", "meta", "ct" */
	guint32 key;      /* payload: the base; meta, ct: the key */
	guint32 offset;
	guint8 size;
	guint32 mask;       /* applied before comparing, host order; 0: none */
	guint16 ether_type; /* that the frame must have; 0: any */
	guint8 l4proto;     /* that the packet must have; 0: any */
	guint32 nft_type;   /* what nft calls the type of a set's key */
};
extern const struct enforce_field_form enforce_fields[];
