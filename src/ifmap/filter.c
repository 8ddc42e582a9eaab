/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiles filters: recursive descent straight over the text, bounded in length, nesting and size.
 */
#include "ifmap/filter.h"

#include <math.h>
#include <string.h>

#include "ifmap/filtertree.h"
#include "ifmap/metatree.h"
#include "ifmap/prefixes.h"

#define MAX_TEXT    16384
#define MAX_NESTING 16 /* parentheses, not() and predicates inside each other */
#define MAX_EXPRS   1024
#define MAX_STEPS   1024 /* of a filter */
#define MAX_PATH    16   /* steps of one path */

struct compiler {
	const char *text;
	const char *p;
	const struct ifmap_prefixes *prefixes;
	struct ifmap_filter *filter;
	unsigned nesting;
	unsigned predicates; /* of the nesting: how many are predicates */
	GError **error;
};

static gboolean parse_or(struct compiler *compiler, guint *ret_expr);

static gboolean refuse(struct compiler *compiler, const char *why)
{
	g_set_error(compiler->error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "filter, character %td: %s",
		compiler->p - compiler->text + 1, why);
	return FALSE;
}

/* ---- tokens -- */

static void skip_blanks(struct compiler *compiler)
{
	compiler->p += strspn(compiler->p, " \t\r\n");
}

static gboolean eat(struct compiler *compiler, const char *token)
{
	skip_blanks(compiler);
	if (!g_str_has_prefix(compiler->p, token))
		return FALSE;
	compiler->p += strlen(token);
	return TRUE;
}

