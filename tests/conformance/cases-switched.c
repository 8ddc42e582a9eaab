/* The other position of every switch of ifmap/dialect.h; the first is what the other tables show.
 */
#include "groups.h"
#include "phrases.h"

/* clang-format off */
#define SAME(name, a, b) AFTER(name, UPDATE(a, SINGLE("s", "1")), SEARCH("", b), "<v>1</v>")
#define SINGLE_VM "&lt;vm xmlns=&quot;urn:example:vm&quot; administrative-domain=&quot;&quot;&gt;&lt;/vm&gt;"
#define TYPED UPDATE(AR("a"), SINGLE("s", "0") SINGLE("t", "0"))
#define BEHIND UPDATE(EXT(SINGLE_VM) AR("c"), SINGLE("s", "1")) UPDATE(EXT(SINGLE_VM) AR("d"), SINGLE("s", "2")) UPDATE(USER("u") AR("c"), SINGLE("s", "3")) UPDATE(USER("u") AR("e"), SINGLE("s", "4"))

static const struct script_case cases[] = {
	AFTER("D1 extended-escape=single", UPDATE(EXT(SINGLE_VM), SINGLE("s", "1")), SEARCH("", EXT(SINGLE_VM)), "name=\"" SINGLE_VM "\"|<v>1</v>"),
	REFUSED("C067 extended-identifiers=strict: the other escaping", EXT_VM(NO_DOMAIN)),
	REFUSED("C067 extended-identifiers=strict: attribute order", EXT("&lt;vm administrative-domain=&quot;&quot; xmlns=&quot;urn:example:vm&quot;&gt;&lt;/vm&gt;")),
	REFUSED("C067 extended-identifiers=strict: empty element", EXT("&lt;vm xmlns=&quot;urn:example:vm&quot; administrative-domain=&quot;&quot;/&gt;")),
	REFUSED("C068 extended-identifiers=strict: without inner domain", EXT("&lt;vm xmlns=&quot;urn:example:vm&quot;&gt;&lt;/vm&gt;")),
	REFUSED("C069 extended-identifiers=strict: broken XML", EXT("&lt;vm&gt;")),
	REFUSED("C069 extended-identifiers=strict: no XML", EXT("contrail:config-root:root")),
	ONE("C048 empty-publish=refused", "<publish/>", "=error Failure"),
	SAME("C062 administrative-domain-case=insensitive", AR_IN("a", "D"), AR_IN("a", "d")),
	SAME("C064 username-case=insensitive", USER("Ann"), USER("ann")),
	SAME("C064 kerberos-principal-case=insensitive", ID("kerberos-principal", "Ann@X"), ID("kerberos-principal", "ann@x")),
	SAME("C064 sip-uri-case=insensitive", ID("sip-uri", "sip:Ann"), ID("sip-uri", "sip:ann")),
	SAME("C064 aik-name-case=insensitive", ID("aik-name", "Ann"), ID("aik-name", "ann")),
	SAME("C064 other-case=insensitive", OTHER("Ann", "1:a"), OTHER("ann", "1:a")),
	AFTER("C081 result-filter=exclusive", TYPED, SEARCH(ONLY("x:t"), AR("a")), "=a{s=0}"),
	AFTER("C081 result-filter=exclusive, empty", TYPED, SEARCH(ONLY(""), AR("a")), "=a"),
	AFTER("C081 result-filter=exclusive, absent", TYPED, SEARCH("", AR("a")), "=a{s=0,t=0}"),
	{ "C081 result-filter=exclusive, watched", { A_BEGINS, A_WATCHES("w", ONLY("x:t"), AR("a")), POLLS("=search(w): a"),
		A_PUTS(TYPED), POLLS("=update(w): a{s=0}") } },
	AFTER("D12 terminal-identity=nonextended", BEHIND, SEARCH(DEPTH("2") " " STOP("identity"), AR("c")), "<v>1</v>|<v>2</v>|<v>3</v>|!<v>4</v>"),
	ONE("D13 purge-without-id=access-denied", "<purgePublisher/>", "=error AccessDenied"),
	ONE("D19 negative-limits=refused", SEARCH("max-depth=\"-1\"", AR("a")), "=error Failure"),
	{ "D20 missing-session-id=failure", { { "A", RENEW, "=error Failure" }, { "A", "<publish><update/></publish>", "=error Failure" }, A_BEGINS } },
	ONE("standard-metadata=checked", PUBLISH(UPDATE(AR("a"), "<meta:capability ifmap-cardinality=\"multiValue\"><nam>n</nam></meta:capability>")), "=error InvalidMetadata"),
	ONE("standard-metadata=checked, good", PUBLISH(UPDATE(AR("a"), "<meta:capability ifmap-cardinality=\"multiValue\"><name>n</name></meta:capability>")), "=ok"),
	AFTER("C147 timestamp-fraction=omitted", UPDATE(AR("a"), SINGLE("s", "1")), SEARCH("", AR("a")), "ifmap-timestamp=\"|!ifmap-timestamp-fraction"),
	{ "C147 timestamp-fraction=omitted, notify", { A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS(NULL),
		A_PUTS(NOTIFY(AR("a"), SINGLE("s", "1"))), POLLS("ifmap-timestamp=\"|!ifmap-timestamp-fraction") } },
};
/* clang-format on */

const struct script_group CONFORMANCE_SWITCHED = { "switched", cases, G_N_ELEMENTS(cases) };
