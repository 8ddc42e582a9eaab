#include "host/book.h"

#include <errno.h>
#include <string.h>

#define FILE_VERSION 1

/* One entry: a metadata value as it came, and its decoded form. Keys are "KIND/NAME" or
 * "KIND/NAME/ORDER"; claims have a table of their own because the gate asks them for every machine
 * of the host. */
struct entry {
	enum facts_kind kind;
	char *a; /* VM UUID, or vApp name */
	char *b; /* vApp name, or host UUID of who published; NULL */
	struct ifmap_meta *meta;
	void *fact;
};

struct book {
	GHashTable *entries; /* key -> struct entry */
	GHashTable *by_mac;  /* MAC -> struct entry of kind MEMBER_OF */
};

static void entry_free(gpointer data)
{
	struct entry *entry = data;

	facts_clear(entry->kind, entry->fact);
	g_free(entry->fact);
	ifmap_meta_unref(entry->meta);
	g_free(entry->a);
	g_free(entry->b);
	g_free(entry);
}

struct book *book_new(void)
{
	struct book *book = g_new0(struct book, 1);

	book->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	book->by_mac = g_hash_table_new(g_str_hash, g_str_equal);
	return book;
}

void book_free(struct book *book)
{
	if (!book)
		return;
	g_hash_table_destroy(book->by_mac);
	g_hash_table_destroy(book->entries);
	g_free(book);
}

/* ---- filling ---- */

static char *key_of(enum facts_kind kind, const char *name)
{
	return g_strconcat(facts_type(kind)->name, "/", name, NULL);
}

static char **macs_of(const struct entry *entry)
{
	return entry->kind == FACTS_MEMBER_OF ? ((struct facts_member_of *)entry->fact)->macs
					      : NULL;
}

/* An entry that is about to be replaced leaves no pointer of its own behind. */
static void forget_macs(struct book *book, const struct entry *entry)
{
	char **macs = entry ? macs_of(entry) : NULL;

	for (size_t i = 0; macs && macs[i]; i++)
		if (g_hash_table_lookup(book->by_mac, macs[i]) == entry)
			g_hash_table_remove(book->by_mac, macs[i]);
}

/* FALSE: a value that cannot be decoded, which is left out: it says nothing. */
static gboolean put(struct book *book, enum facts_kind kind, const char *a, const char *b,
	const struct ifmap_meta *meta, GError **error)
{
	g_autofree void *fact = g_malloc0(facts_type(kind)->record.size);
	g_autofree char *key = key_of(kind, a);
	struct entry *entry;
	char **macs;

	if (!facts_decode(kind, meta, fact, error))
		return FALSE;
	forget_macs(book, g_hash_table_lookup(book->entries, key));
	entry = g_new0(struct entry, 1);
	entry->kind = kind;
	entry->a = g_strdup(a);
	entry->b = g_strdup(b);
	entry->meta = ifmap_meta_ref(meta);
	entry->fact = g_steal_pointer(&fact);
	g_hash_table_replace(book->entries, g_steal_pointer(&key), entry);
	macs = macs_of(entry);
	for (size_t i = 0; macs && macs[i]; i++)
		g_hash_table_replace(book->by_mac, macs[i], entry);
	return TRUE;
}

static const char *device_name(const struct ifmap_id *id)
{
	return id && ifmap_id_type(id) == IFMAP_ID_DEVICE ? ifmap_id_value(id) : NULL;
}

/* The end of a link that is not `host`, when the other one is; else NULL. */
static const char *other_end(const struct ifmap_id *a, const struct ifmap_id *b, const char *host)
{
	const char *x = device_name(a);
	const char *y = device_name(b);

	if (x && y && strcmp(x, host) == 0)
		return y;
	return x && y && strcmp(y, host) == 0 ? x : NULL;
}

static void add_on_node(struct book *book, enum facts_kind kind, const struct ifmap_id *id,
	const struct ifmap_meta *meta)
{
	const char *name = kind == FACTS_ORDER ? facts_id_name(id) : device_name(id);

	if (name)
		put(book, kind, name, NULL, meta, NULL);
}

static void add_member(struct book *book, const struct ifmap_id *a, const struct ifmap_id *b,
	const struct ifmap_meta *meta)
{
	const struct ifmap_id *vm = device_name(a) ? a : b;
	const struct ifmap_id *vapp = vm == a ? b : a;

	if (device_name(vm) && facts_id_is(vapp, "vapp"))
		put(book, FACTS_MEMBER_OF, device_name(vm), facts_id_name(vapp), meta, NULL);
}

static void add_clearance(struct book *book, const char *host, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta)
{
	const struct ifmap_id *vapp = device_name(a) ? b : a;
	const struct ifmap_id *device = vapp == a ? b : a;

	if (facts_id_is(vapp, "vapp") && g_strcmp0(device_name(device), host) == 0)
		put(book, FACTS_CLEARANCE, facts_id_name(vapp), NULL, meta, NULL);
}

