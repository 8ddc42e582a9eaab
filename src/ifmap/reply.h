/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Writing what a server answers (ifmap.md 5, 18): envelope, responses, result items. Nothing here
 * allocates but the GString it appends to. Output always has the prefixes `env` and `ifmap`,
 * unqualified inner elements, double quotes, no default namespace, no empty attribute.
 */
#include <drover/ifmap.h>

/* `<?xml ...><env:Envelope ...><env:Body><ifmap:response>` and its end. */
void ifmap_reply_begin(GString *out);
void ifmap_reply_end(GString *out);

/* `<name/>`, e.g. "publishReceived". */
void ifmap_reply_empty(GString *out, const char *name);
/* max_poll_result_size 0: the client did not ask. */
void ifmap_reply_new_session(GString *out, const char *session_id, const char *publisher_id,
	size_t max_poll_result_size);
/* `subscription` NULL: top level. */
void ifmap_reply_error(
	GString *out, enum ifmap_error code, const char *text, const char *subscription);
/* Opens or closes searchResult, updateResult, deleteResult or notifyResult; `name` NULL: no name
 * attribute. */
void ifmap_reply_result_begin(GString *out, enum ifmap_result_kind kind, const char *name);
void ifmap_reply_result_end(GString *out, enum ifmap_result_kind kind);
/* One resultItem: identifier `a` (and `b` for a link) with `n_metas` metadata; none: no <metadata>.
 */
void ifmap_reply_item(GString *out, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *const *metas, size_t n_metas);
/* A SOAP 1.2 fault, complete with envelope. `code` is "Sender" or "MustUnderstand".
 */
void ifmap_reply_fault(GString *out, const char *code, const char *text);
/* A SOAP 1.1 fault VersionMismatch, for clients of IF-MAP 1.x (10, InvalidSchemaVersion). */
void ifmap_reply_old_fault(GString *out, const char *text);
/* The identifier as wire XML (cached in the identifier). */
void ifmap_reply_id(GString *out, const struct ifmap_id *id);
