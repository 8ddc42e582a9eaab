/* The program `drover` as people and scripts meet it: exit codes, help, JSON, golden output. The
 * program's path is in DROVER; the world is the story's, as a snapshot. */
#include "cmd/command.h"
#include "story.h"
#include "testcert.h"

#include <glib/gstdio.h>
#include <string.h>

#define AS_OF_MS 1700000000000u

struct outcome {
	int code;
	char *out;
	char *err;
};

static char *folder;
static char *snapshot;
static char *config;

static void outcome_clear(struct outcome *outcome)
{
	g_free(outcome->out);
	g_free(outcome->err);
}

/* Runs `drover ARGUMENTS` without a terminal, with a configuration whose map nobody serves. */
static struct outcome run(char **arguments)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_auto(GStrv) environment = g_get_environ();
	g_autoptr(GError) error = NULL;
	struct outcome outcome = { 0 };
	int status;

	environment = g_environ_setenv(environment, "DROVER_CONFIG", config, TRUE);
	environment = g_environ_setenv(environment, "LC_ALL", "C.UTF-8", TRUE);
	environment = g_environ_setenv(environment, "TZ", "UTC", TRUE);
	g_ptr_array_add(argv, (gpointer)g_getenv("DROVER"));
	for (; arguments && *arguments; arguments++)
		g_ptr_array_add(argv, *arguments);
	g_ptr_array_add(argv, NULL);
	g_spawn_sync(NULL, (char **)argv->pdata, environment, G_SPAWN_DEFAULT, NULL, NULL,
		&outcome.out, &outcome.err, &status, &error);
	g_assert_no_error(error);
	g_assert_true(WIFEXITED(status));
	outcome.code = WEXITSTATUS(status);
	return outcome;
}

static struct outcome run_line(const char *line)
{
	g_auto(GStrv) words = NULL;
	g_autoptr(GString) text = g_string_new(line);

	g_string_replace(text, "@SNAPSHOT", snapshot, 0);
	g_string_replace(text, "@FOLDER", folder, 0);
	words = *text->str ? g_strsplit(text->str, " ", -1) : NULL;
	return run(words);
}

static char *words_of(const struct command *command)
{
	return command->verb ? g_strconcat(command->noun, " ", command->verb, NULL)
			     : g_strdup(command->noun);
}

/* ---- help ---- */

static void test_help(void)
{
	struct outcome all = run_line("--help");

	g_assert_cmpint(all.code, ==, 0);
	for (const struct command *c = COMMANDS; c->noun; c++) {
		g_autofree char *words = words_of(c);
		g_autofree char *line = g_strconcat(words, " --help", NULL);
		g_autofree char *usage = g_strconcat("usage: drover ", words, NULL);
		struct outcome one = run_line(line);

		g_test_message("%s", line);
		g_assert_cmpint(one.code, ==, 0);
		g_assert_true(g_str_has_prefix(one.out, usage));
		g_assert_nonnull(strstr(one.out, c->what));
		g_assert_nonnull(strstr(one.out, "--json"));
		g_assert_cmpstr(one.err, ==, "");
		g_assert_nonnull(strstr(all.out, words));
		g_assert_nonnull(strstr(all.out, c->what));
		outcome_clear(&one);
	}
	outcome_clear(&all);
}

static void test_version(void)
{
	struct outcome outcome = run_line("--version");

	g_assert_cmpint(outcome.code, ==, 0);
	g_assert_cmpstr(outcome.out, ==, "drover " DROVER_VERSION "\n");
	outcome_clear(&outcome);
}

/* ---- usage ---- */

static void expect_usage(const char *line)
{
	struct outcome outcome = run_line(line);

	g_test_message("%s", line);
	g_assert_cmpint(outcome.code, ==, COMMAND_USAGE);
	g_assert_cmpstr(outcome.out, ==, "");
	g_assert_cmpuint(strlen(outcome.err), >, 0);
	outcome_clear(&outcome);
}

static void test_unknown(void)
{
	static const char *const lines[] = { "", "nonsense", "vapp", "vapp nonsense", "-x",
		"status --nonsense", "status --timeout=0", "status --timeout=x", "hosts --to=B",
		"plan shop --to", "map search nonsense", "map search device:x --depth=-1" };

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		expect_usage(lines[i]);
}

