#include "host/enforce_entry.h"

struct enforce_entry *enforce_entry_new(struct rules_machine *machine, enum enforce_mode mode)
{
	struct enforce_entry *entry = g_new0(struct enforce_entry, 1);

	entry->n_refs = 1;
	entry->machine = machine;
	entry->mode = mode;
	entry->digest = rules_machine_digest(machine);
	return entry;
}

struct enforce_entry *enforce_entry_ref(struct enforce_entry *entry)
{
	if (entry)
		entry->n_refs++;
	return entry;
}

void enforce_entry_unref(gpointer data)
{
	struct enforce_entry *entry = data;

	if (!entry || --entry->n_refs)
		return;
	rules_machine_free(entry->machine);
	g_free(entry->digest);
	enforce_batch_free(entry->chains);
	enforce_batch_free(entry->shut);
	g_free(entry);
}

GHashTable *enforce_entry_table_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, enforce_entry_unref);
}

struct enforce_change *enforce_change_new(
	const char *uuid, struct enforce_entry *next, struct enforce_entry *old)
{
	struct enforce_change *change = g_new0(struct enforce_change, 1);

	change->uuid = g_strdup(uuid);
	change->next = next;
	change->old = old;
	return change;
}

void enforce_change_free(gpointer data)
{
	struct enforce_change *change = data;

	g_free(change->uuid);
	enforce_entry_unref(change->next);
	enforce_entry_unref(change->old);
	g_free(change);
}
