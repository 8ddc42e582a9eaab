#include "control/control.h"

#include "control/imports.h"
#include "control/intents.h"
#include "control/judge.h"
#include "control/orders.h"
#include "world/window.h"

#include <string.h>

#define SETTLE_MS        5    /* changes come in bursts; one run serves a burst */
#define BEAT_MS          1000 /* facts grow old even if none changes */
#define IMPORT_MAGNITUDE 50   /* of the event, on the standard's scale to 100 */
#define SUBSCRIPTION_MAX (256UL * 1024 * 1024)
struct control {
	const struct control_conf *conf;
	char *seal_key;
	char *seal_public;
	char *devices;
	struct ifmap_client *client;
	struct world *world;
	struct judge *judge;
	struct orders *orders;
	struct world_touched touched;
	struct imports *imports; /* generations whose intents were published in this session */
	gboolean filled;
	guint run;
	guint64 run_at_ms; /* wall clock of the pending run, when it is a late one */
	guint beat;
};

static guint64 now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

static void run_within(struct control *control, unsigned ms);

/* ---- packages -> intents ---- */

static char *generation_of(const struct world_vapp *vapp)
{
	return g_strdup_printf("%s@%" G_GUINT64_FORMAT, vapp->vapp->version, vapp->package->at_ms);
}

/* Whether the map already holds the intents of this generation for every machine. */
static gboolean is_imported(
	const struct control *control, const struct world_vapp *vapp, const char *generation)
{
	GHashTableIter iter;
	gpointer uuid;

	if (imports_noted(control->imports, vapp->name, generation))
		return TRUE;
	g_hash_table_iter_init(&iter, vapp->machines);
	while (g_hash_table_iter_next(&iter, &uuid, NULL)) {
		const struct world_machine *machine = world_find_machine(control->world, uuid);

		if (!machine || !machine->protection || !machine->definition ||
			g_strcmp0(machine->protection->generation, generation) != 0)
			return FALSE;
	}
	return TRUE;
}

/* Machines that an earlier generation had and this one has not. */
static void retract_strays(
	struct control *control, const struct world_vapp *vapp, struct ifmap_publish *publish)
{
	g_autoptr(GPtrArray) machines = world_machines(control->world);

	for (unsigned i = 0; i < machines->len; i++) {
		const struct world_machine *machine = machines->pdata[i];

		if (machine->member_of && g_strcmp0(machine->vapp, vapp->name) == 0 &&
			!g_hash_table_contains(vapp->machines, machine->uuid))
			intents_retract(publish, vapp->name, machine->uuid);
	}
}

static void alert_import(struct control *control, const struct world_vapp *vapp, const char *why,
	struct ifmap_publish *publish)
{
	g_autoptr(ifmap_id) id = facts_id_vapp(vapp->name, NULL);
	struct facts_alert alert = {
		.code = (char *)"IMPORT_FAILED", .text = (char *)why, .at_ms = now_ms()
	};
	const struct facts_std_event event = {
		.name = alert.code,
		.discovered_ms = alert.at_ms,
		.discoverer_id = (char *)"control",
		.magnitude = IMPORT_MAGNITUDE,
		.confidence = 100,
		.significance = (char *)"important",
		.type = (char *)"policy violation",
		.information = alert.text,
	};
	g_autoptr(ifmap_meta) meta = facts_encode(FACTS_ALERT, &alert, "IMPORT_FAILED");

	ifmap_publish_delete(publish, id, NULL, "d:alert[@slot='IMPORT_FAILED']");
	ifmap_publish_update(publish, id, NULL, IFMAP_LIFETIME_FOREVER, meta);
	facts_notify(publish, FACTS_STD_EVENT, id, NULL, &event);
}

static void import(
	struct control *control, const struct world_vapp *vapp, struct ifmap_publish *publish)
{
	g_autofree char *generation = generation_of(vapp);
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_publish) intents = NULL;
	struct intents_options options = {
		.seal_key = control->seal_key,
		.seal_public = control->seal_public,
		.base = vapp->package->base,
		.serial_path = *control->conf->serial ? control->conf->serial : NULL,
		.devices = control->devices,
		.generation = generation,
		.policy = world_label_policy(control->world, NULL),
	};

	if (is_imported(control, vapp, generation))
		return;
	imports_note(control->imports, vapp->name, generation);
	intents = ifmap_publish_new();
	retract_strays(control, vapp, intents);
	if (!intents_publish(intents, vapp->vapp, &options, &error)) {
		g_warning("vApp %s cannot be turned into intents: %s", vapp->name, error->message);
		alert_import(control, vapp, error->message, publish);
		return;
	}
	g_message("vApp %s, generation %s: %u machines", vapp->name, generation,
		vapp->vapp->machines->len);
	ifmap_client_publish(control->client, g_steal_pointer(&intents), NULL, NULL);
}

static void tell_broken(
	struct control *control, const struct world_vapp *vapp, struct ifmap_publish *publish)
{
	g_autofree char *state = g_strdup_printf("broken@%" G_GUINT64_FORMAT, vapp->package->at_ms);

	if (imports_note(control->imports, vapp->name, state))
		alert_import(control, vapp, vapp->error, publish);
}