/* One argument too few, one too many, for every command. */
static void test_arguments(void)
{
	for (const struct command *c = COMMANDS; c->noun; c++) {
		g_autofree char *words = words_of(c);
		g_autoptr(GString) line = g_string_new(words);

		for (int i = 0; i + 1 < c->min_args; i++)
			g_string_append(line, " a");
		if (c->min_args > 0)
			expect_usage(line->str);
		g_string_assign(line, words);
		for (int i = 0; i < c->max_args + 1; i++)
			g_string_append(line, " a");
		if (c->max_args >= 0)
			expect_usage(line->str);
	}
}

/* ---- failing ---- */

static const struct failure {
	const char *line;
	int code;
	const char *says;
} failures[] = {
	{ "status --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "hosts --json --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "vapp list --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "vapp start shop --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "alerts --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "map search device:x --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "link s1 s2 --timeout=1", COMMAND_UNREACHABLE, "is drover-mapd running" },
	{ "status --config=@FOLDER/none.conf", COMMAND_REFUSED, "none.conf" },
	{ "status --snapshot=@FOLDER/none.json", COMMAND_REFUSED, "none.json" },
	{ "status --snapshot=@FOLDER/broken.json", COMMAND_REFUSED, "broken.json:1:" },
	{ "status --snapshot=@FOLDER/empty.json", COMMAND_REFUSED, "empty.json" },
	{ "vapp show nosuch --snapshot=@SNAPSHOT", COMMAND_REFUSED, "nosuch: no such application" },
	{ "plan nosuch --snapshot=@SNAPSHOT", COMMAND_REFUSED, "nosuch: no such application" },
	{ "plan shop --to=Z --snapshot=@SNAPSHOT", COMMAND_REFUSED, "Z: no such host" },
	{ "verify nosuch --snapshot=@SNAPSHOT", COMMAND_REFUSED, "nosuch: no such application" },
	{ "vapp show shpo --snapshot=@SNAPSHOT", COMMAND_REFUSED, "did you mean shop?" },
	{ "move shop --dry-run --to=Z --snapshot=@SNAPSHOT", COMMAND_REFUSED, "Z: no such host" },
	{ "move Shop -n --snapshot=@SNAPSHOT", COMMAND_REFUSED, "did you mean shop?" },
	{ "move shop --to=B --snapshot=@SNAPSHOT", COMMAND_USAGE, "--dry-run" },
	{ "move shop --to=B -A C=down", COMMAND_USAGE, "--dry-run" },
	{ "plan shop --snapshot=@SNAPSHOT -A Q=down", COMMAND_REFUSED, "Q=down: no host" },
	{ "plan shop --snapshot=@SNAPSHOT -A @@FOLDER/none", COMMAND_REFUSED, "none" },
	{ "plan shop --snapshot=@SNAPSHOT -A @@FOLDER/bad-assumptions", COMMAND_REFUSED, "line 3" },
	{ "plan shop --snapshot=@SNAPSHOT -A label-policy=@FOLDER/broken.json", COMMAND_REFUSED,
		"broken.json" },
	{ "staus", COMMAND_USAGE, "did you mean status?" },
	{ "label", COMMAND_USAGE, "history show" },
	{ "label history", COMMAND_USAGE, "history forget" },
	{ "label history forget B red", COMMAND_USAGE, "--reason is missing" },
	{ "label history show Q --snapshot=@SNAPSHOT", COMMAND_REFUSED, "Q: no such host" },
	{ "explain NOSUCH", COMMAND_REFUSED, "NOSUCH is no reason code" },
	{ "explain MEMRY", COMMAND_REFUSED, "did you mean MEMORY?" },
	{ "help nonsense", COMMAND_USAGE, "is no command" },
	{ "plan shop --to", COMMAND_USAGE, "drover plan --help" },
	{ "plan", COMMAND_USAGE, "usage: drover plan VAPP" },
	{ "status --config=@FOLDER/no-cert.conf", COMMAND_REFUSED,
		"see [map] url, ca, cert and key" },
	{ "label show @FOLDER/none.acm", COMMAND_REFUSED, "none.acm" },
	{ "vapp import @FOLDER/none.ovf", COMMAND_REFUSED, "none.ovf" },
	{ "vapp capture x", COMMAND_USAGE, "--name is missing" },
};

