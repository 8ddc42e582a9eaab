#include "map/front.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "ifmap/reply.h"
#include "map/exchange.h"
#include "map/face.h"
#include "map/gzip.h"
#include "map/listener.h"
#include "map/respond.h"
#include "map/wsdl.h"

G_DEFINE_QUARK(map - front - error, map_front_error)

#define CONTENT_TYPE "application/soap+xml"
#define WSDL         "wsdl"
#define REALM        "Basic realm=\"drover-mapd\""
/* An answer up to this size leaves in one TLS record (ifmap.md 18, strongSwan). */
#define MAX_CORKED   15000
#define DRAIN_US     (2 * (gint64)G_USEC_PER_SEC)

struct map_front {
	const struct map_config *config;
	int listener;
	unsigned port;
	char *certificate;
	char *key;
	char *client_ca;
	struct ifmap_request_limits limits;
	struct map_engine *engine;
	struct map_auth *auth;
	struct map_metrics *metrics;
	struct map_face face;
	struct map_streams *streams;
	struct map_crowd *crowd;
	struct map_hangup *hangup;
	struct MHD_Daemon *daemon;
	guint64 n_peers;   /* atomic; also the number of the latest one */
	guint n_exchanges; /* atomic; under way */
};

/* ---- answers */

/* libmicrohttpd writes header and body apart; corking makes one record of them. */
static void cork(struct map_exchange *exchange, struct MHD_Connection *connection)
{
	gnutls_session_t session = map_peer_tls(connection);
	if (!session)
		return;
	gnutls_record_cork(session);
	exchange->corked = TRUE;
}

