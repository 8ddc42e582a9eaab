/* The world: objects over facts, whatever the order they came in; what is touched; snapshots. */
#include "fabric/paths.h"
#include "story.h"

#include <string.h>

/* ---- a world as text: what its objects say, not its facts ---- */

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static void dump_host(GString *out, const struct world_host *host)
{
	g_autoptr(GList)
		segments = g_list_sort(g_hash_table_get_keys(host->segments), compare_names);

	g_string_append_printf(out, "host %s %s alive=%d memory=%" G_GUINT64_FORMAT "\n",
		host->uuid, world_host_name(host), world_host_alive(host),
		host->capacity ? host->capacity->memory_mib : 0);
	for (GList *l = segments; l; l = l->next)
		g_string_append_printf(out, "  segment %s\n", (char *)l->data);
	for (unsigned i = 0; i < host->copies->len; i++) {
		const struct world_copy *copy = host->copies->pdata[i];

		g_string_append_printf(out, "  %s %s%s%s%s%s\n", copy->machine->uuid,
			copy->runs_on ? copy->runs_on->state : "-",
			copy->enforced ? " enforced" : "", copy->reservation ? " reserved" : "",
			copy->progress ? " progress" : "",
			world_copy_active(copy) ? " active" : "");
	}
}

static void dump_machine(
	GString *out, const struct world *world, const struct world_machine *machine)
{
	const char *vapp = world_machine_vapp(machine);
	const char *label = world_machine_label(world, machine);

	g_string_append_printf(out, "machine %s %s vapp=%s label=%s copies=%u\n", machine->uuid,
		world_machine_name(machine), vapp ? vapp : "-", label ? label : "-",
		machine->copies->len);
}

static char *dump(const struct world *world)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GPtrArray) hosts = world_hosts(world);
	g_autoptr(GPtrArray) machines = world_machines(world);
	g_autoptr(GPtrArray) vapps = world_vapps(world);
	g_autofree char *dot = fabric_to_dot(world_fabric(world));

	for (unsigned i = 0; i < hosts->len; i++)
		dump_host(out, hosts->pdata[i]);
	for (unsigned i = 0; i < machines->len; i++)
		dump_machine(out, world, machines->pdata[i]);
	for (unsigned i = 0; i < vapps->len; i++) {
		const struct world_vapp *vapp = vapps->pdata[i];

		g_string_append_printf(out, "vapp %s machines=%u clearances=%u order=%s\n",
			vapp->name, g_hash_table_size(vapp->machines),
			g_hash_table_size(vapp->clearances), vapp->order ? vapp->order->id : "-");
	}
	g_string_append(out, dot);
	return g_string_free(out, FALSE);
}

static char *text_of(const struct world *world)
{
	json_t *json = world_to_json(world);
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
	char *copy = g_strdup(text);

	free(text);
	json_decref(json);
	return copy;
}

/* ---- the story's world ---- */

static void test_story(void)
{
	g_autoptr(world_value) world = story_world();
	const struct world_host *a = world_find_host(world, "A");
	const struct world_machine *web1 = world_find_member(world, "shop", "web1");
	const struct world_copy *copy = world_machine_active(web1);

	g_assert_true(world_host_alive(a));
	g_assert_cmpuint(a->copies->len, ==, 4);
	g_assert_cmpstr(world_machine_label(world, web1), ==, "blue");
	g_assert_cmpstr(world_machine_vapp(web1), ==, "shop");
	g_assert_true(copy->host == a);
	g_assert_true(copy == world_find_copy(world, web1->uuid, a->uuid));
	g_assert_null(world_find_host(world, "D"));
	g_assert_null(world_find_member(world, "shop", "b1"));
}

/* No way out among the facts: every switch is one; a switch named so: it alone. */
static void test_outside(void)
{
	g_autoptr(world_value) world = story_world();
	const char *a = world_find_host(world, "A")->uuid;
	const char *c = world_find_host(world, "C")->uuid;
	struct facts_fabric_link up = { .up = TRUE };
	g_auto(fabric_paths) before = { 0 };
	g_auto(fabric_paths) single = { 0 };
	g_auto(fabric_paths) after = { 0 };
	guint64 serial = world_fabric_serial(world);

	g_assert_true(
		fabric_disjoint_paths(world_fabric(world), a, WORLD_OUTSIDE, 5, &before, NULL));
	g_assert_cmpuint(before.n_paths, ==, 2);
	g_assert_true(
		fabric_disjoint_paths(world_fabric(world), c, WORLD_OUTSIDE, 5, &single, NULL));
	g_assert_cmpuint(single.n_paths, ==, 1);
	world_put(world, FACTS_FABRIC_LINK, "switch:outside", "switch:s1", &up, NULL);
	g_assert_cmpuint(world_fabric_serial(world), !=, serial);
	g_assert_true(
		fabric_disjoint_paths(world_fabric(world), a, WORLD_OUTSIDE, 5, &after, NULL));
	g_assert_cmpuint(after.n_paths, ==, 1);
}

