/* Messages in the form in which other IF-MAP clients send them, and what those clients look for in
 * the answers (ifmap.md 18). Each conversation is a file:
 *
 *   # ...                  a comment, outside messages
 *   @open NAME [PAIR]      a TLS connection, with the certificate of this name
 *   @send NAME             a message follows, up to @end: head, empty line, body. Heads get CRLF;
 *                          {length} is the body's size, {basic:A} the credentials of client A, {x}
 *                          what was learned as x
 *   @gzip NAME             the same, the body compressed
 *   @record NAME           the whole answer comes as one TLS record of less than 4096 bytes
 *   @answer NAME           the answer comes, in whatever pieces; inflated if it says so
 *   @has TEXT, @lacks TEXT of the last answer
 *   @learn x ATTRIBUTE     remembers a value of the last answer
 *   @hangs NAME            what was sent there has reached the server, and nothing comes
 *   @close NAME
 */
#include <poll.h>
#include <string.h>

#include "map/gzip.h"
#include "raw.h"

#define ANSWER_MS  20000
#define MAX_RECORD 4096
#define LENGTH     "\r\nContent-Length: "

static struct server *server;

struct play {
	const char *file;
	char **line; /* the one being carried out */
	char **lines;
	GHashTable *connections; /* name -> struct raw * */
	GHashTable *learned;     /* name -> value */
	GString *answer;
};

static void complain(const struct play *play, const char *what)
{
	g_test_message("%s:%td: %s: %s\n%s", play->file, play->line - play->lines + 1, *play->line,
		what, play->answer->str);
	g_test_fail();
}

static struct raw *connection(const struct play *play, const char *name)
{
	struct raw *raw = g_hash_table_lookup(play->connections, name);

	if (!raw)
		g_error("%s: there is no connection '%s'", play->file, name);
	return raw;
}

/* ---- messages */

static void fill_in(const struct play *play, GString *text)
{
	GHashTableIter iter;
	gpointer name, value;

	for (int i = 0; i < 26; i++) {
		const char client = (char)('A' + i);
		const char pair[] = { client, ':', 'p', 'w' };
		g_autofree char *token = g_base64_encode((const guchar *)pair, sizeof(pair));
		g_autofree char *hole = g_strdup_printf("{basic:%c}", client);
		g_string_replace(text, hole, token, 0);
	}
	g_hash_table_iter_init(&iter, play->learned);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		g_autofree char *hole = g_strdup_printf("{%s}", (const char *)name);
		g_string_replace(text, hole, value, 0);
	}
}

/* Lines up to @end, or up to an empty one; leaves play->line at the last one read. */
static GString *take_lines(struct play *play, const char *ending, gboolean stop_at_empty)
{
	GString *text = g_string_new(NULL);

	for (play->line++; *play->line && strcmp(*play->line, "@end") != 0; play->line++) {
		if (stop_at_empty && !**play->line)
			break;
		g_string_append_printf(text, "%s%s", *play->line, ending);
	}
	fill_in(play, text);
	return text;
}

static void send_message(struct play *play, struct raw *raw, gboolean zip)
{
	GString *head = take_lines(play, "\r\n", TRUE);
	GString *body = take_lines(play, "\n", FALSE);

	if (zip)
		g_assert_true(map_gzip_deflate(body));
	g_autofree char *length = g_strdup_printf("%zu", body->len);
	g_string_replace(head, "{length}", length, 0);
	g_string_append(head, "\r\n");
	g_string_append_len(head, body->str, (gssize)body->len);
	raw_send(raw, head->str, (gssize)head->len);
	g_string_free(head, TRUE);
	g_string_free(body, TRUE);
}

static void do_send(struct play *play, const char *name)
{
	send_message(play, connection(play, name), FALSE);
}

static void do_gzip(struct play *play, const char *name)
{
	send_message(play, connection(play, name), TRUE);
}

/* ---- answers */

/* Bytes of the body that Content-Length announces, G_MAXSIZE while the head is not complete. */
static size_t announced(const GString *answer, size_t *ret_head)
{
	const char *end = strstr(answer->str, "\r\n\r\n");
	const char *length = strstr(answer->str, LENGTH);

	if (!end || !length)
		return G_MAXSIZE;
	*ret_head = (size_t)(end - answer->str) + 4;
	return (size_t)g_ascii_strtoull(length + strlen(LENGTH), NULL, 10);
}

static gboolean is_whole(const GString *answer)
{
	size_t head = 0;
	size_t size = announced(answer, &head);

	return size != G_MAXSIZE && answer->len == head + size;
}

