#include "fakemap.h"

#include <string.h>
#include <zlib.h>

struct override {
	char *part;
	char *raw;
};

struct fake_map {
	struct fake_server *server;
	enum fake_manner manner;
	GMutex lock; /* guards the rest */
	GCond changed;
	gboolean stop;
	unsigned counts[N_FAKE_COUNTS];
	unsigned n_hanging;
	unsigned generation; /* of the session; a hanging poll of an older one is let go */
	GQueue overrides;    /* struct override * */
	GQueue pushed;       /* char * */
	GPtrArray *bodies;   /* char * */
	char *subscription;
	guint64 asking; /* bit per connection */
	guint64 polling;
};

/* ---- writing */

static char *envelope(const char *content, enum fake_manner manner)
{
	if (manner == FAKE_ODD_NAMES)
		return g_strdup_printf(
			"<?xml version='1.0' encoding='UTF-8'?>\n<!-- odd --><S:Envelope x='1' "
			"xmlns:S='http://www.w3.org/2003/05/soap-envelope'><S:Header/>\n<S:Body>\n"
			"<q:response xmlns:q='http://www.trustedcomputinggroup.org/2010/IFMAP/2' "
			"validation='All'>\n%s\n</q:response></S:Body></S:Envelope>\n",
			content);
	return g_strdup_printf(
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope "
		"xmlns:env=\"http://www.w3.org/2003/05/soap-envelope\" "
		"xmlns:ifmap=\"http://www.trustedcomputinggroup.org/2010/IFMAP/2\"><env:Body>"
		"<ifmap:response>%s</ifmap:response></env:Body></env:Envelope>",
		content);
}

