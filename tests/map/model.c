#include "model.h"

#include <string.h>

#include "script.h"

static const char *const NAMES[MODEL_IDS] = { "a", "b", "c", "d", "e", "y", "z" };
static const char *const TYPES[MODEL_TYPES] = { "s", "t", "m" };

const char *model_id_name(int id)
{
	return NAMES[id];
}

const char *model_filter_text(enum model_filter filter)
{
	static const char *const TEXTS[MODEL_FILTERS] = { NULL, "", "x:s", "x:t or x:m",
		"[@k='1']" };
	return TEXTS[filter];
}

gboolean model_filter_matches(enum model_filter filter, const struct model_fact *fact)
{
	switch (filter) {
	case MODEL_ALL:
		return TRUE;
	case MODEL_ONLY_S:
		return fact->type == MODEL_S;
	case MODEL_T_OR_M:
		return fact->type != MODEL_S;
	case MODEL_KIND_1:
		return fact->kind == 1;
	case MODEL_NONE:
	case MODEL_FILTERS:
		break;
	}
	return FALSE;
}

/* ---- search */

static gboolean expands(const struct model_query *query, const struct model_answer *answer, int id)
{
	return answer->depth[id] >= 0 && (unsigned)answer->depth[id] < query->depth &&
	       !(query->stop_at_devices && id >= 5);
}

static gboolean followed(const struct model *model, const struct model_query *query, int a, int b)
{
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		if (fact->present && fact->a == a && fact->b == b &&
			model_filter_matches(query->links, fact))
			return TRUE;
	}
	return FALSE;
}

/* Distances by relaxing until nothing gets shorter. */
static void measure(
	const struct model *model, const struct model_query *query, struct model_answer *answer)
{
	gboolean changed = TRUE;
	for (int i = 0; i < MODEL_IDS; i++)
		answer->depth[i] = i == query->start ? 0 : -1;
	while (changed) {
		changed = FALSE;
		for (int a = 0; a < MODEL_IDS; a++)
			for (int b = 0; b < MODEL_IDS; b++) {
				if (a == b || !expands(query, answer, a) ||
					!followed(model, query, MIN(a, b), MAX(a, b)))
					continue;
				int depth = answer->depth[a] + 1;
				if (answer->depth[b] >= 0 && answer->depth[b] <= depth)
					continue;
				answer->depth[b] = depth;
				changed = TRUE;
			}
	}
}

void model_search(
	const struct model *model, const struct model_query *query, struct model_answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	measure(model, query, ret);
	for (int a = 0; a < MODEL_IDS; a++)
		for (int b = a + 1; b < MODEL_IDS; b++)
			ret->link[a][b] = (expands(query, ret, a) || expands(query, ret, b)) &&
					  followed(model, query, a, b);
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		gboolean there = fact->b < 0 ? ret->depth[fact->a] >= 0
					     : ret->link[fact->a][fact->b];
		gboolean passes = fact->b < 0 || model_filter_matches(query->links, fact);
		ret->fact[i] = fact->present && there && passes &&
			       model_filter_matches(query->result, fact);
	}
}

/* ---- texts */

/* "a-b{m=1,s=2}" of the marked facts there, "a-b" when there are none. */
static char *item_text(const struct model *model, const gboolean *marked, int a, int b)
{
	g_autoptr(GPtrArray) metas = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		if (marked[i] && fact->a == a && fact->b == b)
			g_ptr_array_add(
				metas, g_strdup_printf("%s=%u", TYPES[fact->type], fact->number));
	}
	gboolean bare = metas->len == 0;
	g_autofree char *what = script_join_sorted(metas, ",");
	g_autofree char *who = b < 0 ? g_strdup(NAMES[a])
				     : g_strconcat(NAMES[a], "-", NAMES[b], NULL);
	return bare ? g_strdup(who) : g_strconcat(who, "{", what, "}", NULL);
}

static gboolean any_marked(const struct model *model, const gboolean *marked, int a, int b)
{
	for (unsigned i = 0; i < model->n_facts; i++)
		if (marked[i] && model->facts[i].a == a && model->facts[i].b == b)
			return TRUE;
	return FALSE;
}

/* Items of every element that has marked facts or, if `shape` is given, is in that answer. */
static char *items_text(
	const struct model *model, const gboolean *marked, const struct model_answer *shape)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
	for (int a = 0; a < MODEL_IDS; a++)
		for (int b = -1; b < MODEL_IDS; b++) {
			gboolean in_shape = shape &&
					    (b < 0 ? shape->depth[a] >= 0 : shape->link[a][b]);
			if (in_shape || any_marked(model, marked, a, b))
				g_ptr_array_add(items, item_text(model, marked, a, b));
		}
	return items->len ? script_join_sorted(items, " ") : NULL;
}

char *model_answer_text(const struct model *model, const struct model_answer *answer)
{
	return items_text(model, answer->fact, answer);
}

/* ---- difference: ifmap.md 8.3 */

/* A visible singleValue fact of the same type stands in its place. */
static gboolean replaced(
	const struct model *model, const struct model_answer *after, const struct model_fact *old)
{
	if (old->type == MODEL_M)
		return FALSE;
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		if (after->fact[i] && fact->a == old->a && fact->b == old->b &&
			fact->type == old->type)
			return TRUE;
	}
	return FALSE;
}

void model_compare(const struct model *model, const struct model_answer *before,
	const struct model_answer *after, struct model_delta *ret)
{
	gboolean deleted[MODEL_FACTS] = { 0 };
	gboolean updated[MODEL_FACTS] = { 0 };
	for (unsigned i = 0; i < model->n_facts; i++) {
		updated[i] = after->fact[i] && !before->fact[i];
		deleted[i] = before->fact[i] && !after->fact[i] &&
			     !replaced(model, after, &model->facts[i]);
	}
	ret->deleted = items_text(model, deleted, NULL);
	ret->updated = items_text(model, updated, NULL);
}

/* ---- operations: ifmap.md 2.7, 9 */

struct model_fact *model_add(struct model *model, int a, int b, enum model_type type, unsigned kind)
{
	g_assert(model->n_facts < MODEL_FACTS);
	for (unsigned i = 0; i < model->n_facts; i++) {
		struct model_fact *old = &model->facts[i];
		if (type != MODEL_M && old->a == a && old->b == b && old->type == type)
			old->present = FALSE;
	}
	struct model_fact *fact = &model->facts[model->n_facts];
	*fact = (struct model_fact){ .a = a,
		.b = b,
		.type = type,
		.kind = kind,
		.number = model->n_facts,
		.present = TRUE };
	model->n_facts++;
	return fact;
}

void model_delete(struct model *model, int a, int b, enum model_filter filter)
{
	for (unsigned i = 0; i < model->n_facts; i++) {
		struct model_fact *fact = &model->facts[i];
		if (fact->a == a && fact->b == b && model_filter_matches(filter, fact))
			fact->present = FALSE;
	}
}

void model_end_session(struct model *model, int publisher, gboolean forever_too)
{
	for (unsigned i = 0; i < model->n_facts; i++) {
		struct model_fact *fact = &model->facts[i];
		if (fact->publisher == publisher && (forever_too || !fact->forever))
			fact->present = FALSE;
	}
}
