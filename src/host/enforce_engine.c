#include "host/enforce_engine_private.h"

#include <string.h>

struct enforce_engine *enforce_engine_new(struct enforce_kernel *kernel,
	const struct enforce_backend *backend, guint16 log_group, const char *state_path)
{
	struct enforce_engine *engine = g_new0(struct enforce_engine, 1);

	engine->kernel = kernel;
	engine->backend = backend;
	engine->log_group = log_group;
	engine->store = state_path ? enforce_store_new(state_path) : NULL;
	engine->entries = enforce_entry_table_new();
	engine->claims = enforce_claims_new();
	engine->bridges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return engine;
}

void enforce_engine_free(struct enforce_engine *engine)
{
	if (!engine)
		return;
	enforce_claims_free(engine->claims);
	g_hash_table_unref(engine->bridges);
	g_hash_table_unref(engine->entries);
	enforce_store_free(engine->store);
	g_free(engine);
}

/* Looking up */

struct enforce_entry *enforce_engine_entry(const struct enforce_engine *engine, const char *uuid)
{
	return g_hash_table_lookup(engine->entries, uuid);
}

const struct rules_machine *enforce_engine_find(
	const struct enforce_engine *engine, const char *uuid)
{
	const struct enforce_entry *entry = enforce_engine_entry(engine, uuid);

	return entry ? entry->machine : NULL;
}

const struct rules_machine *enforce_engine_find_tap(
	const struct enforce_engine *engine, const char *tap)
{
	return enforce_claims_tap(engine->claims, tap);
}

GPtrArray *enforce_engine_machines(const struct enforce_engine *engine)
{
	GPtrArray *machines = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(machines, ((struct enforce_entry *)value)->machine);
	return machines;
}

gboolean enforce_engine_is_cut(const struct enforce_engine *engine, const char *uuid)
{
	const struct enforce_entry *entry = enforce_engine_entry(engine, uuid);

	return entry && entry->mode == ENFORCE_QUARANTINE;
}

/* Batches */

/* Writes the entry's parts of the tables, which stay with it. */
static void prepare(struct enforce_engine *engine, struct enforce_entry *entry)
{
	const GPtrArray *nics = entry->machine->nics;

	if (entry->chains)
		return;
	entry->chains = enforce_batch_new(engine->last_set);
	enforce_chains_add(entry->chains, entry->machine, entry->mode, engine->log_group);
	engine->last_set = entry->chains->last_set;
	enforce_batch_trim(entry->chains);
	entry->shut = enforce_batch_new(0);
	for (guint i = 0; i < nics->len; i++)
		enforce_base_shut_tap(entry->shut, ((struct rules_nic *)nics->pdata[i])->tap);
	enforce_batch_trim(entry->shut);
}

static void add_entries(struct enforce_engine *engine, struct enforce_batch *batch)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		prepare(engine, value);
		enforce_batch_append(batch, ((struct enforce_entry *)value)->chains);
	}
}

struct enforce_batch *enforce_engine_base(struct enforce_engine *engine)
{
	struct enforce_batch *batch = enforce_batch_new(engine->last_set);
	g_autoptr(GList) bridges = enforce_claims_bridges(engine->claims);
	guint16 zone;

	enforce_base_add(batch, engine->backend);
	for (GList *bridge = bridges; bridge; bridge = bridge->next)
		if (enforce_claims_zone(engine->claims, bridge->data, &zone))
			enforce_base_add_bridge(batch, engine->backend, bridge->data, zone);
	engine->last_set = batch->last_set;
	return batch;
}

struct enforce_batch *enforce_engine_all(struct enforce_engine *engine)
{
	g_autoptr(enforce_batch) base = enforce_engine_base(engine);
	struct enforce_batch *batch = enforce_batch_new(engine->last_set);

	enforce_base_delete(batch);
	enforce_batch_append(batch, base);
	add_entries(engine, batch);
	return batch;
}

static struct enforce_batch *batch_to_shut(struct enforce_engine *engine)
{
	struct enforce_batch *batch = enforce_batch_new(engine->last_set);
	GHashTableIter iter;
	gpointer value;

	enforce_base_shut(batch);
	engine->last_set = batch->last_set;
	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		prepare(engine, value);
		enforce_batch_append(batch, ((struct enforce_entry *)value)->shut);
	}
	return batch;
}

