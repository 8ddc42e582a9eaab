#include "load.h"

#include <errno.h>
#include <glib-unix.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"

#define READ_SIZE  8192
#define LENGTH     "\r\nContent-Length: "
#define N_EVENTS   64
#define PATIENCE_S 60 /* for an answer that is waited for */

struct load {
	int epoll_fd;
	gnutls_certificate_credentials_t credentials; /* none; the server's are not looked at */
};

struct load_peer {
	struct load *load;
	int fd;
	gnutls_session_t session;
	GString *in; /* received, not yet a whole answer */
	load_answer_fn answered;
	gpointer data;
	gboolean asking; /* load_ask() waits */
	char *answer;    /* for load_ask() */
};

struct load *load_new(void)
{
	struct load *load = g_new0(struct load, 1);

	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	g_assert(load->epoll_fd >= 0);
	gnutls_certificate_allocate_credentials(&load->credentials);
	return load;
}

void load_free(struct load *load)
{
	if (!load)
		return;
	(void)close(load->epoll_fd);
	gnutls_certificate_free_credentials(load->credentials);
	g_free(load);
}

static int connect_to(unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((guint16)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		g_error("no connection to port %u: %s", port, g_strerror(errno));
	/* A large request must not wait for the server to acknowledge its first part. */
	g_assert(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	return fd;
}

static gnutls_session_t shake_hands(const struct load *load, int fd)
{
	gnutls_session_t session;
	int status;

	gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, load->credentials);
	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, PATIENCE_S * 1000);
	do
		status = gnutls_handshake(session);
	while (status < 0 && !gnutls_error_is_fatal(status));
	if (status != 0)
		g_error("no TLS: %s", gnutls_strerror(status));
	return session;
}

struct load_peer *load_connect(
	struct load *load, unsigned port, load_answer_fn answered, gpointer data)
{
	struct load_peer *peer = g_new0(struct load_peer, 1);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

	peer->load = load;
	peer->answered = answered;
	peer->data = data;
	peer->in = g_string_new(NULL);
	peer->fd = connect_to(port);
	peer->session = shake_hands(load, peer->fd);
	/* Records without data (session tickets) must not block the loop. */
	g_assert(g_unix_set_fd_nonblocking(peer->fd, TRUE, NULL));
	g_assert(epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, peer->fd, &event) == 0);
	return peer;
}

void load_close(struct load_peer *peer)
{
	if (!peer)
		return;
	(void)close(peer->fd);
	gnutls_deinit(peer->session);
	g_string_free(peer->in, TRUE);
	g_free(peer->answer);
	g_free(peer);
}

void load_send(struct load_peer *peer, const char *request)
{
	size_t left = strlen(request);

	while (left > 0) {
		ssize_t sent = gnutls_record_send(peer->session, request, left);

		if (sent < 0 && gnutls_error_is_fatal((int)sent))
			g_error("the server hung up: %s", gnutls_strerror((int)sent));
		request += MAX(sent, 0);
		left -= (size_t)MAX(sent, 0);
	}
}

/* ---- answers */

/* Bytes of the first answer's head and body; FALSE: it is not all there. */
static gboolean find_answer(const GString *in, gsize *ret_head, gsize *ret_body)
{
	const char *end = strstr(in->str, "\r\n\r\n");
	const char *length = end ? g_strstr_len(in->str, end - in->str, LENGTH) : NULL;

	if (end && (!g_str_has_prefix(in->str, "HTTP/1.1 200 ") || !length))
		g_error("not an answer to measure: %.300s", in->str);
	if (!end)
		return FALSE;
	*ret_head = (gsize)(end - in->str) + 4;
	*ret_body = g_ascii_strtoull(length + strlen(LENGTH), NULL, 10);
	return in->len >= *ret_head + *ret_body;
}

static void deliver(struct load_peer *peer, const char *body, gsize size)
{
	if (g_strstr_len(body, (gssize)MIN(size, 1000), "<errorResult"))
		g_error("the server refuses: %.*s", (int)MIN(size, 1000), body);
	if (!peer->asking) {
		peer->answered(peer, body, size, peer->data);
		return;
	}
	peer->asking = FALSE;
	peer->answer = g_strndup(body, size);
}

static void read_peer(struct load_peer *peer)
{
	char data[READ_SIZE];
	gsize head;
	gsize body;
	ssize_t got;

	while ((got = gnutls_record_recv(peer->session, data, sizeof(data))) > 0 ||
		got == GNUTLS_E_INTERRUPTED)
		g_string_append_len(peer->in, data, MAX(got, 0));
	if (got != GNUTLS_E_AGAIN)
		g_error("the server hung up: %s",
			got == 0 ? "end of stream" : gnutls_strerror((int)got));
	if (!find_answer(peer->in, &head, &body))
		return;
	/* The callback may send, never receive: there is no second answer behind this one. */
	deliver(peer, peer->in->str + head, body);
	g_string_truncate(peer->in, 0);
}

static void serve(struct load *load, double until_s)
{
	struct epoll_event events[N_EVENTS];
	double left_s = until_s - meter_now_s();
	int n = epoll_wait(load->epoll_fd, events, N_EVENTS, (int)(MAX(left_s, 0) * 1000) + 1);

	for (int i = 0; i < n; i++)
		read_peer(events[i].data.ptr);
}

char *load_ask(struct load_peer *peer, const char *request)
{
	double until_s = meter_now_s() + PATIENCE_S;

	peer->asking = TRUE;
	load_send(peer, request);
	while (peer->asking && meter_now_s() < until_s)
		serve(peer->load, until_s);
	if (peer->asking)
		g_error("no answer within %d s to: %.300s", PATIENCE_S, request);
	return g_steal_pointer(&peer->answer);
}

void load_run(struct load *load, double seconds)
{
	double until_s = meter_now_s() + seconds;

	while (meter_now_s() < until_s)
		serve(load, until_s);
}

void load_wait(struct load *load, const unsigned *n_awaited)
{
	double until_s = meter_now_s() + PATIENCE_S;

	while (*n_awaited > 0 && meter_now_s() < until_s)
		serve(load, until_s);
	if (*n_awaited > 0)
		g_error("%u answers are still missing after %d s", *n_awaited, PATIENCE_S);
}
