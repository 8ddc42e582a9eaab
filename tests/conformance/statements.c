#include "statements.h"

/* clang-format off */
const struct statement STATEMENTS[N_STATEMENTS] = {
	{ "plain HTTP on the port gets no IF-MAP answer" },
	{ "Basic credentials in the first request are accepted" },
	{ "missing or wrong credentials: 401 with a challenge, the connection stays" },
	{ "a client certificate replaces Basic; an untrusted one is refused", "client-ca" },
	{ "POST to any path" },
	{ "Content-Type soap+xml, with a charset, or text/xml" },
	{ "any SOAPAction or none" },
	{ "an errorResult has status 200 and Content-Type soap+xml" },
	{ "exact Content-Length, HTTP/1.1 200, not chunked, head and body in one TLS record" },
	{ "header names in any case" },
	{ "requests over one connection are answered in order" },
	{ "gzip request bodies; gzip answers only when asked for" },
	{ "other methods 405, too much 413, broken HTTP 400" },
	{ "a DOCTYPE or an entity declaration is refused, nothing is resolved" },
	{ "malformed XML ends neither the server nor other sessions" },
	{ "Expect: 100-continue" },

	{ "delete that matches nothing succeeds" },
	{ "delete on what was never seen succeeds" },
	{ "an update on an identifier is found" },
	{ "an update on a link is found from both ends" },
	{ "links are undirected" },
	{ "several metadata elements of one update are all stored" },
	{ "metadata without children: InvalidMetadata" },
	{ "no ifmap-cardinality: InvalidMetadata" },
	{ "unknown ifmap-cardinality: InvalidMetadata" },
	{ "the cardinality of a vendor type is fixed by its first publish" },
	{ "the cardinality of a standard type is fixed" },
	{ "a singleValue replaces the one before, whoever published it" },
	{ "singleValue of different types coexist" },
	{ "multiValue adds, also what is equal" },
	{ "the client's ifmap-* attributes are dropped" },
	{ "foreign attributes and content come back unchanged in meaning" },
	{ "ifmap-publisher-id is the one of newSessionResult" },
	{ "all metadata of one publish have one timestamp" },
	{ "absent lifetime is session" },
	{ "forever outlives the session, its timeout and a restart", "store" },
	{ "forever replaced by session goes with the session" },
	{ "delete without filter removes everything there" },
	{ "delete with an empty filter removes nothing" },
	{ "identifier and link metadata are apart" },
	{ "delete by publisher-id removes exactly that" },
	{ "operations apply in document order" },
	{ "a publish that fails leaves no trace" },
	{ "nobody sees half a publish" },
	{ "a search after publishReceived sees it" },
	{ "notify is not found by search" },
	{ "notify replaces nothing" },
	{ "an empty publish succeeds", "empty-publish" },
	{ "no check of where metadata is put" },
	{ "validation, and lifetime on notify, are tolerated" },

	{ "IPv4 that is not canonical: InvalidIdentifier" },
	{ "ip-address without type is IPv4" },
	{ "IPv6 that is not canonical: InvalidIdentifier" },
	{ "MAC that is not canonical: InvalidIdentifier" },
	{ "empty names and values: InvalidIdentifier" },
	{ "identity without name or type is refused" },
	{ "type other without other-type-definition: InvalidIdentifier" },
	{ "unknown type: InvalidIdentifierType" },
	{ "other-type-definition tells identities apart" },
	{ "other-type-definition of other types is ignored" },
	{ "administrative-domain tells apart; absent is empty" },
	{ "administrative-domain is case-sensitive", "administrative-domain-case" },
	{ "dns-name, tel-uri and mail domains fold, mail users do not" },
	{ "user names do not fold", "username-case, kerberos-principal-case, sip-uri-case, aik-name-case, other-case" },
	{ "device with aik-name: InvalidIdentifier" },
	{ "an extended identifier in canonical form is accepted, found, returned", "extended-escape" },
	{ "spellings of one extended identifier are equal or refused, never distinct", "extended-identifiers" },
	{ "extended without inner, or with outer, administrative-domain: InvalidIdentifier" },
	{ "an extended name that is no XML is an opaque name, or refused", "extended-identifiers" },
	{ "the order of attributes is irrelevant" },
	{ "too many identifiers are refused" },
	{ "over the limit: IdentifierTooLong, MetadataTooLong", "identifier, metadata" },

	{ "search for the unknown: one resultItem, no metadata" },
	{ "absent max-depth is 0" },
	{ "max-depth n reaches n links, not n+1" },
	{ "a cycle ends and lists each element once" },
	{ "absent match-links follows all, an empty one none" },
	{ "a followed link shows only what matches match-links" },
	{ "match-links leaves identifier metadata alone" },
	{ "absent result-filter returns all, an empty one no metadata" },
	{ "result-filter keeps what matches", "result-filter" },
	{ "result-filter does not stop the walk" },
	{ "terminal-identifier-type stops there and shows the identifier" },
	{ "a start of terminal type: only itself" },
	{ "a malformed terminal-identifier-type: InvalidIdentifier" },
	{ "identity:TYPE of 2.2" },
	{ "identity:other:DEFINITION and NAMESPACE#NAME of 2.2" },
	{ "over max-size: SearchResultsTooBig, nothing partial" },
	{ "absent max-size is 100,000 bytes", "search-size-default" },
	{ "huge max-depth and max-size are clamped", "search-depth, search-size" },
	{ "searchResult of a search has no name" },
	{ "predicates by child, attribute, publisher; or, and, both quotes" },
	{ "a bad filter: Failure" },
	{ "any prefix of the metadata namespace; an undeclared one: Failure" },
	{ "an inner prefix declaration overrides the outer one" },
	{ "metadata in results declares every prefix it uses" },

	{ "subscribe, poll: searchResult with name and the start" },
	{ "the next poll hangs while nothing changes" },
	{ "an update by another completes the poll with just that" },
	{ "one's own publish is reported" },
	{ "a deletion is a deleteResult" },
	{ "changes between polls come in order of commits" },
	{ "a bridging link brings what is behind it" },
	{ "its removal takes that away" },
	{ "one of two paths: only the link's metadata" },
	{ "a replaced singleValue: updateResult only" },
	{ "added and deleted in one publish: nothing" },
	{ "singleValue deleted and added in one publish: updateResult only" },
	{ "singleValue updated and deleted in one publish: deleteResult with the former" },
	{ "notify inside the subgraph is heard, outside it is not" },
	{ "equal notifies are all delivered" },
	{ "notify that result-filter hides is not delivered" },
	{ "the end of a publisher's session is a deleteResult" },
	{ "so is a purge" },
	{ "a used subscription name replaces" },
	{ "deleting an unknown subscription succeeds; a deleted one is silent" },
	{ "a subscribe with an error changes nothing" },
	{ "every member of pollResult has a name, none is empty" },
	{ "two subscriptions touched by one commit come in one poll" },
	{ "a subscription over max-size: errorResult inside pollResult, others go on" },
	{ "a buffer over max-poll-result-size: PollResultsTooBig, all subscriptions gone", "poll-size" },
	{ "max-poll-result-size is echoed if and only if asked for", "poll-size" },
	{ "filter prefixes of a subscription outlive the request" },

	{ "newSession gives both ids; the publisher-id is the client's for good" },
	{ "a second newSession ends the first session before it answers" },
	{ "unknown and foreign ids: InvalidSessionID, nobody is harmed" },
	{ "endSession, then InvalidSessionID, then a new session" },
	{ "endSession answers a hanging poll" },
	{ "renewSession on new connections keeps the session" },
	{ "without channels and renewals the session ends after the timeout, not before", "session-timeout" },
	{ "with an idle SSRC it does not end" },
	{ "a second poll ends the session: endSessionResult and InvalidSessionID" },
	{ "closing the ARC during a poll ends the session" },
	{ "a new connection takes over the SSRC; the old one gets AccessDenied" },
	{ "poll on the SSRC: errorResult" },
	{ "subscriptions do not survive the session" },
	{ "no ARC is needed to publish and search" },
	{ "clients are independent of each other" },

	{ "purge of oneself removes all metadata and keeps the session" },
	{ "purge of another: AccessDenied", "may-purge-others" },
	{ "purge of nothing succeeds" },
	{ "a read-only client reads and does not write", "read-only" },
	{ "unknown operations and other versions: a clean error" },
	{ "errorResult has a code of the list and a text" },
	{ "server-capability is there and nobody changes it" },
	{ "client-time gives the skew within a second" },
	{ "fractions accompany whole seconds; timestamps do not run backwards", "timestamp-fraction" },
	{ "content authorization: a denied item denies the whole publish", "rules" },
	{ "content authorization: what is unreadable is neither shown nor traversed", "rules" },
	{ "content authorization: a foreign singleValue may be protected", "rules" },

	{ "XML declaration, prefixes env and ifmap, unqualified children, no empty attributes" },
	{ "strongSwan's sequence" },
	{ "identifiers wrapped in link" },
	{ "a TCP connection per request" },
	{ "the library sends canonical identifiers and refuses others" },
	{ "SSRC and ARC are separate; never two polls at once" },
	{ "names are compared by namespace; unknown attributes are ignored" },
	{ "empty metadata, no errorString, several items per element, ends in any order" },
	{ "chunked, gzip, split answers; no reason phrase" },
	{ "subscribes again after a top-level errorResult; a new session after InvalidSessionID" },
	{ "renews below 180 s or keeps the SSRC open" },
	{ "declares every filter prefix" },
	{ "its mirror equals a fresh search" },
	{ "deltas of each subscription add up to its search" },
};