static void test_agent_vanishes(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *a = story_host("A");

	world_put(world, FACTS_HOST, a, NULL, NULL, NULL);
	g_assert_false(world_host_alive(world_find_host(world, a + strlen("device:"))));
	g_assert_null(world_find_host(world, "A"));
}

/* ---- facts in any order, coming and going ---- */

static json_t *shuffled(json_t *facts, GRand *rand)
{
	size_t n = json_array_size(facts);
	json_t *copy = json_copy(facts);

	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)g_rand_int_range(rand, 0, (gint32)i);
		json_t *x = json_incref(json_array_get(copy, i - 1));
		json_t *y = json_incref(json_array_get(copy, k));

		json_array_set_new(copy, i - 1, y);
		json_array_set_new(copy, k, x);
	}
	return copy;
}

static void test_any_order(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autoptr(world_value) world = story_world();
	g_autofree char *want = dump(world);
	g_autofree char *want_text = text_of(world);
	json_t *json = world_to_json(world);

	g_test_message("seed %u", seed);
	for (unsigned round = 0; round < 30; round++) {
		json_t *mixed = json_copy(json);
		g_autoptr(GError) error = NULL;
		g_autoptr(world_value) other = NULL;
		g_autofree char *got = NULL;
		g_autofree char *got_text = NULL;

		json_object_set_new(mixed, "facts", shuffled(json_object_get(json, "facts"), rand));
		other = world_from_json(mixed, &error);
		g_assert_no_error(error);
		got = dump(other);
		got_text = text_of(other);
		g_assert_cmpstr(got, ==, want);
		g_assert_cmpstr(got_text, ==, want_text);
		json_decref(mixed);
	}
	json_decref(json);
}

/* One random change: a fact of the full story goes, comes, or comes back. */
static void change_one(struct world *world, const struct world *full, json_t *facts, GRand *rand)
{
	const json_t *entry = json_array_get(
		facts, (size_t)g_rand_int_range(rand, 0, (gint32)json_array_size(facts)));
	const char *name = json_string_value(json_object_get(entry, "kind"));
	const char *a = json_string_value(json_object_get(entry, "a"));
	const char *b = json_string_value(json_object_get(entry, "b"));
	const void *fact;
	unsigned kind = 0;

	while (strcmp(facts_type(kind)->name, name) != 0)
		kind++;
	fact = world_get(full, kind, a, b);
	g_assert_nonnull(fact);
	/* places in either order mean the same */
	if (b && g_rand_boolean(rand)) {
		const char *first = a;

		a = b;
		b = first;
	}
	world_put(world, kind, a, b, g_rand_boolean(rand) ? fact : NULL, NULL);
}

/* Kept up to date equals made anew from the facts that stand, after every 5 changes. */
static void test_incremental(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autoptr(world_value) full = story_world();
	g_autoptr(world_value) world = story_world();
	json_t *json = world_to_json(full);

	g_test_message("seed %u", seed);
	for (unsigned round = 0; round < 200; round++) {
		g_autoptr(world_value) anew = NULL;
		g_autofree char *want = NULL;
		g_autofree char *got = NULL;
		json_t *now;

		for (unsigned i = 0; i < 5; i++)
			change_one(world, full, json_object_get(json, "facts"), rand);
		now = world_to_json(world);
		anew = world_from_json(now, NULL);
		json_decref(now);
		want = dump(anew);
		got = dump(world);
		g_assert_cmpstr(got, ==, want);
	}
	json_decref(json);
}

/* When every fact has gone, nothing is left. */
static void test_all_gone(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(world_value) full = story_world();
	json_t *json = world_to_json(full);
	json_t *facts = json_object_get(json, "facts");
	g_autoptr(GPtrArray) left = NULL;

	for (size_t i = 0; i < json_array_size(facts); i++) {
		const json_t *entry = json_array_get(facts, i);
		unsigned kind = 0;

		while (strcmp(facts_type(kind)->name,
			       json_string_value(json_object_get(entry, "kind"))) != 0)
			kind++;
		world_put(world, kind, json_string_value(json_object_get(entry, "a")),
			json_string_value(json_object_get(entry, "b")), NULL, NULL);
	}
	json_decref(json);
	g_assert_cmpuint(world_n_facts(world), ==, 0);
	left = world_hosts(world);
	g_assert_cmpuint(left->len, ==, 0);
	g_ptr_array_unref(left);
	left = world_machines(world);
	g_assert_cmpuint(left->len, ==, 0);
	g_ptr_array_unref(left);
	left = world_vapps(world);
	g_assert_cmpuint(left->len, ==, 0);
}

