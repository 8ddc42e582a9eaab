#include "facts/facts.h"

#include "base/xml.h"
#include "base/xmlout.h"

#include <string.h>

const char *const FACTS_PREFIXES[] = { "d", FACTS_NS, NULL };

/* A field's value inside its struct. */
static void *slot_of(const struct facts_field *field, const void *base)
{
	return (char *)base + field->offset;
}

#define SLOT(type, field, base) (*(type *)slot_of(field, base))

/* ---- one row of functions per field type: how it is written, read, cleared, copied, compared,
 * shown ---- */

struct field_ops {
	void (*write)(GString *out, const struct facts_field *field, const void *base);
	gboolean (*read)(
		const xmlNode *node, const struct facts_field *field, void *base, GError **error);
	void (*clear)(const struct facts_field *field, void *base);
	void (*copy)(const struct facts_field *field, const void *from, void *to);
	gboolean (*equal)(const struct facts_field *field, const void *a, const void *b);
	json_t *(*json)(const struct facts_field *field, const void *base);
};

static const struct field_ops *ops_of(const struct facts_field *field);

/* Nesting is bounded by the table itself: a record's lists hold records without lists. */
static void record_write(GString *out, const struct facts_record *record, const void *base)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		ops_of(f)->write(out, f, base);
}

static void record_clear(const struct facts_record *record, void *base)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		ops_of(f)->clear(f, base);
}

static gboolean record_read(
	const xmlNode *node, const struct facts_record *record, void *base, GError **error)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		if (!ops_of(f)->read(node, f, base, error))
			return FALSE;
	return TRUE;
}

static void record_copy(const struct facts_record *record, const void *from, void *to)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		ops_of(f)->copy(f, from, to);
}

static gboolean record_equal(const struct facts_record *record, const void *a, const void *b)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		if (!ops_of(f)->equal(f, a, b))
			return FALSE;
	return TRUE;
}

static json_t *record_json(const struct facts_record *record, const void *base)
{
	json_t *object = json_object();

	for (const struct facts_field *f = record->fields; f->name; f++)
		json_object_set_new(object, f->name, ops_of(f)->json(f, base));
	return object;
}

/* strings */

static void string_write(GString *out, const struct facts_field *field, const void *base)
{
	base_xmlout_element(out, field->name, SLOT(char *, field, base));
}

static gboolean string_read(
	const xmlNode *node, const struct facts_field *field, void *base, GError **error)
{
	const xmlNode *child = base_xml_find(node, NULL, field->name);

	if (child)
		SLOT(char *, field, base) = base_xml_text(child);
	return TRUE;
}

static void string_clear(const struct facts_field *field, void *base)
{
	g_clear_pointer(&SLOT(char *, field, base), g_free);
}

static void string_copy(const struct facts_field *field, const void *from, void *to)
{
	SLOT(char *, field, to) = g_strdup(SLOT(char *, field, from));
}

static gboolean string_equal(const struct facts_field *field, const void *a, const void *b)
{
	return g_strcmp0(SLOT(char *, field, a), SLOT(char *, field, b)) == 0;
}

static json_t *string_json(const struct facts_field *field, const void *base)
{
	const char *value = SLOT(char *, field, base);

	return value ? json_string(value) : json_null();
}

/* numbers */

static void number_write(GString *out, const struct facts_field *field, const void *base)
{
	g_string_append_printf(out, "<%s>%" G_GUINT64_FORMAT "</%s>", field->name,
		SLOT(guint64, field, base), field->name);
}

static gboolean number_read(
	const xmlNode *node, const struct facts_field *field, void *base, GError **error)
{
	const xmlNode *child = base_xml_find(node, NULL, field->name);
	g_autofree char *text = child ? base_xml_text(child) : NULL;

	if (!child)
		return TRUE;
	if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &SLOT(guint64, field, base), NULL))
		return TRUE;
	base_xml_set_error(error, "metadata", child, "'%.40s' is not a number", text);
	return FALSE;
}

static void number_clear(const struct facts_field *field, void *base)
{
	SLOT(guint64, field, base) = 0;
}

static void number_copy(const struct facts_field *field, const void *from, void *to)
{
	SLOT(guint64, field, to) = SLOT(guint64, field, from);
}

static gboolean number_equal(const struct facts_field *field, const void *a, const void *b)
{
	return SLOT(guint64, field, a) == SLOT(guint64, field, b);
}

