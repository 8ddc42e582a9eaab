#include "change.h"

#include "fleet.h"

static void set_phases(
	struct change *change, enum facts_kind kind, const void *even, const void *odd)
{
	change->phases[0] = facts_encode(kind, even, NULL);
	change->phases[1] = facts_encode(kind, odd, NULL);
}

static void make_capacity(struct change *change, guint64 memory_mib)
{
	char *models[] = { (char[]){ "qemu64" }, NULL };
	char *types[] = { (char[]){ "pc-q35-7.2" }, NULL };
	struct facts_capacity enough = {
		.cpus = 1024, .memory_mib = memory_mib, .cpu_models = models, .machine_types = types
	};
	struct facts_capacity little = enough;

	little.memory_mib = 1;
	set_phases(change, FACTS_CAPACITY, &little, &enough);
}

static void make_segment(struct change *change, guint64 memory_mib)
{
	struct facts_segment_present up = { .up = TRUE };
	struct facts_segment_present down = { .up = FALSE };

	(void)memory_mib;
	change->b = facts_id_segment("back", NULL);
	set_phases(change, FACTS_SEGMENT_PRESENT, &down, &up);
}

static void make_cable(struct change *change, guint64 memory_mib)
{
	g_autofree char *leaf = fleet_leaf(0);
	struct facts_fabric_link up = { .up = TRUE };
	struct facts_fabric_link down = { .up = FALSE };

	(void)memory_mib;
	change->b = facts_id_switch(leaf, NULL);
	set_phases(change, FACTS_FABRIC_LINK, &down, &up);
}

const struct change_kind change_kinds[] = {
	{ "capacity", "a host's memory runs out, and is there again", make_capacity },
	{ "segment", "a host loses a segment, and has it again", make_segment },
	{ "cable", "one of a host's two cables breaks, and is mended", make_cable },
	{ "everything", "nothing changes; every verdict is asked for anew", NULL },
	{ NULL, NULL, NULL },
};

void change_init(struct change *change, const struct change_kind *kind, guint64 memory_mib)
{
	g_autofree char *host = fleet_host(0);

	*change = (struct change){ .a = facts_id_device(host, NULL) };
	if (kind->make)
		kind->make(change, memory_mib);
}

void change_clear(struct change *change)
{
	ifmap_id_unref(change->a);
	ifmap_id_unref(change->b);
	for (unsigned i = 0; i < G_N_ELEMENTS(change->phases); i++)
		ifmap_meta_unref(change->phases[i]);
	*change = (struct change){ .a = NULL };
}

void change_play(
	const struct change *change, unsigned n, struct world *world, struct world_touched *touched)
{
	g_autoptr(GError) error = NULL;
	const struct ifmap_meta *meta = change->phases[n % G_N_ELEMENTS(change->phases)];

	if (meta && !world_add(world, change->a, change->b, meta, touched, &error))
		g_error("the world does not take the change: %s", error->message);
}
