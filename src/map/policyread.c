/* From the text of a rule file to a policy's rules. Each section kind has a reader, each key of a
 * section a row. */
#include <string.h>

#include "ifmap/identifier.h"
#include "map/policyrules.h"
#include "map/rulefile.h"

struct reading {
	struct map_policy *policy;
	const char *file;
	unsigned line_if_file; /* G_MAXUINT, or 0 for what is built in: masks lines of rules */
	GHashTable *prefixes;  /* prefix -> namespace; both borrowed from the sections */
};

static gboolean fail_key(const struct reading *reading, const struct map_rule_entry *entry,
	GError **error, const char *why)
{
	return map_rule_fail(error, reading->file, entry->line, "%s: %s", entry->key, why);
}

/* ---- words */

static const struct {
	const char *name;
	unsigned actions;
} action_names[] = {
	{ "read", 1U << MAP_ACTION_READ },
	{ "update", 1U << MAP_ACTION_UPDATE },
	{ "notify", 1U << MAP_ACTION_NOTIFY },
	{ "delete", 1U << MAP_ACTION_DELETE },
	{ "purge", 1U << MAP_ACTION_PURGE },
	{ "write", 1U << MAP_ACTION_UPDATE | 1U << MAP_ACTION_NOTIFY | 1U << MAP_ACTION_DELETE },
	{ "everything", (1U << MAP_N_ACTIONS) - 1 },
};

static const struct {
	const char *name;
	enum map_whose whose;
} whose_names[] = {
	{ "own", MAP_WHOSE_OWN },
	{ "other", MAP_WHOSE_OTHER },
};

static const char *const mark_kinds[] = {
	"cn:", "dn:", "dns:", "uri:", "email:", "sha256:", "basic:"
};

/* Bit of a role, -1 when there is none of this name. */
static int find_role(const struct map_policy *policy, const char *name)
{
	for (int i = 0; i < MAP_N_RIGHTS; i++)
		if (g_str_equal(map_right_names[i], name))
			return i;
	for (guint i = 0; i < policy->roles->len; i++) {
		const struct map_role *role = g_ptr_array_index(policy->roles, i);
		if (g_str_equal(role->name, name))
			return (int)i + MAP_N_RIGHTS;
	}
	return -1;
}

/* "PREFIX:LOCAL" or "PREFIX:*"; *ret_local is NULL for the latter. Newly allocated. */
static gboolean resolve(const struct reading *reading, const char *text, char **ret_ns,
	char **ret_local, GError **error)
{
	const char *colon = strchr(text, ':');
	g_autofree char *prefix = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
	const char *ns = prefix ? g_hash_table_lookup(reading->prefixes, prefix) : NULL;

	if (!ns || !colon[1]) {
		g_set_error(error, MAP_RULE_ERROR, 0,
			colon && !ns ? "the prefix of '%s' is not in [prefixes]"
				     : "'%s' is not PREFIX:NAME or PREFIX:*",
			text);
		return FALSE;
	}
	*ret_ns = g_strdup(ns);
	*ret_local = g_str_equal(colon + 1, "*") ? NULL : g_strdup(colon + 1);
	return TRUE;
}

/* ---- places: "TYPE", "TYPE=NAME", "TYPE - TYPE=NAME" */

static gboolean read_sort(
	const struct reading *reading, const char *word, struct map_end *end, GError **error)
{
	static const struct {
		const char *name;
		enum map_place_sort sort;
	} sorts[] = {
		{ "*", MAP_PLACE_ANY },
		{ "map-client", MAP_PLACE_CLIENT },
		{ "self", MAP_PLACE_SELF },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(sorts); i++)
		if (g_str_equal(sorts[i].name, word)) {
			end->sort = sorts[i].sort;
			return TRUE;
		}
	if (ifmap_identifier_type_from_string(word, &end->type)) {
		end->sort = MAP_PLACE_TYPE;
		return TRUE;
	}
	end->sort = MAP_PLACE_EXTENDED;
	return resolve(reading, word, &end->ns, &end->local, error);
}

static gboolean read_end(
	const struct reading *reading, char *text, struct map_end *end, GError **error)
{
	char *sign = strchr(text, '=');

	if (sign)
		*sign = 0;
	if (!read_sort(reading, g_strstrip(text), end, error))
		return FALSE;
	if (!sign)
		return TRUE;
	if (end->sort != MAP_PLACE_TYPE && end->sort != MAP_PLACE_EXTENDED) {
		g_set_error(error, MAP_RULE_ERROR, 0, "'%s' takes no name", text);
		return FALSE;
	}
	end->has_name = TRUE;
	return map_pattern_init(&end->name, g_strstrip(sign + 1), error);
}

