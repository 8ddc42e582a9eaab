#include "host/carry_private.h"

#include <string.h>

#define RETURN_MS   20000 /* how long a copy may try to go back before it is given up */
#define SHUTDOWN_MS 8000  /* how long a guest may take to shut down by itself */
#define AGAIN_MS    500   /* after which a copy that could not go back tries again */

enum side { SIDE_FROM, SIDE_TO };

/* What an action sees. */
struct scene {
	struct carry *carry;
	struct carry_job *job;
	const struct facts_order *order;
	const struct facts_order_member *member;
	enum virt_state state; /* of the domain here */
	gboolean orphan;       /* it is being moved away, and not by this agent */
};

/* ---- requests to libvirt: one under way per phase; its end shows in the domain's state, its
 * failure here ---- */

static void on_done(const GError *error, gpointer data)
{
	struct carry_job *job = carry_asking_end(data);

	if (job && error)
		carry_job_fail(job, error->message);
}

static void on_defined(const GError *error, gpointer data)
{
	struct carry_job *job = carry_asking_end(data);

	if (job && error)
		carry_job_fail(job, error->message);
	else if (job)
		virt_do(job->carry->parts.virt, VIRT_START, job->uuid, on_done,
			carry_asking_new(job));
}

static void ask(struct scene *scene, enum virt_verb verb)
{
	if (scene->job->asked)
		return;
	scene->job->asked = TRUE;
	virt_do(scene->carry->parts.virt, verb, scene->job->uuid, on_done,
		carry_asking_new(scene->job));
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
			carry_asking_new(scene->job));
	else
		carry_job_fail(scene->job, "the map holds no definition of this machine");
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
	struct carry_job *job = data;

	job->again = 0;
	job->asked = FALSE;
	job->carry->parts.look_again(job->carry->parts.data);
	return G_SOURCE_REMOVE;
}

/* The source may not have let go of its own copy yet: that the first try fails is nothing special.
 */
static void go_back_later(struct carry_job *job, const char *why)
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
	struct carry_job *job = g_hash_table_lookup(carry->jobs, uuid);

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

static enum carry_outcome protect_to(struct scene *scene)
{
	struct guard_state rules;

	if (!guard_find(scene->carry->parts.guard, scene->job->uuid, &rules))
		return CARRY_RUNNING;
	return rules.conforming ? CARRY_DONE : CARRY_RUNNING;
}

static enum carry_outcome precopy_from(struct scene *scene)
{
	struct carry_job *job = scene->job;

	if (abort_orphan(scene))
		return CARRY_RUNNING;
	/* It left before its agent came back; the destination says whether it got there. */
	if (!job->move_begun && !job->asked && scene->state == VIRT_SHUTOFF)
		return CARRY_DONE;
	if (!job->move_begun && !job->asked && scene->state == VIRT_RUNNING) {
		job->asked = TRUE;
		job->move_begun = TRUE;
		job->move = VIRT_MOVE_COPYING;
		virt_move(scene->carry->parts.virt, job->uuid, scene->member->to_uri, on_move,
			scene->carry);
	}
	if (job->move_begun && (job->move == VIRT_MOVE_HELD || job->move == VIRT_MOVE_ARRIVED))
		return CARRY_DONE;
	return CARRY_RUNNING;
}

static enum carry_outcome switch_from(struct scene *scene)
{
	gboolean off = scene->state == VIRT_SHUTOFF || scene->state == VIRT_ABSENT;

	virt_move_release(scene->carry->parts.virt, scene->job->uuid);
	scene->job->stopped = scene->job->stopped || off;
	return off ? CARRY_DONE : CARRY_RUNNING;
}

static enum carry_outcome switch_to(struct scene *scene)
{
	struct carry_job *job = scene->job;
	const struct facts_conntrack *conntrack = book_conntrack(
		scene->carry->book, job->uuid, job->order);

