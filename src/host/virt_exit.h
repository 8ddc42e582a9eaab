#pragma once
/* The kernel's word on machines that leave: when the QEMU process of one can never run again.
 *
 *   watched ──all threads without memory (looked for every 5 ms while the guest stands still)──┐
 *      └────pidfd readable: the process has ended──────────────────────────────────────────────┴─>
 * ended
 *
 * libvirtd notices the end of a process that it kills itself only at its next look, 200 ms later,
 * and tells after it has run its hooks; the other side of a move waits for it meanwhile. The kernel
 * itself takes as long to dismantle the network cards of a process before it calls it ended. But a
 * thread without memory (statm is zero) has passed the point in its exit where it could still run
 * anything, so when that is so for all threads the guest is gone for good. It says nothing about
 * where the machine is now (docs/moves.md, "Off at the source").
 *
 * The process is the one that libvirtd's own pid file names, which only root can write, and whose
 * command line bears the machine's UUID. Where it cannot be found (hidepid, another run directory)
 * nothing is watched, and libvirt's event is the first to tell. Belongs to one thread, whose
 * default GMainContext it uses.
 */
#include "host/virt.h"

#include <sys/types.h>

struct virt_exits;

/* The process of the machine cannot run again; `domain` is what was last noted, shut off. Borrowed.
 */
typedef void (*virt_exit_fn)(const struct virt_domain *domain, gpointer data);

/* `run_dir`: where libvirtd has its pid files, /run/libvirt/qemu. */
struct virt_exits *virt_exits_new(const char *run_dir, virt_exit_fn ended, gpointer data);
void virt_exits_free(struct virt_exits *exits);

/* Watches the process of `domain`, which runs as number `id` of its libvirtd. Again for the same
 * number: only notes what the domain is now. FALSE: there is no such process to be found. */
gboolean virt_exits_watch(struct virt_exits *exits, const struct virt_domain *domain, int id);
/* The guest stands still for the last part of its way out: looks closely from now on, until the
 * process has ended or the machine is noted as running. */
void virt_exits_stopped(struct virt_exits *exits, const char *uuid);
/* Whether the process that ran the machine as number `id` cannot run again. */
gboolean virt_exits_ended(const struct virt_exits *exits, const char *uuid, int id);
/* uuid NULL: all. A libvirtd that was started anew may use its numbers again, so nothing must be
 * remembered of the one before it. */
void virt_exits_forget(struct virt_exits *exits, const char *uuid);
/* Whether no thread of the process has memory any more. FALSE when there is no such process. A
 * number that has passed to another process does no harm here: then the one before has ended. */
gboolean virt_exits_hollow(pid_t pid);
