#pragma once
/* Results of searches and subscriptions, printed: text, JSON (ifmap/json.h), IF-MAP's XML, or a
 * graph for Graphviz. */
#include "cmd/context.h"

/* Whether the options name one form at most; says so if not. */
gboolean mapout_check(const struct context *context);
/* One result, in the form that the options name. */
void mapout_print(const struct context *context, const struct ifmap_result *result);
/* Likewise as one of many: text with a mark in front of each line, JSON on one line. */
void mapout_follow(const struct context *context, const struct ifmap_result *result);
