/* C73 to C96: search. */
#include "groups.h"
#include "phrases.h"

/* clang-format off */
#define FORTY "0123456789012345678901234567890123456789"
#define CHAIN UPDATE(AR("a") AR("b"), SINGLE("s", "1")) UPDATE(AR("b") AR("c"), SINGLE("s", "2")) UPDATE(AR("c") AR("d"), SINGLE("s", "3"))
#define CYCLE UPDATE(AR("a") AR("b"), SINGLE("s", "1")) UPDATE(AR("b") AR("c"), SINGLE("s", "2")) UPDATE(AR("c") AR("a"), SINGLE("s", "3"))
#define WHOLE_CYCLE "=a a-b{s=1} a-c{s=3} b b-c{s=2} c"
#define FORK UPDATE(AR("a"), SINGLE("s", "0")) UPDATE(AR("a") AR("b"), SINGLE("s", "1") SINGLE("t", "1")) UPDATE(AR("b"), SINGLE("s", "2")) UPDATE(AR("a") AR("c"), SINGLE("s", "3"))
#define TYPED UPDATE(AR("a"), SINGLE("s", "0") SINGLE("t", "0")) UPDATE(AR("a") AR("b"), SINGLE("s", "1")) UPDATE(AR("b"), SINGLE("t", "2"))
#define BESIDE UPDATE(AR("a") DEVICE("b"), SINGLE("s", "1")) UPDATE(DEVICE("b"), SINGLE("s", "2")) UPDATE(DEVICE("b") AR("c"), SINGLE("s", "3"))
/* Around c: user u, DN d, other o and behind each something. */
#define STAR UPDATE(USER("u") AR("c"), SINGLE("s", "1")) UPDATE(USER("u") AR("x"), SINGLE("s", "2")) UPDATE(ID("distinguished-name", "CN=d") AR("c"), SINGLE("s", "3")) UPDATE(ID("distinguished-name", "CN=d") AR("y"), SINGLE("s", "4")) UPDATE(OTHER("o", "1:k") AR("c"), SINGLE("s", "5")) UPDATE(OTHER("o", "1:k") AR("z"), SINGLE("s", "6"))
#define VM EXT_VM(NO_DOMAIN)
#define HOST EXT_HOST(NO_DOMAIN)
#define HOSTED UPDATE(VM AR("c"), SINGLE("s", "1")) UPDATE(VM AR("d"), SINGLE("s", "2")) UPDATE(HOST AR("c"), SINGLE("s", "3")) UPDATE(HOST AR("e"), SINGLE("s", "4")) UPDATE(USER("u") AR("c"), SINGLE("s", "5")) UPDATE(USER("u") AR("f"), SINGLE("s", "6"))
#define FROM_C(stop) SEARCH(DEPTH("2") " " STOP(stop), AR("c"))
#define PS "<x:p ifmap-cardinality=\"multiValue\" at=\"1\"><v>1</v><w>7</w></x:p>" "<x:p ifmap-cardinality=\"multiValue\" at=\"2\"><v>2</v></x:p>"
#define PICK(name, filter, expect) AFTER(name, UPDATE(AR("a"), PS SINGLE("s", "9")), SEARCH(ONLY(filter), AR("a")), expect)
#define CAPABILITY "<meta:capability ifmap-cardinality=\"multiValue\"><name>c</name></meta:capability>"
#define NS_META "http://www.trustedcomputinggroup.org/2010/IFMAP-METADATA/2"

