#include "host/enforce_print.h"

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define EXPR_TEXT 512

struct printing {
	GString *out;
	enforce_print_elements_func elements;
	gpointer data;
};

static void print_lookup(struct printing *printing, const struct nftnl_expr *expr)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_LOOKUP_SET);
	g_autofree char *own = nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_SET_ID)
				       ? g_strdup_printf("#%u",
						 nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_SET_ID))
				       : g_strdup(name);
	gboolean anonymous = enforce_print_is_anonymous(name);
	const char *elements = anonymous ? printing->elements(own, printing->data) : NULL;

	g_string_append_printf(
		printing->out, "[lookup %u", nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_SREG));
	if (nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_DREG))
		g_string_append_printf(
			printing->out, " => %u", nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_DREG));
	g_string_append_printf(printing->out, "%s {%s}] ",
		nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_FLAGS) &&
				nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS)
			? " not in"
			: " in",
		anonymous ? elements ? elements : "?" : name);
}

static int print_expr(struct nftnl_expr *expr, void *data)
{
	struct printing *printing = data;
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	char text[EXPR_TEXT] = "";

	if (!strcmp(name, "lookup")) {
		print_lookup(printing, expr);
		return 0;
	}
	if (strcmp(name, "counter") != 0)
		nftnl_expr_snprintf(text, sizeof text, expr, NFTNL_OUTPUT_DEFAULT, 0);
	g_strstrip(text);
	g_string_append_printf(printing->out, "[%s%s%s] ", name, *text ? " " : "", text);
	return 0;
}

static int take_comment(const struct nftnl_udata *attribute, void *data)
{
	char **comment = data;

	if (nftnl_udata_type(attribute) == NFTNL_UDATA_RULE_COMMENT && !*comment)
		*comment = g_strndup(nftnl_udata_get(attribute), nftnl_udata_len(attribute));
	return 0;
}

char *enforce_print_comment(const struct nftnl_rule *rule)
{
	char *comment = NULL;
	const void *data;
	guint32 size;

	if (!nftnl_rule_is_set(rule, NFTNL_RULE_USERDATA))
		return NULL;
	data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &size);
	nftnl_udata_parse(data, size, take_comment, &comment);
	return comment;
}

char *enforce_print_rule(
	struct nftnl_rule *rule, enforce_print_elements_func elements, gpointer data)
{
	struct printing printing = { g_string_new(NULL), elements, data };
	g_autofree char *comment = enforce_print_comment(rule);

	nftnl_expr_foreach(rule, print_expr, &printing);
	if (comment)
		g_string_append_printf(printing.out, "# %s", comment);
	else if (printing.out->len)
		g_string_truncate(printing.out, printing.out->len - 1);
	return g_string_free(printing.out, FALSE);
}

/* Sets */

gboolean enforce_print_is_anonymous(const char *set_name)
{
	return set_name && g_str_has_prefix(set_name, "__set");
}

char *enforce_print_set_name(const struct nftnl_set *set)
{
	return nftnl_set_is_set(set, NFTNL_SET_ID)
		       ? g_strdup_printf("#%u", nftnl_set_get_u32(set, NFTNL_SET_ID))
		       : g_strdup(nftnl_set_get_str(set, NFTNL_SET_NAME));
}

char *enforce_print_name(struct nftnl_set_elem *element)
{
	guint32 size;
	const char *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);

	return g_strndup(key ? key : "", key ? size : 0);
}

char *enforce_print_element(struct nftnl_set_elem *element)
{
	const char *chain = nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_CHAIN)
				    ? nftnl_set_elem_get_str(element, NFTNL_SET_ELEM_CHAIN)
				    : "";

	if (!nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_VERDICT))
		return g_strdup("is in");
	return g_strdup_printf("verdict %d %s",
		(int)nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_VERDICT), chain);
}

static int add_key(struct nftnl_set_elem *element, void *data)
{
	GPtrArray *texts = data;
	GString *text = g_string_new(NULL);
	guint32 size = 0;
	const guint8 *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);

	for (guint32 i = 0; key && i < size; i++)
		g_string_append_printf(text, "%02x", (guint)key[i]);
	if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS) &&
		(nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END))
		g_string_append_c(text, ')');
	g_ptr_array_add(texts, g_string_free(text, FALSE));
	return 0;
}

static int compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *enforce_print_elements(struct nftnl_set *set, const char *before)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) known = g_strsplit(before ? before : "", " ", -1);

	for (char **text = known; *text && **text; text++)
		g_ptr_array_add(texts, g_strdup(*text));
	nftnl_set_elem_foreach(set, add_key, texts);
	g_ptr_array_sort(texts, compare_text);
	g_ptr_array_add(texts, NULL);
	return g_strjoinv(" ", (char **)texts->pdata);
}
