/* The kernel behind struct enforce_kernel: one netlink socket. */
#include "host/enforce_kernel.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_MAX (64u << 10)
#define SEND_ROOM \
	(256 << 20) /* a transaction is one datagram: all rules of thousands of machines */
#define ANSWER_MS 30000

struct netlink {
	struct enforce_kernel ops; /* first */
	struct mnl_socket *socket;
	guint32 sequence;
	guint8 buffer[RECEIVE_MAX] __attribute__((aligned(8)));
};

static gboolean refuse(GError **error, int code, const char *what)
{
	g_set_error(error, ENFORCE_KERNEL_ERROR,
		code == ENOENT ? ENFORCE_KERNEL_ERROR_ABSENT : ENFORCE_KERNEL_ERROR_REFUSED,
		"nftables: %s: %s", what, g_strerror(code));
	return FALSE;
}

static gboolean send_all(struct netlink *netlink, const void *bytes, gsize size, GError **error)
{
	return mnl_socket_sendto(netlink->socket, bytes, size) == (gssize)size ||
	       refuse(error, errno, "cannot be sent to");
}

/* The next datagram's size; -1 with an error. The kernel answers before sendto() returns, so that
 * waiting is only for bugs. */
static gssize receive(struct netlink *netlink, GError **error)
{
	struct pollfd poll_fd = { .fd = mnl_socket_get_fd(netlink->socket), .events = POLLIN };
	gssize n = -1;

	if (poll(&poll_fd, 1, ANSWER_MS) == 1)
		n = mnl_socket_recvfrom(netlink->socket, netlink->buffer, sizeof netlink->buffer);
	else
		errno = ETIMEDOUT;
	if (n < 0)
		refuse(error, errno, "does not answer");
	return n;
}

/* An answer that an earlier question's failure left behind. */
static void drain(struct netlink *netlink)
{
	while (recv(mnl_socket_get_fd(netlink->socket), netlink->buffer, sizeof netlink->buffer,
		       MSG_DONTWAIT) >= 0 ||
		errno == ENOBUFS)
		;
}

/* Transactions */

/* Numbers the messages from `sequence` on and asks for a word about the last, whose number it
 * returns. */
static guint32 number_all(GByteArray *bytes, guint32 sequence)
{
	struct nlmsghdr *last = NULL;

	for (struct nlmsghdr *message = NULL; (message = enforce_batch_next(bytes, message));) {
		message->nlmsg_seq = sequence++;
		last = message;
	}
	g_assert(last); /* the batch's begin at least */
	last->nlmsg_flags |= NLM_F_ACK;
	return last->nlmsg_seq;
}

static char *describe(const GByteArray *bytes, guint32 sequence)
{
	struct nlmsghdr *message = NULL;

	while ((message = enforce_batch_next(bytes, message)))
		if (message->nlmsg_seq == sequence)
			return enforce_batch_describe(message);
	return g_strdup("the transaction");
}

static GByteArray *wrap(const struct enforce_batch *batch, guint32 first, guint32 *ret_last)
{
	GByteArray *all = g_byte_array_sized_new(batch->bytes->len + 64);
	guint8 edge[64] __attribute__((aligned(8))) = { 0 };

	g_byte_array_append(all, edge, nftnl_batch_begin((char *)edge, first)->nlmsg_len);
	g_byte_array_append(all, batch->bytes->data, batch->bytes->len);
	*ret_last = number_all(all, first);
	g_byte_array_append(all, edge, nftnl_batch_end((char *)edge, first)->nlmsg_len);
	return all;
}

/* Reads what the kernel says until the word about the last message; the first failure counts. */
static gboolean await(struct netlink *netlink, const GByteArray *sent, guint32 last, GError **error)
{
	for (;;) {
		gssize n = receive(netlink, error);
		int left = (int)n;

		if (n < 0)
			return FALSE;
		for (const struct nlmsghdr *header = (const void *)netlink->buffer;
			mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
			const struct nlmsgerr *word = mnl_nlmsg_get_payload(header);

			if (header->nlmsg_type != NLMSG_ERROR)
				continue;
			if (word->error) {
				g_autofree char *what = describe(sent, header->nlmsg_seq);

				return refuse(error, -word->error, what);
			}
			if (header->nlmsg_seq == last)
				return TRUE;
		}
	}
}

static gboolean netlink_apply(
	struct enforce_kernel *kernel, const struct enforce_batch *batch, GError **error)
{
	struct netlink *netlink = (struct netlink *)kernel;
	g_autoptr(GByteArray) all = NULL;
	guint32 last;

	if (!batch->bytes->len)
		return TRUE;
	all = wrap(batch, ++netlink->sequence, &last);
	netlink->sequence = last;
	drain(netlink);
	return send_all(netlink, all->data, all->len, error) && await(netlink, all, last, error);
}

/* Questions */

/* TRUE when there is more to come. */
static gboolean take(struct netlink *netlink, gssize n, enforce_answer_func answered, gpointer data,
	gboolean *ret_ok, GError **error)
{
	int left = (int)n;

	for (const struct nlmsghdr *header = (const void *)netlink->buffer;
		mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		if (header->nlmsg_seq != netlink->sequence)
			continue;
		if (header->nlmsg_flags & NLM_F_DUMP_INTR) {
			*ret_ok = refuse(error, EINTR, "changes while it is read");
			return FALSE;
		}
		if (header->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *word = mnl_nlmsg_get_payload(header);

			*ret_ok = !word->error || refuse(error, -word->error, "a question");
			return FALSE;
		}
		if (header->nlmsg_type == NLMSG_DONE) {
			*ret_ok = TRUE;
			return FALSE;
		}
		answered(header, data);
	}
	return TRUE;
}

static gboolean netlink_ask(struct enforce_kernel *kernel, struct nlmsghdr *question,
	enforce_answer_func answered, gpointer data, GError **error)
{
	struct netlink *netlink = (struct netlink *)kernel;
	gboolean ok = FALSE;
	gssize n;

	drain(netlink);
	question->nlmsg_seq = ++netlink->sequence;
	if (!(question->nlmsg_flags & NLM_F_DUMP))
		question->nlmsg_flags |= NLM_F_ACK;
	if (!send_all(netlink, question, question->nlmsg_len, error))
		return FALSE;
	do {
		n = receive(netlink, error);
		if (n < 0)
			return FALSE;
	} while (take(netlink, n, answered, data, &ok, error));
	return ok;
}

static void netlink_free(struct enforce_kernel *kernel)
{
	struct netlink *netlink = (struct netlink *)kernel;

	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	g_free(netlink);
}

struct enforce_kernel *enforce_netlink_new(guint32 *ret_port, GError **error)
{
	struct netlink *netlink = g_new0(struct netlink, 1);
	int room = SEND_ROOM;

	netlink->ops = (struct enforce_kernel){
		.apply = netlink_apply, .ask = netlink_ask, .free = netlink_free
	};
	netlink->sequence = 1;
	netlink->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!netlink->socket || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		refuse(error, errno, "cannot be reached");
		netlink_free(&netlink->ops);
		return NULL;
	}
	setsockopt(
		mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	setsockopt(
		mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	*ret_port = mnl_socket_get_portid(netlink->socket);
	return &netlink->ops;
}
