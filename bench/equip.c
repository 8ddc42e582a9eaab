#include "equip.h"

#include "facts/facts.h"

#define BATCH  100
#define AROUND 20 /* machines that a search finds */

static struct ifmap_id *device(unsigned host, unsigned machine)
{
	g_autofree char *uuid = g_strdup_printf("%08x-0000-4000-8000-%012x", host, machine);

	return facts_id_device(uuid, NULL);
}

static struct ifmap_id *host_of(const struct actor *actor)
{
	return device(actor->number + 1, 0);
}

static struct ifmap_id *hub(void)
{
	return device(0, 0);
}

/* The i-th version says something else than the one before. */
static struct ifmap_publish *machines(const struct actor *actor, unsigned n, unsigned version)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(ifmap_id) host = host_of(actor);

	for (unsigned i = 0; i < n; i++) {
		g_autoptr(ifmap_id) machine = device(actor->number + 1, i + 1);
		g_autofree char *name = g_strdup_printf("machine%u", i);
		struct facts_runs_on fact = { .name = name,
			.state = (char[]){ "running" },
			.vcpus = 2,
			.memory_mib = 1024 + version,
			.seal = (char[]){ "valid" } };

		facts_publish(publish, FACTS_RUNS_ON, machine, host, &fact);
	}
	return publish;
}

void equip_publish(struct actor *worker)
{
	for (unsigned i = 0; i < ACTOR_N_REQUESTS; i++)
		actor_set_publish(worker, i, machines(worker, 1, i));
}

void equip_batch(struct actor *worker)
{
	for (unsigned i = 0; i < ACTOR_N_REQUESTS; i++)
		actor_set_publish(worker, i, machines(worker, BATCH, i));
}

void equip_publish_forever(struct actor *worker)
{
	g_autoptr(ifmap_id) host = host_of(worker);
	g_autoptr(ifmap_id) machine = device(worker->number + 1, 1);

	for (unsigned i = 0; i < ACTOR_N_REQUESTS; i++) {
		struct ifmap_publish *publish = ifmap_publish_new();
		struct facts_reservation fact = {
			.purpose = (char[]){ "home" }, .memory_mib = 1024 + i, .vcpus = 2
		};

		facts_publish(publish, FACTS_RESERVATION, machine, host, &fact);
		actor_set_publish(worker, i, publish);
	}
}

void equip_search(struct actor *worker)
{
	g_autoptr(ifmap_id) host = host_of(worker);
	struct ifmap_search search = { .start = host, .max_depth = 1 };

	actor_publish(worker, machines(worker, AROUND, 0));
	actor_set_search(worker, 0, &search);
}

void equip_hub(struct actor *worker)
{
	g_autoptr(ifmap_id) host = hub();

	for (unsigned i = 0; i < ACTOR_N_REQUESTS; i++) {
		struct ifmap_publish *publish = ifmap_publish_new();
		struct facts_capacity fact = { .cpus = 16, .memory_mib = 1024 + i };

		facts_publish(publish, FACTS_CAPACITY, host, NULL, &fact);
		actor_set_publish(worker, i, publish);
	}
}

void equip_reader(struct actor *reader)
{
	g_autoptr(ifmap_id) host = hub();
	struct ifmap_search search = { .start = host, .max_depth = 1 };

	actor_subscribe(reader, &search);
}
