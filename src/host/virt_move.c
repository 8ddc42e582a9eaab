#include "host/virt_private.h"

/* One outgoing migration: two threads, one inside libvirt's blocking call, one pacing it.
 *
 *   COPYING --little is left--> HELD --virt_move_release()--> (switch-over) --> ARRIVED
 *      |                          |                                 |
 *      +------ abort, error ------+---------------------------------+--> FAILED: the machine is
 * still here
 *
 * Holding: QEMU switches over when what is left fits into the permitted downtime at the speed it
 * measures, and in any case when nothing is left, which an idle guest reaches soon at any speed. So
 * the pacer keeps something to send: once less than HOLD_BYTES are left it slows the stream to
 * HOLD_MIB_S, which makes them last for some twenty seconds. They are a third of a second at full
 * speed, so that a busy libvirtd that answers late does not miss them.
 *
 * A release draws near first: the stream is as fast as its rest is large, so that it is almost done
 * without being done. When all released moves are near (or one has kept the others waiting for
 * DRAW_MAX_MS) their limits are lifted at the same moment. So what of the way is long is gone while
 * all guests run, and they stop within a moment of each other: the first to stop waits for the
 * last. QEMU measures the speed a tenth of a second behind, so the permitted downtime of one that
 * is near is what the rest would take at HOLD_MIB_S: it stops at once, for the little time that the
 * rest takes at full speed. For one that is not near, because it writes faster than it is copied,
 * the permitted downtime begins small and grows. A guest that is not released in time arrives
 * early, paused: that costs it time but breaks nothing.
 */

#define PACE_MS          20
#define TELL_MS          200
#define COPY_MIB_S       64UL
#define HOLD_BYTES       (24UL * 1024 * 1024)
#define HOLD_MIB_S       1UL
#define HOLD_DOWNTIME_MS 1u
#define FREE_MIB_S       8796093022207UL /* libvirt's own "no limit" for migration speed, MiB/s */
#define FREE_DOWNTIME_MS 20u
#define DOWNTIME_MAX_MS  320u  /* reached after two seconds */
#define NEAR_DOWNTIME_MS 3000u /* NEAR_BYTES at HOLD_MIB_S */
#define GROW_MS          500
#define DRAW_MS          150 /* the stream would take as long for what is left */
#define DRAW_MIN_MS      40  /* releases of one group come together */
#define DRAW_MAX_MS      2000
#define NEAR_BYTES       (3UL * 1024 * 1024)
#define MIB              (1024UL * 1024)

struct virt_move_job {
	struct virt *virt;
	char *uuid;
	char *to_uri;
	virt_move_fn fn;
	gpointer data;
	virDomain *domain;
	gint over; /* the blocking call has returned */
	gint aborted;
	gint64 released_us; /* monotonic, when virt_move_release() was called; the virt's lock */
	gboolean near;      /* released, and little is left; the virt's lock */
};

struct news {
	char *uuid;
	enum virt_move_state state;
	unsigned percent;
	GError *error;
	virt_move_fn fn;
	gpointer data;
};

static void news_free(gpointer data)
{
	struct news *news = data;

	g_free(news->uuid);
	g_clear_error(&news->error);
	g_free(news);
}

static void tell_news(struct virt *virt, gpointer what)
{
	struct news *news = what;

	news->fn(news->uuid, news->state, news->percent, news->error, news->data);
}

static void tell(
	struct virt_move_job *job, enum virt_move_state state, unsigned percent, GError *error)
{
	struct news news = { g_strdup(job->uuid), state, percent, error, job->fn, job->data };

	virt_cross(job->virt, tell_news, g_memdup2(&news, sizeof(news)), news_free);
}

/* ---- pacing ---- */

struct pace {
	gboolean held;
	unsigned long mib_s;  /* of the stream, once it is drawing near */
	unsigned downtime_ms; /* permitted, once it is freed */
	gint64 freed_us;      /* 0: not yet */
	gint64 told_us;
};

