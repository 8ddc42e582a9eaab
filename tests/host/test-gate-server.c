/* host/gate_server on a real socket: good questions, bad ones, slow ones, many at once. */
#include "host/gate_server.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct gatehouse {
	char *folder;
	char *path;
	struct gate_server *server;
	GPtrArray *tickets; /* struct gate_ticket not answered yet, when `later` */
	gboolean later;
	unsigned n_asked;
	char *operation;
	char *xml;
};

static void on_ask(
	const char *operation, const char *xml, struct gate_ticket *ticket, gpointer data)
{
	struct gatehouse *house = data;

	house->n_asked++;
	g_free(house->operation);
	g_free(house->xml);
	house->operation = g_strdup(operation);
	house->xml = g_strdup(xml);
	if (house->later)
		g_ptr_array_add(house->tickets, ticket);
	else if (strcmp(operation, "start") == 0)
		gate_ticket_answer(ticket, NULL, NULL);
	else
		gate_ticket_answer(ticket, "MEMORY", "too little\nCPUS: too few");
}

static void house_init(struct gatehouse *house, unsigned timeout_ms)
{
	g_autoptr(GError) error = NULL;

	*house = (struct gatehouse){ .tickets = g_ptr_array_new() };
	house->folder = g_dir_make_tmp("drover-gate-XXXXXX", NULL);
	house->path = g_build_filename(house->folder, "gate.sock", NULL);
	house->server = gate_server_new(house->path, on_ask, house, &error);
	g_assert_no_error(error);
	gate_server_set_timeout(house->server, timeout_ms);
}

static void drain(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void house_clear(struct gatehouse *house)
{
	gate_server_free(house->server);
	drain();
	g_assert_false(g_file_test(house->path, G_FILE_TEST_EXISTS));
	g_rmdir(house->folder);
	g_ptr_array_unref(house->tickets);
	g_free(house->operation);
	g_free(house->xml);
	g_free(house->folder);
	g_free(house->path);
}

static int knock(const struct gatehouse *house)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	g_strlcpy(address.sun_path, house->path, sizeof(address.sun_path));
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

/* Sends all of it while the server's loop turns; FALSE when the server hung up. */
static gboolean say(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, text, size, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return FALSE;
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
		drain();
	}
	return TRUE;
}

/* All that comes until the server hangs up, at most 5 s; NULL: nothing but silence. */
static char *heard(int fd)
{
	gint64 end = g_get_monotonic_time() + (gint64)5 * G_USEC_PER_SEC;
	GString *text = g_string_new(NULL);

	while (g_get_monotonic_time() < end) {
		char chunk[4096];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n > 0)
			g_string_append_len(text, chunk, n);
		else if (n == 0 || errno != EAGAIN)
			return g_string_free(text, FALSE);
		drain();
		g_usleep(1000);
	}
	g_string_free(text, TRUE);
	return NULL;
}

static char *ask(const struct gatehouse *house, const char *question, gssize size)
{
	int fd = knock(house);
	char *answer;

	say(fd, question, size < 0 ? strlen(question) : (size_t)size);
	shutdown(fd, SHUT_WR);
	answer = heard(fd);
	close(fd);
	return answer;
}

static void test_good(void)
{
	struct gatehouse house;
	g_autofree char *allowed = NULL;
	g_autofree char *refused = NULL;
	struct stat status;

	house_init(&house, 5000);
	g_assert_cmpint(stat(house.path, &status), ==, 0);
	g_assert_cmpint(status.st_mode & 0777, ==, 0600);
	allowed = ask(&house, "GATE/1 start web 1\n<domain>\n</domain>", -1);
	g_assert_cmpstr(allowed, ==, "allow\n");
	g_assert_cmpstr(house.operation, ==, "start");
	g_assert_cmpstr(house.xml, ==, "<domain>\n</domain>");
	refused = ask(&house, "GATE/1 migrate web1\n<domain/>", -1);
	g_assert_cmpstr(refused, ==, "refuse MEMORY\ntoo little\nCPUS: too few");
	house_clear(&house);
}

static void test_garbage(void)
{
	static const char *const questions[] = { "", "\n", "GATE/1\n", "GATE/1 start\n<domain/>",
		"GATE/2 start web1\n<domain/>", "GATE/1 start web1", "GET / HTTP/1.1\r\n\r\n" };
	static const char nul[] = "GATE/1 start web1\n<domain>\0<x/></domain>";
	struct gatehouse house;

	house_init(&house, 5000);
	for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
		g_autofree char *answer = ask(&house, questions[i], -1);

		g_assert_true(g_str_has_prefix(answer, "refuse BAD_QUESTION\n"));
	}
	{
		g_autofree char *answer = ask(&house, nul, sizeof(nul) - 1);

		g_assert_true(g_str_has_prefix(answer, "refuse BAD_QUESTION\n"));
	}
	g_assert_cmpuint(house.n_asked, ==, 0);
	house_clear(&house);
}

