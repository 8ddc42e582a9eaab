/* Rules, several sessions and quotas as clients meet them: conversations with an engine in this
 * process (script.h). Clients A and B may do what the rules below say, M has several sessions, Q
 * has little room. */
#include <glib/gstdio.h>
#include <string.h>

#include "ifmap/answer.h"
#include "inside.h"
#include "summary.h"

static const char RULES[] = "[prefixes]\n"
			    "x = urn:example:x\n"
			    "[role full]\n"
			    "clients = basic:A\n"
			    "[role some]\n"
			    "clients = basic:B\n"
			    "[role many]\n"
			    "clients = basic:M\n"
			    "sessions = 3\n"
			    "subscriptions = 2\n"
			    "[role little]\n"
			    "clients = basic:Q\n"
			    "sessions = 2\n"
			    "stored = 3000\n"
			    "forever = 1000\n"
			    "subscriptions = 2\n"
			    "search-cost = 100\n"
			    "[role unread]\n"
			    "clients = basic:U\n"
			    "sessions = 2\n"
			    "pending = 5000\n"
			    "[role slow]\n"
			    "clients = basic:S\n"
			    "requests = 1\n"
			    "[rule secrets are A's]\n"
			    "deny = read; write\n"
			    "roles = some\n"
			    "metadata = x:secret\n"
			    "[rule as is what is fixed]\n"
			    "deny = write\n"
			    "roles = some\n"
			    "metadata = x:fixed\n"
			    "publisher = other\n"
			    "[rule own device]\n"
			    "permit = write\n"
			    "roles = some\n"
			    "metadata = x:own\n"
			    "on = device={client}\n"
			    "[rule else none]\n"
			    "deny = write\n"
			    "roles = some\n"
			    "metadata = x:own\n"
			    "[rule the rest]\n"
			    "permit = everything\n"
			    "roles = full; some; many; little; unread; slow\n";

/* clang-format off */
#define DEV(name)     "<device><name>" name "</name></device>"
#define S(name, v)    "<x:" name " ifmap-cardinality=\"singleValue\"><v>" v "</v></x:" name ">"
#define UPDATE(where, metas)  "<update>" where "<metadata>" metas "</metadata></update>"
#define FOREVER(where, metas) "<update lifetime=\"forever\">" where "<metadata>" metas "</metadata></update>"
#define NOTIFY(where, metas)  "<notify>" where "<metadata>" metas "</metadata></notify>"
#define PUBLISH(operations)   "<publish>" operations "</publish>"
#define SEARCH(depth, id)     "<search max-depth=\"" depth "\">" id "</search>"
#define SUBSCRIBE(name, depth, id) \
	"<subscribe><update name=\"" name "\" max-depth=\"" depth "\">" id "</update></subscribe>"
#define TEN      "0123456789"
#define HUNDRED  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define BIG      S("s", THOUSAND THOUSAND THOUSAND)
#define THOUSAND HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED

static const struct script_case CASES[] = {
	{ "C148 one denied item denies the whole publish", { { "A", "new", "=new" }, { "B", "new", "=new" },
		{ "B", PUBLISH(UPDATE(DEV("p1"), S("s", "1")) FOREVER(DEV("p1"), S("t", "1")) NOTIFY(DEV("p1"), S("u", "1")) UPDATE(DEV("p1"), S("secret", "1"))), "=error AccessDenied" },
		{ "A", SEARCH("0", DEV("p1")), "=p1" },
		{ "B", PUBLISH(UPDATE(DEV("p1"), S("s", "1"))), "=ok" },
		{ "A", SEARCH("0", DEV("p1")), "=p1{s=1}" } } },
	{ "C148 of its own device only", { { "B", "new", "=new" },
		{ "B", PUBLISH(UPDATE(DEV("B"), S("own", "1"))), "=ok" },
		{ "B", PUBLISH(UPDATE(DEV("C"), S("own", "1"))), "=error AccessDenied" },
		{ "B", PUBLISH(UPDATE(DEV("B") DEV("C"), S("own", "1"))), "=error AccessDenied" } } },
	{ "C149 what is unreadable is not there, nor the way through it", { { "A", "new", "=new" }, { "B", "new", "=new" },
		{ "A", PUBLISH(UPDATE(DEV("r1"), S("secret", "1") S("s", "1")) UPDATE(DEV("r1") DEV("r2"), S("secret", "1")) UPDATE(DEV("r2") DEV("r3"), S("s", "1"))), "=ok" },
		{ "A", SEARCH("3", DEV("r1")), "=r1{s=1,secret=1} r1-r2{secret=1} r2 r2-r3{s=1} r3" },
		{ "B", SEARCH("3", DEV("r1")), "=r1{s=1}" },
		{ "B", SEARCH("3", DEV("r2")), "=r2 r2-r3{s=1} r3" },
		{ "B", SUBSCRIBE("w", "3", DEV("r1")), "=ok" }, { "Bp", "poll", "=search(w): r1{s=1}" },
		{ "Bp", "poll", "hang" },
		{ "A", PUBLISH(UPDATE(DEV("r2"), S("s", "2")) UPDATE(DEV("r1") DEV("r4"), S("secret", "2")) NOTIFY(DEV("r1"), S("secret", "3"))), "=ok" }, { "Bp", NULL, "hang" },
		/* One readable link in its place, and all behind it is there. */
		{ "A", PUBLISH(UPDATE(DEV("r1") DEV("r2"), S("s", "9"))), "=ok" },
		{ "Bp", NULL, "=update(w): r1-r2{s=9} r2{s=2} r2-r3{s=1}" } } },
	{ "C149 a subscription hears the readable part of a notify", { { "A", "new", "=new" }, { "B", "new", "=new" },
		{ "A", PUBLISH(UPDATE(DEV("n1"), S("s", "1"))), "=ok" },
		{ "B", SUBSCRIBE("w", "1", DEV("n1")), "=ok" }, { "Bp", "poll", "=search(w): n1{s=1}" }, { "Bp", "poll", "hang" },
		{ "A", PUBLISH(NOTIFY(DEV("n1"), S("secret", "1") S("t", "1"))), "=ok" }, { "Bp", NULL, "=notify(w): n1{t=1}" } } },
	{ "C150 a foreign singleValue is not replaced", { { "A", "new", "=new" }, { "B", "new", "=new" },
		{ "A", PUBLISH(UPDATE(DEV("f1"), S("fixed", "1"))), "=ok" },
		{ "B", PUBLISH(UPDATE(DEV("f1"), S("fixed", "2"))), "=error AccessDenied" },
		{ "B", PUBLISH("<delete>" DEV("f1") "</delete>"), "=error AccessDenied" },
		{ "B", PUBLISH("<delete filter=\"x:s\">" DEV("f1") "</delete>"), "=ok" },
		{ "B", PUBLISH(UPDATE(DEV("f2"), S("fixed", "2")) UPDATE(DEV("f2"), S("fixed", "3"))), "=ok" },
		{ "A", SEARCH("0", DEV("f1")), "=f1{fixed=1}" } } },
	{ "deny by default", { { "N", "new", "=new" },
		{ "N", PUBLISH(UPDATE(DEV("d1"), S("s", "1"))), "=error AccessDenied" },
		{ "N", SEARCH("9", DEV("r1")), "=r1" } } },
	{ "several sessions with one certificate", { { "M", "new", "=new" }, { "M2", "new", "=new" },
		{ "M", "<renewSession session-id=\"{oM}\"/>", "=ok" }, { "M2", "<renewSession/>", "=ok" },
		{ "M", "<publish session-id=\"{oM}\">" UPDATE(DEV("m1"), S("fixed", "1")) "</publish>", "=ok" },
		{ "M2", PUBLISH(UPDATE(DEV("m2"), S("s", "1"))), "=ok" },
		/* One's own, whichever session said it. */
		{ "M2", PUBLISH(UPDATE(DEV("m1"), S("fixed", "2"))), "=ok" },
		/* The end of one is not the end of the other, and takes only what it said. */
		{ "M2", "<endSession/>", "=end" },
		{ "M", "<search session-id=\"{oM}\" max-depth=\"0\">" DEV("m2") "</search>", "=m2" } } },
	{ "sessions of one certificate have publisher-ids of their own", { { "M", "new", "=new" },
		{ "M", PUBLISH(UPDATE(DEV("m3"), S("s", "1"))), "=ok" },
		{ "M2", "new", "=new" },
		{ "M2", PUBLISH(UPDATE(DEV("m3"), S("t", "1"))), "=ok" },
		{ "M2", "<search result-filter=\"x:t[@ifmap-publisher-id='{M}']\">" DEV("m3") "</search>", "=m3{t=1}" },
		{ "M2", "<search result-filter=\"x:s[@ifmap-publisher-id='{M}']\">" DEV("m3") "</search>", "=m3" } } },
	{ "one certificate, both poll", { { "M", "new", "=new" }, { "M", SUBSCRIBE("w", "0", DEV("m4")), "=ok" },
		{ "Mp", "poll", "=search(w): m4" }, { "Mp", "poll", "hang" },
		{ "M2", "new", "=new" }, { "M2", SUBSCRIBE("w", "0", DEV("m4")), "=ok" },
		{ "A", "new", "=new" }, { "A", PUBLISH(UPDATE(DEV("m4"), S("s", "1"))), "=ok" },
		{ "Mp", NULL, "=update(w): m4{s=1}" } } },
	{ "a newSession on a session's own connection replaces that one", { { "M", "new", "=new" }, { "M2", "new", "=new" }, { "M2", "new", "=new" },
		{ "M", "<renewSession session-id=\"{oM}\"/>", "=error InvalidSessionID" }, { "M2", "<renewSession/>", "=ok" } } },
	{ "one more than granted replaces the one left alone longest", { { "M", "new", "=new" }, { "M2", "new", "=new" }, { "M3", "new", "=new" },
		{ "M4", "new", "=new" }, { "M4", "<renewSession/>", "=ok" }, { "M3", "<renewSession session-id=\"{oM}\"/>", "=ok" } } },
	{ "one session where no more are granted", { { "A", "new", "=new" }, { "A2", "new", "=new" },
		{ "A", "<renewSession session-id=\"{oA}\"/>", "=error InvalidSessionID" } } },
	{ "quota of subscriptions, over all sessions", { { "Q", "new", "=new" }, { "Q", SUBSCRIBE("a", "0", DEV("q")), "=ok" },
		{ "Q2", "new", "=new" }, { "Q2", SUBSCRIBE("a", "0", DEV("q")), "=ok" },
		{ "Q2", SUBSCRIBE("b", "0", DEV("q")), "you may have at most 2 subscriptions" },
		{ "Q2", SUBSCRIBE("a", "1", DEV("q")), "=ok" },
		{ "Q2", "<endSession/>", "=end" }, { "Q", "<endSession session-id=\"{oQ}\"/>", "=end" } } },
	{ "quota of results that nobody fetches", { { "U", "new", "=new" }, { "A", "new", "=new" },
		{ "U", SUBSCRIBE("a", "0", DEV("u1")), "=ok" }, { "U2", "new", "=new" }, { "U2", SUBSCRIBE("b", "0", DEV("u2")), "=ok" },
		{ "U2p", "poll", "=search(b): u2" },
		{ "A", PUBLISH(UPDATE(DEV("u1"), BIG)), "=ok" },
		/* Within the quota each, not together: the one that goes over it loses, and is told. */
		{ "A", PUBLISH(UPDATE(DEV("u2"), BIG)), "=ok" },
		{ "U2p", "poll", "=error PollResultsTooBig" },
		{ "U2", "<renewSession/>", "=ok" },
		{ "Up", "<poll session-id=\"{oU}\"/>", "2*searchResult|2*updateResult|!errorResult" } } },
	{ "quota of metadata, over all sessions", { { "Q", "new", "=new" }, { "Q2", "new", "=new" },
		{ "Q2", PUBLISH(UPDATE(DEV("q1"), S("s", THOUSAND))), "=ok" },
		{ "Q", "<publish session-id=\"{oQ}\">" UPDATE(DEV("q2"), S("s", THOUSAND)) "</publish>", "=ok" },
		{ "Q2", PUBLISH(UPDATE(DEV("q3"), S("s", THOUSAND))), "more than 3000 bytes of metadata would stand in your name" },
		{ "Q2", SEARCH("0", DEV("q3")), "=q3" },
		{ "Q2", PUBLISH("<delete>" DEV("q1") "</delete>" UPDATE(DEV("q3"), S("s", "1"))), "=ok" } } },
	{ "quota of metadata with lifetime forever", { { "Q", "new", "=new" },
		{ "Q", PUBLISH(UPDATE(DEV("q4"), S("s", THOUSAND))), "=ok" },
		{ "Q", PUBLISH(FOREVER(DEV("q5"), S("s", THOUSAND))), "more than 1000 bytes with lifetime forever would stand in your name" },
		{ "Q", PUBLISH(FOREVER(DEV("q5"), S("s", HUNDRED))), "=ok" },
		{ "Q", PUBLISH("<delete>" DEV("q5") "</delete>"), "=ok" } } },
};
/* clang-format on */

