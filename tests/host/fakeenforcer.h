#pragma once
/* An enforcer that has no kernel: it speaks the wire, remembers what it was asked, and answers as
 * its script says. Lives in the default main context of the test. */
#include <glib.h>

struct fakeenforcer {
	char *path;
	GPtrArray *log; /* char *: "hello", "set UUID", "remove UUID", "verify" */
	/* the script */
	const char *refusal;    /* what every set is refused with, NULL: none */
	const char *difference; /* what every verdict differs by, NULL: it conforms */
	gboolean mute;          /* answers nothing */
	struct fakeenforcer_state *state;
};

void fakeenforcer_init(struct fakeenforcer *fake, const char *path);
void fakeenforcer_clear(struct fakeenforcer *fake);
/* Begins to listen; ends, hanging up on everybody (its machines stay, as the kernel's rules do). */
void fakeenforcer_start(struct fakeenforcer *fake);
void fakeenforcer_stop(struct fakeenforcer *fake);
void fakeenforcer_tamper(struct fakeenforcer *fake);
unsigned fakeenforcer_count(const struct fakeenforcer *fake, const char *entry);
/* The machine as it was last set, as text; NULL: none. Newly allocated. */
char *fakeenforcer_machine(const struct fakeenforcer *fake, const char *uuid);
