#include "server.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ifmap/answer.h"
#include "map/password.h"
#include "pki.h"

#define PATIENCE_US (20 * G_USEC_PER_SEC)

char *server_path(const struct server *server, const char *name)
{
	return g_build_filename(server->dir, name, NULL);
}

static void write_file(const struct server *server, const char *name, const char *text)
{
	g_autofree char *path = server_path(server, name);
	g_autoptr(GError) error = NULL;
	if (!g_file_set_contents(path, text, -1, &error))
		g_error("%s", error->message);
}

static void write_passwords(const struct server *server)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (char client = 'A'; client <= 'Z'; client++) {
		const char name[2] = { client, 0 };
		/* These have certificates (pki.c). */
		if (client == 'C' || client == 'D')
			continue;
		g_autofree char *line = map_password_line(name, "pw", 1, NULL);
		g_string_append_printf(text, "%s\n", line);
	}
	g_autofree char *colon = map_password_line("colon", "p:w:", 1, NULL);
	g_string_append_printf(text, "%s\n", colon);
	write_file(server, "passwords", text->str);
}

static void write_config(const struct server *server, const char *extra)
{
	g_autofree char *text = g_strdup_printf("[server]\naddress=127.0.0.1\nport=0\n"
						"port-file=%s/port\ncertificate=%s/server.crt\n"
						"key=%s/server.key\nclient-ca=%s/ca.crt\n"
						"password-file=%s/passwords\nstore=%s/map.sqlite\n"
						"[client R]\nread-only=true\n"
						"[client P]\nmay-purge-others=true\n%s\n",
		server->dir, server->dir, server->dir, server->dir, server->dir, server->dir,
		extra ? extra : "");
	write_file(server, "mapd.conf", text);
}

/* The port file appears when the server serves. */
static void wait_for_port(struct server *server)
{
	g_autofree char *path = server_path(server, "port");
	gint64 until = g_get_monotonic_time() + PATIENCE_US;
	g_autofree char *text = NULL;

	while (!g_file_get_contents(path, &text, NULL, NULL)) {
		if (!server_is_alive(server) || g_get_monotonic_time() > until)
			g_error("drover-mapd did not start; see %s/log", server->dir);
		g_usleep(5000);
	}
	server->port = (unsigned)g_ascii_strtoull(text, NULL, 10);
	g_free(server->url);
	server->url = g_strdup_printf("https://127.0.0.1:%u/", server->port);
}

