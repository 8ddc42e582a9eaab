/* The connections that machines take along: from the kernel at the source through the map to the
 * kernel at the destination. */
#include "host/carry_private.h"

#include <string.h>

/* ---- away from here ---- */

/* Members of one order whose connections were asked for; they may be gone when the answer comes. */
struct pass {
	struct carry *carry;
	char *order;
	GPtrArray *uuids; /* NULL-terminated */
};

static void pass_free(struct pass *pass)
{
	g_free(pass->order);
	g_ptr_array_unref(pass->uuids);
	g_free(pass);
}

static const struct enforce_dump *find_dump(const struct enforce_reply *reply, const char *uuid)
{
	for (guint i = 0; reply && reply->dumps && i < reply->dumps->len; i++) {
		const struct enforce_dump *dump = &g_array_index(
			reply->dumps, struct enforce_dump, i);

		if (strcmp(dump->uuid, uuid) == 0)
			return dump;
	}
	return NULL;
}

/* Even when nothing could be read the destination must not wait for it. */
static void publish(const struct pass *pass, const char *uuid, const struct enforce_dump *dump)
{
	const struct carry_job *job = g_hash_table_lookup(pass->carry->jobs, uuid);
	struct facts_conntrack fact = { .order = pass->order,
		.n_entries = dump ? dump->n : 0,
		.entries = dump ? dump->entries : NULL };

	if (job && strcmp(job->order, pass->order) == 0)
		report_conntrack(pass->carry->parts.report, uuid, &fact);
}

static void on_dumped(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct pass *pass = data;

	for (guint i = 0; pass->uuids->pdata[i]; i++)
		publish(pass, pass->uuids->pdata[i], find_dump(reply, pass->uuids->pdata[i]));
	pass_free(pass);
}

static struct pass *pass_new(struct carry *carry, const char *order)
{
	struct pass *pass = g_new(struct pass, 1);

	*pass = (struct pass){ carry, g_strdup(order), g_ptr_array_new_with_free_func(g_free) };
	return pass;
}

/* Jobs whose connections are due; empty while one of the order's members here has not stopped. */
static GPtrArray *due(struct carry *carry, const char *order)
{
	GPtrArray *jobs = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, carry->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct carry_job *job = value;

		if (!job->leaves || strcmp(job->order, order) != 0)
			continue;
		if (!job->stopped) {
			g_ptr_array_set_size(jobs, 0);
			break;
		}
		if (!job->dumped)
			g_ptr_array_add(jobs, value);
	}
	return jobs;
}

void carry_flows_dump(struct carry *carry, const char *order)
{
	struct enforce_client *enforcer = guard_enforcer(carry->parts.guard);
	g_autoptr(GPtrArray) jobs = due(carry, order);
	struct pass *pass;

	if (!jobs->len)
		return;
	pass = pass_new(carry, order);
	for (guint i = 0; i < jobs->len; i++) {
		struct carry_job *job = jobs->pdata[i];

		job->dumped = TRUE;
		g_ptr_array_add(pass->uuids, g_strdup(job->uuid));
	}
	g_ptr_array_add(pass->uuids, NULL);
	if (enforcer)
		enforce_client_conntrack_dump(
			enforcer, (const char *const *)pass->uuids->pdata, on_dumped, pass);
	else
		on_dumped(NULL, NULL, pass);
}

/* ---- to here ---- */

static void on_loaded(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct carry_job *job = carry_asking_end(data);

	if (!job)
		return;
	job->loaded = TRUE; /* connections that could not be carried are lost, the machine is not */
	carry_job_tell(job, CARRY_DONE);
}

void carry_flows_load(struct carry_job *job, const struct facts_conntrack *conntrack)
{
	struct enforce_client *enforcer = guard_enforcer(job->carry->parts.guard);

	job->loaded = !enforcer || !conntrack->n_entries;
	if (!job->loaded)
		enforce_client_conntrack_load(
			enforcer, job->uuid, conntrack->entries, on_loaded, carry_asking_new(job));
}