static const struct script_case cases[] = {
	ONE("C073 the unknown", SEARCH(DEPTH("5"), DEVICE("c73")), "<searchResult>|1*<resultItem>|!<metadata"),
	AFTER("C074 no depth is depth 0", UPDATE(AR("a"), SINGLE("s", "1")) UPDATE(AR("a") AR("b"), SINGLE("s", "2")), SEARCH("", AR("a")), "=a{s=1}"),
	AFTER("C075 depth 1", CHAIN, SEARCH(DEPTH("1"), AR("a")), "=a a-b{s=1} b"),
	AFTER("C075 depth 2", CHAIN, SEARCH(DEPTH("2"), AR("a")), "=a a-b{s=1} b b-c{s=2} c"),
	AFTER("C075 depth 3", CHAIN, SEARCH(DEPTH("3"), AR("a")), "=a a-b{s=1} b b-c{s=2} c c-d{s=3} d"),
	AFTER("C076 a cycle", CYCLE, SEARCH(DEPTH("9"), AR("a")), WHOLE_CYCLE),
	AFTER("C076 a link between two at the limit is not seen", CYCLE, SEARCH(DEPTH("1"), AR("a")), "=a a-b{s=1} a-c{s=3} b c"),
	AFTER("C077 no match-links", FORK, SEARCH(DEPTH("9"), AR("a")), "=a{s=0} a-b{s=1,t=1} a-c{s=3} b{s=2} c"),
	AFTER("C077 empty match-links", FORK, SEARCH(DEPTH("9") " " LINKS(""), AR("a")), "=a{s=0}"),
	AFTER("C078 match-links chooses what links show", FORK, SEARCH(DEPTH("9") " " LINKS("x:t"), AR("a")), "=a{s=0} a-b{t=1} b{s=2}"),
	AFTER("C079 match-links leaves identifiers alone", FORK, SEARCH(LINKS("x:t"), AR("a")), "=a{s=0}"),
	AFTER("C080 no result-filter", TYPED, SEARCH(DEPTH("9"), AR("a")), "=a{s=0,t=0} a-b{s=1} b{t=2}"),
	AFTER("C080 empty result-filter", TYPED, SEARCH(DEPTH("9") " " ONLY(""), AR("a")), "=a a-b b"),
	AFTER("C081 result-filter keeps what matches", TYPED, SEARCH(ONLY("x:t"), AR("a")), "=a{t=0}"),
	AFTER("C082 result-filter does not stop the walk", TYPED, SEARCH(DEPTH("9") " " ONLY("x:t"), AR("a")), "=a{t=0} a-b b{t=2}"),
	AFTER("C083 terminal type", BESIDE, SEARCH(DEPTH("9") " " STOP("device"), AR("a")), "=a a-b{s=1} b{s=2}"),
	AFTER("C083 empty list", BESIDE, SEARCH(DEPTH("9") " " STOP(""), AR("a")), "=a a-b{s=1} b{s=2} b-c{s=3} c"),
	AFTER("C083 several types", BESIDE, SEARCH(DEPTH("9") " " STOP("ip-address,mac-address,identity,device"), AR("a")), "=a a-b{s=1} b{s=2}"),
	AFTER("C084 start of terminal type", BESIDE, SEARCH(DEPTH("9") " " STOP("device"), DEVICE("b")), "=b{s=2}"),
	ONE("C085 trailing comma", SEARCH(STOP("device,"), AR("a")), "=error InvalidIdentifier"),
	ONE("C085 leading comma", SEARCH(STOP(",device"), AR("a")), "=error InvalidIdentifier"),
	ONE("C085 doubled comma", SEARCH(STOP("device,,identity"), AR("a")), "=error InvalidIdentifier"),
	ONE("C085 unknown type", SEARCH(STOP("toaster"), AR("a")), "=error InvalidIdentifier"),
	ONE("C085 unknown identity type", SEARCH(STOP("identity:toaster"), AR("a")), "=error InvalidIdentifier"),
	AFTER("C086 identity:username", STAR, FROM_C("identity:username"), "<v>1</v>|!<v>2</v>|<v>3</v>|<v>4</v>|<v>6</v>"),
	AFTER("C086 identity:distinguished-name", STAR, FROM_C("identity:distinguished-name"), "<v>2</v>|<v>3</v>|!<v>4</v>|<v>6</v>"),
	AFTER("C086 two of them", STAR, FROM_C("identity:username,identity:distinguished-name"), "!<v>2</v>|!<v>4</v>|<v>6</v>"),
	AFTER("C086 identity", STAR, FROM_C("identity"), "<v>1</v>|<v>3</v>|<v>5</v>|!<v>2</v>|!<v>4</v>|!<v>6</v>"),
	AFTER("C087 identity:other:PEN:name", STAR, FROM_C("identity:other:1:k"), "<v>2</v>|<v>4</v>|<v>5</v>|!<v>6</v>"),
	AFTER("C087 another name", STAR, FROM_C("identity:other:1:j"), "<v>6</v>"),
	AFTER("C087 identity:other", STAR, FROM_C("identity:other"), "<v>2</v>|<v>4</v>|!<v>6</v>"),
	AFTER("C087 namespace#name", HOSTED, FROM_C("urn:example:vm#vm"), "<v>1</v>|!<v>2</v>|<v>3</v>|<v>4</v>"),
	AFTER("C087 identity:other:extended", HOSTED, FROM_C("identity:other:extended"), "<v>1</v>|!<v>2</v>|<v>3</v>|!<v>4</v>|<v>6</v>"),
	AFTER("C087 identity:nonextended", HOSTED, FROM_C("identity:nonextended"), "<v>2</v>|<v>4</v>|<v>5</v>|!<v>6</v>"),
	AFTER("D12 identity stops at extended ones", HOSTED, FROM_C("identity"), "<v>1</v>|!<v>2</v>|!<v>4</v>|!<v>6</v>"),
	AFTER("C088 too big", UPDATE(AR("a"), SINGLE("s", FORTY)), SEARCH("max-size=\"200\"", AR("a")), "errorCode=\"SearchResultsTooBig\"|!0123|!resultItem"),
	AFTER("C090 beyond reason", CYCLE, SEARCH("max-depth=\"1000000000\" max-size=\"1000000000\"", AR("a")), WHOLE_CYCLE),
	AFTER("C090 more digits than fit", CYCLE, SEARCH("max-depth=\"99999999999999999999\" max-size=\"99999999999999999999\"", AR("a")), WHOLE_CYCLE),
	AFTER("D19 -1 is the server's maximum", CYCLE, SEARCH("max-depth=\"-1\" max-size=\"-1\"", AR("a")), WHOLE_CYCLE),
	ONE("D19 other negatives", SEARCH("max-depth=\"-2\"", AR("a")), "=error Failure"),
	ONE("7.1 no number", SEARCH("max-size=\"many\"", AR("a")), "=error Failure"),
	AFTER("18 max-size 0 is the default", UPDATE(AR("a"), SINGLE("s", "1")), SEARCH("max-size=\"0\"", AR("a")), "=a{s=1}"),
	ONE("C091 no name", SEARCH("", AR("a")), "<searchResult>|! name=\"\""),
	PICK("C092 child", "x:p[v='1']", "=a{p=1}"),
	{ "C092 the other quotes", { A_BEGINS, A_PUTS(UPDATE(AR("a"), PS)), A(SEARCH("result-filter='x:p[v=\"2\"]'", AR("a")), "=a{p=2}") } },
	PICK("C092 attribute, or", "x:p[@at='2'] or x:s", "=a{p=2,s=9}"),
	PICK("C092 and", "x:p[@at='1' and w='7']", "=a{p=1}"),
	PICK("C092 number", "x:p[v&gt;1]", "=a{p=2}"),
	PICK("C092 attribute present", "x:p[@at]", "=a{p=1,p=2}"),
	PICK("C092 publisher-id", "[@ifmap-publisher-id='{A}']", "=a{p=1,p=2,s=9}"),
	PICK("C092 publisher-id of nobody", "[@ifmap-publisher-id='other']", "=a"),
	PICK("D3 not, star, contains, starts-with", "*[not(@at) or contains(w, '7') and starts-with(v, '1')]", "=a{p=1,s=9}"),
	ONE("C093 open bracket", SEARCH(ONLY("meta:role["), AR("a")), "=error Failure"),
	ONE("C093 in match-links", SEARCH(LINKS("and and"), AR("a")), "=error Failure"),
	ONE("C093 forbidden function", SEARCH(ONLY("x:p[document('/etc/passwd')]"), AR("a")), "=error Failure"),
	ONE("C093 forbidden axis", SEARCH(ONLY("x:p[ancestor::x:p]"), AR("a")), "=error Failure"),
	ONE("C093 in a delete", PUBLISH(DELETE_IF("[", AR("a"))), "=error Failure"),
	AFTER("C094 another prefix of the metadata namespace", UPDATE(AR("a"), CAPABILITY SINGLE("s", "1")), SEARCH("xmlns:q=\"" NS_META "\" " ONLY("q:capability"), AR("a")), "=a{capability}"),
	ONE("C094 an undeclared prefix", SEARCH(ONLY("nowhere:capability"), AR("a")), "=error Failure"),
	AFTER("C095 the inner declaration counts", UPDATE(AR("a"), CAPABILITY SINGLE("capability", "1")), SEARCH("xmlns:meta=\"urn:example:x\" " ONLY("meta:capability"), AR("a")), "=a{capability=1}"),
	AFTER("C096 every prefix is declared", UPDATE(AR("a"), CAPABILITY SINGLE("s", "1")), SEARCH("", AR("a")), "xmlns:meta=\"" NS_META "\"|xmlns:x=\"urn:example:x\""),
};
/* clang-format on */

const struct script_group CONFORMANCE_SEARCH = { "search", cases, G_N_ELEMENTS(cases) };
