/* host/book: what it takes from the map, what survives on disk, and that damage claims everything.
 */
#include "pages.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define VM2 "22222222-2222-4333-8444-555555555555"

static const char *const no_codes[] = { NULL };
static const char *const codes[] = { "MEMORY", "LABEL_CONFLICT", NULL };

static struct book *full(void)
{
	static const char *const macs[] = { "52:54:00:00:00:09", NULL };
	struct book *book = book_new();

	pages_home(book, "home");
	pages_member(book, VM2, "shop", macs);
	pages_reservation(book, VM2, PAGES_OTHER, "home");
	pages_order(book, "move", "precopy", "running");
	pages_clearance(book, PAGES_HOST, codes);
	pages_add(book, FACTS_LABEL, PAGES_VM, NULL,
		&(struct facts_label){ .name = (char[]){ "blue" } });
	pages_add(book, FACTS_DEFINITION, PAGES_VM, NULL,
		&(struct facts_definition){ .xml = (char[]){ "<domain a='\"&amp;'/>" } });
	return book;
}

static void expect_full(const struct book *book)
{
	g_autoptr(GPtrArray) reserved = book_reserved(book);
	g_autoptr(GPtrArray) orders = book_orders(book);

	g_assert_cmpstr(book_claim(book, PAGES_VM), ==, "shop");
	g_assert_cmpstr(book_claim(book, VM2), ==, "shop");
	g_assert_null(book_claim(book, PAGES_OTHER));
	g_assert_cmpstr(book_claim_by_mac(book, PAGES_MAC2), ==, "shop");
	g_assert_cmpstr(book_claim_by_mac(book, "52:54:00:00:00:09"), ==, "shop");
	g_assert_null(book_claim_by_mac(book, "52:54:00:00:00:ff"));
	g_assert_cmpuint(reserved->len, ==, 1);
	g_assert_cmpstr(reserved->pdata[0], ==, PAGES_VM);
	g_assert_cmpstr(book_reservation(book, PAGES_VM)->purpose, ==, "home");
	g_assert_null(book_reservation(book, VM2));
	g_assert_cmpuint(orders->len, ==, 1);
	g_assert_cmpstr(orders->pdata[0], ==, "shop");
	g_assert_cmpstr(book_order(book, "shop")->phase, ==, "precopy");
	g_assert_cmpuint(book_clearance(book, "shop")->reasons->len, ==, 2);
	g_assert_cmpstr(book_label(book, PAGES_VM)->name, ==, "blue");
	g_assert_cmpstr(book_definition(book, PAGES_VM)->xml, ==, "<domain a='\"&amp;'/>");
	g_assert_cmpuint(book_protection(book, PAGES_VM)->rules->len, ==, 1);
	g_assert_cmpuint(book_member(book, PAGES_VM)->order, ==, 3);
	g_assert_null(book_protection(book, VM2));
}

static void test_fill(void)
{
	struct book *book = full();

	expect_full(book);
	book_free(book);
}

/* What says nothing to this host is left out. */
static void test_left_out(void)
{
	struct book *book = book_new();
	g_autoptr(ifmap_id) vm = facts_id_device(PAGES_VM, NULL);
	g_autoptr(ifmap_id) mac = ifmap_id_new_mac(PAGES_MAC, NULL, NULL);
	g_autoptr(ifmap_meta) foreign = ifmap_meta_new(
		"<x:protection xmlns:x='urn:x' ifmap-cardinality='singleValue'/>", -1, NULL);
	g_autoptr(ifmap_meta) broken = ifmap_meta_new(
		"<d:member-of xmlns:d='urn:drover:map:1' ifmap-cardinality='singleValue'>"
		"<order>many</order></d:member-of>",
		-1, NULL);
	g_autoptr(ifmap_id) vapp = facts_id_vapp("shop", NULL);
	struct book *empty = book_new();

	pages_clearance(book, PAGES_OTHER, no_codes);
	pages_reservation(book, VM2, PAGES_OTHER, "home");
	pages_add(book, FACTS_RUNS_ON, PAGES_VM, PAGES_HOST, &(struct facts_runs_on){ 0 });
	book_add(book, PAGES_HOST, vm, NULL, foreign);
	book_add(book, PAGES_HOST, vm, mac, foreign);
	book_add(book, PAGES_HOST, vm, vapp, broken);
	g_assert_cmpint(book_compare(book, empty), ==, BOOK_SAME);
	book_free(book);
	book_free(empty);
}

