/* Who may do what, on a real server: roles by certificate with Drover's own rules, other rules by
 * SIGHUP, pinned certificates, guessed passwords, answers that nobody reads, several commands with
 * one certificate, and what the process has given up. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ifmap/answer.h"
#include "map/password.h"
#include "pki.h"
#include "raw.h"
#include "server.h"

#define HOST_A "d20e0001-0000-4000-8000-00000000000a"
#define HOST_B "d20e0001-0000-4000-8000-00000000000b"

#define PATIENCE_US (20 * G_USEC_PER_SEC)

static char *rules;    /* path of the rule file in force */
static char *original; /* Drover's own */

static void put_rules(const char *text)
{
	g_assert_true(g_file_set_contents(rules, text, -1, NULL));
}

static struct server *start(const char *extra)
{
	g_autofree char *config = g_strdup_printf(
		"[server]\nrules=%s\n%s", rules, extra ? extra : "");
	struct server *server = server_new(config);

	pki_issue(server->dir, "agent", "agent-A", "urn:uuid:" HOST_A);
	pki_issue(server->dir, "control", "control", NULL);
	pki_issue(server->dir, "operator", "operator", NULL);
	pki_issue(server->dir, "impostor", "operator", NULL);
	pki_issue(server->dir, "nobody", "somebody", NULL);
	return server;
}

static void finish(struct server *server)
{
	server_free(server);
	put_rules(original);
}

/* ---- a client with a certificate */

struct peer {
	CURL *curl;
	GString *answer;
	char *session;
};

static void peer_init(struct peer *peer, const struct server *server, const char *certificate)
{
	g_autofree char *crt = g_strdup_printf("%s/%s.crt", server->dir, certificate);
	g_autofree char *key = g_strdup_printf("%s/%s.key", server->dir, certificate);

	peer->answer = g_string_new(NULL);
	peer->curl = server_curl(server, NULL, peer->answer);
	curl_easy_setopt(peer->curl, CURLOPT_SSLCERT, crt);
	curl_easy_setopt(peer->curl, CURLOPT_SSLKEY, key);
	peer->session = server_begin(peer->curl, peer->answer);
}

static void peer_clear(struct peer *peer)
{
	curl_easy_cleanup(peer->curl);
	g_string_free(peer->answer, TRUE);
	g_free(peer->session);
}

/* The error code of the answer, -1 when there is none. `operation` has %s for the session. */
static int ask(struct peer *peer, const char *operation)
{
	g_autoptr(GString) text = g_string_new(operation);
	g_string_replace(text, "%s", peer->session, 0);
	g_autofree char *body = server_envelope(text->str);

	g_assert_cmpint(server_post(peer->curl, body, -1, peer->answer), ==, 200);
	g_autoptr(ifmap_answer)
		answer = ifmap_answer_parse(peer->answer->str, peer->answer->len, NULL);
	g_assert_nonnull(answer);
	return answer->refused ? answer->refused->code : -1;
}

#define DEVICE(name) "<device><name>" name "</name></device>"
#define D(name, inside)                                                                      \
	"<d:" name " xmlns:d=\"urn:drover:map:1\" ifmap-cardinality=\"singleValue\">" inside \
	"</d:" name ">"
#define UPDATE(where, meta)                                                 \
	"<ifmap:publish session-id=\"%s\"><update>" where "<metadata>" meta \
	"</metadata></update></ifmap:publish>"
#define SEARCH(id) "<ifmap:search session-id=\"%s\" max-depth=\"1\">" id "</ifmap:search>"
#define DENIED     ((int)IFMAP_ERROR_ACCESS_DENIED)

