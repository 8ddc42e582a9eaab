/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* One HTTPS connection to a MAP server: a body goes up, a body comes back.
 *
 * A transport keeps one TCP connection alive between posts; it never repeats a request on its own,
 * because only the caller knows whether that is harmless. It belongs to one thread, except for
 * _abort, which any thread may call. Errors: IFMAP_ERROR_UNREACHABLE (no connection, time out,
 * aborted, HTTP 5xx), IFMAP_ERROR_UNAUTHORIZED (a certificate is not trusted or not usable, HTTP
 * 401 or 403), IFMAP_ERROR_PROTOCOL (not HTTP, another status, an answer too large).
 */
#include <drover/ifmap.h>

struct ifmap_transport;

/* No I/O. Strings are copied. Errors: FAILURE for a configuration that cannot work, naming what is
 * wrong. */
struct ifmap_transport *ifmap_transport_new(
	const struct ifmap_client_config *config, GError **error);
void ifmap_transport_free(struct ifmap_transport *transport);

/* For fuzzing: talks plain HTTP to the listener at this abstract address of unix(7) from now on. */
void ifmap_transport_use_unix(struct ifmap_transport *transport, const char *address);

/* Sends `body` and waits for the answer's body; timeout_ms 0: as long as it takes. The answer is
 * borrowed until the next post; it ends with a NUL that *ret_size does not count. */
const char *ifmap_transport_post(struct ifmap_transport *transport, const GString *body,
	unsigned timeout_ms, size_t *ret_size, GError **error);

/* The same with GET of a path below the server's URL, without a leading '/'. */
const char *ifmap_transport_get(struct ifmap_transport *transport, const char *path,
	unsigned timeout_ms, size_t *ret_size, GError **error);

/* Whether the last post may have reached the server: some of its body was written. */
gboolean ifmap_transport_was_sent(const struct ifmap_transport *transport);

/* The next post opens a new connection. */
void ifmap_transport_disconnect(struct ifmap_transport *transport);

/* Makes the running post, and every later one, fail at once until _rearm. */
void ifmap_transport_abort(struct ifmap_transport *transport);
void ifmap_transport_rearm(struct ifmap_transport *transport);