/* The same machine told twice, by two vApps, in either order of the link's ends: no pointer into
 * what was replaced is left. */
static void test_replaced(void)
{
	static const char *const first[] = { PAGES_MAC, PAGES_MAC2, NULL };
	static const char *const second[] = { PAGES_MAC2, "52:54:00:00:00:03", NULL };
	struct book *book = book_new();

	pages_member(book, PAGES_VM, "shop", first);
	pages_member(book, PAGES_VM, "bank", second);
	g_assert_cmpstr(book_claim(book, PAGES_VM), ==, "bank");
	g_assert_null(book_claim_by_mac(book, PAGES_MAC));
	g_assert_cmpstr(book_claim_by_mac(book, PAGES_MAC2), ==, "bank");
	g_assert_cmpstr(book_claim_by_mac(book, "52:54:00:00:00:03"), ==, "bank");
	book_free(book);
}

static void test_link_ends(void)
{
	struct book *book = book_new();
	g_autoptr(ifmap_id) vm = facts_id_device(PAGES_VM, NULL);
	g_autoptr(ifmap_id) host = facts_id_device(PAGES_HOST, NULL);
	g_autoptr(ifmap_id) vapp = facts_id_vapp("shop", NULL);
	g_autoptr(ifmap_meta)
		member = facts_encode(FACTS_MEMBER_OF, &(struct facts_member_of){ 0 }, NULL);
	g_autoptr(ifmap_meta) reservation = facts_encode(FACTS_RESERVATION,
		&(struct facts_reservation){ .purpose = (char[]){ "home" } }, NULL);
	g_autoptr(ifmap_meta) clearance = facts_encode(
		FACTS_CLEARANCE, &(struct facts_clearance){ .clear = TRUE }, NULL);

	book_add(book, PAGES_HOST, vapp, vm, member);
	book_add(book, PAGES_HOST, host, vm, reservation);
	book_add(book, PAGES_HOST, host, vapp, clearance);
	g_assert_cmpstr(book_claim(book, PAGES_VM), ==, "shop");
	g_assert_nonnull(book_reservation(book, PAGES_VM));
	g_assert_true(book_clearance(book, "shop")->clear);
	book_free(book);
}

/* Connections: of another host only, and only those of the order asked for. */
static void test_conntrack(void)
{
	struct book *book = book_new();
	struct facts_conntrack fact = { .order = (char[]){ "o1" }, .n_entries = 2 };

	pages_add(book, FACTS_CONNTRACK, PAGES_VM, PAGES_OTHER, &fact);
	pages_add(book, FACTS_CONNTRACK, VM2, PAGES_HOST, &fact);
	g_assert_cmpuint(book_conntrack(book, PAGES_VM, "o1")->n_entries, ==, 2);
	g_assert_null(book_conntrack(book, PAGES_VM, "o2"));
	g_assert_null(book_conntrack(book, PAGES_VM, NULL));
	g_assert_null(book_conntrack(book, VM2, "o1"));
	book_free(book);
}

