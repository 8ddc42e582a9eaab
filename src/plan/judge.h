#pragma once
/* Inside of clearances: one question being judged. For the files of this room only. */
#include "plan/clearance.h"

/* A host of the placement with the machines it would have. */
struct judge_spot {
	const char *uuid;
	const struct world_host *host; /* NULL: the world does not know it */
	GPtrArray *members;            /* const struct vapp_machine *, in the package's order */
};

struct judging {
	struct plan_judge *judge;
	const struct world *world;
	const struct vapp *vapp;
	const struct plan_question *question;
	GHashTable *own;    /* UUIDs of all machines of the vApp → their index + 1 */
	char **uuids;       /* by index of machine */
	GPtrArray *spots;   /* struct judge_spot, in order of their first machine */
	GPtrArray *reasons; /* NULL: it is enough to know that there is one */
	gboolean refused;
};

/* What a check rests on beside the world: which partial placements can fail it. */
enum {
	JUDGE_WORLD = 1 << 0, /* nothing: it holds for every placement or none */
	JUDGE_ALONE = 1 << 1, /* one machine on its host */
	JUDGE_JOINT = 1 << 2, /* several machines */
	JUDGE_ALL = JUDGE_WORLD | JUDGE_ALONE | JUDGE_JOINT,
	JUDGE_REACH = 1 << 3, /* these alone: whether connections have a way */
};

typedef void (*judge_check)(struct judging *judging);

/* Runs the checks of these scopes; adding a machine to a placement never mends it. */
gboolean judge_scopes(struct plan_judge *judge, const struct plan_question *question,
	unsigned scopes, GPtrArray **ret_reasons);
const struct world *judge_world(const struct plan_judge *judge);

/* Takes the reason; one that has been given already (several hosts, one cause) is dropped. */
void judge_refuse(struct judging *judging, struct plan_reason *reason);
/* Nobody wants to know more: a check may stop. */
gboolean judge_enough(const struct judging *judging);

/* Helpers of checks. */
const char *judge_host_name(const struct judge_spot *spot);
/* Alive, so that its session facts are worth looking at. */
gboolean judge_spot_known(const struct judge_spot *spot);
gboolean judge_is_own(const struct judging *judging, const struct world_copy *copy);
/* A machine of somebody else that is active there or has room reserved. */
gboolean judge_is_neighbour(const struct judging *judging, const struct world_copy *copy);
const struct judge_spot *judge_spot_of(
	const struct judging *judging, const struct vapp_machine *machine);
/* Of a machine of the vApp. */
const char *judge_uuid_of(const struct judging *judging, const struct vapp_machine *machine);
/* "web1, web2"; newly allocated. */
char *judge_machine_names(const GPtrArray *members);
char *judge_copy_names(const GPtrArray *copies);
char *judge_device(const char *uuid); /* "device:UUID" */
/* The changes that take a neighbour off the host. */
void judge_add_removal(struct plan_reason *reason, const struct world_copy *copy);

void judge_age(struct judging *judging);
void judge_hosts(struct judging *judging);
void judge_capacity(struct judging *judging);
void judge_models(struct judging *judging);
void judge_segments(struct judging *judging);
void judge_labels(struct judging *judging);
void judge_label_flows(struct judging *judging);
void judge_placements(struct judging *judging);
void judge_seals(struct judging *judging);
void judge_paths(struct judging *judging);

/* What the fabric offers between two of its nodes; remembered until the fabric changes. */
struct judge_way {
	unsigned n_paths;
	GPtrArray *facts;   /* char * */
	char *hang_on;      /* "switch s1", or NULL: no path, or nothing in common */
	char *fix;          /* NULL: not looked for yet */
	GPtrArray *changes; /* struct plan_change */
};
const struct judge_way *judge_find_way(
	struct plan_judge *judge, const char *a, const char *b, unsigned wanted);
/* The same with `fix` and `changes`. */
const struct judge_way *judge_mend_way(
	struct plan_judge *judge, const char *a, const char *b, unsigned wanted);
GHashTable *judge_ways(struct plan_judge *judge);
