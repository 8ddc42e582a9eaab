/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The graph one subscription sees, as a hash table of elements that carry metadata. An element is
 * an identifier or an unordered pair of them; one without metadata has nothing to show and is not
 * kept. */
#include <drover/ifmap.h>
#include <string.h>

struct element {
	struct ifmap_id *a;
	struct ifmap_id *b; /* NULL: an identifier */
	GPtrArray *metas;
};

struct ifmap_mirror {
	GHashTable *elements; /* struct element *, its own key */
	size_t n_metas;
};

/* Both hold for either order of a link's ends. */
static guint element_hash(gconstpointer data)
{
	const struct element *element = data;
	guint hash = g_str_hash(ifmap_id_key(element->a));

	return element->b ? hash + g_str_hash(ifmap_id_key(element->b)) : hash;
}

static gboolean element_equal(gconstpointer left_data, gconstpointer right_data)
{
	const struct element *left = left_data;
	const struct element *right = right_data;

	if (!left->b || !right->b)
		return !left->b && !right->b && ifmap_id_equal(left->a, right->a);
	return (ifmap_id_equal(left->a, right->a) && ifmap_id_equal(left->b, right->b)) ||
	       (ifmap_id_equal(left->a, right->b) && ifmap_id_equal(left->b, right->a));
}

static void element_free(gpointer data)
{
	struct element *element = data;

	ifmap_id_unref(element->a);
	ifmap_id_unref(element->b);
	g_ptr_array_unref(element->metas);
	g_free(element);
}

struct ifmap_mirror *ifmap_mirror_new(void)
{
	struct ifmap_mirror *mirror = g_new0(struct ifmap_mirror, 1);

	mirror->elements = g_hash_table_new_full(element_hash, element_equal, NULL, element_free);
	return mirror;
}

void ifmap_mirror_free(struct ifmap_mirror *mirror)
{
	if (!mirror)
		return;
	g_hash_table_unref(mirror->elements);
	g_free(mirror);
}

void ifmap_mirror_clear(struct ifmap_mirror *mirror)
{
	g_hash_table_remove_all(mirror->elements);
	mirror->n_metas = 0;
}

static struct element *find_element(
	const struct ifmap_mirror *mirror, const struct ifmap_id *a, const struct ifmap_id *b)
{
	const struct element key = { .a = (struct ifmap_id *)a, .b = (struct ifmap_id *)b };

	return g_hash_table_lookup(mirror->elements, &key);
}

static struct element *add_element(struct ifmap_mirror *mirror, const struct ifmap_item *item)
{
	struct element *element = find_element(mirror, item->a, item->b);

	if (element)
		return element;
	element = g_new0(struct element, 1);
	element->a = ifmap_id_ref(item->a);
	element->b = item->b ? ifmap_id_ref(item->b) : NULL;
	element->metas = g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_meta_unref);
	g_hash_table_add(mirror->elements, element);
	return element;
}

static gboolean is_same_type(const struct ifmap_meta *a, const struct ifmap_meta *b)
{
	return ifmap_meta_is(a, ifmap_meta_ns(b), ifmap_meta_name(b));
}

static gboolean is_same_text(const struct ifmap_meta *a, const struct ifmap_meta *b)
{
	size_t a_size = 0;
	size_t b_size = 0;
	const char *a_xml = ifmap_meta_xml(a, &a_size);
	const char *b_xml = ifmap_meta_xml(b, &b_size);

	return a_size == b_size && memcmp(a_xml, b_xml, a_size) == 0;
}

/* One instance is the same as another when all of its text is, stamps included; and an element has
 * one of a singleValue type whatever its text. */
static gboolean is_same_instance(const struct ifmap_meta *a, const struct ifmap_meta *b)
{
	if (!is_same_type(a, b))
		return FALSE;
	return ifmap_meta_cardinality(b) == IFMAP_SINGLE_VALUE || is_same_text(a, b);
}

static void add_meta(
	struct ifmap_mirror *mirror, struct element *element, const struct ifmap_meta *meta)
{
	if (ifmap_meta_cardinality(meta) == IFMAP_SINGLE_VALUE)
		for (guint i = 0; i < element->metas->len; i++)
			if (is_same_type(g_ptr_array_index(element->metas, i), meta)) {
				ifmap_meta_unref(element->metas->pdata[i]);
				element->metas->pdata[i] = ifmap_meta_ref(meta);
				return;
			}
	g_ptr_array_add(element->metas, ifmap_meta_ref(meta));
	mirror->n_metas++;
}

static void add_item(struct ifmap_mirror *mirror, const struct ifmap_item *item)
{
	struct element *element;

	if (item->metas->len == 0)
		return;
	element = add_element(mirror, item);
	for (guint i = 0; i < item->metas->len; i++)
		add_meta(mirror, element, g_ptr_array_index(item->metas, i));
}

static void remove_meta(
	struct ifmap_mirror *mirror, struct element *element, const struct ifmap_meta *meta)
{
	for (guint i = 0; i < element->metas->len; i++)
		if (is_same_instance(g_ptr_array_index(element->metas, i), meta)) {
			g_ptr_array_remove_index(element->metas, i);
			mirror->n_metas--;
			return;
		}
}

static void remove_item(struct ifmap_mirror *mirror, const struct ifmap_item *item)
{
	struct element *element = find_element(mirror, item->a, item->b);

	if (!element)
		return;
	for (guint i = 0; i < item->metas->len; i++)
		remove_meta(mirror, element, g_ptr_array_index(item->metas, i));
	if (element->metas->len == 0)
		g_hash_table_remove(mirror->elements, element);
}

static void ignore_item(struct ifmap_mirror *mirror, const struct ifmap_item *item)
{
}

static void (*const apply_item[])(struct ifmap_mirror *mirror, const struct ifmap_item *item) = {
	[IFMAP_RESULT_SEARCH] = add_item,
	[IFMAP_RESULT_UPDATE] = add_item,
	[IFMAP_RESULT_DELETE] = remove_item,
	[IFMAP_RESULT_NOTIFY] = ignore_item,
};

void ifmap_mirror_apply(struct ifmap_mirror *mirror, const struct ifmap_result *result)
{
	if (result->kind == IFMAP_RESULT_SEARCH)
		ifmap_mirror_clear(mirror);
	for (guint i = 0; i < result->items->len; i++)
		apply_item[result->kind](mirror, g_ptr_array_index(result->items, i));
}

void ifmap_mirror_foreach(const struct ifmap_mirror *mirror, ifmap_mirror_fn fn, gpointer data)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, mirror->elements);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const struct element *element = key;

		for (guint i = 0; i < element->metas->len; i++)
			fn(element->a, element->b, g_ptr_array_index(element->metas, i), data);
	}
}

const struct ifmap_meta *ifmap_mirror_find(const struct ifmap_mirror *mirror,
	const struct ifmap_id *a, const struct ifmap_id *b, const char *ns, const char *name)
{
	const struct element *element = find_element(mirror, a, b);

	for (guint i = 0; element && i < element->metas->len; i++)
		if (ifmap_meta_is(g_ptr_array_index(element->metas, i), ns, name))
			return g_ptr_array_index(element->metas, i);
	return NULL;
}

size_t ifmap_mirror_n_metas(const struct ifmap_mirror *mirror)
{
	return mirror->n_metas;
}
