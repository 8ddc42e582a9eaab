#include "model.h"

#include <string.h>

#include "summary.h"

static const char *const NAMES[SEQUENCE_IDS] = { "a", "b", "c", "d", "e", "y", "z" };
const char *const MODEL_TYPE_NAMES[SEQUENCE_TYPES] = { "s", "t", "m" };

static gboolean is_device(int id)
{
	return id >= 5;
}

const char *model_id_name(int id)
{
	return NAMES[id];
}

int model_claim(const struct sequence_op *op)
{
	return (op->type == 2) != (op->wrong == 1) ? MODEL_MULTI : MODEL_SINGLE;
}

/* ---- filters: a text for the server, the same question in C */

static gboolean match_all(int type, int attribute)
{
	return type >= 0 && attribute >= 0;
}

static gboolean match_none(int type, int attribute)
{
	return !match_all(type, attribute);
}

static gboolean match_s(int type, int attribute)
{
	(void)attribute;
	return type == 0;
}

static gboolean match_t_or_m(int type, int attribute)
{
	(void)attribute;
	return type == 1 || type == 2;
}

static gboolean match_attribute(int type, int attribute)
{
	(void)type;
	return attribute == 1;
}

static gboolean match_s_and_attribute(int type, int attribute)
{
	return type == 0 && attribute == 1;
}

static const struct {
	const char *text;
	gboolean (*matches)(int type, int attribute);
} FILTERS[SEQUENCE_FILTERS] = {
	{ NULL, match_all },
	{ "", match_none },
	{ "x:s", match_s },
	{ "x:t or x:m", match_t_or_m },
	{ "[@k='1']", match_attribute },
	{ "x:s[@k='1']", match_s_and_attribute },
};

const char *model_filter_text(int filter)
{
	return FILTERS[filter].text;
}

gboolean model_filter_matches(int filter, int type, int attribute)
{
	return FILTERS[filter].matches(type, attribute);
}

static gboolean passes(int filter, const struct model_fact *fact)
{
	return model_filter_matches(filter, fact->type, fact->attribute);
}

/* ---- search */

gboolean model_expands(const struct sequence_op *query, const struct model_answer *answer, int id)
{
	return answer->depth[id] >= 0 && answer->depth[id] < query->depth &&
	       !(query->stop && is_device(id));
}

static gboolean followed(const struct model *model, const struct sequence_op *query, int a, int b)
{
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		if (fact->present && fact->a == a && fact->b == b && passes(query->links, fact))
			return TRUE;
	}
	return FALSE;
}

/* Distances by relaxing until nothing gets shorter. */
static void measure(const struct sequence_op *query, gboolean follow[SEQUENCE_IDS][SEQUENCE_IDS],
	struct model_answer *answer)
{
	gboolean changed = TRUE;
	while (changed) {
		changed = FALSE;
		for (int a = 0; a < SEQUENCE_IDS; a++)
			for (int b = 0; b < SEQUENCE_IDS; b++) {
				int depth = answer->depth[a] + 1;
				if (a == b || !follow[MIN(a, b)][MAX(a, b)] ||
					!model_expands(query, answer, a))
					continue;
				if (answer->depth[b] >= 0 && answer->depth[b] <= depth)
					continue;
				answer->depth[b] = depth;
				changed = TRUE;
			}
	}
}

void model_search(
	const struct model *model, const struct sequence_op *query, struct model_answer *ret)
{
	gboolean follow[SEQUENCE_IDS][SEQUENCE_IDS] = { 0 };

	memset(ret, 0, sizeof(*ret));
	for (int a = 0; a < SEQUENCE_IDS; a++) {
		ret->depth[a] = a == query->a ? 0 : -1;
		for (int b = a + 1; b < SEQUENCE_IDS; b++)
			follow[a][b] = followed(model, query, a, b);
	}
	measure(query, follow, ret);
	for (int a = 0; a < SEQUENCE_IDS; a++)
		for (int b = a + 1; b < SEQUENCE_IDS; b++)
			ret->link[a][b] = follow[a][b] && (model_expands(query, ret, a) ||
								  model_expands(query, ret, b));
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		gboolean there = fact->b < 0 ? ret->depth[fact->a] >= 0
					     : ret->link[fact->a][fact->b];
		ret->fact[i] = fact->present && there && passes(query->result, fact) &&
			       (fact->b < 0 || passes(query->links, fact));
	}
}

