/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/transport.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS 5000L
#define POLL_STEP_MS       1000
/* What one answer may take after decompression; also the bound on a gzip bomb. */
#define MAX_ANSWER         (256UL * 1024 * 1024)
/* An answer buffer larger than this is given back to the system after use. */
#define KEEP_ANSWER        (4UL * 1024 * 1024)

/* A peer that vanished without a word is noticed after idle + count * interval seconds, data in
 * flight after user_timeout. */
static const struct {
	int level;
	int name;
	int value;
} socket_options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 15 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 20000 },
};

/* What curl's codes mean to a client; others: the connection was lost. */
static const struct {
	CURLcode result;
	enum ifmap_error code;
	const char *what;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, IFMAP_ERROR_UNREACHABLE, "cannot resolve the host name" },
	{ CURLE_COULDNT_CONNECT, IFMAP_ERROR_UNREACHABLE, "cannot connect" },
	{ CURLE_OPERATION_TIMEDOUT, IFMAP_ERROR_UNREACHABLE, "no answer in time" },
	{ CURLE_SSL_CONNECT_ERROR, IFMAP_ERROR_UNREACHABLE, "TLS handshake failed" },
	{ CURLE_PEER_FAILED_VERIFICATION, IFMAP_ERROR_UNAUTHORIZED,
		"the server's certificate is not trusted" },
	{ CURLE_SSL_CACERT_BADFILE, IFMAP_ERROR_UNREACHABLE, "cannot read the CA file" },
	{ CURLE_SSL_CERTPROBLEM, IFMAP_ERROR_UNAUTHORIZED, "cannot use our certificate or key" },
	{ CURLE_WEIRD_SERVER_REPLY, IFMAP_ERROR_PROTOCOL, "the peer does not speak HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, IFMAP_ERROR_PROTOCOL, "the peer does not speak HTTP" },
	{ CURLE_BAD_CONTENT_ENCODING, IFMAP_ERROR_PROTOCOL,
		"the answer's content encoding is broken" },
	{ CURLE_WRITE_ERROR, IFMAP_ERROR_PROTOCOL, "the answer is too large" },
};

struct ifmap_transport {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	GString *answer;
	const GString *body; /* of the running post */
	size_t sent;
	gboolean fresh; /* the next post needs a new connection */
	gint aborted;
	char why[CURL_ERROR_SIZE];
};

static size_t on_read(char *buffer, size_t size, size_t n_items, void *data)
{
	struct ifmap_transport *transport = data;
	size_t n = MIN(size * n_items, transport->body->len - transport->sent);

	memcpy(buffer, transport->body->str + transport->sent, n);
	transport->sent += n;
	return n;
}

/* curl repeats a request by itself when a kept connection turns out dead; rewinding is where it can
 * be told no. */
static int on_seek(
	void *data G_GNUC_UNUSED, curl_off_t offset G_GNUC_UNUSED, int origin G_GNUC_UNUSED)
{
	return CURL_SEEKFUNC_FAIL;
}

static size_t on_write(char *buffer, size_t size, size_t n_items, void *data)
{
	struct ifmap_transport *transport = data;
	size_t n = size * n_items;

	if (n > MAX_ANSWER - transport->answer->len)
		return 0;
	g_string_append_len(transport->answer, buffer, (gssize)n);
	return n;
}

static int on_socket(void *data G_GNUC_UNUSED, curl_socket_t fd, curlsocktype purpose G_GNUC_UNUSED)
{
	for (size_t i = 0; i < G_N_ELEMENTS(socket_options); i++)
		if (setsockopt(fd, socket_options[i].level, socket_options[i].name,
			    &socket_options[i].value, sizeof socket_options[i].value) < 0)
			return CURL_SOCKOPT_ERROR;
	return CURL_SOCKOPT_OK;
}

static gboolean check_file(const char *path, const char *what, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *content = NULL;

	if (!path || g_file_get_contents(path, &content, NULL, &why))
		return TRUE;
	g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "%s: %s", what, why->message);
	return FALSE;
}

static gboolean check_config(const struct ifmap_client_config *config, GError **error)
{
	const char *wrong = NULL;

	if (!config->url || !g_str_has_prefix(config->url, "https://"))
		wrong = "the server's address must begin with https://";
	else if ((config->user != NULL) != (config->password != NULL))
		wrong = "a user needs a password, and a password a user";
	else if ((config->cert_file != NULL) != (config->key_file != NULL))
		wrong = "a certificate file needs a key file, and a key file a certificate file";
	else if (!config->user && !config->cert_file)
		wrong = "neither user and password nor certificate and key are given";
	else if (config->user && strchr(config->user, ':'))
		wrong = "a user name must not contain ':'";
	if (wrong) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "%s: %s",
			config->url ? config->url : "MAP server", wrong);
		return FALSE;
	}
	return check_file(config->ca_file, "CA file", error) &&
	       check_file(config->cert_file, "certificate file", error) &&
	       check_file(config->key_file, "key file", error);
}

