#include "host/virt_private.h"

#include <libvirt/virterror.h>
#include <string.h>

G_DEFINE_QUARK(virt - error - quark, virt_error)

#define RETRY_US    300000 /* between attempts to reach libvirtd */
#define KEEPALIVE_S 1
#define KEEPALIVE_N 3
#define RUN_DIR     "/run/libvirt/qemu"

static const char *const state_names[] = {
	[VIRT_ABSENT] = "absent",
	[VIRT_SHUTOFF] = "shutoff",
	[VIRT_RUNNING] = "running",
	[VIRT_PAUSED] = "paused",
	[VIRT_MOVING] = "moving",
	[VIRT_CRASHED] = "crashed",
};

const char *virt_state_to_string(enum virt_state state)
{
	return state_names[state];
}

/* What a hook said, out of the words and the whole environment that libvirt wraps it in; or all of
 * the message when no hook spoke. */
static const char *spoken(const char *message)
{
	const char *ours = strstr(message, "drover: ");
	const char *status = strstr(message, ") unexpected exit status ");
	const char *theirs = status ? strstr(status, ": ") : NULL;

	if (ours)
		return ours + strlen("drover: ");
	return theirs ? theirs + 2 : message;
}

void virt_set_error(GError **error)
{
	g_set_error(error, VIRT_ERROR,
		virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? VIRT_ERROR_UNKNOWN : VIRT_ERROR_FAILED,
		"%s", spoken(virGetLastErrorMessage()));
}

/* ---- crossing over to the owner's thread ---- */

struct crossing {
	struct virt *virt;
	virt_crossing_fn fn;
	gpointer what;
	GDestroyNotify free_what;
};

static gboolean crossing_run(gpointer data)
{
	struct crossing *crossing = data;

	if (!crossing->virt->freed)
		crossing->fn(crossing->virt, crossing->what);
	return G_SOURCE_REMOVE;
}

static void crossing_free(gpointer data)
{
	struct crossing *crossing = data;

	if (crossing->free_what)
		crossing->free_what(crossing->what);
	virt_unref(crossing->virt);
	g_free(crossing);
}

void virt_cross(struct virt *virt, virt_crossing_fn fn, gpointer what, GDestroyNotify free_what)
{
	struct crossing *crossing = g_new(struct crossing, 1);

	*crossing = (struct crossing){ virt_ref(virt), fn, what, free_what };
	g_main_context_invoke_full(
		virt->context, G_PRIORITY_DEFAULT, crossing_run, crossing, crossing_free);
}

/* ---- the connection, shared by all threads ---- */

virConnect *virt_connection(struct virt *virt, GError **error)
{
	virConnect *conn;

	g_mutex_lock(&virt->lock);
	conn = virt->conn;
	if (conn)
		virConnectRef(conn);
	g_mutex_unlock(&virt->lock);
	if (!conn)
		g_set_error(error, VIRT_ERROR, VIRT_ERROR_DOWN, "no connection to libvirtd at %s",
			virt->uri);
	return conn;
}

static void set_connection(struct virt *virt, virConnect *conn)
{
	virConnect *old;

	g_mutex_lock(&virt->lock);
	old = virt->conn;
	virt->conn = conn;
	g_mutex_unlock(&virt->lock);
	if (old)
		virConnectClose(old);
}

virDomain *virt_lookup(struct virt *virt, const char *uuid, GError **error)
{
	virConnect *conn = virt_connection(virt, error);
	virDomain *domain;

	if (!conn)
		return NULL;
	domain = virDomainLookupByUUIDString(conn, uuid);
	if (!domain)
		virt_set_error(error);
	virConnectClose(conn);
	return domain;
}

/* ---- reading domains, in order, on one thread ---- */

/* A domain as libvirtd has it, with what only this room needs. */
struct reading {
	struct virt_domain domain;
	int id;           /* libvirtd's number for this run of the machine; -1: it is off */
	gboolean leaving; /* by a migration, ours or an orphan */
};