static gboolean read_place(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	g_auto(GStrv) ends = g_strsplit(text, " - ", 3);
	struct map_place *place = g_new0(struct map_place, 1);
	guint n = g_strv_length(ends);

	g_ptr_array_add(rule->places, place);
	place->is_link = n == 2;
	if (n > 2) {
		g_set_error(error, MAP_RULE_ERROR, 0, "a link has two ends: '%s'", text);
		return FALSE;
	}
	for (guint i = 0; i < n; i++)
		if (!read_end(reading, ends[i], &place->ends[i], error))
			return FALSE;
	return TRUE;
}

/* ---- keys of a rule: each takes one member of its list */

static gboolean read_action(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	(void)reading;
	for (size_t i = 0; i < G_N_ELEMENTS(action_names); i++)
		if (g_str_equal(action_names[i].name, text)) {
			rule->actions |= action_names[i].actions;
			return TRUE;
		}
	g_set_error(error, MAP_RULE_ERROR, 0,
		"'%s' is not read, update, notify, delete, purge, write or everything", text);
	return FALSE;
}

static gboolean read_permit(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	rule->permit = TRUE;
	return read_action(reading, rule, text, error);
}

static gboolean read_role(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	int bit = find_role(reading->policy, text);

	if (bit < 0) {
		g_set_error(error, MAP_RULE_ERROR, 0, "there is no [role %s] above", text);
		return FALSE;
	}
	rule->roles |= G_GUINT64_CONSTANT(1) << bit;
	return TRUE;
}

static gboolean read_metadata(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	struct map_meta_name *meta = g_new0(struct map_meta_name, 1);

	g_ptr_array_add(rule->metas, meta);
	return g_str_equal(text, "*") || resolve(reading, text, &meta->ns, &meta->name, error);
}

static gboolean read_where(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	const char *sign = strchr(text, '=');
	struct map_where *where = g_new0(struct map_where, 1);

	(void)reading;
	g_ptr_array_add(rule->wheres, where);
	if (!sign || sign == text || sign[1] == 0) {
		g_set_error(error, MAP_RULE_ERROR, 0, "'%s' is not CHILD=VALUE or @ATTRIBUTE=VALUE",
			text);
		return FALSE;
	}
	where->path = g_strndup(text, (gsize)(sign - text));
	return map_pattern_init(&where->value, sign + 1, error);
}

static gboolean read_publisher(
	const struct reading *reading, struct map_rule *rule, const char *text, GError **error)
{
	(void)reading;
	for (size_t i = 0; i < G_N_ELEMENTS(whose_names); i++)
		if (g_str_equal(whose_names[i].name, text)) {
			rule->whose = whose_names[i].whose;
			return TRUE;
		}
	g_set_error(error, MAP_RULE_ERROR, 0, "'%s' is neither own nor other", text);
	return FALSE;
}

static const struct {
	const char *key;
	gboolean (*read)(const struct reading *reading, struct map_rule *rule, const char *text,
		GError **error);
} rule_keys[] = {
	{ "permit", read_permit },
	{ "deny", read_action },
	{ "roles", read_role },
	{ "on", read_place },
	{ "metadata", read_metadata },
	{ "where", read_where },
	{ "publisher", read_publisher },
};

static gboolean read_rule_entry(const struct reading *reading, struct map_rule *rule,
	const struct map_rule_entry *entry, GError **error)
{
	g_auto(GStrv) members = map_rule_list_split(entry->value);
	g_autoptr(GError) why = NULL;
	size_t at = 0;

	while (at < G_N_ELEMENTS(rule_keys) && !g_str_equal(rule_keys[at].key, entry->key))
		at++;
	if (at == G_N_ELEMENTS(rule_keys))
		return fail_key(reading, entry, error, "a rule has no such key");
	if (!members[0])
		return fail_key(reading, entry, error, "the list is empty");
	for (unsigned i = 0; members[i]; i++)
		if (!rule_keys[at].read(reading, rule, members[i], &why))
			return fail_key(reading, entry, error, why->message);
	return TRUE;
}

