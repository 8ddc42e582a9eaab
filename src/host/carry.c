#include "host/carry.h"

#include <string.h>

#define RETURN_MS   20000 /* how long a copy may try to go back before it is given up */
#define SHUTDOWN_MS 8000  /* how long a guest may take to shut down by itself */
#define AGAIN_MS    500   /* after which a copy that could not go back tries again */

enum side { SIDE_FROM, SIDE_TO };

/* What this host does for one member of one order. `phase` is the phase the rest belongs to. */
struct job {
	struct carry *carry;
	char *order;
	char *uuid;
	char *phase;
	gint64 began_us;           /* monotonic: when the phase was first seen */
	gboolean asked;            /* the phase's one request was made and is under way or over */
	gboolean loaded;           /* connections were loaded (or there were none) */
	gboolean dumped;           /* connections were asked for, across phases */
	gboolean stay_asked;       /* to go on here, its source being off, was asked for */
	gboolean orphan_told;      /* a move that is not ours was told to end, across phases */
	char *failure;             /* why it cannot be done */
	char *trouble;             /* why the last try failed, of what is tried again */
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
	GHashTable *jobs; /* uuid -> struct job, of orders that are under way */
	/* Valid during carry_look() only. */
	const struct book *book;
	GHashTable *domains;
};

/* What an action sees. */
struct scene {
	struct carry *carry;
	struct job *job;
	const struct facts_order *order;
	const struct facts_order_member *member;
	enum virt_state state; /* of the domain here */
	gboolean orphan;       /* it is being moved away, and not by this agent */
};

enum outcome { OUTCOME_RUNNING, OUTCOME_DONE, OUTCOME_FAILED };
static const char *const outcome_names[] = { "running", "done", "failed" };

static void stop_timers(struct job *job)
{
	if (job->timer)
		g_source_remove(job->timer);
	if (job->again)
		g_source_remove(job->again);
	job->timer = 0;
	job->again = 0;
}

static void job_free(gpointer data)
{
	struct job *job = data;

	stop_timers(job);
	facts_clear(FACTS_PROGRESS, &job->said);
	g_free(job->order);
	g_free(job->uuid);
	g_free(job->phase);
	g_free(job->failure);
	g_free(job->trouble);
	g_free(job);
}

static guint64 now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

/* ---- telling ---- */

static void say(struct job *job, const char *state)
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
	now.at_ms = now_ms();
	facts_copy(FACTS_PROGRESS, &now, &job->said);
	report_progress(job->carry->parts.report, job->uuid, &job->said);
}

static void tell(struct job *job, enum outcome outcome)
{
	if (outcome == OUTCOME_DONE) { /* attempts that failed and did not matter */
		g_clear_pointer(&job->failure, g_free);
		g_clear_pointer(&job->trouble, g_free);
	}
	say(job, outcome_names[outcome]);
}

static void fail(struct job *job, const char *why)
{
	g_free(job->failure);
	job->failure = g_strdup(why);
	tell(job, OUTCOME_FAILED);
}

/* ---- requests to libvirt: one under way per phase; its end shows in the domain's state, its
 * failure here ---- */

/* Identifies a job without owning it: the job may be gone when libvirt answers. */
struct asking {
	struct carry *carry;
	char *uuid;
	char *phase;
};

static struct job *asking_end(struct asking *asking)
{
	struct job *job = g_hash_table_lookup(asking->carry->jobs, asking->uuid);
	gboolean same = job && strcmp(job->phase, asking->phase) == 0;

	g_free(asking->uuid);
	g_free(asking->phase);
	g_free(asking);
	return same ? job : NULL;
}

static struct asking *asking_new(struct job *job)
{
	struct asking *asking = g_new(struct asking, 1);

	*asking = (struct asking){ job->carry, g_strdup(job->uuid), g_strdup(job->phase) };
	return asking;
}

static void on_done(const GError *error, gpointer data)
{
	struct job *job = asking_end(data);

	if (job && error)
		fail(job, error->message);
}

static void on_defined(const GError *error, gpointer data)
{
	struct job *job = asking_end(data);

	if (job && error)
		fail(job, error->message);
	else if (job)
		virt_do(job->carry->parts.virt, VIRT_START, job->uuid, on_done, asking_new(job));
}

