#pragma once
/* A text with at most one hole: "agent-*", "uri:urn:uuid:{client}", "control".
 *
 * '*' stands for any characters, "{client}" for the variable that a role binds from a client's
 * certificate (policy.h). No regular expressions: matching is two comparisons. Pure; owns its
 * strings.
 */
#include <glib.h>

#define MAP_PATTERN_ERROR (map_pattern_error_quark())
GQuark map_pattern_error_quark(void);

enum map_pattern_hole {
	MAP_PATTERN_NONE,
	MAP_PATTERN_ANY,    /* * */
	MAP_PATTERN_CLIENT, /* {client} */
};

struct map_pattern {
	char *head; /* before the hole; all of it when there is none */
	char *tail; /* behind the hole */
	size_t head_size;
	size_t tail_size;
	enum map_pattern_hole hole;
};

/* FALSE with an error that says what is wrong with the text: empty, or more than one hole. */
gboolean map_pattern_init(struct map_pattern *pattern, const char *text, GError **error);
void map_pattern_clear(struct map_pattern *pattern);

/* `client` is what {client} stands for; NULL: such a pattern matches nothing. */
gboolean map_pattern_matches(
	const struct map_pattern *pattern, const char *text, const char *client);
/* What stands in the hole of a text that matches whatever is in it, newly allocated; NULL when the
 * rest differs or the hole is empty. */
char *map_pattern_capture(const struct map_pattern *pattern, const char *text);
