#include "host/enforce_image.h"

#include "host/enforce_chains.h"
#include "host/enforce_print.h"

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#define DIFFERENCES_MAX 10

struct enforce_image {
	GHashTable *parts;     /* name → GString */
	GHashTable *anonymous; /* how a rule names its own set → its elements' text */
};

static void string_free(gpointer data)
{
	g_string_free(data, TRUE);
}

struct enforce_image *enforce_image_new(void)
{
	struct enforce_image *image = g_new0(struct enforce_image, 1);

	image->parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, string_free);
	image->anonymous = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return image;
}

void enforce_image_free(struct enforce_image *image)
{
	if (!image)
		return;
	g_hash_table_unref(image->parts);
	g_hash_table_unref(image->anonymous);
	g_free(image);
}

static int compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Parts */

static const char *family_name(const struct nlmsghdr *message)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(message);

	return generic->nfgen_family == ENFORCE_BRIDGE.family ? "bridge" : "inet";
}

static GString *part(struct enforce_image *image, const char *format, ...) G_GNUC_PRINTF(2, 3);

static GString *part(struct enforce_image *image, const char *format, ...)
{
	va_list arguments;
	char *name;
	GString *text;

	va_start(arguments, format);
	name = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	text = g_hash_table_lookup(image->parts, name);
	if (text) {
		g_free(name);
		return text;
	}
	text = g_string_new(NULL);
	g_hash_table_insert(image->parts, name, text);
	return text;
}

static gboolean is_ours(const char *table)
{
	return table && !strcmp(table, ENFORCE_TABLE);
}

static void add_chain(struct enforce_image *image, const struct nlmsghdr *message)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	GString *text;

	if (nftnl_chain_nlmsg_parse(message, chain) >= 0 &&
		is_ours(nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE))) {
		text = part(image, "%s chain %s", family_name(message),
			nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
		if (nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) &&
			!g_str_has_prefix(text->str, "hook "))
			g_string_append_printf(text, "hook %s %u %d %u\n",
				nftnl_chain_get_str(chain, NFTNL_CHAIN_TYPE),
				nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM),
				nftnl_chain_get_s32(chain, NFTNL_CHAIN_PRIO),
				nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY));
	}
	nftnl_chain_free(chain);
}

static const char *elements_of(const char *name, gpointer data)
{
	const struct enforce_image *image = data;

	return g_hash_table_lookup(image->anonymous, name);
}

static void add_rule(struct enforce_image *image, const struct nlmsghdr *message)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (nftnl_rule_nlmsg_parse(message, rule) >= 0 &&
		is_ours(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE))) {
		g_autofree char *text = enforce_print_rule(rule, elements_of, image);

		g_string_append_printf(part(image, "%s chain %s", family_name(message),
					       nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN)),
			"%s\n", text);
	}
	nftnl_rule_free(rule);
}

static void add_set(struct enforce_image *image, const struct nlmsghdr *message)
{
	struct nftnl_set *set = nftnl_set_alloc();
	const char *name;
	GString *text;

	if (nftnl_set_nlmsg_parse(message, set) >= 0 &&
		is_ours(nftnl_set_get_str(set, NFTNL_SET_TABLE))) {
		name = nftnl_set_get_str(set, NFTNL_SET_NAME);
		if (!enforce_print_is_anonymous(name)) {
			text = part(image, "%s set %s", family_name(message), name);
			g_string_printf(text, "%u %u %u\n", nftnl_set_get_u32(set, NFTNL_SET_FLAGS),
				nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN),
				nftnl_set_is_set(set, NFTNL_SET_DATA_TYPE)
					? nftnl_set_get_u32(set, NFTNL_SET_DATA_TYPE)
					: 0);
		}
	}
	nftnl_set_free(set);
}

struct naming {
	struct enforce_image *image;
	const char *family;
	const char *set;
};

static int add_named_element(struct nftnl_set_elem *element, void *data)
{
	const struct naming *naming = data;
	g_autofree char *key = enforce_print_name(element);
	g_autofree char *text = enforce_print_element(element);

	g_string_append_printf(
		part(naming->image, "%s element %s %s", naming->family, naming->set, key), "%s\n",
		text);
	return 0;
}

/* The elements of a large set come in several messages: what was there goes on. */
static void add_anonymous(struct enforce_image *image, struct nftnl_set *set)
{
	g_autofree char *name = enforce_print_set_name(set);
	const char *before = g_hash_table_lookup(image->anonymous, name);
	char *text = enforce_print_elements(set, before);

	g_hash_table_replace(image->anonymous, g_steal_pointer(&name), text);
}

static void add_elements(struct enforce_image *image, const struct nlmsghdr *message)
{
	struct nftnl_set *set = nftnl_set_alloc();
	const char *name;

	if (nftnl_set_elems_nlmsg_parse(message, set) >= 0 &&
		is_ours(nftnl_set_get_str(set, NFTNL_SET_TABLE))) {
		name = nftnl_set_get_str(set, NFTNL_SET_NAME);
		if (enforce_print_is_anonymous(name)) {
			add_anonymous(image, set);
		} else {
			struct naming naming = { image, family_name(message), name };

			nftnl_set_elem_foreach(set, add_named_element, &naming);
		}
	}
	nftnl_set_free(set);
}

