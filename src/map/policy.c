#include "map/policyrules.h"

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

/* Decisions a role set remembers; a power of two. */
#define N_REMEMBERED 512

enum verdict {
	VERDICT_NONE, /* nothing remembered */
	VERDICT_PERMIT,
	VERDICT_DENY,
	VERDICT_LOOK, /* depends on names or values */
};

struct map_roles {
	struct map_policy *policy; /* borrowed */
	guint64 set;
	char *text;
	/* By action and foreign: the rules that concern these roles, and whether the action is
	 * permitted whatever the item. */
	GPtrArray *rules[MAP_N_ACTIONS][2];
	gboolean always[MAP_N_ACTIONS][2];
	guint64 remembered[N_REMEMBERED]; /* atomic; key << 2 | verdict */
};

/* ---- life */

static void end_clear(struct map_end *end)
{
	g_free(end->ns);
	g_free(end->local);
	map_pattern_clear(&end->name);
}

static void place_free(gpointer data)
{
	struct map_place *place = data;
	end_clear(&place->ends[0]);
	end_clear(&place->ends[1]);
	g_free(place);
}

static void meta_name_free(gpointer data)
{
	struct map_meta_name *meta = data;
	g_free(meta->ns);
	g_free(meta->name);
	g_free(meta);
}

static void where_free(gpointer data)
{
	struct map_where *where = data;
	g_free(where->path);
	map_pattern_clear(&where->value);
	g_free(where);
}

static void pattern_free(gpointer data)
{
	map_pattern_clear(data);
	g_free(data);
}

void map_rule_free(gpointer data)
{
	struct map_rule *rule = data;
	if (!rule)
		return;
	g_free(rule->name);
	g_ptr_array_unref(rule->places);
	g_ptr_array_unref(rule->metas);
	g_ptr_array_unref(rule->wheres);
	g_free(rule->fits);
	g_free(rule);
}

void map_role_free(gpointer data)
{
	struct map_role *role = data;
	if (!role)
		return;
	g_free(role->name);
	g_ptr_array_unref(role->clients);
	g_free(role);
}

struct map_rule *map_rule_new(const char *name, unsigned line)
{
	struct map_rule *rule = g_new0(struct map_rule, 1);
	rule->name = g_strdup(name);
	rule->line = line;
	rule->places = g_ptr_array_new_with_free_func(place_free);
	rule->metas = g_ptr_array_new_with_free_func(meta_name_free);
	rule->wheres = g_ptr_array_new_with_free_func(where_free);
	return rule;
}

struct map_role *map_role_new(const char *name)
{
	struct map_role *role = g_new0(struct map_role, 1);
	role->name = g_strdup(name);
	role->clients = g_ptr_array_new_with_free_func(pattern_free);
	return role;
}

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

struct map_policy *map_policy_new(const char *file, GError **error)
{
	g_autoptr(map_policy) policy = g_new0(struct map_policy, 1);
	g_autofree char *text = NULL;

