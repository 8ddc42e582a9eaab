#include "label/check.h"
#include "label/draft.h"
#include "label/lines.h"
#include "label/read.h"

#include <string.h>

#define MAX_SIZE ((size_t)1024 * 1024)

struct key_reader {
	const char *name;
	GKeyFile *file;
	GHashTable *lines;
	struct label_policy *draft;
};

/* Where an error is: a group, or a key of it. */
static gboolean place(
	GError **error, const struct key_reader *reader, const char *group, const char *key)
{
	g_autofree char *element = key ? g_strdup_printf("[%s] %s", group, key)
				       : g_strdup_printf("[%s]", group);

	return label_error_place(
		error, reader->name, label_lines_find(reader->lines, group, key), element);
}

/* What GKeyFile says of a value (a bad escape, say), as one of ours. */
static gboolean refuse_value(GError **error, const struct key_reader *reader, const char *group,
	const char *key, const GError *why)
{
	label_refuse(error, LABEL_ERROR_SYNTAX, "%s", why->message);
	return place(error, reader, group, key);
}

/* The value without white space around it; NULL when the key is not there. */
static gboolean read_string(const struct key_reader *reader, const char *group, const char *key,
	char **ret_value, GError **error)
{
	g_autoptr(GError) why = NULL;
	char *value = NULL;

	*ret_value = NULL;
	if (!g_key_file_has_key(reader->file, group, key, NULL))
		return TRUE;
	value = g_key_file_get_string(reader->file, group, key, &why);
	if (why) { /* with or without a value */
		g_free(value);
		return refuse_value(error, reader, group, key, why);
	}
	*ret_value = g_strstrip(value);
	return TRUE;
}

static gboolean read_list(const struct key_reader *reader, const char *group, const char *key,
	char ***ret_list, GError **error)
{
	g_autoptr(GError) why = NULL;

	*ret_list = NULL;
	if (!g_key_file_has_key(reader->file, group, key, NULL))
		return TRUE;
	*ret_list = g_key_file_get_string_list(reader->file, group, key, NULL, &why);
	if (why) {
		g_clear_pointer(ret_list, g_strfreev);
		return refuse_value(error, reader, group, key, why);
	}
	for (char **item = *ret_list; *item; item++)
		g_strstrip(*item);
	return TRUE;
}

static const char *const primaries[] = {
	[LABEL_PRIMARY_NONE] = "",
	[LABEL_PRIMARY_STE] = "ste",
	[LABEL_PRIMARY_CHW] = "chw",
};

static gboolean read_primary(const struct key_reader *reader, const char *group,
	enum label_primary *ret_primary, GError **error)
{
	g_autofree char *value = NULL;

