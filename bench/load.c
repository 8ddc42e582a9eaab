#include "load.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"
#include "raw.h"

#define READ_SIZE  8192
#define LENGTH     "\r\nContent-Length: "
#define N_EVENTS   64
#define PATIENCE_S 60 /* for one answer while setting up */

struct load {
	int epoll_fd;
};

struct load_peer {
	struct load *load;
	struct raw *raw;
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
	return load;
}

void load_free(struct load *load)
{
	if (!load)
		return;
	(void)close(load->epoll_fd);
	g_free(load);
}

struct load_peer *load_connect(
	struct load *load, unsigned port, load_answer_fn answered, gpointer data)
{
	struct load_peer *peer = g_new0(struct load_peer, 1);
	const struct server server = { .port = port };
	const int on = 1;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };

	peer->load = load;
	peer->answered = answered;
	peer->data = data;
	peer->in = g_string_new(NULL);
	peer->raw = raw_open(&server, NULL);
	if (!peer->raw)
		g_error("no TLS connection to port %u", port);
	/* A large request must not wait for the server to acknowledge its first part. */
	g_assert(setsockopt(peer->raw->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	/* Records without data (session tickets) must not block the loop. */
	g_assert(g_unix_set_fd_nonblocking(peer->raw->fd, TRUE, NULL));
	g_assert(epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, peer->raw->fd, &event) == 0);
	return peer;
}

void load_close(struct load_peer *peer)
{
	if (!peer)
		return;
	raw_close(peer->raw);
	g_string_free(peer->in, TRUE);
	g_free(peer->answer);
	g_free(peer);
}

void load_send(struct load_peer *peer, const char *request)
{
	raw_send(peer->raw, request, -1);
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

	while ((got = gnutls_record_recv(peer->raw->session, data, sizeof(data))) > 0 ||
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