/* Bytes of guest memory still to send, and percent sent; FALSE before the copying began. */
static gboolean read_left(virDomain *domain, guint64 *ret_left, unsigned *ret_percent)
{
	virTypedParameter *params = NULL;
	int n_params = 0;
	int type;
	unsigned long long total = 0;
	unsigned long long left = 0;
	gboolean known;

	if (virDomainGetJobStats(domain, &type, &params, &n_params, 0) < 0)
		return FALSE;
	known = virTypedParamsGetULLong(params, n_params, VIR_DOMAIN_JOB_MEMORY_TOTAL, &total) ==
			1 &&
		virTypedParamsGetULLong(params, n_params, VIR_DOMAIN_JOB_MEMORY_REMAINING, &left) ==
			1 &&
		total > 0 && left < total;
	virTypedParamsFree(params, n_params);
	if (!known)
		return FALSE;
	*ret_left = left;
	*ret_percent = (unsigned)((total - left) * 100 / total);
	return TRUE;
}

static void pace_hold(struct virt_move_job *job, struct pace *pace)
{
	virDomainMigrateSetMaxSpeed(job->domain, HOLD_MIB_S, 0);
	pace->held = TRUE;
	tell(job, VIRT_MOVE_HELD, 99, NULL);
}

static gint64 released_us(struct virt_move_job *job)
{
	gint64 at_us;

	g_mutex_lock(&job->virt->lock);
	at_us = job->released_us;
	g_mutex_unlock(&job->virt->lock);
	return at_us;
}

/* Whether all that were released with this one are as near as they will come. */
static gboolean all_near(struct virt_move_job *job, gboolean near, gint64 now_us)
{
	gint64 waited_us = now_us - job->released_us;
	GHashTableIter iter;
	gpointer value;

	g_mutex_lock(&job->virt->lock);
	job->near = job->near || near;
	near = job->near && waited_us >= DRAW_MIN_MS * 1000L;
	g_hash_table_iter_init(&iter, job->virt->moves);
	while (near && g_hash_table_iter_next(&iter, NULL, &value)) {
		struct virt_move_job *other = value;

		near = !other->released_us || other->near || g_atomic_int_get(&other->over);
	}
	g_mutex_unlock(&job->virt->lock);
	return near || waited_us >= DRAW_MAX_MS * 1000L;
}

static void set_speed(struct virt_move_job *job, struct pace *pace, unsigned long mib_s)
{
	if (mib_s != pace->mib_s)
		virDomainMigrateSetMaxSpeed(job->domain, mib_s, 0);
	pace->mib_s = mib_s;
}

static void set_downtime(struct virt_move_job *job, struct pace *pace, unsigned ms)
{
	virDomainMigrateSetMaxDowntime(job->domain, ms, 0);
	pace->downtime_ms = ms;
}

static void pace_draw(struct virt_move_job *job, struct pace *pace, guint64 left, gint64 now_us)
{
	unsigned long mib_s = left * 1000 / DRAW_MS / MIB;

	if (all_near(job, left <= NEAR_BYTES, now_us)) {
		set_downtime(job, pace, left <= NEAR_BYTES ? NEAR_DOWNTIME_MS : FREE_DOWNTIME_MS);
		set_speed(job, pace, FREE_MIB_S);
		pace->freed_us = now_us;
	} else {
		set_speed(job, pace, left <= NEAR_BYTES ? HOLD_MIB_S : mib_s);
	}
}

static void pace_freed(struct virt_move_job *job, struct pace *pace, gint64 now_us)
{
	if (pace->downtime_ms >= DOWNTIME_MAX_MS || now_us - pace->freed_us < GROW_MS * 1000L)
		return;
	set_downtime(job, pace, pace->downtime_ms * 2);
	pace->freed_us = now_us;
}

static void pace_step(struct virt_move_job *job, struct pace *pace)
{
	gint64 now_us = g_get_monotonic_time();
	guint64 left;
	unsigned percent;

	if (g_atomic_int_get(&job->aborted))
		virDomainAbortJob(job->domain);
	if (pace->freed_us) {
		pace_freed(job, pace, now_us);
	} else if (!read_left(job->domain, &left, &percent)) {
		return;
	} else if (released_us(job)) {
		pace_draw(job, pace, left, now_us);
	} else if (!pace->held && left <= HOLD_BYTES) {
		pace_hold(job, pace);
	} else if (!pace->held && now_us - pace->told_us >= TELL_MS * 1000L) {
		pace->told_us = now_us;
		tell(job, VIRT_MOVE_COPYING, percent, NULL);
	}
}

