/* host/report, standard and inventory against a map that records: what stands there after each
 * start, change, end and reconnection, and that nothing is said twice. */
#include "host/inventory.h"
#include "host/report.h"
#include "host/standard.h"
#include "told.h"
#include "waiting.h"

#include <string.h>

#define NOON G_GUINT64_CONSTANT(1763856000000) /* some moment */
#define HOST "aaaaaaaa-0000-4000-8000-000000000000"
#define VM   "11111111-2222-4333-8444-555555555555"
#define MAC  "52:54:00:00:00:01"
#define AR   "ar " HOST ":" MAC

#define TEXT(literal) ((char *)(literal))

struct bed {
	struct told told;
	struct report *report;
	struct standard *standard;
};

static void bed_init(struct bed *bed)
{
	told_init(&bed->told);
	bed->report = report_new(bed->told.client, HOST);
	bed->standard = standard_new(bed->told.client, HOST);
	ifmap_client_start(bed->told.client, NULL, NULL);
}

static void bed_clear(struct bed *bed)
{
	standard_free(bed->standard);
	report_free(bed->report);
	told_clear(&bed->told);
}

/* What is said now costs nothing on the wire. The mark of told_flush() is one request itself. */
static void expect_silence(struct bed *bed, void (*say)(struct bed *bed))
{
	unsigned before;

	told_flush(&bed->told);
	before = bed->told.n_publishes;
	say(bed);
	told_flush(&bed->told);
	g_assert_cmpuint(bed->told.n_publishes, ==, before + 1);
}

static void lose_session(struct bed *bed)
{
	g_autofree char *answer = fake_map_answer(
		"<errorResult errorCode='InvalidSessionID'><errorString/></errorResult>");
	unsigned before;

	told_flush(&bed->told);
	before = bed->told.n_sessions;
	fake_map_override(bed->told.map, "<ifmap:publish", answer);
	told_flush(&bed->told);
	g_assert_cmpuint(bed->told.n_sessions, ==, before + 1);
}

static void assert_stands(struct bed *bed, const char *entry, const char *part)
{
	const char *xml = told_find(&bed->told, entry);

	if (!xml)
		g_error("'%s' does not stand", entry);
	if (!strstr(xml, part))
		g_error("'%s' says %s, not '%s'", entry, xml, part);
}

/* ---- facts ---- */

static void say_facts(struct bed *bed)
{
	const struct facts_host host = { .name = TEXT("A"), .enforcing = TRUE };
	const struct facts_capacity capacity = { .cpus = 16 };
	const struct facts_segment_present segment = { .bridge = TEXT("br-front"), .up = TRUE };
	const struct facts_fabric_link cable = { .port = TEXT("u1"), .up = TRUE };
	const struct facts_runs_on machine = { .name = TEXT("web"), .state = TEXT("running") };
	const struct facts_enforced enforced = { .intent = TEXT("d1"), .conforming = TRUE };
	const struct facts_progress progress = { .order = TEXT("o1"), .state = TEXT("done") };
	const struct facts_conntrack entries = { .order = TEXT("o1"), .n_entries = 2 };
	const struct facts_seen seen = { .n_cut = 3 };
	const struct facts_routes routes = { .n_cut = 4 };

	report_host(bed->report, &host);
	report_capacity(bed->report, &capacity);
	report_segment(bed->report, "front", &segment);
	report_uplink(bed->report, "sw1", &cable);
	report_machine(bed->report, VM, &machine);
	report_enforced(bed->report, VM, &enforced);
	report_progress(bed->report, VM, &progress);
	report_conntrack(bed->report, VM, &entries);
	report_seen(bed->report, VM, &seen);
	report_routes(bed->report, &routes);
}

static void drop_facts(struct bed *bed)
{
	report_segment(bed->report, "front", NULL);
	report_uplink(bed->report, "sw1", NULL);
	report_machine(bed->report, VM, NULL);
	report_enforced(bed->report, VM, NULL);
	report_progress(bed->report, VM, NULL);
	report_conntrack(bed->report, VM, NULL);
	report_seen(bed->report, VM, NULL);
}

