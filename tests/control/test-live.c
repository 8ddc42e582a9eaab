/* control's own loop, on a real drover-mapd: verdicts and intents come up, and a move goes on
 * through a map that is killed, and a control that is killed, in every phase. The hosts are played
 * here: they answer each phase as docs/moves.md asks. */
#include "control/control.h"
#include "mapdproc.h"
#include "plan/order.h"
#include "sealkey.h"
#include "story.h"
#include "world/window.h"

#include <glib/gstdio.h>
#include <string.h>

#define PATIENCE_US (60 * G_TIME_SPAN_SECOND)

struct stage {
	struct mapd_proc *mapd;
	char *folder;
	struct control_conf conf;
	struct control *control;
	struct ifmap_client *hosts;   /* publishes what agents and operators would */
	struct ifmap_client *watcher; /* sees the map */
	struct world *world;          /* as the watcher sees it */
	char *answered;               /* phase that the hosts have answered */
};

static struct ifmap_id *id_of(const char *place)
{
	const char *name = place ? strchr(place, ':') + 1 : NULL;

	if (!place)
		return NULL;
	if (g_str_has_prefix(place, "fleet:"))
		return facts_id_fleet();
	if (g_str_has_prefix(place, "vapp:"))
		return facts_id_vapp(name, NULL);
	if (g_str_has_prefix(place, "segment:"))
		return facts_id_segment(name, NULL);
	if (g_str_has_prefix(place, "switch:"))
		return facts_id_switch(name, NULL);
	return facts_id_device(name, NULL);
}

/* As an agent does it: said again in every new session. Facts of operators stand for good. */
static void say(
	struct stage *stage, enum facts_kind kind, const char *a, const char *b, const void *fact)
{
	g_autoptr(ifmap_id) x = id_of(a);
	g_autoptr(ifmap_id) y = id_of(b);
	struct ifmap_publish *publish;

	if (facts_type(kind)->lifetime == IFMAP_LIFETIME_SESSION) {
		facts_keep(stage->hosts, kind, x, y, NULL, fact);
		return;
	}
	publish = ifmap_publish_new();
	facts_publish(publish, kind, x, y, fact);
	ifmap_client_publish(stage->hosts, publish, NULL, NULL);
}

/* The story, but for what control itself says; and the anchors that a map needs. */
static void tell_story(struct stage *stage)
{
	static const char *const vapps[] = { "vapp:shop", "vapp:bank" };
	g_autoptr(world_value) story = story_world();
	json_t *json = world_to_json(story);
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(json, "facts"), i, entry)
	{
		const char *a = json_string_value(json_object_get(entry, "a"));
		const char *b = json_string_value(json_object_get(entry, "b"));
		enum facts_kind kind = facts_kind_from_name(
			json_string_value(json_object_get(entry, "kind")));

		if (kind != FACTS_MEMBER_OF)
			say(stage, kind, a, b, world_get(story, kind, a, b));
	}
	for (i = 0; i < G_N_ELEMENTS(vapps); i++)
		say(stage, FACTS_IN_FLEET, "fleet:default", vapps[i],
			&(struct facts_in_fleet){ .kind = (char[]){ "vapp" } });
	json_decref(json);
}

/* ---- what the watcher sees ---- */

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct stage *stage = data;

	if (!result)
		return;
	if (result->kind == IFMAP_RESULT_SEARCH) {
		world_free(stage->world);
		stage->world = world_new();
	}
	g_assert_true(world_apply_result(stage->world, result, NULL, NULL));
}

typedef gboolean (*condition)(struct stage *stage);

static void answer(struct stage *stage);

static void wait_for(struct stage *stage, const char *what, condition holds)
{
	gint64 until_us = g_get_monotonic_time() + PATIENCE_US;

	while (!holds(stage)) {
		if (g_get_monotonic_time() > until_us)
			g_error("in vain: %s", what);
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	}
}

static const struct facts_order *order_of(struct stage *stage)
{
	const struct world_vapp *shop = world_find_vapp(stage->world, "shop");

	return shop ? shop->order : NULL;
}

