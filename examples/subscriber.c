/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what happens around one identifier, until interrupted, and keeps a mirror of all that is
 * there:
 *
 *   subscriber --url https://map.example.org:8443/ --ca ca.pem --user me --password-file secret \
 *              --depth 2 ip:192.0.2.17
 *
 * "=" is there at the start, "+" came or changed, "-" went, "!" is a notification. After a loss of
 * the server the mirror is right again by itself: a result "=" replaces all before it. Build it
 * with cc subscriber.c $(pkg-config --cflags --libs libdrover-ifmap) */
#include <drover/ifmap.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>

static char *url;
static char *ca_file;
static char *user;
static char *password_file;
static char *match_links;
static int depth;

static const GOptionEntry options[] = {
	{ "url", 0, 0, G_OPTION_ARG_STRING, &url, "The MAP server, https://host:port/", "URL" },
	{ "ca", 0, 0, G_OPTION_ARG_FILENAME, &ca_file, "Who may certify the server (PEM)", "FILE" },
	{ "user", 0, 0, G_OPTION_ARG_STRING, &user, "Who we are", "NAME" },
	{ "password-file", 0, 0, G_OPTION_ARG_FILENAME, &password_file, "Where the password is",
		"FILE" },
	{ "depth", 0, 0, G_OPTION_ARG_INT, &depth, "How many links to look across", "N" },
	{ "match-links", 0, 0, G_OPTION_ARG_STRING, &match_links, "Which links to follow",
		"FILTER" },
	{ NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

static void print_meta(char sign, const struct ifmap_item *item, const struct ifmap_meta *meta)
{
	g_autofree char *a = ifmap_id_to_string(item->a);
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : g_strdup("");

	printf("%c %s%s%s  %s\n", sign, a, item->b ? " -- " : "", b, ifmap_meta_xml(meta, NULL));
}

static void on_result(struct ifmap_client *client G_GNUC_UNUSED, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct ifmap_mirror *mirror = data;
	static const char signs[] = {
		[IFMAP_RESULT_SEARCH] = '=',
		[IFMAP_RESULT_UPDATE] = '+',
		[IFMAP_RESULT_DELETE] = '-',
		[IFMAP_RESULT_NOTIFY] = '!',
	};

	if (!result) {
		g_printerr("subscriber: %s\n", error->message);
		return;
	}
	for (guint i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = g_ptr_array_index(result->items, i);

		for (guint j = 0; j < item->metas->len; j++)
			print_meta(signs[result->kind], item, g_ptr_array_index(item->metas, j));
	}
	ifmap_mirror_apply(mirror, result);
	printf("%zu metadata in sight\n", ifmap_mirror_n_metas(mirror));
	(void)fflush(stdout);
}

static void on_state(struct ifmap_client *client G_GNUC_UNUSED,
	enum ifmap_client_state state G_GNUC_UNUSED, const GError *why, gpointer data G_GNUC_UNUSED)
{
	if (why)
		g_printerr("subscriber: %s\n", why->message);
}

static gboolean read_options(int *argc, char ***argv, char **ret_password, GError **error)
{
	g_autoptr(GOptionContext) context = g_option_context_new("IDENTIFIER");

	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return FALSE;
	if (*argc != 2 || !url || !user || !password_file || depth < 0) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			"an identifier, --url, --user and --password-file are needed");
		return FALSE;
	}
	if (!g_file_get_contents(password_file, ret_password, NULL, error))
		return FALSE;
	g_strchomp(*ret_password);
	return TRUE;
}

static gboolean on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean watch(const char *identifier, const char *password, GError **error)
{
	struct ifmap_client_config config = {
		.url = url, .ca_file = ca_file, .user = user, .password = password
	};
	g_autoptr(ifmap_id) start = ifmap_id_from_string(identifier, error);
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();
	g_autoptr(ifmap_client) client = start ? ifmap_client_new(&config, error) : NULL;
	struct ifmap_search search = {
		.start = start, .max_depth = (unsigned)depth, .match_links = match_links
	};
	GMainLoop *loop;

	if (!client)
		return FALSE;
	loop = g_main_loop_new(NULL, FALSE);
	ifmap_client_subscribe(client, "watch", &search, on_result, mirror);
	ifmap_client_start(client, on_state, NULL);
	g_unix_signal_add(SIGINT, on_signal, loop);
	g_unix_signal_add(SIGTERM, on_signal, loop);
	g_main_loop_run(loop);
	g_main_loop_unref(loop);
	return TRUE;
}

int main(int argc, char **argv)
{
	g_autofree char *password = NULL;
	g_autoptr(GError) error = NULL;

	if (read_options(&argc, &argv, &password, &error) && watch(argv[1], password, &error))
		return EXIT_SUCCESS;
	g_printerr("subscriber: %s\n", error->message);
	return EXIT_FAILURE;
}