	g_atomic_ref_count_init(&policy->n_refs);
	policy->rules = g_ptr_array_new_with_free_func(map_rule_free);
	policy->roles = g_ptr_array_new_with_free_func(map_role_free);
	policy->pins = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	policy->meta_kinds = g_hash_table_new(meta_name_hash, meta_name_equal);
	policy->extended_ends = g_ptr_array_new();
	policy->role_sets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, roles_free);
	policy->permit_by_default = TRUE;
	if (!map_policy_read(policy, built_in, NULL, error))
		return NULL;
	if (file) {
		if (!g_file_get_contents(file, &text, NULL, error))
			return NULL;
		policy->has_file = TRUE;
		policy->permit_by_default = FALSE;
		if (!map_policy_read(policy, text, file, error))
			return NULL;
	}
	index_kinds(policy);
	return g_steal_pointer(&policy);
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
	static const char *const rights[MAP_N_RIGHTS] = { "read-only", "may-purge-others",
		"admin" };
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < MAP_N_RIGHTS + policy->roles->len; i++) {
		if (!(set & (G_GUINT64_CONSTANT(1) << i)))
			continue;
		const char *name = i < MAP_N_RIGHTS ? rights[i]
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

/* ---- what may be done */

/* A question, and how closely to look: by kind alone, or at names and values too. */
struct question {
	const struct map_subject *subject;
	const struct map_item *item;
	guint meta_kind;
	gboolean closely;
};

enum match {
	MATCH_NO,
	MATCH_MAYBE, /* the kinds fit, names or values would have to be looked at */
	MATCH_YES,
};

static const char *name_of(const struct ifmap_id *id)
{
	return ifmap_id_extended_name(id) ? ifmap_id_attribute(id, "name") : ifmap_id_value(id);
}

static gboolean is_map_client(const struct ifmap_id *id)
{
	return g_str_equal(ifmap_id_domain(id), "ifmap:client");
}

static gboolean has_kind(const struct map_end *end, const struct ifmap_id *id)
{
	gboolean extended = ifmap_id_extended_name(id) != NULL;

	switch (end->sort) {
	case MAP_PLACE_ANY:
		return TRUE;
	case MAP_PLACE_TYPE:
		return !extended && ifmap_id_type(id) == end->type;
	case MAP_PLACE_EXTENDED:
		return extended && ifmap_id_is_extended(id, end->ns, end->local);
	case MAP_PLACE_CLIENT:
	case MAP_PLACE_SELF:
		return !extended && ifmap_id_type(id) == IFMAP_ID_IDENTITY;
	}
	return FALSE;
}

static gboolean has_name(
	const struct map_end *end, const struct ifmap_id *id, const struct map_subject *subject)
{
	const char *name = name_of(id);

	if (end->sort == MAP_PLACE_CLIENT || end->sort == MAP_PLACE_SELF)
		return is_map_client(id) && (end->sort == MAP_PLACE_CLIENT ||
						    g_str_equal(ifmap_id_value(id), subject->name));
	return name && map_pattern_matches(&end->name, name, subject->variable);
}

static enum match match_end(
	const struct question *question, const struct map_end *end, const struct ifmap_id *id)
{
	gboolean plain = !end->has_name && end->sort != MAP_PLACE_CLIENT &&
			 end->sort != MAP_PLACE_SELF;

	if (!has_kind(end, id))
		return MATCH_NO;
	if (plain)
		return MATCH_YES;
	if (!question->closely)
		return MATCH_MAYBE;
	return has_name(end, id, question->subject) ? MATCH_YES : MATCH_NO;
}

static enum match match_place(const struct question *question, const struct map_place *place)
{
	const struct ifmap_id *a = question->item->a;
	const struct ifmap_id *b = question->item->b;

	if (!a || place->is_link != (b != NULL))
		return MATCH_NO;
	if (!b)
		return match_end(question, &place->ends[0], a);
	enum match straight = MIN(
		match_end(question, &place->ends[0], a), match_end(question, &place->ends[1], b));
	enum match crossed = MIN(
		match_end(question, &place->ends[0], b), match_end(question, &place->ends[1], a));
	return MAX(straight, crossed);
}

static enum match match_where(const struct question *question, const struct map_where *where)
{
	const char *value = NULL;

	if (!question->item->meta)
		return MATCH_NO;
	if (!question->closely)
		return MATCH_MAYBE;
	value = ifmap_meta_text(question->item->meta, where->path);
	return value && map_pattern_matches(&where->value, value, question->subject->variable)
		       ? MATCH_YES
		       : MATCH_NO;
}

static enum match match_rule(const struct question *question, const struct map_rule *rule)
{
	enum match places = rule->places->len == 0 ? MATCH_YES : MATCH_NO;
	enum match wheres = MATCH_YES;

	if (rule->fits && !(question->item->meta && rule->fits[question->meta_kind]))
		return MATCH_NO;
	for (guint i = 0; i < rule->places->len && places != MATCH_YES; i++)
		places = MAX(places, match_place(question, g_ptr_array_index(rule->places, i)));
	if (places == MATCH_NO)
		return MATCH_NO;
	for (guint i = 0; i < rule->wheres->len && wheres != MATCH_NO; i++)
		wheres = MIN(wheres, match_where(question, g_ptr_array_index(rule->wheres, i)));
	return MIN(places, wheres);
}

/* *ret_rule is the rule that decided, NULL for the default. */
static enum verdict judge(
	const struct question *question, enum map_action action, const struct map_rule **ret_rule)
{
	const struct map_roles *roles = question->subject->roles;
	const GPtrArray *rules = roles->rules[action][question->item->foreign != 0];

	*ret_rule = NULL;
	for (guint i = 0; i < rules->len; i++) {
		const struct map_rule *rule = g_ptr_array_index(rules, i);
		enum match match = match_rule(question, rule);
		if (match == MATCH_NO)
			continue;
		*ret_rule = rule;
		if (match == MATCH_MAYBE)
			return VERDICT_LOOK;
		return rule->permit ? VERDICT_PERMIT : VERDICT_DENY;
	}
	return roles->policy->permit_by_default ? VERDICT_PERMIT : VERDICT_DENY;
}

/* ---- remembering */

static guint meta_kind(const struct map_policy *policy, const struct ifmap_meta *meta)
{
	if (!meta)
		return 0;
	struct map_meta_name key = { (char *)ifmap_meta_ns(meta), (char *)ifmap_meta_name(meta) };
	gpointer number = g_hash_table_lookup(policy->meta_kinds, &key);
	if (!number) {
		key.name = NULL;
		number = g_hash_table_lookup(policy->meta_kinds, &key);
	}
	return GPOINTER_TO_UINT(number);
}

/* Base types are 1 to 5; then what rules name; 6 is any other extended identifier. */
static guint64 id_kind(const struct map_policy *policy, const struct ifmap_id *id)
{
	if (!id)
		return 0;
	if (!ifmap_id_extended_name(id))
		return 1 + (guint64)ifmap_id_type(id);
	for (int exact = 1; exact >= 0; exact--)
		for (guint i = 0; i < policy->extended_ends->len; i++) {
			const struct map_end *end = g_ptr_array_index(policy->extended_ends, i);
			if ((end->local != NULL) == exact &&
				ifmap_id_is_extended(id, end->ns, end->local))
				return 7 + (guint64)i;
		}
	return 6;
}

static guint64 make_key(const struct map_policy *policy, enum map_action action,
	const struct map_item *item, guint kind)
{
	return 1 | (guint64)action << 1 | (guint64)(item->foreign != 0) << 4 | (guint64)kind << 5 |
	       id_kind(policy, item->a) << 25 | id_kind(policy, item->b) << 43;
}

/* What the kinds alone say. */
static enum verdict recall(const struct question *question, enum map_action action)
{
	struct map_roles *roles = question->subject->roles;
	guint64 key = make_key(roles->policy, action, question->item, question->meta_kind);
	guint64 *place = &roles->remembered[(key * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)) >> 55];
	guint64 word = __atomic_load_n(place, __ATOMIC_RELAXED);

	G_STATIC_ASSERT(N_REMEMBERED == 1 << (64 - 55));
	if (word >> 2 == key)
		return (enum verdict)(word & 3);
	const struct map_rule *rule = NULL;
	enum verdict verdict = judge(question, action, &rule);
	/* A policy on trial has to look again, to tell what it would have refused. */
	if (verdict == VERDICT_DENY && roles->policy->dry_run)
		verdict = VERDICT_LOOK;
	__atomic_store_n(place, key << 2 | verdict, __ATOMIC_RELAXED);
	return verdict;
}

