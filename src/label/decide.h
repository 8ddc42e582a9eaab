#pragma once
/* What a label policy decides. Names in, a verdict and its reasons as values out; no side effects,
 * any thread.
 *
 * Simple Type Enforcement: two labels may communicate if and only if they have an STE type in
 * common. So may a workload and a resource. A label without STE types communicates with nobody, not
 * even with itself.
 *
 * Chinese Wall: label L may start on a host if for every conflict set C that has a type of L, what
 * counts on that host has no *other* type of C.
 *   1. What is running there counts always.
 *   2. What has ever run there (the host's history, CHW type names) counts if C is marked
 * `lasting`: a wall that remembers, for data that stays behind in caches, disks and heads.
 *   3. The history is the caller's value, kept with the host: label_history_add() when a workload
 * starts (before it runs, so that a crash errs on the safe side). It does not shrink by itself: not
 * when a workload leaves, not at reboot, not at a new policy. label_history_forget() is the one way
 * back, an operator's act after the host has been cleaned of what these types left there.
 *   4. A type the policy does not declare is in none of its sets, so it stands in no one's way; it
 * stays in the history in case a later policy declares it again. A *label* the policy does not
 * declare is refused, both as the one to start and as one that is running: we cannot tell what it
 * is.
 */
#include "label/policy.h"

enum label_code {
	LABEL_NO_COMMON_TYPE, /* STE: `label` and `other` share no type; own and other types are all
				 they have */
	LABEL_CONFLICT_RUNNING, /* CHW: `other` is running and has another type of `conflict` */
	LABEL_CONFLICT_HISTORY, /* CHW: `other_types` of lasting `conflict` have run on this host;
				   `other` is NULL */
	LABEL_UNKNOWN,          /* `label` is not in the policy */
	LABEL_UNKNOWN_OTHER,    /* `other` is not in the policy */
};

/* One reason for a no. Owns its strings. */
struct label_reason {
	enum label_code code;
	char *label;        /* the label asked about */
	char *other;        /* the label in its way, or NULL */
	char *conflict;     /* the conflict set, or NULL */
	char **own_types;   /* the types of `label` it is about, sorted; may be empty */
	char **other_types; /* the types on the other side, sorted; may be empty */
};

void label_reason_free(struct label_reason *reason);
typedef struct label_reason label_reason; /* for g_auto */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(label_reason, label_reason_free)

/* Stable name of a code: "no-common-type", "conflict-running", ... */
const char *label_code_to_string(enum label_code code);

/* One sentence for people, newly allocated. */
char *label_reason_to_string(const struct label_reason *reason);

/* STE between two workload labels. FALSE: `*ret_reason` (may be NULL) is the reason, owned by the
 * caller. */
gboolean label_may_communicate(const struct label_policy *policy, const char *a, const char *b,
	struct label_reason **ret_reason);

/* STE between a workload label and a resource label. */
gboolean label_may_use(const struct label_policy *policy, const char *label, const char *resource,
	struct label_reason **ret_reason);

/* What counts on one host. Borrowed, NULL-terminated; NULL is the empty list. Order and repetition
 * mean nothing. */
struct label_host {
	const char *const *running; /* workload labels */
	const char *const *history; /* CHW types */
};

/* CHW: whether `label` may start on `host`. FALSE: `*ret_reasons` (may be NULL) holds every reason
 * (struct label_reason, freed with the array): one for each (conflict set, label running), one for
 * each conflict set with a history, one for each unknown label; sorted by code, conflict set,
 * other. TRUE: `*ret_reasons` is not written. */
gboolean label_may_run(const struct label_policy *policy, const char *label,
	const struct label_host *host, GPtrArray **ret_reasons);

/* The history after `label` has been started: `history` and the label's CHW types, sorted, each
 * once; newly allocated. A label that the policy does not declare adds nothing. */
char **label_history_add(
	const struct label_policy *policy, const char *const *history, const char *label);

/* The history without `types` (NULL: without everything); newly allocated, sorted. */
char **label_history_forget(const char *const *history, const char *const *types);
