#include "host/enforce_engine.h"

#include "host/enforce_image.h"
#include "host/enforce_state.h"

#include <string.h>

/* Machines up to which one whole listing is quicker than several small ones. */
#define LIST_WHOLE_MAX 16

struct enforce_engine {
	struct enforce_kernel *kernel;
	const struct enforce_backend *backend;
	guint16 log_group;
	char *state_path;
	GHashTable *entries; /* uuid → struct enforce_state_entry */
	GHashTable *taps;    /* tap → struct enforce_state_entry, borrowed from entries */
	GHashTable *bridges; /* bridge → guint16 zone, as in the kernel's tables */
};

struct enforce_engine *enforce_engine_new(struct enforce_kernel *kernel,
	const struct enforce_backend *backend, guint16 log_group, const char *state_path)
{
	struct enforce_engine *engine = g_new0(struct enforce_engine, 1);

	engine->kernel = kernel;
	engine->backend = backend;
	engine->log_group = log_group;
	engine->state_path = g_strdup(state_path);
	engine->entries = enforce_state_table_new();
	engine->taps = g_hash_table_new(g_str_hash, g_str_equal);
	engine->bridges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return engine;
}

void enforce_engine_free(struct enforce_engine *engine)
{
	if (!engine)
		return;
	g_hash_table_unref(engine->bridges);
	g_hash_table_unref(engine->taps);
	g_hash_table_unref(engine->entries);
	g_free(engine->state_path);
	g_free(engine);
}

static struct enforce_state_entry *find(const struct enforce_engine *engine, const char *uuid)
{
	return g_hash_table_lookup(engine->entries, uuid);
}

const struct rules_machine *enforce_engine_find(
	const struct enforce_engine *engine, const char *uuid)
{
	const struct enforce_state_entry *entry = find(engine, uuid);

	return entry ? entry->machine : NULL;
}

GPtrArray *enforce_engine_machines(const struct enforce_engine *engine)
{
	GPtrArray *machines = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(machines, ((struct enforce_state_entry *)value)->machine);
	return machines;
}

const struct rules_machine *enforce_engine_find_tap(
	const struct enforce_engine *engine, const char *tap)
{
	const struct enforce_state_entry *entry = g_hash_table_lookup(engine->taps, tap);

	return entry ? entry->machine : NULL;
}

gboolean enforce_engine_is_cut(const struct enforce_engine *engine, const char *uuid)
{
	const struct enforce_state_entry *entry = find(engine, uuid);

	return entry && entry->mode == ENFORCE_QUARANTINE;
}

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean refuse(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error_literal(error, ENFORCE_ERROR, ENFORCE_ERROR_REFUSED, text);
	return FALSE;
}

/* Whether machines can stand beside each other */

/* What has been seen of the machines so far. */
struct claims {
	GHashTable *taps;    /* tap → machine */
	GHashTable *bridges; /* bridge → nic */
	GHashTable *owners;  /* "zone address" → nic */
};

static gboolean claim_addresses(struct claims *claims, const struct rules_nic *nic, GError **error)
{
	for (guint i = 0; i < nic->addresses->len; i++) {
		char text[RULES_PREFIX_TEXT];
		g_autofree char *key = g_strdup_printf("%u %s", (guint)nic->zone,
			rules_prefix_to_string(
				&g_array_index(nic->addresses, struct rules_prefix, i), text));
		const struct rules_nic *other = g_hash_table_lookup(claims->owners, key);

		if (other && strcmp(other->bridge, nic->bridge) != 0)
			return refuse(error,
				"%s is on bridge %s and on bridge %s, both in conntrack zone %u: give "
				"the bridges different zones",
				text, other->bridge, nic->bridge, (guint)nic->zone);
		g_hash_table_insert(claims->owners, g_steal_pointer(&key), (gpointer)nic);
	}
	return TRUE;
}