static const struct {
	const char *entry;
	const char *part;
	gboolean lasts; /* as long as the agent */
} facts[] = {
	{ "device " HOST " host", "<name>A</name>", TRUE },
	{ "device " HOST " -- id in-fleet", "<kind>host</kind>", TRUE },
	{ "device " HOST " -- id enrolled", "<name>A</name>", TRUE },
	{ "device " HOST " capacity", "<cpus>16</cpus>", TRUE },
	{ "device " HOST " routes", "<cut>4</cut>", TRUE },
	{ "device " HOST " -- id segment-present", "<bridge>br-front</bridge>", FALSE },
	{ "device " HOST " -- id fabric-link", "<port>u1</port>", FALSE },
	{ "device " VM " -- device " HOST " runs-on", "<state>running</state>", FALSE },
	{ "device " VM " -- device " HOST " enforced", "<conforming>true</conforming>", FALSE },
	{ "device " VM " -- device " HOST " progress", "<order>o1</order>", FALSE },
	{ "device " VM " -- device " HOST " conntrack", "<n-entries>2</n-entries>", FALSE },
	{ "device " VM " -- device " HOST " seen", "<cut>3</cut>", FALSE },
};

static void assert_facts(struct bed *bed)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(facts); i++)
		assert_stands(bed, facts[i].entry, facts[i].part);
}

static void test_facts(void)
{
	struct bed bed;

	bed_init(&bed);
	say_facts(&bed);
	told_flush(&bed.told);
	assert_facts(&bed);
	g_assert_cmpuint(g_hash_table_size(bed.told.forever), ==, 1);
	g_assert_true(g_hash_table_contains(
		bed.told.forever, "device " HOST " -- id enrolled")); /* outlives the agent */
	expect_silence(&bed, say_facts);
	lose_session(&bed);
	assert_facts(&bed); /* said again without being asked */
	drop_facts(&bed);
	told_flush(&bed.told);
	for (unsigned i = 0; i < G_N_ELEMENTS(facts); i++)
		g_assert_cmpint(told_find(&bed.told, facts[i].entry) != NULL, ==, facts[i].lasts);
	lose_session(&bed);
	for (unsigned i = 0; i < G_N_ELEMENTS(facts); i++) /* nor does it come back */
		g_assert_cmpint(told_find(&bed.told, facts[i].entry) != NULL, ==, facts[i].lasts);
	bed_clear(&bed);
}

/* Each host that has the card says it in a slot of its own: what another says stays. */
static void test_card(void)
{
	const struct facts_card nic = { .tap = TEXT("t1"), .host = TEXT(HOST) };
	struct bed bed;

	bed_init(&bed);
	report_card(bed.report, VM, MAC, &nic);
	told_flush(&bed.told);
	assert_stands(&bed, "device " VM " -- mac " MAC " card/" HOST, "<tap>t1</tap>");
	report_card(bed.report, VM, "no mac", &nic);
	report_card(bed.report, VM, MAC, NULL);
	told_flush(&bed.told);
	g_assert_cmpuint(told_count(&bed.told, ""), ==, 0);
	bed_clear(&bed);
}

/* ---- refused ---- */

static void refuse(struct bed *bed, const char *peer, guint64 count, guint64 ms)
{
	const struct facts_refused refused = { .direction = TEXT("out"),
		.peer = TEXT(peer),
		.protocol = TEXT("tcp"),
		.port = 22,
		.rule = TEXT("default-deny"),
		.count = count,
		.first_ms = ms,
		.last_ms = ms };

	report_refused(bed->report, VM, &refused);
}

#define REFUSED "device " VM " -- device " HOST " refused/default-deny/out/"

static void test_refused(void)
{
	struct bed bed;

	bed_init(&bed);
	refuse(&bed, "10.0.0.1", 2, 100);
	refuse(&bed, "10.0.0.1", 3, 200);
	told_flush(&bed.told);
	assert_stands(&bed, REFUSED "10.0.0.1/tcp/22",
		"<count>5</count><first-ms>100</first-ms>"
		"<last-ms>200</last-ms>");
	for (unsigned i = 0; i < 3 * REPORT_REFUSED_MAX; i++) {
		g_autofree char *peer = g_strdup_printf("10.1.0.%u", i);

		refuse(&bed, peer, 1, 1000 + i);
	}
	told_flush(&bed.told);
	g_assert_cmpuint(told_count(&bed.told, REFUSED), ==, REPORT_REFUSED_MAX);
	g_assert_null(told_find(&bed.told, REFUSED "10.0.0.1/tcp/22"));
	assert_stands(&bed, REFUSED "10.1.0.191/tcp/22", "<count>1</count>");
	lose_session(&bed);
	g_assert_cmpuint(told_count(&bed.told, REFUSED), ==, REPORT_REFUSED_MAX);
	report_refused_forget(bed.report, VM);
	report_refused_forget(bed.report, VM);
	told_flush(&bed.told);
	g_assert_cmpuint(told_count(&bed.told, REFUSED), ==, 0);
	bed_clear(&bed);
}

