#include "map/metrics.h"

#include <string.h>
#include <sys/resource.h>

/* Upper ends of the histogram's buckets; the last is open. */
static const struct {
	gint64 us;
	const char *text; /* seconds */
} buckets[] = {
	{ 100, "0.0001" },
	{ 250, "0.00025" },
	{ 500, "0.0005" },
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 10000, "0.01" },
	{ 50000, "0.05" },
	{ 250000, "0.25" },
	{ 1000000, "1.0" },
	{ G_MAXINT64, "+Inf" },
};

static const char *const operations[MAP_N_OPERATIONS] = {
	[IFMAP_REQUEST_NEW_SESSION] = "newSession",
	[IFMAP_REQUEST_RENEW_SESSION] = "renewSession",
	[IFMAP_REQUEST_END_SESSION] = "endSession",
	[IFMAP_REQUEST_PUBLISH] = "publish",
	[IFMAP_REQUEST_SEARCH] = "search",
	[IFMAP_REQUEST_SUBSCRIBE] = "subscribe",
	[IFMAP_REQUEST_POLL] = "poll",
	[IFMAP_REQUEST_PURGE] = "purgePublisher",
};

static const char *const events[] = {
	[MAP_NOTE_SESSION_BEGUN] = "session-begun",
	[MAP_NOTE_SESSION_ENDED] = "session-ended",
	[MAP_NOTE_SESSION_REPLACED] = "session-replaced",
	[MAP_NOTE_REFUSED] = "refused",
	[MAP_NOTE_OVERFLOW] = "overflow",
	[MAP_NOTE_STORE_FAILED] = "store-failed",
	[MAP_NOTE_THROTTLED] = "throttled",
	[MAP_NOTE_WOULD_REFUSE] = "would-refuse",
};

struct slow {
	char *client;
	enum ifmap_request_type type;
	gint64 at_us; /* wall clock */
	gint64 duration_us;
	size_t size;
};

/* All but the slowest: atomic. */
struct map_metrics {
	guint64 n_requests[MAP_N_OPERATIONS];
	guint64 duration_us[MAP_N_OPERATIONS];
	guint64 histogram[MAP_N_OPERATIONS][G_N_ELEMENTS(buckets)];
	guint64 n_received;
	guint64 n_sent;
	guint64 n_events[G_N_ELEMENTS(events)];
	gint64 started_us; /* wall clock; constant */
	gint64 slow_us;    /* a request that took less is none of the slowest */
	GMutex lock;       /* guards the rest */
	struct slow slowest[MAP_N_SLOWEST];
};

#define ADD(counter, n) ((void)__atomic_fetch_add(&(counter), (n), __ATOMIC_RELAXED))
#define READ(counter)   __atomic_load_n(&(counter), __ATOMIC_RELAXED)

struct map_metrics *map_metrics_new(void)
{
	struct map_metrics *metrics = g_new0(struct map_metrics, 1);

	g_mutex_init(&metrics->lock);
	metrics->started_us = g_get_real_time();
	return metrics;
}

void map_metrics_free(struct map_metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < MAP_N_SLOWEST; i++)
		g_free(metrics->slowest[i].client);
	g_mutex_clear(&metrics->lock);
	g_free(metrics);
}

const char *map_metrics_operation(enum ifmap_request_type type)
{
	return operations[type];
}

/* ---- counting ---- */

/* Takes the place of the quickest, or of one that is too old; what is quicker than all that remain
 * need not ask for the lock next time. */
static void remember_slow(struct map_metrics *metrics, const struct map_observation *seen)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->lock);
	gint64 now_us = g_get_real_time();
	struct slow *place = &metrics->slowest[0];
	gint64 quickest_us = G_MAXINT64;

	for (size_t i = 0; i < MAP_N_SLOWEST; i++) {
		struct slow *slow = &metrics->slowest[i];

		if (now_us - slow->at_us > MAP_SLOWEST_US)
			slow->duration_us = 0;
		if (slow->duration_us < place->duration_us)
			place = slow;
	}
	if (seen->duration_us > place->duration_us) {
		g_free(place->client);
		*place = (struct slow){ g_strdup(seen->client), seen->type, now_us,
			seen->duration_us, seen->n_received };
	}
	for (size_t i = 0; i < MAP_N_SLOWEST; i++)
		quickest_us = MIN(quickest_us, metrics->slowest[i].duration_us);
	__atomic_store_n(&metrics->slow_us, quickest_us, __ATOMIC_RELAXED);
}

