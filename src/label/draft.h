#pragma once
/* A policy in the making: what the readers of this room fill, and nobody else sees.
 *
 * Each addition is checked against what has been added before (so types come before conflict sets,
 * those before labels) and refused with a LABEL_ERROR whose message says why but not where; the
 * reader, which knows, calls label_error_place() (label/check.h). label_draft_finish() sorts
 * everything and makes it a policy; a draft that is dropped is freed like one.
 */
#include "label/policy.h"

struct label_policy *label_draft_new(void);

/* `header` is copied; `primary` and the strings that may be NULL as they are. */
gboolean label_draft_set_header(
	struct label_policy *draft, const struct label_header *header, GError **error);

/* Declares a type for one use (enum label_use); the other use of the same name may be added later.
 * `colour` may be NULL. */
gboolean label_draft_add_type(struct label_policy *draft, const char *name, enum label_use use,
	const char *colour, GError **error);

/* `conflict` and `label` are copied; type lists need not be sorted and may repeat themselves. */
gboolean label_draft_add_conflict(
	struct label_policy *draft, const struct label_conflict *conflict, GError **error);
gboolean label_draft_add_label(
	struct label_policy *draft, const struct label *label, GError **error);

/* The last checks; then the draft is a policy and must not be added to. FALSE: it is still a draft.
 */
gboolean label_draft_finish(struct label_policy *draft, GError **error);

/* A sorted copy of a list of names (may be NULL), each once; never NULL. */
char **label_strv_sorted(const char *const *names);
gboolean label_strv_has(char *const *sorted, const char *name);

/* That a type is in a conflict set: both as indices into the policy's tables, the side as a 1-based
 * index into the set's types. Two labels conflict in a set when both have a side there and not the
 * same. */
struct label_wall {
	guint16 conflict;
	guint16 side;
};

/* The conflict sets `type` (a name, maybe unknown) is in. */
const struct label_wall *label_policy_walls(
	const struct label_policy *policy, const char *type, size_t *ret_n);

/* The side of conflict set `conflict` on which `label`, an entry of the policy's table, stands; 0:
 * none. */
unsigned label_policy_side(
	const struct label_policy *policy, const struct label *label, size_t conflict);
