#include "host/enforce_batch.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#define REGISTER     NFT_REG_1
#define ANONYMOUS    "__set%d" /* the kernel puts a number in */
#define MESSAGE_MAX  (128u << 10)
#define COMMENT_MAX  255
/* Values that stand one by one in a rule: each set costs the kernel dearly. */
#define CHAINED_MAX  4
#define IFNAME_TYPE  41
#define HOST_ORDER   1 /* nft's BYTEORDER_HOST_ENDIAN */
#define VERDICT_TYPE 0xffffff00u
#define ADD          (NLM_F_CREATE)
#define ADD_LAST     (NLM_F_CREATE | NLM_F_APPEND)

struct enforce_batch *enforce_batch_new(guint32 last_set)
{
	struct enforce_batch *batch = g_new0(struct enforce_batch, 1);

	batch->last_set = last_set;
	batch->bytes = g_byte_array_new();
	return batch;
}

void enforce_batch_free(struct enforce_batch *batch)
{
	if (!batch)
		return;
	g_byte_array_unref(batch->bytes);
	g_free(batch);
}

void enforce_batch_append(struct enforce_batch *batch, const struct enforce_batch *other)
{
	g_byte_array_append(batch->bytes, other->bytes->data, other->bytes->len);
	batch->last_set = MAX(batch->last_set, other->last_set);
}

void enforce_batch_trim(struct enforce_batch *batch)
{
	GByteArray *exact = g_byte_array_sized_new(batch->bytes->len);

	g_byte_array_append(exact, batch->bytes->data, batch->bytes->len);
	g_byte_array_unref(batch->bytes);
	batch->bytes = exact;
}

struct nlmsghdr *enforce_batch_next(const GByteArray *bytes, struct nlmsghdr *message)
{
	guint8 *next = message ? (guint8 *)message + MNL_ALIGN(message->nlmsg_len) : bytes->data;

	return next < bytes->data + bytes->len ? (void *)next : NULL;
}

/* Messages are built in place, in room for the largest. */
static struct nlmsghdr *begin(
	struct enforce_batch *batch, guint16 type, struct enforce_table table, guint16 flags)
{
	guint at = batch->bytes->len;

	g_byte_array_set_size(batch->bytes, at + MESSAGE_MAX);
	return nftnl_nlmsg_build_hdr((char *)batch->bytes->data + at, type, table.family, flags, 0);
}

static void end(struct enforce_batch *batch, const struct nlmsghdr *header)
{
	guint at = batch->bytes->len - MESSAGE_MAX;

	g_assert(header->nlmsg_len <= MESSAGE_MAX);
	g_byte_array_set_size(batch->bytes, at + (guint)MNL_ALIGN(header->nlmsg_len));
}

/* Tables and chains */

static void table_message(
	struct enforce_batch *batch, guint16 type, guint16 flags, struct enforce_table table)
{
	struct nlmsghdr *header = begin(batch, type, table, flags);
	struct nftnl_table *object = nftnl_table_alloc();

	nftnl_table_set_str(object, NFTNL_TABLE_NAME, table.name);
	nftnl_table_nlmsg_build_payload(header, object);
	nftnl_table_free(object);
	end(batch, header);
}

void enforce_batch_add_table(struct enforce_batch *batch, struct enforce_table table)
{
	table_message(batch, NFT_MSG_NEWTABLE, ADD, table);
}

void enforce_batch_delete_table(struct enforce_batch *batch, struct enforce_table table)
{
	/* Only what is there can be deleted. */
	table_message(batch, NFT_MSG_NEWTABLE, ADD, table);
	table_message(batch, NFT_MSG_DELTABLE, 0, table);
}

static void chain_message(struct enforce_batch *batch, guint16 type, guint16 flags,
	struct enforce_table table, struct nftnl_chain *object)
{
	struct nlmsghdr *header = begin(batch, type, table, flags);

	nftnl_chain_set_str(object, NFTNL_CHAIN_TABLE, table.name);
	nftnl_chain_nlmsg_build_payload(header, object);
	nftnl_chain_free(object);
	end(batch, header);
}

