/* The client against a real drover-mapd. */
#include "mapdproc.h"
#include "sample.h"
#include "waiting.h"

#include <string.h>

#define SYNC_MS 10000U

static const char *program;

/* A client with one subscription and its mirror. */
struct actor {
	struct ifmap_client *client;
	struct ifmap_mirror *mirror;
	unsigned n_up;
	unsigned n_searches;
	unsigned n_notified;
	unsigned n_lost;
};

static void on_state(struct ifmap_client *client G_GNUC_UNUSED, enum ifmap_client_state state,
	const GError *why G_GNUC_UNUSED, gpointer data)
{
	struct actor *actor = data;

	actor->n_up += state == IFMAP_CLIENT_UP;
}

static void on_result(struct ifmap_client *client G_GNUC_UNUSED, const struct ifmap_result *result,
	const GError *error G_GNUC_UNUSED, gpointer data)
{
	struct actor *actor = data;

	if (!result) {
		actor->n_lost++;
		return;
	}
	actor->n_searches += result->kind == IFMAP_RESULT_SEARCH;
	actor->n_notified += result->kind == IFMAP_RESULT_NOTIFY;
	ifmap_mirror_apply(actor->mirror, result);
}

static void actor_init(struct actor *actor, const struct mapd_proc *mapd, const char *user)
{
	struct ifmap_client_config config = mapd_proc_config(mapd, user);
	g_autoptr(GError) error = NULL;

	*actor = (struct actor){ .mirror = ifmap_mirror_new() };
	actor->client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
	ifmap_client_start(actor->client, on_state, actor);
}

static void actor_clear(struct actor *actor)
{
	ifmap_client_free(actor->client);
	ifmap_mirror_free(actor->mirror);
}

static void keep(
	struct actor *actor, unsigned ip, const char *name, const char *slot, const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(ip);
	g_autoptr(ifmap_meta)
		meta = text ? sample_meta(name, slot ? IFMAP_MULTI_VALUE : IFMAP_SINGLE_VALUE, slot,
				      text)
			    : NULL;

	ifmap_client_keep(actor->client, id, NULL, SAMPLE_NS, name, slot, meta);
}

static const char *mirrored(const struct actor *actor, unsigned ip, const char *name)
{
	g_autoptr(ifmap_id) id = sample_ip(ip);
	const struct ifmap_meta *meta = ifmap_mirror_find(actor->mirror, id, NULL, SAMPLE_NS, name);

	return meta ? ifmap_meta_text(meta, "v") : NULL;
}

static void subscribe(struct actor *actor, const struct ifmap_search *search)
{
	ifmap_client_subscribe(actor->client, "watch", search, on_result, actor);
}

static char *search_text(struct ifmap_client *client, const struct ifmap_search *search)
{
	g_autoptr(ifmap_mirror) fresh = ifmap_mirror_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_result) result = ifmap_client_search_sync(client, search, SYNC_MS, &error);

	g_assert_no_error(error);
	ifmap_mirror_apply(fresh, result);
	return sample_mirror_text(fresh);
}

/* ---- losing the server */

/* Away and back: what alice keeps, changed meanwhile, and what both watch must be there again. */
static void check_return(
	struct mapd_proc *mapd, struct actor *alice, struct actor *bob, const char *text)
{
	unsigned n_sessions = alice->n_up;
	gint64 start_us;

	mapd_proc_kill(mapd);
	WAIT_UNTIL(ifmap_client_state(alice->client) == IFMAP_CLIENT_CONNECTING);
	keep(alice, 1, "one", NULL, text);
	mapd_proc_start(mapd);
	start_us = g_get_monotonic_time();
	WAIT_UNTIL(g_strcmp0(mirrored(bob, 1, "one"), text) == 0 && mirrored(bob, 1, "many"));
	g_test_message("re-established %" G_GINT64_FORMAT " ms after the server was back",
		(g_get_monotonic_time() - start_us) / 1000);
	WAIT_UNTIL(alice->n_searches > n_sessions && bob->n_searches > n_sessions);
	WAIT_UNTIL(ifmap_mirror_n_metas(alice->mirror) == 2);
	g_assert_cmpuint(ifmap_mirror_n_metas(bob->mirror), ==, 2);
	g_assert_cmpuint(alice->n_up, ==, n_sessions + 1);
}