/* Bridges: engine->bridges is what the kernel has, the claims say what it shall have. */

static void bring_bridge(
	struct enforce_engine *engine, struct enforce_batch *batch, const char *bridge)
{
	guint16 zone = 0;
	gboolean wanted = enforce_claims_zone(engine->claims, bridge, &zone);
	gpointer known;
	gboolean there = g_hash_table_lookup_extended(engine->bridges, bridge, NULL, &known);

	if (wanted && (!there || GPOINTER_TO_UINT(known) != zone)) {
		enforce_base_add_bridge(batch, engine->backend, bridge, zone);
		g_hash_table_replace(engine->bridges, g_strdup(bridge), GUINT_TO_POINTER(zone));
	} else if (!wanted && there) {
		enforce_base_delete_bridge(batch, engine->backend, bridge);
		g_hash_table_remove(engine->bridges, bridge);
	}
}

static void learn_bridges(struct enforce_engine *engine)
{
	g_autoptr(GList) bridges = enforce_claims_bridges(engine->claims);
	guint16 zone = 0;

	g_hash_table_remove_all(engine->bridges);
	for (GList *bridge = bridges; bridge; bridge = bridge->next)
		if (enforce_claims_zone(engine->claims, bridge->data, &zone))
			g_hash_table_replace(
				engine->bridges, g_strdup(bridge->data), GUINT_TO_POINTER(zone));
}

/* Repairing */

static gboolean apply(struct enforce_engine *engine, struct enforce_batch *batch, GError **error)
{
	gboolean ok = engine->kernel->apply(engine->kernel, batch, error);

	enforce_batch_free(batch);
	return ok;
}

gboolean enforce_engine_rebuild(struct enforce_engine *engine, GError **error)
{
	if (!apply(engine, enforce_engine_all(engine), error))
		return FALSE;
	learn_bridges(engine);
	return TRUE;
}

static gboolean repair_some(struct enforce_engine *engine, const char *const *uuids)
{
	struct enforce_batch *batch = enforce_batch_new(engine->last_set);

	for (; *uuids; uuids++) {
		struct enforce_entry *entry = enforce_engine_entry(engine, *uuids);

		if (!entry)
			continue;
		prepare(engine, entry);
		enforce_batch_append(batch, entry->chains);
	}
	return apply(engine, batch, NULL);
}

gboolean enforce_engine_shut(struct enforce_engine *engine, GError **error)
{
	return apply(engine, batch_to_shut(engine), error);
}

gboolean enforce_engine_repair(struct enforce_engine *engine, const char *const *uuids,
	gint64 *ret_open_us, GError **error)
{
	gint64 since_us = g_get_monotonic_time();
	gboolean shut = FALSE;
	gboolean ok;

	if (uuids && repair_some(engine, uuids)) {
		*ret_open_us = g_get_monotonic_time() - since_us;
		return TRUE;
	}
	if (g_hash_table_size(engine->entries)) {
		shut = enforce_engine_shut(engine, NULL);
		*ret_open_us = g_get_monotonic_time() - since_us;
	}
	ok = enforce_engine_rebuild(engine, error);
	if (!shut)
		*ret_open_us = g_get_monotonic_time() - since_us;
	return ok;
}

/* Changing */

static void put_entry(
	struct enforce_engine *engine, const char *uuid, const struct enforce_entry *entry)
{
	struct enforce_entry *shared = enforce_entry_ref((struct enforce_entry *)entry);

	if (shared)
		g_hash_table_replace(engine->entries, shared->machine->uuid, shared);
	else
		g_hash_table_remove(engine->entries, uuid);
}

/* Puts the old entries back, with what they claimed. The first `n` have been put in. */
static void undo(struct enforce_engine *engine, GPtrArray *changes, guint n)
{
	for (guint i = 0; i < n; i++) {
		const struct enforce_change *change = changes->pdata[i];

		if (change->next)
			enforce_claims_remove(engine->claims, change->next->machine);
	}
	for (guint i = 0; i < changes->len; i++) {
		const struct enforce_change *change = changes->pdata[i];

		put_entry(engine, change->uuid, change->old);
		if (change->old)
			enforce_claims_add(engine->claims, change->old->machine, NULL);
	}
}

