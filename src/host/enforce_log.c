#include "host/enforce_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <libnetfilter_log/libnetfilter_log.h>
#include <string.h>

#define FIRST_GROUP 4711
#define N_GROUPS    8
#define COPY_BYTES  128
#define READS_MAX   64 /* messages taken before other work gets its turn */

struct enforce_log {
	struct nflog_handle *handle;
	struct nflog_g_handle *bound;
	guint16 group;
	enforce_log_func seen;
	gpointer data;
};

static int on_packet(struct nflog_g_handle *bound G_GNUC_UNUSED,
	struct nfgenmsg *message G_GNUC_UNUSED, struct nflog_data *data, void *user_data)
{
	struct enforce_log *log = user_data;
	const struct nfulnl_msg_packet_hdr *header = nflog_get_msg_packet_hdr(data);
	const char *prefix = nflog_get_prefix(data);
	char *payload = NULL;
	int size = nflog_get_payload(data, &payload);
	const char *ethernet = nflog_get_msg_packet_hwhdr(data);
	struct enforce_packet packet;

	if (!header || !prefix)
		return 0;
	enforce_packet_read(ntohs(header->hw_protocol), (const guint8 *)ethernet,
		ethernet ? nflog_get_msg_packet_hwhdrlen(data) : 0, (const guint8 *)payload,
		payload && size > 0 ? (gsize)size : 0, &packet);
	log->seen(prefix, &packet, log->data);
	return 0;
}

struct enforce_log *enforce_log_open(enforce_log_func seen, gpointer data, GError **error)
{
	struct enforce_log *log = g_new0(struct enforce_log, 1);

	log->seen = seen;
	log->data = data;
	log->handle = nflog_open();
	for (guint16 i = 0; log->handle && !log->bound && i < N_GROUPS; i++) {
		log->group = (guint16)(FIRST_GROUP + i);
		log->bound = nflog_bind_group(log->handle, log->group);
	}
	if (!log->bound) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"no netfilter log group can be bound: %s", g_strerror(errno));
		enforce_log_close(log);
		return NULL;
	}
	nflog_callback_register(log->bound, on_packet, log);
	nflog_set_mode(log->bound, NFULNL_COPY_PACKET, COPY_BYTES);
	nflog_set_qthresh(log->bound, 1);
	fcntl(enforce_log_fd(log), F_SETFL, O_NONBLOCK);
	fcntl(enforce_log_fd(log), F_SETFD, FD_CLOEXEC);
	return log;
}

void enforce_log_close(struct enforce_log *log)
{
	if (!log)
		return;
	if (log->bound)
		nflog_unbind_group(log->bound);
	if (log->handle)
		nflog_close(log->handle);
	g_free(log);
}

guint16 enforce_log_group(const struct enforce_log *log)
{
	return log->group;
}

int enforce_log_fd(const struct enforce_log *log)
{
	return nflog_fd(log->handle);
}

void enforce_log_read(struct enforce_log *log)
{
	char buffer[8192] __attribute__((aligned(8)));

	/* ENOBUFS means that some were lost: the counters still have them. */
	for (guint i = 0; i < READS_MAX; i++) {
		gssize n = recv(enforce_log_fd(log), buffer, sizeof buffer, 0);

		if (n <= 0)
			return;
		nflog_handle_packet(log->handle, buffer, (int)n);
	}
}
