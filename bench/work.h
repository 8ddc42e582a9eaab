#pragma once
/* The rows of the table of goals: each work sets a drover-mapd to work, measures, and reports
 * figures beside their goals. One thread.
 */
#include <jansson.h>

#include "server.h"

/* How much; a quick run has little of everything. */
struct bench {
	double seconds; /* of one round */
	unsigned n_rounds;
	unsigned n_threads; /* workers of drover-mapd and of the floor */
	unsigned n_clients;
	unsigned n_durable_clients;
	unsigned n_links_max; /* of the graph that is searched */
	unsigned n_subscriptions;
	unsigned n_told;
	unsigned n_tellings;
	unsigned n_sessions;
	unsigned n_hangups;
	unsigned n_objects;

	const char *work; /* the one that reports */
	json_t *rows;     /* of the table; see work_report() */
};

enum work_goal {
	WORK_NO_GOAL,
	WORK_AT_MOST,
	WORK_AT_LEAST,
};

struct work_figure {
	const char *name;
	double value;
	const char *unit;
	int decimals;
	enum work_goal goal_is;
	double goal;
};

/* Prints a row and keeps it; takes `note`, which says in words what the figure came from. */
void work_report(struct bench *bench, const struct work_figure *figure, char *note);

void work_print_headings(void);

/* A drover-mapd whose limits are out of the way, with accounts for `n_actors`; `extra` as in
 * server_new(). */
struct server *work_server(const struct bench *bench, unsigned n_actors, const char *extra);

struct work {
	const char *name;
	const char *what;
	void (*run)(struct bench *bench);
};

/* Ends with a NULL name. */
extern const struct work works[];

void work_publish(struct bench *bench);
void work_durable(struct bench *bench);
void work_batch(struct bench *bench);
void work_untouched(struct bench *bench);
void work_search(struct bench *bench);
void work_tell(struct bench *bench);
void work_sessions(struct bench *bench);
void work_memory(struct bench *bench);
