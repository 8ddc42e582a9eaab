#include "bed.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sample.h"

struct ifmap_client_config bed_config(struct fake_map *map)
{
	return (struct ifmap_client_config){
		.url = fake_server_url(fake_map_server(map)),
		.ca_file = fake_server_ca_file(fake_map_server(map)),
		.user = "u",
		.password = "p",
	};
}

void bed_init(struct bed *bed, enum fake_manner manner)
{
	struct ifmap_client_config config;
	g_autoptr(GError) error = NULL;

	*bed = (struct bed){ .map = fake_map_new(manner), .log = g_string_new(NULL) };
	config = bed_config(bed->map);
	bed->client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
}

void bed_clear(struct bed *bed)
{
	ifmap_client_free(bed->client);
	fake_map_free(bed->map);
	g_string_free(bed->log, TRUE);
}

void bed_on_state(struct ifmap_client *client G_GNUC_UNUSED, enum ifmap_client_state state,
	const GError *why, gpointer data)
{
	struct bed *bed = data;

	g_assert_true((state == IFMAP_CLIENT_UP) == !why);
	bed->n_up += state == IFMAP_CLIENT_UP;
	bed->n_down += state != IFMAP_CLIENT_UP;
}

void bed_on_result(struct ifmap_client *client G_GNUC_UNUSED, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct bed *bed = data;

	g_assert_true(!result == !!error);
	if (result) {
		g_assert_cmpstr(result->name, ==, "watch");
		g_string_append_c(bed->log, "SUDN"[result->kind]);
	}
	bed->n_results += !!result;
	bed->n_lost += !!error;
}

void bed_on_done(struct ifmap_client *client G_GNUC_UNUSED, const GError *error, gpointer data)
{
	struct bed *bed = data;

	bed->n_done++;
	bed->n_failed += !!error;
}

struct ifmap_publish *bed_update(enum ifmap_cardinality cardinality)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autoptr(ifmap_meta) meta = sample_meta("one", cardinality, NULL, "1");

	ifmap_publish_update(publish, id, NULL, IFMAP_LIFETIME_SESSION, meta);
	return publish;
}

void bed_keep(struct bed *bed, const char *name, const char *slot, const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autoptr(ifmap_meta)
		meta = text ? sample_meta(name, slot ? IFMAP_MULTI_VALUE : IFMAP_SINGLE_VALUE, slot,
				      text)
			    : NULL;

	ifmap_client_keep(bed->client, id, NULL, SAMPLE_NS, name, slot, meta);
}

void bed_subscribe(struct bed *bed)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	struct ifmap_search search = { .start = id, .max_depth = 1 };

	ifmap_client_subscribe(bed->client, "watch", &search, bed_on_result, bed);
}

/* A port on which something, or nothing, listens; *ret_fd is to be closed. */
char *bed_silent_url(gboolean is_listening, int *ret_fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
	if (is_listening)
		g_assert_cmpint(listen(fd, 8), ==, 0);
	*ret_fd = fd;
	return g_strdup_printf("https://127.0.0.1:%u/", ntohs(address.sin_port));
}
