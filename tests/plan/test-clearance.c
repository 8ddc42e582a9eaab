/* Clearances: the story's four reasons, every reason's fix tried out, and that what a change says
 * it touches covers every verdict it changes. */
#include "plan/clearance.h"
#include "story.h"

#include <string.h>

/* Codes and subjects in order: "MEMORY C; PATHS orders". */
static char *codes_of(const GPtrArray *reasons)
{
	GString *text = g_string_new(NULL);

	for (unsigned i = 0; reasons && i < reasons->len; i++) {
		const struct plan_reason *reason = reasons->pdata[i];

		g_string_append_printf(text, "%s%s %s", i ? "; " : "",
			plan_code_info(reason->code)->name, reason->subject);
	}
	return g_string_free(text, FALSE);
}

static char *judge(const struct world *world, const char *vapp, const char *host)
{
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	GPtrArray *reasons = NULL;
	gboolean clear = plan_clear_on(judge, vapp, host, 0, &reasons);
	char *codes = codes_of(reasons);

	g_assert_true(clear == (reasons == NULL));
	if (reasons)
		g_ptr_array_unref(reasons);
	return codes;
}

#define assert_verdict(world, vapp, host, want)                   \
	do {                                                      \
		g_autofree char *got_ = judge(world, vapp, host); \
		g_assert_cmpstr(got_, ==, want);                  \
	} while (0)

#define FOUR "MEMORY C; SEGMENT_MISSING back; LABEL_CONFLICT blue; PATHS orders"

/* ---- the story, step 3 ---- */

static const struct plan_reason *find_reason(const GPtrArray *reasons, enum plan_code code)
{
	for (unsigned i = 0; i < reasons->len; i++)
		if (((const struct plan_reason *)reasons->pdata[i])->code == code)
			return reasons->pdata[i];
	g_assert_not_reached();
}

static GPtrArray *reasons_on(const struct world *world, const char *vapp, const char *host)
{
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	GPtrArray *reasons = NULL;

	plan_clear_on(judge, vapp, host, 0, &reasons);
	return reasons ? reasons : plan_reasons_new();
}

static void test_story(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(GPtrArray) reasons = reasons_on(world, "shop", "C");

	assert_verdict(world, "shop", "A", "");
	assert_verdict(world, "shop", "B", "");
	assert_verdict(world, "bank", "C", "");
	assert_verdict(world, "bank", "A", "LABEL_CONFLICT red");
	assert_verdict(world, "shop", "C", FOUR);
	g_assert_cmpstr(find_reason(reasons, PLAN_MEMORY)->text, ==,
		"shop needs 428 MiB on C, where 300 of 514 are free");
	g_assert_cmpstr(find_reason(reasons, PLAN_MEMORY)->fix, ==,
		"free 128 MiB on C or raise its offer from 514 to 642 MiB");
	g_assert_cmpstr(
		find_reason(reasons, PLAN_SEGMENT_MISSING)->fix, ==, "attach segment back on C");
	g_assert_cmpstr(find_reason(reasons, PLAN_LABEL_CONFLICT)->text, ==,
		"blue of shop and red are in conflict set money, and b2 of bank, b1 of bank are on"
		" C");
	g_assert_cmpstr(find_reason(reasons, PLAN_PATHS)->text, ==,
		"flow orders needs 2 disjoint paths between C and outside; there is 1, all hanging"
		" on switch s1");
	g_assert_cmpstr(find_reason(reasons, PLAN_PATHS)->fix, ==, "draw a cable C–s2");
}

static struct world *copy_of(const struct world *world)
{
	json_t *json = world_to_json(world);
	g_autoptr(GError) error = NULL;
	struct world *copy = world_from_json(json, &error);

	g_assert_no_error(error);
	json_decref(json);
	return copy;
}

static gboolean same_reason(gconstpointer a, gconstpointer b)
{
	const struct plan_reason *x = a;
	const struct plan_reason *y = b;

	return x->code == y->code && g_strcmp0(x->subject, y->subject) == 0;
}

/* Mending what one reason names takes this reason away and no other, and brings none. Returns how
 * many reasons had changes to try. */
