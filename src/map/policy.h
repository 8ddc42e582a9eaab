#pragma once
/* The one place where it is decided whether a client may do something to, or see, one item of the
 * map (ifmap.md 14).
 *
 *   certificate, password --> identity --roles()--> subject --allows(action, item)--> yes or no
 *
 * A policy is a list of rules, first match wins: those built into the server, then those of the
 * rule file (man drover-mapd-rules.conf), then the file's default; without a file what is built in
 * and then yes. An item is decided whole: of a link both ends at once (rules name pairs), since
 * "one end is me" cannot be said of each end alone.
 *
 * Rules cost little where they are asked often: what depends on the kinds of metadata and
 * identifiers alone is decided once for each set of roles and remembered; only rules that name an
 * identifier or a value are looked at again. Patterns are compared, there are no regular
 * expressions.
 *
 * A policy is immutable but for what it remembers; reference counted (atomic). map_policy_roles()
 * and the audit want one caller at a time (the engine's lock); map_policy_allows() any thread.
 */
#include <drover/ifmap.h>

#include "map/identity.h"
#include "map/limit.h"

enum map_action {
	MAP_ACTION_READ,   /* search, subscription */
	MAP_ACTION_UPDATE, /* may replace somebody else's singleValue: `foreign` */
	MAP_ACTION_NOTIFY,
	MAP_ACTION_DELETE,
	MAP_ACTION_PURGE, /* no element, no metadata */
	MAP_N_ACTIONS,
};

struct map_policy;
struct map_roles; /* the roles of one or several clients; lives as long as its policy */

/* Who acts. */
struct map_subject {
	const char *name;        /* the client's */
	const char *variable;    /* what {client} stands for */
	struct map_roles *roles; /* NULL: the server itself, which may do everything */
	guint64 search_cost;     /* links and metadata a search may look at; 0: any number */
};

struct map_item {
	const struct ifmap_id *a; /* NULL for a purge */
	const struct ifmap_id *b; /* NULL unless on a link */
	const struct ifmap_meta *meta;
	gboolean foreign; /* removes or replaces another client's metadata */
};

/* `file` NULL: what is built in. Errors name file and line. */
struct map_policy *map_policy_new(const char *file, GError **error);
/* The same of a text; `label` is the file's name in errors. */
struct map_policy *map_policy_parse(const char *text, const char *label, GError **error);
struct map_policy *map_policy_ref(struct map_policy *policy);
void map_policy_unref(struct map_policy *policy);
typedef struct map_policy map_policy;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_policy, map_policy_unref)

/* Whether a rule file is in force (the server then says so, ifmap.md 11.3). */
gboolean map_policy_has_file(const struct map_policy *policy);
/* Whether the client shows what is pinned for its name; FALSE with ACCESS_DENIED. */
gboolean map_policy_admits(
	const struct map_policy *policy, const struct map_identity *identity, GError **error);
/* The client's roles, and what {client} stands for in its case (newly allocated): what a role's
 * pattern found, else the client's name. */
struct map_roles *map_policy_roles(
	struct map_policy *policy, const struct map_identity *identity, char **ret_variable);
/* What the roles grant beyond, or short of, the server's own limits. */
struct map_quota map_roles_quota(const struct map_roles *roles, const struct map_limits *limits);
/* The roles' names, separated by blanks, for people. Borrowed. */
const char *map_roles_text(const struct map_roles *roles);

gboolean map_policy_allows(
	const struct map_subject *subject, enum map_action action, const struct map_item *item);

/* Told of everything that a policy on trial (dry-run) would have refused: who, and a sentence with
 * the rule. */
typedef void (*map_policy_audit_fn)(const char *client, const char *what, gpointer data);
void map_policy_set_audit(struct map_policy *policy, map_policy_audit_fn fn, gpointer data);