static void reading_free(gpointer data)
{
	struct reading *reading = data;

	g_free(reading->domain.uuid);
	g_free(reading->domain.name);
	g_free(reading->domain.xml);
	g_free(reading);
}

static enum virt_state state_of(int state, int reason)
{
	if (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED ||
		state == VIR_DOMAIN_SHUTDOWN)
		return VIRT_RUNNING;
	if (state == VIR_DOMAIN_PAUSED)
		return reason == VIR_DOMAIN_PAUSED_MIGRATION ? VIRT_MOVING : VIRT_PAUSED;
	return state == VIR_DOMAIN_CRASHED ? VIRT_CRASHED : VIRT_SHUTOFF;
}

/* An agent that was killed leaves its migrations to libvirtd, which goes on with them. */
static gboolean is_orphan(struct virt *virt, virDomain *domain, const char *uuid)
{
	virTypedParameter *params = NULL;
	int n_params = 0;
	int type = VIR_DOMAIN_JOB_NONE;
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	if (virt_moving(virt, uuid) ||
		virDomainGetJobStats(domain, &type, &params, &n_params, 0) < 0)
		return FALSE;
	virTypedParamsGetInt(params, n_params, VIR_DOMAIN_JOB_OPERATION, &operation);
	virTypedParamsFree(params, n_params);
	return type != VIR_DOMAIN_JOB_NONE && operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
}

/* Whether libvirt's last word was that there is no such domain, which is an answer too. */
static gboolean is_unknown(void)
{
	return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
}

/* FALSE: it could not be read, which says nothing about the domain. */
static gboolean read_into(struct virt *virt, virDomain *domain, struct reading *reading)
{
	struct virt_domain *ret = &reading->domain;
	virDomainInfo info;
	int state;
	int reason;

	ret->name = g_strdup(virDomainGetName(domain));
	if (virDomainGetState(domain, &state, &reason, 0) != 0 ||
		virDomainGetInfo(domain, &info) != 0 ||
		!(ret->xml = virDomainGetXMLDesc(domain, 0)))
		return is_unknown();
	ret->state = state_of(state, reason);
	ret->vcpus = info.nrVirtCpu;
	ret->memory_mib = info.maxMem / 1024;
	ret->orphan = is_orphan(virt, domain, ret->uuid);
	reading->leaving = ret->orphan || virt_moving(virt, ret->uuid);
	reading->id = (int)virDomainGetID(domain);
	return TRUE;
}

/* NULL: it could not be read. A connection that breaks must not make machines absent. */
static struct reading *domain_read(struct virt *virt, const char *uuid)
{
	g_autoptr(GError) error = NULL;
	virDomain *domain = virt_lookup(virt, uuid, &error);
	struct reading *ret = g_new0(struct reading, 1);
	gboolean known = domain || g_error_matches(error, VIRT_ERROR, VIRT_ERROR_UNKNOWN);

	ret->domain.uuid = g_strdup(uuid);
	ret->id = -1;
	if (domain) {
		known = read_into(virt, domain, ret);
		virDomainFree(domain);
	}
	if (!known)
		g_clear_pointer(&ret, reading_free);
	return ret;
}

/* The kernel knows better than libvirtd that a process has ended: what libvirtd still says of that
 * run of the machine is not passed on. */
static void tell_domain(struct virt *virt, gpointer what)
{
	struct reading *reading = what;
	struct virt_domain *domain = &reading->domain;

	if (reading->id < 0)
		virt_exits_forget(virt->exits, domain->uuid);
	else if (virt_exits_ended(virt->exits, domain->uuid, reading->id))
		domain->state = VIRT_SHUTOFF;
	else if (reading->leaving)
		virt_exits_watch(virt->exits, domain, reading->id);
	domain->orphan = domain->orphan && domain->state != VIRT_SHUTOFF;
	virt->events.domain(domain, virt->data);
}

static void on_exit_of(const struct virt_domain *domain, gpointer data)
{
	struct virt *virt = data;

	virt->events.domain(domain, virt->data);
}

