/* Every kind: an all-fields value survives encode and decode, an empty one too, and rubbish is
 * refused with its element. */
#include "facts/facts.h"

#include <string.h>

static void fill_field(const struct facts_field *field, void *base, guint64 seed)
{
	void *slot = (char *)base + field->offset;

	if (field->type == FACTS_STRING)
		*(char **)slot = g_strdup_printf(
			"a<b>&\"%s'%" G_GUINT64_FORMAT "ü\nx", field->name, seed);
	else if (field->type == FACTS_NUMBER)
		*(guint64 *)slot = G_MAXUINT64 - seed;
	else if (field->type == FACTS_BOOLEAN)
		*(gboolean *)slot = TRUE;
	else if (field->type == FACTS_STRINGS)
		*(char ***)slot = g_strsplit("one,t&wo,<three>", ",", -1);
}

static void fill(const struct facts_record *record, void *base, guint64 seed)
{
	for (const struct facts_field *f = record->fields; f->name; f++)
		fill_field(f, base, seed);
}

static void fill_list(
	const struct facts_field *field, void *base, enum facts_kind kind, guint64 seed)
{
	GPtrArray **list = (GPtrArray **)(void *)((char *)base + field->offset);

	*list = facts_list_new();
	for (unsigned i = 0; i < 3; i++)
		fill(field->record, facts_list_add(*list, kind, field->name), seed + i);
}

static void test_round_trip(gconstpointer data)
{
	enum facts_kind kind = GPOINTER_TO_UINT(data);
	const struct facts_type *type = facts_type(kind);
	g_autofree void *fact = g_malloc0(type->record.size);
	g_autofree void *again = g_malloc0(type->record.size);
	g_autofree void *copy = g_malloc0(type->record.size);
	g_autoptr(ifmap_meta) meta = NULL;
	g_autoptr(GError) error = NULL;

	fill(&type->record, fact, 7);
	for (const struct facts_field *f = type->record.fields; f->name; f++)
		if (f->type == FACTS_LIST)
			fill_list(f, fact, kind, 100);
	meta = facts_encode(kind, fact, type->cardinality == IFMAP_MULTI_VALUE ? "s1" : NULL);
	g_assert_cmpuint(facts_kind_of(meta), ==, kind);
	g_assert_cmpint(ifmap_meta_cardinality(meta), ==, type->cardinality);
	facts_decode(kind, meta, again, &error);
	g_assert_no_error(error);
	g_assert_true(facts_equal(kind, fact, again));
	facts_copy(kind, again, copy);
	facts_clear(kind, again);
	g_assert_true(facts_equal(kind, fact, copy));
	g_assert_false(facts_equal(kind, fact, again)); /* a cleared fact is an empty one */
	facts_clear(kind, copy);
	facts_clear(kind, fact);
}

static void test_empty(gconstpointer data)
{
	enum facts_kind kind = GPOINTER_TO_UINT(data);
	const struct facts_type *type = facts_type(kind);
	g_autofree void *fact = g_malloc0(type->record.size);
	g_autofree void *again = g_malloc0(type->record.size);
	g_autoptr(ifmap_meta) meta = facts_encode(kind, fact, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(facts_decode(kind, meta, again, &error));
	g_assert_true(facts_equal(kind, fact, again));
	facts_clear(kind, again);
}

static void test_rubbish(void)
{
	static const char number[] =
		"<d:capacity xmlns:d=\"" FACTS_NS
		"\" ifmap-cardinality=\"singleValue\"><cpu-model>x</cpu-model><cpus>-3</cpus></d:capacity>";
	static const char truth[] =
		"<d:clearance xmlns:d=\"" FACTS_NS
		"\" ifmap-cardinality=\"singleValue\"><clear>maybe</clear></d:clearance>";
	g_autoptr(ifmap_meta) a = ifmap_meta_new(number, -1, NULL);
	g_autoptr(ifmap_meta) b = ifmap_meta_new(truth, -1, NULL);
	g_autoptr(GError) error = NULL;
	struct facts_capacity capacity;
	struct facts_clearance clearance;

	g_assert_false(facts_decode(FACTS_CAPACITY, a, &capacity, &error));
	g_assert_nonnull(strstr(error->message, "<cpus>"));
	g_clear_error(&error);
	g_assert_false(facts_decode(FACTS_CLEARANCE, b, &clearance, &error));
	g_assert_nonnull(strstr(error->message, "<clear>"));
}

static void test_identifiers(void)
{
	g_autoptr(ifmap_id) shop = facts_id_vapp("shop", NULL);
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	g_autoptr(ifmap_id) vm = facts_id_device("d20e", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpstr(facts_id_name(shop), ==, "shop");
	g_assert_true(facts_id_is(shop, "vapp"));
	g_assert_false(facts_id_is(fleet, "vapp"));
	g_assert_null(facts_id_name(vm));
	g_assert_null(facts_id_device("", &error));
	g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_IDENTIFIER);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned kind = 0; kind < FACTS_N_KINDS; kind++) {
		g_autofree char *full = g_strconcat(
			"/facts/round-trip/", facts_type(kind)->name, NULL);
		g_autofree char *empty = g_strconcat("/facts/empty/", facts_type(kind)->name, NULL);

		g_test_add_data_func(full, GUINT_TO_POINTER(kind), test_round_trip);
		g_test_add_data_func(empty, GUINT_TO_POINTER(kind), test_empty);
	}
	g_test_add_func("/facts/rubbish", test_rubbish);
	g_test_add_func("/facts/identifiers", test_identifiers);
	return g_test_run();
}