static void test_equal(void)
{
	struct book *a = full();
	struct book *b = full();
	struct book *empty = book_new();

	g_assert_cmpint(book_compare(a, b), ==, BOOK_SAME);
	g_assert_cmpint(book_compare(a, empty), ==, BOOK_INTENTS);
	g_assert_cmpint(book_compare(empty, a), ==, BOOK_INTENTS);
	pages_add(b, FACTS_CONNTRACK, VM2, PAGES_OTHER,
		&(struct facts_conntrack){ .order = (char[]){ "o9" } });
	g_assert_cmpint(book_compare(a, b), ==, BOOK_NEWS);
	g_assert_cmpint(book_compare(b, a), ==, BOOK_NEWS);
	pages_order(b, "move", "switch", "running");
	g_assert_cmpint(book_compare(a, b), ==, BOOK_INTENTS);
	pages_order(a, "move", "switch", "running");
	g_assert_cmpint(book_compare(a, b), ==, BOOK_NEWS);
	pages_member(b, PAGES_VM, "bank", (const char *[]){ PAGES_MAC, PAGES_MAC2, NULL });
	g_assert_cmpint(book_compare(a, b), ==, BOOK_INTENTS);
	book_free(a);
	book_free(b);
	book_free(empty);
}

/* ---- the file ---- */

static char *folder;
static char *path;

static void setup(void)
{
	folder = g_dir_make_tmp("drover-book-XXXXXX", NULL);
	path = g_build_filename(folder, "book.json", NULL);
}

static void teardown(void)
{
	g_unlink(path);
	g_rmdir(folder);
	g_free(path);
	g_free(folder);
}

static void test_save_load(void)
{
	struct book *book = full();
	g_autoptr(GError) error = NULL;
	struct book *again;

	book_save(book, path, &error);
	g_assert_no_error(error);
	again = book_load(path, PAGES_HOST, &error);
	g_assert_no_error(error);
	expect_full(again);
	g_assert_cmpint(book_compare(book, again), ==, BOOK_SAME);
	book_free(book);
	book_free(again);
}

static void test_missing(void)
{
	g_autoptr(GError) error = NULL;
	struct book *book = book_load(path, PAGES_HOST, &error);
	struct book *empty = book_new();
	const char *const macs[] = { PAGES_MAC, NULL };

	g_assert_no_error(error);
	g_assert_cmpint(book_compare(book, empty), ==, BOOK_SAME);
	g_assert_false(book_file_claims(path, PAGES_VM, macs));
	book_free(book);
	book_free(empty);
}

static void test_save_fails(void)
{
	struct book *book = full();
	g_autoptr(GError) error = NULL;
	g_autofree char *nowhere = g_build_filename(folder, "none", "book.json", NULL);

	g_assert_false(book_save(book, nowhere, &error));
	g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
	book_free(book);
}

static void expect_damaged(const char *text, gssize size)
{
	g_autoptr(GError) error = NULL;

	g_test_message("%.*s", size < 0 ? 200 : (int)MIN(size, 200), text);
	g_assert_true(g_file_set_contents(path, text, size, NULL));
	g_assert_null(book_load(path, PAGES_HOST, &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "book.json"));
	g_clear_error(&error);
}