static void test_roles(void)
{
	struct server *server = start(NULL);
	struct peer agent;
	struct peer control;
	struct peer nobody;

	peer_init(&agent, server, "agent");
	peer_init(&control, server, "control");
	peer_init(&nobody, server, "nobody");
	g_assert_cmpint(ask(&agent, UPDATE(DEVICE(HOST_A), D("host", "<name>A</name>"))), ==, -1);
	g_assert_cmpint(
		ask(&agent, UPDATE(DEVICE(HOST_B), D("host", "<name>A</name>"))), ==, DENIED);
	g_assert_cmpint(
		ask(&agent, UPDATE(DEVICE("vm") DEVICE(HOST_A), D("reservation", ""))), ==, DENIED);
	g_assert_cmpint(
		ask(&control, UPDATE(DEVICE("vm") DEVICE(HOST_A), D("reservation", ""))), ==, -1);
	g_assert_cmpint(
		ask(&control, UPDATE(DEVICE(HOST_A), D("host", "<name>C</name>"))), ==, DENIED);
	g_assert_cmpint(ask(&agent, SEARCH(DEVICE(HOST_A))), ==, -1);
	g_assert_nonnull(strstr(agent.answer->str, "d:reservation"));
	/* To whom no rule gives a role there is nothing there, and no error says so. */
	g_assert_cmpint(ask(&nobody, SEARCH(DEVICE(HOST_A))), ==, -1);
	g_assert_null(strstr(nobody.answer->str, "<metadata>"));
	g_assert_null(strstr(nobody.answer->str, "vm"));
	/* A name alone makes no agent: the host comes from the certificate. */
	pki_issue(server->dir, "named", "agent-A", NULL);
	struct peer named;
	peer_init(&named, server, "named");
	g_assert_cmpint(
		ask(&named, UPDATE(DEVICE(HOST_A), D("host", "<name>A</name>"))), ==, DENIED);
	peer_clear(&agent);
	peer_clear(&control);
	peer_clear(&nobody);
	peer_clear(&named);
	finish(server);
}

/* ---- SIGHUP */

static void test_reload(void)
{
	struct server *server = start(NULL);
	struct peer agent;
	size_t seen = 0;

	peer_init(&agent, server, "agent");
	g_assert_cmpint(ask(&agent, UPDATE(DEVICE("other"), D("label", ""))), ==, DENIED);
	put_rules("[policy]\ndefault = permit\n");
	kill(server->pid, SIGHUP);
	server_wait_log(server, "other rules are in force", &seen);
	g_assert_cmpint(ask(&agent, UPDATE(DEVICE("other"), D("label", ""))), ==, -1);
	/* One that is wrong changes nothing, and says where it is wrong. */
	put_rules("[policy]\ndefault = deny\n[rule x]\npermit = reed\n");
	kill(server->pid, SIGHUP);
	server_wait_log(server, "rules:4: permit: 'reed' is not read", &seen);
	g_assert_cmpint(ask(&agent, UPDATE(DEVICE("other"), D("label", ""))), ==, -1);
	put_rules(original);
	kill(server->pid, SIGHUP);
	server_wait_log(server, "other rules are in force", &seen);
	g_assert_cmpint(ask(&agent, UPDATE(DEVICE("other"), D("label", ""))), ==, DENIED);
	g_assert_cmpint(ask(&agent, "<ifmap:renewSession session-id=\"%s\"/>"), ==, -1);
	peer_clear(&agent);
	finish(server);
}

/* A wrong rule file is found before anything is started. */
static void test_check_config(void)
{
	struct server *server = start(NULL);
	g_autofree char *config = server_path(server, "mapd.conf");
	const char *const argv[] = { g_getenv("DROVER_MAPD"), "--check-config", "--config", config,
		NULL };
	g_autofree char *err = NULL;
	int status = 0;

	put_rules("[role a]\n[rule x]\npermit = read\nroles = b\n");
	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
		NULL, NULL, &err, &status, NULL));
	g_assert_cmpint(WEXITSTATUS(status), ==, 1);
	g_assert_nonnull(strstr(err, "rules:4: roles: there is no [role b] above"));
	finish(server);
}

/* ---- pinned */

