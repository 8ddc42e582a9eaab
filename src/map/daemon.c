#include "map/daemon.h"

#include <glib.h>

#include "map/front.h"
#include "map/metrics.h"

struct map_daemon {
	const struct map_config *config;
	struct map_auth *auth;
	struct map_policy *policy; /* until it is the engine's */
	struct map_metrics *metrics;
	struct map_scrape *scrape; /* NULL: none */
	struct map_front *front;
	struct map_engine *engine;
	guint tick;
};

/* ---- log */

/* What the engine reports, and how loud: GLib passes on what is a message at least. */
static const struct {
	GLogLevelFlags level;
	const char *id; /* MESSAGE_ID, a constant of ours */
	const char *code;
	const char *text;
} notes[] = {
	[MAP_NOTE_SESSION_BEGUN] = { G_LOG_LEVEL_MESSAGE, "0cf06b64bae35784a82d59c8c83c3954",
		"session-begun", "session begun" },
	[MAP_NOTE_SESSION_ENDED] = { G_LOG_LEVEL_MESSAGE, "a5f2b729ef905a4798fc224ec1d6bdb1",
		"session-ended", "session ended" },
	[MAP_NOTE_SESSION_REPLACED] = { G_LOG_LEVEL_MESSAGE, "3f1bdd24bf3554d990dcbc8a1d6f4fa1",
		"session-replaced", "newSession while a session stood" },
	[MAP_NOTE_REFUSED] = { G_LOG_LEVEL_MESSAGE, "6044828fcc145824adbabdc2764473c1", "refused",
		"request refused" },
	[MAP_NOTE_OVERFLOW] = { G_LOG_LEVEL_WARNING, "9a5e66fc26055f09b25e34ba7da1a2dd", "overflow",
		"results dropped" },
	[MAP_NOTE_STORE_FAILED] = { G_LOG_LEVEL_CRITICAL, "3a11c361f49e581fbcaeed093328e5aa",
		"store-failed", "cannot make changes durable" },
	[MAP_NOTE_THROTTLED] = { G_LOG_LEVEL_MESSAGE, "45ae6a4dbb6d5e34b0277d29cc81a33e",
		"throttled", "too many requests a second" },
	[MAP_NOTE_WOULD_REFUSE] = { G_LOG_LEVEL_MESSAGE, "2a3b758534a85c63bcba10201331a269",
		"would-refuse", "rules on trial" },
};

/* Longest piece of foreign text in one log line. */
#define MAX_QUOTED 200

static void on_note(enum map_note note, const char *client, const char *detail, gpointer data)
{
	const struct map_daemon *daemon = data;

	map_metrics_note(daemon->metrics, note);
	g_autofree char *quoted_client = g_strndup(client ? client : "-", MAX_QUOTED);
	g_autofree char *quoted_detail = g_strndup(detail ? detail : "", MAX_QUOTED);
	g_autofree char *safe_client = g_strescape(quoted_client, NULL);
	g_autofree char *safe_detail = g_strescape(quoted_detail, NULL);
	g_log_structured(G_LOG_DOMAIN, notes[note].level, "MESSAGE_ID", notes[note].id,
		"DROVER_EVENT", notes[note].code, "DROVER_CLIENT", safe_client, "DROVER_DETAIL",
		safe_detail, "MESSAGE", "%s: %s%s%s", safe_client, notes[note].text,
		*safe_detail ? ": " : "", safe_detail);
}

/* ---- the parts, in the order they are needed */

static gboolean on_second(gpointer data)
{
	struct map_daemon *daemon = data;

	map_engine_tick(daemon->engine);
	map_front_tick(daemon->front);
	return G_SOURCE_CONTINUE;
}

static gboolean write_port(const struct map_config *config, unsigned port, GError **error)
{
	g_autofree char *text = g_strdup_printf("%u\n", port);
	return !*config->port_file || g_file_set_contents(config->port_file, text, -1, error);
}

static struct map_engine *make_engine(struct map_daemon *daemon, GError **error)
{
	const struct map_engine_ops engine_ops = {
		.answer = map_front_answer, .note = on_note, .data = daemon
	};
	const struct map_config *config = daemon->config;
	struct map_store *store = NULL;

	if (*config->store) {
		store = map_store_open(config->store, &config->retention, error);
		if (!store)
			return NULL;
	}
	return map_engine_new(&config->limits, &config->dialect, &engine_ops, store, error);
}

static struct map_policy *read_rules(const struct map_config *config, GError **error)
{
	return map_policy_new(*config->rules ? config->rules : NULL, error);
}

struct map_daemon *map_daemon_open(const struct map_config *config, GError **error)
{
	struct map_daemon *daemon = g_new0(struct map_daemon, 1);

	daemon->config = config;
	daemon->metrics = map_metrics_new();
	daemon->auth = map_auth_new(config, error);
	daemon->policy = daemon->auth ? read_rules(config, error) : NULL;
	daemon->front = daemon->policy ? map_front_open(config, error) : NULL;
	if (daemon->front && *config->metrics_address)
		daemon->scrape = map_scrape_open(config->metrics_address, error);
	if (daemon->front && !*config->metrics_address == !daemon->scrape)
		return daemon;
	map_daemon_free(daemon);
	return NULL;
}

gboolean map_daemon_serve(struct map_daemon *daemon, GError **error)
{
	unsigned port = map_front_port(daemon->front);

	daemon->engine = make_engine(daemon, error);
	if (!daemon->engine)
		return FALSE;
	map_engine_set_policy(daemon->engine, daemon->policy);
	const struct map_front_parts parts = { daemon->engine, daemon->auth, daemon->metrics };
	if (!map_front_start(daemon->front, &parts, error) ||
		(daemon->scrape && !map_scrape_start(daemon->scrape, daemon->metrics,
					   daemon->engine, error)) ||
		!write_port(daemon->config, port, error))
		return FALSE;
	daemon->tick = g_timeout_add_seconds(1, on_second, daemon);
	g_message("drover-mapd %s serves on port %u", DROVER_VERSION, port);
	if (daemon->scrape)
		g_message("figures for scrapers on port %u", map_scrape_port(daemon->scrape));
	return TRUE;
}

gboolean map_daemon_reload(struct map_daemon *daemon, GError **error)
{
	g_autoptr(map_policy) policy = read_rules(daemon->config, error);

	if (!policy || !map_auth_reload(daemon->auth, error))
		return FALSE;
	map_engine_set_policy(daemon->engine, policy);
	g_message("other rules are in force");
	return TRUE;
}

void map_daemon_free(struct map_daemon *daemon)
{
	if (!daemon)
		return;
	if (daemon->tick) {
		g_message("drover-mapd is going down");
		g_source_remove(daemon->tick);
		map_front_quiesce(daemon->front);
		map_engine_drain(daemon->engine);
	}
	map_scrape_close(daemon->scrape);
	map_front_close(daemon->front);
	map_engine_free(daemon->engine);
	map_policy_unref(daemon->policy);
	map_auth_free(daemon->auth);
	map_metrics_free(daemon->metrics);
	g_free(daemon);
}