static gpointer pacer_run(gpointer data)
{
	struct virt_move_job *job = data;
	struct pace pace = { 0 };

	while (!g_atomic_int_get(&job->over)) {
		pace_step(job, &pace);
		g_usleep(PACE_MS * 1000UL);
	}
	return NULL;
}

/* ---- the blocking call ---- */

static gboolean migrate(struct virt_move_job *job, GError **error)
{
	const unsigned flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_PERSIST_DEST |
			       VIR_MIGRATE_PAUSED;
	virTypedParameter *params = NULL;
	int n = 0;
	int max = 0;
	gboolean good;

	virTypedParamsAddULLong(&params, &n, &max, VIR_MIGRATE_PARAM_BANDWIDTH, COPY_MIB_S);
	good = virDomainMigrateToURI3(job->domain, job->to_uri, params, (unsigned)n, flags) == 0;
	if (!good)
		virt_set_error(error);
	virTypedParamsFree(params, n);
	return good;
}

static void job_free(struct virt_move_job *job)
{
	if (job->domain)
		virDomainFree(job->domain);
	virt_unref(job->virt);
	g_free(job->uuid);
	g_free(job->to_uri);
	g_free(job);
}

static gpointer mover_run(gpointer data)
{
	struct virt_move_job *job = data;
	GError *error = NULL;
	gboolean good;
	GThread *pacer;

	job->domain = virt_lookup(job->virt, job->uuid, &error);
	good = job->domain != NULL;
	if (good) {
		virt_read_later(job->virt, job->domain); /* from now on its process is watched */
		virDomainMigrateSetMaxDowntime(job->domain, HOLD_DOWNTIME_MS, 0);
		pacer = g_thread_new("pacer", pacer_run, job);
		good = migrate(job, &error);
		g_atomic_int_set(&job->over, 1);
		g_thread_join(pacer);
	}
	g_mutex_lock(&job->virt->lock);
	g_hash_table_remove(job->virt->moves, job->uuid);
	g_mutex_unlock(&job->virt->lock);
	tell(job, good ? VIRT_MOVE_ARRIVED : VIRT_MOVE_FAILED, good ? 100 : 0, error);
	job_free(job);
	return NULL;
}

/* ---- requests ---- */

void virt_move(struct virt *virt, const char *uuid, const char *to_uri, virt_move_fn on_move,
	gpointer data)
{
	struct virt_move_job *job;

	g_mutex_lock(&virt->lock);
	if (g_hash_table_contains(virt->moves, uuid)) {
		g_mutex_unlock(&virt->lock);
		return;
	}
	job = g_new0(struct virt_move_job, 1);
	job->virt = virt_ref(virt);
	job->uuid = g_strdup(uuid);
	job->to_uri = g_strdup(to_uri);
	job->fn = on_move;
	job->data = data;
	g_hash_table_insert(virt->moves, g_strdup(uuid), job);
	g_mutex_unlock(&virt->lock);
	g_thread_unref(g_thread_new("mover", mover_run, job));
}

void virt_move_release(struct virt *virt, const char *uuid)
{
	struct virt_move_job *job;

	g_mutex_lock(&virt->lock);
	job = g_hash_table_lookup(virt->moves, uuid);
	if (job && !job->released_us)
		job->released_us = g_get_monotonic_time();
	g_mutex_unlock(&virt->lock);
}

void virt_move_abort(struct virt *virt, const char *uuid)
{
	struct virt_move_job *job;

	g_mutex_lock(&virt->lock);
	job = g_hash_table_lookup(virt->moves, uuid);
	if (job)
		g_atomic_int_set(&job->aborted, 1);
	g_mutex_unlock(&virt->lock);
}

gboolean virt_moving(struct virt *virt, const char *uuid)
{
	gboolean moving;

	g_mutex_lock(&virt->lock);
	moving = g_hash_table_contains(virt->moves, uuid);
	g_mutex_unlock(&virt->lock);
	return moving;
}

void virt_moves_abort(struct virt *virt)
{
	GHashTableIter iter;
	gpointer job;

	g_mutex_lock(&virt->lock);
	g_hash_table_iter_init(&iter, virt->moves);
	while (g_hash_table_iter_next(&iter, NULL, &job))
		g_atomic_int_set(&((struct virt_move_job *)job)->aborted, 1);
	g_mutex_unlock(&virt->lock);
}