	if (!read_string(reader, group, "primary", &value, error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(primaries); i++) {
		if (strcmp(value ? value : "", primaries[i]) == 0) {
			*ret_primary = (enum label_primary)i;
			return TRUE;
		}
	}
	label_refuse(error, LABEL_ERROR_CONTENT, "neither ste nor chw");
	return place(error, reader, group, "primary");
}

/* Groups. */

/* What a group [KEYWORD NAME] is about: NAME. */
static const char *id_of(const char *group)
{
	return strchr(group, ' ') + 1;
}

static gboolean read_header(const struct key_reader *reader, const char *group, GError **error)
{
	g_autofree char *name = NULL, *version = NULL, *url = NULL, *date = NULL, *bootstrap = NULL;
	struct label_header header = { 0 };

	if (!read_string(reader, group, "name", &name, error) ||
		!read_string(reader, group, "version", &version, error) ||
		!read_string(reader, group, "url", &url, error) ||
		!read_string(reader, group, "date", &date, error) ||
		!read_string(reader, group, "bootstrap", &bootstrap, error) ||
		!read_primary(reader, group, &header.primary, error))
		return FALSE;
	header.name = name;
	header.version = version;
	header.url = url;
	header.date = date;
	header.bootstrap = bootstrap;
	return label_draft_set_header(reader->draft, &header, error) ||
	       place(error, reader, group, NULL);
}

static const struct {
	const char *name;
	enum label_use use;
} uses[] = {
	{ "ste", LABEL_USE_STE },
	{ "chw", LABEL_USE_CHW },
};

static gboolean read_uses(
	const struct key_reader *reader, const char *group, unsigned *ret_uses, GError **error)
{
	g_auto(GStrv) list = NULL;

	*ret_uses = LABEL_USE_STE | LABEL_USE_CHW;
	if (!read_list(reader, group, "uses", &list, error))
		return FALSE;
	if (!list)
		return TRUE;
	*ret_uses = 0;
	for (char **item = list; *item; item++)
		for (size_t i = 0; i < G_N_ELEMENTS(uses); i++)
			*ret_uses |= strcmp(*item, uses[i].name) == 0 ? uses[i].use : 0;
	if (g_strv_length(list) == (guint)__builtin_popcount(*ret_uses) && *ret_uses)
		return TRUE;
	label_refuse(error, LABEL_ERROR_CONTENT, "uses are ste, chw, or ste;chw");
	return place(error, reader, group, "uses");
}

static gboolean read_type(const struct key_reader *reader, const char *group, GError **error)
{
	g_autofree char *colour = NULL;
	unsigned wanted = 0;

	if (!read_string(reader, group, "colour", &colour, error) ||
		!read_uses(reader, group, &wanted, error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(uses); i++)
		if ((wanted & uses[i].use) && !label_draft_add_type(reader->draft, id_of(group),
						      uses[i].use, colour, error))
			return place(error, reader, group, NULL);
	return TRUE;
}

static gboolean read_lasting(
	const struct key_reader *reader, const char *group, gboolean *ret_lasting, GError **error)
{
	g_autofree char *value = NULL;

	if (!read_string(reader, group, "lasting", &value, error))
		return FALSE;
	*ret_lasting = g_strcmp0(value, "true") == 0;
	if (!value || *ret_lasting || strcmp(value, "false") == 0)
		return TRUE;
	label_refuse(error, LABEL_ERROR_CONTENT, "neither true nor false");
	return place(error, reader, group, "lasting");
}

static gboolean read_conflict(const struct key_reader *reader, const char *group, GError **error)
{
	g_auto(GStrv) types = NULL;
	g_autofree char *name = g_strdup(id_of(group));
	struct label_conflict conflict = { .name = name };

	if (!read_list(reader, group, "types", &types, error) ||
		!read_lasting(reader, group, &conflict.lasting, error))
		return FALSE;
	conflict.types = types;
	return label_draft_add_conflict(reader->draft, &conflict, error) ||
	       place(error, reader, group, NULL);
}

static gboolean read_any_label(
	const struct key_reader *reader, const char *group, enum label_kind kind, GError **error)
{
	g_auto(GStrv) ste = NULL, chw = NULL;
	g_autofree char *name = g_strdup(id_of(group));
	g_autofree char *colour = NULL;
	struct label label = { .name = name, .kind = kind };

	if (!read_list(reader, group, "ste", &ste, error) ||
		!read_list(reader, group, "chw", &chw, error) ||
		!read_string(reader, group, "colour", &colour, error))
		return FALSE;
	label.ste = ste;
	label.chw = chw;
	label.colour = colour;
	return label_draft_add_label(reader->draft, &label, error) ||
	       place(error, reader, group, NULL);
}

static gboolean read_label(const struct key_reader *reader, const char *group, GError **error)
{
	return read_any_label(reader, group, LABEL_WORKLOAD, error);
}

static gboolean read_resource(const struct key_reader *reader, const char *group, GError **error)
{
	return read_any_label(reader, group, LABEL_RESOURCE, error);
}

/* One row a kind of group, in the order in which they are read, whatever their order in the file:
 * what is declared comes before what uses it. A keyword that ends in a blank wants a name. */
static const struct group_rule {
	const char *keyword;
	const char *keys[7];
	gboolean (*read)(const struct key_reader *reader, const char *group, GError **error);
} group_rules[] = {
	{ "policy", { "name", "version", "url", "date", "bootstrap", "primary" }, read_header },
	{ "type ", { "colour", "uses" }, read_type },
	{ "conflict ", { "types", "lasting" }, read_conflict },
	{ "label ", { "ste", "chw", "colour" }, read_label },
	{ "resource ", { "ste", "colour" }, read_resource },
};

static gboolean is_of_kind(const struct group_rule *rule, const char *group)
{
	size_t size = strlen(rule->keyword);

	if (strncmp(group, rule->keyword, size) != 0)
		return FALSE;
	return rule->keyword[size - 1] == ' ' || !group[size];
}

static gboolean check_keys(const struct key_reader *reader, const char *group,
	const char *const *known, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(reader->file, group, NULL, NULL);

	for (char **key = keys; key && *key; key++) {
		if (g_strv_contains(known, *key))
			continue;
		label_refuse(error, LABEL_ERROR_CONTENT, "unknown key");
		return place(error, reader, group, *key);
	}
	return TRUE;
}

static gboolean check_groups(const struct key_reader *reader, char *const *groups, GError **error)
{
	for (; *groups; groups++) {
		const struct group_rule *rule = NULL;

		for (size_t i = 0; i < G_N_ELEMENTS(group_rules) && !rule; i++)
			rule = is_of_kind(&group_rules[i], *groups) ? &group_rules[i] : NULL;
		if (!rule) {
			label_refuse(error, LABEL_ERROR_CONTENT,
				"not one of [policy], [type NAME], [conflict NAME], "
				"[label NAME], [resource NAME]");
			return place(error, reader, *groups, NULL);
		}
		if (!check_keys(reader, *groups, rule->keys, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_groups(const struct key_reader *reader, GError **error)
{
	g_auto(GStrv) groups = g_key_file_get_groups(reader->file, NULL);

	if (!check_groups(reader, groups, error))
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(group_rules); i++) {
		for (char **group = groups; *group; group++) {
			if (is_of_kind(&group_rules[i], *group) &&
				!group_rules[i].read(reader, *group, error))
				return FALSE;
		}
	}
	return label_draft_finish(reader->draft, error) || place(error, reader, "policy", NULL);
}

static gboolean refuse_file(
	GError **error, const char *name, enum label_error code, const char *why)
{
	label_refuse(error, code, "%s", why);
	return label_error_place(error, name, 1, "file");
}

static gboolean load(struct key_reader *reader, const char *data, size_t size, GError **error)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) why = NULL;

	if (size > MAX_SIZE)
		return refuse_file(error, reader->name, LABEL_ERROR_LIMIT, "larger than 1 MiB");
	if (!g_utf8_validate_len(data, size, NULL))
		return refuse_file(error, reader->name, LABEL_ERROR_SYNTAX,
			"not UTF-8 text without NUL bytes");
	text = g_strndup(data, size);
	reader->lines = label_lines_scan(reader->name, text, error);
	if (!reader->lines)
		return FALSE;
	/* GKeyFile takes an empty text for a mistake of the caller. */
	if (!*text || g_key_file_load_from_data(
			      reader->file, text, size, G_KEY_FILE_KEEP_TRANSLATIONS, &why))
		return TRUE;
	return refuse_file(error, reader->name, LABEL_ERROR_SYNTAX, why->message);
}

struct label_policy *label_keyfile_read(
	const char *name, const char *data, size_t size, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(label_policy) draft = label_draft_new();
	struct key_reader reader = { .name = name, .file = file, .draft = draft };
	gboolean good = load(&reader, data, size, error) && read_groups(&reader, error);

	g_clear_pointer(&reader.lines, g_hash_table_unref);
	return good ? g_steal_pointer(&draft) : NULL;
}

struct label_policy *label_policy_read(
	const char *name, const char *data, size_t size, GError **error)
{
	size_t i = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (i < size && g_ascii_isspace(data[i]))
		i++;
	return i < size && data[i] == '<' ? label_acm_read(name, data, size, error)
					  : label_keyfile_read(name, data, size, error);
}

/* Writing. */

static void set_string(GKeyFile *file, const char *group, const char *key, const char *value)
{
	if (value)
		g_key_file_set_string(file, group, key, value);
}

static void set_list(GKeyFile *file, const char *group, const char *key, char *const *list)
{
	g_key_file_set_string_list(
		file, group, key, (const char *const *)list, g_strv_length((char **)list));
}

static void write_header(GKeyFile *file, const struct label_header *header)
{
	set_string(file, "policy", "name", header->name);
	set_string(file, "policy", "version", header->version);
	set_string(file, "policy", "url", header->url);
	set_string(file, "policy", "date", header->date);
	set_string(file, "policy", "bootstrap", header->bootstrap);
	if (header->primary != LABEL_PRIMARY_NONE)
		set_string(file, "policy", "primary", primaries[header->primary]);
}

static void write_type(GKeyFile *file, const struct label_type *type)
{
	g_autofree char *group = g_strconcat("type ", type->name, NULL);

	set_string(file, group, "colour", type->colour);
	/* Said even when it need not be: a group wants a key, or GKeyFile does not write it. */
	set_string(file, group, "uses",
		type->uses == LABEL_USE_STE   ? "ste"
		: type->uses == LABEL_USE_CHW ? "chw"
					      : "ste;chw");
}

static void write_conflict(GKeyFile *file, const struct label_conflict *conflict)
{
	g_autofree char *group = g_strconcat("conflict ", conflict->name, NULL);

	set_list(file, group, "types", conflict->types);
	if (conflict->lasting)
		set_string(file, group, "lasting", "true");
}

static void write_label(GKeyFile *file, const struct label *label)
{
	g_autofree char *group = g_strconcat(
		label->kind == LABEL_WORKLOAD ? "label " : "resource ", label->name, NULL);

	set_list(file, group, "ste", label->ste);
	if (*label->chw)
		set_list(file, group, "chw", label->chw);
	set_string(file, group, "colour", label->colour);
}

char *label_keyfile_write(const struct label_policy *policy)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	size_t n_types, n_conflicts, n_labels;
	const struct label_type *types = label_policy_types(policy, &n_types);
	const struct label_conflict *conflicts = label_policy_conflicts(policy, &n_conflicts);
	const struct label *labels = label_policy_labels(policy, &n_labels);

	write_header(file, label_policy_header(policy));
	for (size_t i = 0; i < n_types; i++)
		write_type(file, &types[i]);
	for (size_t i = 0; i < n_conflicts; i++)
		write_conflict(file, &conflicts[i]);
	for (size_t i = 0; i < n_labels; i++)
		write_label(file, &labels[i]);
	return g_key_file_to_data(file, NULL, NULL);
}
