#include "map/peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* Seconds between further questions to a peer that does not answer the first. */
#define ASK_AGAIN_S 5

static void set_option(int fd, int option, int value)
{
	(void)setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

struct map_peer *map_peer_new(
	struct MHD_Connection *connection, guint64 number, const struct map_limits *limits)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct map_peer *peer = g_new0(struct map_peer, 1);
	const int on = 1;

	peer->number = number;
	peer->fd = info->connect_fd;
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	set_option(peer->fd, TCP_NODELAY, 1);
	set_option(peer->fd, TCP_KEEPIDLE, (int)limits->keep_alive_s);
	set_option(peer->fd, TCP_KEEPINTVL, ASK_AGAIN_S);
	set_option(peer->fd, TCP_USER_TIMEOUT, (int)limits->session_timeout_s * 1000);
	return peer;
}

static void uncount(struct map_peer *peer)
{
	if (peer->counted)
		map_crowd_leave(peer->crowd, peer->counted);
	g_clear_pointer(&peer->counted, g_free);
}

gboolean map_peer_count(struct map_peer *peer, struct map_crowd *crowd, const char *client)
{
	if (g_strcmp0(peer->counted, client) == 0)
		return TRUE;
	uncount(peer);
	if (!map_crowd_enter(crowd, client))
		return FALSE;
	peer->crowd = crowd;
	peer->counted = g_strdup(client);
	return TRUE;
}

void map_peer_free(struct map_peer *peer)
{
	uncount(peer);
	map_identity_unref(peer->certificate);
	map_proof_clear(&peer->proof);
	g_free(peer);
}

gnutls_session_t map_peer_tls(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? (gnutls_session_t)info->tls_session : NULL;
}

static void judge_certificate(
	struct map_peer *peer, struct map_auth *auth, struct MHD_Connection *connection)
{
	gnutls_session_t session = map_peer_tls(connection);
	guint64 edition = map_auth_edition(auth);

	if (peer->judged == edition || !session)
		return;
	peer->judged = edition;
	g_clear_pointer(&peer->certificate, map_identity_unref);
	peer->refused = map_auth_check_certificate(auth, session, &peer->certificate) ==
			MAP_CERTIFICATE_BAD;
}

/* 0, or the HTTP status to refuse with. */
static unsigned judge_password(struct map_peer *peer, struct map_auth *auth,
	struct MHD_Connection *connection, const char *header)
{
	static const unsigned status[] = {
		[MAP_BASIC_GOOD] = 0,
		[MAP_BASIC_BAD] = MHD_HTTP_UNAUTHORIZED,
		[MAP_BASIC_LATER] = MHD_HTTP_TOO_MANY_REQUESTS,
	};
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return status[map_auth_check_basic(
		auth, header, info ? info->client_addr : NULL, &peer->proof)];
}

unsigned map_peer_authenticate(struct map_peer *peer, struct map_auth *auth,
	struct MHD_Connection *connection, struct map_identity **ret_client)
{
	const char *header = MHD_lookup_connection_value(
		connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);

	judge_certificate(peer, auth, connection);
	if (peer->refused)
		return MHD_HTTP_FORBIDDEN;
	if (peer->certificate) {
		*ret_client = map_identity_ref(peer->certificate);
		return 0;
	}
	if (!header)
		return MHD_HTTP_UNAUTHORIZED;
	unsigned status = judge_password(peer, auth, connection, header);
	if (status == 0)
		*ret_client = map_identity_ref(peer->proof.identity);
	return status;
}
