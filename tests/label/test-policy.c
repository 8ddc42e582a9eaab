/* Reading and writing policies: the two forms of one policy, and what is refused with which words.
 */
#include "base/xml.h"
#include "label/decide.h"
#include "label/read.h"

#include <string.h>

static struct label_policy *read_file(const char *name)
{
	g_autofree char *path = g_build_filename(g_getenv("CORPUS"), name, NULL);
	g_autofree char *data = NULL;
	g_autoptr(GError) error = NULL;
	struct label_policy *policy = NULL;
	gsize size = 0;

	g_assert_true(g_file_get_contents(path, &data, &size, &error));
	policy = label_policy_read(name, data, size, &error);
	g_assert_no_error(error);
	g_assert_nonnull(policy);
	return policy;
}

static void test_two_forms(void)
{
	g_autoptr(label_policy) ours = read_file("floor.conf");
	g_autoptr(label_policy) acm = read_file("floor.xml");

	g_assert_true(label_policy_equal(ours, acm));
}

static void test_contents(void)
{
	g_autoptr(label_policy) policy = read_file("floor.conf");
	const struct label *shop = label_policy_find(policy, LABEL_WORKLOAD, "shop");
	const struct label_conflict *banks = label_policy_find_conflict(policy, "banks");
	size_t n;

	g_assert_cmpstr(label_policy_header(policy)->name, ==, "floor");
	g_assert_cmpstr(label_policy_header(policy)->date, ==, "2026-11-22");
	label_policy_types(policy, &n);
	g_assert_cmpuint(n, ==, 3);
	label_policy_labels(policy, &n);
	g_assert_cmpuint(n, ==, 4);
	g_assert_cmpstr(shop->ste[0], ==, "blue");
	g_assert_cmpstr(shop->ste[1], ==, "service");
	g_assert_null(shop->ste[2]);
	g_assert_cmpstr(shop->chw[0], ==, "blue");
	g_assert_true(banks->lasting);
	g_assert_cmpuint(label_policy_find_type(policy, "service")->uses, ==, LABEL_USE_STE);
	g_assert_null(label_policy_find(policy, LABEL_RESOURCE, "shop"));
	g_assert_nonnull(label_policy_find(policy, LABEL_RESOURCE, "shop-disk"));
	g_assert_null(label_policy_find_type(policy, "green"));
	g_assert_null(label_policy_find(policy, LABEL_WORKLOAD, NULL));
}

static void test_xen_default(void)
{
	g_autoptr(label_policy) policy = read_file("primary.xml");
	const struct label_header *header = label_policy_header(policy);
	const struct label *label = label_policy_find(policy, LABEL_WORKLOAD, "SystemManagement");

	g_assert_cmpint(header->primary, ==, LABEL_PRIMARY_CHW);
	g_assert_cmpstr(header->bootstrap, ==, "SystemManagement");
	g_assert_cmpstr(header->url, ==, "floor.example/small");
	g_assert_cmpuint(g_strv_length(label->ste), ==, 2);
	g_assert_cmpuint(g_strv_length(label->chw), ==, 0);
}

static void test_equal_sees_differences(void)
{
	static const char base[] = "[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n"
				   "[conflict c]\ntypes=a;b\n[label l]\nste=a\n";
	static const char *const others[] = {
		"[policy]\nname=q\nversion=1.0\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\n[label l]\nste=a\n",
		"[policy]\nname=p\nversion=1.1\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\n[label l]\nste=a\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\nuses=ste;chw\ncolour=#000000\n[type b]\n[conflict c]\ntypes=a;b\n[label l]\nste=a\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\nlasting=true\n[label l]\nste=a\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\n[label l]\nste=b\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\n[label l]\nste=a\nchw=a\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\n[resource l]\nste=a\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n[conflict c]\ntypes=a;b\n",
		"[policy]\nname=p\nversion=1.0\n[type a]\n[type b]\n[label l]\nste=a\n",
	};
	g_autoptr(label_policy) policy = label_policy_read("base", base, strlen(base), NULL);

	g_assert_true(label_policy_equal(policy, policy));
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(label_policy)
			other = label_policy_read("other", others[i], strlen(others[i]), &error);

		g_assert_no_error(error);
		g_assert_false(label_policy_equal(policy, other));
	}
}