static gboolean claim_machine(
	struct claims *claims, const struct rules_machine *machine, GError **error)
{
	for (guint i = 0; i < machine->nics->len; i++) {
		struct rules_nic *nic = machine->nics->pdata[i];
		const struct rules_machine *holder = g_hash_table_lookup(claims->taps, nic->tap);
		const struct rules_nic *neighbour = g_hash_table_lookup(
			claims->bridges, nic->bridge);

		if (holder)
			return refuse(error, "tap %s of machine %s belongs to machine %s", nic->tap,
				machine->uuid, holder->uuid);
		if (neighbour && neighbour->zone != nic->zone)
			return refuse(error,
				"bridge %s cannot be in conntrack zones %u and %u at once",
				nic->bridge, (guint)neighbour->zone, (guint)nic->zone);
		g_hash_table_insert(claims->taps, nic->tap, (gpointer)machine);
		g_hash_table_insert(claims->bridges, nic->bridge, nic);
		if (!claim_addresses(claims, nic, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean table_is_consistent(GHashTable *table, GError **error)
{
	struct claims claims = { .taps = g_hash_table_new(g_str_hash, g_str_equal),
		.bridges = g_hash_table_new(g_str_hash, g_str_equal),
		.owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };
	GHashTableIter iter;
	gpointer value;
	gboolean ok = TRUE;

	g_hash_table_iter_init(&iter, table);
	while (ok && g_hash_table_iter_next(&iter, NULL, &value))
		ok = claim_machine(&claims, ((struct enforce_state_entry *)value)->machine, error);
	g_hash_table_unref(claims.taps);
	g_hash_table_unref(claims.bridges);
	g_hash_table_unref(claims.owners);
	return ok;
}

/* Indexes of the entries */

static void index_taps(struct enforce_engine *engine)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_remove_all(engine->taps);
	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct enforce_state_entry *entry = value;

		for (guint i = 0; i < entry->machine->nics->len; i++)
			g_hash_table_insert(engine->taps,
				((struct rules_nic *)entry->machine->nics->pdata[i])->tap, entry);
	}
}

static GHashTable *bridges_of(GHashTable *entries)
{
	GHashTable *bridges = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct rules_machine *machine =
			((struct enforce_state_entry *)value)->machine;

		for (guint i = 0; i < machine->nics->len; i++) {
			const struct rules_nic *nic = machine->nics->pdata[i];

			g_hash_table_replace(bridges, g_strdup(nic->bridge),
				g_memdup2(&nic->zone, sizeof nic->zone));
		}
	}
	return bridges;
}

static void add_bridges(
	struct enforce_engine *engine, json_t *commands, GHashTable *known, GHashTable *wanted)
{
	GHashTableIter iter;
	gpointer bridge, zone;

	g_hash_table_iter_init(&iter, wanted);
	while (g_hash_table_iter_next(&iter, &bridge, &zone)) {
		const guint16 *known_zone = known ? g_hash_table_lookup(known, bridge) : NULL;
		const guint16 *wanted_zone = zone;

		if (!known_zone || *known_zone != *wanted_zone)
			enforce_base_add_bridge(commands, engine->backend, bridge, *wanted_zone);
	}
}

static void delete_bridges(struct enforce_engine *engine, json_t *commands, GHashTable *wanted)
{
	GHashTableIter iter;
	gpointer bridge;

	g_hash_table_iter_init(&iter, engine->bridges);
	while (g_hash_table_iter_next(&iter, &bridge, NULL))
		if (!g_hash_table_contains(wanted, bridge))
			enforce_base_delete_bridge(commands, engine->backend, bridge);
}

static void take_bridges(struct enforce_engine *engine, GHashTable *bridges)
{
	g_hash_table_unref(engine->bridges);
	engine->bridges = bridges;
}

/* The commands */

static void add_entry(
	struct enforce_engine *engine, json_t *commands, const struct enforce_state_entry *entry)
{
	enforce_chains_add(commands, entry->machine, entry->mode, engine->log_group);
}

/* Everything from nothing. */
static json_t *commands_for_all(struct enforce_engine *engine)
{
	json_t *commands = json_array();
	g_autoptr(GHashTable) bridges = bridges_of(engine->entries);
	GHashTableIter iter;
	gpointer value;

	enforce_base_delete(commands);
	enforce_base_add(commands, engine->backend);
	add_bridges(engine, commands, NULL, bridges);
	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		add_entry(engine, commands, value);
	return commands;
}

static gboolean tap_is_wanted(GHashTable *entries, const char *tap)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct rules_machine *machine =
			((struct enforce_state_entry *)value)->machine;