/* The largest question is heard; one byte more is hung up on, without an answer. */
static void test_size(void)
{
	struct gatehouse house;
	g_autofree char *filling = g_strnfill((gsize)GATE_QUESTION_MAX, 'x');
	g_autofree char *question = g_strconcat("GATE/1 start w\n", filling, NULL);
	g_autofree char *fits = NULL;
	g_autofree char *nothing = NULL;

	house_init(&house, 60000);
	fits = ask(&house, question, (gssize)GATE_QUESTION_MAX);
	g_assert_cmpstr(fits, ==, "allow\n");
	nothing = ask(&house, question, (gssize)GATE_QUESTION_MAX + 1);
	g_assert_cmpstr(nothing, ==, "");
	g_assert_cmpuint(house.n_asked, ==, 1);
	house_clear(&house);
}

/* Neither silence nor a byte now and then keeps a connection for longer than the time there is. */
static void test_slow(void)
{
	struct gatehouse house;
	gint64 begun = g_get_monotonic_time();
	g_autofree char *nothing = NULL;
	int silent;
	int drip;
	unsigned n = 0;

	house_init(&house, 200);
	silent = knock(&house);
	drip = knock(&house);
	while (say(drip, "G", 1)) {
		g_usleep(10000);
		g_assert_cmpuint(++n, <, 300);
	}
	g_assert_cmpint(g_get_monotonic_time() - begun, >=, 150000);
	nothing = heard(silent);
	g_assert_cmpstr(nothing, ==, "");
	g_assert_cmpuint(house.n_asked, ==, 0);
	close(silent);
	close(drip);
	house_clear(&house);
}

static void test_many(void)
{
	struct gatehouse house;
	int fds[64];

	house_init(&house, 5000);
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		fds[i] = knock(&house);
		say(fds[i], "GATE/1 start w\n<", 16);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		say(fds[i], "d/>", 3);
		shutdown(fds[i], SHUT_WR);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
		g_autofree char *answer = heard(fds[i]);

		g_assert_cmpstr(answer, ==, "allow\n");
		close(fds[i]);
	}
	g_assert_cmpuint(house.n_asked, ==, G_N_ELEMENTS(fds));
	house_clear(&house);
}

/* An answer may come long after the question, and after whoever asked has gone. */
static void test_later(void)
{
	struct gatehouse house;
	g_autofree char *answer = NULL;
	int gone;
	int waiting;

	house_init(&house, 50);
	house.later = TRUE;
	gone = knock(&house);
	waiting = knock(&house);
	say(gone, "GATE/1 start w\n<d/>", 19);
	shutdown(gone, SHUT_WR);
	say(waiting, "GATE/1 start w\n<d/>", 19);
	shutdown(waiting, SHUT_WR);
	for (unsigned i = 0; i < 1000 && house.n_asked < 2; i++) {
		drain();
		g_usleep(1000);
	}
	g_assert_cmpuint(house.n_asked, ==, 2);
	close(gone);
	g_usleep(100000); /* longer than a question may take */
	drain();
	for (unsigned i = 0; i < 2; i++)
		gate_ticket_answer(house.tickets->pdata[i], NULL, NULL);
	answer = heard(waiting);
	g_assert_cmpstr(answer, ==, "allow\n");
	close(waiting);
	house_clear(&house);
}

/* The server goes while questions are being read: nobody is asked any more. */
static void test_freed(void)
{
	struct gatehouse house;
	g_autofree char *nothing = NULL;
	int fd;

	house_init(&house, 5000);
	fd = knock(&house);
	say(fd, "GATE/1 start w\n", 15);
	g_usleep(10000);
	drain();
	gate_server_free(house.server);
	house.server = NULL;
	say(fd, "<d/>", 4);
	shutdown(fd, SHUT_WR);
	nothing = heard(fd);
	g_assert_cmpstr(nothing, ==, "");
	g_assert_cmpuint(house.n_asked, ==, 0);
	close(fd);
	house_clear(&house);
}

static void test_no_folder(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(gate_server_new("/nonexistent/drover/gate.sock", on_ask, NULL, &error));
	g_assert_nonnull(error);
	g_assert_true(g_str_has_prefix(error->message, "/nonexistent/drover/gate.sock: "));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gate-server/good", test_good);
	g_test_add_func("/gate-server/garbage", test_garbage);
	g_test_add_func("/gate-server/size", test_size);
	g_test_add_func("/gate-server/slow", test_slow);
	g_test_add_func("/gate-server/many", test_many);
	g_test_add_func("/gate-server/later", test_later);
	g_test_add_func("/gate-server/freed", test_freed);
	g_test_add_func("/gate-server/no-folder", test_no_folder);
	return g_test_run();
}