static unsigned try_fixes(const struct world *world, const char *vapp, const char *host)
{
	g_autoptr(GPtrArray) reasons = reasons_on(world, vapp, host);
	unsigned tried = 0;

	for (unsigned i = 0; i < reasons->len; i++) {
		const struct plan_reason *reason = reasons->pdata[i];
		g_autoptr(world_value) mended = copy_of(world);
		g_autoptr(GPtrArray) left = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_nonnull(reason->fix);
		if (reason->changes->len == 0)
			continue;
		tried++;
		plan_change_apply(mended, reason->changes, NULL, &error);
		g_assert_no_error(error);
		left = reasons_on(mended, vapp, host);
		if (g_ptr_array_find_with_equal_func(left, reason, same_reason, NULL))
			g_error("%s stays after: %s", reason->text, reason->fix);
		for (unsigned k = 0; k < left->len; k++)
			if (!g_ptr_array_find_with_equal_func(
				    reasons, left->pdata[k], same_reason, NULL))
				g_error("%s: %s brought %s", reason->text, reason->fix,
					((struct plan_reason *)left->pdata[k])->text);
	}
	return tried;
}

static void test_mend_story(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(GPtrArray) reasons = reasons_on(world, "shop", "C");

	g_assert_cmpuint(try_fixes(world, "shop", "C"), ==, 4);
	/* each alone leaves exactly the other three */
	for (unsigned i = 0; i < reasons->len; i++) {
		const struct plan_reason *reason = reasons->pdata[i];
		g_autoptr(world_value) mended = copy_of(world);
		g_autoptr(GPtrArray) left = NULL;

		if (reason->code == PLAN_LABEL_CONFLICT)
			continue; /* taking bank away frees its memory as well: below */
		plan_change_apply(mended, reason->changes, NULL, NULL);
		left = reasons_on(mended, "shop", "C");
		g_assert_cmpuint(left->len, ==, 3);
	}
	/* all four, and it is clear */
	for (unsigned i = 0; i < reasons->len; i++)
		g_assert_true(plan_change_apply(
			world, ((struct plan_reason *)reasons->pdata[i])->changes, NULL, NULL));
	assert_verdict(world, "shop", "C", "");
}

/* One MiB less than the fix says is not enough. */
static void test_least(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *c = story_host("C");
	struct facts_capacity enough = { .cpus = 16, .memory_mib = 642 };
	struct facts_capacity less = { .cpus = 16, .memory_mib = 641 };

	world_put(world, FACTS_CAPACITY, c, NULL, &less, NULL);
	assert_verdict(world, "shop", "C", FOUR);
	world_put(world, FACTS_CAPACITY, c, NULL, &enough, NULL);
	assert_verdict(
		world, "shop", "C", "SEGMENT_MISSING back; LABEL_CONFLICT blue; PATHS orders");
}

/* ---- one check at a time ---- */

static void put_host(struct world *world, const char *name, gboolean enforcing, const char *site)
{
	g_autofree char *place = story_host(name);
	g_autofree char *site_copy = g_strdup(site);
	g_autofree char *name_copy = g_strdup(name);
	struct facts_host host = { .name = name_copy, .enforcing = enforcing, .site = site_copy };

	world_put(world, FACTS_HOST, place, NULL, &host, NULL);
}

static void test_hosts(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *b = story_host("B");

	assert_verdict(world, "shop", "D", "HOST_UNKNOWN D");
	assert_verdict(world, "nothing", "B", "VAPP_UNKNOWN nothing");
	put_host(world, "B", FALSE, "north");
	assert_verdict(world, "shop", "B", "AGENT_NOT_CONFORMING B");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
	put_host(world, "B", TRUE, "north");
	world_put(world, FACTS_CAPACITY, b, NULL, NULL, NULL);
	assert_verdict(world, "shop", "B", "FACTS_STALE B");
	world_put(world, FACTS_IN_FLEET, "fleet:default", b, NULL, NULL);
	assert_verdict(world, "shop", "B", "AGENT_ABSENT B");
}

static void test_age(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_autoptr(GPtrArray) reasons = NULL;

	world_set_as_of(world, 50000);
	g_assert_true(plan_clear_on(judge, "shop", "B", 50000 + PLAN_MAX_AGE_MS, NULL));
	g_assert_false(plan_clear_on(judge, "shop", "B", 50001 + PLAN_MAX_AGE_MS, &reasons));
	g_assert_cmpuint(reasons->len, ==, 1);
	g_assert_cmpint(((struct plan_reason *)reasons->pdata[0])->code, ==, PLAN_FACTS_STALE);
}

