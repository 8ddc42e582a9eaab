/* What if: every form changes what it says and nothing else; what makes no sense is refused with
 * the line that said it. */
#include "plan/assume.h"
#include "story.h"

#include <string.h>

#define SHOP_C "shop", "C"

static void suppose(struct world *world, const char *line)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *sentence = plan_assume(world, line, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(strlen(sentence), >, 0);
	g_test_message("%s: %s", line, sentence);
}

/* The codes against the vApp on the host, "MEMORY PATHS"; newly allocated. */
static char *codes_on(const struct world *world, const char *vapp, const char *host)
{
	g_autoptr(plan_judge) judge = plan_judge_new(world);
	g_autoptr(GPtrArray) reasons = NULL;
	GString *codes = g_string_new(NULL);

	plan_clear_on(judge, vapp, host, 0, &reasons);
	for (unsigned i = 0; reasons && i < reasons->len; i++) {
		const struct plan_reason *reason = reasons->pdata[i];

		g_string_append_printf(
			codes, "%s%s", codes->len ? " " : "", plan_code_info(reason->code)->name);
	}
	return g_string_free(codes, FALSE);
}

static void expect(const struct world *world, const char *vapp, const char *host, const char *want)
{
	g_autofree char *codes = codes_on(world, vapp, host);

	g_assert_cmpstr(codes, ==, want);
}

/* ---- each form: the lines, and what stands against a vApp on a host then ---- */

static const struct form {
	const char *name;
	const char *lines; /* blank separated */
	const char *vapp, *host;
	const char *codes;
} forms[] = {
	{ "nothing", "", SHOP_C, "MEMORY SEGMENT_MISSING LABEL_CONFLICT PATHS" },
	{ "memory-more", "C.memory=+128", SHOP_C, "SEGMENT_MISSING LABEL_CONFLICT PATHS" },
	{ "memory-too-little", "C.memory=+127M", SHOP_C,
		"MEMORY SEGMENT_MISSING LABEL_CONFLICT PATHS" },
	{ "memory-absolute", "C.memory=8GiB", SHOP_C, "SEGMENT_MISSING LABEL_CONFLICT PATHS" },
	{ "memory-less", "B.memory=-600M", "shop", "B", "MEMORY" },
	{ "cpus", "B.cpus=3", "shop", "B", "CPUS" },
	{ "segment", "C.segment=+back", SHOP_C, "MEMORY LABEL_CONFLICT PATHS" },
	{ "segment-gone", "B.segment=-back", "shop", "B", "SEGMENT_MISSING" },
	{ "application-off", "bank=off", SHOP_C, "SEGMENT_MISSING PATHS" },
	{ "machine-off", "bank/b1=off C.memory=+21M", SHOP_C,
		"SEGMENT_MISSING LABEL_CONFLICT PATHS" },
	{ "application-moved", "bank=B", "shop", "B", "LABEL_CONFLICT" },
	{ "machine-moved", "bank/b2=B", "shop", "B", "LABEL_CONFLICT" },
	{ "cable-drawn", "C--s2=up", SHOP_C, "MEMORY SEGMENT_MISSING LABEL_CONFLICT" },
	{ "cable-as-in-reasons", "C–s2=up", SHOP_C, "MEMORY SEGMENT_MISSING LABEL_CONFLICT" },
	{ "cable-down", "s1--B=down", "shop", "B", "PATHS" },
	{ "switch-down", "s2=down", "shop", "B", "PATHS" },
	{ "switch-up-again", "s2=down s2=up", "shop", "B", "" },
	{ "uplinks-down", "B.uplinks=down", "shop", "B", "PATHS" },
	{ "host-down", "B=down", "shop", "B", "AGENT_ABSENT" },
	{ "host-back", "B=down B=up B.uplinks=up", "shop", "B", "" },
	{ "other-host-down", "C=down", "shop", "B", "" },
	{ "not-enforcing", "B.enforcing=no", "shop", "B", "AGENT_NOT_CONFORMING" },
	{ "enforcing-again", "B.enforcing=no B.enforcing=yes", "shop", "B", "" },
	{ "any-fact", "capacity@device:bbbbbbbb-0000-4000-8000-000000000000.cpus=2", "shop", "B",
		"CPUS" },
	{ "any-fact-gone", "capacity@device:bbbbbbbb-0000-4000-8000-000000000000=gone", "shop", "B",
		"FACTS_STALE" },
	{ "all-of-it", "C.memory=+200M C.segment=+back bank=off C--s2=up", SHOP_C, "" },
};

static void test_form(gconstpointer data)
{
	const struct form *form = data;
	g_autoptr(world_value) world = story_world();
	g_auto(GStrv) lines = g_strsplit(form->lines, " ", -1);

	for (char **line = lines; *line; line++)
		suppose(world, *line);
	expect(world, form->vapp, form->host, form->codes);
}

