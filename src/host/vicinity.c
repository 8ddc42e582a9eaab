#include "host/vicinity.h"

static void report_segments(
	struct report *report, const struct netwatch *netwatch, GHashTable *segments)
{
	GHashTableIter iter;
	gpointer segment;
	gpointer bridge;

	g_hash_table_iter_init(&iter, segments);
	while (g_hash_table_iter_next(&iter, &segment, &bridge)) {
		const struct netwatch_link *link = netwatch_find(netwatch, bridge);
		struct facts_segment_present fact = {
			.bridge = bridge, .up = link && link->up, .mtu = link ? link->mtu : 0
		};

		report_segment(report, segment, link && link->up ? &fact : NULL);
	}
}

static void report_uplinks(
	struct report *report, const struct netwatch *netwatch, GHashTable *uplinks)
{
	GHashTableIter iter;
	gpointer device;
	gpointer plugged;

	g_hash_table_iter_init(&iter, uplinks);
	while (g_hash_table_iter_next(&iter, &device, &plugged)) {
		const struct netwatch_link *link = netwatch_find(netwatch, device);
		g_auto(GStrv) words = g_strsplit(plugged, ",", -1);
		struct facts_fabric_link fact = {
			.port = device,
			.up = link && link->up,
			.mtu = link ? link->mtu : 0,
			.risks = words[0] && words[1] ? words + 1 : NULL,
		};

		if (words[0])
			report_uplink(report, g_strstrip(words[0]), link ? &fact : NULL);
	}
}

void vicinity_report(struct report *report, const struct netwatch *netwatch, GHashTable *segments,
	GHashTable *uplinks)
{
	report_segments(report, netwatch, segments);
	report_uplinks(report, netwatch, uplinks);
}