static void test_models(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(vapp_value) shop = story_shop();
	struct vapp_machine *web1 = shop->machines->pdata[0];
	struct vapp_machine *web2 = shop->machines->pdata[1];

	web1->cpu_model = g_strdup("Skylake-Server");
	web2->cpu_model = g_strdup("Skylake-Server");
	web2->machine_type = g_strdup("pc-q35-9.0");
	story_put_package(world, shop);
	assert_verdict(world, "shop", "B", "CPU_MODEL web1, web2; MACHINE_TYPE web2");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 2);
}

static void test_cpus(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *b = story_host("B");
	struct facts_capacity capacity = { .cpus = 8, .cpus_used = 5, .memory_mib = 1024 };

	world_put(world, FACTS_CAPACITY, b, NULL, &capacity, NULL);
	assert_verdict(world, "shop", "B", "CPUS B");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
	capacity.cpus_used = 4;
	world_put(world, FACTS_CAPACITY, b, NULL, &capacity, NULL);
	assert_verdict(world, "shop", "B", "");
}

/* What is reserved for others counts; what runs here of the vApp itself does not count twice. */
static void test_reservations(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *a = story_host("A");
	g_autofree char *b = story_host("B");
	g_autofree char *b1 = story_machine("bank", "b1");
	struct facts_capacity tight = { .cpus = 16, .memory_mib = 428, .memory_used_mib = 428 };
	struct facts_capacity wide = { .cpus = 16, .memory_mib = 428 };
	struct facts_reservation reservation = { .memory_mib = 1 };

	world_put(world, FACTS_CAPACITY, a, NULL, &tight, NULL);
	world_put(world, FACTS_CAPACITY, b, NULL, &wide, NULL);
	assert_verdict(world, "shop", "A", "");
	assert_verdict(world, "shop", "B", "");
	world_put(world, FACTS_RESERVATION, b1, b, &reservation, NULL);
	assert_verdict(world, "shop", "B", "MEMORY B; LABEL_CONFLICT blue");
}

static void test_labels(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *b = story_host("B");
	char *red[] = { (char[]){ "red" }, NULL };
	struct facts_history history = { .chw = red };
	g_autoptr(vapp_value) shop = story_shop();

	world_put(world, FACTS_HISTORY, b, NULL, &history, NULL);
	assert_verdict(world, "shop", "B", ""); /* the set does not last */
	story_policy(world, STORY_POLICY "[conflict forever]\ntypes=blue;red\nlasting=true\n");
	assert_verdict(world, "shop", "B", "LABEL_HISTORY blue");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
	story_policy(world, STORY_POLICY);
	g_free(shop->label);
	shop->label = g_strdup("pink");
	story_put_package(world, shop);
	assert_verdict(world, "shop", "B", "LABEL_UNKNOWN pink");
	world_put(world, FACTS_LABEL_POLICY, "fleet:default", NULL, NULL, NULL);
	assert_verdict(world, "shop", "B", "LABEL_UNKNOWN pink");
	g_clear_pointer(&shop->label, g_free);
	story_put_package(world, shop);
	assert_verdict(world, "shop", "B", "");
}

/* Labels inside one vApp: types at both ends of a flow, conflicts between its own machines. */
static void test_own_labels(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(vapp_value) shop = story_shop();
	struct vapp_machine *db1 = shop->machines->pdata[3];

	db1->label = g_strdup("red");
	story_put_package(world, shop);
	assert_verdict(world, "shop", "B", "LABEL_FLOW queries; LABEL_CONFLICT blue");
	g_free(db1->label);
	db1->label = g_strdup("green");
	story_put_package(world, shop);
	assert_verdict(world, "shop", "B", "LABEL_FLOW queries");
}

static void add_rule(
	struct vapp *vapp, enum vapp_placement_kind kind, const char *subject, const char *value)
{
	struct vapp_placement *rule = vapp_placement_new(kind);

	if (subject)
		g_ptr_array_add(rule->subjects, g_strdup(subject));
	if (value)
		g_ptr_array_add(rule->values, g_strdup(value));
	g_ptr_array_add(vapp->placements, rule);
}

