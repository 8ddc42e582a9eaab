#pragma once
/* Names as people type them. What is not there is answered with what they may have meant.
 *
 * Everything found belongs to the world and lives as long as it. Nothing here exits: whoever gets
 * NULL returns COMMAND_REFUSED, the sentence has been printed.
 */
#include "cmd/context.h"

/* The application of that name; NULL after having said that there is none. */
const struct world_vapp *names_vapp(const struct world *world, const char *name);
/* The same, with a package that can be read. */
const struct world_vapp *names_package(const struct world *world, const char *name);
/* The host of that name or UUID; NULL after having said that there is none. */
const struct world_host *names_host(const struct world *world, const char *name);
/* Several, comma separated: const struct world_host *, borrowed; free the array. NULL after having
 * said which there is not. */
GPtrArray *names_hosts(const struct world *world, const char *list);

/* Says that there is no such reason code; COMMAND_REFUSED. */
int names_code(const char *name);

/* Of `known` (NULL-terminated) the one that `typed` is most likely a slip of; NULL: none is near.
 * Case counts little, swapped neighbours count once. */
const char *names_nearest(const char *typed, const char *const *known);
