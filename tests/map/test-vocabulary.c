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

/* Nothing but, where the kind says so, which host it is about, and whose slot it is in. */
static struct ifmap_meta *make_meta(enum facts_kind kind, const char *host, const char *slot)
{
	const struct facts_type *type = facts_type(kind);
	const struct facts_field *field = find_host_field(type);
	g_autofree char *fact = g_malloc0(type->record.size);

	if (field)
		memcpy(fact + field->offset, &host, sizeof(host));
	return facts_encode(kind, fact, type->cardinality == IFMAP_MULTI_VALUE ? slot : NULL);
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
	g_autoptr(ifmap_meta) meta = make_meta(kind, host, host);
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

/* What the table says can be said. */
static void test_each_publish(void)
{
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++) {
		struct actor actor;
		actor_init(&actor, &ROLES[r]);
		for (unsigned k = 0; k < FACTS_N_KINDS; k++) {
			enum facts_kind kind = (enum facts_kind)k;
			if (publishes(facts_type(kind), ROLES[r].name) &&
				!may_say(&actor, kind, HOST_A))
				complain("cannot publish", ROLES[r].cn, kind);
		}
		actor_clear(&actor);
	}
}

/* ---- what is forbidden: every kind, every role, every place, every content */

/* Identifiers of every sort, two of those that belong to a host. */
static const struct {
	const char *word;
	const char *host; /* of words that depend on it */
} NODES[] = {
	{ "fleet", NULL },
	{ "host", HOST_A },
	{ "host", HOST_B },
	{ "VM", NULL },
	{ "vApp", NULL },
	{ "segment", NULL },
	{ "switch", NULL },
	{ "AR", HOST_A },
	{ "AR", HOST_B },
	{ "mac-address", NULL },
	{ "ip-address", NULL },
};
#define N_NODES (G_N_ELEMENTS(NODES))
#define NOWHERE N_NODES /* the other end of what is no link */

/* One publish that is tried. */
struct trial {
	enum facts_kind kind;
	size_t a, b; /* of NODES */
	const char *host, *slot;
};

/* Rules cannot tell a machine from another's host: both are devices. */
static gboolean is_word(size_t node, const char *word)
{
	if (g_str_equal(word, "host"))
		return g_strcmp0(NODES[node].host, HOST_A) == 0 &&
		       g_str_equal(NODES[node].word, "host");
	if (g_str_equal(word, "VM"))
		return g_str_equal(NODES[node].word, "VM") || g_str_equal(NODES[node].word, "host");
	return g_str_equal(NODES[node].word, word) && g_strcmp0(NODES[node].host, HOST_B) != 0;
}

static gboolean is_place(const struct trial *trial, const char *text)
{
	g_auto(GStrv) ends = g_strsplit(text, "–", 2);

	if (!ends[1] || trial->b == NOWHERE)
		return !ends[1] && trial->b == NOWHERE && is_word(trial->a, ends[0]);
	return (is_word(trial->a, ends[0]) && is_word(trial->b, ends[1])) ||
	       (is_word(trial->b, ends[0]) && is_word(trial->a, ends[1]));
}

/* An agent speaks of its own host: on a place of the kind that names it; where none does, in a
 * content and a slot that do. */
static gboolean is_of_host_a(const struct trial *trial)
{
	const struct facts_type *type = facts_type(trial->kind);
	g_auto(GStrv) places = g_strsplit(type->on, ", ", -1);
	gboolean by_place = strstr(type->on, "host") || strstr(type->on, "AR");
	gboolean by_content = find_host_field(type) && g_str_equal(trial->host, HOST_A) &&
			      g_str_equal(trial->slot, HOST_A);

	for (unsigned i = 0; places[i]; i++) {
		gboolean names = strstr(places[i], "host") || strstr(places[i], "AR");
		if (is_place(trial, places[i]) && (by_place ? names : by_content))
			return TRUE;
	}
	return FALSE;
}

/* Of standard metadata only: whether another host, or a device not as part of an access of this
 * one, is spoken of. */
static gboolean is_of_others(const struct trial *trial)
{
	const size_t ends[] = { trial->a, trial->b };
	gboolean ours = FALSE;
	gboolean others = FALSE;

	for (unsigned i = 0; i < 2 && ends[i] != NOWHERE; i++) {
		gboolean device = is_word(ends[i], "VM");
		gboolean own = g_strcmp0(NODES[ends[i]].host, HOST_A) == 0;
		if (g_str_equal(NODES[ends[i]].word, "AR") && !own)
			return TRUE;
		ours = ours || own;
		others = others || (device && !own);
	}
	return others && !ours;
}

