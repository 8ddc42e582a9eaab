#include <gio/gio.h>
#include <glib/gstdio.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "map/metrics.h"

#define CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define MAX_SCRAPERS 8
#define TIMEOUT_S    10

struct map_scrape {
	int listener;
	unsigned port;
	struct map_metrics *metrics;
	struct map_engine *engine;
	struct MHD_Daemon *daemon;
};

/* Splits "HOST:PORT", the host perhaps in brackets. */
static struct addrinfo *resolve(const char *text, GError **error)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	g_autofree char *host = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;
	size_t size = host ? strlen(host) : 0;
	struct addrinfo *address = NULL;
	int status = EAI_NONAME;

	if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
		host[size - 1] = '\0';
		memmove(host, host + 1, size - 1);
	}
	if (size > 0)
		status = getaddrinfo(host, colon + 1, &hints, &address);
	if (status == 0)
		return address;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		"metrics-address \"%s\": wants a numeric ADDRESS:PORT", text);
	return NULL;
}

static gboolean bind_to(struct map_scrape *scrape, const struct addrinfo *address)
{
	const int on = 1;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} bound = { 0 };
	socklen_t size = sizeof(bound);

	scrape->listener = socket(
		address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (scrape->listener < 0)
		return FALSE;
	(void)setsockopt(scrape->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(scrape->listener, address->ai_addr, address->ai_addrlen) < 0 ||
		listen(scrape->listener, MAX_SCRAPERS) < 0 ||
		getsockname(scrape->listener, &bound.any, &size) < 0)
		return FALSE;
	scrape->port = ntohs(
		bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
	return TRUE;
}

struct map_scrape *map_scrape_open(const char *address, GError **error)
{
	struct addrinfo *info = resolve(address, error);
	struct map_scrape *scrape;

	if (!info)
		return NULL;
	scrape = g_new0(struct map_scrape, 1);
	scrape->listener = -1;
	if (!bind_to(scrape, info)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "metrics-address %s: %s", address,
			g_strerror(errno));
		g_clear_pointer(&scrape, map_scrape_close);
	}
	freeaddrinfo(info);
	return scrape;
}

unsigned map_scrape_port(const struct map_scrape *scrape)
{
	return scrape->port;
}

static enum MHD_Result respond(
	struct MHD_Connection *connection, unsigned status, GString *body, const char *type)
{
	size_t size = body->len;
	char *data = g_string_free(body, FALSE);
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
		size, data, g_free);
	enum MHD_Result result;

	if (!response) {
		g_free(data);
		return MHD_NO;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **request)
{
	struct map_scrape *scrape = cls;
	GString *body = g_string_new(NULL);

	(void)version;
	(void)data;
	(void)request;
	*size = 0; /* a body is not looked at */
	if (strcmp(url, "/metrics") != 0 || strcmp(method, MHD_HTTP_METHOD_GET) != 0) {
		g_string_assign(body, "There is only GET /metrics here.\n");
		return respond(connection, MHD_HTTP_NOT_FOUND, body, "text/plain");
	}
	map_metrics_write(scrape->metrics, scrape->engine, body);
	return respond(connection, MHD_HTTP_OK, body, CONTENT_TYPE);
}

gboolean map_scrape_start(struct map_scrape *scrape, struct map_metrics *metrics,
	struct map_engine *engine, GError **error)
{
	scrape->metrics = metrics;
	scrape->engine = engine;
	scrape->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request,
		scrape, MHD_OPTION_LISTEN_SOCKET, scrape->listener, MHD_OPTION_CONNECTION_LIMIT,
		MAX_SCRAPERS, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
	if (!scrape->daemon) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			"the listener for metrics does not start");
		return FALSE;
	}
	scrape->listener = -1; /* the daemon's now */
	return TRUE;
}

void map_scrape_close(struct map_scrape *scrape)
{
	if (!scrape)
		return;
	if (scrape->daemon)
		MHD_stop_daemon(scrape->daemon);
	if (scrape->listener >= 0)
		(void)g_close(scrape->listener, NULL);
	g_free(scrape);
}
