#include "ifmap/result.h"
#include "sample.h"

#include <string.h>

#define N_IPS   4U
#define N_STEPS 300U

static struct ifmap_item *add_item(struct ifmap_result *result, unsigned a, int b)
{
	struct ifmap_item *item = ifmap_item_new(
		sample_ip(a), b < 0 ? NULL : sample_ip((unsigned)b));

	g_ptr_array_add(result->items, item);
	return item;
}

static void apply_one(
	struct ifmap_mirror *mirror, enum ifmap_result_kind kind, int b, struct ifmap_meta *meta)
{
	g_autoptr(ifmap_result) result = ifmap_result_new(kind, "s");

	g_ptr_array_add(add_item(result, 1, b)->metas, meta);
	ifmap_mirror_apply(mirror, result);
}

static struct ifmap_meta *single(const char *text, unsigned seconds)
{
	return sample_stamped("one", IFMAP_SINGLE_VALUE, text, seconds);
}

static struct ifmap_meta *multi(const char *text, unsigned seconds)
{
	return sample_stamped("many", IFMAP_MULTI_VALUE, text, seconds);
}

static const char *find_text(const struct ifmap_mirror *mirror, unsigned a, int b)
{
	g_autoptr(ifmap_id) left = sample_ip(a);
	g_autoptr(ifmap_id) right = b < 0 ? NULL : sample_ip((unsigned)b);
	const struct ifmap_meta *meta = ifmap_mirror_find(mirror, left, right, SAMPLE_NS, "one");

	return meta ? ifmap_meta_text(meta, "v") : NULL;
}

static void test_single(void)
{
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();

	apply_one(mirror, IFMAP_RESULT_UPDATE, -1, single("a", 1));
	apply_one(mirror, IFMAP_RESULT_UPDATE, -1, single("b", 2));
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 1);
	g_assert_cmpstr(find_text(mirror, 1, -1), ==, "b");
	apply_one(mirror, IFMAP_RESULT_NOTIFY, -1, single("c", 3));
	g_assert_cmpstr(find_text(mirror, 1, -1), ==, "b");
	apply_one(mirror, IFMAP_RESULT_DELETE, -1, single("b", 2));
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 0);
	g_assert_null(find_text(mirror, 1, -1));
}

/* Equal content twice is two instances (ifmap.md D8); each delete takes one. */
static void test_multi(void)
{
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();

	apply_one(mirror, IFMAP_RESULT_UPDATE, -1, multi("a", 1));
	apply_one(mirror, IFMAP_RESULT_UPDATE, -1, multi("a", 1));
	apply_one(mirror, IFMAP_RESULT_UPDATE, -1, multi("a", 2));
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 3);
	apply_one(mirror, IFMAP_RESULT_DELETE, -1, multi("a", 3));
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 3);
	apply_one(mirror, IFMAP_RESULT_DELETE, -1, multi("a", 1));
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 2);
}

static void test_link_ends(void)
{
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();
	g_autoptr(ifmap_result) reversed = ifmap_result_new(IFMAP_RESULT_DELETE, "s");

	apply_one(mirror, IFMAP_RESULT_UPDATE, 2, single("a", 1));
	g_assert_cmpstr(find_text(mirror, 2, 1), ==, "a");
	g_assert_null(find_text(mirror, 1, -1));
	g_ptr_array_add(add_item(reversed, 2, 1)->metas, single("a", 1));
	ifmap_mirror_apply(mirror, reversed);
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 0);
}

static void test_search_replaces(void)
{
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();

	apply_one(mirror, IFMAP_RESULT_UPDATE, 2, single("a", 1));
	apply_one(mirror, IFMAP_RESULT_SEARCH, -1, single("b", 2));
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 1);
	g_assert_null(find_text(mirror, 1, 2));
	ifmap_mirror_clear(mirror);
	g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, 0);
}

/* ---- against a model so plain that it can be read: a list of facts */

struct fact {
	unsigned a;
	int b; /* -1: none */
	gboolean is_single;
	unsigned type;
	unsigned text;
	unsigned seconds;
};

static struct ifmap_meta *fact_meta(const struct fact *fact)
{
	g_autofree char *name = g_strdup_printf(
		"%s%u", fact->is_single ? "one" : "many", fact->type);
	g_autofree char *text = g_strdup_printf("%u", fact->text);

	return sample_stamped(name, fact->is_single ? IFMAP_SINGLE_VALUE : IFMAP_MULTI_VALUE, text,
		fact->seconds);
}

static gboolean same_type(const struct fact *x, const struct fact *y)
{
	gboolean same_element = x->b < 0 || y->b < 0
					? x->b == y->b && x->a == y->a
					: (x->a == y->a && x->b == y->b) ||
						  ((int)x->a == y->b && x->b == (int)y->a);

	return same_element && x->is_single == y->is_single && x->type == y->type;
}

