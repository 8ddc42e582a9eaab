/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Evaluates a compiled filter over a metadata's tree. Allocates nothing; recursion is bounded by
 * what the compiler let through (nesting times steps of a path) and work by a budget of visited
 * nodes. */
#include <math.h>
#include <string.h>

#include "ifmap/filtertree.h"
#include "ifmap/metatree.h"

/* The node above the root element. */
#define DOCUMENT G_MAXUINT32
/* Nodes and attributes one evaluation may look at; past it the filter does not match. */
#define BUDGET   200000

struct evaluation {
	const struct ifmap_filter *filter;
	const struct ifmap_meta *meta;
	const struct ifmap_meta_tree *tree;
	unsigned budget;
};

static gboolean holds(struct evaluation *eval, guint index, guint32 node);

/* The text of a node: a stretch of bytes in which NULs do not count (metatree.h). */
struct value {
	const char *text;
	size_t size;
};

static gboolean spend(struct evaluation *eval)
{
	if (eval->budget == 0)
		return FALSE;
	eval->budget--;
	return TRUE;
}

/* ---- values against literals -- */

static gboolean value_starts_with(struct value value, const char *literal)
{
	for (size_t i = 0; i < value.size && *literal; i++)
		if (value.text[i] && value.text[i] != *literal++)
			return FALSE;
	return *literal == '\0';
}

static gboolean value_equals(struct value value, const char *literal)
{
	for (size_t i = 0; i < value.size; i++)
		if (value.text[i] && value.text[i] != *literal++)
			return FALSE;
	return *literal == '\0';
}

static gboolean value_contains(struct value value, const char *literal)
{
	if (!*literal)
		return TRUE;
	for (size_t i = 0; i < value.size; i++) {
		struct value rest = { value.text + i, value.size - i };

		if (value.text[i] == *literal && value_starts_with(rest, literal))
			return TRUE;
	}
	return FALSE;
}

static double value_number(struct value value)
{
	char digits[64];
	size_t size = 0;

	for (size_t i = 0; i < value.size; i++) {
		if (!value.text[i])
			continue;
		if (size == sizeof(digits))
			return NAN;
		digits[size++] = value.text[i];
	}
	return ifmap_filter_number(digits, size);
}

static gboolean numbers_compare(enum ifmap_filter_kind kind, double a, double b)
{
	switch ((int)kind) {
	case IFMAP_FILTER_EQUAL:
		return a == b;
	case IFMAP_FILTER_UNEQUAL:
		return a != b;
	case IFMAP_FILTER_LESS:
		return a < b;
	case IFMAP_FILTER_LESS_EQUAL:
		return a <= b;
	case IFMAP_FILTER_MORE:
		return a > b;
	case IFMAP_FILTER_MORE_EQUAL:
		return a >= b;
	}
	return FALSE;
}

/* Whether one value of the path's node set makes the expression true. */
static gboolean value_passes(const struct evaluation *eval, const struct ifmap_filter_expr *expr,
	const char *text, size_t size)
{
	const char *literal = eval->filter->strings->str + expr->literal;
	struct value value = { text, size };

	if (expr->kind == IFMAP_FILTER_EXISTS)
		return TRUE;
	if (expr->kind == IFMAP_FILTER_CONTAINS)
		return value_contains(value, literal);
	if (expr->kind == IFMAP_FILTER_STARTS_WITH)
		return value_starts_with(value, literal);
	if (!expr->is_number && expr->kind == IFMAP_FILTER_EQUAL)
		return value_equals(value, literal);
	if (!expr->is_number && expr->kind == IFMAP_FILTER_UNEQUAL)
		return !value_equals(value, literal);
	return numbers_compare(expr->kind, value_number(value), expr->number);
}

/* ---- steps -- */

static gboolean name_matches(const struct evaluation *eval, const struct ifmap_filter_step *step,
	const char *ns, const char *local)
{
	const char *strings = eval->filter->strings->str;

	return (step->local < 0 || strcmp(strings + step->local, local) == 0) &&
	       (step->ns < 0 || strcmp(strings + step->ns, ns) == 0);
}

static gboolean is_exact(const struct ifmap_filter_step *step)
{
	return step->ns >= 0 && step->local >= 0;
}