static void test_failure(gconstpointer data)
{
	const struct failure *failure = data;
	struct outcome outcome = run_line(failure->line);

	g_test_message("%s: %s", failure->line, outcome.err);
	g_assert_cmpint(outcome.code, ==, failure->code);
	g_assert_true(g_str_has_prefix(outcome.err, "drover: "));
	g_assert_nonnull(strstr(outcome.err, failure->says));
	g_assert_cmpstr(outcome.out, ==, "");
	outcome_clear(&outcome);
}

/* ---- golden ---- */

static const struct golden {
	const char *file;
	const char *line;
	int code;
} goldens[] = {
	{ "status.txt", "status --snapshot=@SNAPSHOT", 0 },
	{ "status.json", "status --json --snapshot=@SNAPSHOT", 0 },
	{ "hosts.txt", "hosts --snapshot=@SNAPSHOT", 0 },
	{ "hosts.json", "hosts --json --snapshot=@SNAPSHOT", 0 },
	{ "vapp-list.txt", "vapp list --snapshot=@SNAPSHOT", 0 },
	{ "vapp-list.json", "vapp list --json --snapshot=@SNAPSHOT", 0 },
	{ "vapp-show.txt", "vapp show shop --snapshot=@SNAPSHOT", 0 },
	{ "vapp-show.json", "vapp show shop --json --snapshot=@SNAPSHOT", 0 },
	{ "plan-b.txt", "plan shop --to=B --snapshot=@SNAPSHOT", 0 },
	{ "plan-c.txt", "plan shop --to=C --snapshot=@SNAPSHOT", 1 },
	{ "plan-c.json", "plan shop --to=C --json --snapshot=@SNAPSHOT", 1 },
	{ "plan.txt", "plan shop --snapshot=@SNAPSHOT", 0 },
	{ "assume.txt", "plan shop --to=C --snapshot=@SNAPSHOT -A C.memory=+200M --assume=bank=off",
		1 },
	{ "assume.json", "plan shop --to=C --json --snapshot=@SNAPSHOT -A @@FOLDER/assumptions",
		0 },
	{ "assume-down.txt", "plan shop --snapshot=@SNAPSHOT -A B=down", 0 },
	{ "assume-policy.txt",
		"plan bank --to=B --snapshot=@SNAPSHOT -A label-policy=@FOLDER/policy", 0 },
	{ "move-assume.txt", "move shop -n --to=C --snapshot=@SNAPSHOT -A @@FOLDER/assumptions",
		0 },
	{ "history.txt", "label history show --snapshot=@SNAPSHOT", 0 },
	{ "history.json", "label history show B --json --snapshot=@SNAPSHOT", 0 },
	{ "plan-explain.txt", "plan shop --to=C --explain --snapshot=@SNAPSHOT", 1 },
	{ "help-label.txt", "label --help", 0 },
	{ "help-move.txt", "help move", 0 },
	{ "move.txt", "move shop --dry-run --snapshot=@SNAPSHOT", 0 },
	{ "move.json", "move shop -n --json --snapshot=@SNAPSHOT", 0 },
	{ "move-c.txt", "move shop -n --to=C --snapshot=@SNAPSHOT", 1 },
	{ "move-c.json", "move shop -n --to=C --json --snapshot=@SNAPSHOT", 1 },
	{ "move-status.txt", "move bank --status --snapshot=@SNAPSHOT", 0 },
	{ "move-status.json", "move bank --status --json --snapshot=@SNAPSHOT", 0 },
	{ "verify.txt", "verify --snapshot=@SNAPSHOT", 1 },
	{ "verify-shop.json", "verify shop --json --snapshot=@SNAPSHOT", 0 },
	{ "explain.txt", "explain MEMORY", 0 },
	{ "explain.json", "explain --json MEMORY", 0 },
	{ "label.txt", "label show @FOLDER/policy", 0 },
	{ "label.json", "label show --json @FOLDER/policy", 0 },
};

