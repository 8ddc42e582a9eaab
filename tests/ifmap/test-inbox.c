#include "ifmap/inbox.h"

struct owner {
	struct ifmap_inbox *inbox;
	GMainLoop *loop;
	GString *seen;
	guint n_freed;
};

static void owner_init(struct owner *owner)
{
	*owner = (struct owner){ .loop = g_main_loop_new(NULL, FALSE), .seen = g_string_new(NULL) };
	owner->inbox = ifmap_inbox_new(owner);
}

static void owner_clear(struct owner *owner)
{
	ifmap_inbox_close(owner->inbox);
	g_main_loop_unref(owner->loop);
	g_string_free(owner->seen, TRUE);
}

static void on_call(gpointer data, gpointer letter)
{
	struct owner *owner = data;

	g_string_append_c(owner->seen, *(char *)letter);
	if (*(char *)letter == '.')
		g_main_loop_quit(owner->loop);
	if (*(char *)letter == '!')
		g_clear_pointer(&owner->inbox, ifmap_inbox_close);
}

static gpointer post_alphabet(gpointer data)
{
	struct owner *owner = data;

	for (const char *c = "abcdefghijklmnopqrstuvwxyz"; *c; c++)
		ifmap_inbox_post(owner->inbox, on_call, g_memdup2(c, 1), g_free);
	ifmap_inbox_post(owner->inbox, on_call, g_strdup("."), g_free);
	return NULL;
}

static void test_order(void)
{
	struct owner owner;
	GThread *thread;

	owner_init(&owner);
	thread = g_thread_new("poster", post_alphabet, &owner);
	g_main_loop_run(owner.loop);
	g_thread_join(thread);
	g_assert_cmpstr(owner.seen->str, ==, "abcdefghijklmnopqrstuvwxyz.");
	owner_clear(&owner);
}

/* Closed from inside a call: what waits is freed and not run. */
static void test_close_inside(void)
{
	struct owner owner;

	owner_init(&owner);
	ifmap_inbox_post(owner.inbox, on_call, g_strdup("a"), g_free);
	ifmap_inbox_post(owner.inbox, on_call, g_strdup("!"), g_free);
	ifmap_inbox_post(owner.inbox, on_call, g_strdup("b"), g_free);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpstr(owner.seen->str, ==, "a!");
	owner_clear(&owner);
}

static void count_free(gpointer data)
{
	(*(guint *)data)++;
}

static void test_close_outside(void)
{
	struct owner owner;

	owner_init(&owner);
	ifmap_inbox_post(owner.inbox, on_call, &owner.n_freed, count_free);
	ifmap_inbox_post(owner.inbox, on_call, &owner.n_freed, count_free);
	g_clear_pointer(&owner.inbox, ifmap_inbox_close);
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpuint(owner.n_freed, ==, 2);
	g_assert_cmpstr(owner.seen->str, ==, "");
	owner_clear(&owner);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/inbox/order", test_order);
	g_test_add_func("/ifmap/inbox/close-inside", test_close_inside);
	g_test_add_func("/ifmap/inbox/close-outside", test_close_outside);
	return g_test_run();
}
