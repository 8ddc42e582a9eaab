#include "map/pattern.h"

#include <string.h>

G_DEFINE_QUARK(map - pattern - error, map_pattern_error)

static const struct {
	const char *text;
	enum map_pattern_hole hole;
} holes[] = {
	{ "*", MAP_PATTERN_ANY },
	{ "{client}", MAP_PATTERN_CLIENT },
};

/* The first hole of the text: where it is and how long. */
static const char *find_hole(const char *text, enum map_pattern_hole *ret_hole, size_t *ret_size)
{
	const char *first = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(holes); i++) {
		const char *at = strstr(text, holes[i].text);
		if (!at || (first && first < at))
			continue;
		first = at;
		*ret_hole = holes[i].hole;
		*ret_size = strlen(holes[i].text);
	}
	return first;
}

gboolean map_pattern_init(struct map_pattern *pattern, const char *text, GError **error)
{
	enum map_pattern_hole hole = MAP_PATTERN_NONE;
	enum map_pattern_hole other = MAP_PATTERN_NONE;
	size_t size = 0;
	size_t other_size = 0;
	const char *at = find_hole(text, &hole, &size);
	const char *tail = at ? at + size : "";

	if (!*text || find_hole(tail, &other, &other_size)) {
		g_set_error(error, MAP_PATTERN_ERROR, 0,
			*text ? "'%s' has more than one '*' or '{client}'" : "'%s' is empty", text);
		return FALSE;
	}
	pattern->head = at ? g_strndup(text, (gsize)(at - text)) : g_strdup(text);
	pattern->tail = g_strdup(tail);
	pattern->head_size = strlen(pattern->head);
	pattern->tail_size = strlen(pattern->tail);
	pattern->hole = hole;
	return TRUE;
}

void map_pattern_clear(struct map_pattern *pattern)
{
	g_clear_pointer(&pattern->head, g_free);
	g_clear_pointer(&pattern->tail, g_free);
}

/* Whether head and tail are there; then the hole holds *ret_size bytes at *ret_at. */
static gboolean frames(
	const struct map_pattern *pattern, const char *text, const char **ret_at, size_t *ret_size)
{
	size_t size = strlen(text);
	size_t around = pattern->head_size + pattern->tail_size;

	if (size < around || memcmp(text, pattern->head, pattern->head_size) != 0 ||
		memcmp(text + size - pattern->tail_size, pattern->tail, pattern->tail_size) != 0)
		return FALSE;
	*ret_at = text + pattern->head_size;
	*ret_size = size - around;
	return TRUE;
}

gboolean map_pattern_matches(
	const struct map_pattern *pattern, const char *text, const char *client)
{
	const char *at = NULL;
	size_t size = 0;

	if (!frames(pattern, text, &at, &size))
		return FALSE;
	switch (pattern->hole) {
	case MAP_PATTERN_NONE:
		return size == 0;
	case MAP_PATTERN_ANY:
		return TRUE;
	case MAP_PATTERN_CLIENT:
		return client && strlen(client) == size && memcmp(at, client, size) == 0;
	}
	return FALSE;
}

char *map_pattern_capture(const struct map_pattern *pattern, const char *text)
{
	const char *at = NULL;
	size_t size = 0;

	if (!frames(pattern, text, &at, &size) || size == 0)
		return NULL;
	return g_strndup(at, size);
}
