/* C155 to C164: the client library, against the real server and against one that says what a test
 * wants; and what is easiest asked through it, C146 and C147. */
#include <string.h>

#include "checks.h"
#include "fakemap.h"
#include "ifmap/engine.h"
#include "sample.h"
#include "waiting.h"

#define SYNC_MS 10000U

/* ---- against the real server */

static const char *const prefixes[] = { "t", SAMPLE_NS, "o",
	"http://www.trustedcomputinggroup.org/2012/IFMAP-OPERATIONAL-METADATA/1", NULL };

static struct ifmap_client *client_of(const struct peer *peer, const char *user)
{
	g_autofree char *ca = server_path(peer->server, "ca.crt");
	const struct ifmap_client_config config = {
		.url = peer->server->url,
		.ca_file = ca,
		.user = user,
		.password = "pw",
		.prefixes = prefixes,
	};
	g_autoptr(GError) error = NULL;
	struct ifmap_client *client = ifmap_client_new(&config, &error);

	g_assert_no_error(error);
	return client;
}

static void update(struct ifmap_client *client, const struct ifmap_id *id, const char *xml)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_meta) meta = ifmap_meta_new(xml, -1, &error);

	g_assert_no_error(error);
	ifmap_publish_update(publish, id, NULL, IFMAP_LIFETIME_SESSION, meta);
	ifmap_client_publish_sync(client, publish, SYNC_MS, &error);
	g_assert_no_error(error);
}

/* The one metadata of the only item, borrowed from the result. */
static const struct ifmap_meta *only_meta(const struct ifmap_result *result)
{
	g_assert_cmpuint(result->items->len, ==, 1);
	const struct ifmap_item *item = g_ptr_array_index(result->items, 0);
	g_assert_cmpuint(item->metas->len, ==, 1);
	return g_ptr_array_index(item->metas, 0);
}

static void test_skew(struct peer *peer)
{
	g_autoptr(ifmap_client) client = client_of(peer, "G");
	g_autoptr(ifmap_id) id = ifmap_id_new_device("clock of D", NULL);
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *text = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	g_autofree char *xml = g_strdup_printf(
		"<o:client-time xmlns:o=\"%s\" ifmap-cardinality=\"singleValue\" "
		"current-timestamp=\"%s\"/>",
		prefixes[3], text);
	g_autoptr(GError) error = NULL;

	update(client, id, xml);
	g_autofree char *filter = g_strdup_printf(
		"o:client-time[@ifmap-publisher-id='%s']", ifmap_client_publisher_id(client));
	const struct ifmap_search search = { .start = id, .result_filter = filter };
	g_autoptr(ifmap_result) result = ifmap_client_search_sync(client, &search, SYNC_MS, &error);
	g_assert_no_error(error);
	const struct ifmap_meta *meta = only_meta(result);
	g_assert_cmpstr(ifmap_meta_text(meta, "@current-timestamp"), ==, text);
	/* Whole seconds were sent, and the request took its time. */
	gint64 sent_us = g_date_time_to_unix(now) * G_USEC_PER_SEC;
	gint64 skew_us = ifmap_meta_timestamp_us(meta) - sent_us;
	gint64 elapsed_us = g_get_real_time() - sent_us;
	g_assert_cmpint(skew_us, >=, 0);
	g_assert_cmpint(skew_us, <=, elapsed_us);
}

static void test_rising(struct peer *peer)
{
	g_autoptr(ifmap_client) client = client_of(peer, "G");
	g_autoptr(ifmap_id) id = ifmap_id_new_device("rising", NULL);
	const struct ifmap_search search = { .start = id };
	gint64 last_us = 0;

	for (int i = 0; i < 20; i++) {
		g_autoptr(GError) error = NULL;
		update(client, id,
			"<t:s xmlns:t=\"" SAMPLE_NS "\" ifmap-cardinality=\"singleValue\"/>");
		g_autoptr(ifmap_result)
			result = ifmap_client_search_sync(client, &search, SYNC_MS, &error);
		g_assert_no_error(error);
		gint64 now_us = ifmap_meta_timestamp_us(only_meta(result));
		g_assert_cmpint(now_us, >=, last_us);
		last_us = now_us;
	}
}