static void ask(struct scene *scene, enum virt_verb verb)
{
	if (scene->job->asked)
		return;
	scene->job->asked = TRUE;
	virt_do(scene->carry->parts.virt, verb, scene->job->uuid, on_done, asking_new(scene->job));
}

static void ask_fresh_start(struct scene *scene)
{
	const struct facts_definition *definition = book_definition(
		scene->carry->book, scene->job->uuid);

	if (scene->job->asked)
		return;
	scene->job->asked = TRUE;
	if (definition && definition->xml)
		virt_define(scene->carry->parts.virt, definition->xml, on_defined,
			asking_new(scene->job));
	else
		fail(scene->job, "the map holds no definition of this machine");
}

static gboolean is_home(const struct scene *scene)
{
	const struct facts_reservation *reservation = book_reservation(
		scene->carry->book, scene->job->uuid);

	return reservation && g_strcmp0(reservation->purpose, "home") == 0;
}

static gboolean is_active(const struct scene *scene)
{
	return scene->state == VIRT_RUNNING || scene->state == VIRT_PAUSED ||
	       scene->state == VIRT_MOVING;
}

/* ---- the outgoing migration ---- */

static gboolean on_again(gpointer data)
{
	struct job *job = data;

	job->again = 0;
	job->asked = FALSE;
	job->carry->parts.look_again(job->carry->parts.data);
	return G_SOURCE_REMOVE;
}

/* The source may not have let go of its own copy yet: that the first try fails is nothing special.
 */
static void go_back_later(struct job *job, const char *why)
{
	job->going_back = FALSE;
	g_free(job->trouble);
	job->trouble = g_strdup(why);
	if (!job->again)
		job->again = g_timeout_add(job->carry->patience.again_ms, on_again, job);
}

static void on_move(const char *uuid, enum virt_move_state state, unsigned percent,
	const GError *error, gpointer data)
{
	struct carry *carry = data;
	struct job *job = g_hash_table_lookup(carry->jobs, uuid);

	carry->parts.look_again(carry->parts.data);
	if (!job)
		return;
	job->move = state;
	job->percent = percent;
	if (state != VIRT_MOVE_FAILED)
		return;
	job->move_begun = FALSE;
	if (job->going_back)
		go_back_later(job, error->message);
	/* Once the machines are on their way back a failed move is what was wanted. */
	if (strcmp(job->phase, "precopy") != 0 && strcmp(job->phase, "switch") != 0)
		return;
	g_free(job->failure);
	job->failure = g_strdup(error->message);
}

static void on_dumped(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct asking *asking = data;
	struct job *job = g_hash_table_lookup(asking->carry->jobs, asking->uuid);
	struct facts_conntrack fact = { 0 };

	/* Even when nothing could be read the destination must not wait for it. */
	if (job) {
		fact.order = job->order;
		fact.n_entries = error || !reply->dumps->len
					 ? 0
					 : g_array_index(reply->dumps, struct enforce_dump, 0).n;
		fact.entries = fact.n_entries
				       ? g_array_index(reply->dumps, struct enforce_dump, 0).entries
				       : (char[]){ "" };
		report_conntrack(job->carry->parts.report, job->uuid, &fact);
	}
	asking_end(asking);
}

/* The entries outlive the machine, so it is not too late once it has gone. */
static void dump(struct job *job)
{
	struct enforce_client *enforcer = guard_enforcer(job->carry->parts.guard);
	struct facts_conntrack nothing = { .order = job->order };

	job->dumped = TRUE;
	if (enforcer)
		enforce_client_conntrack_dump(enforcer, (const char *const[]){ job->uuid, NULL },
			on_dumped, asking_new(job));
	else
		report_conntrack(job->carry->parts.report, job->uuid, &nothing);
}

void carry_stopped(struct carry *carry, const char *uuid)
{
	struct job *job = g_hash_table_lookup(carry->jobs, uuid);

	if (!job)
		return;
	job->paused_ms = now_ms();
	dump(job);
}

/* What an agent before this one began, and nobody paces any more, is given up. TRUE while it lasts;
 * the end of the job makes us look again. */
static gboolean abort_orphan(struct scene *scene)
{
	if (scene->orphan && !scene->job->orphan_told) {
		scene->job->orphan_told = TRUE;
		virt_do(scene->carry->parts.virt, VIRT_ABORT, scene->job->uuid, NULL, NULL);
	}
	return scene->orphan;
}