static gboolean same_instance(const struct fact *x, const struct fact *y)
{
	return same_type(x, y) &&
	       (x->is_single || (x->text == y->text && x->seconds == y->seconds));
}

static void model_remove(GArray *model, const struct fact *fact,
	gboolean (*is_same)(const struct fact *, const struct fact *))
{
	for (guint i = 0; i < model->len; i++)
		if (is_same(&g_array_index(model, struct fact, i), fact)) {
			g_array_remove_index(model, i);
			return;
		}
}

static void model_apply(GArray *model, enum ifmap_result_kind kind, const struct fact *fact)
{
	if (kind == IFMAP_RESULT_NOTIFY)
		return;
	if (kind == IFMAP_RESULT_DELETE) {
		model_remove(model, fact, same_instance);
		return;
	}
	if (fact->is_single)
		model_remove(model, fact, same_type);
	g_array_append_val(model, *fact);
}

static struct fact random_fact(GRand *random, const GArray *model)
{
	struct fact fact = {
		.a = (unsigned)g_rand_int_range(random, 0, N_IPS),
		.b = g_rand_int_range(random, -1, N_IPS),
		.is_single = g_rand_boolean(random),
		.type = (unsigned)g_rand_int_range(random, 0, 2),
		.text = (unsigned)g_rand_int_range(random, 0, 3),
		.seconds = (unsigned)g_rand_int_range(random, 0, 3),
	};

	if (model->len && g_rand_boolean(random)) {
		fact = g_array_index(
			model, struct fact, (guint)g_rand_int_range(random, 0, (gint32)model->len));
		if (fact.b >= 0 && g_rand_boolean(random)) {
			unsigned a = fact.a;

			fact.a = (unsigned)fact.b;
			fact.b = (int)a;
		}
	}
	if (fact.b == (int)fact.a)
		fact.b = -1;
	return fact;
}

static char *model_text(const GArray *model)
{
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < model->len; i++) {
		const struct fact *fact = &g_array_index(model, struct fact, i);
		g_autoptr(ifmap_id) a = sample_ip(fact->a);
		g_autoptr(ifmap_id) b = fact->b < 0 ? NULL : sample_ip((unsigned)fact->b);
		g_autoptr(ifmap_meta) meta = fact_meta(fact);

		g_ptr_array_add(lines, sample_line(a, b, meta));
	}
	g_ptr_array_sort(lines, sample_compare_lines);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

static void random_step(GRand *random, struct ifmap_mirror *mirror, GArray *model)
{
	static const enum ifmap_result_kind kinds[] = {
		IFMAP_RESULT_UPDATE,
		IFMAP_RESULT_DELETE,
		IFMAP_RESULT_UPDATE,
		IFMAP_RESULT_NOTIFY,
		IFMAP_RESULT_DELETE,
	};
	enum ifmap_result_kind kind =
		g_rand_int_range(random, 0, 40) == 0
			? IFMAP_RESULT_SEARCH
			: kinds[g_rand_int_range(random, 0, G_N_ELEMENTS(kinds))];
	g_autoptr(ifmap_result) result = ifmap_result_new(kind, "s");

	if (kind == IFMAP_RESULT_SEARCH)
		g_array_set_size(model, 0);
	for (int n = g_rand_int_range(random, 1, 5); n > 0; n--) {
		struct fact fact = random_fact(random, model);

		g_ptr_array_add(add_item(result, fact.a, fact.b)->metas, fact_meta(&fact));
		model_apply(model, kind, &fact);
	}
	ifmap_mirror_apply(mirror, result);
}

static void test_model(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();
	g_autoptr(GArray) model = g_array_new(FALSE, FALSE, sizeof(struct fact));
	GRand *random = g_rand_new_with_seed(seed);

	g_test_message("seed %u", seed);
	for (unsigned step = 0; step < N_STEPS; step++) {
		g_autofree char *expected = NULL;
		g_autofree char *got = NULL;

		random_step(random, mirror, model);
		expected = model_text(model);
		got = sample_mirror_text(mirror);
		g_assert_cmpstr(got, ==, expected);
		g_assert_cmpuint(ifmap_mirror_n_metas(mirror), ==, model->len);
	}
	g_rand_free(random);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/mirror/single", test_single);
	g_test_add_func("/ifmap/mirror/multi", test_multi);
	g_test_add_func("/ifmap/mirror/link-ends", test_link_ends);
	g_test_add_func("/ifmap/mirror/search-replaces", test_search_replaces);
	g_test_add_func("/ifmap/mirror/model", test_model);
	return g_test_run();
}