static gboolean has_key(const struct map_rule_section *section, const char *key)
{
	for (guint i = 0; i < section->entries->len; i++)
		if (g_str_equal(
			    ((const struct map_rule_entry *)g_ptr_array_index(section->entries, i))
				    ->key,
			    key))
			return TRUE;
	return FALSE;
}

static gboolean read_rule(
	struct reading *reading, const struct map_rule_section *section, GError **error)
{
	struct map_rule *rule = map_rule_new(section->name, section->line & reading->line_if_file);

	g_ptr_array_add(reading->policy->rules, rule);
	if (has_key(section, "permit") == has_key(section, "deny"))
		return map_rule_fail(error, reading->file, section->line,
			"[rule %s] must say either 'permit' or 'deny', and what", section->name);
	for (guint i = 0; i < section->entries->len; i++)
		if (!read_rule_entry(reading, rule, g_ptr_array_index(section->entries, i), error))
			return FALSE;
	if (rule->places->len + rule->metas->len + rule->wheres->len > 0 &&
		rule->actions == 1U << MAP_ACTION_PURGE)
		return map_rule_fail(error, reading->file, section->line,
			"[rule %s]: a purge is of everything: no 'on', 'metadata' or 'where'",
			section->name);
	return TRUE;
}

/* ---- roles and clients */

static gboolean has_mark_kind(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mark_kinds); i++)
		if (g_str_has_prefix(text, mark_kinds[i]))
			return TRUE;
	return FALSE;
}

static gboolean read_clients(const struct reading *reading, struct map_role *role,
	const struct map_rule_entry *entry, GError **error)
{
	g_auto(GStrv) members = map_rule_list_split(entry->value);
	g_autoptr(GError) why = NULL;

	for (unsigned i = 0; members[i]; i++) {
		struct map_pattern *pattern = g_new0(struct map_pattern, 1);
		g_ptr_array_add(role->clients, pattern);
		if (!has_mark_kind(members[i]))
			return map_rule_fail(error, reading->file, entry->line,
				"clients: '%s' does not begin with cn:, dn:, dns:, uri:, email:, "
				"sha256: or basic:",
				members[i]);
		if (!map_pattern_init(pattern, members[i], &why))
			return fail_key(reading, entry, error, why->message);
		if (map_pattern_binds(pattern) && !map_pattern_can_capture(pattern))
			return fail_key(reading, entry, error,
				"{client} stands once and without '*' in what tells who it is");
	}
	return TRUE;
}

#define QUOTA_KEY(member, key, initial, min, max, ...) \
	{ #key, offsetof(struct map_quota, member), min, max },
static const struct {
	const char *name;
	size_t offset;
	guint64 min, max;
} quota_keys[] = { MAP_QUOTAS(QUOTA_KEY) };

static gboolean read_quota(const struct reading *reading, struct map_role *role,
	const struct map_rule_entry *entry, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(quota_keys); i++) {
		void *place = (char *)&role->quota + quota_keys[i].offset;
		if (!g_str_equal(quota_keys[i].name, entry->key))
			continue;
		if (g_ascii_string_to_unsigned(
			    entry->value, 10, quota_keys[i].min, quota_keys[i].max, place, NULL))
			return TRUE;
		return map_rule_fail(error, reading->file, entry->line,
			"%s: '%s' is not a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
			entry->key, entry->value, quota_keys[i].min, quota_keys[i].max);
	}
	return fail_key(reading, entry, error, "a role has no such key");
}

static gboolean read_role_section(
	struct reading *reading, const struct map_rule_section *section, GError **error)
{
	struct map_role *role = map_role_new(section->name);
	gboolean is_new = find_role(reading->policy, section->name) < 0;

	g_ptr_array_add(reading->policy->roles, role);
	if (!*section->name || strpbrk(section->name, "; \t"))
		return map_rule_fail(error, reading->file, section->line,
			"a role's name is one word: [role NAME]");
	if (!is_new)
		return map_rule_fail(error, reading->file, section->line,
			"there is a role %s already", section->name);
	if (reading->policy->roles->len > MAP_MAX_ROLES - MAP_N_RIGHTS)
		return map_rule_fail(error, reading->file, section->line,
			"there are more than %d roles", MAP_MAX_ROLES - MAP_N_RIGHTS);
	for (guint i = 0; i < section->entries->len; i++) {
		const struct map_rule_entry *entry = g_ptr_array_index(section->entries, i);
		if (!(g_str_equal(entry->key, "clients") ? read_clients(reading, role, entry, error)
							 : read_quota(reading, role, entry, error)))
			return FALSE;
	}
	return TRUE;
}

