#include "host/enforce_report.h"

#include "host/enforce_chains.h"

#include <string.h>

/* One kind of refused packet: same rule, same far end, same port. */
struct kind {
	char **words; /* direction, rule, tap: from the log prefix */
	struct enforce_packet packet;
	guint waiting; /* since it was told last */
	gint64 told_us;
};

struct enforce_report {
	enforce_report_func tell;
	gpointer data;
	GHashTable *kinds; /* text → struct kind */
	GHashTable *told;  /* log prefix → number of kinds told since the last tick */
};

static void kind_free(gpointer data)
{
	struct kind *kind = data;

	g_strfreev(kind->words);
	g_free(kind);
}

struct enforce_report *enforce_report_new(enforce_report_func tell, gpointer data)
{
	struct enforce_report *report = g_new0(struct enforce_report, 1);

	report->tell = tell;
	report->data = data;
	report->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, kind_free);
	report->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return report;
}

void enforce_report_free(struct enforce_report *report)
{
	if (!report)
		return;
	g_hash_table_unref(report->kinds);
	g_hash_table_unref(report->told);
	g_free(report);
}

static void tell(struct enforce_report *report, struct kind *kind, guint count, gint64 now_us)
{
	kind->told_us = now_us;
	kind->waiting = 0;
	report->tell(
		kind->words[2], kind->words[0], kind->words[1], &kind->packet, count, report->data);
}

/* Whether another kind of this rule may be told in this interval. */
static gboolean may_tell(struct enforce_report *report, const char *prefix)
{
	guint *n = g_hash_table_lookup(report->told, prefix);

	if (!n) {
		n = g_new0(guint, 1);
		g_hash_table_insert(report->told, g_strdup(prefix), n);
	}
	return (*n)++ < ENFORCE_REPORT_PER_RULE;
}

static struct kind *remember(
	struct enforce_report *report, const char *prefix, const struct enforce_packet *packet)
{
	g_auto(GStrv) words = g_strsplit(prefix + strlen(ENFORCE_LOG_PREFIX), ":", 3);
	g_autofree char *key = g_strdup_printf("%s %s %s %s %u", prefix, packet->source,
		packet->destination, packet->protocol, (guint)packet->port);
	struct kind *kind = g_hash_table_lookup(report->kinds, key);

	if (kind || g_strv_length(words) != 3 ||
		g_hash_table_size(report->kinds) >= ENFORCE_REPORT_KINDS_MAX)
		return kind;
	kind = g_new0(struct kind, 1);
	kind->words = g_steal_pointer(&words);
	kind->packet = *packet;
	g_hash_table_insert(report->kinds, g_steal_pointer(&key), kind);
	return kind;
}

gboolean enforce_report_add(struct enforce_report *report, const char *prefix,
	const struct enforce_packet *packet, gint64 now_us)
{
	struct kind *kind;

	if (!g_str_has_prefix(prefix, ENFORCE_LOG_PREFIX))
		return FALSE;
	kind = remember(report, prefix, packet);
	if (!kind)
		return g_strrstr(prefix, ":") != prefix + strlen(ENFORCE_LOG_PREFIX) - 1;
	if (!kind->told_us && may_tell(report, prefix))
		tell(report, kind, 1, now_us);
	else
		kind->waiting++;
	return TRUE;
}

gboolean enforce_report_tick(struct enforce_report *report, gint64 now_us)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_remove_all(report->told);
	g_hash_table_iter_init(&iter, report->kinds);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct kind *kind = value;
		g_autofree char *prefix = NULL;

		if (kind->told_us && now_us - kind->told_us < ENFORCE_REPORT_INTERVAL_US)
			continue;
		if (!kind->waiting) {
			g_hash_table_iter_remove(&iter);
			continue;
		}
		prefix = g_strdup_printf(ENFORCE_LOG_PREFIX "%s:%s:%s", kind->words[0],
			kind->words[1], kind->words[2]);
		if (may_tell(report, prefix))
			tell(report, kind, kind->waiting, now_us);
		else if (!kind->told_us)
			g_hash_table_iter_remove(&iter);
	}
	return g_hash_table_size(report->kinds) > 0;
}
