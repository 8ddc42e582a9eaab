#pragma once
/* The enforcer's memory: machines and whether each is cut, as JSON in one file that is always whole
 * (written beside, fsynced, renamed, directory fsynced).
 */
#include "host/enforce_chains.h"

/* Shared by the tables that hold it, and never changed. */
struct enforce_state_entry {
	gint n_refs;
	struct rules_machine *machine; /* owned */
	enum enforce_mode mode;
	char *digest; /* of the machine's rules */
};

/* Takes the machine. One reference. */
struct enforce_state_entry *enforce_state_entry_new(
	struct rules_machine *machine, enum enforce_mode mode);
struct enforce_state_entry *enforce_state_entry_ref(struct enforce_state_entry *entry);
void enforce_state_entry_unref(gpointer data);

/* A table uuid → struct enforce_state_entry, of which it holds references. */
GHashTable *enforce_state_table_new(void);

/* Reads into `table`. A missing file is an empty one; a broken one leaves `table` as it was. */
gboolean enforce_state_read(const char *path, GHashTable *table, GError **error);
gboolean enforce_state_write(const char *path, GHashTable *table, GError **error);