static json_t *number_json(const struct facts_field *field, const void *base)
{
	return json_integer((json_int_t)SLOT(guint64, field, base));
}

/* booleans */

static void boolean_write(GString *out, const struct facts_field *field, const void *base)
{
	base_xmlout_element(out, field->name, SLOT(gboolean, field, base) ? "true" : "false");
}

static gboolean boolean_read(
	const xmlNode *node, const struct facts_field *field, void *base, GError **error)
{
	const xmlNode *child = base_xml_find(node, NULL, field->name);
	g_autofree char *text = child ? base_xml_text(child) : NULL;

	if (!child)
		return TRUE;
	SLOT(gboolean, field, base) = strcmp(text, "true") == 0;
	if (SLOT(gboolean, field, base) || strcmp(text, "false") == 0)
		return TRUE;
	base_xml_set_error(error, "metadata", child, "'%.40s' is neither true nor false", text);
	return FALSE;
}

static void boolean_clear(const struct facts_field *field, void *base)
{
	SLOT(gboolean, field, base) = FALSE;
}

static void boolean_copy(const struct facts_field *field, const void *from, void *to)
{
	SLOT(gboolean, field, to) = SLOT(gboolean, field, from);
}

static gboolean boolean_equal(const struct facts_field *field, const void *a, const void *b)
{
	return !SLOT(gboolean, field, a) == !SLOT(gboolean, field, b);
}

static json_t *boolean_json(const struct facts_field *field, const void *base)
{
	return json_boolean(SLOT(gboolean, field, base));
}

/* lists of strings: one element an entry; an empty list is NULL */

static void strings_write(GString *out, const struct facts_field *field, const void *base)
{
	char **values = SLOT(char **, field, base);

	for (size_t i = 0; values && values[i]; i++)
		base_xmlout_element(out, field->name, values[i]);
}

static gboolean strings_read(
	const xmlNode *node, const struct facts_field *field, void *base, GError **error)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	gboolean any = FALSE;

	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		g_autofree char *text = NULL;

		if (!base_xml_is(child, NULL, field->name))
			continue;
		text = base_xml_text(child);
		g_strv_builder_add(builder, text);
		any = TRUE;
	}
	if (any)
		SLOT(char **, field, base) = g_strv_builder_end(builder);
	return TRUE;
}

static void strings_clear(const struct facts_field *field, void *base)
{
	g_clear_pointer(&SLOT(char **, field, base), g_strfreev);
}

static void strings_copy(const struct facts_field *field, const void *from, void *to)
{
	SLOT(char **, field, to) = g_strdupv(SLOT(char **, field, from));
}

static gboolean strings_equal(const struct facts_field *field, const void *a, const void *b)
{
	static const char *const none[] = { NULL };
	const char *const *x = SLOT(const char *const *, field, a);
	const char *const *y = SLOT(const char *const *, field, b);

	return g_strv_equal(x ? x : none, y ? y : none);
}

static json_t *strings_json(const struct facts_field *field, const void *base)
{
	char **values = SLOT(char **, field, base);
	json_t *array = json_array();

	for (size_t i = 0; values && values[i]; i++)
		json_array_append_new(array, json_string(values[i]));
	return array;
}

/* lists of records */

/* The free function of a GPtrArray gets no context, so each struct of a list is preceded by its
 * record. */
struct boxed {
	const struct facts_record *record;
	max_align_t body[];
};

static void boxed_free(gpointer body)
{
	struct boxed *boxed = (struct boxed *)(void *)((char *)body - offsetof(struct boxed, body));

	record_clear(boxed->record, body);
	g_free(boxed);
}

static void *boxed_new(const struct facts_record *record)
{
	struct boxed *boxed = g_malloc0(sizeof(*boxed) + record->size);

	boxed->record = record;
	return boxed->body;
}

static void list_write(GString *out, const struct facts_field *field, const void *base)
{
	GPtrArray *list = SLOT(GPtrArray *, field, base);

	for (unsigned i = 0; list && i < list->len; i++) {
		g_string_append_printf(out, "<%s>", field->name);
		record_write(out, field->record, list->pdata[i]);
		g_string_append_printf(out, "</%s>", field->name);
	}
}

