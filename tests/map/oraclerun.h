#pragma once
/* The inside of the judge: one run of a sequence, shared by oracle.c (the engine beside the model),
 * oracletext.c (requests as text) and oraclepast.c (what only a store can do). One thread, but for
 * the engine's answers. */
#include <glib.h>

#include "map/engine.h"
#include "sequence.h"
#include "server-model.h"

extern const char *const ORACLE_CLIENTS[SEQUENCE_CLIENTS];

struct oracle_end {
	char *former_id;
	char *session_id;
	char *publisher_id;
	guint64 connections[SEQUENCE_CHANNELS];
	GString *woken;    /* what the poll that hung was answered */
	GString *answered; /* what had to be durable first */
};

/* What a request is given to know its answer by. */
struct oracle_ticket {
	struct oracle_end *end;
	gboolean poll;
};

/* The map after one step. */
struct oracle_snapshot {
	gint64 at_us;
	struct model map;
};

struct oracle_run {
	struct map_limits limits;
	struct map_engine *engine;
	struct model_server *model;
	struct oracle_end ends[SEQUENCE_CLIENTS];
	struct oracle_ticket tickets[SEQUENCE_CLIENTS][2];
	GMutex lock; /* guards woken and answered */
	GCond came;
	guint64 last_connection;
	const char *store;      /* path, or NULL */
	GPtrArray *snapshots;   /* struct oracle_snapshot *; NULL without a store */
	gint64 at_us, since_us; /* of searches, 0: the present */
	unsigned slice;         /* map_engine_set_slice() */
	unsigned step;
	GString *history; /* what was sent */
	char *report;     /* NULL as long as they agree */
};

void oracle_run_init(struct oracle_run *run);
void oracle_run_clear(struct oracle_run *run);
void oracle_run_step(struct oracle_run *run, const struct sequence_step *step);
/* Begins the engine, on the run's store if it has one. */
void oracle_start_engine(struct oracle_run *run);

/* The answer in short form, or NULL when none came at once. */
char *oracle_ask(struct oracle_run *run, const struct sequence_step *step);
/* Reports the first difference. */
void oracle_compare(
	struct oracle_run *run, const char *what, const char *expected, const char *got);

/* Whether the step is one, not something that happens to a connection. */
gboolean oracle_is_request(const struct sequence_step *step);
/* A whole envelope; also noted in the run's history. */
GString *oracle_request_text(struct oracle_run *run, const struct sequence_step *step);
