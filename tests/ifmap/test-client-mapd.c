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
	return g_test_run();
}