const struct decision DECISIONS[N_DECISIONS] = {
	{ "escaping of extended identifiers", "both are accepted; results carry the double form", "extended-escape, extended-identifiers" },
	{ "does result-filter keep or drop", "keep", "result-filter" },
	{ "filter grammar", "the superset of 6.2: not(), contains(), starts-with(), text(), |, *, one leading //; other axes and functions are refused" },
	{ "poll on the SSRC, requests on the ARC", "Failure, the session is kept" },
	{ "notify on links outside the subgraph", "heard when one end is inside and expanded" },
	{ "sizes", "16 KiB an identifier, 1 MiB a metadata element", "identifier, metadata" },
	{ "case of identity names", "case-sensitive, one switch a type; distinguished names compare as X.500 names, dns-name, tel-uri and mail domains fold", "username-case, kerberos-principal-case, sip-uri-case, aik-name-case, other-case" },
	{ "equal multiValue twice", "stored twice, as both older servers do" },
	{ "a link from an identifier to itself", "InvalidIdentifier" },
	{ "what Metadata 1.1 changed; vlan-name", "any content is accepted; only cardinality is checked" },
	{ "content authorization beyond section 14", "rules of roles, see drover-mapd-rules.conf(5); the first that fits decides", "rules" },
	{ "does terminal type identity cover extended ones", "yes", "terminal-identity" },
	{ "purgePublisher without id", "Failure", "purge-without-id" },
	{ "when the initial result is computed; order within a commit", "at subscribe; notify, delete, update" },
	{ "inactivity timer, loss of the ARC", "the timer runs when both channels are gone; loss of the ARC ends the session only during a poll" },
	{ "vendor capabilities; the server's publisher-id", "none; map-server" },
	{ "the attribute validation", "ignored, never sent" },
	{ "discovery of servers", "none; clients are configured" },
	{ "max-depth or max-size -1", "the server's maximum", "negative-limits" },
	{ "a request without session-id", "InvalidSessionID", "missing-session-id" },
};
/* clang-format on */

