#include "host/enforce_read.h"

#include "host/enforce_print.h"

#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#define QUESTION_SIZE 1024

/* A question, with room for its attributes. */
union question {
	struct nlmsghdr header;
	char bytes[QUESTION_SIZE];
};

static struct nlmsghdr *begin(
	union question *question, guint16 type, struct enforce_table table, guint16 flags)
{
	memset(question, 0, sizeof *question);
	return nftnl_nlmsg_build_hdr(question->bytes, type, table.family, flags, 0);
}

static gboolean ask(struct enforce_kernel *kernel, union question *question,
	enforce_answer_func answered, gpointer data, GError **error)
{
	g_autoptr(GError) why = NULL;

	if (kernel->ask(kernel, &question->header, answered, data, &why) ||
		g_error_matches(why, ENFORCE_KERNEL_ERROR, ENFORCE_KERNEL_ERROR_ABSENT))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&why));
	return FALSE;
}

static void add_to_image(const struct nlmsghdr *answer, gpointer image)
{
	enforce_image_add(image, answer);
}

static void keep(const struct nlmsghdr *answer, gpointer data)
{
	g_ptr_array_add(data, g_memdup2(answer, answer->nlmsg_len));
}

/* Sets */

static gboolean read_elements(struct enforce_kernel *kernel, struct enforce_table table,
	const char *set, struct enforce_image *image, GError **error)
{
	union question question;
	struct nlmsghdr *header = begin(&question, NFT_MSG_GETSETELEM, table, NLM_F_DUMP);

	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, table.name);
	mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set);
	return ask(kernel, &question, add_to_image, image, error);
}

gboolean enforce_read_element(struct enforce_kernel *kernel, struct enforce_table table,
	const char *set, const char *key, struct enforce_image *image, GError **error)
{
	union question question;
	struct nlmsghdr *header = begin(&question, NFT_MSG_GETSETELEM, table, 0);
	struct nftnl_set *object = nftnl_set_alloc();
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();
	char name[ENFORCE_INTERVAL_SIZE] = "";

	g_strlcpy(name, key, sizeof name);
	nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, name, sizeof name);
	nftnl_set_elem_add(object, element);
	nftnl_set_set_str(object, NFTNL_SET_TABLE, table.name);
	nftnl_set_set_str(object, NFTNL_SET_NAME, set);
	nftnl_set_elems_nlmsg_build_payload(header, object);
	nftnl_set_free(object);
	return ask(kernel, &question, add_to_image, image, error);
}

static gboolean read_set(struct enforce_kernel *kernel, struct enforce_table table, const char *set,
	struct enforce_image *image, GError **error)
{
	union question question;
	struct nlmsghdr *header = begin(&question, NFT_MSG_GETSET, table, 0);

	mnl_attr_put_strz(header, NFTA_SET_TABLE, table.name);
	mnl_attr_put_strz(header, NFTA_SET_NAME, set);
	return ask(kernel, &question, add_to_image, image, error);
}

/* Rules */

gboolean enforce_read_rules(struct enforce_kernel *kernel, struct enforce_table table,
	const char *chain, enforce_answer_func answered, gpointer data, GError **error)
{
	union question question;
	struct nlmsghdr *header = begin(&question, NFT_MSG_GETRULE, table, NLM_F_DUMP);

	mnl_attr_put_strz(header, NFTA_RULE_TABLE, table.name);
	if (chain)
		mnl_attr_put_strz(header, NFTA_RULE_CHAIN, chain);
	return ask(kernel, &question, answered, data, error);
}

static int take_set_name(struct nftnl_expr *expr, void *data)
{
	GPtrArray *names = data;
	const char *name;

	if (strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), "lookup") != 0)
		return 0;
	name = nftnl_expr_get_str(expr, NFTNL_EXPR_LOOKUP_SET);
	if (enforce_print_is_anonymous(name))
		g_ptr_array_add(names, g_strdup(name));
	return 0;
}

/* The sets that the rule alone has. */
static gboolean read_own_sets(struct enforce_kernel *kernel, struct enforce_table table,
	const struct nlmsghdr *message, struct enforce_image *image, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct nftnl_rule *rule = nftnl_rule_alloc();
	gboolean ok = TRUE;

	if (nftnl_rule_nlmsg_parse(message, rule) >= 0)
		nftnl_expr_foreach(rule, take_set_name, names);
	nftnl_rule_free(rule);
	for (guint i = 0; ok && i < names->len; i++)
		ok = read_elements(kernel, table, names->pdata[i], image, error);
	return ok;
}

