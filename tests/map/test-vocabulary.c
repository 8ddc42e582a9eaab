/* Drover's own rules against Drover's own vocabulary: every kind of fact, on every place it may
 * stand, published by every role.
 *
 * Who may comes from the fact table (src/facts), what the rules say from the rule file; neither is
 * written a second time here. A kind that is added to the table and has no rule fails here.
 */
#include <string.h>

#include "facts/facts.h"
#include "map/policy.h"

#define HOST_A "d20e0001-0000-4000-8000-00000000000a"
#define HOST_B "d20e0001-0000-4000-8000-00000000000b"
#define VM     "d20e1ab0-0000-4000-8000-000000000001"
#define OTHER  "d20e1ab0-0000-4000-8000-000000000002"

static struct map_policy *policy;

/* ---- roles */

static const struct role {
	const char *name;
	const char *cn;
	const char *mark;
} ROLES[] = {
	{ "agent", "agent-A", "uri:urn:uuid:" HOST_A },
	{ "control", "control", "cn:control" },
	{ "operator", "operator", "cn:operator" },
	{ "operator", "operator-eve", "cn:operator-eve" },
	{ "sensor", "sensor-dhcp", "cn:sensor-dhcp" },
	{ "reader", "reader", "cn:reader" },
	{ "nobody", "somebody", "cn:somebody" },
	{ "nobody", "control", "basic:control" },
	{ "nobody", "agent-A", "cn:agent-A" },
};

struct actor {
	struct map_identity *identity;
	char *variable;
	struct map_subject subject;
};

static void actor_init(struct actor *actor, const struct role *role)
{
	actor->identity = map_identity_new(role->cn, 0, (const char *const[]){ role->mark, NULL });
	actor->subject.name = role->cn;
	actor->subject.roles = map_policy_roles(policy, actor->identity, &actor->variable);
	actor->subject.variable = actor->variable;
}

static void actor_clear(struct actor *actor)
{
	map_identity_unref(actor->identity);
	g_free(actor->variable);
}

/* ---- places */

struct place {
	struct ifmap_id *a;
	struct ifmap_id *b;
};

/* The identifier of a word of the table, "host" being this host. */
static struct ifmap_id *make_end(const char *word, const char *host)
{
	g_autoptr(GError) error = NULL;
	struct ifmap_id *id = NULL;

	if (g_str_equal(word, "fleet"))
		id = facts_id_fleet();
	else if (g_str_equal(word, "host"))
		id = facts_id_device(host, &error);
	else if (g_str_equal(word, "VM"))
		id = facts_id_device(VM, &error);
	else if (g_str_equal(word, "vApp"))
		id = facts_id_vapp("shop", &error);
	else if (g_str_equal(word, "segment"))
		id = facts_id_segment("front", &error);
	else if (g_str_equal(word, "switch"))
		id = facts_id_switch("sw1", &error);
	else if (g_str_equal(word, "AR"))
		id = facts_id_access(host, "52:54:00:00:00:01", &error);
	else if (g_str_equal(word, "mac-address"))
		id = ifmap_id_new_mac("52:54:00:00:00:01", NULL, &error);
	else if (g_str_equal(word, "ip-address"))
		id = ifmap_id_new_ip("10.0.0.1", NULL, &error);
	g_assert_no_error(error);
	if (!id)
		g_error("the fact table speaks of '%s': this test must learn what it is", word);
	return id;
}

static void place_init(struct place *place, const char *text, const char *host)
{
	g_auto(GStrv) ends = g_strsplit(text, "–", 2);

	place->a = make_end(ends[0], host);
	place->b = NULL;
	if (ends[1])
		place->b = g_str_equal(ends[0], ends[1]) ? facts_id_switch("sw2", NULL)
							 : make_end(ends[1], host);
}

static void place_clear(struct place *place)
{
	ifmap_id_unref(place->a);
	ifmap_id_unref(place->b);
}

/* ---- facts */

