/* Rule files: any text is a policy or an error that names a line. What a policy decides it decides
 * again, however much it has remembered in between, and what the server insists on holds whatever
 * the rules say. */
#include <stdint.h>
#include <string.h>

#include "map/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LABEL  "rules"
#define NS     "urn:example:x"
#define NS_SRV "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1"

static const struct {
	const char *mark;
	unsigned rights;
} clients[] = {
	{ "cn:a", 0 },
	{ "uri:urn:uuid:d20e0001", 0 },
	{ "basic:b", MAP_RIGHT_READ_ONLY },
	{ "dns:c.example", MAP_RIGHT_PURGE_OTHERS | MAP_RIGHT_ADMIN },
};

/* Where and what; the first is the server's own. */
static const struct {
	const char *a, *b;
} places[] = {
	{ "ext:" NS_SRV "#ifmap-server", NULL },
	{ "device:a", NULL },
	{ "device:d20e0001", "ip:10.0.0.1" },
	{ "ext:" NS "#vapp,name=shop", "device:a" },
};
static const char metadata[] = "<x:m xmlns:x=\"" NS "\" ifmap-cardinality=\"multiValue\" k=\"v\">"
			       "<host>d20e0001</host></x:m>";

/* Made once: the same for every input. */
static struct {
	struct map_identity *clients[G_N_ELEMENTS(clients)];
	struct ifmap_id *a[G_N_ELEMENTS(places)], *b[G_N_ELEMENTS(places)];
	struct ifmap_meta *meta;
} things;

static void make_things(void)
{
	if (things.meta)
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		things.clients[i] = map_identity_new(
			"a", clients[i].rights, (const char *const[]){ clients[i].mark, NULL });
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		things.a[i] = ifmap_id_from_string(places[i].a, NULL);
		things.b[i] = places[i].b ? ifmap_id_from_string(places[i].b, NULL) : NULL;
		g_assert_true(things.a[i] && !places[i].b == !things.b[i]);
	}
	things.meta = ifmap_meta_new(metadata, -1, NULL);
	g_assert_nonnull(things.meta);
}

#define N_QUESTIONS (G_N_ELEMENTS(clients) * G_N_ELEMENTS(places) * MAP_N_ACTIONS * 2)

/* One question to a policy, by its number. */
static gboolean ask(struct map_policy *policy, size_t number)
{
	const size_t client = number % G_N_ELEMENTS(clients);
	const size_t place = number / G_N_ELEMENTS(clients) % G_N_ELEMENTS(places);
	const gboolean foreign = number / G_N_ELEMENTS(clients) / G_N_ELEMENTS(places) % 2 != 0;
	const enum map_action action = (enum map_action)(
		number / G_N_ELEMENTS(clients) / G_N_ELEMENTS(places) / 2);
	g_autofree char *variable = NULL;
	struct map_subject subject = { .name = "a",
		.roles = map_policy_roles(policy, things.clients[client], &variable) };
	const gboolean purge = action == MAP_ACTION_PURGE;
	const struct map_item item = { purge ? NULL : things.a[place],
		purge ? NULL : things.b[place], purge ? NULL : things.meta, foreign };

	subject.variable = variable;
	gboolean allowed = map_policy_allows(&subject, action, &item);
	g_assert_cmpint(map_policy_allows(&subject, action, &item), ==, allowed);
	/* What is built in. */
	if (action != MAP_ACTION_READ && (clients[client].rights & MAP_RIGHT_READ_ONLY))
		g_assert_false(allowed);
	if (action != MAP_ACTION_READ && !purge && place == 0)
		g_assert_false(allowed);
	if (purge && foreign && !(clients[client].rights & MAP_RIGHT_PURGE_OTHERS))
		g_assert_false(allowed);
	return allowed;
}

/* Whether "rules:LINE: " and a sentence. */
static gboolean names_line(const char *message)
{
	char *end = NULL;

	return g_str_has_prefix(message, LABEL ":") &&
	       g_ascii_strtoull(message + strlen(LABEL ":"), &end, 10) > 0 &&
	       g_str_has_prefix(end, ": ") && end[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup(size > 0 ? (const char *)data : "", size);
	g_autoptr(GError) error = NULL;
	g_autoptr(map_policy) policy = map_policy_parse(text, LABEL, &error);
	g_autoptr(map_policy) again = policy ? map_policy_parse(text, LABEL, NULL) : NULL;
	gboolean answers[N_QUESTIONS];

	g_assert_true((policy == NULL) == (error != NULL));
	g_assert_true(!error || names_line(error->message));
	if (!policy)
		return 0;
	make_things();
	for (size_t i = 0; i < N_QUESTIONS; i++)
		answers[i] = ask(policy, i);
	for (size_t i = N_QUESTIONS; i-- > 0;)
		g_assert_cmpint(ask(again, i), ==, answers[i]);
	return 0;
}
