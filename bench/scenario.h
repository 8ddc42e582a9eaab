#pragma once
/* What the bench of the map measures: a table of scenarios, each one played against drover-mapd and
 * then against the floor (floor.h).
 *
 * In each, workers send a request as soon as the one before is answered, and readers keep a
 * subscription with a poll parked at the server. One thread.
 */
#include "actor.h"

enum scenario_readers {
	SCENARIO_NO_READERS,
	SCENARIO_TOLD, /* one worker; its next request waits until every reader was told */
	SCENARIO_IDLE, /* besides the workers; nothing ever happens to what they read */
};

struct scenario {
	const char *name;
	const char *what;
	enum scenario_readers readers;
	/* Gives a worker its requests; publishes what they need. */
	void (*equip)(struct actor *worker);
};

/* Ends with a NULL name. */
extern const struct scenario scenarios[];

struct scenario_setting {
	const struct server *server; /* a running drover-mapd that knows the actors */
	unsigned n_threads;          /* of the floor */
	unsigned n_clients;          /* workers, or readers to be told */
	unsigned n_idle;             /* readers that idle */
	double seconds;              /* for each of the two */
};

struct scenario_figures {
	double n_requests; /* answered */
	double wall_s;
	double cpu_s; /* of the server's process */
};

struct scenario_result {
	struct scenario_figures mapd;
	struct scenario_figures floor;
	gsize answer_size;  /* bytes, without HTTP's head */
	gsize parked_size;  /* bytes of the server's memory for each idle reader; 0: there are none
			     */
	unsigned n_readers; /* with a parked poll */
};

/* How many actors a setting needs at most. */
unsigned scenario_n_actors(const struct scenario_setting *setting);
void scenario_play(const struct scenario *scenario, const struct scenario_setting *setting,
	struct scenario_result *ret_result);
