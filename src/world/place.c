#include "label/read.h"
#include "vapp/ovf.h"
#include "world/internal.h"

#include <string.h>

/* One table: kind of fact → where it hangs, which pointer of which object is it, whom it touches.
 */

/* What a device of this kind's place is. */
enum role {
	ROLE_NONE,
	ROLE_HOST,
	ROLE_MACHINE,
	ROLE_BOTH, /* a machine and a host */
};

/* Whose verdicts or orders a change of it concerns. */
enum {
	TOUCH_HOST = 1 << 0,  /* the host */
	TOUCH_VAPP = 1 << 1,  /* the vApp, the machine's own included */
	TOUCH_ORDER = 1 << 2, /* the vApp's order */
	TOUCH_HOSTS = 1 << 3, /* every host that has to do with the machine */
	TOUCH_ALL = 1 << 4,
};

/* The objects of one fact's place; those it does not have are NULL. */
struct place {
	struct world_host *host;
	struct world_machine *machine;
	struct world_vapp *vapp;
	struct world_copy *copy;
	const char *name; /* of the segment or NIC */
};

typedef void (*place_fn)(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched);

enum object {
	OBJECT_NONE,
	OBJECT_HOST,
	OBJECT_MACHINE,
	OBJECT_VAPP,
	OBJECT_COPY,
};

struct row {
	const char *a; /* types of place; several: joined by '|' */
	const char *b; /* NULL: on the identifier */
	enum role device;
	enum object object; /* whose pointer at `offset` is the fact */
	size_t offset;
	unsigned touches;
	place_fn follow; /* what else follows, or NULL */
};

/* ---- what touches whom ---- */

static void touch(GHashTable *set, const char *name)
{
	if (name && !g_hash_table_contains(set, name))
		g_hash_table_add(set, g_strdup(name));
}

static void touch_hosts_of(const struct world_machine *machine, struct world_touched *touched)
{
	for (unsigned i = 0; i < machine->copies->len; i++) {
		const struct world_copy *copy = machine->copies->pdata[i];

		touch(touched->hosts, copy->host->uuid);
	}
}

static void touch_place(const struct place *place, unsigned touches, struct world_touched *touched)
{
	const char *vapp = place->vapp ? place->vapp->name : NULL;

	if (!vapp && place->machine)
		vapp = world_machine_vapp(place->machine);
	if (touches & TOUCH_HOST && place->host)
		touch(touched->hosts, place->host->uuid);
	if (touches & TOUCH_VAPP)
		touch(touched->vapps, vapp);
	if (touches & TOUCH_ORDER)
		touch(touched->orders, vapp);
	if (touches & TOUCH_HOSTS && place->machine)
		touch_hosts_of(place->machine, touched);
	if (touches & TOUCH_ALL)
		touched->everything = TRUE;
}

/* ---- what else follows from a fact ---- */

static void follow_table(GHashTable *table, const char *name, const void *fact)
{
	if (fact)
		g_hash_table_insert(table, g_strdup(name), (gpointer)fact);
	else
		g_hash_table_remove(table, name);
}

static void follow_segment(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	(void)stored;
	(void)touched;
	follow_table(place->host->segments, place->name, fact);
	world_fabric_changed(world);
}

/* Cables are named after hosts. */
static void follow_host(struct world *world, const struct place *place, struct world_stored *stored,
	const void *fact, struct world_touched *touched)
{
	(void)place;
	(void)stored;
	(void)fact;
	(void)touched;
	world_fabric_changed(world);
}

static void follow_clearance(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	(void)world;
	(void)stored;
	(void)touched;
	follow_table(place->vapp->clearances, place->host->uuid, fact);
}

static void follow_set(GHashTable *set, struct world_stored *stored, const void *fact)
{
	if (fact)
		g_hash_table_add(set, stored);
	else
		g_hash_table_remove(set, stored);
}

/* The switches of a cable see everybody's paths; a cable to a host only that host's. */
static void follow_cable(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	gboolean outside = g_strcmp0(world_place_name(stored->b, "switch"), WORLD_OUTSIDE) == 0 ||
			   g_strcmp0(world_place_name(stored->a, "switch"), WORLD_OUTSIDE) == 0;

	follow_set(world->cables, stored, fact);
	world_fabric_changed(world);
	if (touched && (outside || !place->host))
		touched->everything = TRUE;
}

static void follow_anchor(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	if (place->host || place->vapp)
		return;
	follow_set(world->anchors, stored, fact);
	world_fabric_changed(world);
	if (touched)
		touched->everything = TRUE;
}

