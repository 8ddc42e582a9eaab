#pragma once
/* A struct rules_machine as JSON: on the wire to the enforcer, in its state file and in hostd's.
 * Reading checks everything (rules_machine_check) and refuses fields it does not know: what is not
 * understood is not enforced.
 */
#include "host/rules.h"

#include <jansson.h>

/* New reference. */
json_t *rules_machine_to_json(const struct rules_machine *machine);

/* NULL with RULES_ERROR_INVALID naming the field. */
struct rules_machine *rules_machine_from_json(const json_t *json, GError **error);
