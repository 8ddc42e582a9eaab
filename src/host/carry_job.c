#include "host/carry_private.h"

#include <string.h>

static const char *const outcome_names[] = { "running", "done", "failed" };

struct carry_asking {
	struct carry *carry;
	char *uuid;
	char *phase;
};

struct carry_job *carry_job_new(struct carry *carry, const char *order, const char *uuid)
{
	struct carry_job *job = g_new0(struct carry_job, 1);

	job->carry = carry;
	job->order = g_strdup(order);
	job->uuid = g_strdup(uuid);
	job->phase = g_strdup("");
	return job;
}

void carry_job_free(gpointer data)
{
	struct carry_job *job = data;

	carry_job_stop_timers(job);
	facts_clear(FACTS_PROGRESS, &job->said);
	g_free(job->order);
	g_free(job->uuid);
	g_free(job->phase);
	g_free(job->failure);
	g_free(job->trouble);
	g_free(job);
}

void carry_job_enter(struct carry_job *job, const char *phase)
{
	if (strcmp(job->phase, phase) == 0)
		return;
	g_free(job->phase);
	job->phase = g_strdup(phase);
	job->asked = FALSE;
	job->going_back = FALSE;
	g_clear_pointer(&job->failure, g_free);
	g_clear_pointer(&job->trouble, g_free);
	carry_job_stop_timers(job);
}

void carry_job_stop_timers(struct carry_job *job)
{
	g_clear_handle_id(&job->timer, g_source_remove);
	g_clear_handle_id(&job->again, g_source_remove);
}

guint64 carry_now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

/* ---- telling ---- */

static void say(struct carry_job *job, const char *state)
{
	struct facts_progress now = {
		.order = job->order,
		.phase = job->phase,
		.state = (char *)state,
		.percent = job->percent,
		.text = job->failure ? job->failure : job->trouble,
		.at_ms = job->said.at_ms,
		.paused_ms = job->paused_ms,
		.resumed_ms = job->resumed_ms,
	};

	if (facts_equal(FACTS_PROGRESS, &now, &job->said))
		return;
	facts_clear(FACTS_PROGRESS, &job->said);
	now.at_ms = carry_now_ms();
	facts_copy(FACTS_PROGRESS, &now, &job->said);
	report_progress(job->carry->parts.report, job->uuid, &job->said);
}

void carry_job_tell(struct carry_job *job, enum carry_outcome outcome)
{
	if (outcome == CARRY_DONE) { /* attempts that failed and did not matter */
		g_clear_pointer(&job->failure, g_free);
		g_clear_pointer(&job->trouble, g_free);
	}
	say(job, outcome_names[outcome]);
}

void carry_job_fail(struct carry_job *job, const char *why)
{
	g_free(job->failure);
	job->failure = g_strdup(why);
	carry_job_tell(job, CARRY_FAILED);
}

/* ---- being answered ---- */

struct carry_asking *carry_asking_new(struct carry_job *job)
{
	struct carry_asking *asking = g_new(struct carry_asking, 1);

	*asking = (struct carry_asking){ job->carry, g_strdup(job->uuid), g_strdup(job->phase) };
	return asking;
}

struct carry_job *carry_asking_end(struct carry_asking *asking)
{
	struct carry_job *job = g_hash_table_lookup(asking->carry->jobs, asking->uuid);
	gboolean same = job && strcmp(job->phase, asking->phase) == 0;

	g_free(asking->uuid);
	g_free(asking->phase);
	g_free(asking);
	return same ? job : NULL;
}