		for (guint i = 0; i < machine->nics->len; i++)
			if (!strcmp(((struct rules_nic *)machine->nics->pdata[i])->tap, tap))
				return TRUE;
	}
	return FALSE;
}

/* From the kernel's present tables to those of `changed` machines (NULL entry: gone); `next` is all
 * that will be. */
static json_t *commands_for_change(
	struct enforce_engine *engine, GHashTable *next, GPtrArray *uuids, GHashTable *bridges)
{
	json_t *commands = json_array();

	add_bridges(engine, commands, engine->bridges, bridges);
	for (guint i = 0; i < uuids->len; i++) {
		const struct enforce_state_entry *old = find(engine, uuids->pdata[i]);
		const struct enforce_state_entry *entry = g_hash_table_lookup(
			next, uuids->pdata[i]);

		for (guint j = 0; old && j < old->machine->nics->len; j++) {
			const struct rules_nic *nic = old->machine->nics->pdata[j];

			if (!tap_is_wanted(next, nic->tap))
				enforce_chains_delete(commands, nic->tap);
		}
		if (entry)
			add_entry(engine, commands, entry);
	}
	delete_bridges(engine, commands, bridges);
	return commands;
}

/* Changing */

static GHashTable *copy_entries(GHashTable *entries)
{
	GHashTable *copy = enforce_state_table_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct enforce_state_entry *entry = enforce_state_entry_ref(value);

		g_hash_table_insert(copy, entry->machine->uuid, entry);
	}
	return copy;
}

static gboolean save(struct enforce_engine *engine, GHashTable *entries, GError **error)
{
	return !engine->state_path || enforce_state_write(engine->state_path, entries, error);
}

static void take_entries(struct enforce_engine *engine, GHashTable *entries)
{
	g_hash_table_unref(engine->entries);
	engine->entries = entries;
	index_taps(engine);
}

gboolean enforce_engine_rebuild(struct enforce_engine *engine, GError **error)
{
	json_t *commands = commands_for_all(engine);
	gboolean ok = engine->kernel->apply(engine->kernel, commands, error);

	json_decref(commands);
	if (ok)
		take_bridges(engine, bridges_of(engine->entries));
	return ok;
}

gboolean enforce_engine_repair(struct enforce_engine *engine, gint64 *ret_open_us, GError **error)
{
	gint64 since_us = g_get_monotonic_time();
	gboolean shut = FALSE;
	gboolean ok;

	if (g_hash_table_size(engine->taps)) {
		json_t *commands = json_array();
		json_t *taps = json_array();
		GHashTableIter iter;
		gpointer tap;

		g_hash_table_iter_init(&iter, engine->taps);
		while (g_hash_table_iter_next(&iter, &tap, NULL))
			json_array_append_new(taps, json_string(tap));
		enforce_base_shut(commands, taps);
		shut = engine->kernel->apply(engine->kernel, commands, NULL);
		json_decref(commands);
		*ret_open_us = g_get_monotonic_time() - since_us;
	}
	ok = enforce_engine_rebuild(engine, error);
	if (!shut)
		*ret_open_us = g_get_monotonic_time() - since_us;
	return ok;
}

/* Writes `next` down (E2) and into the kernel in one transaction (E3); takes `next` either way.
 * When the kernel refuses the change, once more from nothing: its tables may not be what we think
 * they are. */
static gboolean change(
	struct enforce_engine *engine, GHashTable *next, GPtrArray *uuids, GError **error)
{
	GHashTable *bridges;
	json_t *commands;
	gboolean ok;