static struct nftnl_chain *chain_named(const char *name)
{
	struct nftnl_chain *object = nftnl_chain_alloc();

	nftnl_chain_set_str(object, NFTNL_CHAIN_NAME, name);
	return object;
}

static void flush_chain(struct enforce_batch *batch, struct enforce_table table, const char *name)
{
	struct nlmsghdr *header = begin(batch, NFT_MSG_DELRULE, table, 0);

	mnl_attr_put_strz(header, NFTA_RULE_TABLE, table.name);
	mnl_attr_put_strz(header, NFTA_RULE_CHAIN, name);
	end(batch, header);
}

void enforce_batch_add_chain(
	struct enforce_batch *batch, struct enforce_table table, const char *name)
{
	chain_message(batch, NFT_MSG_NEWCHAIN, ADD, table, chain_named(name));
	flush_chain(batch, table, name);
}

void enforce_batch_add_base_chain(struct enforce_batch *batch, struct enforce_table table,
	const struct enforce_base_chain *chain)
{
	struct nftnl_chain *object = chain_named(chain->name);

	nftnl_chain_set_str(object, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(object, NFTNL_CHAIN_HOOKNUM, chain->hook);
	nftnl_chain_set_s32(object, NFTNL_CHAIN_PRIO, chain->priority);
	nftnl_chain_set_u32(object, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	chain_message(batch, NFT_MSG_NEWCHAIN, ADD, table, object);
	flush_chain(batch, table, chain->name);
}

void enforce_batch_delete_chain(
	struct enforce_batch *batch, struct enforce_table table, const char *name)
{
	flush_chain(batch, table, name);
	chain_message(batch, NFT_MSG_DELCHAIN, 0, table, chain_named(name));
}

/* Sets */

static void set_message(
	struct enforce_batch *batch, struct enforce_table table, struct nftnl_set *object)
{
	struct nlmsghdr *header = begin(batch, NFT_MSG_NEWSET, table, ADD);

	nftnl_set_set_str(object, NFTNL_SET_TABLE, table.name);
	nftnl_set_set_u32(object, NFTNL_SET_FAMILY, table.family);
	nftnl_set_set_u32(object, NFTNL_SET_ID, ++batch->last_set);
	nftnl_set_nlmsg_build_payload(header, object);
	end(batch, header);
}

static struct nftnl_set *set_of(const char *name, guint32 flags, guint32 type, guint32 size)
{
	struct nftnl_set *object = nftnl_set_alloc();

	nftnl_set_set_str(object, NFTNL_SET_NAME, name);
	nftnl_set_set_u32(object, NFTNL_SET_FLAGS, flags);
	nftnl_set_set_u32(object, NFTNL_SET_KEY_TYPE, type);
	nftnl_set_set_u32(object, NFTNL_SET_KEY_LEN, size);
	return object;
}

/* A set of interface names, which nft shows only when it is told how their bytes stand. */
static struct nftnl_set *named_set_of(const char *name, guint32 flags)
{
	struct nftnl_set *object = set_of(name, flags, IFNAME_TYPE, ENFORCE_INTERVAL_SIZE);
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	nftnl_udata_put_u32(data, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ORDER);
	nftnl_set_set_data(
		object, NFTNL_SET_USERDATA, nftnl_udata_buf_data(data), nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
	return object;
}

void enforce_batch_add_set(
	struct enforce_batch *batch, struct enforce_table table, const char *name)
{
	struct nftnl_set *object = named_set_of(name, 0);

	set_message(batch, table, object);
	nftnl_set_free(object);
}

void enforce_batch_add_map(
	struct enforce_batch *batch, struct enforce_table table, const char *name)
{
	struct nftnl_set *object = named_set_of(name, NFT_SET_MAP);

	nftnl_set_set_u32(object, NFTNL_SET_DATA_TYPE, VERDICT_TYPE);
	set_message(batch, table, object);
	nftnl_set_free(object);
}

/* Elements */

/* libnftnl numbers the elements, which the kernel passes over, but its own reader does not. */
static int on_element(const struct nlattr *attribute, void *data)
{
	((struct nlattr *)attribute)->nla_type = NLA_F_NESTED | NFTA_LIST_ELEM;
	return MNL_CB_OK;
}

static int on_elements(const struct nlattr *attribute, void *data)
{
	if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_LIST_ELEMENTS)
		mnl_attr_parse_nested(attribute, on_element, NULL);
	return MNL_CB_OK;
}

static void elements_message(struct enforce_batch *batch, guint16 type, guint16 flags,
	struct enforce_table table, struct nftnl_set *object)
{
	struct nlmsghdr *header = begin(batch, type, table, flags);

	nftnl_set_set_str(object, NFTNL_SET_TABLE, table.name);
	nftnl_set_elems_nlmsg_build_payload(header, object);
	mnl_attr_parse(header, sizeof(struct nfgenmsg), on_elements, NULL);
	end(batch, header);
}

static void add_key(
	struct nftnl_set *object, const guint8 *key, guint32 size, guint32 flags, const char *chain)
{
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();

	nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key, size);
	if (flags)
		nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, flags);
	if (chain) {
		nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_VERDICT, (guint32)NFT_JUMP);
		nftnl_set_elem_set_str(element, NFTNL_SET_ELEM_CHAIN, chain);
	}
	nftnl_set_elem_add(object, element);
}

