#pragma once
/* What this host says in IF-MAP's standard metadata (docs/map.md, second part), so that tools which
 * know nothing of Drover find machines by their addresses and see what is refused to whom.
 *
 *   ip --ip-mac-- mac --access-request-mac-- AR --access-request-device-- VM
 *                  |                         AR --layer2-information----- host
 *                  └--discovered-by, device-characteristic, enforcement-report-- host
 *
 * All of it stands for as long as the session does (ifmap_client_keep), but for events, which are
 * only sent. What is said the same twice costs nothing. One thread; arguments are borrowed for the
 * call.
 */
#include "facts/facts.h"

/* Endpoints for which refusals are reported, of all machines together; the one longest silent makes
 * room. */
#define STANDARD_BLOCKED_MAX 64

struct standard;

/* `client` is borrowed and must outlive it. */
struct standard *standard_new(struct ifmap_client *client, const char *host_uuid);
void standard_free(struct standard *standard);

struct standard_address {
	const char *address; /* IP */
	guint64 since_ms;
};

/* One card of a machine that is on this host. */
struct standard_card {
	const char *mac;
	const char *segment; /* NULL: on none that we know */
	unsigned tap;        /* index, 0: none yet */
	guint64 since_ms;
	gboolean enforced; /* its machine's rules stand as told */
	const struct standard_address *addresses;
	size_t n_addresses;
	const char *strangers; /* addresses that are not its own, for people; NULL: none */
	guint64 strangers_ms;
};

/* All cards of the machine; n_cards 0: it is no longer here. */
void standard_machine(struct standard *standard, const char *uuid,
	const struct standard_card *cards, size_t n_cards);
/* The host's own addresses; a NULL-terminated list. */
void standard_host(struct standard *standard, const char *const *addresses);
/* The rule refused packets of the machine `uuid`, or packets to it from elsewhere: `from` is the
 * MAC or IP address of who sent them. */
void standard_blocked(
	struct standard *standard, const char *uuid, const char *from, const char *rule);
/* Forgets what was refused to or from a machine that has left. */
void standard_blocked_forget(struct standard *standard, const char *uuid);
/* An alert as it comes up: on the cards of these machines (NULL-terminated, may be NULL) and on the
 * host's first address. */
void standard_event(struct standard *standard, const char *const *machines,
	const struct facts_alert *alert, const char *significance);
