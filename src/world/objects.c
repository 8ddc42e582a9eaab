#include "world/internal.h"

#include <stdlib.h>
#include <string.h>

/* Hosts, machines, vApps and copies: made, found, dropped. */

/* ---- copies ---- */

static int compare_copy_machine(gconstpointer a, gconstpointer b)
{
	const struct world_copy *const *x = a;
	const struct world_copy *const *y = b;

	return strcmp((*x)->machine->uuid, (*y)->machine->uuid);
}

static int compare_copy_host(gconstpointer a, gconstpointer b)
{
	const struct world_copy *const *x = a;
	const struct world_copy *const *y = b;

	return strcmp((*x)->host->uuid, (*y)->host->uuid);
}

static struct world_copy *find_copy(
	const struct world_machine *machine, const struct world_host *host)
{
	for (unsigned i = 0; i < machine->copies->len; i++) {
		struct world_copy *copy = machine->copies->pdata[i];

		if (copy->host == host)
			return copy;
	}
	return NULL;
}

struct world_copy *world_need_copy(struct world_host *host, struct world_machine *machine)
{
	struct world_copy *copy = find_copy(machine, host);

	if (copy)
		return copy;
	copy = g_new0(struct world_copy, 1);
	copy->host = host;
	copy->machine = machine;
	g_ptr_array_add(host->copies, copy);
	g_ptr_array_sort(host->copies, compare_copy_machine);
	g_ptr_array_add(machine->copies, copy);
	g_ptr_array_sort(machine->copies, compare_copy_host);
	return copy;
}

void world_drop_copy(struct world_copy *copy)
{
	if (copy->n_facts > 0)
		return;
	g_ptr_array_remove(copy->host->copies, copy);
	g_ptr_array_remove(copy->machine->copies, copy);
	g_free(copy);
}

gboolean world_copy_active(const struct world_copy *copy)
{
	static const char *const active[] = { "running", "paused", "moving", NULL };

	return copy && copy->runs_on && copy->runs_on->state &&
	       g_strv_contains(active, copy->runs_on->state);
}

/* ---- hosts ---- */

static void host_free(gpointer data)
{
	struct world_host *host = data;

	g_hash_table_unref(host->segments);
	g_ptr_array_unref(host->copies);
	g_free(host->uuid);
	g_free(host);
}

struct world_host *world_need_host(struct world *world, const char *uuid)
{
	struct world_host *host = g_hash_table_lookup(world->hosts, uuid);

	if (host)
		return host;
	host = g_new0(struct world_host, 1);
	host->uuid = g_strdup(uuid);
	host->segments = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	host->copies = g_ptr_array_new();
	g_hash_table_insert(world->hosts, host->uuid, host);
	world_fabric_changed(world);
	return host;
}

void world_drop_host(struct world *world, struct world_host *host)
{
	if (host->n_facts > 0)
		return;
	g_hash_table_remove(world->hosts, host->uuid);
	world_fabric_changed(world);
}

gboolean world_host_alive(const struct world_host *host)
{
	return host && host->in_fleet && host->fact;
}

gboolean world_host_off(const struct world_host *host)
{
	guint64 life_ms = host && host->enrolled ? host->enrolled->started_ms : 0;

	return host && host->fenced && host->fenced->started_ms == life_ms &&
	       !world_host_alive(host);
}

const char *world_host_name(const struct world_host *host)
{
	if (host->fact && host->fact->name)
		return host->fact->name;
	return host->enrolled && host->enrolled->name ? host->enrolled->name : host->uuid;
}

/* ---- machines ---- */

static void machine_free(gpointer data)
{
	struct world_machine *machine = data;

	g_ptr_array_unref(machine->copies);
	g_free(machine->vapp);
	g_free(machine->uuid);
	g_free(machine);
}

struct world_machine *world_need_machine(struct world *world, const char *uuid)
{
	struct world_machine *machine = g_hash_table_lookup(world->machines, uuid);

	if (machine)
		return machine;
	machine = g_new0(struct world_machine, 1);
	machine->uuid = g_strdup(uuid);
	machine->copies = g_ptr_array_new();
	g_hash_table_insert(world->machines, machine->uuid, machine);
	return machine;
}

void world_drop_machine(struct world *world, struct world_machine *machine)
{
	if (machine->n_facts == 0)
		g_hash_table_remove(world->machines, machine->uuid);
}

static const char *domain_name(const struct world_machine *machine)
{
	for (unsigned i = 0; i < machine->copies->len; i++) {
		const struct world_copy *copy = machine->copies->pdata[i];

		if (copy->runs_on && copy->runs_on->name)
			return copy->runs_on->name;
	}
	return NULL;
}

const char *world_machine_name(const struct world_machine *machine)
{
	const char *domain;

	if (machine->member_of && machine->member_of->machine)
		return machine->member_of->machine;
	domain = domain_name(machine);
	return domain ? domain : machine->uuid;
}

const char *world_machine_vapp(const struct world_machine *machine)
{
	if (machine->vapp)
		return machine->vapp;
	for (unsigned i = 0; i < machine->copies->len; i++) {
		const struct world_copy *copy = machine->copies->pdata[i];

		if (copy->runs_on && copy->runs_on->vapp)
			return copy->runs_on->vapp;
	}
	return NULL;
}

