#pragma once
/* Why not: the stable codes of every refusal, and one refusal with what it rests on.
 *
 * Codes are names that never change their meaning; `drover explain CODE` prints this table. A
 * reason owns its strings. It is minimal: the changes it names, carried out, make this reason go
 * away and need no other fact to change.
 */
#include "facts/facts.h"

#define PLAN_ERROR (plan_error_quark())
GQuark plan_error_quark(void);

enum plan_error {
	PLAN_ERROR_CHANGE, /* a change that cannot be made: unknown fact, field or value */
	PLAN_ERROR_INPUT,  /* an order or a question that contradicts itself */
};

/* X(code, severity, what it means, what generally helps) */
#define PLAN_CODES(X)                                                                             \
	X(HOST_UNKNOWN, REFUSAL, "No host of that name or UUID is in the fleet.",                 \
		"Check the name with `drover hosts`, or start drover-hostd on it.")               \
	X(AGENT_ABSENT, REFUSAL,                                                                  \
		"The host's agent has no session with the map: nothing is known"                  \
		" about it now.",                                                                 \
		"Start drover-hostd on the host and see that it reaches the"                      \
		" map.")                                                                          \
	X(HOST_FENCED, REFUSAL, "An operator declared the host switched off.",                    \
		"Once its agent is back: `drover unfence HOST`.")                                 \
	X(AGENT_NOT_CONFORMING, REFUSAL,                                                          \
		"The kernel's rules on the host, read back, do not"                               \
		" equal what it was told to enforce.",                                            \
		"See `drover why` for the difference; the agent repairs it unless something"      \
		" keeps changing the rules.")                                                     \
	X(FACTS_STALE, REFUSAL, "Facts that the verdict needs are missing or too old.",           \
		"See that control and the host's agent reach the map.")                           \
	X(MEMORY, REFUSAL, "The host offers less free memory than the machines need.",            \
		"Free memory on the host, or raise what it offers.")                              \
	X(CPUS, REFUSAL, "The host offers fewer free virtual CPUs than the machines need.",       \
		"Free virtual CPUs on the host, or raise what it offers.")                        \
	X(CPU_MODEL, REFUSAL, "The host cannot give a machine the CPU model it demands.",         \
		"Choose a host with that model, or a model that all candidates have.")            \
	X(MACHINE_TYPE, REFUSAL, "The host's QEMU does not have the machine type demanded.",      \
		"Choose a host whose QEMU has it, or a machine type that all candidates have.")   \
	X(SEGMENT_MISSING, REFUSAL, "Guests on the host cannot attach to a network segment.",     \
		"Attach the segment on the host.")                                                \
	X(LABEL_CONFLICT, REFUSAL,                                                                \
		"Chinese Wall: what runs on the host is in a conflict set"                        \
		" with a label of the application.",                                              \
		"Move the other workload away, or choose"                                         \
		" another host.")                                                                 \
	X(LABEL_HISTORY, REFUSAL,                                                                 \
		"Chinese Wall with a memory: what once ran on the host is in a"                   \
		" lasting conflict set with a label of the application.",                         \
		"Choose another host, or clean this one and say so:"                              \
		" `drover label history forget`.")                                                \
	X(LABEL_UNKNOWN, REFUSAL,                                                                 \
		"A label is not in the policy in force: what it may run"                          \
		" beside cannot be told.",                                                        \
		"Add the label to the policy, or correct its name.")                              \
	X(LABEL_FLOW, REFUSAL,                                                                    \
		"Type Enforcement: a declared flow joins two labels that share no"                \
		" type.",                                                                         \
		"Give both labels a common type, or drop the flow.")                              \
	X(PLACEMENT_APART, REFUSAL, "Machines that must be on different hosts would share one.",  \
		"Spread the machines over more hosts.")                                           \
	X(PLACEMENT_TOGETHER, REFUSAL, "Machines that must share a host would be on several.",    \
		"Put the machines on one host.")                                                  \
	X(PLACEMENT_SITE, REFUSAL, "The host is not at a site the application may be at.",        \
		"Choose a host at one of the sites.")                                             \
	X(PLACEMENT_NEVER_WITH, REFUSAL,                                                          \
		"The host runs something that one of the two"                                     \
		" applications never shares a host with.",                                        \
		"Move the other application away, or choose another host.")                       \
	X(PATHS, REFUSAL, "A declared connection would have fewer disjoint paths than it needs.", \
		"Bring up or add cables so that no single loss cuts the connection.")             \
	X(VAPP_UNKNOWN, REFUSAL, "There is no such application, or its package cannot be read.",  \
		"Import the package: `drover vapp import`.")                                      \
	X(NOT_MEMBER, REFUSAL, "The machine claims a vApp that it is not a member of.",           \
		"Remove the claim from the domain's metadata, or import it with the vApp.")       \
	X(SEAL_INVALID, REFUSAL,                                                                  \
		"The seal in the machine's definition does not fit its"                           \
		" content: somebody changed it.",                                                 \
		"Import the package again: `drover vapp import`.")                                \
	X(SEAL_MISSING, REFUSAL, "The machine belongs to a vApp but bears no seal.",              \
		"Start it through Drover: `drover vapp start`.")                                  \
	X(RUNS_ELSEWHERE, REFUSAL, "The machine is already active on another host.",              \
		"Move it, or stop it there first.")                                               \
	X(RUNS_TWICE, REFUSAL, "The machine is active on more than one host.",                    \
		"Stop one of the copies.")                                                        \
	X(NOT_RUNNING, REFUSAL,                                                                   \
		"A machine of the application runs nowhere, so there is nothing"                  \
		" to move.",                                                                      \
		"Start the application first.")                                                   \
	X(HOME_SILENT, REFUSAL,                                                                   \
		"A machine's home is a host whose agent is silent: it may still run"              \
		" there.",                                                                        \
		"Bring the agent back, or switch the host off and say so:"                        \
		" `drover fence HOST --confirm-powered-off`.")                                    \
	X(NOT_CLEARED, REFUSAL,                                                                   \
		"There is no standing clearance for this application on this"                     \
		" host.",                                                                         \
		"Ask `drover plan` why.")                                                         \
	X(NOT_RESERVED, REFUSAL, "The host holds no reservation for the machine.",                \
		"Start or move it through Drover.")                                               \
	X(ORDER_RUNNING, REFUSAL, "Another order of this application is being carried out.",      \
		"Wait for it, or abort it.")                                                      \
	X(PHASE_FAILED, FAILURE, "A host reported that it could not do its part of an order.",    \
		"See the host's own words, mend it, and order again.")                            \
	X(PHASE_TIMEOUT, FAILURE, "A part of an order took longer than it may.",                  \
		"See which host did not answer.")                                                 \
	X(HOST_LOST, FAILURE, "A host that takes part in an order went silent.",                  \
		"Bring its agent back, or switch the host off and say so:"                        \
		" `drover fence HOST --confirm-powered-off`.")                                    \
	X(NOT_REACHABLE, FAILURE,                                                                 \
		"A declared connection had no path where the machines arrived, and had one"       \
		" where they came from.",                                                         \
		"Bring up what the reason names, and order again.")                               \
	X(ABORTED, FAILURE, "Somebody asked to abort the order.", "")                             \
	X(STARTED_AFRESH, NOTE,                                                                   \
		"A machine's memory was lost with its host; it was started from"                  \
		" its definition.",                                                               \
		"")                                                                               \
	X(OFF_WITH_HOST, NOTE,                                                                    \
		"A machine went down with a host that was declared switched off; it"              \
		" runs nowhere.",                                                                 \
		"Stop what is left of the application and start it again.")                       \
	X(STAYED, NOTE,                                                                           \
		"A machine could not go back because its host was declared switched off;"         \
		" it runs on where it is.",                                                       \
		"Move the application once more when all its hosts are back.")                    \
	X(DEGRADED, NOTE,                                                                         \
		"The machines arrived and run, but something that was promised when the"          \
		" order was taken no longer holds where they are.",                               \
		"Do what the reason names, or move the application on; `drover plan` shows when"  \
		" all is well.")                                                                  \
	X(RELEASE_PENDING, NOTE,                                                                  \
		"The order is done, but a host has not yet confirmed that it"                     \
		" dropped what it held.",                                                         \
		"It does when its agent returns.")