/* On a link VM-host nothing tells which end is which but the host that we are: connections of a
 * machine that comes to us hang between it and another host. The order's members say which end is
 * the machine; here both ends are tried. */
static void add_conntrack(struct book *book, const char *host, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta)
{
	if (other_end(a, b, host) || !device_name(a) || !device_name(b))
		return;
	put(book, FACTS_CONNTRACK, device_name(a), NULL, meta, NULL);
	put(book, FACTS_CONNTRACK, device_name(b), NULL, meta, NULL);
}

void book_add(struct book *book, const char *host, const struct ifmap_id *a,
	const struct ifmap_id *b, const struct ifmap_meta *meta)
{
	enum facts_kind kind = facts_kind_of(meta);

	if (!b && (kind == FACTS_PROTECTION || kind == FACTS_DEFINITION || kind == FACTS_LABEL ||
			  kind == FACTS_ORDER))
		add_on_node(book, kind, a, meta);
	else if (b && kind == FACTS_MEMBER_OF)
		add_member(book, a, b, meta);
	else if (b && kind == FACTS_CLEARANCE)
		add_clearance(book, host, a, b, meta);
	else if (b && kind == FACTS_CONNTRACK)
		add_conntrack(book, host, a, b, meta);
	else if (b && kind == FACTS_RESERVATION && other_end(a, b, host))
		put(book, kind, other_end(a, b, host), host, meta, NULL);
}

/* What is bound to be kept before anything acts on it. */
static gboolean is_intent(const struct entry *entry)
{
	return entry->kind != FACTS_CONNTRACK && entry->kind != FACTS_CLEARANCE;
}

static gboolean says_the_same(const struct entry *a, const struct entry *b)
{
	return b && g_strcmp0(a->b, b->b) == 0 && facts_equal(a->kind, a->fact, b->fact);
}

/* Of what `a` holds and `b` does not, or not so. */
static enum book_change lacks(const struct book *a, const struct book *b)
{
	enum book_change change = BOOK_SAME;
	GHashTableIter iter;
	gpointer key;
	gpointer value;

	g_hash_table_iter_init(&iter, a->entries);
	while (change < BOOK_INTENTS && g_hash_table_iter_next(&iter, &key, &value))
		if (!says_the_same(value, g_hash_table_lookup(b->entries, key)))
			change = is_intent(value) ? BOOK_INTENTS : BOOK_NEWS;
	return change;
}

enum book_change book_compare(const struct book *a, const struct book *b)
{
	enum book_change change = lacks(a, b);

	return change == BOOK_INTENTS ? change : MAX(change, lacks(b, a));
}

/* ---- reading ---- */

static const struct entry *find(const struct book *book, enum facts_kind kind, const char *name)
{
	g_autofree char *key = name ? key_of(kind, name) : NULL;

	return key ? g_hash_table_lookup(book->entries, key) : NULL;
}

static const void *fact_of(const struct book *book, enum facts_kind kind, const char *name)
{
	const struct entry *entry = find(book, kind, name);

	return entry ? entry->fact : NULL;
}

const char *book_claim(const struct book *book, const char *uuid)
{
	const struct entry *entry = find(book, FACTS_MEMBER_OF, uuid);

	return entry ? entry->b : NULL;
}

const char *book_claim_by_mac(const struct book *book, const char *mac)
{
	const struct entry *entry = g_hash_table_lookup(book->by_mac, mac);

	return entry ? entry->b : NULL;
}

const struct facts_protection *book_protection(const struct book *book, const char *uuid)
{
	return fact_of(book, FACTS_PROTECTION, uuid);
}

const struct facts_definition *book_definition(const struct book *book, const char *uuid)
{
	return fact_of(book, FACTS_DEFINITION, uuid);
}

const struct facts_reservation *book_reservation(const struct book *book, const char *uuid)
{
	return fact_of(book, FACTS_RESERVATION, uuid);
}

const struct facts_label *book_label(const struct book *book, const char *uuid)
{
	return fact_of(book, FACTS_LABEL, uuid);
}

const struct facts_member_of *book_member(const struct book *book, const char *uuid)
{
	return fact_of(book, FACTS_MEMBER_OF, uuid);
}

const struct facts_order *book_order(const struct book *book, const char *vapp)
{
	return fact_of(book, FACTS_ORDER, vapp);
}

const struct facts_clearance *book_clearance(const struct book *book, const char *vapp)
{
	return fact_of(book, FACTS_CLEARANCE, vapp);
}

const struct facts_conntrack *book_conntrack(
	const struct book *book, const char *uuid, const char *order)
{
	const struct facts_conntrack *conntrack = fact_of(book, FACTS_CONNTRACK, uuid);

	return conntrack && g_strcmp0(conntrack->order, order) == 0 ? conntrack : NULL;
}