/* ---- alerts and events ---- */

static void test_alerts(void)
{
	const struct facts_alert alert = { .code = TEXT("RULES_TAMPERED"),
		.text = TEXT("nft did it"),
		.host = TEXT(HOST),
		.at_ms = 1763856000000 };
	static const char *const machines[] = { VM, "unknown", NULL };
	const struct standard_card card = { .mac = MAC, .since_ms = NOON };
	struct bed bed;

	bed_init(&bed);
	standard_event(bed.standard, machines, &alert, "critical"); /* nobody to tell it of */
	standard_host(bed.standard, (const char *const[]){ "10.71.0.1", "fd00::1", NULL });
	standard_machine(bed.standard, VM, &card, 1);
	report_alert(bed.report, &alert);
	standard_event(bed.standard, machines, &alert, "critical");
	told_flush(&bed.told);
	assert_stands(&bed, "device " HOST " alert/RULES_TAMPERED/1763856000000", "nft did it");
	g_assert_cmpuint(bed.told.notified->len, ==, 2);
	for (unsigned i = 0; i < 2; i++) {
		const char *said = bed.told.notified->pdata[i];

		g_assert_true(g_str_has_prefix(
			said, i == 0 ? "ip 10.71.0.1 event" : "mac " MAC " event"));
		g_assert_nonnull(strstr(said, "<significance>critical</significance>"));
	}
	g_assert_null(told_find(&bed.told, "ip 10.71.0.1 event"));
	assert_stands(&bed, "device " HOST " -- ip 10.71.0.1 device-ip", "device-ip");
	lose_session(&bed); /* alerts are the map's to keep, events are over */
	assert_stands(&bed, "device " HOST " alert/RULES_TAMPERED/1763856000000", "nft did it");
	g_assert_cmpuint(bed.told.notified->len, ==, 2);
	standard_host(bed.standard, (const char *const[]){ NULL });
	told_flush(&bed.told);
	g_assert_null(told_find(&bed.told, "device " HOST " -- ip 10.71.0.1 device-ip"));
	bed_clear(&bed);
}

/* ---- machines in standard metadata ---- */

static const struct standard_address addresses[] = { { "10.0.0.1", NOON }, { "fd00::1", NOON } };

static void say_card(struct bed *bed)
{
	const struct standard_card card = { .mac = MAC,
		.segment = "front",
		.tap = 7,
		.since_ms = NOON,
		.enforced = TRUE,
		.addresses = addresses,
		.n_addresses = G_N_ELEMENTS(addresses),
		.strangers = "uses 10.0.0.99",
		.strangers_ms = NOON };

	standard_machine(bed->standard, VM, &card, 1);
}

static const struct {
	const char *entry;
	const char *part;
	gboolean second; /* of the second address */
	gboolean bare;   /* stands also for a card of which nothing else is known */
} standards[] = {
	{ AR " -- mac " MAC " access-request-mac", "", FALSE, TRUE },
	{ AR " -- device " VM " access-request-device", "", FALSE, TRUE },
	{ AR " -- device " HOST " layer2-information", "", FALSE, TRUE },
	{ "device " HOST " -- mac " MAC " discovered-by", "", FALSE, TRUE },
	{ "device " HOST " -- mac " MAC " device-characteristic",
		"<device-type>virtual machine</device-type>", FALSE, TRUE },
	{ AR " -- device " VM " device-attribute", "<name>enforced</name>", FALSE, FALSE },
	{ "mac " MAC " unexpected-behavior", "uses 10.0.0.99", FALSE, FALSE },
	{ "ip 10.0.0.1 -- mac " MAC " ip-mac", "<start-time>2025-11-23T00:00:00Z</start-time>",
		FALSE, FALSE },
	{ "device " HOST " -- ip 10.0.0.1 discovered-by", "", FALSE, FALSE },
	{ AR " -- ip 10.0.0.1 access-request-ip", "", FALSE, FALSE },
	{ "ip fd00:0:0:0:0:0:0:1 -- mac " MAC " ip-mac", "", TRUE, FALSE },
	{ "device " HOST " -- ip fd00:0:0:0:0:0:0:1 discovered-by", "", TRUE, FALSE },
	{ AR " -- ip fd00:0:0:0:0:0:0:1 access-request-ip", "", TRUE, FALSE },
};