/* A wall that remembers, and its forgetting. */
static void test_history(void)
{
	g_autoptr(world_value) world = story_world();

	story_policy(world,
		"[policy]\nname=t\nversion=1.0\n[type blue]\n[type red]\n"
		"[conflict money]\ntypes=blue;red\nlasting=true\n[label blue]\nste=blue\nchw=blue\n"
		"[label red]\nste=red\nchw=red\n");
	expect(world, "shop", "B", "");
	suppose(world, "B.history=+red");
	expect(world, "shop", "B", "LABEL_HISTORY");
	suppose(world, "B.history=-red");
	expect(world, "shop", "B", "");
	suppose(world, "B.history=+red");
	suppose(world, "B.history=none");
	expect(world, "shop", "B", "");
}

/* A host whose name has dots is no property of another. */
static void test_dots(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *b = story_host("B");
	struct facts_host fact = { .name = (char[]){ "b.example.org" }, .enforcing = TRUE };

	world_put(world, FACTS_HOST, b, NULL, &fact, NULL);
	suppose(world, "b.example.org.cpus=1");
	expect(world, "shop", "b.example.org", "CPUS");
	suppose(world, "b.example.org=down");
	expect(world, "shop", "b.example.org", "AGENT_ABSENT");
}

/* A machine that comes and goes takes what the host says is used with it. */
static void test_use(void)
{
	g_autoptr(world_value) world = story_world();
	g_autofree char *c = story_host("C");
	struct facts_capacity fact = { 0 };
	const struct facts_capacity *after;

	facts_copy(FACTS_CAPACITY, world_get(world, FACTS_CAPACITY, c, NULL), &fact);
	fact.memory_used_mib = 214;
	fact.cpus_used = 2;
	world_put(world, FACTS_CAPACITY, c, NULL, &fact, NULL);
	facts_clear(FACTS_CAPACITY, &fact);
	suppose(world, "bank=off");
	after = world_get(world, FACTS_CAPACITY, c, NULL);
	g_assert_cmpuint(after->memory_used_mib, ==, 0);
	g_assert_cmpuint(after->cpus_used, ==, 0);
	suppose(world, "bank/b1=C");
	after = world_get(world, FACTS_CAPACITY, c, NULL);
	g_assert_cmpuint(after->memory_used_mib, ==, 107);
	g_assert_cmpuint(after->cpus_used, ==, 1);
}

/* ---- what makes no sense ---- */

static void test_bad(void)
{
	static const char *const lines[] = { "", "=", "B", "B=", "=down", "B=off", "Q=down",
		"B.memory=", "B.memory=x", "B.memory=+", "B.memory=+8X", "B.memory=8G8",
		"B.memory=--8", "B.memory=99999999999999999999", "B.cpus=4G", "B.nonsense=1",
		"Q.memory=1", "B.segment=back", "B.segment=+", "B.cpu-model=+", "B.enforcing=maybe",
		"B.history=red", "B--Q=up", "B--s9=down", "s1--s2=down", "B--s1=maybe", "shop=Q",
		"shop/none=off", "none/web1=off", "shop/web1=", "s1=off", "nonsense@device:x=gone",
		"capacity@device:x.nonsense=1", "capacity@vapp:x.cpus=1", "capacity@.cpus=1",
		"capacity=gone", "@=x", "capacity@x.cpus=1", "host@device:x.enforcing=yes" };

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_autoptr(world_value) world = story_world();
		g_autoptr(GError) error = NULL;

		g_test_message("%s", lines[i]);
		g_assert_null(plan_assume(world, lines[i], &error));
		g_assert_nonnull(error);
		g_assert_true(g_str_has_prefix(error->message, lines[i]));
		expect(world, "shop", "B", "");
	}
}

/* The examples that help and manual print hold in the world that they speak of. */
static void test_examples(void)
{
	g_autofree char *b = story_host("B");

	for (const struct plan_assume_form *form = PLAN_ASSUME_FORMS; form->example; form++) {
		g_autoptr(world_value) world = story_world();
		g_autoptr(GString) line = g_string_new(form->example);

		g_string_replace(line, "device:UUID", b, 0);
		suppose(world, line->str);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree char *path = g_strconcat("/plan/assume/", forms[i].name, NULL);

		g_test_add_data_func(path, &forms[i], test_form);
	}
	g_test_add_func("/plan/assume/history", test_history);
	g_test_add_func("/plan/assume/dots", test_dots);
	g_test_add_func("/plan/assume/use", test_use);
	g_test_add_func("/plan/assume/bad", test_bad);
	g_test_add_func("/plan/assume/examples", test_examples);
	return g_test_run();
}