static char *fingerprint(const struct server *server, const char *name)
{
	g_autofree char *path = g_strdup_printf("%s/%s.crt", server->dir, name);
	g_autofree char *pem = NULL;
	gsize size = 0;

	g_assert_true(g_file_get_contents(path, &pem, NULL, NULL));
	char *begin = strchr(pem, '\n') + 1;
	*strstr(begin, "-----END") = 0;
	g_autofree guchar *der = g_base64_decode(begin, &size);
	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, der, size);
}

static void test_pinned(void)
{
	struct server *server = start(NULL);
	g_autofree char *digest = fingerprint(server, "operator");
	g_autofree char *text = g_strdup_printf(
		"%s[client operator]\ncertificates = %s\n", original, digest);
	struct peer operator;
	struct peer impostor;
	size_t seen = 0;

	put_rules(text);
	kill(server->pid, SIGHUP);
	server_wait_log(server, "other rules are in force", &seen);
	peer_init(&operator, server, "operator");
	peer_init(&impostor, server, "impostor"); /* same name, same authority */
	g_assert_nonnull(operator.session);
	g_assert_null(impostor.session);
	g_assert_nonnull(strstr(impostor.answer->str, "AccessDenied"));
	g_assert_cmpint(ask(&operator, "<ifmap:renewSession session-id=\"%s\"/>"), ==, -1);
	peer_clear(&operator);
	peer_clear(&impostor);
	finish(server);
}

/* ---- passwords */

static long post_as(const struct server *server, const char *login, GString *answer)
{
	CURL *curl = server_curl(server, NULL, answer);
	g_autofree char *body = server_envelope("<ifmap:newSession/>");

	curl_easy_setopt(curl, CURLOPT_USERPWD, login);
	long status = server_post(curl, body, -1, answer);
	curl_easy_cleanup(curl);
	return status;
}

static void put_password(const struct server *server, const char *name)
{
	g_autofree char *path = server_path(server, "passwords");
	g_autofree char *line = name ? map_password_line(name, "pw", 1, NULL) : g_strdup("");

	g_assert_true(g_file_set_contents(path, line, -1, NULL));
	kill(server->pid, SIGHUP);
}

/* A name is one client's: what has a password is nobody's certificate, from the moment on that it
 * has it, on connections that stand too. */
static void test_one_name(void)
{
	struct server *server = start(NULL);
	g_autoptr(GString) answer = g_string_new(NULL);
	g_autofree char *body = server_envelope("<ifmap:newSession/>");
	struct peer before;
	struct peer after;
	size_t seen = 0;

	peer_init(&before, server, "operator");
	g_assert_nonnull(before.session);
	put_password(server, "operator");
	server_wait_log(server, "other rules are in force", &seen);
	g_assert_cmpint(server_post(before.curl, body, -1, before.answer), ==, 403);
	g_assert_nonnull(strstr(before.answer->str, "name of a client with a password"));
	peer_init(&after, server, "operator");
	g_assert_null(after.session);
	peer_clear(&after);
	g_assert_cmpint(post_as(server, "operator:pw", answer), ==, 200);
	put_password(server, NULL);
	server_wait_log(server, "other rules are in force", &seen);
	peer_init(&after, server, "operator");
	g_assert_nonnull(after.session);
	g_assert_cmpint(post_as(server, "operator:pw", answer), ==, 401);
	peer_clear(&after);
	peer_clear(&before);
	finish(server);
}

static void test_guessing(void)
{
	struct server *server = start(NULL);
	g_autoptr(GString) answer = g_string_new(NULL);
	unsigned later = 0;

	g_assert_cmpint(post_as(server, "A:pw", answer), ==, 200);
	for (unsigned i = 0; i < 12; i++) {
		g_autofree char *login = g_strdup_printf("A:guess%u", i);
		long status = post_as(server, login, answer);
		g_assert_true(status == 401 || status == 429);
		later += status == 429;
	}
	g_assert_cmpuint(later, >, 0);
	/* Who has been here before comes in at once, and so does any other client. */
	g_assert_cmpint(post_as(server, "A:pw", answer), ==, 200);
	g_assert_cmpint(post_as(server, "B:pw", answer), ==, 200);
	finish(server);
}

