#include "schema.h"

#include <string.h>

struct judgement {
	const json_t *root;
	const json_t *schema;
	const json_t *value;
	const char *where;
};

typedef char *(*word_fn)(const struct judgement *at, const json_t *word);

static char *judge(const struct judgement *at);

static char *fail(const struct judgement *at, const char *what)
{
	g_autofree char *text = json_dumps(at->value, JSON_COMPACT | JSON_ENCODE_ANY);

	return g_strdup_printf("%s %s: %.300s", *at->where ? at->where : "/", what, text);
}

static char *judge_part(
	const struct judgement *at, const json_t *schema, const json_t *value, const char *name)
{
	g_autofree char *where = g_strconcat(at->where, "/", name, NULL);
	const struct judgement part = { at->root, schema, value, where };

	return judge(&part);
}

/* ---- words ---- */

static char *check_nothing(const struct judgement *at, const json_t *word)
{
	(void)at;
	(void)word;
	return NULL;
}

static char *check_ref(const struct judgement *at, const json_t *word)
{
	g_auto(GStrv) steps = g_strsplit(json_string_value(word), "/", -1);
	const json_t *found = at->root;

	g_assert_cmpstr(steps[0], ==, "#");
	for (unsigned i = 1; steps[i]; i++)
		found = json_object_get(found, steps[i]);
	if (!found)
		return g_strdup_printf("there is no %s", json_string_value(word));
	const struct judgement same = { at->root, found, at->value, at->where };
	return judge(&same);
}

static char *check_type(const struct judgement *at, const json_t *word)
{
	static const struct {
		const char *name;
		json_type type;
	} types[] = {
		{ "object", JSON_OBJECT },
		{ "array", JSON_ARRAY },
		{ "string", JSON_STRING },
		{ "integer", JSON_INTEGER },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_equal(types[i].name, json_string_value(word)))
			return json_typeof(at->value) == types[i].type
				       ? NULL
				       : fail(at, "has another type");
	return g_strdup_printf("type %s is unknown to this test", json_string_value(word));
}

static char *check_properties(const struct judgement *at, const json_t *word)
{
	const char *name;
	json_t *schema;
	char *wrong = NULL;

	json_object_foreach((json_t *)word, name, schema)
	{
		const json_t *value = json_object_get(at->value, name);
		if (value && !wrong)
			wrong = judge_part(at, schema, value, name);
	}
	return wrong;
}

static char *check_additional(const struct judgement *at, const json_t *word)
{
	const json_t *known = json_object_get(at->schema, "properties");
	const char *name;
	json_t *value;
	char *wrong = NULL;

	json_object_foreach((json_t *)at->value, name, value)
	{
		if (wrong || json_object_get(known, name))
			continue;
		wrong = json_is_object(word)
				? judge_part(at, word, value, name)
				: g_strdup_printf(
					  "%s has '%s', which is not described", at->where, name);
	}
	return wrong;
}

static char *check_required(const struct judgement *at, const json_t *word)
{
	for (size_t i = 0; i < json_array_size(word); i++)
		if (!json_object_get(at->value, json_string_value(json_array_get(word, i))))
			return fail(at, json_string_value(json_array_get(word, i)));
	return NULL;
}

static char *check_items(const struct judgement *at, const json_t *word)
{
	char *wrong = NULL;

	for (size_t i = 0; !wrong && i < json_array_size(at->value); i++) {
		g_autofree char *name = g_strdup_printf("%zu", i);
		wrong = judge_part(at, word, json_array_get(at->value, i), name);
	}
	return wrong;
}

static char *check_min_items(const struct judgement *at, const json_t *word)
{
	return (json_int_t)json_array_size(at->value) < json_integer_value(word)
		       ? fail(at, "is too short")
		       : NULL;
}

static char *check_max_items(const struct judgement *at, const json_t *word)
{
	return (json_int_t)json_array_size(at->value) > json_integer_value(word)
		       ? fail(at, "is too long")
		       : NULL;
}

static char *check_minimum(const struct judgement *at, const json_t *word)
{
	return json_integer_value(at->value) < json_integer_value(word) ? fail(at, "is too small")
									: NULL;
}

static char *check_enum(const struct judgement *at, const json_t *word)
{
	for (size_t i = 0; i < json_array_size(word); i++)
		if (json_equal(json_array_get(word, i), at->value))
			return NULL;
	return fail(at, "is none of the values");
}

static char *check_const(const struct judgement *at, const json_t *word)
{
	return json_equal(word, at->value) ? NULL : fail(at, "is another value");
}

static char *check_one_of(const struct judgement *at, const json_t *word)
{
	GString *reasons = g_string_new(NULL);
	unsigned n = 0;

	for (size_t i = 0; i < json_array_size(word); i++) {
		const struct judgement choice = { at->root, json_array_get(word, i), at->value,
			at->where };
		g_autofree char *wrong = judge(&choice);
		n += !wrong;
		if (wrong)
			g_string_append_printf(reasons, "; %s", wrong);
	}
	g_autofree char *text = g_string_free(reasons, FALSE);
	if (n == 1)
		return NULL;
	return g_strdup_printf("%s fits %u of the choices%s", at->where, n, text);
}

static const struct {
	const char *name;
	word_fn check;
} words[] = {
	{ "$ref", check_ref },
	{ "type", check_type },
	{ "properties", check_properties },
	{ "additionalProperties", check_additional },
	{ "required", check_required },
	{ "items", check_items },
	{ "minItems", check_min_items },
	{ "maxItems", check_max_items },
	{ "minimum", check_minimum },
	{ "enum", check_enum },
	{ "const", check_const },
	{ "oneOf", check_one_of },
	{ "description", check_nothing },
	{ "default", check_nothing },
	{ "examples", check_nothing },
};

static char *judge(const struct judgement *at)
{
	const char *name;
	json_t *word;
	char *wrong = NULL;

	json_object_foreach((json_t *)at->schema, name, word)
	{
		size_t i = 0;
		while (i < G_N_ELEMENTS(words) && !g_str_equal(words[i].name, name))
			i++;
		if (!wrong)
			wrong = i < G_N_ELEMENTS(words)
					? words[i].check(at, word)
					: g_strdup_printf("'%s' is unknown to this test", name);
	}
	return wrong;
}

char *schema_check(const json_t *root, const json_t *schema, const json_t *value)
{
	const struct judgement at = { root, schema, value, "" };

	return judge(&at);
}