void map_metrics_observe(struct map_metrics *metrics, const struct map_observation *seen)
{
	size_t bucket = 0;

	ADD(metrics->n_requests[seen->type], 1);
	ADD(metrics->n_received, seen->n_received);
	ADD(metrics->n_sent, seen->n_sent);
	if (seen->type == IFMAP_REQUEST_POLL)
		return;
	while (seen->duration_us > buckets[bucket].us)
		bucket++;
	ADD(metrics->histogram[seen->type][bucket], 1);
	ADD(metrics->duration_us[seen->type], (guint64)MAX(seen->duration_us, 0));
	if (seen->duration_us > READ(metrics->slow_us))
		remember_slow(metrics, seen);
}

void map_metrics_note(struct map_metrics *metrics, enum map_note note)
{
	ADD(metrics->n_events[note], 1);
}

/* ---- telling ---- */

static void write_head(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# TYPE drover_mapd_%s %s\n# HELP drover_mapd_%s %s\n", name,
		type, name, help);
}

static void write_gauge(GString *out, const char *name, const char *help, guint64 value)
{
	write_head(out, name, "gauge", help);
	g_string_append_printf(out, "drover_mapd_%s %" G_GUINT64_FORMAT "\n", name, value);
}

static void write_counter(GString *out, const char *name, const char *help, guint64 value)
{
	write_head(out, name, "counter", help);
	g_string_append_printf(out, "drover_mapd_%s_total %" G_GUINT64_FORMAT "\n", name, value);
}

static void write_histogram(struct map_metrics *metrics, enum ifmap_request_type type, GString *out)
{
	guint64 n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(buckets); i++) {
		n += READ(metrics->histogram[type][i]);
		g_string_append_printf(out,
			"drover_mapd_request_seconds_bucket{operation=\"%s\",le=\"%s\"} "
			"%" G_GUINT64_FORMAT "\n",
			operations[type], buckets[i].text, n);
	}
	g_string_append_printf(out,
		"drover_mapd_request_seconds_sum{operation=\"%s\"} %" G_GUINT64_FORMAT
		".%06u\ndrover_mapd_request_seconds_count{operation=\"%s\"} %" G_GUINT64_FORMAT
		"\n",
		operations[type], READ(metrics->duration_us[type]) / G_USEC_PER_SEC,
		(unsigned)(READ(metrics->duration_us[type]) % G_USEC_PER_SEC), operations[type], n);
}

static void write_requests(struct map_metrics *metrics, GString *out)
{
	write_head(out, "requests", "counter", "Requests answered.");
	for (size_t i = 0; i < MAP_N_OPERATIONS; i++)
		g_string_append_printf(out,
			"drover_mapd_requests_total{operation=\"%s\"} %" G_GUINT64_FORMAT "\n",
			operations[i], READ(metrics->n_requests[i]));
	write_head(out, "request_seconds", "histogram",
		"From the whole request to the whole answer, polls apart.");
	g_string_append(out, "# UNIT drover_mapd_request_seconds seconds\n");
	for (int type = 0; type < MAP_N_OPERATIONS; type++)
		if (type != IFMAP_REQUEST_POLL)
			write_histogram(metrics, (enum ifmap_request_type)type, out);
	write_head(out, "events", "counter", "What is logged, by DROVER_EVENT.");
	for (size_t i = 0; i < G_N_ELEMENTS(events); i++)
		g_string_append_printf(out,
			"drover_mapd_events_total{event=\"%s\"} %" G_GUINT64_FORMAT "\n", events[i],
			READ(metrics->n_events[i]));
}

