/* The program drover-hook, run as libvirt runs it, in a mount namespace of its own where /run, /etc
 * and /var/lib are the test's. Its path is in DROVER_HOOK. Needs root. */
#include "cases.h"
#include "host/gate_server.h"
#include "pages.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET "/run/drover/gate.sock"
#define BOOK   "/var/lib/drover/book.json"
#define CONF   "/etc/drover/hostd.conf"
#define INPUT  "/run/domain.xml"

/* What hostd.conf must say at least. */
#define HOOK_CONF "[host]\nlibvirt_peer=qemu+tcp://a/system\n[map]\nurl=https://map/\n"

#define FOREIGN                                                                               \
	"<domain><name>web1</name><uuid>99999999-2222-4333-8444-555555555555</uuid><devices>" \
	"<interface><mac address='52:54:00:00:00:99'/></interface></devices></domain>"
#define CLAIMED "<domain><name>web1</name><uuid>" PAGES_VM "</uuid></domain>"
#define COPY                                                                                  \
	"<domain><name>web1</name><uuid>99999999-2222-4333-8444-555555555555</uuid><devices>" \
	"<interface><mac address='" PAGES_MAC "'/></interface></devices></domain>"
#define SEALED                                                                                 \
	"<domain><name>web1</name><uuid>99999999-2222-4333-8444-555555555555</uuid><metadata>" \
	"<d:member xmlns:d='urn:drover:domain:1'/></metadata></domain>"

/* ---- the room the hook lives in ---- */

static gboolean mount_own(void)
{
	static const char *const own[] = { "/run", "/etc", "/var/lib" };

	if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return FALSE;
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
		g_autofree char *inner = g_build_filename(own[i], "drover", NULL);

		if (mount("tmpfs", own[i], "tmpfs", 0, "mode=0755") != 0)
			return FALSE;
		g_mkdir(inner, 0755);
	}
	return TRUE;
}

static char *enter(void)
{
	return mount_own() ? NULL
			   : g_strdup_printf(
				     "no mount namespace can be made here: %s", g_strerror(errno));
}

static void write_book(void)
{
	struct book *book = book_new();

	pages_home(book, "home");
	g_assert_true(book_save(book, BOOK, NULL));
	book_free(book);
}

static void forget(void)
{
	g_unlink(BOOK);
	g_unlink(CONF);
	g_unlink(SOCKET);
}

/* ---- running it ---- */

struct outcome {
	int code;
	char *out;
	char *err;
};

static void on_done(GObject *process, GAsyncResult *result, gpointer data)
{
	struct outcome *outcome = data;
	g_autoptr(GError) error = NULL;

	g_subprocess_communicate_utf8_finish(
		G_SUBPROCESS(process), result, &outcome->out, &outcome->err, &error);
	g_assert_no_error(error);
	outcome->code = g_subprocess_get_exit_status(G_SUBPROCESS(process));
}

/* Turns the loop until the hook has ended, so that a gate in this process can answer. */
static struct outcome run(const char *operation, const char *xml)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
	g_autoptr(GSubprocess) hook = NULL;
	struct outcome outcome = { .code = -1 };

	g_assert_true(g_file_set_contents(INPUT, xml, -1, NULL));
	g_subprocess_launcher_set_stdin_file_path(launcher, INPUT);
	hook = g_subprocess_launcher_spawn(
		launcher, &error, g_getenv("DROVER_HOOK"), "web1", operation, "begin", "-", NULL);
	g_assert_no_error(error);
	g_subprocess_communicate_utf8_async(hook, NULL, NULL, on_done, &outcome);
	while (outcome.code < 0)
		g_main_context_iteration(NULL, TRUE);
	return outcome;
}

static void expect(const char *operation, const char *xml, int code, const char *says)
{
	struct outcome outcome = run(operation, xml);

	g_test_message("%s: %d %s", operation, outcome.code, outcome.err);
	g_assert_cmpint(outcome.code, ==, code);
	if (says)
		g_assert_nonnull(strstr(outcome.err, says));
	else
		g_assert_cmpstr(outcome.err, ==, "");
	g_assert_cmpstr(outcome.out, ==, "");
	g_free(outcome.out);
	g_free(outcome.err);
}

/* ---- with an agent ---- */

static void on_ask(
	const char *operation, const char *xml, struct gate_ticket *ticket, gpointer data)
{
	g_assert_cmpstr(operation, ==, "start");
	g_assert_cmpstr(xml, ==, CLAIMED);
	if (data)
		gate_ticket_answer(ticket, "MEMORY", "too little\nCPUS: too few");
	else
		gate_ticket_answer(ticket, NULL, NULL);
}

