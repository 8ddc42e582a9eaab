/* host/netwatch in a network namespace of its own: links, neighbours, addresses and routes come,
 * change and go. Needs root. */
#include "cases.h"
#include "host/netwatch.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the last readings found, a line each, sorted. */
struct seen {
	unsigned n_links;
	unsigned n_neighbours;
	unsigned n_routes;
	GPtrArray *neighbours;
	GPtrArray *routes;
};

static void on_links(gpointer data)
{
	((struct seen *)data)->n_links++;
}

static void on_neighbour(const struct netread_neighbour *neighbour, gpointer data)
{
	static const char *const states[] = { "known", "pending", "silent", "own" };

	if (*neighbour->mac && strcmp(neighbour->mac, "00:00:00:00:00:00") != 0)
		g_ptr_array_add(data,
			g_strdup_printf("%s%s %s %s", neighbour->on_bridge ? "bridge" : "",
				neighbour->address, neighbour->mac, states[neighbour->state]));
}

static gboolean on_neighbours(struct netwatch *watch, gpointer data)
{
	struct seen *seen = data;

	seen->n_neighbours++;
	g_ptr_array_set_size(seen->neighbours, 0);
	return netwatch_read_neighbours(watch, on_neighbour, seen->neighbours);
}

static void on_address(const struct netread_address *address, gpointer data)
{
	if (address->global)
		g_ptr_array_add(data, g_strdup_printf("own %s", address->address));
}

static void on_route(const struct netread_route *route, gpointer data)
{
	g_ptr_array_add(data, g_strdup_printf("%s via %s metric %u", route->prefix, route->gateway,
				      route->metric));
}

static gboolean on_routes(struct netwatch *watch, gpointer data)
{
	struct seen *seen = data;

	seen->n_routes++;
	g_ptr_array_set_size(seen->routes, 0);
	return netwatch_read_addresses(watch, on_address, seen->routes) &&
	       netwatch_read_routes(watch, on_route, seen->routes);
}

static struct netwatch *start(struct seen *seen)
{
	static const struct netwatch_events events = { on_links, on_neighbours, on_routes };
	g_autoptr(GError) error = NULL;
	struct netwatch *watch;

	*seen = (struct seen){ .neighbours = g_ptr_array_new_with_free_func(g_free),
		.routes = g_ptr_array_new_with_free_func(g_free) };
	watch = netwatch_new(&events, seen, &error);
	g_assert_no_error(error);
	return watch;
}

static void stop(struct netwatch *watch, struct seen *seen)
{
	netwatch_free(watch);
	g_ptr_array_unref(seen->neighbours);
	g_ptr_array_unref(seen->routes);
}

static gboolean on_over(gpointer over)
{
	*(gboolean *)over = TRUE;
	return G_SOURCE_REMOVE;
}