static void test_server_killed(void)
{
	struct mapd_proc *mapd = mapd_proc_new(program);
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id };
	struct actor alice;
	struct actor bob;

	actor_init(&alice, mapd, "alice");
	actor_init(&bob, mapd, "bob");
	subscribe(&alice, &search);
	subscribe(&bob, &search);
	keep(&alice, 1, "one", NULL, "1");
	keep(&alice, 1, "many", "a", "2");
	WAIT_UNTIL(
		ifmap_mirror_n_metas(alice.mirror) == 2 && ifmap_mirror_n_metas(bob.mirror) == 2);
	check_return(mapd, &alice, &bob, "while away");
	check_return(mapd, &alice, &bob, "again");
	actor_clear(&alice);
	WAIT_UNTIL(ifmap_mirror_n_metas(bob.mirror) == 0);
	actor_clear(&bob);
	mapd_proc_free(mapd);
}

/* Two with one credential take the session from each other; that must not become a storm. */
static void test_taken_over(void)
{
	struct mapd_proc *mapd = mapd_proc_new(program);
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id };
	struct actor first;
	struct actor second;
	gint64 until_us;

	actor_init(&first, mapd, "alice");
	subscribe(&first, &search);
	WAIT_UNTIL(first.n_searches == 1);
	actor_init(&second, mapd, "alice");
	subscribe(&second, &search);
	WAIT_UNTIL(first.n_up >= 2);
	until_us = g_get_monotonic_time() + G_TIME_SPAN_SECOND;
	while (g_get_monotonic_time() < until_us)
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	g_test_message("%u and %u sessions", first.n_up, second.n_up);
	g_assert_cmpuint(first.n_up + second.n_up, <, 24);
	actor_clear(&second);
	actor_clear(&first);
	mapd_proc_free(mapd);
}

static void test_wrong_password(void)
{
	struct mapd_proc *mapd = mapd_proc_new(program);
	struct ifmap_client_config config = mapd_proc_config(mapd, "alice");
	g_autoptr(ifmap_client) client = NULL;
	g_autoptr(GError) error = NULL;

	config.password = "guess";
	client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
	g_assert_false(ifmap_client_publish_sync(client, ifmap_publish_new(), SYNC_MS, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_UNAUTHORIZED);
	mapd_proc_free(mapd);
}

/* ---- kept metadata */

static void test_slots(void)
{
	struct mapd_proc *mapd = mapd_proc_new(program);
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id };
	struct actor alice;
	struct actor bob;

	actor_init(&alice, mapd, "alice");
	actor_init(&bob, mapd, "bob");
	subscribe(&bob, &search);
	keep(&bob, 1, "many", "a", "bob's");
	WAIT_UNTIL(ifmap_mirror_n_metas(bob.mirror) == 1);
	keep(&alice, 1, "many", "a", "1");
	keep(&alice, 1, "many", "it's", "2");
	keep(&alice, 1, "many", "\"&<", "3");
	WAIT_UNTIL(ifmap_mirror_n_metas(bob.mirror) == 4);
	keep(&alice, 1, "many", "it's", NULL);
	keep(&alice, 1, "many", "\"&<", NULL);
	WAIT_UNTIL(ifmap_mirror_n_metas(bob.mirror) == 2);
	keep(&alice, 1, "many", "a", "4");
	keep(&bob, 1, "many", "a", NULL);
	keep(&alice, 1, "one", NULL, "5");
	WAIT_UNTIL(mirrored(&bob, 1, "one") && ifmap_mirror_n_metas(bob.mirror) == 2);
	g_assert_cmpstr(mirrored(&bob, 1, "many"), ==, "4");
	actor_clear(&alice);
	actor_clear(&bob);
	mapd_proc_free(mapd);
}

/* ---- C163: the mirror equals a fresh search */

#define N_IPS       6
#define N_PUBLISHES 60
#define N_ROUNDS    6

static void add_random_operation(GRand *random, struct ifmap_publish *publish)
{
	int a = g_rand_int_range(random, 1, N_IPS);
	int b = g_rand_int_range(random, 1, N_IPS);
	g_autoptr(ifmap_id) left = sample_ip((unsigned)a);
	g_autoptr(ifmap_id) right = a != b ? sample_ip((unsigned)b) : NULL;
	g_autofree char *text = g_strdup_printf("%d", g_rand_int_range(random, 0, 3));
	gboolean is_single = g_rand_boolean(random);
	g_autofree char *name = g_strdup_printf(
		"%s%d", is_single ? "one" : "many", g_rand_int_range(random, 0, 2));
	g_autofree char *filter = g_strdup_printf("t:%s", name);
	g_autoptr(ifmap_meta) meta = sample_meta(
		name, is_single ? IFMAP_SINGLE_VALUE : IFMAP_MULTI_VALUE, NULL, text);

	switch (g_rand_int_range(random, 0, 8)) {
	case 0:
		ifmap_publish_delete(publish, left, right, NULL);
		return;
	case 1:
	case 2:
		ifmap_publish_delete(publish, left, right, filter);
		return;
	case 3:
		ifmap_publish_notify(publish, left, right, meta);
		return;
	default:
		ifmap_publish_update(publish, left, right,
			g_rand_boolean(random) ? IFMAP_LIFETIME_SESSION : IFMAP_LIFETIME_FOREVER,
			meta);
	}
}

