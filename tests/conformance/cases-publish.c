/* C17 to C50: publish. */
#include "groups.h"
#include "phrases.h"

/* clang-format off */
#define FORGED "<x:s ifmap-cardinality=\"singleValue\" ifmap-publisher-id=\"forged\" ifmap-timestamp=\"1999-01-01T00:00:00Z\" ifmap-foo=\"1\" other=\"kept\"/>"
#define FOREIGN "<x:s ifmap-cardinality=\"singleValue\" xmlns:y=\"urn:example:y\" y:at=\"1&lt;2\"><y:in> a &amp; b </y:in><z xmlns=\"urn:example:z\">&#x20AC;</z></x:s>"
#define IP_MAC(cardinality) "<meta:ip-mac ifmap-cardinality=\"" cardinality "\"/>"

static const struct script_case cases[] = {
	ONE("C017 delete that matches nothing", PUBLISH(DELETE_IF("meta:role[@ifmap-publisher-id='{A}']", DEVICE("c17"))), "<publishReceived/>"),
	ONE("C018 delete on an identifier never seen", PUBLISH(DELETE(DEVICE("c18"))), "<publishReceived/>"),
	ONE("C018 delete on a link never seen", PUBLISH(DELETE(DEVICE("c18") AR("c18"))), "<publishReceived/>"),
	AFTER("C019 update is found", UPDATE(DEVICE("c19"), SINGLE("s", "1")), SEARCH("", DEVICE("c19")), "=c19{s=1}"),
	{ "C020 link from both ends", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("a") DEVICE("b"), SINGLE("s", "1"))),
		A(SEARCH(DEPTH("1"), DEVICE("a")), "=a a-b{s=1} b"),
		A(SEARCH(DEPTH("1"), DEVICE("b")), "=a a-b{s=1} b") } },
	{ "C021 the order of ends does not matter", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("a") DEVICE("b"), SINGLE("s", "1"))),
		A_PUTS(UPDATE(DEVICE("b") DEVICE("a"), SINGLE("s", "2"))),
		A(SEARCH(DEPTH("1"), DEVICE("a")), "=a a-b{s=2} b") } },
	AFTER("C022 several elements", UPDATE(DEVICE("c22"), SINGLE("s", "1") MULTI("m", "2") MULTI("m", "3")), SEARCH("", DEVICE("c22")), "=c22{m=2,m=3,s=1}"),
	ONE("C023 empty metadata", PUBLISH("<update>" DEVICE("c23") "<metadata/></update>"), "=error InvalidMetadata"),
	ONE("C024 no cardinality", PUBLISH(UPDATE(DEVICE("c24"), "<x:s/>")), "=error InvalidMetadata"),
	ONE("C025 unknown cardinality", PUBLISH(UPDATE(DEVICE("c25"), "<x:s ifmap-cardinality=\"single\"/>")), "=error InvalidMetadata"),
	ONE("C025 cardinality in another case", PUBLISH(UPDATE(DEVICE("c25"), "<x:s ifmap-cardinality=\"SINGLEVALUE\"/>")), "=error InvalidMetadata"),
	AFTER("C026 cardinality of a vendor type is fixed", UPDATE(DEVICE("c26"), SINGLE("c26", "1")), PUBLISH(UPDATE(DEVICE("c26"), MULTI("c26", "1"))), "=error InvalidMetadata"),
	{ "C026 a failed publish fixes none", { A_BEGINS,
		A(PUBLISH(UPDATE(DEVICE("c26"), SINGLE("c26b", "1") MULTI("c26b", "1"))), "=error InvalidMetadata"),
		A_PUTS(UPDATE(DEVICE("c26"), MULTI("c26b", "1"))) } },
	ONE("C027 a standard multiValue type", PUBLISH(UPDATE(DEVICE("c27") AR("c27"), IP_MAC("singleValue"))), "=error InvalidMetadata"),
	ONE("C027 a standard singleValue type", PUBLISH(UPDATE(DEVICE("c27") AR("c27"), "<meta:device-ip ifmap-cardinality=\"multiValue\"/>")), "=error InvalidMetadata"),
	ONE("C027 notify is held to it too", PUBLISH(NOTIFY(DEVICE("c27") AR("c27"), IP_MAC("singleValue"))), "=error InvalidMetadata"),
	{ "C028 singleValue is replaced across publishers", { A_BEGINS, B_BEGINS,
		A_PUTS(UPDATE(DEVICE("c28"), SINGLE("s", "1"))),
		B_PUTS(UPDATE(DEVICE("c28"), SINGLE("s", "2"))),
		A(SEARCH("", DEVICE("c28")), "=c28{s=2}"),
		A(SEARCH("", DEVICE("c28")), "ifmap-publisher-id=\"{B}\"|!{A}") } },
	{ "C028 twice in one publish on a link that has it", { A_BEGINS,
		A_PUTS(UPDATE(AR("a") AR("b"), SINGLE("s", "1"))),
		A_PUTS(UPDATE(AR("a") AR("b"), SINGLE("s", "2")) UPDATE(AR("b") AR("a"), SINGLE("s", "3"))),
		A(SEARCH(DEPTH("1"), AR("a")), "=a a-b{s=3} b"),
		A_PUTS(UPDATE(AR("a") AR("b"), SINGLE("s", "4") SINGLE("s", "5"))),
		A(SEARCH(DEPTH("1"), AR("a")), "=a a-b{s=5} b") } },
	AFTER("C029 singleValue of different types", UPDATE(DEVICE("c29"), SINGLE("s", "1") SINGLE("t", "2")), SEARCH("", DEVICE("c29")), "=c29{s=1,t=2}"),
	{ "C030 multiValue adds, equal ones too (D8)", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("c30"), MULTI("m", "1"))),
		A_PUTS(UPDATE(DEVICE("c30"), MULTI("m", "2"))),
		A_PUTS(UPDATE(DEVICE("c30"), MULTI("m", "2"))),
		A(SEARCH("", DEVICE("c30")), "=c30{m=1,m=2,m=2}") } },
	AFTER("C031 the server's attributes are its own", UPDATE(DEVICE("c31"), FORGED), SEARCH("", DEVICE("c31")), "!forged|!1999-|!ifmap-foo|other=\"kept\"|1*ifmap-publisher-id"),
	AFTER("C032 content comes back", UPDATE(DEVICE("c32"), FOREIGN), SEARCH("", DEVICE("c32")), "urn:example:y|urn:example:z|> a &amp; b <|1&lt;2|\xe2\x82\xac|xmlns:x=\"urn:example:x\""),
	AFTER("C033 publisher-id of the session", UPDATE(DEVICE("c33"), SINGLE("s", "1")), SEARCH("", DEVICE("c33")), "ifmap-publisher-id=\"{A}\""),
	{ "C034 one timestamp per request", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("c34"), SINGLE("s", "1")) UPDATE(DEVICE("c34"), SINGLE("t", "1"))),
		A(SEARCH("", DEVICE("c34")), "2*ifmap-timestamp=|2*ifmap-timestamp-fraction=\"0.|same ifmap-timestamp=|same ifmap-timestamp-fraction=") } },
	{ "C035 lifetime is session when it is not said", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("c35"), SINGLE("s", "1"))), A(END, "=end"), A_BEGINS,
		A(SEARCH("", DEVICE("c35")), "=c35") } },
	{ "C036 forever outlives the session", { A_BEGINS,
		A_PUTS(FOREVER(DEVICE("c36"), SINGLE("s", "1"))), A(END, "=end"), A_BEGINS,
		A(SEARCH("", DEVICE("c36")), "=c36{s=1}") } },
	{ "C037 forever replaced by session", { A_BEGINS,
		A_PUTS(FOREVER(DEVICE("c37"), SINGLE("s", "1"))), A_PUTS(UPDATE(DEVICE("c37"), SINGLE("s", "2"))),
		A(END, "=end"), A_BEGINS, A(SEARCH("", DEVICE("c37")), "=c37") } },
	{ "C037 session replaced by forever", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("c37"), SINGLE("s", "1"))), A_PUTS(FOREVER(DEVICE("c37"), SINGLE("s", "2"))),
		A(END, "=end"), A_BEGINS, A(SEARCH("", DEVICE("c37")), "=c37{s=2}") } },
	{ "C038 delete without filter", { A_BEGINS, B_BEGINS,
		A_PUTS(FOREVER(DEVICE("c38"), MULTI("m", "1"))),
		B_PUTS(UPDATE(DEVICE("c38"), MULTI("m", "2"))), B_PUTS(DELETE(DEVICE("c38"))),
		A(SEARCH("", DEVICE("c38")), "=c38") } },
	AFTER("C039 delete with an empty filter", UPDATE(DEVICE("c39"), SINGLE("s", "1")) DELETE_IF("", DEVICE("c39")), SEARCH("", DEVICE("c39")), "=c39{s=1}"),
	{ "C040 delete on an identifier leaves its links", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("a"), SINGLE("s", "1")) UPDATE(DEVICE("a") DEVICE("b"), SINGLE("s", "2"))),
		A_PUTS(DELETE(DEVICE("a"))),
		A(SEARCH(DEPTH("1"), DEVICE("a")), "=a a-b{s=2} b") } },
	{ "C040 delete on a link leaves its ends", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("a"), SINGLE("s", "1")) UPDATE(DEVICE("a") DEVICE("b"), SINGLE("s", "2"))),
		A_PUTS(DELETE(DEVICE("a") DEVICE("b"))),
		A(SEARCH(DEPTH("1"), DEVICE("a")), "=a{s=1}") } },
	{ "C041 delete by publisher", { A_BEGINS, B_BEGINS,
		A_PUTS(UPDATE(DEVICE("c41"), MULTI("m", "1"))),
		B_PUTS(UPDATE(DEVICE("c41"), MULTI("m", "2"))),
		B_PUTS(DELETE_IF("[@ifmap-publisher-id='{A}']", DEVICE("c41"))),
		A(SEARCH("", DEVICE("c41")), "=c41{m=2}") } },
	AFTER("C042 update, then delete", UPDATE(DEVICE("a"), SINGLE("s", "1")) DELETE(DEVICE("a")), SEARCH("", DEVICE("a")), "=a"),
	AFTER("C042 delete, then update", DELETE(DEVICE("b")) UPDATE(DEVICE("b"), SINGLE("s", "1")), SEARCH("", DEVICE("b")), "=b{s=1}"),
	{ "C043 all or nothing", { A_BEGINS,
		A_PUTS(UPDATE(DEVICE("a"), SINGLE("s", "1") SINGLE("t", "1"))),
		A_WATCHES("w", DEPTH("1"), DEVICE("a")), POLLS("=search(w): a{s=1,t=1}"), HANGS,
		A(PUBLISH(UPDATE(DEVICE("a"), SINGLE("s", "2")) DELETE_IF("x:t", DEVICE("a")) UPDATE(DEVICE("a") DEVICE("b"), MULTI("m", "1")) NOTIFY(DEVICE("a"), MULTI("m", "2")) UPDATE(DEVICE("a"), IP_MAC("singleValue"))), "=error InvalidMetadata"),
		A(SEARCH(DEPTH("1"), DEVICE("a")), "=a{s=1,t=1}"), QUIET } },
	AFTER("C045 a search after the answer sees it", UPDATE(DEVICE("c45"), SINGLE("s", "1")), SEARCH("", DEVICE("c45")), "=c45{s=1}"),
	AFTER("C046 notify stores nothing", NOTIFY(DEVICE("c46"), MULTI("m", "1")), SEARCH("", DEVICE("c46")), "=c46"),
	AFTER("C047 notify replaces nothing", UPDATE(DEVICE("c47"), SINGLE("s", "1")) NOTIFY(DEVICE("c47"), SINGLE("s", "2")), SEARCH("", DEVICE("c47")), "=c47{s=1}"),
	ONE("C048 nothing to publish", "<publish/>", "<publishReceived/>"),
	ONE("C049 no placement check", PUBLISH(UPDATE(AR("a") AR("b"), IP_MAC("multiValue"))), "<publishReceived/>"),
	ONE("C050 validation is tolerated", "<publish validation=\"None\">" UPDATE(AR("a"), SINGLE("s", "1")) "</publish>", "=ok"),
	ONE("C050 lifetime on notify is tolerated", PUBLISH("<notify lifetime=\"forever\">" AR("a") "<metadata>" SINGLE("s", "1") "</metadata></notify>"), "=ok"),
	ONE("5.4 update needs metadata", PUBLISH("<update>" AR("a") "</update>"), "=error Failure"),
	ONE("5.4 unknown lifetime", PUBLISH("<update lifetime=\"eternal\">" AR("a") "<metadata>" SINGLE("s", "1") "</metadata></update>"), "=error Failure"),
	ONE("10 metadata without namespace", PUBLISH(UPDATE(AR("a"), "<s ifmap-cardinality=\"singleValue\"/>")), "=error InvalidMetadata"),
	ONE("D9 no link to itself", PUBLISH(UPDATE(AR("a") AR("a"), SINGLE("s", "1"))), "=error InvalidIdentifier"),
};

