#include "fakeserver.h"

#include "testcert.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_REQUEST (16UL * 1024 * 1024)

struct fake_conn {
	struct fake_server *server;
	GThread *thread;
	gnutls_session_t tls;
	int fd;
	unsigned number;
	gboolean closed;
};

struct fake_server {
	fake_handler_fn handler;
	gpointer data;
	gnutls_certificate_credentials_t credentials;
	GThread *thread;
	int fd;
	char *directory;
	char *ca_file;
	char *key_file;
	char *url;
	GMutex lock;      /* guards the rest */
	GPtrArray *conns; /* struct fake_conn * */
	gnutls_datum_t ticket_key;
	unsigned n_resumed;
	unsigned n_cuts; /* requests still to be cut off */
};

/* ---- certificate */

static void must(int result)
{
	if (result < 0)
		g_error("gnutls: %s", gnutls_strerror(result));
}

static void make_certificate(struct fake_server *server)
{
	testcert_write(server->ca_file, server->key_file);
	must(gnutls_certificate_allocate_credentials(&server->credentials));
	must(gnutls_certificate_set_x509_key_file(
		server->credentials, server->ca_file, server->key_file, GNUTLS_X509_FMT_PEM));
}

/* ---- connections */

unsigned fake_conn_number(const struct fake_conn *conn)
{
	return conn->number;
}

void fake_conn_send(struct fake_conn *conn, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0 && !conn->closed) {
		ssize_t n = gnutls_record_send(conn->tls, at, size);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n < 0)
			return;
		at += n;
		size -= (size_t)n;
	}
}

void fake_conn_close(struct fake_conn *conn)
{
	conn->closed = TRUE;
}

static gboolean receive(struct fake_conn *conn, GString *into)
{
	char buffer[8192];
	ssize_t n;

	do
		n = gnutls_record_recv(conn->tls, buffer, sizeof buffer);
	while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED);
	if (n <= 0 || into->len > MAX_REQUEST)
		return FALSE;
	g_string_append_len(into, buffer, n);
	return TRUE;
}

/* Size of head and body together, 0 while the head is not there. */
static size_t request_size(const GString *request)
{
	const char *end = strstr(request->str, "\r\n\r\n");
	const char *length = end ? strcasestr(request->str, "\r\ncontent-length:") : NULL;

	if (!end)
		return 0;
	g_assert_nonnull(length);
	return (size_t)(end - request->str) + 4 +
	       g_ascii_strtoull(length + strlen("\r\ncontent-length:"), NULL, 10);
}

static gboolean takes_cut(struct fake_server *server)
{
	gboolean cut;

	g_mutex_lock(&server->lock);
	cut = server->n_cuts > 0;
	server->n_cuts -= cut;
	g_mutex_unlock(&server->lock);
	return cut;
}

/* The peer learns of it by its next segment's being refused. */
static void reset(struct fake_conn *conn)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	g_assert_cmpint(connect(conn->fd, &nobody, sizeof nobody), ==, 0);
}

static void serve(struct fake_conn *conn)
{
	g_autoptr(GString) request = g_string_new(NULL);

	while (!conn->closed) {
		size_t size = request_size(request);

		if (size == 0 || request->len < size) {
			if (size > 0 && takes_cut(conn->server)) {
				reset(conn);
				return;
			}
			if (!receive(conn, request))
				return;
			continue;
		}
		g_assert_cmpuint(
			request->len, ==, size); /* one request outstanding on a connection */
		conn->server->handler(
			conn, strstr(request->str, "\r\n\r\n") + 4, conn->server->data);
		g_string_truncate(request, 0);
	}
}

static void enable_tickets(struct fake_conn *conn)
{
	g_mutex_lock(&conn->server->lock);
	must(gnutls_session_ticket_enable_server(conn->tls, &conn->server->ticket_key));
	g_mutex_unlock(&conn->server->lock);
}

static void count_resumption(struct fake_conn *conn)
{
	g_mutex_lock(&conn->server->lock);
	conn->server->n_resumed += gnutls_session_is_resumed(conn->tls) != 0;
	g_mutex_unlock(&conn->server->lock);
}