static gboolean receive(struct play *play, const char *name)
{
	char buffer[16000];
	gssize got = raw_receive(connection(play, name), buffer, sizeof(buffer), ANSWER_MS);

	if (got > 0)
		g_string_append_len(play->answer, buffer, got);
	return got > 0;
}

static void do_record(struct play *play, const char *name)
{
	g_string_truncate(play->answer, 0);
	receive(play, name);
	if (!is_whole(play->answer))
		complain(play, "the record is not the whole answer");
	if (play->answer->len >= MAX_RECORD)
		complain(play, "the record is too long");
}

static void do_hangs(struct play *play, const char *name)
{
	g_string_truncate(play->answer, 0);
	server_settle(server);
	struct pollfd socket = { .fd = connection(play, name)->fd, .events = POLLIN };
	if (poll(&socket, 1, 0) != 0)
		complain(play, "something came");
}

static void inflate(struct play *play)
{
	size_t head = 0;
	size_t size = announced(play->answer, &head);
	GString *text = g_string_new(NULL);

	g_assert_cmpint(map_gzip_inflate(play->answer->str + head, size, 1U << 20, text), ==,
		MAP_GZIP_GOOD);
	g_string_truncate(play->answer, head);
	g_string_append_len(play->answer, text->str, (gssize)text->len);
	g_string_free(text, TRUE);
}

static void do_answer(struct play *play, const char *name)
{
	g_string_truncate(play->answer, 0);
	while (!is_whole(play->answer))
		if (!receive(play, name))
			break;
	if (!is_whole(play->answer))
		complain(play, "no whole answer came");
	else if (strstr(play->answer->str, "Content-Encoding: gzip"))
		inflate(play);
}

static void do_has(struct play *play, const char *text)
{
	g_autoptr(GString) filled = g_string_new(text);

	fill_in(play, filled);
	if (!strstr(play->answer->str, filled->str))
		complain(play, "it has not");
}

static void do_lacks(struct play *play, const char *text)
{
	if (strstr(play->answer->str, text))
		complain(play, "it has");
}

static void do_learn(struct play *play, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 2);
	g_autofree char *start = g_strdup_printf(" %s=\"", words[1]);
	const char *found = strstr(play->answer->str, start);
	const char *value = found ? found + strlen(start) : "";

	if (!found)
		complain(play, "there is no such attribute");
	g_hash_table_replace(
		play->learned, g_strdup(words[0]), g_strndup(value, strcspn(value, "\"")));
}

/* ---- connections */

static void do_open(struct play *play, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 2);
	struct raw *raw = raw_open(server, words[1]);

	g_assert_nonnull(raw);
	g_hash_table_replace(play->connections, g_strdup(words[0]), raw);
}

static void do_close(struct play *play, const char *name)
{
	g_hash_table_remove(play->connections, name);
}

static const struct {
	const char *word;
	void (*run)(struct play *play, const char *rest);
} directives[] = { { "@open ", do_open }, { "@close ", do_close }, { "@send ", do_send },
	{ "@gzip ", do_gzip }, { "@hangs ", do_hangs }, { "@record ", do_record },
	{ "@answer ", do_answer }, { "@has ", do_has }, { "@lacks ", do_lacks },
	{ "@learn ", do_learn } };

static void run_line(struct play *play)
{
	const char *line = *play->line;

	if (!*line || *line == '#')
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(directives); i++)
		if (g_str_has_prefix(line, directives[i].word)) {
			directives[i].run(play, line + strlen(directives[i].word));
			return;
		}
	complain(play, "no such directive");
}

static void close_connection(gpointer raw)
{
	raw_close(raw);
}

static void test_file(gconstpointer data)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;

	g_file_get_contents(data, &text, NULL, &error);
	g_assert_no_error(error);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	struct play play = { .file = data, .line = lines, .lines = lines };
	play.answer = g_string_new(NULL);
	play.connections = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_connection);
	play.learned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (; *play.line && !g_test_failed(); play.line++)
		run_line(&play);
	g_assert_true(server_is_alive(server));
	g_hash_table_unref(play.connections);
	g_hash_table_unref(play.learned);
	g_string_free(play.answer, TRUE);
}

static void add_files(const char *folder)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
	const char *name;

	g_assert_no_error(error);
	while ((name = g_dir_read_name(dir))) {
		if (!g_str_has_suffix(name, ".txt"))
			continue;
		g_autofree char *path = g_strdup_printf("/interop/%s", name);
		g_test_add_data_func_full(
			path, g_build_filename(folder, name, NULL), test_file, g_free);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(argc, ==, 2);
	server = server_new(NULL);
	add_files(argv[1]);
	int status = g_test_run();
	server_free(server);
	return status;
}
