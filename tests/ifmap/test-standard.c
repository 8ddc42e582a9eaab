/* Content of standard metadata against its schema (ifmap.md 12, 9.11). */
#include "ifmap/standard.h"

#include <string.h>

#define META(name, content)                                                                     \
	"<meta:" name " xmlns:meta='" IFMAP_NS_META "' ifmap-cardinality='multiValue'>" content \
	"</meta:" name ">"
#define TIME  "<discovered-time>2026-03-01T10:00:00Z</discovered-time>"
#define WHO   "<discoverer-id>x</discoverer-id>"
#define EVENT "<name>n</name>" TIME WHO "<magnitude>0</magnitude><confidence>100</confidence>"
#define PLACE "<location-information type='t' value='v'/>"

static const struct {
	const char *xml;
	const char *wrong; /* part of the sentence; NULL: accepted */
} cases[] = {
	{ META("device-ip", ""), NULL },
	{ META("device-ip", " \n"), NULL },
	{ META("device-ip", "x"), "text" },
	{ META("device-ip", "<name>x</name>"), "name" },
	{ META("capability", "<name>x</name>"), NULL },
	{ META("capability", "\n <name>x</name>\n <administrative-domain/>\n"), NULL },
	{ META("capability", ""), "lacks name" },
	{ META("capability", "<administrative-domain/><name>x</name>"), "administrative-domain" },
	{ META("capability", "<name>x</name><name>y</name>"), "name" },
	{ META("capability", "<name>x</name>y"), "text" },
	{ META("capability", "y<name>x</name>"), "text" },
	{ META("capability", "<meta:name>x</meta:name>"), "name" },
	{ META("capability", "<name><b>x</b></name>"), "inside name" },
	{ META("role", "auditor"), "text" },
	{ META("role", "<administrative-domain>a</administrative-domain><name>x</name>"), NULL },
	{ META("role", "<name>x</name><administrative-domain>a</administrative-domain>"),
		"administrative-domain" },
	{ META("enforcement-report", "<enforcement-action>block</enforcement-action>"), NULL },
	{ META("enforcement-report", "<enforcement-action>bloc</enforcement-action>"),
		"enforcement-action" },
	{ META("event", EVENT "<significance>important</significance>"), NULL },
	{ META("event", EVENT "<significance>important</significance><type>cve</type>"), NULL },
	{ META("event", EVENT "<significance>important</significance><type>pest</type>"), "type" },
	{ META("event", EVENT "<significance>high</significance>"), "significance" },
	{ META("event", EVENT), "lacks significance" },
	{ META("event", "<name>n</name>" TIME WHO "<magnitude>101</magnitude>"), "magnitude" },
	{ META("event", "<name>n</name>" TIME WHO "<magnitude>-1</magnitude>"), "magnitude" },
	{ META("ip-mac", ""), NULL },
	{ META("ip-mac", "<start-time>2026-03-01T10:00:00.5+01:00</start-time>"), NULL },
	{ META("ip-mac", "<start-time> 2026-03-01T10:00:00 </start-time>"), NULL },
	{ META("ip-mac", "<start-time>20260301T100000Z</start-time>"), "start-time" },
	{ META("ip-mac", "<start-time>2026-03-01</start-time>"), "start-time" },
	{ META("ip-mac", "<end-time>2026-13-01T10:00:00Z</end-time>"), "end-time" },
	{ META("layer2-information", "<vlan>7</vlan><vlan-name>red</vlan-name><port>-1</port>"),
		NULL },
	{ META("layer2-information", "<vlan>red</vlan>"), "vlan" },
	{ META("layer2-information", "<vlan></vlan>"), "vlan" },
	{ META("location", PLACE PLACE TIME WHO), NULL },
	{ META("location", TIME WHO), "discovered-time" },
	{ META("location", PLACE TIME PLACE WHO), "location-information" },
	{ META("location", "<location-information type='t'/>" TIME WHO), "attribute value" },
	{ META("location", "<location-information type='t' value='v'>x</location-information>"),
		"location-information" },
	{ META("request-for-investigation", ""), NULL },
	{ META("wlan-information", "<ssid-unicast-security>ccmp</ssid-unicast-security>"
				   "<ssid-group-security>tkip</ssid-group-security>"
				   "<ssid-management-security>bip</ssid-management-security>"
				   "<ssid-management-security>open</ssid-management-security>"),
		NULL },
	{ META("wlan-information", "<ssid-unicast-security>ccmp</ssid-unicast-security>"),
		"lacks ssid-group-security" },
	{ META("of-tomorrow", "whatever"), NULL },
	{ "<x:role xmlns:x='urn:x' ifmap-cardinality='singleValue'>auditor</x:role>", NULL },
};

static void test_cases(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_meta) meta = ifmap_meta_new(cases[i].xml, -1, &error);

		g_assert_no_error(error);
		g_test_message("%s", cases[i].xml);
		g_assert_true(ifmap_standard_check(meta, &error) == !cases[i].wrong);
		if (!cases[i].wrong)
			continue;
		g_assert_error(error, IFMAP_ERROR, IFMAP_ERROR_INVALID_METADATA);
		g_test_message("%s", error->message);
		g_assert_nonnull(strstr(error->message, cases[i].wrong));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ifmap/standard/cases", test_cases);
	return g_test_run();
}