static void follow_member(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	(void)world;
	(void)stored;
	(void)touched;
	if (!fact && g_strcmp0(place->machine->vapp, place->vapp->name) != 0)
		return;
	g_free(place->machine->vapp);
	place->machine->vapp = fact ? g_strdup(place->vapp->name) : NULL;
}

static void touch_hosts_of_vapp(
	const struct world *world, const struct world_vapp *vapp, struct world_touched *touched)
{
	GHashTableIter iter;
	gpointer uuid;

	g_hash_table_iter_init(&iter, vapp->machines);
	while (g_hash_table_iter_next(&iter, &uuid, NULL)) {
		const struct world_machine *machine = world_find_machine(world, uuid);

		if (machine)
			touch_hosts_of(machine, touched);
	}
}

static void read_package(struct world_vapp *vapp, const char *ovf)
{
	g_autoptr(GError) error = NULL;

	vapp->vapp = ovf_read(vapp->name, ovf ? ovf : "", ovf ? strlen(ovf) : 0, &error);
	if (!vapp->vapp) {
		vapp->error = g_strdup(error->message);
		return;
	}
	for (unsigned i = 0; i < vapp->vapp->machines->len; i++) {
		struct vapp_machine *machine = vapp->vapp->machines->pdata[i];

		g_hash_table_insert(
			vapp->machines, vapp_machine_uuid(vapp->vapp, machine), machine);
	}
}

static void follow_package(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	const struct facts_package *package = fact;
	struct world_vapp *vapp = place->vapp;

	(void)stored;
	if (touched)
		touch_hosts_of_vapp(world, vapp, touched);
	g_hash_table_remove_all(vapp->machines);
	vapp_free(vapp->vapp);
	vapp->vapp = NULL;
	g_clear_pointer(&vapp->error, g_free);
	if (package)
		read_package(vapp, package->ovf);
	if (touched)
		touch_hosts_of_vapp(world, vapp, touched);
}

static void follow_policy(struct world *world, const struct place *place,
	struct world_stored *stored, const void *fact, struct world_touched *touched)
{
	const struct facts_label_policy *policy = fact;
	const char *text = policy && policy->text ? policy->text : "";
	g_autoptr(GError) error = NULL;

	(void)place;
	(void)stored;
	(void)touched;
	label_policy_free(world->policy);
	world->policy = NULL;
	g_clear_pointer(&world->policy_error, g_free);
	if (!policy)
		return;
	world->policy = label_policy_read("label policy", text, strlen(text), &error);
	if (!world->policy)
		world->policy_error = g_strdup(error->message);
}

/* ---- the table ---- */

#define ON_HOST(field)    OBJECT_HOST, offsetof(struct world_host, field)
#define ON_MACHINE(field) OBJECT_MACHINE, offsetof(struct world_machine, field)
#define ON_VAPP(field)    OBJECT_VAPP, offsetof(struct world_vapp, field)
#define ON_COPY(field)    OBJECT_COPY, offsetof(struct world_copy, field)