#define WAIT(condition)                                                   \
	do {                                                              \
		gboolean over = FALSE;                                    \
		guint timer = g_timeout_add(5000, on_over, &over);        \
                                                                          \
		while (!(condition) && !over)                             \
			g_main_context_iteration(NULL, TRUE);             \
		if (over)                                                 \
			g_error("waited 5 s in vain for %s", #condition); \
		g_source_remove(timer);                                   \
	} while (0)

static gboolean is(struct netwatch *watch, const char *name, gboolean up, unsigned mtu)
{
	const struct netread_link *link = netwatch_find(watch, name);

	return !link ? mtu == 0 : !link->up == !up && link->mtu == mtu;
}

/* Until the link is as said; mtu 0: it is not there. */
#define EXPECT(watch, name, up, mtu) WAIT(is(watch, name, up, mtu))

static gboolean has(const GPtrArray *lines, const char *line)
{
	return g_ptr_array_find_with_equal_func((GPtrArray *)lines, line, g_str_equal, NULL);
}

/* ---- links ---- */

static void test_links(void)
{
	struct seen seen;
	struct netwatch *watch = start(&seen);
	unsigned before;
	unsigned index;

	EXPECT(watch, "lo", FALSE, 65536);
	g_assert_cmpuint(seen.n_links, ==, 1);
	g_assert_null(netwatch_find(watch, "w0"));
	cases_command("ip link add w0 type veth peer name w1");
	EXPECT(watch, "w0", FALSE, 1500);
	cases_command("ip link set w0 up");
	cases_command("ip link set w1 up");
	EXPECT(watch, "w0", TRUE, 1500);
	index = netwatch_find(watch, "w0")->index;
	g_assert_cmpstr(netwatch_find_index(watch, index)->name, ==, "w0");
	g_assert_null(netwatch_find_index(watch, index + 1000));
	cases_command("ip link set w0 mtu 9000");
	EXPECT(watch, "w0", TRUE, 9000);
	cases_command("ip link set w1 down"); /* no carrier any more */
	EXPECT(watch, "w0", FALSE, 9000);
	cases_command("ip link set w1 up");
	EXPECT(watch, "w0", TRUE, 9000);
	cases_command("ip link set w0 down");
	cases_command("ip link set w0 name other");
	EXPECT(watch, "other", FALSE, 9000);
	EXPECT(watch, "w0", FALSE, 0);
	before = seen.n_links;
	cases_command("ip link del w1");
	EXPECT(watch, "other", FALSE, 0);
	g_assert_cmpuint(seen.n_links, >, before);
	stop(watch, &seen);
}

/* Many links in one burst, and a bridge that goes with them: in the end the table is the kernel's.
 */
static void test_burst(void)
{
	struct seen seen;
	struct netwatch *watch = start(&seen);

	cases_command("ip link add br7 type bridge");
	for (unsigned i = 0; i < 60; i++)
		cases_command("ip link add b%u type veth peer name c%u", i, i);
	for (unsigned i = 0; i < 60; i++)
		EXPECT(watch, i % 2 ? "b59" : "c0", FALSE, 1500);
	for (unsigned i = 0; i < 59; i++)
		cases_command("ip link del b%u", i);
	EXPECT(watch, "b58", FALSE, 0);
	EXPECT(watch, "b59", FALSE, 1500);
	g_assert_cmpuint(
		seen.n_links, <, 130); /* fewer news than events: bursts are put together */
	stop(watch, &seen);
	cases_command("ip link del b59");
	cases_command("ip link del br7");
}

/* ---- neighbours ---- */

static void raise_bridge(void)
{
	cases_command("ip link add br8 type bridge");
	cases_command("ip addr add 10.8.0.1/24 dev br8");
	cases_command("ip addr add fd08::1/64 dev br8 nodad");
	cases_command("ip link add t8 address 02:00:00:00:08:aa type veth peer name g8");
	cases_command("ip link set t8 master br8");
	cases_command("ip link set br8 up");
	cases_command("ip link set t8 up");
	cases_command("ip link set g8 up");
}

static void test_neighbours(void)
{
	static const char four[] = "10.8.0.2 02:00:00:00:08:02 known";
	static const char six[] = "fd08::2 02:00:00:00:08:02 known";
	struct seen seen;
	struct netwatch *watch;

	raise_bridge();
	watch = start(&seen);
	WAIT(seen.n_neighbours > 0);
	g_assert_false(has(seen.neighbours, four));
	cases_command("ip neigh add 10.8.0.2 lladdr 02:00:00:00:08:02 nud reachable dev br8");
	cases_command("ip neigh add fd08::2 lladdr 02:00:00:00:08:02 nud stale dev br8");
	WAIT(has(seen.neighbours, four) && has(seen.neighbours, six));
	cases_command("ip neigh replace 10.8.0.2 lladdr 02:00:00:00:08:03 nud reachable dev br8");
	WAIT(!has(seen.neighbours, four) &&
		has(seen.neighbours, "10.8.0.2 02:00:00:00:08:03 known"));
	cases_command("ip neigh replace 10.8.0.9 lladdr 02:00:00:00:08:09 nud permanent dev br8");
	WAIT(has(seen.neighbours, "10.8.0.9 02:00:00:00:08:09 own"));
	cases_command("ip neigh flush dev br8");
	WAIT(!has(seen.neighbours, "10.8.0.2 02:00:00:00:08:03 known") &&
		!has(seen.neighbours, six));
	/* what a bridge learned at a port, and not what it knows of itself */
	EXPECT(watch, "br8", TRUE, 1500); /* it carries when a port forwards; then it learns */
	cases_command("bridge fdb add 02:00:00:00:08:07 dev t8 master dynamic");
	WAIT(has(seen.neighbours, "bridge 02:00:00:00:08:07 known"));
	cases_command("bridge fdb del 02:00:00:00:08:07 dev t8 master");
	WAIT(!has(seen.neighbours, "bridge 02:00:00:00:08:07 known"));
	g_assert_true(has(seen.neighbours, "bridge 02:00:00:00:08:aa own"));
	stop(watch, &seen);
	cases_command("ip link del t8");
	cases_command("ip link del br8");
}

/* Netlink datagrams that the kernel could not deliver in this namespace. */
static unsigned count_drops(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	unsigned drops = 0;

	g_assert_true(g_file_get_contents("/proc/thread-self/net/netlink", &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 1; lines[i] && *lines[i]; i++) {
		unsigned dropped = 0;

		/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
		if (sscanf(lines[i], "%*s %*s %*s %*s %*s %*s %*s %*s %u", &dropped) == 1)
			drops += dropped;
	}
	return drops;
}

#define FLOOD 2000

static void write_flood(const char *path, const char *verb)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < FLOOD; i++)
		g_string_append_printf(text, "fdb %s 02:00:00:01:%02x:%02x dev t8 master dynamic\n",
			verb, i >> 8, i & 0xff);
	g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
}