static gboolean list_read(
	const xmlNode *node, const struct facts_field *field, void *base, GError **error)
{
	GPtrArray *list = NULL;

	for (const xmlNode *child = base_xml_first(node); child; child = base_xml_next(child)) {
		if (!base_xml_is(child, NULL, field->name))
			continue;
		if (!list)
			SLOT(GPtrArray *, field, base) = list = g_ptr_array_new_with_free_func(
				boxed_free);
		g_ptr_array_add(list, boxed_new(field->record));
		if (!record_read(child, field->record, list->pdata[list->len - 1], error))
			return FALSE;
	}
	return TRUE;
}

static void list_clear(const struct facts_field *field, void *base)
{
	g_clear_pointer(&SLOT(GPtrArray *, field, base), g_ptr_array_unref);
}

static void list_copy(const struct facts_field *field, const void *from, void *to)
{
	GPtrArray *list = SLOT(GPtrArray *, field, from);
	GPtrArray *copy = list ? g_ptr_array_new_with_free_func(boxed_free) : NULL;

	for (unsigned i = 0; list && i < list->len; i++) {
		g_ptr_array_add(copy, boxed_new(field->record));
		record_copy(field->record, list->pdata[i], copy->pdata[i]);
	}
	SLOT(GPtrArray *, field, to) = copy;
}

static gboolean list_equal(const struct facts_field *field, const void *a, const void *b)
{
	GPtrArray *x = SLOT(GPtrArray *, field, a);
	GPtrArray *y = SLOT(GPtrArray *, field, b);
	unsigned n = x ? x->len : 0;

	if (n != (y ? y->len : 0))
		return FALSE;
	for (unsigned i = 0; i < n; i++)
		if (!record_equal(field->record, x->pdata[i], y->pdata[i]))
			return FALSE;
	return TRUE;
}

static json_t *list_json(const struct facts_field *field, const void *base)
{
	GPtrArray *list = SLOT(GPtrArray *, field, base);
	json_t *array = json_array();

	for (unsigned i = 0; list && i < list->len; i++)
		json_array_append_new(array, record_json(field->record, list->pdata[i]));
	return array;
}

/* times: numbers that the standard writes as xsd:dateTime, in UTC (ifmap.md 12) */

static char *time_text(guint64 ms)
{
	g_autoptr(GDateTime) seconds = g_date_time_new_from_unix_utc((gint64)(ms / 1000));
	g_autofree char *text = seconds ? g_date_time_format(seconds, "%Y-%m-%dT%H:%M:%S") : NULL;

	if (!text)
		return NULL; /* beyond the year 9999 */
	return ms % 1000 ? g_strdup_printf("%s.%03uZ", text, (unsigned)(ms % 1000))
			 : g_strconcat(text, "Z", NULL);
}

static void time_write(GString *out, const struct facts_field *field, const void *base)
{
	guint64 ms = SLOT(guint64, field, base);
	g_autofree char *text = ms ? time_text(ms) : NULL;

	base_xmlout_element(out, field->name, text);
}

static gboolean time_read(
	const xmlNode *node, const struct facts_field *field, void *base, GError **error)
{
	const xmlNode *child = base_xml_find(node, NULL, field->name);
	g_autofree char *text = child ? base_xml_text(child) : NULL;
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;

	if (time && g_date_time_to_unix(time) >= 0) {
		SLOT(guint64, field, base) = (guint64)g_date_time_to_unix(time) * 1000 +
					     (guint64)g_date_time_get_microsecond(time) / 1000;
		return TRUE;
	}
	if (child)
		base_xml_set_error(error, "metadata", child,
			"'%.40s' is not a time with its zone since 1970", text);
	return !child;
}

static const struct field_ops field_ops[] = {
	[FACTS_STRING] = { string_write, string_read, string_clear, string_copy, string_equal,
		string_json },
	[FACTS_NUMBER] = { number_write, number_read, number_clear, number_copy, number_equal,
		number_json },
	[FACTS_BOOLEAN] = { boolean_write, boolean_read, boolean_clear, boolean_copy, boolean_equal,
		boolean_json },
	[FACTS_STRINGS] = { strings_write, strings_read, strings_clear, strings_copy, strings_equal,
		strings_json },
	[FACTS_TIME] = { time_write, time_read, number_clear, number_copy, number_equal,
		number_json },
	[FACTS_LIST] = { list_write, list_read, list_clear, list_copy, list_equal, list_json },
};

static const struct field_ops *ops_of(const struct facts_field *field)
{
	return &field_ops[field->type];
}

/* ---- whole facts ---- */

enum facts_kind facts_kind_of(const struct ifmap_meta *meta)
{
	enum facts_kind kind = facts_kind_from_name(ifmap_meta_name(meta));