static void test_damaged(void)
{
	static const char *const texts[] = {
		"", "{", "[]", "7", "null", "{}", "{\"version\":1,\"claims\":{}}",
		"{\"version\":1,\"items\":[]}", "{\"version\":1,\"claims\":{},\"items\":{}}",
		"{\"version\":2,\"claims\":{},\"items\":[]}", "{\"claims\":{},\"items\":[]}",
		"{\"version\":1,\"claims\":[],\"items\":[]}",
		"{\"version\":1,\"claims\":{},\"items\":[7]}",
		"{\"version\":1,\"claims\":{},\"items\":[{\"kind\":\"order\",\"a\":\"shop\"}]}",
		"{\"version\":1,\"claims\":{},\"items\":[{\"kind\":\"x\",\"a\":\"shop\",\"xml\":\"<x/>\"}]}",
		"{\"version\":1,\"claims\":{},\"items\":[{\"kind\":\"order\",\"a\":\"shop\",\"xml\":\"<\"}]}"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		expect_damaged(texts[i], -1);
}

/* A file that was cut off anywhere is damaged for the agent, and claims everything for the hook. */
static void test_cut(void)
{
	struct book *book = full();
	const char *const macs[] = { "52:54:00:00:00:ff", NULL };
	g_autofree char *text = NULL;
	gsize size;

	g_assert_true(book_save(book, path, NULL));
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	for (gsize cut = 0; cut + 1 < size; cut += 41) {
		expect_damaged(text, (gssize)cut);
		g_assert_true(book_file_claims(path, PAGES_OTHER, macs));
	}
	book_free(book);
}

/* An item that today's code cannot decode is no reason to forget it silently. */
static void test_undecodable(void)
{
	expect_damaged("{\"version\":1,\"claims\":{},\"items\":[{\"kind\":\"member-of\","
		       "\"a\":\"" PAGES_VM "\",\"b\":\"shop\",\"xml\":"
		       "\"<d:member-of xmlns:d='urn:drover:map:1' "
		       "ifmap-cardinality='singleValue'><order>many</order></d:member-of>\"}]}",
		-1);
}

static void test_claims(void)
{
	struct book *book = full();
	const char *const none[] = { NULL };
	const char *const mine[] = { "52:54:00:00:00:ff", PAGES_MAC2, NULL };
	const char *const foreign[] = { "52:54:00:00:00:ff", NULL };

	g_assert_true(book_save(book, path, NULL));
	g_assert_true(book_file_claims(path, PAGES_VM, none));
	g_assert_true(book_file_claims(path, VM2, NULL));
	g_assert_true(book_file_claims(path, PAGES_OTHER, mine));
	g_assert_false(book_file_claims(path, PAGES_OTHER, foreign));
	g_assert_false(book_file_claims(path, PAGES_OTHER, NULL));
	book_free(book);
}

static void test_claims_damaged(void)
{
	static const char *const texts[] = { "", "{", "[]", "{}", "{\"version\":1,\"claims\":7}",
		"{\"version\":1,\"claims\":{\"" PAGES_VM "\":\"" PAGES_MAC "\"}}",
		"{\"version\":1,\"claims\":{\"" PAGES_VM "\":[7]}}",
		"{\"version\":2,\"claims\":{}}" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
		g_assert_true(book_file_claims(path, PAGES_OTHER, NULL));
	}
}

/* Neither a folder in the file's place nor a dangling link is "no file". */
static void test_unreadable(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	g_assert_true(book_file_claims(path, PAGES_OTHER, NULL));
	g_assert_null(book_load(path, PAGES_HOST, &error));
	g_assert_nonnull(error);
	g_clear_error(&error);
	g_rmdir(path);
	g_assert_cmpint(symlink("book.json", path), ==, 0);
	g_assert_true(book_file_claims(path, PAGES_OTHER, NULL));
	g_assert_null(book_load(path, PAGES_HOST, &error));
	g_assert_nonnull(error);
}

static void with_file(gconstpointer test)
{
	setup();
	((void (*)(void))test)();
	teardown();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*test)(void);
	} file_tests[] = {
		{ "/book/file/save-load", test_save_load },
		{ "/book/file/missing", test_missing },
		{ "/book/file/save-fails", test_save_fails },
		{ "/book/file/damaged", test_damaged },
		{ "/book/file/cut", test_cut },
		{ "/book/file/undecodable", test_undecodable },
		{ "/book/file/claims", test_claims },
		{ "/book/file/claims-damaged", test_claims_damaged },
		{ "/book/file/unreadable", test_unreadable },
	};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/book/fill", test_fill);
	g_test_add_func("/book/left-out", test_left_out);
	g_test_add_func("/book/replaced", test_replaced);
	g_test_add_func("/book/link-ends", test_link_ends);
	g_test_add_func("/book/conntrack", test_conntrack);
	g_test_add_func("/book/equal", test_equal);
	for (size_t i = 0; i < G_N_ELEMENTS(file_tests); i++)
		g_test_add_data_func(
			file_tests[i].path, (gconstpointer)file_tests[i].test, with_file);
	return g_test_run();
}