static void test_canonical(struct peer *peer)
{
	static const char *const refused[] = { "ip:10.0.0", "ip:10.0.0.256", "ip:fe80::1::2",
		"ip:", "mac:00:11:22:33:44", "mac:00-11-22-33-44-55",
		"device:", "ar:", "identity:toaster:x", "identity:other:x",
		"identity:hip-hit:2001::1", "x:y" };
	static const struct {
		const char *text, *value;
	} accepted[] = {
		{ "ip:fe80::1", "fe80:0:0:0:0:0:0:1" },
		{ "ip:FE80:0:0:0:0:0:0:1", "fe80:0:0:0:0:0:0:1" },
		{ "mac:00:11:22:AA:BB:CC", "00:11:22:aa:bb:cc" },
		{ "identity:dns-name:A.Example.ORG", "a.example.org" },
	};
	g_autoptr(ifmap_client) client = client_of(peer, "G");

	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(ifmap_id_from_string(refused[i], &error));
		g_assert_nonnull(error);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(accepted); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(ifmap_id) id = ifmap_id_from_string(accepted[i].text, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(ifmap_id_value(id), ==, accepted[i].value);
		const struct ifmap_search search = { .start = id };
		g_autoptr(ifmap_result)
			result = ifmap_client_search_sync(client, &search, SYNC_MS, &error);
		g_assert_no_error(error);
	}
}

/* ---- mirrors against searches */

#define N_IPS       6
#define N_PUBLISHES 60

static const struct ifmap_search views[] = {
	{ .max_depth = 0 },
	{ .max_depth = 1 },
	{ .max_depth = 2, .match_links = "t:one0 or t:many0" },
	{ .max_depth = 3, .result_filter = "t:marker or t:one1 or t:many1[v='1']" },
	{ .max_depth = 2, .match_links = "t:one1", .result_filter = "t:marker or t:one1" },
	{ .max_depth = 10, .terminal_types = "device" },
};

/* One subscription and what it has come to. */
struct watch {
	struct ifmap_mirror *mirror;
	unsigned n_searches;
	unsigned n_lost;
};

static void on_watched(struct ifmap_client *client G_GNUC_UNUSED, const struct ifmap_result *result,
	const GError *error G_GNUC_UNUSED, gpointer data)
{
	struct watch *watch = data;

	watch->n_lost += !result;
	watch->n_searches += result && result->kind == IFMAP_RESULT_SEARCH;
	if (result)
		ifmap_mirror_apply(watch->mirror, result);
}

static void add_random_operation(struct ifmap_publish *publish)
{
	int a = g_test_rand_int_range(1, N_IPS);
	int b = g_test_rand_int_range(1, N_IPS);
	gboolean single = g_test_rand_bit();
	g_autoptr(ifmap_id) left = sample_ip((unsigned)a);
	g_autoptr(ifmap_id) right = a != b ? sample_ip((unsigned)b) : NULL;
	g_autofree char *text = g_strdup_printf("%d", g_test_rand_int_range(0, 3));
	g_autofree char *name = g_strdup_printf(
		"%s%d", single ? "one" : "many", g_test_rand_int_range(0, 2));
	g_autofree char *filter = g_strdup_printf("t:%s", name);
	g_autoptr(ifmap_meta) meta = sample_meta(
		name, single ? IFMAP_SINGLE_VALUE : IFMAP_MULTI_VALUE, NULL, text);
	int kind = g_test_rand_int_range(0, 8);

	if (kind == 0)
		ifmap_publish_delete(publish, left, right, NULL);
	else if (kind <= 2)
		ifmap_publish_delete(publish, left, right, filter);
	else if (kind == 3)
		ifmap_publish_notify(publish, left, right, meta);
	else
		ifmap_publish_update(publish, left, right,
			g_test_rand_bit() ? IFMAP_LIFETIME_SESSION : IFMAP_LIFETIME_FOREVER, meta);
}

static void publish_randomly(struct ifmap_client *client)
{
	struct ifmap_publish *publish = ifmap_publish_new();
	g_autoptr(GError) error = NULL;

	for (int n = g_test_rand_int_range(1, 5); n > 0; n--)
		add_random_operation(publish);
	ifmap_client_publish_sync(client, publish, SYNC_MS, &error);
	g_assert_no_error(error);
}

