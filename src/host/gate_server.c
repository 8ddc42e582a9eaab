#include "host/gate_server.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>

#define QUESTION_TIMEOUT_MS 5000
#define CHUNK               65536

struct gate_server {
	GSocketService *service;
	char *path;
	gate_ask_fn ask;
	gpointer data;
	unsigned timeout_ms;
	GHashTable *reading; /* set of struct gate_ticket whose question is not complete */
};

struct gate_ticket {
	struct gate_server *server; /* NULL once the question is complete, or the server gone */
	GCancellable *cancel;       /* ends the reading */
	guint timer;
	GSocketConnection *connection;
	GByteArray *question;
	char chunk[CHUNK];
	char *answer;
};

/* The question is complete, or will never be. */
static void stop_reading(struct gate_ticket *ticket)
{
	if (ticket->timer)
		g_source_remove(ticket->timer);
	ticket->timer = 0;
	if (ticket->server)
		g_hash_table_remove(ticket->server->reading, ticket);
	ticket->server = NULL;
}

static void ticket_free(struct gate_ticket *ticket)
{
	stop_reading(ticket);
	g_object_unref(ticket->cancel);
	g_io_stream_close(G_IO_STREAM(ticket->connection), NULL, NULL);
	g_object_unref(ticket->connection);
	g_byte_array_unref(ticket->question);
	g_free(ticket->answer);
	g_free(ticket);
}

static void on_written(GObject *stream, GAsyncResult *result, gpointer data)
{
	g_output_stream_write_all_finish(G_OUTPUT_STREAM(stream), result, NULL, NULL);
	ticket_free(data);
}

void gate_ticket_answer(struct gate_ticket *ticket, const char *code, const char *text)
{
	ticket->answer = code ? g_strdup_printf("refuse %s\n%s", code, text ? text : "")
			      : g_strconcat("allow\n", text, NULL);
	g_output_stream_write_all_async(
		g_io_stream_get_output_stream(G_IO_STREAM(ticket->connection)), ticket->answer,
		strlen(ticket->answer), G_PRIORITY_HIGH, NULL, on_written, ticket);
}

/* "GATE/1 OPERATION NAME\nXML", nul-terminated in place. */
static void ask(struct gate_ticket *ticket)
{
	struct gate_server *server = ticket->server;
	char *text = (char *)ticket->question->data;
	gboolean whole = strlen(text) + 1 == ticket->question->len;
	char *xml = strchr(text, '\n');
	g_auto(GStrv) words = NULL;

	stop_reading(ticket);
	if (xml)
		*xml++ = '\0';
	words = g_strsplit(text, " ", 3);
	if (!whole || !xml || g_strv_length(words) != 3 || strcmp(words[0], "GATE/1") != 0)
		gate_ticket_answer(
			ticket, "BAD_QUESTION", "the gate was asked in a form it does not know");
	else
		server->ask(words[1], xml, ticket, server->data);
}

static void read_on(struct gate_ticket *ticket);

static void on_read(GObject *stream, GAsyncResult *result, gpointer data)
{
	struct gate_ticket *ticket = data;
	gssize n = g_input_stream_read_finish(G_INPUT_STREAM(stream), result, NULL);

	if (n < 0 || !ticket->server || ticket->question->len + (gsize)n > GATE_QUESTION_MAX) {
		ticket_free(ticket);
		return;
	}
	if (n == 0) {
		g_byte_array_append(ticket->question, (const guint8 *)"", 1);
		ask(ticket);
		return;
	}
	g_byte_array_append(ticket->question, (const guint8 *)ticket->chunk, (guint)n);
	read_on(ticket);
}

static void read_on(struct gate_ticket *ticket)
{
	g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(ticket->connection)),
		ticket->chunk, CHUNK, G_PRIORITY_HIGH, ticket->cancel, on_read, ticket);
}

static gboolean on_too_slow(gpointer data)
{
	struct gate_ticket *ticket = data;

	ticket->timer = 0;
	g_cancellable_cancel(ticket->cancel);
	return G_SOURCE_REMOVE;
}

static gboolean on_incoming(
	GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
	struct gate_ticket *ticket = g_new0(struct gate_ticket, 1);

	ticket->server = data;
	ticket->connection = g_object_ref(connection);
	ticket->question = g_byte_array_new();
	ticket->cancel = g_cancellable_new();
	ticket->timer = g_timeout_add(ticket->server->timeout_ms, on_too_slow, ticket);
	g_hash_table_add(ticket->server->reading, ticket);
	read_on(ticket);
	return TRUE;
}

struct gate_server *gate_server_new(
	const char *path, gate_ask_fn ask_fn, gpointer data, GError **error)
{
	struct gate_server *server = g_new0(struct gate_server, 1);
	g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);

	server->service = g_socket_service_new();
	server->path = g_strdup(path);
	server->ask = ask_fn;
	server->timeout_ms = QUESTION_TIMEOUT_MS;
	server->reading = g_hash_table_new(NULL, NULL);
	server->data = data;
	g_unlink(path);
	if (!g_socket_listener_add_address(G_SOCKET_LISTENER(server->service), address,
		    G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error)) {
		g_prefix_error(error, "%s: ", path);
		gate_server_free(server);
		return NULL;
	}
	g_chmod(path, 0600);
	g_signal_connect(server->service, "incoming", G_CALLBACK(on_incoming), server);
	return server;
}

void gate_server_set_timeout(struct gate_server *server, unsigned timeout_ms)
{
	server->timeout_ms = timeout_ms;
}

/* The tickets free themselves when their reading ends, which needs a turn of the loop. */
static void hang_up(struct gate_server *server)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, server->reading);
	while (g_hash_table_iter_next(&iter, &value, NULL)) {
		struct gate_ticket *ticket = value;

		ticket->server = NULL;
		g_cancellable_cancel(ticket->cancel);
	}
	g_hash_table_unref(server->reading);
}

void gate_server_free(struct gate_server *server)
{
	if (!server)
		return;
	hang_up(server);
	g_socket_service_stop(server->service);
	g_socket_listener_close(G_SOCKET_LISTENER(server->service));
	g_object_unref(server->service);
	g_unlink(server->path);
	g_free(server->path);
	g_free(server);
}
