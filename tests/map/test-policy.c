/* Rules by themselves: reading them, deciding by them. */
#include <string.h>

#include "map/pattern.h"
#include "map/policy.h"

#define NS "urn:example:x"

static struct map_policy *read_rules(const char *text, GError **error)
{
	return map_policy_parse(text, "rules", error);
}

static struct map_policy *good_rules(const char *text)
{
	g_autoptr(GError) error = NULL;
	struct map_policy *policy = read_rules(text, &error);
	g_assert_no_error(error);
	return policy;
}

/* ---- asking */

struct ask {
	const char *mark; /* "KIND:TEXT" */
	enum map_action action;
	const char *a;
	const char *b;
	const char *meta; /* element */
	gboolean foreign;
};

static gboolean allows(struct map_policy *policy, const struct ask *ask)
{
	g_autoptr(map_identity)
		who = map_identity_new("me", 0, (const char *const[]){ ask->mark, NULL });
	g_autofree char *variable = NULL;
	g_autoptr(ifmap_id) a = ask->a ? ifmap_id_from_string(ask->a, NULL) : NULL;
	g_autoptr(ifmap_id) b = ask->b ? ifmap_id_from_string(ask->b, NULL) : NULL;
	g_autoptr(ifmap_meta) meta = ask->meta ? ifmap_meta_new(ask->meta, -1, NULL) : NULL;
	struct map_subject subject = { .name = "me",
		.roles = map_policy_roles(policy, who, &variable) };
	const struct map_item item = { a, b, meta, ask->foreign };

	g_assert_true((ask->a == NULL) == (a == NULL) && (ask->meta == NULL) == (meta == NULL));
	subject.variable = variable;
	gboolean first = map_policy_allows(&subject, ask->action, &item);
	g_assert_cmpint(map_policy_allows(&subject, ask->action, &item), ==, first);
	return first;
}

#define META(name, inside)                                                                \
	"<x:" name " xmlns:x=\"" NS "\" ifmap-cardinality=\"multiValue\" k=\"v\">" inside \
	"</x:" name ">"
#define HEAD "[prefixes]\nx = " NS "\n[role r]\nclients = cn:r-{client}; basic:fix*\n"

/* ---- patterns */