/* ---- answers that nobody reads */

/* A client that asks for much and reads nothing loses its connection, and with it the session whose
 * results the server would have to keep. */
static void test_unread(void)
{
	struct server *server = start("[limits]\nhandshake-timeout=2\n");
	g_autofree char *big = g_strnfill(900000, 'x');
	struct peer operator;
	struct raw *raw;
	int small = 4096;

	peer_init(&operator, server, "operator");
	for (unsigned i = 0; i < 12; i++) {
		g_autofree char *publish = g_strdup_printf(
			"<ifmap:publish session-id=\"%s\"><update>" DEVICE(
				"big") "<metadata><x:m xmlns:x=\"urn:x\" ifmap-cardinality=\"multiValue\" n=\"%u\">"
				       "%s</x:m></metadata></update></ifmap:publish>",
				       operator.session, i, big);
		g_assert_cmpint(ask(&operator, publish), ==, -1);
	}
	raw = raw_open(server, "control");
	g_assert_nonnull(raw);
	setsockopt(raw->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	g_autofree char *begin = server_envelope("<ifmap:newSession/>");
	g_autofree char *request = raw_request("-", "", begin);
	char buffer[8192];
	raw_send(raw, request, -1);
	gssize size = raw_receive(raw, buffer, sizeof(buffer) - 1, 20000);
	g_assert_cmpint(size, >, 0);
	buffer[size] = 0;
	char *id = strstr(buffer, "session-id=\"");
	if (!id) {
		g_autofree char *path = server_path(server, "log");
		g_autofree char *log = NULL;
		g_file_get_contents(path, &log, NULL, NULL);
		g_error("not a new session: %s\n%s", buffer, log);
	}
	g_autofree char *session = g_strndup(id + 12, strcspn(id + 12, "\""));
	g_autofree char *search = g_strdup_printf(
		"<ifmap:search session-id=\"%s\" "
		"max-size=\"50000000\">" DEVICE("big") "</ifmap:search>",
		session);
	g_autofree char *envelope = server_envelope(search);
	g_autofree char *asked = raw_request("-", "", envelope);
	raw_send(raw, asked, -1);
	size_t seen = 0;
	server_wait_log(server, "a message broke off", &seen);
	raw_close(raw);
	/* Who reads slowly but reads is not concerned. */
	g_assert_cmpint(ask(&operator, "<ifmap:renewSession session-id=\"%s\"/>"), ==, -1);
	peer_clear(&operator);
	finish(server);
}

/* ---- several commands with one certificate */

static GPid spawn_drover(const struct server *server, const char *out, const char *const *words)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_auto(GStrv) environment = g_get_environ();
	g_autofree char *config = server_path(server, "drover.conf");
	g_autofree char *path = server_path(server, out);
	g_autoptr(GError) error = NULL;
	GPid pid = 0;
	FILE *sink = fopen(path, "we");

	g_assert_nonnull(sink);
	environment = g_environ_setenv(environment, "DROVER_CONFIG", config, TRUE);
	g_ptr_array_add(argv, (gpointer)g_getenv("DROVER"));
	for (; *words; words++)
		g_ptr_array_add(argv, (gpointer)*words);
	g_ptr_array_add(argv, NULL);
	g_assert_true(g_spawn_async_with_pipes_and_fds(NULL, (const char *const *)argv->pdata,
		(const char *const *)environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, -1,
		fileno(sink), fileno(sink), NULL, NULL, 0, &pid, NULL, NULL, NULL, &error));
	fclose(sink);
	return pid;
}

/* Runs it to its end; the exit code, what it said is in the file OUT. */
static int run_drover(const struct server *server, const char *out, const char *const *words)
{
	int status = 0;
	GPid pid = spawn_drover(server, out, words);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static gboolean says(const struct server *server, const char *out, const char *text)
{
	g_autofree char *path = server_path(server, out);
	g_autofree char *said = NULL;
	return g_file_get_contents(path, &said, NULL, NULL) && strstr(said, text);
}

static void wait_until_says(const struct server *server, const char *out, const char *text)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;
	while (!says(server, out, text)) {
		if (g_get_monotonic_time() > until)
			g_error("%s never said '%s'", out, text);
		g_usleep(10000);
	}
}

