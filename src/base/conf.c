#include "base/conf.h"

#include <string.h>

G_DEFINE_QUARK(base - conf - error - quark, base_conf_error)

static void *slot_of(const struct base_conf_option *option, void *conf)
{
	return (char *)conf + option->offset;
}

/* ---- one row a type ---- */

static gboolean set_string(const struct base_conf_option *option, void *slot, const char *value)
{
	g_free(*(char **)slot);
	*(char **)slot = g_strdup(value);
	return TRUE;
}

static gboolean read_number(
	const struct base_conf_option *option, guint64 most, const char *value, guint64 *ret)
{
	guint64 max = option->max ? MIN(option->max, most) : most;

	return g_ascii_string_to_unsigned(value, 10, option->min, max, ret, NULL);
}

static gboolean set_number(const struct base_conf_option *option, void *slot, const char *value)
{
	return read_number(option, G_MAXUINT64, value, slot);
}

static gboolean set_size(const struct base_conf_option *option, void *slot, const char *value)
{
	guint64 number = 0;
	gboolean good = read_number(option, G_MAXSIZE, value, &number);

	*(size_t *)slot = (size_t)number;
	return good;
}

static gboolean set_count(const struct base_conf_option *option, void *slot, const char *value)
{
	guint64 number = 0;
	gboolean good = read_number(option, G_MAXUINT, value, &number);

	*(unsigned *)slot = (unsigned)number;
	return good;
}

static gboolean set_boolean(const struct base_conf_option *option, void *slot, const char *value)
{
	static const char *const yes[] = { "yes", "true", "on", "1", NULL };
	static const char *const no[] = { "no", "false", "off", "0", NULL };

	*(gboolean *)slot = g_strv_contains(yes, value);
	return *(gboolean *)slot || g_strv_contains(no, value);
}

static gboolean set_choice(const struct base_conf_option *option, void *slot, const char *value)
{
	unsigned i = 0;

	while (option->choices[i] && strcmp(option->choices[i], value) != 0)
		i++;
	*(unsigned *)slot = i;
	return option->choices[i] != NULL;
}

static gboolean set_table(const struct base_conf_option *option, void *slot, const char *value)
{
	return FALSE; /* tables and groups are filled key by key */
}

static const struct {
	gboolean (*set)(const struct base_conf_option *option, void *slot, const char *value);
	const char *name;
} types[] = {
	[BASE_CONF_STRING] = { set_string, "text" },
	[BASE_CONF_NUMBER] = { set_number, "a number" },
	[BASE_CONF_SIZE] = { set_size, "a number" },
	[BASE_CONF_COUNT] = { set_count, "a number" },
	[BASE_CONF_BOOLEAN] = { set_boolean, "yes or no" },
	[BASE_CONF_CHOICE] = { set_choice, "a choice" },
	[BASE_CONF_TABLE] = { set_table, "a table" },
	[BASE_CONF_GROUP] = { set_table, "a group" },
};

/* What the value should have been, for people. */
static char *expected_of(const struct base_conf_option *option)
{
	if (option->type == BASE_CONF_CHOICE) {
		g_autofree char *list = g_strjoinv(", ", (char **)option->choices);

		return g_strconcat("one of ", list, NULL);
	}
	if (option->max)
		return g_strdup_printf("a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
			option->min, option->max);
	return g_strdup(types[option->type].name);
}

/* Where a value stands. */
struct place {
	const char *path;
	const char *section;
	const char *key;
};

static gboolean set(const struct place *place, const struct base_conf_option *option, void *conf,
	const char *value, GError **error)
{
	if (types[option->type].set(option, slot_of(option, conf), value))
		return TRUE;
	g_autofree char *expected = expected_of(option);
	g_set_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_VALUE, "%s: [%s] %s: '%s' is not %s",
		place->path, place->section, place->key, value, expected);
	return FALSE;
}

/* "client ann" for the group "client": the name, else NULL. */
static const char *name_in_group(const struct base_conf_option *option, const char *section)
{
	size_t size = strlen(option->section);

	if (option->type != BASE_CONF_GROUP || strncmp(section, option->section, size) != 0 ||
		section[size] != ' ' || !section[size + 1])
		return NULL;
	return section + size + 1;
}

