#pragma once
/* Answers in one line, for tests to compare.
 *
 * "ok", "new", "end", "error CODE"; for a search its items in alphabetical order, id{meta,meta}
 * a-b{meta}; for a poll its members in order, "kind(subscription): items" separated by " | ".
 */
#include "ifmap/answer.h"

/* A meta in short, newly allocated. */
typedef char *(*summary_meta_fn)(const struct ifmap_meta *meta);
/* Its local name, with "=TEXT" when it has a child <v>. */
char *summary_of_meta(const struct ifmap_meta *meta);

char *summary_of_answer(const struct ifmap_answer *answer, summary_meta_fn of_meta);
char *summary_of_body(const char *body);

/* Sorts texts (char *) the way summaries are sorted, and joins them. Appends a NULL to the array.
 */
char *summary_join(GPtrArray *texts, const char *separator);
