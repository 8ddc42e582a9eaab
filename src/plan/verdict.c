#include "plan/clearance.h"

#include <string.h>

/* Verdicts as facts: what they say, and what changed since the one before. */

static gboolean has_reason(const GPtrArray *reasons, const struct facts_reason *wanted)
{
	for (unsigned i = 0; reasons && i < reasons->len; i++) {
		const struct facts_reason *reason = reasons->pdata[i];

		if (g_strcmp0(reason->code, wanted->code) == 0 &&
			g_strcmp0(reason->subject, wanted->subject) == 0)
			return TRUE;
	}
	return FALSE;
}

static void add_differences(
	GString *out, const char *sign, const GPtrArray *some, const GPtrArray *others)
{
	for (unsigned i = 0; some && i < some->len; i++) {
		const struct facts_reason *reason = some->pdata[i];

		if (has_reason(others, reason))
			continue;
		g_string_append_printf(out, "%s%s%s %s", out->len ? ", " : "", sign, reason->code,
			reason->subject ? reason->subject : "");
	}
}

/* "+MEMORY C, -SEGMENT_MISSING blue"; NULL: the same reasons. */
static char *what_changed(const GPtrArray *before, const GPtrArray *after)
{
	g_autoptr(GString) text = g_string_new(NULL);

	add_differences(text, "+", after, before);
	add_differences(text, "-", before, after);
	return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

void plan_clearance_to_fact(const GPtrArray *reasons, const struct facts_clearance *before,
	guint64 now_ms, struct facts_clearance *ret_fact)
{
	struct facts_clearance fact = { .clear = !reasons || reasons->len == 0, .at_ms = now_ms };

	for (unsigned i = 0; reasons && i < reasons->len; i++) {
		if (!fact.reasons)
			fact.reasons = facts_list_new();
		plan_reason_to_fact(
			reasons->pdata[i], facts_list_add(fact.reasons, FACTS_CLEARANCE, "reason"));
	}
	fact.since_ms = before && !before->clear == !fact.clear ? before->since_ms : now_ms;
	fact.changed = what_changed(before ? before->reasons : NULL, fact.reasons);
	if (!before && !fact.changed)
		fact.changed = g_strdup("first verdict");
	*ret_fact = fact;
}

gboolean plan_clearance_differs(
	const struct facts_clearance *before, const struct facts_clearance *after)
{
	struct facts_clearance a = { .clear = before->clear, .reasons = before->reasons };
	struct facts_clearance b = { .clear = after->clear, .reasons = after->reasons };

	return !facts_equal(FACTS_CLEARANCE, &a, &b);
}
