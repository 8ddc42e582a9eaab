#pragma once
/* What the files of the engine share: enforce_engine.c changes, enforce_verify.c reads back.
 */
#include "host/enforce_claims.h"
#include "host/enforce_engine.h"
#include "host/enforce_store.h"

struct enforce_engine {
	struct enforce_kernel *kernel;
	const struct enforce_backend *backend;
	guint16 log_group;
	struct enforce_store *store;   /* NULL: nothing is remembered */
	GHashTable *entries;           /* uuid → struct enforce_entry */
	struct enforce_claims *claims; /* of the entries */
	GHashTable *bridges;           /* bridge → guint16 zone, as in the kernel's tables */
	guint32 last_set;              /* see enforce_batch_new() */
};

struct enforce_entry *enforce_engine_entry(const struct enforce_engine *engine, const char *uuid);

/* The tables without machines, but with the bridges; all of it, as one transaction. */
struct enforce_batch *enforce_engine_base(struct enforce_engine *engine);
struct enforce_batch *enforce_engine_all(struct enforce_engine *engine);
