#pragma once
/* Sets of addresses and numbers in one form. The kernel joins what touches (10.0.0.0 and 10.0.0.1
 * come back as one prefix), so sets can only be compared as the intervals they cover. Pure.
 */
#include <glib.h>
#include <jansson.h>

/* What an nft match's right side covers: numbers, addresses, {"prefix"}, {"range"} or {"set": [of
 * these]}. New reference: an array of texts "kind low-high", joined and in order; NULL when it is
 * something else. */
json_t *enforce_interval_normalise(const json_t *value);