static void test_colours(void)
{
	g_autoptr(label_policy) policy = read_file("floor.conf");
	char colour[8], again[8];

	label_type_colour(label_policy_find_type(policy, "blue"), colour);
	g_assert_cmpstr(colour, ==, "#3366cc");
	label_colour(policy, label_policy_find(policy, LABEL_WORKLOAD, "bank"), colour);
	g_assert_cmpstr(colour, ==, "#aa0000");
	label_colour(policy, label_policy_find(policy, LABEL_RESOURCE, "shop-disk"), colour);
	g_assert_cmpstr(colour, ==, "#3366cc");
	label_type_colour(label_policy_find_type(policy, "red"), colour);
	g_assert_true(g_regex_match_simple("^#[0-9a-f]{6}$", colour, 0, 0));
	label_type_colour(label_policy_find_type(policy, "service"), again);
	g_assert_cmpstr(colour, !=, again);
}

#define HEAD "[policy]\nname=p\nversion=1.0\n"
#define XHEAD \
	"<SecurityPolicyDefinition>\n<PolicyHeader><PolicyName>p</PolicyName><Version>1.0</Version></PolicyHeader>\n"
#define XTYPES "<ChineseWall><ChineseWallTypes><Type>a</Type><Type>b</Type></ChineseWallTypes>\n"
#define XTAIL  "</SecurityPolicyDefinition>"

