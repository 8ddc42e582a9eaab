#include "fleet.h"

#include "story.h"

#define RACK    16 /* hosts */
#define N_SIDES 2  /* leaf switches of a rack, and spines */

/* Machines of the story take this, and a little for the hypervisor. */
#define MACHINE_MIB 128

char *fleet_host(unsigned i)
{
	return g_strdup_printf("%08x-0000-4000-8000-000000000000", i + 1);
}

static char *leaf(unsigned i, unsigned side)
{
	return g_strdup_printf("leaf%u%c", i / RACK, 'a' + (int)side);
}

char *fleet_leaf(unsigned i)
{
	return leaf(i, 0);
}

guint64 fleet_memory_mib(unsigned n_hosts, unsigned n_machines)
{
	return (guint64)MACHINE_MIB * 4 * (n_machines / n_hosts + 2 * FLEET_PER_VAPP);
}

static void add_uplinks(struct world *world, unsigned i)
{
	struct facts_fabric_link link = { .up = TRUE };

	for (unsigned side = 0; side < N_SIDES; side++)
		for (unsigned spine = 0; spine < N_SIDES; spine++) {
			g_autofree char *name = leaf(i, side);
			g_autofree char *a = g_strconcat("switch:", name, NULL);
			g_autofree char *b = g_strdup_printf("switch:spine%u", spine);

			g_assert_true(world_put(world, FACTS_FABRIC_LINK, a, b, &link, NULL));
		}
}

static void add_way_out(struct world *world)
{
	struct facts_fabric_link link = { .up = TRUE };

	for (unsigned spine = 0; spine < N_SIDES; spine++) {
		g_autofree char *a = g_strdup_printf("switch:spine%u", spine);

		g_assert_true(world_put(
			world, FACTS_FABRIC_LINK, a, "switch:" WORLD_OUTSIDE, &link, NULL));
	}
}

static void add_host(struct world *world, unsigned i, guint64 memory_mib)
{
	g_autofree char *uuid = fleet_host(i);
	g_autofree char *place = story_host(uuid);
	g_autofree char *name = g_strdup_printf("host%u", i);
	char *models[] = { (char[]){ "qemu64" }, NULL };
	char *types[] = { (char[]){ "pc-q35-7.2" }, NULL };
	struct facts_in_fleet in_fleet = { .kind = (char[]){ "host" } };
	struct facts_host host = { .name = name, .enforcing = TRUE };
	struct facts_capacity capacity = {
		.cpus = 1024, .memory_mib = memory_mib, .cpu_models = models, .machine_types = types
	};

	g_assert_true(world_put(world, FACTS_IN_FLEET, "fleet:default", place, &in_fleet, NULL));
	g_assert_true(world_put(world, FACTS_HOST, place, NULL, &host, NULL));
	g_assert_true(world_put(world, FACTS_CAPACITY, place, NULL, &capacity, NULL));
	story_segment(world, uuid, "front");
	story_segment(world, uuid, "back");
	for (unsigned side = 0; side < N_SIDES; side++) {
		g_autofree char *network_switch = leaf(i, side);

		story_cable(world, uuid, network_switch, TRUE);
	}
	if (i % RACK == 0)
		add_uplinks(world, i);
}

static void add_vapp(struct world *world, unsigned i, unsigned n_hosts)
{
	g_autofree char *host = fleet_host(i % n_hosts);
	g_autoptr(vapp_value) vapp = story_shop();

	g_free(vapp->name);
	vapp->name = g_strdup_printf("shop%u", i);
	story_put_package(world, vapp);
	story_run(world, vapp, host);
}

struct world *fleet_world(unsigned n_hosts, unsigned n_machines)
{
	struct world *world = world_new();
	unsigned n_vapps = (n_machines + FLEET_PER_VAPP - 1) / FLEET_PER_VAPP;

	g_assert(n_hosts > 0);
	story_policy(world, STORY_POLICY);
	add_way_out(world);
	for (unsigned i = 0; i < n_hosts; i++)
		add_host(world, i, fleet_memory_mib(n_hosts, n_machines));
	for (unsigned i = 0; i < n_vapps; i++)
		add_vapp(world, i, n_hosts);
	return world;
}
