/* map search|watch|publish|delete|dump|stats: the map in IF-MAP's terms. */
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/mapid.h"
#include "cmd/mapout.h"
#include "cmd/out.h"
#include "ifmap/json.h"

#define RESULT_MAX (256UL * 1024 * 1024)
#define ALL_LINKS  1000000000U /* servers clamp it */

/* ---- search, dump ---- */

/* NULL after having said why not. */
static struct ifmap_result *search(
	struct context *context, const char *start_text, unsigned depth, int *ret_exit)
{
	g_autoptr(ifmap_id) start = mapid_read(context, start_text, ret_exit);
	struct ifmap_search question = { .start = start,
		.max_depth = depth,
		.max_size = RESULT_MAX,
		.match_links = context->links,
		.result_filter = context->filter };
	struct ifmap_client *client = start ? context_client(context, ret_exit) : NULL;
	struct ifmap_result *result;
	GError *error = NULL;

	if (!client)
		return NULL;
	result = ifmap_client_search_sync(client, &question, context_answer_ms(context), &error);
	if (!result)
		*ret_exit = context_fail("map", error);
	return result;
}

static int search_and_print(struct context *context, const char *start, unsigned depth)
{
	int code = COMMAND_DONE;
	g_autoptr(ifmap_result) result = NULL;

	if (!mapout_check(context))
		return COMMAND_USAGE;
	result = search(context, start, depth, &code);
	if (result && !context->quiet)
		mapout_print(context, result);
	return code;
}

int cmd_map_search(struct context *context, char **args)
{
	return search_and_print(context, args[0], (unsigned)context->depth);
}

int cmd_map_dump(struct context *context, char **args)
{
	return search_and_print(context, args && args[0] ? args[0] : "fleet", ALL_LINKS);
}

/* ---- watch ---- */

struct watching {
	const struct context *context;
	GMainLoop *loop;
	int code;
};

static void on_result(struct ifmap_client *client, const struct ifmap_result *result,
	const GError *error, gpointer data)
{
	struct watching *watching = data;

	if (result)
		mapout_follow(watching->context, result);
	else
		context_say(0, "the map gave the subscription up and it was renewed: %s",
			error->message);
}

static void on_state(struct ifmap_client *client, enum ifmap_client_state state, const GError *why,
	gpointer data)
{
	struct watching *watching = data;

	if (state == IFMAP_CLIENT_UP || !why)
		return;
	watching->code = context_fail("map", g_error_copy(why));
	if (watching->code == COMMAND_DENIED)
		g_main_loop_quit(watching->loop);
}

static gboolean on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static void watch_until_signal(
	struct watching *watching, struct ifmap_client *client, const struct ifmap_search *question)
{
	guint interrupt, terminate;

	watching->loop = g_main_loop_new(NULL, FALSE);
	interrupt = g_unix_signal_add(SIGINT, on_signal, watching->loop);
	terminate = g_unix_signal_add(SIGTERM, on_signal, watching->loop);
	ifmap_client_subscribe(client, "watch", question, on_result, watching);
	ifmap_client_start(client, on_state, watching);
	g_main_loop_run(watching->loop);
	g_source_remove(interrupt);
	g_source_remove(terminate);
	g_main_loop_unref(watching->loop);
}

int cmd_map_watch(struct context *context, char **args)
{
	struct watching watching = { context, NULL, COMMAND_DONE };
	g_autoptr(ifmap_id) start = NULL;
	struct ifmap_client *client;
	struct ifmap_search question;

	if (!mapout_check(context))
		return COMMAND_USAGE;
	start = mapid_read(context, args[0], &watching.code);
	client = start ? context_client(context, &watching.code) : NULL;
	if (!client)
		return watching.code;
	question = (struct ifmap_search){ .start = start,
		.max_depth = (unsigned)context->depth,
		.max_size = RESULT_MAX,
		.match_links = context->links,
		.result_filter = context->filter };
	watch_until_signal(&watching, client, &question);
	g_clear_pointer(&context->client, ifmap_client_free);
	return watching.code == COMMAND_DENIED ? COMMAND_DENIED : COMMAND_DONE;
}