	if (!save(engine, next, error)) {
		g_hash_table_unref(next);
		return FALSE;
	}
	bridges = bridges_of(next);
	commands = commands_for_change(engine, next, uuids, bridges);
	ok = engine->kernel->apply(engine->kernel, commands, NULL);
	json_decref(commands);
	take_entries(engine, next);
	if (ok) {
		take_bridges(engine, bridges);
		return TRUE;
	}
	g_hash_table_unref(bridges);
	return enforce_engine_rebuild(engine, error);
}

static GPtrArray *uuid_array(const char *uuid)
{
	GPtrArray *uuids = g_ptr_array_new_with_free_func(g_free);

	if (uuid)
		g_ptr_array_add(uuids, g_strdup(uuid));
	return uuids;
}

/* E1: rules that cannot be loaded become a quarantine. */
static gboolean cut_all(struct enforce_engine *engine, GPtrArray *uuids, GError **error)
{
	GHashTable *next = copy_entries(engine->entries);

	for (guint i = 0; i < uuids->len; i++) {
		const struct enforce_state_entry *entry = g_hash_table_lookup(
			next, uuids->pdata[i]);
		struct enforce_state_entry *cut;

		if (!entry)
			continue;
		cut = enforce_state_entry_new(
			rules_machine_copy(entry->machine), ENFORCE_QUARANTINE);
		g_hash_table_replace(next, cut->machine->uuid, cut);
	}
	return change(engine, next, uuids, error);
}

gboolean enforce_engine_set(
	struct enforce_engine *engine, GPtrArray *machines, char **ret_note, GError **error)
{
	GHashTable *next = copy_entries(engine->entries);
	g_autoptr(GPtrArray) uuids = uuid_array(NULL);
	g_autoptr(GError) why = NULL;

	for (guint i = 0; i < machines->len; i++) {
		struct enforce_state_entry *entry = enforce_state_entry_new(
			rules_machine_copy(machines->pdata[i]), ENFORCE_PROTECT);

		g_ptr_array_add(uuids, g_strdup(entry->machine->uuid));
		g_hash_table_replace(next, entry->machine->uuid, entry);
	}
	if (!table_is_consistent(next, error)) {
		g_hash_table_unref(next);
		return FALSE;
	}
	*ret_note = NULL;
	if (change(engine, next, uuids, &why))
		return TRUE;
	*ret_note = g_strdup_printf(
		"the rules could not be loaded, so the machines are cut: %s", why->message);
	return cut_all(engine, uuids, error);
}

static gboolean require(struct enforce_engine *engine, const char *uuid, GError **error)
{
	return find(engine, uuid) || refuse(error, "no machine %.64s is set here", uuid);
}

gboolean enforce_engine_remove(struct enforce_engine *engine, const char *uuid, GError **error)
{
	g_autoptr(GPtrArray) uuids = uuid_array(uuid);
	GHashTable *next;

	if (!require(engine, uuid, error))
		return FALSE;
	next = copy_entries(engine->entries);
	g_hash_table_remove(next, uuid);
	return change(engine, next, uuids, error);
}

gboolean enforce_engine_cut(struct enforce_engine *engine, const char *uuid, GError **error)
{
	g_autoptr(GPtrArray) uuids = uuid_array(uuid);

	return require(engine, uuid, error) && cut_all(engine, uuids, error);
}

gboolean enforce_engine_load(struct enforce_engine *engine, GError **error)
{
	g_autoptr(GHashTable) found = enforce_state_table_new();

	if (!engine->state_path)
		return TRUE;
	if (!enforce_state_read(engine->state_path, found, error) ||
		!table_is_consistent(found, error))
		return FALSE;
	take_entries(engine, g_steal_pointer(&found));
	return TRUE;
}

/* Reading back */

/* Appends what the kernel lists of the object; an absent one adds nothing. Takes `object`. */
static gboolean list_object(struct enforce_engine *engine, const char *what, json_t *object,
	json_t *listing, GError **error)
{
	g_autoptr(GError) why = NULL;
	json_t *found = engine->kernel->list(engine->kernel, what, object, &why);

	json_decref(object);
	if (found)
		json_array_extend(listing, found);
	json_decref(found);
	if (!found && !g_error_matches(why, ENFORCE_KERNEL_ERROR, ENFORCE_KERNEL_ERROR_ABSENT)) {
		g_propagate_error(error, g_steal_pointer(&why));
		return FALSE;
	}
	return TRUE;
}

