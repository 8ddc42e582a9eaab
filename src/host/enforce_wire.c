#include "host/enforce_wire.h"

#include "host/enforce_client.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536

struct enforce_wire {
	int fd;
	GMainContext *context;
	const struct enforce_wire_events *events;
	gpointer data;
	GSource *readable;
	GSource *writable; /* NULL while nothing waits */
	GByteArray *in;
	GByteArray *out;
	gsize sent; /* of out */
	gint n_refs;
	gboolean freed;
	gboolean closed;
};

/* Codec */

gboolean enforce_wire_pack(const json_t *message, GByteArray *out)
{
	char *text = json_dumps(message, JSON_COMPACT);
	gsize size = text ? strlen(text) : 0;
	guint32 length = GUINT32_TO_BE((guint32)size);
	gboolean ok = text && size <= ENFORCE_WIRE_MESSAGE_MAX;

	if (ok) {
		g_byte_array_append(out, (const guint8 *)&length, sizeof length);
		g_byte_array_append(out, (const guint8 *)text, (guint)size);
	}
	free(text);
	return ok;
}

json_t *enforce_wire_take(GByteArray *in, GError **error)
{
	guint32 length;
	json_t *message;
	json_error_t why;

	if (in->len < sizeof length)
		return NULL;
	memcpy(&length, in->data, sizeof length);
	length = GUINT32_FROM_BE(length);
	if (length > ENFORCE_WIRE_MESSAGE_MAX) {
		g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_PROTOCOL,
			"a message of %u bytes: the most is %u", length, ENFORCE_WIRE_MESSAGE_MAX);
		return NULL;
	}
	if (in->len - sizeof length < length)
		return NULL;
	message = json_loadb(
		(const char *)in->data + sizeof length, length, JSON_REJECT_DUPLICATES, &why);
	g_byte_array_remove_range(in, 0, (guint)sizeof length + length);
	if (json_is_object(message))
		return message;
	g_set_error(error, ENFORCE_ERROR, ENFORCE_ERROR_PROTOCOL,
		"a message is not a JSON object%s%s", message ? "" : ": ", message ? "" : why.text);
	json_decref(message);
	return NULL;
}

/* Lifetime: callbacks may free the channel, so the loop's functions hold a reference. */

static void drop_source(GSource **source)
{
	if (*source) {
		g_source_destroy(*source);
		g_source_unref(*source);
		*source = NULL;
	}
}

static void unref(struct enforce_wire *wire)
{
	if (--wire->n_refs)
		return;
	g_byte_array_unref(wire->in);
	g_byte_array_unref(wire->out);
	if (wire->context)
		g_main_context_unref(wire->context);
	close(wire->fd);
	g_free(wire);
}

void enforce_wire_free(struct enforce_wire *wire)
{
	if (!wire)
		return;
	wire->freed = TRUE;
	drop_source(&wire->readable);
	drop_source(&wire->writable);
	unref(wire);
}

static void close_with(struct enforce_wire *wire, const GError *error)
{
	if (wire->closed)
		return;
	wire->closed = TRUE;
	drop_source(&wire->readable);
	drop_source(&wire->writable);
	shutdown(wire->fd, SHUT_RDWR);
	if (!wire->freed)
		wire->events->closed(error, wire->data);
}

static void close_errno(struct enforce_wire *wire, int code)
{
	g_autoptr(GError) error = g_error_new(
		ENFORCE_ERROR, ENFORCE_ERROR_CLOSED, "the other end is gone: %s", g_strerror(code));

	close_with(wire, error);
}

/* Reading */

static void deliver(struct enforce_wire *wire)
{
	while (!wire->freed && !wire->closed) {
		g_autoptr(GError) error = NULL;
		json_t *message = enforce_wire_take(wire->in, &error);

		if (error)
			close_with(wire, error);
		if (!message)
			return;
		wire->events->message(message, wire->data);
		json_decref(message);
	}
}

static void read_some(struct enforce_wire *wire)
{
	guint8 buffer[READ_SIZE / 8];
	gssize n = 0;

	for (guint i = 0; i < 64; i++) {
		n = recv(wire->fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n <= 0)
			break;
		g_byte_array_append(wire->in, buffer, (guint)n);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		close_errno(wire, errno);
		return;
	}
	deliver(wire);
	if (n == 0 && !wire->freed)
		close_with(wire, NULL);
}

static gboolean on_readable(
	int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
	struct enforce_wire *wire = data;

	wire->n_refs++;
	read_some(wire);
	unref(wire);
	return G_SOURCE_CONTINUE;
}

/* Writing */

/* One who reads, but never all, must not make the rest grow. */
static void drop_sent(struct enforce_wire *wire)
{
	if (wire->sent < wire->out->len / 2)
		return;
	g_byte_array_remove_range(wire->out, 0, (guint)wire->sent);
	wire->sent = 0;
}

static gboolean on_writable(
	int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
	struct enforce_wire *wire = data;
	gssize n = send(wire->fd, wire->out->data + wire->sent, wire->out->len - wire->sent,
		MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		wire->n_refs++;
		close_errno(wire, errno);
		unref(wire);
		return G_SOURCE_CONTINUE;
	}
	wire->sent += n > 0 ? (gsize)n : 0;
	if (wire->sent < wire->out->len) {
		drop_sent(wire);
		return G_SOURCE_CONTINUE;
	}
	g_byte_array_set_size(wire->out, 0);
	wire->sent = 0;
	drop_source(&wire->writable);
	return G_SOURCE_REMOVE;
}

static GSource *watch(struct enforce_wire *wire, GIOCondition condition, GUnixFDSourceFunc function)
{
	GSource *source = g_unix_fd_source_new(wire->fd, condition);

	g_source_set_callback(source, G_SOURCE_FUNC(function), wire, NULL);
	g_source_attach(source, wire->context);
	return source;
}

gsize enforce_wire_waiting(const struct enforce_wire *wire)
{
	return wire->out->len - wire->sent;
}

gboolean enforce_wire_send(struct enforce_wire *wire, json_t *message)
{
	gboolean ok = !wire->closed && enforce_wire_waiting(wire) < ENFORCE_WIRE_QUEUE_MAX &&
		      enforce_wire_pack(message, wire->out);

	json_decref(message);
	if (ok && !wire->writable)
		wire->writable = watch(wire, G_IO_OUT, on_writable);
	if (!ok && !wire->closed)
		shutdown(wire->fd, SHUT_RDWR); /* the loop reads the end, and closes */
	return ok;
}

struct enforce_wire *enforce_wire_new(
	int fd, GMainContext *context, const struct enforce_wire_events *events, gpointer data)
{
	struct enforce_wire *wire = g_new0(struct enforce_wire, 1);

	wire->fd = fd;
	wire->context = context ? g_main_context_ref(context) : NULL;
	wire->events = events;
	wire->data = data;
	wire->n_refs = 1;
	wire->in = g_byte_array_new();
	wire->out = g_byte_array_new();
	g_unix_set_fd_nonblocking(fd, TRUE, NULL);
	wire->readable = watch(wire, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable);
	return wire;
}
