#include "map/pattern.h"

#include <string.h>

G_DEFINE_QUARK(map - pattern - error, map_pattern_error)

#define CLIENT "{client}"

gboolean map_pattern_init(struct map_pattern *pattern, const char *text, GError **error)
{
	const char *star = strchr(text, '*');
	g_autofree char *before = star ? g_strndup(text, (gsize)(star - text)) : g_strdup(text);

	if (!*text || (star && strchr(star + 1, '*'))) {
		g_set_error(error, MAP_PATTERN_ERROR, 0,
			*text ? "'%s' has more than one '*'" : "'%s' is empty", text);
		return FALSE;
	}
	/* Of an empty text g_strsplit() makes no part at all. */
	pattern->before = g_strsplit(before, CLIENT, -1);
	pattern->behind = star ? g_strsplit(star + 1, CLIENT, -1) : NULL;
	return TRUE;
}

void map_pattern_clear(struct map_pattern *pattern)
{
	g_clear_pointer(&pattern->before, g_strfreev);
	g_clear_pointer(&pattern->behind, g_strfreev);
}

static guint n_bound(char **parts)
{
	guint n = parts ? g_strv_length(parts) : 0;
	return n > 1 ? n - 1 : 0;
}

/* Bytes that the parts take with `client` between them. */
static size_t size_of(char **parts, size_t client_size)
{
	size_t size = n_bound(parts) * client_size;

	for (unsigned i = 0; parts && parts[i]; i++)
		size += strlen(parts[i]);
	return size;
}

/* Whether the text, at least as long, begins with the parts and `client` between them. */
static gboolean begins(const char *text, char **parts, const char *client)
{
	for (unsigned i = 0; parts[i]; i++) {
		size_t size = strlen(parts[i]);
		if (memcmp(text, parts[i], size) != 0)
			return FALSE;
		text += size;
		if (!parts[i + 1])
			break;
		if (memcmp(text, client, strlen(client)) != 0)
			return FALSE;
		text += strlen(client);
	}
	return TRUE;
}

gboolean map_pattern_binds(const struct map_pattern *pattern)
{
	return n_bound(pattern->before) + n_bound(pattern->behind) > 0;
}

gboolean map_pattern_matches(
	const struct map_pattern *pattern, const char *text, const char *client)
{
	size_t client_size = client ? strlen(client) : 0;
	size_t before = size_of(pattern->before, client_size);
	size_t behind = size_of(pattern->behind, client_size);
	size_t size = strlen(text);

	if ((!client && map_pattern_binds(pattern)) || size < before + behind ||
		(!pattern->behind && size != before))
		return FALSE;
	client = client ? client : ""; /* it stands nowhere then */
	return begins(text, pattern->before, client) &&
	       (!pattern->behind || begins(text + size - behind, pattern->behind, client));
}

gboolean map_pattern_can_capture(const struct map_pattern *pattern)
{
	return !pattern->behind && n_bound(pattern->before) == 1;
}

char *map_pattern_capture(const struct map_pattern *pattern, const char *text)
{
	size_t size = strlen(text);

	if (!map_pattern_can_capture(pattern))
		return NULL;
	size_t head = strlen(pattern->before[0]);
	size_t tail = strlen(pattern->before[1]);
	if (size <= head + tail || memcmp(text, pattern->before[0], head) != 0 ||
		memcmp(text + size - tail, pattern->before[1], tail) != 0)
		return NULL;
	return g_strndup(text + head, size - head - tail);
}