	if (kind < FACTS_N_KINDS && g_strcmp0(ifmap_meta_ns(meta), facts_ns(kind)) == 0)
		return kind;
	return FACTS_N_KINDS;
}

struct ifmap_meta *facts_encode(enum facts_kind kind, const void *fact, const char *slot)
{
	const struct facts_type *type = facts_type(kind);
	g_autoptr(GString) xml = g_string_new(NULL);
	struct ifmap_meta *meta;

	g_string_append_printf(xml, "<%s:%s xmlns:%s=\"%s\" ifmap-cardinality=\"%s\"",
		facts_prefix(kind), type->name, facts_prefix(kind), facts_ns(kind),
		type->cardinality == IFMAP_SINGLE_VALUE ? "singleValue" : "multiValue");
	base_xmlout_attr(xml, "slot", slot);
	g_string_append_c(xml, '>');
	record_write(xml, &type->record, fact);
	g_string_append_printf(xml, "</%s:%s>", facts_prefix(kind), type->name);
	meta = ifmap_meta_new(xml->str, (gssize)xml->len, NULL);
	g_assert(meta); /* we wrote it ourselves, and the writer makes every text valid */
	return meta;
}

gboolean facts_decode(
	enum facts_kind kind, const struct ifmap_meta *meta, void *ret_fact, GError **error)
{
	const struct facts_record *record = &facts_type(kind)->record;
	size_t size;
	const char *xml = ifmap_meta_xml(meta, &size);
	g_autoptr(xmlDoc)
		doc = base_xml_read("metadata", xml, size, &BASE_XML_LIMITS_DEFAULT, error);

	memset(ret_fact, 0, record->size);
	if (!doc)
		return FALSE;
	if (record_read(xmlDocGetRootElement(doc), record, ret_fact, error))
		return TRUE;
	record_clear(record, ret_fact);
	return FALSE;
}

void facts_clear(enum facts_kind kind, void *fact)
{
	record_clear(&facts_type(kind)->record, fact);
}

GPtrArray *facts_list_new(void)
{
	return g_ptr_array_new_with_free_func(boxed_free);
}

void *facts_list_add(GPtrArray *list, enum facts_kind kind, const char *field)
{
	const struct facts_field *f = facts_type(kind)->record.fields;

	while (f->name && strcmp(f->name, field) != 0)
		f++;
	g_assert(f->record);
	g_ptr_array_add(list, boxed_new(f->record));
	return list->pdata[list->len - 1];
}

void facts_copy(enum facts_kind kind, const void *fact, void *ret_copy)
{
	record_copy(&facts_type(kind)->record, fact, ret_copy);
}

gboolean facts_equal(enum facts_kind kind, const void *a, const void *b)
{
	return record_equal(&facts_type(kind)->record, a, b);
}

json_t *facts_to_json(enum facts_kind kind, const void *fact)
{
	return record_json(&facts_type(kind)->record, fact);
}

void facts_publish(struct ifmap_publish *publish, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const void *fact)
{
	g_autoptr(ifmap_meta) meta = facts_encode(kind, fact, NULL);

	ifmap_publish_update(publish, a, b, facts_type(kind)->lifetime, meta);
}

void facts_publish_forever(struct ifmap_publish *publish, enum facts_kind kind,
	const struct ifmap_id *a, const struct ifmap_id *b, const void *fact)
{
	g_autoptr(ifmap_meta) meta = facts_encode(kind, fact, NULL);

	ifmap_publish_update(publish, a, b, IFMAP_LIFETIME_FOREVER, meta);
}

void facts_unpublish(struct ifmap_publish *publish, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b)
{
	g_autofree char *filter = g_strconcat(
		facts_prefix(kind), ":", facts_type(kind)->name, NULL);

	ifmap_publish_delete(publish, a, b, filter);
}

void facts_notify(struct ifmap_publish *publish, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const void *fact)
{
	g_autoptr(ifmap_meta) meta = facts_encode(kind, fact, NULL);

	ifmap_publish_notify(publish, a, b, meta);
}

void facts_keep(struct ifmap_client *client, enum facts_kind kind, const struct ifmap_id *a,
	const struct ifmap_id *b, const char *slot, const void *fact)
{
	g_autoptr(ifmap_meta) meta = fact ? facts_encode(kind, fact, slot) : NULL;

	ifmap_client_keep(client, a, b, facts_ns(kind), facts_type(kind)->name, slot, meta);
}