/* ---- publish, delete ---- */

static char *read_stdin(GError **error)
{
	g_autoptr(GIOChannel) in = g_io_channel_unix_new(STDIN_FILENO);
	char *text = NULL;

	return g_io_channel_read_to_end(in, &text, NULL, error) == G_IO_STATUS_NORMAL ? text : NULL;
}

static json_t *parse_json(const char *text, GError **error)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (!json)
		g_set_error(
			error, IFMAP_ERROR, IFMAP_ERROR_FAILURE, "line %d: %s", why.line, why.text);
	return json;
}

/* A whole request, in JSON. */
static struct ifmap_publish *read_request(const char *text, GError **error)
{
	json_t *json = parse_json(text, error);
	struct ifmap_publish *publish = json ? ifmap_json_read_publish(
						       json, IFMAP_LIFETIME_FOREVER, error)
					     : NULL;

	json_decref(json);
	return publish;
}

/* One element, in XML or, when it begins with a brace, in JSON. */
static struct ifmap_meta *read_meta(const char *text, GError **error)
{
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	json_t *json;
	struct ifmap_meta *meta;

	if (*trimmed != '{')
		return ifmap_meta_new(text, -1, error);
	json = parse_json(trimmed, error);
	meta = json ? ifmap_json_read_meta(json, error) : NULL;
	json_decref(json);
	return meta;
}

/* The identifier or the link that `args` name; FALSE after having said why not. */
static gboolean read_place(struct context *context, char **args, struct ifmap_id **ret_a,
	struct ifmap_id **ret_b, int *ret_exit)
{
	*ret_a = mapid_read(context, args[0], ret_exit);
	if (*ret_a && args[1])
		*ret_b = mapid_read(context, args[1], ret_exit);
	return *ret_a && (!args[1] || *ret_b);
}

static struct ifmap_publish *make_update(const struct context *context, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *text, GError **error)
{
	g_autoptr(ifmap_meta) meta = read_meta(text, error);
	struct ifmap_publish *publish = meta ? ifmap_publish_new() : NULL;

	if (publish && context->notify)
		ifmap_publish_notify(publish, a, b, meta);
	else if (publish)
		ifmap_publish_update(publish, a, b, IFMAP_LIFETIME_FOREVER, meta);
	return publish;
}

int cmd_map_publish(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	GError *error = NULL;
	g_autoptr(ifmap_id) a = NULL;
	g_autoptr(ifmap_id) b = NULL;
	g_autofree char *text = NULL;
	struct ifmap_publish *publish = NULL;

	if (args && args[0] && !read_place(context, args, &a, &b, &code))
		return code;
	text = read_stdin(&error);
	if (text)
		publish = a ? make_update(context, a, b, text, &error) : read_request(text, &error);
	if (!publish) {
		context_fail("map publish", error);
		return COMMAND_USAGE;
	}
	context_publish(context, publish, &code);
	return code;
}

int cmd_map_delete(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	g_autoptr(ifmap_id) a = NULL;
	g_autoptr(ifmap_id) b = NULL;
	struct ifmap_publish *publish;

	if (!context->filter == !context->all)
		return context_say(COMMAND_USAGE,
			"map delete: say what with --filter, or --all, whoever published it");
	if (!read_place(context, args, &a, &b, &code))
		return code;
	publish = ifmap_publish_new();
	ifmap_publish_delete(publish, a, b, context->filter);
	context_publish(context, publish, &code);
	return code;
}

/* ---- stats ---- */

/* What there is of one type. */
struct share {
	const struct ifmap_meta *sample; /* of the type */
	unsigned n;
	size_t size;
	GHashTable *publishers;
};

static void share_free(gpointer data)
{
	struct share *share = data;

	g_hash_table_unref(share->publishers);
	g_free(share);
}

