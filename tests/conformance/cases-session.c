/* C124 to C138: sessions and their channels, and the rows of 4.2. */
#include "groups.h"
#include "phrases.h"

/* clang-format off */
#define WITH_ID(id) "<renewSession session-id=\"" id "\"/>"

static const struct script_case cases[] = {
	{ "C124 two ids, the publisher's stays", { { "A", "new", "session-id=\"|ifmap-publisher-id=\"" }, { "B", "new", "!{A}" },
		{ "A", "new", "ifmap-publisher-id=\"{A}\"|!{sA}" } } },
	{ "C125 newSession ends the session before", { A_BEGINS, A_BEGINS, A(WITH_ID("{oA}"), "=error InvalidSessionID"), A(RENEW, "=ok") } },
	{ "C125 and its metadata, before the answer", { A_BEGINS, A_PUTS(UPDATE(DEVICE("c125"), SINGLE("s", "1"))), A_BEGINS, A(SEARCH("", DEVICE("c125")), "=c125") } },
	{ "C125 and answers its poll", { A_BEGINS, HANGS, A_BEGINS, GETS("=end"), HANGS } },
	{ "C125 on a fresh connection", { A_BEGINS, { "A2", "new", "=new" }, { "A2", RENEW, "=ok" }, A(WITH_ID("{oA}"), "=error InvalidSessionID") } },
	{ "C126 an unknown id", { A_BEGINS, A(WITH_ID("42"), "=error InvalidSessionID"), A(RENEW, "=ok") } },
	{ "C126 a foreign id", { A_BEGINS, B_BEGINS, B(WITH_ID("{sA}"), "=error InvalidSessionID"), A(RENEW, "=ok"), B(RENEW, "=ok") } },
	{ "C126 before anything about the content", { A_BEGINS, A("<publish session-id=\"42\"><update/></publish>", "=error InvalidSessionID") } },
	{ "D20 no id", { { "A", RENEW, "=error InvalidSessionID" }, { "A", "<publish><update/></publish>", "=error InvalidSessionID" } } },
	{ "C127 endSession", { A_BEGINS, A(END, "<endSessionResult/>"), A(RENEW, "=error InvalidSessionID"), A_BEGINS, A(RENEW, "=ok") } },
	{ "C128 endSession answers the poll", { A_BEGINS, HANGS, A(END, "=end"), GETS("=end") } },
	{ "C129 renewals on new connections", { A_BEGINS, { "A", "close", NULL }, { "A2", RENEW, "<renewSessionResult/>" }, { "A2", "close", NULL }, { "A3", RENEW, "=ok" } } },
	{ "C132 a second poll", { A_BEGINS, HANGS, { "A2", "poll", "=error InvalidSessionID" }, GETS("=end"), A(RENEW, "=error InvalidSessionID") } },
	{ "C133 the ARC breaks during a poll", { A_BEGINS, A_PUTS(UPDATE(DEVICE("c133"), SINGLE("s", "1"))), B_BEGINS, { "B", SUBSCRIBE("w", "", DEVICE("c133")), "=ok" }, { "Bp", "poll", NULL }, { "Bp", "poll", "hang" },
		HANGS, { "Ap", "close", NULL }, { "Bp", NULL, "=delete(w): c133{s=1}" }, A(RENEW, "=error InvalidSessionID") } },
	{ "C134 another SSRC takes over", { A_BEGINS, { "A2", RENEW, "=ok" }, A(RENEW, "=error AccessDenied"), A("new", "=error AccessDenied"), { "A2", RENEW, "=ok" } } },
	{ "C135 poll on the SSRC (D4)", { A_BEGINS, A("poll", "=error Failure"), A(RENEW, "=ok") } },
	{ "C135 requests on the ARC (D4)", { A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS("=search(w): a"),
		{ "Ap", RENEW, "=error Failure" }, { "Ap", "new", "=error AccessDenied" }, HANGS } },
	{ "C136 subscriptions end with the session", { A_BEGINS, A_WATCHES("w", "", AR("a")), A_BEGINS, HANGS } },
	{ "C137 no ARC is needed", { A_BEGINS, A_PUTS(UPDATE(AR("a"), SINGLE("s", "1"))), A(SEARCH("", AR("a")), "=a{s=1}"), A(RENEW, "=ok"), A(END, "=end") } },
	{ "C138 clients are independent", { A_BEGINS, B_BEGINS, HANGS, B(END, "=end"), A(RENEW, "=ok"), QUIET } },

	{ "4.2 the ARC closes between polls (D15)", { A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS("=search(w): a"), { "Ap", "close", NULL },
		A(RENEW, "=ok"), A_PUTS(UPDATE(AR("a"), SINGLE("s", "1"))), POLLS("=update(w): a{s=1}") } },
	{ "4.2 another ARC takes over", { A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS("=search(w): a"), { "A2", "poll", "hang" }, { "A3", "poll", "=error InvalidSessionID" } } },
	{ "4.2 a superseded ARC", { A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS("=search(w): a"), A_WATCHES("v", "", AR("a")),
		{ "A2", "poll", "=search(v): a" }, { "Ap", "poll", "=error AccessDenied" }, A(RENEW, "=ok") } },
	{ "4.2 an ARC of the session before", { A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS("=search(w): a"), A_BEGINS, A_WATCHES("w", "", AR("a")), POLLS("=search(w): a"), HANGS } },
	{ "4.2 the SSRC is opened again and again", { A_BEGINS, { "A2", RENEW, "=ok" }, { "A3", RENEW, "=ok" }, { "A2", RENEW, "=error AccessDenied" }, { "A3", RENEW, "=ok" }, HANGS } },
};
/* clang-format on */

const struct script_group CONFORMANCE_SESSION = { "session", cases, G_N_ELEMENTS(cases) };