/* What is wrong, and how the error begins and what it names. */
static const struct {
	const char *text;
	const char *where;
	const char *why;
} refused[] = {
	{ "", "f:0: [policy]: ", "no name and version" },
	{ "   \n", "f:0: [policy]: ", "no name and version" },
	{ "rubbish", "f:1: \"rubbish\": ", "neither [group]" },
	{ "a=b\n", "f:1: \"a=b\": ", "before the first group" },
	{ "[policy\n", "f:1: \"[policy\": ", "brackets" },
	{ "[policy]\nname=p\n", "f:1: [policy]: ", "version" },
	{ "[policy]\nname=p\nversion=one\n", "f:1: [policy]: ", "version" },
	{ "[policy]\nname=p\nversion=1.0.0\n", "f:1: [policy]: ", "version" },
	{ "[policy]\nname=p\nversion=123456789.0\n", "f:1: [policy]: ", "version" },
	{ "[policy]\nname=\nversion=1.0\n", "f:1: [policy]: ", "cannot name a policy" },
	{ HEAD "primary=both\n", "f:4: [policy] primary: ", "neither" },
	{ HEAD "bootstrap=nobody\n", "f:1: [policy]: ", "nobody is not a workload" },
	{ HEAD "name=q\n", "f:4: \"name=q\": ", "twice" },
	{ HEAD "[type a]\n[type b]\n[type a]\n", "f:6: \"[type a]\": ", "twice" },
	{ HEAD "[typ a]\n", "f:4: [typ a]: ", "not one of" },
	{ HEAD "[type]\n", "f:4: [type]: ", "not one of" },
	{ HEAD "[type ]\n", "f:4: [type ]: ", "cannot name a type" },
	{ HEAD "[type a;b]\n", "f:4: [type a;b]: ", "cannot name a type" },
	{ HEAD "[type a  b]\n", "f:4: [type a  b]: ", "cannot name a type" },
	{ HEAD "[type a]\ncolor=#000000\n", "f:5: [type a] color: ", "unknown key" },
	{ HEAD "[type a]\ncolour[de]=#000000\n", "f:5: [type a] colour[de]: ", "unknown key" },
	{ HEAD "[type a]\ncolour=red\n", "f:4: [type a]: ", "#3366cc" },
	{ HEAD "[type a]\ncolour=#12345g\n", "f:4: [type a]: ", "#3366cc" },
	{ HEAD "[type a]\nuses=ste;ste\n", "f:5: [type a] uses: ", "ste;chw" },
	{ HEAD "[type a]\nuses=both\n", "f:5: [type a] uses: ", "ste;chw" },
	{ HEAD "[type a]\nuses=\n", "f:5: [type a] uses: ", "ste;chw" },
	{ HEAD "[type a]\ncolour=\\q\n", "f:5: [type a] colour: ", "" },
	{ HEAD "[type a]\n[conflict c]\ntypes=a\n", "f:5: [conflict c]: ", "fewer than two" },
	{ HEAD "[type a]\n[conflict c]\ntypes=a;a\n", "f:5: [conflict c]: ", "fewer than two" },
	{ HEAD "[type a]\n[conflict c]\n", "f:5: [conflict c]: ", "fewer than two" },
	{ HEAD "[type a]\n[conflict c]\ntypes=a;b\n", "f:5: [conflict c]: ", "type b is not" },
	{ HEAD "[type a]\n[type b]\nuses=ste\n[conflict c]\ntypes=a;b\n",
		"f:7: [conflict c]: ", "type b is not" },
	{ HEAD "[type a]\n[type b]\n[conflict c]\ntypes=a;b\nlasting=yes\n",
		"f:8: [conflict c] lasting: ", "neither true" },
	{ HEAD "[label l]\nste=a\n", "f:4: [label l]: ", "type a is not" },
	{ HEAD "[type a]\nuses=chw\n[label l]\nste=a\n", "f:6: [label l]: ", "type a is not" },
	{ HEAD "[type a]\n[label l]\nste=a;;a\n", "f:5: [label l]: ", "is not" },
	{ HEAD "[type a]\n[type b]\n[conflict c]\ntypes=a;b\n[label l]\nchw=b;a\n",
		"f:8: [label l]: ", "keeps apart" },
	{ HEAD "[type a]\n[resource r]\nchw=a\n", "f:6: [resource r] chw: ", "unknown key" },
	{ HEAD "[type a]\n\xff\n", "f:1: file: ", "UTF-8" },
	{ XHEAD "<ChineseWall xmlns:d='urn:drover:label:1' d:lasting='true'/>" XTAIL,
		"f:3: <ChineseWall>: ", "attribute lasting" },
	{ "<a/>", "f:1: <a>: ", "<SecurityPolicyDefinition> expected" },
	{ "<a", "f:1: ", "" },
	{ "<!DOCTYPE a><a/>", "f:1: ", "document type" },
	{ "<SecurityPolicyDefinition/>", "f:1: <SecurityPolicyDefinition>: ", "<PolicyHeader>" },
	{ XHEAD XTAIL, "f:1: <SecurityPolicyDefinition>: ", "<SecurityLabelTemplate>" },
	{ XHEAD "<Foo/>" XTAIL, "f:3: <Foo>: ", "not expected" },
	{ XHEAD "<PolicyHeader/>" XTAIL, "f:3: <PolicyHeader>: ", "twice" },
	{ XHEAD XTYPES "</ChineseWall><SecurityLabelTemplate foo='1'/>" XTAIL,
		"f:4: <SecurityLabelTemplate>: ", "attribute foo" },
	{ XHEAD "<ChineseWall priority='high'/>" XTAIL, "f:3: <ChineseWall>: ", "priority" },
	{ XHEAD XTYPES
		"<ConflictSets>\n<Conflict name='c'><Type>a</Type></Conflict></ConflictSets></ChineseWall>" XTAIL,
		"f:5: <Conflict>: ", "fewer than two" },
	{ XHEAD XTYPES
		"<ConflictSets>\n<Conflict><Type>a</Type><Type>b</Type></Conflict></ConflictSets></ChineseWall>" XTAIL,
		"f:5: <Conflict>: ", "cannot name a conflict set" },
	{ XHEAD XTYPES
		"<ConflictSets>\n<Conflict name='c' lasting='true'><Type>a</Type><Type>b</Type></Conflict></ConflictSets></ChineseWall>" XTAIL,
		"f:5: <Conflict>: ", "attribute lasting" },
	{ XHEAD XTYPES
		"<ConflictSets>\n<Conflict name='c'><Type>a</Type><Type>z</Type></Conflict></ConflictSets></ChineseWall>" XTAIL,
		"f:5: <Conflict>: ", "type z is not" },
	{ XHEAD "<ChineseWall><ChineseWallTypes>\n<Type>a</Type><Type>a</Type></ChineseWallTypes></ChineseWall>" XTAIL,
		"f:4: <Type>: ", "twice" },
	{ XHEAD "<ChineseWall><ChineseWallTypes>\n<Type>a<b/></Type></ChineseWallTypes></ChineseWall>" XTAIL,
		"f:4: <Type>: ", "text expected" },
	{ XHEAD "<ChineseWall><ChineseWallTypes/></ChineseWall>" XTAIL,
		"f:3: <ChineseWallTypes>: ", "<Type> is missing" },
	{ XHEAD XTYPES
		"</ChineseWall><SecurityLabelTemplate><ObjectLabels>\n"
		"<ResourceLabel><Name>r</Name></ResourceLabel></ObjectLabels></SecurityLabelTemplate>" XTAIL,
		"f:5: <ResourceLabel>: ", "<SimpleTypeEnforcementTypes> is missing" },
	{ XHEAD "<SecurityLabelTemplate><SubjectLabels bootstrap='x'><VirtualMachineLabel><Name>l</Name>"
		"</VirtualMachineLabel></SubjectLabels></SecurityLabelTemplate>" XTAIL,
		"f:1: <SecurityPolicyDefinition>: ", "bootstrap label x" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;
		const char *text = refused[i].text;

		g_test_message("%zu: %s", i, text);
		g_assert_null(label_policy_read("f", text, strlen(text), &error));
		g_assert_nonnull(error);
		g_test_message("says: %s", error->message);
		g_assert_true(g_str_has_prefix(error->message, refused[i].where));
		g_assert_nonnull(strstr(error->message, refused[i].why));
		g_assert_null(strchr(error->message, '\n'));
	}
}

