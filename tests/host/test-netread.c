/* host/netread on what a kernel once said (tests/host/netlink/NAME.bin, the messages of one dump as
 * they came; NAME.txt is what they say), and on everything that can be made of it by cutting and
 * spoiling. REGENERATE=1 writes the texts anew. */
#include "host/netread.h"

#include <linux/rtnetlink.h>
#include <string.h>

/* ---- as text ---- */

static gboolean link_line(const struct nlmsghdr *message, GString *out)
{
	struct netread_link link;

	if (!netread_link(message, &link))
		return FALSE;
	g_string_append_printf(
		out, "%u %s %s %u\n", link.index, link.name, link.up ? "up" : "down", link.mtu);
	return TRUE;
}

static gboolean neighbour_line(const struct nlmsghdr *message, GString *out)
{
	static const char *const states[] = { "known", "pending", "silent", "own" };
	struct netread_neighbour n;

	if (!netread_neighbour(message, &n))
		return FALSE;
	g_string_append_printf(out, "%u %s %s %s %" G_GUINT64_FORMAT "\n", n.index,
		n.on_bridge ? "bridge" : n.address, n.mac, states[n.state], n.age_ms);
	return TRUE;
}

static gboolean address_line(const struct nlmsghdr *message, GString *out)
{
	struct netread_address address;

	if (!netread_address(message, &address))
		return FALSE;
	g_string_append_printf(
		out, "%u %s%s\n", address.index, address.address, address.global ? " global" : "");
	return TRUE;
}

static gboolean route_lines(const struct nlmsghdr *message, GString *out)
{
	struct netread_route routes[NETREAD_HOPS_MAX];
	unsigned n = netread_routes(message, routes);

	g_assert_cmpuint(n, <=, NETREAD_HOPS_MAX);
	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(out, "%s via %s dev %u metric %u\n", routes[i].prefix,
			*routes[i].gateway ? routes[i].gateway : "-", routes[i].index,
			routes[i].metric);
	return n > 0;
}

static const struct dump {
	const char *name;
	gboolean (*line)(const struct nlmsghdr *message, GString *out);
} dumps[] = {
	{ "links", link_line },
	{ "neighbours", neighbour_line },
	{ "addresses", address_line },
	{ "routes", route_lines },
};

/* ---- what was recorded ---- */

static GBytes *recorded(const char *name)
{
	g_autofree char *file = g_strconcat(name, ".bin", NULL);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "netlink", file, NULL);
	char *data;
	size_t size;
	g_autoptr(GError) error = NULL;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	return g_bytes_new_take(data, size);
}

typedef void (*message_fn)(const struct nlmsghdr *message, gpointer data);

/* Calls with each message, alone in memory of just its size. */
static void each_message(GBytes *bytes, message_fn fn, gpointer data)
{
	size_t size;
	const guint8 *at = g_bytes_get_data(bytes, &size);
	unsigned n = 0;

	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;
		g_autofree void *copy = NULL;

		memcpy(&header, at, sizeof(header));
		g_assert_cmpuint(header.nlmsg_len, <=, size);
		copy = g_memdup2(at, header.nlmsg_len);
		fn(copy, data);
		n++;
		at += MIN(NLMSG_ALIGN(header.nlmsg_len), size);
		size -= MIN(NLMSG_ALIGN(header.nlmsg_len), size);
	}
	g_assert_cmpuint(n, >, 3);
}

struct telling {
	const struct dump *dump;
	GString *out;
};

static void tell(const struct nlmsghdr *message, gpointer data)
{
	const struct telling *telling = data;

	if (!telling->dump->line(message, telling->out))
		g_string_append(telling->out, "-\n");
}

static void test_recorded(gconstpointer data)
{
	const struct dump *dump = data;
	g_autoptr(GBytes) bytes = recorded(dump->name);
	g_autoptr(GString) text = g_string_new(NULL);
	struct telling telling = { dump, text };
	g_autofree char *file = g_strconcat(dump->name, ".txt", NULL);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "netlink", file, NULL);
	g_autofree char *expected = NULL;

	each_message(bytes, tell, &telling);
	if (g_getenv("REGENERATE"))
		g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
	g_assert_true(g_file_get_contents(path, &expected, NULL, NULL));
	g_assert_cmpstr(text->str, ==, expected);
}

/* ---- what else may come ---- */

static void read_all(const struct nlmsghdr *message)
{
	g_autoptr(GString) ignored = g_string_new(NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(dumps); i++)
		dumps[i].line(message, ignored);
}

/* A message that is shorter than it should be never reads beyond its end (sanitizers look), and
 * what lacks its fixed part is refused. */
static void cut(const struct nlmsghdr *message, gpointer data)
{
	const struct dump *dump = data;
	g_autoptr(GString) ignored = g_string_new(NULL);

	for (guint32 size = sizeof(*message); size < message->nlmsg_len; size++) {
		g_autofree struct nlmsghdr *copy = g_memdup2(message, size);

		copy->nlmsg_len = size;
		read_all(copy);
		if (size < sizeof(*message) + sizeof(struct ifaddrmsg))
			g_assert_false(dump->line(copy, ignored));
	}
}

static void test_cut(gconstpointer data)
{
	const struct dump *dump = data;
	g_autoptr(GBytes) bytes = recorded(dump->name);

	each_message(bytes, cut, (gpointer)dump);
}

static void spoil(const struct nlmsghdr *message, gpointer data)
{
	for (unsigned round = 0; round < 500; round++) {
		g_autofree struct nlmsghdr *copy = g_memdup2(message, message->nlmsg_len);
		guint8 *bytes = (guint8 *)copy;

		for (unsigned i = 0; i < 4; i++)
			bytes[g_test_rand_int_range(4, (gint32)message->nlmsg_len)] = (guint8)
				g_test_rand_int_range(0, 256);
		read_all(copy);
	}
}

static void test_spoilt(gconstpointer data)
{
	const struct dump *dump = data;
	g_autoptr(GBytes) bytes = recorded(dump->name);

	each_message(bytes, spoil, NULL);
}

/* A message of another kind says nothing to a reader. */
static void refuse(const struct nlmsghdr *message, gpointer data)
{
	g_autoptr(GString) ignored = g_string_new(NULL);

	for (unsigned i = 0; i < G_N_ELEMENTS(dumps); i++)
		if (&dumps[i] != data)
			g_assert_false(dumps[i].line(message, ignored));
}

static void test_others(gconstpointer data)
{
	const struct dump *dump = data;
	g_autoptr(GBytes) bytes = recorded(dump->name);

	each_message(bytes, refuse, (gpointer)dump);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		GTestDataFunc test;
	} tests[] = {
		{ "recorded", test_recorded },
		{ "cut", test_cut },
		{ "spoilt", test_spoilt },
		{ "others", test_others },
	};

	g_test_init(&argc, &argv, NULL);
	for (unsigned t = 0; t < G_N_ELEMENTS(tests); t++)
		for (unsigned i = 0; i < G_N_ELEMENTS(dumps); i++) {
			g_autofree char *path = g_strdup_printf(
				"/netread/%s/%s", tests[t].name, dumps[i].name);

			g_test_add_data_func(path, &dumps[i], tests[t].test);
		}
	return g_test_run();
}