static void test_placement(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(vapp_value) shop = story_shop();

	add_rule(shop, VAPP_PLACEMENT_APART, "web", NULL);
	add_rule(shop, VAPP_PLACEMENT_TOGETHER, "app", NULL);
	g_ptr_array_add(
		((struct vapp_placement *)shop->placements->pdata[1])->subjects, g_strdup("db"));
	add_rule(shop, VAPP_PLACEMENT_SITES, "db", "south");
	story_put_package(world, shop);
	assert_verdict(world, "shop", "B", "PLACEMENT_APART web1, web2; PLACEMENT_SITE db1");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
}

/* The same rules over two hosts: web is apart now, app and db are not together. */
static void test_spread(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_autoptr(vapp_value) shop = story_shop();
	g_auto(plan_placement) placement = { 0 };
	struct plan_question question = { .vapp = shop, .placement = &placement };
	g_autoptr(GPtrArray) reasons = NULL;
	g_autofree char *codes = NULL;

	add_rule(shop, VAPP_PLACEMENT_APART, "web", NULL);
	add_rule(shop, VAPP_PLACEMENT_TOGETHER, "app", NULL);
	g_ptr_array_add(
		((struct vapp_placement *)shop->placements->pdata[1])->subjects, g_strdup("db"));
	plan_placement_init(&placement, shop);
	for (unsigned i = 0; i < 4; i++)
		plan_placement_set(&placement, i, world_find_host(world, i % 2 ? "A" : "B")->uuid);
	g_assert_false(plan_clear(judge, &question, &reasons));
	codes = codes_of(reasons);
	g_assert_cmpstr(codes, ==, "PLACEMENT_TOGETHER app1, db1");
}

static void test_never_with(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(vapp_value) shop = story_shop();
	g_autoptr(vapp_value) bank = story_bank();

	g_clear_pointer(&shop->label, g_free);
	add_rule(bank, VAPP_PLACEMENT_NEVER_WITH, NULL, "shop");
	story_put_package(world, shop);
	story_put_package(world, bank);
	assert_verdict(world, "bank", "A", "PLACEMENT_NEVER_WITH shop");
	assert_verdict(world, "shop", "C",
		"MEMORY C; SEGMENT_MISSING back; PLACEMENT_NEVER_WITH shop; PLACEMENT_NEVER_WITH"
		" shop; PATHS orders");
	try_fixes(world, "bank", "A");
}

static void test_seals(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *a = story_host("A");
	g_autofree char *db1 = story_machine("shop", "db1");
	struct facts_runs_on runs_on = { .state = (char[]){ "running" },
		.memory_mib = 107,
		.vcpus = 1,
		.seal = (char[]){ "invalid" } };

	world_put(world, FACTS_RUNS_ON, db1, a, &runs_on, NULL);
	assert_verdict(world, "shop", "B", "SEAL_INVALID db1");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
	runs_on.seal = (char[]){ "none" };
	world_put(world, FACTS_RUNS_ON, db1, a, &runs_on, NULL);
	assert_verdict(world, "shop", "B", "SEAL_MISSING db1");
}

/* A cable that is down is named before a new one is asked for; spread machines need ways. */
static void test_paths(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(GPtrArray) reasons = NULL;

	story_cable(world, "B", "s2", FALSE);
	assert_verdict(world, "shop", "B", "PATHS orders");
	reasons = reasons_on(world, "shop", "B");
	g_assert_cmpstr(find_reason(reasons, PLAN_PATHS)->fix, ==, "bring up the cable B–s2");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
	story_cable(world, "B", "s1", FALSE);
	assert_verdict(world, "shop", "B", "PATHS orders");
	g_assert_cmpuint(try_fixes(world, "shop", "B"), ==, 1);
}

static void test_paths_between(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	const struct vapp *shop = world_find_vapp(world, "shop")->vapp;
	g_auto(plan_placement) placement = { 0 };
	struct plan_question question = { .vapp = shop, .placement = &placement };
	g_autoptr(GPtrArray) reasons = NULL;
	g_autofree char *codes = NULL;

	plan_placement_init(&placement, shop);
	plan_placement_set_all(&placement, world_find_host(world, "A")->uuid);
	plan_placement_set(&placement, 3, world_find_host(world, "B")->uuid); /* db1 */
	g_assert_true(plan_clear(judge, &question, NULL));
	story_cable(world, "A", "s1", FALSE);
	story_cable(world, "B", "s2", FALSE);
	g_assert_false(plan_clear(judge, &question, &reasons));
	codes = codes_of(reasons);
	g_assert_cmpstr(codes, ==, "PATHS orders; PATHS queries");
}

