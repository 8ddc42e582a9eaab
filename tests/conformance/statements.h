#pragma once
/* The 164 statements of ifmap.md 20 and the decisions of its section 21, each with what decides it.
 * docs/conformance.md is made from this table and the names of the cases. */
#include <glib.h>

struct statement {
	const char *text;    /* what must hold, in short */
	const char *decided; /* key of [protocol] or other configuration that changes it, or NULL */
	const char *reason;  /* why no case is needed, or what the cases leave out; or NULL */
};

#define N_STATEMENTS 164
/* C1 is the first. */
extern const struct statement STATEMENTS[N_STATEMENTS];
/* From here on they speak of the client library. */
#define FIRST_CLIENT_STATEMENT 155

struct decision {
	const char *about;
	const char *chosen;
	const char *decided; /* as above */
};

#define N_DECISIONS 20
extern const struct decision DECISIONS[N_DECISIONS];

/* The page; `n_cases[i]` is the number of cases of C(i+1). */
char *statements_page(const unsigned *n_cases);
