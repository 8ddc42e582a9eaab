#include "plan/clearance.h"

#include <string.h>

/* What if: changes of facts, carried out in a world. */

static gboolean set_boolean(void *slot, const char *value)
{
	gboolean yes = strcmp(value, "true") == 0;

	*(gboolean *)slot = yes;
	return yes || strcmp(value, "false") == 0;
}

static gboolean set_strings(void *slot, const char *value)
{
	char ***list = slot;
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	if (value[0] != '+' && value[0] != '-')
		return FALSE;
	for (char **entry = *list; entry && *entry; entry++)
		if (strcmp(*entry, value + 1) != 0)
			g_strv_builder_add(builder, *entry);
	if (value[0] == '+')
		g_strv_builder_add(builder, value + 1);
	g_strfreev(*list);
	*list = g_strv_builder_end(builder);
	return TRUE;
}

static gboolean set_field(const struct facts_field *field, void *fact, const char *value)
{
	void *slot = (char *)fact + field->offset;

	switch (field->type) {
	case FACTS_STRING:
		g_free(*(char **)slot);
		*(char **)slot = g_strdup(value);
		return TRUE;
	case FACTS_NUMBER:
	case FACTS_TIME:
		return g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64, slot, NULL);
	case FACTS_BOOLEAN:
		return set_boolean(slot, value);
	case FACTS_STRINGS:
		return set_strings(slot, value);
	case FACTS_LIST:
		break;
	}
	return FALSE;
}

static const struct facts_field *find_field(enum facts_kind kind, const char *name)
{
	for (const struct facts_field *f = facts_type(kind)->record.fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static gboolean change_error(const struct plan_change *change, const char *why, GError **error)
{
	g_set_error(error, PLAN_ERROR, PLAN_ERROR_CHANGE, "%s on %s%s%s: %s %s %s",
		facts_type(change->kind)->name, change->a, change->b ? " and " : "",
		change->b ? change->b : "", change->field ? change->field : "",
		change->value ? change->value : "", why);
	return FALSE;
}

#define NO_PLACE "is no place of such a fact"

static gboolean apply_one(struct world *world, const struct plan_change *change,
	struct world_touched *touched, GError **error)
{
	const void *stands = world_get(world, change->kind, change->a, change->b);
	const struct facts_field *field = change->field ? find_field(change->kind, change->field)
							: NULL;
	g_autofree void *fact = g_malloc0(facts_type(change->kind)->record.size);
	gboolean good, placed;

	if (!change->field)
		return world_put(world, change->kind, change->a, change->b, NULL, touched) ||
		       change_error(change, NO_PLACE, error);
	if (!field || !change->value)
		return change_error(change, "is no such field", error);
	if (stands)
		facts_copy(change->kind, stands, fact);
	good = set_field(field, fact, change->value);
	placed = good && world_put(world, change->kind, change->a, change->b, fact, touched);
	facts_clear(change->kind, fact);
	return placed || change_error(change, good ? NO_PLACE : "is no such value", error);
}

gboolean plan_change_apply(struct world *world, const GPtrArray *changes,
	struct world_touched *touched, GError **error)
{
	for (unsigned i = 0; i < changes->len; i++)
		if (!apply_one(world, changes->pdata[i], touched, error))
			return FALSE;
	return TRUE;
}