/* ---- what is touched covers what changes ---- */

static const char *const vapps[] = { "shop", "bank" };
static const char *const hosts[] = { "A", "B", "C" };

static void verdicts(const struct world *world, char *ret[static 6])
{
	for (unsigned v = 0; v < 2; v++)
		for (unsigned h = 0; h < 3; h++) {
			g_autofree char *host = story_host(hosts[h]);

			ret[v * 3 + h] = judge(world, vapps[v], host + strlen("device:"));
		}
}

static void check_covered(char *const before[static 6], char *const after[static 6],
	const struct world_touched *touched)
{
	for (unsigned i = 0; i < 6; i++) {
		g_autofree char *host = story_host(hosts[i % 3]);

		if (strcmp(before[i], after[i]) == 0 || touched->everything ||
			g_hash_table_contains(touched->vapps, vapps[i / 3]) ||
			g_hash_table_contains(touched->hosts, host + strlen("device:")))
			continue;
		g_error("%s on %s went from '%s' to '%s' untouched", vapps[i / 3], hosts[i % 3],
			before[i], after[i]);
	}
}

static enum facts_kind kind_of(const json_t *entry)
{
	unsigned kind = 0;

	while (strcmp(facts_type(kind)->name, json_string_value(json_object_get(entry, "kind"))) !=
		0)
		kind++;
	return kind;
}

static void test_touched_covers(void)
{
	guint32 seed = (guint32)g_test_rand_int();
	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	g_autoptr(world_value) full = story_world();
	g_autoptr(world_value) world = story_world();
	json_t *json = world_to_json(full);
	json_t *facts = json_object_get(json, "facts");
	unsigned n_changed = 0;

	g_test_message("seed %u", seed);
	for (unsigned round = 0; round < 1000; round++) {
		const json_t *entry = json_array_get(
			facts, (size_t)g_rand_int_range(rand, 0, (gint32)json_array_size(facts)));
		const char *a = json_string_value(json_object_get(entry, "a"));
		const char *b = json_string_value(json_object_get(entry, "b"));
		const void *fact = world_get(full, kind_of(entry), a, b);
		g_auto(world_touched) touched = { 0 };
		char *before[6];
		char *after[6];

		world_touched_init(&touched);
		verdicts(world, before);
		world_put(world, kind_of(entry), a, b, g_rand_int_range(rand, 0, 4) ? fact : NULL,
			&touched);
		verdicts(world, after);
		check_covered(before, after, &touched);
		for (unsigned i = 0; i < 6; i++) {
			n_changed += strcmp(before[i], after[i]) != 0;
			g_free(before[i]);
			g_free(after[i]);
		}
	}
	json_decref(json);
	g_assert_cmpuint(n_changed, >, 100); /* else this proves little */
}

/* ---- as facts ---- */

static void test_facts(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(GPtrArray) reasons = reasons_on(world, "shop", "C");
	g_auto(facts_clearance) first = { 0 };
	g_auto(facts_clearance) second = { 0 };
	g_auto(facts_clearance) third = { 0 };

	plan_clearance_to_fact(NULL, NULL, 100, &first);
	g_assert_true(first.clear);
	g_assert_cmpuint(first.since_ms, ==, 100);
	plan_clearance_to_fact(reasons, &first, 200, &second);
	g_assert_false(second.clear);
	g_assert_cmpuint(second.since_ms, ==, 200);
	g_assert_cmpstr(second.changed, ==,
		"+MEMORY C, +SEGMENT_MISSING back, +LABEL_CONFLICT blue, +PATHS orders");
	g_assert_true(plan_clearance_differs(&first, &second));
	g_ptr_array_remove_index(reasons, 0);
	plan_clearance_to_fact(reasons, &second, 300, &third);
	g_assert_cmpuint(third.since_ms, ==, 200);
	g_assert_cmpuint(third.at_ms, ==, 300);
	g_assert_cmpstr(third.changed, ==, "-MEMORY C");
	g_assert_cmpstr(
		((struct facts_reason *)third.reasons->pdata[0])->code, ==, "SEGMENT_MISSING");
}