/* The end of an earlier connection's list may come after that connection's. */
static void tell_settled(struct virt *virt, gpointer what)
{
	if (GPOINTER_TO_INT(what) == virt->up)
		virt->events.settled(virt->data);
}

static void set_flag(struct virt *virt, gboolean *flag)
{
	g_mutex_lock(&virt->lock);
	*flag = TRUE;
	g_cond_signal(&virt->turn);
	g_mutex_unlock(&virt->lock);
}

/* Work of the reading thread: a UUID to read, or "#EPOCH" for the end of a connection's first list.
 * A list that was not read whole settles nothing: all begins anew. */
static void read_one(gpointer what, gpointer data)
{
	g_autofree char *uuid = what;
	struct virt *virt = data;
	gboolean is_end = *uuid == '#';
	struct reading *reading = is_end ? NULL : domain_read(virt, uuid);

	if (reading)
		virt_cross(virt, tell_domain, reading, reading_free);
	else if (!is_end)
		g_atomic_int_set(&virt->unread, 1);
	else if (g_atomic_int_get(&virt->unread))
		set_flag(virt, &virt->closed);
	else
		virt_cross(virt, tell_settled,
			GINT_TO_POINTER((gint)g_ascii_strtoll(uuid + 1, NULL, 10)), NULL);
}

void virt_read_later(struct virt *virt, virDomain *domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(domain, uuid) == 0)
		g_thread_pool_push(virt->reader, g_strdup(uuid), NULL);
}

static void read_all(struct virt *virt, virConnect *conn)
{
	virDomain **domains = NULL;
	int n = virConnectListAllDomains(conn, &domains, 0);

	g_atomic_int_set(&virt->unread, n < 0);
	for (int i = 0; i < n; i++) {
		virt_read_later(virt, domains[i]);
		virDomainFree(domains[i]);
	}
	free(domains);
	g_thread_pool_push(virt->reader, g_strdup_printf("#%d", virt->epoch), NULL);
}

/* ---- libvirt's events ---- */

static void tell_stopped(struct virt *virt, gpointer what)
{
	virt_exits_stopped(virt->exits, what);
	virt->events.stopped(what, virt->data);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *data)
{
	struct virt *virt = data;
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (event == VIR_DOMAIN_EVENT_SUSPENDED && detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED &&
		virDomainGetUUIDString(domain, uuid) == 0)
		virt_cross(virt, tell_stopped, g_strdup(uuid), g_free);
	virt_read_later(virt, domain);
	return 0;
}

static void on_metadata(
	virConnectPtr conn, virDomainPtr domain, int type, const char *ns, void *data)
{
	virt_read_later(data, domain);
}

static void on_device(virConnectPtr conn, virDomainPtr domain, const char *alias, void *data)
{
	virt_read_later(data, domain);
}

static void on_close(virConnectPtr conn, int reason, void *data)
{
	struct virt *virt = data;

	set_flag(virt, &virt->closed);
}

static void register_events(struct virt *virt, virConnect *conn)
{
	virConnectRegisterCloseCallback(conn, on_close, virt, NULL);
	virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), virt, NULL);
	virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
		VIR_DOMAIN_EVENT_CALLBACK(on_metadata), virt, NULL);
	virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
		VIR_DOMAIN_EVENT_CALLBACK(on_device), virt, NULL);
	virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
		VIR_DOMAIN_EVENT_CALLBACK(on_device), virt, NULL);
}

/* ---- the keeper: connects, waits for the connection's end, connects again ---- */

static void tell_up(struct virt *virt, gpointer what)
{
	virt->up = g_atomic_int_get(&virt->epoch);
	virt->events.up(what, virt->data);
}

static void tell_down(struct virt *virt, gpointer what)
{
	virt->up = 0;
	virt_exits_forget(virt->exits, NULL);
	virt->events.down(what, virt->data);
}

static void on_libvirt_error(void *data, virErrorPtr error)
{
}