/* ---- touched ---- */

static void test_touched(void)
{
	g_autoptr(world_value) world = story_world();
	g_auto(world_touched) touched = { 0 };
	g_autofree char *c = story_host("C");
	g_autofree char *b1 = story_machine("bank", "b1");
	struct facts_capacity capacity = { .memory_mib = 1 };
	struct facts_progress progress = { .percent = 3 };
	struct facts_fabric_link link = { .up = TRUE };

	world_touched_init(&touched);
	world_put(world, FACTS_CAPACITY, c, NULL, &capacity, &touched);
	g_assert_true(g_hash_table_contains(touched.hosts, c + strlen("device:")));
	g_assert_cmpuint(g_hash_table_size(touched.hosts), ==, 1);
	g_assert_cmpuint(g_hash_table_size(touched.vapps), ==, 0);
	world_touched_reset(&touched);
	world_put(world, FACTS_CAPACITY, c, NULL, &capacity, &touched); /* the same again */
	g_assert_true(world_touched_is_empty(&touched));
	world_put(world, FACTS_PROGRESS, b1, c, &progress, &touched);
	g_assert_true(g_hash_table_contains(touched.orders, "bank"));
	g_assert_cmpuint(g_hash_table_size(touched.hosts), ==, 0);
	g_assert_false(touched.everything);
	world_put(world, FACTS_FABRIC_LINK, "switch:s1", "switch:s2", &link, &touched);
	g_assert_true(touched.everything);
}

static void test_refused_places(void)
{
	g_autoptr(world_value) world = world_new();
	struct facts_capacity capacity = { 0 };

	g_assert_false(world_put(world, FACTS_CAPACITY, "vapp:x", NULL, &capacity, NULL));
	g_assert_false(world_put(world, FACTS_CAPACITY, "device:", NULL, &capacity, NULL));
	g_assert_false(world_put(world, FACTS_CAPACITY, "device:x", "device:y", &capacity, NULL));
	g_assert_false(world_put(
		world, FACTS_REFUSED, "device:x", NULL, &(struct facts_refused){ 0 }, NULL));
	g_assert_cmpuint(world_n_facts(world), ==, 0);
}

/* Between two devices nobody knows: it counts once one of them is known. */
static void test_waiting(void)
{
	g_autoptr(world_value) world = world_new();
	struct facts_runs_on runs_on = { .state = (char[]){ "running" } };
	struct facts_host host = { .name = (char[]){ "H" } };

	world_put(world, FACTS_RUNS_ON, "device:a", "device:b", &runs_on, NULL);
	g_assert_null(world_find_machine(world, "a"));
	g_assert_null(world_find_machine(world, "b"));
	world_put(world, FACTS_HOST, "device:a", NULL, &host, NULL);
	g_assert_nonnull(world_find_copy(world, "b", "a"));
	g_assert_true(world_copy_active(world_find_copy(world, "b", "a")));
	/* through a machine, too, and onwards: c runs on d, d is the host of a known machine */
	world_put(world, FACTS_RUNS_ON, "device:c", "device:d", &runs_on, NULL);
	world_put(world, FACTS_RUNS_ON, "device:d", "device:e", &runs_on, NULL);
	world_put(world, FACTS_LABEL, "device:c", NULL, &(struct facts_label){ 0 }, NULL);
	g_assert_nonnull(world_find_copy(world, "c", "d"));
	g_assert_nonnull(world_find_copy(world, "e", "d"));
}

/* ---- from the map ---- */

static struct ifmap_meta *meta_at(enum facts_kind kind, const void *fact, const char *stamp)
{
	g_autoptr(ifmap_meta) plain = facts_encode(kind, fact, NULL);
	g_autofree char *attribute = g_strdup_printf(
		" ifmap-cardinality=\"singleValue\" ifmap-timestamp=\"%s\"", stamp);
	g_auto(GStrv) parts = g_strsplit(
		ifmap_meta_xml(plain, NULL), " ifmap-cardinality=\"singleValue\"", 2);
	g_autofree char *xml = g_strjoinv(attribute, parts);
	struct ifmap_meta *meta = ifmap_meta_new(xml, -1, NULL);

	g_assert_nonnull(meta);
	return meta;
}