static void test_standard(void)
{
	const struct standard_card less = { .mac = MAC,
		.segment = "front",
		.tap = 7,
		.since_ms = NOON,
		.enforced = TRUE,
		.addresses = addresses,
		.n_addresses = 1,
		.strangers = "uses 10.0.0.99",
		.strangers_ms = NOON };
	const struct standard_card bare = { .mac = MAC, .since_ms = NOON };
	struct bed bed;

	bed_init(&bed);
	say_card(&bed);
	told_flush(&bed.told);
	for (unsigned i = 0; i < G_N_ELEMENTS(standards); i++)
		assert_stands(&bed, standards[i].entry, standards[i].part);
	g_assert_cmpuint(told_count(&bed.told, ""), ==, G_N_ELEMENTS(standards));
	expect_silence(&bed, say_card);
	lose_session(&bed);
	g_assert_cmpuint(told_count(&bed.told, ""), ==, G_N_ELEMENTS(standards));
	standard_machine(bed.standard, VM, &less, 1);
	told_flush(&bed.told);
	for (unsigned i = 0; i < G_N_ELEMENTS(standards); i++)
		g_assert_cmpint(
			told_find(&bed.told, standards[i].entry) != NULL, ==, !standards[i].second);
	standard_machine(bed.standard, VM, &bare, 1);
	told_flush(&bed.told);
	for (unsigned i = 0; i < G_N_ELEMENTS(standards); i++)
		g_assert_cmpint(
			told_find(&bed.told, standards[i].entry) != NULL, ==, standards[i].bare);
	standard_machine(bed.standard, VM, NULL, 0);
	told_flush(&bed.told);
	g_assert_cmpuint(told_count(&bed.told, ""), ==, 0);
	bed_clear(&bed);
}

#define REPORT " enforcement-report"

static void test_blocked(void)
{
	struct bed bed;
	unsigned before;

	bed_init(&bed);
	standard_blocked(bed.standard, VM, MAC, "spoof-ip");
	standard_blocked(bed.standard, VM, MAC, "default-deny");
	standard_blocked(bed.standard, VM, "10.0.0.9", "default-deny");
	standard_blocked(bed.standard, "other", "10.0.0.8", "default-deny");
	standard_blocked(bed.standard, VM, "nonsense", "default-deny");
	told_flush(&bed.told);
	assert_stands(&bed, "device " HOST " -- mac " MAC REPORT,
		"<enforcement-reason>default-deny, spoof-ip</enforcement-reason>");
	assert_stands(&bed, "device " HOST " -- ip 10.0.0.9" REPORT,
		"<enforcement-action>block</enforcement-action>");
	before = bed.told.n_publishes;
	standard_blocked(bed.standard, VM, MAC, "spoof-ip");
	told_flush(&bed.told);
	g_assert_cmpuint(bed.told.n_publishes, ==, before + 1);
	standard_blocked_forget(bed.standard, VM);
	told_flush(&bed.told);
	g_assert_cmpuint(told_count(&bed.told, ""), ==, 1);
	for (unsigned i = 0; i < 3 * STANDARD_BLOCKED_MAX; i++) {
		g_autofree char *peer = g_strdup_printf("10.1.0.%u", i);

		standard_blocked(bed.standard, VM, peer, "default-deny");
		standard_blocked(bed.standard, "other", "10.0.0.8", "default-deny");
	}
	told_flush(&bed.told);
	g_assert_cmpuint(told_count(&bed.told, ""), ==, STANDARD_BLOCKED_MAX);
	g_assert_nonnull(told_find(&bed.told, "device " HOST " -- ip 10.0.0.8" REPORT));
	bed_clear(&bed);
}

