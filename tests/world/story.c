#include "story.h"

#include "vapp/ovf.h"

#include <string.h>

/* UUIDs of hosts: one letter, repeated. */
static const char *host_uuid(const char *name)
{
	static const struct {
		const char *name;
		const char *uuid;
	} hosts[] = {
		{ "A", "aaaaaaaa-0000-4000-8000-000000000000" },
		{ "B", "bbbbbbbb-0000-4000-8000-000000000000" },
		{ "C", "cccccccc-0000-4000-8000-000000000000" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++)
		if (strcmp(hosts[i].name, name) == 0)
			return hosts[i].uuid;
	return name;
}

char *story_host(const char *name)
{
	return g_strconcat("device:", host_uuid(name), NULL);
}

char *story_machine(const char *vapp, const char *machine)
{
	g_autoptr(vapp_value) made = strcmp(vapp, "bank") == 0 ? story_bank() : story_shop();
	g_autofree char *uuid = vapp_machine_uuid(made, vapp_find_machine(made, machine));

	return g_strconcat("device:", uuid, NULL);
}

static void add_machine(
	struct vapp *vapp, const char *name, const char *tier, const char *const *networks)
{
	struct vapp_machine *machine = vapp_machine_new(name);
	unsigned n = vapp->machines->len + 1;

	machine->tier = g_strdup(tier);
	machine->memory_mib = 107;
	machine->n_vcpus = 1;
	for (unsigned i = 0; networks[i]; i++) {
		g_autofree char *mac = g_strdup_printf("52:54:00:%02x:%02x:%02x",
			(unsigned)strlen(vapp->name) + (unsigned char)vapp->name[0], n, i);
		g_autofree char *ip = g_strdup_printf(
			"10.%u.%u.%u/24", (unsigned char)vapp->name[0], i, n + 10);
		struct vapp_nic *nic = vapp_nic_new(networks[i], mac);
		struct vapp_prefix prefix;

		g_assert_true(vapp_prefix_from_string(ip, &prefix));
		g_array_append_val(nic->ips, prefix);
		g_ptr_array_add(machine->nics, nic);
	}
	g_ptr_array_add(vapp->machines, machine);
}

static void add_flow(
	struct vapp *vapp, const char *id, const char *from, const char *to, unsigned n_paths)
{
	struct vapp_flow *flow = vapp_flow_new(id, from, to);
	struct vapp_ports ports = { 80, 80 };

	flow->n_paths = n_paths;
	g_array_append_val(flow->ports, ports);
	g_ptr_array_add(vapp->flows, flow);
}

struct vapp *story_shop(void)
{
	static const char *const both[] = { "front", "back", NULL };
	static const char *const back[] = { "back", NULL };
	struct vapp *vapp = vapp_new("shop", "1");

	vapp->label = g_strdup("blue");
	g_ptr_array_add(vapp->networks, vapp_network_new("front"));
	g_ptr_array_add(vapp->networks, vapp_network_new("back"));
	add_machine(vapp, "web1", "web", both);
	add_machine(vapp, "web2", "web", both);
	add_machine(vapp, "app1", "app", back);
	add_machine(vapp, "db1", "db", back);
	add_flow(vapp, STORY_FLOW, VAPP_OUTSIDE, "web", 2);
	add_flow(vapp, "calls", "web", "app", 1);
	add_flow(vapp, "queries", "app", "db", 1);
	return vapp;
}

struct vapp *story_bank(void)
{
	static const char *const front[] = { "front", NULL };
	struct vapp *vapp = vapp_new("bank", "1");

	vapp->label = g_strdup("red");
	g_ptr_array_add(vapp->networks, vapp_network_new("front"));
	add_machine(vapp, "b1", "teller", front);
	add_machine(vapp, "b2", "teller", front);
	return vapp;
}

void story_put_package(struct world *world, const struct vapp *vapp)
{
	g_autofree char *ovf = ovf_write(vapp);
	g_autofree char *place = g_strconcat("vapp:", vapp->name, NULL);
	const struct world_vapp *object;

	g_assert_true(world_put(
		world, FACTS_PACKAGE, place, NULL, &(struct facts_package){ .ovf = ovf }, NULL));
	object = world_find_vapp(world, vapp->name);
	g_assert_cmpstr(object->error, ==, NULL);
	g_assert_true(vapp_equal(object->vapp, vapp));
}

void story_run(struct world *world, const struct vapp *vapp, const char *host)
{
	g_autofree char *vapp_place = g_strconcat("vapp:", vapp->name, NULL);
	g_autofree char *host_place = story_host(host);

	for (unsigned i = 0; i < vapp->machines->len; i++) {
		struct vapp_machine *machine = vapp->machines->pdata[i];
		g_autofree char *uuid = vapp_machine_uuid(vapp, machine);
		g_autofree char *place = g_strconcat("device:", uuid, NULL);
		struct facts_runs_on runs_on = { .name = machine->name,
			.state = (char[]){ "running" },
			.vcpus = machine->n_vcpus,
			.memory_mib = machine->memory_mib,
			.vapp = vapp->name,
			.seal = (char[]){ "valid" } };
		struct facts_enforced enforced = { .conforming = TRUE };
		struct facts_member_of member_of = { .machine = machine->name,
			.role = machine->tier };

		g_assert_true(world_put(world, FACTS_RUNS_ON, place, host_place, &runs_on, NULL));
		g_assert_true(world_put(world, FACTS_ENFORCED, host_place, place, &enforced, NULL));
		g_assert_true(
			world_put(world, FACTS_MEMBER_OF, place, vapp_place, &member_of, NULL));
	}
}

void story_cable(struct world *world, const char *host, const char *network_switch, gboolean up)
{
	g_autofree char *a = story_host(host);
	g_autofree char *b = g_strconcat("switch:", network_switch, NULL);
	struct facts_fabric_link link = { .up = up };

	g_assert_true(world_put(world, FACTS_FABRIC_LINK, a, b, &link, NULL));
}

void story_segment(struct world *world, const char *host, const char *segment)
{
	g_autofree char *a = story_host(host);
	g_autofree char *b = g_strconcat("segment:", segment, NULL);
	struct facts_segment_present present = { .up = TRUE };

	g_assert_true(world_put(world, FACTS_SEGMENT_PRESENT, a, b, &present, NULL));
}

void story_policy(struct world *world, const char *text)
{
	g_autofree char *copy = g_strdup(text);
	const char *error = NULL;

	world_put(world, FACTS_LABEL_POLICY, "fleet:default", NULL,
		&(struct facts_label_policy){ .text = copy }, NULL);
	world_label_policy(world, &error);
	g_assert_cmpstr(error, ==, NULL);
}

static void add_host(struct world *world, const char *name, guint64 memory_mib)
{
	g_autofree char *place = story_host(name);
	g_autofree char *copy = g_strdup(name);
	char *models[] = { (char[]){ "qemu64" }, NULL };
	char *types[] = { (char[]){ "pc-q35-7.2" }, NULL };
	struct facts_in_fleet in_fleet = { .kind = (char[]){ "host" } };
	struct facts_host host = { .name = copy, .enforcing = TRUE, .site = (char[]){ "north" } };
	struct facts_capacity capacity = {
		.cpus = 16, .memory_mib = memory_mib, .cpu_models = models, .machine_types = types
	};

	g_assert_true(world_put(world, FACTS_IN_FLEET, "fleet:default", place, &in_fleet, NULL));
	g_assert_true(world_put(world, FACTS_HOST, place, NULL, &host, NULL));
	g_assert_true(world_put(world, FACTS_CAPACITY, place, NULL, &capacity, NULL));
	story_cable(world, name, "s1", TRUE);
	story_segment(world, name, "front");
}

struct world *story_world(void)
{
	struct world *world = world_new();
	g_autoptr(vapp_value) shop = story_shop();
	g_autoptr(vapp_value) bank = story_bank();

	story_policy(world, STORY_POLICY);
	add_host(world, "A", 1024);
	add_host(world, "B", 1024);
	add_host(world, "C", 214 + 300);
	for (unsigned i = 0; i < 2; i++) {
		story_cable(world, i ? "B" : "A", "s2", TRUE);
		story_segment(world, i ? "B" : "A", "back");
	}
	story_put_package(world, shop);
	story_put_package(world, bank);
	story_run(world, shop, "A");
	story_run(world, bank, "C");
	return world;
}
