#include "plan/look.h"

#include <string.h>

/* Whom an order waits for. */

/* The host on that side of a member's way. */
static char *host_at(const struct look *look, size_t i, unsigned which)
{
	return which == SIDE_FROM ? look_member(look, i)->from : look_member(look, i)->to;
}

/* A member's side has not done its part: has not look_answered, or has and the facts say otherwise.
 */
static gboolean is_awaited(
	const struct look *look, const struct look_row *row, size_t i, unsigned which)
{
	const struct plan_side *side = which == SIDE_FROM ? &look->observed->from[i]
							  : &look->observed->to[i];
	const char *host = host_at(look, i, which);
	unsigned awaited = row ? row->awaited : SIDE_BOTH;

	if (!host || !(awaited & which) || side->fenced ||
		(row ? row->over(look, i) : look_over_return(look, i)))
		return FALSE;
	return awaited == which || !look_answered(look, side, "done");
}

static char *describe(
	const struct look *look, size_t i, const struct plan_side *side, const char *machines)
{
	g_autofree char *since = look_silent_since(look, side);

	if (side->alive)
		return g_strdup_printf("%s: %s", look_host_name(look, i, side), machines);
	return g_strdup_printf("%s: %s (its agent is silent since %s)",
		look_host_name(look, i, side), machines,
		side->silent_since_ms ? since : "this phase began or longer");
}

/* The machines, from the i-th on, whose part on this host is awaited. */
static char *awaited_at(
	const struct look *look, const struct look_row *row, size_t i, unsigned which)
{
	GString *machines = g_string_new(NULL);
	const char *host = host_at(look, i, which);

	for (; i < look->observed->n_members; i++)
		if (is_awaited(look, row, i, which) && strcmp(host_at(look, i, which), host) == 0)
			g_string_append_printf(machines, "%s%s", machines->len ? ", " : "",
				look_member(look, i)->machine);
	return g_string_free(machines, FALSE);
}

static void add_awaited(
	const struct look *look, const struct look_row *row, unsigned which, GStrvBuilder *lines)
{
	g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);

	for (size_t i = 0; i < look->observed->n_members; i++) {
		g_autofree char *machines = NULL;
		g_autofree char *line = NULL;

		if (!is_awaited(look, row, i, which) ||
			!g_hash_table_add(told, host_at(look, i, which)))
			continue;
		machines = awaited_at(look, row, i, which);
		line = describe(look, i,
			which == SIDE_FROM ? &look->observed->from[i] : &look->observed->to[i],
			machines);
		g_strv_builder_add(lines, line);
	}
}

char **plan_order_waits_for(
	const struct facts_order *order, const struct plan_observed *observed, guint64 now_ms)
{
	g_autoptr(GStrvBuilder) lines = g_strv_builder_new();
	const struct look_row *row;
	struct look look;

	if (!plan_order_ended(order) && look_init(&look, order, observed, now_ms)) {
		row = look_row(&look);
		add_awaited(&look, row, SIDE_FROM, lines);
		add_awaited(&look, row, SIDE_TO, lines);
	}
	return g_strv_builder_end(lines);
}