static void die_with_parent(gpointer data)
{
	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void server_start(struct server *server)
{
	g_autofree char *config = server_path(server, "mapd.conf");
	g_autofree char *port = server_path(server, "port");
	g_autofree char *log = server_path(server, "log");
	const char *program = g_getenv("DROVER_MAPD");
	g_autoptr(GError) error = NULL;

	if (!program)
		g_error("DROVER_MAPD does not name the program to test");
	g_unlink(port);
	FILE *sink = fopen(log, "ae");
	g_assert_nonnull(sink);
	int out = server->log >= 0 ? server->log : fileno(sink);
	const char *const argv[] = { program, "--config", config, NULL };
	if (!g_spawn_async_with_pipes_and_fds(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
		    die_with_parent, NULL, -1, out, out, NULL, NULL, 0, &server->pid, NULL, NULL,
		    NULL, &error))
		g_error("%s", error->message);
	fclose(sink);
	wait_for_port(server);
}

struct server *server_new(const char *extra)
{
	return server_new_with_log(extra, -1);
}

struct server *server_new_with_log(const char *extra, int log)
{
	struct server *server = g_new0(struct server, 1);
	server->log = log;
	g_autoptr(GError) error = NULL;
	server->dir = g_dir_make_tmp("drover-mapd-test-XXXXXX", &error);
	if (!server->dir)
		g_error("%s", error->message);
	pki_make(server->dir);
	write_passwords(server);
	write_config(server, extra);
	server_start(server);
	return server;
}

/* State as in proc(5): the letter behind the last ')'. */
static gboolean sleeps(const char *tasks, const char *id)
{
	g_autofree char *path = g_build_filename(tasks, id, "stat", NULL);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return TRUE; /* it has ended */
	const char *end = strrchr(text, ')');
	return !end || end[1] == 0 || end[2] == 'S';
}

static gboolean all_sleep(const struct server *server)
{
	g_autofree char *tasks = g_strdup_printf("/proc/%d/task", server->pid);
	g_autoptr(GDir) dir = g_dir_open(tasks, 0, NULL);
	const char *id;
	gboolean sleep = TRUE;

	while (dir && sleep && (id = g_dir_read_name(dir)))
		sleep = sleeps(tasks, id);
	return sleep;
}

void server_settle(const struct server *server)
{
	gint64 until = g_get_monotonic_time() + PATIENCE_US;

	/* Twice: a thread may wake another one behind our back. */
	for (int calm = 0; calm < 2 && g_get_monotonic_time() < until;) {
		calm = all_sleep(server) ? calm + 1 : 0;
		g_usleep(200);
	}
}

void server_wait_log(const struct server *server, const char *text, size_t *seen)
{
	g_autofree char *path = server_path(server, "log");
	gint64 until = g_get_monotonic_time() + PATIENCE_US;

	while (g_get_monotonic_time() < until) {
		g_autofree char *log = NULL;
		size_t size = 0;
		const char *found = NULL;
		if (g_file_get_contents(path, &log, &size, NULL) && size > *seen)
			found = strstr(log + *seen, text);
		if (found) {
			*seen = (size_t)(found - log) + strlen(text);
			return;
		}
		g_usleep(10000);
	}
	g_error("the server never logged '%s'", text);
}

gboolean server_is_alive(const struct server *server)
{
	return waitpid(server->pid, NULL, WNOHANG) == 0;
}

/* All it has said. */
static char *words_of(const struct server *server)
{
	g_autofree char *log = server_path(server, "log");
	char *text = NULL;

	g_file_get_contents(log, &text, NULL, NULL);
	return text;
}

void server_kill(struct server *server)
{
	int status = 0;

	kill(server->pid, SIGKILL);
	waitpid(server->pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		g_autofree char *words = words_of(server);
		g_error("drover-mapd had ended by itself with status %d:\n%s", status, words);
	}
}

static void remove_folder(const char *dir)
{
	g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
	const char *name;
	while (open && (name = g_dir_read_name(open))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_unlink(path);
	}
	g_rmdir(dir);
}

void server_free(struct server *server)
{
	int status = -1;
	kill(server->pid, SIGTERM);
	waitpid(server->pid, &status, 0);
	gboolean clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!clean) {
		g_autofree char *words = words_of(server);
		g_test_message("drover-mapd ended with status %d:\n%s", status, words);
	}
	remove_folder(server->dir);
	g_assert_true(clean);
	g_free(server->dir);
	g_free(server->url);
	g_free(server);
}

/* ---- clients */

static size_t collect(char *data, size_t size, size_t n, void *answer)
{
	g_string_append_len(answer, data, (gssize)(size * n));
	return size * n;
}

CURL *server_curl(const struct server *server, const char *client, GString *answer)
{
	CURL *curl = curl_easy_init();
	g_autofree char *ca = server_path(server, "ca.crt");
	g_autofree char *login = client ? g_strdup_printf("%s:pw", client) : NULL;

	curl_easy_setopt(curl, CURLOPT_URL, server->url);
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (login)
		curl_easy_setopt(curl, CURLOPT_USERPWD, login);
	return curl;
}

char *server_envelope(const char *operation)
{
	return g_strconcat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
			   "<env:Envelope xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\""
			   " xmlns:ifmap=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\""
			   " xmlns:meta=\"http://www.trustedcomputinggroup.org/2010/"
			   "IFMAP-METADATA/2\" xmlns:x=\"urn:example:x\"><env:Body>",
		operation, "</env:Body></env:Envelope>", NULL);
}

long server_post(CURL *curl, const char *body, gssize size, GString *answer)
{
	long status = 0;
	g_string_truncate(answer, 0);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)(size < 0 ? (gssize)strlen(body) : size));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	if (curl_easy_perform(curl) != CURLE_OK)
		return 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

char *server_begin(CURL *curl, GString *answer)
{
	g_autofree char *body = server_envelope("<ifmap:newSession/>");
	if (server_post(curl, body, -1, answer) != 200)
		return NULL;
	g_autoptr(ifmap_answer) parsed = ifmap_answer_parse(answer->str, answer->len, NULL);
	return parsed ? g_steal_pointer(&parsed->session_id) : NULL;
}