/* With NULL, the rules of all chains. */
static gboolean read_rules(struct enforce_kernel *kernel, struct enforce_table table,
	const char *chain, struct enforce_image *image, GError **error)
{
	g_autoptr(GPtrArray) rules = g_ptr_array_new_with_free_func(g_free);

	if (!enforce_read_rules(kernel, table, chain, keep, rules, error))
		return FALSE;
	for (guint i = 0; i < rules->len; i++) {
		if (!read_own_sets(kernel, table, rules->pdata[i], image, error))
			return FALSE;
		enforce_image_add(image, rules->pdata[i]);
	}
	return TRUE;
}

gboolean enforce_read_chain(struct enforce_kernel *kernel, struct enforce_table table,
	const char *chain, struct enforce_image *image, GError **error)
{
	union question question;
	struct nlmsghdr *header = begin(&question, NFT_MSG_GETCHAIN, table, 0);

	mnl_attr_put_strz(header, NFTA_CHAIN_TABLE, table.name);
	mnl_attr_put_strz(header, NFTA_CHAIN_NAME, chain);
	return ask(kernel, &question, add_to_image, image, error) &&
	       read_rules(kernel, table, chain, image, error);
}

/* Parts and wholes */

struct parts {
	struct enforce_kernel *kernel;
	struct enforce_image *image;
};

static int take_key(struct nftnl_set_elem *element, void *data)
{
	g_ptr_array_add(data, enforce_print_name(element));
	return 0;
}

static gboolean read_named_elements(const struct parts *parts, struct enforce_table table,
	const struct nlmsghdr *message, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	const char *name = enforce_batch_text(message, NFTA_SET_ELEM_LIST_SET);
	struct nftnl_set *set = nftnl_set_alloc();
	gboolean ok = TRUE;

	if (nftnl_set_elems_nlmsg_parse(message, set) >= 0)
		nftnl_set_elem_foreach(set, take_key, keys);
	nftnl_set_free(set);
	for (guint i = 0; ok && i < keys->len; i++)
		ok = enforce_read_element(
			parts->kernel, table, name, keys->pdata[i], parts->image, error);
	return ok;
}

static gboolean read_part(const struct parts *parts, const struct nlmsghdr *message, GError **error)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);
	struct enforce_table table = { generic->nfgen_family,
		enforce_batch_text(message, NFTA_TABLE_NAME) };
	const char *set = enforce_batch_text(message, NFTA_SET_NAME);

	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWCHAIN:
		return enforce_read_chain(parts->kernel, table,
			enforce_batch_text(message, NFTA_CHAIN_NAME), parts->image, error);
	case NFT_MSG_NEWSET:
		return enforce_print_is_anonymous(set) ||
		       read_set(parts->kernel, table, set, parts->image, error);
	case NFT_MSG_NEWSETELEM:
		return enforce_print_is_anonymous(set) ||
		       read_named_elements(parts, table, message, error);
	}
	return TRUE;
}

gboolean enforce_read_parts(struct enforce_kernel *kernel, const struct enforce_batch *batch,
	struct enforce_image *image, GError **error)
{
	const struct parts parts = { kernel, image };
	struct nlmsghdr *message = NULL;

	while ((message = enforce_batch_next(batch->bytes, message)))
		if (!read_part(&parts, message, error))
			return FALSE;
	return TRUE;
}

static gboolean read_named_sets(struct enforce_kernel *kernel, struct enforce_table table,
	GPtrArray *sets, struct enforce_image *image, GError **error)
{
	for (guint i = 0; i < sets->len; i++) {
		const char *name = enforce_batch_text(sets->pdata[i], NFTA_SET_NAME);

		enforce_image_add(image, sets->pdata[i]);
		if (name && !enforce_print_is_anonymous(name) &&
			!read_elements(kernel, table, name, image, error))
			return FALSE;
	}
	return TRUE;
}

gboolean enforce_read_table(struct enforce_kernel *kernel, struct enforce_table table,
	struct enforce_image *image, GError **error)
{
	g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func(g_free);
	union question question;
	struct nlmsghdr *header = begin(&question, NFT_MSG_GETSET, table, NLM_F_DUMP);

	mnl_attr_put_strz(header, NFTA_SET_TABLE, table.name);
	if (!ask(kernel, &question, keep, sets, error) ||
		!read_named_sets(kernel, table, sets, image, error))
		return FALSE;
	begin(&question, NFT_MSG_GETCHAIN, table, NLM_F_DUMP); /* all tables of the family */
	return ask(kernel, &question, add_to_image, image, error) &&
	       read_rules(kernel, table, NULL, image, error);
}
