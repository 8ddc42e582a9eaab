#include "cmd/assume.h"

#include "plan/assume.h"

#include <string.h>

#define POLICY_FORM "label-policy="

void supposed_clear(struct supposed *supposed)
{
	g_clear_pointer(&supposed->world, world_free);
	g_clear_pointer(&supposed->sentences, g_ptr_array_unref);
}

/* The one form that reads a file: the rest of this program knows no files. */
static char *assume_policy(struct world *world, const char *path, GError **error)
{
	g_autofree char *text = NULL;
	g_autofree char *name = g_path_get_basename(path);
	const char *why = NULL;
	struct facts_label_policy fact = { 0 };

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	fact.text = text;
	world_put(world, FACTS_LABEL_POLICY, "fleet:default", NULL, &fact, NULL);
	if (!world_label_policy(world, &why)) {
		g_set_error(error, PLAN_ERROR, PLAN_ERROR_INPUT, "%s: %s", path, why);
		return NULL;
	}
	return g_strdup_printf("the label policy of %s is in force", name);
}

/* Takes the error's sentence to the user. */
static gboolean assume_one(struct supposed *supposed, const char *text)
{
	GError *error = NULL;
	char *sentence = g_str_has_prefix(text, POLICY_FORM)
				 ? assume_policy(
					   supposed->world, text + strlen(POLICY_FORM), &error)
				 : plan_assume(supposed->world, text, &error);

	if (sentence)
		g_ptr_array_add(supposed->sentences, sentence);
	else
		context_fail("assume", error);
	return sentence != NULL;
}

static gboolean assume_file(struct supposed *supposed, const char *path)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	GError *error = NULL;

	if (!g_file_get_contents(path, &text, NULL, &error)) {
		context_fail("assume", error);
		return FALSE;
	}
	lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i]; i++) {
		g_strstrip(lines[i]);
		if (!*lines[i] || *lines[i] == '#')
			continue;
		if (!assume_one(supposed, lines[i])) {
			context_say(0, "assume: this was line %zu of %s", i + 1, path);
			return FALSE;
		}
	}
	return TRUE;
}

/* A world of the same facts. */
static struct world *copy_world(const struct world *world)
{
	json_t *json = world_to_json(world);
	struct world *copy = world_from_json(json, NULL);

	json_decref(json);
	g_assert(copy);
	return copy;
}

gboolean assume(const struct context *context, const struct world *world, struct supposed *ret)
{
	ret->world = copy_world(world);
	ret->sentences = g_ptr_array_new_with_free_func(g_free);
	for (char **text = context->assume; *text; text++)
		if (!(**text == '@' ? assume_file(ret, *text + 1) : assume_one(ret, *text)))
			return FALSE;
	return TRUE;
}

void assume_print(const struct supposed *supposed)
{
	for (unsigned i = 0; i < supposed->sentences->len; i++)
		printf("assuming: %s\n", (const char *)supposed->sentences->pdata[i]);
}

json_t *assume_json(const struct supposed *supposed)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < supposed->sentences->len; i++)
		json_array_append_new(list, json_string(supposed->sentences->pdata[i]));
	return list;
}

void assume_help(FILE *out)
{
	for (const struct plan_assume_form *form = PLAN_ASSUME_FORMS; form->example; form++)
		fprintf(out, "  %-30s %s\n", form->example, form->what);
	fprintf(out, "  %-30s %s\n", POLICY_FORM "FILE", "this label policy is in force");
}
