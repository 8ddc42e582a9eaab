#pragma once
/* An enforcer process in a namespace and a client on it that waits for its answers; events are
 * kept. */
#include "host/enforce_client.h"

struct enforcer_event {
	char *kind; /* "refused", "tampered", "repaired" */
	char *tap;
	char *rule;
	char *direction;
	char *peer;
	char *protocol;
	char *text; /* by or difference */
	guint16 port;
	guint count;
	gboolean conforms;
	double open_ms;
	double verified_ms;
};

struct enforcer_run {
	GPid pid;
	struct enforce_client *client;
	GPtrArray *events; /* struct enforcer_event */
	gboolean closed;
};

/* What a request came to; the verdict is that of the first machine in the answer. */
struct enforcer_answer {
	char *error;
	char *note;
	char *difference;
	char *kernel_digest;
	char *intent_digest;
	char *backend;
	enum enforce_state state;
	guint n;
	guint n_failed;
	guint n_verdicts;
	guint n_conforming;
	double took_ms;
	GHashTable *dumps;    /* uuid → JSON of its connections, NULL: none was asked for */
	GHashTable *counters; /* "tap direction rule" → packets as pointer */
};

/* Starts `program` in the namespace. `state` is its state file. */
struct enforcer_run *enforcer_run_start(const char *program, int ns, const char *state);
/* The same with a socket in the file system, to which others may connect as well; waits until it is
 * there. */
struct enforcer_run *enforcer_run_listen(
	const char *program, int ns, const char *state, const char *socket_path);
int enforcer_run_connect(const char *socket_path);
/* Ends it, by a signal to its own pid, and waits. */
void enforcer_run_stop(struct enforcer_run *run, int signal_number);

/* Runs a request of the client that has a uuid, and waits at most 120 s. */
typedef void (*enforcer_uuid_request)(
	struct enforce_client *, const char *uuid, enforce_reply_func, gpointer);
struct enforcer_answer *enforcer_run_ask(
	struct enforcer_run *run, enforcer_uuid_request request, const char *uuid);
struct enforcer_answer *enforcer_run_hello(struct enforcer_run *run);
struct enforcer_answer *enforcer_run_set(struct enforcer_run *run, GPtrArray *machines);
/* `uuids`: NULL-terminated. The answer has the dumps alone. */
struct enforcer_answer *enforcer_run_dump(struct enforcer_run *run, const char *const *uuids);
struct enforcer_answer *enforcer_run_load(
	struct enforcer_run *run, const char *uuid, const char *entries);
void enforcer_answer_free(struct enforcer_answer *answer);

/* Waits at most 30 s for an event; borrowed; NULL when none came. NULL arguments match anything. */
const struct enforcer_event *enforcer_run_wait(struct enforcer_run *run, const char *kind,
	const char *tap, const char *direction, const char *rule);
/* Events of a kind that have come. */
guint enforcer_run_count(struct enforcer_run *run, const char *kind);
void enforcer_run_forget_events(struct enforcer_run *run);

typedef struct enforcer_answer enforcer_answer;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(enforcer_answer, enforcer_answer_free)
