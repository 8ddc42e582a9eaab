/* The client with a wrong configuration, without a server, or before the wrong one. */
#include <unistd.h>

#include "bed.h"
#include "sample.h"

static void test_config(void)
{
	static const struct ifmap_client_config wrong[] = {
		{ .url = NULL, .user = "u", .password = "p" },
		{ .url = "http://localhost/", .user = "u", .password = "p" },
		{ .url = "https://localhost/" },
		{ .url = "https://localhost/", .user = "u" },
		{ .url = "https://localhost/", .cert_file = "/dev/null" },
		{ .url = "https://localhost/",
			.user = "u",
			.password = "p",
			.ca_file = "/nonexistent/ca.pem" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(ifmap_client_new(&wrong[i], &error));
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE);
	}
}

/* An error that waiting might mend comes after min_ms, another (min_ms 0) before patience ends. */
static void check_unreachable(const struct ifmap_client_config *config, int code, unsigned min_ms)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_client) client = ifmap_client_new(config, &error);
	gint64 start_us = g_get_monotonic_time();

	g_assert_no_error(error);
	g_assert_false(ifmap_client_publish_sync(
		client, bed_update(IFMAP_SINGLE_VALUE), min_ms ? min_ms : SYNC_MS, &error));
	g_assert_error(error, IFMAP_ERROR, code);
	g_assert_nonnull(strstr(error->message, config->url));
	g_assert_cmpint(g_get_monotonic_time() - start_us, >=, min_ms * G_GINT64_CONSTANT(1000));
	g_assert_cmpint(g_get_monotonic_time() - start_us, <, SYNC_MS * G_GINT64_CONSTANT(1000));
}

static void test_unreachable(void)
{
	struct ifmap_client_config config = { .user = "u", .password = "p" };

	for (int is_listening = 0; is_listening < 2; is_listening++) {
		int fd;
		g_autofree char *url = bed_silent_url(is_listening, &fd);

		config.url = url;
		check_unreachable(&config, IFMAP_ERROR_UNREACHABLE, 300);
		close(fd);
	}
}

static void test_wrong_ca(void)
{
	struct fake_map *map = fake_map_new(FAKE_PLAIN);
	struct fake_map *other = fake_map_new(FAKE_PLAIN);
	struct ifmap_client_config config = bed_config(map);

	config.ca_file = fake_server_ca_file(fake_map_server(other));
	check_unreachable(&config, IFMAP_ERROR_UNAUTHORIZED, 0);
	config.ca_file = NULL; /* the system's store does not know it either */
	check_unreachable(&config, IFMAP_ERROR_UNAUTHORIZED, 0);
	g_assert_cmpuint(fake_map_count(map, FAKE_SESSIONS), ==, 0);
	fake_map_free(other);
	fake_map_free(map);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/config", test_config);
	g_test_add_func("/ifmap/client/unreachable", test_unreachable);
	g_test_add_func("/ifmap/client/wrong-ca", test_wrong_ca);
	return g_test_run();
}