/* ---- the actions, by phase and side ---- */

static enum outcome protect_to(struct scene *scene)
{
	struct guard_state rules;

	if (!guard_find(scene->carry->parts.guard, scene->job->uuid, &rules))
		return OUTCOME_RUNNING;
	return rules.conforming ? OUTCOME_DONE : OUTCOME_RUNNING;
}

static enum outcome precopy_from(struct scene *scene)
{
	struct job *job = scene->job;

	if (abort_orphan(scene))
		return OUTCOME_RUNNING;
	/* It left before its agent came back; the destination says whether it got there. */
	if (!job->move_begun && !job->asked && scene->state == VIRT_SHUTOFF)
		return OUTCOME_DONE;
	if (!job->move_begun && !job->asked && scene->state == VIRT_RUNNING) {
		job->asked = TRUE;
		job->move_begun = TRUE;
		job->move = VIRT_MOVE_COPYING;
		virt_move(scene->carry->parts.virt, job->uuid, scene->member->to_uri, on_move,
			scene->carry);
	}
	if (job->move_begun && (job->move == VIRT_MOVE_HELD || job->move == VIRT_MOVE_ARRIVED))
		return OUTCOME_DONE;
	return OUTCOME_RUNNING;
}

static enum outcome switch_from(struct scene *scene)
{
	gboolean off = scene->state == VIRT_SHUTOFF || scene->state == VIRT_ABSENT;

	virt_move_release(scene->carry->parts.virt, scene->job->uuid);
	if (off && !scene->job->dumped)
		dump(scene->job);
	return off ? OUTCOME_DONE : OUTCOME_RUNNING;
}

static void on_loaded(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct job *job = asking_end(data);

	if (!job)
		return;
	job->loaded = TRUE; /* connections that could not be carried are lost, the machine is not */
	tell(job, OUTCOME_DONE);
}

static enum outcome switch_to(struct scene *scene)
{
	struct job *job = scene->job;
	const struct facts_conntrack *conntrack = book_conntrack(
		scene->carry->book, job->uuid, job->order);
	struct enforce_client *enforcer = guard_enforcer(scene->carry->parts.guard);

	if (scene->state == VIRT_PAUSED && conntrack && !job->asked) {
		job->asked = TRUE;
		job->loaded = !enforcer || !conntrack->n_entries;
		if (!job->loaded)
			enforce_client_conntrack_load(enforcer, job->uuid, conntrack->entries,
				on_loaded, asking_new(job));
	}
	return scene->state == VIRT_PAUSED && job->loaded ? OUTCOME_DONE : OUTCOME_RUNNING;
}

static enum outcome resume_to(struct scene *scene)
{
	if (scene->state == VIRT_RUNNING) {
		if (!scene->job->resumed_ms)
			scene->job->resumed_ms = now_ms();
		return OUTCOME_DONE;
	}
	if (!is_home(scene))
		return OUTCOME_RUNNING;
	if (scene->state == VIRT_PAUSED)
		ask(scene, VIRT_RESUME);
	else if (scene->state != VIRT_MOVING)
		ask_fresh_start(scene);
	return OUTCOME_RUNNING;
}

static enum outcome release_from(struct scene *scene)
{
	if (scene->state == VIRT_ABSENT) {
		report_conntrack(scene->carry->parts.report, scene->job->uuid, NULL);
		return OUTCOME_DONE;
	}
	if (!is_active(scene))
		ask(scene, VIRT_UNDEFINE);
	return OUTCOME_RUNNING;
}

static gboolean on_return_over(gpointer data)
{
	struct job *job = data;

	job->timer = 0;
	if (job->ran)
		return G_SOURCE_REMOVE; /* its memory is the only one there is: it goes on trying */
	virt_move_abort(job->carry->parts.virt, job->uuid);
	virt_do(job->carry->parts.virt, VIRT_DESTROY, job->uuid, NULL, NULL);
	return G_SOURCE_REMOVE;
}

/* Its source is off for good, by an operator's word: it is at home here now, and is to run. */
static enum outcome stay_here(struct scene *scene)
{
	struct job *job = scene->job;

