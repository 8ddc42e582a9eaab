/* host/guard against an enforcer that answers as the test wants. The guard's owner does what the
 * agent does: after every news it syncs again. */
#include "fakeenforcer.h"
#include "host/guard.h"
#include "pages.h"

#include <glib/gstdio.h>
#include <string.h>

#define SET    "set " PAGES_VM
#define REMOVE "remove " PAGES_VM

struct post {
	char *folder;
	char *path;
	struct fakeenforcer fake;
	struct guard *guard;
	struct book *book;
	GHashTable *present;
	gboolean resync; /* sync again after every news */
	guint pending;
	unsigned n_changed;
	unsigned n_tampered;
	unsigned n_came;
	unsigned n_went;
};

static gboolean on_resync(gpointer data)
{
	struct post *post = data;

	post->pending = 0;
	guard_sync(post->guard, post->book, post->present);
	return G_SOURCE_REMOVE;
}

static void soon(struct post *post)
{
	if (post->resync && !post->pending)
		post->pending = g_idle_add(on_resync, post);
}

static void on_changed(const char *uuid, gpointer data)
{
	struct post *post = data;

	post->n_changed++;
	soon(post);
}

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
}

static void on_tampered(const struct enforce_tampered *tampered, gpointer data)
{
	((struct post *)data)->n_tampered++;
}

static void on_enforcer(const char *backend, const char *why, gpointer data)
{
	struct post *post = data;

	if (backend)
		post->n_came++;
	else
		post->n_went++;
	soon(post);
}

static const char *bridge_of(const char *segment, guint16 *ret_zone, gpointer data)
{
	return strcmp(segment, "front") == 0 ? "br-front" : NULL;
}

static void post_init(struct post *post, gboolean running)
{
	*post = (struct post){ .book = book_new(), .resync = TRUE };
	post->folder = g_dir_make_tmp("drover-guard-XXXXXX", NULL);
	post->path = g_build_filename(post->folder, "enforcer.sock", NULL);
	post->present = g_hash_table_new(g_str_hash, g_str_equal);
	fakeenforcer_init(&post->fake, post->path);
	if (running)
		fakeenforcer_start(&post->fake);
}

static void post_guard(struct post *post)
{
	static const struct guard_events events = { on_changed, on_refused, on_tampered,
		on_enforcer };

	post->guard = guard_new(post->path, bridge_of, &events, post);
	guard_sync(post->guard, post->book, post->present);
}

static void post_clear(struct post *post)
{
	if (post->pending)
		g_source_remove(post->pending);
	guard_free(post->guard);
	fakeenforcer_clear(&post->fake);
	while (g_main_context_iteration(NULL, FALSE))
		;
	book_free(post->book);
	g_hash_table_unref(post->present);
	g_rmdir(post->folder);
	g_free(post->folder);
	g_free(post->path);
}

static gboolean on_tick(gpointer data)
{
	return G_SOURCE_CONTINUE;
}