static void publish_randomly(GRand *random, struct ifmap_client *client)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(GError) error = NULL;

	for (int n = g_rand_int_range(random, 1, 5); n > 0; n--)
		add_random_operation(random, publish);
	ifmap_client_publish_sync(client, publish, SYNC_MS, &error);
	g_assert_no_error(error);
}

/* What is seen of a marker published last is seen after everything before it. */
static void settle(struct actor *reader, struct ifmap_client *writer, unsigned step)
{
	g_autofree char *text = g_strdup_printf("%u", step);
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autoptr(ifmap_meta) meta = sample_meta("marker", IFMAP_SINGLE_VALUE, NULL, text);
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(GError) error = NULL;

	ifmap_publish_update(publish, id, NULL, IFMAP_LIFETIME_SESSION, meta);
	ifmap_client_publish_sync(writer, publish, SYNC_MS, &error);
	g_assert_no_error(error);
	WAIT_UNTIL(g_strcmp0(mirrored(reader, 1, "marker"), text) == 0);
}

static const struct {
	unsigned max_depth;
	const char *match_links;
	const char *result_filter;
	const char *terminal_types;
} searches[N_ROUNDS] = {
	{ 0, NULL, NULL, NULL },
	{ 1, NULL, NULL, NULL },
	{ 2, "t:one0 or t:many0", NULL, NULL },
	{ 3, NULL, "t:marker or t:one1 or t:many1[v='1']", NULL },
	{ 2, "t:one1", "t:marker or t:one1", NULL },
	{ 10, NULL, NULL, "device" },
};

static void check_round(const struct mapd_proc *mapd, GRand *random, unsigned round)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = {
		.start = id,
		.max_depth = searches[round].max_depth,
		.match_links = searches[round].match_links,
		.result_filter = searches[round].result_filter,
		.terminal_types = searches[round].terminal_types,
	};
	struct actor reader;
	struct actor writers[2];

	actor_init(&reader, mapd, "carol");
	actor_init(&writers[0], mapd, "alice");
	actor_init(&writers[1], mapd, "bob");
	subscribe(&reader, &search);
	for (unsigned step = 0; step < N_PUBLISHES; step++) {
		publish_randomly(random, writers[step % 2].client);
		if (step % 20 == 15) { /* the end of a session is a change too */
			actor_clear(&writers[1]);
			actor_init(&writers[1], mapd, "bob");
		}
		if (step % 6 == 5) {
			g_autofree char *expected = NULL;
			g_autofree char *got = NULL;

			settle(&reader, writers[0].client, round * 1000 + step);
			expected = search_text(writers[0].client, &search);
			got = sample_mirror_text(reader.mirror);
			g_assert_cmpstr(got, ==, expected);
		}
	}
	g_assert_cmpuint(reader.n_searches, ==, 1);
	g_assert_cmpuint(reader.n_lost, ==, 0);
	actor_clear(&reader);
	actor_clear(&writers[0]);
	actor_clear(&writers[1]);
}

static void test_mirror_equals_search(void)
{
	struct mapd_proc *mapd = mapd_proc_new(program);
	guint32 seed = (guint32)g_test_rand_int();
	GRand *random = g_rand_new_with_seed(seed);

	g_test_message("seed %u", seed);
	for (unsigned round = 0; round < N_ROUNDS; round++) {
		g_test_message("round %u", round);
		check_round(mapd, random, round);
	}
	g_rand_free(random);
	mapd_proc_free(mapd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (argc != 2)
		g_error("which drover-mapd?");
	program = argv[1];
	g_test_add_func("/ifmap/client-mapd/server-killed", test_server_killed);
	g_test_add_func("/ifmap/client-mapd/taken-over", test_taken_over);
	g_test_add_func("/ifmap/client-mapd/wrong-password", test_wrong_password);
	g_test_add_func("/ifmap/client-mapd/slots", test_slots);
	g_test_add_func("/ifmap/client-mapd/mirror-equals-search", test_mirror_equals_search);
	return g_test_run();
}
