/* host/porter on a real socket, with rules that always stand: which questions count as an arrival.
 */
#include "host/domxml.h"
#include "host/porter.h"
#include "pages.h"
#include "sealkey.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#define DOMAIN                                                                               \
	"<domain type='qemu'><name>shop-web1</name><uuid>" PAGES_VM "</uuid><devices>"       \
	"<interface type='bridge'><mac address='" PAGES_MAC "'/><source bridge='br-front'/>" \
	"</interface></devices></domain>"

struct stage {
	struct sealkey key;
	char *folder;
	char *path;
	char *sealed; /* the machine as its source sends it */
	struct porter *porter;
};

/* ---- the players ---- */

static struct book *book;

const struct book *windows_book(const struct windows *windows)
{
	return book;
}

void guard_wait(struct guard *guard, const char *uuid, unsigned timeout_ms, guard_ready_fn ready,
	gpointer data)
{
	ready(TRUE, NULL, data);
}

/* ---- the stage ---- */

static void stage_init(struct stage *stage)
{
	g_autoptr(GError) error = NULL;
	struct porter_parts parts = { .host_name = "B", .admit_unclaimed = TRUE };

	*stage = (struct stage){ .folder = g_dir_make_tmp("drover-porter-XXXXXX", NULL) };
	sealkey_init(&stage->key);
	stage->path = g_build_filename(stage->folder, "gate.sock", NULL);
	stage->sealed = sealkey_seal(&stage->key, DOMAIN);
	book = book_new();
	pages_home(book, "arrival");
	pages_order(book, "move", "precopy", "running");
	parts.seal_key = stage->key.public_pem;
	stage->porter = porter_new(stage->path, &parts, &error);
	g_assert_no_error(error);
}

static void stage_clear(struct stage *stage)
{
	porter_free(stage->porter);
	while (g_main_context_iteration(NULL, FALSE))
		;
	book_free(book);
	g_rmdir(stage->folder);
	g_free(stage->folder);
	g_free(stage->path);
	g_free(stage->sealed);
	sealkey_clear(&stage->key);
}

/* ---- asking as the hook does ---- */

static void on_spliced(GObject *stream, GAsyncResult *result, gpointer done)
{
	g_assert_cmpint(g_output_stream_splice_finish(G_OUTPUT_STREAM(stream), result, NULL), >, 0);
	*(gboolean *)done = TRUE;
}

/* What the porter answers: "allow\nOUTPUT" or "refuse CODE\nTEXT". */
static char *ask(struct stage *stage, const char *operation, const char *xml)
{
	g_autofree char *question = g_strdup_printf("GATE/1 %s shop-web1\n%s", operation, xml);
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(stage->path);
	g_autoptr(GSocketConnection) connection = g_socket_client_connect(
		client, G_SOCKET_CONNECTABLE(address), NULL, NULL);
	g_autoptr(GOutputStream) answer = g_memory_output_stream_new_resizable();
	gboolean done = FALSE;

	g_assert_nonnull(connection);
	g_assert_true(
		g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)),
			question, strlen(question), NULL, NULL, NULL));
	g_socket_shutdown(g_socket_connection_get_socket(connection), FALSE, TRUE, NULL);
	g_output_stream_splice_async(answer, g_io_stream_get_input_stream(G_IO_STREAM(connection)),
		G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, G_PRIORITY_DEFAULT, NULL, on_spliced, &done);
	while (!done)
		g_main_context_iteration(NULL, TRUE);
	return g_strndup(g_memory_output_stream_get_data(G_MEMORY_OUTPUT_STREAM(answer)),
		g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(answer)));
}

static void expect(struct stage *stage, const char *operation, const char *xml, const char *begins)
{
	g_autofree char *answer = ask(stage, operation, xml);

	g_test_message("%s: %s", operation, answer);
	g_assert_true(g_str_has_prefix(answer, begins));
}

/* Asks for an incoming migration; what libvirt goes on with. */
static char *migrate(struct stage *stage)
{
	g_autofree char *answer = ask(stage, "migrate", stage->sealed);

	g_assert_true(g_str_has_prefix(answer, "allow\n<"));
	return g_strdup(answer + strlen("allow\n"));
}

/* ---- the cases ---- */

static void test_whole_arrival(void)
{
	struct stage stage;
	g_autofree char *marked = NULL;

	stage_init(&stage);
	marked = migrate(&stage);
	expect(&stage, "prepare", marked, "allow\n");
	expect(&stage, "start", marked, "allow\n");
	/* the definition that it leaves behind bears the name, which is used up */
	expect(&stage, "prepare", marked, "refuse ORDER_RUNNING\n");
	expect(&stage, "start", marked, "refuse ORDER_RUNNING\n");
	stage_clear(&stage);
}

/* A migration that was called off after its first question, and a start right after it. */
static void test_cancelled(void)
{
	struct stage stage;
	g_autofree char *cancelled = NULL;
	g_autofree char *marked = NULL;

	stage_init(&stage);
	cancelled = migrate(&stage);
	expect(&stage, "prepare", stage.sealed, "refuse ORDER_RUNNING\n");
	expect(&stage, "start", stage.sealed, "refuse ORDER_RUNNING\n");
	marked = migrate(&stage);
	expect(&stage, "prepare", cancelled, "refuse ORDER_RUNNING\n");
	expect(&stage, "prepare", marked, "allow\n");
	expect(&stage, "start", cancelled, "refuse ORDER_RUNNING\n");
	expect(&stage, "start", marked, "allow\n");
	stage_clear(&stage);
}

/* A name that somebody made up, and a machine that is turned away, get nothing. */
static void test_made_up(void)
{
	struct stage stage;
	g_autofree char *marked = NULL;

	stage_init(&stage);
	marked = domxml_mark(stage.sealed, "11111111-1111-4111-8111-111111111111", NULL);
	expect(&stage, "prepare", marked, "refuse ORDER_RUNNING\n");
	expect(&stage, "migrate", DOMAIN, "refuse SEAL_MISSING\n");
	stage_clear(&stage);
}

/* Machines that nobody claims are none of our business: libvirt's own XML stands. */
static void test_unclaimed(void)
{
	struct stage stage;
	g_autofree char *answer = NULL;

	stage_init(&stage);
	book_free(book);
	book = book_new();
	answer = ask(&stage, "migrate", DOMAIN);
	g_assert_cmpstr(answer, ==, "allow\n");
	stage_clear(&stage);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/porter/whole-arrival", test_whole_arrival);
	g_test_add_func("/porter/cancelled", test_cancelled);
	g_test_add_func("/porter/made-up", test_made_up);
	g_test_add_func("/porter/unclaimed", test_unclaimed);
	return g_test_run();
}