static void set_tls(CURL *easy, const struct ifmap_client_config *config)
{
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (config->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (config->cert_file) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, config->cert_file);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, config->key_file);
	}
	if (config->user) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, config->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, config->password);
	}
}

static void set_http(struct ifmap_transport *transport)
{
	CURL *easy = transport->easy;

	transport->headers = curl_slist_append(NULL, "Content-Type: application/soap+xml");
	transport->headers = curl_slist_append(transport->headers, "Expect:");
	/* a compressed answer is read, but not asked for: the map's networks are fast */
	transport->headers = curl_slist_append(transport->headers, "Accept-Encoding:");
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transport->headers);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(
		easy, CURLOPT_QUICK_EXIT, 1L); /* a slow resolver must not hold up _abort */
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transport->why);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, transport);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transport);
}

static int leave_socket(void *data G_GNUC_UNUSED, curl_socket_t fd G_GNUC_UNUSED,
	curlsocktype purpose G_GNUC_UNUSED)
{
	return CURL_SOCKOPT_OK;
}

void ifmap_transport_use_unix(struct ifmap_transport *transport, const char *address)
{
	curl_easy_setopt(transport->easy, CURLOPT_URL, "http://unix/");
	curl_easy_setopt(transport->easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(transport->easy, CURLOPT_ABSTRACT_UNIX_SOCKET, address);
	curl_easy_setopt(transport->easy, CURLOPT_SOCKOPTFUNCTION, leave_socket);
}

struct ifmap_transport *ifmap_transport_new(
	const struct ifmap_client_config *config, GError **error)
{
	static gsize ready;
	struct ifmap_transport *transport;

	if (!check_config(config, error))
		return NULL;
	if (g_once_init_enter(&ready)) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		g_once_init_leave(&ready, 1);
	}
	transport = g_new0(struct ifmap_transport, 1);
	transport->url = g_strdup(config->url);
	transport->answer = g_string_new(NULL);
	transport->multi = curl_multi_init();
	transport->easy = curl_easy_init();
	if (!transport->multi || !transport->easy) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "%s: libcurl refuses to start",
			config->url);
		ifmap_transport_free(transport);
		return NULL;
	}
	curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(transport->easy, CURLOPT_URL, config->url);
	set_http(transport);
	set_tls(transport->easy, config);
	return transport;
}

void ifmap_transport_free(struct ifmap_transport *transport)
{
	if (!transport)
		return;
	if (transport->easy)
		curl_easy_cleanup(transport->easy);
	if (transport->multi)
		curl_multi_cleanup(transport->multi);
	curl_slist_free_all(transport->headers);
	g_string_free(transport->answer, TRUE);
	g_free(transport->url);
	g_free(transport);
}

static gboolean is_aborted(struct ifmap_transport *transport)
{
	return g_atomic_int_get(&transport->aborted) != 0;
}

/* Runs the prepared transfer to its end; FALSE when it was aborted. */
static gboolean run(struct ifmap_transport *transport, CURLcode *ret_result)
{
	int n_running = 1;
	int n_left;

	while (n_running) {
		const CURLMsg *message;

		if (is_aborted(transport))
			return FALSE;
		if (curl_multi_perform(transport->multi, &n_running) != CURLM_OK)
			break;
		message = curl_multi_info_read(transport->multi, &n_left);
		if (message && message->msg == CURLMSG_DONE) {
			*ret_result = message->data.result;
			return TRUE;
		}
		curl_multi_poll(transport->multi, NULL, 0, POLL_STEP_MS, NULL);
	}
	*ret_result = CURLE_RECV_ERROR;
	return TRUE;
}

/* libcurl for GnuTLS calls a pair that does not fit a failed handshake; only its text tells. */
static gboolean is_our_certificate(const struct ifmap_transport *transport, CURLcode result)
{
	return result == CURLE_SSL_CONNECT_ERROR &&
	       strstr(transport->why, "X.509 key or certificate file");
}

