/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/keeppub.h"

#include <string.h>

struct ifmap_keeppub *ifmap_keeppub_new(const char *const *prefixes)
{
	struct ifmap_keeppub *keeppub = g_new0(struct ifmap_keeppub, 1);

	keeppub->publish = ifmap_publish_new();
	keeppub->prefixes = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; prefixes && prefixes[i]; i++)
		g_ptr_array_add(keeppub->prefixes, g_strdup(prefixes[i]));
	g_ptr_array_add(keeppub->prefixes, NULL);
	return keeppub;
}

void ifmap_keeppub_free(struct ifmap_keeppub *keeppub)
{
	if (!keeppub)
		return;
	ifmap_publish_free(keeppub->publish);
	g_ptr_array_unref(keeppub->prefixes);
	g_free(keeppub);
}

const char *const *ifmap_keeppub_prefixes(const struct ifmap_keeppub *keeppub)
{
	return (const char *const *)keeppub->prefixes->pdata;
}

static const char *lookup(const struct ifmap_keeppub *keeppub, guint column, const char *wanted)
{
	const GPtrArray *list = keeppub->prefixes;

	for (guint i = 0; i + 2 < list->len; i += 2)
		if (g_strcmp0(g_ptr_array_index(list, i + column), wanted) == 0)
			return g_ptr_array_index(list, i);
	return NULL;
}

/* The prefix of `ns`; one is made up when there is none. */
static const char *prefix_of(struct ifmap_keeppub *keeppub, const char *ns)
{
	const char *found = lookup(keeppub, 1, ns);
	char *made;
	unsigned n = 0;

	if (found)
		return found;
	made = g_strdup("k0");
	while (lookup(keeppub, 0, made)) {
		g_free(made);
		made = g_strdup_printf("k%u", ++n);
	}
	g_ptr_array_remove_index(keeppub->prefixes, keeppub->prefixes->len - 1);
	g_ptr_array_add(keeppub->prefixes, made);
	g_ptr_array_add(keeppub->prefixes, g_strdup(ns));
	g_ptr_array_add(keeppub->prefixes, NULL);
	return made;
}

char *ifmap_keeppub_filter(
	const char *prefix, const struct ifmap_kept *kept, const char *publisher_id)
{
	char quote;

	if (!kept->slot)
		return g_strdup_printf(
			"%s:%s[@ifmap-publisher-id='%s']", prefix, kept->name, publisher_id);
	quote = strchr(kept->slot, '\'') ? '"' : '\'';
	if (strchr(kept->slot, quote))
		return NULL;
	return g_strdup_printf("%s:%s[@ifmap-publisher-id='%s' and @slot=%c%s%c]", prefix,
		kept->name, publisher_id, quote, kept->slot, quote);
}

void ifmap_keeppub_add_fresh(struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept)
{
	if (kept->meta)
		ifmap_publish_update(
			keeppub->publish, kept->a, kept->b, IFMAP_LIFETIME_SESSION, kept->meta);
}

void ifmap_keeppub_add(
	struct ifmap_keeppub *keeppub, const struct ifmap_kept *kept, const char *publisher_id)
{
	gboolean replaces_itself = kept->meta &&
				   ifmap_meta_cardinality(kept->meta) == IFMAP_SINGLE_VALUE;
	g_autofree char *filter = NULL;

	if (!replaces_itself) {
		filter = ifmap_keeppub_filter(prefix_of(keeppub, kept->ns), kept, publisher_id);
		if (filter) /* NULL would delete everything there */
			ifmap_publish_delete(keeppub->publish, kept->a, kept->b, filter);
	}
	ifmap_keeppub_add_fresh(keeppub, kept);
}
