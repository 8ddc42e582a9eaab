/* host/gate: the whole table of operation × standing, with domains sealed by a real key. */
#include "host/gate.h"
#include "pages.h"
#include "sealkey.h"

#include <string.h>

#define COPY_UUID "99999999-2222-4333-8444-555555555555"

static struct sealkey key;
static struct sealkey other;

/* ---- domains ---- */

static char *domain_text(const char *uuid, const char *mac)
{
	return g_strdup_printf(
		"<domain type='qemu'><name>shop-web1</name><uuid>%s</uuid><devices>"
		"<interface type='bridge'><mac address='%s'/><source bridge='br-front'/>"
		"<target dev='dv00000001'/></interface></devices></domain>",
		uuid, mac);
}

enum body {
	FOREIGN,       /* neither UUID nor MAC nor metadata of ours */
	BARE,          /* our UUID, no metadata */
	SEALED,        /* as control defined it */
	UNSEALED,      /* our metadata without a seal */
	FORGED,        /* sealed with another key */
	COPIED,        /* sealed, then given another UUID */
	BARE_COPY,     /* another UUID, our MAC, no metadata */
	RENUMBERED,    /* sealed, then given another MAC */
	FOREIGN_CLAIM, /* foreign UUID and MAC with our metadata pasted in */
	NO_XML,
	NO_DOMAIN,
	NO_UUID,
};

static char *body_xml(enum body body)
{
	g_autofree char *own = domain_text(PAGES_VM, PAGES_MAC);
	g_autofree char *sealed = sealkey_seal(&key, own);
	g_autofree char *foreign = domain_text(COPY_UUID, "52:54:00:00:00:99");
	g_autoptr(GString) text = g_string_new(sealed);

	switch (body) {
	case FOREIGN:
		return g_steal_pointer(&foreign);
	case BARE:
		return g_steal_pointer(&own);
	case SEALED:
		return g_steal_pointer(&sealed);
	case UNSEALED:
		return sealkey_seal(NULL, own);
	case FORGED:
		return sealkey_seal(&other, own);
	case COPIED:
		g_string_replace(text, "<uuid>" PAGES_VM, "<uuid>" COPY_UUID, 0);
		return g_strdup(text->str);
	case BARE_COPY:
		return domain_text(COPY_UUID, "52:54:00:00:00:01");
	case RENUMBERED:
		g_string_replace(
			text, "<mac address=\"" PAGES_MAC, "<mac address=\"52:54:00:00:00:99", 0);
		g_string_replace(
			text, "<mac address='" PAGES_MAC, "<mac address='52:54:00:00:00:99", 0);
		return g_strdup(text->str);
	case FOREIGN_CLAIM:
		return sealkey_seal(&key, foreign);
	case NO_XML:
		return g_strdup("<domain><uuid>");
	case NO_DOMAIN:
		return g_strdup("<network><uuid>" PAGES_VM "</uuid></network>");
	case NO_UUID:
		return g_strdup("<domain><name>x</name></domain>");
	}
	g_assert_not_reached();
}

/* ---- what the book says ---- */

static void page_empty(struct book *book)
{
}

static void page_member(struct book *book)
{
	pages_member(book, PAGES_VM, "shop", (const char *[]){ PAGES_MAC, PAGES_MAC2, NULL });
}

static void page_refused(struct book *book)
{
	page_member(book);
	pages_clearance(book, PAGES_HOST, (const char *[]){ "MEMORY", "SEGMENT_MISSING", NULL });
}

static void page_clear(struct book *book)
{
	page_member(book);
	pages_clearance(book, PAGES_HOST, (const char *[]){ NULL });
}

/* Not clear, and nobody says why. */
static void page_mute(struct book *book)
{
	g_autoptr(GPtrArray) none = facts_list_new();
	struct facts_clearance fact = { .reasons = none };

	page_member(book);
	pages_add(book, FACTS_CLEARANCE, "vapp:shop", PAGES_HOST, &fact);
}

static void page_unprotected(struct book *book)
{
	page_member(book);
	pages_reservation(book, PAGES_VM, PAGES_HOST, "home");
}

static void page_home(struct book *book)
{
	pages_home(book, "home");
}

static void page_arrival(struct book *book)
{
	pages_home(book, "arrival");
}

static void page_home_in(struct book *book, const char *verb, const char *phase, const char *state)
{
	pages_home(book, "home");
	pages_order(book, verb, phase, state);
}

static void page_protect(struct book *book)
{
	page_home_in(book, "move", "protect", "running");
}

static void page_precopy(struct book *book)
{
	page_home_in(book, "move", "precopy", "running");
}

static void page_switch(struct book *book)
{
	page_home_in(book, "move", "switch", "running");
}

static void page_switch_stuck(struct book *book)
{
	page_home_in(book, "move", "switch", "stuck");
}

static void page_resume(struct book *book)
{
	page_home_in(book, "move", "resume", "running");
}

static void page_done(struct book *book)
{
	page_home_in(book, "move", "done", "done");
}