char *fake_map_answer(const char *content)
{
	g_autofree char *body = envelope(content, FAKE_PLAIN);

	return g_strdup_printf(
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
}

static GString *gzip(const char *body)
{
	unsigned char buffer[8192];
	z_stream stream = { .next_in = (unsigned char *)body,
		.avail_in = (uInt)strlen(body),
		.next_out = buffer,
		.avail_out = sizeof buffer };

	g_assert_cmpint(
		deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
	g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
	deflateEnd(&stream);
	return g_string_new_len((char *)buffer, (gssize)stream.total_out);
}

/* Chunks of 1, 2, 3, ... bytes. */
static GString *chunk(const GString *body)
{
	GString *out = g_string_new(NULL);
	size_t at = 0;

	for (size_t n = 1; at < body->len; n++) {
		n = MIN(n, body->len - at);
		g_string_append_printf(out, "%zx\r\n", n);
		g_string_append_len(out, body->str + at, (gssize)n);
		g_string_append(out, "\r\n");
		at += n;
	}
	g_string_append(out, "0\r\n\r\n");
	return out;
}

static void send_pieces(
	struct fake_conn *conn, const GString *head, const GString *body, enum fake_manner manner)
{
	g_autoptr(GString) whole = g_string_new_len(head->str, (gssize)head->len);

	g_string_append_len(whole, body->str, (gssize)body->len);
	if (manner == FAKE_BYTE_BY_BYTE) {
		for (size_t i = 0; i < whole->len; i++)
			fake_conn_send(conn, whole->str + i, 1);
	} else if (manner == FAKE_HEAD_APART) {
		fake_conn_send(conn, head->str, head->len);
		g_usleep(20000);
		fake_conn_send(conn, body->str, body->len);
	} else {
		fake_conn_send(conn, whole->str, whole->len);
	}
}

static void send_answer(struct fake_conn *conn, const char *content, enum fake_manner manner)
{
	g_autofree char *text = envelope(content, manner);
	gboolean is_gzip = manner == FAKE_GZIP || manner == FAKE_CHUNKED_GZIP;
	gboolean is_chunked = manner == FAKE_CHUNKED || manner == FAKE_CHUNKED_GZIP;
	g_autoptr(GString) body = is_gzip ? gzip(text) : g_string_new(text);
	g_autoptr(GString) head = g_string_new(
		manner == FAKE_NO_REASON ? "HTTP/1.1 200\r\n" : "HTTP/1.1 200 OK\r\n");

	if (!is_chunked || is_gzip)
		g_string_append_printf(head,
			manner == FAKE_LOWER_CASE ? "content-length:%zu\r\n"
						  : "Content-Length: %zu\r\n",
			body->len);
	if (is_gzip)
		g_string_append(head, "Content-Encoding: gzip\r\n");
	if (is_chunked) {
		GString *chunked = chunk(body);

		g_string_append(head, "Transfer-Encoding: chunked\r\n");
		g_string_free(g_steal_pointer(&body), TRUE);
		body = chunked;
	}
	if (manner == FAKE_CLOSING)
		g_string_append(head, "Connection: close\r\n");
	g_string_append(head, "\r\n");
	send_pieces(conn, head, body, manner);
	if (manner == FAKE_CLOSING)
		fake_conn_close(conn);
}

/* ---- operations: the lock is held */

/* Lets go of polls of the session there was. */
static void next_generation(struct fake_map *map)
{
	map->generation++;
	map->n_hanging = 0;
	g_cond_broadcast(&map->changed);
}

static char *new_session(struct fake_map *map, const char *body G_GNUC_UNUSED)
{
	next_generation(map);
	return g_strdup_printf(
		"<newSessionResult session-id=\"s%u\" ifmap-publisher-id=\"fake\" extra=\"\"/>",
		map->generation);
}

static char *end_session(struct fake_map *map, const char *body G_GNUC_UNUSED)
{
	next_generation(map);
	return g_strdup("<endSessionResult/>");
}

static char *renew_session(struct fake_map *map G_GNUC_UNUSED, const char *body G_GNUC_UNUSED)
{
	return g_strdup("<renewSessionResult/>");
}

static char *publish(struct fake_map *map G_GNUC_UNUSED, const char *body G_GNUC_UNUSED)
{
	return g_strdup("<publishReceived/>");
}

/* Remembers the name of the last update. */
static char *subscribe(struct fake_map *map, const char *body)
{
	const char *update = g_strrstr(body, "<update");
	const char *name = update ? strstr(update, " name=\"") : NULL;

	if (name) {
		name += strlen(" name=\"");
		g_free(map->subscription);
		map->subscription = g_strndup(name, strcspn(name, "\""));
	}
	return g_strdup("<subscribeReceived/>");
}

static char *search(struct fake_map *map G_GNUC_UNUSED, const char *body G_GNUC_UNUSED)
{
	return g_strdup(
		"<searchResult><resultItem><ip-address value=\"10.0.0.1\" type=\"IPv4\"/><metadata/></resultItem>"
		"<resultItem><ip-address value=\"10.0.0.1\"/><metadata><t:one xmlns:t=\"urn:drover:test:1\" "
		"ifmap-cardinality=\"singleValue\" ifmap-publisher-id=\"fake\" ifmap-timestamp=\"2026-01-01T00:00:00Z\">"
		"<v>1</v></t:one></metadata></resultItem></searchResult>");
}

static char *purge(struct fake_map *map G_GNUC_UNUSED, const char *body G_GNUC_UNUSED)
{
	return g_strdup("<purgePublisherReceived/>");
}

/* Takes `content`. */
static char *name_subscription(const struct fake_map *map, char *content)
{
	g_auto(GStrv) parts = g_strsplit(content, "%s", -1);

	g_free(content);
	return g_strjoinv(map->subscription ? map->subscription : "", parts);
}

/* Only one poll of one session hangs at a time in a client that behaves; what else it does is
 * counted. */
static char *poll(struct fake_map *map, const char *body G_GNUC_UNUSED)
{
	unsigned generation = map->generation;

	map->n_hanging++;
	map->counts[FAKE_POLLS_AT_ONCE] = MAX(map->counts[FAKE_POLLS_AT_ONCE], map->n_hanging);
	while (!map->stop && generation == map->generation && !map->pushed.head)
		g_cond_wait(&map->changed, &map->lock);
	if (map->stop)
		return NULL;
	if (generation != map->generation)
		return g_strdup("<endSessionResult/>");
	map->n_hanging--;
	return name_subscription(map, g_queue_pop_head(&map->pushed));
}

static const struct {
	const char *tag;
	enum fake_count count;
	char *(*answer)(struct fake_map *map, const char *body);
} operations[] = {
	{ "<ifmap:newSession", FAKE_SESSIONS, new_session },
	{ "<ifmap:renewSession", FAKE_RENEWALS, renew_session },
	{ "<ifmap:endSession", FAKE_ENDS, end_session },
	{ "<ifmap:publish", FAKE_PUBLISHES, publish },
	{ "<ifmap:subscribe", FAKE_SUBSCRIBES, subscribe },
	{ "<ifmap:poll", FAKE_POLLS, poll },
	{ "<ifmap:search", N_FAKE_COUNTS, search },
	{ "<ifmap:purgePublisher", N_FAKE_COUNTS, purge },
};

static char *take_override(struct fake_map *map, const char *body)
{
	for (GList *link = map->overrides.head; link; link = link->next) {
		struct override *override = link->data;
		char *raw;

		if (!strstr(body, override->part))
			continue;
		raw = override->raw;
		g_free(override->part);
		g_free(override);
		g_queue_delete_link(&map->overrides, link);
		return raw;
	}
	return NULL;
}

static void note_channel(struct fake_map *map, unsigned number, gboolean is_poll)
{
	guint64 bit = G_GUINT64_CONSTANT(1) << (number & 63U);

	if ((is_poll ? map->asking : map->polling) & bit)
		map->counts[FAKE_MIXED]++;
	if (is_poll)
		map->polling |= bit;
	else
		map->asking |= bit;
}

static char *operate(struct fake_map *map, struct fake_conn *conn, const char *body)
{
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (!strstr(body, operations[i].tag))
			continue;
		note_channel(map, fake_conn_number(conn), operations[i].answer == poll);
		if (operations[i].count < N_FAKE_COUNTS)
			map->counts[operations[i].count]++;
		return operations[i].answer(map, body);
	}
	g_assert_not_reached();
}

static void on_request(struct fake_conn *conn, const char *body, gpointer data)
{
	struct fake_map *map = data;
	g_autofree char *content = NULL;
	g_autofree char *raw = NULL;

	g_mutex_lock(&map->lock);
	g_ptr_array_add(map->bodies, g_strdup(body));
	raw = take_override(map, body);
	if (!raw)
		content = operate(map, conn, body);
	g_cond_broadcast(&map->changed);
	g_mutex_unlock(&map->lock);
	if (content)
		send_answer(conn, content, map->manner);
	else if (raw && raw[0])
		fake_conn_send(conn, raw, strlen(raw));
	if (!content && (!raw || !raw[0] || !strstr(raw, "Content-Length")))
		fake_conn_close(conn);
}

/* ---- for the test */

struct fake_map *fake_map_new(enum fake_manner manner)
{
	struct fake_map *map = g_new0(struct fake_map, 1);

	map->manner = manner;
	g_mutex_init(&map->lock);
	g_cond_init(&map->changed);
	g_queue_init(&map->overrides);
	g_queue_init(&map->pushed);
	map->bodies = g_ptr_array_new_with_free_func(g_free);
	map->server = fake_server_new(on_request, map);
	return map;
}

static void free_override(gpointer data)
{
	struct override *override = data;

	g_free(override->part);
	g_free(override->raw);
	g_free(override);
}

void fake_map_free(struct fake_map *map)
{
	g_mutex_lock(&map->lock);
	map->stop = TRUE;
	g_cond_broadcast(&map->changed);
	g_mutex_unlock(&map->lock);
	fake_server_free(map->server);
	g_queue_clear_full(&map->overrides, free_override);
	g_queue_clear_full(&map->pushed, g_free);
	g_ptr_array_unref(map->bodies);
	g_free(map->subscription);
	g_mutex_clear(&map->lock);
	g_cond_clear(&map->changed);
	g_free(map);
}

struct fake_server *fake_map_server(const struct fake_map *map)
{
	return map->server;
}

unsigned fake_map_count(struct fake_map *map, enum fake_count count)
{
	unsigned n;

	g_mutex_lock(&map->lock);
	n = map->counts[count];
	g_mutex_unlock(&map->lock);
	return n;
}

char *fake_map_last(struct fake_map *map, const char *part)
{
	char *found = NULL;

	g_mutex_lock(&map->lock);
	for (guint i = map->bodies->len; i > 0 && !found; i--)
		if (strstr(g_ptr_array_index(map->bodies, i - 1), part))
			found = g_strdup(g_ptr_array_index(map->bodies, i - 1));
	g_mutex_unlock(&map->lock);
	return found;
}

char *fake_map_body(struct fake_map *map, unsigned n)
{
	char *body;

	g_mutex_lock(&map->lock);
	body = n < map->bodies->len ? g_strdup(g_ptr_array_index(map->bodies, n)) : NULL;
	g_mutex_unlock(&map->lock);
	return body;
}

void fake_map_override(struct fake_map *map, const char *part, const char *raw)
{
	struct override *override = g_new0(struct override, 1);

	override->part = g_strdup(part);
	override->raw = g_strdup(raw);
	g_mutex_lock(&map->lock);
	g_queue_push_tail(&map->overrides, override);
	g_mutex_unlock(&map->lock);
}

void fake_map_push(struct fake_map *map, const char *content)
{
	g_mutex_lock(&map->lock);
	g_queue_push_tail(&map->pushed, g_strdup(content));
	g_cond_broadcast(&map->changed);
	g_mutex_unlock(&map->lock);
}