/* Published last, so what is seen of it is seen after everything before it. */
static void put_marker(struct ifmap_client *client, const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	g_autofree char *xml = g_strdup_printf(
		"<t:marker xmlns:t=\"" SAMPLE_NS
		"\" ifmap-cardinality=\"singleValue\"><v>%s</v></t:marker>",
		text);

	update(client, id, xml);
}

static gboolean has_marker(const struct watch *watch, const char *text)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	const struct ifmap_meta *meta = ifmap_mirror_find(
		watch->mirror, id, NULL, SAMPLE_NS, "marker");

	return meta && g_strcmp0(ifmap_meta_text(meta, "v"), text) == 0;
}

static char *search_text(struct ifmap_client *client, const struct ifmap_search *search)
{
	g_autoptr(ifmap_mirror) fresh = ifmap_mirror_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_result) result = ifmap_client_search_sync(client, search, SYNC_MS, &error);

	g_assert_no_error(error);
	ifmap_mirror_apply(fresh, result);
	return sample_mirror_text(fresh);
}

static void compare(struct ifmap_client *writer, struct watch *watches, const char *marker)
{
	g_autoptr(ifmap_id) start = sample_ip(1);

	put_marker(writer, marker);
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		struct ifmap_search search = views[i];
		search.start = start;
		WAIT_UNTIL(has_marker(&watches[i], marker));
		g_autofree char *wanted = search_text(writer, &search);
		g_autofree char *got = sample_mirror_text(watches[i].mirror);
		g_assert_cmpstr(got, ==, wanted);
	}
}

/* Six subscriptions of one client, two writers, one of which comes and goes. */
static void run_mirrors(struct peer *peer, unsigned step_of_comparison)
{
	g_autoptr(ifmap_client) reader = client_of(peer, "G");
	g_autoptr(ifmap_client) writer = client_of(peer, "E");
	struct ifmap_client *guest = client_of(peer, "F");
	g_autoptr(ifmap_id) start = sample_ip(1);
	struct watch watches[G_N_ELEMENTS(views)] = { 0 };
	g_autoptr(GError) error = NULL;

	ifmap_client_start(reader, NULL, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		g_autofree char *name = g_strdup_printf("view %zu", i);
		struct ifmap_search search = views[i];
		search.start = start;
		watches[i].mirror = ifmap_mirror_new();
		ifmap_client_subscribe(reader, name, &search, on_watched, &watches[i]);
	}
	for (unsigned step = 1; step <= N_PUBLISHES; step++) {
		publish_randomly(step % 2 ? writer : guest);
		if (step % 20 == 0) {
			ifmap_client_free(guest);
			guest = client_of(peer, "F");
		}
		g_autofree char *marker = g_strdup_printf("%u", step);
		if (step % step_of_comparison == 0)
			compare(writer, watches, marker);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		g_assert_cmpuint(watches[i].n_searches, ==, 1);
		g_assert_cmpuint(watches[i].n_lost, ==, 0);
		ifmap_mirror_free(watches[i].mirror);
	}
	ifmap_client_purge_sync(guest, NULL, SYNC_MS, &error);
	g_assert_no_error(error);
	ifmap_client_purge_sync(writer, NULL, SYNC_MS, &error);
	g_assert_no_error(error);
	ifmap_client_free(guest);
}

static void test_mirror(struct peer *peer)
{
	run_mirrors(peer, 6);
}

/* All changes are added up before anybody looks. */
static void test_deltas(struct peer *peer)
{
	run_mirrors(peer, N_PUBLISHES);
}

/* ---- against a server that obeys */

struct bed {
	struct fake_map *map;
	struct ifmap_client *client;
	GPtrArray *items; /* "kind a [b] metas", of what came */
	unsigned n_up;
	unsigned n_lost;
};

static void on_state(struct ifmap_client *client G_GNUC_UNUSED, enum ifmap_client_state state,
	const GError *why G_GNUC_UNUSED, gpointer data)
{
	((struct bed *)data)->n_up += state == IFMAP_CLIENT_UP;
}