/* A predicate inside a step: bounded by the compiler's nesting. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static gboolean element_matches(
	struct evaluation *eval, const struct ifmap_filter_step *step, guint32 node)
{
	const struct ifmap_meta_node *element = &eval->tree->nodes[node];
	const char *strings = eval->tree->strings;

	if (!spend(eval) || (is_exact(step) && step->hash != element->hash))
		return FALSE;
	if (!name_matches(eval, step, strings + element->ns, strings + element->local))
		return FALSE;
	return step->filter < 0 || holds(eval, (guint)step->filter, node);
}

static gboolean any_stamp(const struct evaluation *eval, const struct ifmap_filter_expr *expr,
	const struct ifmap_filter_step *step)
{
	static const char *const names[] = { "ifmap-publisher-id", "ifmap-timestamp",
		"ifmap-timestamp-fraction" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *stamp = name_matches(eval, step, "", names[i])
					    ? ifmap_meta_stamp_value(eval->meta, names[i])
					    : NULL;

		if (stamp && value_passes(eval, expr, stamp, strlen(stamp)))
			return TRUE;
	}
	return FALSE;
}

static gboolean any_attribute(struct evaluation *eval, const struct ifmap_filter_expr *expr,
	const struct ifmap_filter_step *step, guint32 node)
{
	const struct ifmap_meta_node *element = &eval->tree->nodes[node];
	const char *strings = eval->tree->strings;

	for (guint32 i = element->attribute; i < element->attribute + element->n_attributes; i++) {
		const struct ifmap_meta_attribute *attribute = &eval->tree->attributes[i];
		const char *value = strings + attribute->value;

		if (!spend(eval))
			return FALSE;
		if (is_exact(step) && step->hash != attribute->hash)
			continue;
		if (name_matches(eval, step, strings + attribute->ns, strings + attribute->local) &&
			value_passes(eval, expr, value, strlen(value)))
			return TRUE;
	}
	return node == 0 && any_stamp(eval, expr, step);
}

static gboolean node_passes(
	const struct evaluation *eval, const struct ifmap_filter_expr *expr, guint32 node)
{
	const struct ifmap_meta_node *element = &eval->tree->nodes[node == DOCUMENT ? 0 : node];

	return value_passes(
		eval, expr, eval->tree->texts + element->text, element->text_end - element->text);
}

/* text(): the element's own text before its first child. */
static gboolean text_passes(
	const struct evaluation *eval, const struct ifmap_filter_expr *expr, guint32 node)
{
	const char *text = eval->tree->texts + eval->tree->nodes[node].text;

	return *text && value_passes(eval, expr, text, strlen(text));
}

/* Candidates of a step from `node`: [*ret_first, *ret_end), each followed by its next sibling or,
 * anywhere, by any. */
static void step_range(
	const struct evaluation *eval, guint32 node, guint32 *ret_first, guint32 *ret_end)
{
	*ret_first = node == DOCUMENT ? 0 : node + 1;
	*ret_end = node == DOCUMENT ? eval->tree->n_nodes : eval->tree->nodes[node].end;
}

/* Whether any node that the path's steps from `at` on lead to from `node` makes the expression
 * true. Recursion: one level a step, steps are bounded by the compiler. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static gboolean any_node(
	struct evaluation *eval, const struct ifmap_filter_expr *expr, guint at, guint32 node)
{
	const struct ifmap_filter_step *step = &g_array_index(
		eval->filter->steps, struct ifmap_filter_step, at);
	guint32 first, end;

	if (at == (guint)expr->step + expr->n_steps)
		return node_passes(eval, expr, node);
	if (step->axis == IFMAP_FILTER_SELF)
		return any_node(eval, expr, at + 1, node);
	if (step->axis == IFMAP_FILTER_ATTRIBUTE)
		return node != DOCUMENT && any_attribute(eval, expr, step, node);
	if (step->axis == IFMAP_FILTER_TEXT)
		return node != DOCUMENT && text_passes(eval, expr, node);
	step_range(eval, node, &first, &end);
	for (guint32 i = first; i < end && eval->budget > 0;
		i = step->axis == IFMAP_FILTER_ANYWHERE ? i + 1 : eval->tree->nodes[i].end)
		if (element_matches(eval, step, i) && any_node(eval, expr, at + 1, i))
			return TRUE;
	return FALSE;
}

/* Recursion: bounded by the compiler's nesting. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static gboolean holds(struct evaluation *eval, guint index, guint32 node)
{
	const struct ifmap_filter_expr *expr = &g_array_index(
		eval->filter->exprs, struct ifmap_filter_expr, index);

	switch ((int)expr->kind) {
	case IFMAP_FILTER_FALSE:
		return FALSE;
	case IFMAP_FILTER_TRUE:
		return TRUE;
	case IFMAP_FILTER_OR:
		return holds(eval, expr->left, node) || holds(eval, expr->right, node);
	case IFMAP_FILTER_AND:
		return holds(eval, expr->left, node) && holds(eval, expr->right, node);
	case IFMAP_FILTER_NOT:
		return !holds(eval, expr->left, node);
	}
	return any_node(eval, expr, expr->step, node);
}

gboolean ifmap_filter_matches(const struct ifmap_filter *filter, const struct ifmap_meta *meta)
{
	struct evaluation eval = {
		.filter = filter, .meta = meta, .tree = meta->tree, .budget = BUDGET
	};

	if (!filter)
		return TRUE;
	return holds(&eval, filter->root, DOCUMENT) && eval.budget > 0;
}