static void write_process(const struct map_metrics *metrics, GString *out)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	write_head(out, "cpu_seconds", "counter", "Processor time, user and system.");
	g_string_append_printf(out, "drover_mapd_cpu_seconds_total %.3f\n",
		(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	write_gauge(out, "memory_peak_bytes", "The most memory it ever had.",
		(guint64)usage.ru_maxrss * 1024);
	write_gauge(out, "start_time_seconds", "When it started, since 1970.",
		(guint64)(metrics->started_us / G_USEC_PER_SEC));
}

void map_metrics_write(struct map_metrics *metrics, struct map_engine *engine, GString *out)
{
	struct map_engine_figures figures;

	map_engine_figures(engine, &figures);
	write_head(out, "build", "info", "What runs.");
	g_string_append(out, "drover_mapd_build_info{version=\"" DROVER_VERSION "\"} 1\n");
	write_requests(metrics, out);
	write_counter(out, "received_bytes", "Bodies of requests.", READ(metrics->n_received));
	write_counter(out, "sent_bytes", "Bodies of answers.", READ(metrics->n_sent));
	write_gauge(out, "identifiers", "Identifiers with metadata or links.", figures.n_nodes);
	write_gauge(out, "links", "Links.", figures.n_links);
	write_gauge(out, "metadata", "Metadata that stand.", figures.n_facts);
	write_gauge(out, "sessions", "Sessions.", figures.n_sessions);
	write_gauge(out, "subscriptions", "Subscriptions.", figures.n_subscriptions);
	write_process(metrics, out);
	g_string_append(out, "# EOF\n");
}

static int compare_slow(gconstpointer a, gconstpointer b)
{
	gint64 x = ((const struct slow *)a)->duration_us;
	gint64 y = ((const struct slow *)b)->duration_us;

	return (x < y) - (x > y);
}

static json_t *slowest_json(struct map_metrics *metrics)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&metrics->lock);
	struct slow sorted[MAP_N_SLOWEST];
	gint64 now_us = g_get_real_time();
	json_t *list = json_array();

	memcpy(sorted, metrics->slowest, sizeof(sorted));
	qsort(sorted, MAP_N_SLOWEST, sizeof(sorted[0]), compare_slow);
	for (size_t i = 0; i < MAP_N_SLOWEST; i++)
		if (sorted[i].duration_us > 0 && now_us - sorted[i].at_us <= MAP_SLOWEST_US)
			json_array_append_new(list,
				json_pack("{s:s, s:s, s:I, s:I, s:I}", "client", sorted[i].client,
					"operation", operations[sorted[i].type], "at_ms",
					(json_int_t)(sorted[i].at_us / 1000), "duration_us",
					(json_int_t)sorted[i].duration_us, "bytes",
					(json_int_t)sorted[i].size));
	return list;
}

static json_t *counters_json(struct map_metrics *metrics)
{
	json_t *requests = json_object();
	json_t *noted = json_object();

	for (size_t i = 0; i < MAP_N_OPERATIONS; i++)
		json_object_set_new(requests, operations[i],
			json_integer((json_int_t)READ(metrics->n_requests[i])));
	for (size_t i = 0; i < G_N_ELEMENTS(events); i++)
		json_object_set_new(
			noted, events[i], json_integer((json_int_t)READ(metrics->n_events[i])));
	return json_pack("{s:o, s:o, s:I, s:I}", "requests", requests, "events", noted,
		"received_bytes", (json_int_t)READ(metrics->n_received), "sent_bytes",
		(json_int_t)READ(metrics->n_sent));
}

json_t *map_metrics_top(struct map_metrics *metrics, struct map_engine *engine)
{
	struct map_engine_figures figures;

	map_engine_figures(engine, &figures);
	return json_pack("{s:s, s:I, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:o, s:o}", "version",
		DROVER_VERSION, "started_ms", (json_int_t)(metrics->started_us / 1000), "counters",
		counters_json(metrics), "map", "identifiers", (json_int_t)figures.n_nodes, "links",
		(json_int_t)figures.n_links, "metadata", (json_int_t)figures.n_facts, "sessions",
		(json_int_t)figures.n_sessions, "subscriptions",
		(json_int_t)figures.n_subscriptions, "biggest_subscriptions",
		map_engine_biggest(engine), "slowest_requests", slowest_json(metrics));
}