static void on_result(struct ifmap_client *client G_GNUC_UNUSED, const struct ifmap_result *result,
	const GError *error G_GNUC_UNUSED, gpointer data)
{
	struct bed *bed = data;

	bed->n_lost += !result;
	for (guint i = 0; result && i < result->items->len; i++) {
		const struct ifmap_item *item = g_ptr_array_index(result->items, i);
		g_ptr_array_add(bed->items,
			g_strdup_printf("%c %s %s %u", "SUDN"[result->kind],
				ifmap_id_value(item->a), item -> b ? ifmap_id_value(item->b) : "-",
				item->metas->len));
	}
}

static void bed_init(struct bed *bed, enum fake_manner manner)
{
	*bed = (struct bed){ .map = fake_map_new(manner) };
	bed->items = g_ptr_array_new_with_free_func(g_free);
	const struct ifmap_client_config config = {
		.url = fake_server_url(fake_map_server(bed->map)),
		.ca_file = fake_server_ca_file(fake_map_server(bed->map)),
		.user = "u",
		.password = "p",
		.prefixes = prefixes,
	};
	g_autoptr(GError) error = NULL;
	bed->client = ifmap_client_new(&config, &error);
	g_assert_no_error(error);
}

static void bed_clear(struct bed *bed)
{
	ifmap_client_free(bed->client);
	fake_map_free(bed->map);
	g_ptr_array_unref(bed->items);
}

#define IP1           "<ip-address value=\"10.0.0.1\" type=\"IPv4\"/>"
#define IP2           "<ip-address value=\"10.0.0.2\" type=\"IPv4\"/>"
#define ITEM(content) "<resultItem>" content "</resultItem>"
#define RESULT(kind, items) \
	"<pollResult><" kind "Result name=\"%s\">" items "</" kind "Result></pollResult>"
#define T_ONE                                                                 \
	"<t:one xmlns:t=\"" SAMPLE_NS "\" ifmap-cardinality=\"singleValue\" " \
	"ifmap-publisher-id=\"p\" ifmap-timestamp=\"2026-01-01T00:00:00Z\"><v>1</v></t:one>"

/* Starts the client, subscribes, and lets the initial result come. */
static void bed_subscribe(struct bed *bed)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	const struct ifmap_search search = { .start = id, .result_filter = "t:one" };

	ifmap_client_start(bed->client, on_state, bed);
	ifmap_client_subscribe(bed->client, "watch", &search, on_result, bed);
	fake_map_push(bed->map, RESULT("search", ITEM(IP1)));
	WAIT_UNTIL(bed->items->len == 1);
}

static void bed_search(struct bed *bed)
{
	g_autoptr(ifmap_id) id = sample_ip(1);
	const struct ifmap_search search = { .start = id };
	g_autoptr(GError) error = NULL;
	g_autoptr(ifmap_result)
		result = ifmap_client_search_sync(bed->client, &search, SYNC_MS, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(result->items->len, >, 0);
}

static void test_channels(struct peer *peer G_GNUC_UNUSED)
{
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	bed_subscribe(&bed);
	for (int i = 0; i < 3; i++) {
		bed_search(&bed);
		fake_map_push(
			bed.map, RESULT("update", ITEM(IP1 "<metadata>" T_ONE "</metadata>")));
		WAIT_UNTIL(bed.items->len == (guint)i + 2);
	}
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_MIXED), ==, 0);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_POLLS_AT_ONCE), ==, 1);
	bed_clear(&bed);
}

static void serve_in(enum fake_manner manner)
{
	struct bed bed;

	g_test_message("manner %d", (int)manner);
	bed_init(&bed, manner);
	bed_subscribe(&bed);
	bed_search(&bed);
	bed_clear(&bed);
}

static void test_names(struct peer *peer G_GNUC_UNUSED)
{
	serve_in(FAKE_ODD_NAMES);
}

static void test_manners(struct peer *peer G_GNUC_UNUSED)
{
	static const enum fake_manner manners[] = { FAKE_NO_REASON, FAKE_HEAD_APART, FAKE_CHUNKED,
		FAKE_CHUNKED_GZIP, FAKE_GZIP, FAKE_LOWER_CASE };

	for (size_t i = 0; i < G_N_ELEMENTS(manners); i++)
		serve_in(manners[i]);
}

