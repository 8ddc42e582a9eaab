#pragma once
/* One machine as it shall be, with its part of the kernel's tables prepared; and a change from one
 * such to the next.
 */
#include "host/enforce_chains.h"

/* Never changed, shared by reference. */
struct enforce_entry {
	gint n_refs;
	struct rules_machine *machine; /* owned */
	enum enforce_mode mode;
	char *digest;                 /* of the machine's rules */
	struct enforce_batch *chains; /* its part of the tables, prepared; NULL: not yet */
	struct enforce_batch *shut;   /* its part of the emergency table */
};

/* Takes the machine. One reference. */
struct enforce_entry *enforce_entry_new(struct rules_machine *machine, enum enforce_mode mode);
struct enforce_entry *enforce_entry_ref(struct enforce_entry *entry);
void enforce_entry_unref(gpointer data);

/* A table uuid → struct enforce_entry, of which it holds references. */
GHashTable *enforce_entry_table_new(void);

struct enforce_change {
	char *uuid;                 /* owned */
	struct enforce_entry *next; /* owned; NULL: the machine goes */
	struct enforce_entry *old;  /* owned; NULL: it is new */
};

/* Takes the entries. */
struct enforce_change *enforce_change_new(
	const char *uuid, struct enforce_entry *next, struct enforce_entry *old);
void enforce_change_free(gpointer data);
