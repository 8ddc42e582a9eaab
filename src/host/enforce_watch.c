#include "host/enforce_watch.h"

#include "host/enforce_chains.h"
#include "host/enforce_print.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define OBJECTS_MAX 64 /* named before "everything" is assumed */
#define RECEIVE_SIZE \
	(64 << 20)        /* a thousand machines' rules put back at once are 40 MB of messages */
#define ALARM_MESSAGES 64 /* of one transaction, after which somebody is alarmed */

struct enforce_watch {
	struct mnl_socket *socket;
	enforce_watch_func changed;
	gpointer data;
	enforce_alarm_func alarmed;
	guint32 own_port;
	/* The transaction whose messages are being read. */
	GHashTable *objects; /* names */
	GHashTable *words;   /* "rule deleted from chain from-tap1" → number */
	gboolean everything;
	guint n_messages;
	gint64 since_us;
	char buffer[32768] __attribute__((aligned(8)));
};

/* What each message says, and which attribute names its object; attribute 1 names the table in all
 * of them. */
static const struct {
	guint8 type;
	guint8 name;
	gboolean everything;
	const char *words;
} messages[] = {
	{ NFT_MSG_NEWTABLE, NFTA_TABLE_NAME, TRUE, "table added or changed:" },
	{ NFT_MSG_DELTABLE, NFTA_TABLE_NAME, TRUE, "table deleted:" },
	{ NFT_MSG_NEWCHAIN, NFTA_CHAIN_NAME, FALSE, "chain added or changed:" },
	{ NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, FALSE, "chain deleted:" },
	{ NFT_MSG_NEWRULE, NFTA_RULE_CHAIN, FALSE, "rule added to chain" },
	{ NFT_MSG_DELRULE, NFTA_RULE_CHAIN, FALSE, "rule deleted from chain" },
	{ NFT_MSG_NEWSET, NFTA_SET_NAME, FALSE, "set or map added:" },
	{ NFT_MSG_DELSET, NFTA_SET_NAME, FALSE, "set or map deleted:" },
	{ NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET, FALSE, "element added to" },
	{ NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET, FALSE, "element deleted from" },
};

static void forget(struct enforce_watch *watch)
{
	g_hash_table_remove_all(watch->objects);
	g_hash_table_remove_all(watch->words);
	watch->everything = FALSE;
	watch->since_us = 0;
	watch->n_messages = 0;
}

/* `object` is what is told to the caller, `name` what people read. */
static void note(
	struct enforce_watch *watch, const char *words, const char *name, const char *object)
{
	g_autofree char *text = g_strdup_printf("%s %s", words, name);
	guint *n = g_hash_table_lookup(watch->words, text);

	if (!watch->since_us)
		watch->since_us = g_get_monotonic_time();
	if (n)
		++*n;
	else if (g_hash_table_size(watch->words) < OBJECTS_MAX)
		g_hash_table_insert(watch->words, g_steal_pointer(&text),
			g_memdup2(&(guint){ 1 }, sizeof(guint)));
	if (g_hash_table_size(watch->objects) >= OBJECTS_MAX)
		watch->everything = TRUE;
	else
		g_hash_table_add(watch->objects, g_strdup(object));
}

/* Tells the words that begin so, at most WORDS_TOLD. */
#define WORDS_TOLD 10

static void describe_some(struct enforce_watch *watch, const char *beginning, GString *out)
{
	GHashTableIter iter;
	gpointer text, n;
	guint told = 0;

	g_hash_table_iter_init(&iter, watch->words);
	while (g_hash_table_iter_next(&iter, &text, &n) && told < WORDS_TOLD) {
		if (!g_str_has_prefix(text, beginning))
			continue;
		told++;
		g_string_append_printf(out, "%s%s", out->len ? "; " : "", (const char *)text);
		if (*(const guint *)n > 1)
			g_string_append_printf(out, " (%u)", *(const guint *)n);
	}
	if (told == WORDS_TOLD)
		g_string_append(out, "; and more");
}

/* A table that has gone took everything in it along: that need not be said. */
static char *describe(struct enforce_watch *watch)
{
	GString *out = g_string_new(NULL);

	describe_some(watch, "table", out);
	if (!out->len)
		describe_some(watch, "", out);
	return g_string_free(out, FALSE);
}

static void tell(struct enforce_watch *watch, const char *by)
{
	g_autofree char *what = describe(watch);
	g_autofree const char **objects = (const char **)g_hash_table_get_keys_as_array(
		watch->objects, NULL);

	watch->changed(by, what, watch->everything ? NULL : objects, watch->since_us, watch->data);
	forget(watch);
}

/* Reading */

struct wanted {
	guint16 type;
	const struct nlattr *found;
};

static int on_attribute(const struct nlattr *attribute, void *data)
{
	struct wanted *wanted = data;

	if (mnl_attr_get_type(attribute) != wanted->type)
		return MNL_CB_OK;
	wanted->found = attribute;
	return MNL_CB_STOP;
}

/* The attribute when it is there and of that kind; the message is the kernel's, but be sure. */
static const struct nlattr *find_attribute(
	const struct nlmsghdr *header, guint16 type, enum mnl_attr_data_type kind)
{
	struct wanted wanted = { type, NULL };

	mnl_attr_parse(header, sizeof(struct nfgenmsg), on_attribute, &wanted);
	return wanted.found && mnl_attr_validate(wanted.found, kind) >= 0 ? wanted.found : NULL;
}