static struct map_policy *read_rules(const char *text)
{
	g_autofree char *dir = g_dir_make_tmp("drover-authorization-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "rules", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	struct map_policy *policy = map_policy_new(path, &error);
	g_assert_no_error(error);
	g_unlink(path);
	g_rmdir(dir);
	return policy;
}

static void set_rules(struct map_engine *engine, const char *text)
{
	g_autoptr(map_policy) policy = read_rules(text);
	map_engine_set_policy(engine, policy);
}

static struct map_engine *engine;

/* ---- conversations that need more than a table */

static char *inside_wait(const struct script_carrier *carrier, gpointer channel)
{
	g_autofree char *answer = carrier->wait(channel, 0);
	return answer ? summary_of_body(answer) : NULL;
}

/* Sends "new", "poll" or an operation; the answer in short form (of "new": the session-id), or
 * NULL when there is none yet. */
static char *inside_ask(const struct script_carrier *carrier, gpointer channel, const char *session,
	const char *send)
{
	const char *operation = g_str_equal(send, "new")    ? "<newSession/>"
				: g_str_equal(send, "poll") ? "<poll/>"
							    : send;
	size_t name_size = strcspn(operation + 1, " />");
	g_autofree char *name = g_strndup(operation + 1, name_size);
	g_autofree char *end = g_strdup_printf("</%s>", name);
	g_autofree char *id = session ? g_strdup_printf(" session-id=\"%s\"", session)
				      : g_strdup("");
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text,
		"<env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:ifmap=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\""
		" xmlns:x=\"urn:example:x\"><env:Body><ifmap:%s%s%s</env:Body></env:Envelope>",
		name, id, operation + 1 + name_size);
	g_autofree char *prefixed = g_strdup_printf("</ifmap:%s>", name);
	g_string_replace(text, end, prefixed, 0);
	carrier->post(channel, text->str);
	if (!g_str_equal(send, "new"))
		return inside_wait(carrier, channel);
	g_autofree char *answer = carrier->wait(channel, 0);
	g_autoptr(ifmap_answer) parsed = ifmap_answer_parse(answer, strlen(answer), NULL);
	return g_steal_pointer(&parsed->session_id);
}

