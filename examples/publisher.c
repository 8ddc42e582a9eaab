/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says for as long as it runs which machine has an address, and takes it back when it ends:
 *
 *   publisher --url https://map.example.org:8443/ --ca ca.pem --user me --password-file secret \
 *             192.0.2.17 52:54:00:12:34:56
 *
 * What is kept (ifmap_client_keep) is published again in every new session, so that neither a
 * restart of the server nor a cut cable needs a line here. Build it with
 *   cc publisher.c $(pkg-config --cflags --libs libdrover-ifmap) */
#include <drover/ifmap.h>
#include <glib-unix.h>
#include <stdlib.h>

static char *url;
static char *ca_file;
static char *user;
static char *password_file;

static const GOptionEntry options[] = {
	{ "url", 0, 0, G_OPTION_ARG_STRING, &url, "The MAP server, https://host:port/", "URL" },
	{ "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca_file, "Who may certify the server (PEM)", "FILE" },
	{ "user", 0, 0, G_OPTION_ARG_STRING, &user, "Who we are", "NAME" },
	{ "password-file", 0, 0, G_OPTION_ARG_FILENAME, &password_file, "Where the password is",
		"FILE" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static const char ip_mac[] = "<meta:ip-mac xmlns:meta=\"" IFMAP_NS_META
			     "\" ifmap-cardinality=\"multiValue\"/>";
static const char started[] =
	"<x:started xmlns:x=\"http://example.org/ifmap/1\" ifmap-cardinality=\"singleValue\"/>";

static void on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data G_GNUC_UNUSED)
{
	if (state == IFMAP_CLIENT_UP)
		g_print("publishing as %s\n", ifmap_client_publisher_id(client));
	else
		g_printerr("publisher: %s\n", why->message);
}

static void on_refused(struct ifmap_client *client G_GNUC_UNUSED,
	const struct ifmap_id *a G_GNUC_UNUSED, const struct ifmap_id *b G_GNUC_UNUSED,
	const struct ifmap_meta *meta G_GNUC_UNUSED, const GError *error,
	gpointer data G_GNUC_UNUSED)
{
	g_printerr("publisher: the server does not take it: %s\n", error->message);
}

static void on_told(
	struct ifmap_client *client G_GNUC_UNUSED, const GError *error, gpointer data G_GNUC_UNUSED)
{
	if (error)
		g_printerr("publisher: nobody was told: %s\n", error->message);
}

/* Once, and only to whoever listens now. */
static gboolean tell(struct ifmap_client *client, const struct ifmap_id *ip, GError **error)
{
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(started, -1, error);
	struct ifmap_publish *publish;

	if (!meta)
		return FALSE;
	publish = ifmap_publish_new();
	ifmap_publish_notify(publish, ip, NULL, meta);
	ifmap_client_publish(client, publish, on_told, NULL);
	return TRUE;
}

static gboolean on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static void run_until_signal(void)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

	g_unix_signal_add(SIGINT, on_signal, loop);
	g_unix_signal_add(SIGTERM, on_signal, loop);
	g_main_loop_run(loop);
}

static gboolean publish(
	const char *address, const char *hardware, const char *password, GError **error)
{
	struct ifmap_client_config config = {
		.url = url, .ca_file = ca_file, .user = user, .password = password
	};
	g_autoptr(ifmap_id) ip = ifmap_id_new_ip(address, NULL, error);
	g_autoptr(ifmap_id) mac = ip ? ifmap_id_new_mac(hardware, NULL, error) : NULL;
	g_autoptr(ifmap_meta) meta = mac ? ifmap_meta_new(ip_mac, -1, error) : NULL;
	g_autoptr(ifmap_client) client = meta ? ifmap_client_new(&config, error) : NULL;

	if (!client || !tell(client, ip, error))
		return FALSE;
	ifmap_client_on_refused(client, on_refused, NULL);
	ifmap_client_keep(client, ip, mac, IFMAP_NS_META, "ip-mac", NULL, meta);
	ifmap_client_start(client, on_state, NULL);
	run_until_signal();
	return TRUE; /* freeing the client ends the session, and what it published goes with it */
}

static gboolean read_options(int *argc, char ***argv, char **ret_password, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new("ADDRESS HARDWARE-ADDRESS");

	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	if (*argc != 3 || !url || !user || !password_file) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			"two addresses, --url, --user and --password-file are needed");
		return FALSE;
	}
	if (!g_file_get_contents(password_file, ret_password, NULL, error))
		return FALSE;
	g_strchomp(*ret_password);
	return TRUE;
}

int main(int argc, char **argv)
{
	g_autofree char *password = NULL;
	g_autoptr(GError) error = NULL;

	if (read_options(&argc, &argv, &password, &error) &&
		publish(argv[1], argv[2], password, &error))
		return EXIT_SUCCESS;
	g_printerr("publisher: %s\n", error->message);
	return EXIT_FAILURE;
}
