/* host/netwatch in a network namespace of its own: links come, go, rise and fall. Needs root. */
#include "host/netwatch.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

static const char *why_not;

static void on_changed(gpointer data)
{
	(*(unsigned *)data)++;
}

static void ip(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void ip(const char *format, ...)
{
	g_autofree char *line = NULL;
	g_autofree char *problem = NULL;
	va_list args;
	int status;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	g_assert_true(g_spawn_command_line_sync(line, NULL, &problem, &status, NULL));
	if (status)
		g_error("%s: %s", line, problem);
}

static gboolean on_over(gpointer over)
{
	*(gboolean *)over = TRUE;
	return G_SOURCE_REMOVE;
}

/* Waits until the link is as said, at most 5 s; mtu 0: it is not there. */
static void expect(struct netwatch *watch, const char *name, gboolean up, unsigned mtu)
{
	gboolean over = FALSE;
	guint timer = g_timeout_add(5000, on_over, &over);

	for (;;) {
		const struct netwatch_link *link = netwatch_find(watch, name);

		if (!link ? mtu == 0 : !link->up == !up && link->mtu == mtu)
			break;
		if (over)
			g_error("%s: %s", name, link ? "another state than expected" : "not there");
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(timer);
}

static void test_links(void)
{
	unsigned n = 0;
	g_autoptr(GError) error = NULL;
	struct netwatch *watch = netwatch_new(on_changed, &n, &error);
	unsigned before;

	g_assert_no_error(error);
	expect(watch, "lo", FALSE, 65536);
	g_assert_cmpuint(n, ==, 1);
	g_assert_null(netwatch_find(watch, "w0"));
	ip("ip link add w0 type veth peer name w1");
	expect(watch, "w0", FALSE, 1500);
	ip("ip link set w0 up");
	ip("ip link set w1 up");
	expect(watch, "w0", TRUE, 1500);
	g_assert_cmpuint(netwatch_find(watch, "w0")->index, >, 0);
	ip("ip link set w0 mtu 9000");
	expect(watch, "w0", TRUE, 9000);
	ip("ip link set w1 down"); /* no carrier any more */
	expect(watch, "w0", FALSE, 9000);
	ip("ip link set w1 up");
	expect(watch, "w0", TRUE, 9000);
	ip("ip link set w0 down");
	ip("ip link set w0 name other");
	expect(watch, "other", FALSE, 9000);
	expect(watch, "w0", FALSE, 0);
	before = n;
	ip("ip link del w1");
	expect(watch, "other", FALSE, 0);
	g_assert_cmpuint(n, >, before);
	netwatch_free(watch);
}

/* Many links in one burst, and a bridge that goes with them: in the end the table is the kernel's.
 */
static void test_burst(void)
{
	unsigned n = 0;
	struct netwatch *watch = netwatch_new(on_changed, &n, NULL);

	ip("ip link add br7 type bridge");
	for (unsigned i = 0; i < 60; i++)
		ip("ip link add b%u type veth peer name c%u", i, i);
	for (unsigned i = 0; i < 60; i++)
		expect(watch, i % 2 ? "b59" : "c0", FALSE, 1500);
	for (unsigned i = 0; i < 59; i++)
		ip("ip link del b%u", i);
	expect(watch, "b58", FALSE, 0);
	expect(watch, "b59", FALSE, 1500);
	g_assert_cmpuint(n, <, 130); /* fewer news than events: bursts are put together */
	netwatch_free(watch);
	ip("ip link del b59");
	ip("ip link del br7");
}

static void test_skipped(void)
{
	g_test_skip(why_not);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (unshare(CLONE_NEWNET) != 0)
		why_not = errno == EPERM ? "needs root" : "no network namespace can be made here";
	g_test_add_func("/netwatch/links", why_not ? test_skipped : test_links);
	g_test_add_func("/netwatch/burst", why_not ? test_skipped : test_burst);
	return g_test_run();
}