static void test_from_map(void)
{
	g_autoptr(world_value) world = world_new();
	g_autoptr(ifmap_id) host = facts_id_device("h1", NULL);
	struct facts_capacity small = { .memory_mib = 1 };
	struct facts_capacity large = { .memory_mib = 2 };
	g_autoptr(ifmap_meta) old = meta_at(FACTS_CAPACITY, &small, "2026-01-01T00:00:01Z");
	g_autoptr(ifmap_meta) new = meta_at(FACTS_CAPACITY, &large, "2026-01-01T00:00:02Z");

	g_assert_true(world_add(world, host, NULL, old, NULL, NULL));
	g_assert_true(world_add(world, host, NULL, new, NULL, NULL));
	g_assert_false(world_remove(world, host, NULL, old, NULL)); /* what it replaced is gone */
	g_assert_cmpuint(world_find_host(world, "h1")->capacity->memory_mib, ==, 2);
	g_assert_true(world_remove(world, host, NULL, new, NULL));
	g_assert_null(world_find_host(world, "h1"));
}

static void test_unreadable(void)
{
	g_autoptr(world_value) world = world_new();
	g_autoptr(ifmap_id) host = facts_id_device("h1", NULL);
	struct facts_capacity small = { .memory_mib = 1 };
	g_autoptr(ifmap_meta) good = facts_encode(FACTS_CAPACITY, &small, NULL);
	g_autoptr(ifmap_meta) bad = ifmap_meta_new(
		"<d:capacity xmlns:d=\"" FACTS_NS
		"\" ifmap-cardinality=\"singleValue\"><cpus>many</cpus></d:capacity>",
		-1, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(world_add(world, host, NULL, good, NULL, NULL));
	g_assert_false(world_add(world, host, NULL, bad, NULL, &error));
	g_assert_nonnull(strstr(error->message, "cpus"));
	g_assert_cmpuint(world_n_facts(world), ==, 0);
}

static void test_broken_package(void)
{
	g_autoptr(world_value) world = story_world();
	struct facts_package package = { .ovf = (char[]){ "<Envelope/>" } };

	world_put(world, FACTS_PACKAGE, "vapp:shop", NULL, &package, NULL);
	g_assert_null(world_find_vapp(world, "shop")->vapp);
	g_assert_nonnull(world_find_vapp(world, "shop")->error);
	g_assert_null(world_find_member(world, "shop", "web1"));
}

/* ---- snapshots that are none ---- */

static void test_bad_snapshots(void)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{ "[]", "not a snapshot" },
		{ "{\"format\":\"drover-world-1\"}", "not a snapshot" },
		{ "{\"format\":\"drover-world-1\",\"facts\":[7]}", "entry 1" },
		{ "{\"format\":\"drover-world-1\",\"facts\":[{\"kind\":\"host\"}]}", "entry 1" },
		{ "{\"format\":\"drover-world-1\",\"facts\":[{\"kind\":\"nope\",\"a\":\"device:x\"}]}",
			"no fact" },
		{ "{\"format\":\"drover-world-1\",\"facts\":[{\"kind\":\"host\",\"a\":\"vapp:x\"}]}",
			"cannot hang" },
		{ "{\"format\":\"drover-world-1\",\"facts\":[{\"kind\":\"capacity\",\"a\":\"device:x\","
		  "\"fact\":{\"cpus\":\"4\"}}]}",
			"\"cpus\"" },
		{ "{\"format\":\"drover-world-1\",\"facts\":[{\"kind\":\"capacity\",\"a\":\"device:x\","
		  "\"fact\":{\"cpu-model\":[\"a\",4]}}]}",
			"\"cpu-model\"" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		json_t *json = json_loads(bad[i].text, 0, NULL);

		g_assert_nonnull(json);
		g_assert_null(world_from_json(json, &error));
		g_assert_error(error, WORLD_ERROR, WORLD_ERROR_SNAPSHOT);
		if (!strstr(error->message, bad[i].says))
			g_error("%s: %s", bad[i].text, error->message);
		json_decref(json);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/world/story", test_story);
	g_test_add_func("/world/outside", test_outside);
	g_test_add_func("/world/agent-vanishes", test_agent_vanishes);
	g_test_add_func("/world/any-order", test_any_order);
	g_test_add_func("/world/incremental", test_incremental);
	g_test_add_func("/world/all-gone", test_all_gone);
	g_test_add_func("/world/touched", test_touched);
	g_test_add_func("/world/refused-places", test_refused_places);
	g_test_add_func("/world/waiting", test_waiting);
	g_test_add_func("/world/from-map", test_from_map);
	g_test_add_func("/world/unreadable", test_unreadable);
	g_test_add_func("/world/broken-package", test_broken_package);
	g_test_add_func("/world/bad-snapshots", test_bad_snapshots);
	return g_test_run();
}
