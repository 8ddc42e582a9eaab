/* Whether a client may: the first rule that fits, and remembering what kinds alone decide. */
#include <string.h>

#include "map/policyrules.h"

enum verdict {
	VERDICT_NONE, /* nothing remembered */
	VERDICT_PERMIT,
	VERDICT_DENY,
	VERDICT_LOOK, /* depends on names or values */
};

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

	G_STATIC_ASSERT(MAP_N_REMEMBERED == 1 << (64 - 55));
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
