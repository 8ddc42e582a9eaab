/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hostile server can send to a client: the input is all that comes over one connection, head
 * and body. Nothing crashes; what is read as an answer can be applied to a mirror, which
 * then shows as many metadata as it counts. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ifmap/answer.h"
#include "ifmap/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TIMEOUT_MS 1000
#define REQUEST    "<request/>"

struct tally {
	const struct ifmap_mirror *mirror;
	size_t n;
};

static void count(const struct ifmap_id *a, const struct ifmap_id *b, const struct ifmap_meta *meta,
	gpointer data)
{
	struct tally *tally = data;
	g_autofree char *name = ifmap_id_to_string(a);

	g_assert_true(g_utf8_validate(name, -1, NULL));
	g_assert_nonnull(
		ifmap_mirror_find(tally->mirror, a, b, ifmap_meta_ns(meta), ifmap_meta_name(meta)));
	tally->n++;
}

static size_t count_shown(const struct ifmap_mirror *mirror)
{
	struct tally tally = { mirror, 0 };

	ifmap_mirror_foreach(mirror, count, &tally);
	return tally.n;
}

static void check_answer(const struct ifmap_answer *answer)
{
	g_autoptr(ifmap_mirror) mirror = ifmap_mirror_new();

	for (guint i = 0; i < answer->members->len; i++) {
		const struct ifmap_member *member = g_ptr_array_index(answer->members, i);

		g_assert_true(!member->result == !!member->refused);
		if (member->result)
			ifmap_mirror_apply(mirror, member->result);
		g_assert_cmpuint(count_shown(mirror), ==, ifmap_mirror_n_metas(mirror));
	}
}

static void read_body(const char *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(data, size, &error);

	g_assert_true(!answer == !!error);
	if (answer)
		check_answer(answer);
}

/* The server: answers each connection's one request with the input, then closes. */
static struct {
	char *address;
	int listener;
	const uint8_t *data;
	size_t size;
} server;

static void answer_one(int fd)
{
	g_autoptr(GString) request = g_string_new(NULL);
	char buffer[4096];
	ssize_t n;

	while (!strstr(request->str, REQUEST) && (n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		g_string_append_len(request, buffer, n);
	for (size_t sent = 0; sent < server.size; sent += (size_t)n) {
		n = send(fd, server.data + sent, server.size - sent, MSG_NOSIGNAL);
		if (n <= 0)
			return;
	}
}

/* Serves one connection. */
static gpointer serve(gpointer data G_GNUC_UNUSED)
{
	int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	answer_one(fd);
	close(fd);
	return NULL;
}

static void listen_somewhere(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	server.address = g_strdup_printf("drover-fuzz-server-%d", (int)getpid());
	memcpy(address.sun_path + 1, server.address, strlen(server.address));
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(server.listener, (struct sockaddr *)&address,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					    strlen(server.address))),
		==, 0);
	g_assert_cmpint(listen(server.listener, 16), ==, 0);
}

/* Made once, since that is what costs. */
static struct ifmap_transport *the_transport(void)
{
	static struct ifmap_transport *transport;
	const struct ifmap_client_config config = {
		.url = "https://127.0.0.1/", .user = "u", .password = "p"
	};

	if (transport)
		return transport;
	listen_somewhere();
	transport = ifmap_transport_new(&config, NULL);
	ifmap_transport_use_unix(transport, server.address);
	return transport;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ifmap_transport *transport = the_transport();
	g_autoptr(GString) request = g_string_new(REQUEST);
	g_autoptr(GError) error = NULL;
	size_t answer_size = 0;
	const char *answer;
	GThread *thread;

	server.data = data;
	server.size = size;
	thread = g_thread_new("server", serve, NULL);
	ifmap_transport_disconnect(transport);
	answer = ifmap_transport_post(transport, request, TIMEOUT_MS, &answer_size, &error);
	g_assert_true(ifmap_transport_was_sent(transport)); /* else nothing would be tested */
	g_assert_true(!answer == !!error);
	g_thread_join(thread);
	if (answer)
		read_body(answer, answer_size);
	return 0;
}
