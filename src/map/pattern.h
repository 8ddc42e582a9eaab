#pragma once
/* A text with holes: "agent-*", "uri:urn:uuid:{client}", "{client}:*", "control".
 *
 * '*' stands for any characters and occurs once at most; "{client}" is the variable that a role
 * binds from a client's certificate (policy.h). No regular expressions: matching is comparing what
 * is before the '*' with the beginning and what is behind it with the end. Pure; owns its strings.
 */
#include <glib.h>

#define MAP_PATTERN_ERROR (map_pattern_error_quark())
GQuark map_pattern_error_quark(void);

struct map_pattern {
	/* Before and behind the '*', each cut where "{client}" stands; `behind` is NULL without
	 * '*'.
	 */
	char **before;
	char **behind;
};

/* FALSE with an error that says what is wrong with the text: empty, or more than one '*'. */
gboolean map_pattern_init(struct map_pattern *pattern, const char *text, GError **error);
void map_pattern_clear(struct map_pattern *pattern);

/* `client` is what {client} stands for; NULL: a pattern that has it matches nothing. */
gboolean map_pattern_matches(
	const struct map_pattern *pattern, const char *text, const char *client);
/* Whether {client} stands in it. */
gboolean map_pattern_binds(const struct map_pattern *pattern);
/* Whether the pattern can tell what {client} is: it stands there once, and no '*'. */
gboolean map_pattern_can_capture(const struct map_pattern *pattern);
/* What stands in place of {client}, newly allocated; NULL when the rest differs, or nothing does.
 */
char *map_pattern_capture(const struct map_pattern *pattern, const char *text);
