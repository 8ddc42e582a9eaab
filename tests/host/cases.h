#pragma once
/* The main of tests that need what not every machine allows (root, namespaces, nftables): all cases
 * run, or all are skipped and say why.
 */
#include <glib.h>

struct cases_case {
	const char *path;
	void (*run)(void);
};

/* Runs GLib's test program over the cases. `why_not`, called once, tells why they cannot run here
 * (freed with g_free()), or NULL when they can. */
int cases_run(int argc, char **argv, char *(*why_not)(void), const struct cases_case *cases,
	size_t n_cases);

#define CASES_RUN(argc, argv, why_not, cases) \
	cases_run(argc, argv, why_not, cases, G_N_ELEMENTS(cases))

/* A `why_not`: takes the process into a network namespace of its own. */
char *cases_own_network(void);

/* Runs a command line (no shell), which has to succeed. */
void cases_command(const char *format, ...) G_GNUC_PRINTF(1, 2);
