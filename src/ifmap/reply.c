/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/reply.h"

#include <string.h>

#include "base/xmlout.h"
#include "ifmap/envelope.h"
#include "ifmap/identifier.h"
#include "ifmap/request.h"

static const char *const result_names[] = {
	[IFMAP_RESULT_SEARCH] = "searchResult",
	[IFMAP_RESULT_UPDATE] = "updateResult",
	[IFMAP_RESULT_DELETE] = "deleteResult",
	[IFMAP_RESULT_NOTIFY] = "notifyResult",
};

void ifmap_envelope_begin(GString *out, const char *const *prefixes)
{
	g_string_append(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<env:Envelope xmlns:env=\"" IFMAP_NS_SOAP
		"\" xmlns:ifmap=\"" IFMAP_NS "\"");
	for (; prefixes && prefixes[0]; prefixes += 2) {
		g_autofree char *name = g_strconcat("xmlns:", prefixes[0], NULL);

		base_xmlout_attr(out, name, prefixes[1]);
	}
	g_string_append(out, "><env:Body>");
}

void ifmap_envelope_end(GString *out)
{
	g_string_append(out, "</env:Body></env:Envelope>\n");
}

void ifmap_reply_begin(GString *out)
{
	ifmap_envelope_begin(out, NULL);
	g_string_append(out, "<ifmap:response>");
}

void ifmap_reply_end(GString *out)
{
	g_string_append(out, "</ifmap:response>");
	ifmap_envelope_end(out);
}

void ifmap_reply_empty(GString *out, const char *name)
{
	g_string_append_c(out, '<');
	g_string_append(out, name);
	g_string_append(out, "/>");
}

void ifmap_reply_new_session(
	GString *out, const char *session_id, const char *publisher_id, size_t max_poll_result_size)
{
	g_string_append(out, "<newSessionResult");
	base_xmlout_attr(out, "session-id", session_id);
	base_xmlout_attr(out, "ifmap-publisher-id", publisher_id);
	if (max_poll_result_size > 0)
		g_string_append_printf(out, " max-poll-result-size=\"%zu\"", max_poll_result_size);
	g_string_append(out, "/>");
}

void ifmap_reply_error(
	GString *out, enum ifmap_error code, const char *text, const char *subscription)
{
	const char *spelling = ifmap_error_code_to_string(code);

	/* Codes that are ours mean nothing to a peer. */
	g_string_append(out, "<errorResult");
	base_xmlout_attr(out, "errorCode", spelling ? spelling : "SystemError");
	base_xmlout_attr(out, "name", subscription);
	g_string_append_c(out, '>');
	base_xmlout_element(out, "errorString", text ? text : "");
	g_string_append(out, "</errorResult>");
}

void ifmap_reply_result_begin(GString *out, enum ifmap_result_kind kind, const char *name)
{
	g_string_append_c(out, '<');
	g_string_append(out, result_names[kind]);
	base_xmlout_attr(out, "name", name);
	g_string_append_c(out, '>');
}

void ifmap_reply_result_end(GString *out, enum ifmap_result_kind kind)
{
	g_string_append(out, "</");
	g_string_append(out, result_names[kind]);
	g_string_append_c(out, '>');
}

void ifmap_reply_item(GString *out, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *const *metas, size_t n_metas)
{
	g_string_append(out, "<resultItem>");
	ifmap_reply_id(out, a);
	if (b)
		ifmap_reply_id(out, b);
	if (n_metas > 0)
		g_string_append(out, "<metadata>");
	for (size_t i = 0; i < n_metas; i++)
		ifmap_meta_write(out, metas[i]);
	if (n_metas > 0)
		g_string_append(out, "</metadata>");
	g_string_append(out, "</resultItem>");
}

void ifmap_reply_fault(GString *out, const char *code, const char *text)
{
	ifmap_envelope_begin(out, NULL);
	g_string_append_printf(out,
		"<env:Fault><env:Code><env:Value>env:%s</env:Value></env:Code>"
		"<env:Reason><env:Text xml:lang=\"en\">",
		code);
	base_xmlout_text(out, text);
	g_string_append(out, "</env:Text></env:Reason></env:Fault>");
	ifmap_envelope_end(out);
}

void ifmap_reply_old_fault(GString *out, const char *text)
{
	g_string_append(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>"
		"<env:Fault><faultcode>env:VersionMismatch</faultcode><faultstring>");
	base_xmlout_text(out, text);
	g_string_append(out, "</faultstring></env:Fault></env:Body></env:Envelope>\n");
}

void ifmap_reply_id(GString *out, const struct ifmap_id *id)
{
	ifmap_identifier_write(out, id);
}
