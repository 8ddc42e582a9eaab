/* The engine's reading back: verdicts, differences, counters. */
#include "host/enforce_engine_private.h"
#include "host/enforce_image.h"
#include "host/enforce_print.h"
#include "host/enforce_read.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <string.h>

#define ATTEMPTS 3 /* somebody else may change a table of theirs while ours is read */

/* What the batch adds, part by part, or (NULL) both tables whole. */
static gboolean read_once(struct enforce_engine *engine, const struct enforce_batch *batch,
	struct enforce_image *image, GError **error)
{
	if (batch)
		return enforce_read_parts(engine->kernel, batch, image, error);
	return enforce_read_table(engine->kernel, ENFORCE_BRIDGE, image, error) &&
	       enforce_read_table(engine->kernel, ENFORCE_INET, image, error);
}

static struct enforce_image *read_back(
	struct enforce_engine *engine, const struct enforce_batch *batch, GError **error)
{
	for (guint i = 0; i < ATTEMPTS; i++) {
		struct enforce_image *image = enforce_image_new();

		g_clear_error(error);
		if (read_once(engine, batch, image, error))
			return image;
		enforce_image_free(image);
	}
	return NULL;
}

char *enforce_engine_difference(struct enforce_engine *engine, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(enforce_image) found = read_back(engine, NULL, &why);
	g_autoptr(enforce_batch) all = NULL;
	g_autoptr(enforce_image) wanted = NULL;

	if (!found) {
		g_propagate_error(error, g_steal_pointer(&why));
		return NULL;
	}
	all = enforce_engine_all(engine);
	wanted = enforce_image_of_batch(all);
	return enforce_image_difference(wanted, found, NULL);
}

/* Verdicts */

static const char **taps_of(const struct rules_machine *machine)
{
	const char **taps = g_new0(const char *, machine->nics->len + 1);

	for (guint i = 0; i < machine->nics->len; i++)
		taps[i] = ((struct rules_nic *)machine->nics->pdata[i])->tap;
	return taps;
}

static json_t *verdict_of(const struct enforce_entry *entry, const struct enforce_image *wanted,
	const struct enforce_image *found, const char *shared)
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

/* What differs in the parts that all machines rest on: base chains, sets, zones. */
static char *shared_difference(const struct enforce_batch *base, const struct enforce_image *found)
{
	g_autoptr(enforce_image) wanted = enforce_image_of_batch(base);

	return enforce_image_missing(wanted, found);
}

/* `some` and `found` are about these machines, or (all of) more. */
static void append_verdicts(struct enforce_engine *engine, const char *const *uuids,
	const struct enforce_batch *some, const struct enforce_image *found, json_t *verdicts)
{
	g_autoptr(enforce_batch) base = enforce_engine_base(engine);
	g_autofree char *shared = shared_difference(base, found);
	g_autoptr(enforce_image) wanted = enforce_image_of_batch(some);

	for (; *uuids; uuids++) {
		const struct enforce_entry *entry = enforce_engine_entry(engine, *uuids);

		json_array_append_new(verdicts,
			entry ? verdict_of(entry, wanted, found, shared) : absent(*uuids));
	}
}

static struct enforce_batch *batch_of(struct enforce_engine *engine, const char *const *uuids)
{
	struct enforce_batch *batch = enforce_engine_base(engine);

	for (; *uuids; uuids++) {
		const struct enforce_entry *entry = enforce_engine_entry(engine, *uuids);

		if (entry && entry->chains)
			enforce_batch_append(batch, entry->chains);
	}
	return batch;
}

/* Each part is asked for by itself, so the cost is that of the machines asked for. */
static gboolean verify_some(
	struct enforce_engine *engine, const char *const *uuids, json_t *verdicts, GError **error)
{
	g_autoptr(enforce_batch) batch = batch_of(engine, uuids);
	g_autoptr(GError) why = NULL;
	g_autoptr(enforce_image) found = read_back(engine, batch, &why);

