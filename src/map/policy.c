#include "map/policyrules.h"
#include "map/rulefile.h"

#include <string.h>

/* What the server insists on, whatever a rule file says (ifmap.md 14.4). */
static const char built_in[] =
	"[prefixes]\n"
	"server = http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1\n"
	"auth = http://www.trustedcomputinggroup.org/2013/MAP-CONTENT-AUTHORIZATION/1\n"
	"[rule what is read-only writes nothing]\n"
	"deny = write; purge\n"
	"roles = read-only\n"
	"[rule the server describes itself]\n"
	"deny = write\n"
	"on = server:ifmap-server; server:ifmap-server - *\n"
	"[rule purging others is a right]\n"
	"permit = purge\n"
	"roles = may-purge-others\n"
	"[rule one's own may be purged]\n"
	"permit = purge\n"
	"publisher = own\n"
	"[rule others' may not be purged]\n"
	"deny = purge\n"
	"[rule administrators look after clients]\n"
	"permit = write\n"
	"roles = admin\n"
	"on = map-client; map-client - *\n"
	"[rule and after their tasks]\n"
	"permit = write\n"
	"roles = admin\n"
	"metadata = auth:*\n"
	"[rule nobody else writes clients]\n"
	"deny = write\n"
	"on = map-client; map-client - *\n"
	"[rule nor tasks]\n"
	"deny = write\n"
	"metadata = auth:*\n";

/* ---- life */

static void roles_free(gpointer data)
{
	struct map_roles *roles = data;
	for (int action = 0; action < MAP_N_ACTIONS; action++)
		for (int foreign = 0; foreign < 2; foreign++)
			g_ptr_array_unref(roles->rules[action][foreign]);
	g_free(roles->text);
	g_free(roles);
}

/* By local name alone: what rules name seldom differs in the namespace only. */
static guint meta_name_hash(gconstpointer key)
{
	const struct map_meta_name *meta = key;
	return g_str_hash(meta->name ? meta->name : meta->ns);
}

static gboolean meta_name_equal(gconstpointer a, gconstpointer b)
{
	const struct map_meta_name *x = a;
	const struct map_meta_name *y = b;
	return g_strcmp0(x->name, y->name) == 0 && g_str_equal(x->ns, y->ns);
}

static gboolean covers(const struct map_meta_name *wide, const struct map_meta_name *kind)
{
	return !wide->ns || (g_str_equal(wide->ns, kind->ns) &&
				    (!wide->name || g_strcmp0(wide->name, kind->name) == 0));
}

/* Which kinds of metadata the rule speaks of; kind 0 is what no rule names. */
static void index_rule(const struct map_policy *policy, struct map_rule *rule)
{
	GHashTableIter iter;
	gpointer kind;
	gpointer number;

	if (rule->metas->len == 0)
		return;
	rule->fits = g_malloc0(g_hash_table_size(policy->meta_kinds) + 1);
	for (guint i = 0; i < rule->metas->len; i++) {
		const struct map_meta_name *wide = g_ptr_array_index(rule->metas, i);
		rule->fits[0] = rule->fits[0] || !wide->ns;
		g_hash_table_iter_init(&iter, policy->meta_kinds);
		while (g_hash_table_iter_next(&iter, &kind, &number))
			if (covers(wide, kind))
				rule->fits[GPOINTER_TO_UINT(number)] = TRUE;
	}
}

/* Numbers what rules tell apart. */
static void index_kinds(struct map_policy *policy)
{
	for (guint i = 0; i < policy->rules->len; i++) {
		const struct map_rule *rule = g_ptr_array_index(policy->rules, i);
		for (guint k = 0; k < rule->metas->len; k++) {
			struct map_meta_name *meta = g_ptr_array_index(rule->metas, k);
			guint number = g_hash_table_size(policy->meta_kinds) + 1;
			if (meta->ns && !g_hash_table_contains(policy->meta_kinds, meta))
				g_hash_table_insert(
					policy->meta_kinds, meta, GUINT_TO_POINTER(number));
		}
		for (guint k = 0; k < rule->places->len; k++) {
			struct map_place *place = g_ptr_array_index(rule->places, k);
			for (int end = 0; end < 1 + place->is_link; end++)
				if (place->ends[end].sort == MAP_PLACE_EXTENDED)
					g_ptr_array_add(policy->extended_ends, &place->ends[end]);
		}
	}
	for (guint i = 0; i < policy->rules->len; i++)
		index_rule(policy, g_ptr_array_index(policy->rules, i));
}

