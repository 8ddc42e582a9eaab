/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/ledger.h"

#include <string.h>

/* What the table holds for one slot. `link.data` is the entry itself; it hangs in `changed` while
 * number is not taken. */
struct entry {
	struct ifmap_kept *kept;
	guint64 number;
	GList link;
	gboolean is_changed;
};

struct ifmap_ledger {
	GHashTable *entries; /* key -> struct entry * */
	GQueue changed;      /* oldest change first */
	guint64 last;
};

static struct ifmap_kept *kept_alloc(
	const struct ifmap_id *a, const struct ifmap_id *b, const char *ns, const char *name)
{
	struct ifmap_kept *kept = g_new0(struct ifmap_kept, 1);

	kept->refs = 1;
	kept->a = ifmap_id_ref(a);
	kept->b = b ? ifmap_id_ref(b) : NULL;
	kept->ns = g_strdup(ns);
	kept->name = g_strdup(name);
	return kept;
}

struct ifmap_kept *ifmap_kept_new(
	const struct ifmap_id *a, const struct ifmap_id *b, const struct ifmap_meta *meta)
{
	struct ifmap_kept *kept = kept_alloc(a, b, ifmap_meta_ns(meta), ifmap_meta_name(meta));

	kept->meta = ifmap_meta_ref(meta);
	return kept;
}

struct ifmap_kept *ifmap_kept_new_dropped(
	const struct ifmap_id *a, const struct ifmap_id *b, const char *ns, const char *name)
{
	return kept_alloc(a, b, ns, name);
}

void ifmap_kept_set_slot(struct ifmap_kept *kept, const char *slot)
{
	g_free(kept->slot);
	kept->slot = g_strdup(slot);
}

struct ifmap_kept *ifmap_kept_ref(struct ifmap_kept *kept)
{
	g_atomic_int_inc(&kept->refs);
	return kept;
}

void ifmap_kept_unref(struct ifmap_kept *kept)
{
	if (!kept || !g_atomic_int_dec_and_test(&kept->refs))
		return;
	ifmap_id_unref(kept->a);
	ifmap_id_unref(kept->b);
	ifmap_meta_unref(kept->meta);
	g_free(kept->ns);
	g_free(kept->name);
	g_free(kept->slot);
	g_free(kept);
}

/* A link has one key whichever end is named first. Each part is preceded by its length, so that no
 * two slots share a key whatever the strings hold. */
static char *key_of(const struct ifmap_kept *kept)
{
	const char *a = ifmap_id_key(kept->a);
	const char *b = kept->b ? ifmap_id_key(kept->b) : "";
	const char *parts[] = { a, b, kept->ns, kept->name, kept->slot };
	GString *key = g_string_new(NULL);

	if (kept->b && strcmp(a, b) > 0) {
		parts[0] = b;
		parts[1] = a;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (parts[i])
			g_string_append_printf(key, "%zu:%s", strlen(parts[i]), parts[i]);
	return g_string_free(key, FALSE);
}

static void entry_free(gpointer data)
{
	struct entry *entry = data;

	ifmap_kept_unref(entry->kept);
	g_free(entry);
}

struct ifmap_ledger *ifmap_ledger_new(void)
{
	struct ifmap_ledger *ledger = g_new0(struct ifmap_ledger, 1);

	ledger->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	g_queue_init(&ledger->changed);
	return ledger;
}

void ifmap_ledger_free(struct ifmap_ledger *ledger)
{
	if (!ledger)
		return;
	g_hash_table_unref(ledger->entries); /* the links of `changed` live in the entries */
	g_free(ledger);
}

static void set_changed(struct ifmap_ledger *ledger, struct entry *entry, gboolean is_changed)
{
	if (entry->is_changed)
		g_queue_unlink(&ledger->changed, &entry->link);
	if (is_changed)
		g_queue_push_tail_link(&ledger->changed, &entry->link);
	entry->is_changed = is_changed;
}

/* Whether the slot holds just this already. */
static gboolean is_same(const struct ifmap_kept *old, const struct ifmap_kept *new)
{
	size_t old_size;
	size_t new_size;
	const char *old_xml;
	const char *new_xml;

	if (!old->meta || !new->meta)
		return old->meta == new->meta;
	old_xml = ifmap_meta_xml(old->meta, &old_size);
	new_xml = ifmap_meta_xml(new->meta, &new_size);
	return old_size == new_size && memcmp(old_xml, new_xml, new_size) == 0;
}

guint64 ifmap_ledger_put(struct ifmap_ledger *ledger, struct ifmap_kept *kept)
{
	g_autofree char *key = key_of(kept);
	struct entry *entry = g_hash_table_lookup(ledger->entries, key);

	if (entry && is_same(entry->kept, kept)) {
		ifmap_kept_unref(kept);
		return entry->number;
	}
	if (!entry) {
		entry = g_new0(struct entry, 1);
		entry->link.data = entry;
		g_hash_table_insert(ledger->entries, g_steal_pointer(&key), entry);
	}
	ifmap_kept_unref(entry->kept);
	entry->kept = kept;
	entry->number = ++ledger->last;
	set_changed(ledger, entry, TRUE);
	return entry->number;
}

guint64 ifmap_ledger_last(const struct ifmap_ledger *ledger)
{
	return ledger->last;
}

size_t ifmap_ledger_n_slots(const struct ifmap_ledger *ledger)
{
	return g_hash_table_size(ledger->entries);
}

static GPtrArray *kept_array(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)ifmap_kept_unref);
}

GPtrArray *ifmap_ledger_take(struct ifmap_ledger *ledger, guint64 up_to)
{
	GPtrArray *taken = kept_array();

	for (GList *link = ledger->changed.head; link; link = ledger->changed.head) {
		struct entry *entry = link->data;

		if (entry->number > up_to)
			break;
		set_changed(ledger, entry, FALSE);
		g_ptr_array_add(taken, ifmap_kept_ref(entry->kept));
		if (!entry->kept->meta) {
			g_autofree char *key = key_of(entry->kept);

			g_hash_table_remove(ledger->entries, key);
		}
	}
	return taken;
}

static int compare_numbers(gconstpointer a, gconstpointer b)
{
	const struct entry *left = *(const struct entry *const *)a;
	const struct entry *right = *(const struct entry *const *)b;

	return left->number < right->number ? -1 : left->number > right->number;
}

GPtrArray *ifmap_ledger_take_all(struct ifmap_ledger *ledger)
{
	g_autoptr(GPtrArray) standing = g_ptr_array_new();
	GPtrArray *taken = kept_array();
	GHashTableIter iter;
	gpointer data;

	g_hash_table_iter_init(&iter, ledger->entries);
	while (g_hash_table_iter_next(&iter, NULL, &data)) {
		struct entry *entry = data;

		set_changed(ledger, entry, FALSE);
		if (entry->kept->meta)
			g_ptr_array_add(standing, entry);
		else
			g_hash_table_iter_remove(&iter);
	}
	g_ptr_array_sort(standing, compare_numbers);
	for (guint i = 0; i < standing->len; i++) {
		struct entry *entry = g_ptr_array_index(standing, i);

		g_ptr_array_add(taken, ifmap_kept_ref(entry->kept));
	}
	return taken;
}