static gboolean is_forbidden(const struct role *role, const struct trial *trial)
{
	gboolean agent = g_str_equal(role->name, "agent");

	if (!may_write(role->name))
		return TRUE;
	if (!is_ours(trial->kind))
		return agent && is_of_others(trial);
	return !publishes(facts_type(trial->kind), role->name) || (agent && !is_of_host_a(trial));
}

static void describe(const struct trial *trial, const struct role *role)
{
	g_test_message("role %s: %s on %s %s - %s %s, host %s, slot %s is %s", role->cn,
		facts_type(trial->kind)->name, NODES[trial->a].word,
		NODES[trial->a].host ? NODES[trial->a].host : "",
		trial->b == NOWHERE ? "nothing" : NODES[trial->b].word,
		trial->b != NOWHERE && NODES[trial->b].host ? NODES[trial->b].host : "",
		trial->host, trial->slot,
		is_forbidden(role, trial) ? "permitted" : "refused to an agent of that host");
	g_test_fail();
}

static void try_everybody(const struct trial *trial, const struct place *place,
	const struct ifmap_meta *meta, const struct actor *actors)
{
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++) {
		gboolean agent = g_str_equal(ROLES[r].name, "agent") && is_ours(trial->kind);
		gboolean forbidden = is_forbidden(&ROLES[r], trial);
		gboolean update = may(&actors[r], MAP_ACTION_UPDATE, place, meta, FALSE);
		gboolean any = update || may(&actors[r], MAP_ACTION_UPDATE, place, meta, TRUE) ||
			       may(&actors[r], MAP_ACTION_NOTIFY, place, meta, FALSE);

		if ((forbidden && any) || (agent && !forbidden && !update))
			describe(trial, &ROLES[r]);
	}
}

static void try_contents(struct trial *trial, const struct place *place, const struct actor *actors)
{
	static const char *const hosts[] = { HOST_A, HOST_B };

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 2; k++) {
			trial->host = hosts[i];
			trial->slot = hosts[k];
			g_autoptr(ifmap_meta) meta = make_meta(trial->kind, hosts[i], hosts[k]);
			try_everybody(trial, place, meta, actors);
		}
}

static void test_each_forbidden(void)
{
	struct actor actors[G_N_ELEMENTS(ROLES)] = { 0 };
	struct ifmap_id *ids[N_NODES + 1] = { NULL };
	struct trial trial;

	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++)
		actor_init(&actors[r], &ROLES[r]);
	for (size_t i = 0; i < N_NODES; i++)
		ids[i] = make_end(NODES[i].word, NODES[i].host ? NODES[i].host : HOST_A);
	for (trial.kind = 0; trial.kind < FACTS_N_KINDS; trial.kind++)
		for (trial.a = 0; trial.a < N_NODES; trial.a++)
			for (trial.b = 0; trial.b <= NOWHERE; trial.b++) {
				const struct place place = { ids[trial.a], ids[trial.b] };
				try_contents(&trial, &place, actors);
			}
	for (size_t i = 0; i < N_NODES; i++)
		ifmap_id_unref(ids[i]);
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++)
		actor_clear(&actors[r]);
}

/* Nobody removes what another said but control, and control only where it clears away. */
static void test_delete(void)
{
	for (size_t r = 0; r < G_N_ELEMENTS(ROLES); r++) {
		struct actor actor;
		actor_init(&actor, &ROLES[r]);
		for (unsigned k = 0; k < FACTS_N_KINDS; k++) {
			const struct facts_type *type = facts_type((enum facts_kind)k);
			g_autoptr(ifmap_meta) meta = make_meta((enum facts_kind)k, HOST_A, HOST_A);
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
			g_autoptr(ifmap_meta) meta = make_meta((enum facts_kind)k, HOST_A, HOST_A);
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
	g_test_add_func("/map/vocabulary/each forbidden publish", test_each_forbidden);
	g_test_add_func("/map/vocabulary/deleting what is another's", test_delete);
	g_test_add_func("/map/vocabulary/reading", test_reading);
	int status = g_test_run();
	map_policy_unref(policy);
	return status;
}