static void set_failure(GError **error, const struct ifmap_transport *transport, CURLcode result)
{
	enum ifmap_error code = IFMAP_ERROR_UNREACHABLE;
	const char *what = "the connection was lost";

	if (is_our_certificate(transport, result))
		result = CURLE_SSL_CERTPROBLEM;

	for (size_t i = 0; i < G_N_ELEMENTS(failures); i++)
		if (failures[i].result == result) {
			code = failures[i].code;
			what = failures[i].what;
		}
	g_set_error(error, IFMAP_ERROR, (int)code, "%s: %s (%s)", transport->url, what,
		transport->why[0] ? transport->why : curl_easy_strerror(result));
}

static gboolean check_status(const struct ifmap_transport *transport, GError **error)
{
	long status = 0;

	curl_easy_getinfo(transport->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return TRUE;
	if (status == 401 || status == 403)
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_UNAUTHORIZED,
			"%s: the server does not accept our credentials (HTTP %ld)", transport->url,
			status);
	else
		g_set_error(error, IFMAP_ERROR,
			status >= 500 ? IFMAP_ERROR_UNREACHABLE : IFMAP_ERROR_PROTOCOL,
			"%s: the server answered HTTP %ld", transport->url, status);
	return FALSE;
}

/* A handle for one transfer; the connection belongs to the multi handle. libcurl 7.88 remembers the
 * last header of an answer beyond that answer, and would write to it when a hostile server begins
 * the next one with a folded line. */
static void renew_easy(struct ifmap_transport *transport)
{
	CURL *easy = curl_easy_duphandle(transport->easy);

	g_assert(easy); /* out of memory otherwise */
	curl_easy_cleanup(transport->easy);
	transport->easy = easy;
}

static void prepare(struct ifmap_transport *transport, const GString *body, unsigned timeout_ms)
{
	if (transport->answer->allocated_len > KEEP_ANSWER) {
		g_string_free(transport->answer, TRUE);
		transport->answer = g_string_new(NULL);
	}
	g_string_truncate(transport->answer, 0);
	transport->body = body;
	transport->sent = 0;
	transport->why[0] = '\0';
	renew_easy(transport);
	curl_easy_setopt(transport->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(transport->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(transport->easy, CURLOPT_FRESH_CONNECT, transport->fresh ? 1L : 0L);
}

const char *ifmap_transport_post(struct ifmap_transport *transport, const GString *body,
	unsigned timeout_ms, size_t *ret_size, GError **error)
{
	CURLcode result = CURLE_OK;
	gboolean finished;

	prepare(transport, body, timeout_ms);
	curl_multi_add_handle(transport->multi, transport->easy);
	finished = run(transport, &result);
	curl_multi_remove_handle(transport->multi, transport->easy);
	transport->body = NULL;
	transport->fresh = !finished || result != CURLE_OK;
	if (!finished) {
		g_set_error(error, IFMAP_ERROR, IFMAP_ERROR_UNREACHABLE,
			"%s: the request was called off", transport->url);
		return NULL;
	}
	if (result != CURLE_OK) {
		set_failure(error, transport, result);
		return NULL;
	}
	if (!check_status(transport, error))
		return NULL;
	*ret_size = transport->answer->len;
	return transport->answer->str;
}

const char *ifmap_transport_get(struct ifmap_transport *transport, const char *path,
	unsigned timeout_ms, size_t *ret_size, GError **error)
{
	g_autoptr(GString) nothing = g_string_new(NULL);
	g_autofree char *url = g_str_has_suffix(transport->url, "/")
				       ? g_strconcat(transport->url, path, NULL)
				       : g_strconcat(transport->url, "/", path, NULL);
	const char *data;

	curl_easy_setopt(transport->easy, CURLOPT_URL, url);
	curl_easy_setopt(transport->easy, CURLOPT_HTTPGET, 1L);
	data = ifmap_transport_post(transport, nothing, timeout_ms, ret_size, error);
	curl_easy_setopt(transport->easy, CURLOPT_URL, transport->url);
	curl_easy_setopt(transport->easy, CURLOPT_POST, 1L);
	return data;
}

gboolean ifmap_transport_was_sent(const struct ifmap_transport *transport)
{
	return transport->sent > 0;
}

void ifmap_transport_disconnect(struct ifmap_transport *transport)
{
	transport->fresh = TRUE;
}

void ifmap_transport_abort(struct ifmap_transport *transport)
{
	g_atomic_int_set(&transport->aborted, 1);
	curl_multi_wakeup(transport->multi);
}

void ifmap_transport_rearm(struct ifmap_transport *transport)
{
	g_atomic_int_set(&transport->aborted, 0);
}