/* `text` NULL: what is built in. */
static struct map_policy *policy_new(const char *text, const char *label, GError **error)
{
	g_autoptr(map_policy) policy = g_new0(struct map_policy, 1);

	g_atomic_ref_count_init(&policy->n_refs);
	policy->rules = g_ptr_array_new_with_free_func(map_rule_free);
	policy->roles = g_ptr_array_new_with_free_func(map_role_free);
	policy->pins = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	policy->meta_kinds = g_hash_table_new(meta_name_hash, meta_name_equal);
	policy->extended_ends = g_ptr_array_new();
	policy->role_sets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, roles_free);
	policy->has_file = text != NULL;
	policy->permit_by_default = !text;
	if (!map_policy_read(policy, built_in, NULL, error) ||
		(text && !map_policy_read(policy, text, label, error)))
		return NULL;
	index_kinds(policy);
	return g_steal_pointer(&policy);
}

struct map_policy *map_policy_parse(const char *text, const char *label, GError **error)
{
	return policy_new(text, label, error);
}

struct map_policy *map_policy_new(const char *file, GError **error)
{
	g_autofree char *text = NULL;
	gsize size = 0;

	if (file && !g_file_get_contents(file, &text, &size, error))
		return NULL;
	if (file && strlen(text) != size) {
		/* What is behind it would not be in force. */
		g_set_error(error, MAP_RULE_ERROR, 0, "%s: there is a zero byte in it", file);
		return NULL;
	}
	return policy_new(text, file, error);
}

struct map_policy *map_policy_ref(struct map_policy *policy)
{
	g_atomic_ref_count_inc(&policy->n_refs);
	return policy;
}

void map_policy_unref(struct map_policy *policy)
{
	if (!policy || !g_atomic_ref_count_dec(&policy->n_refs))
		return;
	g_hash_table_unref(policy->role_sets);
	g_hash_table_unref(policy->meta_kinds);
	g_ptr_array_unref(policy->extended_ends);
	g_ptr_array_unref(policy->rules);
	g_ptr_array_unref(policy->roles);
	g_hash_table_unref(policy->pins);
	g_free(policy);
}

gboolean map_policy_has_file(const struct map_policy *policy)
{
	return policy->has_file;
}

void map_policy_set_audit(struct map_policy *policy, map_policy_audit_fn fn, gpointer data)
{
	policy->audit = fn;
	policy->audit_data = data;
}

/* ---- who a client is */

gboolean map_policy_admits(
	const struct map_policy *policy, const struct map_identity *identity, GError **error)
{
	const GPtrArray *pins = g_hash_table_lookup(policy->pins, identity->name);

	for (guint i = 0; pins && i < pins->len; i++)
		if (g_strv_contains(
			    (const char *const *)identity->marks, g_ptr_array_index(pins, i)))
			return TRUE;
	if (!pins)
		return TRUE;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_ACCESS_DENIED,
		"this is not the certificate that is pinned for %s", identity->name);
	return FALSE;
}

/* Whether the role is the client's; *variable is set by the first pattern that finds one. */
static gboolean has_role(
	const struct map_role *role, const struct map_identity *identity, char **variable)
{
	gboolean found = FALSE;

	for (guint i = 0; i < role->clients->len; i++) {
		const struct map_pattern *pattern = g_ptr_array_index(role->clients, i);
		for (char **mark = identity->marks; *mark; mark++) {
			if (!map_pattern_binds(pattern)) {
				found = found || map_pattern_matches(pattern, *mark, NULL);
				continue;
			}
			g_autofree char *captured = map_pattern_capture(pattern, *mark);
			found = found || captured;
			if (!*variable)
				*variable = g_steal_pointer(&captured);
		}
	}
	return found;
}

static gboolean is_unconditional(const struct map_rule *rule)
{
	return rule->places->len == 0 && rule->metas->len == 0 && rule->wheres->len == 0;
}

