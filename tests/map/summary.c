#include "summary.h"

#include <string.h>

/* As strcmp(), but an item's "{" comes before everything else: "a{..}" before "a-b{..}". */
static int by_text(gconstpointer a, gconstpointer b)
{
	const char *x = *(const char *const *)a;
	const char *y = *(const char *const *)b;
	while (*x && *x == *y)
		x++, y++;
	int left = *x == '{' ? 1 : *x;
	int right = *y == '{' ? 1 : *y;
	return left - right;
}

char *summary_join(GPtrArray *texts, const char *separator)
{
	g_ptr_array_sort(texts, by_text);
	g_ptr_array_add(texts, NULL);
	return g_strjoinv(separator, (char **)texts->pdata);
}

char *summary_of_meta(const struct ifmap_meta *meta)
{
	const char *value = ifmap_meta_text(meta, "v");
	return value ? g_strdup_printf("%s=%s", ifmap_meta_name(meta), value)
		     : g_strdup(ifmap_meta_name(meta));
}

static char *summary_of_item(const struct ifmap_item *item, summary_meta_fn of_meta)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	g_autoptr(GPtrArray) metas = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(ids, (gpointer)ifmap_id_value(item->a));
	if (item->b)
		g_ptr_array_add(ids, (gpointer)ifmap_id_value(item->b));
	for (guint i = 0; i < item->metas->len; i++)
		g_ptr_array_add(metas, of_meta(g_ptr_array_index(item->metas, i)));
	gboolean bare = metas->len == 0;
	g_autofree char *who = summary_join(ids, "-");
	g_autofree char *what = summary_join(metas, ",");
	return bare ? g_strdup(who) : g_strdup_printf("%s{%s}", who, what);
}

static char *summary_of_items(const struct ifmap_result *result, summary_meta_fn of_meta)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < result->items->len; i++)
		g_ptr_array_add(
			items, summary_of_item(g_ptr_array_index(result->items, i), of_meta));
	return summary_join(items, " ");
}

static char *summary_of_member(const struct ifmap_member *member, summary_meta_fn of_meta)
{
	static const char *const KINDS[] = {
		[IFMAP_RESULT_SEARCH] = "search",
		[IFMAP_RESULT_UPDATE] = "update",
		[IFMAP_RESULT_DELETE] = "delete",
		[IFMAP_RESULT_NOTIFY] = "notify",
	};
	if (!member->result)
		return g_strdup_printf("error(%s): %s", member->name,
			ifmap_error_code_to_string((enum ifmap_error)member->refused->code));
	g_autofree char *items = summary_of_items(member->result, of_meta);
	return g_strdup_printf("%s(%s): %s", KINDS[member->result->kind], member->name, items);
}

char *summary_of_answer(const struct ifmap_answer *answer, summary_meta_fn of_meta)
{
	static const char *const PLAIN[] = {
		[IFMAP_ANSWER_NEW_SESSION] = "new",
		[IFMAP_ANSWER_RENEW_SESSION] = "ok",
		[IFMAP_ANSWER_END_SESSION] = "end",
		[IFMAP_ANSWER_PUBLISH] = "ok",
		[IFMAP_ANSWER_SUBSCRIBE] = "ok",
		[IFMAP_ANSWER_PURGE] = "ok",
	};
	GString *out;

	if (answer->type == IFMAP_ANSWER_ERROR)
		return g_strdup_printf("error %s",
			ifmap_error_code_to_string((enum ifmap_error)answer->refused->code));
	if (answer->type < G_N_ELEMENTS(PLAIN) && PLAIN[answer->type])
		return g_strdup(PLAIN[answer->type]);
	if (answer->type == IFMAP_ANSWER_SEARCH)
		return summary_of_items(
			((struct ifmap_member *)g_ptr_array_index(answer->members, 0))->result,
			of_meta);
	out = g_string_new(NULL);
	for (guint i = 0; i < answer->members->len; i++) {
		g_autofree char *member = summary_of_member(
			g_ptr_array_index(answer->members, i), of_meta);
		g_string_append_printf(out, "%s%s", i ? " | " : "", member);
	}
	return g_string_free(out, FALSE);
}

char *summary_of_body(const char *body)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_answer) answer = ifmap_answer_parse(body, strlen(body), &error);

	return answer ? summary_of_answer(answer, summary_of_meta)
		      : g_strdup_printf("no answer: %s", error->message);
}
