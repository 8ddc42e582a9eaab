#include "host/enforce_expr.h"

#include "host/enforce_chains.h"

#include <stdarg.h>
#include <string.h>

json_t *enforce_expr_meta(const char *key)
{
	return json_pack("{s:{s:s}}", "meta", "key", key);
}

json_t *enforce_expr_payload(const char *protocol, const char *field)
{
	return json_pack("{s:{s:s, s:s}}", "payload", "protocol", protocol, "field", field);
}

json_t *enforce_expr_match(const char *op, json_t *left, json_t *right)
{
	return json_pack("{s:{s:s, s:o, s:o}}", "match", "op", op, "left", left, "right", right);
}

json_t *enforce_expr_meta_is(const char *key, const char *text)
{
	return enforce_expr_match("==", enforce_expr_meta(key), json_string(text));
}

json_t *enforce_expr_field_is(const char *protocol, const char *field, const char *text)
{
	return enforce_expr_match("==", enforce_expr_payload(protocol, field), json_string(text));
}

json_t *enforce_expr_state(guint32 bits)
{
	json_t *masked = json_pack(
		"{s:[o, I]}", "&", enforce_expr_meta("mark"), (json_int_t)ENFORCE_MARK_MASK);

	return enforce_expr_match("==", masked, json_integer(bits));
}

json_t *enforce_expr_verdict(const char *verdict)
{
	return json_pack("{s:n}", verdict);
}

json_t *enforce_expr_jump(const char *chain)
{
	return json_pack("{s:{s:s}}", "jump", "target", chain);
}

json_t *enforce_expr_counter(void)
{
	return json_pack("{s:{s:i, s:i}}", "counter", "packets", 0, "bytes", 0);
}

json_t *enforce_expr_set(json_t *elements)
{
	json_t *only;

	if (json_array_size(elements) != 1)
		return json_pack("{s:o}", "set", elements);
	only = json_incref(json_array_get(elements, 0));
	json_decref(elements);
	return only;
}

/* Whether another prefix of the list says the same or more; of equal ones the first counts. */
static gboolean is_covered(const GArray *prefixes, guint index)
{
	const struct rules_prefix *prefix = &g_array_index(prefixes, struct rules_prefix, index);

	for (guint i = 0; i < prefixes->len; i++) {
		const struct rules_prefix *other = &g_array_index(prefixes, struct rules_prefix, i);

		if (i != index && rules_prefix_contains(other, prefix) &&
			(other->bits < prefix->bits || i < index))
			return TRUE;
	}
	return FALSE;
}

static json_t *prefix_element(const struct rules_prefix *prefix)
{
	char text[RULES_PREFIX_TEXT];
	struct rules_prefix address = *prefix;

	if (prefix->bits == (prefix->family == 4 ? 32 : 128))
		return json_string(rules_prefix_to_string(prefix, text));
	address.bits = prefix->family == 4 ? 32 : 128;
	return json_pack("{s:{s:s, s:i}}", "prefix", "addr", rules_prefix_to_string(&address, text),
		"len", (int)prefix->bits);
}

json_t *enforce_expr_elements(const GArray *prefixes, guint8 family)
{
	json_t *elements = json_array();

	for (guint i = 0; i < prefixes->len; i++) {
		const struct rules_prefix *prefix = &g_array_index(
			prefixes, struct rules_prefix, i);

		if (prefix->family == family && !is_covered(prefixes, i))
			json_array_append_new(elements, prefix_element(prefix));
	}
	return elements;
}

json_t *enforce_expr_addresses(const GArray *prefixes, guint8 family)
{
	json_t *elements = enforce_expr_elements(prefixes, family);

	if (json_array_size(elements))
		return enforce_expr_set(elements);
	json_decref(elements);
	return NULL;
}

json_t *enforce_expr_rule(const char *comment, json_t *first, ...)
{
	json_t *exprs = json_array();
	va_list arguments;

	va_start(arguments, first);
	for (json_t *expr = first; expr; expr = va_arg(arguments, json_t *))
		json_array_append_new(exprs, expr);
	va_end(arguments);
	return comment ? json_pack("{s:s, s:o}", "comment", comment, "expr", exprs)
		       : json_pack("{s:o}", "expr", exprs);
}
