#pragma once
/* The local libvirtd: its domains as values, its calls as requests.
 *
 * libvirt blocks, so it lives on threads of its own: one keeps the connection, one reads domains in
 * the order in which they changed, a few carry out requests. Its events do not block: they come by
 * GLib's default main context, which the process must run.
 * Everything that reaches the owner does so from the GMainContext that was the thread's default
 * when the object was made; structs passed to callbacks are borrowed. When libvirtd goes away the
 * domains are not: `down` is called, and after the reconnection every domain is told again.
 */
#include <glib.h>

#define VIRT_ERROR (virt_error_quark())
GQuark virt_error_quark(void);

enum virt_error {
	VIRT_ERROR_DOWN,    /* no connection to libvirtd */
	VIRT_ERROR_UNKNOWN, /* libvirt knows no such domain */
	VIRT_ERROR_FAILED,  /* libvirt said no; the message is libvirt's own */
};

enum virt_state {
	VIRT_ABSENT, /* not defined and not running: the domain is gone */
	VIRT_SHUTOFF,
	VIRT_RUNNING,
	VIRT_PAUSED,
	VIRT_MOVING, /* stopped by a migration that is not over, on either side */
	VIRT_CRASHED,
};
const char *virt_state_to_string(enum virt_state state);

struct virt_domain {
	char *uuid;
	char *name;
	enum virt_state state;
	guint64 vcpus;
	guint64 memory_mib;
	char *xml;       /* live XML, <metadata> included; NULL when absent */
	gboolean orphan; /* libvirtd moves it away for somebody who is not, or no longer, we */
};

/* What the host can offer, from libvirt's own capabilities. */
struct virt_host {
	char *uuid;
	char *hostname;
	guint64 cpus;
	guint64 memory_mib;
	char **cpu_models;    /* usable with plain emulation */
	char **machine_types; /* x86_64 */
};

struct virt;

struct virt_events {
	void (*up)(const struct virt_host *host, gpointer data);
	void (*down)(const char *why, gpointer data);
	void (*domain)(const struct virt_domain *domain, gpointer data);
	/* The machine has just been stopped for the last part of an outgoing migration: connections
	 * can be dumped. */
	void (*stopped)(const char *uuid, gpointer data);
	/* Every domain of a new connection has been told. */
	void (*settled)(gpointer data);
};

/* `error` NULL: done. */
typedef void (*virt_done_fn)(const GError *error, gpointer data);

struct virt *virt_new(const char *uri, const struct virt_events *events, gpointer data);
/* Waits for requests under way, at most for what libvirt needs to give up; no callback afterwards.
 */
void virt_free(struct virt *virt);

/* One row of requests on a domain that is known by UUID. */
enum virt_verb {
	VIRT_START,    /* a defined domain */
	VIRT_RESUME,   /* a paused one */
	VIRT_SHUTDOWN, /* ask the guest; not running is no error */
	VIRT_DESTROY,  /* pull its plug; not running is no error */
	VIRT_UNDEFINE, /* forget its definition; unknown is no error */
	VIRT_ABORT,    /* end the job that libvirtd does on it */
};
void virt_do(
	struct virt *virt, enum virt_verb verb, const char *uuid, virt_done_fn done, gpointer data);
/* Defines or redefines a persistent domain. */
void virt_define(struct virt *virt, const char *xml, virt_done_fn done, gpointer data);

/* ---- outgoing migration: pre-copy, hold, release, arrive paused ---- */

enum virt_move_state {
	VIRT_MOVE_COPYING, /* percent of memory copied */
	VIRT_MOVE_HELD,    /* nearly all is copied; throttled until virt_move_release() */
	VIRT_MOVE_ARRIVED, /* paused at the destination, shut off here */
	VIRT_MOVE_FAILED,  /* still here; `error` says why */
};

/* Called on each change of state, and at most five times a second while copying. */
typedef void (*virt_move_fn)(const char *uuid, enum virt_move_state state, unsigned percent,
	const GError *error, gpointer data);

/* Starts moving `uuid` to the libvirtd at `to_uri`. One move per domain at a time. */
void virt_move(struct virt *virt, const char *uuid, const char *to_uri, virt_move_fn on_move,
	gpointer data);
/* Lets a held (or still copying) move finish. Unknown: nothing happens. */
void virt_move_release(struct virt *virt, const char *uuid);
/* Gives the move up; the machine stays here and runs. Unknown: nothing happens. */
void virt_move_abort(struct virt *virt, const char *uuid);
gboolean virt_moving(struct virt *virt, const char *uuid);
