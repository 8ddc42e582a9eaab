/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logs in with a certificate, prints who the server takes us for and what it says of itself:
 *
 *   certificate --url https://map.example.org:8443/ --ca ca.pem --cert me.crt --key me.key
 *
 * Nothing here waits in a main loop: the calls that end in _sync are enough for a command line.
 * Exit: 0, 1 something failed, 3 nobody answered, 4 the certificate is not accepted. Build it with
 *   cc certificate.c $(pkg-config --cflags --libs libdrover-ifmap) */
#include <drover/ifmap.h>
#include <stdlib.h>

#define NS_SERVER  "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1"
#define TIMEOUT_MS 10000

static char *url;
static char *ca_file;
static char *cert_file;
static char *key_file;

static const GOptionEntry options[] = {
	{ "url", 0, 0, G_OPTION_ARG_STRING, &url, "The MAP server, https://host:port/", "URL" },
	{ "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca_file, "Who may certify the server (PEM)", "FILE" },
	{ "cert", 0, 0, G_OPTION_ARG_FILENAME, &cert_file, "Our certificate or chain (PEM)",
		"FILE" },
	{ "key", 0, 0, G_OPTION_ARG_FILENAME, &key_file, "Its key (PEM)", "FILE" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static void print_result(const struct ifmap_result *result)
{
	for (guint i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = g_ptr_array_index(result->items, i);
		g_autofree char *name = ifmap_id_to_string(item->a);

		g_print("%s\n", name);
		for (guint j = 0; j < item->metas->len; j++)
			g_print("    %s\n",
				ifmap_meta_xml(g_ptr_array_index(item->metas, j), NULL));
	}
}

static gboolean ask(GError **error)
{
	struct ifmap_client_config config = {
		.url = url, .ca_file = ca_file, .cert_file = cert_file, .key_file = key_file
	};
	static const char *const no_attributes[] = { NULL };
	g_autoptr(ifmap_id)
		server = ifmap_id_new_extended(NS_SERVER, "ifmap-server", no_attributes, error);
	g_autoptr(ifmap_client) client = server ? ifmap_client_new(&config, error) : NULL;
	struct ifmap_search search = { .start = server };
	g_autoptr(ifmap_result)
		result = client ? ifmap_client_search_sync(client, &search, TIMEOUT_MS, error)
				: NULL;

	if (!result)
		return FALSE;
	g_print("we are %s\n", ifmap_client_publisher_id(client));
	print_result(result);
	return TRUE;
}

static int exit_code(const GError *error)
{
	if (g_error_matches(error, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE))
		return 3;
	return g_error_matches(error, IFMAP_ERROR, IFMAP_ERROR_UNAUTHORIZED) ? 4 : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, options, NULL);
	if (g_option_context_parse(context, &argc, &argv, &error) && ask(&error))
		return EXIT_SUCCESS;
	g_printerr("certificate: %s\n", error->message);
	return exit_code(error);
}
