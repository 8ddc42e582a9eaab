#pragma once
/* Carries out this host's part of orders: one table of (phase, side) -> what to do, as
 * docs/moves.md has it.
 *
 * The carrier acts on what *is* (the domains of its libvirtd, the rules read back, the book), not
 * on what it remembers: looking again is always harmless, and a restarted agent goes on where the
 * other one stopped. It answers every phase for every member with a progress fact. It starts or
 * resumes a machine only where the book says that this host is its home.
 */
#include "host/book.h"
#include "host/guard.h"
#include "host/report.h"
#include "host/virt.h"

struct carry;

/* All borrowed; they must outlive the carrier. */
struct carry_parts {
	struct virt *virt;
	struct guard *guard;
	struct report *report;
	const char *host_uuid;
	/* Something ended that no event of libvirt tells of: look again soon. */
	void (*look_again)(gpointer data);
	gpointer data;
};

struct carry *carry_new(const struct carry_parts *parts);
void carry_free(struct carry *carry);
/* How long a guest may take to shut down by itself (8 s), and a copy to go back (20 s), before they
 * are ended; after what time a copy that could not go back tries again (0.5 s). */
struct carry_patience {
	unsigned shutdown_ms;
	unsigned return_ms;
	unsigned again_ms;
};
void carry_set_patience(struct carry *carry, const struct carry_patience *patience);

/* Something changed: looks at every order of the book. `domains`: UUID -> struct virt_domain *.
 * Both are borrowed for the call. */
void carry_look(struct carry *carry, const struct book *book, GHashTable *domains);
/* libvirt says that the machine has just stopped for the last part of its way out: its connections
 * are taken along. */
void carry_stopped(struct carry *carry, const char *uuid);
