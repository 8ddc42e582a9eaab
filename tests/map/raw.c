#include "raw.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int raw_connect(const struct server *server)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((guint16)server->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

static void load_certificate(struct raw *raw, const struct server *server, const char *name)
{
	g_autofree char *certificate = g_strdup_printf("%s/%s.crt", server->dir, name);
	g_autofree char *key = g_strdup_printf("%s/%s.key", server->dir, name);
	g_assert_cmpint(gnutls_certificate_set_x509_key_file(
				raw->credentials, certificate, key, GNUTLS_X509_FMT_PEM),
		>=, 0);
}

struct raw *raw_open(const struct server *server, const char *certificate)
{
	struct raw *raw = g_new0(struct raw, 1);
	int status;

	raw->fd = raw_connect(server);
	gnutls_certificate_allocate_credentials(&raw->credentials);
	if (certificate)
		load_certificate(raw, server, certificate);
	/* Whoever asks is answered, even if its CA did not sign our certificate. */
	gnutls_init(&raw->session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(raw->session);
	gnutls_credentials_set(raw->session, GNUTLS_CRD_CERTIFICATE, raw->credentials);
	gnutls_transport_set_int(raw->session, raw->fd);
	gnutls_handshake_set_timeout(raw->session, 20000);
	do
		status = gnutls_handshake(raw->session);
	while (status < 0 && !gnutls_error_is_fatal(status));
	if (status == 0)
		return raw;
	raw_close(raw);
	return NULL;
}

void raw_close(struct raw *raw)
{
	gnutls_deinit(raw->session);
	gnutls_certificate_free_credentials(raw->credentials);
	g_close(raw->fd, NULL);
	g_free(raw);
}

void raw_send(struct raw *raw, const char *data, gssize size)
{
	size_t left = size < 0 ? strlen(data) : (size_t)size;
	while (left > 0) {
		ssize_t sent = gnutls_record_send(raw->session, data, left);
		if (sent <= 0 && gnutls_error_is_fatal((int)sent))
			return; /* the peer has closed: what it answered says why */
		if (sent <= 0)
			continue;
		data += sent;
		left -= (size_t)sent;
	}
}

gssize raw_receive(struct raw *raw, char *data, size_t size, unsigned timeout_ms)
{
	ssize_t got;
	gnutls_record_set_timeout(raw->session, timeout_ms);
	do
		got = gnutls_record_recv(raw->session, data, size);
	while (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED);
	return got < 0 ? -1 : got;
}

char *raw_receive_all(struct raw *raw, unsigned timeout_ms)
{
	GString *text = g_string_new(NULL);
	char buffer[8000];
	gssize got;
	while ((got = raw_receive(raw, buffer, sizeof(buffer), timeout_ms)) > 0)
		g_string_append_len(text, buffer, got);
	return g_string_free(text, FALSE);
}

char *raw_request(const char *client, const char *headers, const char *body)
{
	g_autofree char *pair = g_strdup_printf("%s:pw", client);
	g_autofree char *token = g_base64_encode((const guchar *)pair, strlen(pair));
	return g_strdup_printf(
		"POST /imap HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n"
		"Content-Type: application/soap+xml\r\n%sContent-Length: %zu\r\n\r\n%s",
		token, headers, strlen(body), body);
}