static const struct facts_field *find_host_field(const struct facts_type *type)
{
	for (const struct facts_field *f = type->record.fields; f->name; f++)
		if (g_str_equal(f->name, "host") && f->type == FACTS_STRING)
			return f;
	return NULL;
}

/* Nothing but, where the kind says so, which host it is about. */
static struct ifmap_meta *make_meta(enum facts_kind kind, const char *host)
{
	const struct facts_type *type = facts_type(kind);
	const struct facts_field *field = find_host_field(type);
	g_autofree char *fact = g_malloc0(type->record.size);

	if (field)
		memcpy(fact + field->offset, &host, sizeof(host));
	return facts_encode(kind, fact, type->cardinality == IFMAP_MULTI_VALUE ? "x" : NULL);
}

static gboolean publishes(const struct facts_type *type, const char *role)
{
	g_auto(GStrv) names = g_strsplit(type->publishers, ", ", -1);
	return g_strv_contains((const char *const *)names, role);
}

/* Standard metadata is anybody's who may write at all. */
static gboolean is_ours(enum facts_kind kind)
{
	return kind < FACTS_FIRST_STANDARD;
}

static gboolean may_write(const char *role)
{
	return !g_str_equal(role, "reader") && !g_str_equal(role, "nobody");
}

/* Whether a place of the kind, or a field, tells which host it is about. */
static gboolean names_host(enum facts_kind kind)
{
	const struct facts_type *type = facts_type(kind);
	return strstr(type->on, "host") || strstr(type->on, "AR") || find_host_field(type);
}

static gboolean may(const struct actor *actor, enum map_action action, const struct place *place,
	const struct ifmap_meta *meta, gboolean foreign)
{
	const struct map_item item = { place->a, place->b, meta, foreign };
	return map_policy_allows(&actor->subject, action, &item);
}

/* Whether the role may say this about this host on any of the places; every place where it may is
 * asserted to be one of its kind's. */
static gboolean may_say(const struct actor *actor, enum facts_kind kind, const char *host)
{
	g_autoptr(ifmap_meta) meta = make_meta(kind, host);
	g_auto(GStrv) places = g_strsplit(facts_type(kind)->on, ", ", -1);
	gboolean found = FALSE;

	for (unsigned i = 0; places[i]; i++) {
		struct place place;
		place_init(&place, places[i], host);
		/* Asked twice: the second answer is a remembered one. */
		for (int again = 0; again < 2; again++) {
			found = found || may(actor, MAP_ACTION_UPDATE, &place, meta, FALSE);
			found = found || may(actor, MAP_ACTION_UPDATE, &place, meta, TRUE);
			found = found || may(actor, MAP_ACTION_NOTIFY, &place, meta, FALSE);
		}
		place_clear(&place);
	}
	return found;
}

static void complain(const char *what, const char *role, enum facts_kind kind)
{
	g_test_message("%s: role %s, kind d:%s (packaging/mapd-rules.conf, src/facts)", what, role,
		facts_type(kind)->name);
	g_test_fail();
}

static void test_each_publish(void)
{
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++) {
		struct actor actor;
		actor_init(&actor, &ROLES[r]);
		for (unsigned k = 0; k < FACTS_N_KINDS; k++) {
			enum facts_kind kind = (enum facts_kind)k;
			gboolean wanted = publishes(facts_type(kind), ROLES[r].name);
			if (may_say(&actor, kind, HOST_A) == wanted ||
				(!wanted && !is_ours(kind) && may_write(ROLES[r].name)))
				continue;
			complain(wanted ? "cannot publish" : "can publish", ROLES[r].cn, kind);
		}
		actor_clear(&actor);
	}
}

/* About another host an agent says nothing. */
static void test_other_host(void)
{
	struct actor actor;

	actor_init(&actor, &ROLES[0]);
	for (unsigned k = 0; k < FACTS_N_KINDS; k++) {
		enum facts_kind kind = (enum facts_kind)k;
		if (is_ours(kind) && publishes(facts_type(kind), "agent") && !names_host(kind))
			complain("nothing tells which host it is about", "agent", kind);
		if (names_host(kind) && may_say(&actor, kind, HOST_B))
			complain("can publish about another host", "agent", kind);
	}
	actor_clear(&actor);
}

