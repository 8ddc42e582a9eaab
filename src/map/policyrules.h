#pragma once
/* The inside of a policy: rules as they are compiled by policyread.c, gathered by policy.c and
 * judged by policyjudge.c; nobody else includes it. */
#include "map/pattern.h"
#include "map/policy.h"

/* Bits of a role set: the rights of map/identity.h first, then the roles of the file. */
#define MAP_N_RIGHTS  3
#define MAP_MAX_ROLES 64

enum map_place_sort {
	MAP_PLACE_ANY,
	MAP_PLACE_TYPE,     /* a base type: device, ip-address, ... */
	MAP_PLACE_EXTENDED, /* {ns}local */
	MAP_PLACE_CLIENT,   /* the identity of a MAP client (ifmap.md 14.3) */
	MAP_PLACE_SELF,     /* the identity of the client that asks */
};

/* What an identifier must be. */
struct map_end {
	enum map_place_sort sort;
	enum ifmap_id_type type;
	char *ns;
	char *local; /* NULL: any of the namespace */
	gboolean has_name;
	struct map_pattern name; /* of the name or value; of the attribute `name` when extended */
};

struct map_place {
	gboolean is_link;
	struct map_end ends[2]; /* unordered; one unless is_link */
};

struct map_meta_name {
	char *ns;   /* NULL: any metadata at all */
	char *name; /* NULL: any of the namespace */
};

/* A child or attribute of the metadata, by path, must have this value. */
struct map_where {
	char *path;
	struct map_pattern value;
};

enum map_whose {
	MAP_WHOSE_ANY,
	MAP_WHOSE_OWN,
	MAP_WHOSE_OTHER,
};

struct map_rule {
	char *name;
	unsigned line; /* 0: built in */
	gboolean permit;
	unsigned actions; /* set of enum map_action */
	guint64 roles;    /* any of these; 0: whoever */
	enum map_whose whose;
	GPtrArray *places; /* struct map_place *; any of these; empty: wherever */
	GPtrArray *metas;  /* struct map_meta_name *; any of these; empty: whatever */
	GPtrArray *wheres; /* struct map_where *; all of these */
	guint8 *fits;      /* by kind of metadata, whether `metas` has it; NULL: all fit */
};

struct map_role {
	char *name;
	GPtrArray *clients;     /* struct map_pattern *, of marks */
	struct map_quota quota; /* 0: not named */
};

struct map_policy {
	gatomicrefcount n_refs;
	gboolean has_file;
	gboolean permit_by_default;
	gboolean dry_run;
	GPtrArray *rules; /* struct map_rule * */
	GPtrArray *roles; /* struct map_role *; bit MAP_N_RIGHTS + index */
	GHashTable *pins; /* client name -> GPtrArray of char *, marks of which it shows one */
	/* Kinds that rules tell apart; what is in none of them is kind 0. */
	GHashTable *meta_kinds;   /* struct map_meta_name * -> number */
	GPtrArray *extended_ends; /* struct map_end *, borrowed from rules */
	GHashTable *role_sets;    /* guint64 * -> struct map_roles *; owns both */
	map_policy_audit_fn audit;
	gpointer audit_data;
};

/* Decisions a role set remembers; a power of two. */
#define MAP_N_REMEMBERED 512

struct map_roles {
	struct map_policy *policy; /* borrowed */
	guint64 set;
	char *text;
	/* By action and foreign: the rules that concern these roles, and whether the action is
	 * permitted whatever the item. */
	GPtrArray *rules[MAP_N_ACTIONS][2];
	gboolean always[MAP_N_ACTIONS][2];
	guint64 remembered[MAP_N_REMEMBERED]; /* atomic; key << 2 | verdict */
};

/* Appends the rules of a text to the policy; `file` NULL: they are built in, and have no lines. */
gboolean map_policy_read(
	struct map_policy *policy, const char *text, const char *file, GError **error);

/* Rights of map/identity.h are roles too, in the order of their bits. */
extern const char *const map_right_names[MAP_N_RIGHTS];

struct map_rule *map_rule_new(const char *name, unsigned line);
void map_rule_free(gpointer data);
struct map_role *map_role_new(const char *name);
void map_role_free(gpointer data);
