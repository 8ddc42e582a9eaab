#pragma once
/* Pieces of requests, for tables of conversations (map/script.h). The prefixes meta and x
 * (urn:example:x) are declared on every envelope. */
#include "script.h"

/* clang-format off */
#define DEVICE(name)    "<device><name>" name "</name></device>"
#define AR(name)        "<access-request name=\"" name "\"/>"
#define AR_IN(name, domain) "<access-request name=\"" name "\" administrative-domain=\"" domain "\"/>"
#define ID(type, name)  "<identity name=\"" name "\" type=\"" type "\"/>"
#define USER(name)      ID("username", name)
#define OTHER(name, def) "<identity name=\"" name "\" type=\"other\" other-type-definition=\"" def "\"/>"
#define IP(value)       "<ip-address value=\"" value "\"/>"
#define IP6(value)      "<ip-address value=\"" value "\" type=\"IPv6\"/>"
#define MAC(value)      "<mac-address value=\"" value "\"/>"
#define SINGLE(name, v) "<x:" name " ifmap-cardinality=\"singleValue\"><v>" v "</v></x:" name ">"
#define MULTI(name, v)  "<x:" name " ifmap-cardinality=\"multiValue\"><v>" v "</v></x:" name ">"
#define UPDATE(where, metas)  "<update>" where "<metadata>" metas "</metadata></update>"
#define FOREVER(where, metas) "<update lifetime=\"forever\">" where "<metadata>" metas "</metadata></update>"
#define NOTIFY(where, metas)  "<notify>" where "<metadata>" metas "</metadata></notify>"
#define DELETE(where)         "<delete>" where "</delete>"
#define DELETE_IF(filter, where) "<delete filter=\"" filter "\">" where "</delete>"
#define PUBLISH(operations)   "<publish>" operations "</publish>"
#define SEARCH(attributes, id) "<search " attributes ">" id "</search>"
#define SUBSCRIBE(name, attributes, id) \
	"<subscribe><update name=\"" name "\" " attributes ">" id "</update></subscribe>"
#define UNSUBSCRIBE(name) "<subscribe><delete name=\"" name "\"/></subscribe>"
#define PURGE(id) "<purgePublisher ifmap-publisher-id=\"" id "\"/>"
#define RENEW "<renewSession/>"
#define END   "<endSession/>"
#define DEPTH(n) "max-depth=\"" n "\""
#define LINKS(filter) "match-links=\"" filter "\""
#define ONLY(filter) "result-filter=\"" filter "\""
#define STOP(types) "terminal-identifier-type=\"" types "\""
/* An extended identifier: its name as it stands in the message. Q is a quote of the double form. */
#define EXT(inner) "<identity type=\"other\" other-type-definition=\"extended\" name=\"" inner "\"/>"
#define Q "&amp;quot;"
#define NO_DOMAIN " administrative-domain=" Q Q
#define EXT_VM(attributes) EXT("&amp;lt;vm xmlns=" Q "urn:example:vm" Q attributes "&amp;gt;&amp;lt;/vm&amp;gt;")
#define EXT_HOST(attributes) EXT("&amp;lt;host xmlns=" Q "urn:example:vm" Q attributes "&amp;gt;&amp;lt;/host&amp;gt;")
#define EXT_SERVER EXT("&amp;lt;ifmap-server xmlns=" Q "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1" Q NO_DOMAIN "&amp;gt;&amp;lt;/ifmap-server&amp;gt;")
#define CLIENT_TIME "<o:client-time xmlns:o=\"http://www.trustedcomputinggroup.org/2012/IFMAP-OPERATIONAL-METADATA/1\" ifmap-cardinality=\"singleValue\" current-timestamp=\"2024-05-01T09:30:00Z\"/>"

#define A_BEGINS { "A", "new", "=new" }
#define B_BEGINS { "B", "new", "=new" }
#define A(send, expect) { "A", send, expect }
#define B(send, expect) { "B", send, expect }
/* The answer to A's next poll; that there is none; what the poll that hangs gets. */
#define POLLS(expect) { "Ap", "poll", expect }
#define HANGS { "Ap", "poll", "hang" }
#define GETS(expect) { "Ap", NULL, expect }
#define QUIET { "Ap", NULL, "hang" }
/* Publishes and is told that it is done. */
#define A_PUTS(operations) { "A", PUBLISH(operations), "=ok" }
#define B_PUTS(operations) { "B", PUBLISH(operations), "=ok" }
#define A_WATCHES(name, attributes, id) { "A", SUBSCRIBE(name, attributes, id), "=ok" }

/* A case of one request of A and its answer; the same after something was published. */
#define ONE(name, send, expect) { name, { A_BEGINS, A(send, expect) } }
#define AFTER(name, operations, send, expect) { name, { A_BEGINS, A_PUTS(operations), A(send, expect) } }
#define ACCEPTED(name, id) ONE(name, SEARCH("", id), "1*<resultItem>")
#define REFUSED(name, id) ONE(name, SEARCH("", id), "=error InvalidIdentifier")
/* clang-format on */
