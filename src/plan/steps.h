#pragma once
/* The steps of an order, for people: what `--dry-run` prints and `move --status` counts off. */
#include "plan/order.h"

struct plan_step {
	const char *name;      /* "reserve", "protect", "verify", ... constant */
	enum plan_phase phase; /* during which it happens */
	gboolean no_return;    /* from here on the order goes forward only */
	char *text;            /* one sentence with hosts and machines */
	GPtrArray *machines;   /* char * */
	GPtrArray *hosts;      /* char *: names of those who act */
};
void plan_step_free(struct plan_step *step);

/* In order; struct plan_step, owned by the caller. */
GPtrArray *plan_steps(const struct world *world, const struct facts_order *order);
