/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Writing what a client asks (ifmap.md 5): each function appends one complete body, envelope
 * included, to `out`, ready for POST. The output is always well-formed: what XML cannot carry is
 * replaced while escaping.
 *
 * `prefixes` is prefix, namespace, ..., NULL, as in struct ifmap_client_config, and may be NULL;
 * they are declared on the envelope for the filters inside. `meta` and `op-meta` are always
 * declared (and need not be in `prefixes`).
 */
#include <drover/ifmap.h>

/* max_poll_result_size 0: do not ask. */
void ifmap_ask_new_session(GString *out, size_t max_poll_result_size);
void ifmap_ask_renew_session(GString *out, const char *session_id);
void ifmap_ask_end_session(GString *out, const char *session_id);
void ifmap_ask_poll(GString *out, const char *session_id);
void ifmap_ask_purge(GString *out, const char *session_id, const char *publisher_id);
void ifmap_ask_publish(GString *out, const char *session_id, const char *const *prefixes,
	const struct ifmap_publish *publish);
void ifmap_ask_search(GString *out, const char *session_id, const char *const *prefixes,
	const struct ifmap_search *search);

/* One subscribe request: begin, any number of updates and deletes, end. */
void ifmap_ask_subscribe_begin(GString *out, const char *session_id, const char *const *prefixes);
void ifmap_ask_subscribe_update(GString *out, const char *name, const struct ifmap_search *search);
void ifmap_ask_subscribe_delete(GString *out, const char *name);
void ifmap_ask_subscribe_end(GString *out);
