/* map backup|restore: copies of the store of the map server on this machine. They need no server
 * and no certificate, but the right to the store's folder. */
#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/command.h"
#include "map/config.h"
#include "map/storefile.h"

#define SERVER_CONFIG "/etc/drover/mapd.conf"

/* Where the configured server keeps its store; NULL after having said why not. */
static char *find_store(const struct context *context, const char *what, int *ret_exit)
{
	const char *file = context->server_config ? context->server_config : SERVER_CONFIG;
	struct map_config conf = { 0 };
	GError *error = NULL;
	char *store;

	if (!base_conf_read(file, MAP_CONFIG_OPTIONS, &conf, &error)) {
		*ret_exit = context_fail(what, error);
		if (!context->server_config)
			context_say(0,
				"run it where drover-mapd runs, or name its configuration with --server-config");
		return NULL;
	}
	store = g_strdup(conf.store);
	base_conf_clear(MAP_CONFIG_OPTIONS, &conf);
	if (*store)
		return store;
	*ret_exit = context_say(
		COMMAND_REFUSED, "%s: %s: [server] store is empty: nothing is kept", what, file);
	g_free(store);
	return NULL;
}

/* Whether `path` can be read, SQLite's words being less plain. */
static gboolean can_read(const char *path, const char *what, int *ret_exit)
{
	if (access(path, R_OK) == 0)
		return TRUE;
	*ret_exit = context_say(errno == EACCES ? COMMAND_DENIED : COMMAND_REFUSED, "%s: %s: %s%s",
		what, path, g_strerror(errno),
		errno == EACCES ? " (run it as root or as drover-mapd's account)" : "");
	return FALSE;
}

static void tell(const struct context *context, const char *what, const char *file)
{
	struct stat info = { 0 };
	json_t *json;

	(void)stat(file, &info);
	json = json_pack("{s:s, s:I}", "file", file, "bytes", (json_int_t)info.st_size);
	if (context->json) {
		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (!context->quiet) {
		g_autofree char *size = g_format_size((guint64)info.st_size);
		printf("%s %s, %s\n", what, file, size);
	}
	json_decref(json);
}

int cmd_map_backup(struct context *context, char **args)
{
	static const char *const what = "map backup";
	int code = COMMAND_DONE;
	g_autofree char *store = find_store(context, what, &code);
	GError *error = NULL;

	if (!store || !can_read(store, what, &code))
		return code;
	/* It holds all that the map holds. */
	(void)umask(S_IRWXG | S_IRWXO);
	if (!map_storefile_backup(store, args[0], &error))
		return context_fail(what, error);
	tell(context, "the map as it stood is in", args[0]);
	return COMMAND_DONE;
}

int cmd_map_restore(struct context *context, char **args)
{
	static const char *const what = "map restore";
	int code = COMMAND_DONE;
	g_autofree char *store = find_store(context, what, &code);
	GError *error = NULL;

	if (!store || !can_read(args[0], what, &code))
		return code;
	(void)umask(S_IRWXG | S_IRWXO);
	if (!map_storefile_restore(args[0], store, &error))
		return context_fail(what, error);
	tell(context, "start drover-mapd: its store is", store);
	return COMMAND_DONE;
}
