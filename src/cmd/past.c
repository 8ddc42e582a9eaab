/* map history|at: what was on the map, from a drover-mapd that remembers. */
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/mapid.h"
#include "cmd/mapout.h"
#include "cmd/out.h"

#define RESULT_MAX (256UL * 1024 * 1024)
#define NS_SERVER  "http://www.trustedcomputinggroup.org/2013/IFMAP-SERVER/1"
#define CAPABILITY "urn:drover:map-history:1"

/* ---- moments */

/* "90s", "15m", "2h", "3d": that long ago. */
static gboolean read_ago(const char *text, gint64 *ret_us)
{
	static const struct {
		char unit;
		gint64 seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end = NULL;
	guint64 n = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 10) : 0;

	for (size_t i = 0; end && i < G_N_ELEMENTS(units); i++) {
		if (*end != units[i].unit || end[1] != '\0' || n > 36500ULL * 86400)
			continue;
		*ret_us = g_get_real_time() - (gint64)n * units[i].seconds * G_USEC_PER_SEC;
		return *ret_us > 0;
	}
	return FALSE;
}

/* A moment as people type it; 0 after having said why not. */
static gint64 read_moment(const char *text)
{
	gint64 us = 0;
	g_autoptr(GTimeZone) here = g_time_zone_new_local();
	g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(text, here);

	if (date)
		us = g_date_time_to_unix(date) * G_USEC_PER_SEC + g_date_time_get_microsecond(date);
	else if (!read_ago(text, &us))
		us = 0;
	if (us <= 0) {
		context_say(0,
			"map: '%s' is no moment: write 2026-11-22T21:03:11 or 15m, 2h, 3d (ago)",
			text);
		return 0;
	}
	return us;
}

/* ---- asking */

static struct ifmap_result *ask(
	struct context *context, const struct ifmap_search *question, int *ret_exit)
{
	GError *error = NULL;
	struct ifmap_client *client = context_client(context, ret_exit);
	struct ifmap_result *result = NULL;

	if (!client)
		return NULL;
	result = ifmap_client_search_sync(client, question, context_answer_ms(context), &error);
	if (!result)
		*ret_exit = context_fail("map", error);
	return result;
}

/* A server that knows nothing of history would answer with the present. */
static gboolean remembers(struct context *context, int *ret_exit)
{
	static const char *const no_attributes[] = { NULL };
	g_autoptr(ifmap_id)
		server = ifmap_id_new_extended(NS_SERVER, "ifmap-server", no_attributes, NULL);
	const struct ifmap_search question = { .start = server };
	g_autoptr(ifmap_result) result = ask(context, &question, ret_exit);

	if (!result)
		return FALSE;
	for (guint i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = result->items->pdata[i];
		for (guint m = 0; m < item->metas->len; m++)
			if (strstr(ifmap_meta_xml(item->metas->pdata[m], NULL), ">" CAPABILITY "<"))
				return TRUE;
	}
	*ret_exit = context_say(
		COMMAND_REFUSED, "map: this server keeps no history ([history] days in mapd.conf)");
	return FALSE;
}

/* ---- at */

int cmd_map_at(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	gint64 at_us = read_moment(args[0]);
	const char *start_text = args[2] ? args[2] : args[1];
	g_autoptr(ifmap_id) start = NULL;
	g_autoptr(ifmap_result) result = NULL;

	if (at_us == 0 || !mapout_check(context))
		return COMMAND_USAGE;
	if (args[2] && strcmp(args[1], "search") != 0)
		return context_say(
			COMMAND_USAGE, "map at: only search can look back, not %s", args[1]);
	start = mapid_read(context, start_text, &code);
	if (!start || !remembers(context, &code))
		return code;
	const struct ifmap_search question = { .start = start,
		.max_depth = (unsigned)context->depth,
		.max_size = RESULT_MAX,
		.match_links = context->links,
		.result_filter = context->filter,
		.at_us = at_us };
	result = ask(context, &question, &code);
	if (result && !context->quiet)
		mapout_print(context, result);
	return code;
}

/* ---- history */

/* One metadata that stood somewhere. */
struct entry {
	gint64 from_us;
	gint64 until_us; /* 0: it stands */
	const struct ifmap_item *item;
	const struct ifmap_meta *meta;
};

static int by_time(gconstpointer a, gconstpointer b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	return x->from_us < y->from_us ? -1 : x->from_us > y->from_us;
}

static GArray *entries_of(const struct ifmap_result *result)
{
	GArray *entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
	for (guint i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = result->items->pdata[i];
		for (guint m = 0; m < item->metas->len; m++) {
			const struct ifmap_meta *meta = item->metas->pdata[m];
			const char *until = ifmap_meta_text(meta, "@drover-until");
			const struct entry entry = {
				.from_us = ifmap_meta_timestamp_us(meta),
				.until_us = until ? g_ascii_strtoll(until, NULL, 10) : 0,
				.item = item,
				.meta = meta,
			};
			g_array_append_val(entries, entry);
		}
	}
	g_array_sort(entries, by_time);
	return entries;
}

static char *place_of(const struct ifmap_item *item)
{
	g_autofree char *a = ifmap_id_to_string(item->a);
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : NULL;
	return b ? g_strconcat(a, " - ", b, NULL) : g_steal_pointer(&a);
}

static char *moment_text(gint64 us)
{
	return us > 0 ? out_time((guint64)us / 1000) : NULL;
}

static void add_row(struct out_table *table, json_t *rows, const struct entry *entry)
{
	g_autofree char *from = moment_text(entry->from_us);
	g_autofree char *until = moment_text(entry->until_us);
	g_autofree char *place = place_of(entry->item);
	const char *publisher = ifmap_meta_publisher(entry->meta);
	const char *by = ifmap_meta_text(entry->meta, "@drover-ended-by");
	const char *why = ifmap_meta_text(entry->meta, "@drover-why");
	const char *name = ifmap_meta_name(entry->meta);

	out_table_add(
		table, (const char *[]){ from, until, name, publisher, by, why, place, NULL });
	json_array_append_new(rows,
		json_pack("{s:s, s:I, s:I, s:s, s:s*, s:s*, s:s*, s:s}", "metadata", name,
			"from-us", (json_int_t)entry->from_us, "until-us",
			(json_int_t)entry->until_us, "on", place, "published-by", publisher,
			"ended-by", by, "why", why, "xml", ifmap_meta_xml(entry->meta, NULL)));
}

int cmd_map_history(struct context *context, char **args)
{
	int code = COMMAND_DONE;
	gint64 since_us = args[1] ? read_moment(args[1]) : 1;
	g_autoptr(ifmap_id) start = NULL;
	g_autoptr(ifmap_result) result = NULL;

	if (since_us == 0)
		return COMMAND_USAGE;
	start = mapid_read(context, args[0], &code);
	if (!start || !remembers(context, &code))
		return code;
	const struct ifmap_search question = { .start = start,
		.max_depth = 1,
		.max_size = RESULT_MAX,
		.match_links = context->links,
		.result_filter = context->filter,
		.since_us = since_us };
	result = ask(context, &question, &code);
	if (!result || context->quiet)
		return code;
	struct out_table *table = out_table_new((const char *[]){
		"FROM", "UNTIL", "METADATA", "PUBLISHER", "ENDED BY", "WHY", "ON", NULL });
	json_t *rows = json_array();
	g_autoptr(GArray) entries = entries_of(result);
	for (guint i = 0; i < entries->len; i++)
		add_row(table, rows, &g_array_index(entries, struct entry, i));
	out_either(context->json, table, json_pack("{s:o}", "history", rows));
	return code;
}