static gboolean is_of(const struct base_conf_option *option, const char *section)
{
	return option->type == BASE_CONF_GROUP ? name_in_group(option, section) != NULL
					       : strcmp(option->section, section) == 0;
}

static const struct base_conf_option *find(
	const struct base_conf_option *options, const char *section, const char *key)
{
	for (const struct base_conf_option *o = options; o->section; o++)
		if (is_of(o, section) && (!o->key || strcmp(o->key, key) == 0))
			return o;
	return NULL;
}

static const struct base_conf_option *find_member(
	const struct base_conf_option *members, const char *key)
{
	const struct base_conf_option *member = members;

	while (member->section && strcmp(member->key, key) != 0)
		member++;
	return member->section ? member : NULL;
}

static GHashTable *table_of(const struct base_conf_option *option, void *conf)
{
	GHashTable **table = slot_of(option, conf);

	if (!*table)
		*table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return *table;
}

static gboolean take_fallbacks(const struct base_conf_option *options, void *conf, GError **error);

/* The struct of one section of a group, made when it is first heard of. */
static void *member_of(const struct base_conf_option *option, void *conf, const char *name)
{
	GHashTable *table = table_of(option, conf);
	void *member = g_hash_table_lookup(table, name);

	if (!member) {
		member = g_malloc0(option->member_size);
		take_fallbacks(option->members, member, NULL);
		g_hash_table_replace(table, g_strdup(name), member);
	}
	return member;
}

/* What is being filled. `seen` holds the options that a file has set. */
struct reading {
	const struct base_conf_option *options;
	void *conf;
	GHashTable *seen;
};

/* What GLib says about a file that it cannot read becomes ours, but that there is no such file
 * stays what it is. */
static void own_error(GError **error, const char *path)
{
	if (error && *error && (*error)->domain == G_KEY_FILE_ERROR) {
		(*error)->domain = BASE_CONF_ERROR;
		(*error)->code = BASE_CONF_ERROR_READ;
	}
	g_prefix_error(error, "%s: ", path);
}

static gboolean take_value(
	const struct reading *reading, const struct place *place, const char *value, GError **error)
{
	const struct base_conf_option *option = find(reading->options, place->section, place->key);
	void *conf = reading->conf;

	if (option && option->type == BASE_CONF_GROUP) {
		conf = member_of(option, conf, name_in_group(option, place->section));
		option = find_member(option->members, place->key);
	}
	if (!option) {
		g_set_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_UNKNOWN,
			"%s: [%s] %s: there is no such option", place->path, place->section,
			place->key);
		return FALSE;
	}
	g_hash_table_add(reading->seen, (gpointer)option);
	if (option->type != BASE_CONF_TABLE)
		return set(place, option, conf, value, error);
	g_hash_table_replace(table_of(option, conf), g_strdup(place->key), g_strdup(value));
	return TRUE;
}

static gboolean take_key(
	const struct reading *reading, const struct place *place, GKeyFile *file, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *value = g_key_file_get_string(file, place->section, place->key, &why);

	if (why) { /* GLib returns what it could read all the same */
		g_propagate_error(error, g_steal_pointer(&why));
		own_error(error, place->path);
		return FALSE;
	}
	return take_value(reading, place, g_strstrip(value), error);
}

static gboolean check_section(
	const struct reading *reading, const char *path, const char *section, GError **error)
{
	for (const struct base_conf_option *o = reading->options; o->section; o++) {
		if (!is_of(o, section))
			continue;
		if (o->type == BASE_CONF_GROUP)
			member_of(o, reading->conf, name_in_group(o, section));
		return TRUE;
	}
	g_set_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_UNKNOWN,
		"%s: [%s]: there is no such section", path, section);
	return FALSE;
}

