#pragma once
/* The judge of the map engine: carries a sequence out on an engine in this process and on the model
 * of server-model.h, and compares every answer, every poll and the counts after every step. */
#include "sequence.h"

/* NULL when engine and model agree; else what differs, in which step, with all that was sent. */
char *oracle_run(const GArray *steps);