/* ---- items */

struct model_items *model_items_new(void)
{
	struct model_items *items = g_new0(struct model_items, 1);
	items->texts = g_ptr_array_new_with_free_func(g_free);
	return items;
}

void model_items_free(struct model_items *items)
{
	if (!items)
		return;
	g_ptr_array_unref(items->texts);
	g_free(items);
}

char *model_items_text(const struct model_items *items)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	for (guint i = 0; i < items->texts->len; i++)
		g_ptr_array_add(texts, g_ptr_array_index(items->texts, i));
	return summary_join(texts, " ");
}

/* Bytes of the element as the server gives it out: as it came, its prefix declared, and stamped. */
static size_t meta_size(const struct model_fact *fact)
{
	static const char REST[] =
		"<x:s xmlns:x=\"urn:example:x\" ifmap-cardinality=\"Value\""
		" ifmap-publisher-id=\"A-0123456789abcdef\" ifmap-timestamp=\"2024-05-01T09:30:00Z\""
		" ifmap-timestamp-fraction=\"0.123456\" k=\"0\"><v></v></x:s>";
	char number[16];
	return strlen(REST) + strlen(fact->single ? "single" : "multi") +
	       (size_t)g_snprintf(number, sizeof(number), "%u", fact->number);
}

static size_t id_size(int id)
{
	return is_device(id) ? strlen("<device><name>y</name></device>")
			     : strlen("<access-request name=\"a\"/>");
}

static char *meta_text(const struct model_fact *fact)
{
	static const char *const CLIENTS[SEQUENCE_CLIENTS] = { "A", "B", "P", "R" };
	return g_strdup_printf(
		"%s=%u@%s", MODEL_TYPE_NAMES[fact->type], fact->number, CLIENTS[fact->publisher]);
}

/* `metas` (struct model_fact *, may be empty) on one element. */
static void add_item(int a, int b, const GPtrArray *metas, struct model_items *ret)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	size_t size = strlen("<resultItem></resultItem>") + id_size(a) + (b < 0 ? 0 : id_size(b));
	g_autofree char *who = b < 0 ? g_strdup(NAMES[a])
				     : g_strconcat(NAMES[a], "-", NAMES[b], NULL);

	for (guint i = 0; i < metas->len; i++) {
		g_ptr_array_add(texts, meta_text(g_ptr_array_index(metas, i)));
		size += meta_size(g_ptr_array_index(metas, i));
	}
	g_autofree char *what = summary_join(texts, ",");
	if (metas->len > 0)
		size += strlen("<metadata></metadata>");
	g_ptr_array_add(
		ret->texts, metas->len ? g_strconcat(who, "{", what, "}", NULL) : g_strdup(who));
	ret->size += size;
}

/* Items of every element that has marked facts or, if `shape` is given, is in that answer. */
static void add_items(const struct model *model, const gboolean *marked,
	const struct model_answer *shape, struct model_items *ret)
{
	g_autoptr(GPtrArray) metas = g_ptr_array_new();
	for (int a = 0; a < SEQUENCE_IDS; a++)
		for (int b = -1; b < SEQUENCE_IDS; b++) {
			g_ptr_array_set_size(metas, 0);
			for (unsigned i = 0; i < model->n_facts; i++)
				if (marked[i] && model->facts[i].a == a && model->facts[i].b == b)
					g_ptr_array_add(metas, (gpointer)&model->facts[i]);
			gboolean in_shape = shape &&
					    (b < 0 ? shape->depth[a] >= 0 : shape->link[a][b]);
			if (in_shape || metas->len > 0)
				add_item(a, b, metas, ret);
		}
}

void model_add_answer(
	const struct model *model, const struct model_answer *answer, struct model_items *ret)
{
	add_items(model, answer->fact, answer, ret);
}

void model_add_notice(const struct model_fact *notice, struct model_items *ret)
{
	g_autoptr(GPtrArray) metas = g_ptr_array_new();
	g_ptr_array_add(metas, (gpointer)notice);
	add_item(notice->a, notice->b, metas, ret);
}

