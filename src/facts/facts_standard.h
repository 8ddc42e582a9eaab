#pragma once
/* The rows of facts_table.c that are IF-MAP's own (ifmap.md 12) and not Drover's. Constant; any
 * thread.
 */
#include "facts/facts.h"

/* Indexed by kind - FACTS_FIRST_STANDARD. */
extern const struct facts_type FACTS_STANDARD[FACTS_N_KINDS - FACTS_FIRST_STANDARD];