static gboolean is_digest(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* "AB:CD:..." and "ABCD..." are the same digest. */
static char *normal_digest(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", -1);
	g_autofree char *joined = g_strjoinv("", parts);
	return g_ascii_strdown(joined, -1);
}

static gboolean read_client_section(
	struct reading *reading, const struct map_rule_section *section, GError **error)
{
	GPtrArray *pins = g_ptr_array_new_with_free_func(g_free);

	g_hash_table_replace(reading->policy->pins, g_strdup(section->name), pins);
	for (guint i = 0; i < section->entries->len; i++) {
		const struct map_rule_entry *entry = g_ptr_array_index(section->entries, i);
		g_auto(GStrv) members = map_rule_list_split(entry->value);
		if (!g_str_equal(entry->key, "certificates"))
			return fail_key(reading, entry, error, "a client has no such key");
		for (unsigned k = 0; members[k]; k++) {
			g_autofree char *digest = normal_digest(members[k]);
			if (!is_digest(digest))
				return fail_key(reading, entry, error,
					"not SHA-256 digests of certificates");
			g_ptr_array_add(pins, g_strconcat("sha256:", digest, NULL));
		}
	}
	if (*section->name && pins->len > 0)
		return TRUE;
	return map_rule_fail(error, reading->file, section->line,
		"[client NAME] names the certificates that this client may show");
}

/* ---- policy and prefixes */

static const struct {
	const char *key;
	const char *value;
	size_t offset;
	gboolean set;
} policy_values[] = {
	{ "default", "permit", offsetof(struct map_policy, permit_by_default), TRUE },
	{ "default", "deny", offsetof(struct map_policy, permit_by_default), FALSE },
	{ "dry-run", "yes", offsetof(struct map_policy, dry_run), TRUE },
	{ "dry-run", "no", offsetof(struct map_policy, dry_run), FALSE },
};

static gboolean read_policy(
	struct reading *reading, const struct map_rule_section *section, GError **error)
{
	for (guint i = 0; i < section->entries->len; i++) {
		const struct map_rule_entry *entry = g_ptr_array_index(section->entries, i);
		size_t at = 0;
		while (at < G_N_ELEMENTS(policy_values) &&
			!(g_str_equal(policy_values[at].key, entry->key) &&
				g_str_equal(policy_values[at].value, entry->value)))
			at++;
		if (at == G_N_ELEMENTS(policy_values))
			return fail_key(reading, entry, error,
				"there are 'default = permit' or 'deny' and 'dry-run = yes' or "
				"'no'");
		memcpy((char *)reading->policy + policy_values[at].offset, &policy_values[at].set,
			sizeof(gboolean));
	}
	return TRUE;
}

static gboolean read_prefixes(
	struct reading *reading, const struct map_rule_section *section, GError **error)
{
	for (guint i = 0; i < section->entries->len; i++) {
		const struct map_rule_entry *entry = g_ptr_array_index(section->entries, i);
		if (!*entry->value)
			return fail_key(reading, entry, error, "a prefix stands for a namespace");
		g_hash_table_replace(reading->prefixes, entry->key, entry->value);
	}
	return TRUE;
}

static const struct {
	const char *kind;
	gboolean (*read)(
		struct reading *reading, const struct map_rule_section *section, GError **error);
} kinds[] = {
	{ "policy", read_policy },
	{ "prefixes", read_prefixes },
	{ "role", read_role_section },
	{ "client", read_client_section },
	{ "rule", read_rule },
};

static gboolean read_section(
	struct reading *reading, const struct map_rule_section *section, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_equal(kinds[i].kind, section->kind))
			return kinds[i].read(reading, section, error);
	return map_rule_fail(error, reading->file, section->line,
		"[%s] is not policy, prefixes, role, client or rule", section->kind);
}

gboolean map_policy_read(
	struct map_policy *policy, const char *text, const char *file, GError **error)
{
	const char *label = file ? file : "built in";
	g_autoptr(GPtrArray) sections = map_rule_file_parse(text, label, error);
	g_autoptr(GHashTable) prefixes = g_hash_table_new(g_str_hash, g_str_equal);
	struct reading reading = { policy, label, file ? G_MAXUINT : 0, prefixes };

	for (guint i = 0; sections && i < sections->len; i++)
		if (!read_section(&reading, g_ptr_array_index(sections, i), error))
			return FALSE;
	return sections != NULL;
}
