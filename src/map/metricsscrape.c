#include <gio/gio.h>
#include <glib/gstdio.h>
#include <microhttpd.h>
#include <string.h>

#include "map/listener.h"
#include "map/metrics.h"
#include "map/respond.h"

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

/* Of "HOST:PORT", the host perhaps in brackets. */
static int listen_on(const char *text, unsigned *ret_port, GError **error)
{
	const char *colon = strrchr(text, ':');
	g_autofree char *host = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup("");
	size_t size = strlen(host);

	if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
		host[size - 1] = '\0';
		memmove(host, host + 1, size - 1);
	}
	if (*host)
		return map_listener_open(host, colon + 1, ret_port, error);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "wants a numeric ADDRESS:PORT");
	return -1;
}

struct map_scrape *map_scrape_open(const char *address, GError **error)
{
	unsigned port = 0;
	int listener = listen_on(address, &port, error);
	struct map_scrape *scrape;

	if (listener < 0) {
		g_prefix_error(error, "metrics-address %s: ", address);
		return NULL;
	}
	scrape = g_new0(struct map_scrape, 1);
	scrape->listener = listener;
	scrape->port = port;
	return scrape;
}

unsigned map_scrape_port(const struct map_scrape *scrape)
{
	return scrape->port;
}

#define TYPE(value)                                       \
	(const char *const[])                             \
	{                                                 \
		MHD_HTTP_HEADER_CONTENT_TYPE, value, NULL \
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
		return map_respond(connection, MHD_HTTP_NOT_FOUND, body, TYPE("text/plain"));
	}
	map_metrics_write(scrape->metrics, scrape->engine, body);
	return map_respond(connection, MHD_HTTP_OK, body, TYPE(CONTENT_TYPE));
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