/* A fenced host takes nothing, though its agent be back, until the operator takes that back. */
static void test_fenced(void)
{
	g_autoptr(world_value) world = story_world();
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_autoptr(GPtrArray) reasons = NULL;
	g_autofree char *b = story_host("B");
	struct facts_fenced fact = { .by = (char[]){ "root" }, .reason = (char[]){ "smoke" } };
	const struct plan_reason *reason;

	world_put(world, FACTS_FENCED, b, NULL, &fact, NULL);
	g_assert_false(plan_clear_on(judge, "shop", "B", 0, &reasons));
	g_assert_cmpuint(reasons->len, ==, 1);
	reason = reasons->pdata[0];
	g_assert_cmpint(reason->code, ==, PLAN_HOST_FENCED);
	g_assert_cmpstr(reason->text, ==, "B was declared switched off by root: smoke");
	g_assert_nonnull(strstr(reason->fix, "drover unfence B"));
	g_assert_true(plan_change_apply(world, reason->changes, NULL, NULL));
	g_assert_true(plan_clear_on(judge, "shop", "B", 0, NULL));
}

static void test_codes(void)
{
	for (unsigned i = 0; i < PLAN_N_CODES; i++) {
		enum plan_code code;

		g_assert_true(plan_code_from_string(plan_code_info(i)->name, &code));
		g_assert_cmpuint(code, ==, i);
		g_assert_true(g_str_has_suffix(plan_code_info(i)->what, "."));
	}
	g_assert_false(plan_code_from_string("NOPE", &(enum plan_code){ 0 }));
}

static void test_bad_changes(void)
{
	struct plan_change bad[] = {
		{ FACTS_CAPACITY, (char[]){ "vapp:x" }, NULL, (char[]){ "cpus" }, (char[]){ "1" } },
		{ FACTS_CAPACITY, (char[]){ "device:x" }, NULL, (char[]){ "no" }, (char[]){ "1" } },
		{ FACTS_CAPACITY, (char[]){ "device:x" }, NULL, (char[]){ "cpus" },
			(char[]){ "-1" } },
		{ FACTS_CAPACITY, (char[]){ "device:x" }, NULL, (char[]){ "cpu-model" },
			(char[]){ "x" } },
		{ FACTS_HOST, (char[]){ "device:x" }, NULL, (char[]){ "enforcing" },
			(char[]){ "yes" } },
	};
	g_autoptr(world_value) world = world_new();

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GPtrArray) changes = g_ptr_array_new();
		g_autoptr(GError) error = NULL;

		g_ptr_array_add(changes, &bad[i]);
		g_assert_false(plan_change_apply(world, changes, NULL, &error));
		g_assert_error(error, PLAN_ERROR, PLAN_ERROR_CHANGE);
		g_assert_cmpuint(world_n_facts(world), ==, 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plan/clearance/story", test_story);
	g_test_add_func("/plan/clearance/mend-story", test_mend_story);
	g_test_add_func("/plan/clearance/least", test_least);
	g_test_add_func("/plan/clearance/hosts", test_hosts);
	g_test_add_func("/plan/clearance/age", test_age);
	g_test_add_func("/plan/clearance/models", test_models);
	g_test_add_func("/plan/clearance/cpus", test_cpus);
	g_test_add_func("/plan/clearance/reservations", test_reservations);
	g_test_add_func("/plan/clearance/labels", test_labels);
	g_test_add_func("/plan/clearance/own-labels", test_own_labels);
	g_test_add_func("/plan/clearance/placement", test_placement);
	g_test_add_func("/plan/clearance/spread", test_spread);
	g_test_add_func("/plan/clearance/never-with", test_never_with);
	g_test_add_func("/plan/clearance/seals", test_seals);
	g_test_add_func("/plan/clearance/paths", test_paths);
	g_test_add_func("/plan/clearance/paths-between", test_paths_between);
	g_test_add_func("/plan/clearance/touched-covers", test_touched_covers);
	g_test_add_func("/plan/clearance/facts", test_facts);
	g_test_add_func("/plan/clearance/fenced", test_fenced);
	g_test_add_func("/plan/clearance/codes", test_codes);
	g_test_add_func("/plan/clearance/bad-changes", test_bad_changes);
	return g_test_run();
}
