/* C139 to C154: purge, access, errors, operational metadata, output. */
#include "groups.h"
#include "phrases.h"

/* clang-format off */
#define VLAN(text) "<meta:layer2-information ifmap-cardinality=\"multiValue\"><vlan>7</vlan><vlan-name>" text "</vlan-name></meta:layer2-information>"

static const struct script_case cases[] = {
	{ "C139 purge of oneself", { A_BEGINS, A_PUTS(UPDATE(AR("a"), SINGLE("s", "1")) FOREVER(AR("a"), SINGLE("t", "1"))),
		A_WATCHES("w", "", AR("a")), POLLS("=search(w): a{s=1,t=1}"),
		A(PURGE("{A}"), "<purgePublisherReceived/>"), A(SEARCH("", AR("a")), "=a"), POLLS("=delete(w): a{s=1,t=1}"), A(RENEW, "=ok") } },
	{ "C140 purge of another", { A_BEGINS, B_BEGINS, B_PUTS(UPDATE(AR("a"), SINGLE("s", "1"))),
		A(PURGE("{B}"), "=error AccessDenied"), A(SEARCH("", AR("a")), "=a{s=1}"), A(RENEW, "=ok") } },
	{ "C140 purge of another, permitted (9.9)", { { "P", "new", "=new" }, B_BEGINS, B_PUTS(UPDATE(AR("a"), SINGLE("s", "1"))),
		{ "P", PURGE("{B}"), "=ok" }, B(SEARCH("", AR("a")), "=a"), { "P", PURGE("nobody"), "=ok" } } },
	{ "C140 nobody purges the server", { { "P", "new", "=new" }, { "P", PURGE("map-server"), "=error AccessDenied" } } },
	ONE("D13 purge without id", "<purgePublisher/>", "=error Failure"),
	ONE("C141 purge of nothing", PURGE("{A}"), "<purgePublisherReceived/>"),
	{ "C142 read-only may not write", { { "R", "new", "=new" }, { "R", PUBLISH(UPDATE(AR("a"), SINGLE("s", "1"))), "=error AccessDenied" },
		{ "R", PUBLISH(NOTIFY(AR("a"), SINGLE("s", "1"))), "=error AccessDenied" }, { "R", PURGE("{R}"), "=error AccessDenied" } } },
	{ "C142 read-only may read", { { "R", "new", "=new" }, { "R", SEARCH("", AR("a")), "=a" }, { "R", SUBSCRIBE("w", "", AR("a")), "=ok" }, { "Rp", "poll", "=search(w): a" } } },
	ONE("C143 unknown operation", "<frobnicate/>", "=error Failure"),
	ONE("C143 attachSession", "<attachSession/>", "=error Failure"),
	ONE("C143 dump", "<dump identifier=\"*\"/>", "=error Failure"),
	ONE("C144 code and text", "<frobnicate/>", "errorCode=\"Failure\"|<errorString>|!<errorString></errorString>"),
	ONE("C144 of an identifier", SEARCH("", IP("1")), "errorCode=\"InvalidIdentifier\"|!<errorString></errorString>"),
	ONE("C145 server-capability", SEARCH("", EXT_SERVER), "<capability>ifmap-base-version-2.0</capability>|<capability>ifmap-base-version-2.1</capability>|<capability>ifmap-base-version-2.2</capability>|<capability>fractional-timestamps</capability>|<capability>extended-identifier-search-termination</capability>|ifmap-publisher-id=\"map-server\""),
	ONE("C145 nobody deletes it", PUBLISH(DELETE(EXT_SERVER)), "=error AccessDenied"),
	ONE("C145 nobody adds to it", PUBLISH(UPDATE(EXT_SERVER, MULTI("m", "1"))), "=error AccessDenied"),
	{ "C145 it can be watched", { A_BEGINS, A_WATCHES("w", "", EXT_SERVER), POLLS("<searchResult name=\"w\">|server-capability") } },
	AFTER("C146 client-time is kept as it is", UPDATE(DEVICE("clock"), CLIENT_TIME), SEARCH(ONLY("op-meta:client-time[@ifmap-publisher-id='{A}']"), DEVICE("clock")), "current-timestamp=\"2024-05-01T09:30:00Z\"|1*ifmap-timestamp-fraction=\"0."),
	{ "C146 the whole procedure", { A_BEGINS, A_PUTS(UPDATE(DEVICE("clock"), CLIENT_TIME)),
		A(SEARCH(ONLY("op-meta:client-time[@ifmap-publisher-id='{A}']"), DEVICE("clock")), "1*<o:client-time "),
		A_PUTS(DELETE_IF("op-meta:client-time[@ifmap-publisher-id='{A}']", DEVICE("clock"))), A(SEARCH("", DEVICE("clock")), "=clock") } },
	AFTER("C147 fraction beside whole seconds", UPDATE(AR("a"), SINGLE("s", "1")), SEARCH("", AR("a")), "Z\"|1*ifmap-timestamp-fraction=\"0."),
	{ "C151 output format", { A_BEGINS, A_PUTS(UPDATE(AR("a"), SINGLE("s", "1"))),
		A(SEARCH("", AR("a")), "starts <?xml version=\"1.0\" encoding=\"UTF-8\"?>|<env:Envelope |xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\"|xmlns:ifmap=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\"|<env:Body><ifmap:response><searchResult>|!xmlns=\"|!=\"\"|!='") } },
	{ "C152 strongSwan's sequence", { A_BEGINS, A(PURGE("{A}"), "=ok"),
		A_PUTS(UPDATE(DEVICE("moon") "<ip-address type=\"IPv4\" value=\"192.0.2.1\"/>", "<meta:device-ip ifmap-cardinality=\"singleValue\"/>")),
		A_PUTS(UPDATE(AR("moon:1") OTHER("C=CH, O=x, CN=y", "36906:other"), "<meta:authenticated-as ifmap-cardinality=\"singleValue\"/>") UPDATE(AR("moon:1") DEVICE("moon"), "<meta:authenticated-by ifmap-cardinality=\"singleValue\"/>") UPDATE(AR("moon:1"), "<meta:capability ifmap-cardinality=\"multiValue\"><name>g</name><administrative-domain>strongswan</administrative-domain></meta:capability>")),
		A_PUTS(DELETE_IF("meta:authenticated-as[@ifmap-publisher-id='{A}']", AR("moon:1") OTHER("C=CH, O=x, CN=y", "36906:other")) DELETE_IF("meta:layer2-information[@ifmap-publisher-id='{A}']", AR("moon:1") DEVICE("moon"))),
		A("<publish/>", "=ok"), A(RENEW, "=ok"), A(END, "=end") } },
	AFTER("C153 link around identifiers", UPDATE("<link>" AR("a") AR("b") "</link>", SINGLE("s", "1")), SEARCH(DEPTH("1"), AR("a")), "=a a-b{s=1} b"),
	AFTER("C153 identifier around one", UPDATE("<identifier>" AR("a") "</identifier>", SINGLE("s", "1")), SEARCH("", "<identifier>" AR("a") "</identifier>"), "=a{s=1}"),
	{ "C154 a connection per request", { { "A", "new", "=new" }, { "A", "close", NULL }, { "A2", PUBLISH(UPDATE(AR("a"), SINGLE("s", "1"))), "=ok" }, { "A2", "close", NULL },
		{ "A3", SEARCH("", AR("a")), "=a{s=1}" }, { "A3", "close", NULL }, { "A4", END, "=end" } } },
	ONE("14.4 identities of clients are the administrator's", PUBLISH(UPDATE("<identity type=\"username\" name=\"A\" administrative-domain=\"ifmap:client\"/>", SINGLE("s", "1"))), "=error AccessDenied"),
	AFTER("D10 vlan-name may be text", UPDATE(AR("a") DEVICE("d"), VLAN("guests")), SEARCH(DEPTH("1"), AR("a")), "<vlan-name>guests</vlan-name>"),
	ONE("D17 validation is ignored", "<search validation=\"All\">" AR("a") "</search>", "!validation|1*<resultItem>"),
};
/* clang-format on */

const struct script_group CONFORMANCE_ACCESS = { "access", cases, G_N_ELEMENTS(cases) };
