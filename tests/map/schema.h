#pragma once
/* Judges values by those words of JSON Schema that docs/openapi.json uses. A word it does not know
 * is a fault of the schema, so that nothing goes unchecked in silence. */
#include <glib.h>
#include <jansson.h>

/* NULL when the value fits; else what does not, and where. "$ref" is looked up in `root`. */
char *schema_check(const json_t *root, const json_t *schema, const json_t *value);