/* A flood that nobody reads: events are lost, the table is not. And it costs few readings. */
static void test_lost_events(void)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "netwatch-XXXXXX", NULL);
	int fd = g_mkstemp(path);
	unsigned drops = count_drops();
	struct seen seen;
	struct netwatch *watch;
	unsigned before;

	raise_bridge();
	watch = start(&seen);
	WAIT(seen.n_neighbours > 0);
	EXPECT(watch, "br8", TRUE, 1500);
	before = seen.n_neighbours;
	write_flood(path, "add");
	cases_command("bridge -batch %s", path);
	g_assert_cmpuint(count_drops(), >, drops);
	WAIT(has(seen.neighbours, "bridge 02:00:00:01:07:cf known"));
	WAIT(has(seen.neighbours, "bridge 02:00:00:01:00:00 known"));
	g_assert_cmpuint(seen.n_neighbours - before, <, 10);
	write_flood(path, "del");
	cases_command("bridge -batch %s", path);
	WAIT(!has(seen.neighbours, "bridge 02:00:00:01:07:cf known"));
	stop(watch, &seen);
	cases_command("ip link del t8");
	cases_command("ip link del br8");
	close(fd);
	g_unlink(path);
}

/* ---- routes ---- */

static void test_routes(void)
{
	struct seen seen;
	struct netwatch *watch;

	raise_bridge();
	watch = start(&seen);
	WAIT(has(seen.routes, "10.8.0.0/24 via  metric 0") && has(seen.routes, "own 10.8.0.1"));
	g_assert_true(has(seen.routes, "own fd08::1"));
	g_assert_false(has(seen.routes, "own 127.0.0.1"));
	cases_command("ip route add default via 10.8.0.254");
	WAIT(has(seen.routes, "0.0.0.0/0 via 10.8.0.254 metric 0"));
	cases_command("ip route change default via 10.8.0.253");
	WAIT(has(seen.routes, "0.0.0.0/0 via 10.8.0.253 metric 0") &&
		!has(seen.routes, "0.0.0.0/0 via 10.8.0.254 metric 0"));
	cases_command("ip -6 route add default via fd08::ff metric 77");
	WAIT(has(seen.routes, "::/0 via fd08::ff metric 77"));
	cases_command("ip route add 10.9.0.0/16 nexthop via 10.8.0.7 nexthop via 10.8.0.8");
	WAIT(has(seen.routes, "10.9.0.0/16 via 10.8.0.7 metric 0") &&
		has(seen.routes, "10.9.0.0/16 via 10.8.0.8 metric 0"));
	cases_command("ip addr add 10.8.7.1/24 dev br8");
	WAIT(has(seen.routes, "own 10.8.7.1"));
	cases_command("ip route flush table main");
	WAIT(!has(seen.routes, "0.0.0.0/0 via 10.8.0.253 metric 0"));
	for (unsigned i = 0; i < seen.routes->len; i++)
		g_assert_false(g_str_has_prefix(seen.routes->pdata[i], "fe80"));
	stop(watch, &seen);
	cases_command("ip link del t8");
	cases_command("ip link del br8");
}

static const struct cases_case cases[] = {
	{ "/netwatch/links", test_links },
	{ "/netwatch/burst", test_burst },
	{ "/netwatch/neighbours", test_neighbours },
	{ "/netwatch/lost-events", test_lost_events },
	{ "/netwatch/routes", test_routes },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, cases_own_network, cases);
}
