/* C148 to C150: content authorization, on a server with rules. */
#include "groups.h"
#include "phrases.h"

const char CONFORMANCE_RULES[] =
	"[prefixes]\nx = urn:example:x\n"
	"[role all]\nclients = basic:A; basic:C; basic:D\n"
	"[role some]\nclients = basic:B\n"
	"[rule hidden]\ndeny = read; write\nroles = some\nmetadata = x:hidden\n"
	"[rule fixed]\ndeny = write\nroles = some\nmetadata = x:fixed\n"
	"publisher = other\n"
	"[rule the rest]\npermit = everything\nroles = all; some\n";

/* clang-format off */
#define HIDDEN UPDATE(AR("a"), SINGLE("hidden", "1") SINGLE("s", "1")) UPDATE(AR("a") AR("b"), SINGLE("hidden", "1")) UPDATE(AR("b") AR("c"), SINGLE("s", "1"))

static const struct script_case cases[] = {
	{ "C148 one denied item denies the whole publish", { A_BEGINS, B_BEGINS, A_WATCHES("w", "", AR("a")), POLLS(NULL), HANGS,
		B(PUBLISH(UPDATE(AR("a"), SINGLE("s", "1")) NOTIFY(AR("a"), SINGLE("t", "1")) UPDATE(AR("a"), SINGLE("hidden", "1"))), "=error AccessDenied"),
		QUIET, A(SEARCH("", AR("a")), "=a"), B(RENEW, "=ok") } },
	{ "C148 a denied notify", { B_BEGINS, B(PUBLISH(NOTIFY(AR("a"), SINGLE("hidden", "1"))), "=error AccessDenied") } },
	{ "C149 what is unreadable is not shown", { A_BEGINS, B_BEGINS, A_PUTS(HIDDEN), B(SEARCH("", AR("a")), "=a{s=1}"), A(SEARCH("", AR("a")), "=a{hidden=1,s=1}") } },
	{ "C149 nor is it a way", { A_BEGINS, B_BEGINS, A_PUTS(HIDDEN), B(SEARCH(DEPTH("3"), AR("a")), "=a{s=1}"), A(SEARCH(DEPTH("3"), AR("a")), "=a{hidden=1,s=1} a-b{hidden=1} b b-c{s=1} c") } },
	{ "C149 watched", { A_BEGINS, B_BEGINS, A_PUTS(HIDDEN), B(SUBSCRIBE("w", DEPTH("3"), AR("a")), "=ok"), { "Bp", "poll", "=search(w): a{s=1}" }, { "Bp", "poll", "hang" },
		A_PUTS(UPDATE(AR("a"), SINGLE("hidden", "2"))), { "Bp", NULL, "hang" },
		A_PUTS(UPDATE(AR("a") AR("b"), SINGLE("s", "2"))), { "Bp", NULL, "=update(w): a-b{s=2} b-c{s=1}" } } },
	{ "C150 a foreign singleValue is protected", { A_BEGINS, B_BEGINS, A_PUTS(UPDATE(AR("a"), SINGLE("fixed", "1"))),
		B(PUBLISH(UPDATE(AR("a"), SINGLE("fixed", "2"))), "=error AccessDenied"),
		B(PUBLISH(DELETE_IF("x:fixed", AR("a"))), "=error AccessDenied"), A(SEARCH("", AR("a")), "=a{fixed=1}") } },
	{ "C150 one's own is not", { B_BEGINS, B_PUTS(UPDATE(AR("a"), SINGLE("fixed", "1"))), B_PUTS(UPDATE(AR("a"), SINGLE("fixed", "2"))), B_PUTS(DELETE(AR("a"))) } },
};
/* clang-format on */

const struct script_group CONFORMANCE_RULED = { "ruled", cases, G_N_ELEMENTS(cases) };