/* Whether the rule has anything to do with such actions of these roles. */
static gboolean concerns(
	const struct map_rule *rule, guint64 roles, enum map_action action, gboolean foreign)
{
	if (!(rule->actions & (1U << action)) || (rule->roles && !(rule->roles & roles)))
		return FALSE;
	return rule->whose == MAP_WHOSE_ANY || (rule->whose == MAP_WHOSE_OTHER) == foreign;
}

/* Whether such an action is permitted whatever it is done to. */
static gboolean is_always(const struct map_policy *policy, const GPtrArray *rules)
{
	for (guint i = 0; i < rules->len; i++) {
		const struct map_rule *rule = g_ptr_array_index(rules, i);
		if (is_unconditional(rule))
			return rule->permit;
		if (!rule->permit)
			return FALSE;
	}
	return policy->permit_by_default;
}

static GPtrArray *rules_for(
	const struct map_policy *policy, guint64 roles, enum map_action action, gboolean foreign)
{
	GPtrArray *rules = g_ptr_array_new();

	for (guint i = 0; i < policy->rules->len; i++)
		if (concerns(g_ptr_array_index(policy->rules, i), roles, action, foreign))
			g_ptr_array_add(rules, g_ptr_array_index(policy->rules, i));
	return rules;
}

static char *name_roles(const struct map_policy *policy, guint64 set)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < MAP_N_RIGHTS + policy->roles->len; i++) {
		if (!(set & (G_GUINT64_CONSTANT(1) << i)))
			continue;
		const char *name = i < MAP_N_RIGHTS ? map_right_names[i]
						    : ((const struct map_role *)g_ptr_array_index(
							       policy->roles, i - MAP_N_RIGHTS))
							      ->name;
		g_string_append_printf(text, "%s%s", text->len > 0 ? " " : "", name);
	}
	return g_string_free(text, FALSE);
}

static struct map_roles *roles_of(struct map_policy *policy, guint64 set)
{
	struct map_roles *roles = g_hash_table_lookup(policy->role_sets, &set);

	if (roles)
		return roles;
	roles = g_new0(struct map_roles, 1);
	roles->policy = policy;
	roles->set = set;
	roles->text = name_roles(policy, set);
	for (int action = 0; action < MAP_N_ACTIONS; action++)
		for (int foreign = 0; foreign < 2; foreign++) {
			GPtrArray *rules = rules_for(policy, set, (enum map_action)action, foreign);
			roles->rules[action][foreign] = rules;
			roles->always[action][foreign] = is_always(policy, rules);
		}
	g_hash_table_insert(policy->role_sets, g_memdup2(&set, sizeof(set)), roles);
	return roles;
}

struct map_roles *map_policy_roles(
	struct map_policy *policy, const struct map_identity *identity, char **ret_variable)
{
	guint64 set = identity->rights;
	char *variable = NULL;

	for (guint i = 0; i < policy->roles->len; i++)
		if (has_role(g_ptr_array_index(policy->roles, i), identity, &variable))
			set |= G_GUINT64_CONSTANT(1) << (MAP_N_RIGHTS + i);
	*ret_variable = variable ? variable : g_strdup(identity->name);
	return roles_of(policy, set);
}

struct map_quota map_roles_quota(const struct map_roles *roles, const struct map_limits *limits)
{
	struct map_quota quota = { 0 };
	guint64 *wanted = (guint64 *)&quota;
	const guint64 *fallback = (const guint64 *)&limits->quota;

	for (guint i = 0; roles && i < roles->policy->roles->len; i++) {
		const struct map_role *role = g_ptr_array_index(roles->policy->roles, i);
		const guint64 *granted = (const guint64 *)&role->quota;
		if (!(roles->set & (G_GUINT64_CONSTANT(1) << (MAP_N_RIGHTS + i))))
			continue;
		for (size_t k = 0; k < sizeof(quota) / sizeof(*wanted); k++)
			wanted[k] = MAX(wanted[k], granted[k]);
	}
	for (size_t k = 0; k < sizeof(quota) / sizeof(*wanted); k++)
		if (!wanted[k])
			wanted[k] = fallback[k];
	return quota;
}

const char *map_roles_text(const struct map_roles *roles)
{
	return roles->text;
}