static gboolean keeper_open(struct virt *virt)
{
	virConnect *conn = virConnectOpen(virt->uri);

	if (!conn)
		return FALSE;
	g_atomic_int_inc(&virt->epoch);
	virConnectSetKeepAlive(conn, KEEPALIVE_S, KEEPALIVE_N);
	register_events(virt, conn);
	set_connection(virt, conn);
	virt_cross(virt, tell_up, virt_host_read(conn), virt_host_free);
	read_all(virt, conn);
	return TRUE;
}

/* Waits until the connection is lost, or `until_us` (monotonic; -1: for ever). FALSE: this is the
 * end. */
static gboolean keeper_wait(struct virt *virt, gint64 until_us)
{
	gboolean go_on;

	g_mutex_lock(&virt->lock);
	while (!virt->stop && !virt->closed) {
		if (until_us < 0)
			g_cond_wait(&virt->turn, &virt->lock);
		else if (!g_cond_wait_until(&virt->turn, &virt->lock, until_us))
			break;
	}
	virt->closed = FALSE; /* what comes now is of the next connection */
	go_on = !virt->stop;
	g_mutex_unlock(&virt->lock);
	return go_on;
}

static gpointer keeper_run(gpointer data)
{
	struct virt *virt = data;
	gboolean go_on = TRUE;

	while (go_on) {
		if (keeper_open(virt)) {
			go_on = keeper_wait(virt, -1);
			set_connection(virt, NULL);
			if (go_on)
				virt_cross(virt, tell_down,
					g_strdup("libvirtd closed the connection"), g_free);
		} else {
			virt_cross(virt, tell_down, g_strdup(virGetLastErrorMessage()), g_free);
		}
		if (go_on)
			go_on = keeper_wait(virt, g_get_monotonic_time() + RETRY_US);
	}
	return NULL;
}

/* ---- life ---- */

struct virt *virt_ref(struct virt *virt)
{
	g_atomic_ref_count_inc(&virt->refs);
	return virt;
}

void virt_unref(struct virt *virt)
{
	if (!g_atomic_ref_count_dec(&virt->refs))
		return;
	g_hash_table_destroy(virt->moves);
	g_mutex_clear(&virt->lock);
	g_cond_clear(&virt->turn);
	g_main_context_unref(virt->context);
	g_free(virt->uri);
	g_free(virt);
}

/* libvirt's default event loop and error printing are the process's, so they are set up once. The
 * event loop is GLib's default main context, which the main loop runs: no thread of ours could. */
static void libvirt_init(void)
{
	static gsize done;

	if (!g_once_init_enter(&done))
		return;
	virInitialize();
	virSetErrorFunc(NULL, on_libvirt_error);
	virEventRegisterDefaultImpl();
	g_once_init_leave(&done, 1);
}

struct virt *virt_new(const char *uri, const struct virt_events *events, gpointer data)
{
	struct virt *virt = g_new0(struct virt, 1);

	libvirt_init();
	g_atomic_ref_count_init(&virt->refs);
	g_mutex_init(&virt->lock);
	g_cond_init(&virt->turn);
	virt->uri = g_strdup(uri);
	virt->context = g_main_context_ref_thread_default();
	virt->events = *events;
	virt->data = data;
	virt->moves = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	virt->exits = virt_exits_new(RUN_DIR, on_exit_of, virt);
	virt->reader = g_thread_pool_new(read_one, virt, 1, FALSE, NULL);
	virt->workers = g_thread_pool_new(virt_work, virt, 8, FALSE, NULL);
	virt->keeper = g_thread_new("libvirt", keeper_run, virt);
	return virt;
}

void virt_free(struct virt *virt)
{
	if (!virt)
		return;
	virt->freed = TRUE;
	g_clear_pointer(&virt->exits, virt_exits_free);
	set_flag(virt, &virt->stop);
	virt_moves_abort(virt);
	g_thread_join(virt->keeper);
	g_thread_pool_free(virt->reader, TRUE, TRUE);
	g_thread_pool_free(virt->workers, FALSE, TRUE);
	virt_unref(virt);
}