static const struct row rows[FACTS_N_KINDS] = {
	[FACTS_IN_FLEET] = { "fleet", "device|vapp|switch|segment", ROLE_HOST, OBJECT_NONE, 0,
		TOUCH_HOST | TOUCH_VAPP, follow_anchor },
	[FACTS_HOST] = { "device", NULL, ROLE_HOST, ON_HOST(fact), TOUCH_HOST, follow_host },
	[FACTS_CAPACITY] = { "device", NULL, ROLE_HOST, ON_HOST(capacity), TOUCH_HOST, NULL },
	[FACTS_FENCED] = { "device", NULL, ROLE_HOST, ON_HOST(fenced), TOUCH_HOST, NULL },
	[FACTS_ENROLLED] = { "fleet", "device", ROLE_HOST, ON_HOST(enrolled), TOUCH_HOST,
		follow_host },
	[FACTS_HISTORY] = { "device", NULL, ROLE_HOST, ON_HOST(history), TOUCH_HOST, NULL },
	[FACTS_SEGMENT_PRESENT] = { "device", "segment", ROLE_HOST, OBJECT_NONE, 0, TOUCH_HOST,
		follow_segment },
	[FACTS_FABRIC_LINK] = { "device|switch", "switch", ROLE_HOST, OBJECT_NONE, 0, TOUCH_HOST,
		follow_cable },
	[FACTS_RUNS_ON] = { "device", "device", ROLE_BOTH, ON_COPY(runs_on),
		TOUCH_HOST | TOUCH_VAPP | TOUCH_ORDER, NULL },
	[FACTS_ENFORCED] = { "device", "device", ROLE_BOTH, ON_COPY(enforced),
		TOUCH_HOST | TOUCH_ORDER, NULL },
	[FACTS_RESERVATION] = { "device", "device", ROLE_BOTH, ON_COPY(reservation), TOUCH_HOST,
		NULL },
	[FACTS_PROGRESS] = { "device", "device", ROLE_BOTH, ON_COPY(progress), TOUCH_ORDER, NULL },
	[FACTS_SEEN] = { "device", "device", ROLE_BOTH, ON_COPY(seen), 0, NULL },
	[FACTS_ROUTES] = { "device", NULL, ROLE_HOST, ON_HOST(routes), 0, NULL },
	[FACTS_MEMBER_OF] = { "device", "vapp", ROLE_MACHINE, ON_MACHINE(member_of),
		TOUCH_VAPP | TOUCH_HOSTS, follow_member },
	[FACTS_LABEL] = { "device", NULL, ROLE_MACHINE, ON_MACHINE(label), TOUCH_VAPP | TOUCH_HOSTS,
		NULL },
	[FACTS_PROTECTION] = { "device", NULL, ROLE_MACHINE, ON_MACHINE(protection), 0, NULL },
	[FACTS_DEFINITION] = { "device", NULL, ROLE_MACHINE, ON_MACHINE(definition), 0, NULL },
	[FACTS_PACKAGE] = { "vapp", NULL, ROLE_NONE, ON_VAPP(package), TOUCH_VAPP, follow_package },
	[FACTS_REQUEST] = { "vapp", NULL, ROLE_NONE, ON_VAPP(request), TOUCH_ORDER, NULL },
	[FACTS_ORDER] = { "vapp", NULL, ROLE_NONE, ON_VAPP(order), TOUCH_ORDER, NULL },
	[FACTS_CLEARANCE] = { "vapp", "device", ROLE_HOST, OBJECT_NONE, 0, 0, follow_clearance },
	[FACTS_LABEL_POLICY] = { "fleet", NULL, ROLE_NONE, OBJECT_NONE, 0, TOUCH_ALL,
		follow_policy },
};

/* ---- places ---- */

const char *world_place_name(const char *place, const char *type)
{
	size_t size = strlen(type);

	if (!place || strncmp(place, type, size) != 0 || place[size] != ':')
		return NULL;
	return place + size + 1;
}

/* Whether the place's type is one of `types` ("a|b"). */
static gboolean is_one_of(const char *place, const char *types)
{
	const char *colon = strchr(place, ':');
	g_auto(GStrv) list = g_strsplit(types, "|", -1);
	g_autofree char *type = colon ? g_strndup(place, (size_t)(colon - place)) : NULL;

	return type && colon[1] != '\0' && g_strv_contains((const char *const *)list, type);
}

gboolean world_kind_hangs(enum facts_kind kind, const char *a, const char *b)
{
	const struct row *row = &rows[kind];

	if (!row->a || !row->b != !b)
		return FALSE;
	if (!b)
		return is_one_of(a, row->a);
	return (is_one_of(a, row->a) && is_one_of(b, row->b)) ||
	       (is_one_of(b, row->a) && is_one_of(a, row->b));
}

/* The name of the side of the stored fact that is of this type. */
static const char *side(const struct world_stored *stored, const char *type)
{
	const char *name = world_place_name(stored->a, type);

	return name || !stored->b ? name : world_place_name(stored->b, type);
}

/* Which of two devices is the host: whoever is known as one, or whose peer is known as a machine.
 */
static gboolean orient(const struct world *world, struct world_stored *stored)
{
	const char *a = world_place_name(stored->a, "device");
	const char *b = world_place_name(stored->b, "device");
	gboolean hinted = world->hint && strcmp(world->hint, b) == 0;
	gboolean a_is_host = !hinted && (g_strcmp0(world->hint, a) == 0 ||
						g_hash_table_contains(world->hosts, a) ||
						(!g_hash_table_contains(world->hosts, b) &&
							g_hash_table_contains(world->machines, b)));

	if (!hinted && !a_is_host && !g_hash_table_contains(world->hosts, b) &&
		!g_hash_table_contains(world->machines, a))
		return FALSE;
	stored->host = a_is_host ? a : b;
	stored->machine = a_is_host ? b : a;
	return TRUE;
}