static void named_element(struct enforce_batch *batch, guint16 type, struct enforce_table table,
	const char *set, const char *key, const char *chain)
{
	struct nftnl_set *object = nftnl_set_alloc();
	char name[ENFORCE_INTERVAL_SIZE] = "";

	g_strlcpy(name, key, sizeof name);
	nftnl_set_set_str(object, NFTNL_SET_NAME, set);
	add_key(object, (const guint8 *)name, sizeof name, 0, chain);
	elements_message(batch, type, type == NFT_MSG_NEWSETELEM ? ADD : 0, table, object);
	nftnl_set_free(object);
}

void enforce_batch_add_element(struct enforce_batch *batch, struct enforce_table table,
	const char *set, const char *key, const char *chain)
{
	named_element(batch, NFT_MSG_NEWSETELEM, table, set, key, chain);
}

void enforce_batch_delete_element(
	struct enforce_batch *batch, struct enforce_table table, const char *set, const char *key)
{
	named_element(batch, NFT_MSG_DELSETELEM, table, set, key, NULL);
}

static gboolean has_ranges(const GArray *values)
{
	for (guint i = 0; i < values->len; i++) {
		const struct enforce_interval *value = &g_array_index(
			values, struct enforce_interval, i);

		if (memcmp(value->low, value->high, value->size) != 0)
			return TRUE;
	}
	return FALSE;
}

/* An interval is its first value and, marked as an end, the first after it; the last may have no
 * end. */
static void add_interval(struct nftnl_set *object, const struct enforce_interval *value)
{
	guint8 after[ENFORCE_INTERVAL_SIZE];

	add_key(object, value->low, value->size, 0, NULL);
	if (enforce_interval_after(value, after))
		add_key(object, after, value->size, NFT_SET_ELEM_INTERVAL_END, NULL);
}

/* A set of a rule's own; its id. */
static guint32 add_anonymous(struct enforce_batch *batch, struct enforce_table table,
	const struct enforce_field_form *form, const GArray *values)
{
	gboolean ranges = has_ranges(values);
	guint32 flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | (ranges ? NFT_SET_INTERVAL : 0);
	struct nftnl_set *object = set_of(ANONYMOUS, flags, form->nft_type, form->size);
	static const guint8 zero[ENFORCE_INTERVAL_SIZE];

	set_message(batch, table, object);
	/* nft, when it lists, expects the room before the first interval to be closed. */
	if (ranges && memcmp(g_array_index(values, struct enforce_interval, 0).low, zero,
			      form->size) != 0)
		add_key(object, zero, form->size, NFT_SET_ELEM_INTERVAL_END, NULL);
	for (guint i = 0; i < values->len; i++) {
		const struct enforce_interval *value = &g_array_index(
			values, struct enforce_interval, i);

		if (ranges)
			add_interval(object, value);
		else
			add_key(object, value->low, value->size, 0, NULL);
	}
	elements_message(batch, NFT_MSG_NEWSETELEM, ADD, table, object);
	nftnl_set_free(object);
	return batch->last_set;
}