static gboolean list_table(
	struct enforce_engine *engine, const char *family, json_t *listing, GError **error)
{
	return list_object(engine, "table",
		json_pack("{s:s, s:s}", "family", family, "name", ENFORCE_TABLE), listing, error);
}

/* Lists, one by one, the chains, sets and maps that the commands add. */
static gboolean list_added(
	struct enforce_engine *engine, const json_t *commands, json_t *listing, GError **error)
{
	static const char *const kinds[] = { "chain", "set", "map" };
	gsize index;
	json_t *command;

	json_array_foreach(commands, index, command)
	{
		const json_t *added = json_object_get(command, "add");

		for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
			const json_t *object = json_object_get(added, kinds[i]);

			if (object && !list_object(engine, kinds[i],
					      json_pack("{s:O, s:O, s:O}", "family",
						      json_object_get(object, "family"), "table",
						      json_object_get(object, "table"), "name",
						      json_object_get(object, "name")),
					      listing, error))
				return FALSE;
		}
	}
	return TRUE;
}

/* Reads back what the commands add, or (NULL) both tables whole. */
static struct enforce_image *read_back(
	struct enforce_engine *engine, const json_t *commands, GError **error)
{
	json_t *listing = json_array();
	struct enforce_image *image = NULL;
	gboolean ok = commands ? list_added(engine, commands, listing, error)
			       : list_table(engine, "bridge", listing, error) &&
					 list_table(engine, "inet", listing, error);

	if (ok) {
		image = enforce_image_new();
		enforce_image_add_listing(image, listing);
	}
	json_decref(listing);
	return image;
}

static struct enforce_image *wanted_image(struct enforce_engine *engine)
{
	json_t *commands = commands_for_all(engine);
	struct enforce_image *image = enforce_image_of_commands(commands);

	json_decref(commands);
	return image;
}

char *enforce_engine_difference(struct enforce_engine *engine, GError **error)
{
	g_autoptr(enforce_image) found = read_back(engine, NULL, error);
	g_autoptr(enforce_image) wanted = NULL;

	if (!found)
		return NULL;
	wanted = wanted_image(engine);
	return enforce_image_difference(wanted, found, NULL);
}

static const char **taps_of(const struct rules_machine *machine)
{
	const char **taps = g_new0(const char *, machine->nics->len + 1);

	for (guint i = 0; i < machine->nics->len; i++)
		taps[i] = ((struct rules_nic *)machine->nics->pdata[i])->tap;
	return taps;
}

static json_t *verdict_of(const struct enforce_state_entry *entry,
	const struct enforce_image *wanted, const struct enforce_image *found, const char *shared)
{
	g_autofree const char **taps = taps_of(entry->machine);
	g_autofree char *own = enforce_image_difference(wanted, found, taps);
	g_autofree char *digest = enforce_image_digest(found, taps);
	g_autofree char *all = g_strconcat(own, *own && *shared ? "; " : "", shared, NULL);
	const char *state = *all                                ? "differs"
			    : entry->mode == ENFORCE_QUARANTINE ? "cut"
								: "conforms";

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "uuid", entry->machine->uuid, "state", state,
		"intent", entry->digest, "kernel",
		strcmp(state, "conforms") ? digest : entry->digest, "difference", all);
}

static json_t *absent(const char *uuid)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "uuid", uuid, "state", "absent", "intent", "",
		"kernel", "", "difference", "");
}

static json_t *commands_for_base(struct enforce_engine *engine)
{
	json_t *commands = json_array();

	enforce_base_add(commands, engine->backend);
	add_bridges(engine, commands, NULL, engine->bridges);
	return commands;
}

/* What differs in the parts that all machines rest on: base chains, sets, zones. */
static char *shared_difference(struct enforce_engine *engine, const struct enforce_image *found)
{
	json_t *commands = commands_for_base(engine);
	g_autoptr(enforce_image) base = enforce_image_of_commands(commands);

	json_decref(commands);
	return enforce_image_missing(base, found);
}

