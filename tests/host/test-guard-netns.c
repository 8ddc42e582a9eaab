/* host/guard with the real enforcer on the real kernel, in a network namespace of its own: what the
 * book says stands as nftables rules, survives both sides' restarts, and goes when it is over.
 * Needs root; the enforcer's path is in DROVER_ENFORCER. */
#include "cases.h"
#include "host/guard.h"
#include "host/rules_zone.h"
#include "pages.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define TWIN "22222222-2222-4333-8444-555555555555"

struct host {
	char *folder;
	char *socket;
	char *state;
	GPid pid;
	struct guard *guard;
	struct book *book;
	GHashTable *present;
};

static void on_changed(const char *uuid, gpointer data)
{
}

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
}

static void on_tampered(const struct enforce_tampered *tampered, gpointer data)
{
}

static void on_enforcer(const char *backend, const char *why, gpointer data)
{
}

static const char *bridge_of(const char *segment, guint16 *ret_zone, gpointer data)
{
	static const char *const bridges[] = { "br-front", "br-back", NULL };
	static const char *const none[] = { NULL };
	const char *bridge = strcmp(segment, "front") ? "br-back" : "br-front";

	*ret_zone = rules_zone_of(bridge, bridges, none);
	return bridge;
}

static void enforcer_start(struct host *host)
{
	const char *argv[] = { g_getenv("DROVER_ENFORCER"), "--socket", host->socket, "--state",
		host->state, g_getenv("DROVER_NO_SANDBOX") ? "--no-sandbox" : NULL, NULL };
	g_autoptr(GError) error = NULL;

	g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &host->pid,
		&error);
	g_assert_no_error(error);
}

static void enforcer_stop(struct host *host)
{
	kill(host->pid, SIGTERM);
	g_assert_cmpint(waitpid(host->pid, NULL, 0), ==, host->pid);
}

static void guard_start(struct host *host)
{
	static const struct guard_events events = { on_changed, on_refused, on_tampered,
		on_enforcer };

	host->guard = guard_new(host->socket, bridge_of, &events, host);
	guard_sync(host->guard, host->book, host->present);
}

static gboolean on_tick(gpointer data)
{
	return G_SOURCE_CONTINUE;
}

/* Waits for a machine's rules to be known and as said, at most 10 s. */
static void expect_of(struct host *host, const char *uuid, gboolean conforming)
{
	gint64 end = g_get_monotonic_time() + (gint64)10 * G_USEC_PER_SEC;
	guint tick = g_timeout_add(20, on_tick, NULL);
	struct guard_state state = { 0 };

	while (!guard_find(host->guard, uuid, &state) || !state.conforming != !conforming) {
		if (g_get_monotonic_time() > end)
			g_error("conforming is not %d: %s", conforming, state.difference);
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(tick);
}

static void expect(struct host *host, gboolean conforming)
{
	expect_of(host, PAGES_VM, conforming);
}

/* Waits until the kernel's rules name the tap, or no longer do. */
static void expect_rules(gboolean there)
{
	gint64 end = g_get_monotonic_time() + (gint64)10 * G_USEC_PER_SEC;

	for (;;) {
		g_autofree char *text = NULL;

		g_assert_true(
			g_spawn_command_line_sync("nft list ruleset", &text, NULL, NULL, NULL));
		if (!strstr(text, "dv00000001") == !there)
			return;
		if (g_get_monotonic_time() > end)
			g_error("rules are not %d:\n%s", there, text);
		while (g_main_context_iteration(NULL, FALSE))
			;
		g_usleep(20000);
	}
}

static void test_life(void)
{
	struct host host = { .book = book_new(),
		.present = g_hash_table_new(g_str_hash, g_str_equal) };

	host.folder = g_dir_make_tmp("drover-guard-XXXXXX", NULL);
	host.socket = g_build_filename(host.folder, "enforcer.sock", NULL);
	host.state = g_build_filename(host.folder, "state.json", NULL);
	cases_command("ip link add br-front type bridge");
	cases_command("ip link set br-front up");
	pages_home(host.book, "home");
	/* The same address on another bridge is another machine. */
	pages_protection_on(host.book, TWIN, "dv00000002", "52:54:00:00:00:02", "back");
	pages_reservation(host.book, TWIN, PAGES_HOST, "home");
	guard_start(&host); /* the enforcer comes later */
	enforcer_start(&host);
	expect(&host, TRUE);
	expect_of(&host, TWIN, TRUE);
	g_assert_true(guard_conforming(host.guard));
	expect_rules(TRUE);

	enforcer_stop(&host);
	expect(&host, FALSE);
	expect_rules(TRUE); /* the kernel keeps them */
	enforcer_start(&host);
	expect(&host, TRUE);

	guard_free(host.guard); /* the agent is restarted, and the machine is no longer ours */
	book_free(host.book);
	host.book = book_new();
	g_hash_table_add(host.present, (gpointer)PAGES_VM);
	guard_start(&host);
	expect(&host, TRUE);
	g_hash_table_remove_all(host.present);
	guard_sync(host.guard, host.book, host.present);
	expect_rules(FALSE);

	guard_free(host.guard);
	enforcer_stop(&host);
	book_free(host.book);
	g_hash_table_unref(host.present);
	g_unlink(host.state);
	g_unlink(host.socket);
	g_rmdir(host.folder);
	g_free(host.folder);
	g_free(host.socket);
	g_free(host.state);
}

static const struct cases_case cases[] = {
	{ "/guard-netns/life", test_life },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, cases_own_network, cases);
}