/* ---- difference: ifmap.md 8.3 */

/* A visible singleValue fact of the same type stands in its place. */
static gboolean replaced(
	const struct model *model, const struct model_answer *after, const struct model_fact *old)
{
	for (unsigned i = 0; i < model->n_facts; i++) {
		const struct model_fact *fact = &model->facts[i];
		if (old->single && after->fact[i] && fact->a == old->a && fact->b == old->b &&
			fact->type == old->type)
			return TRUE;
	}
	return FALSE;
}

void model_add_deleted(const struct model *model, const struct model_answer *before,
	const struct model_answer *after, struct model_items *ret)
{
	gboolean marked[MODEL_FACTS] = { 0 };
	for (unsigned i = 0; i < model->n_facts; i++)
		marked[i] = before->fact[i] && !after->fact[i] &&
			    !replaced(model, after, &model->facts[i]);
	add_items(model, marked, NULL, ret);
}

void model_add_updated(const struct model *model, const struct model_answer *before,
	const struct model_answer *after, struct model_items *ret)
{
	gboolean marked[MODEL_FACTS] = { 0 };
	for (unsigned i = 0; i < model->n_facts; i++)
		marked[i] = after->fact[i] && !before->fact[i];
	add_items(model, marked, NULL, ret);
}

/* ---- operations: ifmap.md 2.7, 9 */

static gboolean stands_at(const struct model_fact *fact, const struct sequence_op *op)
{
	return fact->present && fact->a == op->a && fact->b == op->b;
}

void model_add(struct model *model, const struct sequence_op *op, int publisher)
{
	gboolean single = model->cardinality[op->type] == MODEL_SINGLE;

	g_assert(model->n_facts < MODEL_FACTS);
	for (unsigned i = 0; i < model->n_facts; i++)
		if (single && stands_at(&model->facts[i], op) && model->facts[i].type == op->type)
			model->facts[i].present = FALSE;
	model->facts[model->n_facts] = (struct model_fact){
		.a = op->a,
		.b = op->b,
		.type = op->type,
		.single = single,
		.number = model->n_facts,
		.attribute = op->attribute,
		.publisher = publisher,
		.forever = op->forever,
		.present = TRUE,
	};
	model->n_facts++;
}

static gboolean is_deleted(const struct model_fact *fact, const struct sequence_op *op)
{
	return stands_at(fact, op) && passes(op->filter, fact);
}

void model_delete(struct model *model, const struct sequence_op *op)
{
	for (unsigned i = 0; i < model->n_facts; i++)
		if (is_deleted(&model->facts[i], op))
			model->facts[i].present = FALSE;
}

gboolean model_would_delete(const struct model *model, const struct sequence_op *op)
{
	for (unsigned i = 0; i < model->n_facts; i++)
		if (is_deleted(&model->facts[i], op))
			return TRUE;
	return FALSE;
}

void model_remove_all(struct model *model, int publisher, enum model_extent extent)
{
	for (unsigned i = 0; i < model->n_facts; i++) {
		struct model_fact *fact = &model->facts[i];
		if (fact->publisher == publisher && (extent == MODEL_EVERYTHING || !fact->forever))
			fact->present = FALSE;
	}
}

/* ---- counts */

size_t model_stored(const struct model *model, int publisher)
{
	size_t size = 0;
	for (unsigned i = 0; i < model->n_facts; i++)
		if (model->facts[i].present && model->facts[i].publisher == publisher)
			size += meta_size(&model->facts[i]);
	return size;
}

unsigned model_n_present(const struct model *model)
{
	unsigned n = 0;
	for (unsigned i = 0; i < model->n_facts; i++)
		n += model->facts[i].present;
	return n;
}

unsigned model_n_links(const struct model *model)
{
	static const struct sequence_op WHATEVER = { .links = 0 };
	unsigned n = 0;
	for (int a = 0; a < SEQUENCE_IDS; a++)
		for (int b = a + 1; b < SEQUENCE_IDS; b++)
			n += followed(model, &WHATEVER, a, b);
	return n;
}
