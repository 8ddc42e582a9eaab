#pragma once
/* Conversations with a MAP server as tables, and what carries them: an engine in this process, or a
 * real server over HTTPS.
 *
 * A case is a list of steps.
 * `who`     a client (a capital letter) and, optionally, which of its connections: "A" is the one
 *           it sends requests on, "Ap" the one it polls on, "A2" another
 * `send`    "new"       newSession; session-id and publisher-id are remembered for this client
 *           "poll"      a poll
 *           "close"     drop the connection
 *           NULL        nothing: wait for the answer to an earlier poll
 *           "<op ...>"  an operation without prefix; session-id is added unless it is there. {A}
 *                       stands for A's publisher-id, {sA} for its session-id, {oA} for the one
 *                       before
 * `expect`  "hang"      no answer comes
 *           "=..."      the answer, in the short form of summary.h, is exactly this
 *           "x|!y|2*z"  the answer contains x, does not contain y, contains z exactly twice;
 *                       "starts x": begins with x; "same x=": attributes x all have one value
 *           NULL        whatever
 */
#include <glib.h>

struct script_step {
	const char *who;
	const char *send;
	const char *expect;
};

struct script_case {
	const char *name; /* begins with the numbers of the statements it proves: "C22 ..." */
	struct script_step steps[26];
};

/* How requests travel. `channel` is made by open and given back to close. */
struct script_carrier {
	gpointer (*open)(gpointer self, char client);
	/* Sends a body; the answer is kept in the channel. */
	void (*post)(gpointer channel, const char *body);
	/* The answer, newly allocated, or NULL when none came within timeout_ms. */
	char *(*wait)(gpointer channel, unsigned timeout_ms);
	void (*close)(gpointer channel);
	gpointer self;
	unsigned patience_ms; /* how long "hang" is watched */
};

/* Runs one case; failures are GLib test failures that name case and step. */
void script_run(const struct script_carrier *carrier, const struct script_case *what);

/* Registers every case under PREFIX/NAME. */
void script_add_all(const char *prefix, const struct script_carrier *carrier,
	const struct script_case *cases, size_t n_cases);