static gpointer run_conn(gpointer data)
{
	struct fake_conn *conn = data;
	int result;

	must(gnutls_init(&conn->tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL));
	must(gnutls_set_default_priority(conn->tls));
	must(gnutls_credentials_set(conn->tls, GNUTLS_CRD_CERTIFICATE, conn->server->credentials));
	gnutls_transport_set_int(conn->tls, conn->fd);
	enable_tickets(conn);
	do
		result = gnutls_handshake(conn->tls);
	while (result < 0 && !gnutls_error_is_fatal(result));
	if (result == 0) {
		count_resumption(conn);
		serve(conn);
	}
	shutdown(conn->fd, SHUT_RDWR);
	gnutls_deinit(conn->tls);
	return NULL;
}

static gpointer run_server(gpointer data)
{
	struct fake_server *server = data;
	int on = 1;
	int fd;

	while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct fake_conn *conn = g_new0(struct fake_conn, 1);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		conn->server = server;
		conn->fd = fd;
		g_mutex_lock(&server->lock);
		g_ptr_array_add(server->conns, conn);
		conn->number = server->conns->len;
		conn->thread = g_thread_new("fake-conn", run_conn, conn);
		g_mutex_unlock(&server->lock);
	}
	return NULL;
}

/* ---- the server */

static unsigned listen_somewhere(struct fake_server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;

	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(server->fd, >=, 0);
	g_assert_cmpint(bind(server->fd, (struct sockaddr *)&address, size), ==, 0);
	g_assert_cmpint(listen(server->fd, 16), ==, 0);
	g_assert_cmpint(getsockname(server->fd, (struct sockaddr *)&address, &size), ==, 0);
	return ntohs(address.sin_port);
}

struct fake_server *fake_server_new(fake_handler_fn handler, gpointer data)
{
	struct fake_server *server = g_new0(struct fake_server, 1);

	server->handler = handler;
	server->data = data;
	server->directory = g_dir_make_tmp("ifmap-fake-XXXXXX", NULL);
	server->ca_file = g_build_filename(server->directory, "ca.pem", NULL);
	server->key_file = g_build_filename(server->directory, "key.pem", NULL);
	server->conns = g_ptr_array_new_with_free_func(g_free);
	g_mutex_init(&server->lock);
	make_certificate(server);
	must(gnutls_session_ticket_key_generate(&server->ticket_key));
	server->url = g_strdup_printf("https://127.0.0.1:%u/", listen_somewhere(server));
	server->thread = g_thread_new("fake-server", run_server, server);
	return server;
}

void fake_server_free(struct fake_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	g_thread_join(server->thread);
	close(server->fd);
	for (guint i = 0; i < server->conns->len; i++) {
		struct fake_conn *conn = g_ptr_array_index(server->conns, i);

		shutdown(conn->fd, SHUT_RDWR);
		g_thread_join(conn->thread);
		close(conn->fd);
	}
	g_ptr_array_unref(server->conns);
	gnutls_certificate_free_credentials(server->credentials);
	gnutls_free(server->ticket_key.data);
	g_unlink(server->ca_file);
	g_unlink(server->key_file);
	g_rmdir(server->directory);
	g_mutex_clear(&server->lock);
	g_free(server->ca_file);
	g_free(server->key_file);
	g_free(server->directory);
	g_free(server->url);
	g_free(server);
}

unsigned fake_server_n_resumed(struct fake_server *server)
{
	unsigned n;

	g_mutex_lock(&server->lock);
	n = server->n_resumed;
	g_mutex_unlock(&server->lock);
	return n;
}

void fake_server_forget_tickets(struct fake_server *server)
{
	g_mutex_lock(&server->lock);
	gnutls_free(server->ticket_key.data);
	must(gnutls_session_ticket_key_generate(&server->ticket_key));
	g_mutex_unlock(&server->lock);
}

void fake_server_cut(struct fake_server *server, unsigned n_requests)
{
	g_mutex_lock(&server->lock);
	server->n_cuts = n_requests;
	g_mutex_unlock(&server->lock);
}

const char *fake_server_url(const struct fake_server *server)
{
	return server->url;
}

const char *fake_server_ca_file(const struct fake_server *server)
{
	return server->ca_file;
}