static void page_start(struct book *book)
{
	page_home_in(book, "start", "start", "running");
}

static void page_arrival_protect(struct book *book)
{
	pages_home(book, "arrival");
	pages_order(book, "move", "protect", "running");
}

/* ---- the table ---- */

static const struct row {
	const char *name;
	void (*page)(struct book *book);
	enum body body;
	enum gate_answer answer;
	const char *operation;
	const char *code;
	const char *says;
} rows[] = {
	{ "foreign", page_home, FOREIGN, GATE_ALLOW, "start", NULL, NULL },
	{ "foreign-arrival", page_home, FOREIGN, GATE_ALLOW, "migrate", NULL, NULL },
	{ "no-seal", page_home, BARE, GATE_REFUSE, "start", "SEAL_MISSING", "vApp shop" },
	{ "no-seal-arrival", page_home, BARE, GATE_REFUSE, "migrate", "SEAL_MISSING", "vApp shop" },
	{ "no-signature", page_home, UNSEALED, GATE_REFUSE, "start", "SEAL_INVALID", "shop-web1" },
	{ "forged", page_home, FORGED, GATE_REFUSE, "start", "SEAL_INVALID", "shop-web1" },
	{ "copy", page_home, COPIED, GATE_REFUSE, "start", "SEAL_INVALID", "is for domain" },
	{ "copy-arrival", page_home, COPIED, GATE_REFUSE, "migrate", "SEAL_INVALID",
		"is for domain" },
	{ "copy-no-metadata", page_home, BARE_COPY, GATE_REFUSE, "start", "SEAL_MISSING", "copy" },
	{ "other-card", page_home, RENUMBERED, GATE_REFUSE, "start", "SEAL_INVALID", "shop-web1" },
	{ "claim-pasted", page_home, FOREIGN_CLAIM, GATE_REFUSE, "start", "SEAL_INVALID",
		"is for domain" },
	{ "not-in-book", page_empty, SEALED, GATE_REFUSE, "start", "NOT_MEMBER",
		"does not count it" },
	{ "not-reserved", page_member, SEALED, GATE_REFUSE, "start", "NOT_CLEARED",
		"not reserved for hosta; move it with: drover move shop --to hosta" },
	{ "not-reserved-arrival", page_member, SEALED, GATE_REFUSE, "migrate", "NOT_CLEARED",
		"not reserved for hosta" },
	{ "not-clear", page_refused, SEALED, GATE_REFUSE, "start", "MEMORY",
		"because of MEMORY\nSEGMENT_MISSING: because of SEGMENT_MISSING" },
	{ "not-clear-arrival", page_refused, SEALED, GATE_REFUSE, "migrate", "MEMORY", "MEMORY" },
	{ "clear-not-reserved", page_clear, SEALED, GATE_REFUSE, "start", "NOT_CLEARED",
		"not reserved" },
	{ "not-clear-no-reason", page_mute, SEALED, GATE_REFUSE, "start", "NOT_CLEARED",
		"not reserved" },
	{ "no-protection", page_unprotected, SEALED, GATE_REFUSE, "start", "NOT_CLEARED",
		"no protection" },
	{ "home", page_home, SEALED, GATE_ENFORCE, "start", NULL, NULL },
	{ "home-prepare", page_home, SEALED, GATE_ENFORCE, "prepare", NULL, NULL },
	{ "home-restore", page_home, SEALED, GATE_ENFORCE, "restore", NULL, NULL },
	{ "home-comes-back", page_home, SEALED, GATE_ENFORCE, "migrate", NULL, NULL },
	{ "home-protect", page_protect, SEALED, GATE_ENFORCE, "start", NULL, NULL },
	{ "home-precopy", page_precopy, SEALED, GATE_ENFORCE, "start", NULL, NULL },
	{ "home-switch", page_switch, SEALED, GATE_REFUSE, "start", "ORDER_RUNNING",
		"order o1 is in phase switch" },
	{ "home-switch-stuck", page_switch_stuck, SEALED, GATE_REFUSE, "start", "ORDER_RUNNING",
		"phase switch" },
	{ "home-switch-restore", page_switch, SEALED, GATE_REFUSE, "restore", "ORDER_RUNNING",
		"phase switch" },
	{ "home-resume", page_resume, SEALED, GATE_ENFORCE, "start", NULL, NULL },
	{ "home-done", page_done, SEALED, GATE_ENFORCE, "start", NULL, NULL },
	{ "home-start", page_start, SEALED, GATE_ENFORCE, "start", NULL, NULL },
	{ "arrival-migrates", page_arrival_protect, SEALED, GATE_ENFORCE, "migrate", NULL, NULL },
	{ "arrival-starts", page_arrival_protect, SEALED, GATE_REFUSE, "start", "ORDER_RUNNING",
		"may not start on hosta now" },
	{ "arrival-no-order", page_arrival, SEALED, GATE_REFUSE, "start", "ORDER_RUNNING", "?" },
	{ "xml-cut", page_home, NO_XML, GATE_REFUSE, "start", "BAD_DOMAIN", "domain XML:1: " },
	{ "not-a-domain", page_home, NO_DOMAIN, GATE_REFUSE, "start", "BAD_DOMAIN", "<domain>" },
	{ "no-uuid", page_home, NO_UUID, GATE_REFUSE, "start", "BAD_DOMAIN", "UUID" },
};