	stop_timers(job);
	virt_move_abort(scene->carry->parts.virt, job->uuid);
	if (virt_moving(scene->carry->parts.virt, job->uuid) || scene->state == VIRT_MOVING)
		return OUTCOME_RUNNING;
	if (scene->state == VIRT_PAUSED && is_home(scene) && !job->stay_asked) {
		job->stay_asked = TRUE;
		virt_do(scene->carry->parts.virt, VIRT_RESUME, job->uuid, on_done, asking_new(job));
	}
	return scene->state == VIRT_PAUSED ? OUTCOME_RUNNING : OUTCOME_DONE;
}

/* A copy that came here goes back; one that cannot is given up, for only its source may run it now.
 */
static enum outcome return_to(struct scene *scene)
{
	struct job *job = scene->job;

	job->ran = job->ran || scene->state == VIRT_RUNNING;
	if (scene->state == VIRT_ABSENT)
		return OUTCOME_DONE;
	if (scene->member->stays && is_active(scene))
		return stay_here(scene);
	if (!is_active(scene)) {
		virt_do(scene->carry->parts.virt, VIRT_UNDEFINE, job->uuid, NULL, NULL);
		return OUTCOME_RUNNING;
	}
	if (!job->timer)
		job->timer = g_timeout_add(job->carry->patience.return_ms, on_return_over, job);
	if (scene->state == VIRT_MOVING || job->asked)
		return OUTCOME_RUNNING;
	job->asked = TRUE;
	if (scene->member->from && scene->member->from_uri) {
		job->going_back = TRUE;
		virt_move(scene->carry->parts.virt, job->uuid, scene->member->from_uri, on_move,
			scene->carry);
		virt_move_release(scene->carry->parts.virt, job->uuid);
	} else {
		virt_do(scene->carry->parts.virt, VIRT_DESTROY, job->uuid, on_done,
			asking_new(job));
	}
	return OUTCOME_RUNNING;
}

static enum outcome return_from(struct scene *scene)
{
	virt_move_abort(scene->carry->parts.virt, scene->job->uuid);
	if (abort_orphan(scene) || virt_moving(scene->carry->parts.virt, scene->job->uuid) ||
		scene->state == VIRT_MOVING)
		return OUTCOME_RUNNING;
	if (scene->state == VIRT_PAUSED && is_home(scene))
		ask(scene, VIRT_RESUME);
	return scene->state == VIRT_PAUSED ? OUTCOME_RUNNING : OUTCOME_DONE;
}

static enum outcome restart_from(struct scene *scene)
{
	if (scene->state == VIRT_RUNNING)
		return OUTCOME_DONE;
	if (!is_home(scene))
		return OUTCOME_RUNNING;
	if (scene->state == VIRT_PAUSED)
		ask(scene, VIRT_RESUME);
	else if (scene->state != VIRT_MOVING)
		ask_fresh_start(scene);
	return OUTCOME_RUNNING;
}

static enum outcome start_to(struct scene *scene)
{
	if (scene->state == VIRT_RUNNING)
		return OUTCOME_DONE;
	if (is_home(scene)) /* not before its turn */
		ask_fresh_start(scene);
	return OUTCOME_RUNNING;
}

static gboolean on_shutdown_over(gpointer data)
{
	struct job *job = data;

	job->timer = 0;
	virt_do(job->carry->parts.virt, VIRT_DESTROY, job->uuid, on_done, asking_new(job));
	return G_SOURCE_REMOVE;
}

static enum outcome stop_from(struct scene *scene)
{
	struct job *job = scene->job;

	if (!is_active(scene))
		return OUTCOME_DONE;
	if (!scene->member->go_ms)
		return OUTCOME_RUNNING; /* not its turn yet */
	if (!job->timer && !job->asked)
		job->timer = g_timeout_add(job->carry->patience.shutdown_ms, on_shutdown_over, job);
	ask(scene, VIRT_SHUTDOWN);
	return OUTCOME_RUNNING;
}

static const struct {
	const char *phase;
	enum side side;
	enum outcome (*act)(struct scene *scene);
} actions[] = {
	{ "protect", SIDE_TO, protect_to },
	{ "precopy", SIDE_FROM, precopy_from },
	{ "switch", SIDE_FROM, switch_from },
	{ "switch", SIDE_TO, switch_to },
	{ "resume", SIDE_TO, resume_to },
	{ "release", SIDE_FROM, release_from },
	{ "return", SIDE_FROM, return_from },
	{ "return", SIDE_TO, return_to },
	{ "restart", SIDE_FROM, restart_from },
	{ "start", SIDE_TO, start_to },
	{ "stop", SIDE_FROM, stop_from },
};

