#pragma once
/* From declared flows to what each machine's network cards may do: the plain values that
 * enforcement takes.
 *
 * Every flow between two machines gives a rule on both sides: OUT on the card of the machine that
 * opens the connection, IN on the card of the machine that answers. A flow with the outside gives
 * one side only. Whatever no rule names is refused; answers to an allowed connection are allowed.
 * Rule sets own their rules; the vApp may be freed before them.
 */
#include "vapp/vapp.h"

enum vapp_direction {
	VAPP_DIRECTION_IN,  /* the peer opens the connection, the machine answers */
	VAPP_DIRECTION_OUT, /* the machine opens the connection */
};

struct vapp_rule {
	char *flow; /* flow id */
	char *peer; /* machine, or VAPP_OUTSIDE */
	enum vapp_direction direction;
	char *mac;     /* the machine's card that the rule stands on */
	char *network; /* of that card */
	GArray *peers; /* struct vapp_prefix, v4 before v6; hosts for a machine, never empty */
	enum vapp_protocol protocol;
	GArray *ports; /* struct vapp_ports of the answering side; empty: all */
};

/* What a card is, for anti-spoofing: nothing else may be its source. */
struct vapp_card {
	char *mac;
	char *network;
	GArray *ips; /* struct vapp_prefix: hosts (32 or 128) */
};

struct vapp_ruleset {
	char *vapp;
	char *machine;
	char *uuid;
	char *label;      /* or NULL */
	GPtrArray *cards; /* struct vapp_card, the machine's cards that have a MAC */
	GPtrArray *rules; /* struct vapp_rule, by card, then as the flows stand in the package */
};

/* One rule set per machine, in the vApp's order; the array frees them. `vapp` must have passed
 * vapp_validate(). */
GPtrArray *vapp_resolve(const struct vapp *vapp);
/* That of one machine. */
struct vapp_ruleset *vapp_resolve_machine(
	const struct vapp *vapp, const struct vapp_machine *machine);
void vapp_ruleset_free(struct vapp_ruleset *ruleset);
typedef struct vapp_ruleset vapp_ruleset;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(vapp_ruleset, vapp_ruleset_free)

const char *vapp_direction_to_string(enum vapp_direction direction); /* "in", "out" */

/* Canonical rows of text, newly allocated; its SHA-256 in 64 hex digits, which names the resolved
 * protection in seals. */
char *vapp_ruleset_to_text(const struct vapp_ruleset *ruleset);
char *vapp_ruleset_digest(const struct vapp_ruleset *ruleset);