/* On the machine's side nothing but the machine's name differs: what agents say of links between
 * two others is refused, in either direction. */
static void test_between_others(void)
{
	struct actor actor;
	struct place place = { facts_id_device(OTHER, NULL), facts_id_device(HOST_B, NULL) };
	struct place turned = { place.b, place.a };
	struct place own = { facts_id_device(HOST_A, NULL), place.a };

	actor_init(&actor, &ROLES[0]);
	g_autoptr(ifmap_meta) meta = make_meta(FACTS_RUNS_ON, HOST_A);
	g_assert_false(may(&actor, MAP_ACTION_UPDATE, &place, meta, FALSE));
	g_assert_false(may(&actor, MAP_ACTION_UPDATE, &turned, meta, FALSE));
	g_assert_true(may(&actor, MAP_ACTION_UPDATE, &own, meta, FALSE));
	ifmap_id_unref(own.a);
	place_clear(&place);
	actor_clear(&actor);
}

/* Nobody removes what another said but control, and control only where it clears away. */
static void test_delete(void)
{
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++) {
		struct actor actor;
		actor_init(&actor, &ROLES[r]);
		for (unsigned k = 0; k < FACTS_N_KINDS; k++) {
			const struct facts_type *type = facts_type((enum facts_kind)k);
			g_autoptr(ifmap_meta) meta = make_meta((enum facts_kind)k, HOST_A);
			g_auto(GStrv) places = g_strsplit(type->on, ", ", -1);
			struct place place;
			place_init(&place, places[0], HOST_A);
			gboolean wanted = is_ours((enum facts_kind)k)
						  ? publishes(type, ROLES[r].name)
						  : may_write(ROLES[r].name);
			wanted = wanted && !g_str_equal(ROLES[r].name, "agent");
			if (may(&actor, MAP_ACTION_DELETE, &place, meta, TRUE) && !wanted &&
				!g_str_equal(ROLES[r].name, "control"))
				complain("can delete what is another's", ROLES[r].cn,
					(enum facts_kind)k);
			place_clear(&place);
		}
		actor_clear(&actor);
	}
}

/* What is sealed, and whom machines talk to, is not for every reader; a stranger sees nothing. */
static void test_reading(void)
{
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++) {
		struct actor actor;
		gboolean trusted = g_strv_contains(
			(const char *const[]){ "agent", "control", "operator", NULL },
			ROLES[r].name);
		gboolean stranger = g_str_equal(ROLES[r].name, "nobody");
		actor_init(&actor, &ROLES[r]);
		for (unsigned k = 0; k < FACTS_N_KINDS; k++) {
			g_autoptr(ifmap_meta) meta = make_meta((enum facts_kind)k, HOST_A);
			struct place place = { facts_id_device(VM, NULL), NULL };
			gboolean secret = k == FACTS_DEFINITION || k == FACTS_CONNTRACK;
			gboolean wanted = trusted || (!stranger && !secret);
			if (may(&actor, MAP_ACTION_READ, &place, meta, FALSE) != wanted)
				complain(wanted ? "cannot read" : "can read", ROLES[r].cn,
					(enum facts_kind)k);
			place_clear(&place);
		}
		actor_clear(&actor);
	}
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	const char *file = g_getenv("DROVER_RULES");

	g_test_init(&argc, &argv, NULL);
	policy = map_policy_new(file, &error);
	if (!policy || !file)
		g_error("%s", error ? error->message : "DROVER_RULES names the rule file");
	g_test_add_func("/map/vocabulary/each role, each kind", test_each_publish);
	g_test_add_func("/map/vocabulary/an agent and another host", test_other_host);
	g_test_add_func("/map/vocabulary/an agent between others", test_between_others);
	g_test_add_func("/map/vocabulary/deleting what is another's", test_delete);
	g_test_add_func("/map/vocabulary/reading", test_reading);
	int status = g_test_run();
	map_policy_unref(policy);
	return status;
}
