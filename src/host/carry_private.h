#pragma once
/* What the files of the carrier share; nobody else includes it: carry.c looks at the orders and
 * acts, carry_job.c keeps what is known of one member and tells it, carry_flows.c takes the
 * machines' connections along.
 */
#include "host/carry.h"

/* What this host does for one member of one order. `phase` is the phase the rest belongs to. */
struct carry_job {
	struct carry *carry;
	char *order;
	char *uuid;
	char *phase;
	gboolean leaves;      /* this host is its source, not its destination */
	gboolean asked;       /* the phase's one request was made and is under way or over */
	gboolean loaded;      /* connections were loaded (or there were none) */
	gboolean stopped;     /* for the last part of its way out, or it is off; across phases */
	gboolean dumped;      /* since then its connections were asked for */
	gboolean stay_asked;  /* to go on here, its source being off, was asked for */
	gboolean orphan_told; /* a move that is not ours was told to end, across phases */
	char *failure;        /* why it cannot be done */
	char *trouble;        /* why the last try failed, of what is tried again */
	enum virt_move_state move; /* of the outgoing migration, across phases */
	gboolean move_begun;
	gboolean going_back; /* to its source, in phase return */
	gboolean ran;        /* the machine was seen running here during this order */
	unsigned percent;
	guint64 paused_ms;
	guint64 resumed_ms;
	struct facts_progress said; /* last progress told */
	guint timer;
	guint again;
};

struct carry {
	struct carry_parts parts;
	struct carry_patience patience;
	GHashTable *jobs; /* uuid -> struct carry_job, of orders that are under way */
	/* Valid during carry_look() only. */
	const struct book *book;
	GHashTable *domains;
};

enum carry_outcome { CARRY_RUNNING, CARRY_DONE, CARRY_FAILED };

struct carry_job *carry_job_new(struct carry *carry, const char *order, const char *uuid);
void carry_job_free(gpointer data);
/* Goes to another phase, or stays in this one with all that belongs to it. */
void carry_job_enter(struct carry_job *job, const char *phase);
void carry_job_stop_timers(struct carry_job *job);

/* Tells the map how far it is; nothing when that is known there. */
void carry_job_tell(struct carry_job *job, enum carry_outcome outcome);
/* It failed, until its phase is over. */
void carry_job_fail(struct carry_job *job, const char *why);

/* Identifies a job and its phase without owning it: they may be gone when libvirt or the enforcer
 * answers. _end() frees; NULL when they are. */
struct carry_asking *carry_asking_new(struct carry_job *job);
struct carry_job *carry_asking_end(struct carry_asking *asking);

/* Wall clock. */
guint64 carry_now_ms(void);

/* Publishes the connections of an order's members that leave this host, once all of them have
 * stopped: one pass over the kernel's table costs as much as all of its members' together, and none
 * may go on before the last one. */
void carry_flows_dump(struct carry *carry, const char *order);
/* Enters what came with the machine; then job->loaded. */
void carry_flows_load(struct carry_job *job, const struct facts_conntrack *conntrack);
