#include "https.h"

/* How long "nothing comes" is watched, once the server has nothing left to do. */
#define PATIENCE_MS 2

struct channel {
	const struct server *server;
	CURLM *multi;
	CURL *easy;
	GString *answer;
	char *body;
	gboolean pending; /* a request is under way */
};

static gpointer open_channel(gpointer self, char client)
{
	struct server *server = *(struct server **)self;
	struct channel *channel = g_new0(struct channel, 1);
	const char name[2] = { client, 0 };
	channel->server = server;
	channel->answer = g_string_new(NULL);
	/* Connections belong to a multi handle: one each keeps channels apart. */
	channel->multi = curl_multi_init();
	channel->easy = server_curl(server, name, channel->answer);
	return channel;
}

static void post(gpointer data, const char *body)
{
	struct channel *channel = data;
	g_assert_false(channel->pending);
	g_free(channel->body);
	channel->body = g_strdup(body);
	g_string_truncate(channel->answer, 0);
	curl_easy_setopt(channel->easy, CURLOPT_POSTFIELDS, channel->body);
	curl_multi_add_handle(channel->multi, channel->easy);
	channel->pending = TRUE;
	/* Gets the request onto the wire, so that what follows elsewhere comes after it. */
	for (int running = 1, i = 0; running && i < 40; i++) {
		curl_off_t sent = 0;
		curl_multi_perform(channel->multi, &running);
		curl_easy_getinfo(channel->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
		if (sent > 0)
			break;
		curl_multi_poll(channel->multi, NULL, 0, 500, NULL);
	}
}

static char *wait_answer(gpointer data, unsigned timeout_ms)
{
	struct channel *channel = data;
	int running = 1;

	if (!channel->pending)
		return NULL;
	if (timeout_ms == PATIENCE_MS)
		server_settle(channel->server);
	gint64 until = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	for (;;) {
		curl_multi_perform(channel->multi, &running);
		gint64 left = until - g_get_monotonic_time();
		if (!running || left <= 0)
			break;
		curl_multi_poll(channel->multi, NULL, 0, (int)(left / 1000 + 1), NULL);
	}
	if (running)
		return NULL;
	curl_multi_remove_handle(channel->multi, channel->easy);
	channel->pending = FALSE;
	return g_strndup(channel->answer->str, channel->answer->len);
}

static void close_channel(gpointer data)
{
	struct channel *channel = data;
	if (channel->pending)
		curl_multi_remove_handle(channel->multi, channel->easy);
	curl_easy_cleanup(channel->easy);
	curl_multi_cleanup(channel->multi);
	g_string_free(channel->answer, TRUE);
	g_free(channel->body);
	g_free(channel);
}

struct script_carrier https_carrier(struct server **server)
{
	return (struct script_carrier){ open_channel, post, wait_answer, close_channel, server,
		PATIENCE_MS };
}