static void test_agent(void)
{
	struct gate_server *server = gate_server_new(SOCKET, on_ask, NULL, NULL);

	expect("start", CLAIMED, 0, NULL);
	gate_server_free(server);
	server = gate_server_new(SOCKET, on_ask, server, NULL);
	expect("start", CLAIMED, 1, "drover: MEMORY: too little\nCPUS: too few");
	gate_server_free(server);
	forget();
}

static void on_migrate(
	const char *operation, const char *xml, struct gate_ticket *ticket, gpointer data)
{
	g_assert_cmpstr(operation, ==, "migrate");
	gate_ticket_answer(ticket, NULL, data);
}

/* What the agent wants libvirt to read comes out whole, however large. */
static void test_output(void)
{
	g_autofree char *large = g_strnfill((gsize)3 * 1024 * 1024, 'x');
	struct gate_server *server = gate_server_new(SOCKET, on_migrate, large, NULL);
	struct outcome outcome = run("migrate", CLAIMED);

	g_assert_cmpint(outcome.code, ==, 0);
	g_assert_cmpstr(outcome.err, ==, "");
	g_assert_true(g_str_equal(outcome.out, large));
	g_free(outcome.out);
	g_free(outcome.err);
	gate_server_free(server);
	forget();
}

/* News is not even read. */
static void test_news(void)
{
	write_book();
	expect("started", CLAIMED, 0, NULL);
	expect("stopped", CLAIMED, 0, NULL);
	expect("release", "garbage", 0, NULL);
	forget();
}

/* ---- without one ---- */

static void test_alone(void)
{
	static const char *const operations[] = { "prepare", "start", "migrate", "restore" };

	write_book();
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		expect(operations[i], FOREIGN, 0, NULL);
		expect(operations[i], CLAIMED, 1, "drover: AGENT_ABSENT: ");
		expect(operations[i], COPY, 1, "drover: AGENT_ABSENT: ");
		expect(operations[i], SEALED, 1, "drover: AGENT_ABSENT: ");
		expect(operations[i], "garbage", 1, "drover: AGENT_ABSENT: ");
		expect(operations[i], "", 1, "drover: AGENT_ABSENT: ");
	}
	forget();
}

static void test_no_book(void)
{
	expect("start", FOREIGN, 0, NULL);
	expect("start", SEALED, 1, "drover: AGENT_ABSENT: ");
	g_assert_true(g_file_set_contents(BOOK, "{", -1, NULL));
	expect("start", FOREIGN, 1, "drover: AGENT_ABSENT: ");
	forget();
}

/* A host that runs nothing but machines of vApps: said in the file, in its folder, or (closed) in a
 * file that cannot be read. */
static void test_closed_host(void)
{
	write_book();
	g_assert_true(
		g_file_set_contents(CONF, HOOK_CONF "[gate]\nadmit_when_down = none\n", -1, NULL));
	expect("start", FOREIGN, 1, "drover: AGENT_ABSENT: ");
	g_assert_true(g_file_set_contents(CONF, HOOK_CONF, -1, NULL));
	expect("start", FOREIGN, 0, NULL);
	g_mkdir(CONF ".d", 0755);
	g_assert_true(g_file_set_contents(
		CONF ".d/site.conf", "[gate]\nadmit_when_down = none\n", -1, NULL));
	expect("start", FOREIGN, 1, "drover: AGENT_ABSENT: ");
	g_unlink(CONF ".d/site.conf");
	g_assert_true(g_file_set_contents(CONF, "garbage", -1, NULL));
	expect("start", FOREIGN, 1, "drover: AGENT_ABSENT: ");
	g_rmdir(CONF ".d");
	forget();
}

/* An agent that hangs up without an answer is no agent. */
static gboolean on_incoming(
	GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
	return TRUE;
}

static void test_mute_agent(void)
{
	g_autoptr(GSocketService) service = g_socket_service_new();
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(SOCKET);

	write_book();
	g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(service), address,
		G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, NULL));
	g_signal_connect(service, "incoming", G_CALLBACK(on_incoming), NULL);
	expect("start", CLAIMED, 1, "drover: AGENT_ABSENT: ");
	expect("start", FOREIGN, 0, NULL);
	g_socket_service_stop(service);
	g_socket_listener_close(G_SOCKET_LISTENER(service));
	forget();
}

/* More than the hook is ready to read is refused, agent or not. */
static void test_huge(void)
{
	g_autofree char *huge = g_strnfill((gsize)5 * 1024 * 1024, 'x');

	expect("start", huge, 1, "drover: BAD_DOMAIN: ");
}

static const struct cases_case cases[] = {
	{ "/hook/agent", test_agent },
	{ "/hook/output", test_output },
	{ "/hook/news", test_news },
	{ "/hook/alone", test_alone },
	{ "/hook/no-book", test_no_book },
	{ "/hook/closed-host", test_closed_host },
	{ "/hook/mute-agent", test_mute_agent },
	{ "/hook/huge", test_huge },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, enter, cases);
}
