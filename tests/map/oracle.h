#pragma once
/* The judge of the map engine: carries a sequence out on an engine in this process and on the model
 * of server-model.h, and compares every answer, every poll and the counts after every step. */
#include "sequence.h"

/* NULL when engine and model agree; else what differs, in which step, with all that was sent. */
char *oracle_run(const GArray *steps);

/* The same with a store in the file `path` (which must not exist), and then what only a store can
 * do: searches of moments of the past, before and after the server was started again, find what the
 * model had then; the log of an identifier names all that ever stood there. `seed` draws them. */
char *oracle_run_durably(const GArray *steps, const char *path, guint32 seed);