static void import_all(struct control *control, struct ifmap_publish *publish)
{
	g_autoptr(GPtrArray) vapps = world_vapps(control->world);

	for (unsigned i = 0; i < vapps->len; i++) {
		const struct world_vapp *vapp = vapps->pdata[i];

		if (vapp->package && vapp->vapp)
			import(control, vapp, publish);
		else if (vapp->package && vapp->error)
			tell_broken(control, vapp, publish);
	}
}

/* ---- one run ---- */

static void on_published(struct ifmap_client *client, const GError *error, gpointer data)
{
	if (error)
		g_warning("the map did not take intents or verdicts: %s", error->message);
}

static gboolean run(gpointer data)
{
	struct control *control = data;
	g_autoptr(ifmap_publish) publish = ifmap_publish_new();
	guint64 wait_ms = 0;

	control->run = 0;
	if (!control->filled || ifmap_client_state(control->client) != IFMAP_CLIENT_UP)
		return G_SOURCE_REMOVE;
	world_set_as_of(control->world, now_ms());
	import_all(control, publish);
	judge_run(control->judge, &control->touched, now_ms(), publish);
	world_touched_reset(&control->touched);
	orders_run(control->orders, now_ms(), publish, &wait_ms);
	if (ifmap_publish_n_operations(publish) > 0)
		ifmap_client_publish(
			control->client, g_steal_pointer(&publish), on_published, control);
	if (wait_ms)
		run_within(control, (unsigned)MIN(wait_ms, 60000));
	return G_SOURCE_REMOVE;
}

static void run_within(struct control *control, unsigned ms)
{
	guint64 at_ms = now_ms() + ms;

	if (control->run && control->run_at_ms <= at_ms)
		return;
	if (control->run)
		g_source_remove(control->run);
	control->run_at_ms = at_ms;
	control->run = g_timeout_add(ms, run, control);
}

static gboolean on_beat(gpointer data)
{
	run_within(data, SETTLE_MS);
	return G_SOURCE_CONTINUE;
}

/* ---- the map ---- */

static void new_world(struct control *control)
{
	world_free(control->world);
	control->world = world_new();
	judge_set_world(control->judge, control->world);
	orders_set_world(control->orders, control->world);
	imports_forget(control->imports);
	control->touched.everything = TRUE;
}

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct control *control = data;
	g_autoptr(GError) unread = NULL;

	if (!result) {
		g_warning(
			"the map gave the subscription up and it was renewed: %s", error->message);
		return;
	}
	if (result->kind == IFMAP_RESULT_NOTIFY)
		return;
	if (result->kind == IFMAP_RESULT_SEARCH)
		new_world(control);
	if (!world_apply_result(control->world, result, &control->touched, &unread))
		g_warning("a fact in the map cannot be read: %s", unread->message);
	control->filled = TRUE;
	run_within(control, SETTLE_MS);
}

static void on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data)
{
	struct control *control = data;

	if (state == IFMAP_CLIENT_UP) {
		g_message("map: session stands");
		return;
	}
	g_warning("map: %s; nothing is decided until it is back",
		why ? why->message : "not connected");
	control->filled = FALSE;
}

static void open_map(struct control *control)
{
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_search search = { .start = fleet,
		.max_depth = WORLD_DEPTH,
		.max_size = SUBSCRIPTION_MAX,
		.match_links = WORLD_MATCH_LINKS,
		.result_filter = WORLD_RESULT_FILTER };

	ifmap_client_subscribe(control->client, "world", &search, on_result, control);
	ifmap_client_start(control->client, on_state, control);
}

/* ---- life ---- */

static gboolean read_files(struct control *control, GError **error)
{
	const struct control_conf *conf = control->conf;

	return g_file_get_contents(conf->seal_key, &control->seal_key, NULL, error) &&
	       g_file_get_contents(conf->seal_public, &control->seal_public, NULL, error) &&
	       (!*conf->devices_file ||
		       g_file_get_contents(conf->devices_file, &control->devices, NULL, error));
}

struct control *control_new_with(
	const struct control_conf *conf, struct ifmap_client *client, GError **error)
{
	struct control *control = g_new0(struct control, 1);

	control->conf = conf;
	control->client = client;
	control->judge = judge_new();
	control->orders = orders_new(control->judge);
	control->imports = imports_new();
	world_touched_init(&control->touched);
	new_world(control);
	if (!read_files(control, error)) {
		control_free(control);
		return NULL;
	}
	open_map(control);
	control->beat = g_timeout_add(BEAT_MS, on_beat, control);
	return control;
}

struct control *control_new(const struct control_conf *conf, GError **error)
{
	struct ifmap_client *client = ifmap_conf_client(
		&conf->map, FACTS_PREFIXES, SUBSCRIPTION_MAX, error);

	return client ? control_new_with(conf, client, error) : NULL;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	if (control->run)
		g_source_remove(control->run);
	if (control->beat)
		g_source_remove(control->beat);
	ifmap_client_free(control->client);
	orders_free(control->orders);
	judge_free(control->judge);
	world_free(control->world);
	world_touched_clear(&control->touched);
	imports_free(control->imports);
	g_free(control->seal_key);
	g_free(control->seal_public);
	g_free(control->devices);
	g_free(control);
}
