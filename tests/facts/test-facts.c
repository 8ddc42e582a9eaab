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
	else if (field->type == FACTS_TIME)
		*(guint64 *)slot = 1763856000123 + seed;
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
	/* a cleared fact is an empty one */
	g_assert_cmpint(facts_equal(kind, fact, again), ==, !type->record.fields->name);
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

/* The forms that others read: element, namespace, order and spelling are the standard's (ifmap.md
 * 12). */
#define STANDARD(name, cardinality, content)                                               \
	"<meta:" name " xmlns:meta=\"" IFMAP_NS_META "\" ifmap-cardinality=\"" cardinality \
	"\">" content "</meta:" name ">"

static void assert_encoded(enum facts_kind kind, const void *fact, const char *expected)
{
	g_autoptr(ifmap_meta) meta = facts_encode(kind, fact, NULL);

	g_assert_cmpstr(ifmap_meta_xml(meta, NULL), ==, expected);
	g_assert_cmpstr(ifmap_meta_ns(meta), ==, IFMAP_NS_META);
	g_assert_cmpuint(facts_kind_of(meta), ==, kind);
}

/* Borrowed by a struct that is never cleared. */
#define TEXT(literal) ((char *)(literal))

static void test_standard(void)
{
	struct facts_std_ip_mac lease = { .start_ms = 1763856000000,
		.dhcp_server = TEXT("10.0.0.1") };
	struct facts_std_discovered_by nothing = { 0 };
	struct facts_std_enforcement_report report = { .action = TEXT("block"),
		.reason = TEXT("spoof-ip, default-deny") };
	struct facts_std_layer2_information plug = { .vlan_name = TEXT("front"),
		.port = TEXT("7") };
	struct facts_std_event event = { .name = TEXT("RULES_TAMPERED"),
		.discovered_ms = 1763856000007,
		.discoverer_id = TEXT("h"),
		.magnitude = 80,
		.confidence = 100,
		.significance = TEXT("critical"),
		.type = TEXT("policy violation"),
		.information = TEXT("a < b") };

	assert_encoded(FACTS_STD_IP_MAC, &lease,
		STANDARD("ip-mac", "multiValue",
			"<start-time>2025-11-23T00:00:00Z</start-time><dhcp-server>10.0.0.1</dhcp-server>"));
	assert_encoded(FACTS_STD_DISCOVERED_BY, &nothing,
		"<meta:discovered-by xmlns:meta=\"" IFMAP_NS_META
		"\" ifmap-cardinality=\"singleValue\"/>");
	assert_encoded(FACTS_STD_ENFORCEMENT_REPORT, &report,
		STANDARD("enforcement-report", "multiValue",
			"<enforcement-action>block</enforcement-action>"
			"<enforcement-reason>spoof-ip, default-deny</enforcement-reason>"));
	assert_encoded(FACTS_STD_LAYER2_INFORMATION, &plug,
		STANDARD("layer2-information", "multiValue",
			"<vlan-name>front</vlan-name><port>7</port>"));
	assert_encoded(FACTS_STD_EVENT, &event,
		STANDARD("event", "multiValue",
			"<name>RULES_TAMPERED</name><discovered-time>2025-11-23T00:00:00.007Z</discovered-time>"
			"<discoverer-id>h</discoverer-id><magnitude>80</magnitude><confidence>100</confidence>"
			"<significance>critical</significance><type>policy violation</type>"
			"<information>a &lt; b</information>"));
}

/* What others write of times: zones and fractions are theirs to choose. */
static void test_times(void)
{
	static const struct {
		const char *text;
		guint64 ms; /* 0: refused */
	} cases[] = {
		{ "2025-11-23T00:00:00Z", 1763856000000 },
		{ "2025-11-23T01:30:00.5+01:30", 1763856000500 },
		{ "2025-11-22T23:00:00-01:00", 1763856000000 },
		{ "2025-11-23T00:00:00", 0 }, /* of which zone? */
		{ "1901-01-01T00:00:00Z", 0 },
		{ "yesterday", 0 },
		{ "", 0 },
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *xml = g_strdup_printf(
			"<ip-mac xmlns=\"" IFMAP_NS_META "\" ifmap-cardinality=\"multiValue\">"
			"<start-time xmlns=\"\">%s</start-time></ip-mac>",
			cases[i].text);
		g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, NULL);
		g_autoptr(GError) error = NULL;
		g_auto(facts_std_ip_mac) fact = { 0 };

		g_assert_cmpint(
			facts_decode(FACTS_STD_IP_MAC, meta, &fact, &error), ==, cases[i].ms != 0);
		g_assert_cmpuint(fact.start_ms, ==, cases[i].ms);
		g_assert_true(cases[i].ms || strstr(error->message, "<start-time>"));
	}
}

/* Kinds are told apart by name alone in snapshots and books. */
static void test_names(void)
{
	for (unsigned kind = 0; kind < FACTS_N_KINDS; kind++)
		g_assert_cmpuint(facts_kind_from_name(facts_type(kind)->name), ==, kind);
	g_assert_cmpuint(facts_kind_from_name("no-such"), ==, FACTS_N_KINDS);
	g_assert_cmpuint(facts_kind_from_name(NULL), ==, FACTS_N_KINDS);
}

/* The right name in the wrong namespace is none of ours. */
static void test_namespace(void)
{
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(
		"<d:ip-mac xmlns:d=\"" FACTS_NS "\" ifmap-cardinality=\"multiValue\"/>", -1, NULL);

	g_assert_cmpuint(facts_kind_of(meta), ==, FACTS_N_KINDS);
}

static void test_identifiers(void)
{
	g_autoptr(ifmap_id) shop = facts_id_vapp("shop", NULL);
	g_autoptr(ifmap_id) fleet = facts_id_fleet();
	g_autoptr(ifmap_id) vm = facts_id_device("d20e", NULL);
	g_autoptr(ifmap_id) access = facts_id_access("d20e", "52:54:00:00:00:01", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpstr(facts_id_name(shop), ==, "shop");
	g_assert_true(facts_id_is(shop, "vapp"));
	g_assert_false(facts_id_is(fleet, "vapp"));
	g_assert_null(facts_id_name(vm));
	g_assert_cmpint(ifmap_id_type(access), ==, IFMAP_ID_ACCESS_REQUEST);
	g_assert_cmpstr(ifmap_id_value(access), ==, "d20e:52:54:00:00:00:01");
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
	g_test_add_func("/facts/standard", test_standard);
	g_test_add_func("/facts/times", test_times);
	g_test_add_func("/facts/names", test_names);
	g_test_add_func("/facts/namespace", test_namespace);
	g_test_add_func("/facts/identifiers", test_identifiers);
	return g_test_run();
}
