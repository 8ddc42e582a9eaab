#include "map/daemon.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <grp.h>
#include <pwd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "map/front.h"

/* ---- log */

/* What the engine reports, and how loud. */
static const struct {
	GLogLevelFlags level;
	const char *code;
	const char *text;
} notes[] = {
	[MAP_NOTE_SESSION_BEGUN] = { G_LOG_LEVEL_INFO, "session-begun", "session begun" },
	[MAP_NOTE_SESSION_ENDED] = { G_LOG_LEVEL_INFO, "session-ended", "session ended" },
	[MAP_NOTE_SESSION_REPLACED] = { G_LOG_LEVEL_MESSAGE, "session-replaced",
		"newSession while a session stood" },
	[MAP_NOTE_REFUSED] = { G_LOG_LEVEL_MESSAGE, "refused", "request refused" },
	[MAP_NOTE_OVERFLOW] = { G_LOG_LEVEL_WARNING, "overflow", "results dropped" },
	[MAP_NOTE_STORE_FAILED] = { G_LOG_LEVEL_CRITICAL, "store-failed",
		"cannot make changes durable" },
};

/* Longest piece of foreign text in one log line. */
#define MAX_QUOTED 200

static void on_note(enum map_note note, const char *client, const char *detail, gpointer data)
{
	(void)data;
	g_autofree char *quoted_client = g_strndup(client ? client : "-", MAX_QUOTED);
	g_autofree char *quoted_detail = g_strndup(detail ? detail : "", MAX_QUOTED);
	g_autofree char *safe_client = g_strescape(quoted_client, NULL);
	g_autofree char *safe_detail = g_strescape(quoted_detail, NULL);
	g_log_structured(G_LOG_DOMAIN, notes[note].level, "DROVER_EVENT", notes[note].code,
		"DROVER_CLIENT", safe_client, "MESSAGE", "%s: %s%s%s", safe_client,
		notes[note].text, *safe_detail ? ": " : "", safe_detail);
}

/* ---- privileges */

static gboolean become(const char *user, GError **error)
{
	struct passwd entry;
	struct passwd *found = NULL;
	char buffer[4096];

	if (!user || geteuid() != 0)
		return TRUE;
	if (getpwnam_r(user, &entry, buffer, sizeof(buffer), &found) != 0 || !found) {
		g_set_error(error, MAP_CONFIG_ERROR, 0, "user %s: no such account", user);
		return FALSE;
	}
	if (initgroups(user, found->pw_gid) == 0 &&
		setresgid(found->pw_gid, found->pw_gid, found->pw_gid) == 0 &&
		setresuid(found->pw_uid, found->pw_uid, found->pw_uid) == 0)
		return TRUE;
	g_set_error(
		error, MAP_CONFIG_ERROR, 0, "cannot become user %s: %s", user, g_strerror(errno));
	return FALSE;
}

/* ---- running */

static gboolean on_signal(gpointer data)
{
	g_main_loop_quit(data);
	return G_SOURCE_CONTINUE;
}

static gboolean on_second(gpointer data)
{
	map_engine_tick(data);
	(void)sd_notify(0, "WATCHDOG=1");
	return G_SOURCE_CONTINUE;
}

static gboolean write_port(const struct map_config *config, unsigned port, GError **error)
{
	g_autofree char *text = g_strdup_printf("%u\n", port);
	return !config->port_file || g_file_set_contents(config->port_file, text, -1, error);
}

static void serve(struct map_engine *engine)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	guint sources[] = {
		g_unix_signal_add(SIGTERM, on_signal, loop),
		g_unix_signal_add(SIGINT, on_signal, loop),
		g_timeout_add_seconds(1, on_second, engine),
	};

	(void)sd_notify(0, "READY=1");
	g_main_loop_run(loop);
	(void)sd_notify(0, "STOPPING=1");
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		g_source_remove(sources[i]);
}

static struct map_engine *make_engine(const struct map_config *config, GError **error)
{
	static const struct map_engine_ops engine_ops = { .answer = map_front_answer,
		.note = on_note };
	struct map_store *store = NULL;

	if (*config->store) {
		store = map_store_open(config->store, error);
		if (!store)
			return NULL;
	}
	return map_engine_new(&config->limits, &engine_ops, store, error);
}

gboolean map_daemon_run(const struct map_config *config, GError **error)
{
	/* Declared in the order they are needed; the front goes first, the engine last. */
	g_autoptr(map_engine) engine = NULL;
	g_autoptr(map_auth) auth = map_auth_new(config->password_file, error);
	g_autoptr(map_front) front = auth ? map_front_open(config, error) : NULL;

	if (!front || !become(config->user, error))
		return FALSE;
	engine = make_engine(config, error);
	if (!engine || !map_front_start(front, engine, auth, error) ||
		!write_port(config, map_front_port(front), error))
		return FALSE;
	g_message("drover-mapd %s serves on port %u", DROVER_VERSION, map_front_port(front));
	serve(engine);
	g_message("drover-mapd is going down");
	map_front_quiesce(front);
	map_engine_drain(engine);
	return TRUE;
}
