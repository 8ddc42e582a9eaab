/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/terminal.h"

#include <string.h>

#include "ifmap/identifier.h"

/* One token of the list. */
struct rule {
	gboolean (*stops)(const struct rule *rule, const struct ifmap_id *id);
	enum ifmap_id_type type;
	char *a; /* identity type, other-type-definition, or namespace */
	char *b; /* local name */
};

struct ifmap_terminal {
	GArray *rules;
};

static gboolean stops_type(const struct rule *rule, const struct ifmap_id *id)
{
	return id->type == rule->type;
}

static gboolean stops_identity_type(const struct rule *rule, const struct ifmap_id *id)
{
	return id->more->identity_type && strcmp(id->more->identity_type, rule->a) == 0;
}

static gboolean stops_other(const struct rule *rule, const struct ifmap_id *id)
{
	return id->more->other_type && strcmp(id->more->other_type, rule->a) == 0;
}

static gboolean stops_extended(const struct rule *rule, const struct ifmap_id *id)
{
	return ifmap_id_is_extended(id, rule->a, rule->b);
}

static gboolean stops_nonextended(const struct rule *rule G_GNUC_UNUSED, const struct ifmap_id *id)
{
	return id->type == IFMAP_ID_IDENTITY && g_strcmp0(id->more->other_type, "extended") != 0;
}

static gboolean compile_identity(const char *token, struct rule *rule)
{
	if (strcmp(token, "nonextended") == 0) {
		rule->stops = stops_nonextended;
	} else if (g_str_has_prefix(token, "other:") && token[strlen("other:")]) {
		rule->stops = stops_other;
		rule->a = g_strdup(token + strlen("other:"));
	} else if (ifmap_identifier_is_identity_type(token)) {
		rule->stops = stops_identity_type;
		rule->a = g_strdup(token);
	}
	return rule->stops != NULL;
}

static gboolean compile_token(
	const char *token, const struct ifmap_dialect *dialect, struct rule *rule)
{
	const char *hash = strrchr(token, '#');

	if (hash && hash != token && hash[1]) {
		rule->stops = stops_extended;
		rule->a = g_strndup(token, (gsize)(hash - token));
		rule->b = g_strdup(hash + 1);
		return TRUE;
	}
	if (g_str_has_prefix(token, "identity:"))
		return compile_identity(token + strlen("identity:"), rule);
	rule->stops = dialect->spare_extended && strcmp(token, "identity") == 0 ? stops_nonextended
										: stops_type;
	return ifmap_identifier_type_from_string(token, &rule->type);
}

static void clear_rule(gpointer data)
{
	struct rule *rule = data;

	g_free(rule->a);
	g_free(rule->b);
}

struct ifmap_terminal *ifmap_terminal_new(
	const char *text, const struct ifmap_dialect *dialect, GError **error)
{
	g_auto(GStrv) tokens = NULL;
	struct ifmap_terminal *terminal;

	if (!text || !*text)
		return NULL;
	tokens = g_strsplit(text, ",", 256);
	terminal = g_new0(struct ifmap_terminal, 1);
	terminal->rules = g_array_new(FALSE, FALSE, sizeof(struct rule));
	g_array_set_clear_func(terminal->rules, clear_rule);
	for (char **token = tokens; *token; token++) {
		struct rule rule = { NULL };

		if (!compile_token(*token, dialect, &rule)) {
			g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER,
				"terminal-identifier-type: \"%.60s\" is no type of identifier",
				*token);
			ifmap_terminal_free(terminal);
			return NULL;
		}
		g_array_append_val(terminal->rules, rule);
	}
	return terminal;
}

void ifmap_terminal_free(struct ifmap_terminal *terminal)
{
	if (!terminal)
		return;
	g_array_unref(terminal->rules);
	g_free(terminal);
}

gboolean ifmap_terminal_stops(const struct ifmap_terminal *terminal, const struct ifmap_id *id)
{
	for (guint i = 0; terminal && i < terminal->rules->len; i++) {
		const struct rule *rule = &g_array_index(terminal->rules, struct rule, i);

		if (rule->stops(rule, id))
			return TRUE;
	}
	return FALSE;
}
