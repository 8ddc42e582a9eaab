/* The socket protocol against a peer that keeps no rule. */
#include "host/enforce_client.h"
#include "host/enforce_wire.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A message cut at every byte arrives whole, and not before. */
static void test_split(void)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	json_t *message = json_pack("{s:s, s:[i, i]}", "op", "set", "n", 1, 2);

	g_assert_true(enforce_wire_pack(message, bytes));
	for (guint cut = 0; cut < bytes->len; cut++) {
		g_autoptr(GByteArray) in = g_byte_array_new();
		g_autoptr(GError) error = NULL;
		json_t *read;

		g_byte_array_append(in, bytes->data, cut);
		g_assert_null(enforce_wire_take(in, &error));
		g_assert_no_error(error);
		g_byte_array_append(in, bytes->data + cut, bytes->len - cut);
		g_byte_array_append(in, bytes->data, bytes->len);
		for (guint i = 0; i < 2; i++) {
			read = enforce_wire_take(in, &error);
			g_assert_true(json_equal(read, message));
			json_decref(read);
		}
		g_assert_cmpuint(in->len, ==, 0);
	}
	json_decref(message);
}

static void expect_refused(const guint8 *data, guint size)
{
	g_autoptr(GByteArray) in = g_byte_array_new();
	g_autoptr(GError) error = NULL;

	g_byte_array_append(in, data, size);
	g_assert_null(enforce_wire_take(in, &error));
	g_assert_error(error, ENFORCE_ERROR, ENFORCE_ERROR_PROTOCOL);
}

static void expect_text_refused(const char *text)
{
	g_autoptr(GByteArray) in = g_byte_array_new();
	guint32 length = GUINT32_TO_BE((guint32)strlen(text));

	g_byte_array_append(in, (const guint8 *)&length, sizeof length);
	g_byte_array_append(in, (const guint8 *)text, (guint)strlen(text));
	expect_refused(in->data, in->len);
}

static void test_garbage(void)
{
	static const guint8 too_long[] = { 0xff, 0xff, 0xff, 0xff };
	static const guint8 empty[] = { 0, 0, 0, 0 };
	static const guint8 just_too_long[] = { 0x01, 0x00, 0x00, 0x01 };
	g_autoptr(GString) deep = g_string_new(NULL);

	expect_refused(too_long, sizeof too_long);
	expect_refused(just_too_long, sizeof just_too_long);
	expect_refused(empty, sizeof empty);
	expect_text_refused("[1]");
	expect_text_refused("\"op\"");
	expect_text_refused("{\"op\":\"set\"");
	expect_text_refused("{\"op\":\"set\",\"op\":\"cut\"}");
	expect_text_refused("{\"op\":\"\xff\"}");
	expect_text_refused("{} {}");
	for (guint i = 0; i < 100000; i++)
		g_string_append_c(deep, '[');
	expect_text_refused(deep->str);
}

static void test_random(void)
{
	for (guint round = 0; round < 2000; round++) {
		g_autoptr(GByteArray) in = g_byte_array_new();
		guint size = (guint)g_test_rand_int_range(4, 64);

		for (guint i = 0; i < size; i++) {
			guint8 byte = i < 3 ? 0 : (guint8)g_test_rand_int_range(0, 256);

			g_byte_array_append(in, &byte, 1);
		}
		for (guint i = 0; i < 16; i++) {
			g_autoptr(GError) error = NULL;
			json_t *read = enforce_wire_take(in, &error);

			g_assert_true(!read || !error);
			json_decref(read);
		}
	}
}

/* A client whose enforcer misbehaves */

struct seen {
	guint n_replies;
	guint n_errors;
	guint n_refused;
	gboolean closed;
};

static void on_reply(const struct enforce_reply *reply, const GError *error, gpointer data)
{
	struct seen *seen = data;

	g_assert_true((reply != NULL) != (error != NULL));
	seen->n_replies += reply != NULL;
	seen->n_errors += error != NULL;
}

static void on_refused(const struct enforce_refused *refused, gpointer data)
{
	g_assert_nonnull(refused->rule);
	((struct seen *)data)->n_refused++;
}

static void on_closed(const GError *error, gpointer data)
{
	g_assert_error(error, ENFORCE_ERROR, ENFORCE_ERROR_CLOSED);
	((struct seen *)data)->closed = TRUE;
}

static struct enforce_client *client_on(int *ret_peer, struct seen *seen)
{
	static const struct enforce_events events = { .refused = on_refused, .closed = on_closed };
	int pair[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
	*ret_peer = pair[1];
	return enforce_client_new(pair[0], NULL, &events, seen);
}

static void say(int fd, const char *text)
{
	guint32 length = GUINT32_TO_BE((guint32)strlen(text));

	g_assert_cmpint(write(fd, &length, 4), ==, 4);
	g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
}

static void settle(void)
{
	for (guint i = 0; i < 50; i++)
		while (g_main_context_iteration(NULL, FALSE))
			;
}

static void test_client(void)
{
	struct seen seen = { 0 };
	int peer;
	g_autoptr(enforce_client) client = client_on(&peer, &seen);

	enforce_client_hello(client, on_reply, &seen);
	enforce_client_verify(client, NULL, on_reply, &seen);
	enforce_client_list(client, on_reply, &seen);
	settle();
	say(peer, "{\"event\":\"refused\",\"port\":-5,\"uuid\":7}");
	say(peer, "{\"event\":\"unheard-of\"}");
	say(peer, "{\"id\":9,\"ok\":true}");
	say(peer, "{\"id\":1,\"ok\":true,\"verdicts\":3,\"counters\":[1,null],\"backend\":[]}");
	say(peer, "{\"id\":2,\"ok\":false,\"error\":5}");
	settle();
	g_assert_cmpuint(seen.n_refused, ==, 1);
	g_assert_cmpuint(seen.n_replies, ==, 1);
	g_assert_cmpuint(seen.n_errors, ==, 1);
	close(peer);
	settle();
	g_assert_true(seen.closed);
	g_assert_cmpuint(seen.n_errors, ==, 2);
	enforce_client_list(client, on_reply, &seen);
	settle();
	g_assert_cmpuint(seen.n_errors, ==, 3);
}

static void test_client_garbage(void)
{
	struct seen seen = { 0 };
	int peer;
	g_autoptr(enforce_client) client = client_on(&peer, &seen);

	enforce_client_hello(client, on_reply, &seen);
	say(peer, "not JSON");
	settle();
	g_assert_true(seen.closed);
	g_assert_cmpuint(seen.n_errors, ==, 1);
	close(peer);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/enforce/wire/split", test_split);
	g_test_add_func("/enforce/wire/garbage", test_garbage);
	g_test_add_func("/enforce/wire/random", test_random);
	g_test_add_func("/enforce/wire/client", test_client);
	g_test_add_func("/enforce/wire/client-garbage", test_client_garbage);
	return g_test_run();
}
