/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Filters of searches, subscriptions and deletes (ifmap.md section 6), compiled once and evaluated
 * often.
 *
 * A compiled filter is immutable and reference counted (atomic); evaluating one allocates nothing
 * and reads only the metadata's own parsed form. Complexity is bounded when compiling (nodes,
 * nesting, length).
 */
#include <drover/ifmap.h>

/* Prefixes in scope where a filter was written: prefix -> namespace. Immutable, reference counted,
 * so that one request's filters share it and a subscription outlives its request. */
struct ifmap_prefixes;

/* `pairs`: prefix, namespace, ...; a later pair overrides an earlier one. Copied. */
struct ifmap_prefixes *ifmap_prefixes_new(const char *const *pairs, size_t n_pairs);
struct ifmap_prefixes *ifmap_prefixes_ref(struct ifmap_prefixes *prefixes);
void ifmap_prefixes_unref(struct ifmap_prefixes *prefixes);

struct ifmap_filter;

/* Compiles `text`; "" compiles to a filter that matches nothing. An unknown prefix falls back to
 * the built-in `meta`, `ifmap`, `op-meta`. Errors: IFMAP_ERROR_FAILURE with position and reason. */
struct ifmap_filter *ifmap_filter_new(
	const char *text, const struct ifmap_prefixes *prefixes, GError **error);
/* Turns a filter that nobody shares yet into its opposite; a filter made of "" stays (6.1). */
gboolean ifmap_filter_negate(struct ifmap_filter *filter, GError **error);
struct ifmap_filter *ifmap_filter_ref(struct ifmap_filter *filter);
void ifmap_filter_unref(struct ifmap_filter *filter);

/* Whether `meta` passes; a NULL filter passes everything. */
gboolean ifmap_filter_matches(const struct ifmap_filter *filter, const struct ifmap_meta *meta);