static void append_decided(GString *out, const char *decided)
{
	g_auto(GStrv) keys = g_strsplit(decided ? decided : "", ", ", -1);

	for (char **key = keys; *key; key++)
		g_string_append_printf(out, "%s`%s`", key == keys ? "" : ", ", *key);
}

static void append_statement(GString *out, unsigned n, unsigned n_cases)
{
	const struct statement *statement = &STATEMENTS[n - 1];

	g_string_append_printf(out, "| C%u | %s | ", n, statement->text);
	if (n_cases > 0)
		g_string_append_printf(out, "passed, %u", n_cases);
	if (statement->reason)
		g_string_append_printf(out, "%s%s", n_cases ? "; " : "", statement->reason);
	g_string_append(out, " | ");
	append_decided(out, statement->decided);
	g_string_append(out, " |\n");
}

char *statements_page(const unsigned *n_cases)
{
	GString *out = g_string_new(
		"# Conformance\n"
		"What the map server and the client library do, statement by statement (C1 to C164 of our digest of IF-MAP 2.2), "
		"and what was\nchosen where the specification leaves a choice (D1 to D20). Made by "
		"`REGENERATE=1 meson test -C build conformance` from the table\nin "
		"`tests/conformance/statements.c` and the cases, each of which bears its "
		"statement's number; `meson test -C build conformance`\nruns them over HTTPS. "
		"Switches are keys of `drover-mapd.conf`(5); both positions have cases.\n\n"
		"| statement | what must hold | outcome, cases | switch |\n|---|---|---|---|\n");

	for (unsigned n = 1; n <= N_STATEMENTS; n++)
		append_statement(out, n, n_cases[n - 1]);
	g_string_append(
		out, "\n## Decisions\n| doubt | about | chosen | switch |\n|---|---|---|---|\n");
	for (unsigned n = 1; n <= N_DECISIONS; n++) {
		g_string_append_printf(out, "| D%u | %s | %s | ", n, DECISIONS[n - 1].about,
			DECISIONS[n - 1].chosen);
		append_decided(out, DECISIONS[n - 1].decided);
		g_string_append(out, " |\n");
	}
	return g_string_free(out, FALSE);
}