static gboolean is_verdict(struct stage *stage, const char *host, gboolean clear)
{
	const struct world_vapp *shop = world_find_vapp(stage->world, "shop");
	const struct world_host *there = world_find_host(stage->world, host);
	const struct facts_clearance *verdict = shop && there
							? g_hash_table_lookup(
								  shop->clearances, there->uuid)
							: NULL;

	return verdict && verdict->clear == clear;
}

static gboolean is_decided(struct stage *stage)
{
	const struct world_machine *web1 = world_find_member(stage->world, "shop", "web1");

	return is_verdict(stage, "B", TRUE) && is_verdict(stage, "C", FALSE) && web1 &&
	       web1->protection && web1->definition && web1->member_of;
}

static gboolean is_cleared_c(struct stage *stage)
{
	return is_verdict(stage, "B", FALSE);
}

static gboolean is_ended(struct stage *stage)
{
	return order_of(stage) && plan_order_ended(order_of(stage));
}

/* ---- hosts ---- */

static const struct {
	const char *phase;
	gboolean source;
	const char *state; /* NULL: as it is */
} duties[] = {
	{ "protect", FALSE, NULL },
	{ "precopy", TRUE, NULL },
	{ "switch", TRUE, "shutoff" },
	{ "switch", FALSE, "paused" },
	{ "resume", FALSE, "running" },
	{ "release", TRUE, "shutoff" },
	{ "return", FALSE, NULL },
	{ "return", TRUE, NULL },
};

static void answer_for(struct stage *stage, const struct facts_order *order,
	const struct facts_order_member *member, size_t duty)
{
	g_autofree char *vm = g_strconcat("device:", member->vm, NULL);
	g_autofree char *host = g_strconcat(
		"device:", duties[duty].source ? member->from : member->to, NULL);
	g_autofree char *state = g_strdup(duties[duty].state);
	struct facts_runs_on runs_on = {
		.name = member->machine, .state = state, .memory_mib = 107, .vcpus = 1
	};
	struct facts_enforced enforced = { .conforming = TRUE };
	struct facts_progress progress = {
		.order = order->id, .phase = order->phase, .state = (char[]){ "done" }
	};

	if (state) {
		say(stage, FACTS_RUNS_ON, vm, host, &runs_on);
		say(stage, FACTS_ENFORCED, vm, host, &enforced);
	}
	say(stage, FACTS_PROGRESS, vm, host, &progress);
}

/* Every host does what the order's phase asks of it. */
static void answer(struct stage *stage)
{
	g_auto(facts_order) order = { 0 };

	facts_copy(FACTS_ORDER, order_of(stage), &order);
	for (unsigned i = 0; i < order.members->len; i++)
		for (size_t d = 0; d < G_N_ELEMENTS(duties); d++)
			if (strcmp(duties[d].phase, order.phase) == 0)
				answer_for(stage, &order, order.members->pdata[i], d);
	g_free(stage->answered);
	stage->answered = g_strdup(order.phase);
}

static gboolean is_new_phase(struct stage *stage)
{
	const struct facts_order *order = order_of(stage);

	return order && (plan_order_ended(order) || g_strcmp0(order->phase, stage->answered) != 0);
}

/* ---- life ---- */

static void start_control(struct stage *stage)
{
	struct ifmap_client_config config = mapd_proc_config(stage->mapd, "bob");
	g_autoptr(GError) error = NULL;

	config.prefixes = FACTS_PREFIXES;
	stage->control = control_new_with(&stage->conf, ifmap_client_new(&config, &error), &error);
	g_assert_no_error(error);
}

static void restart_control(struct stage *stage)
{
	control_free(stage->control);
	start_control(stage);
}

static void restart_map(struct stage *stage)
{
	mapd_proc_kill(stage->mapd);
	mapd_proc_start(stage->mapd);
}

static void write_file(struct stage *stage, const char *name, const char *text, char **ret_path)
{
	*ret_path = g_build_filename(stage->folder, name, NULL);
	g_assert_true(g_file_set_contents(*ret_path, text, -1, NULL));
}

static struct ifmap_client *open_client(struct stage *stage, const char *user)
{
	struct ifmap_client_config config = mapd_proc_config(stage->mapd, user);
	g_autoptr(GError) error = NULL;
	struct ifmap_client *client;

