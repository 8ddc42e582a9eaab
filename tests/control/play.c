#include "play.h"

#include <string.h>

static char *place_of(const struct ifmap_id *id)
{
	if (!id)
		return NULL;
	if (ifmap_id_type(id) == IFMAP_ID_DEVICE)
		return g_strconcat("device:", ifmap_id_value(id), NULL);
	if (ifmap_id_type(id) == IFMAP_ID_MAC_ADDRESS)
		return g_strconcat("mac:", ifmap_id_value(id), NULL);
	if (facts_id_is(id, "fleet"))
		return g_strdup("fleet:default");
	return g_strconcat(ifmap_id_extended_name(id), ":", facts_id_name(id), NULL);
}

/* The kind that a delete's filter names: "d:order" or "d:alert[...]". */
static enum facts_kind kind_of_filter(const char *filter)
{
	unsigned kind = 0;

	g_assert_true(g_str_has_prefix(filter, "d:"));
	while (kind < FACTS_N_KINDS) {
		const char *name = facts_type(kind)->name;
		const char *end = filter + 2 + strlen(name);

		if (g_str_has_prefix(filter + 2, name) && (!*end || *end == '['))
			return kind;
		kind++;
	}
	g_error("filter %s", filter);
}

static enum facts_kind kind_of(const struct ifmap_change *change)
{
	return change->type == IFMAP_OPERATION_DELETE ? kind_of_filter(change->filter)
						      : facts_kind_of(change->meta);
}

void play_apply(
	struct world *world, const struct ifmap_publish *publish, struct world_touched *touched)
{
	for (unsigned i = 0; i < publish->changes->len; i++) {
		const struct ifmap_change *change = publish->changes->pdata[i];
		g_autofree char *a = place_of(change->a);
		g_autofree char *b = place_of(change->b);
		g_autoptr(GError) error = NULL;

		if (change->type == IFMAP_OPERATION_DELETE)
			world_put(world, kind_of(change), a, b, NULL, touched);
		else
			world_add(world, change->a, change->b, change->meta, touched, &error);
		g_assert_no_error(error);
	}
}

static gboolean joins(const struct ifmap_change *change, const char *a, const char *b)
{
	g_autofree char *x = place_of(change->a);
	g_autofree char *y = place_of(change->b);

	return (g_strcmp0(a, x) == 0 && g_strcmp0(b, y) == 0) ||
	       (g_strcmp0(a, y) == 0 && g_strcmp0(b, x) == 0);
}

gboolean play_find(const struct ifmap_publish *publish, enum facts_kind kind, const char *a,
	const char *b, void *ret)
{
	for (unsigned i = 0; i < publish->changes->len; i++) {
		const struct ifmap_change *change = publish->changes->pdata[i];

		if (change->type == IFMAP_OPERATION_UPDATE && kind_of(change) == kind &&
			joins(change, a, b))
			return facts_decode(kind, change->meta, ret, NULL);
	}
	return FALSE;
}

unsigned play_count(
	const struct ifmap_publish *publish, enum facts_kind kind, enum ifmap_operation_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < publish->changes->len; i++) {
		const struct ifmap_change *change = publish->changes->pdata[i];

		n += change->type == type && kind_of(change) == kind ? 1 : 0;
	}
	return n;
}

char *play_to_string(const struct ifmap_publish *publish)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; i < publish->changes->len; i++) {
		const struct ifmap_change *change = publish->changes->pdata[i];
		g_autofree char *a = place_of(change->a);
		g_autofree char *b = place_of(change->b);

		g_string_append_printf(text, "%s %s %s %s\n",
			change->type == IFMAP_OPERATION_DELETE ? "-" : "+",
			facts_type(kind_of(change))->name, a, b ? b : "");
	}
	return g_string_free(text, FALSE);
}
