/* Forms of requests that clients of old times send (ifmap.md 3.2 to 3.4, 10, 18, 19), and what they
 * are told. */
#include <string.h>

#include "checks.h"
#include "map/gzip.h"

#define NS     "http://www.trustedcomputinggroup.org/2010/IFMAP/2"
#define SOAP12 "http://www.w3.org/2003/05/soap-envelope"
#define SOAP11 "http://schemas.xmlsoap.org/soap/envelope/"
#define NS_1   "http://www.trustedcomputinggroup.org/2006/IFMAP/1"

#define ENVELOPE(soap, header, body) \
	"<s:Envelope xmlns:s=\"" soap "\">" header "<s:Body>" body "</s:Body></s:Envelope>"
#define RENEWAL "<renewSession xmlns=\"" NS "\" session-id=\"{s}\"/>"

/* A whole message, {s} for the session-id; what it is answered. */
static const struct form {
	const char *message;
	long status;
	const char *answer;
} forms[] = {
	{ ENVELOPE(SOAP12, "", RENEWAL), 200, "<renewSessionResult/>" },
	{ "<!-- c --><?p i?>\n" ENVELOPE(SOAP12, "<!-- c -->", "\n " RENEWAL " \n") "<!-- c -->",
		200, "<renewSessionResult/>" },
	{ ENVELOPE(SOAP12, "<s:Header><a xmlns=\"urn:a\"><b/></a></s:Header>", RENEWAL), 200,
		"<renewSessionResult/>" },
	{ ENVELOPE(SOAP12, "<s:Header><a xmlns=\"urn:a\" s:mustUnderstand=\"false\"/></s:Header>",
		  RENEWAL),
		200, "<renewSessionResult/>" },
	{ ENVELOPE(SOAP12, "<s:Header><a xmlns=\"urn:a\" s:mustUnderstand=\"true\"/></s:Header>",
		  RENEWAL),
		500, "<env:Value>env:MustUnderstand</env:Value>" },
	{ ENVELOPE(SOAP12, "<s:Header><a xmlns=\"urn:a\" s:mustUnderstand=\"1\"/></s:Header>",
		  RENEWAL),
		500, "<env:Value>env:MustUnderstand</env:Value>" },
	{ ENVELOPE(SOAP12, "", "<i:publish xmlns:i=\"" NS_1 "\" session-id=\"{s}\"/>"), 200,
		"errorCode=\"InvalidSchemaVersion\"" },
	{ ENVELOPE(SOAP11, "", "<i:publish xmlns:i=\"" NS_1 "\"/>"), 400,
		"<faultcode>env:VersionMismatch</faultcode>" },
	{ ENVELOPE(SOAP12, "", "<renewSession session-id=\"{s}\"/>"), 200,
		"errorCode=\"Failure\"" },
	{ ENVELOPE(SOAP12, "", ""), 200, "errorCode=\"Failure\"" },
	{ ENVELOPE(SOAP12, "", RENEWAL RENEWAL), 200, "errorCode=\"Failure\"" },
};

static void check_form(struct peer *peer, const struct form *form)
{
	g_autoptr(GString) message = g_string_new(form->message);

	g_string_replace(message, "{s}", peer->session_id, 0);
	long status = peer_post(peer, message->str, -1);
	if (status != form->status || !strstr(peer->answer->str, form->answer))
		g_test_message("%s: %ld %s", message->str, status, peer->answer->str);
	g_assert_cmpint(status, ==, form->status);
	g_assert_nonnull(strstr(peer->answer->str, form->answer));
}

static void test_forms(struct peer *peer)
{
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
		check_form(peer, &forms[i]);
}

/* C143: operations of 1.x, and that the server lives. */
static void test_old_version(struct peer *peer)
{
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
		if (strstr(forms[i].message, NS_1))
			check_form(peer, &forms[i]);
	peer_assert_renews(peer);
}

static void test_utf16(struct peer *peer)
{
	g_autofree char *renewal = peer_renewal(peer);
	g_autofree char *text = g_strdup(strstr(renewal, "?>") + 2);
	static const char *const charsets[] = { "UTF-16", "UTF-16LE", "UTF-16BE" };

	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++) {
		gsize size = 0;
		g_autofree char *wide = g_convert(
			text, -1, charsets[i], "UTF-8", NULL, &size, NULL);
		g_assert_cmpint(peer_post(peer, wide, (gssize)size), ==, 200);
		g_assert_nonnull(strstr(peer->answer->str, "<renewSessionResult/>"));
	}
}

static void test_accepted_codings(struct peer *peer G_GNUC_UNUSED)
{
	static const struct {
		const char *header;
		gboolean accepted;
	} rows[] = { { NULL, FALSE }, { "", FALSE }, { "gzip", TRUE }, { "deflate, gzip", TRUE },
		{ "GZIP;q=0.5", TRUE }, { "x-gzip", TRUE }, { "gzip;q=0", FALSE },
		{ "gzip; q=0.000", FALSE }, { "gzip;q=0.001, br", TRUE }, { "notgzip", FALSE },
		{ "gzipped", FALSE }, { "identity", FALSE } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(map_gzip_is_accepted(rows[i].header), ==, rows[i].accepted);
}

static void test_wsdl(struct peer *peer)
{
	g_autofree char *url = g_strconcat(peer->server->url, "imap?wsdl", NULL);
	static const char *const parts[] = { "<wsdl:definitions ", "name=\"purgePublisher\"",
		"element=\"ifmap:response\"", "soapAction=\"\"", "location=\"https://127.0.0.1:" };

	curl_easy_setopt(peer->curl, CURLOPT_URL, url);
	curl_easy_setopt(peer->curl, CURLOPT_HTTPGET, 1L);
	g_string_truncate(peer->answer, 0);
	g_string_truncate(peer->headers, 0);
	g_assert_cmpint(curl_easy_perform(peer->curl), ==, CURLE_OK);
	g_assert_nonnull(strstr(peer->headers->str, "HTTP/1.1 200 "));
	g_assert_nonnull(strstr(peer->headers->str, "Content-Type: text/xml"));
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		g_assert_nonnull(strstr(peer->answer->str, parts[i]));
}

static void test_credentials(struct peer *peer)
{
	static const char *const logins[] = { "colon:p:w:", "colon:p", "colon:" };
	g_autofree char *body = server_envelope("<ifmap:newSession/>");

	for (size_t i = 0; i < G_N_ELEMENTS(logins); i++) {
		CURL *curl = server_curl(peer->server, NULL, peer->answer);
		curl_easy_setopt(curl, CURLOPT_USERPWD, logins[i]);
		g_assert_cmpint(server_post(curl, body, -1, peer->answer), ==, i == 0 ? 200 : 401);
		curl_easy_cleanup(curl);
	}
}

static const struct check checks[] = {
	{ "3.3 envelopes", test_forms },
	{ "3.3 UTF-16", test_utf16 },
	{ "3.4 WSDL", test_wsdl },
	{ "C003 passwords with colons", test_credentials },
	{ "C012 Accept-Encoding", test_accepted_codings },
	{ "C143 IF-MAP 1.x", test_old_version },
};

const struct check_group CHECKS_FORMS = { "forms", checks, G_N_ELEMENTS(checks) };