/* ---- looking ---- */

static struct job *job_of(struct carry *carry, const struct facts_order *order, const char *uuid)
{
	struct job *job = g_hash_table_lookup(carry->jobs, uuid);

	if (!job || strcmp(job->order, order->id) != 0) {
		job = g_new0(struct job, 1);
		job->carry = carry;
		job->order = g_strdup(order->id);
		job->uuid = g_strdup(uuid);
		job->phase = g_strdup("");
		g_hash_table_replace(carry->jobs, job->uuid, job);
	}
	if (strcmp(job->phase, order->phase) == 0)
		return job;
	g_free(job->phase);
	job->phase = g_strdup(order->phase);
	job->began_us = g_get_monotonic_time();
	job->asked = FALSE;
	job->going_back = FALSE;
	g_clear_pointer(&job->failure, g_free);
	g_clear_pointer(&job->trouble, g_free);
	stop_timers(job);
	return job;
}

static void act(struct carry *carry, const struct facts_order *order,
	const struct facts_order_member *member, enum side side)
{
	const struct virt_domain *domain = g_hash_table_lookup(carry->domains, member->vm);
	struct scene scene = { .carry = carry,
		.order = order,
		.member = member,
		.state = domain ? domain->state : VIRT_ABSENT,
		.orphan = domain && domain->orphan };

	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		enum outcome outcome;

		if (actions[i].side != side || g_strcmp0(actions[i].phase, order->phase) != 0)
			continue;
		scene.job = job_of(carry, order, member->vm);
		outcome = actions[i].act(&scene);
		if (outcome == OUTCOME_DONE)
			stop_timers(scene.job);
		tell(scene.job,
			scene.job->failure && outcome != OUTCOME_DONE ? OUTCOME_FAILED : outcome);
	}
}

static gboolean is_under_way(const struct facts_order *order)
{
	return order && order->id && order->phase &&
	       (g_strcmp0(order->state, "running") == 0 || g_strcmp0(order->state, "stuck") == 0);
}

static void look_at(struct carry *carry, const struct facts_order *order)
{
	if (!is_under_way(order))
		return;
	for (unsigned i = 0; order->members && i < order->members->len; i++) {
		const struct facts_order_member *member = order->members->pdata[i];

		if (g_strcmp0(member->from, carry->parts.host_uuid) == 0)
			act(carry, order, member, SIDE_FROM);
		if (g_strcmp0(member->to, carry->parts.host_uuid) == 0)
			act(carry, order, member, SIDE_TO);
	}
}

/* Jobs of orders that have ended must not act any more: their time limits would pull the plug of a
 * machine that somebody started since. */
static void drop_ended(struct carry *carry, GHashTable *under_way)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, carry->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (!g_hash_table_contains(under_way, ((struct job *)value)->order))
			g_hash_table_iter_remove(&iter);
}

void carry_look(struct carry *carry, const struct book *book, GHashTable *domains)
{
	g_autoptr(GPtrArray) vapps = book_orders(book);
	g_autoptr(GHashTable) under_way = g_hash_table_new(g_str_hash, g_str_equal);

	carry->book = book;
	carry->domains = domains;
	for (unsigned i = 0; i < vapps->len; i++) {
		const struct facts_order *order = book_order(book, vapps->pdata[i]);

		if (is_under_way(order))
			g_hash_table_add(under_way, order->id);
		look_at(carry, order);
	}
	drop_ended(carry, under_way);
	carry->book = NULL;
	carry->domains = NULL;
}

struct carry *carry_new(const struct carry_parts *parts)
{
	struct carry *carry = g_new0(struct carry, 1);

	carry->parts = *parts;
	carry->patience = (struct carry_patience){ SHUTDOWN_MS, RETURN_MS, AGAIN_MS };
	carry->jobs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, job_free);
	return carry;
}

void carry_set_patience(struct carry *carry, const struct carry_patience *patience)
{
	carry->patience = *patience;
}

void carry_free(struct carry *carry)
{
	if (!carry)
		return;
	g_hash_table_destroy(carry->jobs);
	g_free(carry);
}