static gboolean is_name_start(char c)
{
	return g_ascii_isalpha(c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t name_size(const char *p)
{
	size_t size = 0;

	if (!is_name_start(*p))
		return 0;
	while (is_name_start(p[size]) || g_ascii_isdigit(p[size]) || p[size] == '-' ||
		p[size] == '.')
		size++;
	return size;
}

/* Eats the name `word` where an operator or a function stands. */
static gboolean eat_word(struct compiler *compiler, const char *word)
{
	skip_blanks(compiler);
	if (name_size(compiler->p) != strlen(word) || !g_str_has_prefix(compiler->p, word))
		return FALSE;
	compiler->p += strlen(word);
	return TRUE;
}

/* `word` and the parenthesis behind it; nothing is eaten unless both are there. */
static gboolean eat_function(struct compiler *compiler, const char *word)
{
	const char *before = compiler->p;

	if (eat_word(compiler, word) && eat(compiler, "("))
		return TRUE;
	compiler->p = before;
	return FALSE;
}

static guint32 store(struct compiler *compiler, const char *text, size_t size)
{
	guint32 at = (guint32)compiler->filter->strings->len;

	g_string_append_len(compiler->filter->strings, text, (gssize)size);
	g_string_append_c(compiler->filter->strings, '\0');
	return at;
}

double ifmap_filter_number(const char *text, size_t size)
{
	char digits[64];
	size_t used = 0, n_digits = 0, n_points = 0;

	while (size > 0 && strchr(" \t\r\n", *text) && *text) {
		text++;
		size--;
	}
	while (size > 0 && strchr(" \t\r\n", text[size - 1]) && text[size - 1])
		size--;
	if (size >= sizeof(digits))
		return NAN;
	for (size_t i = 0; i < size; i++) {
		if (g_ascii_isdigit(text[i]))
			n_digits++;
		else if (text[i] == '.')
			n_points++;
		else if (text[i] != '-' || i > 0)
			return NAN;
		digits[used++] = text[i];
	}
	digits[used] = '\0';
	return n_digits > 0 && n_points <= 1 ? g_ascii_strtod(digits, NULL) : NAN;
}

/* ---- expressions -- */

static gboolean add_expr(
	struct compiler *compiler, const struct ifmap_filter_expr *expr, guint *ret_expr)
{
	GArray *exprs = compiler->filter->exprs;

	if (exprs->len >= MAX_EXPRS)
		return refuse(compiler, "the filter is too complex");
	g_array_append_vals(exprs, expr, 1);
	*ret_expr = exprs->len - 1;
	return TRUE;
}

static gboolean add_pair(
	struct compiler *compiler, enum ifmap_filter_kind kind, guint left, guint *inout_expr)
{
	struct ifmap_filter_expr expr = {
		.kind = kind, .left = (guint16)left, .right = (guint16)*inout_expr
	};

	return add_expr(compiler, &expr, inout_expr);
}

static gboolean enter(struct compiler *compiler)
{
	return ++compiler->nesting <= MAX_NESTING || refuse(compiler, "nested too deeply");
}

/* An expression up to and with `close`. */
/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_enclosed(struct compiler *compiler, const char *close, guint *ret_expr)
{
	if (!enter(compiler) || !parse_or(compiler, ret_expr))
		return FALSE;
	compiler->nesting--;
	if (!eat(compiler, close))
		return refuse(compiler,
			*close == ']' ? "expected ] or an operator" : "expected ) or an operator");
	return TRUE;
}

/* ---- paths -- */

/* Resolves `prefix`; FALSE with an error when nothing declares it. */
static gboolean resolve(
	struct compiler *compiler, const char *prefix, size_t size, struct ifmap_filter_step *step)
{
	g_autofree char *name = g_strndup(prefix, size);
	const char *ns = ifmap_prefixes_find(compiler->prefixes, name);
	g_autofree char *why = NULL;

	if (ns) {
		step->ns = (gint32)store(compiler, ns, strlen(ns));
		return TRUE;
	}
	why = g_strdup_printf("the prefix \"%.40s\" is not declared", name);
	return refuse(compiler, why);
}

/* QName, *, or PREFIX:*. */
static gboolean parse_name(struct compiler *compiler, struct ifmap_filter_step *step)
{
	const char *strings;
	size_t size;

	step->ns = step->local = -1;
	if (eat(compiler, "*"))
		return TRUE;
	size = name_size(compiler->p);
	if (size == 0)
		return refuse(compiler, "expected a name");
	if (compiler->p[size] == ':' && compiler->p[size + 1] != ':') {
		if (!resolve(compiler, compiler->p, size, step))
			return FALSE;
		compiler->p += size + 1;
		if (*compiler->p == '*') {
			compiler->p++;
			return TRUE;
		}
		size = name_size(compiler->p);
		if (size == 0)
			return refuse(compiler, "expected a name behind the prefix");
	} else {
		step->ns = (gint32)store(compiler, "", 0);
	}
	if (compiler->p[size] == ':' || compiler->p[size] == '(')
		return refuse(compiler, "no such function or axis in filters");
	step->local = (gint32)store(compiler, compiler->p, size);
	compiler->p += size;
	strings = compiler->filter->strings->str;
	step->hash = ifmap_meta_name_hash(strings + step->ns, strings + step->local);
	return TRUE;
}

/* Any number of `[...]`, joined by and. */
/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_predicates(struct compiler *compiler, struct ifmap_filter_step *step)
{
	step->filter = -1;
	while (eat(compiler, "[")) {
		guint expr;

		compiler->predicates++;
		if (!parse_enclosed(compiler, "]", &expr))
			return FALSE;
		compiler->predicates--;
		if (step->filter >= 0 &&
			!add_pair(compiler, IFMAP_FILTER_AND, (guint)step->filter, &expr))
			return FALSE;
		step->filter = (gint32)expr;
	}
	return TRUE;
}

/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_step(
	struct compiler *compiler, gboolean first, struct ifmap_filter_step *step)
{
	step->ns = step->local = step->filter = -1;
	skip_blanks(compiler);
	if (first && *compiler->p == '[')
		return parse_predicates(compiler, step); /* "any element with" */
	if (eat_function(compiler, "text")) {
		step->axis = IFMAP_FILTER_TEXT;
		return eat(compiler, ")") || refuse(compiler, "text() takes nothing");
	}
	if (eat(compiler, "..") || eat(compiler, "//"))
		return refuse(compiler, "filters look down only, one step at a time");
	if (first && eat(compiler, ".")) {
		step->axis = IFMAP_FILTER_SELF;
		return TRUE;
	}
	if (eat(compiler, "@")) {
		step->axis = IFMAP_FILTER_ATTRIBUTE;
		return parse_name(compiler, step);
	}
	return parse_name(compiler, step) && parse_predicates(compiler, step);
}

/* Steps are collected first and stored together: predicates inside them store steps of their own.
 */
/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_path(struct compiler *compiler, struct ifmap_filter_expr *expr)
{
	struct ifmap_filter_step steps[MAX_PATH];
	guint n_steps = 0;
	gboolean anywhere = compiler->predicates == 0 && eat(compiler, "//");

	if (!anywhere && compiler->predicates == 0)
		eat(compiler, "/");
	do {
		struct ifmap_filter_step step = { .axis = IFMAP_FILTER_CHILD };

		if (n_steps == MAX_PATH || compiler->filter->steps->len + MAX_PATH > MAX_STEPS)
			return refuse(compiler, "too many steps");
		if (n_steps > 0 && steps[n_steps - 1].axis != IFMAP_FILTER_CHILD &&
			steps[n_steps - 1].axis != IFMAP_FILTER_SELF &&
			steps[n_steps - 1].axis != IFMAP_FILTER_ANYWHERE)
			return refuse(compiler, "nothing lies below an attribute or a text");
		if (!parse_step(compiler, n_steps == 0, &step))
			return FALSE;
		if (anywhere && n_steps == 0 && step.axis == IFMAP_FILTER_CHILD)
			step.axis = IFMAP_FILTER_ANYWHERE;
		steps[n_steps++] = step;
	} while (eat(compiler, "/"));
	expr->kind = IFMAP_FILTER_EXISTS;
	expr->step = (guint16)compiler->filter->steps->len;
	expr->n_steps = (guint16)n_steps;
	g_array_append_vals(compiler->filter->steps, steps, n_steps);
	return TRUE;
}

/* ---- comparisons -- */

static gboolean parse_string(struct compiler *compiler, struct ifmap_filter_expr *expr)
{
	const char *end = strchr(compiler->p + 1, *compiler->p);

	if (!end)
		return refuse(compiler, "the quotation mark has no partner");
	expr->literal = store(compiler, compiler->p + 1, (size_t)(end - compiler->p - 1));
	expr->number = ifmap_filter_number(compiler->p + 1, (size_t)(end - compiler->p - 1));
	expr->is_number = FALSE;
	compiler->p = end + 1;
	return TRUE;
}

static gboolean at_literal(struct compiler *compiler)
{
	skip_blanks(compiler);
	return *compiler->p == '\'' || *compiler->p == '"' || *compiler->p == '-' ||
	       g_ascii_isdigit(*compiler->p) ||
	       (*compiler->p == '.' && g_ascii_isdigit(compiler->p[1]));
}

static gboolean parse_literal(struct compiler *compiler, struct ifmap_filter_expr *expr)
{
	size_t size;

	if (!at_literal(compiler))
		return refuse(compiler, "expected a quoted text or a number");
	if (*compiler->p == '\'' || *compiler->p == '"')
		return parse_string(compiler, expr);
	size = strspn(compiler->p, "-.0123456789");
	expr->number = ifmap_filter_number(compiler->p, size);
	expr->literal = store(compiler, compiler->p, size);
	expr->is_number = TRUE;
	if (isnan(expr->number))
		return refuse(compiler, "not a number");
	compiler->p += size;
	return TRUE;
}

/* Longer spellings first. `mirrored` is what it means when the literal stands on the left. */
static const struct {
	const char *text;
	enum ifmap_filter_kind kind, mirrored;
} operators[] = {
	{ "!=", IFMAP_FILTER_UNEQUAL, IFMAP_FILTER_UNEQUAL },
	{ "<=", IFMAP_FILTER_LESS_EQUAL, IFMAP_FILTER_MORE_EQUAL },
	{ ">=", IFMAP_FILTER_MORE_EQUAL, IFMAP_FILTER_LESS_EQUAL },
	{ "=", IFMAP_FILTER_EQUAL, IFMAP_FILTER_EQUAL },
	{ "<", IFMAP_FILTER_LESS, IFMAP_FILTER_MORE },
	{ ">", IFMAP_FILTER_MORE, IFMAP_FILTER_LESS },
};

/* Index into operators, or -1. */
static int eat_operator(struct compiler *compiler)
{
	for (size_t i = 0; i < G_N_ELEMENTS(operators); i++)
		if (eat(compiler, operators[i].text))
			return (int)i;
	return -1;
}

/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_comparison(struct compiler *compiler, guint *ret_expr)
{
	struct ifmap_filter_expr expr = { .kind = IFMAP_FILTER_EXISTS };
	gboolean mirrored = at_literal(compiler);
	int op;

	if (!(mirrored ? parse_literal(compiler, &expr) : parse_path(compiler, &expr)))
		return FALSE;
	op = eat_operator(compiler);
	if (mirrored && op < 0)
		return refuse(compiler, "a text or number alone is no question");
	if (op >= 0) {
		if (!(mirrored ? parse_path(compiler, &expr) : parse_literal(compiler, &expr)))
			return FALSE;
		expr.kind = mirrored ? operators[op].mirrored : operators[op].kind;
	}
	return add_expr(compiler, &expr, ret_expr);
}

/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_text_function(
	struct compiler *compiler, enum ifmap_filter_kind kind, guint *ret_expr)
{
	struct ifmap_filter_expr expr = { .kind = kind };

	if (!enter(compiler) || !parse_path(compiler, &expr))
		return FALSE;
	compiler->nesting--;
	if (!eat(compiler, ","))
		return refuse(compiler, "expected a comma and a text");
	if (!parse_literal(compiler, &expr))
		return FALSE;
	if (!eat(compiler, ")"))
		return refuse(compiler, "expected )");
	expr.kind = kind;
	return add_expr(compiler, &expr, ret_expr);
}

/* ---- boolean structure -- */

/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_not(struct compiler *compiler, guint *ret_expr)
{
	struct ifmap_filter_expr expr = { .kind = IFMAP_FILTER_NOT };
	guint inner;

	if (!parse_enclosed(compiler, ")", &inner))
		return FALSE;
	expr.left = (guint16)inner;
	return add_expr(compiler, &expr, ret_expr);
}

static gboolean parse_constant(
	struct compiler *compiler, enum ifmap_filter_kind kind, guint *ret_expr)
{
	struct ifmap_filter_expr expr = { .kind = kind };

	if (!eat(compiler, ")"))
		return refuse(compiler, "expected )");
	return add_expr(compiler, &expr, ret_expr);
}

/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_term(struct compiler *compiler, guint *ret_expr)
{
	if (eat(compiler, "("))
		return parse_enclosed(compiler, ")", ret_expr);
	if (eat_function(compiler, "not"))
		return parse_not(compiler, ret_expr);
	if (eat_function(compiler, "contains"))
		return parse_text_function(compiler, IFMAP_FILTER_CONTAINS, ret_expr);
	if (eat_function(compiler, "starts-with"))
		return parse_text_function(compiler, IFMAP_FILTER_STARTS_WITH, ret_expr);
	if (eat_function(compiler, "true"))
		return parse_constant(compiler, IFMAP_FILTER_TRUE, ret_expr);
	if (eat_function(compiler, "false"))
		return parse_constant(compiler, IFMAP_FILTER_FALSE, ret_expr);
	return parse_comparison(compiler, ret_expr);
}

/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_and(struct compiler *compiler, guint *ret_expr)
{
	guint left;

	if (!parse_term(compiler, ret_expr))
		return FALSE;
	while (eat_word(compiler, "and")) {
		left = *ret_expr;
		if (!parse_term(compiler, ret_expr) ||
			!add_pair(compiler, IFMAP_FILTER_AND, left, ret_expr))
			return FALSE;
	}
	return TRUE;
}

/* `|` joins node sets; asked as a question that is the same as `or`. */
/* NOLINTNEXTLINE(misc-no-recursion): MAX_NESTING */
static gboolean parse_or(struct compiler *compiler, guint *ret_expr)
{
	guint left;

	if (!parse_and(compiler, ret_expr))
		return FALSE;
	while (eat_word(compiler, "or") || eat(compiler, "|")) {
		left = *ret_expr;
		if (!parse_and(compiler, ret_expr) ||
			!add_pair(compiler, IFMAP_FILTER_OR, left, ret_expr))
			return FALSE;
	}
	return TRUE;
}

/* ---- the filter -- */

static gboolean compile(struct compiler *compiler)
{
	if (!*compiler->text) {
		compiler->filter->empty = TRUE;
		struct ifmap_filter_expr nothing = { .kind = IFMAP_FILTER_FALSE };

		return add_expr(compiler, &nothing, &compiler->filter->root);
	}
	if (strlen(compiler->text) > MAX_TEXT)
		return refuse(compiler, "the filter is too long");
	if (!parse_or(compiler, &compiler->filter->root))
		return FALSE;
	skip_blanks(compiler);
	return *compiler->p == '\0' || refuse(compiler, "expected and, or, or the end");
}

struct ifmap_filter *ifmap_filter_new(
	const char *text, const struct ifmap_prefixes *prefixes, GError **error)
{
	struct ifmap_filter *filter = g_new0(struct ifmap_filter, 1);
	struct compiler compiler = {
		.text = text, .p = text, .prefixes = prefixes, .filter = filter, .error = error
	};

	filter->refs = 1;
	filter->exprs = g_array_new(FALSE, FALSE, sizeof(struct ifmap_filter_expr));
	/* One step more than there are: the evaluator may take its address. */
	filter->steps = g_array_new(TRUE, FALSE, sizeof(struct ifmap_filter_step));
	filter->strings = g_string_new(NULL);
	if (compile(&compiler))
		return filter;
	ifmap_filter_unref(filter);
	return NULL;
}

gboolean ifmap_filter_negate(struct ifmap_filter *filter, GError **error)
{
	struct compiler compiler = { .text = "", .p = "", .filter = filter, .error = error };
	struct ifmap_filter_expr opposite = { .kind = IFMAP_FILTER_NOT,
		.left = (guint16)filter->root };

	if (filter->empty)
		return TRUE;
	return add_expr(&compiler, &opposite, &filter->root);
}

struct ifmap_filter *ifmap_filter_ref(struct ifmap_filter *filter)
{
	g_atomic_int_inc(&filter->refs);
	return filter;
}

void ifmap_filter_unref(struct ifmap_filter *filter)
{
	if (!filter || !g_atomic_int_dec_and_test(&filter->refs))
		return;
	g_array_unref(filter->exprs);
	g_array_unref(filter->steps);
	g_string_free(filter->strings, TRUE);
	g_free(filter);
}
