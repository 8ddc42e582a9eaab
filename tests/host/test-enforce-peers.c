/* Others at the enforcer's socket: rubbish, halves of messages, readers that do not read. One who
 * asks properly is served all the while. Needs root. */
#include "cases.h"
#include "enforceworld.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct door {
	int host;
	char *directory;
	char *state;
	char *socket;
	struct enforcer_run *run;
};

static void door_open(struct door *door)
{
	door->host = netlab_new();
	door->directory = g_dir_make_tmp("drover-peers-XXXXXX", NULL);
	door->state = g_build_filename(door->directory, "state.json", NULL);
	door->socket = g_build_filename(door->directory, "socket", NULL);
	door->run = enforcer_run_listen(
		g_getenv("DROVER_ENFORCER"), door->host, door->state, door->socket);
}

static void door_close(struct door *door)
{
	enforcer_run_stop(door->run, SIGTERM);
	close(door->host);
	g_unlink(door->state);
	g_unlink(door->socket);
	g_rmdir(door->directory);
	g_free(door->state);
	g_free(door->socket);
	g_free(door->directory);
}

/* The enforcer answers properly, and does what it is asked. */
static void expect_service(struct door *door)
{
	g_autoptr(GPtrArray)
		machines = g_ptr_array_new_with_free_func((GDestroyNotify)rules_machine_free);
	g_autoptr(enforcer_answer) answer = NULL;

	g_ptr_array_add(machines, world_machine_a());
	answer = enforcer_run_set(door->run, machines);
	g_assert_cmpstr(answer->error, ==, NULL);
	g_assert_cmpuint(answer->n_conforming, ==, 1);
}

/* Whether the other end hangs up. */
static gboolean is_hung_up(int fd)
{
	struct timeval patience = { .tv_sec = 10 };
	char byte[4096];
	gssize n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	while ((n = recv(fd, byte, sizeof byte, 0)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

static void send_message(int fd, const char *text, guint32 length)
{
	guint32 size = GUINT32_TO_BE(length);

	g_assert_cmpint(send(fd, &size, sizeof size, MSG_NOSIGNAL), ==, sizeof size);
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void test_rubbish(void)
{
	g_autofree char *deep = g_strnfill(20000, '[');
	const char *const texts[] = { "rubbish", "[]", "{\"id\":1,\"id\":2,\"op\":\"list\"}", deep,
		"{\"op\":\"\xff\"}" };
	struct door door;
	int fd;

	door_open(&door);
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		fd = enforcer_run_connect(door.socket);
		send_message(fd, texts[i], (guint32)strlen(texts[i]));
		g_assert_true(is_hung_up(fd));
		close(fd);
		expect_service(&door);
	}
	fd = enforcer_run_connect(door.socket);
	send_message(fd, "{", G_MAXUINT32);
	g_assert_true(is_hung_up(fd));
	close(fd);
	expect_service(&door);
	door_close(&door);
}

/* Requests that are JSON but not requests are refused, one by one, on a channel that lives on. */
static void test_nonsense(void)
{
	static const char *const texts[] = { "{}", "{\"op\":7}", "{\"op\":\"set\"}",
		"{\"op\":\"set\",\"machines\":[{}]}", "{\"op\":\"remove\",\"uuid\":[]}",
		"{\"op\":\"cut\"}", "{\"op\":\"conntrack-dump\",\"uuids\":\"x\"}",
		"{\"op\":\"conntrack-load\",\"uuid\":\"x\",\"entries\":3}" };
	struct door door;
	char reply[4096];
	int fd;

	door_open(&door);
	fd = enforcer_run_connect(door.socket);
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		gssize n;

		send_message(fd, texts[i], (guint32)strlen(texts[i]));
		n = recv(fd, reply, sizeof reply - 1, 0);
		g_assert_cmpint(n, >, 4);
		reply[n] = '\0';
		g_assert_nonnull(strstr(reply + 4, "\"ok\":false"));
	}
	close(fd);
	expect_service(&door);
	door_close(&door);
}

/* Half a message holds nobody up, nor does one who asks and does not listen: he is cut off. */
static void test_slow(void)
{
	static const char question[] = "{\"id\":1,\"op\":\"list\"}";
	struct door door;
	int half, deaf;
	gssize n = 1;

	door_open(&door);
	expect_service(&door);
	half = enforcer_run_connect(door.socket);
	send_message(half, "{\"id\":", 1000);
	expect_service(&door);
	deaf = enforcer_run_connect(door.socket);
	for (guint i = 0; n > 0 && i < 2000000; i++) {
		guint8 message[sizeof question + 3];
		guint32 size = GUINT32_TO_BE((guint32)strlen(question));

		memcpy(message, &size, sizeof size);
		memcpy(message + 4, question, strlen(question));
		n = send(deaf, message, 4 + strlen(question), MSG_NOSIGNAL);
	}
	g_assert_cmpint(n, <, 0);
	expect_service(&door);
	close(half);
	close(deaf);
	expect_service(&door);
	door_close(&door);
}

static const struct cases_case cases[] = {
	{ "/enforce/peers/rubbish", test_rubbish },
	{ "/enforce/peers/nonsense", test_nonsense },
	{ "/enforce/peers/slow", test_slow },
};

int main(int argc, char **argv)
{
	return CASES_RUN(argc, argv, world_why_not, cases);
}
