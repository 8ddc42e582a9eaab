#pragma once
/* Inside of struct world, for the files of this room only. */
#include "world/world.h"

/* One fact as it was told. `a` <= `b` as strings; b NULL: on the identifier. */
struct world_stored {
	enum facts_kind kind;
	char *a;
	char *b;
	gint64 timestamp_us; /* 0: not known */
	void *fact;
	gboolean placed;  /* objects point at it */
	const char *host; /* between two devices, once placed: which is which (inside a and b) */
	const char *machine;
};

struct world {
	GHashTable *facts;    /* key → struct world_stored, owned */
	GHashTable *hosts;    /* UUID → struct world_host */
	GHashTable *machines; /* UUID → struct world_machine */
	GHashTable *vapps;    /* name → struct world_vapp */
	GHashTable *cables;   /* set of struct world_stored: fabric-link */
	GHashTable *anchors;  /* set of struct world_stored: in-fleet of switches and segments */
	GHashTable *waiting; /* set of struct world_stored: between devices we know nothing about */
	struct label_policy *policy;
	char *policy_error;
	struct fabric *fabric; /* NULL: to be made */
	guint64 fabric_serial;
	guint64 as_of_ms;
	const char *hint; /* a snapshot being read says that this device is the host; else NULL */
};

/* "switch" of "switch:s1"; the name after the colon or NULL when `place` is not of that type. */
const char *world_place_name(const char *place, const char *type);
/* Whether a and b (either order) are a place where this kind hangs, and it is a kind we keep. */
gboolean world_kind_hangs(enum facts_kind kind, const char *a, const char *b);

/* Objects; `_need` makes what is not there. */
struct world_host *world_need_host(struct world *world, const char *uuid);
struct world_machine *world_need_machine(struct world *world, const char *uuid);
struct world_vapp *world_need_vapp(struct world *world, const char *name);
struct world_copy *world_need_copy(struct world_host *host, struct world_machine *machine);
/* Removes what no fact speaks of any more. */
void world_drop_copy(struct world_copy *copy);
void world_drop_host(struct world *world, struct world_host *host);
void world_drop_machine(struct world *world, struct world_machine *machine);
void world_drop_vapp(struct world *world, struct world_vapp *vapp);

/* Makes the objects follow: `fact` stands where `stored` says (NULL: no longer). */
void world_place(struct world *world, struct world_stored *stored, const void *fact,
	struct world_touched *touched);
void world_fabric_changed(struct world *world);

/* A fact from what facts_to_json() made of it; *ret_fact is zeroed first and cleared on failure. */
gboolean world_fact_from_json(
	enum facts_kind kind, const json_t *json, void *ret_fact, GError **error);