/* Turns the loop for this long. */
static void turn(unsigned ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;
	guint tick = g_timeout_add(5, on_tick, NULL);

	while (g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(tick);
}

/* Waits until the guard says that the machine conforms (or does not), at most 5 s. */
static void expect(struct post *post, gboolean conforming)
{
	struct guard_state state = { 0 };

	for (unsigned i = 0; i < 500; i++) {
		if (guard_find(post->guard, PAGES_VM, &state) && !state.conforming == !conforming)
			return;
		turn(10);
	}
	g_error("conforming is not %d: %s", conforming, state.difference);
}

static void expect_count(struct post *post, const char *entry, unsigned n)
{
	for (unsigned i = 0; i < 500 && fakeenforcer_count(&post->fake, entry) < n; i++)
		turn(10);
	g_assert_cmpuint(fakeenforcer_count(&post->fake, entry), ==, n);
}

static void test_set(void)
{
	struct post post;
	struct guard_state state;
	g_autofree char *text = NULL;

	post_init(&post, TRUE);
	pages_home(post.book, "arrival");
	post_guard(&post);
	expect(&post, TRUE);
	g_assert_true(guard_find(post.guard, PAGES_VM, &state));
	g_assert_cmpstr(state.intent, ==, state.readback);
	g_assert_cmpuint(strlen(state.intent), ==, 64);
	g_assert_cmpint(state.at_ms, >, 0);
	g_assert_true(guard_conforming(post.guard));
	g_assert_false(guard_find(post.guard, PAGES_OTHER, &state));
	g_assert_nonnull(guard_enforcer(post.guard));
	text = fakeenforcer_machine(&post.fake, PAGES_VM);
	g_assert_nonnull(strstr(text, "br-front"));
	g_assert_nonnull(strstr(text, "10.80.0.11"));
	turn(50);
	g_assert_cmpuint(fakeenforcer_count(&post.fake, SET), ==, 1);
	g_assert_cmpuint(post.n_came, ==, 1);
	post_clear(&post);
}

static void on_ready(gboolean stands, const char *why, gpointer data)
{
	char **said = data;

	g_assert_null(*said);
	*said = g_strdup(stands ? "stands" : why);
}

static char *waited(struct post *post, unsigned timeout_ms)
{
	char *said = NULL;

	guard_wait(post->guard, PAGES_VM, timeout_ms, on_ready, &said);
	for (unsigned i = 0; i < 300 && !said; i++)
		turn(10);
	g_assert_nonnull(said);
	return said;
}

/* Asked while the enforcer is away: a refusal says so; when it comes in time, all is well. */
static void test_wait(void)
{
	struct post post;
	g_autofree char *away = NULL;
	g_autofree char *late = NULL;
	g_autofree char *good = NULL;

	post_init(&post, FALSE);
	pages_home(post.book, "home");
	post_guard(&post);
	g_assert_null(guard_enforcer(post.guard));
	g_assert_false(guard_conforming(post.guard));
	away = waited(&post, 30);
	g_assert_cmpstr(away, ==, "the enforcer is not running");
	fakeenforcer_start(&post.fake);
	late = waited(&post, 5000);
	g_assert_cmpstr(late, ==, "stands");
	good = waited(&post, 5000);
	g_assert_cmpstr(good, ==, "stands");
	post_clear(&post);
}

static void test_wait_difference(void)
{
	struct post post;
	g_autofree char *said = NULL;
	g_autofree char *silent = NULL;

	post_init(&post, TRUE);
	post.fake.difference = "rule customers is missing";
	pages_home(post.book, "home");
	post_guard(&post);
	said = waited(&post, 300);
	g_assert_cmpstr(said, ==, "rule customers is missing");
	g_assert_false(guard_conforming(post.guard));
	post_clear(&post);
	post_init(&post, TRUE);
	post.fake.mute = TRUE;
	pages_home(post.book, "home");
	post_guard(&post);
	silent = waited(&post, 100);
	g_assert_nonnull(strstr(silent, "not been read back"));
	post_clear(&post);
}

/* Whatever happens while the enforcer is away, it is told everything when it comes back. */
static void test_back(void)
{
	struct post post;

	post_init(&post, TRUE);
	pages_home(post.book, "home");
	post_guard(&post);
	expect(&post, TRUE);
	fakeenforcer_stop(&post.fake);
	expect(&post, FALSE);
	g_assert_false(guard_conforming(post.guard));
	g_assert_null(guard_enforcer(post.guard));
	guard_sync(post.guard, post.book, post.present); /* into a closed connection */
	turn(20);
	fakeenforcer_start(&post.fake);
	expect(&post, TRUE);
	g_assert_cmpuint(fakeenforcer_count(&post.fake, SET), ==, 2);
	g_assert_cmpuint(post.n_went, ==, 1);
	g_assert_cmpuint(post.n_came, ==, 2);
	post_clear(&post);
}

/* A refusal is told, asked again after a while, and never in a tight loop. */
static void test_refused(void)
{
	struct post post;
	struct guard_state state;

	post_init(&post, TRUE);
	post.fake.refusal = "the kernel has no bridge br-front";
	pages_home(post.book, "home");
	post_guard(&post);
	turn(200);
	g_assert_true(guard_find(post.guard, PAGES_VM, &state));
	g_assert_false(state.conforming);
	g_assert_cmpstr(state.difference, ==, "the kernel has no bridge br-front");
	g_assert_cmpuint(fakeenforcer_count(&post.fake, SET), ==, 1);
	post.fake.refusal = NULL;
	expect(&post, TRUE);
	g_assert_cmpuint(fakeenforcer_count(&post.fake, SET), ==, 2);
	post_clear(&post);
}

static void put_unknown_protocol(struct book *book)
{
	g_auto(facts_protection) fact = { .vapp = g_strdup("shop"),
		.machine = g_strdup("web1"),
		.nics = facts_list_new(),
		.rules = facts_list_new() };
	struct facts_protected_rule *rule = facts_list_add(fact.rules, FACTS_PROTECTION, "rule");

	rule->flow = g_strdup("f");
	rule->direction = g_strdup("in");
	rule->protocol = g_strdup("smoke");
	pages_add(book, FACTS_PROTECTION, PAGES_VM, NULL, &fact);
}

/* A protection that is not understood: said once, and what stands from before is no conformity. */
static void test_not_understood(void)
{
	struct post post;
	struct guard_state state;
	g_autofree char *said = NULL;

	post_init(&post, TRUE);
	pages_home(post.book, "home");
	post_guard(&post);
	expect(&post, TRUE);
	put_unknown_protocol(post.book);
	guard_sync(post.guard, post.book, post.present);
	expect(&post, FALSE);
	post.n_changed = 0;
	turn(100);
	g_assert_cmpuint(post.n_changed, <=, 1);
	fakeenforcer_tamper(&post.fake); /* makes the guard look at everything again */
	expect_count(&post, "verify", 2);
	turn(50);
	g_assert_true(guard_find(post.guard, PAGES_VM, &state));
	g_assert_false(state.conforming);
	g_assert_nonnull(strstr(state.difference, "protocol 'smoke'"));
	said = waited(&post, 50);
	g_assert_nonnull(strstr(said, "protocol 'smoke'"));
	g_assert_cmpuint(fakeenforcer_count(&post.fake, REMOVE), ==, 0);
	post_clear(&post);
}

/* Rules go when the machine is neither reserved nor present, not before. */
static void test_release(void)
{
	struct post post;
	struct guard_state state;

	post_init(&post, TRUE);
	pages_home(post.book, "home");
	g_hash_table_add(post.present, (gpointer)PAGES_VM);
	post_guard(&post);
	expect(&post, TRUE);
	book_free(post.book);
	post.book = book_new();
	guard_sync(post.guard, post.book, post.present);
	turn(50);
	g_assert_cmpuint(fakeenforcer_count(&post.fake, REMOVE), ==, 0);
	expect(&post, TRUE);
	g_hash_table_remove_all(post.present);
	guard_sync(post.guard, post.book, NULL); /* what is present is not known */
	turn(50);
	g_assert_cmpuint(fakeenforcer_count(&post.fake, REMOVE), ==, 0);
	guard_sync(post.guard, post.book, post.present);
	expect_count(&post, REMOVE, 1);
	g_assert_false(guard_find(post.guard, PAGES_VM, &state));
	turn(50);
	g_assert_cmpuint(fakeenforcer_count(&post.fake, REMOVE), ==, 1);
	post_clear(&post);
}

/* An agent that was restarted takes away what the one before left, and keeps what still stands. */
static void test_inherited(void)
{
	struct post post;
	struct guard_state state;

	post_init(&post, TRUE);
	pages_home(post.book, "home");
	post_guard(&post);
	expect(&post, TRUE);
	guard_free(post.guard);
	g_hash_table_add(post.present, (gpointer)PAGES_VM);
	book_free(post.book);
	post.book = book_new();
	post_guard(&post);
	expect(&post, TRUE); /* it still runs: its rules are known and watched */
	g_assert_cmpuint(fakeenforcer_count(&post.fake, SET), ==, 1);
	g_hash_table_remove_all(post.present);
	guard_sync(post.guard, post.book, post.present);
	expect_count(&post, REMOVE, 1);
	g_assert_false(guard_find(post.guard, PAGES_VM, &state));
	post_clear(&post);
}

static void test_change(void)
{
	struct post post;
	struct guard_state state;
	g_autofree char *before = NULL;
	g_auto(facts_protection) fact = { 0 };

	post_init(&post, TRUE);
	pages_home(post.book, "home");
	post_guard(&post);
	expect(&post, TRUE);
	guard_find(post.guard, PAGES_VM, &state);
	before = g_strdup(state.intent);
	facts_copy(FACTS_PROTECTION, book_protection(post.book, PAGES_VM), &fact);
	((struct facts_protected_rule *)fact.rules->pdata[0])->port_last = 81;
	pages_add(post.book, FACTS_PROTECTION, PAGES_VM, NULL, &fact);
	guard_sync(post.guard, post.book, post.present);
	expect_count(&post, SET, 2);
	expect(&post, TRUE);
	guard_find(post.guard, PAGES_VM, &state);
	g_assert_cmpstr(before, !=, state.intent);
	post_clear(&post);
}

static void test_tampered(void)
{
	struct post post;

	post_init(&post, TRUE);
	pages_home(post.book, "home");
	post_guard(&post);
	expect(&post, TRUE);
	expect_count(&post, "verify", 1);
	post.fake.difference = "a rule is gone";
	fakeenforcer_tamper(&post.fake);
	expect(&post, FALSE);
	g_assert_cmpuint(post.n_tampered, ==, 1);
	post.fake.difference = NULL;
	fakeenforcer_tamper(&post.fake);
	expect(&post, TRUE);
	post_clear(&post);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guard/set", test_set);
	g_test_add_func("/guard/wait", test_wait);
	g_test_add_func("/guard/wait-difference", test_wait_difference);
	g_test_add_func("/guard/back", test_back);
	g_test_add_func("/guard/refused", test_refused);
	g_test_add_func("/guard/not-understood", test_not_understood);
	g_test_add_func("/guard/release", test_release);
	g_test_add_func("/guard/inherited", test_inherited);
	g_test_add_func("/guard/change", test_change);
	g_test_add_func("/guard/tampered", test_tampered);
	return g_test_run();
}