/* Puts the new entries in; FALSE, and nothing done, when they contradict each other or the rest. */
static gboolean enter(struct enforce_engine *engine, GPtrArray *changes, GError **error)
{
	for (guint i = 0; i < changes->len; i++) {
		const struct enforce_change *change = changes->pdata[i];

		if (change->old)
			enforce_claims_remove(engine->claims, change->old->machine);
	}
	for (guint i = 0; i < changes->len; i++) {
		const struct enforce_change *change = changes->pdata[i];

		if (change->next &&
			!enforce_claims_add(engine->claims, change->next->machine, error)) {
			undo(engine, changes, i);
			return FALSE;
		}
		put_entry(engine, change->uuid, change->next);
	}
	return TRUE;
}

static void add_removals(
	struct enforce_engine *engine, struct enforce_batch *batch, const struct rules_machine *old)
{
	for (guint i = 0; old && i < old->nics->len; i++) {
		const struct rules_nic *nic = old->nics->pdata[i];

		if (!enforce_claims_tap(engine->claims, nic->tap))
			enforce_chains_delete(batch, nic->tap);
	}
}

static void bring_bridges(struct enforce_engine *engine, struct enforce_batch *batch,
	const struct enforce_entry *entry)
{
	for (guint i = 0; entry && i < entry->machine->nics->len; i++)
		bring_bridge(engine, batch,
			((const struct rules_nic *)entry->machine->nics->pdata[i])->bridge);
}

static struct enforce_batch *batch_for(struct enforce_engine *engine, GPtrArray *changes)
{
	struct enforce_batch *batch = enforce_batch_new(engine->last_set);

	for (guint i = 0; i < changes->len; i++) {
		const struct enforce_change *change = changes->pdata[i];

		bring_bridges(engine, batch, change->next);
		if (change->old)
			add_removals(engine, batch, change->old->machine);
		if (change->next) {
			prepare(engine, change->next);
			enforce_batch_append(batch, change->next->chains);
		}
		bring_bridges(engine, batch, change->old);
	}
	engine->last_set = MAX(engine->last_set, batch->last_set);
	return batch;
}

/* Whether the changes are well formed together, written down (E2), and in the kernel in one
 * transaction (E3). When the kernel refuses them, once more from nothing: its tables may not be
 * what we think they are. *ret_written says whether they stand, whatever the kernel says. */
static gboolean change(
	struct enforce_engine *engine, GPtrArray *changes, gboolean *ret_written, GError **error)
{
	*ret_written = FALSE;
	if (!enter(engine, changes, error))
		return FALSE;
	if (engine->store && !enforce_store_write(engine->store, changes, engine->entries, error)) {
		undo(engine, changes, changes->len);
		return FALSE;
	}
	*ret_written = TRUE;
	return apply(engine, batch_for(engine, changes), NULL) ||
	       enforce_engine_rebuild(engine, error);
}

static GPtrArray *changes_new(void)
{
	return g_ptr_array_new_with_free_func(enforce_change_free);
}

/* Takes `next`. A machine that comes twice in one request is what it was last said to be. */
static void add_change(struct enforce_engine *engine, GPtrArray *changes, const char *uuid,
	struct enforce_entry *next)
{
	for (guint i = 0; i < changes->len; i++) {
		struct enforce_change *before = changes->pdata[i];

		if (strcmp(before->uuid, uuid) != 0)
			continue;
		enforce_entry_unref(before->next);
		before->next = next;
		return;
	}
	g_ptr_array_add(changes, enforce_change_new(uuid, next,
					 enforce_entry_ref(enforce_engine_entry(engine, uuid))));
}

/* E1: rules that cannot be loaded become a quarantine. */
static gboolean cut_all(struct enforce_engine *engine, GPtrArray *uuids, GError **error)
{
	g_autoptr(GPtrArray) changes = changes_new();
	gboolean written;

	for (guint i = 0; i < uuids->len; i++) {
		const struct enforce_entry *entry = enforce_engine_entry(engine, uuids->pdata[i]);

		if (entry)
			add_change(engine, changes, uuids->pdata[i],
				enforce_entry_new(
					rules_machine_copy(entry->machine), ENFORCE_QUARANTINE));
	}
	return change(engine, changes, &written, error);
}

/* Whether the machine is on the bridge in another zone. */
static gboolean is_behind(const struct rules_machine *machine, const struct rules_nic *nic)
{
	for (guint i = 0; i < machine->nics->len; i++) {
		const struct rules_nic *own = machine->nics->pdata[i];

		if (!strcmp(own->bridge, nic->bridge) && own->zone != nic->zone)
			return TRUE;
	}
	return FALSE;
}

