#include "cmd/mapout.h"

#include <string.h>

#include "cmd/out.h"
#include "ifmap/json.h"
#include "ifmap/reply.h"

gboolean mapout_check(const struct context *context)
{
	if (context->json + context->xml + context->dot <= 1)
		return TRUE;
	context_say(0, "one of --json, --xml and --dot, please");
	return FALSE;
}

/* ---- text ---- */

static void print_item(const struct ifmap_item *item, const char *mark)
{
	g_autofree char *a = ifmap_id_to_string(item->a);
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : NULL;

	printf("%s%s%s%s\n", mark, a, b ? " -- " : "", b ? b : "");
	for (unsigned i = 0; i < item->metas->len; i++)
		printf("%s    %s\n", mark, ifmap_meta_xml(item->metas->pdata[i], NULL));
}

static void print_text(const struct ifmap_result *result, const char *mark)
{
	for (unsigned i = 0; i < result->items->len; i++)
		print_item(result->items->pdata[i], mark);
}

/* ---- JSON ---- */

/* What Drover knows how to read, next to the metadata as they are. */
static json_t *facts_of(const struct ifmap_item *item)
{
	json_t *facts = json_array();

	for (unsigned i = 0; i < item->metas->len; i++) {
		const struct ifmap_meta *meta = item->metas->pdata[i];
		enum facts_kind kind = facts_kind_of(meta);
		g_autofree void *fact = kind < FACTS_N_KINDS
						? g_malloc0(facts_type(kind)->record.size)
						: NULL;

		if (!fact || !facts_decode(kind, meta, fact, NULL))
			continue;
		json_array_append_new(facts,
			json_pack("{s:o}", facts_type(kind)->name, facts_to_json(kind, fact)));
		facts_clear(kind, fact);
	}
	return facts;
}

static json_t *result_json(const struct ifmap_result *result)
{
	json_t *json = ifmap_json_result(result);
	json_t *items = json_object_get(json, "items");

	json_object_del(json, "name");
	for (unsigned i = 0; i < result->items->len; i++) {
		json_t *facts = facts_of(result->items->pdata[i]);

		if (json_array_size(facts) > 0)
			json_object_set(json_array_get(items, i), "facts", facts);
		json_decref(facts);
	}
	return json;
}

static void print_json_line(const struct ifmap_result *result)
{
	json_t *json = result_json(result);

	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
}

/* ---- XML ---- */

static void print_xml(const struct ifmap_result *result)
{
	g_autoptr(GString) text = g_string_new(NULL);

	ifmap_reply_result_begin(text, result->kind, NULL);
	for (unsigned i = 0; i < result->items->len; i++) {
		const struct ifmap_item *item = result->items->pdata[i];

		ifmap_reply_item(text, item->a, item->b,
			(const struct ifmap_meta *const *)item->metas->pdata, item->metas->len);
	}
	ifmap_reply_result_end(text, result->kind);
	puts(text->str);
}

/* ---- Graphviz ---- */

static void append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(out, '\\');
		if (*text == '\n')
			g_string_append(out, "\\n");
		else
			g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

/* "name" or "name x3" of each type, in the order of appearance. */
static void append_types(GString *out, const struct ifmap_item *item, const char *before)
{
	for (unsigned i = 0; i < item->metas->len; i++) {
		const char *name = ifmap_meta_name(item->metas->pdata[i]);
		unsigned n_before = 0;
		unsigned n = 0;

		for (unsigned j = 0; j < item->metas->len; j++) {
			gboolean same = strcmp(ifmap_meta_name(item->metas->pdata[j]), name) == 0;

			n += same;
			n_before += same && j < i;
		}
		if (n_before > 0)
			continue;
		g_string_append_printf(out, "%s%s", before, name);
		if (n > 1)
			g_string_append_printf(out, " x%u", n);
		before = "\n";
	}
}

static void append_dot_item(GString *out, const struct ifmap_item *item)
{
	g_autofree char *a = ifmap_id_to_string(item->a);
	g_autofree char *b = item->b ? ifmap_id_to_string(item->b) : NULL;
	g_autoptr(GString) label = g_string_new(b ? NULL : a);

	append_types(label, item, b ? "" : "\n");
	g_string_append_c(out, '\t');
	append_quoted(out, a);
	if (b) {
		g_string_append(out, " -- ");
		append_quoted(out, b);
	}
	g_string_append(out, " [label=");
	append_quoted(out, label->str);
	g_string_append(out, "];\n");
}

static void print_dot(const struct ifmap_result *result)
{
	g_autoptr(GString) out = g_string_new("graph map {\n\tnode [shape=box];\n");

	for (unsigned i = 0; i < result->items->len; i++)
		append_dot_item(out, result->items->pdata[i]);
	g_string_append(out, "}\n");
	fputs(out->str, stdout);
}

/* ---- */

void mapout_print(const struct context *context, const struct ifmap_result *result)
{
	if (context->json)
		out_json(result_json(result));
	else if (context->xml)
		print_xml(result);
	else if (context->dot)
		print_dot(result);
	else
		print_text(result, "");
	fflush(stdout);
}

void mapout_follow(const struct context *context, const struct ifmap_result *result)
{
	static const char *const marks[] = {
		[IFMAP_RESULT_SEARCH] = "  ",
		[IFMAP_RESULT_UPDATE] = "+ ",
		[IFMAP_RESULT_DELETE] = "- ",
		[IFMAP_RESULT_NOTIFY] = "! ",
	};

	if (context->json)
		print_json_line(result);
	else if (context->xml)
		print_xml(result);
	else
		print_text(result, marks[result->kind]);
	fflush(stdout);
}
