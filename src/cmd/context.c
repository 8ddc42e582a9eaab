#include "cmd/context.h"

#include "base/conf.h"
#include "cmd/command.h"
#include "ifmap/conf.h"
#include "ifmap/transport.h"
#include "world/window.h"

#include <string.h>
#include <unistd.h>

#define SEARCH_MAX     (256UL * 1024 * 1024)
#define ANSWER_MS      10000
#define DEFAULT_CONFIG "/etc/drover/drover.conf"

struct operator_conf {
	struct ifmap_conf map;
};

const struct base_conf_option CONTEXT_OPTIONS[] = {
	IFMAP_CONF_OPTIONS(struct operator_conf, map, "operator"),
	{ NULL },
};

unsigned context_answer_ms(const struct context *context)
{
	return context->timeout_s > 0 ? (unsigned)MIN(context->timeout_s, G_MAXINT / 1000) * 1000
				      : ANSWER_MS;
}

guint64 context_now_ms(void)
{
	return (guint64)(g_get_real_time() / 1000);
}

guint64 context_world_ms(const struct context *context)
{
	guint64 as_of_ms = context->snapshot && context->world ? world_as_of(context->world) : 0;

	return as_of_ms ? as_of_ms : context_now_ms();
}

const char *context_who(void)
{
	return g_get_user_name();
}

/* ---- failing ---- */

static const struct {
	enum ifmap_error code;
	int exit;
	const char *hint;
} exits[] = {
	{ IFMAP_ERROR_UNREACHABLE, COMMAND_UNREACHABLE,
		"is drover-mapd running, and is [map] url in drover.conf right?" },
	{ IFMAP_ERROR_UNAUTHORIZED, COMMAND_DENIED,
		"the map server does not know this certificate; see [map] cert and key in drover.conf" },
	{ IFMAP_ERROR_ACCESS_DENIED, COMMAND_DENIED, "this identity may not do that" },
};

int context_fail(const char *what, GError *error)
{
	int code = COMMAND_REFUSED;
	const char *hint = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(exits); i++) {
		if (!g_error_matches(error, IFMAP_ERROR, (int)exits[i].code))
			continue;
		code = exits[i].exit;
		hint = exits[i].hint;
	}
	if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_ACCES))
		code = COMMAND_DENIED;
	fprintf(stderr, "drover: %s: %s\n", what, error->message);
	if (hint)
		fprintf(stderr, "drover: %s\n", hint);
	g_error_free(error);
	return code;
}

int context_say(int code, const char *format, ...)
{
	va_list args;

	fputs("drover: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* ---- the map ---- */

static const char *config_path(const struct context *context)
{
	const char *from_environment = g_getenv("DROVER_CONFIG");

	if (context->config)
		return context->config;
	return from_environment ? from_environment : DEFAULT_CONFIG;
}

static gboolean read_conf(const struct context *context, struct operator_conf *conf, int *ret_exit)
{
	GError *error = NULL;

	if (base_conf_read(config_path(context), CONTEXT_OPTIONS, conf, &error))
		return TRUE;
	*ret_exit = context_fail("configuration", error);
	context_say(0,
		"drover.conf(5) says what belongs into %s; --config or $DROVER_CONFIG name another file",
		config_path(context));
	return FALSE;
}

struct ifmap_transport *context_transport(struct context *context, int *ret_exit)
{
	struct operator_conf conf = { 0 };
	struct ifmap_transport *transport;
	GError *error = NULL;

	if (!read_conf(context, &conf, ret_exit))
		return NULL;
	const struct ifmap_client_config config = {
		.url = conf.map.url,
		.ca_file = conf.map.ca,
		.cert_file = conf.map.cert,
		.key_file = conf.map.key,
	};
	transport = ifmap_transport_new(&config, &error);
	if (!transport)
		*ret_exit = context_fail("map", error);
	base_conf_clear(CONTEXT_OPTIONS, &conf);
	return transport;
}

struct ifmap_client *context_client(struct context *context, int *ret_exit)
{
	struct operator_conf conf = { 0 };
	GError *error = NULL;

	if (context->client)
		return context->client;
	if (!read_conf(context, &conf, ret_exit))
		return NULL;
	context->client = ifmap_conf_client(&conf.map, FACTS_PREFIXES, SEARCH_MAX, &error);
	if (!context->client) {
		*ret_exit = context_fail("map", error);
		context_say(0, "see [map] url, ca, cert and key in %s", config_path(context));
	}
	base_conf_clear(CONTEXT_OPTIONS, &conf);
	return context->client;
}

static struct world *world_from_map(struct context *context, int *ret_exit)
{
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	struct ifmap_search search = { .start = fleet,
		.max_depth = WORLD_DEPTH,
		.max_size = SEARCH_MAX,
		.match_links = WORLD_MATCH_LINKS,
		.result_filter = WORLD_RESULT_FILTER };
	struct ifmap_client *client = context_client(context, ret_exit);
	g_autoptr(ifmap_result) result = NULL;
	g_autoptr(GError) unread = NULL;
	GError *error = NULL;
	struct world *world;

	if (!client)
		return NULL;
	result = ifmap_client_search_sync(client, &search, context_answer_ms(context), &error);
	if (!result) {
		*ret_exit = context_fail("map", error);
		return NULL;
	}
	world = world_new();
	if (!world_apply_result(world, result, NULL, &unread))
		context_say(0, "map: passed over a fact that cannot be read: %s", unread->message);
	world_set_as_of(world, context_now_ms());
	return world;
}

static struct world *world_from_file(const char *path, int *ret_exit)
{
	json_error_t why;
	json_t *json = json_load_file(path, 0, &why);
	GError *error = NULL;
	struct world *world;

	if (!json) {
		*ret_exit = context_say(COMMAND_REFUSED, "%s:%d: %s", path, why.line, why.text);
		return NULL;
	}
	world = world_from_json(json, &error);
	json_decref(json);
	if (!world)
		*ret_exit = context_fail(path, error);
	return world;
}

struct world *context_world(struct context *context, int *ret_exit)
{
	if (!context->world)
		context->world = context->snapshot ? world_from_file(context->snapshot, ret_exit)
						   : world_from_map(context, ret_exit);
	return context->world;
}

void context_forget_world(struct context *context)
{
	g_clear_pointer(&context->world, world_free);
}

gboolean context_publish(struct context *context, struct ifmap_publish *publish, int *ret_exit)
{
	struct ifmap_client *client = context_client(context, ret_exit);
	GError *error = NULL;

	if (!client) {
		ifmap_publish_free(publish);
		return FALSE;
	}
	if (ifmap_client_publish_sync(client, publish, context_answer_ms(context), &error))
		return TRUE;
	*ret_exit = context_fail("map", error);
	return FALSE;
}

void context_clear(struct context *context)
{
	ifmap_client_free(context->client);
	world_free(context->world);
	g_free(context->config);
	g_free(context->to);
	g_free(context->name);
	g_free(context->output);
	g_free(context->connect);
	g_free(context->snapshot);
	g_free(context->server_config);
	g_free(context->risk);
	g_free(context->reason);
	g_free(context->links);
	g_free(context->filter);
	g_strfreev(context->assume);
	g_strfreev(context->allow);
	g_strfreev(context->address);
}