/* HEAD and `n` lines made of `format`, which takes one number. */
static char *many(const char *head, const char *before, const char *after, unsigned n)
{
	GString *text = g_string_new(head);

	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(text, "%s%u%s", before, i, after);
	return g_string_free(text, FALSE);
}

static void check_limit(char *text, gboolean good)
{
	g_autofree char *owned = text;
	g_autoptr(GError) error = NULL;
	g_autoptr(label_policy) policy = label_policy_read("f", text, strlen(text), &error);

	g_assert_true((policy != NULL) == good);
	g_assert_true(good || g_error_matches(error, LABEL_ERROR, LABEL_ERROR_LIMIT) ||
		      g_error_matches(error, BASE_XML_ERROR, BASE_XML_ERROR_LIMIT));
}

static void test_limits(void)
{
	g_autofree char *long_name = g_strnfill(LABEL_MAX_NAME, 'n');
	g_autofree char *spaces = g_strnfill(1024 * 1024 + 1, ' ');
	g_autofree char *deep = many("<SecurityPolicyDefinition>", "<x", ">", 10000);

	check_limit(many(HEAD, "[type t", "]\n", LABEL_MAX_TYPES), TRUE);
	check_limit(many(HEAD, "[type t", "]\n", LABEL_MAX_TYPES + 1), FALSE);
	check_limit(many(HEAD, "[label l", "]\n", LABEL_MAX_LABELS), TRUE);
	check_limit(many(HEAD, "[label l", "]\n", LABEL_MAX_LABELS + 1), FALSE);
	check_limit(many(HEAD "[type a]\n[type b]\n", "[conflict c", "]\ntypes=a;b\n",
			    LABEL_MAX_CONFLICTS),
		TRUE);
	check_limit(many(HEAD "[type a]\n[type b]\n", "[conflict c", "]\ntypes=a;b\n",
			    LABEL_MAX_CONFLICTS + 1),
		FALSE);
	check_limit(g_strconcat(HEAD, "[type ", long_name, "]\n", NULL), TRUE);
	check_limit(g_strconcat(spaces, HEAD, NULL), FALSE);
	check_limit(g_strconcat(spaces, "<a/>", NULL), FALSE);
	check_limit(g_steal_pointer(&deep), FALSE);
}

/* The costliest policy of its size that we could think of: it must be read in a moment. */
static void test_costly(void)
{
	g_autoptr(GString) text = g_string_new(HEAD);
	g_autofree char *list = many("types=", "", ";", 900);
	g_autoptr(label_policy) policy = NULL;
	g_autoptr(GError) error = NULL;
	const char *running[] = { "l1", NULL };
	struct label_host host = { running, NULL };

	for (unsigned i = 0; i < 1000; i++)
		g_string_append_printf(text, "[type %u]\n", i);
	for (unsigned i = 0; i < 200; i++)
		g_string_append_printf(text, "[conflict c%u]\n%s\n", i, list);
	for (unsigned i = 0; i < 4000; i++)
		g_string_append_printf(text, "[label l%u]\nchw=%u\n", i, i % 1000);
	policy = label_policy_read("f", text->str, text->len, &error);
	g_assert_no_error(error);
	g_assert_false(label_may_run(policy, "l0", &host, NULL));
	g_assert_true(label_may_run(policy, "l1", &host, NULL));
	g_assert_true(label_may_run(policy, "l950", &host, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/label/policy/two-forms", test_two_forms);
	g_test_add_func("/label/policy/contents", test_contents);
	g_test_add_func("/label/policy/xen-default", test_xen_default);
	g_test_add_func("/label/policy/equal", test_equal_sees_differences);
	g_test_add_func("/label/policy/colours", test_colours);
	g_test_add_func("/label/policy/refused", test_refused);
	g_test_add_func("/label/policy/limits", test_limits);
	g_test_add_func("/label/policy/costly", test_costly);
	return g_test_run();
}