static void tell_audit(const struct map_subject *subject, enum map_action action,
	const struct map_item *item, const struct map_rule *rule)
{
	static const char *const actions[MAP_N_ACTIONS] = { "read", "update", "notify", "delete",
		"purge" };
	const struct map_policy *policy = subject->roles->policy;
	g_autofree char *a = item->a ? ifmap_id_to_string(item->a) : g_strdup("anything");
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : NULL;
	g_autofree char *why = rule ? g_strdup_printf("rule '%s', line %u", rule->name, rule->line)
				    : g_strdup("no rule permits it");

	if (!policy->audit)
		return;
	g_autofree char *what = g_strdup_printf("would refuse to %s %s on %s%s%s (roles: %s): %s",
		actions[action], item->meta ? ifmap_meta_name(item->meta) : "-", a, b ? " - " : "",
		b ? b : "", *subject->roles->text ? subject->roles->text : "none", why);
	policy->audit(subject->name, what, policy->audit_data);
}

static gboolean look(const struct question *question, enum map_action action)
{
	const struct map_subject *subject = question->subject;
	const struct map_rule *rule = NULL;

	if (judge(question, action, &rule) == VERDICT_PERMIT)
		return TRUE;
	/* What is built in is no trial. */
	if (!subject->roles->policy->dry_run || (rule && rule->line == 0))
		return FALSE;
	tell_audit(subject, action, question->item, rule);
	return TRUE;
}

gboolean map_policy_allows(
	const struct map_subject *subject, enum map_action action, const struct map_item *item)
{
	if (!subject->roles || subject->roles->always[action][item->foreign != 0])
		return TRUE;
	struct question question = { subject, item, meta_kind(subject->roles->policy, item->meta),
		FALSE };
	enum verdict verdict = recall(&question, action);
	question.closely = TRUE;
	return verdict == VERDICT_LOOK ? look(&question, action) : verdict == VERDICT_PERMIT;
}