static void count_meta(GHashTable *shares, const struct ifmap_meta *meta)
{
	g_autofree char *type = g_strconcat(ifmap_meta_ns(meta), "#", ifmap_meta_name(meta), NULL);
	struct share *share = g_hash_table_lookup(shares, type);
	size_t size;

	if (!share) {
		share = g_new0(struct share, 1);
		share->sample = meta;
		share->publishers = g_hash_table_new(g_str_hash, g_str_equal);
		g_hash_table_insert(shares, g_steal_pointer(&type), share);
	}
	ifmap_meta_xml(meta, &size);
	share->n++;
	share->size += size;
	if (ifmap_meta_publisher(meta))
		g_hash_table_add(share->publishers, (gpointer)ifmap_meta_publisher(meta));
}

static int compare_shares(gconstpointer a, gconstpointer b)
{
	const struct share *x = *(const struct share *const *)a;
	const struct share *y = *(const struct share *const *)b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(ifmap_meta_name(x->sample), ifmap_meta_name(y->sample));
}

static void add_row(struct out_table *table, const struct share *share)
{
	g_autofree char *n = g_strdup_printf("%u", share->n);
	g_autofree char *size = g_strdup_printf("%zu", share->size);
	g_autofree char *publishers = g_strdup_printf("%u", g_hash_table_size(share->publishers));

	out_table_add(table, (const char *[]){ n, size, publishers, ifmap_meta_name(share->sample),
				     ifmap_meta_ns(share->sample) });
}

static json_t *share_json(const struct share *share)
{
	return json_pack("{s:s, s:s, s:i, s:I, s:i}", "namespace", ifmap_meta_ns(share->sample),
		"name", ifmap_meta_name(share->sample), "count", (int)share->n, "bytes",
		(json_int_t)share->size, "publishers", (int)g_hash_table_size(share->publishers));
}

struct stats {
	unsigned n_identifiers;
	unsigned n_links;
	GPtrArray *shares; /* struct share *, most frequent first */
};

static void stats_init(struct stats *stats, const struct ifmap_result *result)
{
	g_autoptr(GHashTable) shares = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	gpointer share;

	*stats = (struct stats){ .shares = g_ptr_array_new_with_free_func(share_free) };
	for (unsigned i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = result->items->pdata[i];

		stats->n_links += item->b != NULL;
		stats->n_identifiers += item->b == NULL;
		for (unsigned m = 0; m < item->metas->len; m++)
			count_meta(shares, item->metas->pdata[m]);
	}
	g_hash_table_iter_init(&iter, shares);
	while (g_hash_table_iter_next(&iter, NULL, &share))
		g_ptr_array_add(stats->shares, share);
	g_ptr_array_sort(stats->shares, compare_shares);
}

static void print_stats(const struct context *context, const struct stats *stats)
{
	struct out_table *table = out_table_new(
		(const char *[]){ "COUNT", "BYTES", "PUBLISHERS", "NAME", "NAMESPACE", NULL });
	json_t *types = json_array();

	for (unsigned i = 0; i < stats->shares->len; i++) {
		add_row(table, stats->shares->pdata[i]);
		json_array_append_new(types, share_json(stats->shares->pdata[i]));
	}
	if (!context->json)
		printf("%u identifiers and %u links in reach\n", stats->n_identifiers,
			stats->n_links);
	out_either(context->json, table,
		json_pack("{s:i, s:i, s:o}", "identifiers", (int)stats->n_identifiers, "links",
			(int)stats->n_links, "types", types));
}

int cmd_map_stats(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	g_autoptr(ifmap_result)
		result = search(context, args && args[0] ? args[0] : "fleet", ALL_LINKS, &code);
	struct stats stats;

	if (!result)
		return code;
	stats_init(&stats, result);
	print_stats(context, &stats);
	g_ptr_array_unref(stats.shares);
	return COMMAND_DONE;
}