static void expect_json(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);

	if (!json)
		g_error("line %d: %s", why.line, why.text);
	json_decref(json);
}

static void test_golden(gconstpointer data)
{
	const struct golden *golden = data;
	struct outcome outcome = run_line(golden->line);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "golden", golden->file, NULL);
	g_autofree char *want = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_cmpstr(outcome.err, ==, "");
	g_assert_cmpint(outcome.code, ==, golden->code);
	if (g_str_has_suffix(golden->file, ".json"))
		expect_json(outcome.out);
	if (g_getenv("REGENERATE"))
		g_file_set_contents(path, outcome.out, -1, &error);
	g_assert_no_error(error);
	g_file_get_contents(path, &want, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(outcome.out, ==, want);
	outcome_clear(&outcome);
}

/* It was done, so a script goes on; but what was done has a flaw, and quiet is not silent. */
static void test_quiet_note(void)
{
	struct outcome outcome = run_line("move bank --status --quiet --snapshot=@SNAPSHOT");

	g_assert_cmpint(outcome.code, ==, COMMAND_DONE);
	g_assert_cmpstr(outcome.out, ==, "");
	g_assert_nonnull(strstr(outcome.err, "move of bank: done: DEGRADED: PATHS"));
	outcome_clear(&outcome);
}

/* Every reason code explains itself, one by one as in the list. */
static void test_explain_all(void)
{
	struct outcome outcome = run_line("explain --json");
	json_t *list = json_loads(outcome.out, 0, NULL);
	json_t *row;
	size_t i;

	g_assert_cmpuint(json_array_size(list), >, 20);
	json_array_foreach(list, i, row)
	{
		g_assert_cmpuint(strlen(json_string_value(json_object_get(row, "what"))), >, 10);
	}
	json_decref(list);
	outcome_clear(&outcome);
}

/* ---- the world ---- */

static void put_reservation(
	struct world *world, const char *vapp, const char *machine, const char *host)
{
	g_autofree char *a = story_machine(vapp, machine);
	g_autofree char *b = story_host(host);
	struct facts_reservation fact = { .purpose = (char[]){ "home" } };

	g_assert_true(world_put(world, FACTS_RESERVATION, a, b, &fact, NULL));
}

static void put_enforced(struct world *world, const char *machine, const char *difference)
{
	g_autofree char *a = story_machine("bank", machine);
	g_autofree char *b = story_host("C");
	g_autofree char *copy = g_strdup(difference);
	struct facts_enforced fact = { .conforming = FALSE,
		.intent = (char[]){ "1111" },
		.readback = (char[]){ "2222" },
		.difference = copy };

	g_assert_true(world_put(world, FACTS_ENFORCED, a, b, &fact, NULL));
}

/* Red has run there, and green did before somebody cleaned. */
static void put_history(struct world *world, const char *host)
{
	g_autofree char *place = story_host(host);
	g_auto(facts_history)
		fact = { .chw = g_strsplit("red", ",", -1), .forgotten = facts_list_new() };
	struct facts_forgotten *one = facts_list_add(fact.forgotten, FACTS_HISTORY, "forgotten");

	one->chw = g_strdup("green");
	one->by = g_strdup("root");
	one->reason = g_strdup("disks wiped");
	one->at_ms = AS_OF_MS - 60000;
	g_assert_true(world_put(world, FACTS_HISTORY, place, NULL, &fact, NULL));
}

/* bank landed on C with a path less than it was promised. */
static void put_degraded(struct world *world)
{
	static const char against[] = "PATHS: flow a needs 2 disjoint paths between C and outside;"
				      " there is 1 (draw a cable C–s2)";
	const struct world_host *a = world_find_host(world, "A");
	const struct world_host *c = world_find_host(world, "C");
	g_auto(facts_order) order = { .id = g_strdup("o2"),
		.verb = g_strdup("move"),
		.phase = g_strdup("done"),
		.state = g_strdup("done"),
		.reason = g_strconcat("DEGRADED: ", against, NULL),
		.at_ms = AS_OF_MS - 9000,
		.ended_ms = AS_OF_MS - 5000,
		.members = facts_list_new(),
		.steps = facts_list_new() };
	struct facts_order_member *member = facts_list_add(order.members, FACTS_ORDER, "member");
	struct facts_order_step *step = facts_list_add(order.steps, FACTS_ORDER, "step");

	member->vm = g_strdup(world_find_member(world, "bank", "b1")->uuid);
	member->machine = g_strdup("b1");
	member->from = g_strdup(a->uuid);
	member->to = g_strdup(c->uuid);
	member->gap_ms = 312;
	step->name = g_strdup("resume");
	step->state = g_strdup("done");
	step->started_ms = AS_OF_MS - 6000;
	step->ended_ms = AS_OF_MS - 5900;
	step->text = g_strdup(against);
	g_assert_true(world_put(world, FACTS_ORDER, "vapp:bank", NULL, &order, NULL));
}