	if (scene->state == VIRT_PAUSED && conntrack && !job->asked) {
		job->asked = TRUE;
		carry_flows_load(job, conntrack);
	}
	return scene->state == VIRT_PAUSED && job->loaded ? CARRY_DONE : CARRY_RUNNING;
}

static enum carry_outcome resume_to(struct scene *scene)
{
	if (scene->state == VIRT_RUNNING) {
		if (!scene->job->resumed_ms)
			scene->job->resumed_ms = carry_now_ms();
		return CARRY_DONE;
	}
	if (!is_home(scene))
		return CARRY_RUNNING;
	if (scene->state == VIRT_PAUSED)
		ask(scene, VIRT_RESUME);
	else if (scene->state != VIRT_MOVING)
		ask_fresh_start(scene);
	return CARRY_RUNNING;
}

static enum carry_outcome release_from(struct scene *scene)
{
	if (scene->state == VIRT_ABSENT) {
		report_conntrack(scene->carry->parts.report, scene->job->uuid, NULL);
		return CARRY_DONE;
	}
	if (!is_active(scene))
		ask(scene, VIRT_UNDEFINE);
	return CARRY_RUNNING;
}

static gboolean on_return_over(gpointer data)
{
	struct carry_job *job = data;

	job->timer = 0;
	if (job->ran)
		return G_SOURCE_REMOVE; /* its memory is the only one there is: it goes on trying */
	virt_move_abort(job->carry->parts.virt, job->uuid);
	virt_do(job->carry->parts.virt, VIRT_DESTROY, job->uuid, NULL, NULL);
	return G_SOURCE_REMOVE;
}

/* Its source is off for good, by an operator's word: it is at home here now, and is to run. */
static enum carry_outcome stay_here(struct scene *scene)
{
	struct carry_job *job = scene->job;

	carry_job_stop_timers(job);
	virt_move_abort(scene->carry->parts.virt, job->uuid);
	if (virt_moving(scene->carry->parts.virt, job->uuid) || scene->state == VIRT_MOVING)
		return CARRY_RUNNING;
	if (scene->state == VIRT_PAUSED && is_home(scene) && !job->stay_asked) {
		job->stay_asked = TRUE;
		virt_do(scene->carry->parts.virt, VIRT_RESUME, job->uuid, on_done,
			carry_asking_new(job));
	}
	return scene->state == VIRT_PAUSED ? CARRY_RUNNING : CARRY_DONE;
}

/* A copy that came here goes back; one that cannot is given up, for only its source may run it now.
 */
static enum carry_outcome return_to(struct scene *scene)
{
	struct carry_job *job = scene->job;

	job->ran = job->ran || scene->state == VIRT_RUNNING;
	if (scene->state == VIRT_ABSENT)
		return CARRY_DONE;
	if (scene->member->stays && is_active(scene))
		return stay_here(scene);
	if (!is_active(scene)) {
		virt_do(scene->carry->parts.virt, VIRT_UNDEFINE, job->uuid, NULL, NULL);
		return CARRY_RUNNING;
	}
	if (!job->timer)
		job->timer = g_timeout_add(job->carry->patience.return_ms, on_return_over, job);
	if (scene->state == VIRT_MOVING || job->asked)
		return CARRY_RUNNING;
	job->asked = TRUE;
	if (scene->member->from && scene->member->from_uri) {
		job->going_back = TRUE;
		virt_move(scene->carry->parts.virt, job->uuid, scene->member->from_uri, on_move,
			scene->carry);
		virt_move_release(scene->carry->parts.virt, job->uuid);
	} else {
		virt_do(scene->carry->parts.virt, VIRT_DESTROY, job->uuid, on_done,
			carry_asking_new(job));
	}
	return CARRY_RUNNING;
}