static void test_odd_results(struct peer *peer G_GNUC_UNUSED)
{
	static const char *const wanted[] = { "S 10.0.0.1 - 0", "U 10.0.0.1 - 0", "U 10.0.0.1 - 1",
		"U 10.0.0.2 10.0.0.1 1", "U 10.0.0.1 10.0.0.2 1" };
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	bed_subscribe(&bed);
	fake_map_push(bed.map,
		RESULT("update", ITEM(IP1 "<metadata/>") ITEM(IP1 "<metadata>" T_ONE "</metadata>")
					 ITEM(IP2 IP1 "<metadata>" T_ONE "</metadata>")
						 ITEM(IP1 IP2 "<metadata>" T_ONE "</metadata>")));
	WAIT_UNTIL(bed.items->len == G_N_ELEMENTS(wanted));
	for (guint i = 0; i < bed.items->len; i++)
		g_assert_cmpstr(g_ptr_array_index(bed.items, i), ==, wanted[i]);
	fake_map_push(bed.map,
		"<pollResult><errorResult errorCode=\"SearchResultsTooBig\" name=\"%s\"/></pollResult>");
	WAIT_UNTIL(bed.n_lost == 1);
	bed_clear(&bed);
}

static void recover_from(const char *content, unsigned n_sessions)
{
	struct bed bed;

	g_test_message("%s", content);
	bed_init(&bed, FAKE_PLAIN);
	bed_subscribe(&bed);
	fake_map_push(bed.map, content);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_SUBSCRIBES) == 2);
	fake_map_push(bed.map, RESULT("search", ITEM(IP2)));
	WAIT_UNTIL(bed.items->len == 2);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, n_sessions);
	bed_clear(&bed);
}

static void test_recovery(struct peer *peer G_GNUC_UNUSED)
{
	recover_from(
		"<errorResult errorCode=\"PollResultsTooBig\"><errorString>x</errorString></errorResult>",
		1);
	recover_from("<endSessionResult/>", 2);
	recover_from(
		"<errorResult errorCode=\"InvalidSessionID\"><errorString>x</errorString></errorResult>",
		2);
}

/* A server that closes each connection: nothing but renewals keeps the session. */
static void test_renewals(struct peer *peer G_GNUC_UNUSED)
{
	struct bed bed;

	bed_init(&bed, FAKE_CLOSING);
	ifmap_client_set_renewal(bed.client, 5 * G_TIME_SPAN_MILLISECOND);
	ifmap_client_start(bed.client, on_state, &bed);
	WAIT_UNTIL(fake_map_count(bed.map, FAKE_RENEWALS) >= 3);
	g_assert_cmpuint(fake_map_count(bed.map, FAKE_SESSIONS), ==, 1);
	g_assert_cmpint(IFMAP_RENEW_US, <, 180 * G_TIME_SPAN_SECOND);
	bed_clear(&bed);
}

static void test_prefixes(struct peer *peer G_GNUC_UNUSED)
{
	struct bed bed;

	bed_init(&bed, FAKE_PLAIN);
	bed_subscribe(&bed);
	g_autofree char *body = fake_map_last(bed.map, "<ifmap:subscribe");
	g_assert_nonnull(strstr(body, "result-filter=\"t:one\""));
	g_assert_nonnull(strstr(body, "xmlns:t=\"" SAMPLE_NS "\""));
	g_assert_nonnull(strstr(body, "xmlns:meta=\"" IFMAP_NS_META "\""));
	bed_clear(&bed);
}

static const struct check checks[] = {
	{ "C146 the skew is within what was measured", test_skew },
	{ "C147 timestamps do not run backwards", test_rising },
	{ "C155 identifiers", test_canonical },
	{ "C156 two connections, one poll", test_channels },
	{ "C157 other prefixes, unknown attributes", test_names },
	{ "C158 results of other servers", test_odd_results },
	{ "C159 ways to send an answer", test_manners },
	{ "C160 after the worst", test_recovery },
	{ "C161 renewals", test_renewals },
	{ "C162 prefixes of filters", test_prefixes },
	{ "C163 mirrors equal searches", test_mirror },
	{ "C164 deltas add up", test_deltas },
};

const struct check_group CHECKS_CLIENT = { "client", checks, G_N_ELEMENTS(checks) };