/* One machine among many: a listing of everything would take seconds, that of its parts does not.
 */
static gboolean verify_one(struct enforce_engine *engine, const struct enforce_state_entry *entry,
	json_t *verdicts, GError **error)
{
	json_t *commands = commands_for_base(engine);
	g_autoptr(enforce_image) found = NULL;
	g_autoptr(enforce_image) wanted = NULL;
	g_autofree char *shared = NULL;

	add_entry(engine, commands, entry);
	wanted = enforce_image_of_commands(commands);
	found = read_back(engine,
		g_hash_table_size(engine->entries) > LIST_WHOLE_MAX ? commands : NULL, error);
	json_decref(commands);
	if (!found)
		return FALSE;
	shared = shared_difference(engine, found);
	json_array_append_new(verdicts, verdict_of(entry, wanted, found, shared));
	return TRUE;
}

gboolean enforce_engine_verify(
	struct enforce_engine *engine, const char *uuid, json_t *verdicts, GError **error)
{
	g_autoptr(enforce_image) found = NULL;
	g_autoptr(enforce_image) wanted = NULL;
	g_autofree char *shared = NULL;
	GHashTableIter iter;
	gpointer value;

	if (uuid && !find(engine, uuid)) {
		json_array_append_new(verdicts, absent(uuid));
		return TRUE;
	}
	if (uuid)
		return verify_one(engine, find(engine, uuid), verdicts, error);
	found = read_back(engine, NULL, error);
	if (!found)
		return FALSE;
	wanted = wanted_image(engine);
	shared = shared_difference(engine, found);
	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		json_array_append_new(verdicts, verdict_of(value, wanted, found, shared));
	return TRUE;
}

void enforce_engine_list(struct enforce_engine *engine, json_t *verdicts)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct enforce_state_entry *entry = value;

		json_array_append_new(verdicts,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "uuid", entry->machine->uuid,
				"state", entry->mode == ENFORCE_QUARANTINE ? "cut" : "conforms",
				"intent", entry->digest, "kernel", "", "difference", ""));
	}
}

/* Counting */

static const json_t *counter_of(const json_t *rule)
{
	const json_t *exprs = json_object_get(rule, "expr");
	gsize index;
	json_t *expr;

	json_array_foreach(exprs, index, expr)
	{
		const json_t *counter = json_object_get(expr, "counter");

		if (counter)
			return counter;
	}
	return NULL;
}

/* Appends the rule's counter when it belongs to a tap of the machine (NULL: of any). */
static void count_rule(
	struct enforce_engine *engine, const char *uuid, const json_t *rule, json_t *counters)
{
	const char *chain = json_string_value(json_object_get(rule, "chain"));
	const char *comment = json_string_value(json_object_get(rule, "comment"));
	const char *dash = chain ? strchr(chain, '-') : NULL;
	const json_t *counter = counter_of(rule);
	const struct rules_machine *machine = dash ? enforce_engine_find_tap(engine, dash + 1)
						   : NULL;

	if (!machine || !comment || !counter || (uuid && strcmp(uuid, machine->uuid) != 0))
		return;
	json_array_append_new(counters,
		json_pack("{s:s, s:s, s:s, s:s, s:O, s:O}", "uuid", machine->uuid, "tap", dash + 1,
			"direction", g_str_has_prefix(chain, "to-") ? "in" : "out", "rule", comment,
			"packets", json_object_get(counter, "packets"), "bytes",
			json_object_get(counter, "bytes")));
}

gboolean enforce_engine_counters(
	struct enforce_engine *engine, const char *uuid, json_t *counters, GError **error)
{
	json_t *listing = json_array();
	gboolean ok = list_table(engine, "bridge", listing, error);
	gsize index;
	json_t *object;

	json_array_foreach(listing, index, object)
	{
		const json_t *rule = json_object_get(object, "rule");

		if (rule)
			count_rule(engine, uuid, rule, counters);
	}
	json_decref(listing);
	return ok;
}