/* FALSE: it cannot be told yet which device is which. */
static gboolean locate(struct world *world, struct world_stored *stored, struct place *ret)
{
	const struct row *row = &rows[stored->kind];
	const char *device = side(stored, "device");
	const char *vapp = side(stored, "vapp");
	struct place place = { 0 };

	if (row->device == ROLE_BOTH && !stored->host && !orient(world, stored))
		return FALSE;
	if (row->device == ROLE_BOTH) {
		place.host = world_need_host(world, stored->host);
		place.machine = world_need_machine(world, stored->machine);
		place.copy = world_need_copy(place.host, place.machine);
	} else if (row->device == ROLE_HOST && device) {
		place.host = world_need_host(world, device);
	} else if (row->device == ROLE_MACHINE) {
		place.machine = world_need_machine(world, device);
	}
	if (vapp)
		place.vapp = world_need_vapp(world, vapp);
	place.name = side(stored, "segment");
	if (!place.name)
		place.name = side(stored, "mac");
	*ret = place;
	return TRUE;
}

static void *object_of(const struct place *place, enum object object)
{
	switch (object) {
	case OBJECT_HOST:
		return place->host;
	case OBJECT_MACHINE:
		return place->machine;
	case OBJECT_VAPP:
		return place->vapp;
	case OBJECT_COPY:
		return place->copy;
	case OBJECT_NONE:
		break;
	}
	return NULL;
}

static void count(const struct place *place, int by)
{
	if (place->host)
		place->host->n_facts += (unsigned)by;
	if (place->machine)
		place->machine->n_facts += (unsigned)by;
	if (place->vapp)
		place->vapp->n_facts += (unsigned)by;
	if (place->copy)
		place->copy->n_facts += (unsigned)by;
}

static void set_pointers(const struct row *row, const struct place *place,
	const struct world_stored *stored, const void *fact)
{
	char *object = object_of(place, row->object);
	const void **slot = object ? (const void **)(void *)(object + row->offset) : NULL;

	/* what leaves may have been replaced already: a machine that changed its vApp */
	if (slot && (fact || *slot == stored->fact))
		*slot = fact;
	if (stored->kind == FACTS_IN_FLEET && place->host)
		place->host->in_fleet = fact;
	if (stored->kind == FACTS_IN_FLEET && place->vapp)
		place->vapp->in_fleet = fact;
}

static void drop_empty(struct world *world, const struct place *place)
{
	if (place->copy)
		world_drop_copy(place->copy);
	if (place->host)
		world_drop_host(world, place->host);
	if (place->machine)
		world_drop_machine(world, place->machine);
	if (place->vapp)
		world_drop_vapp(world, place->vapp);
}

static void place_one(struct world *world, struct world_stored *stored, const void *fact,
	struct world_touched *touched)
{
	const struct row *row = &rows[stored->kind];
	struct place place;

	if (!locate(world, stored, &place)) {
		follow_set(world->waiting, stored, fact);
		return;
	}
	/* before and after: a change of membership concerns the old vApp and the new one */
	if (touched)
		touch_place(&place, row->touches, touched);
	count(&place, (fact ? 1 : 0) - (stored->placed ? 1 : 0));
	stored->placed = fact != NULL;
	set_pointers(row, &place, stored, fact);
	if (row->follow)
		row->follow(world, &place, stored, fact, touched);
	if (touched)
		touch_place(&place, row->touches, touched);
	if (!fact) {
		drop_empty(world, &place);
		stored->host = stored->machine = NULL;
	}
}

/* A new host or machine may tell what waits which side is which. FALSE: it told nothing. */
static gboolean place_waiting(struct world *world, struct world_touched *touched)
{
	g_autoptr(GList) list = g_hash_table_get_keys(world->waiting);
	gboolean any = FALSE;

	for (GList *l = list; l; l = l->next) {
		struct world_stored *stored = l->data;

		if (!orient(world, stored))
			continue;
		g_hash_table_remove(world->waiting, stored);
		place_one(world, stored, stored->fact, touched);
		any = TRUE;
	}
	return any;
}

void world_place(struct world *world, struct world_stored *stored, const void *fact,
	struct world_touched *touched)
{
	unsigned before = g_hash_table_size(world->hosts) + g_hash_table_size(world->machines);
	unsigned after;

	place_one(world, stored, fact, touched);
	after = g_hash_table_size(world->hosts) + g_hash_table_size(world->machines);
	while (after > before && g_hash_table_size(world->waiting) > 0 &&
		place_waiting(world, touched))
		;
}