enum plan_code {
#define PLAN_CODE_ENUM(code, severity, what, fix) PLAN_##code,
	PLAN_CODES(PLAN_CODE_ENUM)
#undef PLAN_CODE_ENUM
		PLAN_N_CODES,
};

enum plan_severity {
	PLAN_REFUSAL, /* it is not begun */
	PLAN_FAILURE, /* it was begun and did not succeed */
	PLAN_NOTE,    /* it succeeded, with something to know */
};

struct plan_code_info {
	const char *name; /* "MEMORY" */
	enum plan_severity severity;
	const char *what; /* one sentence */
	const char *fix;  /* what generally helps; "" when there is nothing to do */
};

const struct plan_code_info *plan_code_info(enum plan_code code);
/* FALSE: no such code. */
gboolean plan_code_from_string(const char *name, enum plan_code *ret_code);
const char *plan_severity_to_string(enum plan_severity severity);

/* One change of one fact: field := value; a fact that does not stand comes to stand. Places as
 * world_put() takes them. In a list of strings "+x" adds x and "-x" removes it. Field NULL: the
 * fact ceases to stand. */
struct plan_change {
	enum facts_kind kind;
	char *a;
	char *b; /* NULL: on the identifier */
	char *field;
	char *value;
};

/* An empty list that frees its changes. */
GPtrArray *plan_changes_new(void);
/* Strings are copied. */
void plan_changes_add(GPtrArray *changes, enum facts_kind kind, const char *a, const char *b,
	const char *field, const char *value);

struct plan_reason {
	enum plan_code code;
	char *subject;      /* machine, flow, segment or host it is about */
	char *text;         /* one sentence with figures */
	char *fix;          /* the least change that mends it */
	GPtrArray *facts;   /* char *: what it rests on, with figures */
	GPtrArray *changes; /* struct plan_change: `fix` as changes of facts, all of them together;
			       empty where no fact but the package or the question itself must
			       change */
};

/* Strings are copied; text is formatted. */
struct plan_reason *plan_reason_new(
	enum plan_code code, const char *subject, const char *format, ...) G_GNUC_PRINTF(3, 4);
void plan_reason_free(struct plan_reason *reason);
typedef struct plan_reason plan_reason; /* for g_auto */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(plan_reason, plan_reason_free)

void plan_reason_add_fact(struct plan_reason *reason, const char *format, ...) G_GNUC_PRINTF(2, 3);
void plan_reason_set_fix(struct plan_reason *reason, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Strings are copied. */
void plan_reason_add_change(struct plan_reason *reason, enum facts_kind kind, const char *a,
	const char *b, const char *field, const char *value);

/* An empty list that frees its reasons. */
GPtrArray *plan_reasons_new(void);
/* "CODE: text" of one reason, newly allocated. */
char *plan_reason_to_string(const struct plan_reason *reason);
/* Fills a zeroed facts_reason (copies). */
void plan_reason_to_fact(const struct plan_reason *reason, struct facts_reason *ret_fact);