/* The story, with reservations; b1's rules differ; a host "AB" whose name is part of nobody's
 * machine, and an order that was refused. */
static void write_snapshot(void)
{
	g_autoptr(world_value) world = story_world();
	struct facts_order order = { .id = (char[]){ "o1" },
		.verb = (char[]){ "move" },
		.phase = (char[]){ "done" },
		.state = (char[]){ "refused" },
		.reason = (char[]){ "MEMORY: C has too little" } };
	json_t *json;
	char *text;

	world_set_as_of(world, AS_OF_MS);
	put_history(world, "B");
	put_reservation(world, "shop", "web1", "A");
	put_reservation(world, "bank", "b1", "C");
	put_enforced(world, "b1", "rule customers is missing");
	g_assert_true(world_put(world, FACTS_ORDER, "vapp:shop", NULL, &order, NULL));
	put_degraded(world);
	json = world_to_json(world);
	text = json_dumps(json, JSON_INDENT(1));
	g_assert_true(g_file_set_contents(snapshot, text, -1, NULL));
	free(text);
	json_decref(json);
}

static void write_file(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void setup(void)
{
	g_autofree char *cert = NULL;
	g_autofree char *key = NULL;
	g_autofree char *text = NULL;

	folder = g_dir_make_tmp("drover-cmd-XXXXXX", NULL);
	snapshot = g_build_filename(folder, "world.json", NULL);
	config = g_build_filename(folder, "drover.conf", NULL);
	cert = g_build_filename(folder, "cert.pem", NULL);
	key = g_build_filename(folder, "key.pem", NULL);
	testcert_write(cert, key);
	/* Nobody listens on the discard port of loopback. */
	text = g_strdup_printf(
		"[map]\nurl=https://127.0.0.1:9/\nca=%s\ncert=%s\nkey=%s\n", cert, cert, key);
	write_file("drover.conf", text);
	write_file("no-cert.conf",
		"[map]\nurl=https://127.0.0.1:9/\nca=/none/ca.pem\ncert=/none/c\nkey=/none/k\n");
	write_file("broken.json", "{");
	write_file("empty.json", "{}");
	write_file("policy", STORY_POLICY);
	write_file("assumptions",
		"# what C lacks\n\nC.memory=+200M\nC.segment=+back\n bank=off \nC--s2=up\n");
	write_file("bad-assumptions", "# one\nC.memory=+200M\nC.memory=much\n");
	write_snapshot();
}

static void teardown(void)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		g_unlink(path);
	}
	g_rmdir(folder);
	g_free(folder);
	g_free(snapshot);
	g_free(config);
}

int main(int argc, char **argv)
{
	int code;

	g_test_init(&argc, &argv, NULL);
	setup();
	g_test_add_func("/run/help", test_help);
	g_test_add_func("/run/version", test_version);
	g_test_add_func("/run/unknown", test_unknown);
	g_test_add_func("/run/arguments", test_arguments);
	for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
		g_autofree char *path = g_strdup_printf("/run/failure/%zu", i);

		g_test_add_data_func(path, &failures[i], test_failure);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(goldens); i++) {
		g_autofree char *path = g_strconcat("/run/golden/", goldens[i].file, NULL);

		g_test_add_data_func(path, &goldens[i], test_golden);
	}
	g_test_add_func("/run/quiet-note", test_quiet_note);
	g_test_add_func("/run/explain-all", test_explain_all);
	code = g_test_run();
	teardown();
	return code;
}