static struct gate_verdict ask(
	const struct row *row, const char *operation, const char *seal_key, gboolean admit)
{
	struct book *book = book_new();
	g_autofree char *xml = body_xml(row->body);
	struct gate_request request = { .operation = operation,
		.arrival = strcmp(operation, "migrate") == 0,
		.xml = xml,
		.seal_key = seal_key,
		.host_name = "hosta",
		.admit_unclaimed = admit };
	struct gate_verdict verdict;

	row->page(book);
	gate_judge(book, &request, &verdict);
	book_free(book);
	return verdict;
}

static void test_row(gconstpointer data)
{
	const struct row *row = data;
	struct gate_verdict verdict = ask(row, row->operation, key.public_pem, TRUE);

	g_test_message("%s: %s", verdict.code ? verdict.code : "-", verdict.text);
	g_assert_cmpint(verdict.answer, ==, row->answer);
	g_assert_cmpstr(verdict.code, ==, row->code);
	if (row->says)
		g_assert_nonnull(strstr(verdict.text, row->says));
	else
		g_assert_null(verdict.text);
	if (row->answer == GATE_ENFORCE)
		g_assert_cmpstr(verdict.uuid, ==, PAGES_VM);
	gate_verdict_clear(&verdict);
	g_assert_null(verdict.code);
}

/* News of what has already happened is never refused, whoever it is about. */
static void test_news(void)
{
	static const char *const news[] = { "started", "stopped", "release", "reconnect", "attach",
		"", "Start" };

	for (size_t r = 0; r < G_N_ELEMENTS(rows); r++)
		for (size_t i = 0; i < G_N_ELEMENTS(news); i++) {
			struct gate_verdict verdict = ask(&rows[r], news[i], key.public_pem, FALSE);

			g_assert_cmpint(verdict.answer, ==, GATE_ALLOW);
			gate_verdict_clear(&verdict);
		}
}

static void test_no_key(void)
{
	static const struct row row = { "", page_home, SEALED };
	struct gate_verdict verdict = ask(&row, "start", NULL, TRUE);

	g_assert_cmpint(verdict.answer, ==, GATE_REFUSE);
	g_assert_cmpstr(verdict.code, ==, "SEAL_INVALID");
	gate_verdict_clear(&verdict);
	verdict = ask(&row, "start", "no key at all", TRUE);
	g_assert_cmpint(verdict.answer, ==, GATE_REFUSE);
	g_assert_cmpstr(verdict.code, ==, "SEAL_INVALID");
	gate_verdict_clear(&verdict);
}

static void test_closed_host(void)
{
	static const struct row row = { "", page_home, FOREIGN };
	struct gate_verdict verdict = ask(&row, "start", key.public_pem, FALSE);

	g_assert_cmpint(verdict.answer, ==, GATE_REFUSE);
	g_assert_cmpstr(verdict.code, ==, "NOT_MEMBER");
	g_assert_nonnull(strstr(verdict.text, "hosta runs only machines of vApps"));
	gate_verdict_clear(&verdict);
}

/* UUIDs and MACs are compared as what they are, not as how they are written. */
static void test_upper_case(void)
{
	struct book *book = book_new();
	g_autofree char *xml = domain_text(
		"AAAAAAAA-2222-4333-8444-555555555555", "52:54:00:AA:00:01");
	struct gate_request request = {
		.operation = "start", .xml = xml, .host_name = "hosta", .admit_unclaimed = TRUE
	};
	struct gate_verdict verdict;

	pages_member(
		book, "aaaaaaaa-2222-4333-8444-555555555555", "shop", (const char *[]){ NULL });
	gate_judge(book, &request, &verdict);
	g_assert_cmpstr(verdict.code, ==, "SEAL_MISSING");
	gate_verdict_clear(&verdict);
	book_free(book);
	book = book_new();
	pages_member(book, PAGES_VM, "shop", (const char *[]){ "52:54:00:aa:00:01", NULL });
	gate_judge(book, &request, &verdict);
	g_assert_cmpstr(verdict.code, ==, "SEAL_MISSING");
	gate_verdict_clear(&verdict);
	book_free(book);
}

int main(int argc, char **argv)
{
	int code;

	g_test_init(&argc, &argv, NULL);
	sealkey_init(&key);
	sealkey_init(&other);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_strconcat("/gate/row/", rows[i].name, NULL);

		g_test_add_data_func(path, &rows[i], test_row);
	}
	g_test_add_func("/gate/news", test_news);
	g_test_add_func("/gate/no-key", test_no_key);
	g_test_add_func("/gate/closed-host", test_closed_host);
	g_test_add_func("/gate/upper-case", test_upper_case);
	code = g_test_run();
	sealkey_clear(&key);
	sealkey_clear(&other);
	return code;
}