static GPtrArray *names_of(const struct book *book, enum facts_kind kind)
{
	GPtrArray *names = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, book->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		if (((struct entry *)value)->kind == kind)
			g_ptr_array_add(names, ((struct entry *)value)->a);
	return names;
}

GPtrArray *book_reserved(const struct book *book)
{
	return names_of(book, FACTS_RESERVATION);
}

GPtrArray *book_orders(const struct book *book)
{
	return names_of(book, FACTS_ORDER);
}

/* ---- the file ---- */

static json_t *claims_to_json(const struct book *book)
{
	json_t *claims = json_object();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, book->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct entry *entry = value;
		char **macs = macs_of(entry);
		json_t *list;

		if (entry->kind != FACTS_MEMBER_OF)
			continue;
		list = json_array();
		for (size_t i = 0; macs && macs[i]; i++)
			json_array_append_new(list, json_string(macs[i]));
		json_object_set_new(claims, entry->a, list);
	}
	return claims;
}

static json_t *items_to_json(const struct book *book)
{
	json_t *items = json_array();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, book->entries);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct entry *entry = value;

		if (entry->kind != FACTS_CONNTRACK)
			json_array_append_new(
				items, json_pack("{s:s, s:s, s:s?, s:s}", "kind",
					       facts_type(entry->kind)->name, "a", entry->a, "b",
					       entry->b, "xml", ifmap_meta_xml(entry->meta, NULL)));
	}
	return items;
}

gboolean book_save(const struct book *book, const char *path, GError **error)
{
	json_t *root = json_pack("{s:i, s:o, s:o}", "version", FILE_VERSION, "claims",
		claims_to_json(book), "items", items_to_json(book));
	char *text = json_dumps(root, JSON_INDENT(1));
	gboolean good = g_file_set_contents_full(path, text, -1,
		G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, error);

	free(text);
	json_decref(root);
	return good;
}

/* The file's root; NULL without an error when there is no file. */
static json_t *load_root(const char *path, GError **error)
{
	FILE *file = fopen(path, "re");
	int number = errno;
	json_error_t why;
	json_t *root;

	if (!file && number == ENOENT)
		return NULL;
	if (!file) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number), "%s: %s", path,
			g_strerror(number));
		return NULL;
	}
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
	fclose(file);
	if (!root)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s:%d: %s", path, why.line,
			why.text);
	else if (json_integer_value(json_object_get(root, "version")) == FILE_VERSION &&
		 json_is_object(json_object_get(root, "claims")) &&
		 json_is_array(json_object_get(root, "items")))
		return root;
	else
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: not a book of version %d",
			path, FILE_VERSION);
	json_decref(root);
	return NULL;
}

static gboolean load_item(struct book *book, const json_t *item, GError **error)
{
	const char *a = json_string_value(json_object_get(item, "a"));
	const char *xml = json_string_value(json_object_get(item, "xml"));
	enum facts_kind kind = facts_kind_from_name(
		json_string_value(json_object_get(item, "kind")));
	g_autoptr(ifmap_meta) meta = xml ? ifmap_meta_new(xml, -1, error) : NULL;

	if (xml && !meta)
		return FALSE;
	if (!a || !meta || kind == FACTS_N_KINDS) {
		g_set_error(
			error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "an item lacks kind, a or xml");
		return FALSE;
	}
	return put(book, kind, a, json_string_value(json_object_get(item, "b")), meta, error);
}

struct book *book_load(const char *path, const char *host, GError **error)
{
	GError *why = NULL;
	json_t *root = load_root(path, &why);
	struct book *book = book_new();
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(root, "items"), i, item)
	{
		if (load_item(book, item, &why))
			continue;
		g_prefix_error(&why, "%s: item %zu: ", path, i);
		break;
	}
	json_decref(root);
	if (!why)
		return book;
	g_propagate_error(error, why);
	book_free(book);
	return NULL;
}

/* Whether the machine's list of claimed MACs holds one of these; what is no such list holds all. */
static gboolean list_holds(const json_t *list, const char *const *macs)
{
	const json_t *mac;
	size_t i;

	if (!json_is_array(list))
		return TRUE;
	json_array_foreach(list, i, mac)
	{
		if (!json_is_string(mac) || (macs && g_strv_contains(macs, json_string_value(mac))))
			return TRUE;
	}
	return FALSE;
}

gboolean book_file_claims(const char *path, const char *uuid, const char *const *macs)
{
	g_autoptr(GError) error = NULL;
	json_t *root = load_root(path, &error);
	json_t *claims = json_object_get(root, "claims");
	gboolean hold = error || json_object_get(claims, uuid);
	const char *name;
	json_t *list;

	json_object_foreach(claims, name, list)
	{
		hold = hold || list_holds(list, macs);
	}
	json_decref(root);
	return hold;
}