const char *world_machine_label(const struct world *world, const struct world_machine *machine)
{
	const char *vapp_name = world_machine_vapp(machine);
	const struct world_vapp *vapp = vapp_name ? world_find_vapp(world, vapp_name) : NULL;
	const struct vapp_machine *member = vapp && vapp->vapp ? g_hash_table_lookup(vapp->machines,
									 machine->uuid)
							       : NULL;

	if (machine->label && machine->label->name)
		return machine->label->name;
	return member ? vapp_machine_label(vapp->vapp, member) : NULL;
}

const struct world_copy *world_machine_active(const struct world_machine *machine)
{
	const struct world_copy *found = NULL;

	for (unsigned i = 0; i < machine->copies->len; i++) {
		const struct world_copy *copy = machine->copies->pdata[i];

		if (!world_copy_active(copy))
			continue;
		if (found)
			return NULL;
		found = copy;
	}
	return found;
}

/* ---- vApps ---- */

static void vapp_object_free(gpointer data)
{
	struct world_vapp *vapp = data;

	g_hash_table_unref(vapp->machines);
	g_hash_table_unref(vapp->clearances);
	vapp_free(vapp->vapp);
	g_free(vapp->error);
	g_free(vapp->name);
	g_free(vapp);
}

struct world_vapp *world_need_vapp(struct world *world, const char *name)
{
	struct world_vapp *vapp = g_hash_table_lookup(world->vapps, name);

	if (vapp)
		return vapp;
	vapp = g_new0(struct world_vapp, 1);
	vapp->name = g_strdup(name);
	vapp->machines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	vapp->clearances = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_insert(world->vapps, vapp->name, vapp);
	return vapp;
}

void world_drop_vapp(struct world *world, struct world_vapp *vapp)
{
	if (vapp->n_facts == 0)
		g_hash_table_remove(world->vapps, vapp->name);
}

/* ---- finding ---- */

static int compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The values of a string-keyed table in order of their keys. */
static GPtrArray *values_by_key(GHashTable *table)
{
	g_autofree const char **keys = (const char **)g_hash_table_get_keys_as_array(table, NULL);
	unsigned n = g_hash_table_size(table);
	GPtrArray *values = g_ptr_array_sized_new(n);

	if (n > 1)
		qsort(keys, n, sizeof(*keys), compare_keys);
	for (unsigned i = 0; i < n; i++)
		g_ptr_array_add(values, g_hash_table_lookup(table, keys[i]));
	return values;
}

GPtrArray *world_hosts(const struct world *world)
{
	return values_by_key(world->hosts);
}

GPtrArray *world_machines(const struct world *world)
{
	return values_by_key(world->machines);
}

GPtrArray *world_vapps(const struct world *world)
{
	return values_by_key(world->vapps);
}

const struct world_host *world_find_host(const struct world *world, const char *uuid_or_name)
{
	const struct world_host *found = g_hash_table_lookup(world->hosts, uuid_or_name);
	GHashTableIter iter;
	gpointer value;

	if (found)
		return found;
	g_hash_table_iter_init(&iter, world->hosts);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct world_host *host = value;

		if (strcmp(world_host_name(host), uuid_or_name) == 0 &&
			(!found || strcmp(host->uuid, found->uuid) < 0))
			found = host;
	}
	return found;
}

const struct world_machine *world_find_machine(const struct world *world, const char *uuid)
{
	return g_hash_table_lookup(world->machines, uuid);
}

const struct world_vapp *world_find_vapp(const struct world *world, const char *name)
{
	return g_hash_table_lookup(world->vapps, name);
}

const struct world_machine *world_find_member(
	const struct world *world, const char *vapp, const char *machine)
{
	const struct world_vapp *object = world_find_vapp(world, vapp);
	const struct vapp_machine *member = object && object->vapp
						    ? vapp_find_machine(object->vapp, machine)
						    : NULL;
	g_autofree char *uuid = member ? vapp_machine_uuid(object->vapp, member) : NULL;

	return uuid ? world_find_machine(world, uuid) : NULL;
}

const struct world_copy *world_find_copy(
	const struct world *world, const char *machine_uuid, const char *host_uuid)
{
	const struct world_machine *machine = world_find_machine(world, machine_uuid);
	const struct world_host *host = g_hash_table_lookup(world->hosts, host_uuid);

	return machine && host ? find_copy(machine, host) : NULL;
}

/* ---- the whole ---- */

static void stored_free(gpointer data)
{
	struct world_stored *stored = data;

	facts_clear(stored->kind, stored->fact);
	g_free(stored->fact);
	g_free(stored->a);
	g_free(stored->b);
	g_free(stored);
}

struct world *world_new(void)
{
	struct world *world = g_new0(struct world, 1);

	world->facts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stored_free);
	world->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, host_free);
	world->machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, machine_free);
	world->vapps = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, vapp_object_free);
	world->cables = g_hash_table_new(NULL, NULL);
	world->anchors = g_hash_table_new(NULL, NULL);
	world->waiting = g_hash_table_new(NULL, NULL);
	return world;
}

static void free_copies(struct world *world)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, world->machines);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct world_machine *machine = value;

		for (unsigned i = 0; i < machine->copies->len; i++)
			g_free(machine->copies->pdata[i]);
	}
}

void world_free(struct world *world)
{
	if (!world)
		return;
	free_copies(world);
	g_hash_table_unref(world->waiting);
	g_hash_table_unref(world->anchors);
	g_hash_table_unref(world->cables);
	g_hash_table_unref(world->vapps);
	g_hash_table_unref(world->machines);
	g_hash_table_unref(world->hosts);
	g_hash_table_unref(world->facts);
	label_policy_free(world->policy);
	g_free(world->policy_error);
	fabric_free(world->fabric);
	g_free(world);
}
