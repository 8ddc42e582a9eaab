/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/ask.h"

#include <string.h>

#include "base/xmlout.h"
#include "ifmap/envelope.h"
#include "ifmap/prefixes.h"
#include "ifmap/publish.h"
#include "ifmap/reply.h"

static const char *const always[] = { "meta", IFMAP_NS_META, "op-meta", IFMAP_NS_OP_META };

static gboolean is_declared(const char *const *prefixes, const char *prefix)
{
	for (; prefixes && prefixes[0]; prefixes += 2)
		if (strcmp(prefixes[0], prefix) == 0)
			return TRUE;
	return FALSE;
}

/* What the envelope declares: the caller's prefixes (but for those it has anyway) and ours. */
static GPtrArray *collect(const char *const *prefixes)
{
	GPtrArray *all = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(always); i += 2) {
		if (is_declared(prefixes, always[i]))
			continue;
		g_ptr_array_add(all, (gpointer)always[i]);
		g_ptr_array_add(all, (gpointer)always[i + 1]);
	}
	for (; prefixes && prefixes[0]; prefixes += 2) {
		if (strcmp(prefixes[0], "env") == 0 || strcmp(prefixes[0], "ifmap") == 0)
			continue;
		g_ptr_array_add(all, (gpointer)prefixes[0]);
		g_ptr_array_add(all, (gpointer)prefixes[1]);
	}
	g_ptr_array_add(all, NULL);
	return all;
}

/* Envelope and the operation's start tag, left open for attributes. */
static void begin(
	GString *out, const char *operation, const char *session_id, const char *const *prefixes)
{
	g_autoptr(GPtrArray) all = collect(prefixes);

	ifmap_envelope_begin(out, (const char *const *)all->pdata);
	g_string_append_printf(out, "<ifmap:%s", operation);
	base_xmlout_attr(out, "session-id", session_id);
}

static void end(GString *out, const char *operation)
{
	g_string_append_printf(out, "</ifmap:%s>", operation);
	ifmap_envelope_end(out);
}

static void end_empty(GString *out)
{
	g_string_append(out, "/>");
	ifmap_envelope_end(out);
}

void ifmap_ask_new_session(GString *out, size_t max_poll_result_size)
{
	begin(out, "newSession", NULL, NULL);
	if (max_poll_result_size > 0)
		g_string_append_printf(out, " max-poll-result-size=\"%zu\"", max_poll_result_size);
	end_empty(out);
}

void ifmap_ask_renew_session(GString *out, const char *session_id)
{
	begin(out, "renewSession", session_id, NULL);
	end_empty(out);
}

void ifmap_ask_end_session(GString *out, const char *session_id)
{
	begin(out, "endSession", session_id, NULL);
	end_empty(out);
}

void ifmap_ask_poll(GString *out, const char *session_id)
{
	begin(out, "poll", session_id, NULL);
	end_empty(out);
}

void ifmap_ask_purge(GString *out, const char *session_id, const char *publisher_id)
{
	begin(out, "purgePublisher", session_id, NULL);
	base_xmlout_attr(out, "ifmap-publisher-id", publisher_id);
	end_empty(out);
}

static const char *const change_names[] = {
	[IFMAP_OPERATION_UPDATE] = "update",
	[IFMAP_OPERATION_NOTIFY] = "notify",
	[IFMAP_OPERATION_DELETE] = "delete",
};

static void append_change(GString *out, const struct ifmap_change *change)
{
	const char *name = change_names[change->type];

	g_string_append_printf(out, "<%s", name);
	if (change->type == IFMAP_OPERATION_UPDATE && change->lifetime == IFMAP_LIFETIME_FOREVER)
		base_xmlout_attr(out, "lifetime", "forever");
	base_xmlout_attr(out, "filter", change->filter);
	g_string_append_c(out, '>');
	ifmap_reply_id(out, change->a);
	if (change->b)
		ifmap_reply_id(out, change->b);
	if (change->meta) {
		size_t size;
		const char *xml = ifmap_meta_xml(change->meta, &size);

		g_string_append(out, "<metadata>");
		g_string_append_len(out, xml, (gssize)size);
		g_string_append(out, "</metadata>");
	}
	g_string_append_printf(out, "</%s>", name);
}

void ifmap_ask_publish(GString *out, const char *session_id, const char *const *prefixes,
	const struct ifmap_publish *publish)
{
	begin(out, "publish", session_id, prefixes);
	g_string_append_c(out, '>');
	for (guint i = 0; i < publish->changes->len; i++)
		append_change(out, g_ptr_array_index(publish->changes, i));
	end(out, "publish");
}

/* The search attributes (5.5), the end of the start tag and the start identifier. */
static void append_search(GString *out, const struct ifmap_search *search)
{
	if (search->at_us > 0)
		g_string_append_printf(out, " drover-at=\"%" G_GINT64_FORMAT "\"", search->at_us);
	if (search->since_us > 0)
		g_string_append_printf(
			out, " drover-since=\"%" G_GINT64_FORMAT "\"", search->since_us);
	if (search->max_depth > 0)
		g_string_append_printf(out, " max-depth=\"%u\"", search->max_depth);
	if (search->max_size > 0)
		g_string_append_printf(out, " max-size=\"%zu\"", search->max_size);
	base_xmlout_attr(out, "match-links", search->match_links);
	base_xmlout_attr(out, "result-filter", search->result_filter);
	base_xmlout_attr(out, "terminal-identifier-type", search->terminal_types);
	g_string_append_c(out, '>');
	ifmap_reply_id(out, search->start);
}

void ifmap_ask_search(GString *out, const char *session_id, const char *const *prefixes,
	const struct ifmap_search *search)
{
	begin(out, "search", session_id, prefixes);
	append_search(out, search);
	end(out, "search");
}

void ifmap_ask_subscribe_begin(GString *out, const char *session_id, const char *const *prefixes)
{
	begin(out, "subscribe", session_id, prefixes);
	g_string_append_c(out, '>');
}

void ifmap_ask_subscribe_update(GString *out, const char *name, const struct ifmap_search *search)
{
	g_string_append(out, "<update");
	base_xmlout_attr(out, "name", name);
	append_search(out, search);
	g_string_append(out, "</update>");
}

void ifmap_ask_subscribe_delete(GString *out, const char *name)
{
	g_string_append(out, "<delete");
	base_xmlout_attr(out, "name", name);
	g_string_append(out, "/>");
}

void ifmap_ask_subscribe_end(GString *out)
{
	end(out, "subscribe");
}