	config.prefixes = FACTS_PREFIXES;
	client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
	return client;
}

static void stage_init(struct stage *stage, const char *mapd)
{
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_search search = { .start = fleet,
		.max_depth = WORLD_DEPTH,
		.max_size = 16UL << 20,
		.match_links = WORLD_MATCH_LINKS,
		.result_filter = WORLD_RESULT_FILTER };
	struct sealkey key;

	sealkey_init(&key);
	*stage = (struct stage){ .mapd = mapd_proc_new(mapd), .world = world_new() };
	stage->folder = g_dir_make_tmp("drover-control-XXXXXX", NULL);
	stage->conf.serial = stage->conf.devices_file = (char *)"";
	write_file(stage, "seal.key", key.private_pem, &stage->conf.seal_key);
	write_file(stage, "seal.pub", key.public_pem, &stage->conf.seal_public);
	sealkey_clear(&key);
	stage->hosts = open_client(stage, "alice");
	stage->watcher = open_client(stage, "carol");
	ifmap_client_start(stage->hosts, NULL, NULL);
	ifmap_client_subscribe(stage->watcher, "all", &search, on_result, stage);
	ifmap_client_start(stage->watcher, NULL, NULL);
	start_control(stage);
	tell_story(stage);
	wait_for(stage, "verdicts and intents", is_decided);
}

static void stage_clear(struct stage *stage)
{
	control_free(stage->control);
	ifmap_client_free(stage->hosts);
	ifmap_client_free(stage->watcher);
	mapd_proc_free(stage->mapd);
	world_free(stage->world);
	g_unlink(stage->conf.seal_key);
	g_unlink(stage->conf.seal_public);
	g_rmdir(stage->folder);
	g_free(stage->conf.seal_key);
	g_free(stage->conf.seal_public);
	g_free(stage->folder);
	g_free(stage->answered);
}

/* ---- tests ---- */

static const char *mapd_program;

/* One fact changes: the verdict does, unasked. */
static void test_verdict(void)
{
	struct stage stage;
	g_autofree char *b = story_host("B");
	struct facts_capacity little = { .cpus = 16, .memory_mib = 100 };

	stage_init(&stage, mapd_program);
	say(&stage, FACTS_CAPACITY, b, NULL, &little);
	wait_for(&stage, "the verdict about B", is_cleared_c);
	stage_clear(&stage);
}

/* A move, with something torn down in every phase before the hosts answer it. */
static void test_move(gconstpointer data)
{
	void (*disturb)(struct stage * stage) = data ? *(void (*const *)(struct stage *))data
						     : NULL;
	g_auto(facts_request) request = {
		.id = g_strdup("r1"), .verb = g_strdup("move"), .to = g_strsplit("B", ",", -1)
	};
	struct stage stage;

	stage_init(&stage, mapd_program);
	say(&stage, FACTS_REQUEST, "vapp:shop", NULL, &request);
	for (;;) {
		wait_for(&stage, "the next phase", is_new_phase);
		if (is_ended(&stage))
			break;
		g_test_message("%s", order_of(&stage)->phase);
		if (disturb)
			disturb(&stage);
		wait_for(&stage, "the order again", is_new_phase);
		answer(&stage);
	}
	g_test_message("%s %s", order_of(&stage)->state, order_of(&stage)->reason);
	g_assert_cmpstr(order_of(&stage)->state, ==, "done");
	stage_clear(&stage);
}

int main(int argc, char **argv)
{
	static void (*const control)(struct stage * stage) = restart_control;
	static void (*const map)(struct stage * stage) = restart_map;

	g_test_init(&argc, &argv, NULL);
	/* that the map is away is a warning of control's, and what is tried here */
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
	g_assert_cmpint(argc, ==, 2);
	mapd_program = argv[1];
	g_test_add_func("/live/verdict", test_verdict);
	g_test_add_data_func("/live/move", NULL, test_move);
	g_test_add_data_func("/live/move-control-killed", &control, test_move);
	g_test_add_data_func("/live/move-map-killed", &map, test_move);
	return g_test_run();
}
