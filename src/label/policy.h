#pragma once
/* A label policy: which types there are, which of them exclude each other, and the labels made of
 * them.
 *
 * After sHype / Xen's Access Control Module: Simple Type Enforcement (STE) says who may
 * communicate, Chinese Wall (CHW) says who may run beside whom. A policy is made by a reader
 * (label/read.h) and never changes afterwards: any number of threads may use it. Everything one can
 * reach from it belongs to it and lives as long as it does. Types, conflict sets and labels stand
 * in order of their names; every name is unique among its kind.
 *
 * Bounds: see LABEL_MAX_*. A name is 1 to 64 bytes of letters, digits and "_-.:+/@()", with single
 * blanks inside.
 */
#include <glib.h>

#define LABEL_MAX_NAME      64   /* bytes of a name */
#define LABEL_MAX_TYPES     1024 /* STE and CHW types together */
#define LABEL_MAX_CONFLICTS 256  /* conflict sets */
#define LABEL_MAX_LABELS    4096 /* workload and resource labels together */

#define LABEL_ERROR (label_error_quark())
GQuark label_error_quark(void);

enum label_error {
	LABEL_ERROR_SYNTAX,  /* neither a key file nor XML one can read */
	LABEL_ERROR_CONTENT, /* readable, but not a policy: unknown or double names, a type nobody
				declared, ... */
	LABEL_ERROR_LIMIT,   /* larger than the bounds above */
};

/* What a type is for. The same name may be declared for both. */
enum label_use {
	LABEL_USE_STE = 1 << 0,
	LABEL_USE_CHW = 1 << 1,
};

struct label_type {
	char *name;
	char *colour;  /* "#rrggbb", or NULL: label_type_colour() has one for every name */
	unsigned uses; /* enum label_use, or-ed; never 0 */
};

/* No two labels that have different types of the set may run on one host. */
struct label_conflict {
	char *name;
	char **types;     /* CHW types, at least two */
	gboolean lasting; /* what has run on a host counts as well as what is running there
			     (label/decide.h) */
};

/* What a label may be attached to: a workload (a vApp, a VM) or a resource (a disk, a network). */
enum label_kind {
	LABEL_WORKLOAD,
	LABEL_RESOURCE,
};

struct label {
	char *name;
	enum label_kind kind;
	char *colour; /* "#rrggbb", or NULL: label_colour() */
	char **ste;   /* STE types; may be empty: then it communicates with nobody */
	char **chw;   /* CHW types, at most one of each conflict set; empty for resources */
};

/* Which component an ACM policy calls its primary one; kept for round trips, decides nothing. */
enum label_primary {
	LABEL_PRIMARY_NONE,
	LABEL_PRIMARY_STE,
	LABEL_PRIMARY_CHW,
};

struct label_header {
	char *name;
	char *version;   /* "1.0" form: digits, a dot, digits */
	char *url;       /* or NULL */
	char *date;      /* as the author wrote it, or NULL */
	char *bootstrap; /* ACM: the workload label of the first domain, or NULL */
	enum label_primary primary;
};

struct label_policy;

void label_policy_free(struct label_policy *policy);
typedef struct label_policy label_policy; /* for g_auto */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(label_policy, label_policy_free)

const struct label_header *label_policy_header(const struct label_policy *policy);

/* The tables, in order of name; `*ret_n` is how many. */
const struct label_type *label_policy_types(const struct label_policy *policy, size_t *ret_n);
const struct label_conflict *label_policy_conflicts(
	const struct label_policy *policy, size_t *ret_n);
const struct label *label_policy_labels(
	const struct label_policy *policy, size_t *ret_n); /* by kind, then name */

/* By name, or NULL. */
const struct label_type *label_policy_find_type(
	const struct label_policy *policy, const char *name);
const struct label_conflict *label_policy_find_conflict(
	const struct label_policy *policy, const char *name);
const struct label *label_policy_find(
	const struct label_policy *policy, enum label_kind kind, const char *name);

/* Whether both say the same, whatever form each was read from. */
gboolean label_policy_equal(const struct label_policy *a, const struct label_policy *b);

/* The display colour "#rrggbb" (7 bytes and a NUL). Of a type: its own, else one derived from its
 * name, the same everywhere and readable on white. Of a label: its own, else its type's if it has
 * just one STE type, else one derived from its name. */
void label_type_colour(const struct label_type *type, char ret_colour[static 8]);
void label_colour(
	const struct label_policy *policy, const struct label *label, char ret_colour[static 8]);
