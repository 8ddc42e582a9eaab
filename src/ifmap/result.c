/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/result.h"

static void unref_meta(gpointer data)
{
	ifmap_meta_unref(data);
}

struct ifmap_item *ifmap_item_new(struct ifmap_id *a, struct ifmap_id *b)
{
	struct ifmap_item *item = g_new0(struct ifmap_item, 1);

	item->a = a;
	item->b = b;
	item->metas = g_ptr_array_new_with_free_func(unref_meta);
	return item;
}

static void free_item(gpointer data)
{
	struct ifmap_item *item = data;

	ifmap_id_unref(item->a);
	ifmap_id_unref(item->b);
	g_ptr_array_unref(item->metas);
	g_free(item);
}

struct ifmap_result *ifmap_result_new(enum ifmap_result_kind kind, const char *name)
{
	struct ifmap_result *result = g_new0(struct ifmap_result, 1);

	result->kind = kind;
	result->name = g_strdup(name);
	result->items = g_ptr_array_new_with_free_func(free_item);
	return result;
}

void ifmap_result_free(struct ifmap_result *result)
{
	if (!result)
		return;
	g_free(result->name);
	g_ptr_array_unref(result->items);
	g_free(result);
}
