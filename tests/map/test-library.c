/* The client library against a real server that asks for certificates. */
#include <drover/ifmap.h>

#include <glib/gstdio.h>

#include "server.h"

#define SYNC_MS 10000

static struct server *server;

static char *file(const char *name, const char *ending)
{
	g_autofree char *base = g_strconcat(name, ending, NULL);

	return server_path(server, base);
}

/* The publisher-id a login with certificate `cert` and key `key` gets; NULL and an error. */
static char *log_in(const char *cert, const char *key, unsigned timeout_ms, GError **error)
{
	g_autofree char *ca_file = file("ca", ".crt");
	g_autofree char *cert_file = file(cert, ".crt");
	g_autofree char *key_file = file(key, ".key");
	const struct ifmap_client_config config = {
		.url = server->url, .ca_file = ca_file, .cert_file = cert_file, .key_file = key_file
	};
	g_autoptr(ifmap_client) client = ifmap_client_new(&config, error);
	g_autoptr(ifmap_id) id = ifmap_id_from_string("ip:10.0.0.1", NULL);
	const struct ifmap_search search = { .start = id };
	g_autoptr(ifmap_result)
		result = client ? ifmap_client_search_sync(client, &search, timeout_ms, error)
				: NULL;

	return result ? g_strdup(ifmap_client_publisher_id(client)) : NULL;
}

static void test_good(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *publisher = log_in("good", "good", SYNC_MS, &error);
	g_autofree char *again = NULL;

	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(publisher, "C-"));
	again = log_in("good", "good", SYNC_MS, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(again, ==, publisher);
}

/* Signed by somebody else: said at once, not after the time is up. */
static void test_stranger(void)
{
	g_autoptr(GError) error = NULL;
	gint64 start_us = g_get_monotonic_time();
	g_autofree char *publisher = log_in("bad", "bad", 6 * SYNC_MS, &error);

	g_assert_null(publisher);
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_UNAUTHORIZED);
	g_assert_cmpint(g_get_monotonic_time() - start_us, <, 5 * SYNC_MS * 1000);
}

/* A key that belongs to another certificate is our own mistake, and is called that. */
static void test_wrong_key(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *publisher = log_in("good", "bad", 6 * SYNC_MS, &error);

	g_assert_null(publisher);
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_UNAUTHORIZED);
}

/* Password and certificate both: the certificate counts. */
static void test_both(void)
{
	g_autofree char *ca_file = file("ca", ".crt");
	g_autofree char *cert_file = file("good", ".crt");
	g_autofree char *key_file = file("good", ".key");
	const struct ifmap_client_config config = { .url = server->url,
		.ca_file = ca_file,
		.cert_file = cert_file,
		.key_file = key_file,
		.user = "A",
		.password = "pw" };
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_client) client = ifmap_client_new(&config, &error);

	g_assert_no_error(error);
	g_assert_true(ifmap_client_purge_sync(client, NULL, SYNC_MS, &error));
	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(ifmap_client_publisher_id(client), "C-"));
}

static void copy_file(const char *from, const char *to)
{
	g_autofree char *text = NULL;
	gsize size = 0;

	g_assert_true(g_file_get_contents(from, &text, &size, NULL));
	g_assert_true(g_file_set_contents(to, text, (gssize)size, NULL));
}

static void count_up(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data)
{
	unsigned *n_up = data;

	(void)client;
	(void)why;
	*n_up += state == IFMAP_CLIENT_UP;
}

/* A certificate is replaced under a running client: the next connection shows the new one. */
static void test_replaced(void)
{
	g_autofree char *ca_file = file("ca", ".crt");
	g_autofree char *cert_file = file("mine", ".crt");
	g_autofree char *key_file = file("mine", ".key");
	g_autofree char *bad_cert = file("bad", ".crt");
	g_autofree char *bad_key = file("bad", ".key");
	g_autofree char *good_cert = file("good", ".crt");
	g_autofree char *good_key = file("good", ".key");
	const struct ifmap_client_config config = {
		.url = server->url, .ca_file = ca_file, .cert_file = cert_file, .key_file = key_file
	};
	g_autoptr(GError) error = NULL;
	unsigned n_up = 0;

	copy_file(bad_cert, cert_file);
	copy_file(bad_key, key_file);
	g_autoptr(ifmap_client) client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
	g_assert_false(ifmap_client_purge_sync(client, NULL, SYNC_MS, &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_UNAUTHORIZED);
	ifmap_client_start(client, count_up, &n_up);
	copy_file(good_key, key_file);
	copy_file(good_cert, cert_file);
	while (n_up == 0)
		g_main_context_iteration(NULL, TRUE);
	g_assert_true(g_str_has_prefix(ifmap_client_publisher_id(client), "C-"));
	g_assert_cmpint(g_remove(cert_file), ==, 0);
	g_assert_cmpint(g_remove(key_file), ==, 0);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	server = server_new(NULL);
	g_test_add_func("/map/library/certificate", test_good);
	g_test_add_func("/map/library/stranger's certificate", test_stranger);
	g_test_add_func("/map/library/wrong key", test_wrong_key);
	g_test_add_func("/map/library/certificate and password", test_both);
	g_test_add_func("/map/library/certificate replaced", test_replaced);
	status = g_test_run();
	server_free(server);
	return status;
}