static void test_patterns(void)
{
	static const struct {
		const char *pattern;
		const char *text;
		const char *client;
		gboolean match;
		const char *captured;
	} rows[] = {
		{ "a", "a", NULL, TRUE, NULL },
		{ "a", "ab", NULL, FALSE, NULL },
		{ "a*", "a", NULL, TRUE, NULL },
		{ "a*z", "abz", NULL, TRUE, NULL },
		{ "ab*bz", "abz", NULL, FALSE, NULL },
		{ "*", "", NULL, TRUE, NULL },
		{ "{client}", "h1", "h1", TRUE, "h1" },
		{ "{client}", "h1", "h", FALSE, "h1" },
		{ "{client}", "", "", TRUE, NULL },
		{ "{client}", "x", NULL, FALSE, "x" },
		{ "a-{client}-z", "a-h1-z", "h1", TRUE, "h1" },
		{ "{client}:*", "h1:52", "h1", TRUE, NULL },
		{ "{client}:*", "h2:52", "h1", FALSE, NULL },
		{ "*:{client}", "52:h1", "h1", TRUE, NULL },
		{ "{client}{client}", "abab", "ab", TRUE, NULL },
		{ "{client}*{client}", "ab", "ab", FALSE, NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct map_pattern pattern = { 0 };
		g_assert_true(map_pattern_init(&pattern, rows[i].pattern, NULL));
		g_autofree char *captured = map_pattern_capture(&pattern, rows[i].text);
		gboolean match = map_pattern_matches(&pattern, rows[i].text, rows[i].client);
		map_pattern_clear(&pattern);
		if (match == rows[i].match && g_strcmp0(captured, rows[i].captured) == 0)
			continue;
		g_test_message("%s on %s: %d, %s", rows[i].pattern, rows[i].text, match, captured);
		g_test_fail();
	}
}

/* ---- rules */

#define SHOP "ext:" NS "#vapp,name=shop"
#define BANK "ext:" NS "#vapp,name=bank"

#define MAY_ALL    "[rule a]\npermit = everything\nroles = r\n"
#define ALL_BUT_X  "[rule a]\ndeny = write\non = device=x\n[rule b]\npermit = write\n"
#define OWN_LINKS  "[rule a]\npermit = read\non = device - device={client}\n"
#define OWN_VALUES "[rule a]\npermit = update\nwhere = host={client}; @k=v\n"
#define DOES(action, a)                                                      \
	{                                                                    \
		"cn:r-1", MAP_ACTION_##action, a, NULL, META("m", ""), FALSE \
	}

static void test_decisions(void)
{
	static const struct {
		const char *rule;
		struct ask ask;
		gboolean allowed;
	} rows[] = {
		/* the default */
		{ "", DOES(READ, "device:d"), FALSE },
		{ "[policy]\ndefault = permit\n", DOES(UPDATE, "device:d"), TRUE },
		/* roles */
		{ MAY_ALL, DOES(UPDATE, "device:d"), TRUE },
		{ MAY_ALL, { "basic:fixed", MAP_ACTION_NOTIFY, "device:d", NULL, META("m", ""), 0 },
			TRUE },
		{ MAY_ALL, { "basic:r-1", MAP_ACTION_UPDATE, "device:d", NULL, META("m", ""), 0 },
			FALSE },
		{ MAY_ALL, { "cn:r-", MAP_ACTION_UPDATE, "device:d", NULL, META("m", ""), 0 },
			FALSE },
		/* the first that fits */
		{ "[rule a]\ndeny = read\n[rule b]\npermit = read\n", DOES(READ, "device:d"),
			FALSE },
		{ "[rule a]\ndeny = read\nmetadata = x:n\n[rule b]\npermit = read\n",
			DOES(READ, "device:d"), TRUE },
		{ ALL_BUT_X, DOES(DELETE, "device:x"), FALSE },
		{ ALL_BUT_X, DOES(DELETE, "device:y"), TRUE },
		/* metadata */
		{ "[rule a]\npermit = read\nmetadata = x:m; x:o\n",
			{ "cn:r-1", MAP_ACTION_READ, "device:d", NULL, META("o", ""), 0 }, TRUE },
		{ "[rule a]\npermit = read\nmetadata = x:*\n",
			{ "cn:r-1", MAP_ACTION_READ, "device:d", NULL, META("o", ""), 0 }, TRUE },
		{ "[rule a]\npermit = read\nmetadata = x:*\n",
			{ "cn:r-1", MAP_ACTION_READ, "device:d", NULL,
				"<y:o xmlns:y=\"urn:y\" ifmap-cardinality=\"multiValue\"/>", 0 },
			FALSE },
		/* places */
		{ "[rule a]\npermit = read\non = device\n",
			{ "cn:r-1", MAP_ACTION_READ, "device:d", "device:e", META("m", ""), 0 },
			FALSE },
		{ "[rule a]\npermit = read\non = device - *\n",
			{ "cn:r-1", MAP_ACTION_READ, "ip:10.0.0.1", "device:e", META("m", ""), 0 },
			TRUE },
		{ OWN_LINKS,
			{ "cn:r-1", MAP_ACTION_READ, "device:1", "device:e", META("m", ""), 0 },
			TRUE },
		{ OWN_LINKS,
			{ "cn:r-1", MAP_ACTION_READ, "device:e", "device:1", META("m", ""), 0 },
			TRUE },
		{ OWN_LINKS,
			{ "cn:r-2", MAP_ACTION_READ, "device:e", "device:1", META("m", ""), 0 },
			FALSE },
		{ "[rule a]\npermit = read\non = x:vapp\n", DOES(READ, SHOP), TRUE },
		{ "[rule a]\npermit = read\non = x:vapp=shop; x:host\n", DOES(READ, BANK), FALSE },
		{ "[rule a]\npermit = read\non = x:vapp=s*\n", DOES(READ, SHOP), TRUE },
		{ "[rule a]\npermit = read\non = x:*\n", DOES(READ, SHOP), TRUE },
		{ "[rule a]\npermit = read\non = identity\n", DOES(READ, SHOP), FALSE },
		/* clients of the map, and oneself */
		{ "[rule a]\npermit = read\non = self\n", DOES(READ, "identity:username:me"),
			FALSE }, /* of no domain: somebody of that name */
		{ "[rule a]\npermit = read\non = identity=m*\n", DOES(READ, "identity:username:me"),
			TRUE },
		/* values */
		{ OWN_VALUES,
			{ "cn:r-1", MAP_ACTION_UPDATE, "device:d", NULL,
				META("m", "<host>1</host>"), 0 },
			TRUE },
		{ OWN_VALUES,
			{ "cn:r-1", MAP_ACTION_UPDATE, "device:d", NULL,
				META("m", "<host>2</host>"), 0 },
			FALSE },
		{ "[rule a]\npermit = update\nwhere = host={client}; @k=w\n",
			{ "cn:r-1", MAP_ACTION_UPDATE, "device:d", NULL,
				META("m", "<host>1</host>"), 0 },
			FALSE },
		{ "[rule a]\npermit = update\nwhere = host={client}\n", DOES(UPDATE, "device:d"),
			FALSE },
		/* whose */
		{ "[rule a]\npermit = write\npublisher = own\n",
			{ "cn:r-1", MAP_ACTION_UPDATE, "device:d", NULL, META("m", ""), TRUE },
			FALSE },
		{ "[rule a]\npermit = write\npublisher = other\n",
			{ "cn:r-1", MAP_ACTION_UPDATE, "device:d", NULL, META("m", ""), TRUE },
			TRUE },
		/* what is built in comes first */
		{ "[rule a]\npermit = everything\n",
			{ "cn:r-1", MAP_ACTION_PURGE, NULL, NULL, NULL, TRUE }, FALSE },
		{ "", { "cn:r-1", MAP_ACTION_PURGE, NULL, NULL, NULL, FALSE }, TRUE },
		{ "[rule a]\npermit = everything\n",
			{ "cn:r-1", MAP_ACTION_UPDATE,
				"ext:http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1#ifmap-server",
				"device:d", META("m", ""), 0 },
			FALSE },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strconcat(HEAD, rows[i].rule, NULL);
		g_autoptr(map_policy) policy = good_rules(text);
		if (allows(policy, &rows[i].ask) == rows[i].allowed)
			continue;
		g_test_message("row %zu: %s", i, rows[i].rule);
		g_test_fail();
	}
}

static void test_without_file(void)
{
	g_autoptr(map_policy) policy = map_policy_new(NULL, NULL);
	const struct ask write = { "cn:x", MAP_ACTION_UPDATE, "device:d", NULL, META("m", ""),
		TRUE };
	const struct ask client = { "cn:x", MAP_ACTION_UPDATE, "device:d", NULL,
		"<c:ifmap-client-has-task xmlns:c=\"http://www.trustedcomputinggroup.org/2013/"
		"MAP-CONTENT-AUTHORIZATION/1\" ifmap-cardinality=\"multiValue\"/>",
		FALSE };
	g_assert_false(map_policy_has_file(policy));
	g_assert_true(allows(policy, &write));
	g_assert_false(allows(policy, &client));
}

/* The identity that stands for a client (ifmap.md 14.3) is known by its domain. */
static void test_clients(void)
{
	g_autoptr(map_policy) policy = good_rules(HEAD "[rule a]\npermit = update\non = self\n"
						       "[rule b]\npermit = read\n"
						       "on = map-client - device\n");
	g_autoptr(map_identity)
		who = map_identity_new("me", 0, (const char *const[]){ "cn:r-1", NULL });
	g_autoptr(map_identity) admin = map_identity_new("me", MAP_RIGHT_ADMIN, NULL);
	g_autofree char *variable = NULL;
	g_autofree char *other = NULL;
	g_autoptr(ifmap_id)
		me = ifmap_id_new_identity("username", "me", "ifmap:client", NULL, NULL);
	g_autoptr(ifmap_id)
		you = ifmap_id_new_identity("username", "you", "ifmap:client", NULL, NULL);
	g_autoptr(ifmap_id) device = ifmap_id_new_device("d", NULL);
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(META("m", ""), -1, NULL);
	const struct map_subject subject = { .name = "me",
		.roles = map_policy_roles(policy, who, &variable) };
	const struct map_subject administrator = { .name = "me",
		.roles = map_policy_roles(policy, admin, &other) };
	const struct map_item of_me = { me, NULL, meta, FALSE };
	const struct map_item of_you = { you, NULL, meta, FALSE };
	const struct map_item link = { device, you, meta, FALSE };

	/* Built in: clients are the administrator's to write, whatever the file permits. */
	g_assert_false(map_policy_allows(&subject, MAP_ACTION_UPDATE, &of_me));
	g_assert_true(map_policy_allows(&administrator, MAP_ACTION_UPDATE, &of_you));
	g_assert_true(map_policy_allows(&subject, MAP_ACTION_READ, &link));
	g_assert_false(map_policy_allows(&subject, MAP_ACTION_READ, &of_you));
}

/* ---- trial */

static void count(const char *client, const char *what, gpointer data)
{
	GString *told = data;
	g_assert_cmpstr(client, ==, "me");
	g_string_append_printf(told, "%s\n", what);
}

static void test_dry_run(void)
{
	g_autoptr(map_policy) policy = good_rules(
		"[policy]\ndry-run = yes\n" HEAD "[rule no secrets]\ndeny = read\n"
		"metadata = x:secret\n"
		"[rule all]\npermit = read\n");
	g_autoptr(GString) told = g_string_new(NULL);
	const struct ask secret = { "cn:r-1", MAP_ACTION_READ, "device:d", NULL, META("secret", ""),
		FALSE };
	const struct ask other = { "cn:r-1", MAP_ACTION_READ, "device:d", NULL, META("m", ""),
		FALSE };
	const struct ask write = { "cn:r-1", MAP_ACTION_UPDATE, "device:d", "device:e",
		META("m", ""), FALSE };
	const struct ask purge = { "cn:r-1", MAP_ACTION_PURGE, NULL, NULL, NULL, TRUE };

	map_policy_set_audit(policy, count, told);
	g_assert_true(allows(policy, &secret));
	g_assert_nonnull(strstr(told->str, "would refuse to read secret on "));
	g_assert_nonnull(strstr(told->str, "(roles: r): rule 'no secrets', line 7"));
	g_string_truncate(told, 0);
	g_assert_true(allows(policy, &other));
	g_assert_cmpstr(told->str, ==, "");
	g_assert_true(allows(policy, &write));
	g_assert_nonnull(strstr(told->str, "no rule permits it"));
	g_assert_false(allows(policy, &purge)); /* built in: no trial */
}

/* ---- what is remembered */

/* A policy that has answered many questions answers each as one that never was asked before. */
static void test_remembering(void)
{
	static const char *const RULES[] = {
		"[rule a]\npermit = read\nmetadata = x:m\n",
		"[rule b]\ndeny = read; update\non = device - *\n",
		"[rule c]\npermit = write\non = device={client}\npublisher = own\n",
		"[rule d]\ndeny = write\non = x:vapp\nwhere = host={client}\n",
		"[rule e]\npermit = everything\nroles = r\nmetadata = x:*\non = x:vapp - device\n",
		"[rule f]\ndeny = notify\nmetadata = x:n\n",
		"[rule g]\npermit = read; write\non = x:*; ip-address\n",
		"[rule h]\npermit = write\nroles = r\n",
	};
	static const char *const IDS[] = { "device:1", "device:2", "ip:10.0.0.1", SHOP,
		"ext:" NS "#host,name=a", "ext:urn:y#vapp,name=shop", NULL };
	static const char *const METAS[] = { META("m", ""), META("n", "<host>1</host>"),
		META("o", ""),
		"<y:m xmlns:y=\"urn:y\" ifmap-cardinality=\"multiValue\"><host>1</host></y:m>" };
	static const char *const MARKS[] = { "cn:r-1", "cn:r-2", "cn:x" };

	for (unsigned round = 0; round < 10; round++) {
		g_autoptr(GString) text = g_string_new(HEAD);
		for (unsigned i = 0; i < 5; i++)
			g_string_append(text, RULES[g_test_rand_int_range(0, G_N_ELEMENTS(RULES))]);
		g_autoptr(map_policy) warm = good_rules(text->str);
		for (unsigned i = 0; i < 60; i++) {
			struct ask ask = {
				.mark = MARKS[g_test_rand_int_range(0, G_N_ELEMENTS(MARKS))],
				.action = (enum map_action)g_test_rand_int_range(
					0, MAP_ACTION_PURGE),
				.a = IDS[g_test_rand_int_range(0, G_N_ELEMENTS(IDS) - 1)],
				.b = IDS[g_test_rand_int_range(0, G_N_ELEMENTS(IDS))],
				.meta = METAS[g_test_rand_int_range(0, G_N_ELEMENTS(METAS))],
				.foreign = g_test_rand_bit(),
			};
			g_autoptr(map_policy) cold = good_rules(text->str);
			g_assert_cmpint(allows(warm, &ask), ==, allows(cold, &ask));
		}
	}
}

/* ---- pins */

static void test_pins(void)
{
	g_autoptr(map_policy) policy = good_rules(
		"[client me]\ncertificates = "
		"AA:bb:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
		"00:00:00:00:01\n");
	static const struct {
		const char *name;
		const char *mark;
		gboolean admitted;
	} rows[] = {
		{ "me", "sha256:aabb000000000000000000000000000000000000000000000000000000000001",
			TRUE },
		{ "me", "sha256:aabb000000000000000000000000000000000000000000000000000000000002",
			FALSE },
		{ "me", "basic:me", FALSE },
		{ "you", "basic:you", TRUE },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(map_identity) who = map_identity_new(
			rows[i].name, 0, (const char *const[]){ rows[i].mark, NULL });
		g_autoptr(GError) error = NULL;
		g_assert_cmpint(map_policy_admits(policy, who, &error), ==, rows[i].admitted);
		if (!rows[i].admitted)
			g_assert_error(error, IFMAP_ERROR, (int)IFMAP_ERROR_ACCESS_DENIED);
	}
}

/* ---- quotas of roles */

static void test_quotas(void)
{
	g_autoptr(map_policy) policy = good_rules(
		"[role a]\nclients = cn:both; cn:a\nsessions = 4\nrequests = 7\n"
		"[role b]\nclients = cn:both\nsessions = 2\nforever = 5000\n");
	g_autoptr(map_identity)
		both = map_identity_new("both", 0, (const char *const[]){ "cn:both", NULL });
	g_autofree char *variable = NULL;
	struct map_roles *roles = map_policy_roles(policy, both, &variable);
	struct map_quota quota = map_roles_quota(roles, &map_limits_default);

	g_assert_cmpstr(map_roles_text(roles), ==, "a b");
	g_assert_cmpuint(quota.sessions, ==, 4); /* the larger */
	g_assert_cmpuint(quota.requests, ==, 7);
	g_assert_cmpuint(quota.forever, ==, 5000);
	g_assert_cmpuint(quota.subscriptions, ==, map_limits_default.quota.subscriptions);
}

/* ---- errors name the line */

static void test_errors(void)
{
	static const struct {
		const char *text;
		const char *complaint;
	} rows[] = {
		{ "a = b\n", ":1: a key stands before the first section" },
		{ "\n[rule\n", ":2: not a section '[KIND NAME]'" },
		{ "[colour]\n", ":1: [colour] is not policy, prefixes, role, client or rule" },
		{ "[policy]\nword\n", ":2: not a line 'KEY = VALUE'" },
		{ "[policy]\ndefault = maybe\n", ":2: default: there are 'default = permit'" },
		{ "[prefixes]\nd =\n", ":2: d: a prefix stands for a namespace" },
		{ "[role a b]\n", ":1: a role's name is one word" },
		{ "[role a]\n[role a]\n", ":2: there is a role a already" },
		{ "[role admin]\n", ":1: there is a role admin already" },
		{ "[role a]\nclients = a\n", ":2: clients: 'a' does not begin with cn:" },
		{ "[role a]\nclients = cn:a*b*\n", ":2: clients: 'cn:a*b*' has more than one '*'" },
		{ "[role a]\nclients = cn:{client}*\n", ":2: clients: {client} stands once" },
		{ "[role a]\nsessions = 0\n", ":2: sessions: '0' is not a number from 1 to" },
		{ "[role a]\ncolour = red\n", ":2: colour: a role has no such key" },
		{ "[client me]\n", ":1: [client NAME] names the certificates" },
		{ "[client me]\ncertificates = 12\n", ":2: certificates: not SHA-256 digests" },
		{ "[rule a]\n", ":1: [rule a] must say either 'permit' or 'deny'" },
		{ "[rule a]\npermit = read\ndeny = write\n", ":1: [rule a] must say either" },
		{ "[rule a]\npermit = eat\n", ":2: permit: 'eat' is not read, update" },
		{ "[rule a]\npermit = read\nroles = b\n", ":3: roles: there is no [role b] above" },
		{ "[rule a]\npermit = read\nmetadata = d:host\n",
			":3: metadata: the prefix of 'd:host' is not in [prefixes]" },
		{ "[rule a]\npermit = read\non = dvice\n",
			":3: on: 'dvice' is not PREFIX:NAME or PREFIX:*" },
		{ "[rule a]\npermit = read\non = a - b - c\n", ":3: on: a link has two ends" },
		{ "[rule a]\npermit = read\non = *=x\n", ":3: on: '*' takes no name" },
		{ "[rule a]\npermit = read\nwhere = x\n", ":3: where: 'x' is not CHILD=VALUE" },
		{ "[rule a]\npermit = read\npublisher = me\n", ":3: publisher: 'me' is neither" },
		{ "[rule a]\npermit = purge\non = device\n", ":1: [rule a]: a purge is of every" },
		{ "[rule a]\npermit =\n", ":2: permit: the list is empty" },
		{ "[rule \xff]\n", ":1: the file is not UTF-8" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(map_policy) policy = read_rules(rows[i].text, &error);
		if (!policy && strstr(error->message, rows[i].complaint) &&
			g_str_has_prefix(error->message, "rules:"))
			continue;
		g_test_message("'%s': %s", rows[i].text, error ? error->message : "taken");
		g_test_fail();
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(map_policy_new("/nonexistent/rules", &error));
	g_assert_nonnull(strstr(error->message, "/nonexistent/rules"));
}

/* ---- cost: with -m perf, by the rules that DROVER_RULES names */

static void test_cost(void)
{
	const char *file = g_getenv("DROVER_RULES");
	static const struct {
		const char *what;
		const char *mark;
		enum map_action action;
		const char *a;
		const char *b;
		const char *meta;
	} rows[] = {
		{ "an agent reads", "uri:urn:uuid:h1", MAP_ACTION_READ, "device:v", "device:h1",
			"runs-on" },
		{ "a sensor reads", "cn:sensor", MAP_ACTION_READ, "device:v", "device:h1",
			"runs-on" },
		{ "control writes", "cn:control", MAP_ACTION_UPDATE, "device:v", NULL,
			"protection" },
		{ "an agent writes about its host", "uri:urn:uuid:h1", MAP_ACTION_UPDATE,
			"device:v", "device:h1", "runs-on" },
		{ "an agent writes about another", "uri:urn:uuid:h1", MAP_ACTION_UPDATE, "device:v",
			"device:h2", "runs-on" },
	};
	const unsigned n = 2000000;
	g_autoptr(map_policy) policy = map_policy_new(file, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(map_identity) who = map_identity_new(
			"me", 0, (const char *const[]){ rows[i].mark, NULL });
		g_autofree char *variable = NULL;
		g_autofree char *xml = g_strdup_printf("<d:%s xmlns:d=\"urn:drover:map:1\" "
						       "ifmap-cardinality=\"singleValue\"/>",
			rows[i].meta);
		g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, NULL);
		g_autoptr(ifmap_id) a = ifmap_id_from_string(rows[i].a, NULL);
		g_autoptr(ifmap_id) b = rows[i].b ? ifmap_id_from_string(rows[i].b, NULL) : NULL;
		struct map_subject subject = { .name = "me",
			.roles = map_policy_roles(policy, who, &variable) };
		const struct map_item item = { a, b, meta, FALSE };
		unsigned allowed = 0;
		subject.variable = variable;
		g_test_timer_start();
		for (unsigned k = 0; k < n; k++)
			allowed += (unsigned)map_policy_allows(&subject, rows[i].action, &item);
		double each_ns = g_test_timer_elapsed() * 1e9 / n;
		g_test_minimized_result(each_ns, "%s: %.0f ns a decision (%s)", rows[i].what,
			each_ns, allowed ? "yes" : "no");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/map/policy/patterns", test_patterns);
	g_test_add_func("/map/policy/decisions", test_decisions);
	g_test_add_func("/map/policy/without a file", test_without_file);
	g_test_add_func("/map/policy/clients of the map", test_clients);
	g_test_add_func("/map/policy/dry run", test_dry_run);
	g_test_add_func("/map/policy/remembering", test_remembering);
	g_test_add_func("/map/policy/pinned certificates", test_pins);
	g_test_add_func("/map/policy/quotas of roles", test_quotas);
	g_test_add_func("/map/policy/errors", test_errors);
	if (g_test_perf())
		g_test_add_func("/map/policy/cost", test_cost);
	int status = g_test_run();
	return status;
}
