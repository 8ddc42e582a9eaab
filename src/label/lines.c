#include "label/lines.h"

#include "label/check.h"

#include <string.h>

struct scan {
	const char *name;
	GHashTable *lines;
	char *group; /* the group we are in, or NULL */
	unsigned line;
};

static gboolean refuse_line(
	const struct scan *scan, const char *text, const char *why, GError **error)
{
	g_autofree char *shown = g_strescape(text, NULL);
	g_autofree char *element = g_strdup_printf("\"%.80s\"", shown);

	label_refuse(error, LABEL_ERROR_SYNTAX, "%s", why);
	return label_error_place(error, scan->name, scan->line, element);
}

static gboolean add_group(struct scan *scan, const char *text, GError **error)
{
	const char *end = strchr(text, ']');

	if (!end || end == text + 1 || end[1])
		return refuse_line(scan, text, "a group is [a name in brackets]", error);
	g_free(scan->group);
	scan->group = g_strndup(text + 1, (size_t)(end - text - 1));
	if (!g_hash_table_insert(scan->lines, g_strdup(scan->group), GUINT_TO_POINTER(scan->line)))
		return refuse_line(scan, text, "the group is given twice", error);
	return TRUE;
}

static gboolean add_key(struct scan *scan, const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *key = NULL;

	if (!equals || equals == text)
		return refuse_line(scan, text, "neither [group], key=value nor # comment", error);
	if (!scan->group)
		return refuse_line(scan, text, "a key before the first group", error);
	key = g_strchomp(g_strndup(text, (size_t)(equals - text)));
	if (!g_hash_table_insert(scan->lines, g_strconcat(scan->group, "\n", key, NULL),
		    GUINT_TO_POINTER(scan->line)))
		return refuse_line(scan, text, "the key is given twice", error);
	return TRUE;
}

static gboolean add_line(struct scan *scan, const char *text, GError **error)
{
	if (*text == '\0' || *text == '#')
		return TRUE;
	return *text == '[' ? add_group(scan, text, error) : add_key(scan, text, error);
}

GHashTable *label_lines_scan(const char *name, const char *text, GError **error)
{
	g_autoptr(GHashTable) lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct scan scan = { .name = name, .lines = lines };
	gboolean good = TRUE;

	while (good && *text) {
		size_t size = strcspn(text, "\n");
		g_autofree char *line = g_strstrip(g_strndup(text, size));

		scan.line++;
		good = add_line(&scan, line, error);
		text += size + (text[size] == '\n');
	}
	g_free(scan.group);
	return good ? g_steal_pointer(&lines) : NULL;
}

unsigned label_lines_find(GHashTable *lines, const char *group, const char *key)
{
	g_autofree char *name = key ? g_strconcat(group, "\n", key, NULL) : g_strdup(group);

	return GPOINTER_TO_UINT(g_hash_table_lookup(lines, name));
}