/* Other rules while sessions stand: they stay, and see what they may see now. */
static void test_reload(void)
{
	const struct script_carrier carrier = inside_carrier(&engine);
	static const char open_rules[] = "[policy]\ndefault = permit\n";
	gpointer sync = carrier.open(carrier.self, 'B');
	gpointer poll = carrier.open(carrier.self, 'B');
	gpointer writer = carrier.open(carrier.self, 'A');

	g_autofree char *session = inside_ask(&carrier, writer, NULL, "new");
	g_free(inside_ask(&carrier, writer, session,
		PUBLISH(UPDATE(DEV("re"), S("secret", "1") S("s", "1")))));
	g_autofree char *reader = inside_ask(&carrier, sync, NULL, "new");
	g_free(inside_ask(&carrier, sync, reader, SUBSCRIBE("w", "0", DEV("re"))));
	g_autofree char *before = inside_ask(&carrier, poll, reader, "poll");
	g_assert_cmpstr(before, ==, "search(w): re{s=1}");
	g_assert_null(inside_ask(&carrier, poll, reader, "poll"));
	set_rules(engine, open_rules);
	g_autofree char *after = inside_wait(&carrier, poll);
	g_assert_cmpstr(after, ==, "search(w): re{s=1,secret=1}");
	set_rules(engine, RULES);
	g_autofree char *again = inside_ask(&carrier, poll, reader, "poll");
	g_assert_cmpstr(again, ==, "search(w): re{s=1}");
	g_autofree char *renewed = inside_ask(&carrier, sync, reader, "<renewSession/>");
	g_assert_cmpstr(renewed, ==, "ok");
	carrier.close(sync);
	carrier.close(poll);
	carrier.close(writer);
}

