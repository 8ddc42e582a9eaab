#pragma once
/* Small words for writing nftables JSON expressions. Every function returns a new reference;
 * arguments of type json_t * are taken.
 */
#include "host/rules.h"

#include <jansson.h>

json_t *enforce_expr_meta(const char *key);
json_t *enforce_expr_payload(const char *protocol, const char *field);
json_t *enforce_expr_match(const char *op, json_t *left, json_t *right);

/* meta KEY == text; PROTOCOL FIELD == text */
json_t *enforce_expr_meta_is(const char *key, const char *text);
json_t *enforce_expr_field_is(const char *protocol, const char *field, const char *text);

/* The two conntrack bits of the mark are exactly `bits` (ENFORCE_MARK_*). */
json_t *enforce_expr_state(guint32 bits);

/* A verdict without target: "accept", "drop", "return". */
json_t *enforce_expr_verdict(const char *verdict);
json_t *enforce_expr_jump(const char *chain);
json_t *enforce_expr_counter(void);

/* As nft prints sets: one element stands alone, more are {"set": [...]}. Those of `family` only;
 * NULL when none is. */
json_t *enforce_expr_addresses(const GArray *prefixes, guint8 family);
json_t *enforce_expr_set(json_t *elements);

/* The same as a plain array, perhaps empty. */
json_t *enforce_expr_elements(const GArray *prefixes, guint8 family);

/* A rule from a NULL-terminated list of expressions. */
json_t *enforce_expr_rule(const char *comment, json_t *first, ...) G_GNUC_NULL_TERMINATED;
