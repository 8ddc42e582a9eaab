#include "host/virt_private.h"

#define ABORT_MS 5000 /* how long an aborted job may take to end */
#define OFF_MS   5000 /* how long libvirtd may take to notice that a machine is off */
#define STEP_MS  50

/* Requests that come back soon. Each is a function of a table; the pool's threads run them. */

struct request {
	enum virt_verb verb;
	gboolean define; /* `subject` is XML, not a UUID */
	char *subject;
	virt_done_fn done;
	gpointer data;
	GError *error;
};

/* The kernel may have told us that the machine is off before libvirtd has noticed it. */
static gboolean do_start(virDomain *domain)
{
	for (unsigned i = 0; i < OFF_MS / STEP_MS && virDomainIsActive(domain) == 1; i++)
		g_usleep(STEP_MS * 1000UL);
	return virDomainCreate(domain) == 0;
}

static gboolean do_resume(virDomain *domain)
{
	return virDomainResume(domain) == 0;
}

static gboolean do_destroy(virDomain *domain)
{
	return virDomainIsActive(domain) == 0 || virDomainDestroy(domain) == 0;
}

static gboolean do_shutdown(virDomain *domain)
{
	return virDomainIsActive(domain) == 0 || virDomainShutdown(domain) == 0;
}

static gboolean do_undefine(virDomain *domain)
{
	return virDomainUndefineFlags(
		       domain, VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_NVRAM) == 0;
}

/* libvirt tells nobody when a job has been aborted, so that is waited for here. */
static gboolean do_abort(virDomain *domain)
{
	virDomainJobInfo info = { .type = VIR_DOMAIN_JOB_NONE };

	if (virDomainAbortJob(domain) < 0)
		return FALSE;
	for (unsigned i = 0; i < ABORT_MS / STEP_MS; i++) {
		if (virDomainGetJobInfo(domain, &info) < 0 || info.type == VIR_DOMAIN_JOB_NONE)
			return TRUE;
		g_usleep(STEP_MS * 1000UL);
	}
	return TRUE;
}

static const struct {
	gboolean (*fn)(virDomain *domain);
	gboolean unknown_is_done;
	gboolean read_again; /* no event follows: the domain is told once it is done */
} verbs[] = {
	[VIRT_START] = { do_start, FALSE, FALSE },
	[VIRT_RESUME] = { do_resume, FALSE, FALSE },
	[VIRT_SHUTDOWN] = { do_shutdown, TRUE, FALSE },
	[VIRT_DESTROY] = { do_destroy, TRUE, FALSE },
	[VIRT_UNDEFINE] = { do_undefine, TRUE, FALSE },
	[VIRT_ABORT] = { do_abort, FALSE, TRUE },
};

static void carry_out(struct virt *virt, struct request *request)
{
	virDomain *domain = virt_lookup(virt, request->subject, &request->error);

	if (verbs[request->verb].unknown_is_done &&
		g_error_matches(request->error, VIRT_ERROR, VIRT_ERROR_UNKNOWN))
		g_clear_error(&request->error);
	if (!domain)
		return;
	if (!verbs[request->verb].fn(domain))
		virt_set_error(&request->error);
	if (verbs[request->verb].read_again)
		virt_read_later(virt, domain);
	virDomainFree(domain);
}

static void define(struct virt *virt, struct request *request)
{
	virConnect *conn = virt_connection(virt, &request->error);
	virDomain *domain;

	if (!conn)
		return;
	domain = virDomainDefineXMLFlags(conn, request->subject, VIR_DOMAIN_DEFINE_VALIDATE);
	if (domain)
		virDomainFree(domain);
	else
		virt_set_error(&request->error);
	virConnectClose(conn);
}

static void tell_done(struct virt *virt, gpointer what)
{
	struct request *request = what;

	if (request->done)
		request->done(request->error, request->data);
}

static void request_free(gpointer data)
{
	struct request *request = data;

	g_clear_error(&request->error);
	g_free(request->subject);
	g_free(request);
}

void virt_work(gpointer work, gpointer data)
{
	struct request *request = work;
	struct virt *virt = data;

	if (request->define)
		define(virt, request);
	else
		carry_out(virt, request);
	virt_cross(virt, tell_done, request, request_free);
}

static void push(struct virt *virt, const struct request *request)
{
	g_thread_pool_push(virt->workers, g_memdup2(request, sizeof(*request)), NULL);
}

void virt_do(
	struct virt *virt, enum virt_verb verb, const char *uuid, virt_done_fn done, gpointer data)
{
	push(virt, &(struct request){
			   .verb = verb, .subject = g_strdup(uuid), .done = done, .data = data });
}

void virt_define(struct virt *virt, const char *xml, virt_done_fn done, gpointer data)
{
	push(virt, &(struct request){
			   .define = TRUE, .subject = g_strdup(xml), .done = done, .data = data });
}
