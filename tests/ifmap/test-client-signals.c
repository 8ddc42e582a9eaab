/* The client and the program's signals: a peer that goes away while it is written to raises no
 * SIGPIPE, whatever the program has made of that signal, and whatever libcurl's TLS library does.
 */
#include "bed.h"
#include "sample.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_CUTS 3

static guint n_sends; /* atomic; in which libcurl asked for no signal */

/* Stands before libc's, for libcurl: as with a TLS library that writes without MSG_NOSIGNAL, which
 * OpenSSL is and GnuTLS is not. The fake server's writes go another way. */
ssize_t send(int fd, const void *data, size_t size, int flags);
ssize_t send(int fd, const void *data, size_t size, int flags)
{
	if (flags & MSG_NOSIGNAL)
		g_atomic_int_inc(&n_sends);
	return sendto(fd, data, size, flags & ~MSG_NOSIGNAL, NULL, 0);
}

/* Many TLS records: the connection is reset between them. */
static struct ifmap_publish *large_update(void)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autofree char *text = g_strnfill(1000000, 'x');
	g_autoptr(ifmap_meta) meta = sample_meta("one", IFMAP_SINGLE_VALUE, NULL, text);

	ifmap_publish_update(publish, id, NULL, IFMAP_LIFETIME_SESSION, meta);
	return publish;
}

static void test_cut(void)
{
	g_autoptr(GError) error = NULL;
	struct bed bed;

	signal(SIGPIPE, SIG_DFL);
	bed_init(&bed, FAKE_PLAIN);
	fake_server_cut(fake_map_server(bed.map), N_CUTS);
	ifmap_client_publish_sync(bed.client, large_update(), 4 * SYNC_MS, &error);
	g_assert_no_error(error); /* it is repeated until it has come through */
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_PUBLISHES), ==, 1);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpuint(g_atomic_int_get(&n_sends), >, 0);
	bed_clear(&bed);
}

/* A signal of the program waits for the program, though the client's threads began while it was
 * blocked nowhere. */
static void test_others(void)
{
	const struct timespec patience = { .tv_sec = SYNC_MS / 1000 };
	g_autoptr(GError) error = NULL;
	struct bed bed;
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &ours, NULL); /* for the fake server's threads */
	bed_init(&bed, FAKE_PLAIN);
	pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
	ifmap_client_publish_sync(bed.client, bed_update(IFMAP_SINGLE_VALUE), SYNC_MS, &error);
	g_assert_no_error(error);
	pthread_sigmask(SIG_BLOCK, &ours, NULL);
	kill(getpid(), SIGUSR1);
	g_assert_cmpint(sigtimedwait(&ours, NULL, &patience), ==, SIGUSR1);
	bed_clear(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/client/cut-while-sending", test_cut);
	g_test_add_func("/ifmap/client/signals-of-the-program", test_others);
	return g_test_run();
}