/* Rules */

/* A rule on its way: what the packet is known to be need not be asked again. */
struct writing {
	struct enforce_batch *batch;
	struct enforce_table table;
	struct nftnl_rule *rule;
	guint16 ether_type;
	guint8 l4proto;
};

static struct nftnl_expr *add(struct writing *writing, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	g_assert(expr);
	nftnl_rule_add_expr(writing->rule, expr);
	return expr;
}

static void load_payload(struct writing *writing, const struct enforce_field_form *form)
{
	struct nftnl_expr *expr = add(writing, "payload");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, form->key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, form->offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, form->size);
}

static void load_meta(struct writing *writing, const struct enforce_field_form *form)
{
	struct nftnl_expr *expr = add(writing, "meta");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, form->key);
}

static void load_ct(struct writing *writing, const struct enforce_field_form *form)
{
	struct nftnl_expr *expr = add(writing, "ct");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, form->key);
}

static void add_mask(struct writing *writing, const void *mask, guint8 size)
{
	static const guint8 zero[ENFORCE_INTERVAL_SIZE];
	struct nftnl_expr *expr = add(writing, "bitwise");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, size);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, mask, size);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, zero, size);
}

static void load(struct writing *writing, const struct enforce_field_form *form)
{
	static const struct {
		const char *expr;
		void (*load)(struct writing *, const struct enforce_field_form *);
	} loaders[] = { { "payload", load_payload }, { "meta", load_meta }, { "ct", load_ct } };
	guint8 byte = (guint8)form->mask;

	for (guint i = 0; i < G_N_ELEMENTS(loaders); i++)
		if (!strcmp(loaders[i].expr, form->expr))
			loaders[i].load(writing, form);
	if (form->mask)
		add_mask(writing, form->size == 1 ? (const void *)&byte : &form->mask, form->size);
}

static void compare(struct writing *writing, guint32 op, const void *data, guint8 size)
{
	struct nftnl_expr *expr = add(writing, "cmp");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, REGISTER);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, size);
}

static void compare_range(
	struct writing *writing, enum enforce_op op, const struct enforce_interval *value)
{
	struct nftnl_expr *expr;

	if (!memcmp(value->low, value->high, value->size)) {
		compare(writing, op == ENFORCE_IN ? NFT_CMP_EQ : NFT_CMP_NEQ, value->low,
			value->size);
		return;
	}
	expr = add(writing, "range");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_RANGE_SREG, REGISTER);
	nftnl_expr_set_u32(
		expr, NFTNL_EXPR_RANGE_OP, op == ENFORCE_IN ? NFT_RANGE_EQ : NFT_RANGE_NEQ);
	nftnl_expr_set(expr, NFTNL_EXPR_RANGE_FROM_DATA, value->low, value->size);
	nftnl_expr_set(expr, NFTNL_EXPR_RANGE_TO_DATA, value->high, value->size);
}

static void look_up(struct writing *writing, enum enforce_op op, const char *set, guint32 id)
{
	struct nftnl_expr *expr = add(writing, "lookup");

	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, REGISTER);
	nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set);
	if (id)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SET_ID, id);
	if (op == ENFORCE_NOT_IN)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

/* That the packet has the header which the field is in. */
static void require(struct writing *writing, const struct enforce_field_form *form)
{
	guint16 ether_type = htons(form->ether_type);

	if (form->ether_type && writing->ether_type != form->ether_type) {
		load(writing, &enforce_fields[ENFORCE_ETHER_TYPE]);
		compare(writing, NFT_CMP_EQ, &ether_type, sizeof ether_type);
		writing->ether_type = form->ether_type;
	}
	if (form->l4proto && writing->l4proto != form->l4proto) {
		load(writing, &enforce_fields[ENFORCE_L4PROTO]);
		compare(writing, NFT_CMP_EQ, &form->l4proto, sizeof form->l4proto);
		writing->l4proto = form->l4proto;
	}
}