static struct rules_machine *moved(const struct rules_machine *machine, const struct rules_nic *nic)
{
	struct rules_machine *copy = rules_machine_copy(machine);

	for (guint i = 0; i < copy->nics->len; i++) {
		struct rules_nic *own = copy->nics->pdata[i];

		if (!strcmp(own->bridge, nic->bridge))
			own->zone = nic->zone;
	}
	return copy;
}

static const struct enforce_change *find_change(const GPtrArray *changes, const char *uuid)
{
	for (guint i = 0; i < changes->len; i++)
		if (!strcmp(((struct enforce_change *)changes->pdata[i])->uuid, uuid))
			return changes->pdata[i];
	return NULL;
}

/* A bridge comes into another zone with one of its machines: the others go along. */
static void take_along(
	struct enforce_engine *engine, GPtrArray *changes, const struct rules_nic *nic)
{
	guint16 zone;
	GHashTableIter iter;
	gpointer value;

	if (!enforce_claims_zone(engine->claims, nic->bridge, &zone) || zone == nic->zone)
		return;
	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct enforce_entry *entry = value;
		const struct rules_machine *machine = entry->machine;

		if (is_behind(machine, nic) && !find_change(changes, machine->uuid))
			add_change(engine, changes, machine->uuid,
				enforce_entry_new(moved(machine, nic), entry->mode));
	}
}

gboolean enforce_engine_set(
	struct enforce_engine *engine, GPtrArray *machines, char **ret_note, GError **error)
{
	g_autoptr(GPtrArray) changes = changes_new();
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();
	g_autoptr(GError) why = NULL;
	gboolean written;

	for (guint i = 0; i < machines->len; i++) {
		const struct rules_machine *machine = machines->pdata[i];

		g_ptr_array_add(uuids, machine->uuid);
		add_change(engine, changes, machine->uuid,
			enforce_entry_new(rules_machine_copy(machine), ENFORCE_PROTECT));
	}
	for (guint i = 0; i < machines->len; i++) {
		const struct rules_machine *machine = machines->pdata[i];

		for (guint j = 0; j < machine->nics->len; j++)
			take_along(engine, changes, machine->nics->pdata[j]);
	}
	*ret_note = NULL;
	if (change(engine, changes, &written, &why))
		return TRUE;
	if (!written) {
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	*ret_note = g_strdup_printf(
		"the rules could not be loaded, so the machines are cut: %s", why->message);
	return cut_all(engine, uuids, error);
}

static gboolean require(struct enforce_engine *engine, const char *uuid, GError **error)
{
	if (enforce_engine_entry(engine, uuid))
		return TRUE;
	g_set_error(
		error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED, "no machine %.64s is set here", uuid);
	return FALSE;
}

gboolean enforce_engine_remove(struct enforce_engine *engine, const char *uuid, GError **error)
{
	g_autoptr(GPtrArray) changes = changes_new();
	gboolean written;

	if (!require(engine, uuid, error))
		return FALSE;
	add_change(engine, changes, uuid, NULL);
	return change(engine, changes, &written, error);
}

gboolean enforce_engine_cut(struct enforce_engine *engine, const char *uuid, GError **error)
{
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();

	g_ptr_array_add(uuids, (gpointer)uuid);
	return require(engine, uuid, error) && cut_all(engine, uuids, error);
}

static gboolean claim_all(struct enforce_claims *claims, GHashTable *entries, GError **error)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (!enforce_claims_add(claims, ((struct enforce_entry *)value)->machine, error))
			return FALSE;
	return TRUE;
}

gboolean enforce_engine_load(struct enforce_engine *engine, GError **error)
{
	g_autoptr(GHashTable) found = enforce_entry_table_new();
	g_autoptr(enforce_claims) claims = enforce_claims_new();

	if (!engine->store)
		return TRUE;
	if (!enforce_store_read(engine->store, found, error) || !claim_all(claims, found, error))
		return FALSE;
	enforce_claims_free(engine->claims);
	engine->claims = g_steal_pointer(&claims);
	g_hash_table_unref(engine->entries);
	engine->entries = g_steal_pointer(&found);
	return TRUE;
}