static const struct {
	guint8 type;
	void (*add)(struct enforce_image *, const struct nlmsghdr *);
} readers[] = {
	{ NFT_MSG_NEWCHAIN, add_chain },
	{ NFT_MSG_NEWRULE, add_rule },
	{ NFT_MSG_NEWSET, add_set },
	{ NFT_MSG_NEWSETELEM, add_elements },
};

void enforce_image_add(struct enforce_image *image, const struct nlmsghdr *message)
{
	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return;
	for (guint i = 0; i < G_N_ELEMENTS(readers); i++)
		if (readers[i].type == (message->nlmsg_type & 0xff))
			readers[i].add(image, message);
}

void enforce_image_add_batch(struct enforce_image *image, const struct enforce_batch *batch)
{
	struct nlmsghdr *message = NULL;

	while ((message = enforce_batch_next(batch->bytes, message)))
		enforce_image_add(image, message);
}

struct enforce_image *enforce_image_of_batch(const struct enforce_batch *batch)
{
	struct enforce_image *image = enforce_image_new();

	enforce_image_add_batch(image, batch);
	return image;
}

/* Comparing */

static void add_names(GPtrArray *names, const struct enforce_image *image, GHashTable *seen)
{
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, image->parts);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (g_hash_table_add(seen, name))
			g_ptr_array_add(names, g_strdup(name));
}

static void add_tap_names(GPtrArray *names, const char *tap)
{
	for (guint i = 0; i < G_N_ELEMENTS(enforce_chain_kinds); i++) {
		const char *kind = enforce_chain_kinds[i];

		g_ptr_array_add(names, g_strdup_printf("bridge chain %s-%s", kind, tap));
		g_ptr_array_add(names, g_strdup_printf("bridge element %s %s", kind, tap));
	}
}

/* The names to look at, sorted: those of the taps, or (NULL) all of both pictures. */
static GPtrArray *names_of(
	const struct enforce_image *a, const struct enforce_image *b, const char *const *taps)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (const char *const *tap = taps; tap && *tap; tap++)
		add_tap_names(names, *tap);
	if (!taps) {
		add_names(names, a, seen);
		add_names(names, b, seen);
	}
	g_ptr_array_sort(names, compare_text);
	return names;
}

#define LINE_TOLD 200 /* bytes of a rule that are quoted */
#define BEFORE    60  /* of them before the place where two rules part */

static int line_length(const char *text)
{
	return (int)MIN(strcspn(text, "\n"), LINE_TOLD);
}

/* Names the first line that is not the same. */
static void tell(GString *out, const char *name, const GString *wanted, const GString *found)
{
	const char *left = wanted ? wanted->str : NULL;
	const char *right = found ? found->str : NULL;
	gsize line = 0;
	gsize from = 0;

	if (!left || !right) {
		g_string_append_printf(out, "%s %s", name, right ? "is not ours" : "is missing");
		return;
	}
	for (; left[from] && left[from] == right[from]; from++)
		if (left[from] == '\n')
			line = from + 1;
	from = MAX(line, from > BEFORE ? from - BEFORE : 0);
	if (!left[line])
		g_string_append_printf(
			out, "%s has more: %.*s", name, line_length(right + line), right + line);
	else if (!right[line])
		g_string_append_printf(
			out, "%s lacks: %.*s", name, line_length(left + line), left + line);
	else
		g_string_append_printf(out, "%s has %.*s instead of %.*s", name,
			line_length(right + from), right + from, line_length(left + from),
			left + from);
}

/* Takes the names. */
static char *difference(
	const struct enforce_image *wanted, const struct enforce_image *found, GPtrArray *names)
{
	GString *out = g_string_new(NULL);
	guint n = 0;

	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		const GString *left = g_hash_table_lookup(wanted->parts, name);
		const GString *right = g_hash_table_lookup(found->parts, name);

		if ((!left && !right) || (left && right && g_string_equal(left, right)))
			continue;
		if (n++ >= DIFFERENCES_MAX)
			continue;
		if (out->len)
			g_string_append(out, "; ");
		tell(out, name, left, right);
	}
	if (n > DIFFERENCES_MAX)
		g_string_append_printf(out, "; and %u more", n - DIFFERENCES_MAX);
	g_ptr_array_unref(names);
	return g_string_free(out, FALSE);
}

char *enforce_image_difference(const struct enforce_image *wanted,
	const struct enforce_image *found, const char *const *taps)
{
	return difference(wanted, found, names_of(wanted, found, taps));
}

char *enforce_image_digest(const struct enforce_image *image, const char *const *taps)
{
	g_autoptr(GPtrArray) names = names_of(image, image, taps);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; i < names->len; i++) {
		const GString *text = g_hash_table_lookup(image->parts, names->pdata[i]);

		if (!text)
			continue;
		g_checksum_update(sum, names->pdata[i], -1);
		g_checksum_update(sum, (const guchar *)"\n", 1);
		g_checksum_update(sum, (const guchar *)text->str, (gssize)text->len);
	}
	return g_strdup(g_checksum_get_string(sum));
}

char *enforce_image_missing(const struct enforce_image *wanted, const struct enforce_image *found)
{
	return difference(wanted, found, names_of(wanted, wanted, NULL));
}

char *enforce_image_to_string(const struct enforce_image *image)
{
	g_autoptr(GPtrArray) names = names_of(image, image, NULL);
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(out, "%s\n%s\n", (const char *)names->pdata[i],
			((const GString *)g_hash_table_lookup(image->parts, names->pdata[i]))->str);
	return g_string_free(out, FALSE);
}