static void write_drover_conf(const struct server *server)
{
	g_autofree char *path = server_path(server, "drover.conf");
	g_autofree char *text = g_strdup_printf(
		"[map]\nurl = %s\nca = %s/ca.crt\ncert = %s/operator.crt\nkey = %s/operator.key\n",
		server->url, server->dir, server->dir, server->dir);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Two watches, and while they watch a move and other commands: nobody ends anybody's session. */
static void test_several_commands(void)
{
	static const char *const watch[] = { "map", "watch", "ext:urn:drover:map:1#switch,name=sw1",
		NULL };
	static const char *const move[] = { "move", "shop", "--to", "A", "--timeout", "10", NULL };
	static const char *const outs[] = { "watch1", "watch2" };
	GPid watchers[G_N_ELEMENTS(outs)];
	struct server *server = start(NULL);

	write_drover_conf(server);
	for (size_t i = 0; i < G_N_ELEMENTS(outs); i++)
		watchers[i] = spawn_drover(server, outs[i], watch);
	for (unsigned i = 0; i < 3; i++) {
		g_autofree char *risk = g_strdup_printf("duct-%u", i);
		const char *const link[] = { "link", "sw1", "sw2", "--risk", risk, NULL };
		GPid moving = spawn_drover(server, "move", move);
		g_assert_cmpint(run_drover(server, "link", link), ==, 0);
		int status = 0;
		waitpid(moving, &status, 0);
		/* There is no such application: that is what it must say. */
		g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		g_assert_true(says(server, "move", "shop"));
		for (size_t k = 0; k < G_N_ELEMENTS(outs); k++)
			wait_until_says(server, outs[k], risk);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(outs); i++) {
		int status = 0;
		g_assert_cmpint(waitpid(watchers[i], &status, WNOHANG), ==, 0); /* still watches */
		kill(watchers[i], SIGTERM);
		waitpid(watchers[i], &status, 0);
	}
	g_autofree char *path = server_path(server, "log");
	g_autofree char *log = NULL;
	g_assert_true(g_file_get_contents(path, &log, NULL, NULL));
	g_assert_null(strstr(log, "newSession while a session stood"));
	finish(server);
}

/* ---- the process */

static void test_process(void)
{
	struct server *server = start(NULL);
	g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)server->pid);
	g_autofree char *status = NULL;

	g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
	g_assert_nonnull(strstr(status, "NoNewPrivs:\t1"));
	g_assert_nonnull(strstr(status, "Seccomp:\t2"));
	finish(server);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_setenv("G_MESSAGES_DEBUG", "all",
		TRUE); /* the server's: ends of sessions are looked for */
	g_test_init(&argc, &argv, NULL);
	g_autofree char *dir = g_dir_make_tmp("drover-access-XXXXXX", &error);
	rules = g_build_filename(dir, "rules", NULL);
	if (!g_file_get_contents(g_getenv("DROVER_RULES"), &original, NULL, &error))
		g_error("%s", error->message);
	put_rules(original);
	g_test_add_func("/access/roles by certificate", test_roles);
	g_test_add_func("/access/other rules by SIGHUP", test_reload);
	g_test_add_func("/access/check-config", test_check_config);
	g_test_add_func("/access/pinned certificate", test_pinned);
	g_test_add_func("/access/one name, one proof", test_one_name);
	g_test_add_func("/access/guessing", test_guessing);
	g_test_add_func("/access/answers that nobody reads", test_unread);
	g_test_add_func("/access/several commands with one certificate", test_several_commands);
	g_test_add_func("/access/what the process gave up", test_process);
	int status = g_test_run();
	g_unlink(rules);
	g_rmdir(dir);
	g_free(rules);
	g_free(original);
	return status;
}