static const char *attribute_text(const struct nlmsghdr *header, guint16 type)
{
	const struct nlattr *attribute = find_attribute(header, type, MNL_TYPE_NUL_STRING);

	return attribute ? mnl_attr_get_str(attribute) : NULL;
}

static guint32 attribute_u32(const struct nlmsghdr *header, guint16 type)
{
	const struct nlattr *attribute = find_attribute(header, type, MNL_TYPE_U32);

	return attribute ? ntohl(mnl_attr_get_u32(attribute)) : 0;
}

static void end_transaction(struct enforce_watch *watch, const struct nlmsghdr *header)
{
	const char *name = attribute_text(header, NFTA_GEN_PROC_NAME);
	g_autofree char *by = NULL;

	if (!watch->since_us)
		return;
	by = g_strdup_printf(
		"%s (pid %u)", name ? name : "?", attribute_u32(header, NFTA_GEN_PROC_PID));
	tell(watch, by);
}

struct noting {
	struct enforce_watch *watch;
	const char *words;
	const char *set;
};

static int note_element(struct nftnl_set_elem *element, void *data)
{
	const struct noting *noting = data;
	g_autofree char *key = enforce_print_name(element);
	g_autofree char *object = g_strdup_printf("%s %s", noting->set, key);

	note(noting->watch, noting->words, noting->set, object);
	return 0;
}

/* Those of a rule's own set come and go with the rule, which says it. */
static void note_elements(struct enforce_watch *watch, const char *words, const char *set,
	const struct nlmsghdr *header)
{
	struct noting noting = { watch, words, set };
	struct nftnl_set *elements;

	if (enforce_print_is_anonymous(set))
		return;
	elements = nftnl_set_alloc();
	if (nftnl_set_elems_nlmsg_parse(header, elements) >= 0)
		nftnl_set_elem_foreach(elements, note_element, &noting);
	nftnl_set_free(elements);
}

static void note_message(struct enforce_watch *watch, const struct nlmsghdr *header, guint8 type)
{
	for (guint i = 0; i < G_N_ELEMENTS(messages); i++) {
		const char *name;

		if (messages[i].type != type)
			continue;
		name = attribute_text(header, messages[i].name);
		watch->everything |= messages[i].everything;
		if (type == NFT_MSG_NEWSETELEM || type == NFT_MSG_DELSETELEM)
			note_elements(watch, messages[i].words, name ? name : "?", header);
		else if (!enforce_print_is_anonymous(name))
			note(watch, messages[i].words, name ? name : "?", name ? name : "?");
	}
}

static int on_message(const struct nlmsghdr *header, void *data)
{
	struct enforce_watch *watch = data;
	guint8 type = (guint8)(header->nlmsg_type & 0xff);

	if (header->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || header->nlmsg_pid == watch->own_port)
		return MNL_CB_OK;
	if (type == NFT_MSG_NEWGEN) {
		end_transaction(watch, header);
		return MNL_CB_OK;
	}
	if (g_strcmp0(attribute_text(header, NFTA_TABLE_NAME), ENFORCE_TABLE) != 0)
		return MNL_CB_OK;
	note_message(watch, header, type);
	if (++watch->n_messages == ALARM_MESSAGES)
		watch->alarmed(watch->since_us, watch->data);
	return MNL_CB_OK;
}

/* One datagram. FALSE when there is none (or they were lost: then everything may have changed). */
static gboolean read_one(struct enforce_watch *watch)
{
	gssize n = recv(enforce_watch_fd(watch), watch->buffer, sizeof watch->buffer, MSG_DONTWAIT);

	if (n < 0 && errno == ENOBUFS) {
		note(watch, "messages were lost:", "more changes than could be read", "?");
		watch->everything = TRUE;
		tell(watch, NULL);
		return TRUE;
	}
	if (n <= 0)
		return FALSE;
	mnl_cb_run(watch->buffer, (size_t)n, 0, 0, on_message, watch);
	return TRUE;
}

void enforce_watch_read(struct enforce_watch *watch)
{
	while (read_one(watch))
		;
}

void enforce_watch_ignore(struct enforce_watch *watch, guint32 port)
{
	watch->own_port = port;
}

int enforce_watch_fd(const struct enforce_watch *watch)
{
	return mnl_socket_get_fd(watch->socket);
}

struct enforce_watch *enforce_watch_open(
	enforce_watch_func changed, enforce_alarm_func alarmed, gpointer data, GError **error)
{
	struct enforce_watch *watch = g_new0(struct enforce_watch, 1);
	int size = RECEIVE_SIZE;

	watch->changed = changed;
	watch->alarmed = alarmed;
	watch->data = data;
	watch->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	watch->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	watch->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->socket || mnl_socket_bind(watch->socket, 1 << (NFNLGRP_NFTABLES - 1),
				      MNL_SOCKET_AUTOPID) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"changes of nftables cannot be watched: %s", g_strerror(errno));
		enforce_watch_close(watch);
		return NULL;
	}
	setsockopt(enforce_watch_fd(watch), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return watch;
}

void enforce_watch_close(struct enforce_watch *watch)
{
	if (!watch)
		return;
	if (watch->socket)
		mnl_socket_close(watch->socket);
	g_hash_table_unref(watch->objects);
	g_hash_table_unref(watch->words);
	g_free(watch);
}