	if (found)
		append_verdicts(engine, uuids, batch, found, verdicts);
	else
		g_propagate_error(error, g_steal_pointer(&why));
	return found != NULL;
}

static gboolean verify_all(struct enforce_engine *engine, json_t *verdicts, GError **error)
{
	g_autofree const char **uuids = (const char **)g_hash_table_get_keys_as_array(
		engine->entries, NULL);
	g_autoptr(enforce_batch) all = enforce_engine_all(engine);
	g_autoptr(GError) why = NULL;
	g_autoptr(enforce_image) found = read_back(engine, NULL, &why);

	if (found)
		append_verdicts(engine, uuids, all, found, verdicts);
	else
		g_propagate_error(error, g_steal_pointer(&why));
	return found != NULL;
}

gboolean enforce_engine_verify(
	struct enforce_engine *engine, const char *const *uuids, json_t *verdicts, GError **error)
{
	return uuids ? verify_some(engine, uuids, verdicts, error)
		     : verify_all(engine, verdicts, error);
}

void enforce_engine_list(struct enforce_engine *engine, json_t *verdicts)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, engine->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct enforce_entry *entry = value;

		json_array_append_new(verdicts,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "uuid", entry->machine->uuid,
				"state", entry->mode == ENFORCE_QUARANTINE ? "cut" : "conforms",
				"intent", entry->digest, "kernel", "", "difference", ""));
	}
}

/* Counting */

struct counting {
	struct enforce_engine *engine;
	json_t *counters;
};

static int take_counter(struct nftnl_expr *expr, void *data)
{
	const struct nftnl_expr **counter = data;

	if (!strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), "counter"))
		*counter = expr;
	return 0;
}

/* Appends the rule's counter when it belongs to a machine's tap. */
static void count_rule(const struct counting *counting, struct nftnl_rule *rule)
{
	const char *chain = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	const char *dash = chain ? strchr(chain, '-') : NULL;
	const struct rules_machine *machine = dash ? enforce_engine_find_tap(
							     counting->engine, dash + 1)
						   : NULL;
	g_autofree char *comment = enforce_print_comment(rule);
	const struct nftnl_expr *counter = NULL;

	nftnl_expr_foreach(rule, take_counter, &counter);
	if (!machine || !comment || !counter)
		return;
	json_array_append_new(counting->counters,
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "uuid", machine->uuid, "tap", dash + 1,
			"direction", g_str_has_prefix(chain, "to-") ? "in" : "out", "rule", comment,
			"packets", (json_int_t)nftnl_expr_get_u64(counter, NFTNL_EXPR_CTR_PACKETS),
			"bytes", (json_int_t)nftnl_expr_get_u64(counter, NFTNL_EXPR_CTR_BYTES)));
}

static void on_rule(const struct nlmsghdr *message, gpointer data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (nftnl_rule_nlmsg_parse(message, rule) >= 0)
		count_rule(data, rule);
	nftnl_rule_free(rule);
}

static gboolean count_machine(
	struct counting *counting, const struct rules_machine *machine, GError **error)
{
	for (guint i = 0; i < machine->nics->len * G_N_ELEMENTS(enforce_chain_kinds); i++) {
		const struct rules_nic *nic = machine->nics->pdata[i / 3];
		char chain[ENFORCE_CHAIN_NAME];

		enforce_chain_name(enforce_chain_kinds[i % 3], nic->tap, chain);
		if (!enforce_read_rules(counting->engine->kernel, ENFORCE_BRIDGE, chain, on_rule,
			    counting, error))
			return FALSE;
	}
	return TRUE;
}

gboolean enforce_engine_counters(
	struct enforce_engine *engine, const char *uuid, json_t *counters, GError **error)
{
	struct counting counting = { engine, counters };
	const struct rules_machine *machine = uuid ? enforce_engine_find(engine, uuid) : NULL;

	if (uuid)
		return !machine || count_machine(&counting, machine, error);
	return enforce_read_rules(engine->kernel, ENFORCE_BRIDGE, NULL, on_rule, &counting, error);
}
