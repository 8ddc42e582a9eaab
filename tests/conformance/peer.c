#include "peer.h"

#include <string.h>

static size_t collect_headers(char *data, size_t size, size_t n, void *headers)
{
	g_string_append_len(headers, data, (gssize)(size * n));
	return size * n;
}

void peer_init(struct peer *peer, struct server *server, const char *client)
{
	*peer = (struct peer){ .server = server };
	peer->answer = g_string_new(NULL);
	peer->headers = g_string_new(NULL);
	peer->curl = server_curl(server, client, peer->answer);
	curl_easy_setopt(peer->curl, CURLOPT_HEADERFUNCTION, collect_headers);
	curl_easy_setopt(peer->curl, CURLOPT_HEADERDATA, peer->headers);
	peer->session_id = server_begin(peer->curl, peer->answer);
	g_assert_nonnull(peer->session_id);
}

void peer_clear(struct peer *peer)
{
	curl_easy_cleanup(peer->curl);
	curl_slist_free_all(peer->extra);
	g_string_free(peer->answer, TRUE);
	g_string_free(peer->headers, TRUE);
	g_free(peer->session_id);
}

void peer_header(struct peer *peer, const char *header)
{
	peer->extra = curl_slist_append(peer->extra, header);
	curl_easy_setopt(peer->curl, CURLOPT_HTTPHEADER, peer->extra);
}

long peer_post(struct peer *peer, const char *body, gssize size)
{
	g_string_truncate(peer->headers, 0);
	return server_post(peer->curl, body, size, peer->answer);
}

char *peer_fill(const struct peer *peer, const char *operation)
{
	g_autoptr(GString) filled = g_string_new(operation);

	g_string_replace(filled, "{s}", peer->session_id, 0);
	return server_envelope(filled->str);
}

char *peer_renewal(const struct peer *peer)
{
	return peer_fill(peer, "<ifmap:renewSession session-id=\"{s}\"/>");
}

void peer_ask(struct peer *peer, const char *operation, const char *expected)
{
	g_autofree char *body = peer_fill(peer, operation);

	g_assert_cmpint(peer_post(peer, body, -1), ==, 200);
	if (!strstr(peer->answer->str, expected))
		g_test_message("not %s but %s", expected, peer->answer->str);
	g_assert_nonnull(strstr(peer->answer->str, expected));
}

void peer_assert_renews(struct peer *peer)
{
	peer_ask(peer, "<ifmap:renewSession session-id=\"{s}\"/>", "<renewSessionResult/>");
}
