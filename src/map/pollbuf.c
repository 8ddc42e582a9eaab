#include "map/pollbuf.h"

#include "ifmap/reply.h"

struct result {
	gboolean open; /* items of `kind`, the end tag still missing; else a whole element */
	enum ifmap_result_kind kind;
	char *name;
	GString *text;
};

static void result_free(gpointer data)
{
	struct result *result = data;
	g_free(result->name);
	g_string_free(result->text, TRUE);
	g_free(result);
}

static struct result *result_add(struct map_pollbuf *buf, const char *name)
{
	struct result *result = g_new0(struct result, 1);
	result->name = g_strdup(name);
	result->text = g_string_new(NULL);
	g_queue_push_tail(&buf->results, result);
	return result;
}

/* All four kinds have names of one length. */
#define END_TAG_SIZE (sizeof("</updateResult>") - 1)

void map_pollbuf_init(struct map_pollbuf *buf)
{
	g_queue_init(&buf->results);
	buf->size = 0;
}

void map_pollbuf_clear(struct map_pollbuf *buf)
{
	g_queue_clear_full(&buf->results, result_free);
	buf->size = 0;
}

gboolean map_pollbuf_is_empty(const struct map_pollbuf *buf)
{
	return g_queue_is_empty((GQueue *)&buf->results);
}

size_t map_pollbuf_add(struct map_pollbuf *buf, enum ifmap_result_kind kind, const char *name,
	const char *items, size_t size)
{
	struct result *tail = g_queue_peek_tail(&buf->results);
	size_t grown = size;

	if (!tail || !tail->open || tail->kind != kind || !g_str_equal(tail->name, name)) {
		tail = result_add(buf, name);
		tail->open = TRUE;
		tail->kind = kind;
		ifmap_reply_result_begin(tail->text, kind, name);
		grown += tail->text->len + END_TAG_SIZE;
	}
	g_string_append_len(tail->text, items, (gssize)size);
	buf->size += grown;
	return grown;
}

size_t map_pollbuf_add_whole(
	struct map_pollbuf *buf, const char *name, const char *element, size_t size)
{
	struct result *result = result_add(buf, name);
	g_string_append_len(result->text, element, (gssize)size);
	buf->size += size;
	return size;
}

void map_pollbuf_drop(struct map_pollbuf *buf, const char *name)
{
	GList *next;
	for (GList *at = buf->results.head; at; at = next) {
		struct result *result = at->data;
		next = at->next;
		if (!g_str_equal(result->name, name))
			continue;
		buf->size -= result->text->len + (result->open ? END_TAG_SIZE : 0);
		result_free(result);
		g_queue_delete_link(&buf->results, at);
	}
}

void map_pollbuf_take(struct map_pollbuf *buf, GString *out)
{
	struct result *result;
	while ((result = g_queue_pop_head(&buf->results))) {
		g_string_append_len(out, result->text->str, (gssize)result->text->len);
		if (result->open)
			ifmap_reply_result_end(out, result->kind);
		result_free(result);
	}
	buf->size = 0;
}