static gboolean take_section(const struct reading *reading, const char *path, GKeyFile *file,
	const char *section, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(file, section, NULL, NULL);

	if (!check_section(reading, path, section, error))
		return FALSE;
	for (size_t i = 0; keys && keys[i]; i++) {
		const struct place place = { path, section, keys[i] };

		if (!take_key(reading, &place, file, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean take_file(const struct reading *reading, const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_auto(GStrv) sections = NULL;

	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
		own_error(error, path);
		return FALSE;
	}
	sections = g_key_file_get_groups(file, NULL);
	for (size_t i = 0; sections[i]; i++)
		if (!take_section(reading, path, file, sections[i], error))
			return FALSE;
	return TRUE;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean take_folder(const struct reading *reading, const char *path, GError **error)
{
	g_autofree char *folder = g_strconcat(path, ".d", NULL);
	g_autoptr(GError) why = NULL;
	g_autoptr(GDir) dir = g_dir_open(folder, 0, &why);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	if (!dir && !g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	while (dir && (name = g_dir_read_name(dir)))
		if (g_str_has_suffix(name, ".conf"))
			g_ptr_array_add(names, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(names, compare_names);
	for (unsigned i = 0; i < names->len; i++)
		if (!take_file(reading, names->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean take_fallbacks(const struct base_conf_option *options, void *conf, GError **error)
{
	for (const struct base_conf_option *o = options; o->section; o++) {
		const struct place place = { "default", o->section, o->key };

		if (o->type == BASE_CONF_TABLE || o->type == BASE_CONF_GROUP)
			table_of(o, conf);
		else if (o->fallback && !set(&place, o, conf, o->fallback, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean is_required(const struct base_conf_option *option)
{
	return !option->fallback && option->type != BASE_CONF_BOOLEAN &&
	       option->type != BASE_CONF_TABLE && option->type != BASE_CONF_GROUP;
}

static gboolean check_required(const struct reading *reading, const char *path, GError **error)
{
	for (const struct base_conf_option *o = reading->options; o->section; o++) {
		if (!is_required(o) || g_hash_table_contains(reading->seen, o))
			continue;
		g_set_error(error, BASE_CONF_ERROR, BASE_CONF_ERROR_VALUE,
			"%s: [%s] %s is missing: %s", path, o->section, o->key, o->what);
		return FALSE;
	}
	return TRUE;
}

gboolean base_conf_read(
	const char *path, const struct base_conf_option *options, void *ret, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	const struct reading reading = { options, ret, seen };

	if (take_fallbacks(options, ret, error) && take_file(&reading, path, error) &&
		take_folder(&reading, path, error) && check_required(&reading, path, error))
		return TRUE;
	base_conf_clear(options, ret);
	return FALSE;
}

/* Recursion: as deep as the tables of options are. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void clear_members(const struct base_conf_option *option, GHashTable *table)
{
	GHashTableIter iter;
	gpointer member;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &member))
		base_conf_clear(option->members, member);
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
void base_conf_clear(const struct base_conf_option *options, void *conf)
{
	for (const struct base_conf_option *o = options; o->section; o++) {
		if (o->type == BASE_CONF_STRING)
			g_clear_pointer((char **)slot_of(o, conf), g_free);
		if (o->type == BASE_CONF_GROUP && *(GHashTable **)slot_of(o, conf))
			clear_members(o, *(GHashTable **)slot_of(o, conf));
		if (o->type == BASE_CONF_GROUP || o->type == BASE_CONF_TABLE)
			g_clear_pointer((GHashTable **)slot_of(o, conf), g_hash_table_unref);
	}
}

static void write_row(GString *out, const struct base_conf_option *option)
{
	g_string_append_printf(out, "# %s\n", option->what);
	if (option->key)
		g_string_append_printf(out, "%s%s = %s\n", option->fallback ? "#" : "", option->key,
			option->fallback ? option->fallback : "");
}

void base_conf_write_example(GString *out, const struct base_conf_option *options)
{
	const char *section = "";

	for (const struct base_conf_option *o = options; o->section; o++) {
		if (strcmp(section, o->section) != 0)
			g_string_append_printf(out, "%s[%s%s]\n", *section ? "\n" : "", o->section,
				o->type == BASE_CONF_GROUP ? " NAME" : "");
		section = o->section;
		write_row(out, o);
		if (o->type != BASE_CONF_GROUP)
			continue;
		for (const struct base_conf_option *member = o->members; member->section; member++)
			write_row(out, member);
	}
}
