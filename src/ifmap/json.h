/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* IF-MAP's values as JSON and back, without loss: what is read from JSON equals what was written,
 * namespaces, prefixes, order, texts and mixed content included. docs/openapi.json describes the
 * forms.
 *
 *   identifier  "ip:10.0.0.7" (short form, read only)
 *               {"ip-address": {"value": "10.0.0.7", "type": "IPv4"}}   attributes as in the XML
 *               {"device": {"name": "d1"}}
 *               {"extended": {"namespace": NS, "name": LOCAL, "attributes": {...}}} or, when it has
 *               content, {"extended": {"xml": "<...>"}}
 *   metadata    {"namespace": NS, "name": LOCAL, "cardinality": "singleValue", "publisher": ID,
 *               "timestamp": T, "fraction": F, "prefix": P, "xmlns": {P: NS}, "attributes": {...},
 *               "content": CONTENT}
 *   element     {"name": "a" or "p:a", "xmlns": {...}, "attributes": {...}, "content": CONTENT}
 *   content     a text, or an array of texts and elements; absent: none
 *   item        {"identifier": ID, "metadata": [...]} or {"link": [ID, ID], "metadata": [...]}
 *   result      {"result": "search", "name": SUBSCRIPTION, "items": [...]}
 *   publish     {"operations": [{"operation": "update", "identifier": ID, "lifetime": "forever",
 *               "metadata": [...]}, {"operation": "delete", "link": [ID, ID], "filter": F}, ...]}
 *
 * Values returned are the caller's. Any thread; nothing is kept. Errors of reading: the codes that
 * the same mistake has in XML, else FAILURE, each naming the member.
 */
#include <drover/ifmap.h>
#include <jansson.h>

json_t *ifmap_json_id(const struct ifmap_id *id);
struct ifmap_id *ifmap_json_read_id(const json_t *json, GError **error);

json_t *ifmap_json_meta(const struct ifmap_meta *meta);
/* Members that the server sets (publisher, timestamp, fraction) are read too; a server drops them
 * from what clients send. */
struct ifmap_meta *ifmap_json_read_meta(const json_t *json, GError **error);

json_t *ifmap_json_item(const struct ifmap_item *item);
/* Without a name when it has none. */
json_t *ifmap_json_result(const struct ifmap_result *result);
/* "search", "update", "delete" or "notify". */
const char *ifmap_json_result_kind(enum ifmap_result_kind kind);

/* `lifetime`: of updates that name none. */
struct ifmap_publish *ifmap_json_read_publish(
	const json_t *json, enum ifmap_lifetime lifetime, GError **error);

/* Refuses members of an object that are not in `known` (NULL-terminated), and what is no object;
 * `what` names it. */
gboolean ifmap_json_check_members(
	const json_t *json, const char *what, const char *const *known, GError **error);