/* More to tell anew than the client may leave unfetched: it is told that, and nothing else ends. */
static void test_reload_overflow(void)
{
	const struct script_carrier carrier = inside_carrier(&engine);
	static const char *const names[] = { "a", "b", "c", "d" };
	gpointer sync = carrier.open(carrier.self, 'U');
	gpointer poll = carrier.open(carrier.self, 'U');
	gpointer writer = carrier.open(carrier.self, 'A');
	g_autofree char *writing = inside_ask(&carrier, writer, NULL, "new");
	g_autofree char *session = inside_ask(&carrier, sync, NULL, "new");

	g_free(inside_ask(&carrier, writer, writing, PUBLISH(UPDATE(DEV("over"), BIG))));
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *subscribe = g_strdup_printf(
			"<subscribe><update name=\"%s\">" DEV("over") "</update></subscribe>",
			names[i]);
		g_free(inside_ask(&carrier, sync, session, subscribe));
		g_autofree char *told = inside_ask(&carrier, poll, session, "poll");
		g_assert_true(g_str_has_prefix(told, "search("));
	}
	set_rules(engine, RULES);
	g_autofree char *told = inside_ask(&carrier, poll, session, "poll");
	g_assert_cmpstr(told, ==, "error PollResultsTooBig");
	g_autofree char *renewed = inside_ask(&carrier, sync, session, "<renewSession/>");
	g_assert_cmpstr(renewed, ==, "ok");
	carrier.close(sync);
	carrier.close(poll);
	carrier.close(writer);
}

/* More requests a second than granted: refused, but leaving and waiting are not, and the session
 * stays. */
static void test_requests(void)
{
	const struct script_carrier carrier = inside_carrier(&engine);
	gpointer channel = carrier.open(carrier.self, 'S');
	g_autofree char *session = inside_ask(&carrier, channel, NULL, "new");
	unsigned refused = 0;

	for (unsigned i = 0; i < 20; i++) {
		g_autofree char *answer = inside_ask(
			&carrier, channel, session, SEARCH("0", DEV("a")));
		refused += g_str_has_prefix(answer, "error Failure");
	}
	g_assert_cmpuint(refused, >=, 20 - MAP_BURST_S - 2);
	g_assert_cmpuint(refused, <, 20);
	g_autofree char *renewed = inside_ask(&carrier, channel, session, "<renewSession/>");
	g_assert_cmpstr(renewed, ==, "ok");
	g_autofree char *ended = inside_ask(&carrier, channel, session, "<endSession/>");
	g_assert_cmpstr(ended, ==, "end");
	carrier.close(channel);
}

/* A hub with more links than a search may look at. */
static void test_search_cost(void)
{
	const struct script_carrier carrier = inside_carrier(&engine);
	gpointer writer = carrier.open(carrier.self, 'A');
	gpointer reader = carrier.open(carrier.self, 'Q');
	g_autofree char *session = inside_ask(&carrier, writer, NULL, "new");
	g_autofree char *mine = inside_ask(&carrier, reader, NULL, "new");
	g_autoptr(GString) text = g_string_new("<publish>");

	for (unsigned i = 0; i < 200; i++)
		g_string_append_printf(text,
			"<update>" DEV("hub") DEV("spoke%u") "<metadata>" S("s", "1") "</metadata>"
										      "</update>",
			i);
	g_string_append(text, "</publish>");
	g_free(inside_ask(&carrier, writer, session, text->str));
	g_autofree char *near = inside_ask(&carrier, reader, mine, SEARCH("1", DEV("spoke1")));
	g_assert_true(g_str_has_prefix(near, "hub"));
	g_autofree char *far = inside_ask(&carrier, reader, mine,
		"<search max-depth=\"1\" match-links=\"x:none\">" DEV("hub") "</search>");
	g_assert_cmpstr(far, ==, "error SearchResultsTooBig");
	g_autofree char *other = inside_ask(&carrier, writer, session,
		"<search max-depth=\"1\" match-links=\"x:none\">" DEV("hub") "</search>");
	g_assert_cmpstr(other, ==, "hub");
	carrier.close(writer);
	carrier.close(reader);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	engine = inside_engine_new();
	const struct script_carrier carrier = inside_carrier(&engine);

	set_rules(engine, RULES);
	script_add_all("/authorization", &carrier, CASES, G_N_ELEMENTS(CASES));
	g_test_add_func("/authorization/reload", test_reload);
	g_test_add_func("/authorization/reload that is too much", test_reload_overflow);
	g_test_add_func("/authorization/requests a second", test_requests);
	g_test_add_func("/authorization/search cost", test_search_cost);
	int status = g_test_run();
	map_engine_drain(engine);
	map_engine_free(engine);
	return status;
}
