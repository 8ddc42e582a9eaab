#include "map/rulefile.h"

#include <string.h>

G_DEFINE_QUARK(map - rule - error, map_rule_error)

gboolean map_rule_fail(GError **error, const char *file, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, MAP_RULE_ERROR, 0, "%s:%u: %s", file, line, text);
	return FALSE;
}

static void entry_free(gpointer data)
{
	struct map_rule_entry *entry = data;
	g_free(entry->key);
	g_free(entry->value);
	g_free(entry);
}

static void section_free(gpointer data)
{
	struct map_rule_section *section = data;
	g_free(section->kind);
	g_free(section->name);
	g_ptr_array_unref(section->entries);
	g_free(section);
}

/* "[KIND NAME]" */
static struct map_rule_section *parse_header(char *line, unsigned number)
{
	size_t size = strlen(line);

	if (size < 3 || line[size - 1] != ']')
		return NULL;
	line[size - 1] = 0;
	char *kind = g_strstrip(line + 1);
	char *name = strpbrk(kind, " \t");
	if (name)
		*name++ = 0;
	if (!*kind)
		return NULL;
	struct map_rule_section *section = g_new0(struct map_rule_section, 1);
	section->kind = g_strdup(kind);
	section->name = g_strdup(name ? g_strstrip(name) : "");
	section->line = number;
	section->entries = g_ptr_array_new_with_free_func(entry_free);
	return section;
}

static struct map_rule_entry *parse_entry(char *line, unsigned number)
{
	char *sign = strchr(line, '=');

	if (!sign || sign == line)
		return NULL;
	*sign = 0;
	struct map_rule_entry *entry = g_new0(struct map_rule_entry, 1);
	entry->key = g_strdup(g_strstrip(line));
	entry->value = g_strdup(g_strstrip(sign + 1));
	entry->line = number;
	return entry;
}

GPtrArray *map_rule_file_parse(const char *text, const char *file, GError **error)
{
	g_autoptr(GPtrArray) sections = g_ptr_array_new_with_free_func(section_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	struct map_rule_section *section = NULL;

	if (!g_utf8_validate(text, -1, NULL)) {
		map_rule_fail(error, file, 1, "the file is not UTF-8");
		return NULL;
	}
	for (unsigned i = 0; lines[i]; i++) {
		char *line = g_strstrip(lines[i]);
		struct map_rule_entry *entry;

		if (!*line || *line == '#')
			continue;
		if (*line == '[') {
			section = parse_header(line, i + 1);
			if (!section) {
				map_rule_fail(error, file, i + 1, "not a section '[KIND NAME]'");
				return NULL;
			}
			g_ptr_array_add(sections, section);
			continue;
		}
		entry = section ? parse_entry(line, i + 1) : NULL;
		if (!entry) {
			map_rule_fail(error, file, i + 1,
				section ? "not a line 'KEY = VALUE'"
					: "a key stands before the first section");
			return NULL;
		}
		g_ptr_array_add(section->entries, entry);
	}
	return g_steal_pointer(&sections);
}

char **map_rule_list_split(const char *value)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	g_auto(GStrv) parts = g_strsplit(value, ";", -1);

	for (unsigned i = 0; parts[i]; i++)
		if (*g_strstrip(parts[i]))
			g_strv_builder_add(builder, parts[i]);
	return g_strv_builder_end(builder);
}
