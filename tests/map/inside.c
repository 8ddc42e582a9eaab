/* The carrier of script.h that needs no socket: an engine in this process, without a store. */
#include "inside.h"

#include <string.h>

struct channel {
	struct map_engine *engine;
	guint64 number;
	char name[2];
	GString *answer; /* NULL: none yet */
};

/* What the clients of the cases may do; everybody else: nothing special. */
struct map_identity *inside_identity(const char *client)
{
	unsigned rights = *client == 'R'   ? MAP_RIGHT_READ_ONLY
			  : *client == 'P' ? MAP_RIGHT_PURGE_OTHERS
					   : 0;
	return map_identity_new_basic(client, rights);
}

static gpointer open_channel(gpointer self, char client)
{
	static guint64 last;
	struct channel *channel = g_new0(struct channel, 1);
	channel->engine = *(struct map_engine **)self;
	channel->number = ++last;
	channel->name[0] = client;
	return channel;
}

static void on_answer(gpointer token, GString *reply, gpointer data)
{
	struct channel *channel = token;
	(void)data;
	g_assert_null(channel->answer);
	channel->answer = reply;
}

static void post(gpointer data, const char *body)
{
	struct channel *channel = data;
	g_autoptr(map_identity) identity = inside_identity(channel->name);
	struct map_call call = {
		.connection = channel->number,
		.identity = identity,
		.token = channel,
	};
	GString *reply = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *session_id = NULL;

	enum ifmap_parse_status status = ifmap_request_parse(body, strlen(body),
		&IFMAP_REQUEST_LIMITS_DEFAULT, &call.request, &session_id, &error);
	gboolean answered = TRUE;
	if (status == IFMAP_PARSE_OK)
		answered = map_engine_handle(channel->engine, &call, reply);
	else if (status == IFMAP_PARSE_REFUSED)
		map_engine_refuse(channel->engine, &call, session_id, error, reply);
	else
		g_string_assign(reply, error->message);
	ifmap_request_free(call.request);
	if (answered)
		on_answer(channel, reply, NULL);
	else
		g_string_free(reply, TRUE);
}

static char *wait_answer(gpointer data, unsigned timeout_ms)
{
	struct channel *channel = data;
	(void)timeout_ms;
	return channel->answer ? g_string_free(g_steal_pointer(&channel->answer), FALSE) : NULL;
}

static void close_channel(gpointer data)
{
	struct channel *channel = data;
	map_engine_connection_closed(channel->engine, channel->number);
	if (channel->answer)
		g_string_free(channel->answer, TRUE);
	g_free(channel);
}

struct map_engine *inside_engine_new(void)
{
	static const struct map_engine_ops OPS = { .answer = on_answer };
	g_autoptr(GError) error = NULL;
	struct map_engine *engine = map_engine_new(
		&map_limits_default, &IFMAP_DIALECT_DEFAULT, &OPS, NULL, &error);
	if (!engine)
		g_error("%s", error->message);
	return engine;
}

struct script_carrier inside_carrier(struct map_engine **engine)
{
	return (struct script_carrier){ open_channel, post, wait_answer, close_channel, engine, 0 };
}
