#include "world/internal.h"

#include <string.h>

/* Facts from JSON: the way back from facts_to_json(), by the same table. A field that is missing or
 * null is empty; one that is unknown is passed over. */

typedef gboolean (*read_fn)(const struct facts_field *field, const json_t *value, void *slot);

static gboolean read_string(const struct facts_field *field, const json_t *value, void *slot)
{
	(void)field;
	*(char **)slot = g_strdup(json_string_value(value));
	return json_is_string(value);
}

/* jansson's integers are signed; facts_to_json() wraps the upper half the same way. */
static gboolean read_number(const struct facts_field *field, const json_t *value, void *slot)
{
	(void)field;
	*(guint64 *)slot = (guint64)json_integer_value(value);
	return json_is_integer(value);
}

static gboolean read_boolean(const struct facts_field *field, const json_t *value, void *slot)
{
	(void)field;
	*(gboolean *)slot = json_is_true(value);
	return json_is_boolean(value);
}

static gboolean read_strings(const struct facts_field *field, const json_t *value, void *slot)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	size_t n = json_array_size(value);

	(void)field;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (!text)
			return FALSE;
		g_strv_builder_add(builder, text);
	}
	if (n > 0)
		*(char ***)slot = g_strv_builder_end(builder);
	return json_is_array(value);
}

static gboolean read_field(
	const struct facts_field *field, const json_t *object, void *base, GError **error);

/* Records inside a list have no lists themselves (facts.c), so this goes one level down. */
static gboolean read_list(enum facts_kind kind, const struct facts_field *field,
	const json_t *value, void *base, GError **error)
{
	GPtrArray **list = (GPtrArray **)(void *)((char *)base + field->offset);
	size_t n = json_array_size(value);

	for (size_t i = 0; i < n; i++) {
		const json_t *entry = json_array_get(value, i);
		void *record;

		if (!*list)
			*list = facts_list_new();
		record = facts_list_add(*list, kind, field->name);
		for (const struct facts_field *f = field->record->fields; f->name; f++)
			if (!read_field(f, entry, record, error))
				return FALSE;
	}
	return TRUE;
}

static gboolean read_field(
	const struct facts_field *field, const json_t *object, void *base, GError **error)
{
	static const read_fn readers[] = {
		[FACTS_STRING] = read_string,
		[FACTS_NUMBER] = read_number,
		[FACTS_BOOLEAN] = read_boolean,
		[FACTS_STRINGS] = read_strings,
		[FACTS_TIME] = read_number,
	};
	const json_t *value = json_object_get(object, field->name);

	if (!value || json_is_null(value))
		return TRUE;
	if (readers[field->type](field, value, (char *)base + field->offset))
		return TRUE;
	g_set_error(error, WORLD_ERROR, WORLD_ERROR_SNAPSHOT, "field \"%s\": want %s", field->name,
		field->what);
	return FALSE;
}

gboolean world_fact_from_json(
	enum facts_kind kind, const json_t *json, void *ret_fact, GError **error)
{
	const struct facts_record *record = &facts_type(kind)->record;

	memset(ret_fact, 0, record->size);
	for (const struct facts_field *f = record->fields; f->name; f++) {
		gboolean good = f->type == FACTS_LIST
					? read_list(kind, f, json_object_get(json, f->name),
						  ret_fact, error)
					: read_field(f, json, ret_fact, error);

		if (good)
			continue;
		facts_clear(kind, ret_fact);
		return FALSE;
	}
	return TRUE;
}