static void uncork(struct map_exchange *exchange, struct MHD_Connection *connection)
{
	gnutls_session_t session = exchange->corked ? map_peer_tls(connection) : NULL;
	const int on = 1;

	if (!session)
		return;
	/* A peer that does not read loses its answer, nobody else's. */
	(void)gnutls_record_uncork(session, 0);
	/* libmicrohttpd left the socket corked too; setting this anew sends what waits, now and
	 * not 200 ms later (tcp(7)). */
	(void)setsockopt(exchange->peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

#define TYPE(value) MHD_HTTP_HEADER_CONTENT_TYPE, value
static const char *const soap_header[] = { TYPE(CONTENT_TYPE), NULL };
static const char *const gzip_header[] = { TYPE(CONTENT_TYPE), MHD_HTTP_HEADER_CONTENT_ENCODING,
	"gzip", NULL };
static const char *const text_xml_header[] = { TYPE("text/xml"), NULL };

static enum MHD_Result respond(struct map_exchange *exchange, struct MHD_Connection *connection,
	unsigned status, GString *body, const char *const *headers)
{
	exchange->n_sent = body->len;
	if (body->len <= MAX_CORKED)
		cork(exchange, connection);
	return map_respond(connection, status, body, headers);
}

#define TEXT TYPE("text/plain")

/* Refusals that HTTP itself expresses. */
static const struct refusal {
	unsigned status;
	const char *text;
	const char *headers[5];
} refusals[] = {
	{ MHD_HTTP_UNAUTHORIZED, "Say who you are.\n",
		{ TEXT, MHD_HTTP_HEADER_WWW_AUTHENTICATE, REALM } },
	{ MHD_HTTP_FORBIDDEN,
		"This certificate is not accepted here: it is not signed for this server, is out of date, or bears "
		"the name of a client with a password.\n",
		{ TEXT } },
	{ MHD_HTTP_TOO_MANY_REQUESTS, "Too many wrong passwords came from there; wait.\n",
		{ TEXT, MHD_HTTP_HEADER_RETRY_AFTER, "2" } },
	{ MHD_HTTP_METHOD_NOT_ALLOWED, "Only POST.\n", { TEXT, MHD_HTTP_HEADER_ALLOW, "POST" } },
	{ MHD_HTTP_SERVICE_UNAVAILABLE, "This client has too many connections.\n",
		{ TEXT, MHD_HTTP_HEADER_CONNECTION, "close" } },
	{ MHD_HTTP_CONTENT_TOO_LARGE, "The request is too large.\n", { TEXT } },
};

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Answers what is not for the engine. */
static enum MHD_Result refuse(struct map_exchange *exchange, struct MHD_Connection *connection)
{
	size_t i = 0;

	if (exchange->route)
		return map_face_refuse(exchange, connection);
	if (exchange->status == MHD_HTTP_OK)
		return respond(exchange, connection, MHD_HTTP_OK,
			map_wsdl(header(connection, MHD_HTTP_HEADER_HOST)), text_xml_header);
	while (i + 1 < G_N_ELEMENTS(refusals) && refusals[i].status != exchange->status)
		i++;
	return respond(exchange, connection, refusals[i].status, g_string_new(refusals[i].text),
		refusals[i].headers);
}

static enum MHD_Result respond_fault(struct map_exchange *exchange,
	struct MHD_Connection *connection, enum ifmap_parse_status what, const char *why)
{
	GString *body = g_string_new(NULL);

	if (what == IFMAP_PARSE_OLD_SOAP) {
		ifmap_reply_old_fault(body, "this is IF-MAP 2.x, over SOAP 1.2");
		return respond(exchange, connection, MHD_HTTP_BAD_REQUEST, body, text_xml_header);
	}
	gboolean understood = what != IFMAP_PARSE_NOT_UNDERSTOOD;
	ifmap_reply_fault(body, understood ? "Sender" : "MustUnderstand", why);
	return respond(exchange, connection,
		understood ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_INTERNAL_SERVER_ERROR, body,
		soap_header);
}

static enum MHD_Result respond_reply(
	struct map_exchange *exchange, struct MHD_Connection *connection, GString *reply)
{
	gboolean zipped = exchange->gzip && map_gzip_deflate(reply);
	return respond(
		exchange, connection, MHD_HTTP_OK, reply, zipped ? gzip_header : soap_header);
}

void map_front_answer(gpointer token, GString *reply, gpointer data)
{
	(void)data;
	map_exchange_answer(token, reply);
}

/* ---- a request, from its headers to the engine */

static gboolean is_too_large(const struct map_front *front, struct MHD_Connection *connection)
{
	const char *value = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	guint64 size = 0;
	return value && g_ascii_string_to_unsigned(value, 10, 0, G_MAXUINT64, &size, NULL) &&
	       size > front->config->limits.max_body;
}

/* libmicrohttpd looks at every connection whose timeout is not the daemon's in every turn of its
 * loop. So the daemon has none, as those have who idle between requests, and whoever must say
 * something soon has one of its own. */
static void set_timeout(struct MHD_Connection *connection, unsigned seconds)
{
	(void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

/* 0: a request for the engine; else the status it is answered with at once. */
static unsigned judge_method(struct MHD_Connection *connection, const char *method)
{
	const char *ignored;
	size_t size;

	if (g_str_equal(method, MHD_HTTP_METHOD_POST))
		return 0;
	if (g_str_equal(method, MHD_HTTP_METHOD_GET) &&
		MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, WSDL, strlen(WSDL),
			&ignored, &size) == MHD_YES)
		return MHD_HTTP_OK;
	return MHD_HTTP_METHOD_NOT_ALLOWED;
}

/* 0: it is to be read and carried out. */
static unsigned judge_request(
	struct map_exchange *exchange, struct MHD_Connection *connection, const char *method)
{
	return exchange->route ? map_face_judge(exchange->route, connection, method)
			       : judge_method(connection, method);
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): as libmicrohttpd has them */
static enum MHD_Result begin(struct map_front *front, struct MHD_Connection *connection,
	const char *url, const char *method, void **request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct map_exchange *exchange = map_exchange_new(
		connection, (struct map_peer *)info->socket_context, front->hangup);

	*request = exchange;
	g_atomic_int_inc(&front->n_exchanges);
	set_timeout(connection, front->config->limits.handshake_timeout_s);
	exchange->gzip = map_gzip_is_accepted(header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	exchange->route = map_face_find(url);
	exchange->status = map_peer_authenticate(
		exchange->peer, front->auth, connection, &exchange->client);
	if (exchange->client &&
		!map_peer_count(exchange->peer, front->crowd, exchange->client->name))
		exchange->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	if (!exchange->status)
		exchange->status = judge_request(exchange, connection, method);
	if (is_too_large(front, connection)) {
		/* Not worth reading: the connection ends with the answer. */
		exchange->status = exchange->status ? exchange->status : MHD_HTTP_CONTENT_TOO_LARGE;
		return refuse(exchange, connection);
	}
	exchange->body = g_string_new(NULL);
	return MHD_YES;
}

/* Keeps a piece of the body, or lets it pass by when it is not wanted. */
static enum MHD_Result take(
	struct map_front *front, struct map_exchange *exchange, const char *data, size_t size)
{
	size_t limit = front->config->limits.max_body;

	if (!exchange->status && exchange->body->len + size > limit) {
		exchange->status = MHD_HTTP_CONTENT_TOO_LARGE;
		g_string_truncate(exchange->body, 0);
	}
	if (!exchange->status) {
		g_string_append_len(exchange->body, data, (gssize)size);
		return MHD_YES;
	}
	exchange->discarded += size;
	return exchange->discarded <= limit ? MHD_YES : MHD_NO;
}

static enum map_gzip inflate_body(
	struct map_front *front, struct map_exchange *exchange, struct MHD_Connection *connection)
{
	const char *encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING);
	if (!encoding || g_ascii_strcasecmp(encoding, "identity") == 0)
		return MAP_GZIP_GOOD;
	if (!map_gzip_is(encoding))
		return MAP_GZIP_DAMAGED;
	GString *inflated = g_string_new(NULL);
	enum map_gzip status = map_gzip_inflate(
		exchange->body->str, exchange->body->len, front->config->limits.max_body, inflated);
	g_string_free(exchange->body, TRUE);
	exchange->body = inflated;
	return status;
}

/* Carries the request out; the answer, or NULL when the connection now waits for it. */
static GString *ask_engine(
	struct map_front *front, struct map_exchange *exchange, struct map_call *call)
{
	GString *reply = g_string_new(NULL);

	call->token = map_exchange_ref(exchange);
	if (map_engine_handle(front->engine, call, reply)) {
		map_exchange_unref(exchange);
		return reply;
	}
	g_string_free(reply, TRUE);
	return map_exchange_settle(exchange);
}

static enum MHD_Result carry_out(
	struct map_front *front, struct map_exchange *exchange, struct MHD_Connection *connection)
{
	struct map_call call = {
		.connection = exchange->peer->number,
		.identity = exchange->client,
	};
	g_autofree char *session_id = NULL;
	g_autoptr(GError) error = NULL;
	GString *reply = NULL;

	switch (inflate_body(front, exchange, connection)) {
	case MAP_GZIP_GOOD:
		break;
	case MAP_GZIP_TOO_LARGE:
		exchange->status = MHD_HTTP_CONTENT_TOO_LARGE;
		return refuse(exchange, connection);
	case MAP_GZIP_DAMAGED:
		exchange->status = MHD_HTTP_BAD_REQUEST;
		if (exchange->route)
			return map_face_refuse(exchange, connection);
		return respond_fault(exchange, connection, IFMAP_PARSE_BAD_XML,
			"the body is not what Content-Encoding says");
	}
	if (exchange->route) {
		set_timeout(connection, 0);
		return map_face_begin(&front->face, exchange, connection);
	}
	enum ifmap_parse_status status = ifmap_request_parse(exchange->body->str,
		exchange->body->len, &front->limits, &call.request, &session_id, &error);
	exchange->n_received = exchange->body->len;
	exchange->whole_us = g_get_monotonic_time();
	g_string_free(g_steal_pointer(&exchange->body), TRUE);
	switch (status) {
	case IFMAP_PARSE_BAD_XML:
	case IFMAP_PARSE_NOT_UNDERSTOOD:
	case IFMAP_PARSE_OLD_SOAP:
		return respond_fault(exchange, connection, status, error->message);
	case IFMAP_PARSE_REFUSED:
		reply = g_string_new(NULL);
		map_engine_refuse(front->engine, &call, session_id, error, reply);
		break;
	case IFMAP_PARSE_OK:
		exchange->operation = (int)call.request->type;
		reply = ask_engine(front, exchange, &call);
		ifmap_request_free(call.request);
		break;
	}
	return reply ? respond_reply(exchange, connection, reply) : MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **request)
{
	struct map_front *front = cls;
	struct map_exchange *exchange = *request;
	(void)version;

	if (!exchange)
		return begin(front, connection, url, method, request);
	if (*size > 0) {
		size_t taken = *size;
		*size = 0;
		return take(front, exchange, data, taken);
	}
	if (exchange->status)
		return refuse(exchange, connection);
	if (exchange->body)
		return carry_out(front, exchange, connection);
	/* Called again after the connection was resumed. */
	GString *reply = map_exchange_settle(exchange);
	if (!reply)
		return MHD_YES;
	return exchange->route ? map_face_resume(&front->face, exchange, connection, reply)
			       : respond_reply(exchange, connection, reply);
}

static void observe(const struct map_front *front, const struct map_exchange *exchange)
{
	if (exchange->operation < 0 || !exchange->client)
		return;
	const struct map_observation seen = {
		.type = (enum ifmap_request_type)exchange->operation,
		.client = exchange->client->name,
		.duration_us = g_get_monotonic_time() - exchange->whole_us,
		.n_received = exchange->n_received,
		.n_sent = exchange->n_sent,
	};
	map_metrics_observe(front->metrics, &seen);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode how)
{
	struct map_front *front = cls;
	struct map_exchange *exchange = g_steal_pointer(request);

	if (!exchange)
		return;
	uncork(exchange, connection);
	/* Who has read its answer may be silent as long as it likes. */
	if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && exchange->client)
		set_timeout(connection, 0);
	if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		map_engine_connection_broken(front->engine, exchange->peer->number);
	observe(front, exchange);
	map_face_end(exchange);
	map_exchange_close(exchange);
	(void)g_atomic_int_dec_and_test(&front->n_exchanges);
}

/* ---- connections */

static guint64 next_number(gpointer data)
{
	struct map_front *front = data;

	return __atomic_add_fetch(&front->n_peers, 1, __ATOMIC_RELAXED);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct map_front *front = cls;
	struct map_peer *peer = *context;

	switch (what) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		*context = map_peer_new(connection, next_number(front), &front->config->limits);
		set_timeout(connection, front->config->limits.handshake_timeout_s);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		map_engine_connection_closed(front->engine, peer->number);
		map_peer_free(peer);
		*context = NULL;
		break;
	}
}

static void on_hangup(guint64 connection, gpointer data)
{
	struct map_front *front = data;
	map_engine_connection_closed(front->engine, connection);
}

/* ---- life */

struct map_front *map_front_open(const struct map_config *config, GError **error)
{
	g_autoptr(map_front) front = g_new0(struct map_front, 1);
	front->config = config;
	front->listener = -1;
	front->streams = map_streams_new();
	front->crowd = map_crowd_new(config->limits.max_client_connections);
	front->limits = IFMAP_REQUEST_LIMITS_DEFAULT;
	front->limits.max_identifier = config->limits.max_identifier;
	front->limits.max_metadata = config->limits.max_metadata;
	front->limits.max_operations = config->limits.max_operations;
	front->limits.dialect = &config->dialect;
	if (!g_file_get_contents(config->certificate, &front->certificate, NULL, error) ||
		!g_file_get_contents(config->key, &front->key, NULL, error))
		return NULL;
	if (*config->client_ca &&
		!g_file_get_contents(config->client_ca, &front->client_ca, NULL, error))
		return NULL;
	g_autofree char *port = g_strdup_printf("%u", config->port);
	front->listener = map_listener_open(config->address, port, &front->port, error);
	if (front->listener < 0)
		return NULL;
	return g_steal_pointer(&front);
}

unsigned map_front_port(const struct map_front *front)
{
	return front->port;
}

static struct MHD_Daemon *start_daemon(struct map_front *front)
{
	const struct map_config *config = front->config;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ITC;
	unsigned threads = config->threads ? config->threads : MAX(2, g_get_num_processors());
	struct MHD_OptionItem client_ca[] = {
		{ MHD_OPTION_HTTPS_MEM_TRUST, 0, front->client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (!front->client_ca)
		client_ca[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, front, MHD_OPTION_LISTEN_SOCKET,
		front->listener, MHD_OPTION_HTTPS_MEM_CERT, front->certificate,
		MHD_OPTION_HTTPS_MEM_KEY, front->key, MHD_OPTION_HTTPS_PRIORITIES,
		config->priorities, MHD_OPTION_ARRAY, client_ca, MHD_OPTION_THREAD_POOL_SIZE,
		threads > 1 ? threads : 0, MHD_OPTION_CONNECTION_LIMIT,
		config->limits.max_connections, MHD_OPTION_NOTIFY_COMPLETED, on_completed, front,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, front, MHD_OPTION_END);
}

gboolean map_front_start(
	struct map_front *front, const struct map_front_parts *parts, GError **error)
{
	front->engine = parts->engine;
	front->auth = parts->auth;
	front->metrics = parts->metrics;
	front->face = (struct map_face){ front->config, &front->limits, parts->engine,
		parts->metrics, front->streams, next_number, front };
	front->hangup = map_hangup_new(on_hangup, front, error);
	if (!front->hangup)
		return FALSE;
	front->daemon = start_daemon(front);
	if (!front->daemon) {
		g_set_error(error, MAP_FRONT_ERROR, 0,
			"the HTTPS server does not start: are %s, %s and the TLS priorities good?",
			front->config->certificate, front->config->key);
		return FALSE;
	}
	front->listener = -1; /* the daemon's now */
	return TRUE;
}

void map_front_tick(struct map_front *front)
{
	map_streams_nudge(front->streams, front->config->limits.keep_alive_s);
}

void map_front_quiesce(struct map_front *front)
{
	int listener = front->daemon ? MHD_quiesce_daemon(front->daemon) : -1;
	if (listener >= 0)
		(void)g_close(listener, NULL);
}

void map_front_close(struct map_front *front)
{
	if (!front)
		return;
	gint64 until = g_get_monotonic_time() + DRAIN_US;
	while (g_atomic_int_get(&front->n_exchanges) > 0 && g_get_monotonic_time() < until)
		g_usleep(5000);
	if (front->daemon)
		MHD_stop_daemon(front->daemon);
	map_hangup_free(front->hangup);
	map_streams_free(front->streams);
	map_crowd_free(front->crowd);
	if (front->listener >= 0)
		(void)g_close(front->listener, NULL);
	g_free(front->certificate);
	g_free(front->key);
	g_free(front->client_ca);
	g_free(front);
}
