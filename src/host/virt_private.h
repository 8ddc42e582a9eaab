#pragma once
/* What virt.c, virt_work.c, virt_move.c and virt_host.c share; nobody else includes it.
 *
 * `lock` guards conn, moves, stop and closed; `turn` tells the keeper that one of the last two is
 * set. `freed` and `exits` belong to the owner's thread.
 */
#include "host/virt_exit.h"

#include <libvirt/libvirt.h>

struct virt {
	gatomicrefcount refs;
	char *uri;
	GMainContext *context;
	struct virt_events events;
	gpointer data;
	gboolean freed;
	struct virt_exits *exits; /* of machines that are being moved away */

	GMutex lock;
	GCond turn;
	virConnect *conn;  /* NULL while there is none */
	GHashTable *moves; /* uuid -> struct virt_move_job * (virt_move.c), owned by its thread */

	gboolean stop;
	gboolean closed;
	gint unread; /* a domain of the list could not be read */
	gint epoch;  /* number of the connection; counted by the keeper */
	gint up;     /* the one that the owner was told of, 0: none; the owner's thread */
	GThread *keeper;
	GThreadPool *reader;
	GThreadPool *workers;
};

struct virt *virt_ref(struct virt *virt);
void virt_unref(struct virt *virt);

/* Runs fn(virt, what) on the owner's thread unless the owner has freed virt; then frees `what`. */
typedef void (*virt_crossing_fn)(struct virt *virt, gpointer what);
void virt_cross(struct virt *virt, virt_crossing_fn fn, gpointer what, GDestroyNotify free_what);

/* A reference to the connection (virConnectClose), or NULL with an error. */
virConnect *virt_connection(struct virt *virt, GError **error);
/* The domain (virDomainFree), or NULL with an error. */
virDomain *virt_lookup(struct virt *virt, const char *uuid, GError **error);
/* Tells the owner what the domain is now, after what has been told of it before. */
void virt_read_later(struct virt *virt, virDomain *domain);
/* libvirt's last error as a GError. */
void virt_set_error(GError **error);

/* Pool function of `workers`: carries out one request (`work`) of the virt (`data`). */
void virt_work(gpointer work, gpointer data);
/* Asks every move under way to give up. */
void virt_moves_abort(struct virt *virt);

struct virt_host *virt_host_read(virConnect *conn);
void virt_host_free(gpointer data);