/* 12: one row a standard type, with its cardinality; the other one is refused. */
#define STANDARD(name, right, wrong) \
	{ "12 " name, { A_BEGINS, \
		A(PUBLISH(UPDATE(AR("a") DEVICE("b"), "<meta:" name " ifmap-cardinality=\"" right "\"/>")), "=ok"), \
		A(PUBLISH(UPDATE(AR("a") DEVICE("b"), "<meta:" name " ifmap-cardinality=\"" wrong "\"/>")), "=error InvalidMetadata"), \
		A(SEARCH(DEPTH("1"), AR("a")), "1*<meta:" name " |ifmap-cardinality=\"" right "\"") } }
#define IS_SINGLE(name) STANDARD(name, "singleValue", "multiValue")
#define IS_MULTI(name) STANDARD(name, "multiValue", "singleValue")

static const struct script_case standard[] = {
	IS_SINGLE("access-request-device"), IS_SINGLE("access-request-ip"), IS_SINGLE("access-request-mac"),
	IS_SINGLE("authenticated-as"), IS_SINGLE("authenticated-by"), IS_MULTI("capability"), IS_MULTI("device-attribute"),
	IS_MULTI("device-characteristic"), IS_SINGLE("device-ip"), IS_SINGLE("discovered-by"), IS_MULTI("enforcement-report"),
	IS_MULTI("event"), IS_MULTI("ip-mac"), IS_MULTI("layer2-information"), IS_MULTI("location"),
	IS_MULTI("request-for-investigation"), IS_MULTI("role"), IS_MULTI("unexpected-behavior"), IS_SINGLE("wlan-information"),
};
/* clang-format on */

const struct script_group CONFORMANCE_PUBLISH = { "publish", cases, G_N_ELEMENTS(cases) };
const struct script_group CONFORMANCE_STANDARD = { "metadata", standard, G_N_ELEMENTS(standard) };
