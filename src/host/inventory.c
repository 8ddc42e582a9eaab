#include "host/inventory.h"

#include "host/vicinity.h"
#include "vapp/seal.h"

#include <string.h>

#define OVERCOMMIT_CPUS 8

struct inventory {
	struct inventory_parts parts;
	struct facts_capacity capacity;
	GHashTable *machines; /* uuid -> struct inventory_machine */
	gboolean settled;
};

static guint64 now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

static void machine_free(gpointer data)
{
	struct inventory_machine *machine = data;

	g_free(machine->virt.uuid);
	g_free(machine->virt.name);
	g_free(machine->virt.xml);
	domxml_free(machine->domain);
	g_free(machine->vapp);
	g_free(machine);
}

gboolean inventory_is_present(const struct inventory_machine *machine)
{
	return machine->virt.state == VIRT_RUNNING || machine->virt.state == VIRT_PAUSED ||
	       machine->virt.state == VIRT_MOVING;
}

/* ---- telling ---- */

static void report_offer(struct inventory *inventory)
{
	GHashTableIter iter;
	gpointer value;

	if (!inventory->settled)
		return;
	inventory->capacity.cpus_used = 0;
	inventory->capacity.memory_used_mib = 0;
	g_hash_table_iter_init(&iter, inventory->machines);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct inventory_machine *machine = value;

		if (!inventory_is_present(machine))
			continue;
		inventory->capacity.cpus_used += machine->virt.vcpus;
		inventory->capacity.memory_used_mib += machine->virt.memory_mib;
	}
	report_capacity(inventory->parts.report, &inventory->capacity);
}

static void report_nics(struct inventory *inventory, const struct inventory_machine *machine)
{
	const struct domxml *xml = machine->domain;

	for (unsigned i = 0; xml && i < xml->nics->len; i++) {
		const struct domxml_nic *nic = xml->nics->pdata[i];
		struct facts_card fact = { .tap = nic->tap,
			.segment = (char *)vicinity_segment(inventory->parts.segments, nic->bridge),
			.host = (char *)inventory->parts.host_uuid };

		if (nic->mac)
			report_card(inventory->parts.report, machine->virt.uuid, nic->mac,
				inventory_is_present(machine) ? &fact : NULL);
	}
}

static void report_one(struct inventory *inventory, const struct inventory_machine *machine)
{
	struct facts_runs_on fact = {
		.name = machine->virt.name,
		.state = (char *)virt_state_to_string(machine->virt.state),
		.vcpus = machine->virt.vcpus,
		.memory_mib = machine->virt.memory_mib,
		.vapp = machine->vapp,
		.seal = (char *)machine->seal,
		.since_ms = machine->since_ms,
	};

	report_machine(inventory->parts.report, machine->virt.uuid, &fact);
	report_nics(inventory, machine);
}

/* ---- keeping ---- */

static void read_seal(const struct inventory *inventory, struct inventory_machine *machine)
{
	static const char *const names[] = { [VAPP_SEAL_NONE] = "none",
		[VAPP_SEAL_GOOD] = "valid",
		[VAPP_SEAL_BROKEN] = "invalid" };
	g_autoptr(vapp_member) member = NULL;
	g_autoptr(GError) error = NULL;
	enum vapp_seal_status status = seal_check_domain(
		machine->virt.xml, inventory->parts.seal_key, &member, &error);

	machine->seal = names[status];
	machine->vapp = member ? g_strdup(member->vapp) : NULL;
}

static void machine_gone(struct inventory *inventory, const char *uuid)
{
	struct inventory_machine *machine = g_hash_table_lookup(inventory->machines, uuid);

	if (!machine)
		return;
	machine->virt.state = VIRT_ABSENT;
	report_nics(inventory, machine);
	report_machine(inventory->parts.report, uuid, NULL);
	g_hash_table_remove(inventory->machines, uuid);
}

static void machine_here(struct inventory *inventory, const struct virt_domain *domain)
{
	const struct inventory_machine *old = g_hash_table_lookup(
		inventory->machines, domain->uuid);
	struct inventory_machine *machine = g_new0(struct inventory_machine, 1);

	machine->told = TRUE;
	machine->virt = *domain;
	machine->virt.uuid = g_strdup(domain->uuid);
	machine->virt.name = g_strdup(domain->name);
	machine->virt.xml = g_strdup(domain->xml);
	machine->domain = domxml_read(domain->xml, NULL);
	machine->since_ms = old && old->virt.state == domain->state ? old->since_ms : now_ms();
	read_seal(inventory, machine);
	g_hash_table_replace(inventory->machines, machine->virt.uuid, machine);
	report_one(inventory, machine);
}

void inventory_update(struct inventory *inventory, const struct virt_domain *domain)
{
	if (domain->state == VIRT_ABSENT || !domain->xml)
		machine_gone(inventory, domain->uuid);
	else
		machine_here(inventory, domain);
	report_offer(inventory);
}

/* Of a machine that went while libvirtd was away no event tells. */
static void drop_untold(struct inventory *inventory)
{
	g_autoptr(GList) machines = g_hash_table_get_values(inventory->machines);

	for (GList *at = machines; at; at = at->next) {
		const struct inventory_machine *machine = at->data;

		if (!machine->told)
			machine_gone(inventory, machine->virt.uuid);
	}
}

static void forget_told(struct inventory *inventory)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, inventory->machines);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((struct inventory_machine *)value)->told = FALSE;
}

void inventory_settle(struct inventory *inventory, gboolean settled)
{
	inventory->settled = settled;
	if (settled)
		drop_untold(inventory);
	else
		forget_told(inventory);
	report_offer(inventory);
}

void inventory_set_host(struct inventory *inventory, const struct virt_host *host)
{
	const struct inventory_parts *parts = &inventory->parts;
	struct facts_capacity *capacity = &inventory->capacity;

	capacity->cpus = parts->cpus ? parts->cpus : host->cpus * OVERCOMMIT_CPUS;
	capacity->memory_mib = parts->memory_mib ? parts->memory_mib : host->memory_mib / 8 * 7;
	g_strfreev(capacity->cpu_models);
	g_strfreev(capacity->machine_types);
	capacity->cpu_models = g_strdupv(host->cpu_models);
	capacity->machine_types = g_strdupv(host->machine_types);
}

/* ---- reading, life ---- */

gboolean inventory_settled(const struct inventory *inventory)
{
	return inventory && inventory->settled;
}

GHashTable *inventory_machines(const struct inventory *inventory)
{
	return inventory->machines;
}

GHashTable *inventory_present(const struct inventory *inventory)
{
	GHashTable *present = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, inventory->machines);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (inventory_is_present(value))
			g_hash_table_add(present, ((struct inventory_machine *)value)->virt.uuid);
	return present;
}

struct inventory *inventory_new(const struct inventory_parts *parts)
{
	struct inventory *inventory = g_new0(struct inventory, 1);

	inventory->parts = *parts;
	inventory->machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, machine_free);
	return inventory;
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	g_hash_table_unref(inventory->machines);
	facts_clear(FACTS_CAPACITY, &inventory->capacity);
	g_free(inventory);
}