static enum carry_outcome return_from(struct scene *scene)
{
	virt_move_abort(scene->carry->parts.virt, scene->job->uuid);
	if (abort_orphan(scene) || virt_moving(scene->carry->parts.virt, scene->job->uuid) ||
		scene->state == VIRT_MOVING)
		return CARRY_RUNNING;
	if (scene->state == VIRT_PAUSED && is_home(scene))
		ask(scene, VIRT_RESUME);
	return scene->state == VIRT_PAUSED ? CARRY_RUNNING : CARRY_DONE;
}

static enum carry_outcome restart_from(struct scene *scene)
{
	if (scene->state == VIRT_RUNNING)
		return CARRY_DONE;
	if (!is_home(scene))
		return CARRY_RUNNING;
	if (scene->state == VIRT_PAUSED)
		ask(scene, VIRT_RESUME);
	else if (scene->state != VIRT_MOVING)
		ask_fresh_start(scene);
	return CARRY_RUNNING;
}

static enum carry_outcome start_to(struct scene *scene)
{
	if (scene->state == VIRT_RUNNING)
		return CARRY_DONE;
	if (is_home(scene)) /* not before its turn */
		ask_fresh_start(scene);
	return CARRY_RUNNING;
}

static gboolean on_shutdown_over(gpointer data)
{
	struct carry_job *job = data;

	job->timer = 0;
	virt_do(job->carry->parts.virt, VIRT_DESTROY, job->uuid, on_done, carry_asking_new(job));
	return G_SOURCE_REMOVE;
}

static enum carry_outcome stop_from(struct scene *scene)
{
	struct carry_job *job = scene->job;

	if (!is_active(scene))
		return CARRY_DONE;
	if (!scene->member->go_ms)
		return CARRY_RUNNING; /* not its turn yet */
	if (!job->timer && !job->asked)
		job->timer = g_timeout_add(job->carry->patience.shutdown_ms, on_shutdown_over, job);
	ask(scene, VIRT_SHUTDOWN);
	return CARRY_RUNNING;
}

static const struct {
	const char *phase;
	enum side side;
	enum carry_outcome (*act)(struct scene *scene);
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

static struct carry_job *job_of(
	struct carry *carry, const struct facts_order *order, const char *uuid)
{
	struct carry_job *job = g_hash_table_lookup(carry->jobs, uuid);

	if (!job || strcmp(job->order, order->id) != 0) {
		job = carry_job_new(carry, order->id, uuid);
		g_hash_table_replace(carry->jobs, job->uuid, job);
	}
	carry_job_enter(job, order->phase);
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
		enum carry_outcome outcome;

		if (actions[i].side != side || g_strcmp0(actions[i].phase, order->phase) != 0)
			continue;
		scene.job = job_of(carry, order, member->vm);
		scene.job->leaves = side == SIDE_FROM;
		outcome = actions[i].act(&scene);
		if (outcome == CARRY_DONE)
			carry_job_stop_timers(scene.job);
		carry_job_tell(scene.job,
			scene.job->failure && outcome != CARRY_DONE ? CARRY_FAILED : outcome);
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
	carry_flows_dump(carry, order->id);
}

/* Jobs of orders that have ended must not act any more: their time limits would pull the plug of a
 * machine that somebody started since. */
static void drop_ended(struct carry *carry, GHashTable *under_way)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, carry->jobs);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (!g_hash_table_contains(under_way, ((struct carry_job *)value)->order))
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

void carry_stopped(struct carry *carry, const char *uuid)
{
	struct carry_job *job = g_hash_table_lookup(carry->jobs, uuid);

	if (!job)
		return;
	job->paused_ms = carry_now_ms();
	job->stopped = TRUE;
	job->dumped = FALSE; /* it may have gone on since the last time */
	carry_flows_dump(carry, job->order);
}

struct carry *carry_new(const struct carry_parts *parts)
{
	struct carry *carry = g_new0(struct carry, 1);

	carry->parts = *parts;
	carry->patience = (struct carry_patience){ SHUTDOWN_MS, RETURN_MS, AGAIN_MS };
	carry->jobs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, carry_job_free);
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