/* ---- inventory ---- */

#define DOMAIN_XML                                                                          \
	"<domain><name>web</name><uuid>" VM "</uuid><devices><interface type='bridge'>"     \
	"<mac address='" MAC "'/><source bridge='br-front'/><target dev='t1'/></interface>" \
	"</devices></domain>"

static void tell_state(struct inventory *inventory, enum virt_state state)
{
	const struct virt_domain domain = { .uuid = TEXT(VM),
		.name = TEXT("web"),
		.state = state,
		.vcpus = 2,
		.memory_mib = 512,
		.xml = state == VIRT_ABSENT ? NULL : TEXT(DOMAIN_XML) };

	inventory_update(inventory, &domain);
}

#define RUNS "device " VM " -- device " HOST " runs-on"
#define NIC  "device " VM " -- mac " MAC " card/" HOST
#define ROOM "device " HOST " capacity"

static void test_inventory(void)
{
	g_autoptr(GHashTable) segments = g_hash_table_new(g_str_hash, g_str_equal);
	const struct virt_host host = { .cpus = 4, .memory_mib = 8000 };
	struct inventory_parts parts = { .host_uuid = HOST, .segments = segments, .seal_key = "" };
	struct inventory *inventory;
	struct bed bed;

	g_hash_table_insert(segments, TEXT("front"), TEXT("br-front"));
	bed_init(&bed);
	parts.report = bed.report;
	inventory = inventory_new(&parts);
	inventory_set_host(inventory, &host);
	tell_state(inventory, VIRT_RUNNING);
	told_flush(&bed.told);
	assert_stands(&bed, RUNS, "<state>running</state>");
	assert_stands(&bed, RUNS, "<seal>none</seal>");
	assert_stands(&bed, NIC, "<tap>t1</tap><segment>front</segment><host>" HOST "</host>");
	g_assert_null(told_find(&bed.told, ROOM)); /* not before every domain was told */
	inventory_settle(inventory, TRUE);
	told_flush(&bed.told);
	assert_stands(&bed, ROOM,
		"<cpus>32</cpus><cpus-used>2</cpus-used><memory-mib>7000"
		"</memory-mib><memory-used-mib>512</memory-used-mib>");
	tell_state(inventory, VIRT_SHUTOFF); /* a definition takes no room and has no tap */
	told_flush(&bed.told);
	assert_stands(&bed, RUNS, "<state>shutoff</state>");
	assert_stands(&bed, ROOM, "<cpus-used>0</cpus-used>");
	g_assert_null(told_find(&bed.told, NIC));
	tell_state(inventory, VIRT_PAUSED);
	lose_session(&bed);
	assert_stands(&bed, RUNS, "<state>paused</state>");
	assert_stands(&bed, NIC, "<tap>t1</tap>");
	/* libvirtd goes and comes back, first with the machine, then without it */
	inventory_settle(inventory, FALSE);
	tell_state(inventory, VIRT_PAUSED);
	inventory_settle(inventory, TRUE);
	told_flush(&bed.told);
	assert_stands(&bed, RUNS, "<state>paused</state>");
	inventory_settle(inventory, FALSE);
	told_flush(&bed.told);
	assert_stands(&bed, RUNS, "<state>paused</state>");
	inventory_settle(inventory, TRUE);
	told_flush(&bed.told);
	g_assert_null(told_find(&bed.told, RUNS));
	g_assert_null(told_find(&bed.told, NIC));
	tell_state(inventory, VIRT_RUNNING);
	told_flush(&bed.told);
	assert_stands(&bed, RUNS, "<state>running</state>");
	tell_state(inventory, VIRT_ABSENT);
	told_flush(&bed.told);
	g_assert_null(told_find(&bed.told, RUNS));
	g_assert_null(told_find(&bed.told, NIC));
	inventory_free(inventory);
	bed_clear(&bed);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/report/facts", test_facts);
	g_test_add_func("/report/card", test_card);
	g_test_add_func("/report/refused", test_refused);
	g_test_add_func("/report/alerts", test_alerts);
	g_test_add_func("/standard/machine", test_standard);
	g_test_add_func("/standard/blocked", test_blocked);
	g_test_add_func("/inventory/told", test_inventory);
	return g_test_run();
}
