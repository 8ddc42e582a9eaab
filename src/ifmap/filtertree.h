/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A compiled filter from inside: what filter.c (compiler) makes and filtereval.c (evaluator) walks.
 *
 * The language is the superset of ifmap.md 6.2: XPath 1.0 of child, attribute and self steps with
 * predicates on any step, comparisons with a literal, and, or, |, not(), contains(), starts-with(),
 * true(), false(), text(), * and one leading
 * //. Everything refers to each other by index, so that a filter is three arrays.
 */
#include "ifmap/filter.h"

enum ifmap_filter_kind {
	IFMAP_FILTER_FALSE,
	IFMAP_FILTER_TRUE,
	IFMAP_FILTER_OR,
	IFMAP_FILTER_AND,
	IFMAP_FILTER_NOT,
	IFMAP_FILTER_EXISTS, /* path */
	IFMAP_FILTER_EQUAL,  /* path and literal, from here on */
	IFMAP_FILTER_UNEQUAL,
	IFMAP_FILTER_LESS,
	IFMAP_FILTER_LESS_EQUAL,
	IFMAP_FILTER_MORE,
	IFMAP_FILTER_MORE_EQUAL,
	IFMAP_FILTER_CONTAINS,
	IFMAP_FILTER_STARTS_WITH,
};

enum ifmap_filter_axis {
	IFMAP_FILTER_CHILD,
	IFMAP_FILTER_ANYWHERE, /* the leading // */
	IFMAP_FILTER_ATTRIBUTE,
	IFMAP_FILTER_SELF,
	IFMAP_FILTER_TEXT,
};

struct ifmap_filter_step {
	enum ifmap_filter_axis axis;
	guint32 hash;  /* of (ns, local) when both are given */
	gint32 ns;     /* offset into strings; -1: any */
	gint32 local;  /* likewise */
	gint32 filter; /* predicate: an expression; -1: none */
};

struct ifmap_filter_expr {
	enum ifmap_filter_kind kind;
	guint16 left, right; /* expressions of OR, AND; NOT uses left */
	guint16 step, n_steps;
	guint32 literal; /* offset into strings */
	double number;   /* value of the literal, NAN when it is no number */
	gboolean is_number;
};

struct ifmap_filter {
	gint refs;
	guint root;
	gboolean empty;
	GArray *exprs; /* struct ifmap_filter_expr */
	GArray *steps; /* struct ifmap_filter_step; those of one path stand together */
	GString *strings;
};

/* XPath's number(): NAN when `text` is not a decimal number. */
double ifmap_filter_number(const char *text, size_t size);
