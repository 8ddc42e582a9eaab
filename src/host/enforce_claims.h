#pragma once
/* What machines hold and must not share: taps, bridges with their conntrack zone, addresses in a
 * zone. Adding and removing a machine costs the same however many there are. Pure.
 *
 * Machines are borrowed and must not change while they are in.
 */
#include "host/rules.h"

struct enforce_claims;

struct enforce_claims *enforce_claims_new(void);
void enforce_claims_free(struct enforce_claims *claims);

/* FALSE with ENFORCE_ERROR_REFUSED when another machine stands in the way: nothing is added then.
 */
gboolean enforce_claims_add(
	struct enforce_claims *claims, const struct rules_machine *machine, GError **error);
void enforce_claims_remove(struct enforce_claims *claims, const struct rules_machine *machine);

/* Who holds the tap; NULL: nobody. */
const struct rules_machine *enforce_claims_tap(
	const struct enforce_claims *claims, const char *tap);
/* FALSE when no machine is on the bridge. */
gboolean enforce_claims_zone(
	const struct enforce_claims *claims, const char *bridge, guint16 *ret_zone);
/* Names of all bridges, borrowed until the next change; free with g_list_free(). */
GList *enforce_claims_bridges(const struct enforce_claims *claims);

typedef struct enforce_claims enforce_claims;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(enforce_claims, enforce_claims_free)
