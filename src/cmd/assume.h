#pragma once
/* --assume: a copy of the world in which something else holds (plan/assume.h has the forms). */
#include "cmd/context.h"
#include "cmd/out.h"

struct supposed {
	struct world *world;
	GPtrArray *sentences; /* char *: what is supposed, one a line of the user's */
};
void supposed_clear(struct supposed *supposed);
typedef struct supposed supposed_value; /* for g_auto */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(supposed_value, supposed_clear)

/* Carries out every --assume: FACT, or @FILE with one FACT a line, blank lines and # comments.
 * Beside the forms of plan/assume.h, label-policy=FILE. FALSE after having said which is wrong. */
gboolean assume(const struct context *context, const struct world *world, struct supposed *ret);
void assume_print(const struct supposed *supposed);
/* The sentences as an array of strings; owned by the caller. */
json_t *assume_json(const struct supposed *supposed);
/* What may be assumed, one form a line, for help. */
void assume_help(FILE *out);