static void write_match(struct writing *writing, const struct enforce_match *match)
{
	const struct enforce_field_form *form = &enforce_fields[match->field];
	static const guint32 none = 0;
	guint n = match->values ? match->values->len : 0;

	require(writing, form);
	if (match->set) {
		load(writing, form);
		look_up(writing, match->op, match->set, 0);
	} else if (match->values && match->field == ENFORCE_CT_STATE) {
		load(writing, form);
		add_mask(writing, g_array_index(match->values, struct enforce_interval, 0).low,
			form->size);
		compare(writing, NFT_CMP_NEQ, &none, sizeof none);
	} else if (match->values && n > (match->op == ENFORCE_IN ? 1 : CHAINED_MAX)) {
		guint32 id = add_anonymous(writing->batch, writing->table, form, match->values);

		load(writing, form);
		look_up(writing, match->op, ANONYMOUS, id);
	} else {
		for (guint i = 0; i < n; i++) {
			load(writing, form);
			compare_range(writing, match->op,
				&g_array_index(match->values, struct enforce_interval, i));
		}
	}
}

static void put_comment(struct nftnl_rule *rule, const char *comment)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	nftnl_udata_put_strz(data, NFTNL_UDATA_RULE_COMMENT, comment);
	nftnl_rule_set_data(
		rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data), nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
}

void enforce_batch_add_rule(struct enforce_batch *batch, struct enforce_table table,
	const char *chain, struct enforce_rule *rule)
{
	struct writing writing = { .batch = batch, .table = table, .rule = nftnl_rule_alloc() };
	g_autofree char *comment = NULL;
	struct nlmsghdr *header;

	nftnl_rule_set_str(writing.rule, NFTNL_RULE_TABLE, table.name);
	nftnl_rule_set_str(writing.rule, NFTNL_RULE_CHAIN, chain);
	for (guint i = 0; i < rule->matches->len; i++)
		write_match(&writing, &g_array_index(rule->matches, struct enforce_match, i));
	while (rule->statements->len)
		nftnl_rule_add_expr(writing.rule, g_ptr_array_steal_index(rule->statements, 0));
	if (rule->comment) {
		comment = g_strndup(rule->comment, COMMENT_MAX - 3);
		put_comment(writing.rule, comment);
	}
	header = begin(batch, NFT_MSG_NEWRULE, table, ADD_LAST);
	nftnl_rule_nlmsg_build_payload(header, writing.rule);
	end(batch, header);
	nftnl_rule_free(writing.rule);
	enforce_rule_free(rule);
}

/* For people */

struct wanted {
	guint16 type;
	const char *text;
};

static int on_attribute(const struct nlattr *attribute, void *data)
{
	struct wanted *wanted = data;

	if (mnl_attr_get_type(attribute) == wanted->type &&
		mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		wanted->text = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

const char *enforce_batch_text(const struct nlmsghdr *message, guint16 attribute)
{
	struct wanted wanted = { attribute, NULL };

	mnl_attr_parse(message, sizeof(struct nfgenmsg), on_attribute, &wanted);
	return wanted.text;
}

char *enforce_batch_describe(const struct nlmsghdr *message)
{
	static const struct {
		guint8 type;
		guint8 name;
		const char *words;
	} kinds[] = {
		{ NFT_MSG_NEWTABLE, NFTA_TABLE_NAME, "table" },
		{ NFT_MSG_DELTABLE, NFTA_TABLE_NAME, "the end of table" },
		{ NFT_MSG_NEWCHAIN, NFTA_CHAIN_NAME, "chain" },
		{ NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, "the end of chain" },
		{ NFT_MSG_NEWRULE, NFTA_RULE_CHAIN, "a rule of chain" },
		{ NFT_MSG_DELRULE, NFTA_RULE_CHAIN, "emptying chain" },
		{ NFT_MSG_NEWSET, NFTA_SET_NAME, "set" },
		{ NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET, "an element of" },
		{ NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET, "the end of an element of" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].type == (message->nlmsg_type & 0xff))
			return g_strdup_printf("%s %s", kinds[i].words,
				enforce_batch_text(message, kinds[i].name));
	return g_strdup_printf("message %u", (guint)message->nlmsg_type);
}
