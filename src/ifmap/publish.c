/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/publish.h"

static void free_change(gpointer data)
{
	struct ifmap_change *change = data;

	ifmap_id_unref(change->a);
	ifmap_id_unref(change->b);
	ifmap_meta_unref(change->meta);
	g_free(change->filter);
	g_free(change);
}

struct ifmap_publish *ifmap_publish_new(void)
{
	struct ifmap_publish *publish = g_new0(struct ifmap_publish, 1);

	publish->changes = g_ptr_array_new_with_free_func(free_change);
	return publish;
}

void ifmap_publish_free(struct ifmap_publish *publish)
{
	if (!publish)
		return;
	g_ptr_array_unref(publish->changes);
	g_free(publish);
}

static struct ifmap_change *add(struct ifmap_publish *publish, enum ifmap_operation_type type,
	const struct ifmap_id *a, const struct ifmap_id *b)
{
	struct ifmap_change *change = g_new0(struct ifmap_change, 1);

	change->type = type;
	change->a = ifmap_id_ref(a);
	change->b = b ? ifmap_id_ref(b) : NULL;
	g_ptr_array_add(publish->changes, change);
	return change;
}

void ifmap_publish_update(struct ifmap_publish *publish, const struct ifmap_id *a,
	const struct ifmap_id *b, enum ifmap_lifetime lifetime, const struct ifmap_meta *meta)
{
	struct ifmap_change *change = add(publish, IFMAP_OPERATION_UPDATE, a, b);

	change->lifetime = lifetime;
	change->meta = ifmap_meta_ref(meta);
}

void ifmap_publish_notify(struct ifmap_publish *publish, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta)
{
	add(publish, IFMAP_OPERATION_NOTIFY, a, b)->meta = ifmap_meta_ref(meta);
}

void ifmap_publish_delete(struct ifmap_publish *publish, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *filter)
{
	add(publish, IFMAP_OPERATION_DELETE, a, b)->filter = g_strdup(filter);
}

unsigned ifmap_publish_n_operations(const struct ifmap_publish *publish)
{
	return publish->changes->len;
}

void ifmap_publish_move(struct ifmap_publish *to, struct ifmap_publish *from)
{
	g_ptr_array_extend_and_steal(to->changes, from->changes);
	from->changes = g_ptr_array_new_with_free_func(free_change);
}

gboolean ifmap_publish_is_repeatable(const struct ifmap_publish *publish)
{
	for (guint i = 0; i < publish->changes->len; i++) {
		const struct ifmap_change *change = g_ptr_array_index(publish->changes, i);

		if (change->type == IFMAP_OPERATION_NOTIFY)
			return FALSE;
		if (change->type == IFMAP_OPERATION_UPDATE &&
			ifmap_meta_cardinality(change->meta) == IFMAP_MULTI_VALUE)
			return FALSE;
	}
	return TRUE;
}
